/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP by the RFCs: what is legal passes, and what is sent blindly harms nobody. */
#include "tcp_lines.h"

/* RFC 2018, RFC 2883, RFC 6675: data out of order, holes, duplicates. */
static void loss_and_selective_acknowledgements(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000 sackok ts=1:0", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 sackok ts=1:1", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 ts=2:1", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=1000 ts=2:2", PASSED},
		/* 6001 is lost before the gateway */
		{OUTSIDE, S "A seq=7001 ack=1001 len=1000 ts=2:2", PASSED},
		{INSIDE, C "A seq=1001 ack=6001 sack=7001-8001", PASSED},
		{OUTSIDE, S "A seq=12193 ack=1001 len=1000", PASSED}, /* to the very end */
		{INSIDE, C "A seq=1001 ack=6001 sack=12193-13193,7001-8001", PASSED},
		{OUTSIDE, S "A seq=6001 ack=1001 len=1000", PASSED},
		{OUTSIDE, S "A seq=6001 ack=1001 len=1000", PASSED}, /* needlessly again */
		{INSIDE, C "A seq=1001 ack=8001 sack=6001-7001,12193-13193", PASSED}, /* D-SACK */
		{INSIDE, C "A seq=1001 ack=6001 sack=12193-13193", PASSED}, /* overtaken */
		{OUTSIDE, S "A seq=8001 ack=1001 len=1400", PASSED},
		{INSIDE, C "A seq=1001 ack=13193", PASSED},
	};

	PLAY_FRESH(lines);
}

/* RFC 9293 sections 3.8.4, 3.8.6.1 and 3.8.6: keep-alive segments, probes, windows that shrink. */
static void probes_and_windows(void **state)
{
	static const struct line keep_alive[] = {
		HANDSHAKE,
		{INSIDE, C "A seq=1000 ack=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001", PASSED},
		{OUTSIDE, S "A seq=5000 ack=1001 len=1", PASSED}, /* with one old byte */
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
	};
	static const struct line closed_window[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=5001 ack=1001 len=1400", PASSED},
		{INSIDE, C "A seq=1001 ack=6401 win=0", PASSED},
		/* what was in flight is inside of the old window */
		{OUTSIDE, S "A seq=12193 ack=1001 len=1000", PASSED},
		{INSIDE, C "A seq=1001 ack=13193 win=0", PASSED},
		{OUTSIDE, S "A seq=13193 ack=1001 len=1", PASSED}, /* probe with a byte */
		{INSIDE, C "A seq=1001 ack=13193 win=0", PASSED},  /* not taken */
		{OUTSIDE, S "A seq=13192 ack=1001", PASSED},	   /* probe without */
		{OUTSIDE, S "A seq=13194 ack=1001", PASSED},	   /* after the first one */
		{OUTSIDE, S "A seq=13195 ack=1001 len=1", D(TCP_INVALID)},
		{INSIDE, C "A seq=1001 ack=13193 win=5000", PASSED},
		{OUTSIDE, S "A seq=13193 ack=1001 len=1400", PASSED},
	};
	static const struct line fin_into_a_full_window[] = {
		HANDSHAKE,
		{INSIDE, C "FA seq=7993 ack=5001 len=1200", PASSED},
		{INSIDE, C "A seq=9194 ack=5001", PASSED},
		{INSIDE, C "A seq=9195 ack=5001", D(TCP_INVALID)},
	};

	PLAY_FRESH(keep_alive);
	PLAY_FRESH(closed_window);
	PLAY_FRESH(fin_into_a_full_window);
}

/* RFC 9293 section 3.8.5 (urgent data) and RFC 7323 (time stamps on every segment). */
static void urgent_data_and_time_stamps(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000 mss=1460 sackok ts=1:0 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 mss=1460 sackok ts=9:1 ws=7", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 ts=2:9", PASSED},
		{INSIDE, C "PAU seq=1001 ack=5001 len=1 ts=2:9", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1002 ts=9:2", PASSED},
		{INSIDE, C "FAU seq=1002 ack=5001 len=5 ts=2:9", PASSED},
	};

	PLAY_FRESH(lines);
}

/* RFC 7413: a SYN with data, which the SYN-ACK acknowledges, in part or not at all. */
static void data_in_the_syn(void **state)
{
	static const struct line taken[] = {
		{INSIDE, C "S seq=1000 tfo=0102030405060708 len=600", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1601", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1601 len=1400", PASSED}, /* before it is answered */
		{INSIDE, C "A seq=1601 ack=5001", PASSED},
	};
	static const struct line refused[] = {
		{INSIDE, C "S seq=1000 tfo=0102030405060708 len=600", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=10", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 win=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1011 win=600", PASSED},
		{INSIDE, C "A seq=1011 ack=5001 len=590", PASSED},
	};
	static const struct line given_up[] = {
		{INSIDE, C "S seq=1000 ws=7 tfo=0102030405060708 len=600", PASSED},
		{INSIDE, C "S seq=1000", PASSED}, /* plain, after a time-out */
		/* the first one arrived in spite of all */
		{OUTSIDE, S "SA seq=5000 ack=1601 ws=7 win=1000", PASSED},
		{INSIDE, C "A seq=1601 ack=5001 win=1000", PASSED},
		{OUTSIDE, S "A seq=133001 ack=1601", PASSED},
	};
	static const struct line beyond[] = {
		{INSIDE, C "S seq=1000 len=600", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1602", D(TCP_INVALID)},
		{OUTSIDE, S "SA seq=5000 ack=1000", D(TCP_INVALID)},
	};

	PLAY_FRESH(taken);
	PLAY_FRESH(refused);
	PLAY_FRESH(given_up);
	PLAY_FRESH(beyond);
}

/* RFC 7323 section 2.2: the window of a SYN is never scaled, that of its repetition neither. */
static void windows_of_syns_are_not_scaled(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000 win=1000 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=1000 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=1000 ws=7", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=8", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=1000 ws=7", PASSED},
		{INSIDE, C "A seq=2001 ack=5001", PASSED},
		{INSIDE, C "A seq=2002 ack=5001", D(TCP_INVALID)},
	};
	/* RFC 7323 section 2.3: a scale above 14 is 14 */
	static const struct line large[] = {
		{INSIDE, C "S seq=1000 ws=15", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 ws=0", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=1", PASSED},
		{OUTSIDE, S "A seq=21385 ack=1001", PASSED},
		{OUTSIDE, S "A seq=21386 ack=1001", D(TCP_INVALID)},
	};
	/* section 1.3: the answer must not offer what was not offered */
	static const struct line unasked[] = {
		{INSIDE, C "S seq=1000 win=1000", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=1000 ws=7", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=1000", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 win=1000", PASSED},
		{INSIDE, C "A seq=2001 ack=5001 win=1000", PASSED},
		{INSIDE, C "A seq=2002 ack=5001 win=1000", D(TCP_INVALID)},
	};

	PLAY_FRESH(lines);
	PLAY_FRESH(large);
	PLAY_FRESH(unasked);
}

/* RFC 9293 section 3.5: of two SYN-ACKs to one SYN the client takes either. */
static void another_syn_ack(void **state)
{
	static const struct line second[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED}, /* lost */
		{OUTSIDE, S "SA seq=900000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=900001", PASSED},
		{OUTSIDE, S "A seq=900001 ack=1001 len=1000", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=1000", D(TCP_INVALID)},
	};
	static const struct line first[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{OUTSIDE, S "SA seq=900000 ack=1001", PASSED},
		{OUTSIDE, S "SA seq=700000 ack=1002", D(TCP_INVALID)},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=1000", PASSED},
	};

	PLAY_FRESH(second);
	PLAY_FRESH(first);
}

/* RFC 9293 section 3.5, figure 7; a SYN that only pretends to be the other half harms nothing. */
static void simultaneous_open(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000 ws=7", PASSED},
		{OUTSIDE, S "S seq=5000 ws=2", PASSED},
		{INSIDE, C "SA seq=1000 ack=5001 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 ws=2", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=1000", PASSED},
		{OUTSIDE, S "A seq=133001 ack=1001", PASSED},
		{OUTSIDE, S "A seq=133002 ack=1001", D(TCP_INVALID)},
	};
	static const struct line blind[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "S seq=777777", PASSED},
		{INSIDE, C "SA seq=1000 ack=777777", D(TCP_INVALID)},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=100", PASSED},
	};

	PLAY_FRESH(lines);
	PLAY_FRESH(blind);
}

/* RFC 5961 section 4: a SYN replaces nothing, whatever state it meets. */
static void blind_syns(void **state)
{
	static const struct line opening[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{INSIDE, C "S seq=555555", PASSED}, /* somebody else's */
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "S seq=666666", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{INSIDE, C "S seq=777777", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001", PASSED}, /* the challenge */
		{INSIDE, C "A seq=1001 ack=5001 len=100", PASSED},
	};
	static const struct line closed[] = {
		HANDSHAKE,
		{INSIDE, C "FA seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "FA seq=5001 ack=1002", PASSED},
		{INSIDE, C "A seq=1002 ack=5002", PASSED},
		/* below the old numbers: it is passed on, and the old connection stays */
		{INSIDE, C "S seq=500", PASSED},
		{OUTSIDE, S "FA seq=5001 ack=1002", PASSED},
		{INSIDE, C "A seq=1002 ack=5002", PASSED},
		/* the server may know better, by time stamps (RFC 6191) */
		{OUTSIDE, S "SA seq=90000 ack=501", PASSED},
		{INSIDE, C "A seq=501 ack=90001", PASSED},
	};
	static const struct line reused[] = {
		HANDSHAKE,
		{INSIDE, C "FA seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "FA seq=5001 ack=1002", PASSED},
		{INSIDE, C "A seq=1002 ack=5002", PASSED},
		{INSIDE, C "S seq=1002", PASSED},
		{OUTSIDE, S "FA seq=5001 ack=1002", D(TCP_INVALID)}, /* a new one, RFC 9293 3.6.1 */
		{OUTSIDE, S "SA seq=90000 ack=1003", PASSED},
	};
	struct world w;

	PLAY_FRESH(opening);
	PLAY_FRESH(closed);
	world_ready(&w);
	PLAY(&w, reused);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	world_stop(&w);
}

/* The server has forgotten and refuses: the client of a new SYN is told. */
static void a_refused_syn_on_an_old_connection(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "SA seq=500000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=500001", PASSED},
		{INSIDE, C "S seq=800000", PASSED},
		{OUTSIDE, S "RA seq=0 ack=800002", D(TCP_INVALID)},
		{OUTSIDE, S "RA seq=0 ack=800001", PASSED},
		{INSIDE, C "S seq=900000", PASSED},
		{OUTSIDE, S "SA seq=70000 ack=900001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	world_stop(&w);
}

static uint64_t alive_after(struct world *w, enum tg_conn_state state)
{
	w->now += w->config.timeouts.ms[state];
	world_sweep(w);
	return world_stats(w).conn4_used;
}

/*
 * RFC 5961 section 3. A reset in the window passes, because it may be right although segments were
 * lost; only its receiver can tell, and asks. Until the answer is exact the connection lives.
 */
static void inexact_resets(void **state)
{
	/* the data before the reset was lost before the gateway */
	static const struct line lost_before[] = {
		HANDSHAKE, {OUTSIDE, S "R seq=5501", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED}, /* challenge */
		{OUTSIDE, S "R seq=5001", PASSED},	   /* exact */
	};
	/* after the gateway */
	static const struct line lost_behind[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=5001 ack=1001 len=500", PASSED},
		{OUTSIDE, S "R seq=5501", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "R seq=5001", PASSED},
	};
	/* the server has lost everything: its answer has the client's number */
	static const struct line restarted[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=5001 ack=1001 len=500", PASSED},
		{OUTSIDE, S "R seq=5101", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "R seq=5001", PASSED},
	};
	/* blind ones, and neither is what the client told */
	static const struct line blind[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=5001 ack=1001 len=500", PASSED},
		{OUTSIDE, S "R seq=5601", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "R seq=5701", PASSED},
		{INSIDE, C "A seq=1001 ack=5501", PASSED},
		{OUTSIDE, S "R seq=5500", D(TCP_INVALID)},
		{OUTSIDE, S "R seq=13694", D(TCP_INVALID)},
		{OUTSIDE, S "R seq=4294960000", D(TCP_INVALID)},
		/* it goes on, and what the client said before counts no more */
		{OUTSIDE, S "A seq=5501 ack=1001 len=500", PASSED},
		{OUTSIDE, S "R seq=5501", PASSED},
		{INSIDE, C "A seq=1001 ack=6001", PASSED},
	};
	/* what a reset acknowledges is not looked at, RFC 9293 section 3.10.7.4 */
	static const struct line broken_ack[] = {
		HANDSHAKE,
		{OUTSIDE, S "RA seq=5001 ack=0", PASSED},
	};
	static const struct {
		const struct line *lines;
		size_t n;
		bool closes;
	} cases[] = {
		{lost_before, sizeof(lost_before) / sizeof(*lost_before), true},
		{lost_behind, sizeof(lost_behind) / sizeof(*lost_behind), true},
		{restarted, sizeof(restarted) / sizeof(*restarted), true},
		{blind, sizeof(blind) / sizeof(*blind), false},
		{broken_ack, sizeof(broken_ack) / sizeof(*broken_ack), true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		world_ready(&w);
		world_play(&w, cases[i].lines, cases[i].n);
		assert_int_equal(alive_after(&w, TG_CONN_CLOSED), cases[i].closes ? 0 : 1);
		world_stop(&w);
	}
}

/* After a long silence as well: the receiver of a reset has time to ask. */
static void a_reset_gives_time(void **state)
{
	static const struct line open[] = {HANDSHAKE};
	static const struct line reset[] = {
		{OUTSIDE, S "R seq=5001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "R seq=5001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, open);
	w.now += w.config.timeouts.ms[TG_CONN_ESTABLISHED] - 1;
	PLAY(&w, reset);
	world_stop(&w);
}

/* A challenge ACK of what only the server remembers; its answer has the number it gave. */
static void answers_to_challenges(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{INSIDE, C "R seq=88", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=77 ack=88", PASSED},
		{INSIDE, C "R seq=89", D(TCP_INVALID)},
		{INSIDE, C "R seq=88", PASSED},
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
	};

	PLAY_FRESH(lines);
}

/* RFC 5961 section 5: acknowledgements within twice the window below what was sent. */
static void blind_acknowledgements(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "A seq=7793 ack=5001 len=1400", PASSED},
		{OUTSIDE, S "A seq=5001 ack=9193 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=10", PASSED}, /* overtaken */
		{OUTSIDE, S "A seq=5001 ack=4294960105 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=4294960104 len=10", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=5001 ack=9194 len=10", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=5001 ack=2147483648 len=10", D(TCP_INVALID)},
	};

	PLAY_FRESH(lines);
}

/* RFC 9293 section 3.6: each side closes for itself. */
static void ends(void **state)
{
	static const struct line half[] = {
		HANDSHAKE,
		{INSIDE, C "FA seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1002 len=1400", PASSED},
		{INSIDE, C "A seq=1002 ack=6401", PASSED},
	};
	static const struct line both_at_once[] = {
		HANDSHAKE,
		{INSIDE, C "FA seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "FA seq=5001 ack=1001", PASSED},
		{OUTSIDE, S "A seq=5002 ack=1002", PASSED},
		{INSIDE, C "A seq=1002 ack=5002", PASSED},
		{INSIDE, C "S seq=70000", PASSED}, /* only TIME_WAIT lets it begin at once */
		{OUTSIDE, S "A seq=5002 ack=1002", PASSED}, /* challenge */
		{OUTSIDE, S "SA seq=60000 ack=70001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, half);
	assert_int_equal(alive_after(&w, TG_CONN_CLOSING), 1);
	w.now += w.config.timeouts.ms[TG_CONN_FIN_WAIT] - w.config.timeouts.ms[TG_CONN_CLOSING];
	assert_int_equal(
		world_send(&w, OUTSIDE, S "A seq=6401 ack=1002 len=10"), D(TCP_NO_CONNECTION));
	world_stop(&w);

	world_ready(&w);
	PLAY(&w, both_at_once);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	world_stop(&w);
}

/* RFC 9293 sections 3.10.4 and 3.10.7.1: what was sent before may come again, and nothing else. */
static void who_has_ended_says_nothing_new(void **state)
{
	static const struct line closed[] = {
		HANDSHAKE,
		{INSIDE, C "FPA seq=1001 ack=5001 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1012", PASSED},
		{INSIDE, C "A seq=1012 ack=5001 len=1", D(TCP_INVALID)},
		{INSIDE, C "FPA seq=1001 ack=5001 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1012 len=10", PASSED},
		{INSIDE, C "A seq=1012 ack=5011", PASSED},
	};
	static const struct line reset[] = {
		HANDSHAKE,
		{OUTSIDE, S "R seq=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=1", D(TCP_INVALID)},
		{INSIDE, C "A seq=1001 ack=5001 len=10", PASSED},
		{OUTSIDE, S "R seq=5001", PASSED},
	};

	PLAY_FRESH(closed);
	PLAY_FRESH(reset);
}

/* RFC 9293 section 3.10.7.4: a FIN waits for what is missing, and may be a guess. */
static void guessed_fins(void **state)
{
	static const struct line ahead[] = {
		HANDSHAKE,
		{OUTSIDE, S "FA seq=9000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
	};
	static const struct line in_place_of_data[] = {
		HANDSHAKE,
		{OUTSIDE, S "FA seq=6000 ack=1001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=1000", PASSED},
		{INSIDE, C "A seq=1001 ack=6001", PASSED},
		{OUTSIDE, S "A seq=6001 ack=1001 len=1000", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, ahead);
	assert_int_equal(alive_after(&w, TG_CONN_FIN_WAIT), 1);
	world_stop(&w);
	PLAY_FRESH(in_place_of_data);
}

/* Fragments: how long the segment is only the last one tells, which nobody waits for. */
static void fragmented_segments(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 tcp 4000>80 A seq=1001 ack=5001 frag=0+ len=788",
			PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 proto=6 frag=808 len=800", PASSED},
		{OUTSIDE, S "A seq=5001 ack=2589 len=10", PASSED}, /* all of it */
		{INSIDE, C "A seq=2589 ack=5011 len=10", PASSED},
		/* but not what the server has not allowed, and no blind ones */
		{OUTSIDE, S "A seq=5011 ack=12000 len=10", D(TCP_INVALID)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 tcp 4000>80 A seq=99001 ack=5001 frag=0+ len=788",
			D(TCP_INVALID)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 proto=6 frag=808 len=800", D(FRAGMENT_NO_FIRST)},
		{OUTSIDE, S "A seq=99001 ack=2599", D(TCP_INVALID)},
	};

	PLAY_FRESH(lines);
}

/* Both sides are seen: from then on windows count, as if scaled by the most that there is. */
static void what_is_picked_up_becomes_strict(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "A seq=1001 ack=5001 len=100 win=64", PASSED},
		{INSIDE, C "A seq=1101 ack=5001 len=100 win=64", PASSED},
		{OUTSIDE, S "R seq=7000000", D(TCP_INVALID)},
		/* what was sent before is acknowledged, and what was lost before sent again */
		{OUTSIDE, S "A seq=6001 ack=31001 len=100 win=64", PASSED},
		{INSIDE, C "A seq=31001 ack=9001 win=64", PASSED},
		{OUTSIDE, S "A seq=1057577 ack=31001", PASSED},
		{OUTSIDE, S "A seq=1057578 ack=31001", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=900000000 ack=31001 len=10", D(TCP_INVALID)},
		{INSIDE, C "A seq=900000000 ack=9001", D(TCP_INVALID)},
		{INSIDE, C "A seq=31001 ack=900000000", D(TCP_INVALID)},
		{OUTSIDE, S "R seq=1057577", PASSED},
		{INSIDE, C "S seq=77", PASSED},
		{OUTSIDE, S "SA seq=88 ack=78", PASSED},
	};
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = 1000;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, lines);
	world_stop(&w);
}

/* Until the other side has been seen it is half-open: counted, limited and soon forgotten. */
static void what_is_picked_up_may_be_an_invention(void **state)
{
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = 100000;
	world_start(&w);
	world_rules(&w, 0);
	assert_int_equal(world_send(&w, INSIDE, C "A seq=1001 ack=5001"), PASSED);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 1);
	assert_int_equal(alive_after(&w, TG_CONN_SYN_RECV), 0);
	/* and it was no end: it may be picked up again */
	assert_int_equal(world_send(&w, INSIDE, C "A seq=1001 ack=5001"), PASSED);
	assert_int_equal(world_send(&w, OUTSIDE, S "A seq=5001 ack=1001"), PASSED);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	assert_int_equal(alive_after(&w, TG_CONN_SYN_RECV), 1);
	world_stop(&w);
}

int run_tcp_rule_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_and_selective_acknowledgements),
		cmocka_unit_test(probes_and_windows),
		cmocka_unit_test(urgent_data_and_time_stamps),
		cmocka_unit_test(data_in_the_syn),
		cmocka_unit_test(windows_of_syns_are_not_scaled),
		cmocka_unit_test(another_syn_ack),
		cmocka_unit_test(simultaneous_open),
		cmocka_unit_test(blind_syns),
		cmocka_unit_test(a_refused_syn_on_an_old_connection),
		cmocka_unit_test(inexact_resets),
		cmocka_unit_test(a_reset_gives_time),
		cmocka_unit_test(answers_to_challenges),
		cmocka_unit_test(blind_acknowledgements),
		cmocka_unit_test(ends),
		cmocka_unit_test(who_has_ended_says_nothing_new),
		cmocka_unit_test(guessed_fins),
		cmocka_unit_test(fragmented_segments),
		cmocka_unit_test(what_is_picked_up_becomes_strict),
		cmocka_unit_test(what_is_picked_up_may_be_an_invention),
	};

	return cmocka_run_group_tests_name("tcp rules", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments follow their first one, in whatever order the others come. */
#include "tcp_lines.h"
#include "fragment.h"

#include <stdio.h>

#define F4 "10.1.0.1 > 8.8.8.8 id=7 udp 4000>53 "
#define F6 "fd00:1::1 > 2001:db8::8 id=70000 "

static void fragments_follow_the_first(void **state)
{
	static const struct line lines[] = {
		{INSIDE, F4 "frag=0+ len=1472", PASSED},
		{INSIDE, F4 "frag=1480+ len=1480", PASSED},
		{INSIDE, F4 "frag=2960 len=100", PASSED},
		/* complete: forgotten, so the next with that id needs its own first */
		{INSIDE, F4 "frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, F6 "frag=0+ udp 4000>53 len=1000", PASSED},
		{INSIDE, F6 "frag=1008 udp len=100", PASSED},
		{INSIDE, F6 "frag=1008 udp len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, F6 "frag=0+ tcp 4000>80 S len=28", PASSED},
		{INSIDE, F6 "frag=48 tcp len=100", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 icmp type=8 icmpid=1 frag=0+ len=1472", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 icmp frag=1480 len=10", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=10 proto=47 frag=0+ len=1480", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=10 proto=47 frag=1480 len=10", PASSED},
	};

	PLAY_FRESH(lines);
}

static void the_middle_may_come_last(void **state)
{
	static const struct line lines[] = {
		{INSIDE, F4 "frag=0+ len=72", PASSED},
		{INSIDE, F4 "frag=240 len=8", PASSED},
		{INSIDE, F4 "frag=160+ len=80", PASSED},
		{INSIDE, F4 "frag=80+ len=80", PASSED},
		{INSIDE, F4 "frag=240 len=8", D(FRAGMENT_NO_FIRST)},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).fragments_used, 0);
	/* one connection, counted like any other */
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 4);
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, 1);
	world_stop(&w);
}

static void later_ones_alone_are_refused(void **state)
{
	static const struct line lines[] = {
		{INSIDE, F4 "frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, F4 "frag=0+ len=1472", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 tcp frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, "10.1.0.1 > 8.8.4.4 id=7 udp frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE2, F4 "frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, F4 "frag=1480 len=100", PASSED},
	};

	PLAY_FRESH(lines);
}

static void a_denied_first_denies_the_rest(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp 4000>54 frag=0+ len=1472", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp frag=1480 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 tcp 4000>80 A frag=0+ len=28",
			D(TCP_NO_CONNECTION)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 tcp frag=48 len=100", D(FRAGMENT_NO_FIRST)},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	w.now += w.config.fragment_hold_ms;
	world_sweep(&w);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).fragments_used, 0);
	world_stop(&w);
}

static void overlaps_spoil_the_datagram(void **state)
{
	static const struct line lines[] = {
		{INSIDE, F4 "frag=0+ len=72", PASSED},
		{INSIDE, F4 "frag=72+ len=80", D(FRAGMENT_OVERLAP)},
		{INSIDE, F4 "frag=80+ len=80",
			D(FRAGMENT_OVERLAP)}, /* what would have been right */
		{INSIDE, F4 "frag=0+ len=72", D(FRAGMENT_OVERLAP)},
		/* a second first one */
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp 4000>53 frag=0+ len=72", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp 4000>54 frag=0+ len=72", D(FRAGMENT_OVERLAP)},
		/* two ends */
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 udp 4000>53 frag=0+ len=72", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 udp frag=160 len=10", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 udp frag=240 len=10", D(FRAGMENT_OVERLAP)},
		/* bytes beyond the end */
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=10 udp 4000>53 frag=0+ len=72", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=10 udp frag=240+ len=80", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=10 udp frag=80 len=10", D(FRAGMENT_OVERLAP)},
		{INSIDE, F6 "frag=0+ udp 4000>53 len=72", PASSED},
		{INSIDE, F6 "frag=64 udp len=100", D(FRAGMENT_OVERLAP)},
	};

	PLAY_FRESH(lines);
}

static void a_first_fragment_has_the_whole_header(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 tcp 4000>80 S frag=0+ l4=16", D(FRAGMENT_SHORT)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 tcp 4000>80 S ws=7 frag=0+ l4=16",
			D(FRAGMENT_SHORT)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 sctp 4000>3868 chunk=1 frag=0+ l4=8",
			D(FRAGMENT_SHORT)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=0+ tcp 4000>80 S l4=16",
			D(FRAGMENT_SHORT)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=0+ dst dst udp 4000>53 l4=0 set=63:09",
			D(FRAGMENT_SHORT)}, /* the header chain goes on in the next */
		/* all but the last are multiples of 8; no datagram passes 65,535 bytes */
		{INSIDE, F4 "frag=0+ len=73", D(MALFORMED_L3)},
		{INSIDE, F4 "frag=65528 len=8", D(MALFORMED_L3)},
		{INSIDE, F4 "frag=65528 len=7", D(MALFORMED_L3)},
		{INSIDE, F4 "frag=80", D(MALFORMED_L3)}, /* nothing in it */
		{INSIDE, F6 "frag=65528 udp len=8", D(MALFORMED_L3)},
	};

	PLAY_FRESH(lines);
}

static void atomic_fragments_are_whole(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=0 udp 4000>53 len=10", PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=0 udp 4000>53 len=10", PASSED},
		{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000", PASSED},
	};

	PLAY_FRESH(lines);
}

static void tcp_passes_in_fragments(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=3 tcp 4000>80 A seq=1001 ack=5001 frag=0+ len=28",
			PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=3 tcp frag=48 len=100", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 A seq=5001 ack=1129", PASSED},
	};

	PLAY_FRESH(lines);
}

/* One burst, in which the first fragment is judged after the later one was tied to it. */
static void a_refused_first_refuses_the_rest_of_its_burst(void **state)
{
	static const struct line handshake[] = {
		HANDSHAKE,
	};
	static const char *const forged[] = {
		"10.1.0.1 > 8.8.8.8 id=3 tcp 4000>80 A seq=901001 ack=5001 frag=0+ len=28",
		"10.1.0.1 > 8.8.8.8 id=3 tcp frag=48 len=100",
	};
	struct rte_mbuf *m[2];
	struct packet packet;
	struct world w;

	world_ready(&w);
	PLAY(&w, handshake);
	for (unsigned int i = 0; i < 2; i++) {
		packet_make(&packet, forged[i]);
		m[i] = packet_mbuf(w.pool, &packet);
	}
	assert_int_equal(world_burst(&w, INSIDE, m, 2), 0);
	assert_int_equal(world_drops(&w, TG_DROP_TCP_INVALID), 1);
	assert_int_equal(world_drops(&w, TG_DROP_FRAGMENT_NO_FIRST), 1);
	world_stop(&w);
}

static void the_table_is_bounded_and_times_out(void **state)
{
	struct world w;
	char text[128];
	unsigned int full = 0;

	world_ready(&w);
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 id=%d udp 4000>53 frag=0+ len=72",
			i);
		full += world_send(&w, INSIDE, text) == D(FRAGMENT_TABLE_FULL);
	}
	assert_true(full >= 64 - 16);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).fragments_used, 64 - full);
	assert_true(world_stats(&w).fragments_used <= world_stats(&w).fragments_capacity);
	w.now += w.config.fragment_timeout_ms;
	world_sweep(&w);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).fragments_used, 0);
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=80 len=8"), D(FRAGMENT_NO_FIRST));
	world_stop(&w);
}

/* More pieces apart than are remembered: dropped, the datagram is not spoilt. */
static void pieces_apart_are_bounded(void **state)
{
	struct world w;
	char text[128];

	world_ready(&w);
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=0+ len=72"), PASSED);
	for (int i = 1; i < TG_FRAGMENT_INTERVALS; i++) {
		snprintf(text, sizeof(text), F4 "frag=%d+ len=8", 80 + i * 16);
		assert_int_equal(world_send(&w, INSIDE, text), PASSED);
	}
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=4000+ len=8"), D(FRAGMENT_TABLE_FULL));
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=80+ len=16"), PASSED);
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=4000+ len=8"), PASSED);
	world_stop(&w);
}

static void ready_to_hold(struct world *w, uint32_t workers, uint32_t held)
{
	world_defaults(w);
	w->config.n_workers = workers;
	w->config.fragments_held = held;
	w->config.fragments_max = 4 * held;
	world_start(w);
	world_rules(w, 0);
}

/* Two wait; the first takes them along, wherever it and they came in. */
static void held_ones_follow_the_first(void **state)
{
	for (uint32_t receiver = 0; receiver < WORLD_WORKERS; receiver++) {
		struct rte_mbuf *m;
		struct packet first;
		struct world w;
		unsigned int port;

		ready_to_hold(&w, WORLD_WORKERS, 8);
		w.receiver = (receiver + 1) % WORLD_WORKERS;
		assert_int_equal(world_send(&w, INSIDE, F4 "frag=2960 len=100"), HELD);
		w.receiver = (receiver + 2) % WORLD_WORKERS;
		assert_int_equal(world_send(&w, INSIDE, F4 "frag=1480+ len=1480"), HELD);
		w.receiver = receiver;
		packet_make(&first, F4 "frag=0+ len=1472");
		m = packet_mbuf(w.pool, &first);
		world_feed(&w, INSIDE, &m, 1);
		for (unsigned int n = 0; n < 3; n++) {
			m = world_take(&port);
			assert_non_null(m);
			assert_int_equal(port, OUTSIDE);
			assert_int_equal(n == 0, world_same_bytes(m, &first));
			rte_pktmbuf_free(m);
		}
		assert_null(world_take(&port));
		assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 3);
		world_sweep(&w);
		assert_int_equal(world_stats(&w).fragments_used, 0);
		world_stop(&w);
	}
}

/* No more packets than there is room for, none for longer than is allowed, all of them counted. */
static void what_is_held_is_bounded(void **state)
{
	struct world w;
	char text[128];

	ready_to_hold(&w, 1, 8);
	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 id=%d udp frag=1480 len=8", i);
		assert_int_equal(world_send(&w, INSIDE, text), HELD);
	}
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp frag=1480 len=8"),
		D(FRAGMENT_NO_FIRST));
	assert_int_equal(world_held(&w), 8);
	w.now += w.config.fragment_hold_ms;
	world_sweep(&w);
	assert_int_equal(world_held(&w), 0);
	assert_int_equal(world_stats(&w).fragments_used, 0);
	assert_int_equal(world_drops(&w, TG_DROP_FRAGMENT_NO_FIRST), 9);
	/* there is room again, and what is left at the end is freed: world_stop would notice */
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=1480 len=8"), HELD);
	world_stop(&w);
}

static void one_datagram_does_not_take_all_room(void **state)
{
	struct world w;
	char text[128];

	ready_to_hold(&w, 1, 2 * TG_FRAGMENT_HELD_EACH);
	for (int i = 1; i <= TG_FRAGMENT_HELD_EACH; i++) {
		snprintf(text, sizeof(text), F4 "frag=%d+ len=8", 72 + 8 * i);
		assert_int_equal(world_send(&w, INSIDE, text), HELD);
	}
	assert_int_equal(world_send(&w, INSIDE, F4 "frag=4000+ len=8"), D(FRAGMENT_NO_FIRST));
	assert_int_equal(
		world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp frag=1480 len=8"), HELD);
	world_stop(&w);
}

/* The end of a first fragment lies behind its extension headers. */
static void extension_headers_are_part_of_the_fragment(void **state)
{
	static const struct line lines[] = {
		{INSIDE, F6 "frag=0+ dst udp 4000>53 len=64", PASSED},
		{INSIDE, F6 "frag=72+ udp len=8", D(FRAGMENT_OVERLAP)},
	};

	PLAY_FRESH(lines);
}

int run_fragment_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_follow_the_first),
		cmocka_unit_test(the_middle_may_come_last),
		cmocka_unit_test(later_ones_alone_are_refused),
		cmocka_unit_test(a_denied_first_denies_the_rest),
		cmocka_unit_test(overlaps_spoil_the_datagram),
		cmocka_unit_test(a_first_fragment_has_the_whole_header),
		cmocka_unit_test(atomic_fragments_are_whole),
		cmocka_unit_test(tcp_passes_in_fragments),
		cmocka_unit_test(a_refused_first_refuses_the_rest_of_its_burst),
		cmocka_unit_test(the_table_is_bounded_and_times_out),
		cmocka_unit_test(pieces_apart_are_bounded),
		cmocka_unit_test(held_ones_follow_the_first),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(one_datagram_does_not_take_all_room),
		cmocka_unit_test(extension_headers_are_part_of_the_fragment),
	};

	return cmocka_run_group_tests_name("fragments", tests, NULL, NULL);
}

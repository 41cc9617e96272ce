/* SPDX-License-Identifier: BSD-3-Clause */
/* SCTP by RFC 9260: tags, what opens an association, what ends it, what restarts it. */
#include "tests.h"

#define C "10.1.0.1 > 10.1.0.2 sctp 5000>3868 " /* client to server */
#define S "10.1.0.2 > 10.1.0.1 sctp 3868>5000 " /* server to client */

/* Packets to the server carry 22, to the client 11. */
#define ASSOCIATION                                                               \
	{INSIDE, C "init=11", PASSED}, {OUTSIDE, S "tag=11 init-ack=22", PASSED}, \
		{INSIDE, C "tag=22 cookie-echo", PASSED},                         \
	{                                                                         \
		OUTSIDE, S "tag=11 cookie-ack", PASSED                            \
	}

static void an_init_begins(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "tag=1 data", D(SCTP_NO_ASSOCIATION)},
		{INSIDE, C "tag=1 abort", D(SCTP_NO_ASSOCIATION)},
		{INSIDE, C "tag=1 cookie-echo", D(SCTP_NO_ASSOCIATION)},
		{INSIDE, "10.1.0.1 > 10.1.0.2 sctp 5000>3869 init=11", D(POLICY_EGRESS)},
		ASSOCIATION,
		{OUTSIDE, S "tag=11 sack data", PASSED},
		/* the other side's own association needs its own verdict */
		{OUTSIDE, S "init=22", D(SPOOFED)},
		{INSIDE, C "tag=22 abort", PASSED},
		ASSOCIATION,
	};

	PLAY_FRESH(lines);
}

/* Sections 3.3.2, 3.3.3, 6.10 and 8.5.1 A. */
static void what_must_not_be_sent(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "tag=1 init=11", D(MALFORMED_L4)},
		{INSIDE, C "init=0", D(MALFORMED_L4)},
		{INSIDE, C "init=11 data", D(MALFORMED_L4)},
		{INSIDE, C "data init=11", D(MALFORMED_L4)},
		{INSIDE, C "init=11 init=11", D(MALFORMED_L4)},
		{INSIDE, C "chunk=1", D(MALFORMED_L4)},
		{INSIDE, C "init=11", PASSED},
		{OUTSIDE, S "init-ack=22", D(MALFORMED_L4)},
		{OUTSIDE, S "tag=11 init-ack=0", D(MALFORMED_L4)},
		{OUTSIDE, S "tag=11 init-ack=22 cookie-ack", D(MALFORMED_L4)},
		{OUTSIDE, S "tag=11 abort shutdown-complete", D(MALFORMED_L4)},
		{OUTSIDE, S "tag=11 init-ack=22", PASSED},
		{INSIDE, C "cookie-echo", D(MALFORMED_L4)},
		{INSIDE, C "tag=22 cookie-echo set=48:0003", D(MALFORMED_L4)},
		{INSIDE, C "tag=22 cookie-echo set=48:0028", D(MALFORMED_L4)},
		{INSIDE, C "tag=22 cookie-echo chunk=130 chunk=192", PASSED}, /* unknown ones */
		{INSIDE, C "tag=22 cookie-echo len=3", PASSED},
	};

	PLAY_FRESH(lines);
}

/* Section 8.5: without the tag nothing passes, neither data nor an end. */
static void tags_are_checked(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "init=11", PASSED},
		{INSIDE, C "init=11", PASSED},
		{INSIDE, C "tag=11 cookie-echo", D(SCTP_INVALID)}, /* nobody has answered */
		{OUTSIDE, S "tag=12 init-ack=22", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=12 abort", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 init-ack=22", PASSED},
		{INSIDE, C "tag=22 data", D(SCTP_INVALID)},
		{INSIDE, C "tag=23 cookie-echo", D(SCTP_INVALID)},
		{INSIDE, C "tag=22 cookie-echo", PASSED},
		{OUTSIDE, S "tag=22 cookie-ack", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 cookie-ack", PASSED},
		{INSIDE, C "tag=11 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=12 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=22 heartbeat", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=12 abort", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=22 abort", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 abort-t", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=12 shutdown", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 shutdown-complete", D(SCTP_INVALID)}, /* 8.5.1 C */
		{INSIDE, C "tag=22 data", PASSED},
		/* RFC 4443, 792: errors quote the tag as well */
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / " C "tag=22 data", PASSED},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / " C "tag=23 data", D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / " C "init=11", D(ICMP_UNRELATED)},
	};

	PLAY_FRESH(lines);
}

static void expect_state(struct world *w, enum tg_conn_state state)
{
	world_sweep(w);
	assert_int_equal(world_stats(w).conn4_used, 1);
	w->now += w->config.timeouts.ms[state] - 3; /* a sweep takes one */
	world_sweep(w);
	assert_int_equal(world_stats(w).conn4_used, 1);
	world_sweep(w);
	assert_int_equal(world_stats(w).conn4_used, 0);
}

/* Sections 9.1, 9.2 and 8.5.1: which state each packet leads to. */
static void ends_and_states(void **state)
{
	static const struct line heartbeat[] = {{INSIDE, C "tag=22 heartbeat", PASSED}};
	static const struct line cookie_wait[] = {{INSIDE, C "init=11", PASSED}};
	static const struct line cookie_echoed[] = {{INSIDE, C "init=11", PASSED},
		{OUTSIDE, S "tag=11 init-ack=22", PASSED},
		{INSIDE, C "tag=22 cookie-echo data", PASSED}, {OUTSIDE, S "tag=11 error", PASSED}};
	static const struct line established[] = {ASSOCIATION};
	/* the acknowledgement of the cookie is lost before the gateway */
	static const struct line data[] = {{INSIDE, C "init=11", PASSED},
		{OUTSIDE, S "tag=11 init-ack=22", PASSED}, {INSIDE, C "tag=22 cookie-echo", PASSED},
		{OUTSIDE, S "tag=11 data", PASSED}};
	static const struct line shutdown[] = {ASSOCIATION, {OUTSIDE, S "tag=11 shutdown", PASSED},
		{INSIDE, C "tag=22 data", PASSED}};
	static const struct line shutdown_ack[] = {ASSOCIATION,
		{OUTSIDE, S "tag=11 shutdown", PASSED}, {INSIDE, C "tag=22 shutdown-ack", PASSED},
		{OUTSIDE, S "tag=11 shutdown", PASSED}};
	static const struct line closed[] = {ASSOCIATION, {OUTSIDE, S "tag=11 shutdown", PASSED},
		{INSIDE, C "tag=22 shutdown-ack", PASSED},
		{OUTSIDE, S "tag=11 shutdown-complete", PASSED},
		{INSIDE, C "tag=22 shutdown-ack", PASSED}, /* that was lost */
		{OUTSIDE, S "tag=22 shutdown-complete-t", PASSED}};
	static const struct line aborted[] = {ASSOCIATION, {INSIDE, C "tag=22 data abort", PASSED},
		{OUTSIDE, S "tag=11 data", PASSED}, {INSIDE, C "tag=11 abort-t", PASSED}};
	static const struct line reflected[] = {ASSOCIATION, {OUTSIDE, S "tag=22 abort-t", PASSED}};
	static const struct line refused[] = {
		{INSIDE, C "init=11", PASSED}, {OUTSIDE, S "tag=11 abort", PASSED}};
#define CASE(name, state)                                                    \
	{                                                                    \
		name, sizeof(name) / sizeof((name)[0]), TG_CONN_SCTP_##state \
	}
	static const struct {
		const struct line *lines;
		size_t n;
		enum tg_conn_state state;
	} cases[] = {
		CASE(heartbeat, HEARTBEAT),
		CASE(cookie_wait, COOKIE_WAIT),
		CASE(cookie_echoed, COOKIE_ECHOED),
		CASE(established, ESTABLISHED),
		CASE(data, ESTABLISHED),
		CASE(shutdown, SHUTDOWN),
		CASE(shutdown_ack, SHUTDOWN_ACK),
		CASE(closed, CLOSED),
		CASE(aborted, CLOSED),
		CASE(reflected, CLOSED),
		CASE(refused, CLOSED),
	};
#undef CASE
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		world_ready(&w);
		world_play(&w, cases[i].lines, cases[i].n);
		expect_state(&w, cases[i].state);
		world_stop(&w);
	}
}

/* Sections 5.1.6 and 5.2.6: which of two answers the initiator has taken its cookie tells. */
static void one_of_two_answers(void **state)
{
	for (int later = 0; later < 2; later++) {
		static const struct line lines[] = {
			{INSIDE, C "init=11", PASSED},
			{OUTSIDE, S "tag=11 init-ack=22", PASSED},
			{OUTSIDE, S "tag=11 init-ack=33", PASSED},
		};
		struct world w;

		world_ready(&w);
		PLAY(&w, lines);
		assert_int_equal(world_send(&w, INSIDE, C "tag=44 cookie-echo"), D(SCTP_INVALID));
		assert_int_equal(world_send(&w, INSIDE,
					 later ? C "tag=33 cookie-echo" : C "tag=22 cookie-echo"),
			PASSED);
		assert_int_equal(world_send(&w, OUTSIDE, S "tag=11 cookie-ack"), PASSED);
		assert_int_equal(
			world_send(&w, INSIDE, C "tag=22 data"), later ? D(SCTP_INVALID) : PASSED);
		assert_int_equal(
			world_send(&w, INSIDE, C "tag=33 data"), later ? PASSED : D(SCTP_INVALID));
		world_stop(&w);
	}
}

/* Section 5.2: an INIT alone changes nothing, and only its answered cookie makes an association. */
static void restarts(void **state)
{
	static const struct line blind[] = {
		ASSOCIATION,
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", PASSED},
		{INSIDE, C "tag=22 data", PASSED},
		{OUTSIDE, S "tag=11 sack", PASSED},
		{INSIDE, C "tag=99 cookie-echo", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=78 cookie-ack", D(SCTP_INVALID)},
		{INSIDE, C "init=66", PASSED},
		{OUTSIDE, S "tag=77 cookie-ack", D(SCTP_INVALID)},
		{INSIDE, C "tag=22 data", PASSED},
	};
	static const struct line real[] = {
		ASSOCIATION,
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 init-ack=87", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", PASSED},
		{INSIDE, C "tag=88 data", D(SCTP_INVALID)}, /* not yet */
		{INSIDE, C "tag=87 cookie-echo", PASSED},
		{OUTSIDE, S "tag=77 cookie-ack", PASSED},
		{INSIDE, C "tag=87 data", PASSED},
		{OUTSIDE, S "tag=77 sack", PASSED},
		{INSIDE, C "tag=22 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 data", D(SCTP_INVALID)},
	};
	static const struct line refused[] = {
		ASSOCIATION,
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 abort", PASSED}, /* of the new one only */
		{INSIDE, C "tag=22 data", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", D(SCTP_INVALID)},
	};
	struct world w;

	PLAY_FRESH(blind);
	PLAY_FRESH(refused);
	world_ready(&w);
	PLAY(&w, real);
	assert_int_equal(world_slot(&w, SLOT_OUT_SCTP).connections, 2);
	assert_int_equal(world_stats(&w).conn4_used, 1);
	world_stop(&w);
}

/* A restart is judged anew, and what was judged in another epoch begins nothing. */
static void restarts_are_judged(void **state)
{
	static const struct line open[] = {ASSOCIATION, {INSIDE, C "init=77", PASSED}};
	struct world w;

	world_ready(&w);
	PLAY(&w, open);
	world_remap(&w, "10.1.0.1", CLASS_CLIENT); /* the same again */
	assert_int_equal(world_send(&w, OUTSIDE, S "tag=77 init-ack=88"), D(SCTP_INVALID));
	assert_int_equal(world_send(&w, INSIDE, C "tag=22 data"), PASSED);
	world_remap(&w, "10.1.0.1", CLASS_CLOSED);
	assert_int_equal(world_send(&w, INSIDE, C "init=77"), D(CONN_REVOKED));
	assert_int_equal(world_send(&w, INSIDE, C "init=77"), D(POLICY_EGRESS));
	world_stop(&w);
}

/* Section 8.5.1 E: the peer is still shutting down what only it remembers. */
static void an_old_shutdown_is_completed(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "init=11", PASSED},
		{INSIDE, C "tag=55 shutdown-complete-t", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=55 shutdown-ack", PASSED},
		{INSIDE, C "tag=56 shutdown-complete-t", D(SCTP_INVALID)},
		{INSIDE, C "tag=55 shutdown-complete", D(SCTP_INVALID)},
		{INSIDE, C "tag=55 shutdown-complete-t", PASSED},
		{INSIDE, C "init=11", PASSED},
		{OUTSIDE, S "tag=11 init-ack=22", PASSED},
	};
	/* and when the gateway remembers it, the next INIT begins a new one */
	static const struct line remembered[] = {
		ASSOCIATION,
		{OUTSIDE, S "tag=11 shutdown", PASSED},
		{INSIDE, C "tag=22 shutdown-ack", PASSED},
		{OUTSIDE, S "init=77", D(SPOOFED)},
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=11 shutdown", PASSED},
		{INSIDE, C "tag=11 shutdown-complete-t", PASSED},
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", PASSED},
	};

	PLAY_FRESH(lines);
	PLAY_FRESH(remembered);
}

/* Sections 5.4 and 8.3: a path is probed before it is used; so it comes back after a start. */
static void a_heartbeat_opens_a_path(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "tag=22 heartbeat data", D(SCTP_NO_ASSOCIATION)},
		{INSIDE, C "tag=99 heartbeat", PASSED}, /* a guess */
		{INSIDE, C "tag=22 heartbeat", PASSED},
		{INSIDE, C "tag=22 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 data", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=11 heartbeat-ack", PASSED},
		{INSIDE, C "tag=22 data", PASSED},
		{OUTSIDE, S "tag=11 sack data", PASSED},
		{OUTSIDE, S "tag=12 data", D(SCTP_INVALID)},
		/* one more may be believed, and takes the place of nothing that is used */
		{INSIDE, C "tag=98 heartbeat", PASSED},
		{INSIDE, C "tag=97 data", D(SCTP_INVALID)},
		{INSIDE, C "tag=22 data", PASSED},
		{OUTSIDE, S "tag=22 abort-t", PASSED},
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", PASSED},
	};
	static const struct line unknown[] = {
		{INSIDE, C "tag=22 heartbeat", PASSED},
		{OUTSIDE, S "tag=23 abort-t", D(SCTP_INVALID)},
		{OUTSIDE, S "tag=22 abort-t", PASSED},
		{INSIDE, C "init=77", PASSED},
		{OUTSIDE, S "tag=77 init-ack=88", PASSED},
	};

	PLAY_FRESH(lines);
	PLAY_FRESH(unknown);
}

int run_sctp_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_init_begins),
		cmocka_unit_test(what_must_not_be_sent),
		cmocka_unit_test(tags_are_checked),
		cmocka_unit_test(ends_and_states),
		cmocka_unit_test(one_of_two_answers),
		cmocka_unit_test(restarts),
		cmocka_unit_test(restarts_are_judged),
		cmocka_unit_test(an_old_shutdown_is_completed),
		cmocka_unit_test(a_heartbeat_opens_a_path),
	};

	return cmocka_run_group_tests_name("sctp", tests, NULL, NULL);
}

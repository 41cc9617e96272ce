/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP: handshakes, windows, ends and beginnings. */
#include "tcp_lines.h"

static void only_a_syn_begins(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "A seq=1 ack=1", D(TCP_NO_CONNECTION)},
		{INSIDE, C "SA seq=1 ack=1", D(TCP_NO_CONNECTION)},
		{INSIDE, C "R seq=1", D(TCP_NO_CONNECTION)},
		{INSIDE, C "FA seq=1 ack=1", D(TCP_NO_CONNECTION)},
		{OUTSIDE, S "SA seq=1 ack=1", D(TCP_NO_CONNECTION)},
		{OUTSIDE, S "S seq=1", D(POLICY_INGRESS)},
		{INSIDE, C "S seq=1 len=10", PASSED},
	};

	PLAY_FRESH(lines);
}

static void impossible_flags_are_refused(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "SF seq=1", D(TCP_INVALID)},
		{INSIDE, C "SR seq=1", D(TCP_INVALID)},
		{INSIDE, C "FR seq=1", D(TCP_INVALID)},
		{INSIDE, C "F seq=1", D(TCP_INVALID)},
		{INSIDE, C "FPU seq=1", D(TCP_INVALID)},
		{INSIDE, C "seq=1", D(TCP_INVALID)},
		{INSIDE, C "P seq=1", D(TCP_INVALID)},
		{INSIDE, C "FSRPAU seq=1", D(TCP_INVALID)},
		{INSIDE, C "RU seq=1", D(TCP_INVALID)},
	};

	PLAY_FRESH(lines);
}

static void a_connection_lives_and_ends(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "PA seq=1001 ack=5001 len=100", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1101 len=1400", PASSED},
		{OUTSIDE, S "A seq=6401 ack=1101 len=1400", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1101 len=1400", PASSED}, /* again */
		{INSIDE, C "A seq=1101 ack=7801", PASSED},
		{INSIDE, C "A seq=1100 ack=7801", PASSED}, /* keep-alive */
		{INSIDE, C "FA seq=1101 ack=7801", PASSED},
		{OUTSIDE, S "A seq=7801 ack=1102 len=500", PASSED}, /* half-closed */
		{OUTSIDE, S "FA seq=8301 ack=1102", PASSED},
		{INSIDE, C "A seq=1102 ack=8302", PASSED},
		{OUTSIDE, S "FA seq=8301 ack=1102", PASSED}, /* in TIME_WAIT */
		{INSIDE, C "A seq=1102 ack=8302", PASSED},
		/* the same ports again: judged afresh, and a new connection */
		{INSIDE, C "S seq=90000", PASSED},
		{OUTSIDE, S "SA seq=70000 ack=90001", PASSED},
		{INSIDE, C "A seq=90001 ack=70001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).packets, 18);
	assert_int_equal(world_stats(&w).half_open, 0);
	world_stop(&w);
}

static void numbers_outside_the_window_are_refused(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=105001 ack=1001 len=10",
			D(TCP_INVALID)},		    /* beyond what is allowed */
		{OUTSIDE, S "A seq=4000 ack=1001", PASSED}, /* a window behind */
		{INSIDE, C "A seq=4294900000 ack=5001", D(TCP_INVALID)}, /* far behind */
		{OUTSIDE, S "A seq=5001 ack=1002", D(TCP_INVALID)},	 /* never sent */
		{OUTSIDE, S "R seq=500000", D(TCP_INVALID)},
		{OUTSIDE, S "RA seq=500000 ack=1001", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=13193 ack=1001 len=1", PASSED}, /* the last that is allowed */
		{OUTSIDE, S "A seq=13194 ack=1001 len=1", D(TCP_INVALID)},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
	};

	PLAY_FRESH(lines);
}

static void windows_scale_when_both_sides_say_so(void **state)
{
	static const struct line both[] = {
		{INSIDE, C "S seq=1000 win=65535 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001 win=65535 ws=2", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=1000", PASSED}, /* 128,000 bytes */
		{OUTSIDE, S "A seq=133001 ack=1001", PASSED},
		{OUTSIDE, S "A seq=133002 ack=1001", D(TCP_INVALID)},
	};
	static const struct line one[] = {
		{INSIDE, C "S seq=1000 win=1000 ws=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 win=1000", PASSED},
		{OUTSIDE, S "A seq=6001 ack=1001", PASSED},
		{OUTSIDE, S "A seq=6002 ack=1001", D(TCP_INVALID)},
	};

	PLAY_FRESH(both);
	PLAY_FRESH(one);
}

static void numbers_wrap(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=4294967290", PASSED},
		{OUTSIDE, S "SA seq=4294967295 ack=4294967291", PASSED},
		{INSIDE, C "A seq=4294967291 ack=0", PASSED},
		{INSIDE, C "PA seq=4294967291 ack=0 len=100", PASSED},
		{OUTSIDE, S "A seq=0 ack=95 len=1000", PASSED},
		{INSIDE, C "A seq=95 ack=1000", PASSED},
		{INSIDE, C "A seq=95 ack=1001", D(TCP_INVALID)},
	};

	PLAY_FRESH(lines);
}

static void liberal_mode_looks_at_states_only(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{OUTSIDE, S "A seq=900001 ack=77 len=10", PASSED},
		{INSIDE, C "S seq=5", PASSED},
		{OUTSIDE, S "SF seq=5", D(TCP_INVALID)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4001>80 A", D(TCP_NO_CONNECTION)},
	};
	struct world w;

	world_defaults(&w);
	w.config.tcp_liberal = true;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, lines);
	world_stop(&w);
}

static void handshakes_are_kept_in_order(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{INSIDE, C "S seq=1000", PASSED}, /* again */
		{INSIDE, C "A seq=1001 ack=1", D(TCP_INVALID)},
		{OUTSIDE, S "SA seq=5000 ack=1002", D(TCP_INVALID)}, /* not this SYN's */
		{OUTSIDE, S "SA seq=5000 ack=1000", D(TCP_INVALID)},
		{OUTSIDE, S "R seq=0", D(TCP_INVALID)},
		{OUTSIDE, S "A seq=77 ack=88", PASSED}, /* challenge */
		{OUTSIDE, S "A seq=77 ack=88 len=1", D(TCP_INVALID)},
		{INSIDE, C "R seq=88", PASSED}, /* answers it; the SYN stands */
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "S seq=1000", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
	};

	PLAY_FRESH(lines);
}

static void refused_connections_end_at_once(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "RA seq=0 ack=1001", PASSED},
		{INSIDE, C "S seq=2000", PASSED},
		{OUTSIDE, S "SA seq=9000 ack=2001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	assert_int_equal(world_stats(&w).half_open, 1);
	world_stop(&w);
}

static void both_sides_may_begin_at_once(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "S seq=1000", PASSED},
		{OUTSIDE, S "S seq=5000", PASSED},
		{INSIDE, C "SA seq=1000 ack=5001", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001 len=10", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1011 len=10", PASSED},
	};

	PLAY_FRESH(lines);
}

static void a_reset_closes_only_by_the_exact_number(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{OUTSIDE, S "R seq=5101", PASSED}, /* in the window: the client asks back */
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001 len=5", PASSED},
		{INSIDE, C "A seq=1001 ack=5006", PASSED},
		{OUTSIDE, S "R seq=5006", PASSED},
		{INSIDE, C "S seq=7000000", PASSED},
		{OUTSIDE, S "SA seq=6000000 ack=7000001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 2);
	world_stop(&w);
}

/* The client crashed and comes back by the same port; the server still has the old connection. */
static void a_new_syn_takes_over_when_it_is_answered(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "S seq=800000", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1001", PASSED}, /* challenge: the old one lives */
		{INSIDE, C "R seq=1001", PASSED},
		{INSIDE, C "S seq=800000", PASSED},
		{OUTSIDE, S "SA seq=600000 ack=800001", PASSED},
		{INSIDE, C "A seq=800001 ack=600001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", D(TCP_INVALID)},
	};
	static const struct line answered[] = {
		HANDSHAKE,
		{INSIDE, C "S seq=800000", PASSED},
		{OUTSIDE, S "SA seq=600000 ack=800002", D(TCP_INVALID)},
		{OUTSIDE, S "SA seq=600000 ack=800001", PASSED},
		{INSIDE, C "A seq=800001 ack=600001", PASSED},
		{OUTSIDE, S "A seq=600001 ack=800001 len=100", PASSED},
	};

	PLAY_FRESH(lines);
	PLAY_FRESH(answered);
}

/* The other way round a SYN is judged for itself, whatever came of the first. */
static void a_syn_the_other_way_has_its_own_verdict(void **state)
{
	static const struct line denied[] = {
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 S seq=9000", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 FA seq=1001 ack=5001", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 FA seq=5001 ack=1002", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1002 ack=5002", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 S seq=9000", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=2000", PASSED},
	};
	static const struct line allowed[] = {
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 S seq=9000", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 SA seq=3000 ack=9001", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 A seq=9001 ack=3001", PASSED},
	};
	struct world w;

	/* in a wire between two pod networks no side is outside */
	world_defaults(&w);
	w.config.ports[OUTSIDE].side = TG_SIDE_INSIDE;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, denied);
	world_stop(&w);

	world_defaults(&w);
	w.config.ports[OUTSIDE].side = TG_SIDE_ANY;
	world_start(&w);
	world_rules(&w, RULES_WEB_BOTH);
	PLAY(&w, allowed);
	world_stop(&w);
}

static void timeouts_follow_the_state(void **state)
{
	static const struct line open[] = {HANDSHAKE};
	static const struct line half[] = {{INSIDE, C "S seq=1000", PASSED}};
	struct world w;

	world_ready(&w);
	PLAY(&w, half);
	w.now += w.config.timeouts.ms[TG_CONN_SYN_SENT];
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	PLAY(&w, open);
	w.now += w.config.timeouts.ms[TG_CONN_ESTABLISHED] - 1;
	assert_int_equal(world_send(&w, INSIDE, C "A seq=1001 ack=5001"), PASSED);
	w.now += w.config.timeouts.ms[TG_CONN_ESTABLISHED];
	assert_int_equal(world_send(&w, INSIDE, C "A seq=1001 ack=5001"), D(TCP_NO_CONNECTION));
	world_stop(&w);
}

/* After a start the gateway finds connections in mid-stream. */
static void mid_stream_is_judged_in_the_pickup_window(void **state)
{
	static const struct line lines[] = {
		{INSIDE, C "A seq=1 ack=1 len=100", PASSED},
		{OUTSIDE, S "A seq=700000 ack=101 len=10", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4001 A seq=1 ack=1",
			PASSED}, /* a reply first */
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4001>80 A seq=1 ack=2", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>81 A", D(POLICY_EGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 81>4000 A", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4002 SA", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 80>4002 SA", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4003>80 R", D(TCP_NO_CONNECTION)},
		{OUTSIDE, "10.1.0.4 > 8.8.8.8 tcp 4003>80 A", D(SPOOFED)},
	};
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = 1000;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, lines);
	assert_int_equal(world_slot(&w, TG_BUILTIN_PICKUP).connections, 3);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).connections, 3);
	w.now = 1000;
	assert_int_equal(world_send(&w, INSIDE, C "A seq=101 ack=700010"), PASSED);
	assert_int_equal(
		world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4005>80 A"), D(TCP_NO_CONNECTION));
	/* what was picked up by a reply belongs to the client: a change of its rules cuts it */
	world_rules(&w, RULES_NO_WEB);
	assert_int_equal(world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4001 A seq=1 ack=1"),
		D(CONN_REVOKED));
	world_stop(&w);
}

/* Who may only answer says nothing without being asked, and opens nothing. */
static void a_picked_up_reply_wants_an_answer(void **state)
{
	static const char reply[] = "8.8.8.8 > 10.1.0.1 tcp 80>4001 A seq=1 ack=1 len=100";
	static const char answer[] = "10.1.0.1 > 8.8.8.8 tcp 4001>80 A seq=1 ack=101";
	static const char reset[] = "10.1.0.1 > 8.8.8.8 tcp 4001>80 R seq=1";

	for (int answered = 0; answered < 3; answered++) {
		struct world w;
		unsigned int passed = 0;

		world_defaults(&w);
		w.config.pickup_ms = 100000;
		world_start(&w);
		world_rules(&w, 0);
		assert_int_equal(world_send(&w, OUTSIDE, reply), PASSED);
		assert_int_equal(
			world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4001 S seq=100 ack=0"),
			D(POLICY_INGRESS));
		if (answered != 0)
			assert_int_equal(
				world_send(&w, INSIDE, answered == 1 ? answer : reset), PASSED);
		for (int i = 0; i < 100; i++)
			passed += world_send(&w, OUTSIDE, reply) == PASSED;
		assert_int_equal(passed, answered == 0 ? 15 : answered == 1 ? 100 : 0);
		/* nor again when it has been forgotten, like a handshake that nobody completes */
		w.now += w.config.timeouts.ms[TG_CONN_SYN_RECV];
		assert_int_equal(world_send(&w, OUTSIDE, reply),
			answered == 1 ? PASSED : D(TCP_NO_CONNECTION));
		world_stop(&w);
	}
}

/* Both sides may begin, but a rule speaks of one: its change is the connection's. */
static void who_a_rule_speaks_of_is_the_client(void **state)
{
	static const char up[] = "10.1.0.1 > 8.8.8.8 tcp 70>80 A seq=1 ack=1";
	static const char down[] = "8.8.8.8 > 10.1.0.1 tcp 80>70 A seq=1 ack=1";

	for (int reply = 0; reply < 2; reply++) {
		struct world w;

		world_defaults(&w);
		w.config.pickup_ms = 100000;
		world_start(&w);
		world_rules(&w, RULES_OPEN_IN);
		assert_int_equal(
			world_send(&w, reply ? OUTSIDE : INSIDE, reply ? down : up), PASSED);
		world_rules(&w, RULES_OPEN_IN | RULES_NO_WEB);
		assert_int_equal(world_send(&w, OUTSIDE, down), D(CONN_REVOKED));
		assert_int_equal(world_send(&w, INSIDE, up), D(TCP_NO_CONNECTION));
		world_stop(&w);
	}
}

/* Every packet that passes counts, whichever way it takes: none twice, none never. */
static void all_that_passes_is_counted(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "R seq=1006", PASSED}, /* not exact: closes nothing */
		{INSIDE, C "S seq=90000", PASSED},
		{INSIDE, C "S seq=90000", PASSED},
		{OUTSIDE, S "SA seq=70000 ack=90001", PASSED},
		{INSIDE, C "A seq=90001 ack=70001", PASSED},
	};
	struct tg_stats_slot slot;
	struct world w;

	world_ready(&w);
	PLAY(&w, lines);
	slot = world_slot(&w, SLOT_OUT_WEB);
	assert_int_equal(slot.packets, sizeof(lines) / sizeof(lines[0]));
	assert_int_equal(slot.connections, 2);
	world_stop(&w);
}

int run_tcp_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_passes_is_counted),
		cmocka_unit_test(only_a_syn_begins),
		cmocka_unit_test(impossible_flags_are_refused),
		cmocka_unit_test(a_connection_lives_and_ends),
		cmocka_unit_test(numbers_outside_the_window_are_refused),
		cmocka_unit_test(windows_scale_when_both_sides_say_so),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(liberal_mode_looks_at_states_only),
		cmocka_unit_test(handshakes_are_kept_in_order),
		cmocka_unit_test(refused_connections_end_at_once),
		cmocka_unit_test(both_sides_may_begin_at_once),
		cmocka_unit_test(a_reset_closes_only_by_the_exact_number),
		cmocka_unit_test(a_new_syn_takes_over_when_it_is_answered),
		cmocka_unit_test(a_syn_the_other_way_has_its_own_verdict),
		cmocka_unit_test(timeouts_follow_the_state),
		cmocka_unit_test(mid_stream_is_judged_in_the_pickup_window),
		cmocka_unit_test(a_picked_up_reply_wants_an_answer),
		cmocka_unit_test(who_a_rule_speaks_of_is_the_client),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sweep does of itself, and when: its passes over many connections visit but a part. */
#include "tests.h"
#include "internal.h"

#include <stdio.h>

#define PASS_MS 100
#define PASSES 4 /* in which everything is visited once */

#define QUERY "10.1.0.1 > 10.1.0.2 udp %u>53"
#define ANSWER "10.1.0.2 > 10.1.0.1 udp 53>%u"

static unsigned int say(struct world *w, unsigned int port, const char *format, unsigned int n)
{
	char text[128];

	snprintf(text, sizeof(text), format, n);
	return world_send(w, port, text);
}

/* A world whose sweep goes about a few connections as about many. */
static void crowded(struct world *w)
{
	world_defaults(w);
	w->config.sweep_ms = PASS_MS;
	world_start(w);
	w->worker[0]->sweep.busy = 0;
	world_rules(w, 0);
}

static void open_stream(struct world *w, unsigned int port)
{
	assert_int_equal(say(w, INSIDE, QUERY, port), PASSED);
	assert_int_equal(say(w, OUTSIDE, ANSWER, port), PASSED);
	assert_int_equal(say(w, INSIDE, QUERY, port), PASSED);
}

static bool watched(const struct world *w)
{
	const struct tg_table *table = &w->worker[0]->table[0];

	for (uint64_t i = 0; i < tg_table_spans(table); i++)
		if (table->span[i].watched != 0)
			return true;
	return false;
}

/* Firm ones are left alone, those that may go at any time are not. */
static void only_what_may_end_soon_is_watched(void **state)
{
	struct world w;

	crowded(&w);
	assert_int_equal(say(&w, INSIDE, QUERY, 4000), PASSED);
	world_run(&w, 2 * PASSES * PASS_MS);
	assert_true(watched(&w)); /* half-open */
	assert_int_equal(say(&w, OUTSIDE, ANSWER, 4000), PASSED);
	world_run(&w, 2 * PASSES * PASS_MS);
	assert_true(watched(&w)); /* weak */
	assert_int_equal(say(&w, INSIDE, QUERY, 4000), PASSED);
	world_run(&w, 2 * PASS_MS);
	assert_false(watched(&w));
	/* it has less than a pass left: in the four before there was a visit */
	world_run(&w, w.config.timeouts.ms[TG_CONN_UDP_STREAM] - 3 * PASS_MS + PASS_MS / 4);
	assert_true(watched(&w));
	assert_int_equal(say(&w, OUTSIDE, ANSWER, 4000), PASSED);
	world_run(&w, 2 * PASS_MS);
	assert_false(watched(&w));
	world_stop(&w);
}

/* Whenever in the round of passes: a timeout that was far away, and one that came near. */
static void no_connection_outlives_its_time_by_more_than_a_pass(void **state)
{
	static const struct line closing[] = {
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001", PASSED},
	};
	static const char reset[] = "10.1.0.1 > 10.1.0.2 tcp 4000>80 R seq=1001";

	for (unsigned int phase = 0; phase < PASSES; phase++) {
		struct world w;

		crowded(&w);
		PLAY(&w, closing);
		world_run(&w, (2 * PASSES + phase) * PASS_MS);
		assert_false(watched(&w));
		assert_int_equal(world_send(&w, INSIDE, reset), PASSED);
		world_run(&w, w.config.timeouts.ms[TG_CONN_CLOSED] - 1);
		assert_int_equal(world_stats(&w).conn4_used, 1);
		world_run(&w, PASS_MS + 1);
		assert_int_equal(world_stats(&w).conn4_used, 0);

		open_stream(&w, 4000);
		world_run(&w, w.config.timeouts.ms[TG_CONN_UDP_STREAM] - 1);
		assert_int_equal(world_stats(&w).conn4_used, 1);
		world_run(&w, PASS_MS + 1);
		assert_int_equal(world_stats(&w).conn4_used, 0);
		assert_int_equal(world_stats(&w).conn_expired, 2);
		world_stop(&w);
	}
}

/* Those that began with time enough are visited when room has become short. */
static void pressure_reaches_connections_within_a_pass(void **state)
{
	struct world w;

	crowded(&w);
	w.worker[0]->table[0].max = 400;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(say(&w, INSIDE, QUERY, 1000 + i), PASSED);
		assert_int_equal(say(&w, OUTSIDE, ANSWER, 1000 + i), PASSED);
	}
	world_run(&w, 3000);
	assert_int_equal(world_stats(&w).conn4_used, 100);
	/* no room at all: whoever has been idle for half a second goes */
	w.worker[0]->table[0].max = 100;
	world_run(&w, PASS_MS + 2);
	assert_true(world_stats(&w).conn4_used < 100);
	world_stop(&w);
}

/* Counters of a live connection arrive after a round of passes, none twice; in a small table each.
 */
static void counters_are_folded_in_time(void **state)
{
	for (unsigned int many = 0; many < 2; many++) {
		const unsigned int passes = many ? PASSES : 1;
		struct world w;

		crowded(&w);
		if (!many)
			w.worker[0]->sweep.busy = 1;
		open_stream(&w, 4000);
		world_run(&w, 2 * PASSES * PASS_MS);
		assert_int_equal(w.slots[0][SLOT_OUT_DNS].packets, 3);
		for (unsigned int i = 1; i <= PASSES; i++) {
			assert_int_equal(say(&w, INSIDE, QUERY, 4000), PASSED);
			world_run(&w, passes * PASS_MS + 1);
			assert_int_equal(w.slots[0][SLOT_OUT_DNS].packets, 3 + i);
		}
		assert_int_equal(w.slots[0][SLOT_OUT_DNS].connections, 1);
		world_stop(&w);
	}
}

/* What nobody waits for is not looked at in each pass. */
static void many_are_visited_in_turn(void **state)
{
	uint64_t before, visits = 0;
	struct world w;

	crowded(&w);
	open_stream(&w, 4000);
	world_run(&w, 2 * PASSES * PASS_MS);
	for (unsigned int pass = 0; pass < 4 * PASSES; pass++) {
		before = w.slots[0][SLOT_OUT_DNS].packets;
		assert_int_equal(say(&w, INSIDE, QUERY, 4000), PASSED);
		world_run(&w, PASS_MS);
		visits += w.slots[0][SLOT_OUT_DNS].packets != before;
	}
	assert_in_range(visits, 3, 5);
	world_stop(&w);
}

/* From wherever the cursor is, and the pass vouches for it. */
static void a_change_of_rules_reaches_all_within_a_pass(void **state)
{
	for (unsigned int ms = 0; ms < PASSES * PASS_MS; ms += PASS_MS / 4) {
		struct world w;

		crowded(&w);
		for (unsigned int i = 0; i < 50; i++)
			open_stream(&w, 1000 + i);
		world_run(&w, PASSES * PASS_MS + ms);
		assert_false(watched(&w));
		assert_int_equal(world_stats(&w).swept_generation, 1);
		world_rules(&w, RULES_NO_DNS);
		world_run(&w, PASS_MS + 1);
		assert_int_equal(world_stats(&w).conn_revoked, 50);
		assert_int_equal(world_stats(&w).conn4_used, 0);
		assert_int_equal(world_stats(&w).swept_generation, 1);
		world_run(&w, PASS_MS + 1);
		assert_int_equal(world_stats(&w).swept_generation, 2);
		world_stop(&w);
	}
}

/* A worker that could not sweep for long makes up for it at once. */
static void a_pause_leaves_nothing_behind(void **state)
{
	struct world w;

	crowded(&w);
	for (unsigned int i = 0; i < 50; i++)
		open_stream(&w, 1000 + i);
	world_run(&w, 2 * PASSES * PASS_MS);
	assert_false(watched(&w));
	w.now += w.config.timeouts.ms[TG_CONN_UDP_STREAM];
	world_sweep(&w);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	world_stop(&w);
}

enum { MANY = 12000 };

static void open_many(struct world *w)
{
	world_defaults(w);
	w->config.conn4_max = 2 * MANY;
	w->config.half_open_per_source = w->config.half_open_max = 4 * MANY;
	w->config.sweep_ms = PASS_MS;
	world_start(w);
	world_rules(w, 0);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(say(w, INSIDE, QUERY, 1000 + i), PASSED);
	world_run(w, 2);
}

/* One call does not hold up packets, whatever is due. */
static void a_call_does_so_much_at_most(void **state)
{
	uint64_t before, calls = 0;
	struct world w;

	open_many(&w);
	w.now += w.config.timeouts.ms[TG_CONN_UDP_NEW] + 1;
	do {
		before = world_stats(&w).conn4_used;
		calls++;
		if (tg_worker_sweep(w.worker[0], w.now) != 0)
			break;
		assert_in_range(before - world_stats(&w).conn4_used, 0, 3 * TG_TABLE_SPAN);
	} while (calls < MANY);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	assert_true(calls > MANY / (3 * TG_TABLE_SPAN));
	world_stop(&w);
}

/* And who is called after many packets only, once a millisecond, keeps up all the same. */
static void a_busy_worker_keeps_up(void **state)
{
	static const char denied[] = "10.1.0.1 > 10.1.0.2 tcp 4000>81 S";
	struct rte_mbuf *m[TG_BURST];
	struct packet packet;
	struct world w;
	uint32_t pass;

	open_many(&w);
	packet_make(&packet, denied);
	pass = w.worker[0]->sweep.pass;
	for (unsigned int ms = 0; ms < 10 * PASS_MS; ms++, w.now++) {
		for (unsigned int i = 0; i < TG_BURST; i++)
			m[i] = packet_mbuf(w.pool, &packet);
		assert_int_equal(world_burst(&w, INSIDE, m, TG_BURST), 0);
		tg_worker_sweep(w.worker[0], w.now);
	}
	assert_in_range(w.worker[0]->sweep.pass - pass, 9, 11);
	world_stop(&w);
}

int run_sweep_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_may_end_soon_is_watched),
		cmocka_unit_test(no_connection_outlives_its_time_by_more_than_a_pass),
		cmocka_unit_test(pressure_reaches_connections_within_a_pass),
		cmocka_unit_test(counters_are_folded_in_time),
		cmocka_unit_test(many_are_visited_in_turn),
		cmocka_unit_test(a_change_of_rules_reaches_all_within_a_pass),
		cmocka_unit_test(a_pause_leaves_nothing_behind),
		cmocka_unit_test(a_call_does_so_much_at_most),
		cmocka_unit_test(a_busy_worker_keeps_up),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to live connections when the rules or the addresses change. */
#include "tests.h"

#include <stdio.h>

#define QUERY "10.1.0.1 > 10.1.0.2 udp 4000>53"
#define ANSWER "10.1.0.2 > 10.1.0.1 udp 53>4000"

static void open_connections(struct world *w)
{
	static const struct line lines[] = {
		{INSIDE, QUERY, PASSED},
		{OUTSIDE, ANSWER, PASSED},
	};

	PLAY(w, lines);
}

/* The server may open nothing: judged as the reply's own tuple it would be denied. */
static void a_reply_may_be_the_first_packet_of_an_epoch(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_rules(&w, RULES_NEW_WEB);
	assert_int_equal(world_send(&w, OUTSIDE, ANSWER), PASSED);
	assert_int_equal(world_stats(&w).conn_rejudged, 1);
	assert_int_equal(world_send(&w, INSIDE, QUERY), PASSED);
	assert_int_equal(world_stats(&w).conn_rejudged, 1);
	world_stop(&w);
}

static void a_change_that_denies_cuts_at_the_next_packet(void **state)
{
	for (int reply = 0; reply < 2; reply++) {
		struct world w;

		world_ready(&w);
		open_connections(&w);
		world_rules(&w, RULES_NO_DNS);
		assert_int_equal(
			reply ? world_send(&w, OUTSIDE, ANSWER) : world_send(&w, INSIDE, QUERY),
			D(CONN_REVOKED));
		assert_int_equal(world_stats(&w).conn_revoked, 1);
		/* judged afresh from then on */
		assert_int_equal(world_send(&w, OUTSIDE, ANSWER), D(SPOOFED));
		assert_int_equal(world_send(&w, INSIDE, QUERY), D(POLICY_EGRESS));
		/* what passed before is still the old rule's, the cut is the new one's */
		assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 2);
		assert_int_equal(world_slot(&w, SLOT_OUT_DENY).packets, 2);
		assert_int_equal(world_slot(&w, SLOT_OUT_DENY).connections, 1);
		world_stop(&w);
	}
}

static void the_sweep_cuts_what_is_silent(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_rules(&w, RULES_NO_DNS);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).conn_revoked, 1);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).conn_revoked, 1);
	world_stop(&w);
}

/* The pickup window is open or over, and the server may speak first or may not. */
static void tcp_stays_cut(uint32_t pickup_ms, uint32_t rules)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001", PASSED},
	};
	static const char back[] = "10.1.0.2 > 10.1.0.1 tcp 80>4000 A seq=5001 ack=1001";
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = pickup_ms;
	w.config.ports[OUTSIDE].side = TG_SIDE_ANY; /* the server is a pod there */
	world_start(&w);
	world_rules(&w, rules);
	PLAY(&w, lines);
	world_rules(&w, rules | RULES_NO_WEB);
	assert_int_equal(world_send(&w, OUTSIDE, back), D(CONN_REVOKED));
	assert_int_equal(world_send(&w, OUTSIDE, back), D(TCP_NO_CONNECTION));
	assert_int_equal(world_send(&w, INSIDE, lines[2].packet), D(TCP_NO_CONNECTION));
	assert_int_equal(world_send(&w, INSIDE, lines[0].packet), D(POLICY_EGRESS));
	/* even when the rule comes back, and long after it was cut */
	world_rules(&w, rules);
	w.now += w.config.timeouts.ms[TG_CONN_CLOSED];
	world_sweep(&w);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	assert_int_equal(world_stats(&w).conn_closed, 1);
	assert_int_equal(world_send(&w, OUTSIDE, back), D(TCP_NO_CONNECTION));
	assert_int_equal(world_send(&w, INSIDE, lines[2].packet), D(TCP_NO_CONNECTION));
	assert_int_equal(world_send(&w, INSIDE, lines[0].packet), PASSED);
	assert_int_equal(world_stats(&w).conn_created, 2);
	assert_int_equal(world_stats(&w).conn_expired, 0);
	world_stop(&w);
}

static void tcp_that_was_cut_stays_cut(void **state)
{
	tcp_stays_cut(0, 0);
	tcp_stays_cut(100000, 0);
	tcp_stays_cut(100000, RULES_WEB_BOTH);
}

/* Silent ones are cut by the sweep, and ones that ended are not revived either. */
static void what_is_over_is_not_picked_up(void **state)
{
	static const char up[] = "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001";
	static const char reset[] = "10.1.0.1 > 10.1.0.2 tcp 4000>80 R seq=1001";

	for (int revoked = 0; revoked < 2; revoked++) {
		struct world w;

		world_defaults(&w);
		w.config.pickup_ms = 100000;
		world_start(&w);
		world_rules(&w, 0);
		assert_int_equal(world_send(&w, INSIDE, up), PASSED);
		if (revoked)
			world_rules(&w, RULES_NO_WEB);
		else
			assert_int_equal(world_send(&w, INSIDE, reset), PASSED);
		w.now += w.config.timeouts.ms[TG_CONN_CLOSED];
		world_sweep(&w);
		assert_int_equal(world_stats(&w).conn4_used, 0);
		world_rules(&w, 0);
		assert_int_equal(world_send(&w, INSIDE, up), D(TCP_NO_CONNECTION));
		/* another connection is */
		assert_int_equal(
			world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4001>80 A seq=1 ack=1"),
			PASSED);
		world_stop(&w);
	}
}

/* Graves take no connection's place; when there are too many, nothing more is picked up. */
static void what_was_cut_does_not_fill_the_table(void **state)
{
	char text[128];
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = 100000;
	w.config.half_open_per_source = 100000;
	w.config.half_open_max = 100000;
	world_start(&w);
	for (int round = 0; round < 2; round++) {
		world_rules(&w, 0);
		for (int i = 0; i < 250; i++) {
			snprintf(text, sizeof(text), "10.1.0.1 > 10.1.0.2 tcp %d>80 %s seq=1 ack=1",
				2000 + 250 * round + i, round == 0 ? "A" : "S");
			assert_int_equal(world_send(&w, INSIDE, text), PASSED);
		}
		world_rules(&w, RULES_NO_WEB);
		world_sweep(&w);
		world_sweep(&w);
		assert_int_equal(world_stats(&w).conn4_used, 0);
	}
	assert_int_equal(world_stats(&w).conn_revoked, 500);
	world_rules(&w, 0);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "10.1.0.1 > 10.1.0.2 tcp %d>80 A seq=1 ack=1",
			2000 + i);
		assert_int_equal(world_send(&w, INSIDE, text), D(TCP_NO_CONNECTION));
	}
	for (int i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "10.1.0.1 > 10.1.0.2 tcp %d>80 S seq=1", 5000 + i);
		assert_int_equal(world_send(&w, INSIDE, text), PASSED);
	}
	world_stop(&w);
}

/* Counters go to the rule that decided when the packets passed. */
static void a_new_rule_counts_from_its_epoch(void **state)
{
	static const char syn[] = "10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1000";
	struct world w;

	world_ready(&w);
	world_send(&w, INSIDE, syn);
	world_send(&w, INSIDE, syn);
	world_rules(&w, RULES_NEW_WEB);
	world_send(&w, INSIDE, syn);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).packets, 2);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB_NEW).packets, 1);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB_NEW).connections, 0);
	world_stop(&w);
}

static void a_delta_leaves_others_alone(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_remap(&w, "10.1.0.200", CLASS_FREE);
	world_remap(&w, "fd00:1::200", CLASS_FREE + 1);
	assert_int_equal(world_send(&w, OUTSIDE, ANSWER), PASSED);
	assert_int_equal(world_stats(&w).conn_rejudged, 0);
	assert_int_equal(world_stats(&w).seen_epoch, tg_generation_epoch(w.generation));
	world_stop(&w);
}

static void a_delta_cuts_the_address_it_takes_away(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_remap(&w, "10.1.0.2", TG_NONE);
	assert_int_equal(world_send(&w, OUTSIDE, ANSWER), D(CONN_REVOKED));
	assert_int_equal(world_slot(&w, TG_BUILTIN_UNKNOWN_ENDPOINT).packets, 1);
	assert_int_equal(world_send(&w, INSIDE, QUERY), D(UNKNOWN_ENDPOINT));
	/* the address comes back as somebody else */
	world_remap(&w, "10.1.0.2", CLASS_CLOSED);
	assert_int_equal(world_send(&w, INSIDE, QUERY), D(POLICY_INGRESS));
	world_remap(&w, "10.1.0.2", CLASS_SERVER);
	assert_int_equal(world_send(&w, INSIDE, QUERY), PASSED);
	world_stop(&w);
}

/* Several deltas may go by between two packets of a connection. */
static void a_delta_is_not_forgotten_by_later_ones(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_remap(&w, "10.1.0.1", CLASS_CLOSED);
	for (int i = 0; i < 5; i++)
		world_remap(&w, "10.1.0.200", CLASS_FREE);
	assert_int_equal(world_send(&w, INSIDE, QUERY), D(CONN_REVOKED));
	world_stop(&w);
}

static void a_filter_that_has_filled_up_says_so(void **state)
{
	struct tg_classmap_entry entry = {.family = 4, .cls = CLASS_FREE, .node = TG_NONE};
	struct tg_generation *fresh;
	struct world w;
	uint32_t n = 0;

	world_ready(&w);
	open_connections(&w);
	while (!tg_generation_crowded(w.generation)) {
		entry.addr[2] = (uint8_t)(n >> 8);
		entry.addr[3] = (uint8_t)n++;
		tg_generation_remap(w.generation, &entry, 1);
		assert_true(n < 1u << 16);
	}
	assert_true(n > 3000);
	fresh = tg_generation_create(w.classifier, w.number, tg_generation_epoch(w.generation) + 1);
	tg_generation_free(tg_datapath_publish(w.dp, fresh));
	w.generation = fresh;
	assert_false(tg_generation_crowded(fresh));
	assert_int_equal(world_send(&w, INSIDE, QUERY), PASSED);
	assert_int_equal(world_stats(&w).conn_rejudged, 1);
	world_stop(&w);
}

static void kept_connections_pass_but_new_ones_do_not(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4001>80 S seq=1000", PASSED},
		{INSIDE, "10.1.0.1 > 10.1.0.2 sctp 4000>3868 init=11", PASSED},
		{OUTSIDE, "10.1.0.2 > 10.1.0.1 sctp 3868>4000 tag=11 init-ack=22", PASSED},
	};
	struct world w;

	world_defaults(&w);
	w.config.keep_existing = true;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, lines);
	world_rules(&w, RULES_NO_WEB);
	assert_int_equal(
		world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001"),
		PASSED);
	assert_int_equal(world_slot(&w, TG_BUILTIN_KEPT).packets, 1);
	/* a SYN never inherits the old verdict, and one that was not answered is no connection */
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 S seq=7000"),
		D(POLICY_EGRESS));
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4001>80 S seq=1000"),
		D(POLICY_EGRESS));
	/* allowed again: an ordinary connection again */
	world_rules(&w, RULES_NEW_WEB);
	assert_int_equal(
		world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 tcp 4000>80 A seq=1001 ack=5001"),
		PASSED);
	assert_int_equal(world_slot(&w, TG_BUILTIN_KEPT).packets, 1);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB_NEW).packets, 1);
	world_stop(&w);
}

static void an_address_that_became_a_pod_is_spoofed_from_outside(void **state)
{
	static const char syn[] = "9.9.9.9 > 10.1.0.2 tcp 4000>80 S seq=1";
	struct world w;

	world_ready(&w);
	assert_int_equal(world_send(&w, OUTSIDE, syn), PASSED);
	world_remap(&w, "9.9.9.9", CLASS_FREE);
	assert_int_equal(world_send(&w, OUTSIDE, syn), D(CONN_REVOKED));
	assert_int_equal(world_send(&w, OUTSIDE, syn), D(SPOOFED));
	world_stop(&w);
}

static void a_pass_of_the_sweep_vouches_for_its_generation(void **state)
{
	struct world w;

	world_ready(&w);
	open_connections(&w);
	world_sweep(&w);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).swept_generation, 1);
	world_rules(&w, RULES_NEW_WEB);
	assert_int_equal(world_stats(&w).swept_generation, 1);
	/* the pass that is under way began under the old one */
	world_sweep(&w);
	world_sweep(&w);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).swept_generation, 2);
	assert_int_equal(world_stats(&w).conn_rejudged, 1);
	world_stop(&w);
}

/* A stale connection and several packets of it in one burst: cut once, nothing passes. */
static void a_burst_on_a_revoked_connection_passes_nothing(void **state)
{
	struct rte_mbuf *m[8];
	struct packet packet;
	struct world w;

	world_ready(&w);
	open_connections(&w);
	packet_make(&packet, QUERY);
	for (int i = 0; i < 8; i++)
		m[i] = packet_mbuf(w.pool, &packet);
	world_rules(&w, RULES_NO_DNS);
	assert_int_equal(world_burst(&w, INSIDE, m, 8), 0);
	assert_int_equal(world_drops(&w, TG_DROP_CONN_REVOKED), 1);
	assert_int_equal(world_drops(&w, TG_DROP_POLICY_EGRESS), 7);
	assert_int_equal(world_stats(&w).conn_revoked, 1);
	world_stop(&w);
}

/* SYN, its retransmission and a first fragment with its others: all in one burst. */
static void packets_of_one_burst_see_each_other(void **state)
{
	static const char *const texts[] = {
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1",
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1",
		"10.1.0.1 > 8.8.8.8 id=7 udp 4000>53 frag=0+ len=72",
		"10.1.0.1 > 8.8.8.8 id=7 udp frag=80+ len=80",
		"10.1.0.1 > 8.8.8.8 id=7 udp frag=160 len=80",
		"10.1.0.1 > 8.8.8.8 id=8 udp 4000>54 frag=0+ len=72",
		"10.1.0.1 > 8.8.8.8 id=8 udp frag=80 len=80",
		"10.1.0.1 > 8.8.8.8 udp 4000>53",
	};
	struct rte_mbuf *m[8];
	struct packet packet;
	struct world w;

	world_ready(&w);
	for (int i = 0; i < 8; i++) {
		packet_make(&packet, texts[i]);
		m[i] = packet_mbuf(w.pool, &packet);
	}
	assert_int_equal(world_burst(&w, INSIDE, m, 8), 6);
	assert_int_equal(world_drops(&w, TG_DROP_POLICY_EGRESS), 1);
	assert_int_equal(world_drops(&w, TG_DROP_FRAGMENT_NO_FIRST), 1);
	assert_int_equal(world_stats(&w).conn_created, 2);
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 4);
	assert_int_equal(world_slot(&w, SLOT_OUT_WEB).packets, 2);
	world_stop(&w);
}

int run_epoch_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_may_be_the_first_packet_of_an_epoch),
		cmocka_unit_test(a_change_that_denies_cuts_at_the_next_packet),
		cmocka_unit_test(the_sweep_cuts_what_is_silent),
		cmocka_unit_test(tcp_that_was_cut_stays_cut),
		cmocka_unit_test(what_is_over_is_not_picked_up),
		cmocka_unit_test(what_was_cut_does_not_fill_the_table),
		cmocka_unit_test(a_new_rule_counts_from_its_epoch),
		cmocka_unit_test(a_delta_leaves_others_alone),
		cmocka_unit_test(a_delta_cuts_the_address_it_takes_away),
		cmocka_unit_test(a_delta_is_not_forgotten_by_later_ones),
		cmocka_unit_test(a_filter_that_has_filled_up_says_so),
		cmocka_unit_test(kept_connections_pass_but_new_ones_do_not),
		cmocka_unit_test(an_address_that_became_a_pod_is_spoofed_from_outside),
		cmocka_unit_test(a_pass_of_the_sweep_vouches_for_its_generation),
		cmocka_unit_test(a_burst_on_a_revoked_connection_passes_nothing),
		cmocka_unit_test(packets_of_one_burst_see_each_other),
	};

	return cmocka_run_group_tests_name("epochs", tests, NULL, NULL);
}

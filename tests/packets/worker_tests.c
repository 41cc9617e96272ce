/* SPDX-License-Identifier: BSD-3-Clause */
/* Several workers: each connection has one owner, wherever its packets arrive. */
#include "tests.h"

#include <stdio.h>

#include <rte_thash.h>

#include "placement.h"

static void start_three(struct world *w)
{
	world_defaults(w);
	w->config.n_workers = 3;
	world_start(w);
	world_rules(w, 0);
}

/* Sends the lines with another worker receiving each. */
static void play_around(struct world *w, const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->receiver = (uint32_t)i % 3;
		world_play(w, &lines[i], 1);
	}
}

static void packets_find_their_owner(void **state)
{
	struct world w;
	char text[128];
	unsigned int used = 0;

	start_three(&w);
	for (unsigned int port = 1; port <= 60; port++) {
		w.receiver = port % 3;
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 udp %u>53", port);
		assert_int_equal(world_send(&w, INSIDE, text), PASSED);
		w.receiver = (port + 1) % 3;
		snprintf(text, sizeof(text), "8.8.8.8 > 10.1.0.1 udp 53>%u", port);
		assert_int_equal(world_send(&w, OUTSIDE, text), PASSED);
		snprintf(text, sizeof(text),
			"192.0.2.1 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.8.8 udp %u>53", port);
		w.receiver = (port + 2) % 3;
		assert_int_equal(world_send(&w, OUTSIDE, text), PASSED);
	}
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, 60);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(w.stats[i]->conn4_used > 5);
		used += (unsigned int)w.stats[i]->conn4_used;
	}
	assert_int_equal(used, 60);
	assert_true(world_stats(&w).handoff_sent > 0);
	assert_int_equal(world_stats(&w).handoff_sent, world_stats(&w).handoff_received);
	assert_int_equal(world_stats(&w).rx_packets, 180);
	world_stop(&w);
}

static void fragments_meet_at_one_worker(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp 4000>53 frag=0+ len=1472", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp frag=1480+ len=1480", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp frag=2960 len=100", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=7 udp frag=2960 len=100", D(FRAGMENT_NO_FIRST)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp 4000>54 frag=0+ len=1472", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=8 udp frag=1480 len=10", D(FRAGMENT_NO_FIRST)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 udp 4000>53 frag=0+ len=72", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 id=9 udp frag=72 len=8", D(FRAGMENT_OVERLAP)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=0+ udp 4000>53 len=72", PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=7 frag=80 udp len=8", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
	};
	struct world w;

	start_three(&w);
	play_around(&w, lines, sizeof(lines) / sizeof(lines[0]));
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, 2);
	world_stop(&w);
}

static void a_full_ring_drops_and_counts(void **state)
{
	struct rte_mbuf *m[TG_BURST];
	struct packet packet;
	struct world w;
	char text[128];
	unsigned int passed;

	start_three(&w);
	for (int round = 0; round < 6; round++) {
		for (unsigned int i = 0; i < TG_BURST; i++) {
			snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 udp %u>53",
				round * TG_BURST + i + 1);
			packet_make(&packet, text);
			m[i] = packet_mbuf(w.pool, &packet);
		}
		tg_worker_burst(w.worker[0], INSIDE, m, TG_BURST, w.now);
	}
	passed = world_burst(&w, INSIDE, m, 0);
	assert_true(world_drops(&w, TG_DROP_HANDOFF_FULL) > 0);
	assert_int_equal(passed + world_drops(&w, TG_DROP_HANDOFF_FULL) +
				 world_drops(&w, TG_DROP_TX_FULL) +
				 world_drops(&w, TG_DROP_HALF_OPEN_LIMIT),
		6 * TG_BURST);
	world_stop(&w);
}

/* What lies in a ring when the datapath ends is freed with it; world_stop would notice. */
static void packets_in_rings_are_not_lost(void **state)
{
	struct rte_mbuf *m[TG_BURST];
	struct packet packet;
	struct world w;
	char text[128];

	start_three(&w);
	for (unsigned int i = 0; i < TG_BURST; i++) {
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 udp %u>53", i + 1);
		packet_make(&packet, text);
		m[i] = packet_mbuf(w.pool, &packet);
	}
	tg_worker_burst(w.worker[0], INSIDE, m, TG_BURST, w.now);
	assert_true(w.stats[0]->handoff_sent > 0);
	/* and what waits to be sent goes with the worker */
	world_stop(&w);
}

static void own_by_table(struct tg_rss_config *rss)
{
	rss->key_length = 40;
	for (unsigned int i = 0; i < 40; i += 2) {
		rss->key[i] = 0x6d;
		rss->key[i + 1] = 0x5a;
	}
	rss->reta_size = 128;
	for (uint16_t i = 0; i < 128; i++)
		rss->reta[i] = i % 3;
}

/* With a NIC that places packets itself the function of ownership is the NIC's. */
static void ownership_can_be_the_nics(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.8.8 udp 4000>53",
			PASSED},
		{INSIDE, "vlan=4 10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
		{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000", PASSED},
	};
	struct world w;

	world_defaults(&w);
	w.config.n_workers = 3;
	own_by_table(&w.config.rss);
	world_start(&w);
	world_rules(&w, 0);
	play_around(&w, lines, sizeof(lines) / sizeof(lines[0]));
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, 2);
	world_stop(&w);
}

/* ---- what a NIC is said to place has to be shown ---- */

#define FLOWS 400u

static void start_placing(struct world *w, uint8_t placed)
{
	world_defaults(w);
	w->config.n_workers = 3;
	w->config.half_open_per_source = w->config.conn4_max = 4096;
	own_by_table(&w->config.rss);
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		w->config.ports[i].placed = placed;
	world_start(w);
	world_rules(w, 0);
}

/* Flow `i`, at the worker where the NIC would place it, or `off` of it. */
static void arrive(struct world *w, unsigned int i, unsigned int off)
{
	const struct tg_rss_config *rss = &w->config.rss;
	uint32_t words[3] = {0x0a010001, 0x08080808, (1000 + i) << 16 | 53};
	char text[64];

	snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 udp %u>53", 1000 + i);
	w->receiver = (rss->reta[rte_softrss(words, 3, rss->key) % rss->reta_size] + off) % 3;
	assert_int_equal(world_send(w, INSIDE, text), PASSED);
}

static void placement_is_learnt(void **state)
{
	struct world w;

	start_placing(&w, TG_PLACED_ALL);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_LEARNING);
	/* One flow shows nothing, as often as it comes. */
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, 1, 0);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_LEARNING);
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, 0);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_TRUSTED);
	assert_int_equal(tg_datapath_placement(w.dp, OUTSIDE), TG_PORT_PLACEMENT_LEARNING);
	assert_int_equal(world_stats(&w).handoff_sent, 0);
	assert_int_equal(world_stats(&w).misplaced, 0);
	/* What a NIC cannot hash like that goes to its owner. */
	for (w.receiver = 0; w.receiver < 3; w.receiver++)
		world_send(&w, INSIDE, "vlan=4 10.1.0.1 > 8.8.8.8 udp 1>53");
	assert_int_equal(world_stats(&w).handoff_sent, 2);
	/* The port was restarted. */
	tg_datapath_placed_anew(w.dp, INSIDE, true);
	arrive(&w, 1, 1);
	assert_int_equal(world_stats(&w).handoff_sent, 3);
	tg_datapath_placed_anew(w.dp, INSIDE, false);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_WRONG);
	world_stop(&w);
}

/* A NIC that does otherwise from the start is never believed, and nothing is lost by it. */
static void a_wrong_placement_is_never_trusted(void **state)
{
	struct world w;

	start_placing(&w, TG_PLACED_ALL);
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, i % 8 == 7);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_LEARNING);
	assert_int_equal(world_stats(&w).handoff_sent, FLOWS / 8);
	assert_int_equal(world_stats(&w).misplaced, FLOWS / 8);
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, FLOWS);
	world_stop(&w);
}

/* One that begins to do otherwise is found out, and is not believed any more by any worker. */
static void a_placement_that_turns_wrong_is_noticed(void **state)
{
	struct world w;
	uint64_t before;

	start_placing(&w, TG_PLACED_ALL);
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, 0);
	for (unsigned int i = 0; i < 3 * PLACEMENT_LOOK; i++)
		arrive(&w, i % 64, 1);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_WRONG);
	assert_true(world_stats(&w).misplaced > 0);
	before = world_stats(&w).handoff_sent;
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, 0);
	assert_int_equal(world_stats(&w).handoff_sent, before);
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, 1);
	assert_int_equal(world_stats(&w).handoff_sent, before + FLOWS);
	assert_int_equal(tg_datapath_placement(w.dp, INSIDE), TG_PORT_PLACEMENT_WRONG);
	world_stop(&w);
}

/* Only what the NIC is said to place. */
static void other_packets_are_looked_at(void **state)
{
	struct world w;

	start_placing(&w, TG_PLACED_TCP4 | TG_PLACED_UDP6);
	for (unsigned int i = 0; i < FLOWS; i++)
		arrive(&w, i, 1);
	assert_int_equal(world_stats(&w).handoff_sent, FLOWS);
	assert_int_equal(world_stats(&w).misplaced, 0);
	world_stop(&w);
}

int run_worker_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_find_their_owner),
		cmocka_unit_test(fragments_meet_at_one_worker),
		cmocka_unit_test(a_full_ring_drops_and_counts),
		cmocka_unit_test(packets_in_rings_are_not_lost),
		cmocka_unit_test(ownership_can_be_the_nics),
		cmocka_unit_test(placement_is_learnt),
		cmocka_unit_test(a_wrong_placement_is_never_trusted),
		cmocka_unit_test(a_placement_that_turns_wrong_is_noticed),
		cmocka_unit_test(other_packets_are_looked_at),
	};

	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}

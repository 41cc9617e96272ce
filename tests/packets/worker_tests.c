/* SPDX-License-Identifier: BSD-3-Clause */
/* Several workers: each connection has one owner, wherever its packets arrive. */
#include "tests.h"

#include <stdio.h>

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
	struct tg_rss_config *rss;
	struct world w;
	uint32_t owner = 3;

	world_defaults(&w);
	w.config.n_workers = 3;
	rss = &w.config.rss;
	rss->key_length = 40;
	for (unsigned int i = 0; i < 40; i += 2) {
		rss->key[i] = 0x6d;
		rss->key[i + 1] = 0x5a;
	}
	rss->reta_size = 128;
	for (uint16_t i = 0; i < 128; i++)
		rss->reta[i] = i % 3;
	world_start(&w);
	world_rules(&w, 0);
	play_around(&w, lines, sizeof(lines) / sizeof(lines[0]));
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).connections, 2);
	world_stop(&w);

	/* trusted: it stays where it arrived, even against the software's idea of the hash */
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		w.config.ports[i].rss_trusted = true;
	for (uint32_t receiver = 0; receiver < 3; receiver++) {
		struct tg_datapath_config config = w.config;

		world_defaults(&w);
		w.config = config;
		world_start(&w);
		world_rules(&w, 0);
		w.receiver = receiver;
		assert_int_equal(world_send(&w, INSIDE, lines[0].packet), PASSED);
		assert_int_equal(world_stats(&w).handoff_sent, 0);
		/* but not what the NIC cannot hash like that */
		assert_int_equal(
			world_send(&w, INSIDE, "vlan=4 10.1.0.1 > 8.8.8.8 udp 1>53"), PASSED);
		if (world_stats(&w).handoff_sent == 0)
			owner = receiver;
		config = w.config;
		world_stop(&w);
		w.config = config;
	}
	assert_true(owner < 3);
}

int run_worker_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_find_their_owner),
		cmocka_unit_test(fragments_meet_at_one_worker),
		cmocka_unit_test(a_full_ring_drops_and_counts),
		cmocka_unit_test(packets_in_rings_are_not_lost),
		cmocka_unit_test(ownership_can_be_the_nics),
	};

	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}

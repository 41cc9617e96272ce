/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods of connections that nobody means: who suffers, and who does not. */
#include "tests.h"
#include "internal.h"

#include <stdio.h>

/* Burst-wise, and with few words: a frame made once, of which address and port change. */
struct stencil {
	struct packet packet;
	size_t src; /* offset of the last four bytes of the source address */
	size_t sport;
};

static void stencil_make(struct stencil *s, const char *text, bool v6)
{
	packet_make(&s->packet, text);
	s->src = v6 ? 14 + 20 : 14 + 12;
	s->sport = v6 ? 14 + 40 : 14 + 20;
}

/* `n` of them by one port, numbered from `first`; how many passed. */
static unsigned int spray(
	struct world *w, unsigned int port, const struct stencil *s, uint32_t first, uint32_t n)
{
	struct rte_mbuf *m[TG_BURST];
	unsigned int passed = 0;

	while (n != 0) {
		uint32_t now = RTE_MIN(n, (uint32_t)TG_BURST);

		for (uint32_t i = 0; i < now; i++, first++) {
			uint32_t source = rte_cpu_to_be_32(0x09000000u + (first & 0xffffff));
			uint8_t *p;

			m[i] = packet_mbuf(w->pool, &s->packet);
			p = rte_pktmbuf_mtod(m[i], uint8_t *);
			memcpy(p + s->src, &source, sizeof(source));
			p[s->sport] = (uint8_t)(4 + (first >> 24));
		}
		passed += world_burst(w, port, m, now);
		n -= now;
	}
	return passed;
}

static uint64_t all_drops(const struct world *w)
{
	struct tg_stats_worker stats = world_stats(w);
	uint64_t n = 0;

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		n += stats.drops[r].packets;
	return n;
}

static unsigned int say(
	struct world *w, unsigned int port, const char *format, unsigned int a, unsigned int b)
{
	char text[128];

	snprintf(text, sizeof(text), format, a, b);
	return world_send(w, port, text);
}

#define USER "20.0.%u.1 > 10.1.0.2 tcp %u>80 "
#define SERVER "10.1.0.2 > 20.0.%u.1 tcp 80>%u "

static bool handshake(struct world *w, unsigned int host, unsigned int port)
{
	return say(w, OUTSIDE, USER "S seq=1000", host, port) == PASSED &&
	       say(w, INSIDE, SERVER "SA seq=5000 ack=1001", host, port) == PASSED &&
	       say(w, OUTSIDE, USER "A seq=1001 ack=5001", host, port) == PASSED;
}

static bool both_ways(struct world *w, unsigned int host, unsigned int port)
{
	return say(w, OUTSIDE, USER "A seq=1001 ack=5001", host, port) == PASSED &&
	       say(w, INSIDE, SERVER "A seq=5001 ack=1001", host, port) == PASSED;
}

enum { HOSTS = 10, PORTS = 40, MS = 2000, SYN_MS = 96, DENIED_MS = 4, RTT = 100 };

/*
 * A spoofed flood that policy allows, for two seconds, a hundred SYNs a millisecond: 25 times as
 * many as half-open connections may begin when each keeps its place for the grace period.
 */
static void a_spoofed_flood_hurts_no_established_one(void **state)
{
	struct stencil syn, denied;
	uint64_t passed = 0, users = 0, most = 0;
	struct world w;

	stencil_make(&syn, "9.0.0.0 > 10.1.0.2 tcp 1024>80 S", false);
	stencil_make(&denied, "9.0.0.0 > 10.1.0.2 tcp 1024>81 S", false);
	world_defaults(&w);
	w.config.conn4_max = 4096;
	w.config.sweep_ms = 200;
	world_start(&w);
	world_rules(&w, 0);
	for (unsigned int i = 0; i < HOSTS * PORTS; i++)
		assert_true(handshake(&w, i / PORTS, 1000 + i % PORTS));
	for (unsigned int ms = 0; ms < MS; ms++, w.now++) {
		unsigned int user = ms / 10;

		passed += spray(&w, OUTSIDE, &syn, ms * SYN_MS, SYN_MS);
		assert_int_equal(spray(&w, OUTSIDE, &denied, ms * DENIED_MS, DENIED_MS), 0);
		assert_true(both_ways(&w, ms % HOSTS, 1000 + ms / HOSTS % PORTS));
		/* a user every 10 ms, a tenth of a second away */
		if (ms % 10 == 0)
			say(&w, OUTSIDE, USER "S seq=1000", 100, 1000 + user);
		if (ms % 10 == 0 && ms >= RTT) {
			user -= RTT / 10;
			say(&w, INSIDE, SERVER "SA seq=5000 ack=1001", 100, 1000 + user);
			users += say(&w, OUTSIDE, USER "A seq=1001 ack=5001", 100, 1000 + user) ==
				 PASSED;
		}
		tg_worker_sweep(w.worker[0], w.now);
		most = RTE_MAX(most, world_stats(&w).half_open);
	}
	assert_true(most <= world_stats(&w).half_open_capacity);
	assert_true(world_stats(&w).conn4_used <= world_stats(&w).conn4_capacity);
	/* of 190 about 1 in 25 gets in at its first SYN */
	assert_in_range(users, 1, 100);
	/* places change hands after the grace period, and not much later */
	assert_in_range(passed, 2 * 2048, 5 * 2048);
	assert_int_equal(world_drops(&w, D(POLICY_INGRESS)), MS * DENIED_MS);
	assert_int_equal(world_stats(&w).rx_packets, world_stats(&w).tx_packets + all_drops(&w));
	w.now += w.config.sweep_ms;
	assert_int_equal(world_slot(&w, SLOT_IN_WEB).packets, world_stats(&w).tx_packets);
	assert_int_equal(world_slot(&w, SLOT_IN_WEB).connections, world_stats(&w).conn_created);
	assert_int_equal(world_slot(&w, SLOT_IN_DENY).packets, MS * DENIED_MS);
	for (unsigned int i = 0; i < HOSTS * PORTS; i++)
		assert_true(both_ways(&w, i / PORTS, 1000 + i % PORTS));
	world_stop(&w);
}

/* What a worker's tables hold, in one number. */
static uint64_t fingerprint(const struct tg_worker *w)
{
	uint64_t sum = 0;

	for (unsigned int t = 0; t < 2; t++) {
		const struct tg_table *table = &w->table[t];
		const struct tg_halfopen *h = &w->halfopen[t];
		const struct {
			const void *at;
			size_t size;
		} part[] = {
			{table->hot, tg_table_size(table) << table->shift},
			{table->cold, tg_table_size(table) * sizeof(*table->cold)},
			{table->span, tg_table_spans(table) * sizeof(*table->span)},
			{h->count, (h->mask + 1ull) * TG_HALFOPEN_LINE * sizeof(*h->count)},
		};

		for (size_t i = 0; i < RTE_DIM(part); i++) {
			const uint64_t *word = part[i].at;

			for (size_t k = 0; k < part[i].size / sizeof(*word); k++)
				sum = (sum ^ word[k]) * 0x9e3779b97f4a7c15ull + 1;
		}
		sum += table->used + h->total + w->fragments.used;
	}
	return sum;
}

/* A packet that is refused costs its judgement, and nothing is remembered of it. */
static void a_denied_packet_changes_no_table(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 1000>81 S", D(POLICY_EGRESS)},
		{INSIDE, "fd00:1::1 > 2001:db8::1 tcp 1000>81 S", D(POLICY_EGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 tcp 1000>81 S", D(POLICY_INGRESS)},
		{OUTSIDE, "2001:db8::1 > fd00:1::2 udp 1000>81", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 udp 1000>81", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.3 icmp type=8", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.3 sctp 1000>81 init=11", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.3 proto=50 len=20", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.9.9 tcp 1000>80 S", D(UNKNOWN_ENDPOINT)},
		{OUTSIDE, "10.1.0.4 > 8.8.8.8 tcp 1000>80 S", D(SPOOFED)},
		{OUTSIDE, "8.8.8.8 > 9.9.9.9 tcp 1000>80 S", D(TRANSIT)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 tcp 1000>80 SA", D(TCP_NO_CONNECTION)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 tcp 1000>80 A", D(TCP_NO_CONNECTION)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 tcp 1000>80 R", D(TCP_NO_CONNECTION)},
	};
	struct tg_stats_worker before, after;
	uint64_t held;
	struct world w;

	world_ready(&w);
	assert_true(handshake(&w, 1, 1000));
	say(&w, OUTSIDE, "20.0.%u.1 > 10.1.0.2 udp %u>53", 1, 1000);
	held = fingerprint(w.worker[0]);
	before = world_stats(&w);
	PLAY(&w, lines);
	assert_true(fingerprint(w.worker[0]) == held);
	after = world_stats(&w);
	assert_memory_equal(&before.conn_created, &after.conn_created,
		offsetof(struct tg_stats_worker, handoff_sent) -
			offsetof(struct tg_stats_worker, conn_created));
	assert_int_equal(all_drops(&w), RTE_DIM(lines));
	/* and the check itself notices what an allowed one does */
	say(&w, OUTSIDE, "20.0.%u.1 > 10.1.0.2 udp %u>53", 1, 1001);
	assert_true(fingerprint(w.worker[0]) != held);
	world_stop(&w);
}

static void a_stranger_counts_with_the_whole_64(void **state)
{
	unsigned int passed = 0;
	struct world w;

	world_ready(&w);
	for (unsigned int i = 1; i <= 100; i++)
		passed += say(&w, OUTSIDE, "2001:db8::%x > fd00:1::2 tcp %u>80 S", i, i) == PASSED;
	assert_int_equal(passed, w.config.half_open_per_source);
	assert_int_equal(say(&w, OUTSIDE, "2001:db8::%x > fd00:1::2 tcp %u>80 S", 200, 1),
		D(HALF_OPEN_LIMIT));
	assert_int_equal(
		say(&w, OUTSIDE, "2001:db8:0:%x::1 > fd00:1::2 tcp %u>80 S", 1, 1), PASSED);
	/* answered ones give their share back */
	assert_int_equal(
		say(&w, INSIDE, "fd00:1::2 > 2001:db8::%x tcp 80>%u RA ack=1", 1, 1), PASSED);
	assert_int_equal(say(&w, OUTSIDE, "2001:db8::%x > fd00:1::2 tcp %u>80 S", 200, 1), PASSED);
	world_stop(&w);
}

/* Pods of a node share a /64, and none of them may use up what is another's. */
static void a_pod_counts_by_itself(void **state)
{
	unsigned int passed = 0;
	struct world w;

	world_ready(&w);
	for (unsigned int i = 1; i <= 100; i++)
		passed += say(&w, INSIDE, "fd00:1::4 > 2001:db8::%x tcp %u>443 S", i, i) == PASSED;
	assert_int_equal(passed, w.config.half_open_per_source);
	assert_int_equal(say(&w, INSIDE, "fd00:1::1 > 2001:db8::%x tcp %u>80 S", 1, 1), PASSED);
	world_stop(&w);
}

static void a_flood_of_one_family_leaves_room_for_the_other(void **state)
{
	struct stencil syn;
	struct world w;

	stencil_make(&syn, "9.0.0.0 > 10.1.0.2 tcp 1024>80 S", false);
	world_ready(&w);
	assert_in_range(spray(&w, OUTSIDE, &syn, 0, 1000), 1, 128);
	assert_true(world_drops(&w, D(HALF_OPEN_LIMIT)) != 0);
	for (unsigned int i = 1; i <= 32; i++)
		assert_int_equal(
			say(&w, OUTSIDE, "2001:db8::%x > fd00:1::2 tcp %u>80 S", i, i), PASSED);
	world_stop(&w);
}

/*
 * A server answers spoofed queries too. Its answers make no connection that others have to give
 * way to; those whose initiator goes on stay, whatever comes.
 */
static void answered_queries_of_nobody_make_room(void **state)
{
	unsigned int passed = 0;
	struct world w;

	world_ready(&w);
	for (unsigned int port = 1; port <= 20; port++) {
		assert_true(handshake(&w, 1, port));
		say(&w, OUTSIDE, "20.0.%u.1 > 10.1.0.2 udp %u>53", 2, port);
		say(&w, INSIDE, "10.1.0.2 > 20.0.%u.1 udp 53>%u", 2, port);
		say(&w, OUTSIDE, "20.0.%u.1 > 10.1.0.2 udp %u>53", 2, port);
	}
	for (unsigned int i = 0; i < 4000; i++, w.now += 4) {
		if (say(&w, OUTSIDE, "9.0.%u.%u > 10.1.0.2 udp 1000>53", i >> 8, i & 255) != PASSED)
			continue;
		passed++;
		say(&w, INSIDE, "10.1.0.2 > 9.0.%u.%u udp 53>1000", i >> 8, i & 255);
	}
	/* 16 s, less than they would stay: most got in at the expense of one another */
	assert_true(passed > 2000);
	assert_true(world_stats(&w).conn_evicted > 1500);
	for (unsigned int port = 1; port <= 20; port++) {
		assert_true(both_ways(&w, 1, port));
		assert_int_equal(
			say(&w, INSIDE, "10.1.0.2 > 20.0.%u.1 udp 53>%u", 2, port), PASSED);
	}
	world_stop(&w);
}

static void waiting_is_shorter_while_room_is_short(void **state)
{
	const unsigned int limit = 64; /* of IPv4 */
	struct stencil syn;
	uint32_t timeout;
	struct world w;

	stencil_make(&syn, "9.0.0.0 > 10.1.0.2 tcp 1024>80 S", false);
	world_defaults(&w);
	w.config.half_open_max = 2 * limit;
	world_start(&w);
	world_rules(&w, 0);
	timeout = w.config.timeouts.ms[TG_CONN_SYN_SENT];
	/* half of them: all may wait as long as configured */
	assert_int_equal(spray(&w, OUTSIDE, &syn, 0, limit / 2), limit / 2);
	world_sweep(&w);
	w.now += timeout - 3;
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, limit / 2);
	w.now += 1;
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	/* three quarters: half as long, and no longer */
	assert_int_equal(spray(&w, OUTSIDE, &syn, 0, limit * 3 / 4), limit * 3 / 4);
	world_sweep(&w);
	w.now += timeout / 2 - timeout / 16;
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, limit * 3 / 4);
	w.now += timeout / 16;
	world_sweep(&w);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	/* and whatever is left, nobody loses his place before an answer could be there */
	assert_int_equal(spray(&w, OUTSIDE, &syn, 0, limit), limit);
	world_sweep(&w);
	w.now += 490;
	world_sweep(&w);
	assert_int_equal(spray(&w, OUTSIDE, &syn, 1000, limit), 0);
	assert_int_equal(world_stats(&w).half_open, limit);
	w.now += 10;
	world_sweep(&w);
	assert_true(world_stats(&w).half_open < limit);
	world_stop(&w);
}

/* In the pickup window a SYN-ACK is believed for a while: at the cost of who sent it. */
static void what_claims_to_be_a_reply_counts_for_its_sender(void **state)
{
	unsigned int passed = 0;
	struct world w;

	world_defaults(&w);
	w.config.pickup_ms = 120000;
	world_start(&w);
	world_rules(&w, 0);
	for (unsigned int i = 1; i <= 100; i++)
		passed += say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.1 tcp 80>%u SA ack=1", 8, i) ==
			  PASSED;
	assert_int_equal(passed, w.config.half_open_per_source);
	for (unsigned int i = 1; i <= 50; i++)
		assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 9.9.9.%u tcp %u>80 S", 9, i), PASSED);
	/* who answers takes it upon himself, and the count stays right */
	assert_int_equal(
		say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u tcp %u>80 A seq=1 ack=1", 8, 1), PASSED);
	assert_int_equal(
		say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.1 tcp 80>%u SA ack=1", 8, 101), PASSED);
	w.now += 60000;
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	world_stop(&w);
}

/* A flood of strangers, each with its one connection, makes nobody look like a flooder. */
static void many_sources_are_told_apart(void **state)
{
	const struct tg_secret secret = {{3, 0x9e3779b97f4a7c15ull, 7, 0xd1b54a32d192ed03ull}};
	const uint32_t max = 1u << 20, per_source = 16;
	struct tg_halfopen h;
	uint32_t wronged = 0;

	assert_int_equal(tg_halfopen_init(&h, max, per_source, &secret), 0);
	for (uint32_t i = 0; i < max; i++)
		tg_halfopen_add(&h, i);
	for (uint32_t i = 0; i < 100000; i++)
		wronged += tg_halfopen_source_full(&h, 0x80000000u + i);
	assert_in_range(wronged, 0, 10);
	for (uint32_t i = 0; i < per_source; i++)
		tg_halfopen_add(&h, 0xc0a80101u);
	assert_true(tg_halfopen_source_full(&h, 0xc0a80101u));
	for (uint32_t i = 0; i < max; i++)
		tg_halfopen_drop(&h, i);
	assert_true(tg_halfopen_source_full(&h, 0xc0a80101u));
	for (uint32_t i = 0; i < per_source; i++)
		tg_halfopen_drop(&h, 0xc0a80101u);
	assert_int_equal(h.total, 0);
	for (size_t i = 0; i < TG_HALFOPEN_LINE * (h.mask + 1ull); i++)
		assert_int_equal(h.count[i], 0);
	tg_halfopen_fini(&h);
}

int run_flood_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spoofed_flood_hurts_no_established_one),
		cmocka_unit_test(a_denied_packet_changes_no_table),
		cmocka_unit_test(a_stranger_counts_with_the_whole_64),
		cmocka_unit_test(a_pod_counts_by_itself),
		cmocka_unit_test(a_flood_of_one_family_leaves_room_for_the_other),
		cmocka_unit_test(answered_queries_of_nobody_make_room),
		cmocka_unit_test(waiting_is_shorter_while_room_is_short),
		cmocka_unit_test(what_claims_to_be_a_reply_counts_for_its_sender),
		cmocka_unit_test(many_sources_are_told_apart),
	};

	return cmocka_run_group_tests_name("floods", tests, NULL, NULL);
}

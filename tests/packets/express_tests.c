/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The express way (dataplane/pipeline/express.h), for each kind of processor, does to any packet
 * what the parser and track.c do: worlds that differ in nothing else get the same packets.
 */
#include "internal.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

#include <rte_cpuflags.h>

#define WAYS 3
#define IDLE (21ull * 86400 * 1000) /* longer than any timeout, ms */

struct bench {
	struct world world[WAYS]; /* the first without an express way */
	unsigned int n;
	uint64_t seed;
	unsigned int taken; /* packets that the express ways took */
};

static const struct line handshakes[] = {
	{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1000 ws=7", PASSED},
	{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001 ws=2", PASSED},
	{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1001 ack=5001", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 tcp 4000>80 S seq=1000", PASSED},
	{OUTSIDE, "2001:db8::8 > fd00:1::1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 tcp 4000>80 A seq=1001 ack=5001", PASSED},
	{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
	{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
	{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
	{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
};

/* Ordinary packets of the connections above: what the express way has to take. */
static const struct line ordinary[] = {
	{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1001 ack=5001 len=10", PASSED},
	{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 PA seq=5001 ack=1001 len=3", PASSED},
	{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=14", PASSED},
	{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 pad=18", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 tcp 4000>80 A seq=1001 ack=5001 len=10", PASSED},
	{OUTSIDE, "2001:db8::8 > fd00:1::1 tcp 80>4000 A seq=5001 ack=1001", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
	{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000 len=40", PASSED},
};

#define ORDINARY (sizeof(ordinary) / sizeof(ordinary[0]))

/* Packets without connection: allowed, denied, in mid-stream. */
static const struct line beginnings[] = {
	{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4001>80 S seq=1000 ws=7", PASSED},
	{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4001>53 len=14", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 tcp 4001>80 S seq=1000 ws=7", PASSED},
	{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4001>53", PASSED},
	{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4002 S seq=1000", TG_DROP_POLICY_INGRESS},
	{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 54>4002 len=14", TG_DROP_POLICY_INGRESS},
	{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4003>80 A seq=1001 ack=5001", TG_DROP_TCP_NO_CONNECTION},
};

#define BEGINNINGS (sizeof(beginnings) / sizeof(beginnings[0]))

static uint32_t any(struct bench *b)
{
	b->seed = b->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(b->seed >> 32);
}

static void receive_by_parser(struct tg_worker *w, struct rte_mbuf *const mbufs[], unsigned int n,
	uint8_t port, bool handed_over)
{
	w->live = 0;
	for (unsigned int i = 0; i < n; i++)
		w->live |= (uint64_t)receive_one(w, i, mbufs[i], port, handed_over) << i;
}

/* Live connections of each kind in every world. */
static void establish(struct bench *b)
{
	for (unsigned int k = 0; k < b->n; k++) {
		struct world *w = &b->world[k];

		w->now += IDLE;
		for (int i = 0; i < 4; i++)
			world_sweep(w);
		PLAY(w, handshakes);
	}
}

static void bench_start(struct bench *b, bool liberal)
{
	static struct express parser_only;
	const struct express *ways[WAYS] = {&parser_only, &express_scalar};

	*b = (struct bench){.n = 2, .seed = 7};
	parser_only = (struct express){receive_by_parser, express_scalar.track};
	if (express_for_processor() != &express_scalar)
		ways[b->n++] = express_for_processor();
	for (unsigned int k = 0; k < b->n; k++) {
		world_defaults(&b->world[k]);
		b->world[k].config.n_workers = 1;
		b->world[k].config.tcp_liberal = liberal;
		world_start(&b->world[k]);
		world_rules(&b->world[k], 0);
		b->world[k].worker[0]->express = ways[k];
	}
	establish(b);
}

static void bench_stop(struct bench *b)
{
	for (unsigned int k = 0; k < b->n; k++)
		world_stop(&b->world[k]);
}

static void assert_same_conn(const struct world *a, const struct world *b, unsigned int family)
{
	const struct tg_table *ta = &a->worker[0]->table[family],
			      *tb = &b->worker[0]->table[family];

	for (uint64_t i = 0; i < tg_table_size(ta); i++) {
		struct tg_conn one = *tg_table_at(ta, i), *found, other;
		struct tg_key key;

		if (!one.used)
			continue;
		tg_table_key(ta, tg_table_at(ta, i), &key);
		found = tg_table_find(tb, &key, tg_table_hash(tb, &key));
		assert_non_null(found);
		other = *found;
		one.displaced = other.displaced = 0;
		one.far = other.far = 0;
		one.epoch -= a->worker[0]->epoch;
		other.epoch -= b->worker[0]->epoch;
		assert_memory_equal(&one, &other, sizeof(one));
	}
}

/* Everything that can be seen of the worlds is the same. */
static void assert_same(const struct bench *b)
{
	for (unsigned int k = 1; k < b->n; k++) {
		struct tg_stats_worker one = world_stats(&b->world[0]);
		struct tg_stats_worker other = world_stats(&b->world[k]);

		one.seen_epoch = other.seen_epoch = 0;
		one.marks_right = one.marks_stale = one.marks_wrong = 0; /* no two are alike */
		other.marks_right = other.marks_stale = other.marks_wrong = 0;
		assert_memory_equal(&one, &other, sizeof(one));
		assert_memory_equal(b->world[0].slots[0], b->world[k].slots[0],
			WORLD_SLOTS * sizeof(*b->world[0].slots[0]));
		assert_int_equal(
			b->world[0].worker[0]->table[0].used, b->world[k].worker[0]->table[0].used);
		assert_same_conn(&b->world[0], &b->world[k], 0);
		assert_same_conn(&b->world[0], &b->world[k], 1);
	}
}

/* One packet into every world. True: it passed. */
static bool send_all(struct bench *b, unsigned int port, const struct packet *packet)
{
	unsigned int passed = 0;

	for (unsigned int k = 0; k < b->n; k++) {
		struct tg_worker *worker = b->world[k].worker[0];
		struct rte_mbuf *m = packet_mbuf(b->world[k].pool, packet);

		b->world[k].now++;
		worker->packet[0].m = NULL;
		passed += world_burst(&b->world[k], port, &m, 1);
		b->taken += worker->packet[0].m == NULL;
	}
	assert_same(b);
	assert_true(passed == 0 || passed == b->n);
	return passed != 0;
}

/* A changed packet into every world; what it may have ended is made again. */
static void send_changed(struct bench *b, unsigned int port, const struct packet *packet)
{
	if (send_all(b, port, packet))
		establish(b);
}

static void ordinary_packets_are_taken(void **state)
{
	struct bench b;

	bench_start(&b, false);
	for (size_t i = 0; i < ORDINARY; i++) {
		struct packet packet;

		packet_make(&packet, ordinary[i].packet);
		b.taken = 0;
		assert_true(send_all(&b, ordinary[i].port, &packet));
		assert_int_equal(b.taken, b.n - 1);
	}
	bench_stop(&b);
}

/* Every bit of its header changed, one after the other. */
static void change_bits(struct bench *b, const struct line *line)
{
	struct packet packet;

	packet_make(&packet, line->packet);
	for (size_t bit = 0; bit < packet.size * 8 && bit < 80 * 8; bit++) {
		packet.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		send_changed(b, line->port, &packet);
		packet.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void every_bit_of_a_header_counts(void **state)
{
	struct bench b;

	bench_start(&b, false);
	for (size_t i = 0; i < ORDINARY; i++)
		change_bits(&b, &ordinary[i]);
	for (size_t i = 0; i < BEGINNINGS; i++)
		change_bits(&b, &beginnings[i]);
	bench_stop(&b);
}

static void cut(struct bench *b, const struct line *line)
{
	struct packet packet;
	size_t size;

	packet_make(&packet, line->packet);
	size = packet.size;
	for (packet.size = 1; packet.size <= size; packet.size++)
		send_changed(b, line->port, &packet);
	packet.size = size;
	for (packet.segment = 1; packet.segment <= size; packet.segment++)
		send_changed(b, line->port, &packet);
}

static void frames_end_anywhere(void **state)
{
	struct bench b;

	bench_start(&b, false);
	for (size_t i = 0; i < ORDINARY; i++)
		cut(&b, &ordinary[i]);
	for (size_t i = 0; i < BEGINNINGS; i++)
		cut(&b, &beginnings[i]);
	bench_stop(&b);
}

/* What has no connection is settled alike, and without the parser's record unless it is allowed. */
static void beginnings_are_taken(void **state)
{
	struct bench b;

	bench_start(&b, false);
	for (size_t i = 0; i < BEGINNINGS; i++) {
		const struct tg_stats_worker before = world_stats(&b.world[0]);
		const unsigned int expect = beginnings[i].expect;
		struct packet packet;

		packet_make(&packet, beginnings[i].packet);
		b.taken = 0;
		if (send_all(&b, beginnings[i].port, &packet)) {
			assert_int_equal(expect, PASSED);
			continue;
		}
		assert_int_equal(world_stats(&b.world[0]).drops[expect].packets,
			before.drops[expect].packets + 1);
		assert_int_equal(b.taken, b.n - 1);
	}
	bench_stop(&b);
}

static void put32(struct packet *packet, size_t at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		packet->bytes[at + i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A number near one of the limits of windows. */
static uint32_t near_limit(struct bench *b, uint32_t base)
{
	static const uint32_t limits[] = {0, 1, 66000, 65535u << 2, 65535u << 7, 1u << 31};
	uint32_t away = limits[any(b) % 6] + any(b) % 5 - 2;

	return any(b) & 1 ? base + away : base - away;
}

static void random_segments(bool liberal)
{
	enum { SEGMENTS = 20000 };
	struct bench b;

	bench_start(&b, liberal);
	for (unsigned int i = 0; i < SEGMENTS; i++) {
		const struct line *line = &ordinary[(any(&b) & 4) | (any(&b) & 1)];
		struct packet packet;
		size_t l4;

		packet_make(&packet, line->packet);
		l4 = packet.bytes[12] == 8 ? 34 : 54;
		put32(&packet, l4 + 4, near_limit(&b, line->port == INSIDE ? 1001 : 5001));
		put32(&packet, l4 + 8, near_limit(&b, line->port == INSIDE ? 5001 : 1001));
		if (any(&b) % 4 == 0)
			put32(&packet, l4 + 12,
				0x50100000u ^ (any(&b) % 3 << 28) ^ (any(&b) % 16 << 16) ^
					(any(&b) % 4 == 0 ? 0 : any(&b) & 0xffff));
		send_all(&b, line->port, &packet);
		if (i % 64 == 0)
			establish(&b);
	}
	bench_stop(&b);
}

static void windows_are_checked_alike(void **state)
{
	random_segments(false);
}

static void windows_are_ignored_alike(void **state)
{
	random_segments(true);
}

static void random_damage(void **state)
{
	enum { FRAMES = 20000 };
	static const char *const others[] = {
		"vlan=5 10.1.0.1 > 8.8.8.8 udp 4000>53 len=14",
		"10.1.0.1 > 8.8.8.8 id=7 udp 4000>53 frag=0+ len=72",
		"10.1.0.1 > 8.8.8.8 opt=94040000 tcp 4000>80 A seq=1001 ack=5001",
		"fd00:1::1 > 2001:db8::8 hbh tcp 4000>80 A seq=1001 ack=5001",
		"10.1.0.1 > 8.8.8.8 udp 68>67 len=20",
		"fe80::1 > ff02::1:2 udp 546>547 data=01aabbcc000600020017",
	};
	struct bench b;

	bench_start(&b, false);
	for (unsigned int i = 0; i < FRAMES; i++) {
		unsigned int which = any(&b) % (ORDINARY + BEGINNINGS + 6);
		struct packet packet;

		packet_make(&packet, which < ORDINARY ? ordinary[which].packet
				     : which < ORDINARY + BEGINNINGS
					     ? beginnings[which - ORDINARY].packet
					     : others[which - ORDINARY - BEGINNINGS]);
		for (unsigned int n = any(&b) % 4; n != 0; n--)
			packet.bytes[12 + any(&b) % 62] = (uint8_t)any(&b);
		send_all(&b, any(&b) & 1, &packet);
		if (i % 64 == 0)
			establish(&b);
	}
	bench_stop(&b);
}

/* Bursts in which connections begin, go on and end: all worlds come to the same. */
static void bursts_keep_their_order(void **state)
{
	enum { BURSTS = 1000 };
	static const char *const others[] = {
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 FA seq=1001 ack=5001",
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 R seq=1001",
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=90000",
		"10.1.0.1 > 8.8.8.8 tcp 4001>80 S seq=1000",
		"10.1.0.1 > 8.8.8.8 udp 4001>53 len=14",
		"10.1.0.1 > 8.8.8.8 udp 4000>54 len=14",
		"fd00:1::1 > 2001:db8::8 tcp 4000>80 FA seq=1001 ack=5001",
		"fd00:1::1 > 2001:db8::8 icmp6 type=128",
	};
	struct bench b;

	bench_start(&b, false);
	for (unsigned int i = 0; i < BURSTS; i++) {
		unsigned int n = 1 + any(&b) % TG_BURST;
		struct rte_mbuf *m[WAYS][TG_BURST];

		for (unsigned int p = 0; p < n; p++) {
			unsigned int which = any(&b) % 64;
			struct packet packet;

			packet_make(&packet,
				which < 8 ? others[which] : ordinary[which % 4 * 2].packet);
			for (unsigned int k = 0; k < b.n; k++)
				m[k][p] = packet_mbuf(b.world[k].pool, &packet);
		}
		for (unsigned int k = 0; k < b.n; k++)
			world_burst(&b.world[k], INSIDE, m[k], n);
		assert_same(&b);
		if (i % 8 == 0)
			establish(&b);
	}
	bench_stop(&b);
}

/* What is on its way when rules, links and time change. */
static void changes_are_noticed(void **state)
{
	struct packet packet;
	struct bench b;

	bench_start(&b, false);
	for (size_t i = 0; i < ORDINARY; i++) {
		packet_make(&packet, ordinary[i].packet);
		for (unsigned int k = 0; k < b.n; k++)
			tg_datapath_set_link(b.world[k].dp, ordinary[i].port ^ 1, false);
		assert_false(send_all(&b, ordinary[i].port, &packet));
		for (unsigned int k = 0; k < b.n; k++)
			tg_datapath_set_link(b.world[k].dp, ordinary[i].port ^ 1, true);
		assert_true(send_all(&b, ordinary[i].port, &packet));
		assert_false(send_all(&b, ordinary[i].port ^ 1, &packet)); /* from the wrong side */
		for (unsigned int k = 0; k < b.n; k++)
			world_rules(&b.world[k], RULES_NO_WEB | RULES_NO_DNS);
		assert_false(send_all(&b, ordinary[i].port, &packet));
		for (unsigned int k = 0; k < b.n; k++)
			world_rules(&b.world[k], 0);
		establish(&b);
		for (unsigned int k = 0; k < b.n; k++)
			b.world[k].now += IDLE;
		send_all(&b, ordinary[i].port, &packet);
		establish(&b);
	}
	bench_stop(&b);
}

int run_express_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_packets_are_taken),
		cmocka_unit_test(beginnings_are_taken),
		cmocka_unit_test(every_bit_of_a_header_counts),
		cmocka_unit_test(frames_end_anywhere),
		cmocka_unit_test(windows_are_checked_alike),
		cmocka_unit_test(windows_are_ignored_alike),
		cmocka_unit_test(random_damage),
		cmocka_unit_test(bursts_keep_their_order),
		cmocka_unit_test(changes_are_noticed),
	};

	return cmocka_run_group_tests_name("express", tests, NULL, NULL);
}

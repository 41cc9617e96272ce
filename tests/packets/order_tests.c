/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst comes to the same as its packets one by one: each is judged and followed in its turn, and
 * those of a flow leave in the order they came. Connections begin, go on, end, begin anew and are
 * attacked meanwhile, in whatever order chance has it.
 */
#include "tests.h"

#include <stdio.h>
#include <string.h>

#define FLOWS 3
#define SEEDS 20
#define DATAGRAMS 4096 /* in fragments; more than there are at a time */

/* REST: the rest of a datagram whose first fragment is TCP4's. */
enum kind { TCP4, TCP6, SCTP, DNS, OTHER, REST, KINDS };

/* With the flow's port. Several of a side in a row make sense, and others do not. */
static const struct word {
	enum kind kind; /* of the flow, by what is in order */
	const char *text;
} words[2][26] = {
	[INSIDE] =
		{
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 S seq=1000"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 S seq=90000"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 S seq=500 ws=3"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=1001 ack=5001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=1001 ack=5001 len=10"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=1011 ack=5001 len=20"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=90001 ack=70001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=90001 ack=70001 len=10"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 FA seq=1001 ack=5001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 FA seq=90001 ack=70001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=1002 ack=5002"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 R seq=1001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 tcp %u>80 R seq=90001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 icmp type=3 code=3 / 8.8.8.8 > 10.1.0.1 tcp 80>%u seq=5001"},
			{TCP4, "10.1.0.1 > 8.8.8.8 id=%2$u tcp %1$u>80 A seq=1001 ack=5001 frag=0+ len=28"},
			{REST, "10.1.0.1 > 8.8.8.8 id=%2$u tcp frag=48 len=10"},
			{TCP6, "fd00:1::1 > 2001:db8::8 tcp %u>80 S seq=1000"},
			{TCP6, "fd00:1::1 > 2001:db8::8 tcp %u>80 A seq=1001 ack=5001 len=10"},
			{TCP6, "fd00:1::1 > 2001:db8::8 tcp %u>80 S seq=90000"},
			{SCTP, "10.1.0.1 > 8.8.8.8 sctp %u>3868 tag=0 init=11"},
			{SCTP, "10.1.0.1 > 8.8.8.8 sctp %u>3868 tag=0 init=33"},
			{SCTP, "10.1.0.1 > 8.8.8.8 sctp %u>3868 tag=22 cookie-echo"},
			{SCTP, "10.1.0.1 > 8.8.8.8 sctp %u>3868 tag=22 data"},
			{SCTP, "10.1.0.1 > 8.8.8.8 sctp %u>3868 tag=22 abort"},
			{DNS, "10.1.0.1 > 8.8.8.8 udp %u>53"},
			{OTHER, "10.1.0.1 > 8.8.8.8 udp %u>54"},
		},
	[OUTSIDE] =
		{
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u SA seq=5000 ack=1001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u SA seq=5000 ack=1001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u SA seq=70000 ack=90001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u SA seq=70000 ack=90001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u A seq=5001 ack=1001 len=10"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u A seq=5001 ack=1011 len=10"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u A seq=70001 ack=90001 len=10"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u A seq=5001 ack=1001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u FA seq=5001 ack=1002"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u FA seq=70001 ack=90002"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u R seq=5001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u RA seq=0 ack=90001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u S seq=5001"},
			{TCP4, "8.8.8.8 > 10.1.0.1 tcp 80>%u S seq=600000"},
			{TCP4, "8.8.8.8 > 10.1.0.1 icmp type=3 code=4 / 10.1.0.1 > 8.8.8.8 tcp %u>80 seq=1001"},
			{DNS, "8.8.8.8 > 10.1.0.1 icmp type=3 code=3 / 10.1.0.1 > 8.8.8.8 udp %u>53"},
			{TCP6, "2001:db8::8 > fd00:1::1 tcp 80>%u SA seq=5000 ack=1001"},
			{TCP6, "2001:db8::8 > fd00:1::1 tcp 80>%u A seq=5001 ack=1001 len=10"},
			{TCP6, "2001:db8::8 > fd00:1::1 tcp 80>%u R seq=5001"},
			{SCTP, "8.8.8.8 > 10.1.0.1 sctp 3868>%u tag=11 init-ack=22"},
			{SCTP, "8.8.8.8 > 10.1.0.1 sctp 3868>%u tag=11 cookie-ack"},
			{SCTP, "8.8.8.8 > 10.1.0.1 sctp 3868>%u tag=11 data"},
			{SCTP, "8.8.8.8 > 10.1.0.1 sctp 3868>%u tag=0 init=44"},
			{DNS, "8.8.8.8 > 10.1.0.1 udp 53>%u"},
			{DNS, "8.8.8.8 > 10.1.0.1 udp 53>%u len=9"},
			{OTHER, "8.8.8.8 > 10.1.0.1 udp 54>%u"},
		},
};

#define WORDS (sizeof(words[0]) / sizeof(words[0][0]))

/* Of one burst. */
struct sent {
	unsigned int n;
	struct packet packet[TG_BURST];
	unsigned int flow[TG_BURST]; /* and kind */
};

struct pair {
	struct world one_by_one, burst;
	uint64_t random;
	unsigned int firsts, rests;    /* of datagrams in fragments */
	unsigned int whose[DATAGRAMS]; /* flow of the first */
};

static uint32_t any(struct pair *pair)
{
	pair->random = pair->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(pair->random >> 32);
}

/* No fragment comes twice: that would be an overlap, or not, as the datagram fares. */
static unsigned int datagram_of(struct pair *pair, const struct word *word)
{
	if (word->kind == REST)
		return ++pair->rests;
	return strstr(word->text, "frag=0+") != NULL ? ++pair->firsts : 0;
}

/* The flow of a packet by which all of it is in order. */
static unsigned int flow_of(
	struct pair *pair, const struct word *word, unsigned int flow, unsigned int datagram)
{
	unsigned int *whose = &pair->whose[datagram % DATAGRAMS];

	if (word->kind == REST)
		return *whose * KINDS + TCP4;
	if (datagram != 0)
		*whose = flow;
	return flow * KINDS + word->kind;
}

static void make(struct pair *pair, struct sent *sent, unsigned int port)
{
	sent->n = 1 + any(pair) % 8;
	for (unsigned int i = 0; i < sent->n; i++) {
		const struct word *word = &words[port][any(pair) % WORDS];
		unsigned int flow = any(pair) % FLOWS, datagram = datagram_of(pair, word);
		char text[160];

		snprintf(text, sizeof(text), word->text, 4000 + flow, datagram);
		packet_make(&sent->packet[i], text);
		sent->flow[i] = flow_of(pair, word, flow, datagram);
	}
}

/* Which of them come out, bit by index; in one burst or each alone. Those of a flow are in order.
 */
static uint64_t come_out(struct world *w, const struct sent *sent, unsigned int port, bool burst)
{
	struct rte_mbuf *m[TG_BURST], *out;
	int last[FLOWS * KINDS] = {0}; /* number of the one that left last, from 1 */
	uint64_t passed = 0;
	unsigned int by;

	for (unsigned int i = 0; i < sent->n; i++)
		m[i] = packet_mbuf(w->pool, &sent->packet[i]);
	for (unsigned int i = 0; i < sent->n; i += burst ? sent->n : 1)
		world_feed(w, port, &m[i], burst ? sent->n : 1);
	while ((out = world_take(&by)) != NULL) {
		int i = 0;

		while (m[i] != out)
			i++;
		assert_int_equal(by, port ^ 1);
		assert_true(i + 1 > last[sent->flow[i]]);
		last[sent->flow[i]] = i + 1;
		passed |= 1ull << i;
		rte_pktmbuf_free(out);
	}
	return passed;
}

static void assert_same(const struct pair *pair)
{
	const struct tg_stats_worker a = world_stats(&pair->one_by_one),
				     b = world_stats(&pair->burst);

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		assert_int_equal(a.drops[r].packets, b.drops[r].packets);
	assert_int_equal(a.conn_created, b.conn_created);
	assert_int_equal(a.conn_closed, b.conn_closed);
}

/* Time goes by, seldom for long, or somebody changes the rules. */
static void happen(struct world *w, uint32_t r, uint32_t what)
{
	static const uint32_t rules[] = {
		0, RULES_WEB_BOTH, RULES_NEW_WEB, RULES_NO_WEB | RULES_WEB_BOTH | RULES_NO_DNS};

	w->now += r % 64 == 0 ? what % 40000 : what % 20;
	if (r % 16 == 1)
		world_sweep(w);
	if (r % 128 == 2)
		world_rules(w, rules[what % 4]);
}

static void bursts_and_single_packets(uint32_t pickup_ms, unsigned int seed)
{
	enum { BURSTS = 1000 };
	struct pair pair = {.random = seed};
	struct world *worlds[] = {&pair.one_by_one, &pair.burst};
	struct tg_stats_worker stats;
	struct sent sent;

	for (unsigned int k = 0; k < 2; k++) {
		world_defaults(worlds[k]);
		worlds[k]->config.n_workers = 1;
		worlds[k]->config.conn4_max = 32; /* not all are in their home */
		worlds[k]->config.pickup_ms = pickup_ms;
		worlds[k]->config.fragments_max = 1 << 16; /* never full, by chance either */
		world_start(worlds[k]);
		world_rules(worlds[k], 0);
	}
	for (unsigned int i = 0; i < BURSTS; i++) {
		const unsigned int port = any(&pair) % 2;
		const uint32_t r = any(&pair), what = any(&pair);

		make(&pair, &sent, port);
		assert_int_equal(come_out(&pair.one_by_one, &sent, port, false),
			come_out(&pair.burst, &sent, port, true));
		assert_same(&pair);
		for (unsigned int k = 0; k < 2; k++)
			happen(worlds[k], r, what);
	}
	stats = world_stats(&pair.burst);
	assert_true(stats.conn_created > BURSTS / 20);
	assert_true(stats.drops[TG_DROP_TCP_INVALID].packets > BURSTS / 20);
	for (unsigned int k = 0; k < 2; k++)
		world_stop(worlds[k]);
}

static void a_burst_comes_to_the_same(void **state)
{
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		bursts_and_single_packets(0, seed);
}

static void so_it_does_while_segments_are_picked_up(void **state)
{
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		bursts_and_single_packets(1u << 30, seed);
}

int run_order_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_comes_to_the_same),
		cmocka_unit_test(so_it_does_while_segments_are_picked_up),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}

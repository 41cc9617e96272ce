/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many flows of every protocol at once, each direction of each by a receive queue of its own that
 * has nothing to do with its owner, workers taking turns at random: no connection is ever at two
 * workers, no packet overtakes another of its flow, and the workers' counters add up.
 */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PER_KIND 12u
#define STEPS_MAX 6
#define BURST_MAX 5u
#define SEEDS 12u
#define NOBODY UINT32_MAX

struct step {
	unsigned int port;
	const char *text; /* after the addresses; %1$u is the flow's own number, %2$s the mark */
};

/* What one flow sends; each step is answered before the next, and step 0 begins it. */
static const struct kind {
	const char *client, *server;
	struct step steps[STEPS_MAX];
	unsigned int packets; /* of a connection that its rule counts */
	unsigned int slot;
} kinds[] = {
	{"10.1.0.1", "8.8.8.8",
		{{INSIDE, "udp %1$u>53 data=%2$s"}, {OUTSIDE, "udp 53>%1$u data=%2$s"},
			{INSIDE, "udp %1$u>53 data=%2$s"}, {INSIDE, "udp %1$u>53 data=%2$s"}},
		4, SLOT_OUT_DNS},
	{"fd00:1::1", "2001:db8::8",
		{{INSIDE, "udp %1$u>53 data=%2$s"}, {OUTSIDE, "hbh udp 53>%1$u data=%2$s"},
			{INSIDE, "dst udp %1$u>53 data=%2$s"}, {INSIDE, "udp %1$u>53 data=%2$s"}},
		4, SLOT_OUT_DNS},
	{"10.1.0.1", "8.8.8.8",
		{{INSIDE, "tcp %1$u>80 S seq=99 win=9000"},
			{OUTSIDE, "tcp 80>%1$u SA seq=499 ack=100 win=9000"},
			{INSIDE, "tcp %1$u>80 A seq=100 ack=500 win=9000 data=%2$s"},
			{OUTSIDE, "tcp 80>%1$u A seq=500 ack=108 win=9000 data=%2$s"},
			{INSIDE, "tcp %1$u>80 A seq=108 ack=508 win=9000 data=%2$s"}},
		5, SLOT_OUT_WEB},
	{"fd00:1::1", "2001:db8::8",
		{{INSIDE, "tcp %1$u>80 S seq=99 win=9000"},
			{OUTSIDE, "tcp 80>%1$u SA seq=499 ack=100 win=9000"},
			{INSIDE, "tcp %1$u>80 A seq=100 ack=500 win=9000 data=%2$s"}},
		3, SLOT_OUT_WEB},
	{"10.1.0.1", "8.8.8.8",
		{{INSIDE, "icmp type=8 icmpid=%1$u data=%2$s"},
			{OUTSIDE, "icmp type=0 icmpid=%1$u data=%2$s"},
			{INSIDE, "icmp type=8 icmpid=%1$u data=%2$s"}},
		3, SLOT_OUT_ICMP},
	{"10.1.0.1", "8.8.8.8",
		{{INSIDE, "sctp %1$u>3868 tag=0 init=11"},
			{OUTSIDE, "sctp 3868>%1$u tag=11 init-ack=22"},
			{INSIDE, "sctp %1$u>3868 tag=22 cookie-echo"},
			{OUTSIDE, "sctp 3868>%1$u tag=11 cookie-ack"}},
		4, SLOT_OUT_SCTP},
	/* fragments: the whole of each step is one datagram */
	{"10.1.0.1", "8.8.4.4",
		{{INSIDE, "id=%1$u udp %1$u>53 frag=0+ len=72"},
			{INSIDE, "id=%1$u udp frag=80+ len=80"},
			{INSIDE, "id=%1$u udp frag=160 data=%2$s"},
			{OUTSIDE, "udp 53>%1$u data=%2$s"}},
		4, SLOT_OUT_DNS},
	{"fd00:1::1", "2001:db8::9",
		{{INSIDE, "id=%1$u frag=0+ udp %1$u>53 len=72"},
			{INSIDE, "id=%1$u frag=80 udp data=%2$s"},
			{OUTSIDE, "udp 53>%1$u data=%2$s"}},
		3, SLOT_OUT_DNS},
	/* errors about a connection are not counted as its packets */
	{"10.1.0.1", "8.8.8.9",
		{{INSIDE, "udp %1$u>53 data=%2$s"},
			{OUTSIDE, "icmp type=3 code=4 / 10.1.0.1 > 8.8.8.9 udp %1$u>53"},
			{OUTSIDE, "icmp type=11 / 10.1.0.1 > 8.8.8.9 udp %1$u>53"},
			{OUTSIDE, "udp 53>%1$u data=%2$s"}},
		2, SLOT_OUT_DNS},
	{"fd00:1::1", "2001:db8::a",
		{{INSIDE, "udp %1$u>53 data=%2$s"},
			{OUTSIDE, "icmp6 type=1 / fd00:1::1 > 2001:db8::a udp %1$u>53"}},
		1, SLOT_OUT_DNS},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define FLOWS (KINDS * PER_KIND)

/* A mark at the end of a packet: flow and number. */
struct flow {
	uint32_t queue[2];	/* where its packets arrive, by port */
	uint32_t owner;		/* by whose queue they leave */
	uint32_t sent, arrived; /* marked packets of this step */
};

struct crowd {
	struct world w;
	struct flow flows[FLOWS];
	uint64_t random;
	unsigned int sent, passed;
};

static uint32_t pick(struct crowd *c, uint32_t n)
{
	c->random = c->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((c->random >> 32) * n >> 32);
}

static void start(struct crowd *c, uint64_t seed, uint32_t depth)
{
	const uint32_t n_workers = 2 + seed % 2;

	*c = (struct crowd){.random = seed};
	world_defaults(&c->w);
	c->w.config.n_workers = n_workers;
	c->w.config.handoff_depth = depth;
	c->w.config.conn4_max = c->w.config.conn6_max = 1024;
	c->w.config.half_open_max = 4096;
	c->w.config.half_open_per_source = 1024;
	c->w.config.fragments_max = 256;
	world_start(&c->w);
	world_rules(&c->w, 0);
	for (uint32_t f = 0; f < FLOWS; f++) {
		c->flows[f].queue[INSIDE] = pick(c, n_workers);
		c->flows[f].queue[OUTSIDE] = pick(c, n_workers);
		c->flows[f].owner = NOBODY;
	}
}

/* What a flow sends in a step, `n` times over; one whose text has no mark is sent once. */
static unsigned int make_packets(
	struct crowd *c, uint32_t f, unsigned int s, struct rte_mbuf **m, unsigned int n)
{
	const struct kind *kind = &kinds[f % KINDS];
	const struct step *step = &kind->steps[s];
	const char *ends[2] = {kind->client, kind->server};
	char format[256], text[320], mark[17];
	struct packet packet;
	bool marked = strstr(step->text, "%2$s") != NULL && strstr(step->text, "tcp") == NULL &&
		      strstr(step->text, "frag") == NULL;

	snprintf(format, sizeof(format), "%s > %s %s", ends[step->port], ends[step->port ^ 1],
		step->text);
	n = marked ? n : 1;
	for (unsigned int i = 0; i < n; i++) {
		snprintf(mark, sizeof(mark), "7469%04x%08x", f, marked ? ++c->flows[f].sent : 0);
		snprintf(text, sizeof(text), format, f / KINDS + 1000, mark);
		packet_make(&packet, text);
		/* what is in several segments goes the parser's way, what is in one an express way
		 */
		packet.segment = pick(c, 2) * (1 + pick(c, (uint32_t)packet.size - 1));
		m[i] = packet_mbuf(c->w.pool, &packet);
	}
	return n;
}

/* One that came out by worker `k`: the same one as all others of its flow, in their order. */
static void take_out(struct crowd *c, struct rte_mbuf *m, uint32_t k)
{
	uint8_t copy[8];
	const uint8_t *mark = rte_pktmbuf_read(m, rte_pktmbuf_pkt_len(m) - 8, 8, copy);
	uint32_t f, number;

	f = (uint32_t)mark[2] << 8 | mark[3];
	number = (uint32_t)mark[4] << 24 | (uint32_t)mark[5] << 16 | (uint32_t)mark[6] << 8 |
		 mark[7];
	if (mark[0] == 0x74 && mark[1] == 0x69 && f < FLOWS) {
		if (c->flows[f].owner == NOBODY)
			c->flows[f].owner = k;
		assert_int_equal(c->flows[f].owner, k);
		if (number != 0) {
			assert_true(number > c->flows[f].arrived);
			c->flows[f].arrived = number;
		}
	}
	c->passed++;
	rte_pktmbuf_free(m);
}

static void collect(struct crowd *c)
{
	struct rte_mbuf *m;

	for (unsigned int port = 0; port < WORLD_PORTS; port++)
		for (uint32_t k = 0; k < c->w.config.n_workers; k++)
			while ((m = world_take_of(port, k)) != NULL)
				take_out(c, m, k);
}

/* Each flow sends its step's packets by its queue; workers take what others handed them any time.
 */
static void play_step(struct crowd *c, unsigned int s, unsigned int repeat)
{
	uint32_t order[FLOWS] = {0};
	struct rte_mbuf *m[BURST_MAX];

	for (uint32_t f = 0; f < FLOWS; f++) {
		uint32_t at = pick(c, f + 1);

		order[f] = order[at];
		order[at] = f;
	}
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct step *step = &kinds[order[i] % KINDS].steps[s];
		struct flow *flow = &c->flows[order[i]];
		unsigned int n;

		if (step->text == NULL)
			continue;
		n = make_packets(c, order[i], s, m, 1 + pick(c, repeat));
		tg_worker_burst(c->w.worker[flow->queue[step->port]], (uint16_t)step->port, m,
			(uint16_t)n, c->w.now);
		c->sent += n;
		while (pick(c, 3) == 0)
			tg_worker_handoff(c->w.worker[pick(c, c->w.config.n_workers)], c->w.now);
	}
	world_settle(&c->w);
	collect(c);
}

/* How many workers have an entry of that key; each is looked for everywhere. */
static void check_tables(const struct crowd *c)
{
	unsigned int found = 0;

	for (uint32_t k = 0; k < c->w.config.n_workers; k++) {
		for (unsigned int t = 0; t < 2; t++) {
			const struct tg_table *table = &c->w.worker[k]->table[t];

			for (uint64_t i = 0; i < tg_table_size(table); i++) {
				const struct tg_conn *conn = tg_table_at(table, i);
				struct tg_key key;

				if (!conn->used)
					continue;
				found++;
				tg_table_key(table, conn, &key);
				for (uint32_t o = 0; o < c->w.config.n_workers; o++) {
					const struct tg_table *other = &c->w.worker[o]->table[t];

					if (o != k)
						assert_null(tg_table_find(
							other, &key, tg_table_hash(other, &key)));
				}
			}
		}
	}
	assert_int_equal(found, FLOWS);
}

static void check_counters(struct crowd *c)
{
	struct tg_stats_worker sum = world_stats(&c->w);
	uint64_t rules = 0, connections = 0;

	assert_int_equal(sum.rx_packets, c->sent);
	assert_int_equal(sum.tx_packets, c->passed);
	assert_int_equal(sum.handoff_sent, sum.handoff_received);
	assert_true(sum.handoff_sent > c->sent / 4);
	assert_int_equal(sum.conn_created, FLOWS);
	for (unsigned int slot = TG_SLOT_FIRST; slot < SLOT_LIMIT; slot++) {
		rules += world_slot(&c->w, slot).packets;
		connections += world_slot(&c->w, slot).connections;
	}
	assert_int_equal(connections, FLOWS);
	assert_int_equal(rules + world_slot(&c->w, TG_BUILTIN_RELATED_ICMP).packets, c->passed);
	assert_int_equal(world_slot(&c->w, TG_BUILTIN_RELATED_ICMP).packets, 3 * PER_KIND);
	for (uint32_t k = 0; k < c->w.config.n_workers; k++)
		assert_true(c->w.stats[k]->conn4_used > 0 && c->w.stats[k]->conn6_used > 0);
}

static void no_connection_is_at_two_workers(void **state)
{
	static struct crowd c;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		start(&c, seed, 1024);
		for (unsigned int s = 0; s < STEPS_MAX; s++) {
			/* a connection's first packet is one: two would be at two workers' mercy */
			play_step(&c, s, s == 0 ? 1 : BURST_MAX);
			if (s == 0)
				check_tables(&c);
		}
		for (unsigned int reason = 0; reason < TG_DROP_COUNT; reason++)
			assert_int_equal(world_drops(&c.w, (enum tg_drop_reason)reason), 0);
		assert_int_equal(c.passed, c.sent);
		check_tables(&c);
		check_counters(&c);
		world_stop(&c.w);
	}
}

/*
 * From here on each flow's packets come in by a worker who is not its owner. The tables' secret
 * draws who owns what: where hardly any flow has to be passed on, no ring is ever full.
 */
static void arrive_elsewhere(struct crowd *c)
{
	for (uint32_t f = 0; f < FLOWS; f++)
		c->flows[f].queue[INSIDE] = (c->flows[f].owner + 1) % c->w.config.n_workers;
}

/*
 * What does not fit is lost and counted, what does is still in order, and nothing else happens. Of
 * four bursts two at least are for the same ring, and these do not fit.
 */
static void full_rings_keep_the_order(void **state)
{
	static struct crowd c;
	uint64_t full;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct rte_mbuf *m[TG_BURST];

		start(&c, seed, 64);
		play_step(&c, 0, 1);
		arrive_elsewhere(&c);
		for (unsigned int round = 0; round < 40; round++) {
			uint32_t f = (uint32_t)KINDS * pick(&c, PER_KIND); /* IPv4, UDP */
			unsigned int n = 0;

			while (n + BURST_MAX < TG_BURST)
				n += make_packets(&c, f, 0, m + n, BURST_MAX);
			tg_worker_burst(c.w.worker[c.flows[f].queue[INSIDE]], INSIDE, m,
				(uint16_t)n, c.w.now);
			c.sent += n;
			if (round % 4 == 3) {
				world_settle(&c.w);
				collect(&c);
			}
		}
		full = world_drops(&c.w, TG_DROP_HANDOFF_FULL);
		assert_true(full > 0);
		assert_int_equal(c.passed + full, c.sent);
		assert_int_equal(
			world_stats(&c.w).handoff_sent, world_stats(&c.w).handoff_received);
		check_tables(&c);
		world_stop(&c.w);
	}
}

int run_owner_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_connection_is_at_two_workers),
		cmocka_unit_test(full_rings_keep_the_order),
	};

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}

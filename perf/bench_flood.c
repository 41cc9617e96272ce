/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flood of spoofed SYNs beside established connections, through the whole packet path of one
 * worker with the shipped settings.
 *
 *	bench_flood [--json PATH] [--seconds N] [--mpps N] [--flows N]
 *
 * 10 million SYNs a second for 10 seconds, of random sources, one in ten denied, the others
 * allowed by policy, go to 10,000 pods that have 100,000 connections: for every ten SYNs one packet
 * of these passes, either way. Meanwhile about a user a millisecond tries to connect, once, from a
 * tenth of a second away. The seconds are those of the gateway's clock, which is turned by the
 *number of SYNs; how many the core took of a real second is measured, and printed beside it.
 *
 * It fails if a packet of an established connection was dropped, if a table held more than it may,
 * or if any counter disagrees with what was sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench.h"
#include "builder.h"
#include "classify.h"
#include "image.h"
#include "rig.h"
#include "worker.h"

#define PODS 10000u
#define POD_FIRST 0x0a010000u
#define USER_FIRST 0x05000000u /* established and trying ones: a network of their own */
#define BATCH 640u	       /* SYNs; a tenth as many established packets follow */
#define DENIED_EACH 10u
#define RTT_MS 100u
#define SYN 0x02
#define ACK 0x10

enum { CLASS_WORLD = 1, CLASS_POD, CLASSES };
enum { SLOT_WEB = TG_SLOT_FIRST, SLOT_DENY, SLOTS };

struct bench {
	struct tg_datapath *dp;
	struct tg_worker *worker;
	struct tg_stats_worker stats;
	struct tg_stats_slot *slots;
	struct tg_classifier *classifier;
	struct tg_generation *generation;
	struct rte_mempool *pool;
	uint16_t ethdev[2];
	uint64_t random;
	uint64_t now; /* ms */
};

struct options {
	const char *json;
	uint32_t seconds, mpps, flows;
};

struct result {
	uint64_t syns, denied, admitted; /* of the flood */
	uint64_t kept, lost;		 /* packets of established connections */
	uint64_t users, connected;
	uint64_t half_open, used; /* the most there were */
	uint64_t nanoseconds;	  /* of the processor, for the SYNs */
};

/* ---- the gateway ---- */

static void make_rules(struct bench *b)
{
	const uint32_t pass = TG_PROGRAM_DIRECT |
			      tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_NOT_SUBJECT);
	const uint32_t closed = TG_PROGRAM_DIRECT |
				tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_FAIL_CLOSED);
	const uint32_t deny = tg_verdict_make(TG_ACTION_DENY, SLOT_DENY);
	const struct tg_image_step steps[] = {
		{0, deny},
		{6u << 16 | 80, tg_verdict_make(TG_ACTION_ALLOW, SLOT_WEB)},
		{6u << 16 | 81, deny},
	};
	const struct tg_image_program program = {.first = 0, .count = 3};
	const struct tg_image_prefix4 prefix4 = {.cls = CLASS_WORLD};
	const struct tg_image_prefix6 prefix6 = {.cls = TG_CLASS_FAIL_CLOSED};
	const struct tg_image_rule rules[] = {
		{.slot = SLOT_WEB, .kind = TG_RULE_POLICY},
		{.slot = SLOT_DENY, .kind = TG_RULE_IMPLICIT},
	};
	struct tg_image_addr4 *pods = calloc(PODS, sizeof(*pods));
	struct tg_image_class classes[CLASSES];
	struct tg_image_error error;
	struct tg_image image;
	void *data;
	size_t size;

	for (unsigned int i = 0; i < CLASSES; i++)
		classes[i] = (struct tg_image_class){
			.row = {TG_NONE, TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.default_program = {i != 0 ? pass : closed, i == CLASS_POD     ? 0
								    : i == CLASS_WORLD ? pass
										       : closed},
			.kind = i == CLASS_POD	   ? TG_KIND_POD
				: i == CLASS_WORLD ? TG_KIND_WORLD
						   : TG_KIND_UNKNOWN,
			.family = i != 0 ? 4 : 0,
		};
	for (uint32_t i = 0; pods != NULL && i < PODS; i++)
		pods[i] = (struct tg_image_addr4){
			.addr = POD_FIRST + i, .cls = CLASS_POD, .node = TG_NONE};
	if (pods == NULL || tg_image_build(
				    &(struct tg_image_parts){
					    .addr4 = pods,
					    .n_addr4 = PODS,
					    .prefix4 = &prefix4,
					    .n_prefix4 = 1,
					    .prefix6 = &prefix6,
					    .n_prefix6 = 1,
					    .classes = classes,
					    .n_classes = CLASSES,
					    .programs = &program,
					    .n_programs = 1,
					    .steps = steps,
					    .n_steps = RTE_DIM(steps),
					    .rules = rules,
					    .n_rules = RTE_DIM(rules),
					    .strings = "",
					    .n_strings = 1,
					    .generation = 1,
					    .slot_limit = SLOTS,
				    },
				    &data, &size) != 0)
		bench_die("no image");
	if (tg_image_check(data, size, &image, &error) != 0)
		bench_die("%s", error.text);
	b->classifier = tg_classifier_build(&image, 0, SOCKET_ID_ANY);
	b->generation = b->classifier != NULL ? tg_generation_create(b->classifier, 1, 1) : NULL;
	if (b->generation == NULL)
		bench_die("no classifier");
	free(data);
	free(pods);
}

/* A port that takes whatever is sent by it. */
static uint16_t make_port(struct bench *b, const char *name)
{
	struct rte_eth_conf conf = {0};
	uint16_t port;

	if (rte_vdev_init(name, "") != 0 || rte_eth_dev_get_port_by_name(name, &port) != 0 ||
		rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, b->pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, 64, 0, NULL) != 0 || rte_eth_dev_start(port) != 0)
		bench_die("no port");
	return port;
}

static void open_gateway(struct bench *b)
{
	struct tg_datapath_config config;

	rig_wire(&config, b->ethdev[0], b->ethdev[1]);
	config.ports[0].side = TG_SIDE_INSIDE;
	config.ports[1].side = TG_SIDE_OUTSIDE;
	b->slots = calloc(config.slot_capacity, sizeof(*b->slots));
	if (b->slots == NULL || tg_datapath_create(&config, &b->dp) != 0 ||
		tg_worker_create(b->dp, 0, SOCKET_ID_ANY, &b->stats, b->slots, &b->worker) != 0)
		bench_die("no worker");
	rig_begin(b->dp, b->generation);
}

static void start(struct bench *b)
{
	rig_eal("0", 256, false);
	b->pool = rig_pool(4095);
	b->ethdev[0] = make_port(b, "net_null0");
	b->ethdev[1] = make_port(b, "net_null1");
	make_rules(b);
	open_gateway(b);
}

/* ---- frames ---- */

struct end {
	uint32_t addr;
	uint16_t port;
};

static struct rte_mbuf *frame(
	struct bench *b, struct end src, struct end dst, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	const uint32_t words[2] = {rte_cpu_to_be_32(src.addr), rte_cpu_to_be_32(dst.addr)};
	const uint16_t ports[2] = {rte_cpu_to_be_16(src.port), rte_cpu_to_be_16(dst.port)};
	uint8_t *p;

	if (m == NULL)
		bench_die("no mbufs");
	p = rig_frame(m);
	memcpy(p + 26, words, 8);
	memcpy(p + 34, ports, 4);
	seq = rte_cpu_to_be_32(seq);
	ack = rte_cpu_to_be_32(ack);
	memcpy(p + 38, &seq, 4);
	memcpy(p + 42, &ack, 4);
	p[46] = 0x50;
	p[47] = flags;
	memcpy(p + 48, "\xff\xff", 2);
	return m;
}

/* The packets of connection `i`: 0 the SYN, 1 its answer, 2 and more: either way in turns. */
static struct rte_mbuf *step_of(struct bench *b, uint32_t i, unsigned int step)
{
	const struct end pod = {POD_FIRST + i % PODS, 80}, user = {USER_FIRST + i, 5000};

	if (step == 0)
		return frame(b, user, pod, SYN, 1000, 0);
	if (step == 1)
		return frame(b, pod, user, SYN | ACK, 5000, 1001);
	return step % 2 == 0 ? frame(b, user, pod, ACK, 1001, 5001)
			     : frame(b, pod, user, ACK, 5001, 1001);
}

static struct rte_mbuf *spoofed(struct bench *b, bool denied)
{
	uint64_t r = bench_random(&b->random);
	/* 11.0.0.0 to 126.255.255.255 */
	const struct end src = {0x0b000000u + (uint32_t)((r & 0xffffffffu) * 0x74u >> 8),
		(uint16_t)(r >> 32 | 1024)};
	const struct end dst = {POD_FIRST + (uint32_t)((r >> 48) * PODS >> 16), denied ? 81 : 80};

	return frame(b, src, dst, SYN, (uint32_t)r, 0);
}

/* ---- measured ---- */

/* How many of them passed. */
static uint64_t feed(struct bench *b, unsigned int port, struct rte_mbuf **m, unsigned int n)
{
	uint64_t before = b->stats.tx_packets;

	for (unsigned int done = 0; done < n; done += TG_BURST) {
		tg_worker_burst(b->worker, (uint16_t)port, m + done,
			(uint16_t)RTE_MIN(n - done, (unsigned int)TG_BURST), b->now);
		tg_worker_sweep(b->worker, b->now);
		tg_worker_flush(b->worker);
	}
	return b->stats.tx_packets - before;
}

static bool one(struct bench *b, uint32_t flow, unsigned int step)
{
	struct rte_mbuf *m = step_of(b, flow, step);

	return feed(b, step % 2 == 0 ? 1 : 0, &m, 1) == 1;
}

static void flood(struct bench *b, struct result *r)
{
	struct rte_mbuf *m[BATCH];
	uint64_t began;

	for (unsigned int i = 0; i < BATCH; i++)
		m[i] = spoofed(b, i % DENIED_EACH == 0);
	began = bench_ns(CLOCK_THREAD_CPUTIME_ID);
	r->admitted += feed(b, 1, m, BATCH);
	r->nanoseconds += bench_ns(CLOCK_THREAD_CPUTIME_ID) - began;
	r->syns += BATCH;
	r->denied += BATCH / DENIED_EACH;
}

static void talk(struct bench *b, uint32_t flows, struct result *r)
{
	struct rte_mbuf *m[BATCH / 10];
	unsigned int way = 2 + (bench_random(&b->random) & 1);
	uint64_t passed;

	for (unsigned int i = 0; i < RTE_DIM(m); i++)
		m[i] = step_of(b, bench_below(&b->random, flows), way);
	passed = feed(b, way % 2 == 0 ? 1 : 0, m, RTE_DIM(m));
	r->kept += passed;
	r->lost += RTE_DIM(m) - passed;
}

/* Somebody new, and who came RTT_MS ago. */
static void visit(struct bench *b, uint32_t first, struct result *r)
{
	one(b, first + (uint32_t)r->users, 0);
	if (r->users >= RTT_MS) {
		uint32_t user = first + (uint32_t)r->users - RTT_MS;

		r->connected += one(b, user, 1) && one(b, user, 2);
	}
	r->users++;
}

static void run(struct bench *b, const struct options *o, struct result *r)
{
	const uint64_t syns = (uint64_t)o->seconds * o->mpps * 1000000;

	for (uint32_t i = 0; i < o->flows; i++) {
		if (!one(b, i, 0) || !one(b, i, 1) || !one(b, i, 2))
			bench_die("a connection does not come about");
	}
	while (r->syns < syns) {
		flood(b, r);
		talk(b, o->flows, r);
		b->now = r->syns / (o->mpps * 1000ull);
		/* at any time of a millisecond: one after the other, on average */
		if (bench_below(&b->random, o->mpps * 1000) < BATCH)
			visit(b, o->flows, r);
		r->half_open = RTE_MAX(r->half_open, b->stats.half_open);
		r->used = RTE_MAX(r->used, b->stats.conn4_used);
	}
	/* everything is counted once the sweep has been everywhere */
	for (uint64_t end = b->now + 10000; b->now < end; b->now++) {
		while (tg_worker_sweep(b->worker, b->now) == 0)
			;
	}
}

static void check(const struct bench *b, const struct result *r)
{
	const struct tg_stats_slot *web = &b->slots[SLOT_WEB], *deny = &b->slots[SLOT_DENY];
	const uint64_t drops = rig_drops(&b->stats);

	if (r->lost != 0)
		bench_die("packets of established connections were dropped");
	if (r->half_open > b->stats.half_open_capacity || r->used > b->stats.conn4_capacity)
		bench_die("a table held more than it may");
	if (b->stats.rx_packets != b->stats.tx_packets + drops)
		bench_die("passed and dropped are not what was sent");
	if (web->packets != b->stats.tx_packets || web->connections != b->stats.conn_created)
		bench_die("the rule's counters are not what passed");
	if (deny->packets != r->denied ||
		b->stats.drops[TG_DROP_POLICY_INGRESS].packets != r->denied)
		bench_die("the rule's counters are not what was denied");
}

static void write_json(const struct options *o, const struct bench *b, const struct result *r)
{
	FILE *to = bench_figures_open(o->json);

	fprintf(to,
		"[\n  {\"seconds\": %u, \"flood_mpps\": %u, \"flows\": %u, \"syns\": %lu, "
		"\"denied\": %lu, \"admitted\": %lu, \"established_packets\": %lu, "
		"\"established_lost\": %lu, \"users\": %lu, \"users_connected\": %lu, "
		"\"half_open_most\": %lu, \"half_open_limit\": %lu, \"connections_most\": %lu, "
		"\"connections_limit\": %lu, \"evicted\": %lu, \"core_mpps\": %.2f}\n]\n",
		o->seconds, o->mpps, o->flows, r->syns, r->denied, r->admitted, r->kept, r->lost,
		r->users, r->connected, r->half_open, b->stats.half_open_capacity, r->used,
		b->stats.conn4_capacity, b->stats.conn_evicted,
		(double)r->syns * 1e3 / (double)r->nanoseconds);
	bench_figures_close(to);
}

static void print(const struct options *o, const struct bench *b, const struct result *r)
{
	const uint64_t *refused = &b->stats.drops[TG_DROP_HALF_OPEN_LIMIT].packets;

	printf("spoofed SYNs           %12lu  %u Mpps for %u s of the gateway's clock\n", r->syns,
		o->mpps, o->seconds);
	printf("  the core takes       %12.2f  M a second\n",
		(double)r->syns * 1e3 / (double)r->nanoseconds);
	printf("  denied by a rule     %12lu\n", r->denied);
	printf("  admitted             %12lu\n", r->admitted);
	printf("  refused              %12lu  half_open_limit, users included\n", *refused);
	printf("established packets    %12lu  of %u connections; lost: %lu\n", r->kept + r->lost,
		o->flows, r->lost);
	printf("users                  %12lu  connected at the first attempt: %lu (%.1f %%)\n",
		r->users, r->connected, 100.0 * (double)r->connected / (double)r->users);
	printf("half-open, most        %12lu  of %lu (IPv4's part: four fifths)\n", r->half_open,
		b->stats.half_open_capacity);
	printf("connections, most      %12lu  of %lu\n", r->used, b->stats.conn4_capacity);
	printf("evicted                %12lu\n", b->stats.conn_evicted);
}

int main(int argc, char **argv)
{
	struct options o = {.seconds = 10, .mpps = 10, .flows = 100000};
	static struct bench b;
	struct result r = {0};
	const struct bench_option options[] = {
		{.name = "json", .text = &o.json},
		{.name = "seconds", .number = &o.seconds, .least = 1, .most = 3600},
		{.name = "mpps", .number = &o.mpps, .least = 1, .most = 1000},
		{.name = "flows", .number = &o.flows, .least = 1, .most = 1000000},
		{0},
	};

	bench_options(argc, argv, options);
	start(&b);
	run(&b, &o, &r);
	print(&o, &b, &r);
	check(&b, &r);
	if (o.json != NULL)
		write_json(&o, &b, &r);
	return 0;
}

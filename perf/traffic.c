/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "compile.h"
#include "gen.h"
#include "image.h"
#include "rig.h"
#include "traffic.h"

#define TUPLES (1u << 20)
#define FIRST_PORT 1024u /* source ports of flows */

static void keep(struct traffic_flows *flows, const struct tg_tuple *tuple)
{
	struct traffic_flow *flow = &flows->v[flows->n++];

	memset(flow, 0, sizeof(*flow)); /* padding is compared as well */
	flow->src = tuple->src.v4;
	flow->dst = tuple->dst.v4;
	flow->dport = tuple->dport;
	flow->protocol = tuple->protocol;
}

static void keep6(struct traffic_flows *flows, const struct tg_tuple *tuple)
{
	struct traffic_flow6 *flow = &flows->v6[flows->n++];

	memset(flow, 0, sizeof(*flow));
	memcpy(flow->src, tuple->src.v6, 16);
	memcpy(flow->dst, tuple->dst.v6, 16);
	flow->dport = tuple->dport;
	flow->protocol = tuple->protocol;
}

static int compare_flows(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct traffic_flow));
}

static int compare_flows6(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct traffic_flow6));
}

/* Each of `n` once, so that each flow is one connection; how many are left. */
static uint32_t unique(
	void *flows, uint32_t n, size_t size, int (*compare)(const void *, const void *))
{
	uint8_t *v = flows;
	uint32_t kept = 0;

	qsort(v, n, size, compare);
	for (uint32_t i = 0; i < n; i++) {
		if (kept == 0 || memcmp(v + (kept - 1) * size, v + i * size, size) != 0)
			memmove(v + kept++ * size, v + i * size, size);
	}
	return kept;
}

/* Random destinations include addresses that no wire carries. */
static bool martian(const uint8_t *addr)
{
	return addr[0] == 0 || addr[0] == 127 || addr[0] >= 224;
}

/* Can it be on a wire between two hosts, and has it ports? */
static bool usable(const struct tg_gen_tuple *g)
{
	unsigned int size = g->src.family == 4 ? 4 : 16;

	if ((g->protocol != 6 && g->protocol != 17) || g->dport == 68 || g->dport == 547 ||
		memcmp(g->src.bytes, g->dst.bytes, size) == 0)
		return false;
	if (g->src.family == 6)
		return (g->src.bytes[0] & 0xe0) == 0x20 || g->src.bytes[0] == 0xfd;
	return !martian(g->src.bytes) && !martian(g->dst.bytes);
}

/* Judges generated tuples and keeps them by verdict. */
static void sort_tuples(struct traffic_rules *rules, const struct tg_gen_tuple *generated)
{
	for (uint32_t i = 0; i < TUPLES; i++) {
		const struct tg_gen_tuple *g = &generated[i];
		struct tg_tuple tuple = {
			.dport = g->dport, .protocol = g->protocol, .family = g->src.family};
		const struct tg_tuple *one = &tuple;
		unsigned int size = g->src.family == 4 ? 4 : 16;
		struct tg_judgement j;

		if (!usable(g))
			continue;
		memcpy(&tuple.src, g->src.bytes, size);
		memcpy(&tuple.dst, g->dst.bytes, size);
		tg_classify_burst(rules->classifier, &one, &j, 1);
		if (g->src.family == 4)
			keep(j.action == TG_ACTION_DENY ? &rules->denied : &rules->allowed, &tuple);
		else if (j.action != TG_ACTION_DENY)
			keep6(&rules->allowed6, &tuple);
	}
	rules->allowed.n = unique(
		rules->allowed.v, rules->allowed.n, sizeof(*rules->allowed.v), compare_flows);
	rules->allowed6.n = unique(
		rules->allowed6.v6, rules->allowed6.n, sizeof(*rules->allowed6.v6), compare_flows6);
	if (rules->allowed.n < 1000 || rules->denied.n < 1000 || rules->allowed6.n < 1000)
		bench_die("too few tuples of one verdict");
}

void traffic_rules_make(struct traffic_rules *rules, uint32_t pods, uint32_t policies)
{
	struct tg_compile_options options = {
		.default_action = {TG_DEFAULT_KUBERNETES, TG_DEFAULT_KUBERNETES},
		.generation = 1,
	};
	struct tg_compiler *compiler = tg_compiler_create();
	struct tg_gen_tuple *tuples = calloc(TUPLES, sizeof(*tuples));
	struct tg_compiled *compiled;
	struct tg_image_error error;
	struct tg_gen_shape shape;
	struct tg_image image;
	struct tg_gen *gen;
	const void *data;
	char why[256];
	size_t size;

	rules->allowed.v = calloc(TUPLES, sizeof(*rules->allowed.v));
	rules->denied.v = calloc(TUPLES, sizeof(*rules->denied.v));
	rules->allowed6.v6 = calloc(TUPLES, sizeof(*rules->allowed6.v6));
	tg_gen_shape_of(&shape, pods, policies);
	shape.governed = shape.namespaces / 2; /* or hardly any random tuple would be allowed */
	gen = tg_gen_create(&shape);
	if (gen == NULL || compiler == NULL || tuples == NULL || rules->allowed.v == NULL ||
		rules->denied.v == NULL || rules->allowed6.v6 == NULL)
		bench_die("no cluster");
	options.home.pod_ranges = tg_gen_pod_ranges(gen, &options.home.n_pod_ranges);
	if (tg_compile(compiler, tg_gen_cluster(gen), &options, &compiled, why, sizeof(why)) != 0)
		bench_die("%s", why);
	data = tg_compiled_image(compiled, &size);
	if (tg_image_check(data, size, &image, &error) != 0)
		bench_die("%s", error.text);
	rules->classifier = tg_classifier_build(&image, 0, SOCKET_ID_ANY);
	if (rules->classifier == NULL)
		bench_die("no classifier");
	tg_gen_tuples(gen, 1, true, tuples, TUPLES);
	sort_tuples(rules, tuples);
	rules->generation = tg_generation_create(rules->classifier, 1, 1);
	tg_compiled_free(compiled);
	tg_compiler_free(compiler);
	tg_gen_free(gen);
	free(tuples);
}

/* A transport header, and what its sender has said by now. */
static void write_l4(uint8_t *p, uint8_t protocol, uint16_t sport, uint16_t dport, uint16_t udp,
	bool reply, uint8_t tcp_flags)
{
	uint32_t seq = rte_cpu_to_be_32((reply ? 5001u : 1001u) - ((tcp_flags & 2) != 0));
	uint32_t ack = rte_cpu_to_be_32(reply ? 1001 : 5001);
	uint16_t ports[2] = {
		rte_cpu_to_be_16(reply ? dport : sport), rte_cpu_to_be_16(reply ? sport : dport)};

	memcpy(p, ports, 4);
	if (protocol == 17) {
		udp = rte_cpu_to_be_16(udp);
		memcpy(p + 4, &udp, 2);
		memset(p + 6, 0, 2);
		return;
	}
	memcpy(p + 4, &seq, 4);
	memcpy(p + 8, &ack, 4);
	p[12] = 0x50;
	p[13] = tcp_flags;
	memcpy(p + 14, "\xff\xff", 2);
}

static void write6(struct rte_mbuf *m, const struct traffic_flow6 *flow, uint16_t sport, bool reply,
	uint8_t tcp_flags)
{
	static const uint8_t head[10] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 0, 64};
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (rte_pktmbuf_append(m, TRAFFIC_FRAME6 - RIG_FRAME) == NULL)
		bench_die("mbufs are too small");
	memcpy(p + 12, head, sizeof(head));
	p[20] = flow->protocol;
	memcpy(p + 22, reply ? flow->dst : flow->src, 16);
	memcpy(p + 38, reply ? flow->src : flow->dst, 16);
	memset(p + 54, 0, 20);
	write_l4(p + 54, flow->protocol, sport, flow->dport, 20, reply, tcp_flags);
}

void traffic_write(struct rte_mbuf *m, const struct traffic_flows *flows, uint32_t index,
	bool reply, uint8_t tcp_flags)
{
	uint16_t sport = (uint16_t)(FIRST_PORT + index / flows->n);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	const struct traffic_flow *flow;

	if (flows->v6 != NULL) {
		write6(m, &flows->v6[index % flows->n], sport, reply, tcp_flags);
		return;
	}
	flow = &flows->v[index % flows->n];
	p[23] = flow->protocol;
	memcpy(p + 26, reply ? &flow->dst : &flow->src, 4);
	memcpy(p + 30, reply ? &flow->src : &flow->dst, 4);
	write_l4(p + 34, flow->protocol, sport, flow->dport, 26, reply, tcp_flags);
}

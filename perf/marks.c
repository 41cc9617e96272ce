/* SPDX-License-Identifier: BSD-3-Clause */
#include "marks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ring_elem.h>

#include "bench.h"

/* Of both directions the same. */
struct flow {
	uint64_t ends[5]; /* addresses, ports, protocol; the lower end first */
	bool there;
	uint32_t mark;
};

struct marks {
	struct tg_hardware_channel channel;
	_Atomic uint32_t *recall;
	struct flow *flow; /* open addressing, half full */
	uint32_t mask;
	uint32_t n, max;
};

/* One end as a number of its own: of IPv4 the address is in the first word. */
static void ends_of(const uint8_t *src, const uint8_t *dst, unsigned int size, const uint8_t *ports,
	uint8_t protocol, uint64_t out[5])
{
	uint8_t end[2][18] = {{0}};
	bool swapped;

	memcpy(end[0], src, size);
	memcpy(end[0] + 16, ports, 2);
	memcpy(end[1], dst, size);
	memcpy(end[1] + 16, ports + 2, 2);
	swapped = memcmp(end[0], end[1], sizeof(end[0])) > 0;
	memset(out, 0, 5 * sizeof(out[0]));
	memcpy(out, end[swapped], sizeof(end[0]));
	memcpy((uint8_t *)out + sizeof(end[0]), end[!swapped], sizeof(end[0]));
	out[4] |= (uint64_t)protocol << 56;
}

static struct flow *find(const struct marks *marks, const uint64_t ends[5])
{
	uint64_t number = 0;
	struct flow *f;

	for (unsigned int i = 0; i < 5; i++)
		number = (number ^ ends[i]) * 0x9e3779b97f4a7c15ull;
	for (uint32_t i = (uint32_t)(number >> 32);; i++) {
		f = &marks->flow[i & marks->mask];
		if (!f->there || memcmp(f->ends, ends, sizeof(f->ends)) == 0)
			return f;
	}
}

struct marks *marks_attach(struct tg_worker *worker, uint32_t flows)
{
	/* A sweep may offer all of them before they can be taken. */
	const unsigned int flags = RING_F_SP_ENQ | RING_F_SC_DEQ,
			   depth = 2 * rte_align32pow2(flows);
	struct marks *marks = calloc(1, sizeof(*marks));

	if (marks == NULL)
		bench_die("no memory");
	marks->max = flows;
	marks->mask = 2 * rte_align32pow2(flows) - 1;
	/* As many entries as there may be in a table of so many connections, and twice that. */
	marks->channel.places = 32 * rte_align32pow2(flows);
	marks->channel.generations = 4;
	marks->flow = calloc(marks->mask + 1ull, sizeof(*marks->flow));
	marks->recall = calloc(flows, sizeof(*marks->recall));
	marks->channel.sight = calloc(flows, sizeof(*marks->channel.sight));
	marks->channel.offers = rte_ring_create_elem(
		"offers", sizeof(struct tg_hardware_offer), depth, SOCKET_ID_ANY, flags);
	marks->channel.events = rte_ring_create_elem(
		"events", sizeof(struct tg_hardware_event), depth, SOCKET_ID_ANY, flags);
	if (marks->flow == NULL || marks->recall == NULL || marks->channel.sight == NULL ||
		marks->channel.offers == NULL || marks->channel.events == NULL)
		bench_die("no memory");
	marks->channel.recall = marks->recall;
	marks->channel.merit = 1;
	marks->channel.marking = UINT64_MAX;
	for (unsigned int i = 0; i < 4; i++)
		marks->channel.to_mark[i / 2][i % 2] = UINT64_MAX;
	if (tg_worker_attach(worker, &marks->channel) != 0)
		bench_die("no memory");
	return marks;
}

void marks_free(struct marks *marks)
{
	if (marks == NULL)
		return;
	rte_ring_free(marks->channel.offers);
	rte_ring_free(marks->channel.events);
	free(marks->channel.sight);
	free((void *)marks->recall);
	free(marks->flow);
	free(marks);
}

static void take(struct marks *marks, const struct tg_hardware_offer *offer)
{
	const uint16_t ports[2] = {
		rte_cpu_to_be_16(offer->tuple.sport), rte_cpu_to_be_16(offer->tuple.dport)};
	struct tg_hardware_event event = {
		.kind = TG_HARDWARE_TAKEN,
		.family = offer->tuple.family,
		.ticket = offer->ticket,
		.entry = marks->n,
		.index = offer->index,
	};
	uint64_t ends[5];
	struct flow *f;

	if (offer->kind != TG_HARDWARE_MARK || marks->n == marks->max)
		bench_die("an offer that no NIC takes");
	ends_of((const uint8_t *)&offer->tuple.src, (const uint8_t *)&offer->tuple.dst,
		offer->tuple.family == 4 ? 4 : 16, (const uint8_t *)ports, offer->tuple.protocol,
		ends);
	f = find(marks, ends);
	memcpy(f->ends, ends, sizeof(f->ends));
	f->mark = offer->mark;
	f->there = true;
	marks->n++;
	if (rte_ring_sp_enqueue_elem(marks->channel.events, &event, sizeof(event)) != 0)
		bench_die("the worker takes no events");
}

uint32_t marks_take(struct marks *marks)
{
	struct tg_hardware_offer offer;
	uint32_t n = 0;

	while (rte_ring_free_count(marks->channel.events) != 0 &&
		rte_ring_sc_dequeue_elem(marks->channel.offers, &offer, sizeof(offer)) == 0) {
		take(marks, &offer);
		n++;
	}
	return n;
}

bool marks_told(const struct marks *marks)
{
	return rte_ring_empty(marks->channel.events);
}

uint32_t marks_of(const struct marks *marks, const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const bool four = p[12] == 0x08;
	const struct flow *f;
	uint64_t ends[5];

	if (four)
		ends_of(p + 26, p + 30, 4, p + 34, p[23], ends);
	else
		ends_of(p + 22, p + 38, 16, p + 54, p[20], ends);
	f = find(marks, ends);
	if (!f->there)
		bench_die("a flow that was not offered");
	return f->mark;
}

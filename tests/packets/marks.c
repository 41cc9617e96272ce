/* SPDX-License-Identifier: BSD-3-Clause */
#include "marks.h"

#include <stdlib.h>

#include <rte_common.h>
#include <rte_ring_elem.h>

#include "internal.h"
#include "world.h"

#define GENERATIONS 4u

static struct {
	bool on;
	uint32_t state;
	struct tg_hardware_channel channel; /* of all workers: nothing is offered */
	uint64_t right, stale, wrong;
} lab;

static uint32_t any(uint32_t below)
{
	lab.state = lab.state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)lab.state * below >> 32);
}

void marks_begin(uint32_t seed)
{
	lab.on = true;
	lab.state = seed;
}

/* Nothing comes by it. */
static struct rte_ring *silent(const char *name, unsigned int size)
{
	struct rte_ring *ring = rte_ring_create_elem(name, size, 64, SOCKET_ID_ANY, 0);

	if (ring == NULL)
		abort();
	return ring;
}

void marks_attach(struct world *w)
{
	uint64_t most = RTE_MAX(
		tg_table_size(&w->worker[0]->table[0]), tg_table_size(&w->worker[0]->table[1]));

	if (!lab.on)
		return;
	if (lab.channel.offers == NULL) {
		lab.channel.offers = silent("mark_offers", sizeof(struct tg_hardware_offer));
		lab.channel.events = silent("mark_events", sizeof(struct tg_hardware_event));
	}
	lab.channel.places = (uint32_t)rte_align64pow2(2 * most);
	lab.channel.generations = GENERATIONS;
	lab.channel.merit = UINT32_MAX;
	lab.channel.marking = UINT64_MAX;
	for (uint32_t i = 0; i < w->config.n_workers; i++)
		if (tg_worker_attach(w->worker[i], &lab.channel) != 0)
			abort();
}

void marks_count(const struct world *w)
{
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		lab.right += w->stats[i]->marks_right;
		lab.stale += w->stats[i]->marks_stale;
		lab.wrong += w->stats[i]->marks_wrong;
	}
}

/* Where the packet's connection is, if it has one; else anywhere. */
static uint32_t right_place(struct world *w, unsigned int port, struct rte_mbuf *m)
{
	struct tg_worker *worker = w->worker[w->receiver];
	struct tg_packet p = {.m = m, .port = (uint8_t)port};
	const struct tg_table *table;
	const struct tg_conn *c;

	tg_packet_parse(&p, &w->config.ports[port]);
	if (p.outcome != TG_OUTCOME_TRACK)
		return any(lab.channel.places);
	table = &worker->table[p.family == 6];
	c = tg_table_find(table, &p.key, tg_table_hash(table, &p.key));
	if (c == NULL)
		return any(lab.channel.places);
	return (uint32_t)tg_table_index(table, c) << 1 | (p.family == 6);
}

/* Any entry that is in use, from any place on. */
static uint32_t used_place(struct world *w)
{
	const uint32_t from = any(lab.channel.places);

	for (uint32_t i = 0; i < lab.channel.places; i++) {
		const uint32_t place = (from + i) % lab.channel.places;
		const struct tg_table *table = &w->worker[w->receiver]->table[place & 1];

		if (place >> 1 < tg_table_size(table) && tg_table_at(table, place >> 1)->used)
			return place;
	}
	return from;
}

void marks_put(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n)
{
	for (unsigned int i = 0; lab.on && i < n; i++) {
		const uint32_t generation = any(GENERATIONS + 1) * lab.channel.places;
		uint32_t mark;

		switch (any(6)) {
		case 0:
			continue;
		case 1:
			mark = any(UINT32_MAX);
			break;
		case 2:
			mark = generation + used_place(w);
			break;
		case 3:
			mark = generation + (right_place(w, port, m[i]) ^ 1);
			break;
		default:
			mark = generation + right_place(w, port, m[i]);
			break;
		}
		m[i]->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
		m[i]->hash.fdir.hi = mark;
	}
}

bool marks_of_each_sort(void)
{
	return lab.right != 0 && lab.stale != 0;
}

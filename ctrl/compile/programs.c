/* SPDX-License-Identifier: BSD-3-Clause */
#include "programs.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

int port_programs_init(struct programs *p)
{
	memset(p, 0, sizeof(*p));
	if (seqs_init(&p->lists) == 0 && seqs_init(&p->steps) == 0)
		return 0;
	port_programs_free(p);
	return -ENOMEM;
}

void port_programs_free(struct programs *p)
{
	seqs_free(&p->lists);
	seqs_free(&p->steps);
	tg_vec_free(&p->made);
	tg_vec_free(&p->list);
	tg_vec_free(&p->edges);
	tg_vec_free(&p->heap);
	tg_vec_free(&p->out);
}

int port_programs_begin(struct programs *p, uint32_t rest)
{
	p->list.n = 0;
	p->closed = false;
	return tg_vec_push(&p->list, rest);
}

int port_programs_append(struct programs *p, uint32_t ports, uint32_t verdict)
{
	struct tg_vec_u32 *list = &p->list;

	if (p->closed || ports == PORTS_NONE)
		return 0;
	/* One rule often matches a peer by several of its terms. */
	if (list->n > 2 && list->v[list->n - 2] == ports && list->v[list->n - 1] == verdict)
		return 0;
	if (tg_vec_push(list, ports) != 0 || tg_vec_push(list, verdict) != 0)
		return -ENOMEM;
	if (ports == PORTS_ANY) {
		p->closed = true;
		list->v[0] = 0; /* the rest is never reached, and must not tell programs apart */
	}
	return 0;
}

static int compare_edges(const void *a, const void *b)
{
	const struct program_edge *x = a, *y = b;

	if (x->key != y->key)
		return (x->key > y->key) - (x->key < y->key);
	return (x->rank > y->rank) - (x->rank < y->rank);
}

static int collect_edges(struct programs *p, const struct seqs *port_sets)
{
	p->edges.n = 0;
	for (size_t i = 1; i < p->list.n; i += 2) {
		struct seq ranges = seqs_get(port_sets, p->list.v[i]);

		for (uint32_t k = 0; k < ranges.n; k += 2) {
			struct program_edge edge = {
				ranges.v[k], ranges.v[k + 1], (uint32_t)(i / 2)};

			if (tg_vec_push(&p->edges, edge) != 0)
				return -ENOMEM;
		}
	}
	qsort(p->edges.v, p->edges.n, sizeof(*p->edges.v), compare_edges);
	return 0;
}

/* The open ranges as a heap of indices into edges: the one of the lowest rank is on top. */
static void heap_sift(struct programs *p, size_t at)
{
	uint32_t *v = p->heap.v;

	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < p->heap.n; child++)
			if (p->edges.v[v[child]].rank < p->edges.v[v[least]].rank)
				least = child;
		if (least == at)
			return;
		uint32_t swap = v[at];
		v[at] = v[least];
		v[least] = swap;
		at = least;
	}
}

static int heap_push(struct programs *p, uint32_t edge)
{
	size_t at = p->heap.n;

	if (tg_vec_push(&p->heap, edge) != 0)
		return -ENOMEM;
	for (; at > 0; at = (at - 1) / 2) {
		uint32_t *child = &p->heap.v[at], *parent = &p->heap.v[(at - 1) / 2], swap = *child;

		if (p->edges.v[*parent].rank <= p->edges.v[*child].rank)
			break;
		*child = *parent;
		*parent = swap;
	}
	return 0;
}

static void heap_pop(struct programs *p)
{
	p->heap.v[0] = p->heap.v[--p->heap.n];
	heap_sift(p, 0);
}

static int emit(struct programs *p, uint32_t start, uint32_t verdict)
{
	struct tg_vec_u32 *out = &p->out;

	if (out->n > 0 && out->v[out->n - 2] == start)
		out->n -= 2; /* the step before would have no key */
	if (out->n > 0 && out->v[out->n - 1] == verdict)
		return 0;
	return tg_vec_push(out, start) != 0 || tg_vec_push(out, verdict) != 0 ? -ENOMEM : 0;
}

/* From `key` on: the verdict of the open range of the lowest rank; those that ended go. */
static int settle(struct programs *p, uint32_t key)
{
	while (p->heap.n > 0 && p->edges.v[p->heap.v[0]].end < key)
		heap_pop(p);
	return emit(p, key,
		p->heap.n > 0 ? p->list.v[2 + 2 * p->edges.v[p->heap.v[0]].rank] : p->list.v[0]);
}

/* Sweeps over the keys; at each the first rule of the list that covers it decides. */
static int make_steps(struct programs *p)
{
	size_t i = 0;
	int err;

	p->out.n = p->heap.n = 0;
	err = emit(p, 0, p->list.v[0]);
	while (err == 0 && (i < p->edges.n || p->heap.n > 0)) {
		uint32_t opens = i < p->edges.n ? p->edges.v[i].key : TG_NONE;
		uint32_t closes = p->heap.n > 0 ? p->edges.v[p->heap.v[0]].end + 1 : TG_NONE;
		uint32_t key = opens < closes ? opens : closes;

		if (key > KEY_MAX)
			break;
		while (err == 0 && i < p->edges.n && p->edges.v[i].key == key)
			err = heap_push(p, (uint32_t)i++);
		if (err == 0)
			err = settle(p, key);
	}
	return err;
}

static uint32_t make(struct programs *p, const struct seqs *port_sets)
{
	uint32_t id;

	if (p->list.n == 1)
		return TG_PROGRAM_DIRECT | p->list.v[0];
	if (p->list.v[1] == PORTS_ANY)
		return TG_PROGRAM_DIRECT | p->list.v[2];
	if (collect_edges(p, port_sets) != 0 || make_steps(p) != 0)
		return TG_NONE;
	if (p->out.n == 2)
		return TG_PROGRAM_DIRECT | p->out.v[1];
	id = seqs_add(&p->steps, p->out.v, (uint32_t)p->out.n);
	return id == TG_NONE ? TG_NONE : id - 1;
}

uint32_t port_programs_end(struct programs *p, const struct seqs *port_sets)
{
	uint32_t id = seqs_add(&p->lists, p->list.v, (uint32_t)p->list.n);

	if (id == TG_NONE)
		return TG_NONE;
	while (p->made.n <= id)
		if (tg_vec_push(&p->made, TG_NONE) != 0)
			return TG_NONE;
	if (p->made.v[id] == TG_NONE)
		p->made.v[id] = make(p, port_sets);
	return p->made.v[id];
}

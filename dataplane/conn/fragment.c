/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET 8
#define SWEEP_STEP 16

enum entry_state { FREE, LIVE, POISONED };

struct interval {
	uint32_t start, end;
};

struct tg_fragment_entry {
	uint64_t src[2], dst[2];
	uint32_t id;
	uint8_t protocol;
	uint8_t group;
	uint8_t family;
	uint8_t state;
	uint16_t sport, dport;
	uint8_t l4_protocol;
	uint8_t n;
	uint32_t since;
	uint32_t total; /* 0: the last fragment has not been seen */
	struct interval seen[TG_FRAGMENT_INTERVALS];
};

int tg_fragments_init(struct tg_fragments *table, uint32_t max, uint32_t timeout_ms,
	const struct tg_secret *secret)
{
	uint32_t buckets = 1;

	while (buckets * BUCKET < max)
		buckets *= 2;
	*table = (struct tg_fragments){
		.buckets = buckets,
		.timeout = timeout_ms,
		.secret = *secret,
	};
	table->entry = calloc((size_t)buckets * BUCKET, sizeof(*table->entry));
	return table->entry != NULL ? 0 : -ENOMEM;
}

void tg_fragments_fini(struct tg_fragments *table)
{
	free(table->entry);
	table->entry = NULL;
}

uint64_t tg_fragments_bytes(const struct tg_fragments *table)
{
	return tg_fragments_capacity(table) * sizeof(*table->entry);
}

uint32_t tg_fragments_capacity(const struct tg_fragments *table)
{
	return table->buckets * BUCKET;
}

static struct tg_fragment_entry *bucket_of(
	const struct tg_fragments *table, const struct tg_fragment *f)
{
	const uint64_t v[5] = {f->src[0], f->src[1], f->dst[0], f->dst[1],
		f->id | (uint64_t)f->protocol << 32 | (uint64_t)f->group << 40 |
			(uint64_t)f->family << 48};
	uint64_t hash = tg_secret_hash5(&table->secret, v);

	return &table->entry[(hash & (table->buckets - 1)) * BUCKET];
}

static bool same(const struct tg_fragment_entry *e, const struct tg_fragment *f)
{
	return e->state != FREE && e->src[0] == f->src[0] && e->src[1] == f->src[1] &&
	       e->dst[0] == f->dst[0] && e->dst[1] == f->dst[1] && e->id == f->id &&
	       e->protocol == f->protocol && e->group == f->group && e->family == f->family;
}

static void release(struct tg_fragments *table, struct tg_fragment_entry *e)
{
	e->state = FREE;
	table->used--;
}

static bool timed_out(
	const struct tg_fragments *table, const struct tg_fragment_entry *e, uint32_t now)
{
	return e->state != FREE && now - e->since >= table->timeout;
}

/* The live entry of `f`; *vacant gets a free one of the bucket, or NULL. */
static struct tg_fragment_entry *find(struct tg_fragments *table, const struct tg_fragment *f,
	uint32_t now, struct tg_fragment_entry **vacant)
{
	struct tg_fragment_entry *bucket = bucket_of(table, f), *found = NULL;

	*vacant = NULL;
	for (unsigned int i = 0; i < BUCKET; i++) {
		if (timed_out(table, &bucket[i], now))
			release(table, &bucket[i]);
		if (bucket[i].state == FREE)
			*vacant = &bucket[i];
		else if (same(&bucket[i], f))
			found = &bucket[i];
	}
	return found;
}

/* Adds [start, end) to what has been seen, joining what touches. */
static enum tg_fragment_result add_interval(
	struct tg_fragment_entry *e, uint32_t start, uint32_t end)
{
	struct interval *before = NULL, *after = NULL;

	for (unsigned int i = 0; i < e->n; i++) {
		if (start < e->seen[i].end && e->seen[i].start < end)
			return TG_FRAGMENT_OVERLAP;
		if (e->seen[i].end == start)
			before = &e->seen[i];
		if (e->seen[i].start == end)
			after = &e->seen[i];
	}
	if (before != NULL && after != NULL) {
		before->end = after->end;
		*after = e->seen[--e->n];
	} else if (before != NULL) {
		before->end = end;
	} else if (after != NULL) {
		after->start = start;
	} else if (e->n < TG_FRAGMENT_INTERVALS) {
		e->seen[e->n++] = (struct interval){start, end};
	} else {
		return TG_FRAGMENT_FULL;
	}
	return TG_FRAGMENT_OK;
}

/* Fragments that disagree on where the datagram ends are as bad as ones that overlap. */
static bool beyond_total(const struct tg_fragment_entry *e, const struct tg_fragment *f)
{
	if (e->total != 0)
		return !f->more || f->end > e->total;
	if (f->more)
		return false;
	for (unsigned int i = 0; i < e->n; i++) {
		if (e->seen[i].end > f->end)
			return true;
	}
	return false;
}

static enum tg_fragment_result piece(
	struct tg_fragments *table, struct tg_fragment_entry *e, const struct tg_fragment *f)
{
	enum tg_fragment_result result;

	if (e->state == POISONED)
		return TG_FRAGMENT_OVERLAP;
	result = beyond_total(e, f) ? TG_FRAGMENT_OVERLAP : add_interval(e, f->start, f->end);
	if (result == TG_FRAGMENT_OVERLAP)
		e->state = POISONED;
	if (result != TG_FRAGMENT_OK)
		return result;
	if (!f->more)
		e->total = f->end;
	if (e->n == 1 && e->seen[0].start == 0 && e->seen[0].end == e->total)
		release(table, e);
	return TG_FRAGMENT_OK;
}

static void begin(struct tg_fragments *table, struct tg_fragment_entry *e,
	const struct tg_fragment *f, uint32_t now)
{
	*e = (struct tg_fragment_entry){
		.src = {f->src[0], f->src[1]},
		.dst = {f->dst[0], f->dst[1]},
		.id = f->id,
		.protocol = f->protocol,
		.group = f->group,
		.family = f->family,
		.state = LIVE,
		.sport = f->sport,
		.dport = f->dport,
		.l4_protocol = f->l4_protocol,
		.since = now,
	};
	table->used++;
}

enum tg_fragment_result tg_fragments_track(
	struct tg_fragments *table, struct tg_fragment *f, uint32_t now)
{
	struct tg_fragment_entry *vacant, *e = find(table, f, now, &vacant);

	if (e == NULL) {
		if (!f->first)
			return TG_FRAGMENT_ORPHAN;
		if (vacant == NULL)
			return TG_FRAGMENT_FULL;
		begin(table, vacant, f, now);
		e = vacant;
	} else if (!f->first) {
		f->sport = e->sport;
		f->dport = e->dport;
		f->l4_protocol = e->l4_protocol;
	}
	return piece(table, e, f);
}

void tg_fragments_forget(struct tg_fragments *table, const struct tg_fragment *f)
{
	struct tg_fragment_entry *bucket = bucket_of(table, f);

	for (unsigned int i = 0; i < BUCKET; i++) {
		if (bucket[i].state == LIVE && same(&bucket[i], f))
			release(table, &bucket[i]);
	}
}

void tg_fragments_sweep(struct tg_fragments *table, uint32_t now)
{
	uint32_t n = tg_fragments_capacity(table);

	if (table->used == 0)
		return;
	for (unsigned int i = 0; i < SWEEP_STEP; i++) {
		struct tg_fragment_entry *e = &table->entry[table->cursor++ & (n - 1)];

		if (timed_out(table, e, now))
			release(table, e);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET 8
#define SWEEP_STEP 16
#define NOBODY UINT32_MAX
#define TCP 6
#define TCP_HEADER 20u

enum entry_state {
	FREE,
	HOLDING, /* the first fragment has not come */
	LIVE,
	POISONED, /* it had an overlap */
	REFUSED,  /* the first fragment was; others may have the place */
};

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
	uint8_t n;	/* intervals */
	uint8_t n_held; /* packets */
	uint32_t since;
	uint32_t total; /* 0: the last fragment has not been seen */
	struct interval seen[TG_FRAGMENT_INTERVALS];
	/* HOLDING */
	struct tg_held_list held;
	uint32_t older, newer; /* entries */
};

/* ---- lists of what is held ---- */

static const struct tg_held_list EMPTY = {TG_HELD_END, TG_HELD_END};

static void append(struct tg_fragments *table, struct tg_held_list *list, struct tg_held_list more)
{
	if (more.head == TG_HELD_END)
		return;
	if (list->head == TG_HELD_END)
		list->head = more.head;
	else
		table->held[list->tail].next = more.head;
	list->tail = more.tail;
}

/* The list must not be empty. */
static uint32_t pop(struct tg_fragments *table, struct tg_held_list *list)
{
	uint32_t at = list->head;

	list->head = table->held[at].next;
	if (list->head == TG_HELD_END)
		list->tail = TG_HELD_END;
	return at;
}

static void append_one(struct tg_fragments *table, struct tg_held_list *list, uint32_t at)
{
	table->held[at].next = TG_HELD_END;
	append(table, list, (struct tg_held_list){at, at});
}

bool tg_fragments_take(struct tg_fragments *table, struct tg_held_list *list, struct tg_held *out)
{
	uint32_t at;

	if (list->head == TG_HELD_END)
		return false;
	at = pop(table, list);
	*out = table->held[at];
	append_one(table, &table->vacant, at);
	return true;
}

static int held_init(struct tg_fragments *table)
{
	uint32_t n = table->limits.held;

	table->vacant = table->ready = table->lost = table->spoilt = EMPTY;
	table->oldest = table->newest = NOBODY;
	if (n == 0)
		return 0;
	table->held = calloc(n, sizeof(*table->held));
	if (table->held == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		append_one(table, &table->vacant, i);
	return 0;
}

/* ---- entries that hold, by age ---- */

static uint32_t index_of(const struct tg_fragments *table, const struct tg_fragment_entry *e)
{
	return (uint32_t)(e - table->entry);
}

static void join_ages(struct tg_fragments *table, struct tg_fragment_entry *e)
{
	uint32_t at = index_of(table, e);

	e->older = table->newest;
	e->newer = NOBODY;
	if (e->older != NOBODY)
		table->entry[e->older].newer = at;
	else
		table->oldest = at;
	table->newest = at;
}

static void leave_ages(struct tg_fragments *table, const struct tg_fragment_entry *e)
{
	if (e->older != NOBODY)
		table->entry[e->older].newer = e->newer;
	else
		table->oldest = e->newer;
	if (e->newer != NOBODY)
		table->entry[e->newer].older = e->older;
	else
		table->newest = e->older;
}

/* Holds no more. */
static void give(struct tg_fragments *table, struct tg_fragment_entry *e, struct tg_held_list *list)
{
	leave_ages(table, e);
	append(table, list, e->held);
}

/* ---- entries ---- */

int tg_fragments_init(struct tg_fragments *table, const struct tg_fragments_limits *limits,
	const struct tg_secret *secret)
{
	uint32_t buckets = 1;

	while (buckets * BUCKET < limits->datagrams)
		buckets *= 2;
	*table = (struct tg_fragments){
		.buckets = buckets,
		.limits = *limits,
		.secret = *secret,
	};
	table->entry = calloc((size_t)buckets * BUCKET, sizeof(*table->entry));
	if (table->entry == NULL)
		return -ENOMEM;
	if (held_init(table) != 0) {
		free(table->entry);
		return -ENOMEM;
	}
	return 0;
}

void tg_fragments_fini(struct tg_fragments *table)
{
	free(table->held);
	free(table->entry);
	table->held = NULL;
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
	if (e->state == HOLDING)
		give(table, e, &table->lost);
	e->state = FREE;
	table->used--;
}

static bool timed_out(
	const struct tg_fragments *table, const struct tg_fragment_entry *e, uint32_t now)
{
	bool brief = e->state == HOLDING || e->state == REFUSED;
	uint32_t limit = brief ? table->limits.hold : table->limits.timeout;

	return e->state != FREE && now - e->since >= limit;
}

/* The entry of `f`; *vacant gets one of the bucket that a new datagram may have, or NULL. */
static struct tg_fragment_entry *find(struct tg_fragments *table, const struct tg_fragment *f,
	uint32_t now, struct tg_fragment_entry **vacant)
{
	struct tg_fragment_entry *bucket = bucket_of(table, f), *found = NULL;

	*vacant = NULL;
	for (unsigned int i = 0; i < BUCKET; i++) {
		if (timed_out(table, &bucket[i], now))
			release(table, &bucket[i]);
		if (bucket[i].state == FREE || (*vacant == NULL && bucket[i].state == REFUSED))
			*vacant = &bucket[i];
		if (same(&bucket[i], f))
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
	if (result == TG_FRAGMENT_OVERLAP) {
		if (e->state == HOLDING)
			give(table, e, &table->spoilt);
		e->state = POISONED;
	}
	if (result != TG_FRAGMENT_OK)
		return result;
	if (!f->more)
		e->total = f->end;
	if (e->n == 1 && e->seen[0].start == 0 && e->seen[0].end == e->total)
		release(table, e);
	return TG_FRAGMENT_OK;
}

/* A new entry for the datagram of `f`, of which nothing is known yet. */
static void begin(struct tg_fragments *table, struct tg_fragment_entry *e,
	const struct tg_fragment *f, uint32_t now)
{
	if (e->state != FREE)
		release(table, e);
	*e = (struct tg_fragment_entry){
		.src = {f->src[0], f->src[1]},
		.dst = {f->dst[0], f->dst[1]},
		.id = f->id,
		.protocol = f->protocol,
		.group = f->group,
		.family = f->family,
		.since = now,
	};
	table->used++;
}

/* Before its first fragment; `e` is what there is of the datagram, or NULL. */
static enum tg_fragment_result hold(struct tg_fragments *table, struct tg_fragment_entry *e,
	struct tg_fragment_entry *vacant, const struct tg_fragment *f, uint32_t now)
{
	uint32_t at = table->vacant.head;
	enum tg_fragment_result result;

	if (f->l4_protocol == TCP && f->start < TCP_HEADER)
		return TG_FRAGMENT_TINY;
	if (at == TG_HELD_END || (e == NULL && vacant == NULL) ||
		(e != NULL && e->n_held == TG_FRAGMENT_HELD_EACH))
		return TG_FRAGMENT_ORPHAN;
	if (e == NULL) {
		e = vacant;
		begin(table, e, f, now);
		e->state = HOLDING;
		e->held = EMPTY;
		join_ages(table, e);
	}
	result = piece(table, e, f);
	if (result != TG_FRAGMENT_OK)
		return result;
	pop(table, &table->vacant);
	table->held[at].packet = f->packet;
	append_one(table, &e->held, at);
	e->n_held++;
	return TG_FRAGMENT_HELD;
}

/* The ports of the first fragment are those of what was held for it. */
static void annotate(
	struct tg_fragments *table, struct tg_held_list list, const struct tg_fragment *f)
{
	for (uint32_t at = list.head; at != TG_HELD_END; at = table->held[at].next) {
		table->held[at].l4_protocol = f->l4_protocol;
		table->held[at].sport = f->sport;
		table->held[at].dport = f->dport;
	}
}

static enum tg_fragment_result first(struct tg_fragments *table, struct tg_fragment_entry *e,
	const struct tg_fragment *f, uint32_t now)
{
	struct tg_held_list held = e->state == HOLDING ? e->held : EMPTY;
	enum tg_fragment_result result;

	if (e->state == HOLDING)
		leave_ages(table, e);
	e->state = LIVE;
	e->since = now;
	e->sport = f->sport;
	e->dport = f->dport;
	e->l4_protocol = f->l4_protocol;
	result = piece(table, e, f);
	if (result == TG_FRAGMENT_OK) {
		annotate(table, held, f);
		append(table, &table->ready, held);
	} else if (result == TG_FRAGMENT_OVERLAP) {
		append(table, &table->spoilt, held);
	} else {
		e->state = REFUSED;
		append(table, &table->lost, held);
	}
	return result;
}

enum tg_fragment_result tg_fragments_track(
	struct tg_fragments *table, struct tg_fragment *f, uint32_t now)
{
	struct tg_fragment_entry *vacant, *e = find(table, f, now, &vacant);

	if (f->first && (e == NULL || e->state == REFUSED)) {
		e = e != NULL ? e : vacant;
		if (e == NULL)
			return TG_FRAGMENT_FULL;
		begin(table, e, f, now);
		return first(table, e, f, now);
	}
	if (e == NULL || (e->state == HOLDING && !f->first))
		return hold(table, e, vacant, f, now);
	if (e->state == REFUSED)
		return TG_FRAGMENT_ORPHAN;
	if (e->state == HOLDING)
		return first(table, e, f, now);
	if (!f->first) {
		f->sport = e->sport;
		f->dport = e->dport;
		f->l4_protocol = e->l4_protocol;
	}
	return piece(table, e, f);
}

void tg_fragments_refuse(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now)
{
	struct tg_fragment_entry *vacant, *e = find(table, f, now, &vacant);

	if (e == NULL && vacant != NULL) {
		e = vacant;
		begin(table, e, f, now);
	} else if (e == NULL || e->state != LIVE) {
		return;
	}
	e->state = REFUSED;
	e->since = now;
}

bool tg_fragments_refused(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now)
{
	struct tg_fragment_entry *vacant, *e = find(table, f, now, &vacant);

	return e != NULL && e->state == REFUSED;
}

void tg_fragments_renew(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now)
{
	struct tg_fragment_entry *vacant, *e = find(table, f, now, &vacant);

	if (e != NULL && e->state == REFUSED)
		release(table, e);
}

void tg_fragments_sweep(struct tg_fragments *table, uint32_t now)
{
	uint32_t n = tg_fragments_capacity(table);

	while (table->oldest != NOBODY && timed_out(table, &table->entry[table->oldest], now))
		release(table, &table->entry[table->oldest]);
	if (table->used == 0)
		return;
	for (unsigned int i = 0; i < SWEEP_STEP; i++) {
		struct tg_fragment_entry *e = &table->entry[table->cursor++ & (n - 1)];

		if (timed_out(table, e, now))
			release(table, e);
	}
}

void tg_fragments_lose(struct tg_fragments *table)
{
	while (table->oldest != NOBODY)
		release(table, &table->entry[table->oldest]);
	append(table, &table->lost, table->ready);
	table->ready = EMPTY;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many half-open connections of a family there are, in all and of each source. A source is
 * counted in two counters of one cache line, all chosen by a keyed hash; the smaller of the two is
 * the estimate. It never undercounts, and whoever wants to push a stranger over the limit must hit
 * both of that stranger's counters without knowing the key.
 */
#ifndef TG_CONN_HALFOPEN_H
#define TG_CONN_HALFOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

#define TG_HALFOPEN_LINE 16 /* counters of a cache line */

struct tg_halfopen {
	uint32_t *count; /* TG_HALFOPEN_LINE * (mask + 1) */
	uint32_t mask;
	uint32_t total;
	uint32_t max;
	uint32_t per_source;
	struct tg_secret secret;
};

/*
 * As many counters as keep sources apart when `max` sources have one connection each: an average
 * counter then stays below a quarter of `per_source`, as long as that takes no more than 64 MiB.
 * 0 or -ENOMEM.
 */
int tg_halfopen_init(
	struct tg_halfopen *h, uint32_t max, uint32_t per_source, const struct tg_secret *secret);
void tg_halfopen_fini(struct tg_halfopen *h);

/* Bytes of memory held. */
static inline uint64_t tg_halfopen_bytes(const struct tg_halfopen *h)
{
	return ((uint64_t)h->mask + 1) * TG_HALFOPEN_LINE * sizeof(*h->count);
}

/* The two counters of a source, which are different ones. */
static inline void tg_halfopen_cells(
	const struct tg_halfopen *h, uint64_t source, uint32_t *cell[2])
{
	uint64_t hash = tg_secret_hash2(&h->secret, source, ~source);
	uint32_t *line = &h->count[(hash & h->mask) * TG_HALFOPEN_LINE];
	uint32_t first = hash >> 60, step = (uint32_t)(hash >> 32 & 0xffff);

	step = 1 + (step * (TG_HALFOPEN_LINE - 1) >> 16);
	cell[0] = &line[first];
	cell[1] = &line[(first + step) % TG_HALFOPEN_LINE];
}

static inline bool tg_halfopen_cells_full(const struct tg_halfopen *h, uint32_t *const cell[2])
{
	return *cell[0] >= h->per_source && *cell[1] >= h->per_source;
}

static inline void tg_halfopen_cells_add(struct tg_halfopen *h, uint32_t *const cell[2])
{
	++*cell[0];
	++*cell[1];
	h->total++;
}

/* `source` is any number made of the address; the same at add and at drop. */
bool tg_halfopen_source_full(const struct tg_halfopen *h, uint64_t source);
void tg_halfopen_add(struct tg_halfopen *h, uint64_t source);
void tg_halfopen_drop(struct tg_halfopen *h, uint64_t source);

static inline bool tg_halfopen_full(const struct tg_halfopen *h)
{
	return h->total >= h->max;
}

#endif

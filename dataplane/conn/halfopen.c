/* SPDX-License-Identifier: BSD-3-Clause */
#include "halfopen.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MIN (1u << 11)
#define LINES_MAX (1u << 20)
#define LINE_SIZE (TG_HALFOPEN_LINE * sizeof(uint32_t))

int tg_halfopen_init(
	struct tg_halfopen *h, uint32_t max, uint32_t per_source, const struct tg_secret *secret)
{
	uint32_t lines = LINES_MIN;

	/* Each connection is counted twice: max / (8 * lines) a counter. */
	while (lines < LINES_MAX && (uint64_t)lines * per_source * 2 < max)
		lines *= 2;
	*h = (struct tg_halfopen){
		.count = aligned_alloc(LINE_SIZE, lines * LINE_SIZE),
		.mask = lines - 1,
		.max = max,
		.per_source = per_source,
		.secret = *secret,
	};
	if (h->count == NULL)
		return -ENOMEM;
	memset(h->count, 0, lines * LINE_SIZE);
	return 0;
}

void tg_halfopen_fini(struct tg_halfopen *h)
{
	free(h->count);
	h->count = NULL;
}

/* The two are different ones. */
static void cells(const struct tg_halfopen *h, uint64_t source, uint32_t *cell[2])
{
	uint64_t hash = tg_secret_hash2(&h->secret, source, ~source);
	uint32_t *line = &h->count[(hash & h->mask) * TG_HALFOPEN_LINE];
	uint32_t first = hash >> 60, step = (uint32_t)(hash >> 32 & 0xffff);

	step = 1 + (step * (TG_HALFOPEN_LINE - 1) >> 16);
	cell[0] = &line[first];
	cell[1] = &line[(first + step) % TG_HALFOPEN_LINE];
}

bool tg_halfopen_source_full(const struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	cells(h, source, cell);
	return *cell[0] >= h->per_source && *cell[1] >= h->per_source;
}

void tg_halfopen_add(struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	cells(h, source, cell);
	++*cell[0];
	++*cell[1];
	h->total++;
}

void tg_halfopen_drop(struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	cells(h, source, cell);
	--*cell[0];
	--*cell[1];
	h->total--;
}

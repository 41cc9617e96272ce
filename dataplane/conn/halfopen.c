/* SPDX-License-Identifier: BSD-3-Clause */
#include "halfopen.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define ROW_BITS 14

int tg_halfopen_init(
	struct tg_halfopen *h, uint32_t max, uint32_t per_source, const struct tg_secret *secret)
{
	*h = (struct tg_halfopen){
		.mask = (1u << ROW_BITS) - 1,
		.max = max,
		.per_source = per_source,
		.secret = *secret,
	};
	h->row[0] = calloc(2u << ROW_BITS, sizeof(*h->row[0]));
	if (h->row[0] == NULL)
		return -ENOMEM;
	h->row[1] = h->row[0] + ((size_t)1 << ROW_BITS);
	return 0;
}

void tg_halfopen_fini(struct tg_halfopen *h)
{
	free(h->row[0]);
	h->row[0] = h->row[1] = NULL;
}

static void cells(const struct tg_halfopen *h, uint64_t source, uint32_t *cell[2])
{
	uint64_t hash = tg_secret_hash2(&h->secret, source, ~source);

	cell[0] = &h->row[0][hash & h->mask];
	cell[1] = &h->row[1][(hash >> 32) & h->mask];
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

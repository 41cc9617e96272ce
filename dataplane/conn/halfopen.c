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

bool tg_halfopen_source_full(const struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	tg_halfopen_cells(h, source, cell);
	return tg_halfopen_cells_full(h, cell);
}

void tg_halfopen_add(struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	tg_halfopen_cells(h, source, cell);
	tg_halfopen_cells_add(h, cell);
}

void tg_halfopen_drop(struct tg_halfopen *h, uint64_t source)
{
	uint32_t *cell[2];

	tg_halfopen_cells(h, source, cell);
	--*cell[0];
	--*cell[1];
	h->total--;
}

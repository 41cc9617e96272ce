/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One zone's part of an image's ADDR4 or ADDR6 section, and the exact table (exact.h) that holds
 * it: filled from nothing, or changed from what an older part asked for. For tables that no worker
 * reads.
 */
#ifndef TG_CLASSIFY_ADDRESSES_H
#define TG_CLASSIFY_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

#include "exact.h"
#include "image.h"

/* Sorted by address, each once. */
struct addresses {
	union {
		const struct tg_image_addr4 *v4;
		const struct tg_image_addr6 *v6;
		const void *v;
	};
	uint32_t n;
	uint8_t family;
};

static inline size_t addresses_size(const struct addresses *a)
{
	return a->n * (a->family == 4 ? sizeof(*a->v4) : sizeof(*a->v6));
}

/* Into an empty table. 0, or -ENOSPC: another seed may have better luck. */
int addresses_fill(struct exact *t, const struct addresses *a);
/*
 * A table that has `was`, but for its edits, gets `is`, and has no edits any more. 0, or -ENOSPC;
 * then the table is of no more use.
 */
int addresses_patch(struct exact *t, const struct addresses *was, const struct addresses *is);

#endif

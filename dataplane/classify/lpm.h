/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The longest matching prefix of one zone: address to class. Built once, never edited.
 *
 * IPv4: a trie of 16, 8 and 8 bits. An entry is a class, or LPM_DEEPER and the number of a node of
 * 256 entries. Prefixes are put in from the shortest to the longest, so that one never covers what
 * a longer one has written.
 *
 * IPv6: prefixes cut the address space in ranges of one class each. The first 16 bits of an
 * address name a class when its 2^112 addresses are of one, else a slice of the sorted ranges.
 */
#ifndef TG_CLASSIFY_LPM_H
#define TG_CLASSIFY_LPM_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "memory.h"

#define LPM_ROOT 65536u
#define LPM_NODE 256u
#define LPM_DEEPER 0x80000000u

struct lpm4 {
	uint32_t *root;
	uint32_t *nodes;
	uint32_t n_nodes;
};

/* The first address of a range, as two host-order halves. */
struct lpm6_start {
	uint64_t hi, lo;
};

/* The first range begins at or before the slice's first address. */
struct lpm6_slice {
	uint32_t first, count;
};

struct lpm6 {
	uint32_t *root;
	struct lpm6_slice *slices;
	struct lpm6_start *starts;
	uint32_t *classes; /* by range */
	uint32_t n_slices, n_ranges;
};

/*
 * From the n prefixes of one zone, in the image's order; the first is /0. 0, -ENOMEM or -E2BIG;
 * then the table is as lpmN_free leaves it.
 */
int lpm4_build(struct lpm4 *t, const struct tg_image_prefix4 *prefixes, uint32_t n, int socket);
int lpm6_build(struct lpm6 *t, const struct tg_image_prefix6 *prefixes, uint32_t n, int socket);
void lpm4_free(struct lpm4 *t);
void lpm6_free(struct lpm6 *t);
size_t lpm4_size(const struct lpm4 *t);
size_t lpm6_size(const struct lpm6 *t);

static inline uint32_t lpm4_find(const struct lpm4 *t, uint32_t addr)
{
	uint32_t entry = t->root[addr >> 16];

	if ((entry & LPM_DEEPER) != 0)
		entry = t->nodes[(size_t)(entry & ~LPM_DEEPER) * LPM_NODE + (addr >> 8 & 0xff)];
	if ((entry & LPM_DEEPER) != 0)
		entry = t->nodes[(size_t)(entry & ~LPM_DEEPER) * LPM_NODE + (addr & 0xff)];
	return entry;
}

static inline struct lpm6_start lpm6_number(const uint8_t addr[16])
{
	struct lpm6_start n;

	memcpy(&n, addr, sizeof(n));
	n.hi = __builtin_bswap64(n.hi);
	n.lo = __builtin_bswap64(n.lo);
	return n;
}

/* The class of the last range of a slice that begins at or before the address. */
static inline uint32_t lpm6_find_in(const struct lpm6 *t, uint32_t slice, struct lpm6_start addr)
{
	const struct lpm6_start *base = &t->starts[t->slices[slice].first];
	uint32_t n = t->slices[slice].count;

	while (n > 1) {
		const uint32_t half = n / 2;
		const struct lpm6_start *mid = base + half;

		/* Without a branch: the outcome of each step is a coin toss. */
		base = (mid->hi < addr.hi) | ((mid->hi == addr.hi) & (mid->lo <= addr.lo)) ? mid
											   : base;
		n -= half;
	}
	return t->classes[base - t->starts];
}

static inline uint32_t lpm6_find(const struct lpm6 *t, const uint8_t addr[16])
{
	const struct lpm6_start number = lpm6_number(addr);
	const uint32_t entry = t->root[number.hi >> 48];

	return (entry & LPM_DEEPER) == 0 ? entry : lpm6_find_in(t, entry & ~LPM_DEEPER, number);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The longest matching prefix of one zone: address to class.
 *
 * IPv4: a trie of 10, 6, 8 and 8 bits. `top` says where the 64 entries of the second level are
 * that an address goes on with; of those that say the same throughout there is one, so that the
 * few that traffic of the world needs stay near. An entry is a class, or LPM_DEEPER and the number
 * of a node of 256 entries; one of a node is a class, or LPM_DEEPER and the number of a block
 * (block.h). Prefixes are put in from the shortest to the longest, so that one never covers what a
 * longer one has written. Single addresses are prefixes of 32 bits: while `whole` is set the trie
 * has all that the zone's exact table (exact.h) has. It is not when these lie so far apart that
 * blocks would cost more than the table, and no more when deltas have used up the spare ones: then
 * the exact table is asked first.
 *
 * One writer edits single addresses while workers read, as in exact.h: nodes and blocks are filled
 * before an entry leads to them, and every edit is one store.
 *
 * IPv6: prefixes cut the address space in ranges of one class each. The first 16 bits of an
 * address name a class when its 2^112 addresses are of one, else a slice of the sorted ranges.
 * Built once, never edited.
 */
#ifndef TG_CLASSIFY_LPM_H
#define TG_CLASSIFY_LPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "block.h"
#include "image.h"
#include "memory.h"

#define LPM_TOP 1024u
#define LPM_CHUNK 64u
#define LPM_ROOT 65536u
#define LPM_NODE 256u
#define LPM_DEEPER 0x80000000u

struct lpm4 {
	uint32_t *top;	/* first entry of 64 in `root`; writer: edits; workers: read */
	uint32_t *root; /* the same for each of the following */
	uint32_t *nodes;
	struct blocks blocks;
	uint32_t n_nodes, max_nodes; /* the writer's */
	uint32_t whole; /* all single addresses are in it; writer: clears; workers: read */
};

/* What a zone's trie is made of: sections of the image, and what may follow. */
struct lpm4_parts {
	const struct tg_image_prefix4 *prefixes; /* in the image's order; the first is /0 */
	const struct tg_image_addr4 *addrs;
	uint32_t n_prefixes, n_addrs;
	uint32_t room; /* single addresses that deltas may add */
	uint32_t n_classes;
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

/* 0, -ENOMEM or -E2BIG; then the table is as lpm4_free leaves it. */
int lpm4_build(struct lpm4 *t, const struct lpm4_parts *parts, int socket);
void lpm4_free(struct lpm4 *t);
size_t lpm4_size(const struct lpm4 *t);
/*
 * Editing. lpm4_reserve makes room for an address of its own, or else the trie is no longer whole;
 * what it says stays the same. lpm4_set says the class of an address that there is room for, and
 * does nothing otherwise.
 */
void lpm4_reserve(struct lpm4 *t, uint32_t addr);
void lpm4_set(struct lpm4 *t, uint32_t addr, uint32_t cls);

/*
 * From the n prefixes of one zone, in the image's order; the first is /0. 0, -ENOMEM or -E2BIG;
 * then the table is as lpm6_free leaves it.
 */
int lpm6_build(struct lpm6 *t, const struct tg_image_prefix6 *prefixes, uint32_t n, int socket);
void lpm6_free(struct lpm6 *t);
size_t lpm6_size(const struct lpm6 *t);
/* Are all addresses of the /120 of one class? Any of them. */
bool lpm6_is_uniform(const struct lpm6 *t, const uint8_t addr[16]);

static inline bool lpm4_whole(const struct lpm4 *t)
{
	return __atomic_load_n(&t->whole, __ATOMIC_ACQUIRE) != 0;
}

/* The second level. */
static inline uint32_t lpm4_root_entry(const struct lpm4 *t, uint32_t addr)
{
	const uint32_t chunk = __atomic_load_n(&t->top[addr >> 22], __ATOMIC_ACQUIRE);

	return __atomic_load_n(&t->root[chunk + (addr >> 16) % LPM_CHUNK], __ATOMIC_ACQUIRE);
}

/* Below an entry that goes deeper. */
static inline uint32_t lpm4_node_entry(const struct lpm4 *t, uint32_t entry, uint32_t addr)
{
	return __atomic_load_n(
		&t->nodes[(size_t)(entry & ~LPM_DEEPER) * LPM_NODE + (addr >> 8) % LPM_NODE],
		__ATOMIC_ACQUIRE);
}

/* The place in a block below a node's entry that goes deeper. */
static inline uint32_t lpm4_block_at(uint32_t entry, uint32_t addr)
{
	return entry * BLOCK_SIZE | addr % BLOCK_SIZE;
}

/* A class, or LPM_DEEPER and a block. */
static inline uint32_t lpm4_entry(const struct lpm4 *t, uint32_t addr)
{
	const uint32_t entry = lpm4_root_entry(t, addr);

	return (entry & LPM_DEEPER) != 0 ? lpm4_node_entry(t, entry, addr) : entry;
}

static inline uint32_t lpm4_find(const struct lpm4 *t, uint32_t addr)
{
	const uint32_t entry = lpm4_entry(t, addr);

	return (entry & LPM_DEEPER) != 0 ? block_class(&t->blocks, lpm4_block_at(entry, addr))
					 : entry;
}

static inline struct lpm6_start lpm6_number(const uint8_t addr[16])
{
	struct lpm6_start n;

	memcpy(&n, addr, sizeof(n));
	n.hi = __builtin_bswap64(n.hi);
	n.lo = __builtin_bswap64(n.lo);
	return n;
}

/* The last range of a slice that begins at or before the address. */
static inline size_t lpm6_range_in(const struct lpm6 *t, uint32_t slice, struct lpm6_start addr)
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
	return (size_t)(base - t->starts);
}

static inline uint32_t lpm6_find(const struct lpm6 *t, const uint8_t addr[16])
{
	const struct lpm6_start number = lpm6_number(addr);
	const uint32_t entry = t->root[number.hi >> 48];

	return (entry & LPM_DEEPER) == 0
		       ? entry
		       : t->classes[lpm6_range_in(t, entry & ~LPM_DEEPER, number)];
}

#endif

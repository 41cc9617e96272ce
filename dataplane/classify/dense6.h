/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The single IPv6 addresses of one zone in dense blocks (block.h), one for each /120 that has any:
 * a directory, itself an exact table (exact.h), has the number of a block by the first address of
 * its /120. A block says the class of each of its 256 addresses, prefixes included; a /120 that
 * the directory does not have has no single address.
 *
 * That holds while `whole` is set. It is not when the addresses lie so far apart that blocks would
 * cost more than the zone's exact table, and no more when deltas have used up the spare ones: then
 * the exact table is asked. Edited as exact.h says: a block is filled before the directory has it.
 */
#ifndef TG_CLASSIFY_DENSE6_H
#define TG_CLASSIFY_DENSE6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include "block.h"
#include "exact.h"
#include "image.h"
#include "lpm.h"

struct dense6 {
	struct exact directory;
	struct blocks blocks;
	uint32_t whole; /* writer: clears; workers: read */
};

/* What it is made of; `prefixes` outlives the call only. */
struct dense6_parts {
	const struct tg_image_addr6 *addrs;
	const struct lpm6 *prefixes;
	uint32_t n_addrs;
	uint32_t room; /* single addresses that deltas may add */
	uint32_t n_classes;
};

/* 0, -ENOMEM or -E2BIG; then it is as dense6_free leaves it. */
int dense6_build(struct dense6 *t, const struct dense6_parts *parts, int socket);
void dense6_free(struct dense6 *t);
size_t dense6_size(const struct dense6 *t);
/* As lpm4_reserve and lpm4_set. */
void dense6_reserve(struct dense6 *t, const struct lpm6 *prefixes, const uint8_t addr[16]);
void dense6_set(struct dense6 *t, const uint8_t addr[16], uint32_t cls);

static inline bool dense6_whole(const struct dense6 *t)
{
	return __atomic_load_n(&t->whole, __ATOMIC_ACQUIRE) != 0;
}

/* The first address of the /120. */
static inline struct exact_words6 dense6_words(const uint8_t addr[16])
{
	struct exact_words6 words = exact_words6(addr);

	words.word[1] &= rte_cpu_to_be_64(~UINT64_C(0xff));
	return words;
}

static inline union exact_key dense6_key(const uint8_t addr[16])
{
	const struct exact_words6 words = dense6_words(addr);
	union exact_key key;

	memcpy(key.v6, words.word, sizeof(key.v6));
	return key;
}

static inline uint32_t dense6_at(uint32_t block, const uint8_t addr[16])
{
	return block * BLOCK_SIZE | addr[15];
}

/* The number of the block, or a value of LANE_PENDING or above: there is no single address. */
static inline uint32_t dense6_block(const struct dense6 *t, const uint8_t addr[16])
{
	const union exact_key key = dense6_key(addr);
	uint32_t lane;

	return exact_find6(&t->directory, exact_home6(&t->directory, key.v6), key.v6, &lane);
}

/* The same with a class in place of the number. */
static inline uint32_t dense6_find(const struct dense6 *t, const uint8_t addr[16])
{
	const uint32_t block = dense6_block(t, addr);

	return block < LANE_PENDING ? block_class(&t->blocks, dense6_at(block, addr)) : block;
}

#endif

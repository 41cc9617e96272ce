/* SPDX-License-Identifier: BSD-3-Clause */
#include "dense6.h"

#include <errno.h>

#include <rte_random.h>

#define BUCKET_BYTES 60u   /* of the exact table, for each address */
#define DIRECTORY_SHARE 2u /* room for so many times the blocks: no bucket is full */
#define SEEDS 8		   /* tried until the directory has room for all */

static void fill(
	struct blocks *b, uint32_t at, const struct lpm6 *prefixes, const uint8_t first[16])
{
	uint8_t addr[16];

	memcpy(addr, first, sizeof(addr));
	if (lpm6_is_uniform(prefixes, addr)) {
		block_fill(b, at, BLOCK_SIZE, lpm6_find(prefixes, addr));
		return;
	}
	for (uint32_t i = 0; i < BLOCK_SIZE; i++) {
		addr[15] = (uint8_t)i;
		block_set(b, at + i, lpm6_find(prefixes, addr));
	}
}

/* The block of an address, made with what the prefixes say. False: there is none left. */
static bool make_block(struct dense6 *t, const struct lpm6 *prefixes, const uint8_t addr[16])
{
	const union exact_key key = dense6_key(addr);

	if (dense6_block(t, addr) < LANE_PENDING)
		return true;
	if (t->blocks.n == t->blocks.limit)
		return false;
	fill(&t->blocks, t->blocks.n * BLOCK_SIZE, prefixes, key.v6);
	if (exact_put(&t->directory, &key, t->blocks.n, 0) != 0)
		return false;
	t->blocks.n++;
	return true;
}

void dense6_reserve(struct dense6 *t, const struct lpm6 *prefixes, const uint8_t addr[16])
{
	if (t->whole != 0 && !make_block(t, prefixes, addr))
		__atomic_store_n(&t->whole, 0, __ATOMIC_RELEASE);
}

void dense6_set(struct dense6 *t, const uint8_t addr[16], uint32_t cls)
{
	const uint32_t block = dense6_block(t, addr);

	if (block < LANE_PENDING)
		block_set(&t->blocks, dense6_at(block, addr), cls);
}

static uint32_t count_blocks(const struct dense6_parts *p)
{
	uint32_t n = p->n_addrs != 0;

	for (uint32_t i = 1; i < p->n_addrs; i++)
		n += memcmp(p->addrs[i].addr, p->addrs[i - 1].addr, 15) != 0;
	return n;
}

static bool add_all(struct dense6 *t, const struct dense6_parts *p)
{
	t->blocks.n = 0;
	for (uint32_t i = 0; i < p->n_addrs; i++) {
		if (!make_block(t, p->prefixes, p->addrs[i].addr))
			return false;
		dense6_set(t, p->addrs[i].addr, p->addrs[i].cls);
	}
	return true;
}

int dense6_build(struct dense6 *t, const struct dense6_parts *p, int socket)
{
	const uint32_t n_blocks = count_blocks(p);
	int err;

	memset(t, 0, sizeof(*t));
	t->blocks.log = blocks_log(p->n_classes);
	if (!blocks_pay(n_blocks, p->n_addrs, BUCKET_BYTES, p->n_classes))
		return 0;
	err = blocks_init(
		&t->blocks, (uint64_t)n_blocks + blocks_spare(p->room), p->n_classes, socket);
	for (int i = 0; err == 0 && t->whole == 0 && i < SEEDS; i++) {
		exact_free(&t->directory);
		err = exact_init(
			&t->directory, 6, t->blocks.limit * DIRECTORY_SHARE, rte_rand(), socket);
		if (err == 0)
			t->whole = add_all(t, p);
	}
	if (err != 0)
		dense6_free(t);
	return err;
}

void dense6_free(struct dense6 *t)
{
	exact_free(&t->directory);
	blocks_free(&t->blocks);
	memset(t, 0, sizeof(*t));
}

size_t dense6_size(const struct dense6 *t)
{
	return exact_size(&t->directory) + blocks_size(&t->blocks);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lpm.h"

#include <errno.h>

#include <rte_common.h>

#define SPARE_NODES 16u
#define BUCKET_BYTES 20u /* of the exact table, for each address */

/* --- editing --- */

static void publish(uint32_t *entry, uint32_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void claim_chunk(struct lpm4 *t, uint32_t slot)
{
	const uint32_t own = slot * LPM_CHUNK;

	memcpy(&t->root[own], &t->root[t->top[slot]], LPM_CHUNK * sizeof(*t->root));
	publish(&t->top[slot], own);
}

/* The entry of an address becomes one that no other chunk's addresses share. */
static uint32_t *own_entry(struct lpm4 *t, uint32_t addr)
{
	const uint32_t slot = addr >> 22, own = slot * LPM_CHUNK;

	for (uint32_t other = slot + 1; other < LPM_TOP; other++)
		if (t->top[other] == own)
			claim_chunk(t, other);
	if (t->top[slot] != own)
		claim_chunk(t, slot);
	return &t->root[own + (addr >> 16) % LPM_CHUNK];
}

/* The node below the root's entry, made with what that said. False: there is none left. */
static bool make_node(struct lpm4 *t, uint32_t addr)
{
	const uint32_t entry = lpm4_root_entry(t, addr);
	uint32_t *node = &t->nodes[(size_t)t->n_nodes * LPM_NODE];

	if ((entry & LPM_DEEPER) != 0)
		return true;
	if (t->n_nodes == t->max_nodes)
		return false;
	for (uint32_t i = 0; i < LPM_NODE; i++)
		node[i] = entry;
	publish(own_entry(t, addr), LPM_DEEPER | t->n_nodes++);
	return true;
}

/* The same for the block below the node's. */
static bool make_block(struct lpm4 *t, uint32_t addr)
{
	uint32_t entry, *place;

	if (!make_node(t, addr))
		return false;
	entry = lpm4_root_entry(t, addr) & ~LPM_DEEPER;
	place = &t->nodes[(size_t)entry * LPM_NODE + (addr >> 8) % LPM_NODE];
	if ((*place & LPM_DEEPER) != 0)
		return true;
	if (t->blocks.n == t->blocks.limit)
		return false;
	block_fill(&t->blocks, t->blocks.n * BLOCK_SIZE, BLOCK_SIZE, *place);
	publish(place, LPM_DEEPER | t->blocks.n++);
	return true;
}

void lpm4_reserve(struct lpm4 *t, uint32_t addr)
{
	if (t->whole != 0 && !make_block(t, addr))
		__atomic_store_n(&t->whole, 0, __ATOMIC_RELEASE);
}

void lpm4_set(struct lpm4 *t, uint32_t addr, uint32_t cls)
{
	const uint32_t entry = lpm4_entry(t, addr);

	if ((entry & LPM_DEEPER) != 0)
		block_set(&t->blocks, lpm4_block_at(entry, addr), cls);
}

/* --- building --- */

/* How many /24 the single addresses lie in. */
static uint32_t count_blocks(const struct lpm4_parts *p)
{
	uint32_t n = p->n_addrs != 0;

	for (uint32_t i = 1; i < p->n_addrs; i++)
		n += p->addrs[i].addr >> 8 != p->addrs[i - 1].addr >> 8;
	return n;
}

/* How many /16 are not of one class. */
static uint32_t count_nodes(const struct lpm4_parts *p, bool addrs)
{
	uint64_t seen[LPM_ROOT / 64] = {0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_prefixes; i++)
		if (p->prefixes[i].length > 16)
			seen[p->prefixes[i].addr >> 22] |= 1ull << (p->prefixes[i].addr >> 16) % 64;
	for (uint32_t i = 0; i < p->n_addrs && addrs; i++)
		seen[p->addrs[i].addr >> 22] |= 1ull << (p->addrs[i].addr >> 16) % 64;
	for (uint32_t i = 0; i < LPM_ROOT / 64; i++)
		n += (uint32_t)__builtin_popcountll(seen[i]);
	return n;
}

/* No fewer than will be needed. */
static int make_tables(struct lpm4 *t, const struct lpm4_parts *p, int socket)
{
	const uint32_t n_blocks = count_blocks(p);
	uint64_t limit = 0;
	int err;

	t->whole = blocks_pay(n_blocks, p->n_addrs, BUCKET_BYTES, p->n_classes);
	t->max_nodes = count_nodes(p, t->whole != 0);
	for (uint32_t i = 0; i < p->n_prefixes; i++)
		limit += p->prefixes[i].length > 24;
	if (t->whole != 0) {
		t->max_nodes = RTE_MIN(t->max_nodes + RTE_MIN(p->room, SPARE_NODES), LPM_ROOT);
		limit += n_blocks + blocks_spare(p->room);
	}
	t->top = table_alloc(LPM_TOP, sizeof(*t->top), socket);
	t->root = table_alloc(LPM_ROOT, sizeof(*t->root), socket);
	t->nodes = table_alloc((size_t)t->max_nodes * LPM_NODE, sizeof(*t->nodes), socket);
	err = blocks_init(&t->blocks, limit, p->n_classes, socket);
	return t->top == NULL || t->root == NULL || t->nodes == NULL ? -ENOMEM : err;
}

static void fill(uint32_t *entries, uint32_t count, uint32_t value)
{
	for (uint32_t i = 0; i < count; i++)
		entries[i] = value;
}

/* All prefixes that are not longer are there already. */
static bool add(struct lpm4 *t, const struct tg_image_prefix4 *p)
{
	uint32_t entry;

	if (p->length <= 16) {
		fill(&t->root[p->addr >> 16], 1u << (16 - p->length), p->cls);
		return true;
	}
	if (p->length > 24 ? !make_block(t, p->addr) : !make_node(t, p->addr))
		return false;
	entry = lpm4_root_entry(t, p->addr);
	if (p->length <= 24) {
		fill(&t->nodes[(size_t)(entry & ~LPM_DEEPER) * LPM_NODE +
			       (p->addr >> 8) % LPM_NODE],
			1u << (24 - p->length), p->cls);
	} else {
		block_fill(&t->blocks, lpm4_block_at(lpm4_entry(t, p->addr), p->addr),
			1u << (32 - p->length), p->cls);
	}
	return true;
}

static bool add_all(struct lpm4 *t, const struct lpm4_parts *p)
{
	for (uint32_t i = 0; i < p->n_prefixes; i++)
		if (!add(t, &p->prefixes[i]))
			return false;
	for (uint32_t i = 0; i < p->n_addrs && t->whole != 0; i++) {
		if (!make_block(t, p->addrs[i].addr))
			return false;
		lpm4_set(t, p->addrs[i].addr, p->addrs[i].cls);
	}
	return true;
}

/* Chunks of the root that are of one class throughout lead to the first one of that class. */
static void share_chunks(struct lpm4 *t)
{
	uint32_t shared[LPM_TOP], n = 0, k;

	for (uint32_t slot = 0; slot < LPM_TOP; slot++) {
		const uint32_t *entries = &t->root[slot * LPM_CHUNK];

		if (memcmp(entries, entries + 1, (LPM_CHUNK - 1) * sizeof(*entries)) != 0)
			continue;
		for (k = 0; k < n && t->root[shared[k]] != *entries; k++)
			;
		if (k == n)
			shared[n++] = slot * LPM_CHUNK;
		t->top[slot] = shared[k];
	}
}

int lpm4_build(struct lpm4 *t, const struct lpm4_parts *p, int socket)
{
	int err;

	memset(t, 0, sizeof(*t));
	err = make_tables(t, p, socket);
	for (uint32_t slot = 0; err == 0 && slot < LPM_TOP; slot++)
		t->top[slot] = slot * LPM_CHUNK;
	if (err == 0 && !add_all(t, p))
		err = -E2BIG;
	if (err != 0)
		lpm4_free(t);
	else
		share_chunks(t);
	return err;
}

void lpm4_free(struct lpm4 *t)
{
	rte_free(t->top);
	rte_free(t->root);
	rte_free(t->nodes);
	blocks_free(&t->blocks);
	memset(t, 0, sizeof(*t));
}

size_t lpm4_size(const struct lpm4 *t)
{
	return (LPM_TOP + LPM_ROOT + (size_t)t->max_nodes * LPM_NODE) * sizeof(uint32_t) +
	       blocks_size(&t->blocks);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lpm.h"

#include <errno.h>
#include <string.h>

#include "vec.h"

/* Fills entries [first, first + count) of root or node. */
static void fill(uint32_t *entries, uint32_t first, uint32_t count, uint32_t value)
{
	for (uint32_t i = first; i < first + count; i++)
		entries[i] = value;
}

/*
 * The node below *entry, made with what the entry said when there is none yet: its first entry's
 * index in `nodes`. *entry is given by its place, since adding a node may move the vector.
 */
static int node_below(struct tg_vec_u32 *nodes, uint32_t entry, uint32_t *made, size_t *index)
{
	int err;

	*made = entry;
	if ((entry & LPM_DEEPER) == 0) {
		if (nodes->n / LPM_NODE >= LPM_DEEPER)
			return -E2BIG;
		err = tg_vec_reserve(nodes, nodes->n + LPM_NODE);
		if (err != 0)
			return err;
		*made = LPM_DEEPER | (uint32_t)(nodes->n / LPM_NODE);
		for (uint32_t i = 0; i < LPM_NODE; i++)
			nodes->v[nodes->n + i] = entry;
		nodes->n += LPM_NODE;
	}
	*index = (size_t)(*made & ~LPM_DEEPER) * LPM_NODE;
	return 0;
}

static int add(uint32_t *root, struct tg_vec_u32 *nodes, const struct tg_image_prefix4 *p)
{
	const uint32_t top = p->addr >> 16, mid = p->addr >> 8 & 0xff, low = p->addr & 0xff;
	size_t node, below;
	uint32_t entry;
	int err;

	if (p->length <= 16) {
		fill(root, top, 1u << (16 - p->length), p->cls);
		return 0;
	}
	err = node_below(nodes, root[top], &root[top], &node);
	if (err != 0)
		return err;
	if (p->length <= 24) {
		fill(nodes->v + node, mid, 1u << (24 - p->length), p->cls);
		return 0;
	}
	err = node_below(nodes, nodes->v[node + mid], &entry, &below);
	if (err != 0)
		return err;
	nodes->v[node + mid] = entry;
	fill(nodes->v + below, low, 1u << (32 - p->length), p->cls);
	return 0;
}

int lpm4_build(struct lpm4 *t, const struct tg_image_prefix4 *prefixes, uint32_t n, int socket)
{
	struct tg_vec_u32 nodes = {0};
	int err = -ENOMEM;

	memset(t, 0, sizeof(*t));
	t->root = table_alloc(LPM_ROOT, sizeof(*t->root), socket);
	if (t->root == NULL)
		goto fail;
	for (uint32_t i = 0; i < n; i++) {
		err = add(t->root, &nodes, &prefixes[i]);
		if (err != 0)
			goto fail;
	}
	err = -ENOMEM;
	t->n_nodes = (uint32_t)(nodes.n / LPM_NODE);
	t->nodes = table_alloc(nodes.n, sizeof(*t->nodes), socket);
	if (t->nodes == NULL)
		goto fail;
	if (nodes.n != 0)
		memcpy(t->nodes, nodes.v, nodes.n * sizeof(*t->nodes));
	tg_vec_free(&nodes);
	return 0;
fail:
	tg_vec_free(&nodes);
	lpm4_free(t);
	return err;
}

void lpm4_free(struct lpm4 *t)
{
	rte_free(t->root);
	rte_free(t->nodes);
	memset(t, 0, sizeof(*t));
}

size_t lpm4_size(const struct lpm4 *t)
{
	return (LPM_ROOT + (size_t)t->n_nodes * LPM_NODE) * sizeof(uint32_t);
}

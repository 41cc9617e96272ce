/* SPDX-License-Identifier: BSD-3-Clause */
/* Namespaces and nodes. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define POD_RANGE_V4 0x0a800000u  /* 10.128.0.0/10: a /24 a node */
#define NODE_RANGE_V4 0xac140000u /* 172.20.0.0/18 */

static const char *const envs[] = {"prod", "prod", "staging", "dev"};

static int make_namespace(struct tg_gen *gen, uint32_t index, uint32_t name)
{
	struct gen_namespace *ns = &gen->namespaces[index];
	struct tg_label *labels = tg_arena_calloc(gen->arena, 3, sizeof(*labels));

	ns->object = tg_arena_alloc(gen->arena, sizeof(*ns->object));
	if (labels == NULL || ns->object == NULL || name == UINT32_MAX)
		return -ENOMEM;
	labels[0] = (struct tg_label){gen->keys.metadata_name, name};
	labels[1] = (struct tg_label){gen->keys.team, ns->team};
	labels[2] = (struct tg_label){gen->keys.env, ns->env};
	gen_sort_labels(labels, 3);
	ns->object->name = name;
	ns->object->labels = (struct tg_labels){labels, 3};
	ns->object->place = gen_place(gen, index + 1);
	gen->namespace_view[index] = ns->object;
	return 0;
}

/* A team has one namespace for each environment. */
static int make_team_namespace(struct tg_gen *gen, uint32_t index)
{
	struct gen_namespace *ns = &gen->namespaces[index];
	uint32_t team = (index - SYSTEM_NAMESPACES) / 4;
	uint32_t env = (index - SYSTEM_NAMESPACES) % 4;

	ns->team = gen_id(gen, "team-%03u", team);
	ns->env = gen_id(gen, "%s", envs[env]);
	return make_namespace(
		gen, index, gen_id(gen, "team-%03u-%s%s", team, envs[env], env == 1 ? "-b" : ""));
}

int gen_make_namespaces(struct tg_gen *gen)
{
	static const char *const system_names[SYSTEM_NAMESPACES] = {
		"kube-system", "monitoring", "ingress"};
	uint32_t n = gen->shape.namespaces;
	int rc = 0;

	gen->namespaces = tg_arena_calloc(gen->arena, n, sizeof(*gen->namespaces));
	gen->namespace_view = tg_arena_calloc(gen->arena, n, sizeof(*gen->namespace_view));
	if (gen->namespaces == NULL || gen->namespace_view == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		if (i >= SYSTEM_NAMESPACES) {
			rc = make_team_namespace(gen, i);
			continue;
		}
		gen->namespaces[i].team = gen_id(gen, "platform");
		gen->namespaces[i].env = gen_id(gen, "infra");
		rc = make_namespace(gen, i, gen_id(gen, "%s", system_names[i]));
	}
	gen->cluster.n_namespaces = n;
	return rc;
}

/* The /64 of node `index`: fd00:10:128:<index>::/64. */
static struct tg_prefix node_cidr_v6(uint32_t index)
{
	static const uint8_t base[6] = {0xfd, 0x00, 0x00, 0x10, 0x01, 0x28};
	struct tg_prefix cidr = {.addr.family = 6, .length = 64};

	memcpy(cidr.addr.bytes, base, sizeof(base));
	cidr.addr.bytes[6] = (uint8_t)(index >> 8);
	cidr.addr.bytes[7] = (uint8_t)index;
	return cidr;
}

/* fd00:20::<index + 1> */
static struct tg_addr node_addr_v6(uint32_t index)
{
	struct tg_addr addr = {.bytes = {0xfd, 0x00, 0x00, 0x20}, .family = 6};

	addr.bytes[14] = (uint8_t)((index + 1) >> 8);
	addr.bytes[15] = (uint8_t)(index + 1);
	return addr;
}

static int make_node(struct tg_gen *gen, uint32_t index)
{
	struct gen_node *node = &gen->nodes[index];
	uint32_t families = node->dual ? 2 : 1;
	struct tg_addr *addrs = tg_arena_calloc(gen->arena, families, sizeof(*addrs));
	struct tg_prefix *cidrs = tg_arena_calloc(gen->arena, families, sizeof(*cidrs));

	node->object = tg_arena_alloc(gen->arena, sizeof(*node->object));
	if (addrs == NULL || cidrs == NULL || node->object == NULL)
		return -ENOMEM;
	addrs[0] = tg_addr_from_v4(NODE_RANGE_V4 + index + 1);
	cidrs[0].addr = tg_addr_from_v4(POD_RANGE_V4 + (index << 8));
	cidrs[0].length = 24;
	if (node->dual) {
		addrs[1] = node_addr_v6(index);
		cidrs[1] = node_cidr_v6(index);
	}
	*node->object = (struct tg_node){.name = gen_id(gen, "node-%05u", index),
		.addrs = addrs,
		.n_addrs = families,
		.pod_cidrs = cidrs,
		.n_pod_cidrs = families,
		.place = gen_place(gen, index + 1)};
	node->used = 1; /* the node's bridge */
	gen->node_view[index] = node->object;
	return node->object->name == UINT32_MAX ? -ENOMEM : 0;
}

int gen_make_nodes(struct tg_gen *gen)
{
	uint32_t n = gen->shape.nodes;
	int rc = 0;

	gen->pod_ranges[0] =
		(struct tg_prefix){.addr = tg_addr_from_v4(POD_RANGE_V4), .length = 10};
	gen->pod_ranges[1] = node_cidr_v6(0);
	gen->pod_ranges[1].length = 48;
	gen->nodes = tg_arena_calloc(gen->arena, n, sizeof(*gen->nodes));
	gen->node_view = tg_arena_calloc(gen->arena, n, sizeof(*gen->node_view));
	if (gen->nodes == NULL || gen->node_view == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		gen->nodes[i].dual = tg_rng_percent(&gen->rng, gen->shape.dual_stack_percent);
		rc = make_node(gen, i);
	}
	gen->cluster.n_nodes = n;
	return rc;
}

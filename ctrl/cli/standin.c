/* SPDX-License-Identifier: BSD-3-Clause */
#include "standin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "vec.h"

#define RANGES 15
#define HOSTS_MAX ((1u << 24) - 2) /* of an IPv4 stand-in range */

struct tg_standin {
	struct tg_arena *arena;
	struct tg_cluster cluster;
	struct tg_prefix range[2]; /* IPv4, IPv6; family 0: not in use */
	uint32_t used;
	struct tg_vec_u32 wanted_nodes; /* names, sorted */
};

/* The n-th range of a family that stand-ins may come from. */
static struct tg_prefix candidate(uint8_t family, unsigned int n)
{
	struct tg_prefix range = {.addr = {.family = family}};

	if (family == 4) {
		range.length = 8;
		range.addr.bytes[0] = (uint8_t)(240 + n);
	} else {
		range.length = 64;
		range.addr.bytes[0] = 1;
		range.addr.bytes[7] = (uint8_t)n;
	}
	return range;
}

static bool any_inside(const struct tg_prefix *range, const struct tg_addr *addrs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (tg_prefix_contains(range, &addrs[i]))
			return true;
	return false;
}

static bool peers_touch(const struct tg_prefix *range, const struct tg_policy_rule *rule)
{
	for (uint32_t p = 0; p < rule->n_peers; p++) {
		const struct tg_peer *peer = &rule->peers[p];

		if (!peer->is_block)
			continue;
		if (tg_prefix_covers(range, &peer->block))
			return true;
		for (uint32_t e = 0; e < peer->n_except; e++)
			if (tg_prefix_covers(range, &peer->except[e]))
				return true;
	}
	return false;
}

static bool policy_touches(const struct tg_prefix *range, const struct tg_policy *policy)
{
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		for (uint32_t r = 0; r < policy->side[dir].n_rules; r++)
			if (peers_touch(range, &policy->side[dir].rules[r]))
				return true;
	return false;
}

static bool node_touches(const struct tg_prefix *range, const struct tg_node *node)
{
	for (uint32_t i = 0; i < node->n_pod_cidrs; i++)
		if (tg_prefix_covers(range, &node->pod_cidrs[i]) ||
			tg_prefix_covers(&node->pod_cidrs[i], range))
			return true;
	return any_inside(range, node->addrs, node->n_addrs);
}

static bool range_is_free(const struct tg_cluster *cluster, const struct tg_prefix *range)
{
	for (size_t i = 0; i < cluster->n_pods; i++)
		if (any_inside(range, cluster->pods[i]->addrs, cluster->pods[i]->n_addrs))
			return false;
	for (size_t i = 0; i < cluster->n_nodes; i++)
		if (node_touches(range, cluster->nodes[i]))
			return false;
	for (size_t i = 0; i < cluster->n_services; i++)
		if (any_inside(range, cluster->services[i]->addrs, cluster->services[i]->n_addrs))
			return false;
	for (size_t i = 0; i < cluster->n_policies; i++)
		if (policy_touches(range, cluster->policies[i]))
			return false;
	return true;
}

static int choose_range(
	struct tg_standin *standin, const struct tg_cluster *cluster, uint8_t family)
{
	for (unsigned int n = 0; n < RANGES; n++) {
		struct tg_prefix range = candidate(family, n);

		if (range_is_free(cluster, &range)) {
			standin->range[family == 6] = range;
			return 0;
		}
	}
	return -ENOSPC;
}

static bool is_lost(const struct tg_pod *pod)
{
	return pod->n_addrs == 0 && !pod->finished && !pod->host_network;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The nodes whose address hostNetwork pods need, because they have none of their own. */
static int note_wanted_nodes(struct tg_standin *standin, const struct tg_cluster *cluster)
{
	for (size_t i = 0; i < cluster->n_pods; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		if (pod->host_network && !pod->finished && pod->n_addrs == 0 && pod->node != 0 &&
			tg_vec_push(&standin->wanted_nodes, pod->node) != 0)
			return -ENOMEM;
	}
	if (standin->wanted_nodes.n != 0)
		qsort(standin->wanted_nodes.v, standin->wanted_nodes.n, sizeof(uint32_t),
			compare_ids);
	return 0;
}

static bool is_lost_node(const struct tg_standin *standin, const struct tg_node *node)
{
	return node->n_addrs == 0 && standin->wanted_nodes.n != 0 &&
	       bsearch(&node->name, standin->wanted_nodes.v, standin->wanted_nodes.n,
		       sizeof(uint32_t), compare_ids) != NULL;
}

/* One new address of each family in use. */
static int make_addresses(struct tg_standin *standin, const struct tg_addr **out, uint32_t *n)
{
	struct tg_addr *addrs = tg_arena_calloc(standin->arena, 2, sizeof(*addrs));
	uint32_t host = ++standin->used;

	if (addrs == NULL)
		return -ENOMEM;
	if (host > HOSTS_MAX)
		return -ENOSPC;
	*n = 0;
	for (unsigned int i = 0; i < 2; i++) {
		if (standin->range[i].addr.family == 0)
			continue;
		addrs[*n] = standin->range[i].addr;
		for (unsigned int b = 0; b < 3; b++)
			addrs[*n].bytes[(i == 0 ? 1 : 13) + b] = (uint8_t)(host >> (16 - 8 * b));
		(*n)++;
	}
	*out = addrs;
	return 0;
}

static int copy_pods(struct tg_standin *standin, const struct tg_cluster *from)
{
	const struct tg_pod **pods =
		tg_arena_calloc(standin->arena, from->n_pods + 1, sizeof(*pods));

	if (pods == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_pods; i++) {
		struct tg_pod *pod;
		int rc;

		pods[i] = from->pods[i];
		if (!is_lost(pods[i]))
			continue;
		pod = tg_arena_memdup(standin->arena, pods[i], sizeof(*pod));
		if (pod == NULL)
			return -ENOMEM;
		rc = make_addresses(standin, &pod->addrs, &pod->n_addrs);
		if (rc != 0)
			return rc;
		pods[i] = pod;
	}
	standin->cluster.pods = pods;
	return 0;
}

static int copy_nodes(struct tg_standin *standin, const struct tg_cluster *from)
{
	const struct tg_node **nodes =
		tg_arena_calloc(standin->arena, from->n_nodes + 1, sizeof(*nodes));

	if (nodes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_nodes; i++) {
		struct tg_node *node;
		int rc;

		nodes[i] = from->nodes[i];
		if (!is_lost_node(standin, nodes[i]))
			continue;
		node = tg_arena_memdup(standin->arena, nodes[i], sizeof(*node));
		if (node == NULL)
			return -ENOMEM;
		rc = make_addresses(standin, &node->addrs, &node->n_addrs);
		if (rc != 0)
			return rc;
		nodes[i] = node;
	}
	standin->cluster.nodes = nodes;
	return 0;
}

/* The block needs the family's range as one more except: it covers it, and not just everything. */
static bool needs_except(const struct tg_standin *standin, const struct tg_peer *peer)
{
	const struct tg_prefix *range = &standin->range[peer->block.addr.family == 6];

	if (!peer->is_block || range->addr.family == 0 || !tg_prefix_covers(&peer->block, range))
		return false;
	if (peer->block.length == 0 && peer->n_except == 0)
		return false;
	for (uint32_t i = 0; i < peer->n_except; i++)
		if (tg_prefix_covers(&peer->except[i], range))
			return false;
	return true;
}

static bool policy_needs_copy(const struct tg_standin *standin, const struct tg_policy *policy)
{
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		for (uint32_t r = 0; r < policy->side[dir].n_rules; r++) {
			const struct tg_policy_rule *rule = &policy->side[dir].rules[r];

			for (uint32_t p = 0; p < rule->n_peers; p++)
				if (needs_except(standin, &rule->peers[p]))
					return true;
		}
	return false;
}

static int add_except(struct tg_standin *standin, struct tg_peer *peer)
{
	struct tg_prefix *except =
		tg_arena_calloc(standin->arena, peer->n_except + 1, sizeof(*except));

	if (except == NULL)
		return -ENOMEM;
	if (peer->n_except != 0)
		memcpy(except, peer->except, peer->n_except * sizeof(*except));
	except[peer->n_except++] = standin->range[peer->block.addr.family == 6];
	peer->except = except;
	return 0;
}

static int copy_rule(struct tg_standin *standin, struct tg_policy_rule *rule)
{
	struct tg_peer *peers;

	if (rule->n_peers == 0)
		return 0;
	peers = tg_arena_memdup(standin->arena, rule->peers, rule->n_peers * sizeof(*peers));
	if (peers == NULL)
		return -ENOMEM;
	rule->peers = peers;
	for (uint32_t p = 0; p < rule->n_peers; p++)
		if (needs_except(standin, &peers[p]) && add_except(standin, &peers[p]) != 0)
			return -ENOMEM;
	return 0;
}

static const struct tg_policy *copy_policy(
	struct tg_standin *standin, const struct tg_policy *original)
{
	struct tg_policy *policy = tg_arena_memdup(standin->arena, original, sizeof(*policy));

	for (unsigned int dir = 0; policy != NULL && dir < TG_DIRECTION_COUNT; dir++) {
		struct tg_policy_side *side = &policy->side[dir];
		struct tg_policy_rule *rules;

		if (side->n_rules == 0)
			continue;
		rules = tg_arena_memdup(
			standin->arena, side->rules, side->n_rules * sizeof(*rules));
		if (rules == NULL)
			return NULL;
		side->rules = rules;
		for (uint32_t r = 0; r < side->n_rules; r++)
			if (copy_rule(standin, &rules[r]) != 0)
				return NULL;
	}
	return policy;
}

static int copy_policies(struct tg_standin *standin, const struct tg_cluster *from)
{
	const struct tg_policy **policies =
		tg_arena_calloc(standin->arena, from->n_policies + 1, sizeof(*policies));

	if (policies == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_policies; i++) {
		policies[i] = from->policies[i];
		if (policy_needs_copy(standin, policies[i]))
			policies[i] = copy_policy(standin, policies[i]);
		if (policies[i] == NULL)
			return -ENOMEM;
	}
	standin->cluster.policies = policies;
	return 0;
}

/* What is to be done: whether anybody lacks an address, and which families pods have. */
static bool survey(
	const struct tg_standin *standin, const struct tg_cluster *cluster, bool family_used[2])
{
	bool lost = false;

	for (size_t i = 0; i < cluster->n_pods; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		for (uint32_t k = 0; k < pod->n_addrs; k++)
			family_used[pod->addrs[k].family == 6] = true;
		lost |= is_lost(pod);
	}
	for (size_t i = 0; i < cluster->n_nodes; i++)
		lost |= is_lost_node(standin, cluster->nodes[i]);
	if (!family_used[0] && !family_used[1])
		family_used[0] = true;
	return lost;
}

static int fill(struct tg_standin *standin, const struct tg_cluster *cluster)
{
	bool family_used[2] = {false, false};
	int rc = note_wanted_nodes(standin, cluster);

	if (rc != 0 || !survey(standin, cluster, family_used))
		return rc;
	for (unsigned int i = 0; i < 2 && rc == 0; i++)
		if (family_used[i])
			rc = choose_range(standin, cluster, i == 0 ? 4 : 6);
	if (rc == 0)
		rc = copy_pods(standin, cluster);
	if (rc == 0)
		rc = copy_nodes(standin, cluster);
	return rc == 0 ? copy_policies(standin, cluster) : rc;
}

int tg_standin_create(const struct tg_cluster *cluster, struct tg_standin **out)
{
	struct tg_standin *standin = calloc(1, sizeof(*standin));
	int rc = -ENOMEM;

	if (standin == NULL)
		return -ENOMEM;
	standin->cluster = *cluster;
	standin->arena = tg_arena_create(0);
	if (standin->arena != NULL)
		rc = fill(standin, cluster);
	if (rc != 0) {
		tg_standin_free(standin);
		return rc;
	}
	*out = standin;
	return 0;
}

void tg_standin_free(struct tg_standin *standin)
{
	if (standin == NULL)
		return;
	tg_vec_free(&standin->wanted_nodes);
	tg_arena_free(standin->arena);
	free(standin);
}

const struct tg_cluster *tg_standin_cluster(const struct tg_standin *standin)
{
	return &standin->cluster;
}

bool tg_standin_is(const struct tg_standin *standin, const struct tg_addr *addr)
{
	const struct tg_prefix *range = &standin->range[addr->family == 6];

	return range->addr.family != 0 && tg_prefix_contains(range, addr);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "walk.h"

#include <string.h>

#include "require.h"

uint64_t walk_pod(const struct tg_cluster *cluster, const struct tg_pod *pod)
{
	uint64_t sum = strlen(tg_intern_text(cluster->strings, pod->name)) + pod->place.line;

	for (uint32_t i = 0; i < pod->n_addrs; i++)
		sum += pod->addrs[i].bytes[0] + pod->addrs[i].family;
	for (uint32_t i = 0; i < pod->labels.n; i++) {
		require(i == 0 || pod->labels.v[i - 1].key < pod->labels.v[i].key, "labels sorted");
		sum += pod->labels.v[i].value;
	}
	for (uint32_t i = 0; i < pod->n_ports; i++) {
		require(pod->ports[i].number != 0, "a port has a number");
		sum += pod->ports[i].name;
	}
	return sum;
}

static uint64_t walk_selector(const struct tg_selector *selector)
{
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *r = &selector->reqs[i];
		bool listed = r->op == TG_OP_IN || r->op == TG_OP_NOT_IN;

		require(listed == (r->n_values != 0), "values where they belong");
	}
	return tg_selector_hash(selector);
}

static uint64_t walk_rule(const struct tg_policy_rule *rule)
{
	uint64_t sum = rule->index;

	require(rule->any_peer == (rule->n_peers == 0), "any peer");
	require(rule->any_port == (rule->n_ports == 0), "any port");
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		const struct tg_peer *p = &rule->peers[i];

		require(p->is_block != (p->has_ns_selector || p->has_pod_selector),
			"one peer kind");
		require(!p->is_block || p->block.addr.family != 0, "a block has a prefix");
		sum += walk_selector(&p->ns_selector) + walk_selector(&p->pod_selector);
		for (uint32_t k = 0; k < p->n_except; k++)
			require(tg_prefix_covers(&p->block, &p->except[k]), "except within");
	}
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		require(rule->ports[i].lo <= rule->ports[i].hi, "a range in order");
		sum += rule->ports[i].protocol;
	}
	return sum;
}

uint64_t walk_policy(const struct tg_policy *policy)
{
	uint64_t sum = walk_selector(&policy->pod_selector);

	require(policy->name != 0 && policy->ns != 0, "a policy has a name");
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		const struct tg_policy_side *side = &policy->side[i];

		require(side->isolates || side->n_rules == 0, "rules only where isolated");
		for (uint32_t k = 0; k < side->n_rules; k++)
			sum += walk_rule(&side->rules[k]);
	}
	return sum;
}

uint64_t walk_cluster(const struct tg_cluster *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->n_namespaces; i++) {
		require(c->namespaces[i]->labels.n != 0, "a namespace has its name as a label");
		sum += c->namespaces[i]->labels.v[0].value;
	}
	for (size_t i = 0; i < c->n_pods; i++)
		sum += walk_pod(c, c->pods[i]);
	for (size_t i = 0; i < c->n_nodes; i++)
		for (uint32_t k = 0; k < c->nodes[i]->n_pod_cidrs; k++)
			sum += c->nodes[i]->pod_cidrs[k].length;
	for (size_t i = 0; i < c->n_services; i++)
		for (uint32_t k = 0; k < c->services[i]->n_addrs; k++)
			sum += c->services[i]->addrs[k].bytes[0];
	for (size_t i = 0; i < c->n_policies; i++)
		sum += walk_policy(c->policies[i]);
	return sum;
}

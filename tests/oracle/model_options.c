/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_options.h"

#include <string.h>

size_t model_options_namespaces(const struct tg_cluster *cluster, const struct tg_namespace **out)
{
	size_t n = 0;

	for (size_t i = 0; i < cluster->n_namespaces; i++)
		if (!cluster->namespaces[i]->implicit)
			out[n++] = cluster->namespaces[i];
	return n;
}

static void convert_infrastructure(
	const struct oracle_infrastructure *in, uint16_t zone, struct tg_infrastructure *out)
{
	*out = (struct tg_infrastructure){.name = in->name,
		.from_nodes = in->from == NULL,
		.to_nodes = in->to == NULL,
		.zone = zone,
		.protocol = (uint8_t)in->protocol,
		.lo = (uint16_t)in->lo,
		.hi = (uint16_t)in->hi};
	if (in->from != NULL)
		tg_prefix_parse(in->from, &out->from);
	if (in->to != NULL)
		tg_prefix_parse(in->to, &out->to);
}

void model_options_make(
	const struct random_cluster *cluster, uint64_t generation, struct model_options *out)
{
	static const enum tg_default_action actions[] = {
		[ORACLE_DENY] = TG_DEFAULT_DENY,
		[ORACLE_AUDIT] = TG_DEFAULT_AUDIT,
		[ORACLE_KUBERNETES] = TG_DEFAULT_KUBERNETES,
	};
	const struct oracle_options *in = &cluster->options;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < in->n_pod_ranges; i++)
		tg_prefix_parse(in->pod_ranges[i], &out->ranges[i]);
	for (size_t i = 0; i < in->n_node_addrs; i++)
		tg_addr_parse(in->node_addrs[i], &out->node_addrs[i]);
	for (size_t i = 0; i < in->n_infrastructure; i++)
		convert_infrastructure(
			&in->infrastructure[i], cluster->zone, &out->infrastructure[i]);
	out->options = (struct tg_compile_options){
		.default_action = {actions[in->default_action[0]], actions[in->default_action[1]]},
		.transit_allow = in->transit_allow,
		.home =
			{
				.zone = cluster->zone,
				.pod_ranges = out->ranges,
				.n_pod_ranges = in->n_pod_ranges,
				.node_addrs = out->node_addrs,
				.n_node_addrs = in->n_node_addrs,
			},
		.infrastructure = out->infrastructure,
		.n_infrastructure = in->n_infrastructure,
		.generation = generation,
		.now_ms = 1,
	};
}

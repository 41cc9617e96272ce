/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_options.h"

#include <string.h>

size_t model_options_namespaces(
	const struct tg_cluster *cluster, bool all, const struct tg_namespace **out)
{
	size_t n = 0;

	for (size_t i = 0; i < cluster->n_namespaces; i++) {
		const struct tg_namespace *ns = cluster->namespaces[i];
		bool served = strchr(tg_intern_text(cluster->strings, ns->name), '/') != NULL;

		if (!ns->implicit || (!all && !served))
			out[n++] = ns;
	}
	return n;
}

struct tg_scope model_options_scope(const struct random_cluster *cluster, size_t scope)
{
	const struct oracle_options *o = &cluster->options;
	struct tg_scope out = {.confined = o->n_scopes > 1};

	if (o->n_scopes > 0)
		out.zone = o->scopes[scope].zone;
	if (out.confined)
		out.cluster = o->scopes[scope].cluster;
	return out;
}

size_t model_options_scope_of(const cJSON *object)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, ORACLE_SCOPE);

	return cJSON_IsNumber(number) ? (size_t)number->valueint : 0;
}

cJSON *model_options_objects(const struct random_cluster *cluster, size_t scope)
{
	cJSON *list = cJSON_CreateArray(), *copy;
	const cJSON *object;

	cJSON_ArrayForEach(object, cluster->list)
	{
		if (model_options_scope_of(object) != scope)
			continue;
		copy = cJSON_Duplicate(object, true);
		cJSON_DeleteItemFromObjectCaseSensitive(copy, ORACLE_SCOPE);
		cJSON_AddItemToArray(list, copy);
	}
	return list;
}

static void convert_infrastructure(
	const struct oracle_infrastructure *in, struct tg_infrastructure *out)
{
	*out = (struct tg_infrastructure){.name = in->name,
		.from_nodes = in->from == NULL,
		.to_nodes = in->to == NULL,
		.zone = in->zone,
		.protocol = (uint8_t)in->protocol,
		.lo = (uint16_t)in->lo,
		.hi = (uint16_t)in->hi};
	if (in->from != NULL)
		tg_prefix_parse(in->from, &out->from);
	if (in->to != NULL)
		tg_prefix_parse(in->to, &out->to);
}

/* Entries of their own, however many are of one zone; the first scope's is where we are at home. */
static void add_zones(const struct random_cluster *cluster, struct model_options *out)
{
	const struct oracle_options *in = &cluster->options;
	struct tg_zone_options *next = out->zones;

	out->options.home.zone = model_options_scope(cluster, 0).zone;
	for (size_t i = 1; i < in->n_scopes; i++)
		(next++)->zone = in->scopes[i].zone;
	for (size_t i = 0; i < in->n_pod_ranges; i++) {
		tg_prefix_parse(in->pod_ranges[i].text, &out->ranges[i]);
		*next++ = (struct tg_zone_options){.zone = in->pod_ranges[i].zone,
			.pod_ranges = &out->ranges[i],
			.n_pod_ranges = 1};
	}
	for (size_t i = 0; i < in->n_node_addrs; i++) {
		tg_addr_parse(in->node_addrs[i].text, &out->node_addrs[i]);
		*next++ = (struct tg_zone_options){.zone = in->node_addrs[i].zone,
			.node_addrs = &out->node_addrs[i],
			.n_node_addrs = 1};
	}
	out->options.zones = out->zones;
	out->options.n_zones = (size_t)(next - out->zones);
	if (in->n_scopes <= 1 && out->options.n_zones > 0) {
		out->options.home = out->zones[0];
		out->options.zones++;
		out->options.n_zones--;
	}
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
	for (size_t i = 0; i < in->n_infrastructure; i++)
		convert_infrastructure(&in->infrastructure[i], &out->infrastructure[i]);
	out->options = (struct tg_compile_options){
		.default_action = {actions[in->default_action[0]], actions[in->default_action[1]]},
		.transit_allow = in->transit_allow,
		.infrastructure = out->infrastructure,
		.n_infrastructure = in->n_infrastructure,
		.generation = generation,
		.now_ms = 1,
	};
	add_zones(cluster, out);
}

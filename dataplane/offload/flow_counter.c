/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Some drivers read counters now and then and answer queries from memory. What a rule counts after
 * that is lost with it, unless the counter is an action of its own: that can be read again when the
 * rule has been gone for as long as a counter may be late.
 */
#include <errno.h>

#include <rte_errno.h>

#include "flow_internal.h"

static struct rte_flow_action *find_count(struct tg_encoded *encoded)
{
	struct rte_flow_action *action = encoded->actions;

	while (action->type != RTE_FLOW_ACTION_TYPE_END &&
		action->type != RTE_FLOW_ACTION_TYPE_COUNT)
		action++;
	return action->type == RTE_FLOW_ACTION_TYPE_COUNT ? action : NULL;
}

static bool outlives(const struct tg_nic_engine *engine)
{
	return engine->counters.shared && engine->counters.stale_ms != 0;
}

uint32_t tg_flow_counters_max(const struct tg_flow_port *port)
{
	const struct tg_nic_profile *profile = port->config.profile;

	for (size_t i = 0; i < profile->n_engines; i++)
		if (outlives(&profile->engines[i]))
			return port->n_flows;
	return port->config.rules_max;
}

void tg_flow_counter_stand_in(const struct tg_nic_engine *engine, struct tg_encoded *encoded)
{
	struct rte_flow_action *count = find_count(encoded);

	if (count != NULL && outlives(engine))
		*count = (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_INDIRECT};
}

/* mlx5 says ENODEV when all counters that were reserved for templates are in use. */
static int not_made(struct tg_flow_port *port, int error)
{
	if (port->config.profile->templates && error == ENODEV)
		error = ENOSPC;
	return tg_flow_failed(port, error, TG_FLOW_RULE);
}

int tg_flow_counter_make(struct tg_flow_port *port, struct tg_flow *flow,
	const struct tg_nic_rule *rule, const struct tg_nic_engine *engine,
	struct tg_encoded *encoded)
{
	const struct rte_flow_indir_action_conf conf = {.ingress = rule->domain == TG_NIC_INGRESS,
		.egress = rule->domain == TG_NIC_EGRESS,
		.transfer = rule->domain == TG_NIC_TRANSFER};
	struct rte_flow_action *count = find_count(encoded);

	if (count == NULL || !outlives(engine))
		return 0;
	flow->counter = rte_flow_action_handle_create(
		tg_flow_ethdev(port, flow->transfer), &conf, count, tg_flow_error(port));
	if (flow->counter == NULL)
		return not_made(port, rte_errno);
	flow->settles = engine->counters.stale_ms;
	*count = (struct rte_flow_action){
		.type = RTE_FLOW_ACTION_TYPE_INDIRECT, .conf = flow->counter};
	return 0;
}

int tg_flow_counter_query(
	struct tg_flow_port *port, const struct tg_flow *flow, struct rte_flow_query_count *count)
{
	return rte_flow_action_handle_query(
		tg_flow_ethdev(port, flow->transfer), flow->counter, count, tg_flow_error(port));
}

bool tg_flow_counter_read(const struct rte_flow_query_count *count, struct tg_flow_count *out)
{
	if (!count->hits_set)
		return false;
	*out = (struct tg_flow_count){
		.packets = count->hits, .bytes = count->bytes_set ? count->bytes : 0};
	return true;
}

void tg_flow_counter_drop(struct tg_flow_port *port, struct tg_flow *flow)
{
	if (flow->counter == NULL)
		return;
	rte_flow_action_handle_destroy(
		tg_flow_ethdev(port, flow->transfer), flow->counter, tg_flow_error(port));
	flow->counter = NULL;
}

/* They have come in the order in which they will be due, but for engines that differ. */
void tg_flow_counters_settle(struct tg_flow_port *port)
{
	struct rte_flow_query_count count = {0};

	while (port->settling.head != TG_FLOW_NONE) {
		struct tg_flow *flow = &port->flows[port->settling.head];

		if ((int32_t)(port->now - flow->settles) <= 0)
			return;
		if (tg_flow_counter_query(port, flow, &count) != 0 ||
			!tg_flow_counter_read(&count, &flow->last))
			return; /* again with the next poll */
		tg_flow_list_take(port, &port->settling);
		flow->counted = true;
		tg_flow_end(port, flow, 0);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Templates and a queue. Shapes are made known before the port is started, each gets a table with
 * room for all rules. Operations are put into a queue, pushed and pulled by tg_flow_poll.
 *
 * A handle is valid when its creation was put into the queue, and has to be destroyed even if the
 * creation fails, but not before its result was pulled.
 */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "flow_internal.h"

#define QUEUE 0
#define QUEUE_SIZE 1024u
#define BATCH 64u
#define DRAIN_US 100u
#define DRAIN_TRIES 10000u /* without any result */

/* As masks of actions are: all bits of what is the same for all rules of a table. */
struct masks {
	struct rte_flow_action actions[TG_ENCODE_ACTIONS];
	union tg_encoded_action conf[TG_ENCODE_ACTIONS];
};

static const struct rte_flow_op_attr postponed = {.postpone = 1};

static uint32_t at_most(uint32_t want, uint32_t limit)
{
	return limit != 0 && limit < want ? limit : want;
}

int tg_flow_template_configure(
	struct tg_flow_port *port, const struct tg_nic_rule *shapes, uint32_t n)
{
	struct rte_flow_port_attr attr = {0};
	struct rte_flow_queue_attr queue = {0};
	const struct rte_flow_queue_attr *queues[] = {&queue};
	struct rte_flow_port_info info = {0};
	struct rte_flow_queue_info queue_info = {0};
	uint32_t actions = 0;
	int error;

	error = rte_flow_info_get(port->config.ethdev, &info, &queue_info, tg_flow_error(port));
	if (error != 0)
		return error == -EINVAL ? error : tg_flow_failed(port, -error, TG_FLOW_SHAPE);
	for (uint32_t i = 0; i < n; i++)
		actions |= shapes[i].actions;
	if (actions & (1u << TG_NIC_COUNT | 1u << TG_NIC_AGE))
		attr.nb_counters = at_most(tg_flow_counters_max(port), info.max_nb_counters);
	if (actions & 1u << TG_NIC_AGE)
		attr.nb_aging_objects = at_most(port->config.rules_max, info.max_nb_aging_objects);
	queue.size = at_most(QUEUE_SIZE, queue_info.max_size);
	error = rte_flow_configure(port->config.ethdev, &attr, 1, queues, tg_flow_error(port));
	if (error != 0)
		return error == -EINVAL ? error : tg_flow_failed(port, -error, TG_FLOW_SHAPE);
	port->queue_size = queue.size;
	return 0;
}

/* Drivers want the fields themselves where others have all ones. */
static void mask_modify(struct rte_flow_action_modify_field *mask,
	const struct rte_flow_action_modify_field *action)
{
	mask->operation = action->operation;
	mask->dst.field = action->dst.field;
	mask->dst.level = UINT32_MAX;
	mask->dst.offset = UINT32_MAX;
	mask->src.field = action->src.field;
	mask->width = UINT32_MAX;
	if (action->operation != RTE_FLOW_MODIFY_SET)
		memset(mask->src.value, UINT8_MAX, sizeof(mask->src.value));
}

static void mask_action(struct rte_flow_action *mask, union tg_encoded_action *conf,
	const struct rte_flow_action *action)
{
	const union tg_encoded_action *value = action->conf;

	*mask = (struct rte_flow_action){.type = action->type};
	memset(conf, 0, sizeof(*conf));
	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_QUEUE:
		conf->queue.index = UINT16_MAX;
		break;
	case RTE_FLOW_ACTION_TYPE_JUMP:
		conf->jump.group = UINT32_MAX;
		break;
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
		conf->ethdev.port_id = UINT16_MAX;
		break;
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		conf->port_id.id = UINT32_MAX;
		break;
	case RTE_FLOW_ACTION_TYPE_RSS: /* drivers follow its pointers */
		conf->rss = value->rss;
		break;
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		mask_modify(&conf->modify_field, &value->modify_field);
		break;
	case RTE_FLOW_ACTION_TYPE_INDIRECT: /* the mask says what of */
		mask->type = RTE_FLOW_ACTION_TYPE_COUNT;
		return;
	default: /* of its own in each rule */
		return;
	}
	mask->conf = conf;
}

static void mask_actions(struct masks *masks, const struct tg_encoded *rule)
{
	size_t i = 0;

	do
		mask_action(&masks->actions[i], &masks->conf[i], &rule->actions[i]);
	while (rule->actions[i++].type != RTE_FLOW_ACTION_TYPE_END);
}

static void drop_shape(struct tg_flow_port *port, struct tg_flow_shape *shape)
{
	if (shape->table != NULL)
		rte_flow_template_table_destroy(port->config.ethdev, shape->table, NULL);
	if (shape->actions != NULL)
		rte_flow_actions_template_destroy(port->config.ethdev, shape->actions, NULL);
	if (shape->pattern != NULL)
		rte_flow_pattern_template_destroy(port->config.ethdev, shape->pattern, NULL);
	shape->table = NULL;
	shape->actions = NULL;
	shape->pattern = NULL;
}

static int make_templates(
	struct tg_flow_port *port, struct tg_flow_shape *shape, const struct tg_encoded *rule)
{
	const struct rte_flow_pattern_template_attr pattern = {.ingress = rule->attr.ingress,
		.egress = rule->attr.egress,
		.transfer = rule->attr.transfer};
	const struct rte_flow_actions_template_attr actions = {.ingress = rule->attr.ingress,
		.egress = rule->attr.egress,
		.transfer = rule->attr.transfer};
	struct masks masks;

	shape->pattern = rte_flow_pattern_template_create(
		port->config.ethdev, &pattern, rule->items, tg_flow_error(port));
	if (shape->pattern == NULL)
		return tg_flow_failed(port, rte_errno, TG_FLOW_SHAPE);
	mask_actions(&masks, rule);
	shape->actions = rte_flow_actions_template_create(
		port->config.ethdev, &actions, rule->actions, masks.actions, tg_flow_error(port));
	if (shape->actions == NULL)
		return tg_flow_failed(port, rte_errno, TG_FLOW_SHAPE);
	return 0;
}

static int make_table(
	struct tg_flow_port *port, struct tg_flow_shape *shape, const struct tg_encoded *rule)
{
	const struct rte_flow_template_table_attr attr = {
		.flow_attr = rule->attr, .nb_flows = port->config.rules_max};

	shape->table = rte_flow_template_table_create(port->config.ethdev, &attr, &shape->pattern,
		1, &shape->actions, 1, tg_flow_error(port));
	if (shape->table == NULL)
		return tg_flow_failed(port, rte_errno, TG_FLOW_SHAPE);
	return 0;
}

static int template_offer(
	struct tg_flow_port *port, struct tg_flow_shape *shape, const struct tg_encoded *rule)
{
	int error = make_templates(port, shape, rule);

	if (error == 0)
		error = make_table(port, shape, rule);
	if (error != 0)
		drop_shape(port, shape);
	return error;
}

static void begun(struct tg_flow_port *port)
{
	port->in_flight++;
	port->unpushed = true;
}

static int template_insert(struct tg_flow_port *port, const struct tg_flow_shape *shape,
	struct tg_flow *flow, const struct tg_encoded *rule)
{
	if (tg_flow_full(port))
		return tg_flow_say(port, -EAGAIN, "the queue is full");
	flow->handle = rte_flow_async_create(port->config.ethdev, QUEUE, &postponed, shape->table,
		rule->items, 0, rule->actions, 0, tg_flow_tag(port, flow), tg_flow_error(port));
	if (flow->handle == NULL)
		return tg_flow_failed(port, rte_errno, TG_FLOW_RULE);
	begun(port);
	return 0;
}

static int destroy(struct tg_flow_port *port, struct tg_flow *flow)
{
	int error;

	if (tg_flow_full(port))
		return tg_flow_say(port, -EAGAIN, "the queue is full");
	error = rte_flow_async_destroy(port->config.ethdev, QUEUE, &postponed, flow->handle,
		tg_flow_tag(port, flow), tg_flow_error(port));
	if (error != 0)
		return tg_flow_failed(port, -error, TG_FLOW_HANDLE);
	begun(port);
	return 0;
}

static int template_remove(struct tg_flow_port *port, struct tg_flow *flow)
{
	int error = destroy(port, flow);

	if (error == 0 || error == -EAGAIN)
		return error;
	tg_flow_end(port, flow, -EIO);
	return 0;
}

/* Gives back the handle of a creation that failed. */
static void undo(struct tg_flow_port *port, struct tg_flow *flow)
{
	int error = destroy(port, flow);

	if (error == 0)
		return;
	if (error == -EAGAIN) {
		tg_flow_list_add(port, &port->undo, flow);
		return;
	}
	tg_flow_gone(port, flow);
	tg_flow_end(port, flow, error);
}

static void undo_all(struct tg_flow_port *port)
{
	struct tg_flow_list list = port->undo;
	struct tg_flow *flow;

	port->undo = (struct tg_flow_list){TG_FLOW_NONE, TG_FLOW_NONE};
	while ((flow = tg_flow_list_take(port, &list)) != NULL)
		undo(port, flow);
}

static void result(struct tg_flow_port *port, const struct rte_flow_op_result *res)
{
	struct tg_flow *flow = tg_flow_of_tag(port, res->user_data);
	bool failed = res->status != RTE_FLOW_OP_SUCCESS;

	if (flow == NULL) /* from before the port was lost */
		return;
	port->in_flight--;
	if (flow->state == TG_FLOW_INSERTING && failed) {
		flow->state = TG_FLOW_UNDOING;
		undo(port, flow);
		return;
	}
	if (flow->state == TG_FLOW_UNDOING || (flow->state == TG_FLOW_REMOVING && !failed))
		tg_flow_gone(port, flow);
	/* Of a creation that failed is not said why: it may be tried again. */
	if (flow->state == TG_FLOW_UNDOING)
		tg_flow_end(port, flow, -EAGAIN);
	else
		tg_flow_end(port, flow, failed ? -EIO : 0);
}

static int push(struct tg_flow_port *port)
{
	int error;

	if (!port->unpushed)
		return 0;
	error = rte_flow_push(port->config.ethdev, QUEUE, tg_flow_error(port));
	if (error != 0)
		return tg_flow_failed(port, -error, TG_FLOW_HANDLE);
	port->unpushed = false;
	return 0;
}

static int pull(struct tg_flow_port *port, uint32_t n)
{
	struct rte_flow_op_result res[BATCH];
	uint16_t want;
	int got;

	do {
		want = (uint16_t)RTE_MIN(n, BATCH);
		got = rte_flow_pull(port->config.ethdev, QUEUE, res, want, tg_flow_error(port));
		if (got < 0)
			return tg_flow_failed(port, -got, TG_FLOW_HANDLE);
		for (int i = 0; i < got; i++)
			result(port, &res[i]);
		n -= (uint32_t)got;
	} while (got == want && n > 0);
	return 0;
}

static int push_and_pull(struct tg_flow_port *port, uint32_t n)
{
	int error;

	undo_all(port);
	error = push(port);
	return error == 0 ? pull(port, n) : error;
}

static void template_poll(struct tg_flow_port *port, uint32_t n)
{
	push_and_pull(port, n);
}

/* Until nothing is under way, or no more results come. */
static void drain(struct tg_flow_port *port)
{
	uint32_t before;

	for (uint32_t tries = 0; port->in_flight != 0 && tries < DRAIN_TRIES; tries++) {
		before = port->in_flight;
		if (push_and_pull(port, UINT32_MAX) != 0)
			return;
		if (port->in_flight != before)
			tries = 0;
		else
			rte_delay_us_sleep(DRAIN_US);
	}
}

/* All rules of the port are ours: other ports' have no templates here. */
static int template_flush(struct tg_flow_port *port)
{
	bool under_way;
	int error;

	drain(port);
	under_way = port->in_flight != 0;
	error = -rte_flow_flush(port->config.ethdev, tg_flow_error(port));
	tg_flow_forget(port, false);
	port->dirty = error != 0 || under_way;
	if (error != 0)
		return tg_flow_failed(port, error, TG_FLOW_HANDLE);
	return under_way ? tg_flow_say(port, -EIO, "operations did not end") : 0;
}

static void template_close(struct tg_flow_port *port)
{
	for (uint32_t i = 0; i <= port->shapes.mask; i++)
		drop_shape(port, &port->shapes.v[i]);
}

const struct tg_flow_ops tg_flow_template = {
	.offer = template_offer,
	.insert = template_insert,
	.remove = template_remove,
	.poll = template_poll,
	.flush = template_flush,
	.close = template_close,
};

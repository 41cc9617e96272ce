/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "flow_driver.h"

enum state { UNUSED, QUEUED, THERE, FAILED, LEAVING };

/* A handle. */
struct rte_flow {
	enum state state;
	void *context; /* AGE */
};

struct job {
	struct rte_flow *flow;
	void *user;
	bool destroys, pushed;
};

struct flow_driver flow_driver;

static struct rte_flow rules[FLOW_DRIVER_RULES];
static uint32_t used; /* handles are not given out twice */
static struct job queue[FLOW_DRIVER_QUEUE];
static void *aged[16];
static uint32_t n_aged;

void flow_driver_reset(void)
{
	memset(&flow_driver, 0, sizeof(flow_driver));
	memset(rules, 0, sizeof(rules[0]) * used);
	used = n_aged = 0;
	flow_driver.capacity = UINT32_MAX;
	flow_driver.proxy = UINT16_MAX;
	flow_driver.hits_set = flow_driver.bytes_set = flow_driver.masks_fit = true;
}

void flow_driver_fail(
	enum flow_driver_op op, uint32_t times, int error, enum rte_flow_error_type type)
{
	flow_driver.op[op].times = times;
	flow_driver.op[op].error = error;
	flow_driver.op[op].type = type;
}

void flow_driver_stop(void)
{
	for (uint32_t i = 0; i < used; i++)
		rules[i].state = UNUSED;
	flow_driver.rules = flow_driver.handles = 0;
}

void flow_driver_age(uint32_t index)
{
	aged[n_aged++] = rules[index].context;
}

void flow_driver_age_stranger(void)
{
	aged[n_aged++] = (void *)(uintptr_t)0xdeadbeef00000001ull;
}

static int fail(struct rte_flow_error *error, int number, enum rte_flow_error_type type)
{
	return rte_flow_error_set(error, number, type, NULL, "as told");
}

/* 0, or how this one fails. */
static int count(enum flow_driver_op op, struct rte_flow_error *error)
{
	flow_driver.op[op].calls++;
	if (flow_driver.op[op].times == 0)
		return 0;
	flow_driver.op[op].times--;
	return fail(error, flow_driver.op[op].error, flow_driver.op[op].type);
}

static int look(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	const struct rte_flow_action_count *counter;
	uint64_t types = 0;

	flow_driver.port = port;
	if (attr != NULL)
		flow_driver.attr = *attr;
	for (size_t i = 0; actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++) {
		if (actions[i].type < 64)
			types |= UINT64_C(1) << actions[i].type;
		counter = actions[i].conf;
		if (actions[i].type == RTE_FLOW_ACTION_TYPE_COUNT)
			flow_driver.counter = counter->id;
		flow_driver.last_action = actions[i].type;
	}
	if (types & flow_driver.words)
		return fail(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION);
	return 0;
}

static struct rte_flow *add(
	const struct rte_flow_action actions[], enum state state, struct rte_flow_error *error)
{
	const struct rte_flow_action_age *age;
	struct rte_flow *flow;

	if (flow_driver.handles == flow_driver.capacity || used == FLOW_DRIVER_RULES) {
		fail(error, ENOSPC, RTE_FLOW_ERROR_TYPE_HANDLE);
		return NULL;
	}
	flow = &rules[used++];
	flow->state = state;
	for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++) {
		age = actions->conf;
		if (actions->type == RTE_FLOW_ACTION_TYPE_AGE)
			flow->context = age->context;
	}
	flow_driver.handles++;
	flow_driver.rules += state == THERE;
	return flow;
}

static void drop(struct rte_flow *flow)
{
	flow_driver.rules -= flow->state == THERE || flow->state == LEAVING;
	flow_driver.handles--;
	flow->state = UNUSED;
}

/* --- what is wrapped --- */

int __wrap_rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error);
int __wrap_rte_flow_flush(uint16_t port, struct rte_flow_error *error);
int __wrap_rte_flow_query(uint16_t port, struct rte_flow *flow,
	const struct rte_flow_action *action, void *data, struct rte_flow_error *error);
int __wrap_rte_flow_get_aged_flows(
	uint16_t port, void **contexts, uint32_t n, struct rte_flow_error *error);
int __wrap_rte_flow_pick_transfer_proxy(
	uint16_t port, uint16_t *proxy, struct rte_flow_error *error);
int __wrap_rte_flow_info_get(uint16_t port, struct rte_flow_port_info *info,
	struct rte_flow_queue_info *queue_info, struct rte_flow_error *error);
int __wrap_rte_flow_configure(uint16_t port, const struct rte_flow_port_attr *attr, uint16_t n,
	const struct rte_flow_queue_attr *queues[], struct rte_flow_error *error);
struct rte_flow_pattern_template *__wrap_rte_flow_pattern_template_create(uint16_t port,
	const struct rte_flow_pattern_template_attr *attr, const struct rte_flow_item pattern[],
	struct rte_flow_error *error);
int __wrap_rte_flow_pattern_template_destroy(
	uint16_t port, struct rte_flow_pattern_template *pattern, struct rte_flow_error *error);
struct rte_flow_actions_template *__wrap_rte_flow_actions_template_create(uint16_t port,
	const struct rte_flow_actions_template_attr *attr, const struct rte_flow_action actions[],
	const struct rte_flow_action masks[], struct rte_flow_error *error);
int __wrap_rte_flow_actions_template_destroy(
	uint16_t port, struct rte_flow_actions_template *actions, struct rte_flow_error *error);
struct rte_flow_template_table *__wrap_rte_flow_template_table_create(uint16_t port,
	const struct rte_flow_template_table_attr *attr,
	struct rte_flow_pattern_template *patterns[], uint8_t n_patterns,
	struct rte_flow_actions_template *actions[], uint8_t n_actions,
	struct rte_flow_error *error);
int __wrap_rte_flow_template_table_destroy(
	uint16_t port, struct rte_flow_template_table *table, struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_async_create(uint16_t port, uint32_t queue_id,
	const struct rte_flow_op_attr *attr, struct rte_flow_template_table *table,
	const struct rte_flow_item pattern[], uint8_t pattern_index,
	const struct rte_flow_action actions[], uint8_t actions_index, void *user,
	struct rte_flow_error *error);
int __wrap_rte_flow_async_destroy(uint16_t port, uint32_t queue_id,
	const struct rte_flow_op_attr *attr, struct rte_flow *flow, void *user,
	struct rte_flow_error *error);
int __wrap_rte_flow_push(uint16_t port, uint32_t queue_id, struct rte_flow_error *error);
int __wrap_rte_flow_pull(uint16_t port, uint32_t queue_id, struct rte_flow_op_result res[],
	uint16_t n, struct rte_flow_error *error);

int __wrap_rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	int failed = count(FLOW_DRIVER_VALIDATE, error);

	return failed != 0 ? failed : look(port, attr, actions, error);
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	if (count(FLOW_DRIVER_CREATE, error) != 0 || look(port, attr, actions, error) != 0)
		return NULL;
	return add(actions, THERE, error);
}

int __wrap_rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	int failed = count(FLOW_DRIVER_DESTROY, error);

	flow_driver.port = port;
	if (flow->state != THERE) {
		flow_driver.stale++;
		return fail(error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE);
	}
	if (failed != 0)
		return failed;
	drop(flow);
	return 0;
}

int __wrap_rte_flow_flush(uint16_t port, struct rte_flow_error *error)
{
	int failed = count(FLOW_DRIVER_FLUSH, error);

	flow_driver.port = port;
	if (failed == -ENOSYS)
		return failed;
	/* Handles are void also if it fails. */
	for (uint32_t i = 0; i < used; i++)
		if (rules[i].state != UNUSED)
			drop(&rules[i]);
	return failed;
}

int __wrap_rte_flow_query(uint16_t port, struct rte_flow *flow,
	const struct rte_flow_action *action, void *data, struct rte_flow_error *error)
{
	struct rte_flow_query_count *counted = data;
	int failed = count(FLOW_DRIVER_QUERY, error);

	if (flow->state != THERE)
		flow_driver.stale++;
	if (failed != 0 || action->type != RTE_FLOW_ACTION_TYPE_COUNT)
		return failed != 0 ? failed : fail(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION);
	counted->hits_set = flow_driver.hits_set;
	counted->bytes_set = flow_driver.bytes_set;
	counted->hits = flow_driver.hits;
	counted->bytes = 100 * (uint64_t)flow_driver.hits;
	return 0;
}

int __wrap_rte_flow_get_aged_flows(
	uint16_t port, void **contexts, uint32_t n, struct rte_flow_error *error)
{
	uint32_t i = 0;

	if (n == 0)
		return (int)n_aged;
	while (i < n && n_aged > 0)
		contexts[i++] = aged[--n_aged];
	return (int)i;
}

int __wrap_rte_flow_pick_transfer_proxy(
	uint16_t port, uint16_t *proxy, struct rte_flow_error *error)
{
	*proxy = flow_driver.proxy == UINT16_MAX ? port : flow_driver.proxy;
	return 0;
}

int __wrap_rte_flow_info_get(uint16_t port, struct rte_flow_port_info *info,
	struct rte_flow_queue_info *queue_info, struct rte_flow_error *error)
{
	*info = (struct rte_flow_port_info){.max_nb_queues = 4, .max_nb_counters = 5000};
	queue_info->max_size = FLOW_DRIVER_QUEUE;
	return 0;
}

int __wrap_rte_flow_configure(uint16_t port, const struct rte_flow_port_attr *attr, uint16_t n,
	const struct rte_flow_queue_attr *queues[], struct rte_flow_error *error)
{
	int failed = count(FLOW_DRIVER_CONFIGURE, error);

	if (failed != 0)
		return failed;
	if (n != 1 || queues[0]->size > FLOW_DRIVER_QUEUE)
		return fail(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	flow_driver.configured = *attr;
	return 0;
}

struct rte_flow_pattern_template *__wrap_rte_flow_pattern_template_create(uint16_t port,
	const struct rte_flow_pattern_template_attr *attr, const struct rte_flow_item pattern[],
	struct rte_flow_error *error)
{
	if (count(FLOW_DRIVER_TEMPLATE, error) != 0)
		return NULL;
	flow_driver.templates++;
	return (struct rte_flow_pattern_template *)&flow_driver;
}

int __wrap_rte_flow_pattern_template_destroy(
	uint16_t port, struct rte_flow_pattern_template *pattern, struct rte_flow_error *error)
{
	flow_driver.templates--;
	return 0;
}

/* As mlx5 wants it; a value that is added is the same for all rules, one that is set is not. */
static bool modify_fits(const struct rte_flow_action_modify_field *action,
	const struct rte_flow_action_modify_field *mask)
{
	uint8_t value = action->operation == RTE_FLOW_MODIFY_SET ? 0 : UINT8_MAX;

	return mask->operation == action->operation && mask->dst.field == action->dst.field &&
	       mask->src.field == action->src.field && mask->dst.level == UINT32_MAX &&
	       mask->dst.offset == UINT32_MAX && mask->width == UINT32_MAX &&
	       mask->src.value[0] == value;
}

/* Where packets go is the same for all rules. */
static bool mask_fits(const struct rte_flow_action *action, const struct rte_flow_action *mask)
{
	const struct rte_flow_action_ethdev *port = mask->conf;
	const struct rte_flow_action_jump *jump = mask->conf;

	if (action->type != mask->type)
		return false;
	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		return modify_fits(action->conf, mask->conf);
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		return port != NULL && port->port_id == UINT16_MAX;
	case RTE_FLOW_ACTION_TYPE_JUMP:
		return jump != NULL && jump->group == UINT32_MAX;
	default:
		return true;
	}
}

struct rte_flow_actions_template *__wrap_rte_flow_actions_template_create(uint16_t port,
	const struct rte_flow_actions_template_attr *attr, const struct rte_flow_action actions[],
	const struct rte_flow_action masks[], struct rte_flow_error *error)
{
	_Alignas(16) uint8_t copy[4096];
	size_t i = 0;

	if (look(port, NULL, actions, error) != 0)
		return NULL;
	/* Drivers copy them. */
	if (rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, copy, sizeof(copy), masks, error) <= 0)
		return NULL;
	do
		flow_driver.masks_fit &= mask_fits(&actions[i], &masks[i]);
	while (actions[i++].type != RTE_FLOW_ACTION_TYPE_END);
	flow_driver.templates++;
	return (struct rte_flow_actions_template *)&flow_driver;
}

int __wrap_rte_flow_actions_template_destroy(
	uint16_t port, struct rte_flow_actions_template *actions, struct rte_flow_error *error)
{
	flow_driver.templates--;
	return 0;
}

struct rte_flow_template_table *__wrap_rte_flow_template_table_create(uint16_t port,
	const struct rte_flow_template_table_attr *attr,
	struct rte_flow_pattern_template *patterns[], uint8_t n_patterns,
	struct rte_flow_actions_template *actions[], uint8_t n_actions,
	struct rte_flow_error *error)
{
	if (count(FLOW_DRIVER_TABLE, error) != 0)
		return NULL;
	flow_driver.attr = attr->flow_attr;
	flow_driver.table_rules = attr->nb_flows;
	flow_driver.tables++;
	return (struct rte_flow_template_table *)&flow_driver;
}

int __wrap_rte_flow_template_table_destroy(
	uint16_t port, struct rte_flow_template_table *table, struct rte_flow_error *error)
{
	if (flow_driver.handles != 0)
		return fail(error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE);
	flow_driver.tables--;
	return 0;
}

static struct job *enqueue(void)
{
	return flow_driver.in_queue == FLOW_DRIVER_QUEUE ? NULL : &queue[flow_driver.in_queue++];
}

struct rte_flow *__wrap_rte_flow_async_create(uint16_t port, uint32_t queue_id,
	const struct rte_flow_op_attr *attr, struct rte_flow_template_table *table,
	const struct rte_flow_item pattern[], uint8_t pattern_index,
	const struct rte_flow_action actions[], uint8_t actions_index, void *user,
	struct rte_flow_error *error)
{
	struct rte_flow *flow;
	struct job *job;

	if (count(FLOW_DRIVER_ENQUEUE_CREATE, error) != 0)
		return NULL;
	if (flow_driver.in_queue == FLOW_DRIVER_QUEUE) {
		fail(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
		return NULL;
	}
	flow = add(actions, QUEUED, error);
	job = flow != NULL ? enqueue() : NULL;
	if (job != NULL)
		*job = (struct job){.flow = flow, .user = user, .pushed = !attr->postpone};
	return flow;
}

int __wrap_rte_flow_async_destroy(uint16_t port, uint32_t queue_id,
	const struct rte_flow_op_attr *attr, struct rte_flow *flow, void *user,
	struct rte_flow_error *error)
{
	int failed = count(FLOW_DRIVER_ENQUEUE_DESTROY, error);
	struct job *job;

	flow_driver.early += flow->state == QUEUED;
	flow_driver.stale += flow->state == UNUSED || flow->state == LEAVING;
	if (failed != 0)
		return failed;
	job = enqueue();
	if (job == NULL)
		return fail(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	*job = (struct job){
		.flow = flow, .user = user, .destroys = true, .pushed = !attr->postpone};
	if (flow->state == THERE)
		flow->state = LEAVING;
	return 0;
}

int __wrap_rte_flow_push(uint16_t port, uint32_t queue_id, struct rte_flow_error *error)
{
	for (uint32_t i = 0; i < flow_driver.in_queue; i++)
		queue[i].pushed = true;
	return 0;
}

/* Whether it went well. */
static bool carry_out(const struct job *job)
{
	if (job->flow->state == UNUSED) /* it was flushed meanwhile */
		return false;
	if (job->destroys) {
		if (count(FLOW_DRIVER_DESTROYED, NULL) != 0)
			return false;
		drop(job->flow);
		return true;
	}
	job->flow->state = count(FLOW_DRIVER_CREATED, NULL) == 0 ? THERE : FAILED;
	flow_driver.rules += job->flow->state == THERE;
	return job->flow->state == THERE;
}

/* The last ones first: there is no order among results. */
int __wrap_rte_flow_pull(uint16_t port, uint32_t queue_id, struct rte_flow_op_result res[],
	uint16_t n, struct rte_flow_error *error)
{
	int got = 0;

	while (got < n && flow_driver.in_queue > 0 && !flow_driver.stuck) {
		const struct job *job = &queue[flow_driver.in_queue - 1];

		if (!job->pushed)
			break;
		flow_driver.in_queue--;
		res[got].user_data = job->user;
		res[got].status = carry_out(job) ? RTE_FLOW_OP_SUCCESS : RTE_FLOW_OP_ERROR;
		got++;
	}
	return got;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that every driver has. What they do is done when they return. */
#include <errno.h>
#include <stddef.h>

#include <rte_errno.h>

#include "flow_internal.h"

static int sync_offer(
	struct tg_flow_port *port, struct tg_flow_shape *shape, const struct tg_encoded *rule)
{
	int error = rte_flow_validate(tg_flow_ethdev(port, rule->attr.transfer), &rule->attr,
		rule->items, rule->actions, tg_flow_error(port));

	return error == 0 ? 0 : tg_flow_failed(port, -error, TG_FLOW_SHAPE);
}

static int sync_insert(struct tg_flow_port *port, const struct tg_flow_shape *shape,
	struct tg_flow *flow, const struct tg_encoded *rule)
{
	flow->handle = rte_flow_create(tg_flow_ethdev(port, flow->transfer), &rule->attr,
		rule->items, rule->actions, tg_flow_error(port));
	if (flow->handle == NULL)
		return tg_flow_failed(port, rte_errno, TG_FLOW_RULE);
	tg_flow_end(port, flow, 0);
	return 0;
}

static int destroy(struct tg_flow_port *port, struct tg_flow *flow)
{
	int error = rte_flow_destroy(
		tg_flow_ethdev(port, flow->transfer), flow->handle, tg_flow_error(port));

	if (error != 0)
		return tg_flow_failed(port, -error, TG_FLOW_HANDLE);
	tg_flow_gone(port, flow);
	return 0;
}

static int sync_remove(struct tg_flow_port *port, struct tg_flow *flow)
{
	int error = destroy(port, flow);

	if (error == -EAGAIN)
		return error;
	tg_flow_end(port, flow, error == 0 ? 0 : -EIO);
	return 0;
}

/* One by one: all guards, or all others. */
static int destroy_each(struct tg_flow_port *port, bool guards)
{
	int error = 0, last;

	for (uint32_t i = 0; i < port->used && error != -ENODEV; i++) {
		struct tg_flow *flow = &port->flows[i];

		if (flow->handle == NULL || flow->guard != guards)
			continue;
		last = destroy(port, flow);
		if (last != 0)
			error = last;
	}
	return error;
}

/* What cannot be destroyed now is kept for another try, with what guards it. */
static int destroy_all(struct tg_flow_port *port)
{
	int error = destroy_each(port, false);

	if (error == 0)
		error = destroy_each(port, true);
	tg_flow_forget(port, true);
	return error;
}

/* The switch may have rules of other ports as well: a flush would take these along. */
static int sync_flush(struct tg_flow_port *port)
{
	int error;

	if (port->shared)
		return destroy_all(port);
	if (port->guarded)
		destroy_each(port, false);
	error = -rte_flow_flush(port->config.ethdev, tg_flow_error(port));
	if (error == ENOSYS)
		return destroy_all(port);
	/* Also if it fails: handles are void then, says rte_flow. */
	tg_flow_forget(port, false);
	port->dirty = error != 0;
	return error == 0 ? 0 : tg_flow_failed(port, error, TG_FLOW_HANDLE);
}

const struct tg_flow_ops tg_flow_sync = {
	.offer = sync_offer,
	.insert = sync_insert,
	.remove = sync_remove,
	.flush = sync_flush,
};

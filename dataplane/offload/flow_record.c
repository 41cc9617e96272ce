/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "flow_internal.h"

/* Beyond the rules that there may be: operations that have ended and were not polled yet. */
#define SLACK 4096u

static_assert(sizeof(void *) >= sizeof(uint64_t), "a tag is an index and a generation");

int tg_flow_records_alloc(struct tg_flow_port *port)
{
	port->n_flows = port->config.rules_max + SLACK;
	port->flows = calloc(port->n_flows, sizeof(*port->flows));
	port->free = port->ended = port->undo = port->leaving = port->settling =
		(struct tg_flow_list){TG_FLOW_NONE, TG_FLOW_NONE};
	return port->flows != NULL ? 0 : -ENOMEM;
}

void tg_flow_list_add(struct tg_flow_port *port, struct tg_flow_list *list, struct tg_flow *flow)
{
	uint32_t index = (uint32_t)(flow - port->flows);

	flow->next = TG_FLOW_NONE;
	if (list->head == TG_FLOW_NONE)
		list->head = index;
	else
		port->flows[list->tail].next = index;
	list->tail = index;
}

struct tg_flow *tg_flow_list_take(struct tg_flow_port *port, struct tg_flow_list *list)
{
	struct tg_flow *flow;

	if (list->head == TG_FLOW_NONE)
		return NULL;
	flow = &port->flows[list->head];
	list->head = flow->next;
	return flow;
}

struct tg_flow *tg_flow_record_take(struct tg_flow_port *port)
{
	struct tg_flow *flow = tg_flow_list_take(port, &port->free);

	/* Records that were never used are not touched before they are needed. */
	if (flow == NULL && port->used < port->n_flows)
		flow = &port->flows[port->used++];
	return flow;
}

void tg_flow_record_free(struct tg_flow_port *port, struct tg_flow *flow)
{
	tg_flow_counter_drop(port, flow);
	*flow = (struct tg_flow){.generation = flow->generation + 1};
	tg_flow_list_add(port, &port->free, flow);
}

void *tg_flow_tag(const struct tg_flow_port *port, const struct tg_flow *flow)
{
	uint64_t index = (uint64_t)(flow - port->flows) + 1; /* no tag is NULL */

	return (void *)(uintptr_t)((uint64_t)flow->generation << 32 | index);
}

struct tg_flow *tg_flow_of_tag(const struct tg_flow_port *port, const void *tag)
{
	uint64_t value = (uint64_t)(uintptr_t)tag;
	uint32_t index = (uint32_t)value - 1;

	if (index >= port->used || port->flows[index].generation != value >> 32)
		return NULL;
	return &port->flows[index];
}

void tg_flow_gone(struct tg_flow_port *port, struct tg_flow *flow)
{
	if (flow->handle == NULL)
		return;
	flow->handle = NULL;
	port->held--;
}

void tg_flow_end(struct tg_flow_port *port, struct tg_flow *flow, int error)
{
	flow->error = (int16_t)error;
	flow->state = !flow->removal && error == 0 ? TG_FLOW_INSERTED : TG_FLOW_ENDED;
	tg_flow_list_add(port, &port->ended, flow);
}

static void forget(struct tg_flow_port *port, struct tg_flow *flow)
{
	switch ((enum tg_flow_state)flow->state) {
	case TG_FLOW_FREE:
	case TG_FLOW_SETTLING: /* its rule is gone already */
		break;
	case TG_FLOW_ENDED: /* also a removal that failed, of a rule that is gone now */
		if (flow->removal && flow->error != 0 && flow->handle == NULL)
			flow->error = -ENODEV;
		break;
	case TG_FLOW_INSERTED: /* in the list of what has ended already */
		flow->state = TG_FLOW_ENDED;
		flow->error = -ENODEV;
		break;
	case TG_FLOW_INSERTING:
	case TG_FLOW_REMOVING:
	case TG_FLOW_UNDOING:
		flow->generation++; /* what the driver still says of it is for nobody */
		tg_flow_end(port, flow, -ENODEV);
		break;
	case TG_FLOW_LIVE:
	case TG_FLOW_STUCK:
		if (flow->handle != NULL)
			flow->state = TG_FLOW_STUCK;
		else
			tg_flow_record_free(port, flow);
		break;
	}
}

void tg_flow_forget(struct tg_flow_port *port, bool keep)
{
	port->undo = (struct tg_flow_list){TG_FLOW_NONE, TG_FLOW_NONE};
	port->in_flight = 0;
	port->unpushed = false;
	for (uint32_t i = 0; i < port->used; i++) {
		if (!keep)
			tg_flow_gone(port, &port->flows[i]);
		forget(port, &port->flows[i]);
	}
}

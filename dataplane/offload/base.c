/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules of connections and denials stand on: guards, which leave to software what those cannot
 * exclude by their own match, and jumps to the group that they are in. Each port has its own, once.
 * Nothing is inserted for packets of a port before all of these act; they are never removed alone,
 * but go with all other rules of the port that has them, which a flush removes before guards; and
 * when they are gone they come first again. If one of them fails nothing stands on it.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

bool base_owns(const struct tg_offload *o, const void *user)
{
	const char *at = user, *from = (const char *)o->port;

	return at >= from && at < from + sizeof(o->port);
}

/* Whose rule it is. */
static uint16_t port_of(const struct tg_offload *o, const struct base_rule *b)
{
	return (uint16_t)((size_t)((const char *)b - (const char *)o->port) / sizeof(o->port[0]));
}

/* The driver will not change its mind: what would stand on the rule is software's. */
static void give_up(struct tg_offload *o, uint16_t number, const struct base_rule *b)
{
	struct port *port = &o->port[number];
	char rule[TG_NIC_MATCH_TEXT];

	tg_nic_match_text(&b->rule.match, rule);
	for (int i = 0; i < TG_HW_KIND_COUNT; i++) {
		struct shape *shape = &port->shape[i];

		if (shape->engine != b->engine)
			continue;
		shape->engine = NULL;
		snprintf(shape->why, sizeof(shape->why),
			"the driver refuses what the profile lists (%.64s): %.120s", rule,
			tg_flow_message(o->port[b->at].flows));
	}
	tg_log_warn("offload: port %u: the driver refuses what the profile lists (%s): %s", number,
		rule, tg_flow_message(o->port[b->at].flows));
}

static void failed(struct tg_offload *o, const struct base_rule *b, int error)
{
	uint16_t number = port_of(o, b);

	if (error == -ENODEV)
		return; /* the port that has it knows */
	o->counts->failed++;
	if (error == -ENOTSUP || error == -EINVAL)
		give_up(o, number, b);
	else
		port_hold_off(o, &o->port[number]);
}

void base_ended(struct tg_offload *o, const struct tg_flow_done *done)
{
	struct base_rule *b = done->user;

	b->busy = false;
	b->flow = done->flow;
	if (done->error != 0)
		failed(o, b, done->error);
	else
		o->port[port_of(o, b)].based_at = o->now;
}

static bool needed(const struct tg_offload *o, const struct base_rule *b)
{
	const struct port *port = &o->port[port_of(o, b)];

	for (int i = 0; i < TG_HW_KIND_COUNT; i++)
		if (port->shape[i].engine == b->engine)
			return true;
	return false;
}

/* Of a port that is not open, or not now, nothing is asked, and nothing stands on its rules. */
static bool missing(const struct tg_offload *o, const struct base_rule *b)
{
	return b->flow == NULL && o->port[b->at].flows != NULL && needed(o, b);
}

static bool all_there(const struct tg_offload *o, const struct port *port)
{
	for (uint32_t i = 0; i < port->n_base; i++)
		if (missing(o, &port->base[i]))
			return false;
	return true;
}

static void begin(struct tg_offload *o, struct port *port)
{
	for (uint32_t i = 0; i < port->n_base; i++) {
		struct base_rule *b = &port->base[i];
		int rc;

		if (!missing(o, b) || b->busy)
			continue;
		rc = tg_flow_insert(o->port[b->at].flows, &b->rule, b->engine, b);
		if (rc != 0) {
			failed(o, b, rc);
			return;
		}
		b->busy = true;
	}
}

/* There are NICs where a rule acts only some time after it was inserted. */
static bool act(const struct tg_offload *o, uint16_t number)
{
	const struct tg_nic_profile *profile = o->config.ports[number].profile;

	return o->port[number].n_base == 0 ||
	       o->now - o->port[number].based_at >= profile->insert_late_ms;
}

void base_step(struct tg_offload *o)
{
	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++) {
		struct port *port = &o->port[i];

		if (port->based || !port->up || !plan_carries_anything(o, i) ||
			(int32_t)(o->now - port->retry_at) < 0)
			continue;
		if (!all_there(o, port))
			begin(o, port);
		else
			port->based = act(o, i);
	}
}

void base_forget(struct tg_offload *o, uint16_t at)
{
	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++) {
		struct port *port = &o->port[i];

		for (uint32_t k = 0; k < port->n_base; k++) {
			if (port->base[k].at != at)
				continue;
			port->base[k].flow = NULL;
			port->base[k].busy = false;
		}
		if (i == at || port->manager == at)
			port->based = false;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection's two rules come and go.
 *
 * What the worker is told is kept until its ring has room: an entry is free again only when its
 * last counts have gone.
 */
#include "internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <rte_ring_elem.h>

#include "log.h"

#define BACKOFF_MIN_MS 10u
#define BACKOFF_MAX_MS 1000u
#define POLL_BURST 64
#define LAST_READS 8 /* that may fail before a rule goes uncounted */

/* ---- telling the worker ---- */

static bool tell(struct tg_offload *o, uint8_t worker, struct tg_hardware_event *event)
{
	return rte_ring_sp_enqueue_elem(o->channel[worker].events, event, sizeof(*event)) == 0;
}

static bool tell_of(struct tg_offload *o, struct entry *e, enum tg_hardware_event_kind kind)
{
	struct tg_hardware_event event = {
		.kind = (uint8_t)kind,
		.family = e->tuple.family,
		.reason = e->reason,
		.ticket = e->ticket,
		.entry = entry_number(o, e),
		.index = e->index,
		.verdict = {e->verdict[0], e->verdict[1]},
		.packets = {e->packets[0], e->packets[1]},
		.bytes = {e->bytes[0], e->bytes[1]},
	};

	if (!tell(o, e->worker, &event))
		return false;
	for (unsigned int dir = 0; dir < 2; dir++) {
		*(e->kind == TG_HARDWARE_DENIAL ? &o->counts->dropped : &o->counts->packets) +=
			e->packets[dir];
		o->counts->bytes += e->bytes[dir];
		e->packets[dir] = e->bytes[dir] = 0;
	}
	return true;
}

static void refuse(struct tg_offload *o, uint8_t worker, const struct tg_hardware_offer *offer,
	enum tg_offload_reason why)
{
	const struct entry never = {
		.tuple = offer->tuple, .kind = offer->kind, .port = offer->port, .worker = worker};
	struct tg_hardware_event event = {
		.kind = TG_HARDWARE_BACK,
		.family = offer->tuple.family,
		.ticket = offer->ticket,
		.index = offer->index,
	};

	left_for(o, &never, why, false);
	if (offer->kind != TG_HARDWARE_DENIAL)
		tell(o, worker, &event);
}

/* ---- counting ---- */

static void take_count(
	struct tg_offload *o, struct entry *e, unsigned int way, const struct tg_flow_count *count)
{
	struct way *w = &e->way[way];
	unsigned int dir = e->initiator ^ way;

	if (count->packets != w->packets)
		e->seen = o->now;
	e->packets[dir] += count->packets - w->packets;
	e->bytes[dir] += count->bytes - w->bytes;
	w->packets = count->packets;
	w->bytes = count->bytes;
}

/* Packets of what is only marked are counted by the worker: nobody has to be told. */
static void read_sight(struct tg_offload *o, struct entry *e, unsigned int way)
{
	const struct tg_hardware_sight *sight = &o->sight[entry_number(o, e)];
	const unsigned int dir = e->initiator ^ way;
	struct way *w = &e->way[way];
	uint64_t packets = atomic_load_explicit(&sight->packets[dir], memory_order_relaxed);

	if (packets != w->packets)
		e->seen = o->now;
	w->packets = packets;
	w->bytes = atomic_load_explicit(&sight->bytes[dir], memory_order_relaxed);
}

/* A query that fails says nothing, and least of all that there was nothing: false. */
static bool read_way(struct tg_offload *o, struct entry *e, unsigned int way)
{
	const struct way *w = &e->way[way];
	struct tg_flow_count count;

	if (e->kind == TG_HARDWARE_MARK) {
		read_sight(o, e, way);
		return true;
	}
	if (tg_flow_query(o->port[w->at].flows, w->flow, &count) != 0)
		return false;
	if (count.packets < w->packets || count.bytes < w->bytes)
		return false;
	take_count(o, e, way, &count);
	return true;
}

bool entry_count(struct tg_offload *o, struct entry *e)
{
	bool all = true;

	for (unsigned int way = 0; way < WAYS; way++)
		if (e->way[way].flow != NULL && !e->way[way].busy)
			all = read_way(o, e, way) && all;
	if ((e->packets[0] | e->packets[1]) != 0)
		tell_of(o, e,
			e->kind == TG_HARDWARE_DENIAL ? TG_HARDWARE_DENIED : TG_HARDWARE_COUNTED);
	return all;
}

/* ---- ports ---- */

void port_hold_off(struct tg_offload *o, struct port *port)
{
	port->backoff_ms = port->backoff_ms == 0 ? BACKOFF_MIN_MS : port->backoff_ms * 2;
	if (port->backoff_ms > BACKOFF_MAX_MS)
		port->backoff_ms = BACKOFF_MAX_MS;
	port->retry_at = o->now + port->backoff_ms;
}

static enum tg_offload_reason reason_of(int error)
{
	switch (error) {
	case -ENOSPC:
	case -ENOMEM:
		return TG_OFFLOAD_FULL;
	case -EEXIST:
		return TG_OFFLOAD_DUPLICATE;
	case -EAGAIN:
	case -EBUSY:
		return TG_OFFLOAD_BUSY;
	case -ENOTSUP:
	case -EINVAL:
		return TG_OFFLOAD_UNSUPPORTED;
	case -ENODEV:
		return TG_OFFLOAD_LOST;
	default:
		return TG_OFFLOAD_FAILED;
	}
}

/* What the driver has refused once it will refuse again: it is not asked any more. */
static void give_up(struct tg_offload *o, struct entry *e, unsigned int way)
{
	uint16_t number = way_port(o, e, way);
	struct shape *shape = &o->port[number].shape[shape_of(&e->tuple, e->kind)];

	if (shape->engine == NULL)
		return;
	shape->engine = NULL;
	snprintf(shape->why, sizeof(shape->why), "the driver refuses what the profile lists: %s",
		tg_flow_message(o->port[e->way[way].at].flows));
	tg_log_warn("offload: port %u: %s", number, shape->why);
	plan_marks(o);
}

static void insertion_failed(struct tg_offload *o, struct entry *e, unsigned int way, int error)
{
	enum tg_offload_reason why = reason_of(error);
	struct port *port = &o->port[way_port(o, e, way)];

	o->counts->failed++;
	if (why == TG_OFFLOAD_UNSUPPORTED)
		give_up(o, e, way);
	if (why == TG_OFFLOAD_FULL)
		o->short_of_room = true;
	if (why == TG_OFFLOAD_FULL || why == TG_OFFLOAD_BUSY || why == TG_OFFLOAD_FAILED)
		port_hold_off(o, port);
}

/* ---- states ---- */

static void set_state(struct tg_offload *o, struct entry *e, enum entry_state state)
{
	uint64_t *const gauge[] = {
		[ENTRY_INSTALLING] = &o->counts->installing,
		[ENTRY_ACTIVE] = &o->counts->active,
		[ENTRY_DRAINING] = &o->counts->draining,
	};

	if (e->state != ENTRY_FREE)
		--*gauge[e->state];
	if (state != ENTRY_FREE)
		++*gauge[state];
	if (e->kind == TG_HARDWARE_MARK)
		o->counts->marked += (uint64_t)(state == ENTRY_ACTIVE) - (e->state == ENTRY_ACTIVE);
	e->state = (uint8_t)state;
	e->since = o->now;
}

static struct entry *entry_get(struct tg_offload *o)
{
	struct entry *e;

	if (o->free != NO_ENTRY) {
		e = &o->entries[o->free];
		o->free = e->next;
	} else if (o->n_entries < o->config.connections_max) {
		e = &o->entries[o->n_entries++];
	} else {
		return NULL;
	}
	return e;
}

static void entry_put(struct tg_offload *o, struct entry *e)
{
	uint32_t number = entry_number(o, e);

	entry_unlink(o, e);
	set_state(o, e, ENTRY_FREE);
	atomic_store_explicit(&o->recall[number], 0, memory_order_relaxed);
	o->address[number][0] = o->address[number][1] = 0;
	*e = (struct entry){.next = o->free};
	o->free = number;
}

/* A rule of it is or may be in a NIC. */
static bool has_rules(const struct entry *e)
{
	for (unsigned int way = 0; way < WAYS; way++)
		if (e->way[way].busy || e->way[way].flow != NULL)
			return true;
	return false;
}

static bool idle(const struct entry *e)
{
	return !has_rules(e) && !e->way[0].settling && !e->way[1].settling;
}

/* A denial that has dropped nothing more has nothing to tell. */
static bool tell_last(struct tg_offload *o, struct entry *e)
{
	if (e->kind != TG_HARDWARE_DENIAL)
		return tell_of(o, e, TG_HARDWARE_BACK);
	return e->packets[0] == 0 || tell_of(o, e, TG_HARDWARE_DENIED);
}

static void leave(struct tg_offload *o, struct entry *e)
{
	uint32_t number = entry_number(o, e);

	e->leaving = true;
	e->younger = NO_ENTRY;
	e->older = o->youngest;
	if (e->older != NO_ENTRY)
		o->entries[e->older].younger = number;
	o->youngest = number;
}

static void have_left(struct tg_offload *o, struct entry *e)
{
	e->leaving = false;
	if (e->younger != NO_ENTRY)
		o->entries[e->younger].older = e->older;
	else
		o->youngest = e->older;
	if (e->older != NO_ENTRY)
		o->entries[e->older].younger = e->younger;
}

/* What a change of rules has to wait for is in a list: there may be a million of others. */
static void follow(struct tg_offload *o, struct entry *e)
{
	/* What a mark says is checked: no change has to wait for it. */
	bool leaving = e->state == ENTRY_DRAINING && e->kind != TG_HARDWARE_MARK && has_rules(e);

	if (leaving && !e->leaving)
		leave(o, e);
	else if (!leaving && e->leaving)
		have_left(o, e);
}

/* No driver takes anything more for now. */
static bool all_full(const struct tg_offload *o)
{
	for (uint32_t i = 0; i < o->config.datapath->n_ports; i++)
		if (o->port[i].flows != NULL && !tg_flow_full(o->port[i].flows))
			return false;
	return true;
}

bool entries_left(struct tg_offload *o)
{
	for (uint32_t i = o->youngest, older; i != NO_ENTRY && !all_full(o); i = older) {
		struct entry *e = &o->entries[i];

		older = e->older;
		entry_drain(o, e, (enum tg_offload_reason)e->why);
	}
	return o->youngest == NO_ENTRY;
}

/* What is left to do of one that is draining. */
static void settle(struct tg_offload *o, struct entry *e)
{
	follow(o, e);
	if (!idle(e) || !tell_last(o, e))
		return;
	left_for(o, e, (enum tg_offload_reason)e->why, true);
	entry_put(o, e);
}

/* It must not pass any longer, whatever is lost. */
static bool urgent(const struct entry *e)
{
	return e->why == TG_OFFLOAD_REVOKED;
}

static void remove_way(struct tg_offload *o, struct entry *e, unsigned int way)
{
	struct way *w = &e->way[way];
	int rc;

	if (w->flow == NULL || w->busy || tg_flow_full(o->port[w->at].flows))
		return;
	/* Where the last count follows, this one only says it earlier. */
	if (!read_way(o, e, way) && !urgent(e) && e->tries++ < LAST_READS)
		return; /* what it has counted would be lost: again at the next look */
	rc = tg_flow_remove(o->port[w->at].flows, w->flow, w);
	if (rc != 0)
		return; /* the queue is full: again at the next look */
	w->busy = true;
}

static void remove_both(struct tg_offload *o, struct entry *e)
{
	for (unsigned int way = 0; way < WAYS; way++)
		remove_way(o, e, way);
}

void entry_drain(struct tg_offload *o, struct entry *e, enum tg_offload_reason why)
{
	if (e->state != ENTRY_DRAINING) {
		e->why = (uint8_t)why;
		set_state(o, e, ENTRY_DRAINING);
	}
	remove_both(o, e);
	settle(o, e);
}

static int insert_way(struct tg_offload *o, struct entry *e, unsigned int way)
{
	uint16_t number = way_port(o, e, way);
	const struct tg_nic_engine *engine =
		o->port[number].shape[shape_of(&e->tuple, e->kind)].engine;
	struct way *w = &e->way[way];
	struct tg_nic_rule rule;
	int rc;

	if (e->kind == TG_HARDWARE_DENIAL)
		plan_denial(o, engine, &e->tuple, e->port, &rule);
	else if (e->kind == TG_HARDWARE_MARK)
		plan_mark(o, engine, &e->tuple, e->port, way != 0, e->mark, &rule);
	else
		plan_way(o, engine, &e->tuple, e->port, way != 0, &rule);
	w->at = plan_at(o, number, engine);
	rc = tg_flow_insert(o->port[w->at].flows, &rule, engine, w);
	if (rc != 0) {
		insertion_failed(o, e, way, rc);
		return rc;
	}
	w->busy = true;
	return 0;
}

/* The ways that get a rule: of what is marked those whose port can. 1 << way. */
static uint8_t ways_of(const struct tg_offload *o, const struct tg_hardware_offer *offer)
{
	const uint16_t peer = o->config.datapath->ports[offer->port].peer;
	const int shape = shape_of(&offer->tuple, offer->kind);

	if (offer->kind == TG_HARDWARE_DENIAL)
		return 1;
	if (offer->kind == TG_HARDWARE_CONNECTION || shape < 0)
		return 3;
	return (uint8_t)((o->port[offer->port].shape[shape].engine != NULL) |
			 (o->port[peer].shape[shape].engine != NULL) << 1);
}

/* Is there a rule like it, or one on its way out? What one packet could match besides as well. */
static bool is_there(const struct tg_offload *o, const struct tg_hardware_offer *offer)
{
	const uint16_t peer = o->config.datapath->ports[offer->port].peer;
	const struct tg_tuple back = tg_tuple_reversed(&offer->tuple);

	if (entry_find(o, &offer->tuple, offer->port, offer->kind) != NULL)
		return true;
	if (offer->kind == TG_HARDWARE_DENIAL)
		return entry_find(o, &offer->tuple, offer->port, TG_HARDWARE_MARK) != NULL;
	return offer->kind == TG_HARDWARE_MARK &&
	       (entry_find(o, &offer->tuple, offer->port, TG_HARDWARE_DENIAL) != NULL ||
		       entry_find(o, &back, peer, TG_HARDWARE_DENIAL) != NULL);
}

/* Why not, or TG_OFFLOAD_NONE. */
static enum tg_offload_reason admit(
	const struct tg_offload *o, const struct tg_hardware_offer *offer)
{
	const uint8_t ways = ways_of(o, offer);
	const struct port *one = &o->port[offer->port],
			  *other = &o->port[o->config.datapath->ports[offer->port].peer];
	const struct port *here = ways & 1 ? one : other, *there = ways & 2 ? other : here;
	int shape = shape_of(&offer->tuple, offer->kind);

	if (!o->open || offer->epoch != o->epoch)
		return TG_OFFLOAD_STALE;
	if (offer->kind == TG_HARDWARE_CONNECTION && here->wire[0] != '\0')
		return TG_OFFLOAD_WIRE;
	if (shape < 0 || here->shape[shape].engine == NULL || there->shape[shape].engine == NULL)
		return TG_OFFLOAD_PROFILE;
	if (!here->up || !there->up)
		return TG_OFFLOAD_LINK;
	if (!plan_carries(o, offer->port, shape) ||
		!plan_carries(o, (uint16_t)(there - o->port), shape))
		return TG_OFFLOAD_BUSY;
	if (!here->based || !there->based || (int32_t)(o->now - here->retry_at) < 0 ||
		(int32_t)(o->now - there->retry_at) < 0)
		return TG_OFFLOAD_BUSY;
	if (is_there(o, offer))
		return TG_OFFLOAD_DUPLICATE;
	return TG_OFFLOAD_NONE;
}

void entry_take(struct tg_offload *o, uint8_t worker, const struct tg_hardware_offer *offer)
{
	enum tg_offload_reason why = admit(o, offer);
	struct entry *e = why == TG_OFFLOAD_NONE ? entry_get(o) : NULL;
	uint32_t number;
	int rc = 0;

	o->counts->offers++;
	if (e == NULL) {
		if (why == TG_OFFLOAD_NONE)
			o->short_of_room = true;
		refuse(o, worker, offer, why == TG_OFFLOAD_NONE ? TG_OFFLOAD_ROOM : why);
		return;
	}
	*e = (struct entry){
		.tuple = offer->tuple,
		.verdict = {offer->verdict[0], offer->verdict[1]},
		.ticket = offer->ticket,
		.index = offer->index,
		.port = offer->port,
		.kind = offer->kind,
		.reason = offer->reason,
		.ways = ways_of(o, offer),
		.worker = worker,
		.initiator = offer->initiator,
		.mark = offer->mark,
		.seen = o->now,
		.way = {{.at = offer->port}, {.at = offer->port}},
	};
	number = entry_number(o, e);
	o->address[number][0] = address_number(&e->tuple.src, e->tuple.family);
	o->address[number][1] = address_number(&e->tuple.dst, e->tuple.family);
	if (e->kind == TG_HARDWARE_MARK)
		memset((void *)&o->sight[number], 0, sizeof(o->sight[number]));
	entry_link(o, e);
	set_state(o, e, ENTRY_INSTALLING);
	/* The worker knows before the first packet passes by it. */
	if (e->kind != TG_HARDWARE_DENIAL)
		tell_of(o, e, TG_HARDWARE_TAKEN);
	for (unsigned int way = 0; rc == 0 && way < WAYS; way++)
		if (e->ways >> way & 1)
			rc = insert_way(o, e, way);
	if (rc != 0)
		entry_drain(o, e, reason_of(rc));
}

/* ---- what has ended ---- */

static struct entry *entry_of_way(struct tg_offload *o, const struct way *w)
{
	size_t offset = (size_t)((const char *)w - (const char *)o->entries);

	return &o->entries[offset / sizeof(struct entry)];
}

static void inserted(struct tg_offload *o, struct entry *e, struct way *w, struct tg_flow *flow)
{
	unsigned int way = w == &e->way[1];

	w->flow = flow;
	o->counts->inserted++;
	o->port[way_port(o, e, way)].backoff_ms = 0;
	if (e->state != ENTRY_INSTALLING)
		return;
	if ((e->ways >> (way ^ 1) & 1) && e->way[way ^ 1].flow == NULL)
		return;
	o->counts->taken++;
	set_state(o, e, ENTRY_ACTIVE);
}

/* Whether a rule is there is not known: only when all have gone is that certain again. */
static void doubt(struct tg_offload *o, uint16_t number)
{
	struct port *port = &o->port[number];

	if (!port->unsure)
		tg_log_err("port %u: a rule could not be removed (%s): all of the port are flushed",
			number, tg_flow_message(port->flows));
	port->unsure = true;
}

static void ended(struct tg_offload *o, const struct tg_flow_done *done)
{
	struct way *w = done->user;
	struct entry *e = entry_of_way(o, w);
	unsigned int way = w == &e->way[1];

	if (done->counted) {
		w->settling = false;
		take_count(o, e, way, &done->last);
		settle(o, e);
		return;
	}
	w->busy = false;
	if (done->removal) {
		w->flow = NULL;
		w->settling = done->last_follows;
		o->counts->removed++;
		if (done->error != 0 && done->error != -ENODEV)
			doubt(o, w->at);
	} else if (done->error != 0) {
		insertion_failed(o, e, way, done->error);
		entry_drain(o, e, reason_of(done->error));
		return;
	} else {
		inserted(o, e, w, done->flow);
	}
	if (e->state == ENTRY_DRAINING)
		entry_drain(o, e, (enum tg_offload_reason)e->why);
}

static uint32_t port_poll(struct tg_offload *o, struct port *port)
{
	struct tg_flow_done done[POLL_BURST];
	uint32_t n, total = 0;

	do {
		n = tg_flow_poll(port->flows, done, POLL_BURST);
		for (uint32_t i = 0; i < n; i++) {
			if (base_owns(o, done[i].user))
				base_ended(o, &done[i]);
			else
				ended(o, &done[i]);
		}
		total += n;
	} while (n == POLL_BURST);
	return total;
}

uint32_t entries_poll(struct tg_offload *o)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < o->config.datapath->n_ports; i++)
		if (o->port[i].flows != NULL)
			total += port_poll(o, &o->port[i]);
	return total;
}

static void read_port(struct tg_offload *o, uint16_t port)
{
	for (uint32_t i = 0; i < o->n_entries; i++) {
		struct entry *e = &o->entries[i];

		for (unsigned int way = 0; e->state != ENTRY_FREE && way < WAYS; way++)
			if (e->way[way].at == port && e->way[way].flow != NULL && !e->way[way].busy)
				read_way(o, e, way);
	}
}

static bool uses_port(const struct tg_offload *o, const struct entry *e, uint16_t number)
{
	for (unsigned int way = 0; way < WAYS; way++)
		if (way_port(o, e, way) == number || e->way[way].at == number)
			return true;
	return false;
}

void port_drain(struct tg_offload *o, uint16_t number, enum tg_offload_reason why)
{
	for (uint32_t i = 0; i < o->n_entries; i++) {
		struct entry *e = &o->entries[i];

		if (e->state != ENTRY_FREE && uses_port(o, e, number))
			entry_drain(o, e, why);
	}
}

/* Nothing of the port is in the NIC any more: what its rules counted last was read before. */
static void forget_port(struct tg_offload *o, uint16_t number)
{
	struct port *port = &o->port[number];

	port->unsure = false;
	port_poll(o, port);
	base_forget(o, number);
	for (uint32_t i = 0; i < o->n_entries; i++) {
		struct entry *e = &o->entries[i];

		for (unsigned int way = 0; e->state != ENTRY_FREE && way < WAYS; way++)
			if (e->way[way].at == number)
				e->way[way].flow = NULL;
	}
	port_drain(o, number, TG_OFFLOAD_LOST);
}

static int port_flush(struct tg_offload *o, uint16_t number)
{
	struct port *port = &o->port[number];
	int rc;

	read_port(o, number);
	rc = tg_flow_flush(port->flows);
	if (rc != 0)
		return rc;
	forget_port(o, number);
	return 0;
}

int ports_flush_unsure(struct tg_offload *o)
{
	int rc = 0;

	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++)
		if (o->port[i].unsure && port_flush(o, i) != 0)
			rc = -EIO;
	return rc;
}

/* Last counts that were to come do not any more. */
static void give_up_counts(struct tg_offload *o, uint16_t number)
{
	for (uint32_t i = 0; i < o->n_entries; i++) {
		struct entry *e = &o->entries[i];

		if (e->state != ENTRY_DRAINING)
			continue;
		for (unsigned int way = 0; way < WAYS; way++)
			if (e->way[way].at == number)
				e->way[way].settling = false;
		settle(o, e);
	}
}

void port_shut(struct tg_offload *o, uint16_t number)
{
	struct port *port = &o->port[number];

	if (port->flows == NULL) {
		/* Another port has its rules, and is still there. */
		port_drain(o, number, TG_OFFLOAD_LOST);
		return;
	}
	read_port(o, number);
	tg_flow_lost(port->flows);
	forget_port(o, number);
	give_up_counts(o, number);
	tg_flow_close(port->flows);
	port->flows = NULL;
	port->backoff_ms = 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker has to do with connections whose packets NICs forward or mark. */
#include "internal.h"

#include <rte_ring_elem.h>

#define EVENT_BURST 32
#define DENIAL_MS 1000u

static struct hardware_lease *lease_of(
	struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	return &w->lease[table->family == 6][tg_table_index(table, c)];
}

/* Does it only pass ordinary packets now, and is it likely to go on? */
static bool worth_it(const struct tg_worker *w, const struct tg_conn *c)
{
	const uint8_t odd = TG_CONN_PENDING | TG_CONN_KEPT | TG_CONN_BURIED | TG_CONN_TRIAL;

	if (w->gen == NULL || c->epoch != w->epoch || (c->flags & odd))
		return false;
	return c->state == TG_CONN_ESTABLISHED || c->state == TG_CONN_UDP_STREAM;
}

/* What hardware is to do for it. */
static enum tg_hardware_offer_kind kind_of(const struct tg_worker *w, const struct tg_table *table,
	const struct tg_conn *c, unsigned int port)
{
	const _Atomic uint64_t *ports =
		&w->hardware->to_mark[table->family == 6][c->protocol != TG_IPPROTO_TCP];

	return atomic_load_explicit(ports, memory_order_relaxed) >> port & 1
		       ? TG_HARDWARE_MARK
		       : TG_HARDWARE_CONNECTION;
}

static inline void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(
		to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

/* For the owner, who does not see the packets of what is marked. */
static void show(struct tg_worker *w, const struct hardware_lease *lease, const struct tg_conn *c)
{
	struct tg_hardware_sight *sight = &w->hardware->sight[lease->entry];

	if ((c->count[0] | c->count[1]) == 0)
		return;
	for (unsigned int dir = 0; dir < 2; dir++) {
		add(&sight->packets[dir], c->count[dir] >> TG_CONN_COUNT_SHIFT);
		add(&sight->bytes[dir], c->count[dir] & (TG_CONN_COUNT_PACKET - 1));
	}
}

uint64_t tg_hardware_places(const struct tg_datapath_config *config)
{
	return rte_align64pow2(
		2 * tg_table_size_for(RTE_MAX(config->conn4_max, config->conn6_max)));
}

/* The generation is a part of the ticket: the next lease of the entry has another one. */
static uint32_t generation_of(const struct tg_worker *w, uint32_t ticket)
{
	return ticket % w->hardware->generations;
}

static uint32_t mark_for(
	const struct tg_worker *w, const struct tg_table *table, uint32_t index, uint32_t ticket)
{
	const uint32_t place = index << 1 | (table->family == 6);

	return generation_of(w, ticket) * w->hardware->places + place;
}

void hardware_misled(struct tg_worker *w, uint32_t mark)
{
	const uint32_t place = mark & w->mark_mask;
	const struct hardware_lease *lease = &w->lease[place & 1][place >> 1];

	if (lease->state != LEASE_NONE && lease->marked &&
		generation_of(w, lease->ticket) == mark / w->hardware->places)
		w->stats->marks_wrong++;
	else
		w->stats->marks_stale++;
}

static uint32_t next_ticket(struct tg_worker *w)
{
	if (++w->ticket == 0)
		w->ticket = 1;
	return w->ticket;
}

void hardware_offer(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	struct hardware_lease *lease = lease_of(w, table, c);
	const struct tg_conn_cold *cold = tg_table_cold(table, c);
	/* It may have been looked at some passes ago. */
	uint64_t packets =
		((c->count[0] >> TG_CONN_COUNT_SHIFT) + (c->count[1] >> TG_CONN_COUNT_SHIFT)) /
		w->sweep.every;
	struct tg_hardware_offer offer;
	struct tg_key key;

	if (lease->marked && lease->state == LEASE_TAKEN)
		show(w, lease, c);
	if (packets < atomic_load_explicit(&w->hardware->merit, memory_order_relaxed) ||
		lease->state != LEASE_NONE || !worth_it(w, c))
		return;
	offer = (struct tg_hardware_offer){
		.kind = (uint8_t)kind_of(w, table, c, cold->port),
		.verdict = {cold->verdict[TG_EGRESS], cold->verdict[TG_INGRESS]},
		.epoch = w->epoch,
		.ticket = next_ticket(w),
		.index = (uint32_t)tg_table_index(table, c),
		.packets = (uint32_t)RTE_MIN(packets, UINT32_MAX),
		.port = cold->port,
		.initiator = (uint8_t)tg_conn_initiator(c),
	};
	if (offer.kind == TG_HARDWARE_MARK)
		offer.mark = mark_for(w, table, offer.index, offer.ticket);
	tg_table_key(table, c, &key);
	tuple_make(&offer.tuple, &key, table->family, tg_conn_initiator(c),
		w->dp->config.ports[cold->port].zone);
	if (rte_ring_sp_enqueue_elem(w->hardware->offers, &offer, sizeof(offer)) != 0)
		return;
	*lease = (struct hardware_lease){
		.ticket = offer.ticket,
		.state = LEASE_OFFERED,
		.marked = offer.kind == TG_HARDWARE_MARK,
	};
	w->stats->offload_offers++;
}

/* Asks for it, once. */
static void recall(struct tg_worker *w, struct hardware_lease *lease)
{
	struct tg_hardware_offer note = {.kind = TG_HARDWARE_RECALL, .entry = lease->entry};

	atomic_store_explicit(
		&w->hardware->recall[lease->entry], lease->ticket, memory_order_release);
	rte_ring_sp_enqueue_elem(w->hardware->offers, &note, sizeof(note));
	lease->state = LEASE_RECALLED;
}

static bool unseen(const struct hardware_lease *lease)
{
	return lease->state != LEASE_NONE && !lease->marked;
}

bool hardware_has(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	return w->hardware != NULL && unseen(lease_of(w, table, c));
}

bool hardware_recall(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	struct hardware_lease *lease;

	if (likely(w->hardware == NULL))
		return false;
	lease = lease_of(w, table, c);
	if (lease->state == LEASE_TAKEN)
		recall(w, lease);
	else if (lease->state == LEASE_OFFERED)
		lease->unwanted = true; /* it has no number yet */
	return unseen(lease);
}

void hardware_forget(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	struct hardware_lease *lease;

	if (likely(w->hardware == NULL))
		return;
	lease = lease_of(w, table, c);
	if (lease->state == LEASE_TAKEN)
		recall(w, lease);
	*lease = (struct hardware_lease){0};
}

/* ---- what is denied again and again ---- */

static uint32_t denial_number(const struct denial *d)
{
	const uint64_t *words = (const void *)&d->tuple;
	uint64_t number = d->port;

	for (size_t i = 0; i < sizeof(d->tuple) / sizeof(words[0]); i++)
		number = (number ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(number >> 40) % DENIALS;
}

/* Nothing that the other side may begin has packets of this tuple among its replies. */
static bool denied_both_ways(struct tg_worker *w, const struct tg_tuple *tuple)
{
	const struct tg_tuple back = tg_tuple_reversed(tuple), *one = &back;
	struct tg_judgement j;

	tg_classify_burst(w->gen->classifier, &one, &j, 1);
	return j.action == TG_ACTION_DENY;
}

static void offer_denial(struct tg_worker *w, const struct denial *d, const struct tg_tuple *tuple,
	const uint32_t verdict[2])
{
	const struct tg_hardware_offer offer = {
		.tuple = d->tuple,
		.kind = TG_HARDWARE_DENIAL,
		.reason = d->reason,
		.verdict = {verdict[0], verdict[1]},
		.epoch = w->epoch,
		.port = d->port,
	};

	/* A SYN without ACK is no reply, but of two sides that begin at once. */
	if (tuple->protocol != TG_IPPROTO_TCP && !denied_both_ways(w, tuple))
		return;
	w->stats->offload_offers += rte_ring_sp_enqueue_elem(w->hardware->offers,
					    (void *)(uintptr_t)&offer, sizeof(offer)) == 0;
}

/* A tuple without what lies behind an IPv4 address, and of TCP without the port that may be any. */
static struct tg_tuple plain_tuple(const struct tg_tuple *t)
{
	struct tg_tuple plain = {
		.sport = t->protocol == TG_IPPROTO_TCP ? 0 : t->sport,
		.dport = t->dport,
		.zone = t->zone,
		.protocol = t->protocol,
		.family = t->family,
	};
	const size_t size = t->family == 4 ? 4 : 16;

	memcpy(&plain.src, &t->src, size);
	memcpy(&plain.dst, &t->dst, size);
	return plain;
}

/* Its record, if it is or becomes the one that has this place. */
static struct denial *denial_of(struct tg_worker *w, const struct denial *fresh)
{
	struct denial *d = &w->denial[denial_number(fresh)];
	bool current = w->now - d->since < DENIAL_MS;

	if (current && d->port == fresh->port &&
		memcmp(&d->tuple, &fresh->tuple, sizeof(d->tuple)) == 0)
		return d;
	/* Who comes often is not displaced by who comes once. */
	if (current && d->count > 1) {
		d->count--;
		return NULL;
	}
	*d = *fresh;
	return d;
}

void hardware_denied(struct tg_worker *w, const struct tg_tuple *tuple,
	const struct tg_judgement *j, uint8_t port, enum tg_drop_reason reason)
{
	const struct denial fresh = {.tuple = plain_tuple(tuple),
		.port = port,
		.reason = (uint8_t)reason,
		.since = w->now};
	struct denial *d;

	if (w->hardware->denials == 0)
		return;
	d = denial_of(w, &fresh);
	if (d == NULL || ++d->count < w->hardware->denials)
		return;
	d->count = 0;
	offer_denial(w, d, tuple, j->verdict);
}

/* ---- events ---- */

/* The connection that an event is about; NULL when it is no more. */
static struct hardware_lease *lease_of_event(struct tg_worker *w, const struct tg_hardware_event *e)
{
	struct hardware_lease *lease = &w->lease[e->family == 6][e->index];

	return lease->state != LEASE_NONE && lease->ticket == e->ticket ? lease : NULL;
}

static void take_counts(struct tg_worker *w, const struct tg_hardware_event *e, bool alive)
{
	uint64_t packets = e->packets[0] + e->packets[1];

	if (packets == 0)
		return;
	/* Not the connection's verdict: it may be another one by now. */
	charge(w, e->verdict, packets, e->bytes[0] + e->bytes[1]);
	w->stats->offloaded_packets += packets;
	w->stats->offloaded_bytes += e->bytes[0] + e->bytes[1];
	if (alive)
		tg_table_at(table_of(w, e->family), e->index)->seen = w->now;
}

/* It was taken and is wanted back already, or nobody is there to want it. */
static void taken(
	struct tg_worker *w, const struct tg_hardware_event *e, struct hardware_lease *lease)
{
	struct hardware_lease gone = {.ticket = e->ticket, .entry = e->entry};

	if (lease == NULL) {
		recall(w, &gone);
		return;
	}
	lease->entry = e->entry & ENTRY_MASK;
	lease->state = LEASE_TAKEN;
	if (lease->unwanted)
		recall(w, lease);
}

static void back(
	struct tg_worker *w, const struct tg_hardware_event *e, struct hardware_lease *lease)
{
	struct tg_conn *c = tg_table_at(table_of(w, e->family), e->index);

	if (lease == NULL)
		return;
	if (c->protocol == TG_IPPROTO_TCP && lease->state >= LEASE_TAKEN && unseen(lease))
		tg_tcp_lose_sight(c);
	*lease = (struct hardware_lease){0};
}

static void denied(struct tg_worker *w, const struct tg_hardware_event *e)
{
	enum tg_direction side = denying_side(e->verdict);

	charge_slot(
		w, tg_verdict_slot(e->verdict[side]), e->packets[0], e->bytes[0], e->packets[0]);
	w->stats->drops[e->reason].packets += e->packets[0];
	w->stats->drops[e->reason].bytes += e->bytes[0];
	w->stats->offloaded_drops += e->packets[0];
}

static void take_event(struct tg_worker *w, const struct tg_hardware_event *e)
{
	struct hardware_lease *lease;

	if (e->kind == TG_HARDWARE_DENIED) {
		denied(w, e);
		return;
	}
	lease = lease_of_event(w, e);
	take_counts(w, e, lease != NULL);
	if (e->kind == TG_HARDWARE_TAKEN)
		taken(w, e, lease);
	else if (e->kind == TG_HARDWARE_BACK)
		back(w, e, lease);
}

void hardware_take_events(struct tg_worker *w)
{
	struct tg_hardware_event e[EVENT_BURST];
	unsigned int n;

	if (likely(w->hardware == NULL))
		return;
	n = rte_ring_sc_dequeue_burst_elem(w->hardware->events, e, sizeof(e[0]), EVENT_BURST, NULL);
	for (unsigned int i = 0; i < n; i++)
		take_event(w, &e[i]);
}

uint64_t tg_worker_offloaded(const struct tg_worker *w)
{
	uint64_t n = 0;

	for (unsigned int t = 0; t < 2; t++)
		for (uint64_t i = 0; w->hardware != NULL && i < tg_table_size(&w->table[t]); i++)
			n += w->lease[t][i].state >= LEASE_TAKEN && unseen(&w->lease[t][i]);
	return n;
}

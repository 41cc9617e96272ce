/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections come and go; half-open ones are counted on the way. */
#include "internal.h"

#define PROTOCOL_TCP 6
#define PROTOCOL_SCTP 132
#define TRIAL_SEGMENTS 16

/* Room for half-open and weak connections: all of it is free, in `pressure`. */
#define ROOM_ALL 256u
/*
 * No half-open connection goes sooner than this to make room for another: the answer may be on its
 * way around the world. Were it less, a flood would let everybody in and nobody answer in time.
 */
#define GRACE_MS 500u
#define SEARCH_BURST_MS 16u

/* A number of the address of one end, or of its /64. */
static inline uint64_t source_number(
	const struct tg_table *table, const struct tg_key *key, unsigned int end, bool wide)
{
	if (table->family == 4)
		return (uint32_t)(key->addr.v4 >> (32 * end));
	if (wide)
		return key->addr.v6[end * 2];
	return key->addr.v6[end * 2] ^
	       tg_secret_fold(
		       key->addr.v6[end * 2 + 1] ^ table->secret.word[0], table->secret.word[1]);
}

/* Who is to blame for a half-open connection: the initiator, or who spoke in its absence. */
static inline uint64_t source_of(const struct tg_table *table, const struct tg_conn *c)
{
	unsigned int end = tg_conn_initiator(c) ^ ((c->flags & TG_CONN_TRIAL) != 0);
	struct tg_key key;

	tg_table_key(table, c, &key);
	return source_number(table, &key, end, c->flags & TG_CONN_WIDE);
}

void conn_set_state(struct tg_worker *w, struct tg_table *table, struct tg_conn *c, uint8_t state)
{
	bool was = tg_conn_half_open(c->state), is = tg_conn_half_open(state);

	/* the others are watched already */
	if (!tg_conn_evictable(c->state))
		tg_table_watch(table, c, true);
	if (was && !is)
		tg_halfopen_drop(halfopen_of(w, table), source_of(table, c));
	else if (is && !was)
		tg_halfopen_add(halfopen_of(w, table), source_of(table, c));
	c->state = state;
}

void conn_end_trial(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	uint8_t state = c->state;

	conn_set_state(w, table, c, TG_CONN_FREE);
	c->flags &= (uint8_t) ~(TG_CONN_TRIAL | TG_CONN_WIDE);
	conn_set_state(w, table, c, state);
}

/* How much is free of the last 1/`part` of what there may be, in ROOM_ALL. */
static uint32_t room(uint32_t used, uint32_t max, uint32_t part)
{
	uint64_t last = RTE_MAX(max / part, 1u), free = used < max ? max - used : 0;

	return free >= last ? ROOM_ALL : (uint32_t)(free * ROOM_ALL / last);
}

static uint32_t shortened(uint32_t ms, uint32_t left)
{
	uint32_t least = RTE_MIN(ms, GRACE_MS);

	return RTE_MAX(least, (uint32_t)((uint64_t)ms * left / ROOM_ALL));
}

void conn_adapt_timeouts(struct tg_worker *w, struct tg_table *table)
{
	const struct tg_conn_timeouts *configured = &w->dp->config.timeouts;
	const struct tg_halfopen *h = halfopen_of(w, table);
	struct tg_conn_timeouts *timeouts = &w->timeouts[table->family == 6];
	uint32_t weak = room(table->used, table->max, 4);
	uint32_t half_open = RTE_MIN(weak, room(h->total, h->max, 2));

	for (unsigned int i = 0; i < TG_CONN_STATE_COUNT; i++) {
		uint32_t left = tg_conn_half_open(i)   ? half_open
				: tg_conn_evictable(i) ? weak
						       : ROOM_ALL;

		timeouts->ms[i] = shortened(configured->ms[i], left);
	}
}

void conn_remove(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	hardware_forget(w, table, c);
	if (likely(!(c->flags & TG_CONN_BURIED))) {
		fold(w, table, c);
		if (tg_conn_half_open(c->state))
			tg_halfopen_drop(halfopen_of(w, table), source_of(table, c));
		namespace_leave(w, tg_table_cold(table, c));
		w->stats->conn_closed++;
	}
	tg_table_remove(table, c);
}

static void no_more_pickup(struct tg_worker *w)
{
	w->pickup = false;
	w->pickup_over = true;
}

void conn_end(struct tg_worker *w, struct tg_table *table, struct tg_conn *c, bool revoked)
{
	/* What ended by itself leaves room for what is revoked. */
	uint32_t limit = revoked ? table->max : table->max / 2;
	uint8_t state = revoked ? TG_CONN_CLOSED : TG_CONN_TIME_WAIT;

	if (!w->pickup || c->protocol != PROTOCOL_TCP ||
		(!revoked && tg_conn_half_open(c->state) && !(c->flags & TG_CONN_TRIAL))) {
		conn_remove(w, table, c);
		return;
	}
	hardware_forget(w, table, c);
	fold(w, table, c);
	conn_set_state(w, table, c, state);
	if (tg_table_bury(table, c, state, limit)) {
		namespace_leave(w, tg_table_cold(table, c));
		w->stats->conn_closed++;
		return;
	}
	conn_remove(w, table, c);
	if (revoked)
		no_more_pickup(w);
}

bool conn_expire(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	if (!(c->flags & TG_CONN_BURIED)) {
		w->stats->conn_expired++;
		if (unlikely(w->pickup)) {
			conn_end(w, table, c, false);
			return !c->used;
		}
	}
	conn_remove(w, table, c);
	return true;
}

/* A buried one in a neighbourhood goes before anything else that could. */
static bool exhume(struct tg_worker *w, struct tg_table *table, struct tg_conn *const *crowd)
{
	for (unsigned int i = 0; i < TG_TABLE_CROWD; i++) {
		struct tg_conn *c = crowd[i];

		if (!c->used || !(c->flags & TG_CONN_BURIED))
			continue;
		if (c->state == TG_CONN_CLOSED)
			no_more_pickup(w);
		conn_remove(w, table, c);
		return true;
	}
	return false;
}

/*
 * May neighbours be looked through for one that can go? That takes sixteen cache lines, and a
 * flood would have them looked at for each packet. In a grace period as many half-open ones get
 * old enough as there may be: twice as many searches find nearly all of these.
 */
static bool may_search(struct tg_worker *w, const struct tg_table *table)
{
	struct searches *s = &w->searches[table->family == 6];
	uint32_t each_ms = halfopen_of(w, table)->max / (GRACE_MS / 2) + 1;
	uint32_t elapsed = RTE_MIN(w->now - s->refilled, SEARCH_BURST_MS);

	s->refilled = w->now;
	s->left = RTE_MIN(s->left + elapsed * each_ms, SEARCH_BURST_MS * each_ms);
	if (s->left == 0)
		return false;
	s->left--;
	return true;
}

/* Is `a` to go rather than `b`? Half-open ones before weak ones, then who has waited longer. */
static bool goes_first(const struct tg_worker *w, const struct tg_conn *a, const struct tg_conn *b)
{
	bool half_open = tg_conn_half_open(a->state);

	if (b == NULL || half_open != tg_conn_half_open(b->state))
		return b == NULL || half_open;
	return w->now - a->seen > w->now - b->seen;
}

/*
 * Room in a neighbourhood: what has expired goes, else the half-open connection that has been
 * waiting longest, else, if `weak` will do, such a one. A firm one never does.
 */
static bool make_room(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *const *crowd, bool weak)
{
	struct tg_conn *first = NULL;
	bool made = false;

	for (unsigned int i = 0; i < TG_TABLE_CROWD; i++) {
		struct tg_conn *c = crowd[i];

		if (!c->used)
			continue;
		if (conn_over(w, table, c) && !hardware_recall(w, table, c)) {
			w->stats->conn_expired += !(c->flags & TG_CONN_BURIED);
			conn_remove(w, table, c);
			made = true;
		} else if ((weak ? tg_conn_evictable(c->state) : tg_conn_half_open(c->state)) &&
			   w->now - c->seen >= GRACE_MS && goes_first(w, c, first)) {
			first = c;
		}
	}
	if (made)
		return true;
	if (first == NULL)
		return false;
	conn_remove(w, table, first);
	w->stats->conn_evicted++;
	return true;
}

static bool half_open_admitted(struct tg_worker *w, struct tg_table *table,
	const struct tg_packet *p, uint32_t *const cell[2])
{
	const struct tg_halfopen *h = halfopen_of(w, table);
	const bool full = tg_halfopen_full(h);
	struct tg_conn *crowd[TG_TABLE_CROWD];

	if (unlikely(full) && !may_search(w, table))
		return false;
	if (unlikely(tg_halfopen_cells_full(h, cell)))
		return false;
	if (likely(!full))
		return true;
	tg_table_crowd(table, p->hash, crowd);
	make_room(w, table, crowd, false);
	return !tg_halfopen_full(h);
}

static uint8_t first_state(const struct tg_packet *p)
{
	switch (p->key.tail >> 32 & 0xff) {
	case PROTOCOL_TCP:
		return TG_CONN_SYN_SENT;
	case 17:
		return TG_CONN_UDP_NEW;
	case 1:
	case 58:
		return TG_CONN_ICMP_NEW;
	case PROTOCOL_SCTP:
		return p->sctp.chunks == TG_SCTP_BIT(INIT) ? TG_CONN_SCTP_COOKIE_WAIT
							   : TG_CONN_SCTP_HEARTBEAT;
	default:
		return TG_CONN_OTHER_NEW;
	}
}

static bool picked_up(const struct tg_packet *p)
{
	return (p->flags & TG_PACKET_PICKUP) != 0;
}

/*
 * Half-open until both sides have been seen. A reply is only the word of its sender, whom policy
 * may allow to answer but not to speak first: a few segments pass, as many as a sender has in
 * flight when it finds nobody there, until the client's side says that there is a connection.
 */
static void pick_up(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	const struct tg_packet *p, bool reply)
{
	tg_tcp_pickup(c, p->dir, &p->seg);
	if (reply) {
		c->flags |= TG_CONN_TRIAL;
		tg_table_cold(table, c)->trial = TRIAL_SEGMENTS - 1;
	}
	conn_set_state(w, table, c, TG_CONN_SYN_RECV);
}

/* An entry that has its key, and a cold part that has anything in it. */
static inline void fill(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	const struct tg_packet *p, unsigned int initiator, uint8_t wide,
	const struct tg_judgement *j)
{
	const struct tg_port_config *port = port_of(w, p);
	const bool forward_packet = initiator == p->dir;

	*tg_table_cold(table, c) = (struct tg_conn_cold){
		.verdict = {j->verdict[TG_EGRESS], j->verdict[TG_INGRESS]},
		.port = (forward_packet ? p->port : port->peer) & (TG_PORTS_MAX - 1),
	};
	c->epoch = w->epoch;
	c->seen = w->now;
	c->flags = (uint8_t)((initiator ? TG_CONN_INITIATOR : 0) |
			     ((port->end ^ !forward_packet) ? TG_CONN_END : 0) | wide);
}

/* Its state, in which it is half-open; whom it counts for is found already. */
static inline void begin(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	const struct tg_packet *p, uint32_t *const cell[2])
{
	c->state = first_state(p);
	tg_halfopen_cells_add(halfopen_of(w, table), cell);
	if (c->state == TG_CONN_SYN_SENT)
		tg_tcp_open(c, p->dir, &p->seg);
	else if (unlikely(c->protocol == PROTOCOL_SCTP))
		tg_sctp_open(c, p->dir, &p->sctp);
}

/* An entry where the home is taken, or the table full. */
static __rte_noinline struct tg_conn *insert_away(
	struct tg_worker *w, struct tg_table *table, const struct tg_packet *p)
{
	struct tg_conn *crowd[TG_TABLE_CROWD];
	struct tg_conn *c = tg_table_insert(table, &p->key, p->hash, crowd);

	if (c == NULL && table->used < table->max && exhume(w, table, crowd))
		c = tg_table_insert(table, &p->key, p->hash, crowd);
	if (c == NULL && may_search(w, table) && make_room(w, table, crowd, true))
		c = tg_table_insert(table, &p->key, p->hash, crowd);
	return c;
}

static inline struct tg_conn *insert(
	struct tg_worker *w, struct tg_table *table, const struct tg_packet *p)
{
	struct tg_conn *home = tg_table_home(table, p->hash);

	if (unlikely(home->used || table->used >= table->max))
		return insert_away(w, table, p);
	tg_table_occupy(table, home, &p->key);
	return home;
}

const struct tg_conn_cold *conn_expect(
	struct tg_worker *w, const struct tg_packet *p, const struct tg_judgement *j)
{
	const struct tg_table *table = table_of(w, p->family);
	uint32_t *cell[2];

	tg_halfopen_cells(halfopen_of(w, table),
		source_number(table, &p->key, p->dir, wide_source(table, j->src_kind)), cell);
	rte_prefetch0(cell[0]); /* in one line with the other */
	return tg_table_expect(table, p->hash);
}

struct tg_conn *conn_create(struct tg_worker *w, const struct tg_packet *p, unsigned int initiator,
	const struct tg_judgement *j, enum tg_drop_reason *reason)
{
	struct tg_table *table = table_of(w, p->family);
	const uint8_t wide = wide_source(table, initiator == p->dir ? j->src_kind : j->dst_kind);
	const struct tg_namespace_limit *ns = NULL;
	uint32_t *cell[2];
	struct tg_conn *c;

	tg_halfopen_cells(halfopen_of(w, table), source_number(table, &p->key, p->dir, wide), cell);
	if (unlikely(w->gen->limits))
		ns = namespace_of(w, &p->key, p->family, initiator, p->port, j);
	if (unlikely(!namespace_admit(w, ns))) {
		charge_slot(w, ns->slot, 1, p->length, 0);
		*reason = TG_DROP_NAMESPACE_LIMIT;
		return NULL;
	}
	if (unlikely(!half_open_admitted(w, table, p, cell))) {
		namespace_waive(w, ns);
		*reason = TG_DROP_HALF_OPEN_LIMIT;
		return NULL;
	}
	c = insert(w, table, p);
	if (unlikely(c == NULL)) {
		namespace_waive(w, ns);
		*reason = TG_DROP_CONN_TABLE_FULL;
		return NULL;
	}
	fill(w, table, c, p, initiator, wide, j);
	if (unlikely(picked_up(p)))
		pick_up(w, table, c, p, initiator != p->dir);
	else
		begin(w, table, c, p, cell);
	w->stats->conn_created++;
	charge_begun(w, j->verdict);
	if (unlikely(ns != NULL)) {
		namespace_join(w, tg_table_cold(table, c), ns);
		charge_slot(w, ns->slot, 0, 0, 1);
	}
	return c;
}

/* The initiator is another one perhaps, and what kinds of addresses it and its peer are is not
 * kept. */
static void change_namespace(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_conn_cold *cold)
{
	const struct tg_namespace_limit *ns = NULL;
	const struct tg_tuple *one;
	struct tg_judgement j;
	struct tg_tuple tuple;
	struct tg_key key;

	if (w->gen->limits) {
		tg_table_key(table, c, &key);
		tuple_make(&tuple, &key, table->family, tg_conn_initiator(c),
			w->dp->config.ports[cold->port].zone);
		one = &tuple;
		tg_classify_burst(w->gen->classifier, &one, &j, 1);
		ns = tg_classify_namespace(w->gen->classifier, &tuple, &j);
	}
	namespace_move(w, cold, ns);
	if (ns != NULL)
		charge_slot(w, ns->slot, 0, 0, 1);
}

void conn_adopt_pending(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	struct tg_conn_cold *cold = tg_table_cold(table, c);
	const struct tg_conn_pending pending = cold->pending;
	bool end = w->dp->config.ports[pending.port].end != 0, tcp = c->protocol == PROTOCOL_TCP;

	fold(w, table, c);
	conn_set_state(w, table, c, TG_CONN_CLOSED);
	if (tcp)
		tg_tcp_adopt(c, &pending);
	else
		tg_sctp_adopt(c, &pending);
	c->state = TG_CONN_CLOSED; /* so that set_state counts it under the new initiator */
	c->flags =
		(uint8_t)((c->flags & TG_CONN_INITIATOR) | (end ? TG_CONN_END : 0) | pending.wide);
	conn_set_state(w, table, c, tcp ? TG_CONN_SYN_SENT : TG_CONN_SCTP_ESTABLISHED);
	c->seen = w->now;
	cold->verdict[TG_EGRESS] = pending.verdict[TG_EGRESS];
	cold->verdict[TG_INGRESS] = pending.verdict[TG_INGRESS];
	cold->port = pending.port & (TG_PORTS_MAX - 1);
	w->stats->conn_closed++;
	w->stats->conn_created++;
	charge_begun(w, cold->verdict);
	change_namespace(w, table, c, cold);
}

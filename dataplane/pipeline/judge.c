/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that need a judgement: of their own tuple, when they may begin a connection, or of the
 * connection they belong to, when an older epoch judged that. They are collected from a burst,
 * judged in one go and then settled in the order they came; the table is looked up again for each,
 * because the one before may have changed it.
 */
#include "internal.h"

static bool may_pick_up(const struct tg_worker *w, const struct tg_packet *p)
{
	return w->pickup && (p->flags & TG_PACKET_PICKUP);
}

void judge_later(struct tg_worker *w, unsigned int packet, const struct tg_conn *c, bool wanted)
{
	const struct tg_packet *p = &w->packet[packet];
	struct judged_packet *item = &w->judged[w->n_judged++];

	*item = (struct judged_packet){
		.packet = (uint8_t)packet,
		.initiator = c != NULL ? (uint8_t)tg_conn_initiator(c) : p->dir,
		.wanted = wanted || (p->flags & (TG_PACKET_OPENS | TG_PACKET_ROUTER)) ||
			  may_pick_up(w, p),
		.judgement = (uint8_t)w->n_tuples,
	};
	tuple_make(
		&w->tuple[w->n_tuples], &p->key, p->family, item->initiator, port_of(w, p)->zone);
	w->n_tuples += item->wanted;
}

/* Which side denies no predictor knows: this is one condition. */
static inline bool allows(const struct tg_judgement *j)
{
	return (tg_verdict_passes(j->verdict[TG_EGRESS]) &
		       tg_verdict_passes(j->verdict[TG_INGRESS])) != 0;
}

static enum tg_drop_reason deny_reason(enum tg_direction side, uint32_t slot)
{
	switch (slot) {
	case TG_BUILTIN_UNKNOWN_ENDPOINT:
		return TG_DROP_UNKNOWN_ENDPOINT;
	case TG_BUILTIN_SERVICE_ADDRESS:
		return TG_DROP_SERVICE_ADDRESS;
	case TG_BUILTIN_ADDRESS_CONFLICT:
		return TG_DROP_ADDRESS_CONFLICT;
	case TG_BUILTIN_QUARANTINE:
		return TG_DROP_QUARANTINE;
	case TG_BUILTIN_TRANSIT:
		return TG_DROP_TRANSIT;
	case TG_BUILTIN_NODE_DEFAULT:
		return TG_DROP_NODE_TRAFFIC;
	default:
		return side == TG_EGRESS ? TG_DROP_POLICY_EGRESS : TG_DROP_POLICY_INGRESS;
	}
}

static bool spoofed(const struct tg_worker *w, uint16_t port, uint8_t kind)
{
	return tg_port_spoofed(&w->dp->config.ports[port], kind);
}

void drop_whole(struct tg_worker *w, struct tg_packet *p, enum tg_drop_reason reason)
{
	struct tg_fragment f;

	if (p->flags & TG_PACKET_FIRST) {
		fragment_of(p, port_of(w, p)->group, &f);
		tg_fragments_refuse(&w->fragments, &f, w->now);
	}
	drop(w, p, reason);
}

/* Counted by the rule that denies; what to count the drop by. */
static enum tg_drop_reason charge_denied(
	struct tg_worker *w, const struct tg_judgement *j, uint32_t length)
{
	enum tg_direction side = denying_side(j->verdict);
	uint32_t slot = tg_verdict_slot(j->verdict[side]);

	charge_slot(w, slot, 1, length, 1);
	return deny_reason(side, slot);
}

static void deny(struct tg_worker *w, struct tg_packet *p, const struct tg_judgement *j)
{
	drop_whole(w, p, charge_denied(w, j, p->length));
}

static void move_namespace(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	struct tg_conn_cold *cold, const struct tg_judgement *j)
{
	const struct tg_namespace_limit *ns = NULL;
	struct tg_key key;

	if (w->gen->limits) {
		tg_table_key(table, c, &key);
		ns = namespace_of(w, &key, table->family, tg_conn_initiator(c), cold->port, j);
	}
	namespace_move(w, cold, ns);
}

bool rejudge(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	const struct tg_judgement *j, uint32_t *slot)
{
	static const uint32_t kept = ((uint32_t)TG_ACTION_ALLOW << TG_VERDICT_ACTION_SHIFT) |
				     TG_BUILTIN_KEPT;
	struct tg_conn_cold *cold = tg_table_cold(table, c);
	bool fake = spoofed(w, cold->port, j->src_kind);

	w->stats->conn_rejudged++;
	fold(w, table, c);
	c->epoch = w->epoch;
	c->flags &= (uint8_t) ~(TG_CONN_KEPT | TG_CONN_PENDING);
	move_namespace(w, table, c, cold, j);
	if (allows(j) && !fake) {
		cold->verdict[TG_EGRESS] = j->verdict[TG_EGRESS];
		cold->verdict[TG_INGRESS] = j->verdict[TG_INGRESS];
		return true;
	}
	if (w->dp->config.keep_existing && !fake && !tg_conn_half_open(c->state)) {
		c->flags |= TG_CONN_KEPT;
		cold->verdict[TG_EGRESS] = cold->verdict[TG_INGRESS] = kept;
		return true;
	}
	*slot = allows(j) ? TG_NONE : tg_verdict_slot(j->verdict[denying_side(j->verdict)]);
	conn_end(w, table, c, true);
	w->stats->conn_revoked++;
	return false;
}

/* Of what passes between neighbours: is it nothing else, if they are none? */
static bool link_only(const struct tg_packet *p)
{
	return p->code == TG_BUILTIN_ND || p->code == TG_BUILTIN_VRRP;
}

static enum tg_drop_reason orphan_reason(const struct tg_packet *p)
{
	if (p->flags & TG_PACKET_RELATED)
		return TG_DROP_ICMP_UNRELATED;
	if ((p->flags & TG_PACKET_ROUTER) && link_only(p))
		return TG_DROP_LINK_INVALID;
	if (p->flags & TG_PACKET_LATER)
		return TG_DROP_FRAGMENT_NO_FIRST;
	if (p->protocol == TG_IPPROTO_ICMP || p->protocol == TG_IPPROTO_ICMPV6)
		return TG_DROP_ICMP_UNRELATED;
	return p->protocol == TG_IPPROTO_SCTP ? TG_DROP_SCTP_NO_ASSOCIATION
					      : TG_DROP_TCP_NO_CONNECTION;
}

static void open_connection(struct tg_worker *w, struct tg_packet *p, unsigned int initiator,
	const struct tg_judgement *j)
{
	struct tg_table *table = table_of(w, p->family);
	enum tg_drop_reason reason;
	struct tg_conn *c = conn_create(w, p, initiator, j, &reason);

	if (c == NULL) {
		drop_whole(w, p, reason);
		return;
	}
	if ((p->flags & TG_PACKET_FRAGMENT) && p->protocol == TG_IPPROTO_TCP)
		c->flags |= TG_CONN_LIBERAL;
	count_packet(w, table, c, p->dir, p->length);
	forward(w, p);
}

/* How many sides a rule has decided, and no default. */
static unsigned int by_rules(const struct tg_judgement *j)
{
	return (tg_verdict_slot(j->verdict[TG_EGRESS]) >= TG_SLOT_FIRST) +
	       (tg_verdict_slot(j->verdict[TG_INGRESS]) >= TG_SLOT_FIRST);
}

/*
 * A segment in mid-stream: which side began the connection cannot be seen, so both orientations
 * are judged. When both are allowed, the one that more rules of policies speak of is believed: a
 * rule says who is to be asked, a default allows anything. If that does not tell, the side with the
 * higher port counts as the client.
 */
static void pick_up(struct tg_worker *w, struct tg_packet *p, const struct tg_judgement *j,
	const struct tg_judgement *reversed)
{
	bool syn_ack = (p->seg.flags & TG_TCP_SYN) != 0;
	bool ahead = allows(j) && !syn_ack, back = allows(reversed);

	if (spoofed(w, p->port, j->src_kind)) {
		drop(w, p, TG_DROP_SPOOFED);
		return;
	}
	if (ahead && back)
		ahead = by_rules(j) != by_rules(reversed) ? by_rules(j) > by_rules(reversed)
							  : p->sport >= p->dport;
	if (!ahead && !back) {
		deny(w, p, syn_ack ? reversed : j);
		return;
	}
	charge_slot(w, TG_BUILTIN_PICKUP, 1, p->length, 1);
	open_connection(w, p, ahead ? p->dir : p->dir ^ 1u, ahead ? j : reversed);
}

/*
 * Routers talk to routers: neither end may be anything of the pod network. Neighbour discovery
 * between global addresses has one end in the cluster: two strangers in one /64 may be anywhere,
 * and what a pod says in a stranger's name would be routed there.
 */
static bool between_neighbours(const struct tg_packet *p, const struct tg_judgement *j)
{
	const uint32_t routers = 1u << TG_KIND_WORLD | 1u << TG_KIND_NODE;

	if (p->code == TG_BUILTIN_ND)
		return allows(j) || j->src_kind != TG_KIND_WORLD || j->dst_kind != TG_KIND_WORLD;
	return (routers >> j->src_kind & 1) && (routers >> j->dst_kind & 1);
}

/*
 * The packet's own judgement. What was judged for it may be its connection, which began the other
 * way, and which is over or is to be opened anew.
 */
static const struct tg_judgement *own_judgement(const struct tg_worker *w,
	const struct judged_packet *item, const struct tg_packet *p, struct tg_judgement *room)
{
	const struct tg_tuple *one;
	struct tg_tuple tuple;

	if (likely(item->wanted && item->initiator == p->dir))
		return &w->judgement[item->judgement];
	tuple_make(&tuple, &p->key, p->family, p->dir, port_of(w, p)->zone);
	one = &tuple;
	tg_classify_burst(w->gen->classifier, &one, room, 1);
	return room;
}

static void settle_new(struct tg_worker *w, const struct judged_packet *item, struct tg_packet *p)
{
	const struct tg_judgement *j;
	struct tg_judgement room;

	if (!item->wanted) {
		drop_whole(w, p, orphan_reason(p));
		return;
	}
	j = own_judgement(w, item, p, &room);
	if ((p->flags & TG_PACKET_ROUTER) && between_neighbours(p, j)) {
		charge_slot(w, p->code, 1, p->length, 0);
		forward(w, p);
	} else if (!(p->flags & TG_PACKET_OPENS)) {
		if (may_pick_up(w, p))
			pick_up(w, p, j, &w->reversed[item->reversed]);
		else
			drop_whole(w, p, orphan_reason(p));
	} else if (spoofed(w, p->port, j->src_kind)) {
		drop_whole(w, p, TG_DROP_SPOOFED);
	} else if (!allows(j)) {
		deny(w, p, j);
	} else {
		open_connection(w, p, p->dir, j);
	}
}

/* Is it over, so that a SYN or INIT begins a new one? */
static bool reopens(const struct tg_conn *c, const struct tg_packet *p)
{
	if (p->protocol == TG_IPPROTO_SCTP)
		return c->state == TG_CONN_SCTP_CLOSED;
	return (c->flags & TG_CONN_BURIED) || tg_tcp_reopens(c, p->dir, &p->seg);
}

/* A SYN or INIT on a tuple that has a connection, judged as if it had none. */
static void settle_reopening(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	struct tg_packet *p, const struct tg_judgement *j)
{
	struct tg_conn_cold *cold = tg_table_cold(table, c);

	if (spoofed(w, p->port, j->src_kind)) {
		drop_whole(w, p, TG_DROP_SPOOFED);
		return;
	}
	if (!allows(j)) {
		deny(w, p, j);
		return;
	}
	if (reopens(c, p)) {
		conn_remove(w, table, c);
		open_connection(w, p, p->dir, j);
		return;
	}
	hardware_recall(w, table, c);
	if (p->protocol == TG_IPPROTO_TCP)
		tg_tcp_pend(c, &cold->pending, p->dir, &p->seg);
	else
		tg_sctp_pend(c, &cold->pending, p->dir, &p->sctp);
	cold->pending.port = p->port;
	cold->pending.wide = wide_source(table, j->src_kind);
	cold->pending.verdict[TG_EGRESS] = j->verdict[TG_EGRESS];
	cold->pending.verdict[TG_INGRESS] = j->verdict[TG_INGRESS];
	charge(w, j->verdict, 1, p->length);
	forward(w, p);
}

static void settle_known(struct tg_worker *w, const struct judged_packet *item,
	struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	const struct tg_judgement *j = &w->judgement[item->judgement];
	struct tg_judgement room;
	uint32_t slot = TG_NONE;

	if (!track_current(w, table, c) &&
		(!item->wanted || item->initiator != tg_conn_initiator(c) ||
			!rejudge(w, table, c, j, &slot))) {
		charge_slot(w, slot, 1, p->length, 0);
		drop_whole(w, p, TG_DROP_CONN_REVOKED);
		return;
	}
	switch (track(w, table, c, p)) {
	case TRACK_PASS:
		forward(w, p);
		break;
	case TRACK_DROP:
		drop_whole(w, p, (enum tg_drop_reason)p->code);
		break;
	case TRACK_JUDGE:
		settle_reopening(w, table, c, p, own_judgement(w, item, p, &room));
		break;
	}
}

static void settle_judged(struct tg_worker *w, const struct judged_packet *item)
{
	struct tg_packet *p = &w->packet[item->packet];
	struct tg_table *table = table_of(w, p->family);
	struct tg_conn *c = tg_table_find(table, &p->key, p->hash);

	if (c != NULL && c->epoch == waiting_epoch(w))
		c->epoch = w->epoch; /* those behind it follow in turn */
	if (c != NULL)
		settle_known(w, item, table, c, p);
	else
		settle_new(w, item, p);
}

/* A connection that has come about since the burst was looked up. */
static inline struct tg_conn *found_since(struct tg_worker *w, const struct live_packet *q)
{
	const struct tg_table *table = table_of(w, q->family);

	if (q->family == 4 ? tg_table_is4(q->c, &q->key) : tg_table_is6(q->c, &q->key))
		return q->c;
	return q->c->displaced == 0
		       ? NULL
		       : tg_table_find_far(table, &q->key, tg_table_hash(table, &q->key));
}

/*
 * The same of a packet of which the parser has no record unless it is allowed. `changed`: the table
 * has got entries since the burst was looked up in it.
 */
static inline void settle_plain(struct tg_worker *w, const struct judged_packet *item,
	struct rte_mbuf *m, uint8_t port, bool changed)
{
	const struct live_packet *q = &w->live_packet[item->packet];
	const struct tg_judgement *j = &w->judgement[item->judgement];
	struct tg_packet *p = &w->packet[item->packet];
	struct tg_conn *c = changed ? found_since(w, q) : NULL;

	if (unlikely(c != NULL)) {
		receive_plain(w, item->packet, m, port);
		settle_known(w, item, table_of(w, q->family), c, p);
	} else if (unlikely(!item->wanted)) {
		drop_frame(w, m, q->length, TG_DROP_TCP_NO_CONNECTION);
	} else if (unlikely(spoofed(w, port, j->src_kind))) {
		drop_frame(w, m, q->length, TG_DROP_SPOOFED);
	} else if (!allows(j)) {
		enum tg_drop_reason reason = charge_denied(w, j, q->length);

		if (unlikely(w->hardware != NULL))
			hardware_denied(w, &w->tuple[item->judgement], j, port, reason);
		drop_frame(w, m, q->length, reason);
	} else {
		open_connection(w, p, p->dir, j);
	}
}

/* Asks for what settling will count in, or create; adds to `cold` what that is to be. */
static inline unsigned int prepare(struct tg_worker *w, const struct judged_packet *item,
	struct rte_mbuf *m, uint8_t port, const struct tg_conn_cold **cold, unsigned int n)
{
	const struct tg_judgement *j = &w->judgement[item->judgement];

	fetch_slots(w, j->verdict);
	if (!allows(j))
		return n;
	if (item->plain)
		receive_plain(w, item->packet, m, port);
	cold[n] = conn_expect(w, &w->packet[item->packet], j);
	return n + 1;
}

static void prepare_all(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port)
{
	const struct tg_conn_cold *cold[TG_BURST];
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n_judged; i++) {
		const struct judged_packet *item = &w->judged[i];

		if (likely(item->wanted))
			n = prepare(w, item, mbufs[item->packet], port, cold, n);
	}
	for (unsigned int k = 0; k < n; k++)
		rte_prefetch0(cold[k]);
}

/* The other orientation of what may be picked up. */
static void classify_reversed(struct tg_worker *w)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n_judged; i++) {
		struct judged_packet *item = &w->judged[i];
		const struct tg_packet *p = &w->packet[item->packet];

		if (item->plain || !may_pick_up(w, p))
			continue;
		tuple_make(&w->tuple[n], &p->key, p->family, item->initiator ^ 1u,
			port_of(w, p)->zone);
		item->reversed = (uint8_t)n++;
	}
	if (n == 0)
		return;
	tg_classify_burst(w->gen->classifier, w->tuples, w->reversed, n);
	for (unsigned int k = 0; k < n; k++)
		fetch_slots(w, w->reversed[k].verdict);
}

void judge_all(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port)
{
	const uint64_t created = w->stats->conn_created;

	if (w->n_judged == 0)
		return;
	if (w->n_tuples != 0)
		tg_classify_burst(w->gen->classifier, w->tuples, w->judgement, w->n_tuples);
	prepare_all(w, mbufs, port);
	if (unlikely(w->pickup))
		classify_reversed(w);
	for (unsigned int i = 0; i < w->n_judged; i++) {
		const struct judged_packet *item = &w->judged[i];

		if (likely(item->plain))
			settle_plain(w, item, mbufs[item->packet], port,
				w->stats->conn_created != created);
		else
			settle_judged(w, item);
	}
	w->n_judged = w->n_tuples = 0;
}

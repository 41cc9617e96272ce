/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a frame to a live packet: parsed, let through if it is link traffic, its fragments tied
 * together, and at the worker that owns it.
 */
#include "internal.h"
#include "parse_quick.h"

void fragment_of(const struct tg_packet *p, uint8_t group, struct tg_fragment *f)
{
	*f = (struct tg_fragment){
		.id = p->fragment_id,
		.protocol = p->family == 4 ? p->protocol : 0,
		.group = group,
		.family = p->family,
		.first = (p->flags & TG_PACKET_FIRST) != 0,
		.more = p->fragment_more,
		.start = p->fragment_start,
		.end = p->fragment_end,
		.l4_protocol = p->protocol,
		.sport = p->sport,
		.dport = p->dport,
	};
	if (p->family == 4) {
		f->src[0] = (uint32_t)(p->key.addr.v4 >> (32 * p->dir));
		f->dst[0] = (uint32_t)(p->key.addr.v4 >> (32 * (p->dir ^ 1)));
	} else {
		memcpy(f->src, &p->key.addr.v6[2 * p->dir], 16);
		memcpy(f->dst, &p->key.addr.v6[2 * (p->dir ^ 1)], 16);
	}
}

/* A fragment takes with it what is known by now of its ports. */
static void pass_on(struct tg_worker *w, const struct tg_packet *p, uint32_t to, bool annotated)
{
	hand_over(w, p->m, to,
		(struct note){
			.sport = p->sport,
			.dport = p->dport,
			.protocol = p->protocol,
			.port = p->port,
			.annotated = annotated,
		});
}

static bool track_fragment(struct tg_worker *w, struct tg_packet *p)
{
	static const enum tg_drop_reason reasons[] = {
		[TG_FRAGMENT_ORPHAN] = TG_DROP_FRAGMENT_NO_FIRST,
		[TG_FRAGMENT_TINY] = TG_DROP_FRAGMENT_SHORT,
		[TG_FRAGMENT_OVERLAP] = TG_DROP_FRAGMENT_OVERLAP,
		[TG_FRAGMENT_FULL] = TG_DROP_FRAGMENT_TABLE_FULL,
	};
	uint8_t group = port_of(w, p)->group;
	enum tg_fragment_result result;
	struct tg_fragment f;

	fragment_of(p, group, &f);
	f.packet = p->m;
	result = tg_fragments_track(&w->fragments, &f, w->now);
	if (result == TG_FRAGMENT_HELD) {
		note_of(p->m)->port = p->port;
		return false;
	}
	if (result != TG_FRAGMENT_OK) {
		drop(w, p, reasons[result]);
		return false;
	}
	p->protocol = f.l4_protocol;
	tg_packet_set_ports(p, f.sport, f.dport, group);
	return true;
}

/* What was refused here of an earlier datagram means nothing for this one. */
static void renew_fragments(struct tg_worker *w, const struct tg_packet *p)
{
	struct tg_fragment f;

	fragment_of(p, port_of(w, p)->group, &f);
	tg_fragments_renew(&w->fragments, &f, w->now);
}

/* Ports and protocol of a fragment, from the note of its tracker or as that. */
static bool resolve_fragment(struct tg_worker *w, struct tg_packet *p, bool handed_over)
{
	const struct note *note = note_of(p->m);
	uint32_t owner;

	if (handed_over && note->annotated) {
		if (p->flags & TG_PACKET_FIRST)
			renew_fragments(w, p);
		p->protocol = note->protocol;
		tg_packet_set_ports(p, note->sport, note->dport, port_of(w, p)->group);
		return true;
	}
	owner = owner_of_fragments(w->dp, p);
	if (owner != w->index) {
		pass_on(w, p, owner, false);
		return false;
	}
	return track_fragment(w, p);
}

/* Can it leave by the other end at all? */
static inline bool can_leave(struct tg_worker *w, struct tg_packet *p)
{
	uint16_t out = port_of(w, p)->peer;

	if (unlikely(!atomic_load_explicit(&w->dp->link_up[out], memory_order_relaxed))) {
		drop(w, p, TG_DROP_LINK_DOWN);
		return false;
	}
	if (unlikely(p->l3_length > w->dp->config.ports[out].mtu)) {
		drop(w, p, TG_DROP_TOO_BIG);
		return false;
	}
	return true;
}

static void without_ruleset(struct tg_worker *w, struct tg_packet *p)
{
	if (p->flags & TG_PACKET_ROUTER)
		charge_slot(w, p->code, 1, p->length, 0);
	else if (w->dp->config.no_ruleset_pass)
		charge_slot(w, TG_BUILTIN_NO_RULESET_PASS, 1, p->length, 0);
	else {
		drop(w, p, TG_DROP_NO_RULESET);
		return;
	}
	forward(w, p);
}

static inline unsigned int placed_kind(const struct tg_packet *p)
{
	if (p->family == 4)
		return p->protocol == TG_IPPROTO_TCP ? TG_PLACED_TCP4 : TG_PLACED_UDP4;
	return p->protocol == TG_IPPROTO_TCP ? TG_PLACED_TCP6 : TG_PLACED_UDP6;
}

/* A NIC that hashes as we do has brought plain packets where they belong. */
static inline bool at_home(struct tg_worker *w, const struct tg_packet *p, bool handed_over)
{
	bool placed, home;

	if (w->dp->config.n_workers == 1)
		return true;
	placed = (p->flags & TG_PACKET_PLAIN) && !handed_over && w->dp->config.rss.reta_size != 0 &&
		 (port_of(w, p)->placed & placed_kind(p)) != 0;
	if (placed && (w->trusted & placed_kind(p)) != 0)
		return true;
	home = owner_of(w->dp, p) == w->index;
	if (unlikely(placed))
		placement_note(w, p, home);
	return home;
}

/* From a frame to a live packet with its hash, or to what else becomes of it. */
static bool receive(struct tg_worker *w, struct tg_packet *p, bool handed_over)
{
	if (unlikely(!tg_parse_quick(p, port_of(w, p))))
		tg_packet_parse(p, port_of(w, p));
	if (unlikely(p->outcome == TG_OUTCOME_DROP)) {
		drop(w, p, (enum tg_drop_reason)p->code);
		return false;
	}
	if (!can_leave(w, p))
		return false;
	if (p->outcome == TG_OUTCOME_LINK) {
		charge_slot(w, p->code, 1, p->length, 0);
		forward(w, p);
		return false;
	}
	if (unlikely(w->gen == NULL)) {
		without_ruleset(w, p);
		return false;
	}
	if (unlikely(p->flags & TG_PACKET_FRAGMENT) && !resolve_fragment(w, p, handed_over))
		return false;
	p->hash = tg_table_hash(table_of(w, p->family), &p->key);
	if (likely(at_home(w, p, handed_over)))
		return true;
	pass_on(w, p, owner_of(w->dp, p), (p->flags & TG_PACKET_FRAGMENT) != 0);
	return false;
}

bool receive_one(
	struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port, bool handed_over)
{
	struct live_packet *q = &w->live_packet[index];
	struct tg_packet *p = &w->packet[index];

	p->m = m;
	p->port = port;
	if (!receive(w, p, handed_over))
		return false;
	q->key = p->key;
	q->c = tg_table_home(table_of(w, p->family), p->hash);
	q->size = 0;
	q->family = p->family;
	return true;
}

bool receive_again(struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port)
{
	struct tg_packet *p = &w->packet[index];

	p->m = m;
	p->port = port;
	return receive(w, p, false);
}

void receive_plain(struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port)
{
	const struct live_packet *q = &w->live_packet[index];
	struct tg_packet *p = &w->packet[index];

	p->m = m;
	p->port = port;
	p->key = q->key;
	p->hash = tg_table_hash(table_of(w, q->family), &q->key);
	p->length = q->length;
	p->l3_length = q->size + (q->family == 4 ? TG_IP4_HEADER : TG_IP6_HEADER);
	p->sport = (uint16_t)(q->key.tail >> 16 * q->dir);
	p->dport = (uint16_t)(q->key.tail >> 16 * (q->dir ^ 1));
	p->protocol = (uint8_t)(q->key.tail >> 32);
	p->family = q->family;
	p->dir = q->dir;
	p->outcome = TG_OUTCOME_TRACK;
	if (p->protocol == TG_IPPROTO_TCP)
		tg_quick_tcp(p, q->l4, q->size);
	else
		p->flags = TG_PACKET_PLAIN | TG_PACKET_OPENS;
}

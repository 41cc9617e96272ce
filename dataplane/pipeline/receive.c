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

static bool track_fragment(struct tg_worker *w, struct tg_packet *p)
{
	static const enum tg_drop_reason reasons[] = {
		[TG_FRAGMENT_ORPHAN] = TG_DROP_FRAGMENT_NO_FIRST,
		[TG_FRAGMENT_OVERLAP] = TG_DROP_FRAGMENT_OVERLAP,
		[TG_FRAGMENT_FULL] = TG_DROP_FRAGMENT_TABLE_FULL,
	};
	uint8_t group = port_of(w, p)->group;
	enum tg_fragment_result result;
	struct tg_fragment f;

	fragment_of(p, group, &f);
	result = tg_fragments_track(&w->fragments, &f, w->now);
	if (result != TG_FRAGMENT_OK) {
		drop(w, p, reasons[result]);
		return false;
	}
	p->protocol = f.l4_protocol;
	tg_packet_set_ports(p, f.sport, f.dport, group);
	return true;
}

/* Ports and protocol of a fragment, from the note of its tracker or as that. */
static bool resolve_fragment(struct tg_worker *w, struct tg_packet *p, const struct note *note)
{
	uint32_t owner;

	if (note != NULL && note->annotated) {
		p->protocol = note->protocol;
		tg_packet_set_ports(p, note->sport, note->dport, port_of(w, p)->group);
		return true;
	}
	owner = owner_of_fragments(w->dp, p);
	if (owner != w->index) {
		hand_over(w, p, owner, false);
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

/* A NIC that hashes as we do has brought plain packets where they belong. */
static inline bool at_home(const struct tg_worker *w, const struct tg_packet *p, bool handed_over)
{
	return w->dp->config.n_workers == 1 ||
	       ((p->flags & TG_PACKET_PLAIN) && !handed_over && port_of(w, p)->rss_trusted &&
		       w->dp->config.rss.reta_size != 0) ||
	       owner_of(w->dp, p) == w->index;
}

static inline void enlist(struct tg_worker *w, unsigned int index, bool handed_over)
{
	struct tg_packet *p = &w->packet[index];
	struct tg_table *table = table_of(w, p->family);

	p->hash = p->family == 4 ? tg_key_hash4(&table->secret, &p->key)
				 : tg_key_hash6(&table->secret, &p->key);
	if (likely(at_home(w, p, handed_over))) {
		w->home[index] = tg_table_home(table, p->hash);
		w->live[w->n_live++] = (uint8_t)index;
		return;
	}
	hand_over(w, p, owner_of(w->dp, p), (p->flags & TG_PACKET_FRAGMENT) != 0);
}

static inline void receive(struct tg_worker *w, unsigned int index, bool handed_over)
{
	struct tg_packet *p = &w->packet[index];

	if (unlikely(!tg_parse_quick(p, port_of(w, p))))
		tg_packet_parse(p, port_of(w, p));
	if (unlikely(p->outcome == TG_OUTCOME_DROP)) {
		drop(w, p, (enum tg_drop_reason)p->code);
		return;
	}
	if (!can_leave(w, p))
		return;
	if (p->outcome == TG_OUTCOME_LINK) {
		charge_slot(w, p->code, 1, p->length, 0);
		forward(w, p);
		return;
	}
	if (unlikely(w->gen == NULL)) {
		without_ruleset(w, p);
		return;
	}
	if (unlikely(p->flags & TG_PACKET_FRAGMENT) &&
		!resolve_fragment(w, p, handed_over ? note_of(w->dp, p->m) : NULL))
		return;
	enlist(w, index, handed_over);
}

/*
 * Asks for the lines of all live packets in one go: a prefetch ends only when its address has been
 * translated, so the misses of the TLB overlap only if the processor has many prefetches before it
 * at a time, and not two with all of the parser between them.
 */
static void fetch_connections(const struct tg_worker *w)
{
	unsigned int second = 0;

	for (unsigned int i = 0; i < w->n_live; i++) {
		const unsigned int index = w->live[i];

		rte_prefetch0(w->home[index]);
		second |= w->packet[index].family == 6;
	}
	/* An IPv6 entry is two lines. */
	for (unsigned int i = 0; second != 0 && i < w->n_live; i++) {
		if (w->packet[w->live[i]].family == 6)
			rte_prefetch0(w->home[w->live[i]] + 64);
	}
}

void receive_all(struct tg_worker *w, unsigned int n, bool handed_over)
{
	for (unsigned int i = 0; i < n; i++)
		receive(w, i, handed_over);
	fetch_connections(w);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of live connections: the path that most packets take. */
#include "internal.h"
#include "bytes.h"

#define QUOTED_BEHIND 66000 /* an error may quote what was sent this long ago, bytes */

/* A reply moves a connection of an untracked protocol on by one state. */
static_assert(TG_CONN_UDP_REPLIED == TG_CONN_UDP_NEW + 1 &&
		      TG_CONN_ICMP_REPLIED == TG_CONN_ICMP_NEW + 1 &&
		      TG_CONN_OTHER_REPLIED == TG_CONN_OTHER_NEW + 1,
	"each NEW state is followed by its REPLIED");

bool track_current(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	unsigned int size = table->family == 4 ? 4 : 16;
	const uint8_t *addr;

	if (likely(c->epoch == w->epoch))
		return true;
	if (c->flags & TG_CONN_BURIED)
		return true; /* there is nothing to judge again */
	if ((int32_t)(c->epoch - w->gen->base) < 0)
		return false;
	addr = table->hot + (tg_table_index(table, c) << table->shift);
	if (filter_hit(w->gen, addr, size) || filter_hit(w->gen, addr + size, size))
		return false;
	c->epoch = w->epoch;
	c->flags &= (uint8_t)~TG_CONN_PENDING;
	return true;
}

static enum track_result refuse(struct tg_packet *p, enum tg_drop_reason reason)
{
	p->code = (uint8_t)reason;
	return TRACK_DROP;
}

/* Each direction keeps to the end of the wire that it came from at first. */
static inline bool from_its_side(
	const struct tg_conn *c, const struct tg_packet *p, const struct tg_port_config *port)
{
	unsigned int end = ((c->flags & TG_CONN_END) != 0) ^ tg_conn_initiator(c) ^ p->dir;

	return end == port->end;
}

/* An ICMP error: passes on its own slot and leaves the connection as it is. */
static enum track_result track_related(struct tg_worker *w, const struct tg_table *table,
	const struct tg_conn *c, struct tg_packet *p)
{
	unsigned int quoted = p->dir ^ 1;
	/* Then nothing can be said of its numbers, and without the error it may stand still. */
	bool unseen_numbers = (c->side[quoted] & TG_CONN_UNSEEN) != 0 || hardware_has(w, table, c);

	/* The tag says whose it is (RFC 9260 section 10); an INIT has none. */
	if (c->protocol == TG_IPPROTO_SCTP && p->sctp.tag != c->tag[quoted] &&
		(p->sctp.tag != 0 || c->state != TG_CONN_SCTP_COOKIE_WAIT))
		return refuse(p, TG_DROP_ICMP_UNRELATED);
	if (c->protocol == TG_IPPROTO_TCP && !w->dp->config.tcp_liberal && !unseen_numbers) {
		uint32_t win = (uint32_t)c->max_win[p->dir] << (c->side[p->dir] & TG_CONN_SCALE);
		uint32_t last = c->flags & TG_CONN_LIBERAL ? c->max_end[quoted] : c->end[quoted];
		uint32_t unseen = last - c->end[quoted];

		/* A blind guess is not believed (RFC 5927 section 4.1). */
		if (last - p->seg.seq > unseen + (win > QUOTED_BEHIND ? win : QUOTED_BEHIND))
			return refuse(p, TG_DROP_ICMP_UNRELATED);
	}
	charge_slot(w, TG_BUILTIN_RELATED_ICMP, 1, p->length, 0);
	return TRACK_PASS;
}

/* A segment of a connection that only one side has spoken for; it was picked up by a reply. */
static enum track_result track_trial(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	struct tg_conn_cold *cold, struct tg_packet *p)
{
	if ((p->seg.flags & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN)
		return TRACK_JUDGE;
	if (p->dir == tg_conn_initiator(c)) {
		if (p->seg.flags & TG_TCP_RST)
			cold->trial = 0; /* there is no connection */
		else
			conn_end_trial(w, table, c);
		return TRACK_PASS;
	}
	if (cold->trial == 0)
		return refuse(p, TG_DROP_TCP_NO_CONNECTION);
	cold->trial--;
	return TRACK_PASS;
}

/* A state begins with the packet that brings it about. */
static void settle_state(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, uint8_t state, bool refresh)
{
	if (refresh || state != c->state)
		c->seen = w->now;
	if (state == c->state)
		return;
	hardware_recall(w, table, c);
	conn_set_state(w, table, c, state);
}

static enum track_result track_tcp(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	struct tg_conn_cold *cold = tg_table_cold(table, c);
	uint8_t state;
	bool refresh;

	if (c->flags & TG_CONN_TRIAL) {
		enum track_result result = track_trial(w, table, c, cold, p);

		if (result != TRACK_PASS)
			return result;
	}
	if (unlikely(hardware_has(w, table, c)))
		tg_tcp_lose_sight(c);
	if (tg_tcp_answers(c, &cold->pending, p->dir, &p->seg))
		conn_adopt_pending(w, table, c);
	switch (tg_tcp_segment(
		c, &cold->pending, p->dir, &p->seg, w->dp->config.tcp_liberal, &state, &refresh)) {
	case TG_TCP_INVALID:
		return refuse(p, TG_DROP_TCP_INVALID);
	case TG_TCP_JUDGE:
		return TRACK_JUDGE;
	case TG_TCP_PASS:
		break;
	}
	if (p->flags & TG_PACKET_FRAGMENT)
		c->flags |= TG_CONN_LIBERAL; /* how long the segment is cannot be seen */
	settle_state(w, table, c, state, refresh);
	return TRACK_PASS;
}

static enum track_result track_sctp(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	struct tg_conn_cold *cold = tg_table_cold(table, c);
	uint8_t state;
	bool refresh;

	switch (tg_sctp_packet(c, &cold->pending, p->dir, &p->sctp, &state, &refresh)) {
	case TG_SCTP_INVALID:
		return refuse(p, TG_DROP_SCTP_INVALID);
	case TG_SCTP_JUDGE:
		return TRACK_JUDGE;
	case TG_SCTP_ADOPT:
		conn_adopt_pending(w, table, c);
		return TRACK_PASS;
	case TG_SCTP_PASS:
		break;
	}
	settle_state(w, table, c, state, refresh);
	return TRACK_PASS;
}

/* UDP, ICMP echo and what is not followed any closer. */
static void track_datagram(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, const struct tg_packet *p)
{
	bool reply = p->dir != tg_conn_initiator(c);

	if (tg_conn_half_open(c->state) && reply)
		conn_set_state(w, table, c, c->state + 1);
	else if (c->state == TG_CONN_UDP_REPLIED && !reply)
		c->state = TG_CONN_UDP_STREAM;
	/* An echo is asked for: no reply prolongs the time in which replies are expected. */
	if (c->state != TG_CONN_ICMP_REPLIED || !reply)
		c->seen = w->now;
}

/* After the end only a SYN passes, judged as if there had been nothing. */
static enum track_result track_buried(struct tg_packet *p)
{
	if (p->flags & TG_PACKET_RELATED)
		return refuse(p, TG_DROP_ICMP_UNRELATED);
	if (p->flags & TG_PACKET_LATER)
		return refuse(p, TG_DROP_FRAGMENT_NO_FIRST);
	return p->flags & TG_PACKET_OPENS ? TRACK_JUDGE : refuse(p, TG_DROP_TCP_NO_CONNECTION);
}

/* A fragment that has no ports of its own: what became of the one that has? */
static enum track_result track_later(struct tg_worker *w, struct tg_conn *c, struct tg_packet *p)
{
	struct tg_fragment f;

	fragment_of(p, port_of(w, p)->group, &f);
	if (tg_fragments_refused(&w->fragments, &f, w->now))
		return refuse(p, TG_DROP_FRAGMENT_NO_FIRST);
	c->seen = w->now;
	return TRACK_PASS;
}

/* Everything but the two common cases. */
static enum track_result track_rest(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	enum track_result result = TRACK_PASS;

	if (c->flags & TG_CONN_BURIED)
		return track_buried(p);
	if (p->flags & TG_PACKET_RELATED)
		return track_related(w, table, c, p);
	if (p->flags & TG_PACKET_LATER)
		result = track_later(w, c, p);
	else if (c->protocol == TG_IPPROTO_TCP)
		result = track_tcp(w, table, c, p);
	else if (c->protocol == TG_IPPROTO_SCTP)
		result = track_sctp(w, table, c, p);
	else
		track_datagram(w, table, c, p);
	if (result == TRACK_PASS)
		count_packet(w, table, c, p->dir, p->length);
	return result;
}

static inline enum track_result track_inline(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	const uint8_t special = TG_PACKET_RELATED | TG_PACKET_FRAGMENT;

	if (unlikely(!from_its_side(c, p, port_of(w, p))))
		return c->flags & TG_CONN_BURIED ? track_buried(p) : refuse(p, TG_DROP_SPOOFED);
	if (likely((p->flags & special) == 0) &&
		(c->state == TG_CONN_UDP_STREAM ||
			(c->protocol == TG_IPPROTO_TCP && tg_tcp_established(c, p->dir, &p->seg,
								  w->dp->config.tcp_liberal)))) {
		c->seen = w->now;
		count_packet(w, table, c, p->dir, p->length);
		return TRACK_PASS;
	}
	return track_rest(w, table, c, p);
}

enum track_result track(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p)
{
	return track_inline(w, table, c, p);
}

static inline void settle(
	struct tg_worker *w, unsigned int index, struct tg_conn *c, enum track_result result)
{
	struct tg_packet *p = &w->packet[index];

	if (likely(result == TRACK_PASS))
		forward(w, p);
	else if (result == TRACK_DROP)
		drop_whole(w, p, (enum tg_drop_reason)p->code);
	else {
		judge_later(w, index, NULL, true);
		c->epoch = waiting_epoch(w);
	}
}

/* A packet of a connection that was judged in another epoch, or that waits. */
static void track_stale(
	struct tg_worker *w, struct tg_table *table, unsigned int index, struct tg_conn *c)
{
	if (c->epoch == waiting_epoch(w))
		judge_later(w, index, NULL, true);
	else if (track_current(w, table, c))
		settle(w, index, c, track(w, table, c, &w->packet[index]));
	else
		judge_later(w, index, c, true);
}

void track_one(struct tg_worker *w, unsigned int index)
{
	struct tg_packet *p = &w->packet[index];
	struct tg_table *table = table_of(w, p->family);
	struct tg_conn *c = tg_table_find(table, &p->key, p->hash);

	if (unlikely(c != NULL && conn_over(w, table, c)))
		c = conn_expire(w, table, c) ? NULL : c;
	if (unlikely(c == NULL))
		judge_later(w, index, NULL, false);
	else if (unlikely(c->epoch != w->epoch))
		track_stale(w, table, index, c);
	else
		settle(w, index, c, track_inline(w, table, c, p));
}

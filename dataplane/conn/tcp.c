/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp.h"

#include <stddef.h>

bool tg_tcp_flags_valid(uint8_t flags)
{
	switch (flags & (TG_TCP_SYN | TG_TCP_FIN | TG_TCP_RST)) {
	case TG_TCP_SYN:
		return true;
	case TG_TCP_RST:
		return (flags & TG_TCP_URG) == 0;
	case TG_TCP_FIN:
	case 0:
		/* Everything after the handshake acknowledges something. */
		return (flags & TG_TCP_ACK) != 0;
	default:
		return false;
	}
}

static uint16_t at_least_one(uint32_t win)
{
	return win != 0 ? (uint16_t)win : 1;
}

/*
 * The initiator's numbers; those of the other side are not known yet. Its `end` holds the initial
 * sequence number meanwhile, to tell which acknowledgement of the SYN is right.
 */
void tg_tcp_open(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int peer = dir ^ 1;

	c->end[dir] = seg->seq + seg->length;
	c->max_end[dir] = c->end[dir];
	c->max_win[dir] = at_least_one(seg->win);
	c->side[dir] = seg->scale == TG_TCP_NO_SCALE ? 0 : seg->scale;
	c->end[peer] = seg->seq;
	c->max_end[peer] = 0;
	c->max_win[peer] = 1;
	/* Whether the initiator offers scaling is kept where the other side's scale will be. */
	c->side[peer] = seg->scale == TG_TCP_NO_SCALE ? TG_CONN_SCALE : 0;
	c->state = TG_CONN_SYN_SENT;
	c->flags &= (uint8_t) ~(TG_CONN_LIBERAL | TG_CONN_PENDING | TG_CONN_INITIATOR);
	c->flags |= (uint8_t)(dir ? TG_CONN_INITIATOR : 0);
}

void tg_tcp_pickup(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int peer = dir ^ 1;

	c->end[dir] = c->max_end[dir] = seg->seq + seg->length;
	c->end[peer] = c->max_end[peer] = seg->ack;
	c->max_win[dir] = c->max_win[peer] = UINT16_MAX;
	c->side[dir] = c->side[peer] = 14;
	c->flags |= TG_CONN_LIBERAL;
	c->state = TG_CONN_ESTABLISHED;
}

/* The second SYN of a handshake, with or without ACK: scaling counts only if both offer it. */
static void learn_peer(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int first = dir ^ 1;
	bool offered = (c->side[dir] & TG_CONN_SCALE) != TG_CONN_SCALE;
	uint32_t first_win = c->max_win[first];
	uint8_t scale = c->side[first] & TG_CONN_SCALE;

	c->side[dir] = 0;
	if (offered && seg->scale != TG_TCP_NO_SCALE) {
		c->side[dir] = seg->scale;
		/* The window of a SYN is not scaled: store it as the later ones are. */
		c->max_win[first] = at_least_one((first_win + (1u << scale) - 1) >> scale);
		c->max_win[dir] = at_least_one((seg->win + (1u << seg->scale) - 1) >> seg->scale);
	} else {
		c->side[first] = 0;
		c->max_win[dir] = at_least_one(seg->win);
	}
	c->end[dir] = seg->seq + seg->length;
	c->max_end[dir] = seg->seq + 1 + first_win;
	c->max_end[first] = c->end[first];
	if (seg->flags & TG_TCP_ACK)
		c->max_end[first] = seg->ack + seg->win;
	if ((int32_t)(c->end[first] - c->max_end[first]) > 0)
		c->max_end[first] = c->end[first]; /* data in the SYN, RFC 7413 */
}

/* Does `seg` acknowledge the SYN that tg_tcp_open saw, and nothing more than came with it? */
static bool acknowledges_syn(
	const struct tg_conn *c, unsigned int first, const struct tg_segment *seg)
{
	uint32_t initial = c->end[first ^ 1];

	return (seg->flags & TG_TCP_ACK) && (int32_t)(seg->ack - initial) > 0 &&
	       (int32_t)(seg->ack - c->end[first]) <= 0;
}

static enum tg_tcp_result syn_sent(struct tg_conn *c, unsigned int dir,
	const struct tg_segment *seg, uint8_t *state, bool *refresh)
{
	unsigned int first = tg_conn_initiator(c);

	if (dir == first) {
		if ((seg->flags & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN) {
			tg_tcp_open(c, dir, seg); /* again, perhaps with other numbers */
			return TG_TCP_PASS;
		}
		if (!(seg->flags & TG_TCP_RST))
			return TG_TCP_INVALID;
		/* The answer to a challenge ACK has other numbers: it passes, and the SYN stands.
		 */
		if (seg->seq == c->end[first])
			*state = TG_CONN_CLOSED;
		return TG_TCP_PASS;
	}
	if (seg->flags & TG_TCP_SYN) {
		if ((seg->flags & TG_TCP_ACK) && !acknowledges_syn(c, first, seg))
			return TG_TCP_INVALID;
		learn_peer(c, dir, seg);
		*state = TG_CONN_SYN_RECV;
		return TG_TCP_PASS;
	}
	*refresh = false;
	if (seg->flags & TG_TCP_RST) {
		if (!acknowledges_syn(c, first, seg))
			return TG_TCP_INVALID;
		*state = TG_CONN_CLOSED;
		return TG_TCP_PASS;
	}
	/* A challenge ACK of a connection that only the other side remembers (RFC 5961 section 4).
	 */
	return seg->length == 0 ? TG_TCP_PASS : TG_TCP_INVALID;
}

static uint8_t closing_state(const struct tg_conn *c)
{
	const uint8_t done = TG_CONN_FIN | TG_CONN_FIN_ACKED;

	if ((c->side[0] & c->side[1] & done) == done)
		return TG_CONN_TIME_WAIT;
	if (c->side[0] & c->side[1] & TG_CONN_FIN)
		return TG_CONN_CLOSING;
	if ((c->side[0] | c->side[1]) & TG_CONN_FIN)
		return TG_CONN_FIN_WAIT;
	return TG_CONN_ESTABLISHED;
}

static void note_fins(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	unsigned int peer = dir ^ 1;

	if (seg->flags & TG_TCP_FIN)
		c->side[dir] |= TG_CONN_FIN;
	if ((c->side[peer] & TG_CONN_FIN) && ack == c->end[peer])
		c->side[peer] |= TG_CONN_FIN_ACKED;
}

bool tg_tcp_reopens(const struct tg_conn *c)
{
	return c->state == TG_CONN_TIME_WAIT || c->state == TG_CONN_CLOSED;
}

void tg_tcp_pend(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_segment *seg)
{
	pending->end = seg->seq + seg->length;
	pending->length = (uint16_t)seg->length; /* of one datagram */
	pending->win = seg->win;
	pending->scale = seg->scale;
	pending->dir = (uint8_t)dir;
	c->flags |= TG_CONN_PENDING;
}

bool tg_tcp_answers(const struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg)
{
	const uint8_t syn_ack = TG_TCP_SYN | TG_TCP_ACK;

	return (c->flags & TG_CONN_PENDING) && pending->dir != dir &&
	       (seg->flags & syn_ack) == syn_ack &&
	       (int32_t)(seg->ack - pending->end + pending->length) > 0 &&
	       (int32_t)(seg->ack - pending->end) <= 0;
}

/* A SYN without ACK on an entry that is past SYN_SENT. */
static enum tg_tcp_result late_syn(
	const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	/* The first one again: its answer is on the way. */
	if (c->state == TG_CONN_SYN_RECV && seg->seq + seg->length == c->end[dir])
		return TG_TCP_PASS;
	return TG_TCP_JUDGE;
}

enum tg_tcp_result tg_tcp_segment(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg,
	bool liberal, uint8_t *state, bool *refresh)
{
	uint32_t ack = (seg->flags & TG_TCP_ACK) ? seg->ack : c->end[dir ^ 1];

	*state = c->state;
	*refresh = true;
	if (c->state == TG_CONN_SYN_SENT)
		return syn_sent(c, dir, seg, state, refresh);
	if ((seg->flags & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN)
		return late_syn(c, dir, seg);
	if (!liberal && !(c->flags & TG_CONN_LIBERAL) && !tg_tcp_in_window(c, dir, seg, ack))
		return TG_TCP_INVALID;
	if (seg->flags & TG_TCP_RST) {
		/*
		 * Only the exact number closes at the receiver; for another one in the window it
		 * asks back (RFC 5961 section 3), and the connection lives on.
		 */
		*refresh = false;
		if (seg->seq == c->end[dir] || (c->flags & TG_CONN_LIBERAL))
			*state = TG_CONN_CLOSED;
		return TG_TCP_PASS;
	}
	tg_tcp_update(c, dir, seg, ack);
	if (c->state == TG_CONN_CLOSED || c->state == TG_CONN_TIME_WAIT) {
		*refresh = false;
		return TG_TCP_PASS;
	}
	if (c->state == TG_CONN_SYN_RECV &&
		(dir != tg_conn_initiator(c) || (seg->flags & TG_TCP_SYN)))
		return TG_TCP_PASS;
	note_fins(c, dir, seg, ack);
	*state = closing_state(c);
	return TG_TCP_PASS;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three things are remembered in struct tg_conn_cold.pending, one at a time; the later displaces
 * the earlier, which the next retransmission brings back:
 *
 * - with TG_CONN_PENDING, a SYN on a connection that may live (tcp.h);
 * - with TG_CONN_NOTED of the responder's side, its other opening segment: in SYN_SENT a SYN of its
 *   own (simultaneous open, RFC 9293 section 3.5), in SYN_RECV a second SYN-ACK with other numbers
 *   (of another cookie, of another server behind one address). The initiator will say which one it
 *   has taken;
 * - in RESET_SEEN, whose reset was inexact (`dir`) and, with TG_CONN_NOTED of that side, what the
 *   other side has acknowledged since (`end`).
 *
 * TG_CONN_LIBERAL. A side may acknowledge more than was seen: what was sent before the connection
 * was picked up, or in fragments, of which only the last one tells how long the segment is. What it
 * acknowledges is believed up to what it has allowed.
 */
#include "tcp.h"

#include <stddef.h>

#define SCALE_MAX 14 /* RFC 7323 section 2.3 */
/* Of a connection picked up, whose scales are not known: 1 MiB, what may have been in flight. */
#define PICKUP_WINDOW 64
/* Of struct tg_conn.side: it has closed and that was acknowledged, or it has reset. */
#define SILENT (TG_CONN_FIN | TG_CONN_FIN_ACKED)

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

static bool after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint16_t at_least_one(uint32_t win)
{
	return win != 0 ? (uint16_t)win : 1;
}

/* The window of a SYN is not scaled: rounded up to how those of other segments are written. */
static uint16_t as_scaled(uint32_t win, uint8_t scale)
{
	return at_least_one((win + (1u << scale) - 1) >> scale);
}

static void allow(struct tg_conn *c, unsigned int dir, uint32_t end)
{
	if (after(end, c->max_end[dir]))
		c->max_end[dir] = end;
}

/* What a SYN with an ACK allows: its window is not scaled. */
static void allow_by_syn(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	uint16_t win = as_scaled(seg->win, c->side[dir] & TG_CONN_SCALE);

	if (win > c->max_win[dir])
		c->max_win[dir] = win;
	allow(c, dir ^ 1, seg->ack + seg->win);
}

/*
 * The initiator's numbers; those of the other side are not known yet. Its `end` holds the initial
 * sequence number meanwhile, to tell which acknowledgement of the SYN is right, and its `max_end`
 * what it has acknowledged of another connection that it remembers (RFC 5961 section 4).
 */
void tg_tcp_open(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int peer = dir ^ 1;

	c->end[dir] = seg->seq + seg->length;
	c->max_end[dir] = c->end[dir];
	c->max_win[dir] = at_least_one(seg->win);
	c->side[dir] = seg->scale == TG_TCP_NO_SCALE ? 0 : seg->scale;
	c->end[peer] = seg->seq;
	c->max_end[peer] = c->end[dir];
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

	c->side[dir] = SCALE_MAX;
	c->side[peer] = SCALE_MAX | TG_CONN_UNSEEN;
	c->max_win[dir] = seg->win > PICKUP_WINDOW ? seg->win : PICKUP_WINDOW;
	c->max_win[peer] = UINT16_MAX;
	c->end[dir] = seg->seq + seg->length;
	c->max_end[dir] = c->end[dir] + ((uint32_t)UINT16_MAX << SCALE_MAX);
	c->end[peer] = seg->ack;
	c->max_end[peer] = seg->ack + ((uint32_t)c->max_win[dir] << SCALE_MAX);
	c->flags |= TG_CONN_LIBERAL;
}

/* The first segment of the other side of a connection that was picked up. */
static void learn_unseen(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	unsigned int peer = dir ^ 1;

	c->side[dir] &= (uint8_t)~TG_CONN_UNSEEN;
	c->max_win[dir] = seg->win > PICKUP_WINDOW ? seg->win : PICKUP_WINDOW;
	c->max_end[peer] = c->end[peer];
	allow(c, peer, ack + ((uint32_t)c->max_win[dir] << SCALE_MAX));
}

/* Past the handshake: the connection was not picked up just now, but lost sight of. */
static bool out_of_sight(const struct tg_conn *c, unsigned int dir)
{
	return (c->side[dir] & TG_CONN_UNSEEN) && c->state != TG_CONN_SYN_RECV;
}

void tg_tcp_lose_sight(struct tg_conn *c)
{
	if (c->state == TG_CONN_SYN_SENT || c->state == TG_CONN_SYN_RECV)
		return;
	c->side[0] |= TG_CONN_UNSEEN;
	c->side[1] |= TG_CONN_UNSEEN;
}

/*
 * What the other side has acknowledged since it was seen again was sent: a segment below that is an
 * old one. A FIN may be a guess as well as the next thing to come: it counts when it is
 * acknowledged.
 */
static void regain_sight(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	const unsigned int peer = dir ^ 1;
	const bool peer_seen = (c->side[peer] & TG_CONN_UNSEEN) == 0;
	const uint32_t win = (uint32_t)c->max_win[peer] << (c->side[peer] & TG_CONN_SCALE);
	const uint32_t end = seg->seq - ((seg->flags & TG_TCP_FIN) != 0);

	c->side[dir] &= (uint8_t)~TG_CONN_UNSEEN;
	if (!peer_seen || after(end, c->end[dir])) {
		c->end[dir] = end;
		c->max_end[dir] = seg->seq + win;
	}
	if (!peer_seen)
		c->end[peer] = c->max_end[peer] = ack;
	else if (after(ack, c->end[peer]))
		c->end[peer] = ack;
	else
		c->max_end[peer] = c->end[peer]; /* was a guess: now it is told what it allows */
}

/* The SYN that `pending` remembers. */
static struct tg_segment noted_syn(const struct tg_conn_pending *pending)
{
	return (struct tg_segment){
		.seq = pending->end - pending->length,
		.length = pending->length,
		.win = pending->win,
		.flags = TG_TCP_SYN,
		.scale = pending->scale,
	};
}

static void note_syn(
	struct tg_conn_pending *pending, unsigned int dir, const struct tg_segment *seg)
{
	pending->end = seg->seq + seg->length;
	pending->length = (uint16_t)seg->length; /* of one datagram */
	pending->win = seg->win;
	pending->scale = seg->scale;
	pending->dir = (uint8_t)dir;
}

/* The second SYN of a handshake, with or without ACK: scaling counts only if both offer it. */
static void learn_peer(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int first = dir ^ 1;
	bool offered = (c->side[dir] & TG_CONN_SCALE) != TG_CONN_SCALE;
	uint32_t first_win = c->max_win[first], data;
	uint8_t scale = 0;

	c->side[dir] = 0;
	if (offered && seg->scale != TG_TCP_NO_SCALE) {
		c->side[dir] = scale = seg->scale;
		c->max_win[first] = as_scaled(first_win, c->side[first] & TG_CONN_SCALE);
	} else {
		c->side[first] = 0;
	}
	c->max_win[dir] = as_scaled(seg->win, scale);
	c->end[dir] = seg->seq + seg->length;
	c->max_end[dir] = seg->seq + 1 + first_win;
	c->max_end[first] = c->end[first];
	if (!(seg->flags & TG_TCP_ACK))
		return;
	allow(c, first, seg->ack + seg->win);
	/* Data in the SYN (RFC 7413) has not asked for a window. If it is not acknowledged, it will
	 * be sent again. */
	data = as_scaled(c->end[first] - seg->ack, scale);
	if (data > c->max_win[dir])
		c->max_win[dir] = (uint16_t)data;
}

/* Does `seg` acknowledge the SYN that tg_tcp_open saw, and nothing more than came with it? */
static bool acknowledges_syn(
	const struct tg_conn *c, unsigned int first, const struct tg_segment *seg)
{
	return (seg->flags & TG_TCP_ACK) && after(seg->ack, c->end[first ^ 1]) &&
	       !after(seg->ack, c->end[first]);
}

/*
 * The first SYN again. It may come without the options or the data that nobody answered; the answer
 * to either is right.
 */
static void syn_again(struct tg_conn *c, unsigned int first, const struct tg_segment *seg)
{
	if (after(seg->seq + seg->length, c->end[first]))
		c->end[first] = c->max_end[first] = seg->seq + seg->length;
	if (seg->win > c->max_win[first])
		c->max_win[first] = seg->win;
	if (seg->scale != TG_TCP_NO_SCALE) {
		c->side[first] = seg->scale;
		c->side[first ^ 1] &= (uint8_t)~TG_CONN_SCALE;
	}
}

static enum tg_tcp_result syn_sent_initiator(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int first, const struct tg_segment *seg, uint8_t *state, bool *refresh)
{
	const uint8_t syn_ack = TG_TCP_SYN | TG_TCP_ACK;
	unsigned int peer = first ^ 1;
	struct tg_segment syn;

	if ((seg->flags & syn_ack) == TG_TCP_SYN) {
		if (seg->seq != c->end[peer])
			return TG_TCP_JUDGE;
		syn_again(c, first, seg);
		return TG_TCP_PASS;
	}
	if ((seg->flags & syn_ack) == syn_ack && (c->side[peer] & TG_CONN_NOTED) &&
		seg->seq == c->end[peer] && seg->ack == pending->end) {
		syn = noted_syn(pending);
		learn_peer(c, peer, &syn);
		allow_by_syn(c, first, seg);
		*state = TG_CONN_SYN_RECV;
		return TG_TCP_PASS;
	}
	if (!(seg->flags & TG_TCP_RST))
		return TG_TCP_INVALID;
	*refresh = false;
	if (seg->seq == c->end[first])
		*state = TG_CONN_CLOSED;
	else if (seg->seq != c->max_end[peer])
		return TG_TCP_INVALID; /* no answer to a challenge ACK: then the SYN stands */
	return TG_TCP_PASS;
}

static enum tg_tcp_result syn_sent_responder(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int first, const struct tg_segment *seg, uint8_t *state, bool *refresh)
{
	unsigned int dir = first ^ 1;

	if ((seg->flags & TG_TCP_SYN) && !(seg->flags & TG_TCP_ACK)) {
		/* Whoever can guess the ports can send it: what is true the answers say. */
		*refresh = false;
		note_syn(pending, dir, seg);
		c->flags &= (uint8_t)~TG_CONN_PENDING;
		c->side[dir] |= TG_CONN_NOTED;
		return TG_TCP_PASS;
	}
	if (seg->flags & (TG_TCP_SYN | TG_TCP_RST)) {
		if (!acknowledges_syn(c, first, seg))
			return TG_TCP_INVALID;
		if (seg->flags & TG_TCP_SYN)
			learn_peer(c, dir, seg);
		else
			*refresh = false;
		*state = seg->flags & TG_TCP_SYN ? TG_CONN_SYN_RECV : TG_CONN_CLOSED;
		return TG_TCP_PASS;
	}
	*refresh = false;
	if (seg->length != 0)
		return TG_TCP_INVALID;
	c->max_end[dir] = seg->ack; /* a challenge ACK of what only the other side remembers */
	return TG_TCP_PASS;
}

/* An answer to the SYN that `pending` remembers: `flags` beside ACK. */
static bool answers(const struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, uint8_t flags)
{
	flags |= TG_TCP_ACK;
	return (c->flags & TG_CONN_PENDING) && pending->dir != dir &&
	       (seg->flags & flags) == flags && after(seg->ack, pending->end - pending->length) &&
	       !after(seg->ack, pending->end);
}

bool tg_tcp_answers(const struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg)
{
	return answers(c, pending, dir, seg, TG_TCP_SYN);
}

void tg_tcp_adopt(struct tg_conn *c, const struct tg_conn_pending *pending)
{
	struct tg_segment syn = noted_syn(pending);

	tg_tcp_open(c, pending->dir, &syn);
}

/* Its receiver knows that this side has sent everything. */
static bool silent(const struct tg_conn *c, unsigned int dir)
{
	return (c->side[dir] & SILENT) == SILENT;
}

static uint8_t closing_state(const struct tg_conn *c)
{
	if (silent(c, 0) && silent(c, 1))
		return TG_CONN_TIME_WAIT;
	if (c->side[0] & c->side[1] & TG_CONN_FIN)
		return TG_CONN_CLOSING;
	if ((c->side[0] | c->side[1]) & TG_CONN_FIN)
		return TG_CONN_FIN_WAIT;
	if ((c->side[0] | c->side[1]) & TG_CONN_FIN_AHEAD)
		return TG_CONN_FIN_SEEN;
	return TG_CONN_ESTABLISHED;
}

/*
 * `sent`: the end of what this side had sent before. A FIN behind that is the last thing to come;
 * one further ahead may be a guess, and waits until it is acknowledged. That none of them was one
 * shows when there is data in its place or beyond. Where windows are not checked every FIN counts.
 */
static void note_fin(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg,
	uint32_t sent, bool liberal)
{
	uint32_t end = seg->seq + seg->length;
	bool fin = (seg->flags & TG_TCP_FIN) != 0, on = after(end, sent);

	if (fin)
		allow(c, dir, c->end[dir]); /* some stacks send it into a full window */
	if (silent(c, dir))
		return;
	if (liberal ? fin : on || (!fin && seg->length != 0 && end == sent))
		c->side[dir] &= (uint8_t)~SILENT;
	if (fin && (liberal || on))
		c->side[dir] |= liberal || !after(seg->seq, sent) ? TG_CONN_FIN : TG_CONN_FIN_AHEAD;
}

static void note_fin_ack(struct tg_conn *c, unsigned int dir, uint32_t ack)
{
	unsigned int peer = dir ^ 1;

	if ((c->side[peer] & SILENT) && ack == c->end[peer])
		c->side[peer] |= SILENT;
}

bool tg_tcp_reopens(const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	return c->state == TG_CONN_CLOSED ||
	       (c->state == TG_CONN_TIME_WAIT && !after(c->end[dir], seg->seq));
}

void tg_tcp_pend(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_segment *seg)
{
	note_syn(pending, dir, seg);
	c->flags |= TG_CONN_PENDING;
	c->side[0] &= (uint8_t)~TG_CONN_NOTED;
	c->side[1] &= (uint8_t)~TG_CONN_NOTED;
}

/* A SYN without ACK on an entry that is past SYN_SENT. */
static enum tg_tcp_result late_syn(
	const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	/* The first one again, perhaps without its data: its answer is on the way. */
	if (c->state == TG_CONN_SYN_RECV &&
		(seg->seq + seg->length == c->end[dir] || seg->seq + 1 == c->end[dir]))
		return TG_TCP_PASS;
	return TG_TCP_JUDGE;
}

static enum tg_tcp_result syn_sent(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, uint8_t *state, bool *refresh)
{
	unsigned int first = tg_conn_initiator(c);

	return dir == first ? syn_sent_initiator(c, pending, first, seg, state, refresh)
			    : syn_sent_responder(c, pending, first, seg, state, refresh);
}

/* Before the initiator has answered a SYN-ACK there may be another one, to the same SYN. */
static bool other_syn_ack(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_segment *seg)
{
	if (c->state != TG_CONN_SYN_RECV || dir == tg_conn_initiator(c) ||
		(c->flags & (TG_CONN_LIBERAL | TG_CONN_PENDING)) || seg->ack != c->end[dir ^ 1] ||
		seg->seq + seg->length == c->end[dir])
		return false;
	note_syn(pending, dir, seg);
	c->side[dir] |= TG_CONN_NOTED;
	return true;
}

/* The initiator has taken the other one of two SYN-ACKs. */
static void choose_syn_ack(struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg)
{
	unsigned int peer = dir ^ 1;

	if (c->state != TG_CONN_SYN_RECV || dir != tg_conn_initiator(c) ||
		!(c->side[peer] & TG_CONN_NOTED) || !(seg->flags & TG_TCP_ACK) ||
		seg->ack != pending->end)
		return;
	c->max_end[peer] += pending->end - c->end[peer];
	c->end[peer] = pending->end;
	c->side[peer] &= (uint8_t)~TG_CONN_NOTED;
}

static bool in_window(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	unsigned int peer = dir ^ 1;
	uint32_t end = c->end[peer];

	if ((c->flags & TG_CONN_LIBERAL) && after(ack, end) && !after(ack, c->max_end[peer]))
		c->end[peer] = ack;
	if (tg_tcp_in_window(c, dir, seg, ack))
		return true;
	c->end[peer] = end;
	return false;
}

/*
 * Nothing new comes from a side that has closed and been heard, or has reset; its segments may come
 * again, or late. Where not everything is seen it cannot be told what is new.
 */
static bool after_the_end(const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	return silent(c, dir) && !(c->flags & TG_CONN_LIBERAL) && !(seg->flags & TG_TCP_RST) &&
	       after(seg->seq + seg->length, c->end[dir]);
}

/*
 * A reset below what its receiver has acknowledged (RFC 5961 section 3.2), as far as that can be
 * told: what was allowed last is at most the largest window above it. A FIN may be allowed more.
 */
static bool heard_already(const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	unsigned int peer = dir ^ 1;
	uint32_t win = (uint32_t)c->max_win[peer] << (c->side[peer] & TG_CONN_SCALE);

	return !(c->flags & TG_CONN_LIBERAL) && !(c->side[dir] & SILENT) &&
	       !(c->side[peer] & TG_CONN_UNSEEN) && after(c->max_end[dir] - win, seg->seq);
}

/* Both sides may go on. */
static bool open_state(uint8_t state)
{
	return state == TG_CONN_ESTABLISHED || state == TG_CONN_FIN_SEEN;
}

/*
 * Only the exact number closes at the receiver; about another one in the window it asks back
 * (RFC 5961 section 3), and a sender who has closed repeats the reset with the number that it is
 * told. Exact is the end of what was sent or, after an inexact one, what the receiver told since.
 */
static enum tg_tcp_result reset(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, uint8_t *state)
{
	bool told = c->state == TG_CONN_RESET_SEEN && (c->side[dir] & TG_CONN_NOTED) &&
		    seg->seq == pending->end;

	if (seg->seq == c->end[dir] || told) {
		*state = TG_CONN_CLOSED;
		c->side[dir] |= SILENT;
	} else if ((open_state(c->state) || c->state == TG_CONN_RESET_SEEN) &&
		   !(c->flags & TG_CONN_PENDING)) {
		*state = TG_CONN_RESET_SEEN;
		pending->dir = (uint8_t)dir;
		c->side[0] &= (uint8_t)~TG_CONN_NOTED;
		c->side[1] &= (uint8_t)~TG_CONN_NOTED;
	}
	return TG_TCP_PASS;
}

/* Another segment after an inexact reset. */
static void after_reset(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	uint32_t ack, uint8_t *state)
{
	if (!open_state(*state) || (c->flags & TG_CONN_PENDING) || pending->dir == dir)
		return; /* it lives, or is closed in another way */
	pending->end = ack;
	c->side[dir ^ 1] |= TG_CONN_NOTED;
	*state = TG_CONN_RESET_SEEN;
}

/* A SYN-ACK past SYN_SENT. Only as long as the handshake goes on it tells anything. */
static void syn_ack_again(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg)
{
	if (c->state == TG_CONN_SYN_RECV)
		allow_by_syn(c, dir, seg);
}

/* Both sides have agreed, the initiator with the last word. */
static bool handshake_over(const struct tg_conn *c, unsigned int dir, bool learnt)
{
	if (c->state != TG_CONN_SYN_RECV)
		return true;
	if ((c->side[0] | c->side[1]) & TG_CONN_UNSEEN)
		return false;
	return learnt || dir == tg_conn_initiator(c);
}

static enum tg_tcp_result follow(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, uint32_t ack, bool liberal, uint8_t *state,
	bool *refresh)
{
	bool unseen = (c->side[dir] & TG_CONN_UNSEEN) != 0;
	uint32_t sent = c->end[dir];

	if (unseen)
		learn_unseen(c, dir, seg, ack);
	tg_tcp_update(c, dir, seg, ack);
	if (c->state == TG_CONN_CLOSED || c->state == TG_CONN_TIME_WAIT) {
		*refresh = false;
		return TG_TCP_PASS;
	}
	if (!handshake_over(c, dir, unseen))
		return TG_TCP_PASS;
	note_fin(c, dir, seg, sent, liberal);
	note_fin_ack(c, dir, ack);
	*state = closing_state(c);
	if (c->state == TG_CONN_RESET_SEEN)
		after_reset(c, pending, dir, ack, state);
	return TG_TCP_PASS;
}

enum tg_tcp_result tg_tcp_segment(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, bool liberal, uint8_t *state, bool *refresh)
{
	const bool rst = (seg->flags & TG_TCP_RST) != 0, syn = (seg->flags & TG_TCP_SYN) != 0;
	/* What a reset acknowledges its receiver does not look at (RFC 9293 section 3.10.7.4). */
	uint32_t ack = (seg->flags & TG_TCP_ACK) && !rst ? seg->ack : c->end[dir ^ 1];

	*state = c->state;
	*refresh = !rst;
	if (rst && answers(c, pending, dir, seg, TG_TCP_RST)) {
		*state = TG_CONN_CLOSED; /* nobody there remembers the connection */
		return TG_TCP_PASS;
	}
	if (c->state == TG_CONN_SYN_SENT)
		return syn_sent(c, pending, dir, seg, state, refresh);
	if (syn && !(seg->flags & TG_TCP_ACK))
		return late_syn(c, dir, seg);
	if (syn && other_syn_ack(c, pending, dir, seg))
		return TG_TCP_PASS;
	choose_syn_ack(c, pending, dir, seg);
	if (out_of_sight(c, dir) && !syn) {
		if (rst) {
			c->end[dir] = seg->seq + 1; /* not exact, whatever it was */
			return reset(c, pending, dir, seg, state);
		}
		regain_sight(c, dir, seg, ack);
	}
	if (!liberal && (!in_window(c, dir, seg, ack) || after_the_end(c, dir, seg) ||
				(rst && heard_already(c, dir, seg))))
		return TG_TCP_INVALID;
	if (rst)
		return reset(c, pending, dir, seg, state);
	if (syn && !(c->side[dir] & TG_CONN_UNSEEN)) {
		syn_ack_again(c, dir, seg);
		return TG_TCP_PASS;
	}
	return follow(c, pending, dir, seg, ack, liberal, state, refresh);
}

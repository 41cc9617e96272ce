/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP as a bystander sees it (RFC 9293): the state of the handshake, and which sequence numbers
 * are believable (van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2001). A segment
 *
 * - begins at or below what the receiver has allowed at any time: it may go on beyond that, as
 *   probes of a closed window do, and a window that shrinks takes nothing back;
 * - ends no more than the largest window below the end of what was sent already, and an octet for
 *   the FIN or probe that may have been sent beyond a full window;
 * - acknowledges nothing that was not sent;
 * - acknowledges no less than twice the largest window below what was sent. RFC 5961 section 5
 *   allows one window below what is acknowledged, and no more than another one is in flight.
 *
 * Selective acknowledgements (RFC 2018, 2883) need no allowance: the acknowledgement beside them
 * is within these bounds whatever was lost.
 */
#ifndef TG_CONN_TCP_H
#define TG_CONN_TCP_H

#include "conn.h"

#define TG_TCP_FIN 0x01u
#define TG_TCP_SYN 0x02u
#define TG_TCP_RST 0x04u
#define TG_TCP_PSH 0x08u
#define TG_TCP_ACK 0x10u
#define TG_TCP_URG 0x20u

#define TG_TCP_NO_SCALE 0xffu

/* A segment as parsed, host order. */
struct tg_segment {
	uint32_t seq;
	uint32_t ack;
	uint32_t length; /* sequence numbers it takes: payload, SYN and FIN */
	uint16_t win;	 /* as on the wire */
	uint8_t flags;	 /* TG_TCP_* */
	uint8_t scale;	 /* of a SYN: 0..14, or TG_TCP_NO_SCALE */
};

enum tg_tcp_result {
	TG_TCP_PASS,
	TG_TCP_INVALID,
	TG_TCP_JUDGE, /* a SYN: to be judged afresh; see tg_tcp_reopens */
};

/* Combinations that no stack sends. */
bool tg_tcp_flags_valid(uint8_t flags);

/* A new entry by its first SYN. */
void tg_tcp_open(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg);
/*
 * By a segment in mid-stream (either direction), in a state that the caller sets to SYN_RECV: the
 * other side's first segment makes it ESTABLISHED. Windows count as if both sides had the largest
 * scale that there is.
 */
void tg_tcp_pickup(struct tg_conn *c, unsigned int dir, const struct tg_segment *seg);

/*
 * A segment of a live connection; `pending` is its cold part's. With PASS, *state is the state that
 * follows (the caller stores it) and *refresh whether the segment keeps the connection alive.
 * Windows are updated unless INVALID. `liberal` skips the window check.
 */
enum tg_tcp_result tg_tcp_segment(struct tg_conn *c, struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg, bool liberal, uint8_t *state,
	bool *refresh);
/*
 * After JUDGE and an allowing verdict: true: the old connection is over, the SYN starts a new one.
 * That is so in TIME_WAIT when its number is above the old ones (RFC 9293 section 3.6.1; the server
 * may accept others by their timestamps, RFC 6191, and says so by answering). False: the old one
 * may still live; tg_tcp_pend notes the SYN, which becomes the connection when a SYN-ACK answers it
 * (tg_tcp_answers, then tg_tcp_adopt and tg_tcp_segment again).
 */
bool tg_tcp_reopens(const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg);
void tg_tcp_pend(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_segment *seg);
bool tg_tcp_answers(const struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_segment *seg);
void tg_tcp_adopt(struct tg_conn *c, const struct tg_conn_pending *pending);

/*
 * Segments of both sides pass elsewhere for a while. The next one of each side that is seen tells
 * its numbers anew; a reset tells none, and closes nothing until they are known.
 */
void tg_tcp_lose_sight(struct tg_conn *c);

static inline bool tg_tcp_in_window(
	const struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	unsigned int peer = dir ^ 1;
	uint32_t peer_win = (uint32_t)c->max_win[peer] << (c->side[peer] & TG_CONN_SCALE);
	uint32_t behind = (uint32_t)c->max_win[dir] << (c->side[dir] & TG_CONN_SCALE) << 1;
	int32_t above = (int32_t)(seg->seq - c->max_end[dir]);
	int32_t below = (int32_t)(seg->seq + seg->length - c->end[dir] + peer_win + 2);
	int32_t unsent = (int32_t)(ack - c->end[peer]);
	int32_t stale = (int32_t)(ack - c->end[peer] + behind);

	return (above <= 0) & (below > 0) & (unsent <= 0) & (stale >= 0);
}

/* What a segment in the window tells about both sides. */
static inline void tg_tcp_update(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, uint32_t ack)
{
	unsigned int peer = dir ^ 1;
	uint32_t end = seg->seq + seg->length;
	uint32_t win = (uint32_t)seg->win << (c->side[dir] & TG_CONN_SCALE);
	uint32_t allowed = ack + (win != 0 ? win : 1);

	if (seg->win > c->max_win[dir])
		c->max_win[dir] = seg->win;
	if ((int32_t)(end - c->end[dir]) > 0)
		c->end[dir] = end;
	if ((int32_t)(allowed - c->max_end[peer]) > 0)
		c->max_end[peer] = allowed;
}

/*
 * The common case in line: true when the segment needs nothing but the updates it made, which are
 * those of tg_tcp_segment.
 */
static inline bool tg_tcp_established(
	struct tg_conn *c, unsigned int dir, const struct tg_segment *seg, bool liberal)
{
	if (c->state != TG_CONN_ESTABLISHED ||
		(seg->flags & (TG_TCP_SYN | TG_TCP_FIN | TG_TCP_RST | TG_TCP_ACK)) != TG_TCP_ACK)
		return false;
	if (!tg_tcp_in_window(c, dir, seg, seg->ack) && !liberal)
		return false;
	tg_tcp_update(c, dir, seg, seg->ack);
	return true;
}

#endif

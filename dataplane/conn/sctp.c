/* SPDX-License-Identifier: BSD-3-Clause */
#include "sctp.h"

#define BIT TG_SCTP_BIT
/* TG_CONN_LIBERAL: the path began with a HEARTBEAT. */

static bool in(const struct tg_sctp *s, unsigned int bits)
{
	return (s->chunks & bits) != 0;
}

static bool only(const struct tg_sctp *s, unsigned int bits)
{
	return in(s, bits) && (s->chunks & ~bits) == 0;
}

static void put_initiator(struct tg_conn *c, unsigned int dir)
{
	c->flags &= (uint8_t) ~(TG_CONN_INITIATOR | TG_CONN_PENDING);
	c->flags |= (uint8_t)(dir ? TG_CONN_INITIATOR : 0);
}

void tg_sctp_open(struct tg_conn *c, unsigned int dir, const struct tg_sctp *s)
{
	c->next_tag[0] = c->next_tag[1] = c->older_tag = 0;
	c->tag[dir] = s->tag;
	c->tag[dir ^ 1] = s->init_tag;
	put_initiator(c, dir);
	if (!in(s, BIT(INIT)))
		c->flags |= TG_CONN_LIBERAL;
}

void tg_sctp_pend(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_sctp *s)
{
	c->next_tag[dir] = 0;
	c->next_tag[dir ^ 1] = s->init_tag;
	pending->dir = (uint8_t)dir;
	c->flags |= TG_CONN_PENDING;
}

void tg_sctp_adopt(struct tg_conn *c, const struct tg_conn_pending *pending)
{
	for (unsigned int i = 0; i < 2; i++) {
		c->tag[i] = c->next_tag[i];
		c->next_tag[i] = 0;
	}
	c->older_tag = 0;
	put_initiator(c, pending->dir);
}

/* Whose tag the packet has to carry (section 8.5.1 B and C): its receiver's, or its sender's own.
 */
static unsigned int tag_of(unsigned int dir, const struct tg_sctp *s)
{
	return dir ^ (s->reflected != 0);
}

static bool carries(const struct tg_conn *c, unsigned int dir, const struct tg_sctp *s)
{
	unsigned int whose = tag_of(dir, s);

	return s->tag == c->tag[whose] ||
	       ((c->flags & (TG_CONN_LIBERAL | TG_CONN_PENDING)) == TG_CONN_LIBERAL &&
		       s->tag == c->next_tag[whose]);
}

/* `tag` is what the receiver of packets of `dir` wants; the one before may have been taken. */
static void learn_answer(struct tg_conn *c, uint32_t *known, uint32_t tag)
{
	if (*known != 0 && *known != tag)
		c->older_tag = *known;
	*known = tag;
}

/* The cookie of one of the answers comes back: that one it was. */
static bool takes_answer(struct tg_conn *c, uint32_t *known, uint32_t tag)
{
	if (tag != *known && tag != c->older_tag)
		return false;
	*known = tag;
	return true;
}

/* Packets of the association that the pending INIT asks for. */
static enum tg_sctp_result restart(struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_sctp *s)
{
	unsigned int first = pending->dir;

	if (!(c->flags & TG_CONN_PENDING))
		return TG_SCTP_INVALID;
	if (dir == first)
		return c->next_tag[first] != 0 && in(s, BIT(COOKIE_ECHO)) &&
				       takes_answer(c, &c->next_tag[first], s->tag)
			       ? TG_SCTP_PASS
			       : TG_SCTP_INVALID;
	if (s->tag != c->next_tag[dir] || s->reflected)
		return TG_SCTP_INVALID;
	if (in(s, BIT(INIT_ACK))) {
		learn_answer(c, &c->next_tag[first], s->init_tag);
		return TG_SCTP_PASS;
	}
	if (in(s, BIT(ABORT)))
		c->flags &= (uint8_t)~TG_CONN_PENDING;
	if (in(s, BIT(ABORT) | BIT(ERROR)))
		return TG_SCTP_PASS;
	return c->next_tag[first] != 0 ? TG_SCTP_ADOPT : TG_SCTP_INVALID;
}

/*
 * Section 8.5.1 E: a peer that is shutting down an association of which nobody else knows any more
 * answers an INIT by SHUTDOWN ACK, and is told that it is over.
 */
static bool old_shutdown(struct tg_conn *c, unsigned int dir, const struct tg_sctp *s)
{
	unsigned int first = tg_conn_initiator(c);

	if (c->flags & TG_CONN_PENDING)
		return false;
	if (dir == first)
		return only(s, BIT(SHUTDOWN_COMPLETE)) && s->reflected &&
		       s->tag == c->next_tag[dir ^ 1];
	if (!only(s, BIT(SHUTDOWN_ACK)))
		return false;
	c->next_tag[dir] = s->tag;
	return true;
}

static enum tg_sctp_result unknown_tag(struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_sctp *s)
{
	const unsigned int probe = BIT(HEARTBEAT) | BIT(HEARTBEAT_ACK);

	if ((c->flags & (TG_CONN_LIBERAL | TG_CONN_PENDING)) == TG_CONN_LIBERAL && only(s, probe)) {
		c->next_tag[dir] = s->tag;
		return TG_SCTP_PASS;
	}
	if ((c->state == TG_CONN_SCTP_COOKIE_WAIT || c->state == TG_CONN_SCTP_COOKIE_ECHOED) &&
		old_shutdown(c, dir, s))
		return TG_SCTP_PASS;
	return restart(c, pending, dir, s);
}

/* Only the initiator has spoken, and by HEARTBEAT. */
static enum tg_sctp_result heartbeat_sent(
	struct tg_conn *c, unsigned int dir, const struct tg_sctp *s, uint8_t *state, bool *refresh)
{
	unsigned int first = tg_conn_initiator(c);

	if (in(s, BIT(ABORT))) {
		if (!carries(c, dir, s))
			return TG_SCTP_INVALID;
		*state = TG_CONN_SCTP_CLOSED;
		return TG_SCTP_PASS;
	}
	if (!only(s, BIT(HEARTBEAT) | BIT(HEARTBEAT_ACK)) ||
		(dir == first && in(s, BIT(HEARTBEAT_ACK)) && c->tag[dir ^ 1] == 0))
		return TG_SCTP_INVALID;
	if (s->tag != c->tag[dir]) {
		c->next_tag[dir] = c->tag[dir];
		c->tag[dir] = s->tag;
	}
	*refresh = dir == first;
	if (in(s, BIT(HEARTBEAT_ACK)))
		*state = TG_CONN_SCTP_ESTABLISHED;
	return TG_SCTP_PASS;
}

/* There may be no more than an INIT; the other side's answers are not known to have arrived. */
static enum tg_sctp_result cookie_wait(
	struct tg_conn *c, unsigned int dir, const struct tg_sctp *s, uint8_t *state)
{
	unsigned int first = tg_conn_initiator(c);

	if (in(s, BIT(ABORT)))
		*state = TG_CONN_SCTP_CLOSED;
	else if (in(s, BIT(COOKIE_ECHO)) && c->tag[first] != 0)
		*state = TG_CONN_SCTP_COOKIE_ECHOED;
	else if (in(s, BIT(INIT_ACK)) && dir != first)
		learn_answer(c, &c->tag[first], s->init_tag);
	else if (!in(s, BIT(ERROR) | BIT(INIT_ACK)))
		return TG_SCTP_INVALID;
	return TG_SCTP_PASS;
}

static enum tg_sctp_result moves_on(const struct tg_conn *c, unsigned int dir,
	const struct tg_sctp *s, uint8_t *state, bool *refresh)
{
	const unsigned int answers = BIT(INIT_ACK) | BIT(ERROR);

	if (in(s, BIT(SHUTDOWN_COMPLETE)) && c->state != TG_CONN_SCTP_SHUTDOWN_ACK &&
		c->state != TG_CONN_SCTP_CLOSED)
		return TG_SCTP_INVALID; /* section 8.5.1 C */
	if (c->state == TG_CONN_SCTP_CLOSED)
		*refresh = false;
	else if (in(s, BIT(ABORT) | BIT(SHUTDOWN_COMPLETE)))
		*state = TG_CONN_SCTP_CLOSED;
	else if (c->state == TG_CONN_SCTP_COOKIE_ECHOED) {
		/* Whatever the responder sends, it has taken the cookie. */
		if (in(s, BIT(COOKIE_ACK)) || (dir != tg_conn_initiator(c) && !in(s, answers)))
			*state = TG_CONN_SCTP_ESTABLISHED;
	} else if (in(s, BIT(SHUTDOWN_ACK))) {
		*state = TG_CONN_SCTP_SHUTDOWN_ACK;
	} else if (in(s, BIT(SHUTDOWN)) && c->state == TG_CONN_SCTP_ESTABLISHED) {
		*state = TG_CONN_SCTP_SHUTDOWN;
	}
	return TG_SCTP_PASS;
}

enum tg_sctp_result tg_sctp_packet(struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_sctp *s, uint8_t *state, bool *refresh)
{
	unsigned int first = tg_conn_initiator(c);

	*state = c->state;
	*refresh = true;
	if (in(s, BIT(INIT))) /* the first one again, or another */
		return c->state == TG_CONN_SCTP_COOKIE_WAIT && dir == first &&
				       s->init_tag == c->tag[dir ^ 1]
			       ? TG_SCTP_PASS
			       : TG_SCTP_JUDGE;
	if (c->state == TG_CONN_SCTP_HEARTBEAT)
		return heartbeat_sent(c, dir, s, state, refresh);
	if (c->state == TG_CONN_SCTP_COOKIE_WAIT && dir == first && in(s, BIT(COOKIE_ECHO)) &&
		c->tag[first] != 0 && takes_answer(c, &c->tag[first], s->tag)) {
		*state = TG_CONN_SCTP_COOKIE_ECHOED;
		return TG_SCTP_PASS;
	}
	if (!carries(c, dir, s)) {
		*refresh = false;
		return unknown_tag(c, pending, dir, s);
	}
	if (c->state == TG_CONN_SCTP_COOKIE_WAIT)
		return cookie_wait(c, dir, s, state);
	return moves_on(c, dir, s, state, refresh);
}

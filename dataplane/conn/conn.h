/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection: a hot entry that every packet of it touches, and a cold one beside it.
 *
 * Key. The two ends are ordered by (address, port), so that both directions have the same key;
 * `dir` of a packet is 0 when its source is the lower end (index 0 of all pairs below), else 1.
 * Addresses are in network order, ports in host order. Protocols without ports have 0. An echo
 * request goes from port `identifier` to port `type of the request`, its reply the other way, so
 * two hosts that ping each other with one identifier are two connections.
 *
 * An IPv4 entry is one cache line, an IPv6 entry an aligned pair of them; both end in the same
 * struct tg_conn, and all code but the table's works on that alone.
 */
#ifndef TG_CONN_H
#define TG_CONN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timeout.h"

/* struct tg_conn.flags */
#define TG_CONN_INITIATOR (1u << 0) /* the direction of the initiator's packets */
#define TG_CONN_END (1u << 1)	    /* the end of the wire where the initiator is */
#define TG_CONN_LIBERAL (1u << 2)   /* not everything was seen, see tcp.c and sctp.h */
#define TG_CONN_PENDING (1u << 3)   /* a new SYN, INIT has passed; tg_conn_cold.pending */
#define TG_CONN_KEPT (1u << 4)	    /* passes only by existing-connections: keep */
/*
 * No connection but the memory of one that is over: in state CLOSED it was revoked, in TIME_WAIT it
 * ended. Nothing passes by it; its only use is that mid-stream segments are not picked up again.
 */
#define TG_CONN_BURIED (1u << 5)
/* Picked up by what claims to be a reply, and not yet answered; struct tg_conn_cold.trial. */
#define TG_CONN_TRIAL (1u << 6)
/* Half-open, it counts for the /64 of its initiator: of a stranger, who has all of that. */
#define TG_CONN_WIDE (1u << 7)

/*
 * struct tg_conn.side: window scale in the low bits, what became of this side's FIN, and what to
 * make of this side's next segment.
 */
#define TG_CONN_SCALE 0x0fu
/* Its numbers are not known: picked up by the other side's segment, or out of sight since. */
#define TG_CONN_UNSEEN (1u << 4)
#define TG_CONN_NOTED (1u << 5) /* something of it is in struct tg_conn_cold.pending, see tcp.c */
#define TG_CONN_FIN_ACKED (1u << 6)
#define TG_CONN_FIN_AHEAD TG_CONN_FIN_ACKED /* without TG_CONN_FIN: maybe a guess */
#define TG_CONN_FIN (1u << 7)

/* struct tg_conn.count: packets above, bytes below; folded when either half's top bit is set. */
#define TG_CONN_COUNT_SHIFT 36
#define TG_CONN_COUNT_PACKET (1ull << TG_CONN_COUNT_SHIFT)
#define TG_CONN_COUNT_FOLD ((1ull << 63) | (1ull << (TG_CONN_COUNT_SHIFT - 1)))

struct tg_conn {
	/* the rest of the key */
	uint16_t port[2];
	uint8_t protocol;
	uint8_t group;
	uint8_t used : 1;
	/* Not key: entries whose home is this line and that lie elsewhere. */
	uint8_t far : 7;   /* how many lie near their second home */
	uint8_t displaced; /* bit k: one lies k places on; bit 0: `far` is not 0 */
	/* pairs are by direction */
	uint32_t epoch; /* in which it was judged */
	uint32_t seen;	/* last packet, ms */
	union {
		uint32_t end[2]; /* TCP: highest sequence number sent, + 1 */
		uint32_t tag[2]; /* SCTP: what packets of this direction carry; 0: not known */
	};
	union {
		uint32_t max_end[2];  /* TCP: highest the other side has allowed */
		uint32_t next_tag[2]; /* SCTP: what they carry after a restart, see sctp.c */
	};
	union {
		uint16_t max_win[2]; /* TCP: largest window advertised, not scaled */
		uint32_t older_tag;  /* SCTP: tag of the INIT ACK before the last */
	};
	uint8_t side[2];   /* TG_CONN_SCALE, TG_CONN_UNSEEN to TG_CONN_FIN */
	uint8_t state;	   /* enum tg_conn_state */
	uint8_t flags;	   /* TG_CONN_* */
	uint64_t count[2]; /* since last folded */
};

struct tg_conn4 {
	uint32_t addr[2];
	struct tg_conn c;
};

struct tg_conn6 {
	uint8_t addr[2][16];
	uint8_t reserved[40];
	struct tg_conn c;
};

static_assert(sizeof(struct tg_conn) == 56, "connection layout");
/* What the table takes for granted where it compares keys. */
static_assert(offsetof(struct tg_conn4, c) == 8, "addresses are before the rest of the key");
static_assert(offsetof(struct tg_conn6, c) == 72, "addresses are nine words before the rest");
static_assert(sizeof(struct tg_conn4) == 64, "an IPv4 connection is one cache line");
static_assert(sizeof(struct tg_conn6) == 128, "an IPv6 connection is two cache lines");

/*
 * A SYN or INIT that passed on a live connection; it becomes the connection if it is answered in
 * the epoch it was judged in (TG_CONN_PENDING is cleared when the epoch moves on). What else it is
 * used for: tcp.c.
 */
struct tg_conn_pending {
	uint32_t end; /* sequence number after it */
	uint32_t verdict[2];
	uint16_t length; /* sequence numbers it takes */
	uint16_t win;
	uint8_t port;  /* as tg_conn_cold.port */
	uint8_t scale; /* TG_TCP_NO_SCALE: not offered */
	uint8_t dir;
	uint8_t wide; /* TG_CONN_WIDE or 0 */
};

/* What only new, re-judged and swept connections need. */
struct tg_conn_cold {
	uint32_t verdict[2]; /* verdict words by enum tg_direction */
	struct tg_conn_pending pending;
	uint32_t ns : 22;   /* slot of the namespace it counts for; 0: none */
	uint32_t port : 6;  /* index of the port that the initiator's packets come by */
	uint32_t trial : 4; /* TG_CONN_TRIAL: segments that may still pass unanswered */
};

static_assert(sizeof(struct tg_conn_cold) == 32, "the cold part is half a cache line");

/* A key as a packet has it. */
struct tg_key {
	union tg_key_addr {
		uint64_t v4; /* lower address in the low half, as loaded from the wire */
		uint64_t v6[4];
	} addr;
	uint64_t tail; /* port[0..1], protocol, group, used as struct tg_conn has them, then 0 */
};

#define TG_KEY_TAIL_MASK 0x0001ffffffffffffull

static inline uint64_t tg_key_tail(uint16_t port0, uint16_t port1, uint8_t protocol, uint8_t group)
{
	return port0 | (uint64_t)port1 << 16 | (uint64_t)protocol << 32 | (uint64_t)group << 40 |
	       1ull << 48;
}

static inline unsigned int tg_conn_initiator(const struct tg_conn *c)
{
	return c->flags & TG_CONN_INITIATOR;
}

static inline bool tg_conn_half_open(unsigned int state)
{
	static const uint32_t mask = 0
#define X(sym, key, seconds, worth, text) \
	| (TG_WORTH_##worth == TG_WORTH_HALF_OPEN ? 1u << TG_CONN_##sym : 0)
		TG_CONN_STATES(X)
#undef X
		;
	return (mask >> state) & 1;
}

/* May it go when room is short? */
static inline bool tg_conn_evictable(unsigned int state)
{
	static const uint32_t mask = 0
#define X(sym, key, seconds, worth, text) \
	| (TG_WORTH_##worth != TG_WORTH_FIRM ? 1u << TG_CONN_##sym : 0)
		TG_CONN_STATES(X)
#undef X
		;
	return (mask >> state) & 1;
}

static inline bool tg_conn_expired(
	const struct tg_conn *c, const struct tg_conn_timeouts *timeouts, uint32_t now)
{
	return now - c->seen >= timeouts->ms[c->state];
}

#endif

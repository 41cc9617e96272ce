/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP as a bystander sees it (RFC 9260): the state of an association, and the verification tags
 * that its packets must carry (section 8.5), which nobody knows who has not seen the handshake.
 *
 * A path of an association that exists (multi-homing, or after a start of the gateway) begins with
 * a HEARTBEAT. Its tags can only be believed: two of each side are, and the endpoints discard what
 * is wrong. Neither checksums nor sequence numbers are looked at.
 */
#ifndef TG_CONN_SCTP_H
#define TG_CONN_SCTP_H

#include "conn.h"

/* Chunk types, and the bits of struct tg_sctp.chunks. */
#define TG_SCTP_INIT 1
#define TG_SCTP_INIT_ACK 2
#define TG_SCTP_HEARTBEAT 4
#define TG_SCTP_HEARTBEAT_ACK 5
#define TG_SCTP_ABORT 6
#define TG_SCTP_SHUTDOWN 7
#define TG_SCTP_SHUTDOWN_ACK 8
#define TG_SCTP_ERROR 9
#define TG_SCTP_COOKIE_ECHO 10
#define TG_SCTP_COOKIE_ACK 11
#define TG_SCTP_SHUTDOWN_COMPLETE 14
#define TG_SCTP_TYPES 16
#define TG_SCTP_BIT(type) (1u << TG_SCTP_##type)

/* A packet as parsed, host order. */
struct tg_sctp {
	uint32_t tag;	    /* verification tag; 0 if and only if there is an INIT */
	uint32_t init_tag;  /* of INIT and INIT ACK, not 0 */
	uint16_t chunks;    /* bit by type; all types from TG_SCTP_TYPES on are bit 0 */
	uint16_t reflected; /* the T bit of ABORT or SHUTDOWN COMPLETE */
};

enum tg_sctp_result {
	TG_SCTP_PASS,
	TG_SCTP_INVALID,
	TG_SCTP_JUDGE, /* an INIT: to be judged afresh; see tg_sctp_pend */
	TG_SCTP_ADOPT, /* passes, as the first packet of the association of the pending INIT */
};

/* A new entry by its INIT or HEARTBEAT. */
void tg_sctp_open(struct tg_conn *c, unsigned int dir, const struct tg_sctp *s);
/*
 * A packet of a live association. With PASS, *state is the state that follows (the caller stores
 * it) and *refresh whether the packet keeps the association alive.
 */
enum tg_sctp_result tg_sctp_packet(struct tg_conn *c, const struct tg_conn_pending *pending,
	unsigned int dir, const struct tg_sctp *s, uint8_t *state, bool *refresh);
/*
 * After JUDGE and an allowing verdict, when the state is not SCTP_CLOSED: notes the INIT. The
 * association that is stays as it is, until the other side answers the cookie of the new one
 * (section 5.2.4): ADOPT, then tg_sctp_adopt.
 */
void tg_sctp_pend(struct tg_conn *c, struct tg_conn_pending *pending, unsigned int dir,
	const struct tg_sctp *s);
void tg_sctp_adopt(struct tg_conn *c, const struct tg_conn_pending *pending);

#endif

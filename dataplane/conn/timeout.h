/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a connection and how long each lasts without a packet. One list for all
 * protocols: the state alone tells the timeout and what may happen to it when room is short.
 */
#ifndef TG_CONN_TIMEOUT_H
#define TG_CONN_TIMEOUT_H

#include <stdint.h>

/*
 * What a connection is worth when others need its place. HALF_OPEN: nobody has answered; counted,
 * limited, first to go. WEAK: a sender who never sees an answer can bring it about, or it is over;
 * goes when its table is full. FIRM: stays.
 */
enum tg_conn_worth { TG_WORTH_FIRM, TG_WORTH_HALF_OPEN, TG_WORTH_WEAK };

/* X(SYMBOL, "configuration key", default seconds, worth, text) */
#define TG_CONN_STATES(X)                                                                          \
	X(FREE, "free", 0, FIRM, "no connection")                                                  \
	X(SYN_SENT, "tcp-syn-sent", 30, HALF_OPEN, "SYN seen")                                     \
	X(SYN_RECV, "tcp-syn-recv", 30, HALF_OPEN, "SYN and SYN-ACK seen")                         \
	X(ESTABLISHED, "tcp-established", 86400, FIRM, "handshake complete")                       \
	X(RESET_SEEN, "tcp-reset-seen", 7440, FIRM, "a reset whose number is not exact")           \
	X(FIN_SEEN, "tcp-fin-seen", 86400, FIRM, "a FIN ahead of what was sent")                   \
	X(FIN_WAIT, "tcp-fin-wait", 600, FIRM, "one side has sent FIN")                            \
	X(CLOSING, "tcp-closing", 60, FIRM, "both sides have sent FIN")                            \
	X(TIME_WAIT, "tcp-time-wait", 30, WEAK, "both FINs are acknowledged")                      \
	X(CLOSED, "tcp-closed", 10, WEAK, "reset")                                                 \
	X(UDP_NEW, "udp-unreplied", 30, HALF_OPEN, "datagrams in one direction")                   \
	X(UDP_REPLIED, "udp-replied", 30, WEAK, "datagrams of one side, and a reply")              \
	X(UDP_STREAM, "udp-stream", 180, FIRM, "the side that began has sent after a reply")       \
	X(ICMP_NEW, "icmp-unreplied", 30, HALF_OPEN, "an echo request without reply")              \
	X(ICMP_REPLIED, "icmp-replied", 30, WEAK, "an echo request and its reply")                 \
	X(SCTP_HEARTBEAT, "sctp-heartbeat-sent", 30, HALF_OPEN, "a path probed by HEARTBEAT")      \
	X(SCTP_COOKIE_WAIT, "sctp-cookie-wait", 30, HALF_OPEN, "INIT seen")                        \
	X(SCTP_COOKIE_ECHOED, "sctp-cookie-echoed", 75, HALF_OPEN, "COOKIE ECHO seen")             \
	X(SCTP_ESTABLISHED, "sctp-established", 86400, FIRM, "the responder has taken the cookie") \
	X(SCTP_SHUTDOWN, "sctp-shutdown-sent", 300, FIRM, "one side has sent SHUTDOWN")            \
	X(SCTP_SHUTDOWN_ACK, "sctp-shutdown-ack-sent", 75, FIRM, "and the other SHUTDOWN ACK")     \
	X(SCTP_CLOSED, "sctp-closed", 10, WEAK, "SHUTDOWN COMPLETE or ABORT")                      \
	X(OTHER_NEW, "other-unreplied", 60, HALF_OPEN, "another protocol, in one direction")       \
	X(OTHER_REPLIED, "other-replied", 600, FIRM, "another protocol, both directions")

enum tg_conn_state {
#define X(sym, key, seconds, worth, text) TG_CONN_##sym,
	TG_CONN_STATES(X)
#undef X
		TG_CONN_STATE_COUNT
};

/* Milliseconds by state; each below 2^31. */
struct tg_conn_timeouts {
	uint32_t ms[TG_CONN_STATE_COUNT];
};

/* Longest timeout that a 32-bit millisecond clock can compare, less a margin for late sweeps. */
#define TG_CONN_TIMEOUT_MAX_S (20u * 86400u)

static inline void tg_conn_timeouts_default(struct tg_conn_timeouts *timeouts)
{
	static const uint32_t seconds[] = {
#define X(sym, key, seconds, worth, text) seconds,
		TG_CONN_STATES(X)
#undef X
	};

	for (unsigned int i = 0; i < TG_CONN_STATE_COUNT; i++)
		timeouts->ms[i] = seconds[i] * 1000u;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of a connection and how long each lasts without a packet. One list for all
 * protocols: the state alone tells the timeout and whether the entry is half-open.
 */
#ifndef TG_CONN_TIMEOUT_H
#define TG_CONN_TIMEOUT_H

#include <stdint.h>

/* X(SYMBOL, "configuration key", default seconds, half-open, text) */
#define TG_CONN_STATES(X)                                                            \
	X(FREE, "free", 0, 0, "no connection")                                       \
	X(SYN_SENT, "tcp-syn-sent", 30, 1, "SYN seen")                               \
	X(SYN_RECV, "tcp-syn-recv", 30, 1, "SYN and SYN-ACK seen")                   \
	X(ESTABLISHED, "tcp-established", 86400, 0, "handshake complete")            \
	X(FIN_WAIT, "tcp-fin-wait", 600, 0, "one side has sent FIN")                 \
	X(CLOSING, "tcp-closing", 60, 0, "both sides have sent FIN")                 \
	X(TIME_WAIT, "tcp-time-wait", 30, 0, "both FINs are acknowledged")           \
	X(CLOSED, "tcp-closed", 10, 0, "reset or aborted")                           \
	X(UDP_NEW, "udp-unreplied", 30, 1, "datagrams in one direction")             \
	X(UDP_REPLIED, "udp-replied", 180, 0, "datagrams in both directions")        \
	X(ICMP_NEW, "icmp-unreplied", 30, 1, "an echo request without reply")        \
	X(ICMP_REPLIED, "icmp-replied", 30, 0, "an echo request and its reply")      \
	X(SCTP_NEW, "sctp-unreplied", 30, 1, "INIT seen")                            \
	X(SCTP_REPLIED, "sctp-replied", 86400, 0, "chunks in both directions")       \
	X(OTHER_NEW, "other-unreplied", 60, 1, "another protocol, in one direction") \
	X(OTHER_REPLIED, "other-replied", 600, 0, "another protocol, both directions")

enum tg_conn_state {
#define X(sym, key, seconds, half_open, text) TG_CONN_##sym,
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
#define X(sym, key, seconds, half_open, text) seconds,
		TG_CONN_STATES(X)
#undef X
	};

	for (unsigned int i = 0; i < TG_CONN_STATE_COUNT; i++)
		timeouts->ms[i] = seconds[i] * 1000u;
}

#endif

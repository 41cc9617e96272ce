/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both processes call the reasons for which a connection is not in hardware. Values travel in
 * the statistics segment: append only, never renumber.
 */
#ifndef TIDEGATE_OFFLOAD_H
#define TIDEGATE_OFFLOAD_H

/*
 * Why a connection is in software, or was refused. X(SYMBOL, "label", "text")
 */
#define TG_OFFLOAD_REASONS(X)                                                         \
	X(NONE, "none", "in hardware")                                                \
	X(STALE, "stale", "judged before the last change of rules")                   \
	X(PROFILE, "profile", "the NIC's profile does not list what it takes")        \
	X(WIRE, "wire", "the wire's ports are not of one switch, or differ in MTU")   \
	X(LINK, "link", "a port of the wire is down")                                 \
	X(ROOM, "room", "as many are offloaded as there may be")                      \
	X(FULL, "full", "the NIC has no room")                                        \
	X(DUPLICATE, "duplicate", "such a rule is installed")                         \
	X(BUSY, "busy", "the driver could not just then")                             \
	X(UNSUPPORTED, "unsupported", "the driver refused what the profile lists")    \
	X(FAILED, "failed", "the driver failed")                                      \
	X(IDLE, "idle", "too few packets")                                            \
	X(RECALLED, "recalled", "a packet that only software can follow, or its end") \
	X(REVOKED, "revoked", "its verdict has changed")                              \
	X(LOST, "lost", "the port was stopped or reset")                              \
	X(RENEWED, "renewed", "a denial is looked at anew")

enum tg_offload_reason {
#define X(sym, label, text) TG_OFFLOAD_##sym,
	TG_OFFLOAD_REASONS(X)
#undef X
		TG_OFFLOAD_REASON_COUNT
};

/* "?" for a number that is not in the list. */
static inline const char *tg_offload_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_OFFLOAD_REASONS(X)
#undef X
	};
	return v < TG_OFFLOAD_REASON_COUNT ? labels[v] : "?";
}

static inline const char *tg_offload_text(unsigned int v)
{
	static const char *const texts[] = {
#define X(sym, label, text) text,
		TG_OFFLOAD_REASONS(X)
#undef X
	};
	return v < TG_OFFLOAD_REASON_COUNT ? texts[v] : "?";
}

#endif

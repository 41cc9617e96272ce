/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a NIC is asked to do, in terms of packets and not of any programming interface: a match on
 * one packet's headers, and what becomes of the packet. The planner makes rules, a profile says
 * whether a NIC does exactly that, the encoder puts them into rte_flow's words.
 *
 * Match. A packet matches when it is IPv4 or IPv6 as `family` says, carries `protocol` directly
 * behind the IP header (IPv4 options before, no IPv6 extension headers), is untagged when
 * `untagged`, has VLAN tags, one or more, when `tagged`, and (field & mask) == spec for each field
 * of `fields`. Fields are in network order, narrower ones in the low bits of their bytes; spec has
 * no bit that mask has not.
 *
 * Priority. 0 is the highest. Of all rules that match in a group, the one of highest priority
 * acts; two rules of one priority must not overlap.
 */
#ifndef TG_NIC_RULE_H
#define TG_NIC_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(SYMBOL, "key in profiles", bits, member of struct tg_nic_header) */
#define TG_NIC_FIELDS(X)                                \
	X(IPV4_SRC, "ipv4.src", 32, src)                \
	X(IPV4_DST, "ipv4.dst", 32, dst)                \
	X(IPV4_TTL, "ipv4.ttl", 8, ttl)                 \
	X(IPV4_IHL, "ipv4.ihl", 4, ihl)                 \
	X(IPV4_FRAGMENT, "ipv4.fragment", 14, fragment) \
	X(IPV6_SRC, "ipv6.src", 128, src)               \
	X(IPV6_DST, "ipv6.dst", 128, dst)               \
	X(IPV6_HOP_LIMIT, "ipv6.hop-limit", 8, ttl)     \
	X(TCP_SPORT, "tcp.sport", 16, sport)            \
	X(TCP_DPORT, "tcp.dport", 16, dport)            \
	X(TCP_FLAGS, "tcp.flags", 8, tcp_flags)         \
	X(UDP_SPORT, "udp.sport", 16, sport)            \
	X(UDP_DPORT, "udp.dport", 16, dport)            \
	X(SCTP_SPORT, "sctp.sport", 16, sport)          \
	X(SCTP_DPORT, "sctp.dport", 16, dport)          \
	X(ICMP_TYPE, "icmp.type", 8, icmp_type)         \
	X(ICMP_IDENT, "icmp.ident", 16, sport)          \
	X(ICMPV6_TYPE, "icmpv6.type", 8, icmp_type)

enum tg_nic_field {
#define X(sym, key, bits, member) TG_NIC_##sym,
	TG_NIC_FIELDS(X)
#undef X
		TG_NIC_FIELD_COUNT
};

/* What a rule may match of a packet; an IPv4 address is in the first 4 bytes, the rest zero. */
struct tg_nic_header {
	uint8_t src[16], dst[16];
	uint8_t sport[2], dport[2];
	uint8_t fragment[2]; /* MF and offset, as in the IPv4 header */
	uint8_t ttl;
	uint8_t ihl; /* words */
	uint8_t tcp_flags;
	uint8_t icmp_type;
};

struct tg_nic_match {
	uint8_t family;	       /* 4 or 6 */
	uint8_t protocol;      /* IP protocol; 0: any */
	bool untagged, tagged; /* neither: either */
	uint32_t fields;       /* 1 << enum tg_nic_field */
	struct tg_nic_header spec, mask;
};

/*
 * X(SYMBOL, "key in profiles"). The fates: drop, forward to the other port, leave to software, look
 * on in another group. The rest are done on the way.
 */
#define TG_NIC_ACTIONS(X)         \
	X(DROP, "drop")           \
	X(FORWARD, "forward")     \
	X(SOFTWARE, "software")   \
	X(COUNT, "count")         \
	X(AGE, "age")             \
	X(MARK, "mark")           \
	X(DEC_TTL, "dec-ttl")     \
	X(SET_MAC, "set-mac")     \
	X(SET_IPV4, "set-ipv4")   \
	X(SET_IPV6, "set-ipv6")   \
	X(SET_PORTS, "set-ports") \
	X(JUMP, "jump")

enum tg_nic_action {
#define X(sym, key) TG_NIC_##sym,
	TG_NIC_ACTIONS(X)
#undef X
		TG_NIC_ACTION_COUNT
};

#define TG_NIC_FATES \
	(1u << TG_NIC_DROP | 1u << TG_NIC_FORWARD | 1u << TG_NIC_SOFTWARE | 1u << TG_NIC_JUMP)

/*
 * What must not be forwarded in hardware, as software has to see it, nor, of some of it, dropped. A
 * rule keeps it out by its own match (fragment and offset zero, header length 5, flags zero,
 * untagged), or says that rules of higher priority leave it to software. MISSED is of rules that
 * jump: a rule of the other group leaves to software what no other matches there. X(SYMBOL, "what
 * it keeps out")
 */
#define TG_NIC_GUARDS(X)                        \
	X(FLAGS, "SYN, FIN and RST")            \
	X(FRAGMENTS, "fragments")               \
	X(OPTIONS, "packets with IPv4 options") \
	X(LAST_HOP, "packets with a TTL of 1")  \
	X(TAGS, "tagged packets")               \
	X(MISSED, "what no rule of the group matches")

enum tg_nic_guard {
#define X(sym, what) TG_NIC_GUARD_##sym,
	TG_NIC_GUARDS(X)
#undef X
		TG_NIC_GUARD_COUNT
};

/* What is done to the packets of a connection on their way out: data, so that NAT is a row more. */
struct tg_nic_rewrite {
	uint8_t smac[6], dmac[6];   /* SET_MAC */
	uint8_t src[16], dst[16];   /* SET_IPV4, SET_IPV6 */
	uint8_t sport[2], dport[2]; /* SET_PORTS */
};

/* Where rules live: what a port receives, what it sends, or the switch between ports. */
enum tg_nic_domain { TG_NIC_INGRESS, TG_NIC_EGRESS, TG_NIC_TRANSFER, TG_NIC_DOMAIN_COUNT };

/*
 * What profiles call the IP protocols of a match. X(SYMBOL, "key", protocol). ANY is a match that
 * does not look at the protocol, OTHER one that is not among these.
 */
#define TG_NIC_PROTOCOLS(X)     \
	X(ANY, "any", 0)        \
	X(ICMP, "icmp", 1)      \
	X(TCP, "tcp", 6)        \
	X(UDP, "udp", 17)       \
	X(ICMPV6, "icmpv6", 58) \
	X(SCTP, "sctp", 132)    \
	X(OTHER, "other", 256)

enum tg_nic_protocol {
#define X(sym, key, number) TG_NIC_PROTOCOL_##sym,
	TG_NIC_PROTOCOLS(X)
#undef X
		TG_NIC_PROTOCOL_COUNT
};

struct tg_nic_rule {
	struct tg_nic_match match;
	uint32_t actions; /* 1 << enum tg_nic_action; one of TG_NIC_FATES exactly */
	uint8_t domain;	  /* enum tg_nic_domain */
	uint8_t guarded;  /* 1 << enum tg_nic_guard: what installed rules keep out of it */
	uint32_t group;
	uint32_t priority;
	uint16_t port;	/* ethdev that the packets arrive at */
	uint16_t to;	/* FORWARD: ethdev that they leave by */
	uint32_t mark;	/* MARK */
	uint32_t jump;	/* JUMP: group */
	uint32_t age_s; /* AGE: seconds without a packet */
	struct tg_nic_rewrite rewrite;
};

/* How much of a field's bits a mask may take. X(SYMBOL, "key") */
#define TG_NIC_MASKINGS(X)                                          \
	X(NEVER, "none")                                            \
	X(ZERO, "zero")	    /* all bits, which are 0 in the spec */ \
	X(EXACT, "exact")   /* all bits */                          \
	X(PREFIX, "prefix") /* from the highest bit on */           \
	X(ANY, "any")

enum tg_nic_masking {
#define X(sym, key) TG_NIC_MASK_##sym,
	TG_NIC_MASKINGS(X)
#undef X
};

/* The least that the mask of a field is in a match, ZERO aside; NEVER: no bit of it. */
enum tg_nic_masking tg_nic_match_masking(const struct tg_nic_match *match, enum tg_nic_field field);

/* Where a field lies in struct tg_nic_header, and its bits as they stand in its bytes. */
struct tg_nic_field_place {
	const char *key;
	uint16_t bits;
	uint8_t offset, size; /* bytes */
};

const struct tg_nic_field_place *tg_nic_field_place(enum tg_nic_field field);

/* What a field is of: family 0: either; protocol 0: the IP header itself. */
struct tg_nic_field_kind {
	uint8_t family, protocol;
};

const struct tg_nic_field_kind *tg_nic_field_kind(enum tg_nic_field field);
/* What profiles call things, and back; -1: nothing is called so. */
const char *tg_nic_field_name(enum tg_nic_field field);
int tg_nic_field_find(const char *key);
const char *tg_nic_action_name(enum tg_nic_action action);
int tg_nic_action_find(const char *key);
const char *tg_nic_domain_name(enum tg_nic_domain domain);
int tg_nic_domain_find(const char *key);
const char *tg_nic_protocol_name(enum tg_nic_protocol protocol);
int tg_nic_protocol_find(const char *key);
const char *tg_nic_guard_name(enum tg_nic_guard guard);
int tg_nic_guard_find(const char *key);
/* The name of a protocol's number, as of struct tg_nic_match. */
enum tg_nic_protocol tg_nic_protocol_of(uint8_t number);

/* Sets a field to a value under a mask, both of the field's size in network order. */
void tg_nic_match_set(
	struct tg_nic_match *match, enum tg_nic_field field, const void *spec, const void *mask);
/* The same with all bits of the field. */
void tg_nic_match_exact(struct tg_nic_match *match, enum tg_nic_field field, const void *spec);

/* All bits of a field, in network order, as many bytes as it has. */
void tg_nic_field_full(enum tg_nic_field field, uint8_t mask[16]);

/* Can one packet match both? */
bool tg_nic_match_overlap(const struct tg_nic_match *a, const struct tg_nic_match *b);
bool tg_nic_match_equal(const struct tg_nic_match *a, const struct tg_nic_match *b);
/* Same family, protocol, fields and masks: only the values differ. */
bool tg_nic_match_same_shape(const struct tg_nic_match *a, const struct tg_nic_match *b);

/*
 * Does the rule agree with itself: one fate, fields of its family and protocol with values within
 * their masks, actions that suit what is matched.
 */
bool tg_nic_rule_sound(const struct tg_nic_rule *rule);

/* "ipv4 tcp untagged ipv4.src=10.0.0.0/8 tcp.dport=443 tcp.flags=0x02/0x12"; cut to fit. */
#define TG_NIC_MATCH_TEXT 320
void tg_nic_match_text(const struct tg_nic_match *match, char text[TG_NIC_MATCH_TEXT]);

#endif

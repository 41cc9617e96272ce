/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdicts, drop reasons, class kinds and built-in rules: the enumerations that both processes,
 * the CLI, the metrics and the documents share. Each list is one X-macro; the counter, the
 * Prometheus label, the text of the CLI and the table in docs/ are made from it. Values travel
 * in the ruleset image and the statistics segment: append only, never renumber.
 */
#ifndef TIDEGATE_VERDICT_H
#define TIDEGATE_VERDICT_H

#include <assert.h>
#include <stdint.h>

/* X(SYMBOL, "label", "what it means") */
#define TG_ACTIONS(X)                           \
	X(DENY, "deny", "dropped and counted")  \
	X(ALLOW, "allow", "passed and counted") \
	X(AUDIT, "audit", "passed, counted and reported as would-deny")

enum tg_action {
#define X(sym, label, text) TG_ACTION_##sym,
	TG_ACTIONS(X)
#undef X
		TG_ACTION_COUNT
};

#define TG_DIRECTIONS(X)                           \
	X(EGRESS, "egress", "what leaves the pod") \
	X(INGRESS, "ingress", "what reaches the pod")

enum tg_direction {
#define X(sym, label, text) TG_##sym,
	TG_DIRECTIONS(X)
#undef X
		TG_DIRECTION_COUNT
};

/* Why a packet was dropped. Reasons of the packet itself, of the policy, of a table. */
#define TG_DROP_REASONS(X)                                                                         \
	X(NO_RULESET, "no_ruleset", "no ruleset is in force and no-ruleset is drop")               \
	X(POLICY_EGRESS, "policy_egress", "the source's egress side denies")                       \
	X(POLICY_INGRESS, "policy_ingress", "the destination's ingress side denies")               \
	X(UNKNOWN_ENDPOINT, "unknown_endpoint",                                                    \
		"an address of a pod range for which no pod is known")                             \
	X(ADDRESS_CONFLICT, "address_conflict", "several live pods claim the address")             \
	X(SERVICE_ADDRESS, "service_address",                                                      \
		"a Service address reached the gateway untranslated")                              \
	X(QUARANTINE, "quarantine", "the endpoint is quarantined")                                 \
	X(TRANSIT, "transit", "neither side is a pod or a node, and transit is not allowed")       \
	X(NODE_TRAFFIC, "node_traffic", "node traffic that no infrastructure tuple lists")         \
	X(SPOOFED, "spoofed", "a pod's source address on an outside port")                         \
	X(MARTIAN, "martian", "source equals destination, or an address that cannot be on a wire") \
	X(LINK_TRAFFIC, "link_traffic", "link-local traffic that the port's settings do not pass") \
	X(LINK_INVALID, "link_invalid",                                                            \
		"link-local traffic with a wrong hop limit, scope, size or content")               \
	X(ETHERTYPE, "ethertype", "an ethertype that the gateway does not judge")                  \
	X(MALFORMED_L2, "malformed_l2", "truncated Ethernet or VLAN header, or too many tags")     \
	X(MALFORMED_L3, "malformed_l3", "truncated or inconsistent IP header")                     \
	X(MALFORMED_L4, "malformed_l4", "truncated or inconsistent transport header")              \
	X(IP_OPTIONS, "ip_options", "source routing or an extension header that is not accepted")  \
	X(FRAGMENT_NO_FIRST, "fragment_no_first", "a fragment whose first fragment was not seen")  \
	X(FRAGMENT_OVERLAP, "fragment_overlap", "overlapping fragments")                           \
	X(FRAGMENT_SHORT, "fragment_short", "fragments that part the transport header")            \
	X(FRAGMENT_TABLE_FULL, "fragment_table_full", "no room to track the fragments")            \
	X(ICMP_UNRELATED, "icmp_unrelated", "an ICMP error that quotes no known connection")       \
	X(TCP_NO_CONNECTION, "tcp_no_connection", "a TCP packet in mid-stream without connection") \
	X(TCP_INVALID, "tcp_invalid", "flags or sequence numbers outside the connection's state")  \
	X(CONN_REVOKED, "conn_revoked", "a live connection that the ruleset no longer allows")     \
	X(CONN_TABLE_FULL, "conn_table_full", "the connection table has no room")                  \
	X(HALF_OPEN_LIMIT, "half_open_limit", "too many half-open connections")                    \
	X(HANDOFF_FULL, "handoff_full", "the ring to the owning worker is full")                   \
	X(TX_FULL, "tx_full", "the transmit queue took no more")                                   \
	X(LINK_DOWN, "link_down", "the other port of the pair is down")                            \
	X(TOO_BIG, "too_big", "longer than the MTU of the port it leaves by")                      \
	X(SCTP_NO_ASSOCIATION, "sctp_no_association", "an SCTP packet without association")        \
	X(SCTP_INVALID, "sctp_invalid", "a verification tag or chunk that the association lacks")  \
	X(NAMESPACE_LIMIT, "namespace_limit", "the namespace has as many connections as it may")

enum tg_drop_reason {
#define X(sym, label, text) TG_DROP_##sym,
	TG_DROP_REASONS(X)
#undef X
		TG_DROP_COUNT
};

/* What an address is. A class has exactly one kind. */
#define TG_CLASS_KINDS(X)                                                              \
	X(WORLD, "world", "no address of the cluster")                                 \
	X(POD, "pod", "a pod on the pod network")                                      \
	X(NODE, "node", "a node; hostNetwork pods are the node")                       \
	X(UNKNOWN, "unknown-endpoint", "inside a pod range, but no known pod's")       \
	X(SERVICE, "service", "a ClusterIP, LoadBalancer or external IP of a Service") \
	X(CONFLICT, "conflict", "claimed by several pods that cannot be told apart")   \
	X(QUARANTINE, "quarantine", "a quarantined endpoint")

enum tg_class_kind {
#define X(sym, label, text) TG_KIND_##sym,
	TG_CLASS_KINDS(X)
#undef X
		TG_KIND_COUNT
};

/*
 * Built-in rules. The value is the rule slot; policy rules begin at TG_SLOT_FIRST. Slot 0 is what
 * a zeroed word means: deny.
 */
#define TG_BUILTIN_RULES(X)                                                                        \
	X(FAIL_CLOSED, "fail-closed", "a verdict that was never written")                          \
	X(NOT_SUBJECT, "not-subject", "the address is governed by no policy in this direction")    \
	X(DEFAULT_ALLOW, "default-allow", "default-action kubernetes: no policy isolates the pod") \
	X(TRANSIT, "transit", "traffic between two addresses outside the cluster")                 \
	X(NODE_DEFAULT, "node-default", "node traffic that no infrastructure tuple lists")         \
	X(UNKNOWN_ENDPOINT, "unknown-endpoint", "an unknown address inside a pod range")           \
	X(SERVICE_ADDRESS, "service-address", "an untranslated Service address")                   \
	X(ADDRESS_CONFLICT, "address-conflict", "an address that several pods claim")              \
	X(QUARANTINE, "quarantine", "a quarantined endpoint")                                      \
	X(OWN_NODE, "own-node", "traffic from a pod's own node")                                   \
	X(RELATED_ICMP, "related-icmp", "an ICMP error that quotes an allowed connection")         \
	X(CELL_BUDGET, "cell-budget", "the namespace is over its cell budget")                     \
	X(NO_RULESET_PASS, "no-ruleset-pass", "no ruleset is in force and no-ruleset is pass")     \
	X(ARP, "arp", "ARP")                                                                       \
	X(ND, "nd", "IPv6 neighbour and router discovery")                                         \
	X(MLD, "mld", "multicast listener discovery")                                              \
	X(IGMP, "igmp", "IGMP")                                                                    \
	X(DHCPV4, "dhcpv4", "DHCP")                                                                \
	X(DHCPV6, "dhcpv6", "DHCPv6")                                                              \
	X(LACP, "lacp", "LACP and the slow protocols")                                             \
	X(LLDP, "lldp", "LLDP")                                                                    \
	X(STP, "stp", "spanning tree")                                                             \
	X(BGP, "bgp", "BGP between routers, where the port lists it")                              \
	X(BFD, "bfd", "BFD between routers, where the port lists it")                              \
	X(VRRP, "vrrp", "VRRP between routers, where the port lists it")                           \
	X(PICKUP, "pickup", "a connection found in mid-stream after a start, and judged")          \
	X(KEPT, "kept", "a live connection that only existing-connections: keep lets pass")

enum tg_builtin_rule {
#define X(sym, label, text) TG_BUILTIN_##sym,
	TG_BUILTIN_RULES(X)
#undef X
		TG_BUILTIN_COUNT
};

#define TG_SLOT_FIRST 64u /* the first slot of an image's own rules */

static_assert(TG_BUILTIN_COUNT <= TG_SLOT_FIRST, "built-in rules outgrew their slots");
static_assert(TG_DROP_COUNT <= 64, "the statistics segment has room for 64 drop reasons");

/*
 * The verdict word, as cells and port programs hold it (host order in memory, little-endian in
 * the image):
 *
 *   bits  0-23  rule slot; with EXT an index into the image's verdict extensions instead
 *   bit   24    EXT: shadow (audit) verdict or FQDN row in a verdict extension
 *   bit   25    LOG: report a flow event
 *   bits 26-27  zero
 *   bits 28-29  enum tg_action
 *   bit   30    zero
 *   bit   31    in a program reference: "this is a verdict word, not a program index"; else zero
 *
 * The word 0 is DENY by TG_BUILTIN_FAIL_CLOSED.
 */
#define TG_VERDICT_SLOT_MASK 0x00ffffffu
#define TG_VERDICT_EXT (1u << 24)
#define TG_VERDICT_LOG (1u << 25)
#define TG_VERDICT_ACTION_SHIFT 28
#define TG_VERDICT_ACTION_MASK (3u << TG_VERDICT_ACTION_SHIFT)
#define TG_PROGRAM_DIRECT (1u << 31)
#define TG_VERDICT_VALID \
	(TG_VERDICT_SLOT_MASK | TG_VERDICT_EXT | TG_VERDICT_LOG | TG_VERDICT_ACTION_MASK)

static inline uint32_t tg_verdict_make(enum tg_action action, uint32_t slot)
{
	return ((uint32_t)action << TG_VERDICT_ACTION_SHIFT) | (slot & TG_VERDICT_SLOT_MASK);
}

static inline enum tg_action tg_verdict_action(uint32_t verdict)
{
	return (enum tg_action)((verdict & TG_VERDICT_ACTION_MASK) >> TG_VERDICT_ACTION_SHIFT);
}

static inline uint32_t tg_verdict_slot(uint32_t verdict)
{
	return verdict & TG_VERDICT_SLOT_MASK;
}

/* ALLOW and AUDIT pass. */
static inline int tg_verdict_passes(uint32_t verdict)
{
	return (verdict & TG_VERDICT_ACTION_MASK) != 0;
}

/* The labels of the lists above, by value; "?" when out of range. */
static inline const char *tg_action_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_ACTIONS(X)
#undef X
	};
	return v < TG_ACTION_COUNT ? labels[v] : "?";
}

static inline const char *tg_direction_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_DIRECTIONS(X)
#undef X
	};
	return v < TG_DIRECTION_COUNT ? labels[v] : "?";
}

static inline const char *tg_drop_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_DROP_REASONS(X)
#undef X
	};
	return v < TG_DROP_COUNT ? labels[v] : "?";
}

static inline const char *tg_drop_text(unsigned int v)
{
	static const char *const texts[] = {
#define X(sym, label, text) text,
		TG_DROP_REASONS(X)
#undef X
	};
	return v < TG_DROP_COUNT ? texts[v] : "?";
}

static inline const char *tg_class_kind_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_CLASS_KINDS(X)
#undef X
	};
	return v < TG_KIND_COUNT ? labels[v] : "?";
}

static inline const char *tg_builtin_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_BUILTIN_RULES(X)
#undef X
	};
	return v < TG_BUILTIN_COUNT ? labels[v] : "?";
}

static inline const char *tg_builtin_text(unsigned int v)
{
	static const char *const texts[] = {
#define X(sym, label, text) text,
		TG_BUILTIN_RULES(X)
#undef X
	};
	return v < TG_BUILTIN_COUNT ? texts[v] : "?";
}

#endif

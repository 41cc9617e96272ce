/* SPDX-License-Identifier: BSD-3-Clause */
/* What is beside the fields of a match: tags, fragments, options, extension headers, flags. */
#include <netinet/in.h>
#include <stdio.h>

#include "bench.h"

static void tag(struct probe *p)
{
	p->tags = 1;
}

static void tag_twice(struct probe *p)
{
	p->tags = 2;
	p->outer = 0x8100;
}

static void tag_qinq(struct probe *p)
{
	p->tags = 2;
}

static void make_first(struct probe *p)
{
	p->header.fragment[0] = 0x20;
}

static void make_later(struct probe *p)
{
	p->header.fragment[1] = 8;
}

static void add_options(struct probe *p)
{
	p->header.ihl = 7;
}

static void add_hop_by_hop(struct probe *p)
{
	p->extension = PROBE_HOP_BY_HOP;
}

static void add_destination(struct probe *p)
{
	p->extension = PROBE_DESTINATION;
}

static void add_fragment(struct probe *p)
{
	p->extension = PROBE_FRAGMENT;
}

/* Another kind of the packet that a rule is for. No hazard: it must not match in any case. */
struct kind {
	const char *what;
	void (*make)(struct probe *p);
	bool strict; /* whatever hazards there are */
};

static const struct kind tags[] = {
	{"a tagged packet", tag, false},
	{"a packet with two tags of 802.1Q", tag_twice, false},
	{"a packet with tags of 802.1ad and 802.1Q", tag_qinq, false},
	{0},
};
static const struct kind fragments[] = {
	{"a first fragment", make_first, false},
	{"a later fragment", make_later, true},
	{0},
};
static const struct kind options[] = {
	{"a packet with IPv4 options", add_options, false},
	{0},
};
static const struct kind extensions[] = {
	{"a packet with a hop-by-hop header", add_hop_by_hop, false},
	{"a packet with a destination options header", add_destination, false},
	{"a first IPv6 fragment", add_fragment, false},
	{0},
};

static void try_kinds(const struct scope *scope, const char *line, const struct tg_nic_rule *rule,
	const struct kind kinds[], bool hazard)
{
	uint8_t protocol = rule->match.protocol != 0 ? rule->match.protocol : IPPROTO_UDP;
	struct probe plain = probe_of(rule->match.family, protocol);
	struct expected list[PROBES_MAX];
	uint32_t n = 0;

	expect(list, &n, &plain, true, "a plain packet");
	for (; kinds->what != NULL; kinds++) {
		struct probe probe = plain;

		kinds->make(&probe);
		expect(list, &n, &probe, false, "%s", kinds->what)->either = hazard &&
									     !kinds->strict;
	}
	trial(scope, line, rule, list, n);
}

/* The other way round: what has tags, and nothing else. */
static void try_tagged(const struct scope *scope, const struct tg_nic_rule *rule)
{
	uint8_t protocol = rule->match.protocol != 0 ? rule->match.protocol : IPPROTO_UDP;
	struct probe plain = probe_of(rule->match.family, protocol);
	struct expected list[PROBES_MAX];
	uint32_t n = 0;

	expect(list, &n, &plain, false, "a plain packet");
	for (const struct kind *kind = tags; kind->what != NULL; kind++) {
		struct probe probe = plain;

		kind->make(&probe);
		expect(list, &n, &probe, true, "%s", kind->what);
	}
	trial(scope, "tagged", rule, list, n);
}

static void check_tags(const struct scope *scope)
{
	struct tg_nic_rule rule;

	if (!rule_addressed(scope, &rule))
		return;
	try_kinds(scope, "a match without tags", &rule, tags,
		scope_hazard(scope, TG_NIC_HAZARD_VLAN_BLIND));
	rule.match.untagged = true;
	if (scope->engine->untagged)
		try_kinds(scope, "untagged", &rule, tags, false);
	rule.match.untagged = false;
	rule.match.tagged = true;
	if (scope->engine->tagged)
		try_tagged(scope, &rule);
}

static bool rule_of_ports(const struct scope *scope, uint8_t family, struct tg_nic_rule *rule)
{
	enum tg_nic_field field;
	uint8_t protocol;

	if (!scope_has_family(scope, family) || !scope_port_field(scope, &field, &protocol))
		return false;
	*rule = rule_of(scope, family, protocol);
	rule_field_exact(rule, field);
	return true;
}

/* SYN, FIN and RST are software's. */
static void check_flags(const struct scope *scope, uint8_t family)
{
	static const struct {
		uint8_t flags;
		bool hit;
		const char *what;
	} rows[] = {{0x10, true, "ACK"}, {0x18, true, "PSH+ACK"}, {0x02, false, "SYN"},
		{0x12, false, "SYN+ACK"}, {0x11, false, "FIN+ACK"}, {0x04, false, "RST"},
		{0x14, false, "RST+ACK"}, {0xc2, false, "SYN+ECE+CWR"}};
	struct tg_nic_rule rule = rule_of(scope, family, IPPROTO_TCP);
	const uint8_t none = 0, kept = 0x07;
	struct expected list[PROBES_MAX];
	uint32_t n = 0;

	if (scope->engine->masking[TG_NIC_TCP_FLAGS] != TG_NIC_MASK_ANY ||
		!scope_has_family(scope, family))
		return;
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, &none, &kept);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe probe = probe_of(family, IPPROTO_TCP);

		probe.header.tcp_flags = rows[i].flags;
		expect(list, &n, &probe, rows[i].hit, "%s", rows[i].what);
	}
	trial(scope, family == 4 ? "no SYN, FIN, RST in IPv4" : "no SYN, FIN, RST in IPv6", &rule,
		list, n);
}

void check_kinds(const struct scope *scope)
{
	struct tg_nic_rule rule;

	check_tags(scope);
	if (rule_of_ports(scope, 4, &rule)) {
		try_kinds(scope, "ports and fragments", &rule, fragments,
			scope_hazard(scope, TG_NIC_HAZARD_FRAGMENT_MATCHED));
		try_kinds(scope, "ports and IPv4 options", &rule, options,
			scope_hazard(scope, TG_NIC_HAZARD_NO_OPTIONS));
	}
	if (rule_of_ports(scope, 6, &rule))
		try_kinds(scope, "ports and extension headers", &rule, extensions,
			scope_hazard(scope, TG_NIC_HAZARD_EXTENSIONS));
	check_flags(scope, 4);
	check_flags(scope, 6);
}

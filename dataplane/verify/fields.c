/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields under each kind of mask that is listed, protocols: every neighbour by one bit. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

/* One field under one kind of mask, in IPv4 or IPv6. */
struct field_case {
	const struct scope *scope;
	enum tg_nic_field field;
	enum tg_nic_masking masking;
	uint8_t family, protocol;
};

/* The upper half of the bits, every other one, or all. */
static void make_mask(const struct field_case *c, uint8_t mask[16])
{
	const struct tg_nic_field_place *place = tg_nic_field_place(c->field);

	tg_nic_field_full(c->field, mask);
	for (unsigned int bit = 0; bit < place->bits; bit++) {
		bool out = c->masking == TG_NIC_MASK_PREFIX ? bit < place->bits / 2u
			   : c->masking == TG_NIC_MASK_ANY  ? bit % 2 != 0
							    : false;

		if (out)
			mask[place->size - 1 - bit / 8] &= (uint8_t) ~(1u << bit % 8);
	}
}

static bool is_widened(const struct field_case *c)
{
	const struct tg_nic_profile *said = c->scope->bench->config->profile;

	return c->masking >= TG_NIC_MASK_PREFIX &&
	       scope_hazard(c->scope, TG_NIC_HAZARD_MASK_WIDENED) &&
	       (said->hazards[TG_NIC_HAZARD_MASK_WIDENED].fields & BIT(c->field)) != 0;
}

static void check_case(const struct field_case *c)
{
	const struct tg_nic_field_place *place = tg_nic_field_place(c->field);
	struct tg_nic_rule rule = rule_of(c->scope, c->family, c->protocol);
	struct probe positive = probe_of(c->family, c->protocol != 0 ? c->protocol : IPPROTO_UDP);
	struct expected list[PROBES_MAX];
	uint8_t mask[16];
	uint32_t n = 0;
	char line[80];

	make_mask(c, mask);
	rule_field(&rule, c->field, mask);
	snprintf(line, sizeof(line), "%s mask %s%s", place->key, tg_nic_masking_name(c->masking),
		tg_nic_field_kind(c->field)->family != 0 ? ""
		: c->family == 4			 ? " in IPv4"
							 : " in IPv6");
	expect(list, &n, &positive, true, "the value");
	for (unsigned int bit = 0; bit < place->bits; bit++) {
		bool masked = (mask[place->size - 1 - bit / 8] >> bit % 8 & 1) != 0;
		struct probe neighbour = positive;
		struct expected *e;

		if (!probe_flip(&neighbour, c->field, bit))
			continue;
		/* What a later fragment carries is not its protocol's header. */
		if (c->field == TG_NIC_IPV4_FRAGMENT && c->protocol != 0 && !masked)
			continue;
		e = expect(list, &n, &neighbour, !masked, "a neighbour in bit %u", bit);
		e->either = masked && is_widened(c);
	}
	trial(c->scope, line, &rule, list, n);
}

/* Of the protocol that its field is of, or of any that can be named. */
static bool find_protocol(struct field_case *c)
{
	c->protocol = tg_nic_field_kind(c->field)->protocol;
	if (c->protocol == 0)
		c->protocol = scope_protocol(c->scope);
	return (c->scope->engine->protocols & BIT(tg_nic_protocol_of(c->protocol))) != 0;
}

static void check_maskings(struct field_case *c)
{
	enum tg_nic_masking most = (enum tg_nic_masking)c->scope->engine->masking[c->field];

	if (most == TG_NIC_MASK_ZERO && c->field == TG_NIC_IPV4_FRAGMENT) {
		c->masking = most;
		check_case(c);
	}
	for (int m = TG_NIC_MASK_EXACT; m <= (int)most; m++) {
		c->masking = (enum tg_nic_masking)m;
		check_case(c);
	}
}

void check_fields(const struct scope *scope)
{
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		struct field_case c = {.scope = scope, .field = (enum tg_nic_field)f};

		for (c.family = 4; c.family <= 6; c.family += 2) {
			if (scope->engine->masking[f] == TG_NIC_MASK_NEVER ||
				(tg_nic_field_kind(f)->family != 0 &&
					tg_nic_field_kind(f)->family != c.family) ||
				!scope_has_family(scope, c.family))
				continue;
			if (find_protocol(&c))
				check_maskings(&c);
			else
				line_add(scope->bench, scope, TG_VERIFY_UNTESTED,
					tg_nic_field_name(c.field),
					"no protocol that it is of is listed");
		}
	}
}

/* --- protocols --- */

/* A field that a match of the protocol may have where it needs one. */
static bool add_field(const struct scope *scope, struct tg_nic_rule *rule)
{
	static const enum tg_nic_field addresses[] = {
		TG_NIC_IPV4_DST, TG_NIC_IPV4_SRC, TG_NIC_IPV6_DST, TG_NIC_IPV6_SRC};

	if (!scope->engine->needs_field)
		return true;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (tg_nic_field_kind(addresses[i])->family == rule->match.family &&
			scope->engine->masking[addresses[i]] >= TG_NIC_MASK_EXACT) {
			rule_field_exact(rule, addresses[i]);
			return true;
		}
	return false;
}

static void check_protocol(
	const struct scope *scope, enum tg_nic_protocol protocol, uint8_t number, uint8_t family)
{
	static const uint8_t others[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, PROBE_OTHER};
	struct tg_nic_rule rule = rule_of(scope, family, number);
	struct expected list[PROBES_MAX];
	struct probe probe;
	uint32_t n = 0;
	char line[80];

	if (!add_field(scope, &rule))
		return;
	snprintf(
		line, sizeof(line), "protocol %s in IPv%u", tg_nic_protocol_name(protocol), family);
	for (size_t i = 0; i < sizeof(others); i++) {
		probe = probe_of(family, others[i]);
		expect(list, &n, &probe, number == 0 || others[i] == number, "protocol %u",
			others[i]);
	}
	probe = probe_of(family == 4 ? 6 : 4, number != 0 ? number : IPPROTO_UDP);
	expect(list, &n, &probe, false, "IPv%u", probe.family);
	trial(scope, line, &rule, list, n);
}

void check_protocols(const struct scope *scope)
{
	static const struct {
		enum tg_nic_protocol protocol;
		uint8_t number, family; /* 0: of either */
	} rows[] = {
		{TG_NIC_PROTOCOL_ANY, 0, 0},
		{TG_NIC_PROTOCOL_TCP, IPPROTO_TCP, 0},
		{TG_NIC_PROTOCOL_UDP, IPPROTO_UDP, 0},
		{TG_NIC_PROTOCOL_SCTP, IPPROTO_SCTP, 0},
		{TG_NIC_PROTOCOL_ICMP, IPPROTO_ICMP, 4},
		{TG_NIC_PROTOCOL_ICMPV6, IPPROTO_ICMPV6, 6},
		{TG_NIC_PROTOCOL_OTHER, PROBE_OTHER, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint8_t family = 4; family <= 6; family += 2)
			if ((scope->engine->protocols & BIT(rows[i].protocol)) != 0 &&
				(rows[i].family == 0 || rows[i].family == family) &&
				scope_has_family(scope, family))
				check_protocol(scope, rows[i].protocol, rows[i].number, family);
}

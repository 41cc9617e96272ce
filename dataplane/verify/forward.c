/* SPDX-License-Identifier: BSD-3-Clause */
/* Forwarding to another port of the NIC, and what is changed on the way. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const struct tg_nic_rewrite rewrite = {.smac = {2, 0, 0, 0, 0, 7},
	.dmac = {2, 0, 0, 0, 0, 8},
	.src = {0x20, 1, 0xd, 0xb9, 1, 2, 3, 4},
	.dst = {0x20, 1, 0xd, 0xba, 5, 6, 7, 8},
	.sport = {0x11, 0x12},
	.dport = {0x13, 0x14}};

/* What the packet should look like, with the number of the one that came. */
static uint16_t write_expected(const struct scope *scope, const struct tg_nic_rule *rule,
	struct probe probe, const uint8_t got[PROBE_MAX], uint8_t bytes[PROBE_MAX])
{
	bool other_mac = (rule->actions & BIT(TG_NIC_SET_MAC)) != 0;
	const uint8_t *dmac = other_mac ? rewrite.dmac : scope->bench->mac;
	size_t length = probe.family == 4 ? 4 : 16;
	uint32_t id = 0;
	uint16_t size;

	if ((rule->actions & BIT(TG_NIC_DEC_TTL)) != 0)
		probe.header.ttl--;
	if ((rule->actions & (BIT(TG_NIC_SET_IPV4) | BIT(TG_NIC_SET_IPV6))) != 0) {
		memcpy(probe.header.src, rewrite.src, length);
		memcpy(probe.header.dst, rewrite.dst, length);
	}
	if ((rule->actions & BIT(TG_NIC_SET_PORTS)) != 0) {
		memcpy(probe.header.sport, rewrite.sport, 2);
		memcpy(probe.header.dport, rewrite.dport, 2);
	}
	size = probe_write(&probe, dmac, id, bytes);
	if (probe_read_id(got, size, &id))
		probe_write(&probe, dmac, id, bytes);
	if (other_mac)
		memcpy(bytes + 6, rewrite.smac, 6);
	return size;
}

static void judge(const struct scope *scope, const char *line, const struct tg_nic_rule *rule)
{
	struct probe probe = probe_of(rule->match.family, rule->match.protocol);
	struct bench *bench = scope->bench;
	struct rule_set set = {0};
	enum installed rc = rules_add(scope, &set, rule, true);
	uint8_t expected[PROBE_MAX];
	uint16_t size, at = 0;
	struct seen seen;

	bench->catching = true;
	if (rc != INSTALLED) {
		line_add(bench, scope, rc == REFUSED ? TG_VERIFY_WRONG : TG_VERIFY_UNTESTED, line,
			"%s", set.why);
	} else if (cable_send(bench, &probe, 1, &seen) == 0) {
		size = write_expected(scope, rule, probe, seen.bytes, expected);
		while (at < size && seen.bytes[at] == expected[at])
			at++;
		if (!seen.caught || seen.software)
			line_add(bench, scope, TG_VERIFY_WRONG, line, "the packet %s",
				seen.software ? "goes to software"
					      : "does not leave by the other port");
		else if (at < size)
			line_add(bench, scope, TG_VERIFY_WRONG, line,
				"byte %u of the packet is 0x%02x, not 0x%02x", at, seen.bytes[at],
				expected[at]);
		else
			line_add(bench, scope, TG_VERIFY_OK, line, "byte for byte");
	}
	bench->catching = false;
	rules_remove(scope, &set);
}

/* Forwarding alone, and with each change that is listed. */
static void check_change(const struct scope *scope, enum tg_nic_action change, uint8_t family)
{
	enum tg_nic_field field;
	struct tg_nic_rule rule;
	struct rule_set set = {0};
	uint8_t protocol;
	char line[64];

	if (!scope_has_family(scope, family) || !scope_port_field(scope, &field, &protocol) ||
		(change == TG_NIC_SET_IPV4 && family == 6) ||
		(change == TG_NIC_SET_IPV6 && family == 4))
		return;
	rule = rule_of(scope, family, protocol);
	rule_field_exact(&rule, field);
	rule.actions = BIT(TG_NIC_FORWARD) | BIT(change);
	rule.to = scope->bench->config->other;
	rule.rewrite = rewrite;
	if (scope->bench->collecting) {
		rules_add(scope, &set, &rule, true);
		return;
	}
	snprintf(line, sizeof(line), "%s%s in IPv%u",
		change == TG_NIC_FORWARD ? "" : "forward and ", tg_nic_action_name(change), family);
	judge(scope, line, &rule);
}

void check_forward(const struct scope *scope)
{
	static const enum tg_nic_action changes[] = {TG_NIC_FORWARD, TG_NIC_DEC_TTL, TG_NIC_SET_MAC,
		TG_NIC_SET_IPV4, TG_NIC_SET_IPV6, TG_NIC_SET_PORTS};

	if (!scope_does(scope, TG_NIC_FORWARD))
		return;
	/* Between ports it is the switch's rules that forward, where there are such. */
	if (scope->domain != TG_NIC_TRANSFER &&
		(scope->engine->domains & BIT(TG_NIC_TRANSFER)) != 0)
		return;
	if (scope->bench->config->other == TG_VERIFY_NONE ||
		scope->bench->config->catcher == TG_VERIFY_NONE) {
		line_add(scope->bench, scope, TG_VERIFY_UNTESTED, "forward",
			"needs another port of the NIC and one that it is cabled to");
		return;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		for (uint8_t family = 4; family <= 6; family += 2)
			if (scope_does(scope, changes[i]))
				check_change(scope, changes[i], family);
}

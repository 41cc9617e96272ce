/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules say in rte_flow's words is what they mean. Items are read as rte_flow describes them,
 * at their widest: an item without VLAN also matches tagged packets, an L4 item also behind
 * extension headers. That has to agree with what the rule means, also on packets that are one bit
 * beside the rule.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"
#include "rule_packets.h"

#define PAIRS 400000

struct cursor {
	const uint8_t *l3, *l4;
	uint16_t ethertype;
	uint8_t protocol; /* of l4; NULL for fragments */
	bool tagged;
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void walk(const uint8_t *bytes, struct cursor *c)
{
	const uint8_t *at = bytes + 12;

	*c = (struct cursor){0};
	for (; be16(at) == 0x8100 || be16(at) == 0x88a8; at += 4)
		c->tagged = true;
	c->ethertype = be16(at);
	c->l3 = at + 2;
	if (c->ethertype == 0x0800) {
		c->protocol = c->l3[9];
		if ((be16(c->l3 + 6) & 0x1fff) == 0)
			c->l4 = c->l3 + 4 * (c->l3[0] & 0xf);
		return;
	}
	c->protocol = c->l3[6];
	c->l4 = c->l3 + 40;
	while (c->protocol == IPPROTO_DSTOPTS) {
		c->protocol = c->l4[0];
		c->l4 += 8 * (c->l4[1] + 1);
	}
}

static bool equal(const uint8_t *at, const void *spec, const void *mask, size_t n)
{
	const uint8_t *s = spec, *m = mask;

	if (s == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if ((at[i] & m[i]) != (s[i] & m[i]))
			return false;
	return true;
}

static bool ethernet(const struct rte_flow_item *item, const uint8_t *bytes, const struct cursor *c)
{
	const struct rte_flow_item_eth *spec = item->spec, *mask = item->mask;

	if (spec == NULL)
		return true;
	return equal(bytes, spec, mask, 14) && (!mask->has_vlan || spec->has_vlan == c->tagged);
}

static bool ipv6(const struct rte_flow_item *item, const struct cursor *c)
{
	static const struct rte_flow_item_ipv6 nothing;
	const struct rte_flow_item_ipv6 *mask = item->mask;

	/* Of extension headers it says nothing. */
	if (mask != NULL)
		assert_memory_equal(
			&mask->hdr + 1, &nothing.hdr + 1, sizeof(nothing) - sizeof(nothing.hdr));
	return c->ethertype == 0x86dd && equal(c->l3, item->spec, item->mask, 40);
}

static bool transport(
	const struct rte_flow_item *item, const struct cursor *c, uint8_t protocol, size_t n)
{
	return c->l4 != NULL && c->protocol == protocol && equal(c->l4, item->spec, item->mask, n);
}

static bool item_matches(
	const struct rte_flow_item *item, const uint8_t *bytes, const struct cursor *c)
{
	switch (item->type) {
	case RTE_FLOW_ITEM_TYPE_ETH:
		return ethernet(item, bytes, c);
	case RTE_FLOW_ITEM_TYPE_IPV4:
		return c->ethertype == 0x0800 && equal(c->l3, item->spec, item->mask, 20);
	case RTE_FLOW_ITEM_TYPE_IPV6:
		return ipv6(item, c);
	case RTE_FLOW_ITEM_TYPE_TCP:
		return transport(item, c, IPPROTO_TCP, 20);
	case RTE_FLOW_ITEM_TYPE_UDP:
		return transport(item, c, IPPROTO_UDP, 8);
	case RTE_FLOW_ITEM_TYPE_SCTP:
		return transport(item, c, IPPROTO_SCTP, 12);
	case RTE_FLOW_ITEM_TYPE_ICMP:
		return c->ethertype == 0x0800 && transport(item, c, IPPROTO_ICMP, 8);
	case RTE_FLOW_ITEM_TYPE_ICMP6:
		return c->ethertype == 0x86dd && transport(item, c, IPPROTO_ICMPV6, 4);
	default:
		fail_msg("item %d", item->type);
		return false;
	}
}

static bool items_match(const struct rte_flow_item *items, const uint8_t *bytes)
{
	struct cursor c;

	walk(bytes, &c);
	for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++)
		if (!item_matches(items, bytes, &c))
			return false;
	return true;
}

static void test_pairs(void **state)
{
	const struct tg_nic_engine engine = {0};
	const struct tg_encode_context context = {.engine = &engine};
	uint32_t matched = 0;

	for (uint32_t i = 0; i < PAIRS; i++) {
		struct tg_nic_rule rule = {.actions = 1u << TG_NIC_DROP};
		struct tg_encoded encoded;
		uint8_t bytes[RULE_PACKET_SIZE];
		struct rule_packet p;
		bool should;

		rule_packet_any(&p);
		rule_packet_rule(&p, &rule.match);
		rule_packet_neighbour(&p);
		rule_packet_write(&p, bytes);
		assert_true(tg_nic_rule_sound(&rule));
		assert_int_equal(tg_encode(&context, &rule, &encoded), 0);
		should = rule_packet_matches(&rule.match, &p);
		matched += should;
		if (items_match(encoded.items, bytes) != should) {
			char text[TG_NIC_MATCH_TEXT];

			tg_nic_match_text(&rule.match, text);
			fail_msg("pair %u: %s: %s", i, text, should ? "missed" : "hit");
		}
	}
	/* Both sides are seen often. */
	assert_in_range(matched, PAIRS / 5, PAIRS - PAIRS / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

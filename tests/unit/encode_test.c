/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules in rte_flow's words, written down: items byte by byte as they would stand in a packet
 * (OFFSET=value/mask), actions with what they carry. And what there are no words for.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"

#define TEXT 1024

struct text {
	char v[TEXT];
	size_t n;
};

static void say(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text->n += (size_t)vsnprintf(text->v + text->n, TEXT - text->n, fmt, args);
	va_end(args);
	assert_true(text->n < TEXT);
}

static void say_hex(struct text *text, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		say(text, "%02x", bytes[i]);
}

static const struct {
	enum rte_flow_item_type type;
	const char *name;
	size_t size;
} items[] = {
	{RTE_FLOW_ITEM_TYPE_ETH, "eth", sizeof(struct rte_ether_hdr)},
	{RTE_FLOW_ITEM_TYPE_IPV4, "ipv4", sizeof(struct rte_flow_item_ipv4)},
	{RTE_FLOW_ITEM_TYPE_IPV6, "ipv6", sizeof(struct rte_flow_item_ipv6)},
	{RTE_FLOW_ITEM_TYPE_TCP, "tcp", sizeof(struct rte_flow_item_tcp)},
	{RTE_FLOW_ITEM_TYPE_UDP, "udp", sizeof(struct rte_flow_item_udp)},
	{RTE_FLOW_ITEM_TYPE_SCTP, "sctp", sizeof(struct rte_flow_item_sctp)},
	{RTE_FLOW_ITEM_TYPE_ICMP, "icmp", sizeof(struct rte_flow_item_icmp)},
	{RTE_FLOW_ITEM_TYPE_ICMP6, "icmp6", sizeof(struct rte_flow_item_icmp6)},
};

static void say_bytes(struct text *text, const uint8_t *spec, const uint8_t *mask, size_t size)
{
	size_t i = 0, end;

	while (i < size) {
		for (end = i; end < size && mask[end] != 0; end++)
			;
		if (end == i) {
			assert_int_equal(spec[i], 0);
			i++;
			continue;
		}
		say(text, " %zu=", i);
		say_hex(text, spec + i, end - i);
		say(text, "/");
		say_hex(text, mask + i, end - i);
		i = end;
	}
}

static void say_item(struct text *text, const struct rte_flow_item *item)
{
	const struct rte_flow_item_ethdev *port = item->spec, *port_mask = item->mask;
	const struct rte_flow_item_eth *eth = item->spec, *eth_mask = item->mask;

	assert_null(item->last);
	assert_int_equal(item->spec == NULL, item->mask == NULL);
	if (item->type == RTE_FLOW_ITEM_TYPE_VLAN) {
		assert_null(item->spec);
		say(text, "vlan");
		return;
	}
	if (item->type == RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT) {
		assert_int_equal(port_mask->port_id, UINT16_MAX);
		say(text, "represented-port %u", port->port_id);
		return;
	}
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (items[i].type != item->type)
			continue;
		say(text, "%s", items[i].name);
		if (item->spec != NULL)
			say_bytes(text, item->spec, item->mask, items[i].size);
		if (item->type == RTE_FLOW_ITEM_TYPE_ETH && item->spec != NULL) {
			assert_int_equal(eth_mask->reserved | eth->reserved, 0);
			say(text, " vlan=%u/%u", eth->has_vlan, eth_mask->has_vlan);
		}
		return;
	}
	fail_msg("item %d", item->type);
}

static const char *field_name(enum rte_flow_field_id field)
{
	switch (field) {
	case RTE_FLOW_FIELD_MAC_SRC:
		return "mac-src";
	case RTE_FLOW_FIELD_MAC_DST:
		return "mac-dst";
	case RTE_FLOW_FIELD_IPV4_SRC:
		return "ipv4-src";
	case RTE_FLOW_FIELD_IPV4_DST:
		return "ipv4-dst";
	case RTE_FLOW_FIELD_IPV6_SRC:
		return "ipv6-src";
	case RTE_FLOW_FIELD_IPV6_DST:
		return "ipv6-dst";
	case RTE_FLOW_FIELD_IPV4_TTL:
		return "ttl";
	case RTE_FLOW_FIELD_IPV6_HOPLIMIT:
		return "hop-limit";
	case RTE_FLOW_FIELD_TCP_PORT_SRC:
		return "tcp-src";
	case RTE_FLOW_FIELD_TCP_PORT_DST:
		return "tcp-dst";
	case RTE_FLOW_FIELD_UDP_PORT_SRC:
		return "udp-src";
	case RTE_FLOW_FIELD_UDP_PORT_DST:
		return "udp-dst";
	default:
		return "?";
	}
}

static void say_modify(struct text *text, const struct rte_flow_action_modify_field *modify)
{
	assert_int_equal(modify->src.field, RTE_FLOW_FIELD_VALUE);
	assert_int_equal(modify->dst.level | modify->dst.offset, 0);
	say(text, "%s %s %u bits ", modify->operation == RTE_FLOW_MODIFY_SET ? "set" : "add",
		field_name(modify->dst.field), modify->width);
	say_hex(text, modify->src.value, modify->width / 8);
}

static void say_action(struct text *text, const struct rte_flow_action *action)
{
	static const struct {
		enum rte_flow_action_type type;
		const char *name;
		size_t size;
	} legacy[] = {
		{RTE_FLOW_ACTION_TYPE_DROP, "drop", 0},
		{RTE_FLOW_ACTION_TYPE_PASSTHRU, "passthru", 0},
		{RTE_FLOW_ACTION_TYPE_DEC_TTL, "dec-ttl", 0},
		{RTE_FLOW_ACTION_TYPE_SET_MAC_SRC, "set-mac-src ", 6},
		{RTE_FLOW_ACTION_TYPE_SET_MAC_DST, "set-mac-dst ", 6},
		{RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC, "set-ipv4-src ", 4},
		{RTE_FLOW_ACTION_TYPE_SET_IPV4_DST, "set-ipv4-dst ", 4},
		{RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC, "set-ipv6-src ", 16},
		{RTE_FLOW_ACTION_TYPE_SET_IPV6_DST, "set-ipv6-dst ", 16},
		{RTE_FLOW_ACTION_TYPE_SET_TP_SRC, "set-tp-src ", 2},
		{RTE_FLOW_ACTION_TYPE_SET_TP_DST, "set-tp-dst ", 2},
	};
	const union tg_encoded_action *conf = action->conf;

	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_COUNT:
		say(text, "count %u", conf->count.id);
		return;
	case RTE_FLOW_ACTION_TYPE_AGE:
		assert_ptr_equal(conf->age.context, &items);
		say(text, "age %u", conf->age.timeout);
		return;
	case RTE_FLOW_ACTION_TYPE_MARK:
		say(text, "mark %u", conf->mark.id);
		return;
	case RTE_FLOW_ACTION_TYPE_QUEUE:
		say(text, "queue %u", conf->queue.index);
		return;
	case RTE_FLOW_ACTION_TYPE_RSS:
		say(text, "rss %u queues from %u", conf->rss.queue_num, conf->rss.queue[0]);
		return;
	case RTE_FLOW_ACTION_TYPE_JUMP:
		say(text, "jump %u", conf->jump.group);
		return;
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		say(text, "port-id %u%s", conf->port_id.id, conf->port_id.original ? "!" : "");
		return;
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		say(text, "represented-port %u", conf->ethdev.port_id);
		return;
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
		say(text, "port-representor %u", conf->ethdev.port_id);
		return;
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		say_modify(text, &conf->modify_field);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++) {
		if (legacy[i].type != action->type)
			continue;
		say(text, "%s", legacy[i].name);
		if (legacy[i].size != 0)
			say_hex(text, action->conf, legacy[i].size);
		return;
	}
	fail_msg("action %d", action->type);
}

static void describe(const struct tg_encoded *encoded, struct text *text)
{
	const struct rte_flow_attr *attr = &encoded->attr;

	text->n = 0;
	assert_int_equal(attr->reserved, 0);
	assert_int_equal(attr->ingress + attr->egress + attr->transfer, 1);
	say(text, "%s %u/%u: ",
		attr->ingress  ? "ingress"
		: attr->egress ? "egress"
			       : "transfer",
		attr->group, attr->priority);
	for (size_t i = 0; encoded->items[i].type != RTE_FLOW_ITEM_TYPE_END; i++) {
		say(text, "%s", i > 0 ? " / " : "");
		say_item(text, &encoded->items[i]);
	}
	say(text, " -> ");
	for (size_t i = 0; encoded->actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++) {
		say(text, "%s", i > 0 ? " / " : "");
		say_action(text, &encoded->actions[i]);
	}
}

#define B(action) (1u << TG_NIC_##action)
#define F(field) (1u << TG_NIC_##field)

static const uint16_t queues[] = {4, 5, 6};
static const struct tg_nic_engine set_engine, modify_engine = {.modify_field = true};
static const struct tg_encode_context by_set = {.engine = &set_engine,
	.software = TG_ENCODE_RSS,
	.rss = {.queue = queues, .queue_num = 3},
	.age_context = (void *)&items,
	.counter = 77};

/* A match of all fields that there are of a family and protocol, exact. */
static void match_all(struct tg_nic_match *match, uint8_t family, uint8_t protocol)
{
	static const uint8_t src4[] = {10, 0, 0, 1}, dst4[] = {10, 0, 0, 2};
	static const uint8_t src6[16] = {0x20, 1, [15] = 1}, dst6[16] = {0x20, 1, [15] = 2};
	static const uint8_t sport[] = {0x12, 0x34}, dport[] = {0x56, 0x78};
	static const uint8_t one = 1, five = 5, two = 2, zero[2] = {0, 0};

	*match = (struct tg_nic_match){.family = family, .protocol = protocol, .untagged = true};
	if (family == 4) {
		tg_nic_match_exact(match, TG_NIC_IPV4_SRC, src4);
		tg_nic_match_exact(match, TG_NIC_IPV4_DST, dst4);
		tg_nic_match_exact(match, TG_NIC_IPV4_TTL, &one);
		tg_nic_match_exact(match, TG_NIC_IPV4_IHL, &five);
		tg_nic_match_exact(match, TG_NIC_IPV4_FRAGMENT, zero);
	} else {
		tg_nic_match_exact(match, TG_NIC_IPV6_SRC, src6);
		tg_nic_match_exact(match, TG_NIC_IPV6_DST, dst6);
		tg_nic_match_exact(match, TG_NIC_IPV6_HOP_LIMIT, &one);
	}
	if (protocol == IPPROTO_TCP) {
		tg_nic_match_exact(match, TG_NIC_TCP_SPORT, sport);
		tg_nic_match_exact(match, TG_NIC_TCP_DPORT, dport);
		tg_nic_match_exact(match, TG_NIC_TCP_FLAGS, &two);
	} else if (protocol == IPPROTO_UDP) {
		tg_nic_match_exact(match, TG_NIC_UDP_SPORT, sport);
		tg_nic_match_exact(match, TG_NIC_UDP_DPORT, dport);
	} else if (protocol == IPPROTO_SCTP) {
		tg_nic_match_exact(match, TG_NIC_SCTP_SPORT, sport);
		tg_nic_match_exact(match, TG_NIC_SCTP_DPORT, dport);
	} else if (protocol == IPPROTO_ICMP) {
		tg_nic_match_exact(match, TG_NIC_ICMP_TYPE, &two);
		tg_nic_match_exact(match, TG_NIC_ICMP_IDENT, sport);
	} else if (protocol == IPPROTO_ICMPV6) {
		tg_nic_match_exact(match, TG_NIC_ICMPV6_TYPE, &two);
	}
}

static void expect(
	const struct tg_encode_context *context, const struct tg_nic_rule *rule, const char *text)
{
	struct tg_encoded encoded;
	struct text is;

	memset(&encoded, 0xa5, sizeof(encoded)); /* what it was before does not matter */
	assert_int_equal(tg_encode(context, rule, &encoded), 0);
	describe(&encoded, &is);
	assert_string_equal(is.v, text);
}

#define ALL4                                                                            \
	"ingress 0/0: eth vlan=0/1 / ipv4 0=05/0f 6=000001/3fffff 12=0a0000010a000002/" \
	"ffffffffffffffff"
#define ALL6(proto)                                                                                 \
	"ingress 0/0: eth vlan=0/1 / ipv6 6=" proto "012001000000000000000000000000000120010000"    \
	"000000000000000000000002/ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" \
	"ffff"

static void test_all_fields(void **state)
{
	static const struct {
		uint8_t family, protocol;
		const char *text;
	} rows[] = {
		{4, IPPROTO_TCP, ALL4 " / tcp 0=12345678/ffffffff 13=02/ff -> drop"},
		{4, IPPROTO_UDP, ALL4 " / udp 0=12345678/ffffffff -> drop"},
		{4, IPPROTO_SCTP, ALL4 " / sctp 0=12345678/ffffffff -> drop"},
		{4, IPPROTO_ICMP, ALL4 " / icmp 0=02/ff 4=1234/ffff -> drop"},
		{6, IPPROTO_TCP, ALL6("06") " / tcp 0=12345678/ffffffff 13=02/ff -> drop"},
		{6, IPPROTO_UDP, ALL6("11") " / udp 0=12345678/ffffffff -> drop"},
		{6, IPPROTO_SCTP, ALL6("84") " / sctp 0=12345678/ffffffff -> drop"},
		{6, IPPROTO_ICMPV6, ALL6("3a") " / icmp6 0=02/ff -> drop"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_rule rule = {.actions = B(DROP)};

		match_all(&rule.match, rows[i].family, rows[i].protocol);
		expect(&by_set, &rule, rows[i].text);
	}
}

/* What is not matched is not stated. */
static void test_no_fields(void **state)
{
	static const struct {
		struct tg_nic_match match;
		const char *text;
	} rows[] = {
		{{.family = 4}, "ingress 0/0: eth / ipv4 -> drop"},
		{{.family = 6}, "ingress 0/0: eth / ipv6 -> drop"},
		{{.family = 4, .untagged = true}, "ingress 0/0: eth vlan=0/1 / ipv4 -> drop"},
		{{.family = 4, .tagged = true}, "ingress 0/0: eth / vlan / ipv4 -> drop"},
		{{.family = 4, .protocol = IPPROTO_TCP}, "ingress 0/0: eth / ipv4 / tcp -> drop"},
		{{.family = 4, .protocol = IPPROTO_ICMP}, "ingress 0/0: eth / ipv4 / icmp -> drop"},
		{{.family = 6, .protocol = IPPROTO_TCP},
			"ingress 0/0: eth / ipv6 6=06/ff / tcp -> drop"},
		/* No item for these. */
		{{.family = 4, .protocol = IPPROTO_GRE}, "ingress 0/0: eth / ipv4 9=2f/ff -> drop"},
		{{.family = 6, .protocol = IPPROTO_ESP}, "ingress 0/0: eth / ipv6 6=32/ff -> drop"},
		{{.family = 6, .protocol = IPPROTO_ICMP},
			"ingress 0/0: eth / ipv6 6=01/ff -> drop"},
		{{.family = 4, .protocol = IPPROTO_ICMPV6},
			"ingress 0/0: eth / ipv4 9=3a/ff -> drop"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tg_nic_rule rule = {.match = rows[i].match, .actions = B(DROP)};

		expect(&by_set, &rule, rows[i].text);
	}
}

static void test_masks(void **state)
{
	static const uint8_t ten[] = {10, 0, 0, 0}, slash8[] = {0xff, 0, 0, 0};
	static const uint8_t net6[16] = {0x20, 1, 0x0d}, slash20[16] = {0xff, 0xff, 0xf0};
	static const uint8_t port[] = {0x1f, 0x80}, upper[] = {0xff, 0x80};
	static const uint8_t syn = 0x02, syn_ack = 0x12;
	struct tg_nic_rule rule = {
		.match = {.family = 4, .protocol = IPPROTO_TCP}, .actions = B(DROP)};

	tg_nic_match_set(&rule.match, TG_NIC_IPV4_SRC, ten, slash8);
	tg_nic_match_set(&rule.match, TG_NIC_TCP_DPORT, port, upper);
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, &syn, &syn_ack);
	expect(&by_set, &rule,
		"ingress 0/0: eth / ipv4 12=0a/ff / tcp 2=1f80/ff80 13=02/12 -> drop");

	rule.match = (struct tg_nic_match){.family = 6};
	tg_nic_match_set(&rule.match, TG_NIC_IPV6_DST, net6, slash20);
	expect(&by_set, &rule, "ingress 0/0: eth / ipv6 24=200100/fffff0 -> drop");
}

static void test_attributes(void **state)
{
	struct tg_nic_rule rule = {.match = {.family = 4},
		.actions = B(DROP),
		.domain = TG_NIC_EGRESS,
		.group = 3,
		.priority = 9,
		.port = 8};

	expect(&by_set, &rule, "egress 3/9: eth / ipv4 -> drop");
	rule.domain = TG_NIC_TRANSFER;
	expect(&by_set, &rule, "transfer 3/9: represented-port 8 / eth / ipv4 -> drop");
	rule.port = 0; /* is a port as well */
	expect(&by_set, &rule, "transfer 3/9: represented-port 0 / eth / ipv4 -> drop");
}

static void test_fates(void **state)
{
	static const char ingress[] = "ingress 0/0: eth / ipv4 -> ";
	static const char transfer[] = "transfer 0/0: represented-port 8 / eth / ipv4 -> ";
	static const struct {
		uint32_t actions;
		uint8_t domain;
		enum tg_encode_software software;
		const char *text;
	} rows[] = {
		{B(SOFTWARE), TG_NIC_INGRESS, TG_ENCODE_RSS, "rss 3 queues from 4"},
		{B(SOFTWARE), TG_NIC_INGRESS, TG_ENCODE_QUEUE, "queue 5"},
		{B(SOFTWARE), TG_NIC_INGRESS, TG_ENCODE_PASSTHRU, "passthru"},
		{B(SOFTWARE), TG_NIC_TRANSFER, TG_ENCODE_QUEUE, "port-representor 8"},
		{B(FORWARD), TG_NIC_INGRESS, TG_ENCODE_RSS, "port-id 9"},
		{B(FORWARD), TG_NIC_TRANSFER, TG_ENCODE_RSS, "represented-port 9"},
		{B(JUMP), TG_NIC_INGRESS, TG_ENCODE_RSS, "jump 4"},
		{B(COUNT) | B(DROP), TG_NIC_INGRESS, TG_ENCODE_RSS, "count 77 / drop"},
		{B(MARK) | B(SOFTWARE), TG_NIC_INGRESS, TG_ENCODE_QUEUE, "mark 99 / queue 5"},
		{B(AGE) | B(COUNT) | B(DROP), TG_NIC_TRANSFER, TG_ENCODE_RSS,
			"count 77 / age 30 / drop"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tg_nic_rule rule = {.match = {.family = 4},
			.actions = rows[i].actions,
			.domain = rows[i].domain,
			.port = 8,
			.to = 9,
			.mark = 99,
			.jump = 4,
			.age_s = 30};
		struct tg_encode_context context = by_set;
		char text[TEXT];

		context.software = rows[i].software;
		context.queue = 5;
		snprintf(text, sizeof(text), "%s%s",
			rows[i].domain == TG_NIC_TRANSFER ? transfer : ingress, rows[i].text);
		expect(&context, &rule, text);
	}
}

static const struct tg_nic_rewrite rewrite = {.smac = {2, 0, 0, 0, 0, 1},
	.dmac = {2, 0, 0, 0, 0, 2},
	.src = {192, 0, 2, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.dst = {192, 0, 2, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.sport = {0x11, 0x22},
	.dport = {0x33, 0x44}};

#define REWRITE4 (B(SET_IPV4) | B(SET_PORTS) | B(SET_MAC) | B(DEC_TTL))
#define REWRITE6 (B(SET_IPV6) | B(SET_PORTS) | B(SET_MAC) | B(DEC_TTL))

static void test_rewrites(void **state)
{
	struct tg_encode_context by_modify = by_set;
	struct tg_nic_rule rule = {.match = {.family = 4, .protocol = IPPROTO_TCP},
		.actions = REWRITE4 | B(COUNT) | B(FORWARD),
		.to = 9,
		.rewrite = rewrite};

	by_modify.engine = &modify_engine;
	expect(&by_set, &rule,
		"ingress 0/0: eth / ipv4 / tcp -> count 77 / set-ipv4-src c0000201 / "
		"set-ipv4-dst c0000202 / set-tp-src 1122 / set-tp-dst 3344 / "
		"set-mac-src 020000000001 / set-mac-dst 020000000002 / dec-ttl / port-id 9");
	expect(&by_modify, &rule,
		"ingress 0/0: eth / ipv4 / tcp -> count 77 / set ipv4-src 32 bits c0000201 / "
		"set ipv4-dst 32 bits c0000202 / set tcp-src 16 bits 1122 / "
		"set tcp-dst 16 bits 3344 / set mac-src 48 bits 020000000001 / "
		"set mac-dst 48 bits 020000000002 / add ttl 8 bits ff / port-id 9");

	rule.match = (struct tg_nic_match){.family = 6, .protocol = IPPROTO_UDP};
	rule.actions = REWRITE6 | B(FORWARD);
	expect(&by_set, &rule,
		"ingress 0/0: eth / ipv6 6=11/ff / udp -> "
		"set-ipv6-src c000020105060708090a0b0c0d0e0f10 / "
		"set-ipv6-dst c000020205060708090a0b0c0d0e0f10 / set-tp-src 1122 / "
		"set-tp-dst 3344 / set-mac-src 020000000001 / set-mac-dst 020000000002 / "
		"dec-ttl / port-id 9");
	expect(&by_modify, &rule,
		"ingress 0/0: eth / ipv6 6=11/ff / udp -> "
		"set ipv6-src 128 bits c000020105060708090a0b0c0d0e0f10 / "
		"set ipv6-dst 128 bits c000020205060708090a0b0c0d0e0f10 / "
		"set udp-src 16 bits 1122 / set udp-dst 16 bits 3344 / "
		"set mac-src 48 bits 020000000001 / set mac-dst 48 bits 020000000002 / "
		"add hop-limit 8 bits ff / port-id 9");
}

/* All that can be in one rule finds room. */
static void test_largest(void **state)
{
	struct tg_nic_rule rule = {.actions = REWRITE6 | B(COUNT) | B(AGE) | B(FORWARD),
		.domain = TG_NIC_TRANSFER,
		.age_s = 0xffffff,
		.rewrite = rewrite};
	struct tg_encoded encoded;
	size_t n_items = 0, n_actions = 0;

	match_all(&rule.match, 6, IPPROTO_TCP);
	assert_int_equal(tg_encode(&by_set, &rule, &encoded), 0);
	while (encoded.items[n_items].type != RTE_FLOW_ITEM_TYPE_END)
		n_items++;
	while (encoded.actions[n_actions].type != RTE_FLOW_ACTION_TYPE_END)
		n_actions++;
	assert_int_equal(n_items, 4);
	assert_int_equal(n_actions, 10);
}

/* Rules that contradict themselves are not for the encoder. */
static void test_unsound(void **state)
{
	static const struct tg_nic_rule rows[] = {
		{.match = {.family = 0}, .actions = B(DROP)},
		{.match = {.family = 5}, .actions = B(DROP)},
		{.match = {.family = 4}, .actions = 0},
		{.match = {.family = 4}, .actions = B(COUNT)},
		{.match = {.family = 4}, .actions = B(DROP) | B(FORWARD)},
		{.match = {.family = 4}, .actions = B(DROP) | B(SOFTWARE)},
		{.match = {.family = 4}, .actions = B(SOFTWARE) | B(JUMP), .jump = 1},
		{.match = {.family = 4}, .actions = B(DROP) | 1u << TG_NIC_ACTION_COUNT},
		{.match = {.family = 4}, .actions = B(DROP), .domain = TG_NIC_DOMAIN_COUNT},
		{.match = {.family = 4}, .actions = B(DROP) | B(MARK)},
		/* Fields of another family or protocol, or of none that there is. */
		{.match = {.family = 6, .fields = F(IPV4_SRC)}, .actions = B(DROP)},
		{.match = {.family = 4, .fields = F(IPV6_DST)}, .actions = B(DROP)},
		{.match = {.family = 4, .fields = F(TCP_DPORT)}, .actions = B(DROP)},
		{.match = {.family = 4, .protocol = IPPROTO_UDP, .fields = F(TCP_DPORT)},
			.actions = B(DROP)},
		{.match = {.family = 6, .protocol = IPPROTO_ICMP, .fields = F(ICMP_TYPE)},
			.actions = B(DROP)},
		{.match = {.family = 4, .protocol = IPPROTO_ICMPV6, .fields = F(ICMPV6_TYPE)},
			.actions = B(DROP)},
		{.match = {.family = 4, .fields = 1u << TG_NIC_FIELD_COUNT}, .actions = B(DROP)},
		/* A value outside of its mask, a mask outside of its field. */
		{.match = {.family = 4, .fields = F(IPV4_TTL), .spec.ttl = 3, .mask.ttl = 2},
			.actions = B(DROP)},
		{.match = {.family = 4, .fields = F(IPV4_IHL), .spec.ihl = 5, .mask.ihl = 0x1f},
			.actions = B(DROP)},
		{.match = {.family = 4, .fields = F(IPV4_FRAGMENT), .mask.fragment = {0x7f, 0xff}},
			.actions = B(DROP)},
		/* Rewriting what does not leave, or what is not there. */
		{.match = {.family = 4}, .actions = B(DROP) | B(DEC_TTL)},
		{.match = {.family = 4}, .actions = B(SOFTWARE) | B(SET_MAC)},
		{.match = {.family = 6}, .actions = B(FORWARD) | B(SET_IPV4)},
		{.match = {.family = 4}, .actions = B(FORWARD) | B(SET_IPV6)},
		{.match = {.family = 4}, .actions = B(FORWARD) | B(SET_PORTS)},
		{.match = {.family = 4}, .actions = B(DROP) | B(AGE), .age_s = 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (tg_nic_rule_sound(&rows[i]))
			fail_msg("row %zu is sound", i);
}

static void test_unsayable(void **state)
{
	static const struct tg_nic_rule rows[] = {
		{.match = {.family = 4, .protocol = IPPROTO_SCTP},
			.actions = B(FORWARD) | B(SET_PORTS)},
		/* 24 bits of seconds. */
		{.match = {.family = 4}, .actions = B(DROP) | B(AGE), .age_s = 1u << 24},
	};
	struct tg_encoded encoded;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(tg_nic_rule_sound(&rows[i]));
		if (tg_encode(&by_set, &rows[i], &encoded) != -EINVAL)
			fail_msg("row %zu was encoded", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_no_fields),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_rewrites),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_unsayable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

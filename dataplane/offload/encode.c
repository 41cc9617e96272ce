/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "encode.h"

#define AGE_MAX 0xffffffu /* seconds that struct rte_flow_action_age has bits for */

#define BIT(action) (1u << TG_NIC_##action)

/* Where a field is in its item, which is IP's or that of what it carries. */
static const struct {
	uint16_t offset;
	bool carried;
} places[TG_NIC_FIELD_COUNT] = {
#define IP(sym, item, member) \
	[TG_NIC_##sym] = {offsetof(struct rte_flow_item_##item, member), false}
#define L4(sym, item, member) [TG_NIC_##sym] = {offsetof(struct rte_flow_item_##item, member), true}
	IP(IPV4_SRC, ipv4, hdr.src_addr),
	IP(IPV4_DST, ipv4, hdr.dst_addr),
	IP(IPV4_TTL, ipv4, hdr.time_to_live),
	IP(IPV4_IHL, ipv4, hdr.version_ihl),
	IP(IPV4_FRAGMENT, ipv4, hdr.fragment_offset),
	IP(IPV6_SRC, ipv6, hdr.src_addr),
	IP(IPV6_DST, ipv6, hdr.dst_addr),
	IP(IPV6_HOP_LIMIT, ipv6, hdr.hop_limits),
	L4(TCP_SPORT, tcp, hdr.src_port),
	L4(TCP_DPORT, tcp, hdr.dst_port),
	L4(TCP_FLAGS, tcp, hdr.tcp_flags),
	L4(UDP_SPORT, udp, hdr.src_port),
	L4(UDP_DPORT, udp, hdr.dst_port),
	L4(SCTP_SPORT, sctp, hdr.src_port),
	L4(SCTP_DPORT, sctp, hdr.dst_port),
	L4(ICMP_TYPE, icmp, hdr.icmp_type),
	L4(ICMP_IDENT, icmp, hdr.icmp_ident),
	L4(ICMPV6_TYPE, icmp6, type),
#undef IP
#undef L4
};

/* What is being written. */
struct encoder {
	const struct tg_encode_context *context;
	const struct tg_nic_rule *rule;
	struct tg_encoded *out;
	size_t n_items, n_actions;
};

static bool has(const struct encoder *e, uint32_t actions)
{
	return (e->rule->actions & actions) != 0;
}

/* An item of which nothing is stated yet but that it is there. Its index. */
static size_t item(struct encoder *e, enum rte_flow_item_type type)
{
	e->out->items[e->n_items] = (struct rte_flow_item){.type = type};
	return e->n_items++;
}

/* Room for what is stated of an item. */
static void state(struct encoder *e, size_t i)
{
	struct rte_flow_item *at = &e->out->items[i];

	if (at->spec != NULL)
		return;
	memset(&e->out->spec[i], 0, sizeof(e->out->spec[i]));
	memset(&e->out->mask[i], 0, sizeof(e->out->mask[i]));
	at->spec = &e->out->spec[i];
	at->mask = &e->out->mask[i];
}

static void write_field(struct encoder *e, enum tg_nic_field field, size_t ip, size_t l4)
{
	const struct tg_nic_match *match = &e->rule->match;
	const struct tg_nic_field_place *place = tg_nic_field_place(field);
	size_t i = places[field].carried ? l4 : ip;

	state(e, i);
	memcpy((uint8_t *)&e->out->spec[i] + places[field].offset,
		(const uint8_t *)&match->spec + place->offset, place->size);
	memcpy((uint8_t *)&e->out->mask[i] + places[field].offset,
		(const uint8_t *)&match->mask + place->offset, place->size);
}

/* END: there is no item for it. */
static enum rte_flow_item_type l4_type(uint8_t family, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return RTE_FLOW_ITEM_TYPE_TCP;
	case IPPROTO_UDP:
		return RTE_FLOW_ITEM_TYPE_UDP;
	case IPPROTO_SCTP:
		return RTE_FLOW_ITEM_TYPE_SCTP;
	case IPPROTO_ICMP:
		return family == 4 ? RTE_FLOW_ITEM_TYPE_ICMP : RTE_FLOW_ITEM_TYPE_END;
	case IPPROTO_ICMPV6:
		return family == 6 ? RTE_FLOW_ITEM_TYPE_ICMP6 : RTE_FLOW_ITEM_TYPE_END;
	default:
		return RTE_FLOW_ITEM_TYPE_END;
	}
}

/*
 * An item says that its protocol is somewhere behind the IP header. With IPv6 that could be behind
 * extension headers, so there the protocol is stated as well.
 */
static void write_protocol(struct encoder *e, size_t ip, enum rte_flow_item_type l4)
{
	const struct tg_nic_match *match = &e->rule->match;

	if (match->protocol == 0 || (match->family == 4 && l4 != RTE_FLOW_ITEM_TYPE_END))
		return;
	state(e, ip);
	if (match->family == 4) {
		e->out->spec[ip].ipv4.hdr.next_proto_id = match->protocol;
		e->out->mask[ip].ipv4.hdr.next_proto_id = UINT8_MAX;
	} else {
		e->out->spec[ip].ipv6.hdr.proto = match->protocol;
		e->out->mask[ip].ipv6.hdr.proto = UINT8_MAX;
	}
}

static void write_arrival(struct encoder *e)
{
	size_t i;

	if (e->rule->domain != TG_NIC_TRANSFER)
		return;
	i = item(e, RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT);
	state(e, i);
	e->out->spec[i].ethdev.port_id = e->rule->port;
	e->out->mask[i].ethdev.port_id = UINT16_MAX;
}

static void write_ethernet(struct encoder *e)
{
	size_t i = item(e, RTE_FLOW_ITEM_TYPE_ETH);

	if (e->rule->match.tagged)
		item(e, RTE_FLOW_ITEM_TYPE_VLAN);
	if (!e->rule->match.untagged)
		return;
	state(e, i);
	e->out->mask[i].eth.has_vlan = 1;
}

static void write_items(struct encoder *e)
{
	const struct tg_nic_match *match = &e->rule->match;
	enum rte_flow_item_type type = l4_type(match->family, match->protocol);
	size_t ip, l4 = 0;

	write_arrival(e);
	write_ethernet(e);
	ip = item(e, match->family == 4 ? RTE_FLOW_ITEM_TYPE_IPV4 : RTE_FLOW_ITEM_TYPE_IPV6);
	write_protocol(e, ip, type);
	if (type != RTE_FLOW_ITEM_TYPE_END)
		l4 = item(e, type);
	for (int field = 0; field < TG_NIC_FIELD_COUNT; field++)
		if (match->fields & 1u << field)
			write_field(e, field, ip, l4);
	item(e, RTE_FLOW_ITEM_TYPE_END);
}

/* An action that says all by its type. */
static void act(struct encoder *e, enum rte_flow_action_type type)
{
	e->out->actions[e->n_actions++] = (struct rte_flow_action){.type = type};
}

/* One that needs more; what is to be filled in, zeros. */
static union tg_encoded_action *act_with(struct encoder *e, enum rte_flow_action_type type)
{
	union tg_encoded_action *conf = &e->out->conf[e->n_actions];

	memset(conf, 0, sizeof(*conf));
	e->out->actions[e->n_actions++] = (struct rte_flow_action){.type = type, .conf = conf};
	return conf;
}

static void modify(struct encoder *e, enum rte_flow_modify_op operation,
	enum rte_flow_field_id field, const void *value, size_t size)
{
	struct rte_flow_action_modify_field *conf =
		&act_with(e, RTE_FLOW_ACTION_TYPE_MODIFY_FIELD)->modify_field;

	conf->operation = operation;
	conf->dst.field = field;
	conf->src.field = RTE_FLOW_FIELD_VALUE;
	memcpy(conf->src.value, value, size);
	conf->width = (uint32_t)(8 * size);
}

/* Sets a field in the way that the engine knows; legacy actions consist of the value alone. */
static void set(struct encoder *e, enum rte_flow_action_type legacy, enum rte_flow_field_id field,
	const void *value, size_t size)
{
	if (e->context->engine->modify_field)
		modify(e, RTE_FLOW_MODIFY_SET, field, value, size);
	else
		memcpy(act_with(e, legacy), value, size);
}

static void write_addresses(struct encoder *e)
{
	const struct tg_nic_rewrite *to = &e->rule->rewrite;

	if (has(e, BIT(SET_IPV4))) {
		set(e, RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC, RTE_FLOW_FIELD_IPV4_SRC, to->src, 4);
		set(e, RTE_FLOW_ACTION_TYPE_SET_IPV4_DST, RTE_FLOW_FIELD_IPV4_DST, to->dst, 4);
	}
	if (has(e, BIT(SET_IPV6))) {
		set(e, RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC, RTE_FLOW_FIELD_IPV6_SRC, to->src, 16);
		set(e, RTE_FLOW_ACTION_TYPE_SET_IPV6_DST, RTE_FLOW_FIELD_IPV6_DST, to->dst, 16);
	}
}

static void write_ports(struct encoder *e)
{
	const struct tg_nic_rewrite *to = &e->rule->rewrite;
	bool tcp = e->rule->match.protocol == IPPROTO_TCP;

	if (!has(e, BIT(SET_PORTS)))
		return;
	set(e, RTE_FLOW_ACTION_TYPE_SET_TP_SRC,
		tcp ? RTE_FLOW_FIELD_TCP_PORT_SRC : RTE_FLOW_FIELD_UDP_PORT_SRC, to->sport, 2);
	set(e, RTE_FLOW_ACTION_TYPE_SET_TP_DST,
		tcp ? RTE_FLOW_FIELD_TCP_PORT_DST : RTE_FLOW_FIELD_UDP_PORT_DST, to->dport, 2);
}

static void write_ttl(struct encoder *e)
{
	static const uint8_t minus_one = UINT8_MAX;
	bool ipv4 = e->rule->match.family == 4;

	if (!has(e, BIT(DEC_TTL)))
		return;
	if (e->context->engine->modify_field)
		modify(e, RTE_FLOW_MODIFY_ADD,
			ipv4 ? RTE_FLOW_FIELD_IPV4_TTL : RTE_FLOW_FIELD_IPV6_HOPLIMIT, &minus_one,
			1);
	else
		act(e, RTE_FLOW_ACTION_TYPE_DEC_TTL);
}

static void write_rewrites(struct encoder *e)
{
	const struct tg_nic_rewrite *to = &e->rule->rewrite;

	write_addresses(e);
	write_ports(e);
	if (has(e, BIT(SET_MAC))) {
		set(e, RTE_FLOW_ACTION_TYPE_SET_MAC_SRC, RTE_FLOW_FIELD_MAC_SRC, to->smac, 6);
		set(e, RTE_FLOW_ACTION_TYPE_SET_MAC_DST, RTE_FLOW_FIELD_MAC_DST, to->dmac, 6);
	}
	write_ttl(e);
}

static void write_notes(struct encoder *e)
{
	union tg_encoded_action *conf;

	if (has(e, BIT(COUNT)))
		act_with(e, RTE_FLOW_ACTION_TYPE_COUNT)->count.id = e->context->counter;
	if (has(e, BIT(AGE))) {
		conf = act_with(e, RTE_FLOW_ACTION_TYPE_AGE);
		conf->age.timeout = e->rule->age_s & AGE_MAX;
		conf->age.context = e->context->age_context;
	}
	if (has(e, BIT(MARK)))
		act_with(e, RTE_FLOW_ACTION_TYPE_MARK)->mark.id = e->rule->mark;
}

/* Drivers of Intel's NICs know it in front of a mark only; to others the order means nothing. */
static void write_passthru(struct encoder *e)
{
	if (has(e, BIT(SOFTWARE)) && e->rule->domain != TG_NIC_TRANSFER &&
		e->context->software == TG_ENCODE_PASSTHRU)
		act(e, RTE_FLOW_ACTION_TYPE_PASSTHRU);
}

static void write_software(struct encoder *e)
{
	if (e->rule->domain == TG_NIC_TRANSFER) {
		act_with(e, RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR)->ethdev.port_id = e->rule->port;
		return;
	}
	switch (e->context->software) {
	case TG_ENCODE_QUEUE:
		act_with(e, RTE_FLOW_ACTION_TYPE_QUEUE)->queue.index = e->context->queue;
		break;
	case TG_ENCODE_RSS:
		act_with(e, RTE_FLOW_ACTION_TYPE_RSS)->rss = e->context->rss;
		break;
	case TG_ENCODE_PASSTHRU:
		break; /* it has been said */
	}
}

/* Drivers that know no switch forward by the port's number. */
static void write_forward(struct encoder *e)
{
	if (e->rule->domain == TG_NIC_TRANSFER)
		act_with(e, RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT)->ethdev.port_id = e->rule->to;
	else
		act_with(e, RTE_FLOW_ACTION_TYPE_PORT_ID)->port_id.id = e->rule->to;
}

static void write_fate(struct encoder *e)
{
	if (has(e, BIT(DROP)))
		act(e, RTE_FLOW_ACTION_TYPE_DROP);
	else if (has(e, BIT(JUMP)))
		act_with(e, RTE_FLOW_ACTION_TYPE_JUMP)->jump.group = e->rule->jump;
	else if (has(e, BIT(FORWARD)))
		write_forward(e);
	else
		write_software(e);
}

/* There are actions for TCP's and UDP's ports only, and 24 bits for an age. */
static bool sayable(const struct encoder *e)
{
	if (has(e, BIT(SET_PORTS)) && e->rule->match.protocol == IPPROTO_SCTP)
		return false;
	return !has(e, BIT(AGE)) || e->rule->age_s <= AGE_MAX;
}

int tg_encode(const struct tg_encode_context *context, const struct tg_nic_rule *rule,
	struct tg_encoded *out)
{
	struct encoder e = {.context = context, .rule = rule, .out = out};

	if (!sayable(&e))
		return -EINVAL;
	out->attr = (struct rte_flow_attr){
		.group = rule->group,
		.priority = rule->priority,
		.ingress = rule->domain == TG_NIC_INGRESS,
		.egress = rule->domain == TG_NIC_EGRESS,
		.transfer = rule->domain == TG_NIC_TRANSFER,
	};
	write_items(&e);
	write_passthru(&e);
	write_notes(&e);
	write_rewrites(&e);
	write_fate(&e);
	act(&e, RTE_FLOW_ACTION_TYPE_END);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link traffic: what hosts and switches on one link say to each other. Never judged by policy; a
 * port's settings say which of it passes, and it has to look like what it claims to be: a message
 * of its protocol, no longer than that needs, with addresses that no router forwards. Whoever may
 * send raw frames gets nothing past the policies with it.
 */
#include "parse.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_SLOW 0x8809
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_MIN 0x0600 /* below: an 802.3 length */
#define LLC_STP 0x42
#define LLC_UI 0x03

#define PAYLOAD_MIN 46 /* a frame's; shorter ones are padded */
#define ARP_SIZE 28    /* IPv4 over Ethernet */
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define SLOW_LACP 1
#define SLOW_MARKER 2
#define SLOW_MAX 114 /* IEEE 802.3 annex 57A: frames of 128 bytes, less the header */

#define IGMP_QUERY 0x11
#define IGMP_REPORT 0x12
#define IGMP2_REPORT 0x16
#define IGMP2_LEAVE 0x17
#define IGMP3_REPORT 0x22

#define PORT_BGP 179
#define PORT_BFD 3784
#define PORT_BFD_ECHO 3785
#define BFD_MAX 64 /* a control packet with the longest authentication is shorter */

void tg_parse_settle(struct tg_packet *p, const struct tg_port_config *port,
	enum tg_builtin_rule slot, bool valid)
{
	if (!valid)
		tg_packet_drop(p, TG_DROP_LINK_INVALID);
	else if (port->link_pass & (1u << slot))
		tg_packet_link(p, slot);
	else
		tg_packet_drop(p, TG_DROP_LINK_TRAFFIC);
}

void tg_parse_settle_between(struct tg_packet *p, const struct tg_port_config *port,
	enum tg_builtin_rule slot, bool valid)
{
	tg_parse_settle(p, port, slot, valid);
	if (p->outcome != TG_OUTCOME_LINK)
		return;
	p->outcome = TG_OUTCOME_TRACK;
	p->flags |= TG_PACKET_ROUTER;
	p->flags &= (uint8_t)~TG_PACKET_PLAIN;
	tg_packet_set_ports(p, 0, 0, port->group);
}

/* Ethernet and IPv4, a question or an answer, and no more bytes than that. */
static bool arp_valid(struct tg_bytes b)
{
	static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};
	uint16_t operation;

	if (b.have < ARP_SIZE || b.size > PAYLOAD_MIN || memcmp(b.at, fixed, sizeof(fixed)) != 0)
		return false;
	operation = load16(b.at + 6);
	return operation == ARP_REQUEST || operation == ARP_REPLY;
}

/* The addresses that no bridge forwards (IEEE 802.1Q table 8-1); last byte as given. */
static bool to_bridge_group(const uint8_t *frame, uint8_t low)
{
	static const uint8_t group[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return memcmp(frame, group, sizeof(group)) == 0 && frame[5] == low;
}

static bool slow_valid(const uint8_t *frame, struct tg_bytes b)
{
	return to_bridge_group(frame, 0x02) && b.have >= 2 && b.size <= SLOW_MAX &&
	       (b.at[0] == SLOW_LACP || b.at[0] == SLOW_MARKER);
}

static bool lldp_valid(const uint8_t *frame, struct tg_bytes b)
{
	/* The first element is the chassis, type 1. */
	return (to_bridge_group(frame, 0x0e) || to_bridge_group(frame, 0x03) ||
		       to_bridge_group(frame, 0x00)) &&
	       b.have >= 2 && b.at[0] >> 1 == 1 && b.size <= TG_LINK_MESSAGE_MAX;
}

static bool stp_valid(const uint8_t *frame, uint16_t length, struct tg_bytes b)
{
	return (to_bridge_group(frame, 0x00) || to_bridge_group(frame, 0x08)) &&
	       b.at[2] == LLC_UI && length <= b.size &&
	       b.size <= (length < PAYLOAD_MIN ? PAYLOAD_MIN : length);
}

void tg_parse_link(struct tg_packet *p, const struct tg_port_config *port, const uint8_t *frame,
	uint16_t ethertype, struct tg_bytes b)
{
	switch (ethertype) {
	case ETHERTYPE_ARP:
		tg_parse_settle(p, port, TG_BUILTIN_ARP, arp_valid(b));
		return;
	case ETHERTYPE_SLOW:
		tg_parse_settle(p, port, TG_BUILTIN_LACP, slow_valid(frame, b));
		return;
	case ETHERTYPE_LLDP:
		tg_parse_settle(p, port, TG_BUILTIN_LLDP, lldp_valid(frame, b));
		return;
	default:
		break;
	}
	if (ethertype < ETHERTYPE_MIN && b.have >= 3 && b.at[0] == LLC_STP && b.at[1] == LLC_STP)
		tg_parse_settle(p, port, TG_BUILTIN_STP, stp_valid(frame, ethertype, b));
	else
		tg_packet_drop(p, TG_DROP_ETHERTYPE);
}

/* Group records (RFC 3376 section 4.2) that fill the message exactly. */
static bool igmp3_report_valid(struct tg_bytes l4)
{
	uint32_t at = 8;

	for (uint32_t n = load16(l4.at + 6); n != 0; n--) {
		if (at + 8 > l4.size || l4.at[at] == 0 || l4.at[at] > 6)
			return false;
		at += 8 + 4u * l4.at[at + 1] + 4u * load16(l4.at + at + 2);
	}
	return at == l4.size;
}

static bool igmp_message_valid(struct tg_bytes l4)
{
	switch (l4.at[0]) {
	case IGMP_QUERY:
		return l4.size == 8 || (l4.size >= 12 && l4.size == 12 + 4u * load16(l4.at + 10));
	case IGMP_REPORT:
	case IGMP2_REPORT:
	case IGMP2_LEAVE:
		return l4.size == 8;
	case IGMP3_REPORT:
		return igmp3_report_valid(l4);
	default:
		return false;
	}
}

/* All but version 1 and some queriers set the router alert option, and none another one. */
static bool igmp_options_valid(const struct tg_ip *ip, uint8_t type)
{
	static const uint8_t alert[4] = {0x94, 4, 0, 0};

	if (ip->n_options == 0)
		return type == IGMP_QUERY || type == IGMP_REPORT;
	return ip->n_options == sizeof(alert) && memcmp(ip->options, alert, sizeof(alert)) == 0;
}

static bool igmp_valid(const struct tg_ip *ip, struct tg_bytes l4)
{
	return ip->hop_limit == 1 && !ip->fragment && (ip->dst[0] & 0xf0) == 0xe0 &&
	       ip->src[0] != 127 && ip->src[0] < 224 && l4.size >= 8 && l4.have == l4.size &&
	       l4.size <= TG_LINK_MESSAGE_MAX && igmp_options_valid(ip, l4.at[0]) &&
	       igmp_message_valid(l4);
}

/* Advertisements of versions 2 and 3 (RFC 3768, RFC 5798): type 1 and a list of addresses. */
static bool vrrp_message_valid(const struct tg_ip *ip, struct tg_bytes l4)
{
	uint32_t addresses;

	if (l4.size < 8 || l4.have < 8)
		return false;
	addresses = l4.at[3] * (ip->family == 4 ? 4u : 16u);
	if (l4.at[0] == 0x31)
		return l4.size == 8 + addresses;
	return l4.at[0] == 0x21 && ip->family == 4 && l4.size == 16 + addresses;
}

static bool link_vrrp(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	static const uint8_t group6[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12};
	bool to_group = ip->family == 4 ? load32(ip->dst) == 0xe0000012u
					: memcmp(ip->dst, group6, 16) == 0;
	bool from_host = ip->family == 4 ? ip->src[0] != 0 && ip->src[0] != 127 && ip->src[0] < 224
					 : tg_link_local6(ip->src);

	if (!to_group)
		return false;
	tg_parse_settle_between(p, port, TG_BUILTIN_VRRP,
		from_host && ip->hop_limit == 255 && !ip->fragment && ip->n_options == 0 &&
			vrrp_message_valid(ip, l4));
	return true;
}

bool tg_parse_link_ip(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	switch (ip->protocol) {
	case TG_IPPROTO_UDP:
		return tg_parse_dhcp(p, port, ip, l4);
	case TG_IPPROTO_ICMPV6:
		return ip->family == 6 && tg_parse_link_icmp6(p, port, ip, l4);
	case TG_IPPROTO_IGMP:
		if (ip->family != 4)
			return false;
		tg_parse_settle(p, port, TG_BUILTIN_IGMP, igmp_valid(ip, l4));
		return true;
	case TG_IPPROTO_VRRP:
		return link_vrrp(p, port, ip, l4);
	default:
		return false;
	}
}

void tg_parse_router(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes payload)
{
	enum tg_builtin_rule slot;

	if (p->protocol == TG_IPPROTO_TCP && (p->sport == PORT_BGP || p->dport == PORT_BGP) &&
		(ip->hop_limit == 1 || ip->hop_limit == 255))
		slot = TG_BUILTIN_BGP; /* neighbours: TTL 1, or 255 (RFC 5082) */
	else if (p->protocol == TG_IPPROTO_UDP &&
		 (p->dport == PORT_BFD || p->dport == PORT_BFD_ECHO) && ip->hop_limit == 255 &&
		 !ip->fragment && payload.size <= BFD_MAX)
		slot = TG_BUILTIN_BFD; /* RFC 5881 section 5 */
	else
		return;
	if (port->link_pass & (1u << slot)) {
		p->flags |= TG_PACKET_ROUTER;
		p->code = (uint8_t)slot;
	}
}

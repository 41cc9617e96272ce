/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link traffic: what hosts and switches on one link say to each other. Never judged by policy; a
 * port's settings say which of it passes, and it has to look like what it claims to be, so that
 * nothing that can be routed hides in it.
 */
#include "parse.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_SLOW 0x8809
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_MIN 0x0600 /* below: an 802.3 length */
#define LLC_STP 0x42

#define ND_RS 133
#define ND_RA 134
#define ND_REDIRECT 137
#define MLD_QUERY 130
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143

#define PORT_BGP 179
#define PORT_BFD 3784
#define PORT_BFD_ECHO 3785

/* Passes, or is refused as not enabled. */
static void settle(
	struct tg_packet *p, const struct tg_port_config *port, enum tg_builtin_rule slot)
{
	if (port->link_pass & (1u << slot))
		tg_packet_link(p, slot);
	else
		tg_packet_drop(p, TG_DROP_LINK_TRAFFIC);
}

static void settle_if(struct tg_packet *p, const struct tg_port_config *port,
	enum tg_builtin_rule slot, bool valid)
{
	if (valid)
		settle(p, port, slot);
	else
		tg_packet_drop(p, TG_DROP_LINK_INVALID);
}

/* Ethernet and IPv4, any operation of RFC 826 and its kin. */
static bool arp_valid(struct tg_bytes b)
{
	static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};

	return b.have >= 28 && memcmp(b.at, fixed, sizeof(fixed)) == 0 && load16(b.at + 6) != 0;
}

/* The addresses that no bridge forwards (IEEE 802.1Q table 8-1); last byte as given. */
static bool to_bridge_group(const uint8_t *frame, uint8_t low)
{
	static const uint8_t group[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return memcmp(frame, group, sizeof(group)) == 0 && frame[5] == low;
}

void tg_parse_link(struct tg_packet *p, const struct tg_port_config *port, const uint8_t *frame,
	uint16_t ethertype, struct tg_bytes b)
{
	switch (ethertype) {
	case ETHERTYPE_ARP:
		settle_if(p, port, TG_BUILTIN_ARP, arp_valid(b));
		return;
	case ETHERTYPE_SLOW:
		settle_if(p, port, TG_BUILTIN_LACP, to_bridge_group(frame, 0x02));
		return;
	case ETHERTYPE_LLDP:
		settle_if(p, port, TG_BUILTIN_LLDP,
			to_bridge_group(frame, 0x0e) || to_bridge_group(frame, 0x03) ||
				to_bridge_group(frame, 0x00));
		return;
	default:
		break;
	}
	if (ethertype < ETHERTYPE_MIN && b.have >= 3 && b.at[0] == LLC_STP && b.at[1] == LLC_STP) {
		settle_if(p, port, TG_BUILTIN_STP,
			to_bridge_group(frame, 0x00) || to_bridge_group(frame, 0x08));
		return;
	}
	tg_packet_drop(p, TG_DROP_ETHERTYPE);
}

static bool link_local(const uint8_t *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

static bool unspecified(const uint8_t *addr)
{
	return (raw64(addr) | raw64(addr + 8)) == 0;
}

static bool nd(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	const uint8_t *icmp)
{
	uint8_t type = icmp[0];
	bool valid = ip->hop_limit == 255 && icmp[1] == 0 && !ip->fragment; /* RFC 4861, 6980 */

	if (type == ND_RA || type == ND_REDIRECT)
		valid = valid && link_local(ip->src);
	settle_if(p, port, TG_BUILTIN_ND, valid);
	if (p->outcome == TG_OUTCOME_LINK &&
		((type == ND_RA && !(port->link_pass & TG_LINK_RA)) ||
			(type == ND_REDIRECT && !(port->link_pass & TG_LINK_REDIRECT))))
		tg_packet_drop(p, TG_DROP_LINK_TRAFFIC);
	return true;
}

static bool link_icmp6(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	if (l4.have < 4)
		return false;
	switch (l4.at[0]) {
	case MLD_QUERY:
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		settle_if(p, port, TG_BUILTIN_MLD,
			ip->hop_limit == 1 && !ip->fragment && ip->dst[0] == 0xff &&
				(link_local(ip->src) || unspecified(ip->src)));
		return true;
	default:
		if (l4.at[0] >= ND_RS && l4.at[0] <= ND_REDIRECT)
			return nd(p, port, ip, l4.at);
		return false;
	}
}

/*
 * Only what cannot be routed on: requests of a client that has no address yet or asks everybody,
 * and answers to a client's port. A renewal goes from address to address and is judged.
 */
static bool link_dhcp4(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, uint16_t sport, uint16_t dport)
{
	bool request = sport == 68 && dport == 67 &&
		       (raw32(ip->src) == 0 || raw32(ip->dst) == UINT32_MAX);

	if (!request && !(sport == 67 && dport == 68))
		return false;
	settle(p, port, TG_BUILTIN_DHCPV4);
	return true;
}

static bool link_dhcp6(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, uint16_t sport, uint16_t dport)
{
	static const uint8_t servers[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};

	if (dport == 547 && memcmp(ip->dst, servers, 16) == 0) {
		settle_if(p, port, TG_BUILTIN_DHCPV6, sport == 546 && link_local(ip->src));
		return true;
	}
	if (sport == 547 && dport == 546 && link_local(ip->src) && link_local(ip->dst)) {
		settle(p, port, TG_BUILTIN_DHCPV6);
		return true;
	}
	return false;
}

static bool link_udp(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4)
{
	uint16_t sport, dport;

	if (l4.have < 8 || ip->fragment)
		return false;
	sport = load16(l4.at);
	dport = load16(l4.at + 2);
	return ip->family == 4 ? link_dhcp4(p, port, ip, sport, dport)
			       : link_dhcp6(p, port, ip, sport, dport);
}

static bool link_vrrp(
	struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip)
{
	static const uint8_t group6[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12};
	bool to_group = ip->family == 4 ? load32(ip->dst) == 0xe0000012u
					: memcmp(ip->dst, group6, 16) == 0;

	if (!to_group)
		return false;
	settle_if(p, port, TG_BUILTIN_VRRP, ip->hop_limit == 255);
	return true;
}

bool tg_parse_link_ip(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	switch (ip->protocol) {
	case TG_IPPROTO_UDP:
		return link_udp(p, port, ip, l4);
	case TG_IPPROTO_ICMPV6:
		return ip->family == 6 && link_icmp6(p, port, ip, l4);
	case TG_IPPROTO_IGMP:
		if (ip->family != 4)
			return false;
		settle_if(p, port, TG_BUILTIN_IGMP,
			ip->hop_limit == 1 && !ip->fragment && (ip->dst[0] & 0xf0) == 0xe0);
		return true;
	case TG_IPPROTO_VRRP:
		return link_vrrp(p, port, ip);
	default:
		return false;
	}
}

void tg_parse_router(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip)
{
	enum tg_builtin_rule slot;

	if (p->protocol == TG_IPPROTO_TCP && (p->sport == PORT_BGP || p->dport == PORT_BGP) &&
		(ip->hop_limit == 1 || ip->hop_limit == 255))
		slot = TG_BUILTIN_BGP; /* neighbours: TTL 1, or 255 (RFC 5082) */
	else if (p->protocol == TG_IPPROTO_UDP &&
		 (p->dport == PORT_BFD || p->dport == PORT_BFD_ECHO) && ip->hop_limit == 255)
		slot = TG_BUILTIN_BFD; /* RFC 5881 section 5 */
	else
		return;
	if (port->link_pass & (1u << slot)) {
		p->flags |= TG_PACKET_ROUTER;
		p->code = (uint8_t)slot;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DHCP as link traffic: a client that asks everybody on its link and the answer to it. Everything
 * that goes from one routable address to another (renewals, relays) is UDP like any other and left
 * to the policies, whatever its ports; so is what does not look like DHCP.
 */
#include "parse.h"

#define UDP_HEADER 8

#define DHCP4_SERVER 67
#define DHCP4_CLIENT 68
#define DHCP4_REQUEST 1
#define DHCP4_REPLY 2
#define DHCP4_YIADDR 16
#define DHCP4_COOKIE 236 /* RFC 2131 section 3 */
#define DHCP4_MIN 240
#define DHCP4_ETHERNET 1

#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547
#define DHCP6_HEADER 4
#define DHCP6_OPTION 4

/* Message types (RFC 8415 section 7.3) by who sends them, as bits. */
#define DHCP6_FROM_CLIENT \
	(1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 9 | 1u << 11)
#define DHCP6_FROM_SERVER (1u << 2 | 1u << 7 | 1u << 10)

/* The datagram's bytes after the UDP header, all of them at hand; size 0: not so. */
static struct tg_bytes payload_of(const struct tg_ip *ip, struct tg_bytes l4)
{
	if (ip->n_options != 0 || ip->fragment || l4.have != l4.size || l4.size <= UDP_HEADER ||
		l4.size > TG_LINK_MESSAGE_MAX || load16(l4.at + 4) != l4.size)
		return (struct tg_bytes){l4.at, 0, 0};
	return tg_bytes_after(l4, UDP_HEADER);
}

static bool dhcp4_message(struct tg_bytes b, uint8_t op)
{
	static const uint8_t cookie[4] = {0x63, 0x82, 0x53, 0x63};

	return b.size >= DHCP4_MIN && b.at[0] == op && b.at[1] == DHCP4_ETHERNET && b.at[2] == 6 &&
	       memcmp(b.at + DHCP4_COOKIE, cookie, sizeof(cookie)) == 0;
}

/*
 * An answer may go to the address that it assigns, which the client does not have yet. From inside
 * that would be a way to any address: servers are elsewhere.
 */
static bool dhcp4_answers(
	const struct tg_port_config *port, const struct tg_ip *ip, struct tg_bytes b)
{
	if (!dhcp4_message(b, DHCP4_REPLY) || raw32(ip->src) == 0)
		return false;
	if (raw32(ip->dst) == UINT32_MAX)
		return true;
	return port->side != TG_SIDE_INSIDE && raw32(ip->dst) == raw32(b.at + DHCP4_YIADDR);
}

static bool dhcp4_valid(const struct tg_port_config *port, const struct tg_ip *ip, uint16_t sport,
	uint16_t dport, struct tg_bytes b)
{
	if (ip->src[0] == 127 || ip->src[0] >= 224)
		return false;
	if (sport == DHCP4_CLIENT && dport == DHCP4_SERVER)
		return raw32(ip->dst) == UINT32_MAX && dhcp4_message(b, DHCP4_REQUEST);
	return sport == DHCP4_SERVER && dport == DHCP4_CLIENT && dhcp4_answers(port, ip, b);
}

/* A type that this side sends, and options that fill the message exactly. */
static bool dhcp6_message(struct tg_bytes b, uint32_t types)
{
	uint32_t at = DHCP6_HEADER;

	if (b.size < DHCP6_HEADER || b.at[0] > 31 || !(types >> b.at[0] & 1))
		return false;
	while (at + DHCP6_OPTION <= b.size)
		at += DHCP6_OPTION + load16(b.at + at + 2);
	return at == b.size;
}

static bool to_servers6(const struct tg_ip *ip)
{
	static const uint8_t servers[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};

	return memcmp(ip->dst, servers, sizeof(servers)) == 0;
}

static bool dhcp6_valid(const struct tg_ip *ip, uint16_t sport, uint16_t dport, struct tg_bytes b)
{
	if (!tg_link_local6(ip->src))
		return false;
	if (sport == DHCP6_CLIENT && dport == DHCP6_SERVER)
		return (to_servers6(ip) || tg_link_local6(ip->dst)) &&
		       dhcp6_message(b, DHCP6_FROM_CLIENT);
	return sport == DHCP6_SERVER && dport == DHCP6_CLIENT && tg_link_local6(ip->dst) &&
	       dhcp6_message(b, DHCP6_FROM_SERVER);
}

bool tg_parse_dhcp(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4)
{
	uint16_t sport, dport;
	bool valid;

	if (l4.have < UDP_HEADER)
		return false;
	sport = load16(l4.at);
	dport = load16(l4.at + 2);
	if (ip->family == 4)
		valid = dhcp4_valid(port, ip, sport, dport, payload_of(ip, l4));
	else
		valid = dhcp6_valid(ip, sport, dport, payload_of(ip, l4));
	if (!valid && !(ip->family == 6 && dport == DHCP6_SERVER && to_servers6(ip)))
		return false;
	tg_parse_settle(p, port, ip->family == 4 ? TG_BUILTIN_DHCPV4 : TG_BUILTIN_DHCPV6, valid);
	return true;
}

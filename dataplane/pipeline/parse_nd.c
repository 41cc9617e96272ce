/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery (RFC 4861 sections 6.1, 7.1 and 8.1) and multicast listener discovery
 * (RFC 2710, RFC 3810), which keep IPv6 alive on a link. The checks are those of a host that
 * receives such a message, and one more: no router may want to forward it. Solicitations and
 * advertisements between two global addresses could be forwarded; those pass only within one /64,
 * of which the ruleset has to know something (judge.c).
 */
#include "parse.h"

#define ND_RS 133
#define ND_RA 134
#define ND_NS 135
#define ND_NA 136
#define ND_REDIRECT 137
#define ND_TARGET 8 /* offset of NS, NA and redirect */
#define ND_REDIRECT_FOR 24
#define ND_MAX 1240 /* what fits the smallest MTU */
#define NA_SOLICITED 0x40

#define MLD_QUERY 130
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143
#define MLD_SIZE 24
#define MLD2_QUERY 28

/* Messages as bits, by type. */
#define IN(type) (1u << ((type)-ND_RS))

/* RFC 4861 section 4.6 and what has been registered since for the messages that are known here. */
static const struct nd_option {
	uint8_t type;
	uint8_t least, most; /* length, in units of 8 bytes */
	uint8_t in;	     /* IN bits */
	bool repeats;
} nd_options[] = {
	{1, 1, 1, IN(ND_RS) | IN(ND_NS) | IN(ND_RA), false}, /* source link-layer address */
	{2, 1, 1, IN(ND_NA) | IN(ND_REDIRECT), false},	     /* target link-layer address */
	{3, 4, 4, IN(ND_RA), true},			     /* prefix */
	{4, 1, 255, IN(ND_REDIRECT), false},		     /* redirected header */
	{5, 1, 1, IN(ND_RA), false},			     /* MTU */
	{7, 1, 1, IN(ND_RA), false},			     /* advertisement interval */
	{8, 1, 1, IN(ND_RA), false},			     /* home agent */
	{14, 1, 1, IN(ND_RS) | IN(ND_NS) | IN(ND_NA) | IN(ND_RA), false}, /* nonce, RFC 3971 */
	{24, 1, 3, IN(ND_RA), true},					  /* route, RFC 4191 */
	{25, 3, 255, IN(ND_RA), true},					  /* RDNSS, RFC 8106 */
	{26, 1, 1, IN(ND_RA), false},					  /* flags, RFC 5175 */
	{31, 2, 255, IN(ND_RA), true},					  /* DNSSL, RFC 8106 */
	{37, 1, 255, IN(ND_RA), false}, /* captive portal, RFC 8910 */
	{38, 2, 2, IN(ND_RA), true},	/* PREF64, RFC 8781 */
};

#define ND_OPTIONS (sizeof(nd_options) / sizeof(nd_options[0]))

/* Index in nd_options of an option that message `type` may have, or -1. */
static int nd_option_index(uint8_t type, const uint8_t *option)
{
	for (unsigned int i = 0; i < ND_OPTIONS; i++) {
		const struct nd_option *known = &nd_options[i];

		if (known->type == option[0])
			return (known->in & IN(type)) && option[1] >= known->least &&
					       option[1] <= known->most
				       ? (int)i
				       : -1;
	}
	return -1;
}

/* Options that fill the rest of the message; *seen gets the types below 32 as bits. */
static bool nd_options_valid(uint8_t type, struct tg_bytes b, uint32_t *seen)
{
	uint32_t known = 0;

	*seen = 0;
	for (uint32_t at = 0; at < b.size; at += b.at[at + 1] * 8u) {
		int i;

		if (at + 8 > b.size)
			return false;
		i = nd_option_index(type, b.at + at);
		if (i < 0 || at + b.at[at + 1] * 8u > b.size ||
			((known >> i & 1) && !nd_options[i].repeats))
			return false;
		known |= 1u << i;
		if (b.at[at] < 32)
			*seen |= 1u << b.at[at];
	}
	return true;
}

static bool link_group(const uint8_t *addr, uint8_t low)
{
	static const uint8_t group[15] = {0xff, 2};

	return memcmp(addr, group, sizeof(group)) == 0 && addr[15] == low;
}

/* ff02::1:ff00:0/104 with the last 24 bits of the address. */
static bool solicited_node(const uint8_t *group, const uint8_t *addr)
{
	static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return memcmp(group, prefix, sizeof(prefix)) == 0 && memcmp(group + 13, addr + 13, 3) == 0;
}

static bool ns_scope_valid(const struct tg_ip *ip, const uint8_t *target)
{
	if (!tg_unicast6(target))
		return false;
	if (solicited_node(ip->dst, target))
		return tg_unicast6(ip->src) || tg_unspecified6(ip->src);
	return tg_unicast6(ip->src) && memcmp(ip->dst, target, 16) == 0;
}

static bool na_scope_valid(const struct tg_ip *ip, const uint8_t *icmp)
{
	if (!tg_unicast6(ip->src) || !tg_unicast6(icmp + ND_TARGET))
		return false;
	return tg_unicast6(ip->dst) || (link_group(ip->dst, 1) && !(icmp[4] & NA_SOLICITED));
}

static bool nd_scope_valid(const struct tg_ip *ip, const uint8_t *icmp)
{
	switch (icmp[0]) {
	case ND_RS:
		return (tg_unicast6(ip->src) || tg_unspecified6(ip->src)) &&
		       (link_group(ip->dst, 2) || tg_link_local6(ip->dst));
	case ND_RA:
		return tg_link_local6(ip->src) && (link_group(ip->dst, 1) || tg_unicast6(ip->dst));
	case ND_NS:
		return ns_scope_valid(ip, icmp + ND_TARGET);
	case ND_NA:
		return na_scope_valid(ip, icmp);
	default:
		return tg_link_local6(ip->src) && tg_unicast6(ip->dst) &&
		       tg_unicast6(icmp + ND_TARGET) && tg_unicast6(icmp + ND_REDIRECT_FOR);
	}
}

static bool nd_valid(const struct tg_ip *ip, struct tg_bytes l4)
{
	static const uint8_t header[] = {8, 16, 24, 24, 40};
	uint8_t type = l4.at[0];
	uint32_t fixed = header[type - ND_RS], seen;

	/* RFC 4861, and RFC 6980 for fragments; nobody needs extension headers here. */
	if (ip->hop_limit != 255 || ip->n_options != 0 || ip->fragment || l4.have != l4.size ||
		l4.size < fixed || l4.size > ND_MAX || l4.at[1] != 0)
		return false;
	if (memcmp(ip->src, ip->dst, 16) == 0 || !nd_scope_valid(ip, l4.at))
		return false;
	if (!nd_options_valid(type, tg_bytes_after(l4, fixed), &seen))
		return false;
	/* Who has no address yet has no link-layer address to tell for it either. */
	return !tg_unspecified6(ip->src) || !(seen & 1u << 1);
}

/* Could a router forward it by its addresses? */
static bool routable(const struct tg_ip *ip)
{
	return ip->dst[0] != 0xff && !tg_link_local6(ip->src) && !tg_link_local6(ip->dst);
}

static void link_nd(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4)
{
	uint8_t type = l4.at[0];
	bool valid = nd_valid(ip, l4);

	if (valid && ((type == ND_RA && !(port->link_pass & TG_LINK_RA)) ||
			     (type == ND_REDIRECT && !(port->link_pass & TG_LINK_REDIRECT))))
		tg_packet_drop(p, TG_DROP_LINK_TRAFFIC);
	else if (valid && routable(ip))
		tg_parse_settle_between(p, port, TG_BUILTIN_ND, memcmp(ip->src, ip->dst, 8) == 0);
	else
		tg_parse_settle(p, port, TG_BUILTIN_ND, valid);
}

/* Every message has the router alert and nothing else before it (RFC 3810 section 5). */
static bool mld_options_valid(const struct tg_ip *ip)
{
	static const uint8_t alert[4] = {5, 2, 0, 0};
	const uint8_t *o = ip->options + 2;

	if (ip->n_options != 8)
		return false;
	if (memcmp(o, alert, 4) == 0)
		return (o[4] == 1 && o[5] == 0) || (o[4] == 0 && o[5] == 0);
	return ((o[0] == 1 && o[1] == 0) || (o[0] == 0 && o[1] == 0)) &&
	       memcmp(o + 2, alert, 4) == 0;
}

/* Group records (RFC 3810 section 5.2) that fill the message exactly. */
static bool mld2_report_valid(struct tg_bytes l4)
{
	uint32_t at = 8;

	for (uint32_t n = load16(l4.at + 6); n != 0; n--) {
		if (at + 20 > l4.size || l4.at[at] == 0 || l4.at[at] > 6)
			return false;
		at += 20 + 4u * l4.at[at + 1] + 16u * load16(l4.at + at + 2);
	}
	return at == l4.size;
}

static bool mld_message_valid(const struct tg_ip *ip, struct tg_bytes l4)
{
	switch (l4.at[0]) {
	case MLD_QUERY:
		return l4.size == MLD_SIZE ||
		       (l4.size >= MLD2_QUERY && l4.size == MLD2_QUERY + 16u * load16(l4.at + 26));
	case MLD_REPORT:
		return l4.size == MLD_SIZE && memcmp(ip->dst, l4.at + 8, 16) == 0;
	case MLD_DONE:
		return l4.size == MLD_SIZE && link_group(ip->dst, 2);
	default:
		return mld2_report_valid(l4);
	}
}

static bool mld_valid(const struct tg_ip *ip, struct tg_bytes l4)
{
	return ip->hop_limit == 1 && !ip->fragment && l4.size >= 8 && l4.have == l4.size &&
	       l4.size <= TG_LINK_MESSAGE_MAX && (ip->dst[0] == 0xff || tg_link_local6(ip->dst)) &&
	       (tg_link_local6(ip->src) || tg_unspecified6(ip->src)) && mld_options_valid(ip) &&
	       mld_message_valid(ip, l4);
}

bool tg_parse_link_icmp6(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	if (l4.have < 4)
		return false;
	switch (l4.at[0]) {
	case MLD_QUERY:
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		tg_parse_settle(p, port, TG_BUILTIN_MLD, mld_valid(ip, l4));
		return true;
	default:
		if (l4.at[0] < ND_RS || l4.at[0] > ND_REDIRECT)
			return false;
		link_nd(p, port, ip, l4);
		return true;
	}
}

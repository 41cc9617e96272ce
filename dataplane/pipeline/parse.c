/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet, VLAN tags, IPv4 and IPv6. */
#include "parse.h"
#include "parse_quick.h"

#include <rte_branch_prediction.h>

#define ETH_HEADER 14
#define VLAN_TAG 4
#define VLAN_TAGS_MAX 2
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_IPV6 0x86dd

#define IP4_MORE 0x2000
#define IP4_OFFSET 0x1fff
#define IP4_OPTION_LSRR 131
#define IP4_OPTION_SSRR 137
#define EXTENSIONS_MAX 8
#define DATAGRAM_MAX 65535

void tg_parse_addresses(struct tg_packet *p, uint8_t family, const uint8_t *src, const uint8_t *dst)
{
	p->family = family;
	if (family == 4) {
		uint64_t s = raw32(src), d = raw32(dst);

		p->dir = rte_be_to_cpu_32((uint32_t)s) > rte_be_to_cpu_32((uint32_t)d);
		p->key.addr.v4 = p->dir ? (d | s << 32) : (s | d << 32);
		return;
	}
	p->dir = memcmp(src, dst, 16) > 0;
	memcpy(&p->key.addr.v6[0], p->dir ? dst : src, 16);
	memcpy(&p->key.addr.v6[2], p->dir ? src : dst, 16);
}

void tg_packet_set_ports(struct tg_packet *p, uint16_t sport, uint16_t dport, uint8_t group)
{
	p->sport = sport;
	p->dport = dport;
	p->key.tail = p->dir ? tg_key_tail(dport, sport, p->protocol, group)
			     : tg_key_tail(sport, dport, p->protocol, group);
}

static bool martian6(const uint8_t *src, const uint8_t *dst)
{
	static const uint8_t zero[16];
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint64_t same = (raw64(src) ^ raw64(dst)) | (raw64(src + 8) ^ raw64(dst + 8));

	if (same == 0 || src[0] == 0xff)
		return true;
	/* ::, ::1 and ::ffff:0:0/96 all begin with ten zero bytes. */
	if (likely(raw64(src) != 0 && raw64(dst) != 0))
		return false;
	return (memcmp(src, zero, 15) == 0 && src[15] <= 1) ||
	       (memcmp(dst, zero, 15) == 0 && dst[15] <= 1) || memcmp(src, mapped, 12) == 0 ||
	       memcmp(dst, mapped, 12) == 0;
}

/* Source routing lets the sender choose addresses that policy never sees. */
static bool ip4_source_routed(const uint8_t *options, uint32_t length, bool *valid)
{
	uint32_t i = 0;

	*valid = true;
	while (i < length && options[i] != 0) {
		if (options[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= length || options[i + 1] < 2 || i + options[i + 1] > length) {
			*valid = false;
			return false;
		}
		if (options[i] == IP4_OPTION_LSRR || options[i] == IP4_OPTION_SSRR)
			return true;
		i += options[i + 1];
	}
	return false;
}

static bool ip4_options(struct tg_packet *p, struct tg_bytes b, uint32_t header)
{
	bool valid;

	if (ip4_source_routed(b.at + TG_IP4_HEADER, header - TG_IP4_HEADER, &valid)) {
		tg_packet_drop(p, TG_DROP_IP_OPTIONS);
		return false;
	}
	if (!valid)
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
	return valid;
}

/*
 * The part of a datagram's payload that is in this fragment; false: impossible. `header` bytes
 * count against the longest datagram.
 */
static bool fragment_range(
	struct tg_packet *p, uint32_t header, uint32_t offset, uint32_t length, bool more)
{
	p->fragment_start = offset;
	p->fragment_end = offset + length;
	p->fragment_more = more;
	p->flags |= offset == 0 ? TG_PACKET_FIRST : TG_PACKET_LATER;
	/* All but the last are multiples of 8 (RFC 791 3.2, RFC 8200 4.5). */
	return length != 0 && header + offset + length <= DATAGRAM_MAX &&
	       (!more || length % 8 == 0);
}

/* A whole datagram, a first fragment or a later one, header and addresses being good. */
static void transport(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4, bool martian)
{
	p->protocol = ip->protocol;
	tg_parse_addresses(p, ip->family, ip->src, ip->dst);
	if (!(p->flags & TG_PACKET_LATER) && tg_parse_link_ip(p, port, ip, l4))
		return;
	if (martian) {
		tg_packet_drop(p, TG_DROP_MARTIAN);
		return;
	}
	p->outcome = TG_OUTCOME_TRACK;
	if (!(p->flags & TG_PACKET_LATER))
		tg_parse_l4(p, port, ip, l4);
}

static void parse_ip4(struct tg_packet *p, const struct tg_port_config *port, struct tg_bytes b)
{
	struct tg_ip ip = {.family = 4};
	uint32_t header, total, offset;

	if (b.have < TG_IP4_HEADER) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
		return;
	}
	header = (b.at[0] & 0x0f) * 4u;
	total = load16(b.at + 2);
	if (b.at[0] >> 4 != 4 || header < TG_IP4_HEADER || total < header || total > b.size ||
		header > b.have) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
		return;
	}
	p->l3_length = total;
	if (unlikely(header > TG_IP4_HEADER) && !ip4_options(p, b, header))
		return;
	b.size = total;
	if (b.have > total)
		b.have = total;
	ip.src = b.at + 12;
	ip.dst = b.at + 16;
	ip.hop_limit = b.at[8];
	ip.protocol = b.at[9];
	ip.options = b.at + TG_IP4_HEADER;
	ip.n_options = header - TG_IP4_HEADER;
	offset = load16(b.at + 6);
	if (unlikely(offset & (IP4_MORE | IP4_OFFSET))) {
		ip.fragment = true;
		p->fragment_id = load16(b.at + 4);
		if (!fragment_range(p, header, (offset & IP4_OFFSET) * 8, total - header,
			    (offset & IP4_MORE) != 0)) {
			tg_packet_drop(p, TG_DROP_MALFORMED_L3);
			return;
		}
	}
	transport(p, port, &ip, tg_bytes_after(b, header),
		tg_martian4(load32(ip.src), load32(ip.dst)));
}

/* Bytes an extension header takes, or 0: not one that is walked over. */
static uint32_t extension_length(uint8_t type, const uint8_t *at)
{
	switch (type) {
	case TG_IPPROTO_HOPOPTS:
	case TG_IPPROTO_DSTOPTS:
	case TG_IPPROTO_ROUTING:
		return (at[1] + 1u) * 8;
	case TG_IPPROTO_FRAGMENT:
		return 8;
	case TG_IPPROTO_AH:
		return (at[1] + 2u) * 4;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t type)
{
	return type == TG_IPPROTO_HOPOPTS || type == TG_IPPROTO_DSTOPTS ||
	       type == TG_IPPROTO_ROUTING || type == TG_IPPROTO_FRAGMENT || type == TG_IPPROTO_AH;
}

/* Which headers are refused: a source route, hop-by-hop in a wrong place, a second fragment. */
static bool extension_refused(const struct tg_ip6_walk *walk, const uint8_t *at)
{
	if (walk->next == TG_IPPROTO_ROUTING)
		return at[2] == 0; /* RFC 5095 */
	if (walk->next == TG_IPPROTO_HOPOPTS)
		return walk->offset != TG_IP6_HEADER;
	return walk->next == TG_IPPROTO_FRAGMENT && walk->fragment;
}

enum tg_walk_result tg_ip6_walk(struct tg_bytes b, struct tg_ip6_walk *walk)
{
	*walk = (struct tg_ip6_walk){.next = b.at[6], .offset = TG_IP6_HEADER};
	for (unsigned int n = 0; is_extension(walk->next); n++) {
		const uint8_t *at = b.at + walk->offset;
		uint32_t length;

		if (n == EXTENSIONS_MAX)
			return TG_WALK_REFUSED;
		if (walk->offset + 8 > b.have)
			return TG_WALK_TRUNCATED;
		if (extension_refused(walk, at))
			return TG_WALK_REFUSED;
		length = extension_length(walk->next, at);
		if (walk->next == TG_IPPROTO_FRAGMENT) {
			walk->fragment = true;
			walk->fragment_offset = load16(at + 2) & 0xfff8u;
			walk->more = (at[3] & 1) != 0;
			walk->fragment_id = load32(at + 4);
			walk->fragment_at = walk->offset + length;
		}
		walk->next = at[0];
		walk->offset += length;
		if (walk->offset > b.size)
			return TG_WALK_TRUNCATED;
		/* What follows is not a header but somewhere in the datagram. */
		if (walk->fragment && walk->fragment_offset != 0)
			break;
	}
	return TG_WALK_OK;
}

/* Walks the extension headers; true: go on to the transport header at walk->offset. */
static bool ip6_extensions(struct tg_packet *p, struct tg_bytes b, struct tg_ip6_walk *walk)
{
	switch (tg_ip6_walk(b, walk)) {
	case TG_WALK_TRUNCATED:
		/* The first fragment has to hold the whole header chain (RFC 7112). */
		tg_packet_drop(p, walk->fragment && walk->more ? TG_DROP_FRAGMENT_SHORT
							       : TG_DROP_MALFORMED_L3);
		return false;
	case TG_WALK_REFUSED:
		tg_packet_drop(p, TG_DROP_IP_OPTIONS);
		return false;
	case TG_WALK_OK:
		break;
	}
	/* An atomic fragment (RFC 6946) is whole. */
	if (walk->fragment && (walk->more || walk->fragment_offset != 0)) {
		p->fragment_id = walk->fragment_id;
		return true;
	}
	walk->fragment = false;
	return true;
}

static void parse_ip6(struct tg_packet *p, const struct tg_port_config *port, struct tg_bytes b)
{
	struct tg_ip ip = {.family = 6};
	struct tg_ip6_walk walk;
	uint32_t total;

	if (b.have < TG_IP6_HEADER || b.at[0] >> 4 != 6) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
		return;
	}
	total = TG_IP6_HEADER + load16(b.at + 4);
	if (total > b.size) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
		return;
	}
	p->l3_length = total;
	b.size = total;
	if (b.have > total)
		b.have = total;
	ip.hop_limit = b.at[7];
	ip.src = b.at + 8;
	ip.dst = b.at + 24;
	if (!ip6_extensions(p, b, &walk))
		return;
	ip.protocol = walk.next;
	ip.fragment = walk.fragment;
	ip.options = b.at + TG_IP6_HEADER;
	ip.n_options = walk.offset - TG_IP6_HEADER;
	if (unlikely(walk.fragment) &&
		!fragment_range(p, 0, walk.fragment_offset, total - walk.fragment_at, walk.more)) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L3);
		return;
	}
	transport(p, port, &ip, tg_bytes_after(b, walk.offset), martian6(ip.src, ip.dst));
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
	       ethertype == ETHERTYPE_QINQ_OLD;
}

static void parse_frame(struct tg_packet *p, const struct tg_port_config *port, struct tg_bytes b)
{
	const uint8_t *frame = b.at;
	uint32_t offset = ETH_HEADER;
	uint16_t ethertype;

	if (b.have < ETH_HEADER) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L2);
		return;
	}
	ethertype = load16(frame + 12);
	while (unlikely(is_tag(ethertype))) {
		if (offset == ETH_HEADER + VLAN_TAGS_MAX * VLAN_TAG || b.have < offset + VLAN_TAG) {
			tg_packet_drop(p, TG_DROP_MALFORMED_L2);
			return;
		}
		ethertype = load16(frame + offset + 2);
		offset += VLAN_TAG;
	}
	if (offset == ETH_HEADER)
		p->flags |= TG_PACKET_PLAIN; /* tentative */
	b = tg_bytes_after(b, offset);
	if (likely(ethertype == ETHERTYPE_IPV4))
		parse_ip4(p, port, b);
	else if (ethertype == ETHERTYPE_IPV6)
		parse_ip6(p, port, b);
	else
		tg_parse_link(p, port, frame, ethertype, b);
}

void tg_packet_parse(struct tg_packet *p, const struct tg_port_config *port)
{
	struct rte_mbuf *m = p->m;
	uint8_t copy[TG_PARSE_MAX];
	struct tg_bytes b = {
		rte_pktmbuf_mtod(m, const uint8_t *),
		rte_pktmbuf_data_len(m),
		rte_pktmbuf_pkt_len(m),
	};

	p->length = b.size;
	p->l3_length = 0;
	p->flags = 0;
	if (unlikely(b.have < b.size && b.have < sizeof(copy))) {
		b.have = b.size < sizeof(copy) ? b.size : (uint32_t)sizeof(copy);
		b.at = rte_pktmbuf_read(m, 0, b.have, copy);
		if (b.at == NULL) {
			tg_packet_drop(p, TG_DROP_MALFORMED_L2);
			return;
		}
	}
	parse_frame(p, port, b);
}

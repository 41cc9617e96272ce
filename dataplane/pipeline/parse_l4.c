/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport headers, and what an ICMP error quotes. */
#include "parse.h"

#include <rte_branch_prediction.h>

#define TCP_HEADER 20
#define UDP_HEADER 8
#define SCTP_HEADER 12
#define SCTP_CHUNK 4
#define SCTP_INIT_SIZE 20
#define SCTP_CHUNKS_MAX 64 /* what follows them is the receiver's business */
#define ICMP_HEADER 8

#define ICMP4_ECHO_REPLY 0
#define ICMP4_UNREACHABLE 3
#define ICMP4_QUENCH 4
#define ICMP4_REDIRECT 5
#define ICMP4_ECHO 8
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER 12
#define ICMP4_TIMESTAMP 13
#define ICMP4_TIMESTAMP_REPLY 14
#define ICMP6_UNREACHABLE 1
#define ICMP6_PARAMETER 4
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129

#define QUOTED_L4 8 /* bytes of its transport header that an ICMP error has to quote */

/* Too short, as a first fragment or as a whole. */
static void too_short(struct tg_packet *p)
{
	tg_packet_drop(
		p, p->flags & TG_PACKET_FIRST ? TG_DROP_FRAGMENT_SHORT : TG_DROP_MALFORMED_L4);
}

uint8_t tg_tcp_scale(const uint8_t *options, uint32_t length)
{
	uint32_t i = 0;

	while (i < length && options[i] != 0) {
		if (options[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= length || options[i + 1] < 2 || i + options[i + 1] > length)
			break;
		if (options[i] == 3 && options[i + 1] == 3)
			return options[i + 2] < 14 ? options[i + 2] : 14;
		i += options[i + 1];
	}
	return TG_TCP_NO_SCALE;
}

static void parse_tcp(struct tg_packet *p, const struct tg_port_config *port, struct tg_bytes l4)
{
	struct tg_segment *seg = &p->seg;
	uint32_t header;

	if (l4.have < TCP_HEADER) {
		too_short(p);
		return;
	}
	header = (l4.at[12] >> 4) * 4u;
	if (header < TCP_HEADER || header > l4.have) {
		if (header < TCP_HEADER)
			tg_packet_drop(p, TG_DROP_MALFORMED_L4);
		else
			too_short(p);
		return;
	}
	seg->seq = load32(l4.at + 4);
	seg->ack = load32(l4.at + 8);
	seg->flags = l4.at[13] & 0x3f;
	seg->win = load16(l4.at + 14);
	seg->length = l4.size - header;
	if (unlikely(seg->flags & (TG_TCP_SYN | TG_TCP_FIN)))
		seg->length++;
	if (unlikely(!tg_tcp_flags_valid(seg->flags))) {
		tg_packet_drop(p, TG_DROP_TCP_INVALID);
		return;
	}
	seg->scale = TG_TCP_NO_SCALE;
	if (unlikely(seg->flags & TG_TCP_SYN)) {
		seg->scale = tg_tcp_scale(l4.at + TCP_HEADER, header - TCP_HEADER);
		if (!(seg->flags & TG_TCP_ACK))
			p->flags |= TG_PACKET_OPENS;
	}
	if (!(seg->flags & TG_TCP_RST) && !(p->flags & TG_PACKET_OPENS))
		p->flags |= TG_PACKET_PICKUP;
	tg_packet_set_ports(p, load16(l4.at), load16(l4.at + 2), port->group);
}

static void parse_udp(struct tg_packet *p, const struct tg_port_config *port, struct tg_bytes l4)
{
	uint32_t length;

	if (l4.have < UDP_HEADER) {
		too_short(p);
		return;
	}
	length = load16(l4.at + 4);
	/* Length 0 is a jumbogram's (RFC 2675), which no header before it has announced. */
	if (length < UDP_HEADER || (!(p->flags & TG_PACKET_FIRST) && length > l4.size)) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L4);
		return;
	}
	p->flags |= TG_PACKET_OPENS;
	tg_packet_set_ports(p, load16(l4.at), load16(l4.at + 2), port->group);
}

/* What a chunk says of which `have` bytes can be read; false: damaged. */
static bool sctp_chunk(struct tg_sctp *s, const uint8_t *chunk, uint32_t have)
{
	uint8_t type = chunk[0];
	uint32_t bit = type < TG_SCTP_TYPES ? 1u << type : 1;

	s->chunks |= (uint16_t)bit;
	if (bit & (TG_SCTP_BIT(ABORT) | TG_SCTP_BIT(SHUTDOWN_COMPLETE)))
		s->reflected = chunk[1] & 1;
	if (bit & (TG_SCTP_BIT(INIT) | TG_SCTP_BIT(INIT_ACK))) {
		if (have < SCTP_INIT_SIZE)
			return false;
		s->init_tag = load32(chunk + 4);
		return s->init_tag != 0;
	}
	return true;
}

/*
 * The chunks of a packet, as far as they can be read; `whole`: it is no fragment. False: damaged,
 * or bundled as they must not be (RFC 9260 section 6.10).
 */
static bool sctp_chunks(struct tg_sctp *s, struct tg_bytes b, bool whole)
{
	const uint32_t lonely = TG_SCTP_BIT(INIT) | TG_SCTP_BIT(INIT_ACK) |
				TG_SCTP_BIT(SHUTDOWN_COMPLETE);
	unsigned int n = 0;

	while (n < SCTP_CHUNKS_MAX && b.have >= SCTP_CHUNK) {
		uint32_t length = load16(b.at + 2);

		if (length < SCTP_CHUNK || (whole && length > b.size) ||
			!sctp_chunk(s, b.at, RTE_MIN(length, b.have)))
			return false;
		n++;
		b = tg_bytes_after(b, RTE_ALIGN_CEIL(length, 4));
	}
	return !(s->chunks & lonely) || (n == 1 && b.size == 0);
}

static void parse_sctp(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	struct tg_sctp *s = &p->sctp;

	if (l4.have < SCTP_HEADER + SCTP_CHUNK) {
		too_short(p);
		return;
	}
	*s = (struct tg_sctp){.tag = load32(l4.at + 4)};
	/* An INIT has no tag, and it alone (section 8.5.1 A). */
	if (!sctp_chunks(s, tg_bytes_after(l4, SCTP_HEADER), !ip->fragment) ||
		(s->tag == 0) != (s->chunks == TG_SCTP_BIT(INIT))) {
		tg_packet_drop(p, TG_DROP_MALFORMED_L4);
		return;
	}
	/* A HEARTBEAT probes a new path. */
	if (s->chunks == TG_SCTP_BIT(INIT) || s->chunks == TG_SCTP_BIT(HEARTBEAT))
		p->flags |= TG_PACKET_OPENS;
	tg_packet_set_ports(p, load16(l4.at), load16(l4.at + 2), port->group);
}

/* A query's or a reply's ports, see conn.h; false: neither. */
static bool icmp_ports(
	uint8_t family, const uint8_t *icmp, uint16_t *sport, uint16_t *dport, bool *query)
{
	uint8_t type = icmp[0];
	uint16_t id = load16(icmp + 4);

	*query = family == 4 ? type == ICMP4_ECHO || type == ICMP4_TIMESTAMP : type == ICMP6_ECHO;
	if (*query) {
		*sport = id;
		*dport = type;
		return true;
	}
	*dport = id;
	if (family == 4 && (type == ICMP4_ECHO_REPLY || type == ICMP4_TIMESTAMP_REPLY))
		*sport = type == ICMP4_ECHO_REPLY ? ICMP4_ECHO : ICMP4_TIMESTAMP;
	else if (family == 6 && type == ICMP6_ECHO_REPLY)
		*sport = ICMP6_ECHO;
	else
		return false;
	return true;
}

static bool icmp_error(uint8_t family, uint8_t type)
{
	if (family == 6)
		return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
	return type == ICMP4_UNREACHABLE || type == ICMP4_QUENCH || type == ICMP4_TIME_EXCEEDED ||
	       type == ICMP4_PARAMETER;
}

/* The quoted datagram's header: addresses, protocol and transport header. */
static bool quoted_ip(uint8_t family, struct tg_bytes b, struct tg_ip *ip, struct tg_bytes *l4)
{
	struct tg_ip6_walk walk;
	uint32_t header;

	ip->family = family;
	if (family == 4) {
		if (b.have < 20 || b.at[0] >> 4 != 4)
			return false;
		header = (b.at[0] & 0x0f) * 4u;
		if (header < 20 || (load16(b.at + 6) & 0x1fff) != 0)
			return false;
		ip->src = b.at + 12;
		ip->dst = b.at + 16;
		ip->protocol = b.at[9];
		*l4 = tg_bytes_after(b, header);
		return true;
	}
	if (b.have < 40 || b.at[0] >> 4 != 6 || tg_ip6_walk(b, &walk) != TG_WALK_OK ||
		walk.fragment_offset != 0)
		return false;
	ip->src = b.at + 8;
	ip->dst = b.at + 24;
	ip->protocol = walk.next;
	*l4 = tg_bytes_after(b, walk.offset);
	return true;
}

/* Ports of the quoted packet; false: nothing that can be a connection. */
static bool quoted_ports(
	const struct tg_ip *ip, struct tg_bytes l4, uint16_t *sport, uint16_t *dport)
{
	bool query;

	*sport = *dport = 0;
	switch (ip->protocol) {
	case TG_IPPROTO_TCP:
	case TG_IPPROTO_UDP:
	case TG_IPPROTO_SCTP:
		if (l4.have < QUOTED_L4)
			return false;
		*sport = load16(l4.at);
		*dport = load16(l4.at + 2);
		return true;
	case TG_IPPROTO_ICMP:
	case TG_IPPROTO_ICMPV6:
		return l4.have >= QUOTED_L4 && icmp_ports(ip->family, l4.at, sport, dport, &query);
	default:
		return true;
	}
}

/* An ICMP error's quotation, which follows the ICMP header, becomes the packet's key. */
static void parse_quoted(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes quoted)
{
	size_t size = ip->family == 4 ? 4 : 16;
	uint16_t sport, dport;
	struct tg_bytes l4;
	struct tg_ip inner;

	/* The error goes to whoever sent what it quotes. */
	if (!quoted_ip(ip->family, quoted, &inner, &l4) || memcmp(ip->dst, inner.src, size) != 0 ||
		memcmp(inner.src, inner.dst, size) == 0 ||
		!quoted_ports(&inner, l4, &sport, &dport)) {
		tg_packet_drop(p, TG_DROP_ICMP_UNRELATED);
		return;
	}
	p->flags |= TG_PACKET_RELATED;
	p->protocol = inner.protocol;
	tg_parse_addresses(p, ip->family, inner.src, inner.dst);
	tg_packet_set_ports(p, sport, dport, port->group);
	if (inner.protocol == TG_IPPROTO_TCP)
		p->seg.seq = load32(l4.at + 4);
	else if (inner.protocol == TG_IPPROTO_SCTP)
		p->sctp.tag = load32(l4.at + 4);
	p->dir ^= 1;
}

static void parse_icmp(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4)
{
	uint16_t sport, dport;
	bool query;

	if (l4.have < ICMP_HEADER) {
		too_short(p);
		return;
	}
	if (icmp_error(ip->family, l4.at[0])) {
		/* An error fits the smallest MTU; one in fragments hides its quotation. */
		if (ip->fragment)
			tg_packet_drop(p, TG_DROP_ICMP_UNRELATED);
		else
			parse_quoted(p, port, ip, tg_bytes_after(l4, ICMP_HEADER));
		return;
	}
	if (!icmp_ports(ip->family, l4.at, &sport, &dport, &query)) {
		tg_packet_drop(p, TG_DROP_ICMP_UNRELATED);
		return;
	}
	if (query)
		p->flags |= TG_PACKET_OPENS;
	tg_packet_set_ports(p, sport, dport, port->group);
}

void tg_parse_l4(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4)
{
	uint8_t plain = p->flags & TG_PACKET_PLAIN;

	p->flags &= (uint8_t)~TG_PACKET_PLAIN;
	if (ip->protocol == (ip->family == 4 ? TG_IPPROTO_ICMP : TG_IPPROTO_ICMPV6)) {
		parse_icmp(p, port, ip, l4);
		return;
	}
	switch (ip->protocol) {
	case TG_IPPROTO_TCP:
		parse_tcp(p, port, l4);
		break;
	case TG_IPPROTO_UDP:
		parse_udp(p, port, l4);
		break;
	case TG_IPPROTO_SCTP:
		parse_sctp(p, port, ip, l4);
		return;
	default:
		p->flags |= TG_PACKET_OPENS;
		tg_packet_set_ports(p, 0, 0, port->group);
		return;
	}
	if (unlikely(p->outcome == TG_OUTCOME_DROP))
		return;
	if (!ip->fragment)
		p->flags |= plain;
	if (unlikely(port->link_pass & (TG_LINK(BGP) | TG_LINK(BFD))))
		tg_parse_router(p, port, ip, tg_bytes_after(l4, UDP_HEADER));
}

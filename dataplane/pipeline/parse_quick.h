/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common packet in one go: an untagged, whole IPv4 datagram without options in one segment,
 * with TCP in mid-connection or about to begin one, or UDP. Says what tg_packet_parse would, or
 * declines.
 */
#ifndef TG_PIPELINE_PARSE_QUICK_H
#define TG_PIPELINE_PARSE_QUICK_H

#include <rte_branch_prediction.h>

#include "bytes.h"
#include "packet.h"

#define TG_QUICK_MIN 54 /* Ethernet, IPv4 and TCP headers; frames with UDP are padded to more */
#define TG_QUICK_ETHERTYPE RTE_BE16(0x0800)
#define TG_QUICK_FRAGMENT RTE_BE16(0x3fff)

/* Addresses that cannot be on a wire, in host order. */
static inline bool tg_martian4(uint32_t src, uint32_t dst)
{
	uint8_t s = (uint8_t)(src >> 24), d = (uint8_t)(dst >> 24);

	return (src == dst) | (s == 0) | (s == 127) | (s >= 224) | (d == 0) | (d == 127) |
	       ((d >= 240) & (dst != UINT32_MAX));
}

static inline bool tg_quick_tcp(struct tg_packet *p, const uint8_t *l4, uint32_t size)
{
	const uint8_t special = TG_TCP_FIN | TG_TCP_SYN | TG_TCP_RST | TG_TCP_URG | TG_TCP_ACK;
	const uint8_t flags = l4[13] & special;
	uint32_t header = (l4[12] >> 4) * 4u;

	if (unlikely((flags != TG_TCP_ACK && flags != TG_TCP_SYN) || header < 20 || header > size))
		return false;
	p->seg.seq = load32(l4 + 4);
	p->seg.ack = load32(l4 + 8);
	p->seg.win = load16(l4 + 14);
	p->seg.length = size - header;
	p->seg.flags = l4[13] & 0x3f;
	p->seg.scale = TG_TCP_NO_SCALE;
	p->flags = TG_PACKET_PLAIN | TG_PACKET_PICKUP;
	if (flags == TG_TCP_SYN) {
		p->seg.length++;
		p->seg.scale = tg_tcp_scale(l4 + 20, header - 20);
		p->flags = TG_PACKET_PLAIN | TG_PACKET_OPENS;
	}
	return true;
}

static inline bool tg_quick_udp(
	struct tg_packet *p, const uint8_t *l4, uint32_t size, uint16_t sport, uint16_t dport)
{
	uint32_t length = load16(l4 + 4);

	/* DHCP may be link traffic. */
	if (unlikely(length < 8 || length > size || (uint16_t)(sport - 67) <= 1 ||
		     (uint16_t)(dport - 67) <= 1))
		return false;
	p->flags = TG_PACKET_PLAIN | TG_PACKET_OPENS;
	return true;
}

static inline bool tg_parse_quick(struct tg_packet *p, const struct tg_port_config *port)
{
	const struct rte_mbuf *m = p->m;
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *), *l4 = frame + 34;
	uint32_t length = rte_pktmbuf_pkt_len(m), total, src, dst;
	uint16_t sport, dport;
	uint64_t s, d;

	if (unlikely(rte_pktmbuf_data_len(m) != length || length < TG_QUICK_MIN ||
		     (port->link_pass & (TG_LINK(BGP) | TG_LINK(BFD))) ||
		     raw16(frame + 12) != TG_QUICK_ETHERTYPE || frame[14] != 0x45 ||
		     (raw16(frame + 20) & TG_QUICK_FRAGMENT)))
		return false;
	total = load16(frame + 16);
	s = raw32(frame + 26);
	d = raw32(frame + 30);
	src = rte_be_to_cpu_32((uint32_t)s);
	dst = rte_be_to_cpu_32((uint32_t)d);
	if (unlikely(total > length - 14 || total < 40 || tg_martian4(src, dst)))
		return false;
	sport = load16(l4);
	dport = load16(l4 + 2);
	p->protocol = frame[23];
	if (p->protocol == TG_IPPROTO_TCP) {
		if (unlikely(!tg_quick_tcp(p, l4, total - 20)))
			return false;
	} else if (unlikely(p->protocol != TG_IPPROTO_UDP ||
			    !tg_quick_udp(p, l4, total - 20, sport, dport))) {
		return false;
	}
	p->length = length;
	p->l3_length = total;
	p->family = 4;
	p->outcome = TG_OUTCOME_TRACK;
	p->sport = sport;
	p->dport = dport;
	p->dir = src > dst;
	p->key.addr.v4 = src > dst ? (d | s << 32) : (s | d << 32);
	p->key.tail = src > dst ? tg_key_tail(dport, sport, p->protocol, port->group)
				: tg_key_tail(sport, dport, p->protocol, port->group);
	return true;
}

#endif

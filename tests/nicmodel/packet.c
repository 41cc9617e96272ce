/* SPDX-License-Identifier: BSD-3-Clause */
/* What a NIC's parser makes of a frame. */
#include "key.h"

#include <assert.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define LOOKED_AT 192
#define EXTENSION_MAX 8

/* The beginning of a frame. */
struct view {
	const uint8_t *p;
	uint16_t size;	 /* bytes at p */
	uint32_t length; /* of the frame */
	uint16_t at;	 /* what comes next */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_tag(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ;
}

/* The type of what follows; 0: the frame is too short. */
static uint16_t read_ether(struct view *v, struct nm_key *key)
{
	uint16_t type;

	if (v->size < RTE_ETHER_HDR_LEN)
		return 0;
	memcpy(key->ether, v->p, RTE_ETHER_HDR_LEN);
	type = be16(v->p + 12);
	v->at = RTE_ETHER_HDR_LEN;
	for (unsigned int i = 0; i < 2 && is_tag(type); i++) {
		if (v->size < v->at + RTE_VLAN_HLEN)
			return 0;
		memcpy(key->vlan[i], v->p + v->at, RTE_VLAN_HLEN);
		key->tags |= i == 0 ? NM_TAGGED : NM_TAGGED_TWICE;
		type = be16(v->p + v->at + 2);
		v->at += RTE_VLAN_HLEN;
	}
	key->last_type[0] = type >> 8;
	key->last_type[1] = type & 0xff;
	return type;
}

static uint16_t transport_header(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return sizeof(struct rte_tcp_hdr);
	case IPPROTO_UDP:
		return sizeof(struct rte_udp_hdr);
	case IPPROTO_SCTP:
		return sizeof(struct rte_sctp_hdr);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct rte_icmp_hdr);
	}
	return 0;
}

/* `end`: of the datagram, as its IP header has it. */
static void read_transport(
	struct view *v, struct nm_packet *packet, uint8_t protocol, uint32_t end, bool malformed)
{
	uint16_t size = transport_header(protocol);

	if (size == 0 || v->at + size > v->size || (!malformed && v->at + size > end))
		return;
	if (protocol == (packet->key.network == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return;
	if (!malformed && protocol == IPPROTO_TCP &&
		((v->p[v->at + 12] >> 4) < 5 || v->at + (v->p[v->at + 12] >> 4) * 4u > end))
		return;
	if (!malformed && protocol == IPPROTO_UDP &&
		(be16(v->p + v->at + 4) < size || v->at + be16(v->p + v->at + 4) > end))
		return;
	packet->key.transport = protocol;
	memcpy(packet->key.l4, v->p + v->at, size);
	packet->l4 = v->at;
}

static void read_ipv4(struct view *v, struct nm_packet *packet, const struct nm_parser *parser)
{
	const uint8_t *p = v->p + v->at;
	uint16_t header, fragment, total;

	if (v->at + sizeof(struct rte_ipv4_hdr) > v->size || p[0] >> 4 != 4)
		return;
	header = (p[0] & 0xf) * 4;
	if (header < sizeof(struct rte_ipv4_hdr) || v->at + header > v->size)
		return;
	total = be16(p + 2);
	if (!parser->malformed && (total < header || v->at + total > v->length))
		return;
	packet->key.network = 4;
	packet->l3 = v->at;
	memcpy(packet->key.ip, p, sizeof(struct rte_ipv4_hdr));
	fragment = be16(p + 6) & 0x3fff;
	v->at += header;
	if ((fragment & 0x1fff) != 0 || (fragment != 0 && !parser->first_fragments) ||
		(header > sizeof(struct rte_ipv4_hdr) && !parser->options))
		return;
	read_transport(v, packet, p[9], (uint32_t)(v->at - header + total), parser->malformed);
}

static int extension_bit(uint8_t protocol)
{
	static const uint8_t numbers[] = {
#define X(name, number) number,
		NM_EXTENSIONS(X)
#undef X
	};

	for (unsigned int i = 0; i < sizeof(numbers); i++)
		if (numbers[i] == protocol)
			return (int)i;
	return -1;
}

/* A chain of extension headers. */
struct chain {
	uint16_t found;	   /* NM_EXTENSIONS */
	uint16_t fragment; /* offset and MF of a fragment header */
	uint8_t protocol;  /* behind it */
	bool broken;	   /* its end is not in sight */
};

static void follow(struct view *v, struct chain *chain)
{
	for (unsigned int i = 0; i < EXTENSION_MAX; i++) {
		int bit = extension_bit(chain->protocol);
		const uint8_t *p = v->p + v->at;

		if (bit < 0)
			return;
		chain->found |= (uint16_t)(1 << bit);
		if (chain->protocol == IPPROTO_ESP || v->at + 8 > v->size)
			break;
		if (chain->protocol == IPPROTO_FRAGMENT) {
			chain->fragment = be16(p + 2) & 0xfff9;
			v->at += 8;
		} else if (chain->protocol == IPPROTO_AH) {
			v->at += (uint16_t)((p[1] + 2) * 4);
		} else {
			v->at += (uint16_t)((p[1] + 1) * 8);
		}
		chain->protocol = p[0];
		if ((chain->fragment & 0xfff8) != 0)
			break;
	}
	chain->broken = true;
}

static void read_ipv6(struct view *v, struct nm_packet *packet, const struct nm_parser *parser)
{
	const uint8_t *p = v->p + v->at;
	struct chain chain = {0};
	uint32_t end;

	if (v->at + sizeof(struct rte_ipv6_hdr) > v->size || p[0] >> 4 != 6)
		return;
	end = v->at + (uint32_t)sizeof(struct rte_ipv6_hdr) + be16(p + 4);
	if (!parser->malformed && end > v->length)
		return;
	packet->key.network = 6;
	packet->l3 = v->at;
	memcpy(packet->key.ip, p, sizeof(struct rte_ipv6_hdr));
	v->at += sizeof(struct rte_ipv6_hdr);
	chain.protocol = p[6];
	follow(v, &chain);
	memcpy(packet->key.extensions, &chain.found, sizeof(chain.found));
	/* Only what is directly behind the IPv6 header counts, unless the NIC sees it otherwise. */
	if (parser->extensions)
		packet->key.ip[6] = chain.protocol;
	else if (chain.found != 0)
		return;
	if (!chain.broken && (chain.fragment == 0 || parser->first_fragments))
		read_transport(v, packet, chain.protocol, end, parser->malformed);
}

void nm_packet_read(
	struct nm_packet *packet, const struct rte_mbuf *m, const struct nm_parser *parser)
{
	uint8_t copy[LOOKED_AT];
	struct view v = {.length = m->pkt_len};

	memset(packet, 0, sizeof(*packet));
	v.size = (uint16_t)(m->pkt_len < LOOKED_AT ? m->pkt_len : LOOKED_AT);
	v.p = rte_pktmbuf_read(m, 0, v.size, copy);
	packet->headers = v.size;
	switch (read_ether(&v, &packet->key)) {
	case RTE_ETHER_TYPE_IPV4:
		read_ipv4(&v, packet, parser);
		break;
	case RTE_ETHER_TYPE_IPV6:
		read_ipv6(&v, packet, parser);
		break;
	}
}

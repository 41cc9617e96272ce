/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the parser's files: the bytes at hand, and one function for each layer. */
#ifndef TG_PIPELINE_PARSE_H
#define TG_PIPELINE_PARSE_H

#include "bytes.h"
#include "packet.h"

/* A layer's bytes: `size` of them, of which the first `have` can be read. */
struct tg_bytes {
	const uint8_t *at;
	uint32_t have;
	uint32_t size;
};

/* What the layers below have found out about the datagram. */
struct tg_ip {
	const uint8_t *src, *dst;
	uint8_t family;
	uint8_t hop_limit;
	uint8_t protocol; /* of the transport header */
	bool fragment;
};

static inline struct tg_bytes tg_bytes_after(struct tg_bytes b, uint32_t skip)
{
	return (struct tg_bytes){
		b.at + skip, b.have > skip ? b.have - skip : 0, b.size > skip ? b.size - skip : 0};
}

/* A walk over IPv6 extension headers, outer or quoted. */
struct tg_ip6_walk {
	uint8_t next;
	uint32_t offset; /* of the transport header (or of the fragment's data) */
	bool fragment;
	bool more;
	uint32_t fragment_offset;
	uint32_t fragment_id;
};

enum tg_walk_result { TG_WALK_OK, TG_WALK_TRUNCATED, TG_WALK_REFUSED };

/* `b` begins with an IPv6 header of which 40 bytes are there. */
enum tg_walk_result tg_ip6_walk(struct tg_bytes b, struct tg_ip6_walk *walk);

/* Outcome for frames that are neither IPv4 nor IPv6. `b` is what follows the ethertype. */
void tg_parse_link(struct tg_packet *p, const struct tg_port_config *port, const uint8_t *frame,
	uint16_t ethertype, struct tg_bytes b);
/*
 * IP datagrams that are link traffic: true when the outcome is decided. `l4` may be too short for
 * anything (then it is no link traffic).
 */
bool tg_parse_link_ip(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4);
/* Marks what BGP and BFD routers send, where the port lists it. Ports are known. */
void tg_parse_router(
	struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip);
/* Transport header of a whole datagram or a first fragment; ports and key. */
void tg_parse_l4(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4);
/* An ICMP error's quotation becomes the packet's key. `quoted` follows the ICMP header. */
void tg_parse_quoted(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes quoted);
/* Addresses into the key, ordered; sets dir. */
void tg_parse_addresses(
	struct tg_packet *p, uint8_t family, const uint8_t *src, const uint8_t *dst);

#endif

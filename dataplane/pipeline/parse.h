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
	/* What lies between the fixed header and the transport header: options, extensions. */
	const uint8_t *options;
	uint32_t n_options; /* bytes */
};

static inline struct tg_bytes tg_bytes_after(struct tg_bytes b, uint32_t skip)
{
	return (struct tg_bytes){
		b.at + skip, b.have > skip ? b.have - skip : 0, b.size > skip ? b.size - skip : 0};
}

static inline bool tg_link_local6(const uint8_t *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

static inline bool tg_unspecified6(const uint8_t *addr)
{
	return (raw64(addr) | raw64(addr + 8)) == 0;
}

/* An address that one host can have; not ::, ::1 nor one made of an IPv4 address. */
static inline bool tg_unicast6(const uint8_t *addr)
{
	return addr[0] != 0xff && raw64(addr) != 0;
}

/* A walk over IPv6 extension headers, outer or quoted. */
struct tg_ip6_walk {
	uint8_t next;
	uint32_t offset; /* of the transport header (or of the fragment's data) */
	bool fragment;
	bool more;
	uint32_t fragment_at; /* where the fragment's data begins, headers in it included */
	uint32_t fragment_offset;
	uint32_t fragment_id;
};

enum tg_walk_result { TG_WALK_OK, TG_WALK_TRUNCATED, TG_WALK_REFUSED };

/* `b` begins with an IPv6 header of which 40 bytes are there. */
enum tg_walk_result tg_ip6_walk(struct tg_bytes b, struct tg_ip6_walk *walk);

/* A message between the hosts of a link is never longer than this, IP header included. */
#define TG_LINK_MESSAGE_MAX 1500

/* Link traffic that passes where the port lists `slot`, as `valid` as it has to be. */
void tg_parse_settle(struct tg_packet *p, const struct tg_port_config *port,
	enum tg_builtin_rule slot, bool valid);
/*
 * The same for what may be routed by its addresses: it passes only between ends that the ruleset
 * knows as neighbours (judge.c), whatever policies say.
 */
void tg_parse_settle_between(struct tg_packet *p, const struct tg_port_config *port,
	enum tg_builtin_rule slot, bool valid);

/* Outcome for frames that are neither IPv4 nor IPv6. `b` is what follows the ethertype. */
void tg_parse_link(struct tg_packet *p, const struct tg_port_config *port, const uint8_t *frame,
	uint16_t ethertype, struct tg_bytes b);
/*
 * IP datagrams that are link traffic: true when the outcome is decided. `l4` may be too short for
 * anything (then it is no link traffic).
 */
bool tg_parse_link_ip(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4);
/*
 * Marks what BGP and BFD routers send, where the port lists it. Ports are known; `payload` is what
 * follows the transport header's first 8 bytes.
 */
void tg_parse_router(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes payload);
/* Neighbour discovery and multicast listener discovery; results as of tg_parse_link_ip. */
bool tg_parse_link_icmp6(struct tg_packet *p, const struct tg_port_config *port,
	const struct tg_ip *ip, struct tg_bytes l4);
/* DHCP of either family in a datagram with a whole UDP header; results as of tg_parse_link_ip. */
bool tg_parse_dhcp(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4);
/* Transport header of a whole datagram or a first fragment; ports and key. */
void tg_parse_l4(struct tg_packet *p, const struct tg_port_config *port, const struct tg_ip *ip,
	struct tg_bytes l4);
/* Addresses into the key, ordered; sets dir. */
void tg_parse_addresses(
	struct tg_packet *p, uint8_t family, const uint8_t *src, const uint8_t *dst);

#endif

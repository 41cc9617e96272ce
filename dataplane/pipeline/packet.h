/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet as the stages of a burst see it, and the parser that makes it from bytes. The parser
 * looks at nothing but the bytes and the settings of the port; it keeps no pointer into them.
 */
#ifndef TG_PIPELINE_PACKET_H
#define TG_PIPELINE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "conn.h"
#include "fragment.h"
#include "sctp.h"
#include "tcp.h"
#include "worker.h"

/* Bytes of headers that are looked at when they do not lie in the first segment. */
#define TG_PARSE_MAX 512

enum tg_outcome {
	TG_OUTCOME_TRACK, /* a connection decides */
	TG_OUTCOME_LINK,  /* link traffic: passes on the built-in slot `code` */
	TG_OUTCOME_DROP,  /* enum tg_drop_reason in `code` */
};

/* struct tg_packet.flags */
#define TG_PACKET_OPENS (1u << 0)     /* may begin a connection */
#define TG_PACKET_RELATED (1u << 1)   /* an ICMP error; key and segment are the quoted packet's */
#define TG_PACKET_LATER (1u << 2)     /* a fragment without transport header */
#define TG_PACKET_FIRST (1u << 3)     /* a fragment with it */
#define TG_PACKET_ROUTER (1u << 4)    /* passes on slot `code` between neighbours, see judge.c */
#define TG_PACKET_PLAIN (1u << 5)     /* untagged, whole TCP or UDP: what a NIC's RSS hashes */
#define TG_PACKET_PICKUP (1u << 6)    /* TCP in mid-stream that may be picked up */
#define TG_PACKET_ANNOTATED (1u << 7) /* a fragment whose ports are known from its tracker */

/* Which half of the flags makes the packet anything but an ordinary one. */
#define TG_PACKET_FRAGMENT (TG_PACKET_LATER | TG_PACKET_FIRST)

struct tg_packet {
	struct rte_mbuf *m;
	uint64_t hash; /* of the key, for table and owner */
	struct tg_key key;
	union {
		struct tg_segment seg; /* TCP; of a RELATED packet only seq */
		struct tg_sctp sctp;   /* of a RELATED packet only tag */
	};
	uint32_t length;       /* of the frame */
	uint32_t l3_length;    /* of the datagram, without padding; 0: not IP */
	uint16_t sport, dport; /* as struct tg_key has them, in the packet's direction */
	uint8_t protocol;
	uint8_t family;
	uint8_t dir; /* of the packet; of a RELATED one the opposite of the quoted packet's */
	uint8_t outcome;
	uint8_t code;
	uint8_t flags;
	uint8_t port; /* index of the port it came by */
	uint32_t fragment_id;
	uint32_t fragment_start, fragment_end;
	bool fragment_more;
};

/*
 * Parses the frame in `p->m` that came by `port` (p->m, p->port set by the caller). Fills `p`
 * except `hash`; the key too, but for a LATER fragment only its addresses.
 */
void tg_packet_parse(struct tg_packet *p, const struct tg_port_config *port);
/* The key's tail and `dir`, from ports and protocol; after the ports of a fragment became known. */
void tg_packet_set_ports(struct tg_packet *p, uint16_t sport, uint16_t dport, uint8_t group);

/* The window scale that the options of a SYN offer (RFC 7323); damaged ones offer none. */
uint8_t tg_tcp_scale(const uint8_t *options, uint32_t length);

static inline void tg_packet_drop(struct tg_packet *p, enum tg_drop_reason reason)
{
	p->outcome = TG_OUTCOME_DROP;
	p->code = (uint8_t)reason;
}

static inline void tg_packet_link(struct tg_packet *p, enum tg_builtin_rule slot)
{
	p->outcome = TG_OUTCOME_LINK;
	p->code = (uint8_t)slot;
}

#endif

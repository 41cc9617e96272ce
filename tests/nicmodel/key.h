/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet's headers side by side at fixed places, so that any match is a mask and a value over 12
 * words. Everything is as on the wire; what is not there is zero.
 */
#ifndef TG_NICMODEL_KEY_H
#define TG_NICMODEL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define NM_WORDS 12

#define NM_TAGGED 1
#define NM_TAGGED_TWICE 2

/* Bits of `extensions`, in the order of struct rte_flow_item_ipv6. */
#define NM_EXTENSIONS(X) \
	X(HOP, 0)        \
	X(ROUTE, 43)     \
	X(FRAG, 44)      \
	X(AUTH, 51)      \
	X(ESP, 50)       \
	X(DEST, 60)      \
	X(MOBILITY, 135) \
	X(HIP, 139)      \
	X(SHIM6, 140)

enum nm_origin { NM_WIRE = 1, NM_APPLICATION = 2 };

struct nm_key {
	union {
		uint64_t w[NM_WORDS];
		uint8_t b[NM_WORDS * 8];
		struct {
			uint8_t ether[14]; /* the type is the outer one */
			uint8_t tags;	   /* NM_TAGGED, NM_TAGGED_TWICE */
			uint8_t network;   /* 4, 6; 0: neither */
			uint8_t vlan[2][4];
			uint8_t transport; /* protocol of the header below; 0: none there */
			uint8_t origin;	   /* enum nm_origin */
			uint8_t port[2];   /* of the origin, an ethdev; host order */
			uint8_t last_type[2];
			uint8_t extensions[2]; /* host order */
			uint8_t ip[40];
			uint8_t l4[20];
			uint8_t zero[4];
		};
	};
};

static_assert(sizeof(struct nm_key) == NM_WORDS * 8, "the key has no holes");

#define NM_AT(member) ((uint8_t)offsetof(struct nm_key, member))

struct nm_packet {
	struct nm_key key;
	uint16_t l3, l4;  /* offsets in the frame; 0: not there */
	uint16_t headers; /* bytes of it that were looked at */
};

/* What a parser lets through to the matching of transport headers. */
struct nm_parser {
	bool first_fragments, options, extensions, malformed;
};

void nm_packet_read(
	struct nm_packet *packet, const struct rte_mbuf *m, const struct nm_parser *parser);

#endif

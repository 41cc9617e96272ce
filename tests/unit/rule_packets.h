/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random packets, rules around them, and whether these match, judged without looking at any byte
 * of a packet. Items and NICs are compared with that.
 */
#ifndef TG_TEST_RULE_PACKETS_H
#define TG_TEST_RULE_PACKETS_H

#include "rule.h"

#define RULE_PACKET_SIZE 256

/* A packet, as it is meant. */
struct rule_packet {
	uint8_t family;
	uint8_t protocol; /* of what is behind all headers of IP */
	uint8_t tags;	  /* VLAN, 0..2 */
	bool extension;	  /* IPv6: a destination options header */
	struct tg_nic_header header;
};

/* The next one of a fixed row of packets. */
void rule_packet_any(struct rule_packet *p);
/* As bytes: headers, and random ones behind them. Lengths and checksums are random too. */
void rule_packet_write(const struct rule_packet *p, uint8_t bytes[RULE_PACKET_SIZE]);
/* A match that `p` is in, if it is untagged and so on where the match wants it. */
void rule_packet_rule(const struct rule_packet *p, struct tg_nic_match *match);
/* Changes nothing, one bit of a field, or something else. */
void rule_packet_neighbour(struct rule_packet *p);
/*
 * At its widest: a match without `untagged` has tagged packets, one of a protocol those with IPv4
 * options, and first fragments.
 */
bool rule_packet_matches(const struct tg_nic_match *match, const struct rule_packet *p);

#endif

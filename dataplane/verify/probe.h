/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that are sent to see what a NIC does with them. */
#ifndef TG_VERIFY_PROBE_H
#define TG_VERIFY_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "rule.h"

#define PROBE_MAX 256	/* bytes */
#define PROBE_ID 12	/* bytes at the end of each: a mark of this program, which one it is */
#define PROBE_OTHER 253 /* a protocol for experiments; RFC 3692 */

/* What is between an IPv6 header and what it carries. */
enum probe_extension { PROBE_DIRECT, PROBE_HOP_BY_HOP, PROBE_DESTINATION, PROBE_FRAGMENT };

struct probe {
	uint8_t family;	   /* 4 or 6; 0: no IP */
	uint8_t protocol;  /* of what IP carries */
	uint8_t tags;	   /* 0..2 */
	uint16_t outer;	   /* EtherType of the outer of two tags */
	uint8_t extension; /* enum probe_extension */
	struct tg_nic_header header;
};

/* One that has no tags, options or extensions and is no fragment. */
struct probe probe_of(uint8_t family, uint8_t protocol);
/* Changes one bit of a field, counted from the lowest. False: that is no packet any more. */
bool probe_flip(struct probe *probe, enum tg_nic_field field, unsigned int bit);
/* Bytes with lengths and checksums. How many. */
uint16_t probe_write(
	const struct probe *probe, const uint8_t dmac[6], uint32_t id, uint8_t bytes[PROBE_MAX]);
/* The number of a frame that was written so. */
bool probe_read_id(const uint8_t *frame, uint32_t size, uint32_t *id);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams in fragments: which ports their first fragment had, and which bytes have been seen.
 * Fragments pass unreassembled, so a later fragment must be tied to the ports that were judged,
 * and no fragment may overwrite bytes of another at the receiver (RFC 5722, for IPv4 as well).
 *
 * The first fragment has to come first. A datagram is forgotten when it is complete or after a
 * timeout from its first fragment; one with an overlap stays refused for as long. One worker owns
 * a table.
 */
#ifndef TG_CONN_FRAGMENT_H
#define TG_CONN_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

#define TG_FRAGMENT_INTERVALS 8 /* pieces of a datagram that may be apart at a time */

struct tg_fragment {
	uint64_t src[2], dst[2]; /* as on the wire; IPv4 in the first word */
	uint32_t id;
	uint8_t protocol; /* IPv4: of the header; IPv6: 0, not part of the key */
	uint8_t group;
	uint8_t family;
	bool first;
	bool more;
	uint32_t start, end; /* bytes of the datagram's payload */
	/* set by the caller of a first fragment, filled in for a later one */
	uint8_t l4_protocol;
	uint16_t sport, dport;
};

enum tg_fragment_result {
	TG_FRAGMENT_OK,
	TG_FRAGMENT_ORPHAN,  /* no first fragment seen */
	TG_FRAGMENT_OVERLAP, /* now or before */
	TG_FRAGMENT_FULL,
};

struct tg_fragment_entry;

struct tg_fragments {
	struct tg_fragment_entry *entry;
	uint32_t buckets; /* power of two */
	uint32_t timeout; /* ms */
	uint32_t used;
	uint32_t cursor;
	struct tg_secret secret;
};

/* At least `max` datagrams. 0 or -ENOMEM. */
int tg_fragments_init(struct tg_fragments *table, uint32_t max, uint32_t timeout_ms,
	const struct tg_secret *secret);
void tg_fragments_fini(struct tg_fragments *table);
/* Bytes of memory held. */
uint64_t tg_fragments_bytes(const struct tg_fragments *table);
enum tg_fragment_result tg_fragments_track(
	struct tg_fragments *table, struct tg_fragment *f, uint32_t now);
/* The first fragment was refused: what follows need not be tracked. */
void tg_fragments_forget(struct tg_fragments *table, const struct tg_fragment *f);
/* Frees what has timed out among the next few entries. */
void tg_fragments_sweep(struct tg_fragments *table, uint32_t now);
uint32_t tg_fragments_capacity(const struct tg_fragments *table);

#endif

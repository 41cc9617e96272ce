/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams in fragments: which ports their first fragment had, and which bytes have been seen.
 * Fragments pass unreassembled, so a later fragment must be tied to the ports that were judged,
 * and no fragment may overwrite bytes of another at the receiver (RFC 5722, for IPv4 as well).
 *
 * A fragment that comes before its first one is held, while there is room and not for long; when
 * the first has come it is ready, to be judged after that one. A datagram is forgotten when it is
 * complete or after a timeout from its first fragment; one with an overlap stays refused for as
 * long, one whose first fragment was refused for as long as packets are held, if nobody needs its
 * place. One worker owns a table.
 */
#ifndef TG_CONN_FRAGMENT_H
#define TG_CONN_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

#define TG_FRAGMENT_INTERVALS 8	 /* pieces of a datagram that may be apart at a time */
#define TG_FRAGMENT_HELD_EACH 45 /* held of one datagram: 64 KiB in frames of 1500 bytes */

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
	void *packet; /* of a later one, to be held */
};

enum tg_fragment_result {
	TG_FRAGMENT_OK,
	TG_FRAGMENT_HELD,    /* the table keeps `packet` */
	TG_FRAGMENT_ORPHAN,  /* no first fragment seen */
	TG_FRAGMENT_TINY,    /* an orphan that would write over a TCP header (RFC 3128) */
	TG_FRAGMENT_OVERLAP, /* now or before */
	TG_FRAGMENT_FULL,
};

struct tg_fragment_entry;

struct tg_held {
	void *packet;
	uint32_t next;
	uint8_t l4_protocol; /* of what is ready, as the two below */
	uint16_t sport, dport;
};

/* Packets in the order they came, by index of struct tg_held; TG_HELD_END: none. */
struct tg_held_list {
	uint32_t head, tail;
};

#define TG_HELD_END UINT32_MAX

struct tg_fragments_limits {
	uint32_t datagrams; /* at least so many at a time */
	uint32_t timeout;   /* ms */
	uint32_t held;	    /* packets before their first fragment, of all datagrams; may be 0 */
	uint32_t hold;	    /* for so long, ms */
};

struct tg_fragments {
	struct tg_fragment_entry *entry;
	uint32_t buckets; /* power of two */
	struct tg_fragments_limits limits;
	uint32_t used;
	uint32_t cursor;
	struct tg_held *held;
	struct tg_held_list vacant;
	struct tg_held_list ready;  /* their first fragment has come */
	struct tg_held_list lost;   /* it has not come */
	struct tg_held_list spoilt; /* it, or another one, overlaps them */
	uint32_t oldest, newest;    /* entries that hold, by age */
	struct tg_secret secret;
};

/* 0 or -ENOMEM. */
int tg_fragments_init(struct tg_fragments *table, const struct tg_fragments_limits *limits,
	const struct tg_secret *secret);
/* What is held is the caller's to take first, after tg_fragments_lose. */
void tg_fragments_fini(struct tg_fragments *table);
/* Bytes of memory held. */
uint64_t tg_fragments_bytes(const struct tg_fragments *table);
enum tg_fragment_result tg_fragments_track(
	struct tg_fragments *table, struct tg_fragment *f, uint32_t now);
/* The first fragment was refused, whether it is tracked here or not. */
void tg_fragments_refuse(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now);
bool tg_fragments_refused(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now);
/* A new first fragment, which is not tracked here. */
void tg_fragments_renew(struct tg_fragments *table, const struct tg_fragment *f, uint32_t now);
/* Frees what has timed out among the next few entries, and loses what was held for too long. */
void tg_fragments_sweep(struct tg_fragments *table, uint32_t now);
/* All that is held is lost. */
void tg_fragments_lose(struct tg_fragments *table);
/* The next packet of `ready`, `lost` or `spoilt`, the caller's again; false: there is none. */
bool tg_fragments_take(struct tg_fragments *table, struct tg_held_list *list, struct tg_held *out);
uint32_t tg_fragments_capacity(const struct tg_fragments *table);

#endif

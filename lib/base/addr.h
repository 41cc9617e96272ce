/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP addresses and prefixes of both families. Bytes are in network order; an IPv4 address uses the
 * first 4 bytes, the others are zero. Plain values: copy and memcmp freely.
 */
#ifndef TG_BASE_ADDR_H
#define TG_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_addr {
	uint8_t bytes[16];
	uint8_t family; /* 4 or 6; 0: unset */
};

struct tg_prefix {
	struct tg_addr addr; /* host bits zero */
	uint8_t length;	     /* 0..32 or 0..128 */
};

#define TG_ADDR_TEXT 46	  /* room for any address as text */
#define TG_PREFIX_TEXT 50 /* and for any prefix */

/*
 * Text to address. IPv4 octets may have leading zeros and are decimal; IPv4-mapped IPv6 addresses
 * (RFC 4291 2.5.5.2) become the IPv4 address; zone indices ("%eth0") are refused. 0 or -EINVAL.
 */
int tg_addr_parse(const char *text, struct tg_addr *out);
/*
 * "address/length" to prefix, host bits masked off. An IPv4-mapped prefix of length >= 96 becomes
 * the IPv4 prefix; a shorter one stays IPv6. 0 or -EINVAL.
 */
int tg_prefix_parse(const char *text, struct tg_prefix *out);
/* The address itself, as /32 or /128. */
struct tg_prefix tg_prefix_host(const struct tg_addr *addr);

/* RFC 5952 text; returns `buf`, which has TG_ADDR_TEXT or TG_PREFIX_TEXT bytes. */
const char *tg_addr_format(const struct tg_addr *addr, char *buf);
const char *tg_prefix_format(const struct tg_prefix *prefix, char *buf);

static inline unsigned int tg_family_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

bool tg_prefix_contains(const struct tg_prefix *prefix, const struct tg_addr *addr);
/* Every address of `inner` is in `outer`. */
bool tg_prefix_covers(const struct tg_prefix *outer, const struct tg_prefix *inner);
/* Order by family, bytes (and length). */
int tg_addr_compare(const struct tg_addr *a, const struct tg_addr *b);
int tg_prefix_compare(const struct tg_prefix *a, const struct tg_prefix *b);
/* An IPv4 address as a number in host order, and back. */
uint32_t tg_addr_v4(const struct tg_addr *addr);
struct tg_addr tg_addr_from_v4(uint32_t host_order);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Non-cryptographic hashing for tables of the control process (multiply-fold). Not keyed: not for
 * tables that the network can fill (see dataplane/conn).
 */
#ifndef TG_BASE_HASH_H
#define TG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t tg_hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t product =
		(__uint128_t)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xd1b54a32d192ed03ull);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t tg_hash_bytes(const void *data, size_t size, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = tg_hash_mix(seed, size), word;

	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&word, p, 8);
		h = tg_hash_mix(h, word);
	}
	word = 0;
	memcpy(&word, p, size);
	return tg_hash_mix(h, word);
}

static inline uint64_t tg_hash_string(const char *text, uint64_t seed)
{
	return tg_hash_bytes(text, strlen(text), seed);
}

#endif

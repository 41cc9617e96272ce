/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyed hash of tables that the network can fill: multiply-fold with a random secret of each
 * start. A CRC or a sum will not do here: what collides under one seed collides under every other.
 */
#ifndef TG_CONN_SECRET_H
#define TG_CONN_SECRET_H

#include <stdint.h>

struct tg_secret {
	uint64_t word[4];
};

static inline uint64_t tg_secret_fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two words; both are mixed with a secret before the multiplication, the result once more. */
static inline uint64_t tg_secret_hash2(const struct tg_secret *s, uint64_t a, uint64_t b)
{
	return tg_secret_fold(
		tg_secret_fold(a ^ s->word[0], b ^ s->word[1]) ^ s->word[2], s->word[3]);
}

static inline uint64_t tg_secret_hash5(const struct tg_secret *s, const uint64_t v[5])
{
	uint64_t x = tg_secret_fold(v[0] ^ s->word[1], v[1] ^ s->word[2]);
	uint64_t y = tg_secret_fold(v[2] ^ s->word[3], v[3] ^ s->word[0]);

	return tg_secret_hash2(s, x ^ v[4], y + v[4]);
}

#endif

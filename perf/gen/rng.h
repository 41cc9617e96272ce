/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small seeded random number generator (a counter through a 64-bit finaliser): the same seed
 * gives the same numbers on every machine. Not for secrets.
 */
#ifndef TG_PERF_RNG_H
#define TG_PERF_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct tg_rng {
	uint64_t state;
};

static inline uint64_t tg_rng_next(struct tg_rng *rng)
{
	uint64_t x = rng->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

/* 0..n-1; n must not be 0. */
static inline uint32_t tg_rng_below(struct tg_rng *rng, uint32_t n)
{
	return (uint32_t)(((tg_rng_next(rng) >> 32) * n) >> 32);
}

/* True in `percent` of 100 cases. */
static inline bool tg_rng_percent(struct tg_rng *rng, uint32_t percent)
{
	return tg_rng_below(rng, 100) < percent;
}

#endif

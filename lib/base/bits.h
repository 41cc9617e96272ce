/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A growing set of small numbers, one bit each:
 *
 *	tg_bits_reserve(&bits, n)   0 or -ENOMEM; afterwards 0..n-1 can be set
 *	tg_bits_set(&bits, i), tg_bits_clear(&bits, i)
 *	tg_bits_has(&bits, i)       false beyond what was reserved
 *	tg_bits_free(&bits)
 *
 * Zero-initialised is empty.
 */
#ifndef TG_BASE_BITS_H
#define TG_BASE_BITS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tg_bits {
	uint64_t *v;
	size_t words;
};

static inline int tg_bits_reserve(struct tg_bits *bits, size_t n)
{
	size_t words = n / 64 + (n % 64 != 0);
	uint64_t *v;

	if (words <= bits->words)
		return 0;
	if (words < bits->words * 2)
		words = bits->words * 2;
	v = realloc(bits->v, words * sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	memset(v + bits->words, 0, (words - bits->words) * sizeof(*v));
	bits->v = v;
	bits->words = words;
	return 0;
}

static inline void tg_bits_set(struct tg_bits *bits, size_t i)
{
	bits->v[i / 64] |= 1ull << (i % 64);
}

static inline void tg_bits_clear(struct tg_bits *bits, size_t i)
{
	bits->v[i / 64] &= ~(1ull << (i % 64));
}

static inline bool tg_bits_has(const struct tg_bits *bits, size_t i)
{
	return i / 64 < bits->words && (bits->v[i / 64] >> (i % 64) & 1) != 0;
}

/* Sets what `other` has; it was reserved. */
static inline void tg_bits_add(struct tg_bits *bits, const struct tg_bits *other)
{
	size_t words = other->words < bits->words ? other->words : bits->words;

	for (size_t i = 0; i < words; i++)
		bits->v[i] |= other->v[i];
}

static inline void tg_bits_free(struct tg_bits *bits)
{
	free(bits->v);
	bits->v = NULL;
	bits->words = 0;
}

#endif

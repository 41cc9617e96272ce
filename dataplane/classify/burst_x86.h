/* SPDX-License-Identifier: BSD-3-Clause */
/* What burst.h asks of its includer and every x86-64 with AVX2 and BMI does in the same way. */
#ifndef TG_CLASSIFY_BURST_X86_H
#define TG_CLASSIFY_BURST_X86_H

#include <immintrin.h>

#include "burst_choose.h"
#include "classifier.h"

/* Which of four words are equal, both of a pair: bits 0 and 2. */
static inline unsigned int same_pairs(__m256i words, __m256i want)
{
	const unsigned int same = (unsigned int)_mm256_movemask_pd(
		_mm256_castsi256_pd(_mm256_cmpeq_epi64(words, want)));

	return same & same >> 1 & 5;
}

/* Classes are looked at before addresses, see exact.h; those of lanes in use have no top bit. */
static inline uint32_t class6_in(const struct exact_line6 *line, struct exact_words6 addr)
{
	const __m128i cls = _mm_load_si128((const __m128i *)line->cls);
	const __m256i *halves = (const __m256i *)line;
	const __m256i want = _mm256_broadcastsi128_si256(
		_mm_set_epi64x((long long)addr.word[1], (long long)addr.word[0]));
	const uint32_t *words = (const uint32_t *)line;
	unsigned int used, ends, found;

	__atomic_signal_fence(__ATOMIC_ACQUIRE);
	used = (unsigned int)~_mm_movemask_ps(_mm_castsi128_ps(cls));
	ends = (unsigned int)_mm_movemask_ps(
		       _mm_castsi128_ps(_mm_cmpeq_epi32(cls, _mm_set1_epi32(-1)))) &
	       7;
	found = same_pairs(_mm256_load_si256(halves), want) |
		same_pairs(_mm256_load_si256(halves + 1), want) << 4;
	found &= _pdep_u32(used, 0x15);
	/* It may have been removed since; its lane was not given away, so it says so. */
	return choose32(found == 0, LANE_FREE + (ends != 0),
		__atomic_load_n(&words[12 + __builtin_ctz(found | 0x40) / 2], __ATOMIC_ACQUIRE));
}

#endif

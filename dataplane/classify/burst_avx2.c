/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64 with AVX2; compiled with -mavx2 and called only where the processor has it. */
#include <immintrin.h>

#include "classifier.h"

#define BURST burst_avx2

static inline unsigned int top_bits(__m256i v)
{
	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(v));
}

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline unsigned int lanes4_match(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	const __m256i *halves = (const __m256i *)line->lane;
	const __m256i lo = _mm256_load_si256(halves), hi = _mm256_load_si256(halves + 1);
	const __m256i want = _mm256_set1_epi32((int)addr), ones = _mm256_set1_epi32(-1);
	const unsigned int same = top_bits(_mm256_cmpeq_epi32(lo, want)) |
				  top_bits(_mm256_cmpeq_epi32(hi, want)) << 8;
	const unsigned int unused = top_bits(lo) | top_bits(hi) << 8;

	*ends = top_bits(_mm256_or_si256(
			_mm256_cmpeq_epi32(lo, ones), _mm256_cmpeq_epi32(hi, ones))) &
		0xaa;
	return same & ~unused >> 1 & 0x5555;
}

static inline unsigned int row_match(const struct row_line *line, uint32_t scrambled)
{
	const __m256i columns = _mm256_load_si256((const __m256i *)line->column);

	return top_bits(_mm256_cmpeq_epi32(columns, _mm256_set1_epi32((int)scrambled)));
}

/* Starts ascend and the first is 0: those that are later are a run of bits up to the top. */
static inline unsigned int step_of(const struct program_line *line, uint32_t key)
{
	const __m256i starts = _mm256_load_si256((const __m256i *)line->start);
	const unsigned int later =
		top_bits(_mm256_cmpgt_epi32(starts, _mm256_set1_epi32((int)key)));

	return (unsigned int)__builtin_ctz(later | 0x100) - 1;
}

#include "burst.h"

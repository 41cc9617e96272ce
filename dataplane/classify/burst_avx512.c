/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For x86-64 with AVX-512 F, BW, DQ and VL; compiled with these and called only where the
 * processor has them.
 */
#include <immintrin.h>

#include "classifier.h"

#define BURST burst_avx512

/*
 * A mask as a number. Not left to the compiler: gcc 12 spills a mask that it has widened to 32 bits
 * as the 8 or 16 bits it came from, and reads back whatever lies beside them.
 */
static inline unsigned int bits8(__mmask8 mask)
{
	unsigned int bits;

	asm("kmovb %1, %0" : "=r"(bits) : "k"(mask));
	return bits;
}

static inline unsigned int bits16(__mmask16 mask)
{
	unsigned int bits;

	asm("kmovw %1, %0" : "=r"(bits) : "k"(mask));
	return bits;
}

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline unsigned int lanes4_match(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	const __m512i lanes = _mm512_load_si512(line);
	const unsigned int same =
		bits16(_mm512_mask_cmpeq_epi32_mask(0x5555, lanes, _mm512_set1_epi32((int)addr)));

	*ends = bits16(_mm512_mask_cmpeq_epi32_mask(0xaaaa, lanes, _mm512_set1_epi32(-1)));
	return same & ~bits16(_mm512_movepi32_mask(lanes)) >> 1;
}

static inline unsigned int row_match(const struct row_line *line, uint32_t scrambled)
{
	const __m256i columns = _mm256_load_si256((const __m256i *)line->column);

	return bits8(_mm256_cmpeq_epi32_mask(columns, _mm256_set1_epi32((int)scrambled)));
}

/* Starts ascend and the first is 0: those that are later are a run of bits up to the top. */
static inline unsigned int step_of(const struct program_line *line, uint32_t key)
{
	const __m256i starts = _mm256_load_si256((const __m256i *)line->start);
	const unsigned int later =
		bits8(_mm256_cmpgt_epi32_mask(starts, _mm256_set1_epi32((int)key)));

	return (unsigned int)__builtin_ctz(later | 0x100) - 1;
}

#include "burst.h"

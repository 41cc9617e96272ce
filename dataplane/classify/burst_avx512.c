/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For x86-64 with AVX-512 F, BW, DQ and VL; compiled with these and called only where the
 * processor has them.
 */
#include <immintrin.h>

#include "classifier.h"

#define BURST burst_avx512

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline uint32_t lanes4_class(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	const __m512i lanes = _mm512_load_si512(line);
	const unsigned int same =
		_mm512_mask_cmpeq_epi32_mask(0x5555, lanes, _mm512_set1_epi32((int)addr));
	const unsigned int found = same & ~(unsigned int)_mm512_movepi32_mask(lanes) >> 1;
	const uint32_t cls = __atomic_load_n(
		(const uint32_t *)line->lane + ((__builtin_ctz(found | 0x10000) & 15) | 1),
		__ATOMIC_ACQUIRE);

	*ends = _mm512_mask_cmpeq_epi32_mask(0xaaaa, lanes, _mm512_set1_epi32(-1));
	return found != 0 ? cls : LANE_EMPTY;
}

/* Lane 7 stands for "not there": its program is PROGRAM_NONE while a lane is free. */
static inline uint32_t row_program(const struct row_line *line, uint32_t scrambled)
{
	const __m256i columns = _mm256_load_si256((const __m256i *)line->column);
	const unsigned int found =
		_mm256_cmpeq_epi32_mask(columns, _mm256_set1_epi32((int)scrambled));
	const uint32_t program = line->program[__builtin_ctz(found | 0x80)];

	return found == 0 && program != PROGRAM_NONE ? ROW_GOES_ON : program;
}

static inline uint32_t step_verdict(const struct program_line *line, uint32_t key)
{
	const __m256i starts = _mm256_load_si256((const __m256i *)line->start);
	const unsigned int later = _mm256_cmpgt_epi32_mask(starts, _mm256_set1_epi32((int)key));

	/* Starts ascend and the first is 0: `later` is a run of bits up to the top. */
	return line->verdict[(__builtin_ctz(later | 0x100) - 1) & 7];
}

#include "burst.h"

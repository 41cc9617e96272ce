/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64 with AVX2; compiled with -mavx2 and called only where the processor has it. */
#include <immintrin.h>

#include "classifier.h"

#define BURST burst_avx2

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline uint32_t lanes4_class(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	const __m256i *halves = (const __m256i *)line->lane;
	const __m256i lo = _mm256_load_si256(halves), hi = _mm256_load_si256(halves + 1);
	const __m256i want = _mm256_set1_epi32((int)addr), ones = _mm256_set1_epi32(-1);
	const unsigned int same =
		(unsigned int)_mm256_movemask_ps(
			_mm256_castsi256_ps(_mm256_cmpeq_epi32(lo, want))) |
		(unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(hi, want)))
			<< 8;
	const unsigned int top = (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(lo)) |
				 (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(hi)) << 8;
	const unsigned int found = same & ~top >> 1 & 0x5555;
	const uint32_t cls = __atomic_load_n(
		(const uint32_t *)line->lane + ((__builtin_ctz(found | 0x10000) & 15) | 1),
		__ATOMIC_ACQUIRE);
	const __m256i empty =
		_mm256_or_si256(_mm256_cmpeq_epi32(lo, ones), _mm256_cmpeq_epi32(hi, ones));

	*ends = (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(empty)) & 0xaa;
	return found != 0 ? cls : LANE_EMPTY;
}

/* Lane 7 stands for "not there": its program is PROGRAM_NONE while a lane is free. */
static inline uint32_t row_program(const struct row_line *line, uint32_t scrambled)
{
	const __m256i columns = _mm256_load_si256((const __m256i *)line->column);
	const unsigned int found = (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(
		_mm256_cmpeq_epi32(columns, _mm256_set1_epi32((int)scrambled))));
	const uint32_t program = line->program[__builtin_ctz(found | 0x80)];

	return found == 0 && program != PROGRAM_NONE ? ROW_GOES_ON : program;
}

static inline uint32_t step_verdict(const struct program_line *line, uint32_t key)
{
	const __m256i starts = _mm256_load_si256((const __m256i *)line->start);
	const unsigned int later = (unsigned int)_mm256_movemask_ps(
		_mm256_castsi256_ps(_mm256_cmpgt_epi32(starts, _mm256_set1_epi32((int)key))));

	/* Starts ascend and the first is 0: `later` is a run of bits up to the top. */
	return line->verdict[(__builtin_ctz(later | 0x100) - 1) & 7];
}

#include "burst.h"

/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64 with AVX2; compiled with -mavx2 and called only where the processor has it. */
#include <immintrin.h>

#include "burst_portable.h"
#include "burst_x86.h"

#define BURST burst_avx2

static inline unsigned int top_bits(__m256i v)
{
	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(v));
}

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline uint32_t class4_in(const struct exact_line4 *line, uint32_t addr)
{
	const __m256i *halves = (const __m256i *)line->lane;
	const __m256i lo = _mm256_load_si256(halves), hi = _mm256_load_si256(halves + 1);
	const __m256i want = _mm256_set1_epi32((int)addr);
	/* The class where the address is right and the lane in use; in no more than one lane. */
	const __m256i same_lo = _mm256_slli_epi64(_mm256_cmpeq_epi32(lo, want), 32);
	const __m256i same_hi = _mm256_slli_epi64(_mm256_cmpeq_epi32(hi, want), 32);
	const unsigned int found = top_bits(_mm256_andnot_si256(lo, same_lo)) |
				   top_bits(_mm256_andnot_si256(hi, same_hi)) << 8;
	const __m256i ones = _mm256_set1_epi32(-1);
	const unsigned int ends = top_bits(_mm256_or_si256(_mm256_cmpeq_epi32(lo, ones),
					  _mm256_cmpeq_epi32(hi, ones))) &
				  0xaa;
	const uint32_t none = LANE_FREE + (ends != 0);
	const uint32_t *words = (const uint32_t *)line->lane;

	/* It may have been removed since; its lane was not given away, so it says so. */
	return choose32(found == 0, none,
		__atomic_load_n(&words[__builtin_ctz(found | 0x8000)], __ATOMIC_ACQUIRE));
}

/* The bits of four columns, of which the filter has to have all; the fourth is not one. */
static inline __m256i lacking(__m128i marks, uint64_t filter)
{
	const __m256i numbers = _mm256_cvtepu16_epi64(marks), one = _mm256_set1_epi64x(1);
	const __m256i low = _mm256_and_si256(numbers, _mm256_set1_epi64x(63));
	const __m256i bits = _mm256_or_si256(
		_mm256_sllv_epi64(one, low), _mm256_sllv_epi64(one, _mm256_srli_epi64(numbers, 6)));

	return _mm256_andnot_si256(_mm256_set1_epi64x((long long)filter), bits);
}

static inline unsigned int may_have_cells(
	const struct class_summary *src, const struct class_summary *dst)
{
	const __m256i egress =
		lacking(_mm_loadl_epi64((const __m128i *)dst->mark), src->filter[TG_EGRESS]);
	const __m256i ingress =
		lacking(_mm_loadl_epi64((const __m128i *)src->mark), dst->filter[TG_INGRESS]);
	const __m256i none = _mm256_setzero_si256();

	return (unsigned int)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(
		       _mm256_cmpeq_epi64(egress, none), _mm256_cmpeq_epi64(ingress, none)))) &
	       ((1u << TG_COLUMNS) - 1);
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

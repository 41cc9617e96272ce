/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For x86-64 with AVX-512 F, BW, DQ and VL; compiled with these and called only where the
 * processor has them.
 */
#include <immintrin.h>

#include "burst_x86.h"

#define BURST burst_avx512
#define VECTOR 16u

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

/* The entries below those in `deeper`, of nodes of 256 which the entries name. */
static inline __m512i below(
	const uint32_t *nodes, __m512i entries, __mmask16 deeper, __m512i number)
{
	const __m512i at = _mm512_or_si512(
		_mm512_slli_epi32(entries, 8), _mm512_and_si512(number, _mm512_set1_epi32(0xff)));

	return _mm512_mask_i32gather_epi32(entries, deeper, at, nodes, 4);
}

/* The entries of the trie's nodes for addresses in host order. */
static inline __m512i entries4(const struct lpm4 *t, __m512i host)
{
	const __m512i chunk = _mm512_i32gather_epi32(_mm512_srli_epi32(host, 22), t->top, 4);
	const __m512i high = _mm512_srli_epi32(host, 16);
	const __m512i at =
		_mm512_or_si512(chunk, _mm512_and_si512(high, _mm512_set1_epi32(LPM_CHUNK - 1)));
	const __m512i root = _mm512_i32gather_epi32(at, t->root, 4);

	return below(t->nodes, root, _mm512_movepi32_mask(root), _mm512_srli_epi32(host, 8));
}

/* The words that have the classes of blocks, 16 or 32 bits of each. */
static inline void walk4(
	const struct lpm4 *t, uint32_t *addr, uint32_t *found, unsigned int n, uint32_t *list)
{
	const __m512i swap = _mm512_broadcast_i32x4(
		_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
	const __m512i low = _mm512_set1_epi32(0xff);
	const __m128i halves = _mm_cvtsi32_si128((int)(2 - t->blocks.log));
	const __m512i one = _mm512_set1_epi32(t->blocks.log == 1), sixteen = _mm512_set1_epi32(16);
	const __m512i bits = _mm512_set1_epi32(t->blocks.log == 1 ? 0xffff : -1);

	for (unsigned int a = 0; a < n; a += VECTOR) {
		const __m512i host = _mm512_shuffle_epi8(_mm512_load_si512(addr + a), swap);
		const __m512i entries = entries4(t, host);
		const __m512i at =
			_mm512_or_si512(_mm512_slli_epi32(entries, 8), _mm512_and_si512(host, low));

		_mm512_store_si512(addr + a, host);
		_mm512_store_si512(found + a, entries);
		_mm512_storeu_si512(
			list + a, _mm512_maskz_mov_epi32(_mm512_movepi32_mask(entries), at));
	}
	for (unsigned int a = 0; a < n; a++)
		rte_prefetch0(block_address(&t->blocks, list[a]));
	for (unsigned int a = 0; a < n; a += VECTOR) {
		const __m512i host = _mm512_load_si512(addr + a);
		const __m512i entries = _mm512_load_si512(found + a);
		const __mmask16 deeper = _mm512_movepi32_mask(entries);
		const __m512i at =
			_mm512_or_si512(_mm512_slli_epi32(entries, 8), _mm512_and_si512(host, low));
		const __m512i words = _mm512_mask_i32gather_epi32(
			entries, deeper, _mm512_srl_epi32(at, halves), t->blocks.classes, 4);
		const __m512i shift = _mm512_mullo_epi32(_mm512_and_si512(at, one), sixteen);
		const __m512i cls = _mm512_and_si512(_mm512_srlv_epi32(words, shift), bits);

		_mm512_store_si512(found + a, _mm512_mask_mov_epi32(entries, deeper, cls));
	}
}

static inline void homes4(
	const struct exact *t, const uint32_t *addr, uint32_t *home, unsigned int n)
{
	const __m512i seed = _mm512_set1_epi32((int)t->seed);
	const __m512i n_lines = _mm512_set1_epi64(t->n_lines);

	for (unsigned int a = 0; a < n; a += VECTOR) {
		const __m512i hash = _mm512_mullo_epi32(_mm512_load_si512(addr + a), seed);
		/* Products of the even and of the odd ones; their upper halves are wanted. */
		const __m512i even = _mm512_mul_epu32(hash, n_lines);
		const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(hash, 32), n_lines);

		_mm512_store_si512(home + a,
			_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd));
	}
}

/*
 * Lanes are words of address (even) and class (odd); the states of a lane that is not in use have
 * their top bit set, classes have not. The hardware loads each aligned 64-bit lane at once.
 */
static inline uint32_t class4_in(const struct exact_line4 *line, uint32_t addr)
{
	const __m512i lanes = _mm512_load_si512(line);
	const __mmask16 same =
		_mm512_mask_cmpeq_epi32_mask(0x5555, lanes, _mm512_set1_epi32((int)addr));
	const __mmask16 found =
		_kandn_mask16(_mm512_movepi32_mask(lanes), _kadd_mask16(same, same));

	const __mmask16 ends =
		_mm512_mask_cmpeq_epi32_mask(0xaaaa, lanes, _mm512_set1_epi32((int)LANE_EMPTY));
	const uint32_t none = LANE_FREE + (bits16(ends) != 0);

	return (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(
		_mm512_mask_compress_epi32(_mm512_set1_epi32((int)none), found, lanes)));
}

/* Classes have their top bit clear, what is none has it set. */
static inline unsigned int list_missed(const uint32_t *cls, unsigned int n, uint32_t *missed)
{
	__m512i at = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	unsigned int count = 0;

	for (unsigned int a = 0; a < n; a += VECTOR) {
		const unsigned int here = n - a < VECTOR ? (1u << (n - a)) - 1 : 0xffff;
		const unsigned int none = bits16(_mm512_movepi32_mask(_mm512_load_si512(cls + a))) &
					  here;

		_mm512_storeu_si512(
			missed + count, _mm512_maskz_compress_epi32((__mmask16)none, at));
		count += (unsigned int)__builtin_popcount(none);
		at = _mm512_add_epi32(at, _mm512_set1_epi32((int)VECTOR));
	}
	return count;
}

/* The lower half for egress, the upper for ingress; the fourth column of each is not one. */
static inline unsigned int may_have_cells(
	const struct class_summary *src, const struct class_summary *dst)
{
	const __m512i one = _mm512_set1_epi64(1);
	const __m512i marks = _mm512_cvtepu16_epi64(
		_mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)dst->mark),
			_mm_loadl_epi64((const __m128i *)src->mark)));
	const __m512i bits = _mm512_or_si512(
		_mm512_rolv_epi64(one, marks), _mm512_rolv_epi64(one, _mm512_srli_epi64(marks, 6)));
	const __m512i filters =
		_mm512_mask_set1_epi64(_mm512_set1_epi64((long long)src->filter[TG_EGRESS]), 0xf0,
			(long long)dst->filter[TG_INGRESS]);

	return bits8(_mm512_testn_epi64_mask(bits, _mm512_andnot_si512(filters, bits))) & 0x77;
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

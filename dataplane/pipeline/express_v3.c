/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64-v3 (AVX2, BMI2, MOVBE); compiled for it and called only where the processor has it. */
#include "tcp_avx2.h"

#define EXPRESS express_v3

/* The two addresses of an IPv6 header, in their order or the other way round. */
static inline void order6(uint64_t to[4], const uint8_t *from, bool swapped)
{
	const __m256i ends = _mm256_loadu_si256((const __m256i *)(const void *)from);
	const __m256i other = _mm256_permute4x64_epi64(ends, 0x4e);
	const __m256i all = _mm256_set1_epi64x(-(int64_t)swapped);

	_mm256_storeu_si256((__m256i *)(void *)to, _mm256_blendv_epi8(ends, other, all));
}

static inline bool established(struct tg_conn *c, unsigned int dir, const uint8_t *tcp,
	uint32_t length, uint16_t win, bool liberal)
{
	return tg_tcp_established_avx2(c, dir, tcp, length, win, liberal);
}

#include "express.h"

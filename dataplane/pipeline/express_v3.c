/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64-v3 (AVX2, BMI2, MOVBE); compiled for it and called only where the processor has it. */
#include "tcp_avx2.h"

#define EXPRESS express_v3

static inline bool established(struct tg_conn *c, unsigned int dir, const uint8_t *tcp,
	uint32_t length, uint16_t win, bool liberal)
{
	return tg_tcp_established_avx2(c, dir, tcp, length, win, liberal);
}

#include "express.h"

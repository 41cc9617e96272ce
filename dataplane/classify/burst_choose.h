/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TG_CLASSIFY_BURST_CHOOSE_H
#define TG_CLASSIFY_BURST_CHOOSE_H

#include <stdint.h>

/*
 * One of two values without a branch. All ones or zero is a number that the compiler must not see
 * through: it likes to make branches of selections, and these cannot be predicted.
 */
static inline uint64_t mask_of(unsigned int condition)
{
	uint64_t mask = 0 - (uint64_t)condition;

	asm("" : "+r"(mask));
	return mask;
}

/* `condition` is 0 or 1. */
static inline uint32_t choose32(unsigned int condition, uint32_t yes, uint32_t no)
{
	return no ^ ((yes ^ no) & (uint32_t)mask_of(condition));
}

#endif

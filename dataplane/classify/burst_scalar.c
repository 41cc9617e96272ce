/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. The loops have no early end, so that a compiler may vectorise them. */
#include "classifier.h"

#define BURST burst_scalar

static inline unsigned int lanes4_match(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	unsigned int found = 0, empty = 0;

	for (unsigned int k = 0; k < EXACT_LANES4; k++) {
		const uint64_t word = __atomic_load_n(&line->lane[k], __ATOMIC_ACQUIRE);

		found |= (unsigned int)((uint32_t)word == addr && word >> 32 < LANE_PENDING)
			 << 2 * k;
		empty |= word >> 32 == LANE_EMPTY;
	}
	*ends = empty;
	return found;
}

static inline unsigned int row_match(const struct row_line *line, uint32_t scrambled)
{
	unsigned int found = 0;

	for (unsigned int k = 0; k < ROW_LANES; k++)
		found |= (unsigned int)(line->column[k] == scrambled) << k;
	return found;
}

static inline unsigned int step_of(const struct program_line *line, uint32_t key)
{
	unsigned int n = 0;

	for (unsigned int k = 1; k < PROGRAM_STEPS; k++)
		n += line->start[k] <= key;
	return n;
}

#include "burst.h"

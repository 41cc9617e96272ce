/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. The loops have no early end, so that a compiler may vectorise them. */
#include "classifier.h"

#define BURST burst_scalar

static inline uint32_t lanes4_class(
	const struct exact_line4 *line, uint32_t addr, unsigned int *ends)
{
	uint32_t found = LANE_EMPTY, empty = 0;

	for (unsigned int k = 0; k < EXACT_LANES4; k++) {
		const uint64_t word = __atomic_load_n(&line->lane[k], __ATOMIC_ACQUIRE);
		const uint32_t cls = (uint32_t)(word >> 32);

		found = (uint32_t)word == addr && cls < LANE_PENDING ? cls : found;
		empty |= cls == LANE_EMPTY;
	}
	*ends = empty;
	return found;
}

static inline uint32_t row_program(const struct row_line *line, uint32_t scrambled)
{
	uint32_t program = line->program[ROW_LANES - 1] == PROGRAM_NONE ? PROGRAM_NONE
									: ROW_GOES_ON;

	for (unsigned int k = 0; k < ROW_LANES; k++)
		program = line->column[k] == scrambled ? line->program[k] : program;
	return program;
}

static inline uint32_t step_verdict(const struct program_line *line, uint32_t key)
{
	unsigned int n = 0;

	for (unsigned int k = 1; k < PROGRAM_STEPS; k++)
		n += line->start[k] <= key;
	return line->verdict[n];
}

#include "burst.h"

/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. The loops have no early end, so that a compiler may vectorise them. */
#include "burst_choose.h"
#include "burst_portable.h"

#define BURST burst_scalar

static inline uint32_t class4_in(const struct exact_line4 *line, uint32_t addr)
{
	uint32_t cls = 0;
	bool found = false, ends = false;

	for (unsigned int k = 0; k < EXACT_LANES4; k++) {
		const uint64_t word = __atomic_load_n(&line->lane[k], __ATOMIC_ACQUIRE);
		const bool here = (uint32_t)word == addr && word >> 32 < LANE_PENDING;

		cls |= (uint32_t)(word >> 32) & (0u - here);
		found |= here;
		ends |= word >> 32 == LANE_EMPTY;
	}
	return choose32(found, cls, LANE_FREE + ends);
}

static inline uint32_t class6_in(const struct exact_line6 *line, struct exact_words6 addr)
{
	uint32_t cls = 0;
	bool found = false, ends = false;

	for (unsigned int k = 0; k < EXACT_LANES6; k++) {
		const uint32_t have = __atomic_load_n(&line->cls[k], __ATOMIC_ACQUIRE);
		const struct exact_words6 key = exact_words6(line->addr[k]);
		const bool here = (have < LANE_PENDING) & (key.word[0] == addr.word[0]) &
				  (key.word[1] == addr.word[1]);

		cls |= have & (0u - here);
		found |= here;
		ends |= have == LANE_EMPTY;
	}
	return choose32(found, cls, LANE_FREE + ends);
}

static inline bool all_bits(uint64_t filter, uint32_t mark)
{
	const uint64_t bits = row_filter_bits(mark);

	return (filter & bits) == bits;
}

static inline unsigned int may_have_cells(
	const struct class_summary *src, const struct class_summary *dst)
{
	bool found = false;

	for (unsigned int k = 0; k < TG_COLUMNS; k++) {
		found |= all_bits(src->filter[TG_EGRESS], dst->mark[k]);
		found |= all_bits(dst->filter[TG_INGRESS], src->mark[k]);
	}
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

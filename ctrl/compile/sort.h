/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorting numbers and addresses, sets as sorted arrays, and lists by index (CSR). */
#ifndef TG_COMPILE_SORT_H
#define TG_COMPILE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vec.h"

void sort_u32(uint32_t *v, size_t n);
/* Sorts and drops duplicates; returns how many are left. */
size_t sort_distinct_u32(uint32_t *v, size_t n);
/* Sorts by address bytes, stably. 0 or -ENOMEM. */
struct addr_item {
	uint8_t bytes[16];
	uint32_t kind; /* the caller's */
	uint32_t index;
};
int sort_addrs(struct addr_item *v, size_t n);
/* Is `value` in the sorted v[0..n-1]? */
bool sorted_has(const uint32_t *v, size_t n, uint32_t value);

/*
 * Lists by index. first[] has n+1 numbers and begins with the length of each list; csr_open turns
 * these into where each begins and returns the total; the caller fills list i at first[i]++;
 * csr_close then shifts back, so that list i is first[i]..first[i+1]-1.
 */
static inline size_t csr_open(uint32_t *first, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t count = first[i];

		first[i] = sum;
		sum += count;
	}
	first[n] = sum;
	return sum;
}

static inline void csr_close(uint32_t *first, size_t n)
{
	for (size_t i = n; i > 0; i--)
		first[i] = first[i - 1];
	first[0] = 0;
}

#endif

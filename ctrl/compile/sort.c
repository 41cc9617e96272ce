/* SPDX-License-Identifier: BSD-3-Clause */
#include "sort.h"

#include <stdlib.h>
#include <string.h>

#define INSERTION_MAX 24u

static void insertion(uint32_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t value = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1] > value; k--)
			v[k] = v[k - 1];
		v[k] = value;
	}
}

/* Moves everything into place by one byte, in place, then each of the 256 parts by the next. */
static void flag_sort(uint32_t *v, size_t n, unsigned int shift)
{
	size_t next[256] = {0}, end[256], sum = 0;

	if (n <= INSERTION_MAX) {
		insertion(v, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		next[v[i] >> shift & 255]++;
	for (unsigned int b = 0; b < 256; b++) {
		size_t here = next[b];

		next[b] = sum;
		sum += here;
		end[b] = sum;
	}
	for (unsigned int b = 0; b < 256; b++)
		while (next[b] < end[b]) {
			uint32_t value = v[next[b]];
			unsigned int home = value >> shift & 255;

			v[next[b]] = v[next[home]];
			v[next[home]++] = value;
		}
	if (shift == 0)
		return;
	for (unsigned int b = 0; b < 256; b++)
		flag_sort(
			v + (b > 0 ? end[b - 1] : 0), end[b] - (b > 0 ? end[b - 1] : 0), shift - 8);
}

void sort_u32(uint32_t *v, size_t n)
{
	uint32_t all = 0;
	unsigned int shift = 24;

	if (n <= INSERTION_MAX) {
		insertion(v, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		all |= v[i];
	while (shift > 0 && all >> shift == 0)
		shift -= 8;
	flag_sort(v, n, shift);
}

size_t sort_distinct_u32(uint32_t *v, size_t n)
{
	size_t kept = 0;

	sort_u32(v, n);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

/* One stable pass by byte `at`. */
static void radix_pass(
	const struct addr_item *from, struct addr_item *to, size_t n, unsigned int at)
{
	size_t count[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		count[from[i].bytes[at]]++;
	for (unsigned int b = 0; b < 256; b++) {
		size_t here = count[b];

		count[b] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[count[from[i].bytes[at]]++] = from[i];
}

/* Which byte positions are not the same in all: the others need no pass. */
static void varying_bytes(const struct addr_item *v, size_t n, uint8_t varying[16])
{
	memset(varying, 0, 16);
	for (size_t i = 1; i < n; i++)
		for (unsigned int b = 0; b < 16; b++)
			varying[b] |= v[i].bytes[b] ^ v[0].bytes[b];
}

int sort_addrs(struct addr_item *v, size_t n)
{
	struct addr_item *spare, *from = v, *to, *swap;
	uint8_t varying[16];

	if (n < 2)
		return 0;
	spare = malloc(n * sizeof(*spare));
	if (spare == NULL)
		return -ENOMEM;
	varying_bytes(v, n, varying);
	to = spare;
	for (unsigned int at = 16; at-- > 0;) {
		if (varying[at] == 0)
			continue;
		radix_pass(from, to, n, at);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
	free(spare);
	return 0;
}

bool sorted_has(const uint32_t *v, size_t n, uint32_t value)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo] == value;
}

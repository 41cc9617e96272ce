/* SPDX-License-Identifier: BSD-3-Clause */
#include "ranges.h"

#include <stdlib.h>

#include "vec.h"

int tg_ranges_add(struct tg_ranges *ranges, const struct tg_prefix *prefix)
{
	return tg_vec_push(ranges, *prefix);
}

static int compare(const void *a, const void *b)
{
	return tg_prefix_compare(a, b);
}

/* The prefix that is one bit shorter. */
static struct tg_prefix parent_of(const struct tg_prefix *prefix)
{
	struct tg_prefix parent = *prefix;

	parent.length--;
	parent.addr.bytes[parent.length / 8] &= (uint8_t) ~(0x80 >> parent.length % 8);
	return parent;
}

/* The last two are the halves of one: then that one is in their place. */
static bool merge_last(struct tg_ranges *ranges)
{
	struct tg_prefix a, b;

	if (ranges->n < 2)
		return false;
	a = ranges->v[ranges->n - 2];
	b = ranges->v[ranges->n - 1];
	if (a.length == 0 || b.length == 0)
		return false;
	a = parent_of(&a);
	b = parent_of(&b);
	if (tg_prefix_compare(&a, &b) != 0)
		return false;
	ranges->v[--ranges->n - 1] = a;
	return true;
}

void tg_ranges_settle(struct tg_ranges *ranges)
{
	const size_t n = ranges->n;

	if (n == 0)
		return;
	qsort(ranges->v, n, sizeof(*ranges->v), compare);
	ranges->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct tg_prefix prefix = ranges->v[i];

		if (ranges->n > 0 && tg_prefix_covers(&ranges->v[ranges->n - 1], &prefix))
			continue;
		ranges->v[ranges->n++] = prefix;
		while (merge_last(ranges))
			;
	}
}

/* How many begin at the address or before it. */
static size_t count_before(const struct tg_ranges *ranges, const struct tg_addr *addr)
{
	size_t lo = 0, hi = ranges->n;

	while (lo < hi) {
		const size_t middle = lo + (hi - lo) / 2;

		if (tg_addr_compare(&ranges->v[middle].addr, addr) <= 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

bool tg_ranges_contain(const struct tg_ranges *ranges, const struct tg_addr *addr)
{
	const size_t n = count_before(ranges, addr);

	return n > 0 && tg_prefix_contains(&ranges->v[n - 1], addr);
}

const struct tg_prefix *tg_ranges_overlap(const struct tg_ranges *a, const struct tg_ranges *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct tg_prefix *prefix = &a->v[i];
		const size_t n = count_before(b, &prefix->addr);

		/* It begins in one of b's, or one of b's begins in it. */
		if ((n > 0 && tg_prefix_contains(&b->v[n - 1], &prefix->addr)) ||
			(n < b->n && tg_prefix_contains(prefix, &b->v[n].addr)))
			return prefix;
	}
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lpm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

typedef unsigned __int128 u128;

/* A prefix while the ranges are made: its first and last address. */
struct span {
	u128 first, last;
	uint32_t cls;
	uint8_t length;
};

struct range {
	u128 first;
	uint32_t cls;
};

struct ranges {
	struct range *v;
	size_t n, cap;
};

static u128 number_of(const uint8_t addr[16])
{
	const struct lpm6_start n = lpm6_number(addr);

	return (u128)n.hi << 64 | n.lo;
}

static struct span span_of(const struct tg_image_prefix6 *p)
{
	const u128 first = number_of(p->addr);
	const u128 host = p->length == 128 ? 0 : ~(u128)0 >> p->length;

	return (struct span){first, first | host, p->cls, p->length};
}

/* By first address, and what contains before what is contained. */
static int span_order(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (int)x->length - (int)y->length;
}

/* From `first` on the class is `cls`. */
static int begin_range(struct ranges *out, u128 first, uint32_t cls)
{
	if (out->n > 0 && out->v[out->n - 1].first == first)
		out->n--;
	if (out->n > 0 && out->v[out->n - 1].cls == cls)
		return 0;
	return tg_vec_push(out, ((struct range){first, cls}));
}

/* Leaves the innermost spans that end before `first`; what contains them goes on behind them. */
static int close_before(
	struct ranges *out, const struct span **open, unsigned int *depth, u128 first)
{
	while (*depth > 1 && open[*depth - 1]->last < first) {
		const u128 after = open[*depth - 1]->last + 1;
		int err;

		(*depth)--;
		err = begin_range(out, after, open[*depth - 1]->cls);
		if (err != 0)
			return err;
	}
	return 0;
}

/* `spans` in order, the first is /0. Nested prefixes are at most 129 deep. */
static int cut_ranges(const struct span *spans, uint32_t n, struct ranges *out)
{
	const struct span *open[129];
	unsigned int depth = 0;
	int err = 0;

	for (uint32_t i = 0; i < n && err == 0; i++) {
		err = close_before(out, open, &depth, spans[i].first);
		open[depth++] = &spans[i];
		if (err == 0)
			err = begin_range(out, spans[i].first, spans[i].cls);
	}
	/* What is still open ends somewhere before the last address, or with it. */
	while (err == 0 && depth > 1 && open[depth - 1]->last != ~(u128)0) {
		const u128 after = open[depth - 1]->last + 1;

		depth--;
		err = begin_range(out, after, open[depth - 1]->cls);
	}
	return err;
}

static int make_ranges(const struct tg_image_prefix6 *prefixes, uint32_t n, struct ranges *out)
{
	struct span *spans = malloc((size_t)n * sizeof(*spans));
	int err;

	if (spans == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		spans[i] = span_of(&prefixes[i]);
	qsort(spans, n, sizeof(*spans), span_order);
	err = cut_ranges(spans, n, out);
	free(spans);
	return err;
}

/* One past the last range that begins before the end of the slice `top`. */
static size_t slice_end(const struct ranges *ranges, size_t at, uint32_t top)
{
	const u128 last = ((u128)top << 112) | (~(u128)0 >> 16);

	while (at < ranges->n && ranges->v[at].first <= last)
		at++;
	return at;
}

/*
 * Fills the root; counts slices and, with t->slices set, fills them. Slices of several classes
 * name the ranges in place: they overlap by the range that began before them.
 */
static uint32_t cut_slices(struct lpm6 *t, const struct ranges *ranges)
{
	uint32_t n = 0;
	size_t at = 0; /* the range in force at the slice's first address */

	for (uint32_t top = 0; top < LPM_ROOT; top++) {
		const u128 first = (u128)top << 112;
		size_t end;

		while (at + 1 < ranges->n && ranges->v[at + 1].first <= first)
			at++;
		end = slice_end(ranges, at + 1, top);
		t->root[top] = ranges->v[at].cls;
		if (end == at + 1)
			continue;
		t->root[top] = LPM_DEEPER | n;
		if (t->slices != NULL)
			t->slices[n] = (struct lpm6_slice){(uint32_t)at, (uint32_t)(end - at)};
		n++;
		at = end - 1;
	}
	return n;
}

static int store_ranges(struct lpm6 *t, const struct ranges *ranges, int socket)
{
	t->n_ranges = (uint32_t)ranges->n;
	t->root = table_alloc(LPM_ROOT, sizeof(*t->root), socket);
	t->starts = table_alloc(ranges->n, sizeof(*t->starts), socket);
	t->classes = table_alloc(ranges->n, sizeof(*t->classes), socket);
	if (t->root == NULL || t->starts == NULL || t->classes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->n; i++) {
		t->starts[i] = (struct lpm6_start){
			(uint64_t)(ranges->v[i].first >> 64), (uint64_t)ranges->v[i].first};
		t->classes[i] = ranges->v[i].cls;
	}
	t->n_slices = cut_slices(t, ranges);
	t->slices = table_alloc(t->n_slices, sizeof(*t->slices), socket);
	if (t->slices == NULL)
		return -ENOMEM;
	cut_slices(t, ranges);
	return 0;
}

int lpm6_build(struct lpm6 *t, const struct tg_image_prefix6 *prefixes, uint32_t n, int socket)
{
	struct ranges ranges = {0};
	int err;

	memset(t, 0, sizeof(*t));
	err = make_ranges(prefixes, n, &ranges);
	if (err == 0)
		err = store_ranges(t, &ranges, socket);
	tg_vec_free(&ranges);
	if (err != 0)
		lpm6_free(t);
	return err;
}

bool lpm6_is_uniform(const struct lpm6 *t, const uint8_t addr[16])
{
	const struct lpm6_start number = lpm6_number(addr);
	const struct lpm6_start first = {number.hi, number.lo & ~UINT64_C(0xff)};
	const struct lpm6_start last = {number.hi, number.lo | 0xff};
	const uint32_t entry = t->root[number.hi >> 48];

	return (entry & LPM_DEEPER) == 0 || lpm6_range_in(t, entry & ~LPM_DEEPER, first) ==
						    lpm6_range_in(t, entry & ~LPM_DEEPER, last);
}

void lpm6_free(struct lpm6 *t)
{
	rte_free(t->root);
	rte_free(t->slices);
	rte_free(t->starts);
	rte_free(t->classes);
	memset(t, 0, sizeof(*t));
}

size_t lpm6_size(const struct lpm6 *t)
{
	return LPM_ROOT * sizeof(*t->root) + t->n_slices * sizeof(*t->slices) +
	       (size_t)t->n_ranges * (sizeof(*t->starts) + sizeof(*t->classes));
}

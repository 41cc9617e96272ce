/* SPDX-License-Identifier: BSD-3-Clause */
#include "addresses.h"

#include <stdbool.h>
#include <string.h>

#define RUN 64u /* entries that are compared at a time while nothing differs */

struct address {
	union exact_key key;
	uint64_t place; /* exact_place */
	uint32_t cls;
};

static struct address address_at(const struct addresses *a, uint32_t i)
{
	struct address out;

	if (a->family == 4) {
		out.key.v4 = a->v4[i].addr;
		out.cls = a->v4[i].cls;
		out.place = exact_place(a->v4[i].node, a->v4[i].ns);
	} else {
		memcpy(out.key.v6, a->v6[i].addr, sizeof(out.key.v6));
		out.cls = a->v6[i].cls;
		out.place = exact_place(a->v6[i].node, a->v6[i].ns);
	}
	return out;
}

static int key_order(uint8_t family, const union exact_key *a, const union exact_key *b)
{
	if (family == 4)
		return (a->v4 > b->v4) - (a->v4 < b->v4);
	return memcmp(a->v6, b->v6, sizeof(a->v6));
}

int addresses_fill(struct exact *t, const struct addresses *a)
{
	int err = 0;

	for (uint32_t i = 0; i < a->n && err == 0; i++) {
		const struct address one = address_at(a, i);

		if (i + EXACT_AHEAD < a->n && a->family == 4)
			exact_fetch4(t, a->v4[i + EXACT_AHEAD].addr);
		else if (i + EXACT_AHEAD < a->n)
			exact_fetch6(t, a->v6[i + EXACT_AHEAD].addr);
		err = exact_put(t, &one.key, one.cls, one.place);
	}
	return err;
}

/* The entry of an address, or one whose class is TG_NONE. */
static struct address find(const struct addresses *a, const union exact_key *key)
{
	uint32_t lo = 0, hi = a->n;

	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		const struct address have = address_at(a, mid);
		const int order = key_order(a->family, &have.key, key);

		if (order == 0)
			return have;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (struct address){.key = *key, .cls = TG_NONE};
}

/* Moves both on while they have the same. */
static void skip_same(
	const struct addresses *was, uint32_t *i, const struct addresses *is, uint32_t *j)
{
	const size_t size = was->family == 4 ? sizeof(*was->v4) : sizeof(*was->v6);
	const char *a = was->v, *b = is->v;

	while (was->n - *i >= RUN && is->n - *j >= RUN &&
		memcmp(a + *i * size, b + *j * size, RUN * size) == 0) {
		*i += RUN;
		*j += RUN;
	}
}

/* Removes what only `was` has, or else puts what `is` has and `was` has not or otherwise. */
static int apply_difference(
	struct exact *t, const struct addresses *was, const struct addresses *is, bool removing)
{
	uint32_t i = 0, j = 0;
	int err = 0;

	for (skip_same(was, &i, is, &j); (i < was->n || j < is->n) && err == 0;
		skip_same(was, &i, is, &j)) {
		const struct address old = i < was->n ? address_at(was, i) : (struct address){0};
		const struct address fresh = j < is->n ? address_at(is, j) : (struct address){0};
		const int order = i == was->n  ? 1
				  : j == is->n ? -1
					       : key_order(is->family, &old.key, &fresh.key);

		if (order < 0 && removing)
			exact_remove(t, &old.key);
		if (order > 0 || (order == 0 && (old.cls != fresh.cls || old.place != fresh.place)))
			err = removing ? 0 : exact_put(t, &fresh.key, fresh.cls, fresh.place);
		i += order <= 0;
		j += order >= 0;
	}
	return err;
}

/* The same for what was edited since: its entry in `is` says what it has to be. */
static int undo_edits(struct exact *t, const struct addresses *is, bool removing)
{
	int err = 0;

	for (size_t k = 0; k < t->edits.n && err == 0; k++) {
		const struct address one = find(is, &t->edits.v[k]);

		if (one.cls == TG_NONE && removing)
			exact_remove(t, &one.key);
		else if (one.cls != TG_NONE && !removing)
			err = exact_put(t, &one.key, one.cls, one.place);
	}
	return err;
}

int addresses_patch(struct exact *t, const struct addresses *was, const struct addresses *is)
{
	int err = 0;

	/* First those that go: their lanes are free for those that come. */
	for (int step = 0; step < 2 && err == 0; step++) {
		err = apply_difference(t, was, is, step == 0);
		if (err == 0)
			err = undo_edits(t, is, step == 0);
		if (step == 0)
			exact_reclaim(t);
	}
	t->edits.n = 0;
	return err;
}

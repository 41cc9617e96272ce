/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include "sort.h"

/* A term is still complete for a sort when it lacks this many classes, and has twice as many. */
#define EXCEPTS_MAX 4u

/* How many classes of each sort each term matches. */
static uint32_t *count(struct reach *r, const struct classes *classes)
{
	uint32_t *counts = calloc((size_t)r->n_terms * SORTS, sizeof(*counts));

	if (counts == NULL)
		return NULL;
	for (size_t i = 1; i < classes->v.n; i++) {
		const struct class *class = &classes->v.v[i];
		uint32_t sort = sort_of(class);

		r->n_classes[sort]++;
		for (uint32_t k = 0; k < class->terms.n; k++)
			counts[(size_t) class->terms.v[k] * SORTS + sort]++;
	}
	return counts;
}

static bool nearly_all(uint32_t n, uint32_t all)
{
	return all - n <= EXCEPTS_MAX && n >= 2 * (all - n);
}

static void judge_terms(struct reach *r, const uint32_t *counts)
{
	for (uint32_t t = TERM_FIRST_LISTED; t < r->n_terms; t++) {
		for (uint32_t sort = 0; sort < SORTS; sort++) {
			uint32_t n = counts[(size_t)t * SORTS + sort];

			if (n == 0)
				continue;
			r->present[t] |= (uint16_t)(1u << sort);
			if (nearly_all(n, r->n_classes[sort]))
				r->complete[t] |= (uint16_t)(1u << sort);
			else
				r->first[t] += n;
		}
	}
	r->complete[TERM_ANY] = r->present[TERM_ANY] = (1u << SORTS) - 1;
	for (uint32_t kind = 0; kind < TG_KIND_COUNT; kind++)
		r->complete[TERM_OF_KIND(kind)] = r->present[TERM_OF_KIND(kind)] =
			(uint16_t)(3u << 2 * kind);
}

/* A class that does not match a term which is complete for its sort. */
struct exception {
	uint32_t term;
	uint32_t class;
};

struct exceptions {
	struct exception *v;
	size_t n, cap;
};

/* The terms that are complete for a sort with exceptions, ascending. */
static int nearly_complete(
	const struct reach *r, const uint32_t *counts, uint32_t sort, struct tg_vec_u32 *out)
{
	out->n = 0;
	for (uint32_t t = TERM_FIRST_LISTED; t < r->n_terms; t++)
		if (reach_is_complete(r, t, sort) &&
			counts[(size_t)t * SORTS + sort] < r->n_classes[sort] &&
			tg_vec_push(out, t) != 0)
			return -ENOMEM;
	return 0;
}

/* Which of the sorted `terms` the class lacks. */
static int find_lacking(const struct class *class, uint32_t number, const struct tg_vec_u32 *terms,
	struct exceptions *out)
{
	uint32_t at = 0;

	for (size_t i = 0; i < terms->n; i++) {
		struct exception found = {terms->v[i], number};

		while (at < class->terms.n && class->terms.v[at] < terms->v[i])
			at++;
		if ((at == class->terms.n || class->terms.v[at] != terms->v[i]) &&
			tg_vec_push(out, found) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_exceptions(struct reach *r, const struct classes *classes, const uint32_t *counts,
	struct exceptions *out)
{
	struct tg_vec_u32 terms[SORTS] = {0};
	int err = 0;

	for (uint32_t sort = 0; sort < SORTS && err == 0; sort++)
		err = nearly_complete(r, counts, sort, &terms[sort]);
	for (uint32_t i = 1; i < classes->v.n && err == 0; i++)
		err = find_lacking(&classes->v.v[i], i, &terms[sort_of(&classes->v.v[i])], out);
	for (uint32_t sort = 0; sort < SORTS; sort++)
		tg_vec_free(&terms[sort]);
	return err;
}

static int list_exceptions(struct reach *r, const struct classes *classes, const uint32_t *counts)
{
	struct exceptions found = {0};
	int err = find_exceptions(r, classes, counts, &found);

	r->first_except = calloc((size_t)r->n_terms + 1, sizeof(*r->first_except));
	r->excepts = malloc((found.n + 1) * sizeof(*r->excepts));
	if (r->first_except == NULL || r->excepts == NULL)
		err = -ENOMEM;
	if (err != 0)
		goto out;
	for (size_t i = 0; i < found.n; i++)
		r->first_except[found.v[i].term]++;
	csr_open(r->first_except, r->n_terms);
	for (size_t i = 0; i < found.n; i++)
		r->excepts[r->first_except[found.v[i].term]++] = found.v[i].class;
	csr_close(r->first_except, r->n_terms);
out:
	tg_vec_free(&found);
	return err;
}

int reach_init(struct reach *r, const struct classes *classes, uint32_t n_terms)
{
	uint32_t *counts;

	memset(r, 0, sizeof(*r));
	r->n_terms = n_terms;
	r->complete = calloc(n_terms, sizeof(*r->complete));
	r->present = calloc(n_terms, sizeof(*r->present));
	r->first = calloc((size_t)n_terms + 1, sizeof(*r->first));
	counts = count(r, classes);
	if (counts == NULL || r->complete == NULL || r->present == NULL || r->first == NULL)
		goto fail;
	judge_terms(r, counts);
	if (list_exceptions(r, classes, counts) != 0)
		goto fail;
	r->classes = malloc((csr_open(r->first, n_terms) + 1) * sizeof(*r->classes));
	if (r->classes == NULL)
		goto fail;
	for (uint32_t i = 1; i < classes->v.n; i++) {
		const struct class *class = &classes->v.v[i];
		uint32_t sort = sort_of(class);

		for (uint32_t k = 0; k < class->terms.n; k++)
			if (!reach_is_complete(r, class->terms.v[k], sort))
				r->classes[r->first[class->terms.v[k]]++] = i;
	}
	csr_close(r->first, n_terms);
	free(counts);
	return 0;
fail:
	free(counts);
	reach_free(r);
	return -ENOMEM;
}

void reach_free(struct reach *r)
{
	free(r->complete);
	free(r->present);
	free(r->first);
	free(r->classes);
	free(r->first_except);
	free(r->excepts);
	memset(r, 0, sizeof(*r));
}

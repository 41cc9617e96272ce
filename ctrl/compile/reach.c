/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include "sort.h"

/* A term is still complete for a sort when it lacks this many classes, and has twice as many. */
#define EXCEPTS_MAX 4u

/* What is counted of each term. */
struct tally {
	uint32_t matches[SORTS]; /* classes */
	uint32_t zone;		 /* that they are of, if there are any */
};

static struct tally *count(struct reach *r, const struct classes *classes)
{
	struct tally *tallies = calloc(r->n_terms, sizeof(*tallies));

	if (tallies == NULL)
		return NULL;
	for (size_t i = 1; i < classes->v.n; i++) {
		const struct class *class = &classes->v.v[i];
		uint32_t sort = sort_of(class);

		r->n_classes[sort_in_zone(class->zone, sort)]++;
		for (uint32_t k = 0; k < class->terms.n; k++) {
			tallies[class->terms.v[k]].matches[sort]++;
			tallies[class->terms.v[k]].zone = class->zone;
		}
	}
	return tallies;
}

static bool nearly_all(uint32_t n, uint32_t all)
{
	return all - n <= EXCEPTS_MAX && n >= 2 * (all - n);
}

static void judge_terms(struct reach *r, const struct tally *tallies)
{
	for (uint32_t t = TERM_FIRST_LISTED; t < r->n_terms; t++) {
		const uint32_t *n_classes = r->n_classes + sort_in_zone(tallies[t].zone, 0);

		for (uint32_t sort = 0; sort < SORTS; sort++) {
			uint32_t n = tallies[t].matches[sort];

			if (n == 0)
				continue;
			r->present[t] |= (uint16_t)(1u << sort);
			if (nearly_all(n, n_classes[sort]))
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

/* Files a term, each greater than the last, with the sorts for which it has exceptions. */
static int file_nearly_complete(
	const struct reach *r, const struct tally *tally, uint32_t term, struct tg_vec_u32 *by_sort)
{
	for (uint32_t sort = 0; sort < SORTS; sort++) {
		uint32_t at = sort_in_zone(tally->zone, sort);

		if (reach_is_complete(r, term, sort) && tally->matches[sort] < r->n_classes[at] &&
			tg_vec_push(&by_sort[at], term) != 0)
			return -ENOMEM;
	}
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

static int find_exceptions(struct reach *r, const struct classes *classes,
	const struct tally *tallies, struct exceptions *out)
{
	size_t n = (size_t)r->n_zones * SORTS;
	struct tg_vec_u32 *terms = calloc(n, sizeof(*terms));
	int err = terms == NULL ? -ENOMEM : 0;

	for (uint32_t t = TERM_FIRST_LISTED; t < r->n_terms && err == 0; t++)
		err = file_nearly_complete(r, &tallies[t], t, terms);
	for (uint32_t i = 1; i < classes->v.n && err == 0; i++) {
		const struct class *class = &classes->v.v[i];

		err = find_lacking(
			class, i, &terms[sort_in_zone(class->zone, sort_of(class))], out);
	}
	for (size_t i = 0; terms != NULL && i < n; i++)
		tg_vec_free(&terms[i]);
	free(terms);
	return err;
}

static int list_exceptions(
	struct reach *r, const struct classes *classes, const struct tally *tallies)
{
	struct exceptions found = {0};
	int err = find_exceptions(r, classes, tallies, &found);

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

int reach_init(struct reach *r, const struct classes *classes, uint32_t n_terms, uint32_t n_zones)
{
	struct tally *tallies = NULL;

	memset(r, 0, sizeof(*r));
	r->n_terms = n_terms;
	r->n_zones = n_zones;
	r->n_classes = calloc((size_t)n_zones * SORTS, sizeof(*r->n_classes));
	r->complete = calloc(n_terms, sizeof(*r->complete));
	r->present = calloc(n_terms, sizeof(*r->present));
	r->first = calloc((size_t)n_terms + 1, sizeof(*r->first));
	if (r->n_classes == NULL || r->complete == NULL || r->present == NULL || r->first == NULL)
		goto fail;
	tallies = count(r, classes);
	if (tallies == NULL)
		goto fail;
	judge_terms(r, tallies);
	if (list_exceptions(r, classes, tallies) != 0)
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
	free(tallies);
	return 0;
fail:
	free(tallies);
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
	free(r->n_classes);
	memset(r, 0, sizeof(*r));
}

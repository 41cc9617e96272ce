/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include "sort.h"

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

static void judge_terms(struct reach *r, const uint32_t *counts)
{
	for (uint32_t t = TERM_FIRST_LISTED; t < r->n_terms; t++) {
		for (uint32_t sort = 0; sort < SORTS; sort++) {
			uint32_t n = counts[(size_t)t * SORTS + sort];

			if (n == 0)
				continue;
			r->present[t] |= (uint16_t)(1u << sort);
			if (n == r->n_classes[sort])
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
	memset(r, 0, sizeof(*r));
}

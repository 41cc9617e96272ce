/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

/* One pair on its way into list `list`. */
struct filing {
	uint32_t list;
	struct matcher_pair pair;
};

struct filings {
	struct filing *v;
	size_t n, cap;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct matcher_pair *x = a, *y = b;

	if (x->selector != y->selector)
		return (x->selector > y->selector) - (x->selector < y->selector);
	return (x->id > y->id) - (x->id < y->id);
}

static int make_lists(struct matcher_lists *lists, uint32_t n_lists, const struct filings *filings)
{
	lists->first = calloc((size_t)n_lists + 1, sizeof(*lists->first));
	lists->pairs = malloc((filings->n + 1) * sizeof(*lists->pairs));
	if (lists->first == NULL || lists->pairs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < filings->n; i++)
		lists->first[filings->v[i].list]++;
	csr_open(lists->first, n_lists);
	for (size_t i = 0; i < filings->n; i++)
		lists->pairs[lists->first[filings->v[i].list]++] = filings->v[i].pair;
	csr_close(lists->first, n_lists);
	for (uint32_t i = 0; i < n_lists; i++)
		if (lists->first[i + 1] - lists->first[i] > 1)
			qsort(lists->pairs + lists->first[i], lists->first[i + 1] - lists->first[i],
				sizeof(*lists->pairs), compare_pairs);
	return 0;
}

static int file_policies(struct filings *out, const struct policies *policies, const bool *over)
{
	for (uint32_t i = 0; i < policies->v.n; i++) {
		const struct policy *policy = &policies->v.v[i];
		struct filing filing = {policy->ns, {policy->pod_selector, i}};

		if (policy->ns != TG_NONE && !over[policy->ns] && tg_vec_push(out, filing) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int file_terms(
	struct filings *out, const struct matcher *m, const struct terms *terms, uint32_t type)
{
	for (uint32_t t = TERM_FIRST_LISTED; t < terms_count(terms); t++) {
		const uint32_t *words = seqs_get(&terms->keys, t).v;
		struct filing filing = {0};

		if (words[0] != type || words[1] == TG_NONE)
			continue;
		if (type == TERM_OWN)
			filing = (struct filing){
				words[3] * m->n_namespaces + words[1], {words[2], t}};
		else
			filing = (struct filing){
				words[3] * m->n_selectors + words[2], {words[1], t}};
		if (tg_vec_push(out, filing) != 0)
			return -ENOMEM;
	}
	return 0;
}

int matcher_init(struct matcher *m, const struct policies *policies, const struct terms *terms,
	const bool *over, struct matcher_counts counts)
{
	struct filings filings = {0};
	int err;

	memset(m, 0, sizeof(*m));
	m->n_namespaces = counts.namespaces;
	m->n_selectors = counts.selectors;
	err = file_policies(&filings, policies, over);
	if (err == 0)
		err = make_lists(&m->policies, counts.namespaces, &filings);
	filings.n = 0;
	if (err == 0)
		err = file_terms(&filings, m, terms, TERM_OWN);
	if (err == 0)
		err = make_lists(&m->own, counts.zones * counts.namespaces, &filings);
	filings.n = 0;
	if (err == 0)
		err = file_terms(&filings, m, terms, TERM_SELECTED);
	if (err == 0)
		err = make_lists(&m->selected, counts.zones * counts.selectors, &filings);
	tg_vec_free(&filings);
	return err;
}

void matcher_free(struct matcher *m)
{
	struct matcher_lists *all[] = {&m->policies, &m->own, &m->selected};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		free(all[i]->first);
		free(all[i]->pairs);
	}
	memset(m, 0, sizeof(*m));
}

/* The first pair at or after `selector`. */
static uint32_t lower_bound(const struct matcher_pair *pairs, uint32_t n, uint32_t selector)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (pairs[mid].selector < selector)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Appends the ids of the pairs whose selector is in `ids`; walks the shorter of the two. */
static int join(
	const struct matcher_lists *lists, uint32_t list, struct seq ids, struct tg_vec_u32 *out)
{
	const struct matcher_pair *pairs = lists->pairs + lists->first[list];
	uint32_t n = lists->first[list + 1] - lists->first[list];

	if (tg_vec_reserve(out, out->n + n) != 0)
		return -ENOMEM;
	if (n <= ids.n) {
		for (uint32_t i = 0; i < n; i++)
			if (sorted_has(ids.v, ids.n, pairs[i].selector))
				out->v[out->n++] = pairs[i].id;
		return 0;
	}
	for (uint32_t i = 0; i < ids.n; i++)
		for (uint32_t k = lower_bound(pairs, n, ids.v[i]);
			k < n && pairs[k].selector == ids.v[i]; k++)
			out->v[out->n++] = pairs[k].id;
	return 0;
}

int matcher_find(const struct matcher *m, const struct scopes *scopes, uint32_t zone, uint32_t ns,
	struct seq selectors, struct tg_vec_u32 *policies, struct tg_vec_u32 *terms)
{
	struct seq of_ns = scopes_selectors(scopes, ns);
	int err = join(&m->policies, ns, selectors, policies);

	sort_u32(policies->v, policies->n);
	if (err == 0)
		err = join(&m->own, zone * m->n_namespaces + ns, selectors, terms);
	for (uint32_t i = 0; i < selectors.n && err == 0; i++)
		err = join(&m->selected, zone * m->n_selectors + selectors.v[i], of_ns, terms);
	return err;
}

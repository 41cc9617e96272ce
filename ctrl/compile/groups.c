/* SPDX-License-Identifier: BSD-3-Clause */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "hash.h"
#include "sort.h"

/* How many of the heaviest terms to try as heavy. */
static const uint32_t cutoffs[] = {0, 16, 64, 256, 1024, 4096};

struct candidate {
	uint64_t weight; /* cells that the term would cost as a light one */
	uint32_t term;
};

struct chooser {
	const struct classes *classes;
	const struct reach *reach;
	const uint32_t *rows_with;
	struct candidate *v; /* heaviest first */
	uint32_t n;
	uint32_t *rank;	  /* by term: in v; TG_NONE */
	uint32_t *groups; /* by rank: groups that have the term */
	uint64_t *seen;	  /* hash set of signatures */
	size_t mask;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return (x->term > y->term) - (x->term < y->term);
}

static int chooser_init(struct chooser *c)
{
	uint32_t n_terms = c->reach->n_terms;

	c->mask = 255;
	while (c->mask < 2 * c->classes->v.n)
		c->mask = c->mask * 2 + 1;
	c->v = malloc((size_t)n_terms * sizeof(*c->v));
	c->rank = malloc((size_t)n_terms * sizeof(*c->rank));
	c->groups = malloc((size_t)n_terms * sizeof(*c->groups));
	c->seen = malloc((c->mask + 1) * sizeof(*c->seen));
	if (c->v == NULL || c->rank == NULL || c->groups == NULL || c->seen == NULL)
		return -ENOMEM;
	for (uint32_t t = 0; t < n_terms; t++) {
		uint64_t weight = (uint64_t)c->rows_with[t] * reach_count(c->reach, t);

		/* With one class there is nothing to gain. */
		if (weight > 0 && reach_count(c->reach, t) > 1)
			c->v[c->n++] = (struct candidate){weight, t};
		c->rank[t] = TG_NONE;
	}
	qsort(c->v, c->n, sizeof(*c->v), compare_candidates);
	for (uint32_t i = 0; i < c->n; i++)
		c->rank[c->v[i].term] = i;
	return 0;
}

static void chooser_free(struct chooser *c)
{
	free(c->v);
	free(c->rank);
	free(c->groups);
	free(c->seen);
}

static bool is_heavy(const struct chooser *c, uint32_t term, uint32_t sort, uint32_t cutoff)
{
	return c->rank[term] < cutoff && !reach_is_complete(c->reach, term, sort);
}

/* Adds to the set of signatures; false when it was there (or, by chance, a like one: an estimate).
 */
static bool note(struct chooser *c, uint64_t signature)
{
	size_t at = signature & c->mask;

	for (; c->seen[at] != 0; at = (at + 1) & c->mask)
		if (c->seen[at] == signature)
			return false;
	c->seen[at] = signature;
	return true;
}

/* Counts the groups of each heavy term, were the first `cutoff` candidates heavy. */
static void count_groups(struct chooser *c, uint32_t cutoff)
{
	memset(c->groups, 0, (size_t)c->n * sizeof(*c->groups));
	memset(c->seen, 0, (c->mask + 1) * sizeof(*c->seen));
	for (size_t i = 1; i < c->classes->v.n; i++) {
		const struct class *class = &c->classes->v.v[i];
		uint32_t sort = sort_of(class);
		uint64_t signature = tg_hash_mix(sort, 1);
		bool any = false;

		for (uint32_t k = 0; k < class->terms.n; k++)
			if (is_heavy(c, class->terms.v[k], sort, cutoff)) {
				signature += tg_hash_mix(class->terms.v[k], 2);
				any = true;
			}
		if (!any || !note(c, signature | 1))
			continue;
		for (uint32_t k = 0; k < class->terms.n; k++)
			if (is_heavy(c, class->terms.v[k], sort, cutoff))
				c->groups[c->rank[class->terms.v[k]]]++;
	}
}

/* Cells, about: of light terms one a row and class, of heavy ones one a row and group. */
static uint64_t cost(struct chooser *c, uint32_t cutoff)
{
	uint64_t cells = 0;

	if (cutoff > 0)
		count_groups(c, cutoff);
	for (uint32_t i = 0; i < c->n; i++)
		cells += i < cutoff ? (uint64_t)c->rows_with[c->v[i].term] * c->groups[i]
				    : c->v[i].weight;
	return cells;
}

static uint32_t choose(struct chooser *c)
{
	uint64_t best_cost = UINT64_MAX;
	uint32_t best = 0;

	for (size_t i = 0; i < sizeof(cutoffs) / sizeof(cutoffs[0]); i++) {
		uint64_t cells;

		if (i > 0 && cutoffs[i - 1] >= c->n)
			break;
		cells = cost(c, cutoffs[i] < c->n ? cutoffs[i] : c->n);
		if (cells < best_cost) {
			best_cost = cells;
			best = cutoffs[i];
		}
	}
	return best < c->n ? best : c->n;
}

/* The group of each class by the heavy terms that it matches beyond those complete for its sort. */
static int assign(struct groups *g, const struct classes *classes, const struct reach *reach)
{
	struct tg_vec_u32 key = {0};
	int err = 0;

	g->of[0] = TG_NONE;
	for (size_t i = 1; i < classes->v.n && err == 0; i++) {
		const struct class *class = &classes->v.v[i];
		uint32_t sort = sort_of(class), id;

		key.n = 0;
		err = tg_vec_reserve(&key, class->terms.n + 1);
		if (err != 0)
			break;
		key.v[key.n++] = sort;
		for (uint32_t k = 0; k < class->terms.n; k++)
			if (g->heavy[class->terms.v[k]] &&
				!reach_is_complete(reach, class->terms.v[k], sort))
				key.v[key.n++] = class->terms.v[k];
		g->of[i] = TG_NONE;
		if (key.n == 1)
			continue;
		id = seqs_add(&g->keys, key.v, (uint32_t)key.n);
		g->of[i] = id - 1;
		err = id == TG_NONE ? -ENOMEM : 0;
	}
	tg_vec_free(&key);
	g->n = (uint32_t)g->keys.n - 1;
	return err;
}

static int list_members(struct groups *g, uint32_t n_terms)
{
	g->first = calloc((size_t)n_terms + 1, sizeof(*g->first));
	if (g->first == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->n; i++) {
		struct seq key = seqs_get(&g->keys, i + 1);

		for (uint32_t k = 1; k < key.n; k++)
			g->first[key.v[k]]++;
	}
	g->members = malloc((csr_open(g->first, n_terms) + 1) * sizeof(*g->members));
	if (g->members == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->n; i++) {
		struct seq key = seqs_get(&g->keys, i + 1);

		for (uint32_t k = 1; k < key.n; k++)
			g->members[g->first[key.v[k]]++] = i;
	}
	csr_close(g->first, n_terms);
	return 0;
}

int groups_init(struct groups *g, const struct classes *classes, const struct reach *reach,
	const uint32_t *rows_with)
{
	struct chooser c = {.classes = classes, .reach = reach, .rows_with = rows_with};
	int err;

	memset(g, 0, sizeof(*g));
	g->heavy = calloc(reach->n_terms, sizeof(*g->heavy));
	g->of = malloc(classes->v.n * sizeof(*g->of));
	err = g->heavy == NULL || g->of == NULL ? -ENOMEM : seqs_init(&g->keys);
	if (err == 0)
		err = chooser_init(&c);
	if (err == 0) {
		uint32_t n = choose(&c);

		for (uint32_t i = 0; i < n; i++)
			g->heavy[c.v[i].term] = 1;
		err = assign(g, classes, reach);
	}
	if (err == 0)
		err = list_members(g, reach->n_terms);
	chooser_free(&c);
	if (err != 0)
		groups_free(g);
	return err;
}

void groups_free(struct groups *g)
{
	free(g->heavy);
	seqs_free(&g->keys);
	free(g->of);
	free(g->first);
	free(g->members);
	memset(g, 0, sizeof(*g));
}

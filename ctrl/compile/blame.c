/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "job.h"

/* How often each term occurs in the sets made so far. */
static void count_terms(const struct seqs *sets, uint32_t *counts)
{
	for (size_t i = 0; i < sets->n; i++) {
		struct seq set = seqs_get(sets, (uint32_t)i);

		for (uint32_t k = 0; k < set.n; k++)
			counts[set.v[k]]++;
	}
}

static void charge_rule(
	const struct policies *p, const struct rule *rule, const uint32_t *counts, uint64_t *charge)
{
	for (uint32_t i = 0; i < rule->n_entries; i++)
		*charge += counts[p->entries.v[rule->first_entry + i].term];
	for (uint32_t i = 0; i < rule->n_named; i++)
		*charge += counts[p->named.v[rule->first_named + i].term];
}

/* A namespace answers for the occurrences of the terms its rules use, and for its rows. */
static void charge_all(const struct tg_compiled *c, const uint32_t *counts, uint64_t *charges)
{
	const struct policies *p = &c->frame->policies;

	for (size_t i = 0; i < p->rules.n; i++) {
		uint32_t ns = p->v.v[p->rules.v[i].policy].ns;

		if (ns != TG_NONE)
			charge_rule(p, &p->rules.v[i], counts, &charges[ns]);
	}
	for (size_t i = 0; i < c->frame->rows.stances.n; i++) {
		const struct stance *stance = &c->frame->rows.stances.v[i];

		if (stance->ns != TG_NONE)
			charges[stance->ns] += stance->policies.n;
	}
}

int job_blame(struct job *job)
{
	const struct tg_compiled *c = job->out;
	uint32_t n = c->frame->scopes.n;
	uint32_t *counts = calloc(terms_count(&c->frame->terms), sizeof(*counts));
	uint64_t *charges = calloc((size_t)n + 1, sizeof(*charges)), worst = 0;
	int err = counts == NULL || charges == NULL ? -ENOMEM : 0;

	if (err != 0)
		goto out;
	count_terms(&c->frame->prefixes.sets, counts);
	count_terms(&c->frame->profiles.terms, counts);
	count_terms(&c->frame->classes.term_sets, counts);
	charge_all(c, counts, charges);
	for (uint32_t ns = 0; ns < n; ns++)
		if (charges[ns] > worst)
			worst = charges[ns];
	if (worst == 0)
		err = job_fail(job, -E2BIG, "the cluster is too large to compile");
	/* All of the worst at once, lest many accomplices take many attempts. */
	for (uint32_t ns = 0; ns < n && err == 0; ns++)
		if (charges[ns] > worst / 2)
			job->over[ns] = true;
out:
	free(counts);
	free(charges);
	return err;
}

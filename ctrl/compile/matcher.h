/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the selectors that a pod's labels match, in a namespace, to the policies that select the pod
 * and the peer terms that it satisfies. The work depends on what matches, not on how many policies
 * there are.
 */
#ifndef TG_COMPILE_MATCHER_H
#define TG_COMPILE_MATCHER_H

#include "policies.h"

/* Lists of (selector, what it leads to), sorted by selector. */
struct matcher_pair {
	uint32_t selector;
	uint32_t id;
};

struct matcher_lists {
	uint32_t *first; /* list i is pairs[first[i]]..pairs[first[i + 1] - 1] */
	struct matcher_pair *pairs;
};

struct matcher {
	struct matcher_lists policies; /* by namespace: pod selector -> policy */
	/* By zone, and then by namespace: pod selector -> TERM_OWN term */
	struct matcher_lists own;
	/* By zone, and then by pod selector: namespace selector -> TERM_SELECTED */
	struct matcher_lists selected;
	uint32_t n_namespaces, n_selectors;
};

/* How many there are of what lists go by. */
struct matcher_counts {
	uint32_t zones, namespaces, selectors;
};

/* Policies of the namespaces that are `over` are left out: their rows do not depend on them. */
int matcher_init(struct matcher *m, const struct policies *policies, const struct terms *terms,
	const bool *over, struct matcher_counts counts);
void matcher_free(struct matcher *m);
/* Appends the policies (ascending) and the terms (in no order) of a pod. */
int matcher_find(const struct matcher *m, const struct scopes *scopes, uint32_t zone, uint32_t ns,
	struct seq selectors, struct tg_vec_u32 *policies, struct tg_vec_u32 *terms);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One trial: a cluster (and what pods became of it), a tuple, and whether the product and the
 * oracle agree about it. A failed trial can be shrunk and printed.
 */
#ifndef TG_TRIAL_H
#define TG_TRIAL_H

#include <stdio.h>

#include "subject.h"

struct trial {
	struct random_cluster cluster;
	cJSON *before; /* objects before the pods changed; NULL: the cluster was loaded at once */
	struct oracle_tuple tuple;
};

/* The lookups that a trial compares with the oracle. */
enum trial_lookup { TRIAL_PORTABLE, TRIAL_BURST, TRIAL_DELTA, TRIAL_LOOKUPS };

const char *trial_lookup_name(enum trial_lookup lookup);
bool trial_same(const struct oracle_answer *a, const struct oracle_answer *b);
/* Removes whatever is not needed for the disagreement, as far as simple means go. */
void trial_shrink(struct trial *trial);
/* False: with a product started anew all agree (the history of the run matters). */
bool trial_fails(const struct trial *trial);
void trial_print(const struct trial *trial, FILE *f);

#endif

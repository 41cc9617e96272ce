/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One compilation in progress, and its stages in order. Each returns 0 or -errno and has said in
 * job->error what was wrong, as far as it is not just memory.
 */
#ifndef TG_COMPILE_JOB_H
#define TG_COMPILE_JOB_H

#include "cache.h"
#include "cells.h"
#include "compiled.h"
#include "identity.h"
#include "slots.h"

/* The tables of the compilation before, when this one asks the same. */
struct tables_before {
	struct cells cells;
	uint32_t *first; /* by row: where its cells begin; one more for the end */
	uint32_t *rest;	 /* by stance */
	struct tuple_rule *tuples;
};

void tables_before_free(struct tables_before *before);

struct job {
	const struct tg_cluster *cluster;
	const struct tg_compile_options *options;
	struct tg_compile_cache *cache; /* follows the cluster */
	struct tg_compiled *out;
	struct policies *policies; /* with ports and verdicts: the frame's, or `own` */
	struct policies own;
	/* By policy, in a compilation that asks the same as the one before; else NULL. */
	bool *changed;
	struct tables_before before;
	struct tg_vec_u32 strays;  /* pods of unknown namespaces */
	struct tg_vec_u32 outside; /* endpoints in no pod range that should be in one */
	struct slots *slots;	   /* the copy that this compilation works on */
	uint32_t slot_capacity;
	uint32_t budget;
	/*
	 * By namespace: what an earlier attempt found to be more than the compiler takes on. Its
	 * pods are denied everything (compile.h: the cell budget).
	 */
	bool *over;
	struct kept *kept; /* by the compilation before; the first attempt takes it */
	struct identity identity;
	/* Verdicts where no rule matches, and the identities of their rules. */
	uint32_t *baseline[TG_DIRECTION_COUNT]; /* by namespace */
	uint64_t *baseline_identity[TG_DIRECTION_COUNT];
	uint32_t *implicit; /* by implicit deny */
	uint64_t *implicit_identity;
	uint32_t *rest;		   /* by stance */
	struct tuple_rule *tuples; /* by infrastructure tuple */
	uint64_t *tuple_identity;
	uint32_t
		*profile_of; /* by pod: its profile; TG_NONE: unknown namespace, or not asked for */
	uint32_t *class_of_endpoint;
	uint32_t *class_of_prefix;
	struct expander expander;
	struct reach reach;
	struct groups groups;
	struct cells cells;
	struct programs programs;
	char *error;
	size_t error_size;
};

/*
 * Words of sets that a compilation may make: a bound on time and memory, far beyond what clusters
 * that mean no harm need. A stage that passes it returns -EOVERFLOW, and the namespaces that cause
 * the most are marked as over their budget before the next attempt (blame.c): one tenant must not
 * keep everybody else's updates from being enforced.
 */
#define JOB_WORDS_MAX (24u << 20)

static inline bool job_is_too_large(const struct tg_compiled *c)
{
	return c->frame->prefixes.sets.words + c->frame->profiles.terms.words +
		       c->frame->profiles.matches.words + c->frame->classes.term_sets.words +
		       c->frame->rows.stance_keys.words >
	       JOB_WORDS_MAX;
}

/* Marks in job->over whom to leave out; -E2BIG when there is nobody. */
int job_blame(struct job *job);

/* Objects and options into selectors, terms, prefixes and policies (load.c). */
int job_load(struct job *job);
/* Slots and verdicts of policy rules, baselines and tuples (rules.c). */
int job_take_slots(struct job *job);
/* Every address and prefix gets its class (assign.c). */
int job_assign(struct job *job);
/* Says what there is to say about addresses, once they are assigned (assign.c). */
int job_remark_addresses(struct job *job);
/* Slots and verdicts of implicit denies, and what each stance says in the end (rules.c). */
int job_take_rests(struct job *job);
/* Rows, groups, cells (tables.c). */
int job_build_tables(struct job *job);
/* The same when `changed` tells what is to be built, and the rest is in `before`. */
int job_rebuild_tables(struct job *job);
/* What people should look at (remarks.c). */
int job_remark(struct job *job);
/* The image and the figures (emit.c). */
int job_emit(struct job *job);

/* Writes job->error; returns err. */
int job_fail(struct job *job, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static inline const char *job_text(const struct job *job, uint32_t string)
{
	return tg_intern_text(job->cluster->strings, string);
}

#endif

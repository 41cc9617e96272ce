/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Profiles: what is left of a pod when everything that no policy asks for is forgotten: its zone,
 * its namespace, its projected labels, its named ports as far as policies use them. Selectors are
 * evaluated once for each distinct set of projected labels, whatever the number of pods.
 */
#ifndef TG_COMPILE_PROFILES_H
#define TG_COMPILE_PROFILES_H

#include "matcher.h"
#include "rows.h"

struct profile {
	uint32_t zone, ns; /* indices */
	uint32_t stance[TG_DIRECTION_COUNT];
	struct seq terms; /* peer terms of selectors, sorted */
	struct seq ports; /* (port use, number) pairs, sorted */
};

struct profiles {
	struct seqs labels;  /* atoms */
	struct seqs ports;   /* (port use, number) pairs */
	struct seqs matches; /* selectors */
	struct seqs terms;   /* peer terms */
	struct seqs keys;    /* {namespace, labels, ports, zone}; id = profile + 1 */
	TG_VEC(struct profile) v;
	struct tg_vec_u32 match_of; /* by labels: in `matches`, TG_NONE: not made yet */
	struct tg_vec_u32 atoms, numbers, found, policies, peers; /* scratch */
};

/* What profiles are made from. */
struct profile_sources {
	const struct scopes *scopes;
	const struct selectors *selectors;
	const struct policies *policies;
	const struct matcher *matcher;
	struct rows *rows;
};

int profiles_init(struct profiles *p);
void profiles_free(struct profiles *p);
/*
 * The profile of a pod of `zone` and namespace `ns` with these atoms and (port use, number) pairs,
 * which it sorts, adding it; TG_NONE: out of memory.
 */
uint32_t profiles_add(struct profiles *p, const struct profile_sources *from, uint32_t zone,
	uint32_t ns, struct seq atoms, struct tg_vec_u32 *ports);
/*
 * The same without adding anything, for a pod that need not have an equal: *out refers to the
 * scratch of `p` until its next call. -ENOENT when a stance that it needs is not there.
 */
int profiles_look(struct profiles *p, const struct profile_sources *from, const struct tg_pod *pod,
	uint32_t zone, uint32_t ns, struct profile *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What stays of a compilation: the image and, for placements, everything up to the classes.
 * job.h has what does not stay.
 */
#ifndef TG_COMPILE_COMPILED_H
#define TG_COMPILE_COMPILED_H

#include "arena.h"
#include "classes.h"
#include "endpoints.h"
#include "warnings.h"

struct tg_compiled {
	struct scopes scopes;
	struct selectors pod_selectors, ns_selectors;
	struct terms terms;
	struct prefixes prefixes;
	struct policies policies;
	struct matcher matcher;
	struct rows rows;
	struct profiles profiles;
	struct classes classes;
	struct endpoints *endpoints; /* a reference */
	struct warnings warnings;
	struct tg_arena *arena; /* texts of warnings */
	struct tg_compile_stats stats;
	void *image;
	size_t image_size;
};

static inline struct profile_sources profile_sources_of(struct tg_compiled *c)
{
	return (struct profile_sources){
		&c->scopes, &c->pod_selectors, &c->policies, &c->matcher, &c->rows};
}

static inline struct class_sources class_sources_of(struct tg_compiled *c)
{
	return (struct class_sources){&c->prefixes, &c->policies, &c->terms, &c->rows};
}

#endif

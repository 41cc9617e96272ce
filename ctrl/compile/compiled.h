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
#include "quotas.h"
#include "warnings.h"

/*
 * Everything up to the classes: what is asked of whom, and who is told apart. Compilations that ask
 * the same share one; then it is only read, but for scratch memory of placements.
 */
struct frame {
	struct zones zones;
	struct scopes scopes;
	struct selectors pod_selectors, ns_selectors;
	struct terms terms;
	struct prefixes prefixes;
	struct policies policies;
	struct matcher matcher;
	struct rows rows;
	struct profiles profiles;
	struct classes classes;
	_Atomic unsigned int refs;
};

struct frame *frame_create(void); /* NULL: out of memory */
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame); /* NULL is fine; any thread */

struct tg_compiled {
	struct frame *frame;	     /* a reference */
	struct endpoints *endpoints; /* a reference */
	struct limits limits;
	struct warnings warnings;
	struct tg_arena *arena; /* texts of warnings */
	struct tg_compile_stats stats;
	void *image;
	size_t image_size;
};

static inline struct profile_sources profile_sources_of(struct tg_compiled *c)
{
	return (struct profile_sources){&c->frame->scopes, &c->frame->pod_selectors,
		&c->frame->policies, &c->frame->matcher, &c->frame->rows};
}

static inline struct class_sources class_sources_of(struct tg_compiled *c)
{
	return (struct class_sources){
		&c->frame->prefixes, &c->frame->policies, &c->frame->terms, &c->frame->rows};
}

#endif

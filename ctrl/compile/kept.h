/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a compilation leaves for the next one, should that ask the same: when objects and options
 * are the same but for policies that differ in nothing but numbers of ports, and in what is only
 * told about them, then everything up to the classes is what it was, and so are the cells of rows
 * whose policies have not changed.
 */
#ifndef TG_COMPILE_KEPT_H
#define TG_COMPILE_KEPT_H

#include "job.h"

struct kept {
	struct frame *frame; /* a reference */
	/* The options that matter, without what they point to but here. */
	struct tg_compile_options options;
	struct tg_zone_options *zones; /* as zone_options_at, with their pod ranges in: */
	struct tg_prefix *pod_ranges;
	struct tg_infrastructure *infrastructure;
	uint32_t budget;
	/* See struct job. */
	struct policies policies; /* with models */
	struct tg_vec_u32 strays, outside;
	uint32_t *profile_of, *class_of_endpoint, *class_of_prefix;
	struct tables_before tables;
	struct reach reach;
	struct groups groups;
	struct programs programs;
};

void kept_free(struct kept *kept); /* NULL is fine */
/* Whether the compilation asks the same as the one before, and no object but policies differs. */
bool kept_applies(const struct kept *kept, const struct job *job);
/* The job takes everything and frees what is left: it goes on behind job_assign. */
int kept_resume(struct kept *kept, struct job *job);
/* What a compilation that has succeeded leaves; takes it from the job. NULL: nothing. */
struct kept *kept_create(struct job *job);

#endif

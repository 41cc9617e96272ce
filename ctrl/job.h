/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One compilation, from a view of the cluster to a target that can be pushed. Runs in a worker
 * thread: it has a view, a compiler and options of its own for the time, and shares the table of
 * strings with the loop, which may be adding to it (intern.h).
 */
#ifndef TG_JOB_H
#define TG_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "compile.h"
#include "deltas.h"
#include "store.h"
#include "target.h"

struct tg_job {
	/* what is asked; `previous` is a reference, or NULL */
	struct tg_compiler *compiler;
	struct tg_view *view;
	struct tg_hold *hold; /* on its strings; NULL once the result has it */
	struct tg_compile_options options;
	struct tg_target *previous; /* nothing new is made when the result equals its image */
	uint64_t swept;		    /* slots freed up to this generation are free again */
	bool force;		    /* make a target in any case */
	uint64_t noticed_at;	    /* uv_hrtime of the oldest change in it; 0: none */

	/* what became of it */
	int err;
	char error[256];
	uint64_t us;
	struct tg_compile_stats stats;
	size_t warnings[TG_WARN_COUNT];
	/* Of a success; with a target they are its owner's, else the caller's. */
	struct tg_deltas *deltas;
	struct tg_target *target; /* NULL: unchanged */
};

void tg_job_run(struct tg_job *job);

#endif

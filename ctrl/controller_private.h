/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller's parts: controller.c (life, files, compiling, pushing), clusters.c, sync.c (what
 * the dataplane says), notes.c (log, report and board). All in the loop's thread.
 */
#ifndef TG_CONTROLLER_PRIVATE_H
#define TG_CONTROLLER_PRIVATE_H

#include "board.h"
#include "cluster.h"
#include "config.h"
#include "controller.h"
#include "deltas.h"
#include "http.h"
#include "job.h"
#include "push.h"
#include "store.h"
#include "sweep.h"
#include "vec.h"
#include "watch.h"

/* A compilation in a worker thread. */
struct compile_work {
	uv_work_t request;
	struct tg_controller *c;
	struct tg_job job;
};

/* Writing a ruleset to the archive, or flushing an acknowledged one, in a worker thread. */
struct keep_work {
	uv_work_t request;
	struct tg_controller *c;
	struct tg_target *target; /* to write, a reference; NULL: flush */
	uint64_t generation;
	int err;
};

struct tg_controller {
	uv_loop_t *loop;
	const struct tg_config *config;
	struct tg_store *store;
	struct tg_watch *watch;
	struct tg_compiler *compiler;	/* the worker's while `compiling` */
	struct tg_compile_cache *cache; /* the same */
	struct tg_view *cached;		/* what the cache refers to; NULL: to nothing */
	struct tg_push *push;
	struct tg_board *board;
	struct tg_http *http; /* NULL: off */

	uv_poll_t watch_poll;
	uv_timer_t due_timer, gather_timer, rescan_timer, compile_timer, tick_timer, notes_timer;
	bool stopping;

	struct tg_cluster_source **clusters; /* as many as the configuration has */
	size_t n_clusters;		     /* that were started */

	/* objects */
	struct tg_sweep sweep; /* of the store's strings, while nothing is being compiled */
	bool complete;	       /* every file that there is was read, or refused for what it says */
	bool synced; /* all were read and nothing was missing: what they say may be enforced */
	bool held;   /* told why not */
	uint64_t noticed_at; /* uv_hrtime of the oldest change that is not compiled yet; 0: none */
	uint64_t batch_noticed_at; /* of the oldest that was not taken from the store yet */

	/* compiling */
	struct compile_work *compiling; /* NULL: no */
	bool dirty;			/* there is something to compile */
	bool force;			/* even if nothing changed: a new generation is needed */
	uint64_t generation;		/* the highest that was given, read or heard of */
	unsigned int renew_delay;	/* ms before the next compilation that a refusal asks for */
	uint64_t renewed_at;		/* uv_now */
	/* changes of pods since the view that is being compiled, oldest first */
	TG_VEC(struct tg_changes *) since;

	struct tg_target *wanted;		/* a reference; NULL: none yet */
	uint64_t wanted_noticed_at;		/* when the oldest change in it was noticed */
	uint64_t delta_noticed_at;		/* the same for deltas that are not acknowledged */
	struct tg_target *archived;		/* read at the start, until something is desired */
	struct tg_compile_stats archived_stats; /* what its image says */

	/* the archive */
	struct keep_work *keeping;	    /* NULL: nothing is being written */
	struct tg_target *keep_next;	    /* a reference; the newest that is to be written */
	uint64_t written, acked, committed; /* generations */

	/* what is known */
	struct tg_notice notice;
	struct tg_report *compile_notes; /* warnings of the last compilation */
	struct tg_store_stats told;	 /* when the report was last made */
	size_t told_problems;
	bool report_stale;
	unsigned int notes_ms;	 /* how long it took to look at all files */
	uint64_t drifting_since; /* uv_now; 0: desired is applied */
	bool drift_told, beat_lost;
};

/* A new generation above `generation` is needed; soon, or later when that happens again and again.
 */
void controller_renew(struct tg_controller *c, uint64_t generation);
/* The ruleset is acknowledged: flush it to the disk. */
void controller_acked(struct tg_controller *c, uint64_t generation);
/* It is refused, or the dataplane is gone: nothing is on its way any more. */
void controller_not_acked(struct tg_controller *c);

/* Objects of a cluster have changed: what comes within the debounce time is one change. */
void controller_gather(struct tg_controller *c);

/* clusters.c */
/* 0 or -errno, with the reason in the log. */
int clusters_start(struct tg_controller *c);
void clusters_stop(struct tg_controller *c);
/* Every one of them was read completely once. */
bool clusters_synced(const struct tg_controller *c);
void clusters_relist(struct tg_controller *c);
/* Puts how they stand into the notice. */
void clusters_note(struct tg_controller *c);

/* sync.c: what push tells. */
extern const struct tg_push_handler controller_push_handler;

/* notes.c */
void notes_file_refused(struct tg_controller *c, const char *file);
/* Warnings of a compilation that is over. */
void notes_compiled(struct tg_controller *c, const struct tg_compiled *compiled);
/* Files or folders have changed: figures and the report are made anew, soon. */
void notes_sources(struct tg_controller *c);
/* Puts what is known on the board. */
void notes_publish(struct tg_controller *c);
/* Once a second: what should not last. */
void notes_tick(struct tg_controller *c);
void notes_free(struct tg_controller *c);

#endif

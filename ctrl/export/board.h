/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The notice board: what the control process knows about itself, put up by the loop's thread and
 * read by the HTTP thread.
 *
 * Synchronisation: a mutex guards one struct tg_notice and is held only to copy it. What it points
 * to is shared by reference and immutable, or made for concurrent reading (the segment).
 */
#ifndef TG_EXPORT_BOARD_H
#define TG_EXPORT_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "histogram.h"
#include "mapping.h"
#include "push.h"
#include "report.h"
#include "sources.h"
#include "target.h"

#define TG_HEARTBEAT_MAX_MS 5000 /* a dataplane that has said nothing for so long is not ready */

/* Objects in force, by kind, and how the files stand. */
struct tg_notice_source {
	bool synced; /* everything was read once, and nothing was missing */
	bool stale;  /* a cluster is out of touch: what was known of it stays in force */
	size_t files, files_refused;
	size_t served, served_refused; /* objects of clusters */
	size_t namespaces, pods, nodes, services, policies;
	uint64_t loads, loads_refused;	/* counters: files read */
	uint64_t rescans;		/* counter */
	size_t strings, paths;		/* kept in memory */
	uint64_t sweeps, sweeps_failed; /* counters: of strings */
};

struct tg_notice_compile {
	uint64_t succeeded, failed, unchanged; /* counters */
	struct tg_compile_stats stats;	       /* of the last success */
	size_t warnings[TG_WARN_COUNT];
	char error[256]; /* why the last one failed; empty: it did not */
};

struct tg_notice {
	uint64_t started_at; /* Unix time, ms */
	struct tg_notice_source source;
	struct tg_notice_compile compile;
	struct tg_push_status push;
	/* what the counters of built-in rules mean */
	enum tg_default_action default_action[TG_DIRECTION_COUNT];
	bool transit_allow;
	struct tg_histogram compile_time, push_time, build_time, swap_time, delta_time, change_time,
		pod_change_time;
	/* references; NULL: none */
	struct tg_target *in_force;
	struct tg_mapping *mapping;
	struct tg_report *report;
	struct tg_sources *clusters;
};

struct tg_board;

struct tg_board *tg_board_create(void);
void tg_board_free(struct tg_board *board);
/* Takes references of its own. */
void tg_board_put(struct tg_board *board, const struct tg_notice *notice);
/* A copy with references, to be dropped with tg_notice_drop. */
void tg_board_get(struct tg_board *board, struct tg_notice *out);
void tg_notice_drop(struct tg_notice *notice);

/* The dataplane is connected and its heart beats; *age_ms (may be NULL): since the last beat. */
bool tg_notice_alive(const struct tg_notice *notice, uint64_t now_ms, uint64_t *age_ms);
/* Everything that is wanted is enforced; else `why` (`size` bytes) says what is missing. */
bool tg_notice_ready(const struct tg_notice *notice, uint64_t now_ms, char *why, size_t size);

#endif

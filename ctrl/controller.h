/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control process without its command line: sources in, the ruleset they ask for into force,
 * and what there is to know about it on the board.
 *
 *	files, clusters -> store -> pods only:  class-map deltas, at once
 *	                            other:      compile in a worker thread, push, archive
 *
 * One loop thread does everything but compiling, flushing to the disk (libuv's workers) and HTTP
 * (a thread of its own).
 */
#ifndef TG_CONTROLLER_H
#define TG_CONTROLLER_H

#include <uv.h>

#include "config.h"

struct tg_controller;

/* Starts everything; `config` outlives it. 0 or -errno, with the reason in the log. */
int tg_controller_start(
	uv_loop_t *loop, const struct tg_config *config, struct tg_controller **out);
/* Looks at all files again, and lists what clusters have. */
void tg_controller_rescan(struct tg_controller *c);
/*
 * Gives everything up; the dataplane goes on enforcing. The loop has to run until it is empty, then
 * tg_controller_free.
 */
void tg_controller_stop(struct tg_controller *c);
void tg_controller_free(struct tg_controller *c);

#endif

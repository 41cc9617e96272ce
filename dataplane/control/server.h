/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread: serves the control socket (<tidegate/control.h>) and calls back for what else
 * is due. One poll() loop. Nothing that a client sends or leaves undone stops it: a client that
 * does not read its answers, says nothing after connecting or breaks the framing is disconnected.
 */
#ifndef TG_CONTROL_SERVER_H
#define TG_CONTROL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "changes.h"
#include "engine.h"

struct tg_control_config {
	const char *socket;
	struct tg_engine *engine;
	struct tg_changes *changes;
	struct tg_stats_segment *stats;
	int stop_fd; /* the loop ends when it is readable */
	uint32_t tick_ms;
	/* Every tick_ms. true: the state of a port has changed, clients are told. */
	bool (*tick)(void *arg);
	void *tick_arg;
	/* The file that answers OFFLOAD_GET: 0 and *fd, which the caller closes; -errno. May be
	 * NULL. */
	int (*report)(void *arg, const struct tg_msg_offload_get *get, int *fd);
	void *report_arg;
};

struct tg_control;

/* Nothing is listened on yet. The configuration is copied; what it points to outlives it. */
int tg_control_create(const struct tg_control_config *config, struct tg_control **out);
/* Disconnects everybody, removes the socket. */
void tg_control_free(struct tg_control *control);

/* Listens. 0 or what tg_wire_listen says. */
int tg_control_listen(struct tg_control *control);
/* Serves until stop_fd is readable. 0, or -errno when poll fails. */
int tg_control_run(struct tg_control *control);

#endif

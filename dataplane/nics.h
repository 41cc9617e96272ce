/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gateway leaves to NICs: which profile each port has, where they place packets, the owner
 * of their rules and the thread that it runs in.
 */
#ifndef TG_DATAPLANE_NICS_H
#define TG_DATAPLANE_NICS_H

#include "config.h"
#include "offload.h"
#include "ports.h"
#include "segment.h"

struct tg_nics;

/*
 * After the ports are open and before they are started. 0, also when no port can do anything, which
 * is logged, with why; -errno, logged.
 */
int tg_nics_open(const struct tg_dataplane_config *config,
	const struct tg_datapath_config *datapath, const struct tg_ports *ports,
	struct tg_stats_segment *stats, struct tg_nics **out);
/* Puts into `dp` what NICs can be believed to place, once the ports are started. */
void tg_nics_spread(
	struct tg_nics *nics, struct tg_ports *ports, bool rss_auto, struct tg_datapath_config *dp);
/* Tells statistics and log what workers have found of that. Control thread, now and then. */
void tg_nics_look(struct tg_nics *nics, const struct tg_datapath *datapath);
/* `started_tsc`: where the workers' clock is 0. */
int tg_nics_start(struct tg_nics *nics, uint64_t started_tsc);
/* Ends the thread; before the workers and ports stop. NULL is fine. */
void tg_nics_stop(struct tg_nics *nics);
/* After the workers have stopped. NULL is fine. */
void tg_nics_close(struct tg_nics *nics);

/* NULL: nothing is offloaded. */
struct tg_offload *tg_nics_offload(const struct tg_nics *nics);
/* The file that answers OFFLOAD_GET. `arg`: struct tg_nics. 0 and *fd; -errno. */
int tg_nics_report(void *arg, const struct tg_msg_offload_get *get, int *fd);
/* Tells the owner which links are up; not while a port is reset, which it would wait for. */
void tg_nics_links(struct tg_nics *nics);
/*
 * A port is reset (offload.h): begin, open and end by the thread that does it, over by the control
 * thread when that has ended, well or not.
 */
int tg_nics_reset_begin(struct tg_nics *nics, uint16_t port);
void tg_nics_reset_open(struct tg_nics *nics, uint16_t port);
void tg_nics_reset_end(struct tg_nics *nics);
void tg_nics_reset_over(struct tg_nics *nics, uint16_t port);

#endif

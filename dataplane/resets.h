/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of ports. A driver asks for one (RTE_ETH_EVENT_INTR_RESET: its physical function was
 * reset, its firmware gave up, ...) and does nothing useful before it has had it. Each port goes
 *
 *	running -> pausing -> restarting -> running
 *	                           \-> failed: down until its driver asks again
 *
 * While it is away packets to it are dropped as to any port without a link, and nobody calls its
 * driver but the thread that restarts it. Other wires go on. Connections stay with the workers.
 *
 * Synchronisation. Drivers tell by a flag of each port; all else is the control thread's, but for
 * the thread of a restart, which has the port to itself until it says that it is done. One port is
 * restarted at a time, as that thread has the owner of rules for itself.
 */
#ifndef TG_DATAPLANE_RESETS_H
#define TG_DATAPLANE_RESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "nics.h"
#include "ports.h"
#include "worker_loop.h"

struct tg_resets;

struct tg_resets_config {
	struct tg_ports *ports;
	struct tg_datapath *datapath;
	struct tg_loop *loop;
	struct tg_nics *nics;
	uint32_t pause_ms; /* that workers have to let go of a port */
};

/* After ports and workers are open. 0, -ENOMEM. */
int tg_resets_open(const struct tg_resets_config *config, struct tg_resets **out);
/*
 * Waits for a restart that is under way. False: its driver does not return, so nothing that it uses
 * may be freed. NULL is fine.
 */
bool tg_resets_close(struct tg_resets *r);

/* Takes what is due a step further. Control thread. */
void tg_resets_tick(struct tg_resets *r, uint64_t now_ms);
/* Some port is with a thread that restarts it. */
bool tg_resets_busy(const struct tg_resets *r);
/* Some port did not come back. */
bool tg_resets_failed(const struct tg_resets *r);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC that places packets where their owner is spares the worker to compute the owner. Profile,
 * key and table say that it does; some drivers take and read back a key that the device does not
 * use. So each worker looks at where a port's packets arrive until enough of different connections
 * were right, which chance would not have done, and goes on looking at a burst now and then. One
 * that is wrong after that ends it, for all workers and for good.
 *
 * The owner is the same function all the time: who is trusted decides about how much is looked at,
 * never about who owns what.
 *
 * Synchronisation. `placing` is what workers see of each other: another number means to begin
 * again. It is written by the control thread, and as WRONG by any worker.
 */
#ifndef TG_PIPELINE_PLACEMENT_H
#define TG_PIPELINE_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#define PLACING_WRONG UINT32_MAX
#define PLACEMENT_SHOWN 32  /* of 64 parts of all connections, with none that was wrong */
#define PLACEMENT_LOOK 256u /* bursts of a trusted port, one of which is looked at */

/* Of a worker and a port. */
struct placement {
	uint64_t seen;	  /* parts of all connections that were right */
	uint32_t due;	  /* bursts until the next look */
	uint32_t placing; /* of the datapath, when it was looked at */
	bool trusted;
};

struct tg_worker;
struct tg_packet;

/* What has to be believed or looked at of a burst from `port`: TG_PLACED bits. */
uint8_t placement_look(struct tg_worker *w, uint16_t port);
/* A packet that was placed is, or is not, at its owner's. */
void placement_note(struct tg_worker *w, const struct tg_packet *p, bool home);

#endif

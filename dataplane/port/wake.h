/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a worker without packets waits: until one of its receive queues gets some, another thread
 * rings, or time is up. What tells of packets is the driver's receive interrupt (TAP; NICs through
 * vfio or verbs) or the socket of a kernel interface (AF_PACKET, AF_XDP).
 *
 *	tg_wake_arm(w);
 *	look for packets and work once more; there is some: tg_wake_disarm(w), go on
 *	tg_wake_wait(w, us);
 *	tg_wake_disarm(w);
 *
 * Synchronisation. arm, wait and disarm are the worker's, ring is for all threads: whoever gives a
 * worker something to do stores it first and rings then. `waiting` is stored before the worker
 * looks once more and loaded after the other's store, with a full fence on both sides: one of the
 * two sees the other. Open and close are the control thread's, while the worker does not run.
 */
#ifndef TG_PORT_WAKE_H
#define TG_PORT_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_interrupts.h>

#include "ports.h"

/* A receive queue that can wake. */
struct tg_wake_queue {
	struct rte_epoll_event event; /* for a socket: EAL refers to it */
	uint16_t ethdev;
	uint16_t queue;
	bool used;	/* not while its port is paused */
	bool interrupt; /* the driver's; else a socket */
	bool arms;	/* it has to be enabled each time */
};

struct tg_wake {
	int epfd;
	int bell;
	struct rte_epoll_event bell_event;
	struct tg_wake_queue queues[TG_PORTS_MAX];
	uint32_t n;
	bool all;     /* every queue of the worker can wake it; else it must not wait for long */
	bool waiting; /* atomic */
};

/* For `worker`, whose queues are set up; ports NULL: only for rings. 0 or -errno. */
int tg_wake_open(struct tg_wake *wake, const struct tg_ports *ports, uint32_t worker);
void tg_wake_close(struct tg_wake *wake);

/* Ports that are paused do not wake any more, those that are not do. By the worker. */
void tg_wake_ports(struct tg_wake *wake, const struct tg_ports *ports, uint32_t worker);

/* What happens from here on ends the next wait. */
void tg_wake_arm(struct tg_wake *wake);
/* true: something happened; false: time is up. A signal ends it too. */
bool tg_wake_wait(struct tg_wake *wake, uint32_t us);
void tg_wake_disarm(struct tg_wake *wake);

void tg_wake_ring(struct tg_wake *wake);

#endif

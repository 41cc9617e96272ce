/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker's core does: receive from its queues, hand bursts to the packet path, take what
 * other workers handed over, sweep, flush, report quiescent; wait when there is nothing to do.
 *
 * Waiting. A worker that finds nothing goes on polling for a few microseconds, so that traffic
 * keeps it awake; then it waits until packets, another worker or a stop wake it (wake.h), at most
 * for as long as the sweep may stand still. Where packets of some queue cannot wake it, it sleeps
 * instead, longer each time, up to sleep_max_us.
 *
 * Synchronisation. A worker is on line for the quiescent state variable except while it waits: so
 * nobody waits for it then, and it holds nothing; what is in force it learns when it wakes. What is
 * sent has left for the transmit queue before a report. `stop` is written by the control thread and
 * read once a round; so is `pause`, the number of times that a port was paused or no longer is. A
 * worker that finds another number takes up or leaves the queues of ports accordingly, and says so
 * in `paused` when nothing that it has sent waits for them: after that it does not touch a port
 * that is paused, as packets to ports without a link are not sent.
 */
#ifndef TG_WORKER_LOOP_H
#define TG_WORKER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "ports.h"
#include "wake.h"
#include "worker.h"

/* Shared by all workers; constant while they run, but for `stop` and wake. */
struct tg_loop {
	const struct tg_ports *ports;
	struct rte_rcu_qsbr *qsbr;
	uint64_t started_tsc;  /* where the workers' clock is 0 */
	uint32_t sleep_max_us; /* 0: never wait */
	uint32_t n_workers;
	struct tg_wake wake[TG_WORKERS_MAX];	 /* by worker */
	bool stop;				 /* atomic */
	_Atomic uint32_t pause;			 /* control thread */
	_Atomic uint32_t paused[TG_WORKERS_MAX]; /* by worker: the last `pause` that it has seen */
};

/* One worker's own. */
struct tg_loop_worker {
	struct tg_loop *loop;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	uint32_t index;
};

/* For rte_eal_remote_launch: runs a struct tg_loop_worker until stopped. 0. */
int tg_loop_run(void *arg);
/* From any thread; wakes the workers. */
void tg_loop_stop(struct tg_loop *loop);

/* Control thread. Ports are as ports->paused says from now on; wakes the workers. */
void tg_loop_pause(struct tg_loop *loop);
/* Do all workers keep to that? */
bool tg_loop_paused(const struct tg_loop *loop);

#endif

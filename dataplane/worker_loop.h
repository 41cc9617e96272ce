/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker's core does: receive from its queues, hand bursts to the packet path, take what
 * other workers handed over, sweep, flush, report quiescent; sleep when there is nothing to do.
 *
 * Synchronisation. A worker is on line for the quiescent state variable except while it sleeps: so
 * nobody waits for a sleeper, and a sleeper holds nothing. What is sent has left for the transmit
 * queue before a report. `stop` is written by the control thread and read once a round.
 */
#ifndef TG_WORKER_LOOP_H
#define TG_WORKER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "ports.h"
#include "worker.h"

/* Shared by all workers; constant while they run, but for `stop`. */
struct tg_loop {
	const struct tg_ports *ports;
	struct rte_rcu_qsbr *qsbr;
	uint64_t started_tsc;  /* where the workers' clock is 0 */
	uint32_t sleep_max_us; /* 0: never sleep */
	bool stop;	       /* atomic */
};

/* One worker's own. */
struct tg_loop_worker {
	const struct tg_loop *loop;
	struct tg_worker *worker;
	struct tg_stats_worker *stats;
	uint32_t index;
};

/* For rte_eal_remote_launch: runs a struct tg_loop_worker until stopped. 0. */
int tg_loop_run(void *arg);
/* From any thread. */
void tg_loop_stop(struct tg_loop *loop);

#endif

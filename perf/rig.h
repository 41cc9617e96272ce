/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What packets are sent through: EAL, ports in memory, a gateway of one wire. Every failure ends
 * the program.
 */
#ifndef TG_PERF_RIG_H
#define TG_PERF_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "worker.h"

#define RIG_FRAME 60u /* bytes, without the checksum */
#define RIG_QUEUES 16u

struct rte_ring;

/* A port whose wire are rings: what is put into `rx` arrives, what leaves is in `tx`. */
struct rig_port {
	uint16_t ethdev;
	struct rte_ring *rx[RIG_QUEUES], *tx[RIG_QUEUES];
};

/* `cores` as EAL's -l has it; `mib` of memory. */
void rig_eal(const char *cores, uint32_t mib, bool huge);

struct rte_mempool *rig_pool(uint32_t mbufs);
/* `depth` frames at most arrive at a time. */
void rig_port_open(struct rig_port *port, const char *name, uint32_t queues, uint32_t depth,
	struct rte_mempool *pool);
/* Frees what has left. */
void rig_port_drain(const struct rig_port *port, uint32_t queue);
/* What a gateway that looks at nothing would do, until nothing arrives any more. */
void rig_forward(const struct rig_port *from, const struct rig_port *to, uint16_t queue);

/* The shipped settings for a wire between these two, and no time in which segments are picked up.
 */
void rig_wire(struct tg_datapath_config *config, uint16_t end0, uint16_t end1);
/* Puts rules in force and the wire's links up. */
void rig_begin(struct tg_datapath *dp, struct tg_generation *generation);
/* Packets dropped for any reason. */
uint64_t rig_drops(const struct tg_stats_worker *stats);

/* The gateway's time, as it would pass at the speed measured. */
struct rig_clock {
	uint64_t ms;
	uint64_t below; /* ns */
};

static inline void rig_clock_pass(struct rig_clock *clock, uint64_t ns)
{
	clock->below += ns;
	clock->ms += clock->below / 1000000;
	clock->below %= 1000000;
}

/* A frame of TCP over IPv4 without addresses, ports and numbers. */
uint8_t *rig_frame(struct rte_mbuf *m);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports of the gateway: from a configured device to queues that workers poll. Worker w receives
 * from queue w of every port that has one, and sends by queue w.
 *
 * Control thread only; workers use nothing but the numbers in struct tg_port, which do not change
 * between tg_ports_open and tg_ports_close. A port that is away belongs to whoever resets it.
 */
#ifndef TG_PORT_PORTS_H
#define TG_PORT_PORTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "link.h"
#include "segment.h"
#include "spec.h"
#include "worker.h"

struct rte_mempool;

#define TG_NUMA_MAX 8

struct tg_port {
	struct tg_port_spec spec;
	uint16_t ethdev;
	uint16_t n_rx_queues;
	uint16_t n_tx_queues;
	int numa;
	unsigned int
		netdev; /* the kernel interface whose link is ours to see to; 0: the driver's */
	/* What wakes a worker that waits for a queue: the driver's interrupts, else a socket. */
	bool interrupts;
	int sockets[TG_WORKERS_MAX]; /* by queue; -1: unknown */
	uint8_t placed;		     /* TG_PLACED bits, of tg_ports_spread */
	bool tap;
	bool started;
	bool away;	  /* is or was reset and has not come back: its driver is not asked */
	bool up;	  /* as the port shows it */
	bool held;	  /* down because its peer is */
	bool cannot_hold; /* the driver has no way to take it down */
};

#define TG_PORT_COUNTS 7

/* What the driver has counted: before it began anew, and as it was read last. */
struct tg_port_counts {
	uint64_t before[TG_PORT_COUNTS], read[TG_PORT_COUNTS];
};

struct tg_ports {
	struct tg_port v[TG_PORTS_MAX];
	struct tg_link links[TG_PORTS_MAX]; /* of a wire, at its lower port's index */
	struct rte_mempool *pools[TG_NUMA_MAX];
	_Atomic bool paused[TG_PORTS_MAX]; /* control thread; workers (worker_loop.h) */
	uint32_t n;
	uint32_t n_workers;
	struct tg_port_counts counts[TG_PORTS_MAX];
	struct tg_stats_segment *stats; /* where counters go */
	struct tg_datapath *datapath;	/* that is told of links; NULL until attached */
};

/*
 * Before EAL: what a kernel interface behind a port needs (netdev.h), and the device as EAL gets
 * it: with the queues and frame sizes that the port needs, where the device leaves that open.
 * 0 or -errno, logged.
 */
int tg_port_prepare(
	const struct tg_port_spec *spec, uint32_t n_workers, char device[TG_DEVICE_TEXT]);
/* A PCI address, else a virtual device. */
bool tg_port_is_pci(const char *device);

/*
 * Finds and configures the devices, with buffers for `extra` mbufs besides those in queues. Started
 * they are by tg_ports_start. 0 or -errno, logged; nothing is left open then.
 */
int tg_ports_open(struct tg_ports *ports, const struct tg_port_spec *specs, uint32_t n,
	uint32_t n_workers, uint32_t extra, struct tg_stats_segment *stats);
int tg_ports_start(struct tg_ports *ports);
void tg_ports_close(struct tg_ports *ports);

/*
 * Takes a started port down and up again, as its driver asks for with RTE_ETH_EVENT_INTR_RESET:
 * while the port is away and no worker uses it. `open` is called when it is configured and not
 * started yet. Tries for `ms`; how long the driver takes for a call is its own affair. 0 or -errno,
 * logged: then the port is stopped.
 */
int tg_port_restart(
	struct tg_ports *ports, uint32_t i, uint32_t ms, void (*open)(void *arg), void *arg);

struct tg_spread {
	uint8_t placed; /* TG_PLACED bits: what the NIC is known to be able to; then what it does */
	char why[256];	/* what it does not */
};

/*
 * Spreads flows over the queues, both directions of a flow to one, where the NIC can, by key and
 * table that read back as they were set. `rss` is filled; reta_size stays 0 when no port does it.
 * After the start.
 */
void tg_ports_spread(struct tg_ports *ports, struct tg_rss_config *rss, struct tg_spread spread[]);
/* The same of a port that was restarted: does it still? */
bool tg_port_spread_again(const struct tg_port *port);

/* From now on the datapath knows which links are up. */
void tg_ports_attach(struct tg_ports *ports, struct tg_datapath *datapath);
/* Looks at links, propagates them, copies counters. true: a link has changed. */
bool tg_ports_tick(struct tg_ports *ports, uint64_t now_ms);

#endif

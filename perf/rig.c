/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "bench.h"

#define MBUF_DATA 256 /* bytes */

void rig_eal(const char *cores, uint32_t mib, bool huge)
{
	char memory[16], list[16];
	char *argv[] = {program_invocation_short_name,
		huge ? (char *)"--in-memory" : (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--no-telemetry", (char *)"--log-level=error",
		(char *)"--force-max-simd-bitwidth=512", (char *)"-l", list, (char *)"-m", memory,
		NULL};

	snprintf(memory, sizeof(memory), "%u", mib);
	snprintf(list, sizeof(list), "%s", cores);
	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) < 0)
		bench_die("no EAL");
}

struct rte_mempool *rig_pool(uint32_t mbufs)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"bench", mbufs, 256, 0, MBUF_DATA + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);

	if (pool == NULL)
		bench_die("no memory for packets");
	return pool;
}

static struct rte_ring *make_ring(const char *port, const char *way, uint32_t queue, uint32_t depth)
{
	struct rte_ring *ring;
	char name[32];

	snprintf(name, sizeof(name), "%s_%s%u", port, way, queue);
	ring = rte_ring_create(name, depth, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		bench_die("no ring %s", name);
	return ring;
}

/*
 * In place of the ring driver's own functions, which count in lines that neighbouring queues share:
 * two workers would wait for each other as they do at no NIC.
 */
static uint16_t ring_rx(void *queue, struct rte_mbuf **m, uint16_t n)
{
	return (uint16_t)rte_ring_sc_dequeue_burst(queue, (void **)m, n, NULL);
}

static uint16_t ring_tx(void *queue, struct rte_mbuf **m, uint16_t n)
{
	return (uint16_t)rte_ring_sp_enqueue_burst(queue, (void **)m, n, NULL);
}

static void replace_driver(struct rig_port *port)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[port->ethdev];

	ops->rx_pkt_burst = ring_rx;
	ops->rxq.data = (void **)port->rx;
	ops->tx_pkt_burst = ring_tx;
	ops->txq.data = (void **)port->tx;
}

void rig_port_open(struct rig_port *port, const char *name, uint32_t queues, uint32_t depth,
	struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};
	const uint16_t n = (uint16_t)queues;
	int ethdev;

	for (uint32_t q = 0; q < queues; q++) {
		port->rx[q] = make_ring(name, "rx", q, depth);
		/* by hand-off one queue may get more than its part */
		port->tx[q] = make_ring(name, "tx", q, queues == 1 ? depth : 2 * depth);
	}
	ethdev = rte_eth_from_rings(name, port->rx, n, port->tx, n, 0);
	if (ethdev < 0 || rte_eth_dev_configure((uint16_t)ethdev, n, n, &conf) != 0)
		bench_die("no port %s", name);
	port->ethdev = (uint16_t)ethdev;
	for (uint16_t q = 0; q < n; q++)
		if (rte_eth_rx_queue_setup(port->ethdev, q, 0, 0, NULL, pool) != 0 ||
			rte_eth_tx_queue_setup(port->ethdev, q, 0, 0, NULL) != 0)
			bench_die("port %s has no queues", name);
	if (rte_eth_dev_start(port->ethdev) != 0)
		bench_die("port %s does not start", name);
	replace_driver(port);
}

void rig_port_drain(const struct rig_port *port, uint32_t queue)
{
	struct rte_mbuf *m[TG_BURST];
	unsigned int n;

	while ((n = rte_ring_dequeue_burst(port->tx[queue], (void **)m, TG_BURST, NULL)) != 0)
		rte_pktmbuf_free_bulk(m, n);
}

void rig_forward(const struct rig_port *from, const struct rig_port *to, uint16_t queue)
{
	struct rte_mbuf *m[TG_BURST];
	uint16_t n, sent;

	while ((n = rte_eth_rx_burst(from->ethdev, queue, m, TG_BURST)) != 0) {
		sent = rte_eth_tx_burst(to->ethdev, queue, m, n);
		rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
}

void rig_wire(struct tg_datapath_config *config, uint16_t end0, uint16_t end1)
{
	tg_datapath_config_default(config);
	config->n_ports = 2;
	config->pickup_ms = 0;
	for (uint16_t i = 0; i < 2; i++)
		config->ports[i] = (struct tg_port_config){
			.ethdev = i == 0 ? end0 : end1,
			.peer = i ^ 1,
			.end = (uint8_t)i,
			.side = TG_SIDE_ANY,
			.mtu = 1500,
			.link_pass = TG_LINK_DEFAULT,
		};
}

void rig_begin(struct tg_datapath *dp, struct tg_generation *generation)
{
	tg_datapath_publish(dp, generation);
	tg_datapath_set_link(dp, 0, true);
	tg_datapath_set_link(dp, 1, true);
}

uint64_t rig_drops(const struct tg_stats_worker *stats)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < TG_DROP_COUNT; i++)
		n += stats->drops[i].packets;
	return n;
}

uint8_t *rig_frame(struct rte_mbuf *m)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, RIG_FRAME);

	if (p == NULL)
		bench_die("mbufs are too small");
	memset(p, 0, RIG_FRAME);
	memcpy(p, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45", 15);
	p[17] = RIG_FRAME - 14; /* total length */
	p[22] = 64;
	p[23] = 6;
	return p;
}

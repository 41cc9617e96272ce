/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "buffers.h"
#include "clock.h"
#include "log.h"
#include "netdev.h"
#include "ports.h"
#include "sockets.h"
#include "tap.h"

/* The name that EAL gives a device: without arguments. */
static int find_ethdev(const struct tg_port_spec *spec, uint16_t *out)
{
	char name[TG_DEVICE_TEXT];
	uint16_t id;
	int rc;

	snprintf(name, sizeof(name), "%s", spec->device);
	name[strcspn(name, ",")] = '\0';
	rc = rte_eth_dev_get_port_by_name(name, &id);
	if (rc != 0 && tg_port_is_pci(name) && strlen(name) == strlen("00:00.0")) {
		snprintf(name, sizeof(name), "0000:%.7s", spec->device);
		rc = rte_eth_dev_get_port_by_name(name, &id);
	}
	if (rc != 0) {
		tg_log_err("port %s: no driver has taken device %s", spec->name, spec->device);
		return -ENODEV;
	}
	*out = id;
	return 0;
}

static int count_queues(
	struct tg_port *port, uint32_t n_workers, const struct rte_eth_dev_info *info)
{
	if (info->max_tx_queues < n_workers || info->max_rx_queues == 0) {
		tg_log_err(
			"port %s: driver %s has %u transmit queues, but %u workers need one each",
			port->spec.name, info->driver_name, info->max_tx_queues, n_workers);
		return -ENOSPC;
	}
	port->n_tx_queues = (uint16_t)n_workers;
	port->n_rx_queues = (uint16_t)RTE_MIN(n_workers, info->max_rx_queues);
	return 0;
}

/* --- configuring --- */

static uint64_t rss_types(const struct rte_eth_dev_info *info)
{
	return info->flow_type_rss_offloads &
	       (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
		       RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 |
		       RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP);
}

/*
 * A Toeplitz key of one repeated 16-bit word hashes both directions of a flow alike: source and
 * destination then enter by the same rotation.
 */
static void symmetric_key(uint8_t key[TG_RSS_KEY_MAX])
{
	for (unsigned int i = 0; i < TG_RSS_KEY_MAX; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

static void fill_conf(const struct tg_port *port, const struct rte_eth_dev_info *info,
	bool one_pool, uint8_t key[TG_RSS_KEY_MAX], struct rte_eth_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->rxmode.mtu = port->spec.mtu;
	conf->intr_conf.rxq = port->interrupts;
	conf->rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	conf->txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	/* Chains and buffers of two pools are more than a fast free can take back. */
	if (one_pool && port->spec.mtu + TG_FRAME_EXTRA <= TG_BUFFER_ROOM)
		conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (port->n_rx_queues > 1 && rss_types(info) != 0) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = rss_types(info);
		if (info->hash_key_size == 40 || info->hash_key_size == 52) {
			conf->rx_adv_conf.rss_conf.rss_key = key;
			conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
		}
	}
}

/* One queue; a socket that the driver opens for it is remembered. */
static int setup_rx_queue(
	struct tg_port *port, uint16_t q, uint16_t descriptors, struct rte_mempool *pool)
{
	struct tg_sockets before, after;
	int rc;

	tg_sockets_find(AF_XDP, &before);
	rc = rte_eth_rx_queue_setup(
		port->ethdev, q, descriptors, (unsigned int)port->numa, NULL, pool);
	tg_sockets_find(AF_XDP, &after);
	port->sockets[q] = tg_sockets_new(&before, &after);
	if (port->sockets[q] < 0 && port->netdev != 0)
		port->sockets[q] = tg_sockets_packet(port->netdev, q);
	return rc;
}

static int setup_queues(struct tg_ports *ports, struct tg_port *port)
{
	uint16_t rx = port->spec.rx_descriptors, tx = port->spec.tx_descriptors;
	unsigned int numa = (unsigned int)port->numa;
	int rc;

	if (port->tap)
		rx = RTE_MIN(rx, tg_tap_descriptors(port->spec.mtu));
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->ethdev, &rx, &tx);
	for (uint16_t q = 0; q < port->n_rx_queues && rc == 0; q++)
		rc = setup_rx_queue(port, q, rx, ports->pools[port->numa]);
	for (uint16_t q = 0; q < port->n_tx_queues && rc == 0; q++)
		rc = rte_eth_tx_queue_setup(port->ethdev, q, tx, numa, NULL);
	return rc;
}

static bool single_pool(const struct tg_ports *ports)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TG_NUMA_MAX; i++)
		n += ports->pools[i] != NULL;
	return n == 1;
}

static int configure(struct tg_ports *ports, struct tg_port *port)
{
	uint8_t key[TG_RSS_KEY_MAX];
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	int rc;

	rc = rte_eth_dev_info_get(port->ethdev, &info);
	if (rc == 0) {
		symmetric_key(key);
		fill_conf(port, &info, single_pool(ports), key, &conf);
		rc = rte_eth_dev_configure(
			port->ethdev, port->n_rx_queues, port->n_tx_queues, &conf);
	}
	if (rc == 0)
		rc = setup_queues(ports, port);
	if (rc == 0)
		rc = rte_eth_dev_set_mtu(port->ethdev, port->spec.mtu);
	/* A driver without a wire has no MTU to set. */
	if (rc == -ENOTSUP)
		rc = 0;
	if (rc != 0)
		tg_log_err("port %s: driver %s cannot be configured (mtu %u, %u queues): %s",
			port->spec.name, info.driver_name, port->spec.mtu, port->n_tx_queues,
			strerror(-rc));
	return rc;
}

/* These drivers work on a kernel interface and say that its link is up, whatever it is. */
static bool ignores_link(const struct rte_eth_dev_info *info)
{
	return strcmp(info->driver_name, "net_af_packet") == 0 ||
	       strcmp(info->driver_name, "net_af_xdp") == 0;
}

static int find(struct tg_ports *ports, struct tg_port *port, const struct tg_port_spec *spec)
{
	struct rte_eth_dev_info info;
	int rc;

	*port = (struct tg_port){.spec = *spec};
	rc = find_ethdev(spec, &port->ethdev);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_info_get(port->ethdev, &info);
	if (rc != 0)
		return rc;
	if (ignores_link(&info))
		port->netdev = info.if_index;
	port->tap = tg_tap_driver(info.driver_name);
	port->interrupts = spec->interrupts || port->tap;
	port->numa = rte_eth_dev_socket_id(port->ethdev);
	if (port->numa < 0 || port->numa >= TG_NUMA_MAX)
		port->numa = 0;
	return count_queues(port, ports->n_workers, &info);
}

static void describe(const struct tg_ports *ports, uint32_t i)
{
	const struct tg_port_spec *spec = &ports->v[i].spec;
	struct tg_stats_port *to = &ports->stats->ports[i];

	memcpy(to->name, spec->name, sizeof(to->name));
	to->side = spec->side;
	to->peer = spec->peer;
	to->mtu = spec->mtu;
}

int tg_ports_open(struct tg_ports *ports, const struct tg_port_spec *specs, uint32_t n,
	uint32_t n_workers, uint32_t extra, struct tg_stats_segment *stats)
{
	int rc = 0;

	memset(ports, 0, sizeof(*ports));
	ports->n_workers = n_workers;
	ports->stats = stats;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		rc = find(ports, &ports->v[i], &specs[i]);
		ports->n += rc == 0;
	}
	if (rc == 0)
		rc = tg_buffers_create(ports, extra);
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = configure(ports, &ports->v[i]);
	if (rc != 0) {
		tg_ports_close(ports);
		return rc;
	}
	for (uint32_t i = 0; i < n; i++)
		describe(ports, i);
	stats->header->n_ports = n;
	return 0;
}

/* --- running --- */

/* With receive interrupts if it can: some drivers do without them, some refuse to start. */
static int start_device(struct tg_ports *ports, struct tg_port *port)
{
	int rc = rte_eth_dev_start(port->ethdev);

	if (rc == 0 || !port->interrupts)
		return rc;
	port->interrupts = false;
	rc = configure(ports, port);
	return rc == 0 ? rte_eth_dev_start(port->ethdev) : rc;
}

/* The library complains of drivers that have none, which is no error here. */
static bool has_interrupts(const struct tg_port *port)
{
	int type = rte_log_register("lib.ethdev"), level, fd;

	if (!port->interrupts || type < 0)
		return false;
	level = rte_log_get_level((uint32_t)type);
	rte_log_set_level((uint32_t)type, RTE_LOG_EMERG);
	fd = rte_eth_dev_rx_intr_ctl_q_get_fd(port->ethdev, 0);
	rte_log_set_level((uint32_t)type, (uint32_t)level);
	return fd >= 0;
}

static int start(struct tg_ports *ports, struct tg_port *port)
{
	struct rte_eth_dev_info info;
	int rc;

	rc = start_device(ports, port);
	if (rc != 0) {
		tg_log_err("port %s: cannot be started: %s", port->spec.name, strerror(-rc));
		return rc;
	}
	port->started = true;
	port->interrupts = has_interrupts(port);
	/* It may be down for a gateway that was killed while it held it so. */
	if (port->netdev != 0)
		rc = tg_netdev_set_up(port->netdev, true);
	if (rc != 0) {
		tg_log_err("port %s: its interface cannot be set up: %s", port->spec.name,
			strerror(-rc));
		return rc;
	}
	/* A bump in the wire takes every frame; a driver without a wire has nothing to switch. */
	rc = rte_eth_promiscuous_enable(port->ethdev);
	if (rc != 0 && rc != -ENOTSUP) {
		tg_log_err(
			"port %s: cannot be made promiscuous: %s", port->spec.name, strerror(-rc));
		return rc;
	}
	rte_eth_dev_info_get(port->ethdev, &info);
	if (port->tap)
		tg_tap_no_signals(port);
	tg_log_info("port %s: driver %s, mtu %u, %u receive and %u transmit queues",
		port->spec.name, info.driver_name, port->spec.mtu, port->n_rx_queues,
		port->n_tx_queues);
	return 0;
}

int tg_ports_start(struct tg_ports *ports)
{
	int rc;

	for (uint32_t i = 0; i < ports->n; i++) {
		rc = start(ports, &ports->v[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* What a driver without a reset of its own can do is stop. */
static int reset_device(const struct tg_port *port, uint32_t ms)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	uint64_t until = tg_clock_ms(CLOCK_MONOTONIC) + ms;
	int rc;

	/* A virtual function waits for its physical one. */
	while ((rc = rte_eth_dev_reset(port->ethdev)) == -EAGAIN &&
		tg_clock_ms(CLOCK_MONOTONIC) < until)
		nanosleep(&nap, NULL);
	return rc == -ENOTSUP ? rte_eth_dev_stop(port->ethdev) : rc;
}

int tg_port_restart(
	struct tg_ports *ports, uint32_t i, uint32_t ms, void (*open)(void *arg), void *arg)
{
	struct tg_port *port = &ports->v[i];
	int rc = reset_device(port, ms);

	if (rc != 0) {
		tg_log_err("port %s: cannot be reset: %s", port->spec.name, strerror(-rc));
		return rc;
	}
	port->started = port->held = false;
	port->interrupts = port->spec.interrupts || port->tap;
	rc = configure(ports, port);
	if (rc != 0)
		return rc;
	open(arg);
	return start(ports, port);
}

void tg_ports_close(struct tg_ports *ports)
{
	for (uint32_t i = 0; i < ports->n; i++) {
		if (ports->v[i].started)
			rte_eth_dev_stop(ports->v[i].ethdev);
		rte_eth_dev_close(ports->v[i].ethdev);
		if (ports->v[i].held && ports->v[i].netdev != 0)
			tg_netdev_set_up(ports->v[i].netdev, true);
	}
	tg_buffers_free(ports);
	ports->n = 0;
}

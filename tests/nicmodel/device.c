/* SPDX-License-Identifier: BSD-3-Clause */
/* The port that applications see: nearly everything is asked of the port below. */
#include "flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_alarm.h>
#include <rte_ethdev.h>

#include "device.h"

#define STEERED 1024
#define AGE_US 100000

static const char driver_name[] = "net_tgmodel";

/* --- configuration ----------------------------------------------------------------------- */

static void free_steered(struct nm_port *port)
{
	struct rte_mbuf *m;

	for (unsigned int q = 0; q < NICMODEL_QUEUES_MAX; q++) {
		while (port->steered[q] != NULL &&
			rte_ring_dequeue(port->steered[q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(port->steered[q]);
		port->steered[q] = NULL;
	}
}

static int make_steered(struct nm_port *port, uint16_t n)
{
	char name[RTE_RING_NAMESIZE];

	free_steered(port);
	for (uint16_t q = 0; n > 1 && q < n; q++) {
		snprintf(name, sizeof(name), "tgmodel%u_%u", port->id, q);
		port->steered[q] = rte_ring_create(name, STEERED, SOCKET_ID_ANY, RING_F_SC_DEQ);
		if (port->steered[q] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int dev_configure(struct rte_eth_dev *dev)
{
	struct nm_port *port = nm_port_of(dev);
	struct rte_eth_conf conf = dev->data->dev_conf;
	uint16_t n_rx = dev->data->nb_rx_queues, n_tx = dev->data->nb_tx_queues;
	int rc;

	if (n_rx > NICMODEL_QUEUES_MAX || n_tx > NICMODEL_QUEUES_MAX)
		return -EINVAL;
	memset(&conf.intr_conf, 0, sizeof(conf.intr_conf));
	rc = nm_place_configure(port, &conf, n_rx);
	if (rc == 0)
		rc = rte_eth_dev_configure(port->lower, n_rx, n_tx, &conf);
	if (rc == 0)
		rc = make_steered(port, n_rx);
	port->n_lower_tx = n_tx;
	return rc;
}

static int dev_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	struct nm_port *port = nm_port_of(dev);
	struct rte_eth_dev_info below;
	int rc = rte_eth_dev_info_get(port->lower, &below);

	if (rc != 0)
		return rc;
	below.device = dev->device;
	below.max_rx_queues = RTE_MIN(below.max_rx_queues, NICMODEL_QUEUES_MAX);
	below.max_tx_queues = RTE_MIN(below.max_tx_queues, NICMODEL_QUEUES_MAX);
	below.switch_info.name = driver_name;
	below.switch_info.domain_id = port->nic->domain;
	below.switch_info.port_id = port->id;
	below.dev_capa &= ~(uint64_t)RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP;
	if (!nm_has(port->nic, TG_NIC_HAZARD_LOST_ON_STOP))
		below.dev_capa |= RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP;
	nm_place_info(port, &below);
	*info = below;
	return 0;
}

static int rx_queue_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct nm_port *port = nm_port_of(dev);
	int rc = rte_eth_rx_queue_setup(port->lower, q, n, socket, conf, pool);

	if (rc != 0)
		return rc;
	dev->data->rx_queues[q] = &port->queue_of[q];
	return 0;
}

static int tx_queue_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n, unsigned int socket,
	const struct rte_eth_txconf *conf)
{
	struct nm_port *port = nm_port_of(dev);
	int rc = rte_eth_tx_queue_setup(port->lower, q, n, socket, conf);

	if (rc != 0)
		return rc;
	dev->data->tx_queues[q] = &port->queue_of[q];
	return 0;
}

/* --- running ----------------------------------------------------------------------------- */

static int link_update(struct rte_eth_dev *dev, int wait)
{
	struct nm_port *port = nm_port_of(dev);
	struct rte_eth_link link;

	if (rte_eth_link_get_nowait(port->lower, &link) != 0)
		memset(&link, 0, sizeof(link));
	if (!port->link_up)
		link.link_status = RTE_ETH_LINK_DOWN;
	return rte_eth_linkstatus_set(dev, &link);
}

static int dev_start(struct rte_eth_dev *dev)
{
	struct nm_port *port = nm_port_of(dev);
	int rc = port->dead ? -EIO : rte_eth_dev_start(port->lower);

	if (rc != 0)
		return rc;
	rte_rwlock_write_lock(&port->nic->lock);
	port->started = true;
	port->reset = false;
	rte_rwlock_write_unlock(&port->nic->lock);
	link_update(dev, 0);
	return 0;
}

static int dev_stop(struct rte_eth_dev *dev)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_nic *nic = port->nic;
	struct rte_mbuf *m;

	rte_rwlock_write_lock(&nic->lock);
	port->started = false;
	nm_async_abandon(port);
	if (nm_has(nic, TG_NIC_HAZARD_LOST_ON_STOP))
		nm_rules_stop(port, nic->quirks.flushed_on_stop);
	rte_rwlock_write_unlock(&nic->lock);
	for (unsigned int q = 0; q < NICMODEL_QUEUES_MAX; q++)
		while (port->steered[q] != NULL &&
			rte_ring_dequeue(port->steered[q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
	dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
	return rte_eth_dev_stop(port->lower);
}

static int stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	struct nm_port *port = nm_port_of(dev);
	struct rte_eth_stats below;
	int rc = rte_eth_stats_get(port->lower, &below);

	if (rc != 0)
		return rc;
	stats->ipackets = __atomic_load_n(&port->stats.software, __ATOMIC_RELAXED);
	stats->opackets = __atomic_load_n(&port->stats.transmitted, __ATOMIC_RELAXED);
	stats->imissed = below.imissed;
	stats->ierrors = below.ierrors;
	stats->oerrors = below.oerrors;
	return 0;
}

static int stats_reset(struct rte_eth_dev *dev)
{
	return rte_eth_stats_reset(nm_port_of(dev)->lower);
}

static int promiscuous_enable(struct rte_eth_dev *dev)
{
	return rte_eth_promiscuous_enable(nm_port_of(dev)->lower);
}

static int promiscuous_disable(struct rte_eth_dev *dev)
{
	return rte_eth_promiscuous_disable(nm_port_of(dev)->lower);
}

static int allmulticast_enable(struct rte_eth_dev *dev)
{
	return rte_eth_allmulticast_enable(nm_port_of(dev)->lower);
}

static int allmulticast_disable(struct rte_eth_dev *dev)
{
	return rte_eth_allmulticast_disable(nm_port_of(dev)->lower);
}

static int set_link_up(struct rte_eth_dev *dev)
{
	return rte_eth_dev_set_link_up(nm_port_of(dev)->lower);
}

static int set_link_down(struct rte_eth_dev *dev)
{
	return rte_eth_dev_set_link_down(nm_port_of(dev)->lower);
}

static int mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	int rc = rte_eth_dev_set_mtu(nm_port_of(dev)->lower, mtu);

	return rc == -ENOTSUP ? 0 : rc; /* rings carry anything */
}

static int mac_addr_set(struct rte_eth_dev *dev, struct rte_ether_addr *mac)
{
	int rc = rte_eth_dev_default_mac_addr_set(nm_port_of(dev)->lower, mac);

	return rc == -ENOTSUP ? 0 : rc;
}

static int flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops)
{
	*ops = &nm_flow_ops;
	return 0;
}

/* --- coming and going -------------------------------------------------------------------- */

static void forget_indirects(struct nm_port *port)
{
	struct nm_indirect *indirect;

	while ((indirect = TAILQ_FIRST(&port->indirects)) != NULL) {
		nm_age_stop(&indirect->age);
		TAILQ_REMOVE(&port->indirects, indirect, link);
		nm_handle_free(&port->nic->indirects, indirect->index);
		free(indirect);
	}
}

static void forget_all(struct nm_port *port)
{
	rte_rwlock_write_lock(&port->nic->lock);
	nm_async_free(port);
	nm_rules_stop(port, true);
	nm_templates_free(port);
	forget_indirects(port);
	rte_rwlock_write_unlock(&port->nic->lock);
}

/* ethdev has stopped the port; the application configures and starts it. */
static int dev_reset(struct rte_eth_dev *dev)
{
	forget_all(nm_port_of(dev));
	return 0;
}

static int dev_close(struct rte_eth_dev *dev)
{
	struct nm_port *port = nm_port_of(dev);

	forget_all(port);
	free(port->reset_file);
	port->reset_file = NULL;
	free_steered(port);
	nm_nic_leave(port);
	rte_eth_dev_owner_unset(port->lower, port->owner.id);
	dev->data->mac_addrs = NULL; /* part of the private data */
	return 0;
}

static const struct eth_dev_ops ops = {
	.dev_configure = dev_configure,
	.dev_start = dev_start,
	.dev_stop = dev_stop,
	.dev_close = dev_close,
	.dev_reset = dev_reset,
	.dev_infos_get = dev_infos_get,
	.dev_set_link_up = set_link_up,
	.dev_set_link_down = set_link_down,
	.link_update = link_update,
	.rx_queue_setup = rx_queue_setup,
	.tx_queue_setup = tx_queue_setup,
	.stats_get = stats_get,
	.stats_reset = stats_reset,
	.promiscuous_enable = promiscuous_enable,
	.promiscuous_disable = promiscuous_disable,
	.allmulticast_enable = allmulticast_enable,
	.allmulticast_disable = allmulticast_disable,
	.mtu_set = mtu_set,
	.mac_addr_set = mac_addr_set,
	.reta_update = nm_place_reta_update,
	.reta_query = nm_place_reta_query,
	.rss_hash_update = nm_place_hash_update,
	.rss_hash_conf_get = nm_place_hash_get,
	.flow_ops_get = flow_ops_get,
};

/* Ages pass in real time as well. */
static void age_alarm(void *unused)
{
	nm_nics_age();
	nm_nics_reset();
	rte_eal_alarm_set(AGE_US, age_alarm, NULL);
}

static int own_lower(struct nm_port *port, const char *name)
{
	int rc = rte_eth_dev_get_port_by_name(name, &port->lower);

	if (rc == 0)
		rc = rte_eth_dev_owner_new(&port->owner.id);
	snprintf(port->owner.name, sizeof(port->owner.name), "%s", driver_name);
	if (rc == 0)
		rc = rte_eth_dev_owner_set(port->lower, &port->owner);
	return rc;
}

static void port_init(struct nm_port *port, struct rte_eth_dev *dev)
{
	port->dev = dev;
	port->id = dev->data->port_id;
	port->link_up = true;
	port->n_lower_tx = 1;
	TAILQ_INIT(&port->list);
	TAILQ_INIT(&port->indirects);
	TAILQ_INIT(&port->aged);
	for (unsigned int q = 0; q < NICMODEL_QUEUES_MAX; q++)
		rte_spinlock_init(&port->tx[q].lock);
	for (uint16_t q = 0; q < NICMODEL_QUEUES_MAX; q++)
		port->queue_of[q] = (struct nm_queue_of){.port = port, .number = q};
	rte_eth_macaddr_get(port->lower, &port->mac);
	dev->data->mac_addrs = &port->mac;
	dev->data->dev_flags |= RTE_ETH_DEV_INTR_LSC;
	if (port->nic->profile != NULL && port->nic->profile->thread_safe)
		dev->data->dev_flags |= RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE;
	dev->dev_ops = &ops;
	dev->rx_pkt_burst = nm_rx_burst;
	dev->tx_pkt_burst = nm_tx_burst;
}

int nm_device_make(struct rte_vdev_device *vdev, const struct nm_device_config *config)
{
	struct rte_eth_dev *dev = rte_eth_vdev_allocate(vdev, sizeof(struct nm_port));
	struct nm_port *port;
	int rc;

	if (dev == NULL)
		return -ENOMEM;
	port = dev->data->dev_private;
	rc = own_lower(port, config->lower);
	if (rc != 0)
		goto release;
	port->id = dev->data->port_id;
	rc = nm_nic_join(port, config->profile, config->number);
	if (rc != 0)
		goto disown;
	port_init(port, dev);
	if (config->reset != NULL)
		port->reset_file = strdup(config->reset);
	rte_eth_dev_probing_finish(dev);
	rte_eal_alarm_cancel(age_alarm, NULL);
	rte_eal_alarm_set(AGE_US, age_alarm, NULL);
	return 0;
disown:
	rte_eth_dev_owner_unset(port->lower, port->owner.id);
release:
	rte_eth_dev_release_port(dev);
	return rc;
}

int nm_device_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return 0; /* closed already */
	return rte_eth_dev_close(dev->data->port_id);
}

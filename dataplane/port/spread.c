/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows over queues: what the NIC does, as far as it can be proven. */
#include <string.h>

#include <rte_ethdev.h>

#include "log.h"
#include "ports.h"

/*
 * Drivers whose devices hash TCP and UDP by the plain Toeplitz function over addresses and ports,
 * by the key and the table they are given. Others are not asked: some accept and report any key.
 */
static const char *const drivers[] = {
	"net_ixgbe", "net_i40e", "net_ice", "net_iavf", "net_e1000_igb", "net_igc", "mlx5_pci"};

#define TYPES_NEEDED                                                   \
	(RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | \
		RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)

static bool known_driver(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i], name) == 0)
			return true;
	return false;
}

/* The key in use, when the device says that it hashes what is needed by the one we set. */
static bool read_key(const struct tg_port *port, uint8_t key[TG_RSS_KEY_MAX], uint16_t length)
{
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = (uint8_t)length};

	memset(key, 0, TG_RSS_KEY_MAX);
	if (rte_eth_dev_rss_hash_conf_get(port->ethdev, &conf) != 0)
		return false;
	if ((conf.rss_hf & TYPES_NEEDED) != TYPES_NEEDED)
		return false;
	for (uint16_t i = 0; i < length; i++)
		if (key[i] != (i % 2 == 0 ? 0x6d : 0x5a))
			return false;
	return true;
}

#define GROUPS (TG_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE)

/* Entry i of the table to queue i mod n, and read back. */
static bool set_table(const struct tg_port *port, uint16_t size)
{
	struct rte_eth_rss_reta_entry64 table[GROUPS];

	memset(table, 0, sizeof(table));
	for (uint16_t i = 0; i < size; i++) {
		table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
		table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			i % port->n_rx_queues;
	}
	if (rte_eth_dev_rss_reta_update(port->ethdev, table, size) != 0)
		return false;
	for (unsigned int g = 0; g < GROUPS; g++)
		memset(table[g].reta, 0xff, sizeof(table[g].reta));
	if (rte_eth_dev_rss_reta_query(port->ethdev, table, size) != 0)
		return false;
	for (uint16_t i = 0; i < size; i++)
		if (table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] !=
			i % port->n_rx_queues)
			return false;
	return true;
}

static bool size_ok(uint16_t size)
{
	return size != 0 && size <= TG_RETA_MAX && (size & (size - 1)) == 0;
}

/* Whether this port does what `rss` says; the first one that qualifies says what that is. */
static bool qualify(const struct tg_port *port, uint32_t n_workers, struct tg_rss_config *rss)
{
	struct rte_eth_dev_info info;
	uint8_t key[TG_RSS_KEY_MAX];

	if (rte_eth_dev_info_get(port->ethdev, &info) != 0 || !known_driver(info.driver_name))
		return false;
	if (port->n_rx_queues != n_workers || !size_ok(info.reta_size) ||
		(info.hash_key_size != 40 && info.hash_key_size != 52))
		return false;
	/* One function for all ports: a table of another size is another function. */
	if (rss->reta_size != 0 && rss->reta_size != info.reta_size)
		return false;
	if (!read_key(port, key, info.hash_key_size) || !set_table(port, info.reta_size))
		return false;
	if (rss->reta_size == 0) {
		memcpy(rss->key, key, sizeof(rss->key));
		rss->key_length = info.hash_key_size;
		rss->reta_size = info.reta_size;
		for (uint16_t i = 0; i < info.reta_size; i++)
			rss->reta[i] = i % port->n_rx_queues;
	}
	return true;
}

void tg_ports_spread(struct tg_ports *ports, struct tg_rss_config *rss, bool trusted[])
{
	memset(rss, 0, sizeof(*rss));
	for (uint32_t i = 0; i < ports->n; i++) {
		trusted[i] = ports->n_workers > 1 && qualify(&ports->v[i], ports->n_workers, rss);
		if (trusted[i])
			tg_log_info("port %s: the NIC's placement of flows is used",
				ports->v[i].spec.name);
	}
}

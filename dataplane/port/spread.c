/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows over queues: what the NIC does, as far as it can be proven. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "log.h"
#include "ports.h"

/* What ethdev calls the packets that are placed. */
static const struct {
	uint64_t type;
	uint8_t placed;
} types[] = {
	{RTE_ETH_RSS_NONFRAG_IPV4_TCP, TG_PLACED_TCP4},
	{RTE_ETH_RSS_NONFRAG_IPV4_UDP, TG_PLACED_UDP4},
	{RTE_ETH_RSS_NONFRAG_IPV6_TCP, TG_PLACED_TCP6},
	{RTE_ETH_RSS_NONFRAG_IPV6_UDP, TG_PLACED_UDP6},
};

static uint8_t refuse(struct tg_spread *spread, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static uint8_t refuse(struct tg_spread *spread, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(spread->why, sizeof(spread->why), fmt, args);
	va_end(args);
	return 0;
}

/* What is hashed by the key that was set, as the device says; 0: nothing. */
static uint8_t read_key(const struct tg_port *port, uint8_t key[TG_RSS_KEY_MAX], uint16_t length)
{
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = (uint8_t)length};
	uint8_t placed = 0;

	memset(key, 0, TG_RSS_KEY_MAX);
	if (rte_eth_dev_rss_hash_conf_get(port->ethdev, &conf) != 0)
		return 0;
	for (uint16_t i = 0; i < length; i++)
		if (key[i] != (i % 2 == 0 ? 0x6d : 0x5a))
			return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((conf.rss_hf & types[i].type) != 0)
			placed |= types[i].placed;
	return placed;
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

static bool key_ok(const struct rte_eth_dev_info *info)
{
	return info->hash_key_size == 40 || info->hash_key_size == 52;
}

static void take(struct tg_rss_config *rss, const struct rte_eth_dev_info *info,
	const uint8_t key[TG_RSS_KEY_MAX], uint16_t queues)
{
	memcpy(rss->key, key, sizeof(rss->key));
	rss->key_length = info->hash_key_size;
	rss->reta_size = info->reta_size;
	for (uint16_t i = 0; i < info->reta_size; i++)
		rss->reta[i] = i % queues;
}

/* What of `can` this port places as `rss` says; the first port that qualifies says what that is. */
static uint8_t qualify(const struct tg_port *port, uint32_t n_workers, uint8_t can,
	struct tg_rss_config *rss, struct tg_spread *spread)
{
	struct rte_eth_dev_info info;
	uint8_t key[TG_RSS_KEY_MAX], placed;

	if (rte_eth_dev_info_get(port->ethdev, &info) != 0)
		return refuse(spread, "the driver says nothing of the device");
	if (port->n_rx_queues != n_workers)
		return refuse(
			spread, "%u receive queues for %u workers", port->n_rx_queues, n_workers);
	if (!key_ok(&info))
		return refuse(spread, "the driver has no key of 40 or 52 bytes");
	if (!size_ok(info.reta_size))
		return refuse(spread, "a table of %u entries cannot be used", info.reta_size);
	/* One function for all ports: a table of another size is another function. */
	if (rss->reta_size != 0 && rss->reta_size != info.reta_size)
		return refuse(spread, "a table of %u entries, and another port has %u",
			info.reta_size, rss->reta_size);
	placed = read_key(port, key, info.hash_key_size) & can;
	if (placed == 0)
		return refuse(spread, "the key that was set does not read back, or for nothing");
	if (!set_table(port, info.reta_size))
		return refuse(spread, "the table cannot be set, or does not read back");
	if (rss->reta_size == 0)
		take(rss, &info, key, port->n_rx_queues);
	return placed;
}

void tg_ports_spread(struct tg_ports *ports, struct tg_rss_config *rss, struct tg_spread spread[])
{
	memset(rss, 0, sizeof(*rss));
	for (uint32_t i = 0; i < ports->n; i++) {
		struct tg_port *port = &ports->v[i];

		if (spread[i].placed != 0)
			spread[i].placed =
				qualify(port, ports->n_workers, spread[i].placed, rss, &spread[i]);
		port->placed = spread[i].placed;
		if (port->placed != 0)
			tg_log_info("port %s: its NIC is said to place packets at their workers",
				port->spec.name);
	}
}

bool tg_port_spread_again(const struct tg_port *port)
{
	struct rte_eth_dev_info info;
	uint8_t key[TG_RSS_KEY_MAX];

	return rte_eth_dev_info_get(port->ethdev, &info) == 0 && key_ok(&info) &&
	       size_ok(info.reta_size) &&
	       (read_key(port, key, info.hash_key_size) & port->placed) == port->placed &&
	       set_table(port, info.reta_size);
}

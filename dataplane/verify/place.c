/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether packets are placed on queues by the key that the port is given. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_thash.h>

#include "bench.h"

#define FLOWS 64u /* of each kind, half of them in the other direction */
#define KEY_MAX 64
#define GROUPS (512 / RTE_ETH_RETA_GROUP_SIZE)

static const struct {
	uint64_t type;
	uint8_t family, protocol;
} kinds[TG_NIC_PLACED_COUNT] = {
	[TG_NIC_PLACED_TCP4] = {RTE_ETH_RSS_NONFRAG_IPV4_TCP, 4, IPPROTO_TCP},
	[TG_NIC_PLACED_UDP4] = {RTE_ETH_RSS_NONFRAG_IPV4_UDP, 4, IPPROTO_UDP},
	[TG_NIC_PLACED_TCP6] = {RTE_ETH_RSS_NONFRAG_IPV6_TCP, 6, IPPROTO_TCP},
	[TG_NIC_PLACED_UDP6] = {RTE_ETH_RSS_NONFRAG_IPV6_UDP, 6, IPPROTO_UDP},
};

/* What the port is told. */
struct spread {
	uint8_t key[KEY_MAX];
	uint16_t size; /* of the table */
	uint64_t types;
};

static struct probe flow_of(int kind, uint32_t i)
{
	struct probe probe = probe_of(kinds[kind].family, kinds[kind].protocol);
	struct tg_nic_header *h = &probe.header, forth = *h;

	h->sport[1] = forth.sport[1] = (uint8_t)(i / 2);
	h->src[3] = forth.src[3] = (uint8_t)(i / 2 * 7);
	if (i % 2 == 0)
		return probe;
	memcpy(h->src, forth.dst, sizeof(h->src));
	memcpy(h->dst, forth.src, sizeof(h->dst));
	memcpy(h->sport, forth.dport, sizeof(h->sport));
	memcpy(h->dport, forth.sport, sizeof(h->dport));
	return probe;
}

static uint32_t word(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static uint16_t queue_of(
	const struct bench *bench, const struct spread *spread, const struct probe *p)
{
	const uint32_t n = p->family == 4 ? 1 : 4;
	uint32_t words[9];

	for (uint32_t i = 0; i < n; i++) {
		words[i] = word(p->header.src + 4 * i);
		words[n + i] = word(p->header.dst + 4 * i);
	}
	words[2 * n] = (uint32_t)p->header.sport[0] << 24 | (uint32_t)p->header.sport[1] << 16 |
		       (uint32_t)p->header.dport[0] << 8 | p->header.dport[1];
	return rte_softrss(words, 2 * n + 1, spread->key) % spread->size % bench->queues;
}

static int set_table(const struct bench *bench, uint16_t size)
{
	struct rte_eth_rss_reta_entry64 table[GROUPS] = {0};

	for (uint16_t i = 0; i < size; i++) {
		table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << i % RTE_ETH_RETA_GROUP_SIZE;
		table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			i % bench->queues;
	}
	return rte_eth_dev_rss_reta_update(bench->config->port, table, size);
}

/* -ENOTSUP: the driver has no such key or table. */
static int spread_out(struct bench *bench, struct spread *spread)
{
	struct rte_eth_conf conf = {.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(bench->config->port, &info);

	if (rc != 0)
		return rc;
	if ((info.hash_key_size != 40 && info.hash_key_size != 52) || info.reta_size == 0 ||
		info.reta_size > GROUPS * RTE_ETH_RETA_GROUP_SIZE)
		return -ENOTSUP;
	for (uint32_t i = 0; i < KEY_MAX; i++)
		spread->key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	for (int k = 0; k < TG_NIC_PLACED_COUNT; k++)
		if (bench->listed.placing[k] == TG_NIC_PLACING_KEY)
			spread->types |= kinds[k].type;
	spread->types &= info.flow_type_rss_offloads;
	spread->size = info.reta_size;
	conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
		.rss_key = spread->key, .rss_key_len = info.hash_key_size, .rss_hf = spread->types};
	rc = rte_eth_dev_stop(bench->config->port);
	if (rc == 0)
		rc = port_open_with(bench->config->port, bench->config->pool, &conf);
	return rc == 0 ? set_table(bench, spread->size) : rc;
}

static void check_kind(struct bench *bench, const struct spread *spread, int kind)
{
	const char *name = tg_nic_placed_name((enum tg_nic_placed)kind);
	struct probe probes[FLOWS];
	struct seen seen[FLOWS];
	uint32_t wrong = 0;
	char line[64];

	snprintf(line, sizeof(line), "placement %s", name);
	if ((spread->types & kinds[kind].type) == 0) {
		line_add(bench, NULL, TG_VERIFY_WRONG, line, "the driver does not place it");
		return;
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		probes[i] = flow_of(kind, i);
	if (cable_send(bench, probes, FLOWS, seen) != 0)
		return;
	for (uint32_t i = 0; i < FLOWS; i++)
		wrong += !seen[i].software || seen[i].queue != queue_of(bench, spread, &probes[i]);
	if (wrong != 0)
		line_add(bench, NULL, TG_VERIFY_WRONG, line,
			"%u of %u packets are not on the queue that key and table say", wrong,
			FLOWS);
	else
		line_add(bench, NULL, TG_VERIFY_OK, line, "by the key that was set");
}

static int open_plain(struct bench *bench)
{
	int rc = rte_eth_dev_stop(bench->config->port);

	return rc == 0 ? tg_verify_port_open(bench->config->port, bench->config->pool) : rc;
}

void check_placement(struct bench *bench)
{
	struct spread spread = {.types = 0};
	int rc;

	if ((bench->listed.strategies & BIT(TG_NIC_STRATEGY_STEER)) == 0)
		return;
	if (bench->queues < 2) {
		line_add(
			bench, NULL, TG_VERIFY_UNTESTED, "symmetric-rss", "the port has one queue");
		return;
	}
	rc = spread_out(bench, &spread);
	if (rc != 0)
		line_add(bench, NULL, TG_VERIFY_WRONG, "symmetric-rss",
			"the driver takes no such key or table: %s", strerror(-rc));
	for (int k = 0; rc == 0 && bench->failed == 0 && k < TG_NIC_PLACED_COUNT; k++)
		if (bench->listed.placing[k] == TG_NIC_PLACING_KEY)
			check_kind(bench, &spread, k);
	rc = open_plain(bench);
	if (rc != 0 && bench->failed == 0)
		bench->failed = rc;
}

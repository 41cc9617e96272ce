/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a port places packets of which no rule says it: RSS. */
#include "model.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_thash.h>

static const struct {
	uint64_t type;
	uint8_t network, transport;
} types[TG_NIC_PLACED_COUNT] = {
	[TG_NIC_PLACED_TCP4] = {RTE_ETH_RSS_NONFRAG_IPV4_TCP, 4, IPPROTO_TCP},
	[TG_NIC_PLACED_UDP4] = {RTE_ETH_RSS_NONFRAG_IPV4_UDP, 4, IPPROTO_UDP},
	[TG_NIC_PLACED_TCP6] = {RTE_ETH_RSS_NONFRAG_IPV6_TCP, 6, IPPROTO_TCP},
	[TG_NIC_PLACED_UDP6] = {RTE_ETH_RSS_NONFRAG_IPV6_UDP, 6, IPPROTO_UDP},
};

/* Not the one that anybody sets: of KEY_IGNORED. */
static const uint8_t other_key[NM_RSS_KEY] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41,
	0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01,
	0xfa};

static uint64_t types_of(const struct nm_port *port)
{
	const struct tg_nic_profile *profile = port->nic->profile;
	uint64_t all = 0;

	for (int p = 0; p < TG_NIC_PLACED_COUNT; p++)
		if (profile == NULL || profile->placing[p] == TG_NIC_PLACING_KEY)
			all |= types[p].type;
	return all;
}

void nm_place_info(const struct nm_port *port, struct rte_eth_dev_info *info)
{
	info->flow_type_rss_offloads = types_of(port);
	info->reta_size = NM_RETA;
	info->hash_key_size = NM_RSS_KEY;
}

static int update(struct nm_port *port, const struct rte_eth_rss_conf *conf)
{
	if (conf->rss_key != NULL && conf->rss_key_len != NM_RSS_KEY)
		return -EINVAL;
	if (conf->rss_key != NULL)
		memcpy(port->place.key, conf->rss_key, NM_RSS_KEY);
	port->place.types = conf->rss_hf & types_of(port);
	return 0;
}

int nm_place_configure(struct nm_port *port, struct rte_eth_conf *conf, uint16_t n_rx)
{
	int rc = 0;

	memcpy(port->place.key, other_key, NM_RSS_KEY);
	for (uint16_t i = 0; i < NM_RETA; i++)
		port->place.reta[i] = i % n_rx;
	port->place.types = 0;
	if (conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG)
		rc = update(port, &conf->rx_adv_conf.rss_conf);
	/* The port below places nothing. */
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	memset(&conf->rx_adv_conf, 0, sizeof(conf->rx_adv_conf));
	return rc;
}

int nm_place_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	return update(nm_port_of(dev), conf);
}

int nm_place_hash_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct nm_port *port = nm_port_of(dev);

	conf->rss_hf = port->place.types;
	conf->rss_key_len = NM_RSS_KEY;
	if (conf->rss_key != NULL)
		memcpy(conf->rss_key, port->place.key, NM_RSS_KEY);
	return 0;
}

int nm_place_reta_update(
	struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	struct nm_port *port = nm_port_of(dev);

	if (size != NM_RETA)
		return -EINVAL;
	for (uint16_t i = 0; i < size; i++)
		if (reta[i / 64].mask >> i % 64 & 1)
			port->place.reta[i] = reta[i / 64].reta[i % 64];
	return 0;
}

int nm_place_reta_query(
	struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	const struct nm_port *port = nm_port_of(dev);

	if (size != NM_RETA)
		return -EINVAL;
	for (uint16_t i = 0; i < size; i++)
		if (reta[i / 64].mask >> i % 64 & 1)
			reta[i / 64].reta[i % 64] = port->place.reta[i];
	return 0;
}

uint32_t nm_hash(const uint8_t *rss_key, bool symmetric, const struct nm_key *key)
{
	unsigned int size = key->network == 6 ? 16 : 4, ports = key->transport != 0 ? 2 : 0;
	const uint8_t *src = key->ip + (size == 16 ? 8 : 12), *dst = src + size;
	const uint8_t *sport = key->l4, *dport = key->l4 + 2;
	uint8_t tuple[36];
	uint32_t words[9];

	if (key->network == 0)
		return 0;
	if (symmetric && memcmp(src, dst, size) > 0)
		RTE_SWAP(src, dst);
	if (symmetric && memcmp(sport, dport, 2) > 0)
		RTE_SWAP(sport, dport);
	memcpy(tuple, src, size);
	memcpy(tuple + size, dst, size);
	memcpy(tuple + 2 * size, sport, 2);
	memcpy(tuple + 2 * size + 2, dport, 2);
	for (unsigned int i = 0; i < 2 * size / 4 + 1; i++)
		words[i] = (uint32_t)tuple[4 * i] << 24 | (uint32_t)tuple[4 * i + 1] << 16 |
			   (uint32_t)tuple[4 * i + 2] << 8 | tuple[4 * i + 3];
	return rte_softrss(words, 2 * size / 4 + (ports != 0), rss_key);
}

uint16_t nm_place_queue(const struct nm_port *port, uint16_t queue, const struct nm_key *key)
{
	const bool other = nm_has(port->nic, TG_NIC_HAZARD_KEY_IGNORED);

	for (int p = 0; p < TG_NIC_PLACED_COUNT; p++)
		if ((port->place.types & types[p].type) != 0 && key->network == types[p].network &&
			key->transport == types[p].transport)
			return port->place
				.reta[nm_hash(other ? other_key : port->place.key, false, key) %
					NM_RETA];
	return queue;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker a packet belongs to: a function of its canonical tuple, the same in all workers. */
#include "internal.h"

#include <rte_thash.h>

/* The hash a NIC would make of an untagged TCP or UDP packet; of others, one like it. */
static uint32_t toeplitz(const struct tg_rss_config *rss, const struct tg_packet *p)
{
	uint32_t words[9], n = p->family == 4 ? 2 : 8;

	memcpy(words, &p->key.addr, n * sizeof(words[0]));
	for (uint32_t i = 0; i < n; i++)
		words[i] = rte_be_to_cpu_32(words[i]);
	words[n] = (uint32_t)(p->key.tail & 0xffff) << 16 | (uint32_t)(p->key.tail >> 16 & 0xffff);
	return rte_softrss(words, n + 1, rss->key);
}

uint32_t owner_of(const struct tg_datapath *dp, const struct tg_packet *p)
{
	const struct tg_rss_config *rss = &dp->config.rss;

	if (rss->reta_size == 0)
		return owner_by_hash(p->hash, dp->config.n_workers);
	return rss->reta[toeplitz(rss, p) & (rss->reta_size - 1u)];
}

uint32_t owner_of_fragments(const struct tg_datapath *dp, const struct tg_packet *p)
{
	const struct tg_key key = {
		.addr = p->key.addr,
		.tail = tg_key_tail(0, 0, 0, dp->config.ports[p->port].group),
	};

	return owner_by_hash(
		p->family == 4 ? tg_key_hash4(&dp->secret, &key) : tg_key_hash6(&dp->secret, &key),
		dp->config.n_workers);
}

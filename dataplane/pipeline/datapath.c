/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings, hand-off rings and the pointer to what is in force. Runs before and beside workers. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

void tg_datapath_config_default(struct tg_datapath_config *config)
{
	*config = (struct tg_datapath_config){
		.n_workers = 1,
		.slot_capacity = 1u << 16,
		.conn4_max = 1u << 18,
		.conn6_max = 1u << 16,
		.half_open_per_source = 8192,
		.fragments_max = 4096,
		.fragment_timeout_ms = 10 * 1000,
		.fragments_held = 256,
		.fragment_hold_ms = 100,
		.handoff_depth = 2048,
		.sweep_ms = 2000,
	};
	tg_conn_timeouts_default(&config->timeouts);
}

static bool port_valid(const struct tg_datapath_config *config, uint32_t i)
{
	const struct tg_port_config *port = &config->ports[i], *peer;

	if (port->peer >= config->n_ports || port->peer == i || port->side > TG_SIDE_ANY)
		return false;
	peer = &config->ports[port->peer];
	if (peer->peer != i || port->end > 1 || peer->end != (port->end ^ 1) ||
		peer->group != port->group)
		return false;
	for (uint32_t k = 0; k < i; k++) {
		if (config->ports[k].group == port->group && config->ports[k].zone != port->zone)
			return false;
	}
	return true;
}

static bool power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool rss_valid(const struct tg_datapath_config *config)
{
	const struct tg_rss_config *rss = &config->rss;

	if (rss->reta_size == 0)
		return true;
	if (!power_of_two(rss->reta_size) || rss->reta_size > TG_RETA_MAX ||
		(rss->key_length != 40 && rss->key_length != 52))
		return false;
	for (unsigned int i = 0; i < rss->reta_size; i++) {
		if (rss->reta[i] >= config->n_workers)
			return false;
	}
	return true;
}

static bool config_valid(const struct tg_datapath_config *config)
{
	if (config->n_ports > TG_PORTS_MAX || config->n_workers == 0 ||
		config->n_workers > TG_WORKERS_MAX || config->slot_capacity < TG_SLOT_FIRST ||
		config->sweep_ms == 0 || !power_of_two(config->handoff_depth) ||
		config->fragments_max == 0 || !rss_valid(config))
		return false;
	for (uint32_t i = 0; i < config->n_ports; i++) {
		if (!port_valid(config, i))
			return false;
	}
	for (unsigned int i = TG_CONN_FREE + 1; i < TG_CONN_STATE_COUNT; i++) {
		if (config->timeouts.ms[i] == 0 ||
			config->timeouts.ms[i] > TG_CONN_TIMEOUT_MAX_S * 1000u)
			return false;
	}
	return true;
}

static int rings_create(struct tg_datapath *dp)
{
	static _Atomic unsigned int instance; /* only makes ring names unique */
	unsigned int n = dp->config.n_workers, id = atomic_fetch_add(&instance, 1);
	char name[RTE_RING_NAMESIZE];

	dp->ring = calloc((size_t)n * n, sizeof(*dp->ring));
	if (dp->ring == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < n * n; i++) {
		if (i / n == i % n)
			continue;
		snprintf(name, sizeof(name), "tg%u_%u_%u", id, i / n, i % n);
		dp->ring[i] = rte_ring_create(name, dp->config.handoff_depth, SOCKET_ID_ANY,
			RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (dp->ring[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void rings_free(struct tg_datapath *dp)
{
	unsigned int n = dp->config.n_workers;
	void *m;

	for (unsigned int i = 0; dp->ring != NULL && i < n * n; i++) {
		while (dp->ring[i] != NULL && rte_ring_sc_dequeue(dp->ring[i], &m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(dp->ring[i]);
	}
	free(dp->ring);
	dp->ring = NULL;
}

int tg_datapath_create(const struct tg_datapath_config *config, struct tg_datapath **out)
{
	struct tg_datapath *dp;
	int rc = -ENOMEM;

	if (!config_valid(config))
		return -EINVAL;
	dp = calloc(1, sizeof(*dp));
	if (dp == NULL)
		return -ENOMEM;
	dp->config = *config;
	if (dp->config.half_open_max == 0)
		dp->config.half_open_max = config->conn4_max / 2 + config->conn6_max / 2;
	if (getrandom(&dp->secret, sizeof(dp->secret), 0) != sizeof(dp->secret)) {
		rc = -EIO;
		goto free_dp;
	}
	rc = rings_create(dp);
	if (rc != 0)
		goto free_rings;
	rc = tg_budget_init(&dp->budget, RTE_MIN(config->slot_capacity, TG_NAMESPACE_SLOT_MAX),
		config->n_workers);
	if (rc != 0)
		goto free_rings;
	*out = dp;
	return 0;

free_rings:
	rings_free(dp);
free_dp:
	free(dp);
	return rc;
}

void tg_datapath_free(struct tg_datapath *dp)
{
	if (dp == NULL)
		return;
	tg_budget_fini(&dp->budget);
	rings_free(dp);
	free(dp);
}

struct tg_generation *tg_datapath_publish(struct tg_datapath *dp, struct tg_generation *gen)
{
	return atomic_exchange_explicit(&dp->generation, gen, memory_order_acq_rel);
}

struct tg_generation *tg_datapath_generation(const struct tg_datapath *dp)
{
	return atomic_load_explicit(&dp->generation, memory_order_acquire);
}

void tg_datapath_set_link(struct tg_datapath *dp, uint16_t port, bool up)
{
	atomic_store_explicit(&dp->link_up[port], up, memory_order_relaxed);
}

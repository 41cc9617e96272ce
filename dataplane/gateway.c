/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "changes.h"
#include "checkpoint.h"
#include "clock.h"
#include "eal.h"
#include "engine.h"
#include "folder.h"
#include "gateway.h"
#include "hardware.h"
#include "log.h"
#include "nics.h"
#include "ports.h"
#include "resets.h"
#include "server.h"
#include "worker_loop.h"

#define TICK_MS 100
#define BURSTS_IN_FLIGHT 8u /* of a worker, outside queues and rings */

struct tg_gateway {
	const struct tg_dataplane_config *config;
	struct tg_datapath_config datapath_config;
	struct tg_stats_segment stats; /* header NULL: none */
	struct tg_ports ports;
	struct tg_datapath *datapath;
	struct rte_rcu_qsbr *qsbr;
	struct tg_engine *engine;
	struct tg_checkpoint *checkpoint;
	struct tg_changes *changes;
	struct tg_control *control;
	struct tg_nics *nics;
	struct tg_resets *resets;
	struct tg_loop loop;
	struct tg_loop_worker workers[TG_WORKERS_MAX];
	bool launched;
};

static int open_stats(struct tg_gateway *g)
{
	const struct tg_datapath_config *dp = &g->config->datapath;
	uint64_t instance;
	int rc;

	if (getrandom(&instance, sizeof(instance), 0) != sizeof(instance))
		return -errno;
	rc = tg_stats_create(
		&g->stats, dp->n_workers, dp->slot_capacity, instance, tg_clock_ms(CLOCK_REALTIME));
	if (rc != 0)
		tg_log_err("statistics segment: %s", strerror(-rc));
	return rc;
}

/* Buffers that are neither in a receive nor in a transmit queue. */
static uint32_t extra_buffers(const struct tg_datapath_config *dp)
{
	uint32_t rings = dp->n_workers * (dp->n_workers - 1) * dp->handoff_depth;

	return rings +
	       dp->n_workers * ((dp->n_ports + BURSTS_IN_FLIGHT) * TG_BURST + dp->fragments_held);
}

static int open_ports(struct tg_gateway *g)
{
	struct tg_datapath_config *dp = &g->datapath_config;
	int rc;

	rc = tg_ports_open(&g->ports, g->config->ports, dp->n_ports, dp->n_workers,
		extra_buffers(dp), &g->stats);
	for (uint32_t i = 0; rc == 0 && i < dp->n_ports; i++)
		dp->ports[i].ethdev = g->ports.v[i].ethdev;
	if (rc == 0)
		rc = tg_nics_open(g->config, dp, &g->ports, &g->stats, &g->nics);
	if (rc == 0)
		rc = tg_ports_start(&g->ports);
	if (rc != 0)
		return rc;
	tg_nics_spread(g->nics, &g->ports, g->config->rss_auto, dp);
	return 0;
}

/* What a table of connections costs. */
static void log_table(const struct tg_loop_worker *own, uint8_t family)
{
	const struct tg_stats_worker *stats = own->stats;
	uint64_t n = family == 4 ? stats->conn4_capacity : stats->conn6_capacity;
	uint64_t bytes = family == 4 ? stats->conn4_bytes : stats->conn6_bytes;

	tg_log_info("worker %u: %lu IPv%u connections in %lu MiB (%lu bytes each), in %s",
		own->index, n, family, bytes >> 20, bytes / n,
		tg_worker_pages(own->worker, family));
}

static void log_memory(const struct tg_loop_worker *own)
{
	log_table(own, 4);
	log_table(own, 6);
	tg_log_info("worker %u: %lu half-open connections counted in %lu KiB, %lu datagrams in "
		    "fragments tracked in %lu KiB, in small pages",
		own->index, own->stats->half_open_capacity,
		tg_worker_halfopen_bytes(own->worker) >> 10, own->stats->fragments_capacity,
		tg_worker_fragment_bytes(own->worker) >> 10);
}

static int open_worker(struct tg_gateway *g, uint32_t w)
{
	struct tg_loop_worker *own = &g->workers[w];
	const struct tg_wake *wake = &g->loop.wake[w];
	int socket = (int)rte_lcore_to_socket_id(tg_eal_lcore(w));
	int rc;

	*own = (struct tg_loop_worker){
		.loop = &g->loop, .stats = tg_stats_worker_at(&g->stats, w), .index = w};
	rc = tg_worker_create(
		g->datapath, w, socket, own->stats, tg_stats_slots_at(&g->stats, w), &own->worker);
	if (rc != 0)
		tg_log_err(
			"worker %u: no memory for its connection tables (eal.memory, connections): "
			"%s",
			w, strerror(-rc));
	else
		log_memory(own);
	if (rc == 0 && tg_nics_offload(g->nics) != NULL)
		rc = tg_worker_attach(own->worker, tg_offload_channel(tg_nics_offload(g->nics), w));
	if (rc != 0)
		return rc;
	rc = tg_wake_open(&g->loop.wake[w], &g->ports, w);
	if (rc != 0) {
		tg_log_err("worker %u: nothing to wait by: %s", w, strerror(-rc));
		return rc;
	}
	g->loop.n_workers = w + 1;
	if (g->config->sleep_max_us != 0 && !wake->all)
		tg_log_info("worker %u: packets of some ports cannot wake it, it sleeps for up to "
			    "%u us",
			w, g->config->sleep_max_us);
	return 0;
}

static int open_datapath(struct tg_gateway *g)
{
	uint32_t n = g->config->datapath.n_workers;
	int rc;

	rc = tg_datapath_create(&g->datapath_config, &g->datapath);
	if (rc != 0) {
		tg_log_err("the packet path cannot be set up: %s", strerror(-rc));
		return rc;
	}
	g->qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(n), RTE_CACHE_LINE_SIZE);
	if (g->qsbr == NULL)
		return -ENOMEM;
	rte_rcu_qsbr_init(g->qsbr, n);
	g->loop = (struct tg_loop){.ports = &g->ports,
		.qsbr = g->qsbr,
		.started_tsc = rte_rdtsc(),
		.sleep_max_us = g->config->sleep_max_us};
	for (uint32_t w = 0; w < n && rc == 0; w++)
		rc = open_worker(g, w);
	return rc;
}

static int open_checkpoint(struct tg_gateway *g)
{
	const char *directory = g->config->state_directory;
	int rc;

	if (directory == NULL) {
		tg_log_warn("no state-directory: after a restart nothing is in force until the "
			    "control process comes");
		return 0;
	}
	rc = tg_folder_make(directory, 0700);
	if (rc == 0)
		rc = tg_checkpoint_open(directory, g->config->fsync, &g->checkpoint);
	if (rc != 0)
		tg_log_err("state-directory %s: %s", directory,
			rc == -EWOULDBLOCK ? "another gateway uses it" : strerror(-rc));
	return rc;
}

static int open_rules(struct tg_gateway *g)
{
	struct tg_engine_config engine = {.datapath = g->datapath,
		.offload = tg_nics_offload(g->nics),
		.qsbr = g->qsbr,
		.stats = &g->stats,
		.grace_ms = g->config->grace_ms,
		.pickup_ms = g->config->datapath.pickup_ms};
	struct tg_changes_config changes = {.checkpoint = g->checkpoint,
		.checkpoint_max_age_ms = g->config->checkpoint_max_age_s * 1000ull,
		.slot_capacity = g->config->datapath.slot_capacity,
		.headroom = g->config->address_headroom,
		.numa = (int)rte_lcore_to_socket_id(tg_eal_lcore(0))};
	int rc;

	rc = tg_engine_create(&engine, &g->engine);
	changes.engine = g->engine;
	if (rc == 0)
		rc = tg_changes_create(&changes, &g->changes);
	if (rc != 0)
		return rc;
	if (tg_changes_restore(g->changes) != 0)
		tg_log_warn(
			"no ruleset is in force: packets are %s until the control process comes",
			g->config->datapath.no_ruleset_pass ? "passed" : "dropped");
	return 0;
}

static bool tick(void *arg)
{
	struct tg_gateway *g = arg;
	uint64_t now_ms = tg_clock_ms(CLOCK_MONOTONIC);
	bool changed, failed;

	tg_resets_tick(g->resets, now_ms);
	changed = tg_ports_tick(&g->ports, now_ms);
	if (!tg_resets_busy(g->resets))
		tg_nics_links(g->nics);
	tg_nics_look(g->nics, g->datapath);
	failed = tg_resets_failed(g->resets);
	tg_engine_flag(
		g->engine, failed ? TG_STATE_PORT_FAILED : 0, failed ? 0 : TG_STATE_PORT_FAILED);
	return changed;
}

static int open_resets(struct tg_gateway *g)
{
	struct tg_resets_config config = {.ports = &g->ports,
		.datapath = g->datapath,
		.loop = &g->loop,
		.nics = g->nics,
		.pause_ms = g->config->grace_ms};

	return tg_resets_open(&config, &g->resets);
}

static int launch(struct tg_gateway *g)
{
	int rc = open_resets(g);

	if (rc != 0)
		return rc;
	tg_ports_attach(&g->ports, g->datapath);
	tick(g);
	g->launched = true;
	for (uint32_t w = 0; w < g->config->datapath.n_workers && rc == 0; w++)
		rc = rte_eal_remote_launch(tg_loop_run, &g->workers[w], tg_eal_lcore(w));
	if (rc == 0)
		rc = tg_nics_start(g->nics, g->loop.started_tsc);
	if (rc != 0)
		tg_log_err("a worker cannot be launched: %s", strerror(-rc));
	return rc;
}

static int open_control(struct tg_gateway *g, int stop_fd)
{
	struct tg_control_config control = {.socket = g->config->socket,
		.engine = g->engine,
		.changes = g->changes,
		.stats = &g->stats,
		.stop_fd = stop_fd,
		.tick_ms = TICK_MS,
		.tick = tick,
		.tick_arg = g,
		.report = tg_nics_report,
		.report_arg = g->nics};
	int rc;

	rc = tg_folder_make_for(g->config->socket, 0755);
	if (rc == 0)
		rc = tg_control_create(&control, &g->control);
	if (rc == 0)
		rc = tg_control_listen(g->control);
	if (rc != 0)
		tg_log_err("socket %s: %s", g->config->socket, strerror(-rc));
	return rc;
}

int tg_gateway_start(const struct tg_dataplane_config *config, int stop_fd, struct tg_gateway **out)
{
	struct tg_gateway *g = calloc(1, sizeof(*g));
	int rc;

	if (g == NULL)
		return -ENOMEM;
	g->config = config;
	g->datapath_config = config->datapath;
	rc = open_checkpoint(g);
	if (rc == 0)
		rc = open_stats(g);
	if (rc == 0)
		rc = open_ports(g);
	if (rc == 0)
		rc = open_datapath(g);
	if (rc == 0)
		rc = open_rules(g);
	if (rc == 0)
		rc = launch(g);
	if (rc == 0)
		rc = open_control(g, stop_fd);
	if (rc != 0) {
		tg_gateway_stop(g);
		return rc;
	}
	tg_log_info("%u ports, %u workers, control socket %s", config->datapath.n_ports,
		config->datapath.n_workers, config->socket);
	*out = g;
	return 0;
}

int tg_gateway_run(struct tg_gateway *gateway)
{
	return tg_control_run(gateway->control);
}

void tg_gateway_stop(struct tg_gateway *g)
{
	tg_control_free(g->control);
	tg_changes_free(g->changes);
	if (!tg_resets_close(g->resets)) {
		tg_log_err("a driver does not come back from a reset: not stopping in order");
		_exit(EXIT_FAILURE);
	}
	tg_nics_stop(g->nics);
	if (g->launched) {
		tg_loop_stop(&g->loop);
		rte_eal_mp_wait_lcore();
	}
	tg_engine_free(g->engine);
	for (uint32_t w = 0; w < TG_WORKERS_MAX; w++)
		if (g->workers[w].worker != NULL)
			tg_worker_free(g->workers[w].worker);
	tg_nics_close(g->nics);
	for (uint32_t w = 0; w < g->loop.n_workers; w++)
		tg_wake_close(&g->loop.wake[w]);
	if (g->datapath != NULL)
		tg_datapath_free(g->datapath);
	rte_free(g->qsbr);
	tg_ports_close(&g->ports);
	if (g->stats.header != NULL)
		tg_stats_destroy(&g->stats);
	tg_checkpoint_close(g->checkpoint);
	free(g);
}

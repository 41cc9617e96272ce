/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "log.h"
#include "resets.h"

#define RESTART_MS 10000 /* a driver that says "not yet" is asked for so long */
#define SLOW_MS 15000	 /* after that a restart is called failed, until it has ended */
#define CLOSE_S 30	 /* the gateway's end waits for so long */
#define LOOK_NS 100000	 /* between two looks at whether workers have let go */
#define LOOKS 50

enum phase { PHASE_RUNNING, PHASE_PAUSING, PHASE_RESTARTING, PHASE_FAILED };

struct reset {
	struct tg_resets *all;
	uint32_t port;
	enum phase phase;
	uint64_t since_ms;  /* in this phase */
	bool late;	    /* and said so */
	_Atomic bool asked; /* by the driver */
	pthread_t thread;   /* PHASE_RESTARTING */
	int rc;		    /* of the thread, when it is done */
	bool placed;	    /* the same: packets are placed as before */
	_Atomic bool done;
};

struct tg_resets {
	struct tg_resets_config config;
	struct reset v[TG_PORTS_MAX];
};

static const char *name_of(const struct reset *reset)
{
	return reset->all->config.ports->v[reset->port].spec.name;
}

/* On a thread of the driver's. */
static int on_reset(uint16_t ethdev, enum rte_eth_event_type type, void *arg, void *result)
{
	struct reset *reset = arg;

	atomic_store_explicit(&reset->asked, true, memory_order_release);
	return 0;
}

/* ---- the thread that restarts ---- */

static void open_rules(void *arg)
{
	struct reset *reset = arg;

	tg_nics_reset_open(reset->all->config.nics, (uint16_t)reset->port);
}

static int restart(struct reset *reset)
{
	const struct tg_resets_config *config = &reset->all->config;
	int rc = tg_nics_reset_begin(config->nics, (uint16_t)reset->port);

	if (rc != 0) {
		tg_log_err("port %s: not reset: a driver keeps the owner of rules waiting",
			name_of(reset));
		return rc;
	}
	rc = tg_port_restart(config->ports, reset->port, RESTART_MS, open_rules, reset);
	reset->placed = rc == 0 && tg_port_spread_again(&config->ports->v[reset->port]);
	tg_nics_reset_end(config->nics);
	return rc;
}

static void *run(void *arg)
{
	struct reset *reset = arg;

	reset->rc = restart(reset);
	atomic_store_explicit(&reset->done, true, memory_order_release);
	return NULL;
}

/* ---- phases ---- */

static void enter(struct reset *reset, enum phase phase, uint64_t now_ms)
{
	static const uint32_t told[] = {
		[PHASE_RUNNING] = TG_PORT_RESET_NONE,
		[PHASE_PAUSING] = TG_PORT_RESET_RUNNING,
		[PHASE_RESTARTING] = TG_PORT_RESET_RUNNING,
		[PHASE_FAILED] = TG_PORT_RESET_FAILED,
	};
	struct tg_stats_port *stats = &reset->all->config.ports->stats->ports[reset->port];

	reset->phase = phase;
	reset->since_ms = now_ms;
	reset->late = false;
	__atomic_store_n(&stats->reset, told[phase], __ATOMIC_RELAXED);
}

static void pause_port(struct reset *reset, uint64_t now_ms)
{
	const struct tg_resets_config *config = &reset->all->config;

	tg_log_warn("port %s: its driver asks for a reset", name_of(reset));
	config->ports->v[reset->port].away = true;
	tg_datapath_set_link(config->datapath, (uint16_t)reset->port, false);
	atomic_store_explicit(&config->ports->paused[reset->port], true, memory_order_relaxed);
	tg_loop_pause(config->loop);
	enter(reset, PHASE_PAUSING, now_ms);
}

static void fail(struct reset *reset, uint64_t now_ms)
{
	tg_log_err("port %s: did not come back from its reset: it stays down", name_of(reset));
	enter(reset, PHASE_FAILED, now_ms);
}

static void resume_port(struct reset *reset, uint64_t now_ms)
{
	const struct tg_resets_config *config = &reset->all->config;
	uint64_t *resets = &config->ports->stats->ports[reset->port].resets;

	__atomic_store_n(resets, *resets + 1, __ATOMIC_RELAXED);
	if (config->ports->v[reset->port].placed != 0)
		tg_datapath_placed_anew(config->datapath, (uint16_t)reset->port, reset->placed);
	config->ports->v[reset->port].away = false;
	atomic_store_explicit(&config->ports->paused[reset->port], false, memory_order_relaxed);
	tg_loop_pause(config->loop);
	enter(reset, PHASE_RUNNING, now_ms);
	tg_log_info("port %s: is back from its reset", name_of(reset));
}

/* They do within a round, which takes microseconds. */
static bool let_go(const struct reset *reset)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};

	for (unsigned int i = 0; i < LOOKS; i++) {
		if (tg_loop_paused(reset->all->config.loop))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

/* It takes longer than it may: told once, and waited for nevertheless. */
static void look_for_late(struct reset *reset, uint64_t now_ms, uint32_t ms, const char *who)
{
	struct tg_stats_port *stats = &reset->all->config.ports->stats->ports[reset->port];

	if (reset->late || now_ms - reset->since_ms < ms)
		return;
	reset->late = true;
	tg_log_err("port %s: stays down: %s", name_of(reset), who);
	__atomic_store_n(&stats->reset, TG_PORT_RESET_FAILED, __ATOMIC_RELAXED);
}

static void step_pausing(struct reset *reset, uint64_t now_ms)
{
	if (tg_resets_busy(reset->all))
		return;
	if (!let_go(reset)) {
		look_for_late(reset, now_ms, reset->all->config.pause_ms,
			"a worker does not let go of it, so it cannot be reset");
		return;
	}
	atomic_store_explicit(&reset->done, false, memory_order_relaxed);
	if (rte_ctrl_thread_create(&reset->thread, "tg-reset", NULL, run, reset) != 0)
		fail(reset, now_ms);
	else
		enter(reset, PHASE_RESTARTING, now_ms);
}

static void step_restarting(struct reset *reset, uint64_t now_ms)
{
	if (!atomic_load_explicit(&reset->done, memory_order_acquire)) {
		look_for_late(
			reset, now_ms, SLOW_MS, "its driver does not come back from the reset");
		return;
	}
	pthread_join(reset->thread, NULL);
	tg_nics_reset_over(reset->all->config.nics, (uint16_t)reset->port);
	if (reset->rc == 0)
		resume_port(reset, now_ms);
	else
		fail(reset, now_ms);
}

static void step(struct reset *reset, uint64_t now_ms)
{
	bool may_begin = reset->phase == PHASE_RUNNING || reset->phase == PHASE_FAILED;

	if (may_begin && atomic_exchange_explicit(&reset->asked, false, memory_order_acquire))
		pause_port(reset, now_ms);
	if (reset->phase == PHASE_PAUSING)
		step_pausing(reset, now_ms);
	else if (reset->phase == PHASE_RESTARTING)
		step_restarting(reset, now_ms);
}

void tg_resets_tick(struct tg_resets *r, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->config.ports->n; i++)
		step(&r->v[i], now_ms);
}

bool tg_resets_busy(const struct tg_resets *r)
{
	for (uint32_t i = 0; i < r->config.ports->n; i++)
		if (r->v[i].phase == PHASE_RESTARTING)
			return true;
	return false;
}

bool tg_resets_failed(const struct tg_resets *r)
{
	for (uint32_t i = 0; i < r->config.ports->n; i++)
		if (r->v[i].phase == PHASE_FAILED || r->v[i].late)
			return true;
	return false;
}

/* ---- coming and going ---- */

int tg_resets_open(const struct tg_resets_config *config, struct tg_resets **out)
{
	struct tg_resets *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->config = *config;
	for (uint32_t i = 0; i < config->ports->n; i++) {
		const struct tg_port *port = &config->ports->v[i];

		r->v[i].all = r;
		r->v[i].port = i;
		if (rte_eth_dev_callback_register(
			    port->ethdev, RTE_ETH_EVENT_INTR_RESET, on_reset, &r->v[i]) != 0)
			tg_log_warn("port %s: its resets will not be noticed", port->spec.name);
	}
	*out = r;
	return 0;
}

bool tg_resets_close(struct tg_resets *r)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	struct timespec until;

	if (r == NULL)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	for (uint32_t i = 0; i < r->config.ports->n; i++) {
		struct reset *reset = &r->v[i];

		while (rte_eth_dev_callback_unregister(r->config.ports->v[i].ethdev,
			       RTE_ETH_EVENT_INTR_RESET, on_reset, reset) == -EAGAIN)
			nanosleep(&nap, NULL); /* it is being called */
		if (reset->phase == PHASE_RESTARTING &&
			pthread_clockjoin_np(reset->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
			return false;
	}
	free(r);
	return true;
}

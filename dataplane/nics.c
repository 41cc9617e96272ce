/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "nics.h"
#include "log.h"
#include "profile.h"

/* How long the owner rests when it has nothing to do; an offer may wait as long. */
#define REST_BUSY_NS 200000
#define REST_IDLE_NS 5000000
/* How long a report waits for the owner, which may be in a driver: others wait for the control
 * thread. */
#define REPORT_WAIT_MS 1000
/* How long a reset waits for the owner. */
#define RESET_WAIT_MS 2000

struct tg_nics {
	const struct tg_ports *ports;
	struct tg_nic_profiles *profiles;
	struct tg_offload *offload; /* NULL: nothing is offloaded */
	bool enabled;
	const struct tg_nic_profile *profile[TG_PORTS_MAX]; /* NULL: not known */
	struct tg_spread spread[TG_PORTS_MAX];
	struct tg_hw_placement placement[TG_PORTS_MAX];
	uint64_t started_tsc;
	pthread_t thread;
	bool running;
	bool up[TG_PORTS_MAX];			 /* as the owner was told */
	struct tg_hw_port refused[TG_PORTS_MAX]; /* without an owner: why there is none */
	_Atomic bool stop;
};

/* "15b3:101d"; NULL when the port is no PCI device. */
static const char *device_id(uint16_t ethdev, char text[TG_NIC_DEVICE_TEXT])
{
	char name[RTE_ETH_NAME_MAX_LEN];

	return rte_eth_dev_get_name_by_port(ethdev, name) == 0 ? tg_nic_device(name, text) : NULL;
}

static_assert(TG_PLACED_TCP4 == 1u << TG_NIC_PLACED_TCP4 &&
		      TG_PLACED_UDP4 == 1u << TG_NIC_PLACED_UDP4 &&
		      TG_PLACED_TCP6 == 1u << TG_NIC_PLACED_TCP6 &&
		      TG_PLACED_UDP6 == 1u << TG_NIC_PLACED_UDP6,
	"what is placed is the profiles'");
static_assert(TG_NIC_WHY <= sizeof(((struct tg_spread *)0)->why), "reasons fit");

static int choose_profile(
	struct tg_nics *nics, const struct tg_port *port, struct tg_offload_port *out)
{
	struct rte_eth_dev_info info;
	char id[TG_NIC_DEVICE_TEXT];
	int rc = rte_eth_dev_info_get(port->ethdev, &info);

	if (rc != 0)
		return rc;
	*out = (struct tg_offload_port){
		.name = port->spec.name, .ethdev = port->ethdev, .switch_domain = UINT32_MAX};
	if (info.switch_info.domain_id != RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID)
		out->switch_domain = info.switch_info.domain_id;
	out->profile = port->spec.nic_profile[0] != '\0'
			       ? tg_nic_profiles_find(nics->profiles, port->spec.nic_profile)
			       : tg_nic_profiles_select(nics->profiles, info.driver_name,
					 device_id(port->ethdev, id));
	if (out->profile == NULL && port->spec.nic_profile[0] != '\0') {
		tg_log_err("port %s: there is no nic-profile \"%s\"", port->spec.name,
			port->spec.nic_profile);
		return -ENOENT;
	}
	tg_log_info("port %s: driver %s, NIC profile %s", port->spec.name, info.driver_name,
		out->profile != NULL ? out->profile->name : "none");
	return 0;
}

static int load_profiles(struct tg_nics *nics, const char *folder)
{
	char *errors = NULL;
	int rc = tg_nic_profiles_load(folder, &nics->profiles, &errors);

	if (rc != 0)
		tg_log_err(
			"offload.profiles %s: %s", folder, errors != NULL ? errors : strerror(-rc));
	free(errors);
	return rc;
}

static int open_offload(struct tg_nics *nics, const struct tg_dataplane_config *config,
	struct tg_offload_config *offload)
{
	const struct tg_offload_settings *settings = &config->offload;
	int rc;

	offload->connections_max = settings->connections;
	offload->merit = settings->min_packets;
	offload->idle_ms = settings->idle_ms;
	offload->poll_ms = settings->poll_ms;
	offload->marks = settings->marks;
	offload->denials = settings->denials;
	offload->denial_ms = settings->denial_ms;
	offload->refused = nics->refused;
	rc = tg_offload_create(offload, &nics->offload);
	if (rc != -ENOTSUP)
		return rc;
	tg_log_warn("offload: no port can carry connections: all is done in software");
	return 0;
}

/* Without offload profiles only say where NICs place packets, which is to be had otherwise. */
static int open_profiles(struct tg_nics *nics, const struct tg_dataplane_config *config,
	struct tg_offload_config *offload)
{
	int rc = load_profiles(nics, config->offload.profiles);

	if (rc != 0 && !nics->enabled) {
		tg_log_warn("without profiles no NIC is believed where it places packets");
		return 0;
	}
	for (uint32_t i = 0; rc == 0 && i < nics->ports->n; i++) {
		rc = choose_profile(nics, &nics->ports->v[i], &offload->ports[i]);
		nics->profile[i] = offload->ports[i].profile;
	}
	return rc;
}

int tg_nics_open(const struct tg_dataplane_config *config,
	const struct tg_datapath_config *datapath, const struct tg_ports *ports,
	struct tg_stats_segment *stats, struct tg_nics **out)
{
	struct tg_offload_config offload = {.datapath = datapath, .stats = stats->offload};
	struct tg_nics *nics = calloc(1, sizeof(*nics));
	int rc = 0;

	if (nics == NULL)
		return -ENOMEM;
	nics->ports = ports;
	nics->enabled = config->offload.enabled;
	if (nics->enabled || (config->rss_auto && datapath->n_workers > 1))
		rc = open_profiles(nics, config, &offload);
	if (rc == 0 && nics->enabled)
		rc = open_offload(nics, config, &offload);
	if (rc != 0) {
		tg_nics_close(nics);
		return rc;
	}
	*out = nics;
	return 0;
}

/* What each NIC can place, as far as anybody is interested, and why not. */
static void ask_profiles(struct tg_nics *nics, bool rss_auto)
{
	for (uint32_t i = 0; i < nics->ports->n; i++) {
		struct tg_spread *spread = &nics->spread[i];
		const char *why = !rss_auto			? "rss: software"
				  : nics->ports->n_workers == 1 ? "there is one worker"
				  : nics->profile[i] == NULL	? "its NIC has no profile"
								: NULL;

		if (why != NULL)
			snprintf(spread->why, sizeof(spread->why), "%s", why);
		else
			spread->placed = tg_nic_places(nics->profile[i], spread->why);
	}
}

void tg_nics_spread(
	struct tg_nics *nics, struct tg_ports *ports, bool rss_auto, struct tg_datapath_config *dp)
{
	ask_profiles(nics, rss_auto);
	tg_ports_spread(ports, &dp->rss, nics->spread);
	for (uint32_t i = 0; i < ports->n; i++) {
		dp->ports[i].placed = nics->spread[i].placed;
		static_assert(sizeof(nics->placement[i].why) >= sizeof(nics->spread[i].why),
			"a reason fits");
		memcpy(nics->placement[i].why, nics->spread[i].why, sizeof(nics->spread[i].why));
	}
}

void tg_nics_look(struct tg_nics *nics, const struct tg_datapath *datapath)
{
	for (uint16_t i = 0; i < nics->ports->n; i++) {
		struct tg_hw_placement *placement = &nics->placement[i];
		uint32_t state = tg_datapath_placement(datapath, i);

		if (state == placement->state)
			continue;
		placement->state = state;
		__atomic_store_n(&nics->ports->stats->ports[i].placement, state, __ATOMIC_RELAXED);
		if (state == TG_PORT_PLACEMENT_WRONG)
			tg_log_warn("port %s: its NIC places packets elsewhere than its key and "
				    "table say: workers hand them over",
				nics->ports->v[i].spec.name);
		else
			tg_log_info("port %s: where its NIC places packets: %s",
				nics->ports->v[i].spec.name, tg_port_placement_text(state));
	}
}

static void *own(void *arg)
{
	const uint64_t tsc_per_ms = rte_get_tsc_hz() / 1000;
	struct tg_nics *nics = arg;

	while (!atomic_load_explicit(&nics->stop, memory_order_relaxed)) {
		struct timespec rest = {.tv_nsec = REST_IDLE_NS};

		if (tg_offload_step(nics->offload, (rte_rdtsc() - nics->started_tsc) / tsc_per_ms))
			rest.tv_nsec = REST_BUSY_NS;
		nanosleep(&rest, NULL);
	}
	return NULL;
}

int tg_nics_start(struct tg_nics *nics, uint64_t started_tsc)
{
	int rc;

	if (nics->offload == NULL)
		return 0;
	nics->started_tsc = started_tsc;
	rc = rte_ctrl_thread_create(&nics->thread, "tg-offload", NULL, own, nics);
	nics->running = rc == 0;
	return rc;
}

void tg_nics_stop(struct tg_nics *nics)
{
	if (nics == NULL || !nics->running)
		return;
	atomic_store_explicit(&nics->stop, true, memory_order_relaxed);
	pthread_join(nics->thread, NULL);
	nics->running = false;
}

void tg_nics_close(struct tg_nics *nics)
{
	if (nics == NULL)
		return;
	tg_offload_free(nics->offload);
	tg_nic_profiles_free(nics->profiles);
	free(nics);
}

struct tg_offload *tg_nics_offload(const struct tg_nics *nics)
{
	return nics->offload;
}

/* Where no port can do anything. */
static int report_without(struct tg_nics *nics, int *fd)
{
	for (uint16_t i = 0; i < nics->ports->n; i++) {
		struct tg_hw_port *port = &nics->refused[i];

		snprintf(port->name, sizeof(port->name), "%s", nics->ports->v[i].spec.name);
		snprintf(port->profile, sizeof(port->profile), "%s",
			nics->profile[i] != NULL ? nics->profile[i]->name : "");
		port->flags = nics->ports->v[i].up ? TG_HW_PORT_UP : 0;
		port->placement = nics->placement[i];
	}
	return tg_offload_report_without(
		nics->enabled ? TG_HW_NOTHING : TG_HW_OFF, nics->refused, nics->ports->n, fd);
}

int tg_nics_report(void *arg, const struct tg_msg_offload_get *get, int *fd)
{
	struct tg_nics *nics = arg;

	if (nics->offload == NULL)
		return report_without(nics, fd);
	return tg_offload_report(nics->offload, get, nics->placement, REPORT_WAIT_MS, fd);
}

void tg_nics_links(struct tg_nics *nics)
{
	if (nics->offload == NULL)
		return;
	for (uint16_t i = 0; i < nics->ports->n; i++) {
		bool up = nics->ports->v[i].up;

		if (up == nics->up[i])
			continue;
		nics->up[i] = up;
		tg_offload_link(nics->offload, i, up);
	}
}

int tg_nics_reset_begin(struct tg_nics *nics, uint16_t port)
{
	if (nics->offload == NULL)
		return 0;
	return tg_offload_reset_begin(nics->offload, port, RESET_WAIT_MS);
}

void tg_nics_reset_open(struct tg_nics *nics, uint16_t port)
{
	if (nics->offload != NULL)
		tg_offload_reset_open(nics->offload, port);
}

void tg_nics_reset_end(struct tg_nics *nics)
{
	if (nics->offload != NULL)
		tg_offload_reset_end(nics->offload);
}

void tg_nics_reset_over(struct tg_nics *nics, uint16_t port)
{
	nics->up[port] = false;
}

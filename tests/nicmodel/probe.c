/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver: devices from arguments, or from tests in the same process. */
#include "model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>

#include "device.h"

static const char *const keys[] = {"lower", "profile", "switch", "on", "off", "reset", NULL};

/* Of nicmodel_create(), which probes on its own thread. */
static __thread const struct tg_nic_profile *given_profile;

struct arguments {
	struct nm_device_config config;
	uint32_t on, off; /* quirks */
};

static int take_text(const char *key, const char *value, void *to)
{
	*(const char **)to = value;
	return value != NULL ? 0 : -EINVAL;
}

static int take_number(const char *key, const char *value, void *to)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end != '\0' || n < 0 || n > INT_MAX)
		return -EINVAL;
	*(int *)to = (int)n;
	return 0;
}

static int take_quirk(const char *key, const char *value, void *to)
{
	static const char *const ids[] = {
#define X(sym, id, happens, refused) id,
		TG_NIC_HAZARDS(X)
#undef X
	};

	for (unsigned int i = 0; i < TG_NIC_HAZARD_COUNT; i++)
		if (strcmp(ids[i], value) == 0 || strcmp("all", value) == 0)
			*(uint32_t *)to |= 1u << i;
	return *(uint32_t *)to != 0 ? 0 : -EINVAL;
}

static int read_arguments(struct rte_kvargs *list, struct arguments *a)
{
	const char *profile = NULL;
	int rc = rte_kvargs_process(list, "lower", take_text, &a->config.lower);

	if (rc == 0)
		rc = rte_kvargs_process(list, "switch", take_number, &a->config.number);
	if (rc == 0)
		rc = rte_kvargs_process(list, "reset", take_text, &a->config.reset);
	if (rc == 0)
		rc = rte_kvargs_process(list, "on", take_quirk, &a->on);
	if (rc == 0)
		rc = rte_kvargs_process(list, "off", take_quirk, &a->off);
	if (rc == 0)
		rc = rte_kvargs_process(list, "profile", take_text, &profile);
	if (rc == 0 && profile != NULL)
		rc = nm_profile_load(profile, &a->config.profile);
	return rc != 0 || a->config.lower == NULL ? -EINVAL : 0;
}

static void apply_quirks(const char *name, const struct arguments *a)
{
	struct nicmodel_quirks quirks;
	uint16_t port;

	if (rte_eth_dev_get_port_by_name(name, &port) != 0)
		return;
	nicmodel_quirks_get(port, &quirks);
	quirks.on = (quirks.on & ~a->off) | a->on;
	nicmodel_quirks_set(port, &quirks);
}

static int probe(struct rte_vdev_device *vdev)
{
	struct arguments a = {.config = {.profile = given_profile, .number = -1}};
	struct rte_kvargs *list;
	int rc;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	list = rte_kvargs_parse(rte_vdev_device_args(vdev), keys);
	if (list == NULL)
		return -EINVAL;
	rc = read_arguments(list, &a);
	if (rc == 0)
		rc = nm_device_make(vdev, &a.config);
	if (rc == 0)
		apply_quirks(rte_vdev_device_name(vdev), &a);
	else
		fprintf(stderr,
			"%s: lower=PORT[,profile=FILE][,switch=N][,on=QUIRK][,off=QUIRK]"
			"[,reset=FILE]\n",
			rte_vdev_device_name(vdev));
	rte_kvargs_free(list);
	return rc;
}

static struct rte_vdev_driver driver = {.probe = probe, .remove = nm_device_remove};

RTE_PMD_REGISTER_VDEV(net_tgmodel, driver);
RTE_PMD_REGISTER_PARAM_STRING(net_tgmodel,
	"lower=<port> profile=<file> switch=<int> on=<quirk> off=<quirk> reset=<file>");

int nicmodel_create(const struct nicmodel_config *config, uint16_t *port)
{
	char arguments[256];
	int rc;

	snprintf(arguments, sizeof(arguments), "lower=%s", config->lower);
	if (config->nic >= 0)
		snprintf(arguments, sizeof(arguments), "lower=%s,switch=%d", config->lower,
			config->nic);
	given_profile = config->profile;
	rc = rte_vdev_init(config->name, arguments);
	given_profile = NULL;
	return rc == 0 ? rte_eth_dev_get_port_by_name(config->name, port) : rc;
}

int nicmodel_destroy(uint16_t id)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int rc = rte_eth_dev_get_name_by_port(id, name);

	if (rc != 0)
		return rc;
	if (rte_eth_devices[id].data->dev_started)
		rte_eth_dev_stop(id);
	return rte_vdev_uninit(name);
}

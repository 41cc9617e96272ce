/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "eal.h"
#include "log.h"
#include "ports.h"
#include "vec.h"

#define MAIN_LCORE 0u

/* Arguments as rte_eal_init takes them. */
struct args {
	char **v;
	size_t n, cap;
};

static int add(struct args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int add(struct args *args, const char *fmt, ...)
{
	va_list list;
	char *text;
	int n;

	va_start(list, fmt);
	n = vasprintf(&text, fmt, list);
	va_end(list);
	if (n < 0)
		return -ENOMEM;
	if (tg_vec_push(args, text) != 0) {
		free(text);
		return -ENOMEM;
	}
	return 0;
}

static void free_args(struct args *args)
{
	for (size_t i = 0; i < args->n; i++)
		free(args->v[i]);
	tg_vec_free(args);
}

unsigned int tg_eal_lcore(uint32_t index)
{
	return MAIN_LCORE + 1 + index;
}

/* The CPUs that the process may use, as "(0,1,5)". */
static int allowed_cpus(char *out, size_t size)
{
	size_t used = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++)
		if (CPU_ISSET(cpu, &set))
			used += (size_t)snprintf(
				out + used, size - used, "%c%d", used == 0 ? '(' : ',', cpu);
	if (used + 2 > size)
		return -E2BIG;
	strcpy(out + used, ")");
	return 0;
}

/* lcore 0 for the control thread, where the kernel puts it; then one for each worker. */
static int add_lcores(struct args *args, const struct tg_dataplane_config *config)
{
	char any[4096], list[8192];
	size_t used;
	int rc;

	rc = allowed_cpus(any, sizeof(any));
	if (rc != 0)
		return rc;
	used = (size_t)snprintf(list, sizeof(list), "%u@%s", MAIN_LCORE, any);
	for (uint32_t w = 0; w < config->datapath.n_workers && used < sizeof(list); w++) {
		if (config->n_cores != 0)
			used += (size_t)snprintf(list + used, sizeof(list) - used, ",%u@%u",
				tg_eal_lcore(w), config->cores[w]);
		else
			used += (size_t)snprintf(
				list + used, sizeof(list) - used, ",%u@%s", tg_eal_lcore(w), any);
	}
	if (used >= sizeof(list))
		return -E2BIG;
	return add(args, "--lcores=%s", list);
}

static int add_memory(struct args *args, const struct tg_dataplane_config *config)
{
	int rc = 0;

	if (!config->huge_pages)
		rc = add(args, "--no-huge");
	if (rc == 0)
		rc = add(args, "-m") != 0 ? -ENOMEM : add(args, "%u", config->memory_mb);
	if (rc == 0 && config->file_prefix != NULL)
		return add(args, "--file-prefix=%s", config->file_prefix);
	/* No files of EAL's own; ordinary memory is no file anyway. */
	if (rc == 0)
		rc = add(args, "%s", config->huge_pages ? "--in-memory" : "--no-shconf");
	if (rc == 0 && !config->huge_pages)
		rc = add(args, "--file-prefix=tidegate");
	return rc;
}

static int add_devices(struct args *args, const struct tg_dataplane_config *config)
{
	char device[TG_DEVICE_TEXT];
	bool pci = false;
	int rc = 0;

	for (uint32_t i = 0; i < config->datapath.n_ports && rc == 0; i++) {
		rc = tg_port_prepare(&config->ports[i], config->datapath.n_workers, device);
		if (rc != 0)
			break;
		if (tg_port_is_pci(device)) {
			pci = true;
			rc = add(args, "--allow=%s", device);
		} else {
			rc = add(args, "--vdev=%s", device);
		}
	}
	if (rc == 0 && !pci)
		rc = add(args, "--no-pci");
	return rc;
}

static int fill_args(struct args *args, const struct tg_dataplane_config *config)
{
	int rc;

	rc = add(args, "tidegate-dataplane");
	if (rc == 0)
		rc = add_lcores(args, config);
	if (rc == 0)
		rc = add_memory(args, config);
	/* Devices may be made of others that these arguments name. */
	for (uint32_t i = 0; i < config->n_eal_args && rc == 0; i++)
		rc = add(args, "%s", config->eal_args[i]);
	if (rc == 0)
		rc = add_devices(args, config);
	if (rc == 0 && config->file_prefix == NULL)
		rc = add(args, "--no-telemetry");
	/* What EAL says besides warnings is of interest when something is looked for. */
	if (rc == 0)
		rc = add(args, "--log-level=%s",
			config->log_level == TG_LOG_DEBUG ? "info" : "warning");
	return rc;
}

/* EAL takes an array that it may permute: what has to be freed stays in `args`. */
static int start(const struct args *args)
{
	char **copy = calloc(args->n + 1, sizeof(*copy));
	int rc = 0;

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, args->v, args->n * sizeof(*copy));
	if (rte_eal_init((int)args->n, copy) < 0)
		rc = rte_errno != 0 ? -rte_errno : -EINVAL;
	free(copy);
	return rc;
}

int tg_eal_start(const struct tg_dataplane_config *config)
{
	struct args args = {0};
	int rc;

	rc = fill_args(&args, config);
	if (rc == 0) {
		for (size_t i = 1; i < args.n; i++)
			tg_log_debug("eal: %s", args.v[i]);
		rc = start(&args);
		if (rc != 0)
			tg_log_err("DPDK cannot be started: %s%s", strerror(-rc),
				config->huge_pages
					? " (huge pages: reserve them, or set eal.huge-pages: false)"
					: "");
	}
	free_args(&args);
	return rc;
}

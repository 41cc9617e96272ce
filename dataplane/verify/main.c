/* SPDX-License-Identifier: BSD-3-Clause */
/* tidegate-nic-verify: what `tidegate nic verify` runs. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "options.h"
#include "print.h"

#define ARGS_MAX (16 + 2 * ROLE_COUNT + OPTIONS_EAL_MAX)
#define MBUFS 8191
#define FAILED 2

/* What one run has opened. */
struct run {
	struct options options;
	struct tg_nic_profiles *profiles;
	struct tg_verify_config config;
	uint16_t ports[ROLE_COUNT];
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "tidegate nic verify: %s: %s\n", what, why);
	return FAILED;
}

static bool is_pci(const char *device)
{
	unsigned int domain, bus, slot, function;
	char rest;

	return sscanf(device, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function, &rest) >= 4;
}

/* One core, memory of its own: nothing is left behind, nothing met. */
static int start_eal(const struct options *options)
{
	char allowed[ROLE_COUNT][512], cpu[16];
	const char *args[ARGS_MAX];
	int n = 0, first = 0;
	cpu_set_t cpus;
	bool pci = false;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return -errno;
	while (first < CPU_SETSIZE && !CPU_ISSET(first, &cpus))
		first++;
	snprintf(cpu, sizeof(cpu), "0@%d", first);
	args[n++] = "tidegate-nic-verify";
	args[n++] = "--lcores";
	args[n++] = cpu;
	args[n++] = "--no-telemetry";
	args[n++] = "--log-level=warning";
	args[n++] = options->no_huge ? "--no-huge" : "--in-memory";
	if (options->no_huge) {
		args[n++] = "--no-shconf";
		args[n++] = "-m";
		args[n++] = "256";
	}
	/* First: drivers and devices that the ports need. */
	for (uint32_t i = 0; i < options->n_eal; i++)
		args[n++] = options->eal[i];
	for (int r = 0; r < ROLE_COUNT; r++) {
		const char *device = options->devices[r];

		if (device == NULL)
			continue;
		pci |= is_pci(device);
		snprintf(allowed[r], sizeof(allowed[r]), "--%s=%s",
			is_pci(device) ? "allow" : "vdev", device);
		args[n++] = allowed[r];
	}
	if (!pci)
		args[n++] = "--no-pci";
	return rte_eal_init(n, (char **)args) < 0 ? -rte_errno : 0;
}

/* As DPDK calls it: without arguments. */
static void name_of(const char *device, char name[RTE_ETH_NAME_MAX_LEN])
{
	snprintf(name, RTE_ETH_NAME_MAX_LEN, "%.*s", (int)strcspn(device, ","), device);
}

static int open_role(struct run *run, enum role role)
{
	const char *device = run->options.devices[role];
	char name[RTE_ETH_NAME_MAX_LEN];
	int rc;

	run->ports[role] = TG_VERIFY_NONE;
	if (device == NULL)
		return 0;
	name_of(device, name);
	rc = rte_eth_dev_get_port_by_name(name, &run->ports[role]);
	if (rc == 0)
		rc = tg_verify_port_open(run->ports[role], run->config.pool);
	if (rc != 0)
		fail(device, rc == -ENODEV ? "there is no such port" : strerror(-rc));
	return rc;
}

static int open_ports(struct run *run)
{
	int rc = 0;

	run->config.pool = rte_pktmbuf_pool_create(
		"verify", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (run->config.pool == NULL)
		return fail("packet buffers", rte_strerror(rte_errno));
	for (int r = 0; r < ROLE_COUNT && rc == 0; r++)
		rc = open_role(run, (enum role)r);
	run->config.port = run->ports[ROLE_PORT];
	run->config.generator = run->ports[ROLE_GENERATOR];
	run->config.other = run->ports[ROLE_OTHER];
	run->config.catcher = run->ports[ROLE_CATCHER];
	return rc;
}

static void close_ports(const struct run *run)
{
	for (int r = 0; r < ROLE_COUNT; r++)
		if (run->ports[r] != TG_VERIFY_NONE) {
			rte_eth_dev_stop(run->ports[r]);
			rte_eth_dev_close(run->ports[r]);
		}
}

static int load_profiles(struct run *run)
{
	char *errors = NULL;
	int rc = tg_nic_profiles_load(run->options.folder, &run->profiles, &errors);

	if (rc != 0)
		fail(run->options.folder, errors != NULL ? errors : strerror(-rc));
	free(errors);
	return rc;
}

static int choose_profile(struct run *run, const char *driver)
{
	char id[TG_NIC_DEVICE_TEXT], address[RTE_ETH_NAME_MAX_LEN];
	const char *name = run->options.profile;

	name_of(run->options.devices[ROLE_PORT], address);
	run->config.profile = name != NULL ? tg_nic_profiles_find(run->profiles, name)
					   : tg_nic_profiles_select(run->profiles, driver,
						     tg_nic_device(address, id));
	if (run->config.profile == NULL)
		return fail(name != NULL ? name : driver, "there is no such profile");
	return 0;
}

static void wait_ms(uint32_t ms)
{
	usleep(1000 * ms);
}

static int print(const struct run *run, const char *driver, bool complete,
	const struct tg_verify_report *report)
{
	char firmware[64] = "unknown", date[16], id[TG_NIC_DEVICE_TEXT];
	char address[RTE_ETH_NAME_MAX_LEN];
	const char *device;
	struct subject subject = {.profile = run->config.profile->name,
		.device = run->options.devices[ROLE_PORT],
		.driver = driver,
		.nic = run->options.nic,
		.firmware = firmware,
		.date = date,
		.complete = complete};
	time_t now = time(NULL);

	name_of(subject.device, address);
	device = tg_nic_device(address, id);
	if (subject.nic == NULL)
		subject.nic = device != NULL ? device : driver;
	if (rte_eth_dev_fw_version_get(run->config.port, firmware, sizeof(firmware)) != 0)
		snprintf(firmware, sizeof(firmware), "unknown");
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&now));
	if (run->options.json)
		return print_json(stdout, &subject, report);
	print_text(stdout, &subject, report);
	return 0;
}

static int verify(struct run *run)
{
	struct tg_verify_report lines = {0};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(run->config.port, &info), code;

	if (rc != 0)
		return fail(run->options.devices[ROLE_PORT], strerror(-rc));
	if (choose_profile(run, info.driver_name) != 0)
		return FAILED;
	rc = tg_verify_run(&run->config, &lines);
	code = print(run, info.driver_name, rc == 0, &lines) != 0 ? FAILED
	       : tg_verify_count(&lines, TG_VERIFY_WRONG) != 0	  ? 1
								  : 0;
	if (rc != 0)
		code = fail("given up",
			rc == -ENOLINK ? "no packet of the generator arrives" : strerror(-rc));
	tg_verify_report_free(&lines);
	return code;
}

int main(int argc, char **argv)
{
	struct run run = {.config = {.wait = wait_ms},
		.ports = {TG_VERIFY_NONE, TG_VERIFY_NONE, TG_VERIFY_NONE, TG_VERIFY_NONE}};
	int code = options_read(&run.options, argc, argv);

	if (code >= 0)
		return code;
	run.config.capacity = run.options.capacity;
	if (load_profiles(&run) != 0)
		return FAILED;
	if (start_eal(&run.options) != 0) {
		tg_nic_profiles_free(run.profiles);
		return fail("DPDK cannot be started", rte_strerror(rte_errno));
	}
	code = open_ports(&run) == 0 ? verify(&run) : FAILED;
	close_ports(&run);
	rte_eal_cleanup();
	tg_nic_profiles_free(run.profiles);
	return code;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "bench.h"

#define WAY_RULES 8 /* that lead to what is tried, and more than one of them */

const char *tg_verify_verdict_name(enum tg_verify_verdict verdict)
{
	static const char *const names[] = {
#define X(sym, text) [TG_VERIFY_##sym] = (text),
		TG_VERIFY_VERDICTS(X)
#undef X
	};

	return names[verdict];
}

uint32_t tg_verify_count(const struct tg_verify_report *report, enum tg_verify_verdict verdict)
{
	uint32_t n = 0;

	for (size_t i = 0; i < report->lines.n; i++)
		n += report->lines.v[i].verdict == verdict;
	return n;
}

void tg_verify_report_free(struct tg_verify_report *report)
{
	tg_vec_free(&report->lines);
}

/* --- the device --- */

static void check_driver(struct bench *bench, const struct rte_eth_dev_info *info)
{
	for (const char *const *d = bench->listed.drivers; *d != NULL; d++)
		if (strcmp(*d, info->driver_name) == 0) {
			line_add(bench, NULL, TG_VERIFY_OK, "drivers", "%s", *d);
			return;
		}
	line_add(bench, NULL, TG_VERIFY_UNTESTED, "drivers",
		"the port's driver is %s, which the profile does not name", info->driver_name);
}

static void check_thread_safe(struct bench *bench, const struct rte_eth_dev_info *info)
{
	bool safe = (*info->dev_flags & RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE) != 0;

	if (bench->listed.thread_safe)
		line_add(bench, NULL, safe ? TG_VERIFY_OK : TG_VERIFY_WRONG, "thread-safe", "%s",
			safe ? "the driver says so" : "the driver does not say so");
}

static void say_untested(struct bench *bench)
{
	const struct tg_nic_profile *said = bench->config->profile;
	const struct {
		const char *line;
		bool there;
		const char *why;
	} rows[] = {
		{"devargs", said->devargs[0] != NULL, "settings of a device cannot be read back"},
		{"firmware", said->firmware != NULL, "only the one that is there is tried"},
		{"same-switch", said->same_switch, "would need a port of another switch"},
		{"max-connections", said->max_connections != 0, "see capacity"},
		{"insert-rate", said->insert_rate != 0, "see insertion and removal"},
		{"range-ignored", said->hazards[TG_NIC_HAZARD_RANGE_IGNORED].present,
			"ranges are never asked for"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].there)
			line_add(bench, NULL, TG_VERIFY_UNTESTED, rows[i].line, "%s", rows[i].why);
}

void check_device(struct bench *bench)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(bench->config->port, &info);

	if (rc != 0) {
		bench->failed = rc;
		return;
	}
	check_driver(bench, &info);
	check_thread_safe(bench, &info);
	say_untested(bench);
	check_placement(bench);
	if (bench->listed.n_engines == 0)
		line_add(bench, NULL, TG_VERIFY_OK, "engines", "none: nothing is offered");
}

/* --- engines --- */

/* By what a match is seen; 0: by nothing. */
static uint32_t find_fate(const struct bench *bench, const struct tg_nic_engine *engine)
{
	static const uint32_t fates[] = {
		BIT(TG_NIC_DROP), BIT(TG_NIC_MARK) | BIT(TG_NIC_SOFTWARE), BIT(TG_NIC_SOFTWARE)};

	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		if ((engine->actions & fates[i]) == fates[i] &&
			(fates[i] != BIT(TG_NIC_SOFTWARE) || bench->queues > 1))
			return fates[i];
	return 0;
}

static void check_scope(const struct scope *scope)
{
	static void (*const checks[])(const struct scope *scope) = {check_marks, check_protocols,
		check_fields, check_kinds, check_priorities, check_groups, check_duplicates,
		check_counters, check_age, check_forward, check_room, check_stop};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (scope->bench->failed == 0)
			checks[i](scope);
}

static void check_engine(struct bench *bench, const struct tg_nic_engine *engine)
{
	for (int domain = 0; domain < TG_NIC_DOMAIN_COUNT; domain++) {
		struct scope scope = {.bench = bench,
			.engine = engine,
			.domain = (uint8_t)domain,
			.fate = find_fate(bench, engine)};

		if ((engine->domains & BIT(domain)) == 0)
			continue;
		snprintf(scope.name, sizeof(scope.name), "%.40s %s", engine->name,
			tg_nic_domain_name((enum tg_nic_domain)domain));
		if (domain == TG_NIC_EGRESS || scope.fate == 0)
			line_add(bench, &scope, TG_VERIFY_UNTESTED, "all of it", "%s",
				domain == TG_NIC_EGRESS ? "rules of egress are not tried"
							: "no action shows what a rule matches");
		else
			check_scope(&scope);
	}
}

static void check_engines(struct bench *bench)
{
	for (size_t i = 0; i < bench->listed.n_engines; i++)
		check_engine(bench, &bench->listed.engines[i]);
}

/* --- all --- */

static int open_flow(struct bench *bench)
{
	uint32_t rules = bench->config->capacity > RATE_RULES ? bench->config->capacity
							      : RATE_RULES;
	struct tg_flow_config config = {.ethdev = bench->config->port,
		.profile = &bench->listed,
		.rules_max = rules + WAY_RULES,
		.queue = bench->queues - 1,
		.n_queues = 1};

	if (bench->listed.templates) {
		bench->collecting = true;
		check_engines(bench);
		bench->collecting = false;
		if (bench->failed != 0)
			return bench->failed;
	}
	return tg_flow_open(&config, bench->shapes.v, (uint32_t)bench->shapes.n, &bench->flow);
}

static int check_rules(struct bench *bench)
{
	int rc = rte_eth_dev_stop(bench->config->port), started;

	if (rc == 0)
		rc = open_flow(bench);
	started = rte_eth_dev_start(bench->config->port);
	if (rc == -ENOTSUP) {
		line_add(bench, NULL, TG_VERIFY_WRONG, "engines",
			"the driver takes no rules at all");
		return started;
	}
	if (rc == 0 && started == 0)
		check_engines(bench);
	tg_flow_close(bench->flow);
	return rc != 0 ? rc : started;
}

static int learn_port(struct bench *bench)
{
	struct rte_ether_addr mac;
	struct rte_eth_dev_info info;
	int rc = rte_eth_macaddr_get(bench->config->port, &mac);

	if (rc == 0)
		rc = rte_eth_dev_info_get(bench->config->port, &info);
	if (rc != 0)
		return rc;
	memcpy(bench->mac, mac.addr_bytes, sizeof(bench->mac));
	bench->queues = info.nb_rx_queues;
	return 0;
}

int tg_verify_run(const struct tg_verify_config *config, struct tg_verify_report *report)
{
	struct bench bench = {.config = config, .listed = *config->profile, .report = report};
	int rc = learn_port(&bench);

	memset(bench.listed.hazards, 0, sizeof(bench.listed.hazards));
	if (rc == 0)
		check_device(&bench);
	if (rc == 0 && bench.listed.n_engines != 0)
		rc = check_rules(&bench);
	tg_vec_free(&bench.shapes);
	return bench.failed != 0 ? bench.failed : rc;
}

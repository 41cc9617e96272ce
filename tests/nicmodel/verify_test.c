/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trying a profile on a NIC, which the model stands for: what does as its profile says is found to,
 * and each way of not doing so is found on the line that it is about.
 */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_ring.h>

#include "verify.h"

#define B(action) (1u << TG_NIC_##action)
#define QUEUES 2
#define RING 1024

/* Two ports of the NIC, each cabled to a port that is none of it. */
static struct {
	struct rte_mempool *pool;
	uint16_t far[2], port[2];
} lab2;

static struct tg_nic_profiles *profiles;

static void make_cable(unsigned int i)
{
	struct rte_ring *rings[2][QUEUES];
	char name[32];
	int far;

	for (unsigned int way = 0; way < 2; way++)
		for (unsigned int q = 0; q < QUEUES; q++) {
			snprintf(name, sizeof(name), "cable%u_%u_%u", i, way, q);
			rings[way][q] = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
			assert_non_null(rings[way][q]);
		}
	snprintf(name, sizeof(name), "near%u", i);
	assert_true(
		rte_eth_from_rings(name, rings[0], QUEUES, rings[1], QUEUES, SOCKET_ID_ANY) >= 0);
	snprintf(name, sizeof(name), "far%u", i);
	far = rte_eth_from_rings(name, rings[1], QUEUES, rings[0], QUEUES, SOCKET_ID_ANY);
	assert_true(far >= 0);
	lab2.far[i] = (uint16_t)far;
	assert_int_equal(tg_verify_port_open(lab2.far[i], lab2.pool), 0);
}

static int start(void **state)
{
	char *errors = NULL;

	lab_eal();
	lab2.pool = rte_pktmbuf_pool_create("verify", 4095, 0, 0, 2048 + 128, SOCKET_ID_ANY);
	assert_non_null(lab2.pool);
	for (unsigned int i = 0; i < 2; i++)
		make_cable(i);
	if (tg_nic_profiles_load(NIC_PROFILES, &profiles, &errors) != 0)
		fail_msg("%s", errors);
	return 0;
}

static int stop(void **state)
{
	tg_nic_profiles_free(profiles);
	return 0;
}

static void open_nic(const struct tg_nic_profile *profile)
{
	char name[32], lower[32];
	struct nicmodel_config config = {
		.name = name, .lower = lower, .profile = profile, .nic = 9};

	nicmodel_clock_stop();
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "net_tgmodel%u", i);
		snprintf(lower, sizeof(lower), "net_ring_near%u", i);
		assert_int_equal(nicmodel_create(&config, &lab2.port[i]), 0);
		assert_int_equal(tg_verify_port_open(lab2.port[i], lab2.pool), 0);
	}
}

/* No rule is left, and the NIC was asked for nothing that is not there. */
static void close_nic(bool tidy)
{
	struct nicmodel_rules rules;

	nicmodel_rules(lab2.port[0], &rules);
	if (tidy) {
		assert_int_equal(rules.rules, 0);
		assert_int_equal(rules.handles, 0);
		assert_int_equal(rules.stale_handles, 0);
		assert_int_equal(rules.leaked, 0);
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(nicmodel_destroy(lab2.port[i]), 0);
	nicmodel_clock_run();
}

static void let_pass(uint32_t ms)
{
	nicmodel_clock_advance(ms);
}

static struct tg_verify_config config_of(const struct tg_nic_profile *profile)
{
	return (struct tg_verify_config){.profile = profile,
		.port = lab2.port[0],
		.generator = lab2.far[0],
		.other = lab2.port[1],
		.catcher = lab2.far[1],
		.pool = lab2.pool,
		.wait = let_pass};
}

static void run(
	const struct tg_nic_profile *said, uint32_t capacity, struct tg_verify_report *report)
{
	struct tg_verify_config config = config_of(said);

	config.capacity = capacity;
	*report = (struct tg_verify_report){0};
	assert_int_equal(tg_verify_run(&config, report), 0);
	if (getenv("VERIFY_SHOW") != NULL)
		for (size_t i = 0; i < report->lines.n; i++)
			printf("%-19s %s: %s: %s: %s\n",
				tg_verify_verdict_name(report->lines.v[i].verdict), said->name,
				report->lines.v[i].engine, report->lines.v[i].line,
				report->lines.v[i].why);
}

static const struct tg_verify_line *find_wrong(
	const struct tg_verify_report *report, const char *begin)
{
	for (size_t i = 0; i < report->lines.n; i++)
		if (report->lines.v[i].verdict == TG_VERIFY_WRONG &&
			strncmp(report->lines.v[i].line, begin, strlen(begin)) == 0)
			return &report->lines.v[i];
	return NULL;
}

static void assert_right(
	const struct tg_nic_profile *profile, const struct tg_verify_report *report)
{
	const struct tg_verify_line *wrong = find_wrong(report, "");

	if (wrong != NULL)
		fail_msg("%s: %s: %s: %s", profile->name, wrong->engine, wrong->line, wrong->why);
	assert_int_not_equal(tg_verify_count(report, TG_VERIFY_OK), 0);
}

/* Every shipped profile of a NIC that does what it says, hazards and all. */
static void right_profiles_are_ok(void **state)
{
	struct tg_verify_report report;

	for (size_t i = 0; i < tg_nic_profiles_count(profiles); i++) {
		const struct tg_nic_profile *profile = tg_nic_profiles_at(profiles, i);

		open_nic(profile);
		run(profile, 0, &report);
		assert_right(profile, &report);
		tg_verify_report_free(&report);
		close_nic(true);
	}
}

/* A NIC that does all there is. */
static void everything_is_ok(void **state)
{
	struct tg_nic_profile profile;
	struct tg_verify_report report;

	for (int templates = 0; templates < 2; templates++) {
		lab_profile(&profile);
		profile.templates = templates != 0;
		open_nic(&profile);
		run(&profile, 0, &report);
		assert_right(&profile, &report);
		tg_verify_report_free(&report);
		close_nic(true);
	}
}

/* What a NIC does wrong that its profile does not say, and the line where that shows. */
static const struct {
	enum tg_nic_hazard_id quirk;
	const char *line;
} quirks[] = {
	{TG_NIC_HAZARD_MASK_WIDENED, "ipv4.src mask prefix"},
	{TG_NIC_HAZARD_MASK_WIDENED, "ipv4.src mask any"},
	{TG_NIC_HAZARD_PRIORITY_IGNORED, "priority 0 before 1"},
	{TG_NIC_HAZARD_GROUP_IGNORED, "groups"},
	{TG_NIC_HAZARD_FIRST_WINS, "duplicates"},
	{TG_NIC_HAZARD_VLAN_BLIND, "a match without tags"},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, "ports and fragments"},
	{TG_NIC_HAZARD_STALE_COUNTER, "counters"},
	{TG_NIC_HAZARD_COUNTER_FAILS, "counters"},
	{TG_NIC_HAZARD_LATE_INSERT, "drop"},
	{TG_NIC_HAZARD_LOST_ON_STOP, "on-stop"},
	{TG_NIC_HAZARD_NO_OPTIONS, "ports and IPv4 options"},
	{TG_NIC_HAZARD_EXTENSIONS, "ports and extension headers"},
	{TG_NIC_HAZARD_KEY_IGNORED, "placement udp4"},
};

static void switch_on(enum tg_nic_hazard_id quirk)
{
	struct nicmodel_quirks q;

	nicmodel_quirks_get(lab2.port[0], &q);
	q.on |= 1u << quirk;
	q.widened = B(IPV4_SRC);
	q.stale_ms = 1000;
	q.fail_every = 2;
	q.late_ms = 20;
	nicmodel_quirks_set(lab2.port[0], &q);
}

static void quirks_are_wrong(void **state)
{
	for (size_t i = 0; i < RTE_DIM(quirks); i++) {
		struct tg_nic_profile profile;
		struct tg_verify_report report;

		lab_profile(&profile);
		open_nic(&profile);
		switch_on(quirks[i].quirk);
		run(&profile, 0, &report);
		if (find_wrong(&report, quirks[i].line) == NULL)
			fail_msg("%s is not seen at \"%s\"", tg_nic_hazard_id_name(quirks[i].quirk),
				quirks[i].line);
		tg_verify_report_free(&report);
		close_nic(false);
	}
}

/* A profile that does not own up to what its NIC does. */
static void hidden_hazards_are_wrong(void **state)
{
	static const struct {
		const char *profile;
		enum tg_nic_hazard_id hazard;
		const char *line;
	} rows[] = {
		{"i40e", TG_NIC_HAZARD_MASK_WIDENED, "ipv6.dst mask any"},
		{"i40e", TG_NIC_HAZARD_VLAN_BLIND, "a match without tags"},
		{"tap", TG_NIC_HAZARD_FRAGMENT_MATCHED, "ports and fragments"},
		{"cnxk", TG_NIC_HAZARD_FRAGMENT_MATCHED, "ports and fragments"},
		{"sfc-ef100", TG_NIC_HAZARD_EXTENSIONS, "ports and extension headers"},
		{"mlx5-cx6dx", TG_NIC_HAZARD_NO_OPTIONS, "ports and IPv4 options"},
		{"mlx5-cx6dx-templates", TG_NIC_HAZARD_VLAN_BLIND, "a match without tags"},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct tg_nic_profile *real = tg_nic_profiles_find(profiles, rows[i].profile);
		struct tg_nic_profile said = *real;
		struct tg_verify_report report;

		said.hazards[rows[i].hazard].present = false;
		open_nic(real);
		run(&said, 0, &report);
		if (find_wrong(&report, rows[i].line) == NULL)
			fail_msg("%s: %s is not seen", rows[i].profile, rows[i].line);
		tg_verify_report_free(&report);
		close_nic(true);
	}
}

static void claim_flags(struct tg_nic_profile *said)
{
	said->engines[0].masking[TG_NIC_TCP_FLAGS] = TG_NIC_MASK_ANY;
}

static void claim_prefixes(struct tg_nic_profile *said)
{
	said->engines[0].masking[TG_NIC_IPV4_DST] = TG_NIC_MASK_PREFIX;
}

static void claim_icmp(struct tg_nic_profile *said)
{
	said->engines[0].protocols |= 1u << TG_NIC_PROTOCOL_ICMP;
}

static void claim_untagged(struct tg_nic_profile *said)
{
	said->engines[0].untagged = true;
}

static void claim_tagged(struct tg_nic_profile *said)
{
	said->engines[0].tagged = true;
}

static void claim_age(struct tg_nic_profile *said)
{
	said->engines[0].actions |= B(AGE);
}

static void claim_forward(struct tg_nic_profile *said)
{
	said->engines[0].actions |= B(FORWARD);
}

static void claim_priorities(struct tg_nic_profile *said)
{
	said->engines[0].n_priorities = 4;
	said->hazards[TG_NIC_HAZARD_PRIORITY_IGNORED].present = false;
}

static void claim_fresh_counters(struct tg_nic_profile *said)
{
	said->engines[0].counters.stale_ms = 10;
}

static void claim_kept(struct tg_nic_profile *said)
{
	said->on_stop = TG_NIC_ON_STOP_KEPT;
}

static void claim_room(struct tg_nic_profile *said)
{
	said->engines[0].capacity = 10000;
}

static void claim_threads(struct tg_nic_profile *said)
{
	said->thread_safe = true;
}

/* A profile that says more than its NIC does. */
static void claims_are_wrong(void **state)
{
	static const struct {
		const char *profile;
		void (*claim)(struct tg_nic_profile *said);
		const char *line;
	} rows[] = {
		{"cxgbe", claim_flags, "tcp.flags mask exact"},
		{"cxgbe", claim_prefixes, "ipv4.dst mask prefix"},
		{"enic", claim_icmp, "protocol icmp in IPv4"},
		{"enic", claim_untagged, "untagged"},
		{"cxgbe", claim_tagged, "tagged"},
		{"enic", claim_age, "age"},
		{"enic", claim_forward, "forward"},
		{"cxgbe", claim_priorities, "priority 0 before 1"},
		{"enic", claim_threads, "thread-safe"},
		{"bnxt", claim_fresh_counters, "counters"},
		{"bnxt", claim_room, "capacity"},
		{"bnxt", claim_kept, "on-stop"},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct tg_nic_profile *real = tg_nic_profiles_find(profiles, rows[i].profile);
		struct tg_nic_profile said = *real;
		struct tg_verify_report report;

		rows[i].claim(&said);
		open_nic(real);
		run(&said, 10000, &report);
		if (find_wrong(&report, rows[i].line) == NULL)
			fail_msg("%s: %s is not wrong", rows[i].profile, rows[i].line);
		tg_verify_report_free(&report);
		close_nic(false);
	}
}

/* Nothing arrives: that is no finding about the NIC. */
static void a_missing_cable_is_told(void **state)
{
	const struct tg_nic_profile *profile = tg_nic_profiles_find(profiles, "enic");
	struct tg_verify_report report = {0};
	struct tg_verify_config config;

	open_nic(profile);
	config = config_of(profile);
	config.generator = lab2.far[1];
	assert_int_equal(tg_verify_run(&config, &report), -ENOLINK);
	assert_int_equal(tg_verify_count(&report, TG_VERIFY_WRONG), 0);
	tg_verify_report_free(&report);
	close_nic(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_profiles_are_ok),
		cmocka_unit_test(everything_is_ok),
		cmocka_unit_test(quirks_are_wrong),
		cmocka_unit_test(hidden_hazards_are_wrong),
		cmocka_unit_test(claims_are_wrong),
		cmocka_unit_test(a_missing_cable_is_told),
	};

	return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading profiles: each mistake with its place, which profile a device has, and what is shipped.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "profile.h"

#define BIT(n) (1u << (n))
#define SOURCE "source: net/x/x_flow.c @ v22.11.11"

/* Lines are counted in the table below. */
static const char good[] =
	"title: a NIC\n"
	"dpdk: v22.11.11\n"
	"verified: from-source\n"
	"drivers: {are: [net_x], " SOURCE "}\n"
	"devices: {are: [\"8086:1592\"], " SOURCE "}\n"
	"on-stop: {is: lost, " SOURCE "}\n"
	"engines:\n"
	"  - name: fdir\n"
	"    domains: {are: [ingress], " SOURCE "}\n"
	"    protocols: [{are: [tcp, udp], " SOURCE "}]\n"
	"    fields:\n"
	"      - {are: [ipv4.src, ipv4.dst], mask: prefix, " SOURCE "}\n"
	"      - {are: [tcp.dport], mask: exact, " SOURCE "}\n"
	"    actions: [{are: [drop, count, software, mark], " SOURCE "}]\n"
	"    shapes: {is: limited, max: 64, " SOURCE "}\n"
	"    priorities: {is: 3, " SOURCE "}\n"
	"    capacity: {is: 8192, " SOURCE "}\n"
	"    counters: {hits: true, bytes: true, max: 256, stale-ms: 500, " SOURCE "}\n"
	"    duplicates: {is: refused, " SOURCE "}\n"
	"    marks: {max: 65533, passthru: true, " SOURCE "}\n"
	"strategies:\n"
	"  deny-cache: {use: true, " SOURCE "}\n"
	"  connections: {use: false, why-not: no port, " SOURCE "}\n"
	"  mark: {use: true, " SOURCE "}\n"
	"  symmetric-rss: {use: true, " SOURCE "}\n"
	"hazards:\n"
	"  - {id: mask-widened, fields: [ipv4.src], refuse-when: prefixes, " SOURCE "}\n"
	"  - {id: stale-counter, refuse-when: soon, " SOURCE "}\n"
	"  - {id: lost-on-stop, refuse-when: always, " SOURCE "}\n"
	"placement:\n"
	"  - {are: [tcp4, tcp6], by: key, " SOURCE "}\n"
	"  - {are: [udp4], by: addresses, " SOURCE "}\n";

/* The text with its first `from` replaced; to be freed. */
static char *edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out;

	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
	return out;
}

static void expect_error(const char *text, const char *expected)
{
	struct tg_nic_profiles *profiles;
	char *errors;

	assert_int_equal(
		tg_nic_profiles_parse("x.yaml", text, strlen(text), &profiles, &errors), -EINVAL);
	assert_string_equal(errors, expected);
	free(errors);
}

static struct tg_nic_profiles *parse(const char *name, const char *text)
{
	struct tg_nic_profiles *profiles = NULL;
	char *errors;

	if (tg_nic_profiles_parse(name, text, strlen(text), &profiles, &errors) != 0)
		fail_msg("%s", errors);
	assert_null(errors);
	return profiles;
}

static void test_every_key(void **state)
{
	struct tg_nic_profiles *profiles = parse("some/where/x-1.yaml", good);
	const struct tg_nic_profile *p = tg_nic_profiles_at(profiles, 0);
	const struct tg_nic_engine *e = &p->engines[0];
	const struct tg_nic_hazard *widened = &p->hazards[TG_NIC_HAZARD_MASK_WIDENED];
	char why[TG_NIC_WHY];

	assert_int_equal(tg_nic_profiles_count(profiles), 1);
	assert_string_equal(p->name, "x-1");
	assert_string_equal(p->title, "a NIC");
	assert_string_equal(p->verified, "from-source");
	assert_string_equal(p->drivers[0], "net_x");
	assert_null(p->drivers[1]);
	assert_string_equal(p->devices[0], "8086:1592");
	assert_string_equal(p->source[TG_NIC_FACT_DEVICES], "net/x/x_flow.c @ v22.11.11");
	assert_null(p->source[TG_NIC_FACT_THREAD_SAFE]);
	assert_int_equal(p->on_stop, TG_NIC_ON_STOP_LOST);
	assert_int_equal(p->n_engines, 1);
	assert_int_equal(e->domains, BIT(TG_NIC_INGRESS));
	assert_int_equal(e->protocols, BIT(TG_NIC_PROTOCOL_TCP) | BIT(TG_NIC_PROTOCOL_UDP));
	assert_int_equal(e->masking[TG_NIC_IPV4_DST], TG_NIC_MASK_PREFIX);
	assert_int_equal(e->masking[TG_NIC_TCP_DPORT], TG_NIC_MASK_EXACT);
	assert_int_equal(e->masking[TG_NIC_TCP_SPORT], TG_NIC_MASK_NEVER);
	assert_string_equal(e->field_source[TG_NIC_TCP_DPORT], "net/x/x_flow.c @ v22.11.11");
	assert_null(e->field_source[TG_NIC_TCP_SPORT]);
	assert_false(e->untagged);
	assert_int_equal(e->shapes, TG_NIC_SHAPES_LIMITED);
	assert_int_equal(e->shapes_max, 64);
	assert_int_equal(e->n_groups, 1);
	assert_int_equal(e->n_priorities, 3);
	assert_int_equal(e->capacity, 8192);
	assert_true(e->counters.hits && e->counters.bytes && !e->counters.shared);
	assert_int_equal(e->counters.max, 256);
	assert_int_equal(e->marks.max, 65533);
	assert_true(e->marks.passthru);
	assert_int_equal(e->counters.stale_ms, 500);
	assert_int_equal(e->duplicates, TG_NIC_DUPLICATES_REFUSED);
	assert_int_equal(p->strategies, BIT(TG_NIC_STRATEGY_DENY) | BIT(TG_NIC_STRATEGY_MARK_HINT) |
						BIT(TG_NIC_STRATEGY_STEER));
	assert_int_equal(tg_nic_places(p, why), BIT(TG_NIC_PLACED_TCP4) | BIT(TG_NIC_PLACED_TCP6));
	assert_string_equal(why, "udp4 is placed by addresses, udp6 is placed by none");
	assert_null(p->why_not[TG_NIC_STRATEGY_DENY]);
	assert_string_equal(p->why_not[TG_NIC_STRATEGY_CONNECTIONS], "no port");
	assert_true(widened->present);
	assert_int_equal(widened->engines, 1);
	assert_int_equal(widened->fields, BIT(TG_NIC_IPV4_SRC));
	assert_string_equal(widened->refuse_when, "prefixes");
	assert_false(p->hazards[TG_NIC_HAZARD_VLAN_BLIND].present);
	tg_nic_profiles_free(profiles);
}

static void test_verified_by_somebody(void **state)
{
	char *text =
		edited(good, "from-source", "{nic: E810-C, firmware: '4.40', date: '2026-01-31'}");
	struct tg_nic_profiles *profiles = parse("x.yaml", text);

	assert_string_equal(
		tg_nic_profiles_at(profiles, 0)->verified, "E810-C, firmware 4.40, 2026-01-31");
	tg_nic_profiles_free(profiles);
	free(text);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *from, *to, *expected;
	} rows[] = {
		{"title: a NIC", "caption: a NIC",
			"x.yaml:1: caption: unknown field\nx.yaml:1: title: is required"},
		{"dpdk: v22.11.11", "dpdk: 22",
			"x.yaml:2: dpdk: a string is expected, not a "
			"number (quotes make it one)"},
		{"verified: from-source", "verified: yesterday",
			"x.yaml:3: verified: expected from-source or a map with nic, firmware and "
			"date"},
		{"verified: from-source", "verified: {nic: x, date: today}",
			"x.yaml:3: verified.firmware: is required"},
		{"{are: [net_x], " SOURCE "}", "{are: [net_x]}",
			"x.yaml:4: drivers.source: is required"},
		{"are: [net_x]", "are: []", "x.yaml:4: drivers.are: is required: a list"},
		{"are: [net_x]", "are: [net_x, net_x]",
			"x.yaml:4: drivers.are[1]: is in the list already"},
		{"are: [net_x]", "are: [net x]",
			"x.yaml:4: drivers.are[0]: expected a driver's name such as net_ice, not "
			"\"net x\""},
		{"drivers: {are: [net_x], " SOURCE "}\n", "",
			"x.yaml:1: drivers: is required, of all profiles but generic"},
		{"8086:1592", "8086:159G",
			"x.yaml:5: devices.are[0]: expected vendor and device such as "
			"\"15b3:101d\", not \"8086:159G\""},
		{"8086:1592", "8086:159A",
			"x.yaml:5: devices.are[0]: expected vendor and device such as "
			"\"15b3:101d\", not \"8086:159A\""},
		{"is: lost", "is: gone",
			"x.yaml:6: on-stop.is: expected lost, flushed or kept, not \"gone\""},
		{"is: lost", "is: kept",
			"x.yaml:6: on-stop: the hazard lost-on-stop goes with every other word "
			"than kept"},
		{"on-stop: {is: lost, " SOURCE "}\n", "", "x.yaml:1: on-stop: is required"},
		{"  - name: fdir\n    domains", "  - domains",
			"x.yaml:8: engines[0].name: is required"},
		{"are: [ingress]", "are: [inbound]",
			"x.yaml:9: engines[0].domains.are[0]: expected ingress, egress or "
			"transfer, not \"inbound\""},
		{"    domains: {are: [ingress], " SOURCE "}\n", "",
			"x.yaml:8: engines[0].domains: is required"},
		{"are: [tcp, udp]", "are: [tcp, tcp]",
			"x.yaml:10: engines[0].protocols[0].are[1]: is in the list already"},
		{"mask: prefix", "mask: prefixes",
			"x.yaml:12: engines[0].fields[0].mask: expected none, zero, exact, prefix "
			"or any, not \"prefixes\""},
		{"[tcp.dport]", "[ipv4.src]",
			"x.yaml:13: engines[0].fields[1].are: ipv4.src is listed already"},
		{"mask: exact, " SOURCE, "mask: exact",
			"x.yaml:13: engines[0].fields[1].source: is required"},
		{"mask: exact, source: net/x/x_flow.c @ v22.11.11",
			"mask: exact, source: net/x/x_flow.c",
			"x.yaml:13: engines[0].fields[1].source: expected where it was read and in "
			"which version, such as \"net/i40e/i40e_flow.c @ v22.11.11\""},
		{"max: 64, ", "",
			"x.yaml:15: engines[0].shapes.max: goes with limited, and only with that"},
		{"is: limited", "is: free",
			"x.yaml:15: engines[0].shapes.max: goes with limited, and only with that"},
		{"    shapes: {is: limited, max: 64, " SOURCE "}\n", "",
			"x.yaml:8: engines[0].shapes: is required"},
		{"    marks: {max: 65533, passthru: true, " SOURCE "}\n", "",
			"x.yaml:8: engines[0].marks: goes with the action mark, and only with that"},
		{"is: 3", "is: 0",
			"x.yaml:16: engines[0].priorities.is: an integer from 1 to 4294967295 is "
			"expected"},
		{"priorities: {is: 3, " SOURCE "}", "priorities: 3",
			"x.yaml:16: engines[0].priorities: a map is expected, not a number"},
		{"{is: 8192, ", "{are: 8192, ",
			"x.yaml:17: engines[0].capacity.are: unknown field\n"
			"x.yaml:17: engines[0].capacity.is: is required"},
		{"hits: true, bytes: true, ", "",
			"x.yaml:18: engines[0].counters: expected hits, bytes or both"},
		{"drop, count, ", "drop, ",
			"x.yaml:18: engines[0].counters: goes with the action count, and only "
			"with that\n"
			"x.yaml:22: strategies.deny-cache: needs an engine that drops and counts "
			"packets and bytes"},
		{"bytes: true, ", "",
			"x.yaml:22: strategies.deny-cache: needs an engine that drops and counts "
			"packets and bytes"},
		{"stale-ms: 500, ", "",
			"x.yaml:18: engines[0].counters: contradicts the hazard stale-counter for "
			"this engine"},
		{"is: refused", "is: first-wins",
			"x.yaml:19: engines[0].duplicates: goes with the hazard first-wins for "
			"this engine"},
		{"  deny-cache: {use: true, " SOURCE "}\n", "",
			"x.yaml:21: strategies.deny-cache: is required"},
		{"deny-cache: {use: true, ", "deny-cache: {use: true, why-not: no, ",
			"x.yaml:22: strategies.deny-cache.why-not: a string is expected, not a "
			"boolean (quotes make it one)\n"
			"x.yaml:22: strategies.deny-cache.why-not: goes with what is not used, and "
			"only with that"},
		{"why-not: no port, ", "",
			"x.yaml:23: strategies.connections.why-not: goes with what is not used, "
			"and only with that"},
		{"software, mark", "software",
			"x.yaml:20: engines[0].marks: goes with the action mark, and only with "
			"that\n"
			"x.yaml:24: strategies.mark: needs an engine that marks and leaves "
			"packets to software"},
		{"id: mask-widened", "id: mask-narrowed", NULL},
		{"fields: [ipv4.src], ", "", "x.yaml:27: hazards[0].fields: is required: a list"},
		{"fields: [ipv4.src], ", "fields: [tcp.dport], ",
			"x.yaml:26: hazards: mask-widened: no engine of it takes partial masks on "
			"tcp.dport"},
		{"id: stale-counter, ", "id: stale-counter, fields: [ipv4.src], ",
			"x.yaml:28: hazards[1].fields: goes with mask-widened only"},
		{"id: stale-counter, ", "id: stale-counter, engines: [acl], ",
			"x.yaml:28: hazards[1].engines[0]: no engine is called \"acl\""},
		{"refuse-when: soon, ", "", "x.yaml:28: hazards[1].refuse-when: is required"},
		{"id: stale-counter", "id: mask-widened, fields: [ipv4.src]",
			"x.yaml:28: hazards[1].id: mask-widened is listed already"},
		{"id: stale-counter", "id: engine-fallback",
			"x.yaml:18: engines[0].counters: goes with the hazard stale-counter for "
			"this engine\n"
			"x.yaml:26: hazards: engine-fallback needs two engines"},
		{"by: key", "by: luck", NULL},
		{"are: [tcp4, tcp6], by: key", "are: [tcp4, tcp6]",
			"x.yaml:31: placement[0].by: is required"},
		{"are: [udp4]", "are: [tcp6]",
			"x.yaml:32: placement[1].are: tcp6 is listed already"},
		{"by: key", "by: symmetric-toeplitz",
			"x.yaml:25: strategies.symmetric-rss: needs a placement by key"},
		{"hazards:\n", "hazards:\n  - {id: key-ignored, refuse-when: always, " SOURCE "}\n",
			"x.yaml:25: strategies.symmetric-rss: does not go with the hazard "
			"key-ignored"},
		{"hazards:\n", "engines: []\nhazards:\n",
			"x.yaml:26: engines: this key is already set in the same map"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_profiles *profiles;
		char *text = edited(good, rows[i].from, rows[i].to), *errors;

		if (tg_nic_profiles_parse("x.yaml", text, strlen(text), &profiles, &errors) !=
			-EINVAL)
			fail_msg("row %zu is accepted:\n%s", i, text);
		if (rows[i].expected != NULL)
			assert_string_equal(errors, rows[i].expected);
		free(errors);
		free(text);
	}
}

static void test_syntax(void **state)
{
	expect_error("title: [", "x.yaml:2: YAML: did not find expected node content");
	expect_error("", "x.yaml: expected one document");
	expect_error("- a\n", "x.yaml:1: expected a map: the profile of a NIC");
	expect_error("a: 1\n---\nb: 2\n", "x.yaml: expected one document");
}

static void test_file_name(void **state)
{
	static const char *const names[] = {"X.yaml", "x.yml", ".yaml", "x y.yaml"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tg_nic_profiles *profiles;
		char *errors;

		assert_int_equal(
			tg_nic_profiles_parse(names[i], good, sizeof(good) - 1, &profiles, &errors),
			-EINVAL);
		assert_non_null(strstr(errors, "expected a file name of a-z, 0-9 and -"));
		free(errors);
	}
}

/* However much is wrong, what is said stays bounded. */
static void test_many_mistakes(void **state)
{
	char text[4096] = "", *errors;
	struct tg_nic_profiles *profiles;

	for (int i = 0; i < 300; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "k%d: 1\n", i);
	assert_int_equal(
		tg_nic_profiles_parse("x.yaml", text, strlen(text), &profiles, &errors), -EINVAL);
	assert_non_null(strstr(errors, "more"));
	assert_true(strlen(errors) < 100 * 64);
	free(errors);
}

/* --- folders --- */

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void remove_folder(const char *folder)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void test_one_profile_for_a_device(void **state)
{
	char folder[] = "/tmp/nic-profile-test-XXXXXX", expected[512], *errors;
	char *any = edited(good, "devices: {are: [\"8086:1592\"], " SOURCE "}\n", "");
	char *by_name = edited(good, "on-stop:", "devargs: {are: [a=1], " SOURCE "}\non-stop:");
	struct tg_nic_profiles *profiles;

	assert_non_null(mkdtemp(folder));
	write_file(folder, "a.yaml", good);
	write_file(folder, "b.yaml", any);
	write_file(folder, "c.yaml", by_name);
	write_file(folder, "d.txt", "not a profile");
	assert_int_equal(tg_nic_profiles_load(folder, &profiles, &errors), 0);
	assert_int_equal(tg_nic_profiles_count(profiles), 3);
	tg_nic_profiles_free(profiles);
	write_file(folder, "e.yaml", good);
	write_file(folder, "f.yaml", any);
	assert_int_equal(tg_nic_profiles_load(folder, &profiles, &errors), -EINVAL);
	snprintf(expected, sizeof(expected),
		"%s/e.yaml:5: devices: 8086:1592 has the profile a\n"
		"%s/f.yaml:4: drivers: net_x has the profile b, which names no devices either",
		folder, folder);
	assert_string_equal(errors, expected);
	free(errors);
	remove_folder(folder);
	free(any);
	free(by_name);
}

static void test_folders(void **state)
{
	char folder[] = "/tmp/nic-profile-test-XXXXXX", *errors;
	struct tg_nic_profiles *profiles;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(tg_nic_profiles_load(folder, &profiles, &errors), -EINVAL);
	assert_non_null(strstr(errors, "no *.yaml in this folder"));
	free(errors);
	write_file(folder, "a.yaml", "title: [");
	write_file(folder, "b.yaml", "title: 1");
	assert_int_equal(tg_nic_profiles_load(folder, &profiles, &errors), -EINVAL);
	assert_non_null(strstr(errors, "/a.yaml:2: YAML: "));
	assert_non_null(strstr(errors, "/b.yaml:1: title: "));
	free(errors);
	remove_folder(folder);
	assert_int_equal(tg_nic_profiles_load(folder, &profiles, &errors), -EINVAL);
	assert_non_null(strstr(errors, "No such file or directory"));
	free(errors);
}

/* --- what is shipped --- */

static struct tg_nic_profiles *shipped(void)
{
	struct tg_nic_profiles *profiles = NULL;
	char *errors;

	if (tg_nic_profiles_load(TG_SOURCE_ROOT "/nic-profiles", &profiles, &errors) != 0)
		fail_msg("%s", errors);
	return profiles;
}

static void test_selection(void **state)
{
	static const struct {
		const char *driver, *device, *profile;
	} rows[] = {
		{"mlx5_pci", "15b3:1017", "mlx5-cx5"},
		{"mlx5_pci", "15b3:101d", "mlx5-cx6dx"},
		{"mlx5_pci", "15b3:a2dc", "mlx5-cx6dx"},
		{"mlx5_pci", "15b3:1013", "generic"},
		{"mlx5_pci", NULL, "generic"},
		{"net_ice", "8086:1592", "ice"},
		{"net_ice", "8086:1572", "generic"},
		{"net_ixgbe", "8086:10fb", "ixgbe"},
		{"net_ixgbe", "8086:10b6", "generic"},
		{"net_dpaa2", NULL, "dpaa2"},
		{"net_tap", NULL, "tap"},
		{"net_virtio", "1af4:1041", "generic"},
		{"", NULL, "generic"},
	};
	struct tg_nic_profiles *profiles = shipped();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tg_nic_profile *p =
			tg_nic_profiles_select(profiles, rows[i].driver, rows[i].device);

		assert_non_null(p);
		assert_string_equal(p->name, rows[i].profile);
	}
	assert_non_null(tg_nic_profiles_find(profiles, "mlx5-cx6dx-templates"));
	assert_null(tg_nic_profiles_find(profiles, "mlx4"));
	tg_nic_profiles_free(profiles);
}

static void test_without_generic(void **state)
{
	struct tg_nic_profiles *profiles = parse("x.yaml", good);

	assert_null(tg_nic_profiles_select(profiles, "net_y", NULL));
	assert_null(tg_nic_profiles_select(profiles, "net_x", "8086:1593"));
	assert_string_equal(tg_nic_profiles_select(profiles, "net_x", "8086:1592")->name, "x");
	tg_nic_profiles_free(profiles);
}

/* A TCP connection on port 80, as it is forwarded: everything else kept out by its own match. */
static struct tg_nic_rule connection(void)
{
	static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2}, http[2] = {0, 80};
	static const uint8_t none[2] = {0}, flags = 0x07, ihl = 5;
	struct tg_nic_rule rule = {
		.match = {.family = 4, .protocol = 6, .untagged = true},
		.actions = BIT(TG_NIC_FORWARD) | BIT(TG_NIC_COUNT),
		.domain = TG_NIC_TRANSFER,
		.to = 1,
	};

	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_SRC, a);
	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_DST, b);
	tg_nic_match_exact(&rule.match, TG_NIC_TCP_SPORT, http);
	tg_nic_match_exact(&rule.match, TG_NIC_TCP_DPORT, http);
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, none, &flags);
	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_FRAGMENT, none);
	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_IHL, &ihl);
	return rule;
}

static struct tg_nic_rule deny_prefix(uint8_t family, uint8_t domain)
{
	static const uint8_t net[16] = {0x20, 0x01}, mask[16] = {0xff, 0xff};
	struct tg_nic_rule rule = {
		.match = {.family = family, .protocol = 6},
		.actions = BIT(TG_NIC_DROP),
		.domain = domain,
	};

	tg_nic_match_set(&rule.match, family == 4 ? TG_NIC_IPV4_SRC : TG_NIC_IPV6_SRC, net, mask);
	return rule;
}

/* Who is offered connections takes one; who is offered denials drops and counts an address. */
static void test_strategies_can_be_carried(void **state)
{
	struct tg_nic_profiles *profiles = shipped();
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < tg_nic_profiles_count(profiles); i++) {
		const struct tg_nic_profile *p = tg_nic_profiles_at(profiles, i);
		struct tg_nic_rule forward = connection(), deny = deny_prefix(4, TG_NIC_TRANSFER);

		deny.match.untagged = true;
		deny.actions |= BIT(TG_NIC_COUNT);
		for (size_t e = 0; e < p->n_engines; e++)
			if ((p->engines[e].domains & BIT(TG_NIC_TRANSFER)) != 0)
				deny.group = forward.group = p->engines[e].first_group;
		/* Without a switch, and by guards. */
		if (strcmp(p->name, "enic") == 0) {
			deny.domain = TG_NIC_INGRESS;
			deny.match.untagged = false;
			assert_null(tg_nic_admits(p, &deny, why));
			deny.guarded = BIT(TG_NIC_GUARD_TAGS);
		}
		if ((tg_nic_admits(p, &forward, why) != NULL) !=
			((p->strategies & BIT(TG_NIC_STRATEGY_CONNECTIONS)) != 0))
			fail_msg("%s, a connection: %s", p->name, why);
		if ((tg_nic_admits(p, &deny, why) != NULL) !=
			((p->strategies & BIT(TG_NIC_STRATEGY_DENY)) != 0))
			fail_msg("%s, a denial: %s", p->name, why);
	}
	tg_nic_profiles_free(profiles);
}

/* What the drivers of two families would silently widen is refused for that reason alone. */
static void test_widening_drivers(void **state)
{
	static const struct {
		const char *profile;
		uint8_t family;
		enum tg_nic_hazard_id hazard, other;
	} rows[] = {
		{"i40e", 4, TG_NIC_HAZARD_MASK_WIDENED, TG_NIC_HAZARD_VLAN_BLIND},
		{"i40e", 6, TG_NIC_HAZARD_MASK_WIDENED, TG_NIC_HAZARD_VLAN_BLIND},
		{"ice", 6, TG_NIC_HAZARD_ENGINE_FALLBACK, TG_NIC_HAZARD_VLAN_BLIND},
	};
	struct tg_nic_profiles *profiles = shipped();
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_profile p = *tg_nic_profiles_find(profiles, rows[i].profile);
		struct tg_nic_rule rule = deny_prefix(rows[i].family, TG_NIC_INGRESS);

		assert_true(p.hazards[rows[i].hazard].present);
		p.hazards[rows[i].other].present = false;
		assert_null(tg_nic_admits(&p, &rule, why));
		assert_non_null(strstr(why, "is left out of the match"));
		p.hazards[rows[i].hazard].present = false;
		p.hazards[TG_NIC_HAZARD_ENGINE_FALLBACK].present = false;
		if (rows[i].hazard == TG_NIC_HAZARD_MASK_WIDENED)
			assert_non_null(tg_nic_admits(&p, &rule, why));
	}
	tg_nic_profiles_free(profiles);
}

/* What nobody says of himself is not believed, and why not. */
static void test_placement(void **state)
{
	static const struct {
		const char *name, *why;
		uint8_t placed;
	} rows[] = {
		{"mlx5-cx5", "", 0xf},
		{"ixgbe", "", 0xf},
		{"i40e", "", 0xf},
		{"ice", "", 0xf},
		{"igb", "", 0xf},
		{"igc", "", 0xf},
		{"iavf", "", 0xf},
		{"tap", "the hash is an own program with a fixed key", 0},
		{"generic", "whether it hashes by the given key alone is not known", 0},
		{"hns3",
			"its symmetric function is not one that software computes, and whether the "
			"other one goes by the given key alone was not verified",
			0},
	};
	struct tg_nic_profiles *profiles = shipped();
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tg_nic_profile *p = tg_nic_profiles_find(profiles, rows[i].name);

		assert_non_null(p);
		assert_int_equal(tg_nic_places(p, why), rows[i].placed);
		assert_string_equal(why, rows[i].why);
	}
	tg_nic_profiles_free(profiles);
}

static void test_generic_refuses_everything(void **state)
{
	struct tg_nic_profiles *profiles = shipped();
	const struct tg_nic_profile *p = tg_nic_profiles_find(profiles, TG_NIC_GENERIC);
	struct tg_nic_rule rule = connection();
	char why[TG_NIC_WHY];

	assert_int_equal(p->strategies, 0);
	assert_null(tg_nic_admits(p, &rule, why));
	assert_string_equal(why, "nothing is offloaded to this NIC");
	tg_nic_profiles_free(profiles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_verified_by_somebody),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_file_name),
		cmocka_unit_test(test_many_mistakes),
		cmocka_unit_test(test_one_profile_for_a_device),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_without_generic),
		cmocka_unit_test(test_strategies_can_be_carried),
		cmocka_unit_test(test_widening_drivers),
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_generic_refuses_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

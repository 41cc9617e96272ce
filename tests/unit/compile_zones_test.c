/* SPDX-License-Identifier: BSD-3-Clause */
/* Clusters in several zones, with the same addresses, in one image: none can tell of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster.h"

#define TCP 6
#define WEB "10.0.0.1"
#define API "10.0.0.2"
#define ONLY_B "10.0.0.3"
#define NODE "192.168.0.1"
#define WORLD "203.0.113.9"
#define A 1
#define B 40000
#define NOWHERE 2

struct row {
	const char *more;
	struct test_tuple tuple;
	enum tg_direction direction;
	const char *says;
};

/* With the same addresses; rows add policies behind "zone" lines. */
static const char two_clusters[] =
	"zone 1\n"
	"ns a team=x\n"
	"node n1 192.168.0.1 cidr 10.0.0.0/24,fd00::/64\n"
	"pod a/web 10.0.0.1,fd00::1 labels app=web ports http:8080/TCP node n1\n"
	"pod a/api 10.0.0.2,fd00::2 labels app=api ports http:81/TCP node n1\n"
	"service a/svc 10.96.0.1\n"
	"zone 40000\n"
	"ns b team=x\n"
	"node m1 192.168.0.1 cidr 10.0.0.0/16,fd00::/48\n"
	"node m2 192.168.0.2\n"
	"pod b/web 10.0.0.1,fd00::1 labels app=web ports http:8080/TCP node m2\n"
	"pod b/api 10.0.0.2,fd00::2 labels app=api ports http:82/TCP node m1\n"
	"pod b/more 10.0.0.3 labels app=web node m1\n";

static const struct row rows[] = {
	/* The same address is another endpoint in each zone. */
	{"", {API, WEB, TCP, 80, A}, TG_INGRESS, "deny baseline a"},
	{"", {API, WEB, TCP, 80, B}, TG_INGRESS, "deny baseline b"},
	{"", {"fd00::2", "fd00::1", TCP, 80, A}, TG_EGRESS, "deny baseline a"},
	{"", {"fd00::2", "fd00::1", TCP, 80, B}, TG_EGRESS, "deny baseline b"},
	/* What one zone has the other does not: a pod, a Service, a node, a pod range. */
	{"", {ONLY_B, WEB, TCP, 80, A}, TG_EGRESS, "deny unknown-endpoint"},
	{"", {ONLY_B, WEB, TCP, 80, B}, TG_EGRESS, "deny baseline b"},
	{"", {WEB, "10.96.0.1", TCP, 80, A}, TG_INGRESS, "deny service-address"},
	{"", {WEB, "10.96.0.1", TCP, 80, B}, TG_INGRESS, "allow not-subject"},
	{"", {"192.168.0.2", WORLD, TCP, 80, B}, TG_EGRESS, "deny node-default"},
	{"", {"192.168.0.2", WORLD, TCP, 80, A}, TG_EGRESS, "deny transit"},
	{"", {"10.0.9.9", WORLD, TCP, 80, A}, TG_EGRESS, "deny transit"},
	{"", {"10.0.9.9", WORLD, TCP, 80, B}, TG_EGRESS, "deny unknown-endpoint"},
	/* The widest rules of one zone allow nothing in another. */
	{"zone 1\npolicy a/p *\ningress from any ports any\negress to any ports any",
		{API, WEB, TCP, 80, A}, TG_INGRESS, "allow a/p[0]"},
	{"zone 1\npolicy a/p *\ningress from any ports any\negress to any ports any",
		{API, WEB, TCP, 80, B}, TG_INGRESS, "deny baseline b"},
	{"zone 1\npolicy a/p *\negress to block:0.0.0.0/0;block:::/0 ports any",
		{WEB, WORLD, TCP, 80, A}, TG_EGRESS, "allow a/p[0]"},
	{"zone 1\npolicy a/p *\negress to block:0.0.0.0/0;block:::/0 ports any",
		{WEB, WORLD, TCP, 80, B}, TG_EGRESS, "deny baseline b"},
	{"zone 1\npolicy a/p *\ningress from ns:* ports any\nzone 40000\npolicy b/p *\n"
	 "ingress from ns:*+app=web ports any",
		{WEB, API, TCP, 80, B}, TG_INGRESS, "allow b/p[0]"},
	{"zone 1\npolicy a/p *\ningress from ns:* ports any\nzone 40000\npolicy b/p *\n"
	 "ingress from ns:*+app=web ports any",
		{API, WEB, TCP, 80, B}, TG_INGRESS, "deny implicit b: p"},
	{"zone 1\npolicy a/p *\ningress from ns:* ports any\nzone 40000\npolicy b/p *\n"
	 "ingress from ns:*+app=web ports any",
		{API, WEB, TCP, 80, A}, TG_INGRESS, "allow a/p[0]"},
	/* A block is of the policy's zone, its excepts too. */
	{"zone 1\npolicy a/p *\ningress from block:10.0.0.0/24-10.0.0.2/32 ports any\n"
	 "zone 40000\npolicy b/p *\ningress from block:10.0.0.0/24-10.0.0.3/32 ports any",
		{API, WEB, TCP, 80, A}, TG_INGRESS, "deny implicit a: p"},
	{"zone 1\npolicy a/p *\ningress from block:10.0.0.0/24-10.0.0.2/32 ports any\n"
	 "zone 40000\npolicy b/p *\ningress from block:10.0.0.0/24-10.0.0.3/32 ports any",
		{API, WEB, TCP, 80, B}, TG_INGRESS, "allow b/p[0]"},
	{"zone 1\npolicy a/p *\ningress from block:10.0.0.0/24-10.0.0.2/32 ports any\n"
	 "zone 40000\npolicy b/p *\ningress from block:10.0.0.0/24-10.0.0.3/32 ports any",
		{ONLY_B, WEB, TCP, 80, B}, TG_INGRESS, "deny implicit b: p"},
	/* Names of ports are those of the zone's pods, with peers and without. */
	{"zone 1\npolicy a/p *\negress to any ports TCP/http\nzone 40000\npolicy b/p *\n"
	 "egress to any ports TCP/http",
		{WEB, API, TCP, 81, A}, TG_EGRESS, "allow a/p[0]"},
	{"zone 1\npolicy a/p *\negress to any ports TCP/http\nzone 40000\npolicy b/p *\n"
	 "egress to any ports TCP/http",
		{WEB, API, TCP, 82, A}, TG_EGRESS, "deny implicit a: p"},
	{"zone 1\npolicy a/p *\negress to any ports TCP/http\nzone 40000\npolicy b/p *\n"
	 "egress to any ports TCP/http",
		{WEB, API, TCP, 82, B}, TG_EGRESS, "allow b/p[0]"},
	{"zone 1\npolicy a/p *\negress to any ports TCP/http\nzone 40000\npolicy b/p *\n"
	 "egress to any ports TCP/http",
		{WEB, API, TCP, 81, B}, TG_EGRESS, "deny implicit b: p"},
	{"zone 1\npolicy a/p *\negress to ns:*+app=api ports TCP/http\nzone 40000\npolicy b/p *\n"
	 "egress to ns:*+app=api ports TCP/http",
		{WEB, API, TCP, 81, B}, TG_EGRESS, "deny implicit b: p"},
	/* A policy of another zone isolates the pods of its namespace, and allows them nothing. */
	{"zone 40000\npolicy a/p *\ningress from any ports any\nzone 1", {API, WEB, TCP, 80, A},
		TG_INGRESS, "deny implicit a: p"},
	{"zone 40000\npolicy a/p *\ningress from any ports any\nzone 1", {API, WEB, TCP, 80, B},
		TG_INGRESS, "deny baseline b"},
	{"zone 40000\npolicy a/p *\negress to block:0.0.0.0/0 ports any\nzone 1\npolicy a/q *\n"
	 "egress to pods:* ports any",
		{WEB, API, TCP, 80, A}, TG_EGRESS, "allow a/q[0]"},
	/* The own node is the one of the zone. */
	{"zone 1\npolicy a/p *\ningress\n", {NODE, WEB, TCP, 80, A}, TG_INGRESS, "allow own-node"},
	{"zone 40000\npolicy b/p *\ningress\n", {NODE, WEB, TCP, 80, B}, TG_INGRESS,
		"deny implicit b: p"},
	{"zone 40000\npolicy b/p *\ningress\n", {NODE, API, TCP, 80, B}, TG_INGRESS,
		"allow own-node"},
	/* A zone that nobody has named: nothing passes. */
	{"zone 1\npolicy a/p *\ningress from any ports any\negress to any ports any",
		{API, WEB, TCP, 80, NOWHERE}, TG_EGRESS, "deny fail-closed"},
	{"zone 1\npolicy a/p *\ningress from any ports any\negress to any ports any",
		{API, WEB, TCP, 80, NOWHERE}, TG_INGRESS, "deny fail-closed"},
	/* One that only a policy is in has no pods, but it is a zone. */
	{"zone 2\npolicy a/p *\n", {API, WEB, TCP, 80, NOWHERE}, TG_INGRESS, "deny transit"},
};

static struct test_cluster *make_cluster(const char *more)
{
	struct test_cluster *cluster = test_cluster_create(two_clusters);

	test_cluster_add(cluster, more);
	return cluster;
}

static void check_row(const struct row *row, const struct tg_compile_options *options)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = make_cluster(row->more);
	struct test_ruleset ruleset = test_compile(compiler, cluster, options);
	char buf[TEST_SAYS];

	test_says(&ruleset.image, &row->tuple, row->direction, buf);
	if (strcmp(buf, row->says) != 0)
		fail_msg("%s -> %s in zone %u with \"%s\": %s, not %s", row->tuple.src,
			row->tuple.dst, row->tuple.zone, row->more, buf, row->says);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

static void zones_have_nothing_to_do_with_each_other(void **state)
{
	const struct tg_compile_options options = {.home.zone = A, .generation = 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], &options);
}

/* Pod ranges, node addresses and tuples of the configuration are of the zone that they say. */
static void the_configuration_is_of_zones(void **state)
{
	const struct tg_prefix range_a[] = {test_prefix("10.7.0.0/16")};
	const struct tg_prefix range_b[] = {test_prefix("10.8.0.0/16"), test_prefix("10.9.0.0/16")};
	const struct tg_addr bridge[] = {test_addr("10.0.0.254")};
	const struct tg_zone_options others[] = {
		{.zone = B, .pod_ranges = range_b, .n_pod_ranges = 2},
		{.zone = B, .node_addrs = bridge, .n_node_addrs = 1},
		{.zone = 7},
	};
	const struct tg_infrastructure tuples[] = {
		{.name = "kubelet",
			.from_nodes = true,
			.to_nodes = true,
			.zone = B,
			.protocol = TCP,
			.lo = 10250,
			.hi = 10250},
		{.name = "probe",
			.from = test_prefix("203.0.113.0/24"),
			.to = test_prefix("10.0.0.1/32"),
			.zone = A,
			.protocol = TCP,
			.lo = 80,
			.hi = 80},
	};
	const struct tg_compile_options options = {
		.home = {.zone = A, .pod_ranges = range_a, .n_pod_ranges = 1},
		.zones = others,
		.n_zones = 3,
		.infrastructure = tuples,
		.n_infrastructure = 2,
		.generation = 1,
	};
	static const struct row all[] = {
		{"", {"10.7.0.1", WORLD, TCP, 80, A}, TG_EGRESS, "deny unknown-endpoint"},
		{"", {"10.7.0.1", WORLD, TCP, 80, B}, TG_EGRESS, "deny transit"},
		{"", {"10.8.0.1", WORLD, TCP, 80, A}, TG_EGRESS, "deny transit"},
		{"", {"10.9.0.1", WORLD, TCP, 80, B}, TG_EGRESS, "deny unknown-endpoint"},
		{"", {"10.0.0.254", WORLD, TCP, 80, A}, TG_EGRESS, "deny unknown-endpoint"},
		{"", {"10.0.0.254", WORLD, TCP, 80, B}, TG_EGRESS, "deny node-default"},
		{"", {"192.168.0.2", NODE, TCP, 10250, B}, TG_EGRESS,
			"allow infrastructure kubelet"},
		{"", {NODE, "10.0.0.254", TCP, 10250, B}, TG_INGRESS,
			"allow infrastructure kubelet"},
		{"", {NODE, WORLD, TCP, 10250, A}, TG_EGRESS, "deny node-default"},
		{"zone 1\nnode n2 192.168.0.2\n", {"192.168.0.2", NODE, TCP, 10250, A}, TG_EGRESS,
			"deny node-default"},
		{"", {WORLD, WEB, TCP, 80, A}, TG_INGRESS, "allow infrastructure probe"},
		{"", {WORLD, WEB, TCP, 80, B}, TG_INGRESS, "deny baseline b"},
		{"", {WEB, API, TCP, 80, 7}, TG_EGRESS, "deny transit"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check_row(&all[i], &options);
}

static size_t count_warnings(const struct test_ruleset *r, enum tg_warning_kind kind)
{
	size_t n, found = 0;
	const struct tg_warning *v = tg_compiled_warnings(r->compiled, &n);

	for (size_t i = 0; i < n; i++)
		found += v[i].kind == kind;
	return found;
}

static void warnings_are_of_one_zone(void **state)
{
	const struct tg_compile_options options = {.home.zone = A, .generation = 1};
	static const struct {
		const char *more;
		enum tg_warning_kind kind;
		size_t n;
	} all[] = {
		{"", TG_WARN_ADDRESS_CONFLICT, 0},
		{"zone 1\npod a/twin 10.0.0.1\n", TG_WARN_ADDRESS_CONFLICT, 1},
		{"zone 5\npod a/twin 10.0.0.1\n", TG_WARN_ADDRESS_CONFLICT, 0},
		{"", TG_WARN_POD_OUTSIDE_RANGES, 0},
		{"zone 1\npod a/far 10.0.1.1\n", TG_WARN_POD_OUTSIDE_RANGES, 1},
		{"zone 40000\npod b/far 10.0.1.1\n", TG_WARN_POD_OUTSIDE_RANGES, 0},
		{"zone 5\npod a/far 10.0.1.1\n", TG_WARN_POD_OUTSIDE_RANGES, 0},
		{"zone 1\npolicy a/p *\negress to block:10.0.9.0/25 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_PODS, 0},
		{"zone 1\npolicy a/p *\negress to block:10.0.9.0/24 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_PODS, 0},
		{"zone 40000\npolicy b/p *\negress to block:10.0.9.0/24 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_PODS, 1},
		{"zone 40000\npolicy b/p *\negress to block:10.96.0.0/16 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_SERVICES, 0},
		{"zone 1\npolicy a/p *\negress to block:10.96.0.0/16 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_SERVICES, 1},
		{"zone 1\npolicy a/p *\negress to ns:team=x&!absent+app=api ports any\n",
			TG_WARN_SELECTOR_EMPTY, 0},
		{"zone 5\npolicy a/p *\negress to ns:*+app=api ports any\n", TG_WARN_SELECTOR_EMPTY,
			1},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tg_compiler *compiler = tg_compiler_create();
		struct test_cluster *cluster = make_cluster(all[i].more);
		struct test_ruleset ruleset = test_compile(compiler, cluster, &options);

		if (count_warnings(&ruleset, all[i].kind) != all[i].n)
			fail_msg("%s: %zu of %s, not %zu", all[i].more,
				count_warnings(&ruleset, all[i].kind),
				tg_warning_label(all[i].kind), all[i].n);
		test_ruleset_free(&ruleset);
		test_cluster_free(cluster);
		tg_compiler_free(compiler);
	}
}

/* Many namespaces with policies that ask for pods of all of them. */
static void add_copy(struct test_cluster *cluster, const char *zone, char prefix)
{
	char line[256];

	test_cluster_add(cluster, zone);
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line),
			"ns %c%d\npod %c%d/x 10.1.%d.1 labels app=x\npod %c%d/y 10.1.%d.2 labels app=y\n"
			"policy %c%d/p *\ningress from ns:*+app=x ports TCP/%d\n"
			"egress to block:10.1.0.0/20 ports any\n",
			prefix, i, prefix, i, i, prefix, i, i, prefix, i, 80 + i);
		test_cluster_add(cluster, line);
	}
}

/* So no cell is about two zones: a copy costs once more what the first one does. */
static void a_copy_in_another_zone_costs_once_more(void **state)
{
	const struct tg_compile_options options = {.home.zone = A, .generation = 1};
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *one = test_cluster_create(""), *both = test_cluster_create("");
	struct test_ruleset first, second;

	add_copy(one, "zone 1", 'a');
	add_copy(both, "zone 1", 'a');
	add_copy(both, "zone 2", 'b');
	first = test_compile(compiler, one, &options);
	second = test_compile(compiler, both, &options);
	assert_int_equal(first.image.n_prefix4 * 2, second.image.n_prefix4);
	assert_int_equal(first.image.n_addr4 * 2, second.image.n_addr4);
	assert_int_equal((first.image.n_classes - 1) * 2, second.image.n_classes - 1);
	assert_true(first.image.n_cells > 20);
	assert_int_equal(first.image.n_cells * 2, second.image.n_cells);
	assert_int_equal(first.image.header->n_columns * 2, second.image.header->n_columns);
	test_ruleset_free(&first);
	test_ruleset_free(&second);
	test_cluster_free(one);
	test_cluster_free(both);
	tg_compiler_free(compiler);
}

/* What is asked about pods of one zone does not tell those of another apart. */
static void questions_are_of_one_zone(void **state)
{
	const struct tg_compile_options options = {.home.zone = A, .generation = 1};
	const struct tg_addr web = test_addr(WEB), api = test_addr(API);
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = make_cluster(
		"zone 1\npolicy a/p *\negress to any ports TCP/http\n"
		"egress to ns:*+app=web ports any\negress to block:10.0.0.1/32 ports any\n");
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);

	assert_int_not_equal(tg_image_class_of(&ruleset.image, A, &web, NULL),
		tg_image_class_of(&ruleset.image, A, &api, NULL));
	assert_int_equal(tg_image_class_of(&ruleset.image, B, &web, NULL),
		tg_image_class_of(&ruleset.image, B, &api, NULL));
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

/* Pods come and go in their own zone. */
static void placements_are_of_one_zone(void **state)
{
	const struct tg_compile_options options = {.home.zone = A, .generation = 1};
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster =
		make_cluster("zone 5\nnode o1 192.168.9.9 cidr 10.0.0.0/24\n");
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	const struct tg_pod *replica, *old = test_cluster_view(cluster)->pods[0], *stranger;
	struct tg_placement place, other;

	test_cluster_add(cluster, "zone 1\n");
	replica = test_cluster_extra_pod(
		cluster, "pod a/web2 10.0.0.3 labels app=web ports http:8080/TCP");
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, replica, NULL, &place), 1);
	assert_int_equal(place.zone, A);
	assert_int_equal(place.cls, tg_image_class_of(&ruleset.image, A, &old->addrs[0], NULL));
	/* In the other zone somebody has the address, and in that zone the class is another one. */
	test_cluster_add(cluster, "zone 40000\n");
	replica = test_cluster_extra_pod(cluster, "pod b/web2 10.0.0.3 labels app=web");
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, replica, NULL, &other), -EEXIST);
	replica = test_cluster_extra_pod(
		cluster, "pod b/web2 10.0.0.4 labels app=web ports http:8080/TCP");
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, replica, NULL, &other), 1);
	assert_int_equal(other.zone, B);
	assert_int_not_equal(other.cls, place.cls);
	/* A zone without such a pod, and one that is not there at all. */
	test_cluster_add(cluster, "zone 5\n");
	stranger = test_cluster_extra_pod(cluster, "pod a/x 10.0.0.1 labels app=web");
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, stranger, NULL, &other), -ENOENT);
	test_cluster_add(cluster, "zone 6\n");
	stranger = test_cluster_extra_pod(cluster, "pod a/x 10.0.0.1 labels app=web");
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, stranger, NULL, &other), -ENOENT);
	assert_int_equal(tg_compiled_vacate_pod(ruleset.compiled, stranger, NULL, &other), 1);
	assert_int_equal(other.zone, 6);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_have_nothing_to_do_with_each_other),
		cmocka_unit_test(the_configuration_is_of_zones),
		cmocka_unit_test(warnings_are_of_one_zone),
		cmocka_unit_test(a_copy_in_another_zone_costs_once_more),
		cmocka_unit_test(questions_are_of_one_zone),
		cmocka_unit_test(placements_are_of_one_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

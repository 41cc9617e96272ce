/* SPDX-License-Identifier: BSD-3-Clause */
/* The size of what is compiled, its limits, what is refused and what is warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster.h"
#include "gen.h"

#define TCP 6

struct state {
	struct tg_compiler *compiler;
	struct test_cluster *cluster;
	struct test_ruleset ruleset;
};

static struct state compile_text(const char *text, const struct tg_compile_options *options)
{
	static const struct tg_compile_options none = {.generation = 1};
	struct state s = {.compiler = tg_compiler_create(), .cluster = test_cluster_create(text)};

	s.ruleset = test_compile(s.compiler, s.cluster, options != NULL ? options : &none);
	return s;
}

static void state_free(struct state *s)
{
	test_ruleset_free(&s->ruleset);
	test_cluster_free(s->cluster);
	tg_compiler_free(s->compiler);
}

static void assert_says(const struct state *s, const struct test_tuple *tuple,
	enum tg_direction dir, const char *says)
{
	char buf[TEST_SAYS];

	assert_string_equal(test_says(&s->ruleset.image, tuple, dir, buf), says);
}

/* 100 pods of one app: classes do not multiply by labels that nobody asks for. */
static void classes_do_not_depend_on_pods(void **state)
{
	static const char policies[] = "ns a env=x\nnode n 192.168.0.1 cidr 10.0.0.0/16\n"
				       "policy a/p app=web\ningress from pods:app=db ports TCP/80\n"
				       "policy a/q *\negress to block:10.0.0.0/8 ports any\n";
	size_t classes[2];

	for (int many = 0; many < 2; many++) {
		struct test_cluster *cluster = test_cluster_create(policies);
		const struct tg_compile_options options = {.generation = 1};
		struct tg_compiler *compiler = tg_compiler_create();
		struct test_ruleset ruleset;

		for (int i = 0; i < (many ? 100 : 2); i++) {
			char line[160];

			snprintf(line, sizeof(line),
				"pod a/p%d 10.0.0.%d labels app=%s,pod-template-hash=h%d,i=%d "
				"ports unused:%d/TCP",
				i, i + 1, i % 2 ? "web" : "db", i, i, 1000 + i);
			test_cluster_add(cluster, line);
		}
		ruleset = test_compile(compiler, cluster, &options);
		classes[many] = tg_compiled_stats(ruleset.compiled)->classes;
		test_ruleset_free(&ruleset);
		test_cluster_free(cluster);
		tg_compiler_free(compiler);
	}
	assert_int_equal(classes[0], classes[1]);
}

/* The same of a generated cluster with three times the pods. */
static void classes_of_a_large_cluster(void **state)
{
	size_t classes[2];

	for (int many = 0; many < 2; many++) {
		struct tg_compiler *compiler = tg_compiler_create();
		struct tg_compile_options options = {.generation = 1};
		struct tg_compiled *out;
		struct tg_gen_shape shape;
		struct tg_gen *gen;
		char error[128];

		tg_gen_shape_of(&shape, 3000, 300);
		shape.nodes = 100;
		shape.pods = many ? 9000 : 3000;
		gen = tg_gen_create(&shape);
		assert_non_null(gen);
		options.home.pod_ranges = tg_gen_pod_ranges(gen, &options.home.n_pod_ranges);
		assert_int_equal(tg_compile(compiler, tg_gen_cluster(gen), &options, &out, error,
					 sizeof(error)),
			0);
		classes[many] = tg_compiled_stats(out)->classes;
		tg_compiled_free(out);
		tg_gen_free(gen);
		tg_compiler_free(compiler);
	}
	/* Apps with few replicas may lack a node of one family in the small one; no more than that.
	 */
	assert_true(classes[1] <= classes[0] + classes[0] / 4);
	assert_true(classes[0] > 100);
}

/* Prefixes that no policy tells apart share a class, and one that says nothing is left out. */
static void equal_prefixes_share_a_class(void **state)
{
	struct state s = compile_text(
		"ns a\npod a/w 10.0.0.1 labels app=w\n"
		"policy a/p *\negress to block:192.0.2.0/25;block:192.0.2.128/25 ports any\n"
		"policy a/q *\negress to block:198.51.100.0/24-198.51.100.0/25 ports TCP/1\n"
		"egress to block:198.51.100.0/25 ports TCP/2\n"
		"egress to block:203.0.113.0/24-203.0.113.0/24 ports TCP/3\n",
		NULL);
	const struct tg_addr a = test_addr("192.0.2.1"), b = test_addr("192.0.2.129"),
			     c = test_addr("198.51.100.1"), d = test_addr("198.51.100.129"),
			     none = test_addr("203.0.113.1"), world = test_addr("8.8.8.8");
	const struct tg_image *image = &s.ruleset.image;

	/* Two terms of one rule: different sets, so different classes; but ranges are one each. */
	assert_int_not_equal(
		tg_image_class_of(image, 0, &c, NULL), tg_image_class_of(image, 0, &d, NULL));
	assert_int_not_equal(
		tg_image_class_of(image, 0, &a, NULL), tg_image_class_of(image, 0, &world, NULL));
	assert_int_not_equal(
		tg_image_class_of(image, 0, &a, NULL), tg_image_class_of(image, 0, &b, NULL));
	assert_int_equal(tg_image_class_of(image, 0, &none, NULL),
		tg_image_class_of(image, 0, &world, NULL));
	for (uint32_t i = 0; i < image->n_prefix4; i++)
		assert_true(image->prefix4[i].addr !=
			    tg_addr_v4(&(struct tg_addr){.bytes = {203, 0, 113, 0}}));
	state_free(&s);
}

/*
 * Rows times classes would be 60 * 300 cells; broad selectors and CIDRs cost a cell a group, and
 * what holds for a whole kind one.
 */
static void broad_terms_cost_few_cells(void **state)
{
	static const char *const broad[] = {
		"egress to ns:* ports TCP/%d",
		"egress to ns:*+app!=a0 ports TCP/%d",
		"egress to block:0.0.0.0/0-192.0.0.0/8 ports TCP/%d",
		"egress to any ports TCP/%d",
	};

	for (size_t k = 0; k < sizeof(broad) / sizeof(broad[0]); k++) {
		struct test_cluster *cluster = test_cluster_create("ns a\nns b\n");
		const struct tg_compile_options options = {.generation = 1};
		struct tg_compiler *compiler = tg_compiler_create();
		struct test_ruleset ruleset;
		char line[256];

		for (int i = 0; i < 60; i++) {
			snprintf(line, sizeof(line),
				"pod a/p%d 10.0.0.%d labels app=a%d\npolicy a/p%d app=a%d", i, i, i,
				i, i);
			test_cluster_add(cluster, line);
			snprintf(line, sizeof(line), broad[k], 1000 + i);
			test_cluster_add(cluster, line);
		}
		for (int i = 0; i < 240; i++) {
			snprintf(line, sizeof(line),
				"pod b/p%d 10.1.0.%d labels app=b%d\npolicy b/p%d app=b%d\negress\n"
				"egress to block:192.%d.0.0/16 ports TCP/1",
				i, i, i, i, i, i);
			test_cluster_add(cluster, line);
		}
		ruleset = test_compile(compiler, cluster, &options);
		assert_true(tg_compiled_stats(ruleset.compiled)->classes > 500);
		assert_true(tg_compiled_stats(ruleset.compiled)->cells < 1500);
		test_ruleset_free(&ruleset);
		test_cluster_free(cluster);
		tg_compiler_free(compiler);
	}
}

/* Everybody's own exception from everything costs two cells a row, not one for each of the others.
 */
static void all_but_one_costs_two_cells(void **state)
{
	static const char *const asks[] = {
		"ingress from ns:t!=%d ports TCP/80",
		"ingress from ns:*+app!=x%d ports TCP/80",
		"egress to block:0.0.0.0/0-192.0.%d.0/24 ports TCP/80",
	};
	const struct test_tuple own = {"10.0.0.7", "10.0.1.7", TCP, 80},
				other = {"10.0.0.8", "10.0.1.7", TCP, 80},
				inside = {"10.0.0.7", "192.0.7.9", TCP, 80},
				outside = {"10.0.0.7", "192.0.8.9", TCP, 80};

	for (size_t k = 0; k < sizeof(asks) / sizeof(asks[0]); k++) {
		struct state s = {
			.compiler = tg_compiler_create(), .cluster = test_cluster_create("")};
		const struct tg_compile_options options = {.generation = 1};
		char line[256];

		for (int i = 0; i < 100; i++) {
			snprintf(line, sizeof(line),
				"ns n%d t=%d\npod n%d/p 10.0.0.%d labels app=x%d\n"
				"pod n%d/q 10.0.1.%d labels app=x%d\npolicy n%d/p *",
				i, i, i, i, i, i, i, i, i);
			test_cluster_add(s.cluster, line);
			snprintf(line, sizeof(line), asks[k], i);
			test_cluster_add(s.cluster, line);
		}
		s.ruleset = test_compile(s.compiler, s.cluster, &options);
		assert_true(tg_compiled_stats(s.ruleset.compiled)->cells < 1000);
		assert_says(
			&s, &own, TG_INGRESS, k < 2 ? "deny implicit n7: p" : "deny baseline n7");
		if (k < 2)
			assert_says(&s, &other, TG_INGRESS, "allow n7/p[0]");
		assert_says(
			&s, &inside, TG_EGRESS, k < 2 ? "deny baseline n7" : "deny implicit n7: p");
		if (k == 2)
			assert_says(&s, &outside, TG_EGRESS, "allow n7/p[0]");
		state_free(&s);
	}
}

#define TWO_TENANTS                                                                            \
	"ns good\nns bad\npod good/w 10.0.0.1 labels app=w\npod bad/w 10.0.1.1 labels app=w\n" \
	"pod bad/v 10.0.1.2 labels app=v\n"                                                    \
	"policy good/p *\ningress from any ports TCP/80\n"                                     \
	"policy bad/p app=w\ningress from block:192.0.2.0/32;block:192.0.2.1/32;"              \
	"block:192.0.2.2/32;block:192.0.2.3/32;block:192.0.2.4/32 ports any\n"

static void a_tenant_over_its_budget_is_alone(void **state)
{
	const struct tg_compile_options tight = {.generation = 1, .cell_budget = 4},
					enough = {.generation = 1, .cell_budget = 5};
	const struct test_tuple bad = {"192.0.2.3", "10.0.1.1", TCP, 80},
				bad_out = {"10.0.1.1", "192.0.2.3", TCP, 80},
				other = {"192.0.2.3", "10.0.1.2", TCP, 80},
				good = {"192.0.2.3", "10.0.0.1", TCP, 80};
	struct state s = compile_text(TWO_TENANTS, &tight);
	const struct tg_warning *warnings;
	size_t n, found = 0;

	assert_says(&s, &bad, TG_INGRESS, "deny cell-budget");
	assert_says(&s, &bad_out, TG_EGRESS, "deny cell-budget");
	assert_says(&s, &other, TG_INGRESS, "deny cell-budget");
	assert_says(&s, &good, TG_INGRESS, "allow good/p[0]");
	warnings = tg_compiled_warnings(s.ruleset.compiled, &n);
	for (size_t i = 0; i < n; i++)
		if (warnings[i].kind == TG_WARN_CELL_BUDGET) {
			assert_non_null(strstr(warnings[i].text, "namespace bad"));
			found++;
		}
	assert_int_equal(found, 1);
	state_free(&s);

	s = compile_text(TWO_TENANTS, &enough);
	assert_says(&s, &bad, TG_INGRESS, "allow bad/p[0]");
	state_free(&s);
}

/* Few cells, but many looks: 300 rules over 300 classes each, a third of all. */
static void work_is_bounded_as_well(void **state)
{
	const struct tg_compile_options options = {.generation = 1, .cell_budget = 2000};
	struct test_cluster *cluster = test_cluster_create(
		"ns good\nns bad\npod good/w 10.0.0.1 labels app=w\npod bad/w 10.0.1.1 labels app=w\n"
		"policy good/p *\ningress from any ports TCP/80\n");
	const struct test_tuple bad = {"192.0.2.3", "10.0.1.1", TCP, 1000},
				good = {"192.0.2.3", "10.0.0.1", TCP, 80};
	struct state s = {.compiler = tg_compiler_create(), .cluster = cluster};
	char line[256];

	for (int i = 0; i < 700; i++) {
		snprintf(line, sizeof(line),
			"policy good/b%d app=none\negress to block:198.51.%d.%d/32 ports any", i,
			i / 250, i % 250);
		test_cluster_add(cluster, line);
	}
	test_cluster_add(cluster, "policy bad/p *");
	for (int i = 0; i < 300; i++) {
		snprintf(line, sizeof(line),
			"ingress from block:192.0.0.0/16-192.0.%d.%d/32 ports TCP/%d", i / 250,
			i % 250, 1000 + i);
		test_cluster_add(cluster, line);
	}
	s.ruleset = test_compile(s.compiler, cluster, &options);
	assert_says(&s, &bad, TG_INGRESS, "deny cell-budget");
	assert_says(&s, &good, TG_INGRESS, "allow good/p[0]");
	state_free(&s);
}

/* 5,500 blocks that each except another address: the sets of terms alone would be 30 million words.
 */
static void sets_are_bounded_as_well(void **state)
{
	const struct tg_compile_options options = {.generation = 1};
	struct test_cluster *cluster = test_cluster_create(
		"ns good\nns bad\npod good/w 10.0.0.1 labels app=w\npod bad/w 10.0.1.1 labels app=w\n"
		"policy good/p *\negress to block:192.0.0.0/16 ports TCP/80\n"
		"egress to pods:* ports TCP/81\n");
	const struct test_tuple bad = {"10.0.1.1", "192.0.2.3", TCP, 443},
				bad_in = {"192.0.2.3", "10.0.1.1", TCP, 443},
				good = {"10.0.0.1", "192.0.2.3", TCP, 80};
	struct state s = {.compiler = tg_compiler_create(), .cluster = cluster};
	const struct tg_warning *warnings;
	size_t n;

	for (int i = 0; i < 5500; i++) {
		char line[160];

		if (i % 50 == 0) {
			snprintf(line, sizeof(line), "policy bad/p%d *", i);
			test_cluster_add(cluster, line);
		}
		snprintf(line, sizeof(line),
			"egress to block:0.0.0.0/0-192.0.%d.%d/32 ports TCP/443", i >> 8, i & 255);
		test_cluster_add(cluster, line);
	}
	s.ruleset = test_compile(s.compiler, cluster, &options);
	assert_says(&s, &bad, TG_EGRESS, "deny cell-budget");
	assert_says(&s, &bad_in, TG_INGRESS, "deny cell-budget");
	assert_says(&s, &good, TG_EGRESS, "allow good/p[0]");
	warnings = tg_compiled_warnings(s.ruleset.compiled, &n);
	for (size_t i = 0; i < n; i++)
		if (strstr(warnings[i].text, "bad") != NULL)
			assert_int_equal(warnings[i].kind, TG_WARN_CELL_BUDGET);
	/* Its rules keep their slots: they are still there, and may come back. */
	assert_int_not_equal(test_slot_of(&s.ruleset.image, "bad/p0[49]"), TG_NONE);
	state_free(&s);
}

static void bad_input_is_refused(void **state)
{
	const struct tg_infrastructure reversed = {.name = "x",
		.from_nodes = true,
		.to_nodes = true,
		.protocol = TCP,
		.lo = 2,
		.hi = 1};
	const struct tg_infrastructure unset = {.name = "x", .to_nodes = true, .protocol = TCP};
	const struct tg_prefix long_prefix = {.addr.family = 4, .length = 33};
	const struct {
		const char *cluster;
		struct tg_compile_options options;
		int err;
		const char *error;
	} bad[] = {
		{"ns a\nns a\n", {.generation = 1}, -EEXIST, "Namespace a "},
		{"ns a\npolicy a/p *\ningress\npolicy b/p *\ningress\npolicy a/p *\negress\n",
			{.generation = 1}, -EEXIST, "NetworkPolicy a/p "},
		{"ns a\n", {.infrastructure = &reversed, .n_infrastructure = 1}, -EINVAL,
			"reversed"},
		{"ns a\n", {.infrastructure = &unset, .n_infrastructure = 1}, -EINVAL,
			"infrastructure[0].from"},
		{"ns a\n", {.home.pod_ranges = &long_prefix, .home.n_pod_ranges = 1}, -EINVAL,
			"pod_ranges[0]"},
		{"ns a\n", {.slot_capacity = TG_SLOT_FIRST}, -EINVAL, "slot_capacity"},
		{"ns a\n", {.slot_capacity = 1u << 25}, -EINVAL, "slot_capacity"},
		{"ns a\n", {.slot_capacity = TG_SLOT_FIRST + 1}, -E2BIG, "slots"},
		{"ns a\n", {.default_action = {7, 0}}, -EINVAL, "default_action"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct test_cluster *cluster = test_cluster_create(bad[i].cluster);
		struct tg_compiler *compiler = tg_compiler_create();
		struct tg_compiled *out = NULL;
		char error[128];
		int err = tg_compile(compiler, test_cluster_view(cluster), &bad[i].options, &out,
			error, sizeof(error));

		if (err != bad[i].err || strstr(error, bad[i].error) == NULL)
			fail_msg("row %zu: %d, %s", i, err, error);
		assert_null(out);
		test_cluster_free(cluster);
		tg_compiler_free(compiler);
	}
}

static void an_empty_cluster_denies(void **state)
{
	struct state s = compile_text("", NULL);
	const struct test_tuple v4 = {"10.0.0.1", "192.0.2.1", TCP, 80},
				v6 = {"fd00::1", "2001:db8::1", TCP, 80};

	assert_says(&s, &v4, TG_EGRESS, "deny transit");
	assert_says(&s, &v6, TG_EGRESS, "deny transit");
	state_free(&s);
}

static void warnings_name_what_is_odd(void **state)
{
	static const struct {
		const char *cluster;
		enum tg_warning_kind kind;
		const char *text; /* NULL: there must be no such warning */
	} rows[] = {
		{"policy a/p *\negress to block:0.0.0.0/0 ports any\n", TG_WARN_BLOCK_OVERLAPS_PODS,
			"NetworkPolicy a/p spec.egress[0].to: ipBlock 0.0.0.0/0 matches pod"},
		{"policy a/p *\negress to block:0.0.0.0/0-10.0.0.0/8 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_PODS, NULL},
		{"policy a/p *\negress to block:10.0.0.200/32 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_PODS, "10.0.0.200/32"},
		{"policy a/p *\negress to block:10.96.0.0/16 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_SERVICES, "10.96.0.0/16"},
		{"policy a/p *\negress to block:10.97.0.0/16 ports any\n",
			TG_WARN_BLOCK_OVERLAPS_SERVICES, NULL},
		{"pod a/x 10.0.0.9\npod a/y 10.0.0.9\n", TG_WARN_ADDRESS_CONFLICT,
			"2 pods claim 10.0.0.9, among them a/x and a/y; they cannot"},
		{"pod a/x 10.0.0.9 created 1\npod a/y 10.0.0.9 created 2\n",
			TG_WARN_ADDRESS_CONFLICT, "among them a/y and a/x; the first named has it"},
		{"pod a/x 192.168.0.1\n", TG_WARN_ADDRESS_CONFLICT, "which is a node's"},
		{"pod a/x 10.0.0.9,10.0.0.9\n", TG_WARN_ADDRESS_CONFLICT, NULL},
		{"pod a/x 10.0.0.9\npod a/y 10.0.0.9 finished\n", TG_WARN_ADDRESS_CONFLICT, NULL},
		{"policy a/p app=none\ningress\n", TG_WARN_SELECTOR_EMPTY, "spec.podSelector"},
		{"policy a/p app=w\ningress\n", TG_WARN_SELECTOR_EMPTY, NULL},
		{"policy a/p *\ningress from ns:x=y ports any\n", TG_WARN_SELECTOR_EMPTY,
			"spec.ingress[0].from"},
		{"policy a/p *\negress to pods:app=w ports TCP/nope\n",
			TG_WARN_NAMED_PORT_UNRESOLVED, "port nope"},
		{"policy a/p *\negress to pods:app=w ports TCP/http\n",
			TG_WARN_NAMED_PORT_UNRESOLVED, NULL},
		{"policy a/p *\ningress from any ports UDP/http\n", TG_WARN_NAMED_PORT_UNRESOLVED,
			"port http"},
		{"policy a/p *\ningress from any ports TCP/http\n", TG_WARN_NAMED_PORT_UNRESOLVED,
			NULL},
		{"pod z/x 10.0.0.9\n", TG_WARN_NAMESPACE_UNKNOWN, "pod z/x"},
		{"policy z/p *\ningress\n", TG_WARN_NAMESPACE_UNKNOWN, "NetworkPolicy z/p"},
		{"pod a/x 172.16.0.1\n", TG_WARN_POD_OUTSIDE_RANGES, "172.16.0.1"},
		{"pod a/x 10.0.0.77\n", TG_WARN_POD_OUTSIDE_RANGES, NULL},
		{"pod a/x fd00::1\n", TG_WARN_POD_OUTSIDE_RANGES, NULL},
	};
	static const char base[] = "ns a\nnode n 192.168.0.1 cidr 10.0.0.0/24\n"
				   "pod a/w 10.0.0.1 labels app=w ports http:80/TCP\n"
				   "service a/s 10.96.0.1\n";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024];
		const struct tg_warning *warnings;
		const char *found = NULL;
		struct state s;
		size_t n;

		snprintf(text, sizeof(text), "%s%s", base, rows[i].cluster);
		s = compile_text(text, NULL);
		warnings = tg_compiled_warnings(s.ruleset.compiled, &n);
		for (size_t k = 0; k < n; k++)
			if (warnings[k].kind == rows[i].kind)
				found = warnings[k].text;
		if ((found == NULL) != (rows[i].text == NULL) ||
			(found != NULL && strstr(found, rows[i].text) == NULL))
			fail_msg("[%s]: %s", rows[i].cluster, found != NULL ? found : "no warning");
		state_free(&s);
	}
}

/* However many there are, people read no more than so many. */
static void warnings_are_bounded(void **state)
{
	struct test_cluster *cluster = test_cluster_create("ns a\n");
	struct state s = {.compiler = tg_compiler_create(), .cluster = cluster};
	const struct tg_compile_options options = {.generation = 1};
	const struct tg_warning *warnings;
	size_t n;

	for (int i = 0; i < 1500; i++) {
		char line[80];

		snprintf(line, sizeof(line), "policy a/p%d app=none\ningress\n", i);
		test_cluster_add(cluster, line);
	}
	s.ruleset = test_compile(s.compiler, cluster, &options);
	warnings = tg_compiled_warnings(s.ruleset.compiled, &n);
	assert_int_equal(n, 1001);
	assert_string_equal(warnings[1000].text, "and 500 more of this kind");
	state_free(&s);
}

static void rules_have_texts(void **state)
{
	static const struct {
		const char *rule;
		const char *text;
	} rows[] = {
		{"a/p[0]", "a/p egress[0] allow to app=db ports TCP/5432"},
		{"a/p[1]", "a/p egress[1] allow to all pods; all pods of all namespaces; "
			   "app=x of namespaces env in (y,z) all ports"},
		{"a/p[2]", "a/p egress[2] allow to 10.0.0.0/8 except 10.1.0.0/16,10.2.0.0/16 ports "
			   "UDP,TCP/80-90,SCTP/s"},
		{"a/p[3]", "a/p egress[3] allow to any address all ports"},
		{"a/p[4]", "a/p egress[4] allow to k,!l of namespaces env notin (y) all ports"},
		{"implicit a: p", "a egress implicit deny: isolated by p"},
		{"baseline b", "b egress baseline deny: no policy isolates the pod"},
		{"infrastructure t", "infrastructure t: allow from nodes to 10.0.0.0/8 TCP/6443"},
	};
	const struct tg_infrastructure tuple = {.name = "t",
		.from_nodes = true,
		.to = test_prefix("10.0.0.0/8"),
		.protocol = TCP,
		.lo = 6443,
		.hi = 6443};
	const struct tg_compile_options options = {
		.generation = 1, .infrastructure = &tuple, .n_infrastructure = 1};
	struct state s = compile_text(
		"ns a\nns b\npod a/w 10.0.0.1\npolicy a/p * owner team-red\n"
		"egress to pods:app=db ports TCP/5432\n"
		"egress to pods:*;ns:*;ns:env=y|z+app=x ports any\n"
		"egress to block:10.0.0.0/8-10.1.0.0/16-10.2.0.0/16 ports UDP/*,TCP/80-90,SCTP/s\n"
		"egress to any ports any\n"
		"egress to ns:env!=y+k&!l ports any\n",
		&options);
	const struct tg_image *image = &s.ruleset.image;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tg_image_rule *rule =
			tg_image_rule_of(image, test_slot_of(image, rows[i].rule));

		if (rule == NULL)
			fail_msg("no rule %s", rows[i].rule);
		assert_string_equal(image->strings + rule->text, rows[i].text);
		if (rule->kind == TG_RULE_POLICY)
			assert_string_equal(image->strings + rule->owner, "team-red");
	}
	state_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_do_not_depend_on_pods),
		cmocka_unit_test(classes_of_a_large_cluster),
		cmocka_unit_test(equal_prefixes_share_a_class),
		cmocka_unit_test(broad_terms_cost_few_cells),
		cmocka_unit_test(all_but_one_costs_two_cells),
		cmocka_unit_test(a_tenant_over_its_budget_is_alone),
		cmocka_unit_test(work_is_bounded_as_well),
		cmocka_unit_test(sets_are_bounded_as_well),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(an_empty_cluster_denies),
		cmocka_unit_test(warnings_name_what_is_odd),
		cmocka_unit_test(warnings_are_bounded),
		cmocka_unit_test(rules_have_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store.h"

#define POLICY(name, extra)                                                                  \
	"{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", "           \
	"\"metadata\": {\"name\": \"" name "\", \"namespace\": \"shop\"}, \"spec\": {" extra \
	"}}\n"
#define NAMESPACE(name)                                                                      \
	"{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"" name \
	"\"}}\n"
#define POD_A "shop/a 10.0.0.1 app=a\n"
#define POD_B "shop/b 10.0.0.2 app=b\n"

static int load(struct tg_store *store, const char *file, const char *text)
{
	return tg_store_load(store, file, text, strlen(text));
}

static struct tg_changes *take(struct tg_store *store)
{
	struct tg_changes *changes = tg_store_take_changes(store);

	assert_non_null(changes);
	return changes;
}

/* Takes the changes and expects them to be of this shape. */
static void expect_changes(struct tg_store *store, bool other, size_t n_pods)
{
	struct tg_changes *changes = take(store);

	assert_int_equal(changes->other, other);
	assert_int_equal(changes->n_pods, n_pods);
	tg_changes_release(store, changes);
	assert_false(tg_store_changed(store));
}

static struct tg_file_status status_of(const struct tg_store *store, const char *file)
{
	struct tg_file_status status = {0};

	for (size_t i = 0; i < tg_store_file_count(store); i++) {
		tg_store_file(store, i, &status);
		if (strcmp(status.file, file) == 0)
			return status;
	}
	fail_msg("no file %s", file);
	return status;
}

static size_t count_pods(struct tg_store *store)
{
	struct tg_view *view = tg_store_view(store);
	size_t n;

	assert_non_null(view);
	n = view->cluster.n_pods;
	tg_view_release(store, view);
	return n;
}

static void a_bad_file_keeps_its_last_good_objects(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_store_stats stats;

	assert_int_equal(load(store, "a.endpoints", "shop/a nonsense\n"), -EINVAL);
	assert_false(status_of(store, "a.endpoints").in_force);
	tg_store_stats(store, &stats);
	assert_int_equal(stats.files_missing, 1);
	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	assert_false(status_of(store, "a.endpoints").refused);
	expect_changes(store, true, 2);
	assert_int_equal(load(store, "a.endpoints", POD_A "shop/b nonsense\n"), -EINVAL);
	assert_true(status_of(store, "a.endpoints").refused);
	assert_true(status_of(store, "a.endpoints").in_force);
	assert_int_equal(status_of(store, "a.endpoints").n_errors, 1);
	assert_int_equal(status_of(store, "a.endpoints").errors[0].line, 2);
	assert_int_equal(count_pods(store), 2);
	expect_changes(store, false, 0);
	assert_int_equal(tg_store_fail(store, "a.endpoints", "cannot be read"), 0);
	assert_string_equal(status_of(store, "a.endpoints").errors[0].text, "cannot be read");
	assert_int_equal(count_pods(store), 2);
	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	assert_int_equal(count_pods(store), 1);
	tg_store_free(store);
}

static void changes_of_pods_alone_are_listed(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_changes *changes;

	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	expect_changes(store, true, 2); /* the namespace is new */
	assert_int_equal(load(store, "a.endpoints", "# moved\n" POD_B POD_A), 0);
	expect_changes(store, false, 0);
	assert_int_equal(load(store, "b.endpoints", "shop/c 10.0.0.3 app=c\n"), 0);
	assert_int_equal(load(store, "a.endpoints", "shop/a 10.0.0.9 app=a\n"), 0);
	changes = take(store);
	assert_false(changes->other);
	assert_int_equal(changes->n_pods, 3);
	for (size_t i = 0; i < changes->n_pods; i++) {
		const struct tg_pod_change *c = &changes->pods[i];
		const struct tg_pod *pod = c->after != NULL ? c->after : c->before;
		const char *name = tg_intern_text(tg_store_strings(store), pod->name);

		assert_int_equal(c->before != NULL, strcmp(name, "c") != 0);
		assert_int_equal(c->after != NULL, strcmp(name, "b") != 0);
	}
	/* What was taken stays readable whatever happens to the files meanwhile. */
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	assert_int_equal(tg_store_remove(store, "b.endpoints"), 0);
	for (size_t i = 0; i < changes->n_pods; i++)
		if (changes->pods[i].before != NULL)
			assert_int_equal(changes->pods[i].before->n_addrs, 1);
	tg_changes_release(store, changes);
	expect_changes(store, true, 2); /* the namespace is gone */
	tg_store_free(store);
}

static void a_pod_that_returns_is_no_change(void **state)
{
	struct tg_store *store = tg_store_create();

	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	expect_changes(store, true, 2);
	assert_int_equal(load(store, "a.endpoints", POD_B), 0);
	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	expect_changes(store, false, 0);
	assert_int_equal(load(store, "a.endpoints", POD_A POD_B "shop/c - -\n"), 0);
	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	expect_changes(store, false, 0);
	tg_store_free(store);
}

static void everything_else_is_something_else(void **state)
{
	static const struct {
		const char *before, *after;
		bool other;
	} cases[] = {
		{POLICY("p", ""), POLICY("p", ""), false},
		{POLICY("p", ""), "\n\n" POLICY("p", "\"podSelector\": null"), false},
		{POLICY("p", ""), POLICY("q", ""), true},
		{POLICY("p", ""), POLICY("p", "\"egress\": [{}]"), true},
		{POLICY("p", "\"policyTypes\": [\"Egress\"]"), POLICY("p", ""), true},
		{POLICY("p", "\"ingress\": [{\"ports\": [{\"port\": 80}]}]"),
			POLICY("p", "\"ingress\": [{\"ports\": [{\"port\": 81}]}]"), true},
		{POLICY("p", "\"ingress\": [{\"from\": [{\"podSelector\": {}}]}]"),
			POLICY("p", "\"ingress\": [{\"from\": [{\"namespaceSelector\": {}}]}]"),
			true},
		{POLICY("p", "\"ingress\": [{\"from\": [{\"ipBlock\": {\"cidr\": \"::/0\"}}]}]"),
			POLICY("p", "\"ingress\": [{\"from\": [{\"ipBlock\": {\"cidr\": \"::/0\", "
				    "\"except\": [\"::/1\"]}}]}]"),
			true},
		{POLICY("p", "\"podSelector\": {\"matchLabels\": {\"a\": \"b\", \"c\": \"d\"}}"),
			POLICY("p", "\"podSelector\": {\"matchExpressions\": [{\"key\": \"c\", "
				    "\"operator\": \"In\", \"values\": [\"d\"]}, {\"key\": \"a\", "
				    "\"operator\": \"In\", \"values\": [\"b\"]}]}"),
			false},
		{NAMESPACE("x"), NAMESPACE("x") NAMESPACE("y"), true},
		{NAMESPACE("x"), "", true},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n",
			"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDR: "
			"10.0.0.0/24}\n",
			true},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: "
			"10.9.0.1}\n",
			true},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: "
			"None, ports: [{port: 80}]}\n",
			false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_store *store = tg_store_create();

		assert_int_equal(load(store, "f.yaml", cases[i].before), 0);
		expect_changes(store, true, 0);
		assert_int_equal(load(store, "f.yaml", cases[i].after), 0);
		expect_changes(store, cases[i].other, 0);
		tg_store_free(store);
	}
}

/* Pods are listed whatever changes beside them, before or after. */
static void pods_are_listed_beside_something_else(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_changes *changes;
	struct tg_view *view;

	assert_int_equal(load(store, "ns.yaml", NAMESPACE("shop")), 0);
	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	expect_changes(store, true, 1);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	assert_int_equal(load(store, "p.yaml", POLICY("p", "")), 0);
	assert_int_equal(load(store, "b.endpoints", POD_B), 0);
	/* The pod that is gone is kept for whoever takes the changes. */
	view = tg_store_view(store);
	tg_view_release(store, view);
	changes = take(store);
	assert_true(changes->other);
	assert_int_equal(changes->n_pods, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct tg_pod_change *c = &changes->pods[i];

		assert_true((c->before == NULL) != (c->after == NULL));
		assert_int_equal((c->before != NULL ? c->before : c->after)->n_addrs, 1);
	}
	tg_changes_release(store, changes);
	tg_store_free(store);
}

/* More than are listed: `other` says so, and the next list begins anew. */
static void too_many_pods_are_something_else(void **state)
{
	enum { MANY = 16385 };
	struct tg_store *store = tg_store_create();
	char *text = malloc(MANY * 32), *at = text;

	assert_non_null(text);
	assert_int_equal(load(store, "ns.yaml", NAMESPACE("shop")), 0);
	expect_changes(store, true, 0);
	for (int i = 0; i < MANY; i++)
		at += sprintf(at, "shop/p%d - -\n", i);
	assert_int_equal(load(store, "many.endpoints", text), 0);
	expect_changes(store, true, 0);
	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	expect_changes(store, false, 1);
	free(text);
	tg_store_free(store);
}

/* Two versions of one pod that differ in one thing. */
static void any_difference_of_a_pod_counts(void **state)
{
	static const char *const pods[][2] = {
		{"shop/a 10.0.0.1 app=a", "shop/a 10.0.0.1 app=b"},
		{"shop/a 10.0.0.1 app=a", "shop/a 10.0.0.1 app=a,tier=x"},
		{"shop/a 10.0.0.1 -", "shop/a 10.0.0.2 -"},
		{"shop/a 10.0.0.1 -", "shop/a 10.0.0.1,fd00::1 -"},
		{"shop/a 10.0.0.1 - http=80/TCP", "shop/a 10.0.0.1 - http=81/TCP"},
		{"shop/a 10.0.0.1 - http=80/TCP", "shop/a 10.0.0.1 - http=80/UDP"},
		{"shop/a 10.0.0.1 - http=80/TCP", "shop/a 10.0.0.1 - web=80/TCP"},
		{"shop/a 10.0.0.1 - - node=n1", "shop/a 10.0.0.1 - - node=n2"},
		{"shop/a 10.0.0.1 - -", "shop/a 10.0.0.1 - - created=2024-01-01T00:00:00Z"},
		{"shop/a 10.0.0.1 - -", "shop/a 10.0.0.1 - - terminating"},
		{"shop/a 10.0.0.1 - -", "shop/a 10.0.0.1 - - finished"},
		{"shop/a 10.0.0.1 - -", "shop/a 10.0.0.1 - - host-network"},
	};

	for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
		struct tg_store *store = tg_store_create();

		assert_int_equal(load(store, "a.endpoints", pods[i][0]), 0);
		expect_changes(store, true, 1); /* the namespace is new */
		assert_int_equal(load(store, "a.endpoints", pods[i][1]), 0);
		expect_changes(store, false, 1);
		tg_store_free(store);
	}
}

static void any_difference_of_another_object_counts(void **state)
{
#define NS_LABELS(labels)                                                                    \
	"{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\", " \
	"\"labels\": {" labels "}}}"
#define NODE(labels, cidr, addr)                                                         \
	"{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"n\", "  \
	"\"labels\": {" labels "}}, \"spec\": {\"podCIDR\": \"" cidr "\"}, \"status\": " \
	"{\"addresses\": [{\"type\": \"InternalIP\", \"address\": \"" addr "\"}]}}"
#define SERVICE(addr)                                                                                     \
	"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"s\", \"namespace\": " \
	"\"shop\"}, \"spec\": {\"clusterIP\": \"" addr "\"}}"
	static const char *const objects[][2] = {
		{NS_LABELS("\"team\": \"x\""), NS_LABELS("\"team\": \"y\"")},
		{NS_LABELS("\"team\": \"x\""), NS_LABELS("")},
		{NODE("", "10.0.0.0/24", "192.0.2.1"), NODE("", "10.0.1.0/24", "192.0.2.1")},
		{NODE("", "10.0.0.0/24", "192.0.2.1"), NODE("", "10.0.0.0/24", "192.0.2.2")},
		{SERVICE("10.96.0.1"), SERVICE("10.96.0.2")},
		{POLICY("p", "\"podSelector\": {}"),
			POLICY("p", "\"podSelector\": {\"matchLabels\": {\"app\": \"a\"}}")},
		{POLICY("p", "\"policyTypes\": [\"Ingress\"]"),
			POLICY("p", "\"policyTypes\": [\"Egress\"]")},
		{POLICY("p", "\"ingress\": []"), POLICY("p", "\"ingress\": [{}]")},
		{POLICY("p", "\"ingress\": [{\"ports\": [{\"port\": 80}]}]"),
			POLICY("p", "\"ingress\": [{\"ports\": [{\"port\": 81}]}]")},
		{POLICY("p",
			 "\"ingress\": [{\"from\": [{\"ipBlock\": {\"cidr\": \"10.0.0.0/8\"}}]}]"),
			POLICY("p",
				"\"ingress\": [{\"from\": [{\"ipBlock\": {\"cidr\": \"10.0.0.0/9\"}}]}]")},
	};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct tg_store *store = tg_store_create();

		assert_int_equal(load(store, "a.json", objects[i][0]), 0);
		expect_changes(store, true, 0);
		assert_int_equal(load(store, "a.json", objects[i][0]), 0);
		expect_changes(store, false, 0);
		assert_int_equal(load(store, "a.json", objects[i][1]), 0);
		expect_changes(store, true, 0);
		tg_store_free(store);
	}
#undef NS_LABELS
#undef NODE
#undef SERVICE
}

static void an_object_in_two_files_is_an_error(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_file_status status;

	assert_int_equal(load(store, "a.yaml", "\n" POLICY("p", "")), 0);
	assert_int_equal(load(store, "b.yaml", POLICY("q", "")), 0);
	assert_int_equal(load(store, "b.yaml", "\n\n" POLICY("p", "\"egress\": [{}]")), -EEXIST);
	status = status_of(store, "b.yaml");
	assert_true(status.refused);
	assert_true(status.in_force);
	assert_int_equal(status.n_errors, 1);
	assert_int_equal(status.errors[0].line, 3);
	assert_string_equal(status.errors[0].text, "NetworkPolicy shop/p is also in a.yaml:2");
	/* The same name of another kind or in another namespace is another object. */
	assert_int_equal(load(store, "c.yaml", NAMESPACE("p")), 0);
	assert_int_equal(load(store, "d.yaml", POLICY("r", "") POLICY("r", "")), -EINVAL);
	status = status_of(store, "d.yaml");
	assert_string_equal(status.errors[0].text, "NetworkPolicy shop/r is also in d.yaml:1");
	tg_store_free(store);
}

static void a_moved_object_is_found_in_any_order(void **state)
{
	struct tg_store *store = tg_store_create();

	assert_int_equal(load(store, "a.yaml", POLICY("p", "")), 0);
	expect_changes(store, true, 0);
	assert_int_equal(load(store, "b.yaml", POLICY("p", "")), -EEXIST);
	assert_int_equal(load(store, "c.yaml", POLICY("p", "")), -EEXIST);
	expect_changes(store, false, 0);
	assert_int_equal(tg_store_remove(store, "a.yaml"), 0);
	assert_false(status_of(store, "b.yaml").refused);
	assert_true(status_of(store, "c.yaml").refused);
	assert_string_equal(status_of(store, "c.yaml").errors[0].text,
		"NetworkPolicy shop/p is also in b.yaml:1");
	assert_int_equal(status_of(store, "c.yaml").n_errors, 1);
	assert_int_equal(load(store, "b.yaml", POLICY("q", "")), 0);
	assert_false(status_of(store, "c.yaml").refused);
	assert_int_equal(tg_store_remove(store, "c.yaml"), 0);
	assert_int_equal(tg_store_remove(store, "c.yaml"), -ENOENT);
	tg_store_free(store);
}

static void files_may_exchange_objects(void **state)
{
	struct tg_store *store = tg_store_create();

	assert_int_equal(load(store, "a.yaml", POLICY("p", "") NAMESPACE("x")), 0);
	assert_int_equal(load(store, "b.yaml", POLICY("q", "")), 0);
	assert_int_equal(load(store, "c.yaml", POLICY("r", "")), 0);
	/* p, q and r go round; d has what nobody lets go of, and stays out of it. */
	assert_int_equal(load(store, "d.yaml", POLICY("r", "") NAMESPACE("x")), -EEXIST);
	assert_int_equal(load(store, "a.yaml", POLICY("q", "") NAMESPACE("x")), -EEXIST);
	assert_int_equal(load(store, "b.yaml", POLICY("r", "")), -EEXIST);
	assert_int_equal(load(store, "c.yaml", POLICY("p", "")), 0);
	assert_false(status_of(store, "a.yaml").refused);
	assert_false(status_of(store, "b.yaml").refused);
	assert_true(status_of(store, "d.yaml").refused);
	assert_int_equal(status_of(store, "d.yaml").n_errors, 2);
	assert_int_equal(tg_store_remove(store, "b.yaml"), 0);
	assert_int_equal(load(store, "a.yaml", POLICY("q", "")), 0);
	assert_false(status_of(store, "d.yaml").refused);
	tg_store_free(store);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* However objects are dealt anew to files, and in whatever order these are loaded: all end up. */
static void any_new_deal_is_accepted_in_the_end(void **state)
{
	enum { FILES = 5, PODS = 9, DEALS = 400 };
	struct tg_store *store = tg_store_create();
	uint32_t seed = 1;

	for (unsigned int deal = 0; deal < DEALS; deal++) {
		char texts[FILES][512] = {{0}};
		unsigned int first = next_random(&seed);
		struct tg_store_stats stats;

		for (unsigned int p = 0; p < PODS; p++) {
			char *text = texts[next_random(&seed) % FILES];

			snprintf(text + strlen(text), 64, "shop/p%u 10.0.0.%u -\n", p, p);
		}
		for (unsigned int i = 0; i < FILES; i++) {
			unsigned int f = (first + i * (1 + deal % (FILES - 1))) % FILES;
			char file[32];

			snprintf(file, sizeof(file), "%u.endpoints", f);
			load(store, file, texts[f]);
		}
		tg_store_stats(store, &stats);
		assert_int_equal(stats.files_refused, 0);
		assert_int_equal(stats.pods, PODS);
		expect_changes(store, deal == 0, deal == 0 ? PODS : 0);
	}
	tg_store_free(store);
}

static void a_swap_of_pods_is_no_change(void **state)
{
	struct tg_store *store = tg_store_create();

	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	assert_int_equal(load(store, "b.endpoints", POD_B), 0);
	expect_changes(store, true, 2);
	assert_int_equal(load(store, "a.endpoints", POD_B), -EEXIST);
	assert_int_equal(load(store, "b.endpoints", POD_A), 0);
	expect_changes(store, false, 0);
	assert_int_equal(count_pods(store), 2);
	tg_store_free(store);
}

static void mentioned_namespaces_exist(void **state)
{
	struct tg_store *store = tg_store_create();
	const struct tg_namespace *ns;
	struct tg_view *view;

	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	assert_int_equal(load(store, "p.yaml", POLICY("p", "")), 0);
	view = tg_store_view(store);
	assert_int_equal(view->cluster.n_namespaces, 1);
	ns = view->cluster.namespaces[0];
	assert_true(ns->implicit);
	assert_string_equal(tg_intern_text(tg_store_strings(store), ns->name), "shop");
	assert_int_equal(ns->labels.n, 1);
	assert_int_equal(ns->labels.v[0].value, ns->name);
	tg_view_release(store, view);
	assert_int_equal(load(store, "n.yaml", NAMESPACE("shop")), 0);
	view = tg_store_view(store);
	assert_int_equal(view->cluster.n_namespaces, 1);
	assert_false(view->cluster.namespaces[0]->implicit);
	tg_view_release(store, view);
	assert_int_equal(tg_store_remove(store, "p.yaml"), 0);
	assert_int_equal(tg_store_remove(store, "n.yaml"), 0);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	view = tg_store_view(store);
	assert_int_equal(view->cluster.n_namespaces, 0);
	tg_view_release(store, view);
	tg_store_free(store);
}

static void a_view_outlives_the_files_it_shows(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_view *old, *newer;

	assert_int_equal(load(store, "a.endpoints", POD_A POD_B), 0);
	old = tg_store_view(store);
	expect_changes(store, true, 2);
	assert_int_equal(load(store, "a.endpoints", POD_A), 0);
	newer = tg_store_view(store);
	assert_true(newer->sequence > old->sequence);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	expect_changes(store, true, 2);
	assert_int_equal(old->cluster.n_pods, 2);
	assert_int_equal(old->cluster.pods[1]->n_addrs, 1);
	tg_view_release(store, old);
	assert_int_equal(newer->cluster.n_pods, 1);
	assert_int_equal(newer->cluster.pods[0]->n_addrs, 1);
	tg_view_release(store, newer);
	tg_store_free(store);
}

/* However often files change meanwhile, only what the view shows is kept beside what is in force.
 */
static void a_view_kept_for_long_costs_one_content_a_file(void **state)
{
	enum { PODS = 400, TIMES = 300 };
	struct tg_store *store = tg_store_create();
	struct tg_view *view;
	char text[PODS * 40] = "";
	size_t at = 0, before, after;

	for (unsigned int p = 0; p < PODS; p++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "shop/p%u 10.0.%u.%u -\n", p,
			p / 250, p % 250);
	assert_int_equal(load(store, "a.endpoints", text), 0);
	view = tg_store_view(store);
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(load(store, "a.endpoints", text), 0);
	before = mallinfo2().uordblks;
	for (unsigned int i = 0; i < TIMES; i++)
		assert_int_equal(load(store, "a.endpoints", text), 0);
	after = mallinfo2().uordblks;
	assert_true(after < before + sizeof(text));
	assert_int_equal(view->cluster.n_pods, PODS);
	assert_int_equal(view->cluster.pods[PODS - 1]->n_addrs, 1);
	tg_view_release(store, view);
	tg_store_free(store);
}

/* Random loads and removals against a plain table of which file has which pod. */
static void random_changes_add_up(void **state)
{
	enum { FILES = 4, PODS = 12, STEPS = 3000 };
	struct tg_store *store = tg_store_create();
	bool truth[FILES][PODS] = {{0}}, known[PODS] = {0};
	uint32_t seed = 1;

	/* Keeps the namespace, so that changes are of pods alone. */
	assert_int_equal(load(store, "keep.yaml", NAMESPACE("shop")), 0);
	expect_changes(store, true, 0);
	for (unsigned int step = 0; step < STEPS; step++) {
		char file[32], text[512] = "";
		bool wanted[PODS], taken = false;
		struct tg_changes *changes;
		unsigned int f;
		int err;

		f = next_random(&seed) % FILES;
		snprintf(file, sizeof(file), "%u.endpoints", f);
		for (unsigned int p = 0; p < PODS; p++) {
			wanted[p] = p % FILES == f && next_random(&seed) % 2 != 0;
			if (wanted[p])
				snprintf(text + strlen(text), sizeof(text) - strlen(text),
					"shop/p%u 10.0.0.%u -\n", p, p);
			for (unsigned int g = 0; g < FILES; g++)
				taken = taken || (g != f && wanted[p] && truth[g][p]);
		}
		assert_false(taken);
		err = load(store, file, text);
		assert_int_equal(err, 0);
		memcpy(truth[f], wanted, sizeof(wanted));
		if (next_random(&seed) % 3 != 0)
			continue;
		changes = take(store);
		assert_false(changes->other);
		for (size_t i = 0; i < changes->n_pods; i++) {
			const struct tg_pod_change *c = &changes->pods[i];
			const struct tg_pod *pod = c->after != NULL ? c->after : c->before;
			unsigned int p = pod->addrs[0].bytes[3];

			assert_int_equal(known[p], c->before != NULL);
			known[p] = c->after != NULL;
		}
		for (unsigned int p = 0; p < PODS; p++)
			assert_int_equal(known[p], truth[p % FILES][p]);
		tg_changes_release(store, changes);
	}
	tg_store_free(store);
}

static void reports_are_counted(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_store_stats stats;

	assert_int_equal(
		load(store, "a.yaml",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"
			"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c}\n---\n"
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
			"metadata: {name: p, annotations: {tidegate.dev/mode: audit}}\n"),
		0);
	assert_int_equal(load(store, "b.yaml", "kind: Pod\n"), -EINVAL);
	tg_store_stats(store, &stats);
	assert_int_equal(stats.files, 2);
	assert_int_equal(stats.files_refused, 1);
	assert_int_equal(stats.files_missing, 1);
	assert_int_equal(stats.skipped, 1);
	assert_int_equal(stats.not_enforced, 1);
	assert_int_equal(stats.warnings, 1);
	assert_int_equal(stats.policies, 1);
	assert_int_equal(stats.namespaces, 1);
	tg_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_file_keeps_its_last_good_objects),
		cmocka_unit_test(changes_of_pods_alone_are_listed),
		cmocka_unit_test(a_pod_that_returns_is_no_change),
		cmocka_unit_test(everything_else_is_something_else),
		cmocka_unit_test(any_difference_of_a_pod_counts),
		cmocka_unit_test(any_difference_of_another_object_counts),
		cmocka_unit_test(pods_are_listed_beside_something_else),
		cmocka_unit_test(too_many_pods_are_something_else),
		cmocka_unit_test(an_object_in_two_files_is_an_error),
		cmocka_unit_test(a_moved_object_is_found_in_any_order),
		cmocka_unit_test(files_may_exchange_objects),
		cmocka_unit_test(any_new_deal_is_accepted_in_the_end),
		cmocka_unit_test(a_swap_of_pods_is_no_change),
		cmocka_unit_test(mentioned_namespaces_exist),
		cmocka_unit_test(a_view_outlives_the_files_it_shows),
		cmocka_unit_test(a_view_kept_for_long_costs_one_content_a_file),
		cmocka_unit_test(random_changes_add_up),
		cmocka_unit_test(reports_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "set.h"
#include "store_private.h"

#define BAD_POD \
	"{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\"},\"status\":{\"podIP\":\"x\"}}"
#define POLICY                                                                                \
	"{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\"},\"spec\":{\"podSelector\":{}," \
	"\"policyTypes\":[\"Ingress\"]}}"

struct fixture {
	struct tg_store *store;
	struct tg_store_set *namespaces, *pods, *services, *policies;
};

static struct tg_store_set *set_of(
	struct tg_store *store, const char *name, const char *version, const char *kind, bool keeps)
{
	const struct tg_store_set_options options = {
		.name = name, .api_version = version, .kind = kind, .keeps_unreadable = keeps};
	struct tg_store_set *set = tg_store_set_create(store, &options);

	assert_non_null(set);
	return set;
}

static int setup(void **state)
{
	static struct fixture f;

	f.store = tg_store_create();
	f.namespaces = set_of(f.store, "prod:namespaces", "v1", "Namespace", false);
	f.pods = set_of(f.store, "prod:pods", "v1", "Pod", false);
	f.services = set_of(f.store, "prod:services", "v1", "Service", true);
	f.policies = set_of(
		f.store, "prod:networkpolicies", "networking.k8s.io/v1", "NetworkPolicy", false);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tg_store_set_free(f->namespaces);
	tg_store_set_free(f->pods);
	tg_store_set_free(f->services);
	tg_store_set_free(f->policies);
	tg_store_free(f->store);
	return 0;
}

static int put(struct tg_store_set *set, const char *ns, const char *name, const char *text)
{
	return tg_store_set_put(set, ns, name, text, strlen(text));
}

static int put_pod(struct tg_store_set *set, const char *name, const char *ip)
{
	char text[512];

	snprintf(text, sizeof(text),
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"labels\":{\"app\":\"%s\"}},"
		"\"spec\":{\"nodeName\":\"n\"},\"status\":{\"podIP\":\"%s\"}}",
		name, name, ip);
	return put(set, "shop", name, text);
}

static int put_namespace(struct fixture *f, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"metadata\":{\"name\":\"%s\"}}", name);
	return put(f->namespaces, "", name, text);
}

static size_t count(struct fixture *f, size_t *namespaces)
{
	struct tg_view *view = tg_store_view(f->store);
	size_t n;

	assert_non_null(view);
	n = view->cluster.n_pods;
	if (namespaces != NULL)
		*namespaces = view->cluster.n_namespaces;
	tg_view_release(f->store, view);
	return n;
}

static struct tg_store_set_stats stats_of(const struct tg_store_set *set)
{
	struct tg_store_set_stats stats;

	tg_store_set_stats(set, &stats);
	return stats;
}

static void expect_changes(struct fixture *f, bool other, size_t n_pods)
{
	struct tg_changes *changes = tg_store_take_changes(f->store);

	assert_non_null(changes);
	assert_int_equal(changes->other, other);
	assert_int_equal(changes->n_pods, n_pods);
	tg_changes_release(f->store, changes);
}

static void objects_come_change_and_go(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put_namespace(f, "shop"), 0);
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), 0);
	assert_int_equal(put_pod(f->pods, "b", "10.0.0.2"), 0);
	expect_changes(f, true, 2);
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), 0);
	expect_changes(f, false, 0);
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.9"), 0);
	expect_changes(f, false, 1);
	assert_int_equal(stats_of(f->pods).objects, 2);
	tg_store_set_remove(f->pods, "shop", "a");
	tg_store_set_remove(f->pods, "shop", "nobody");
	expect_changes(f, false, 1);
	assert_int_equal(count(f, NULL), 1);
	assert_int_equal(stats_of(f->pods).objects, 1);
}

/* The same names in another cluster are others, and what is read of it is in its zone. */
static void clusters_do_not_share_names(void **state)
{
	struct fixture *f = *state;
	char cluster[] = "dev";
	const struct tg_store_set_options options = {.name = "dev:pods",
		.api_version = "v1",
		.kind = "Pod",
		.scope = {.zone = 9, .confined = true, .cluster = cluster}};
	struct tg_store_set *pods = tg_store_set_create(f->store, &options);
	struct tg_intern *strings = tg_store_strings(f->store);
	struct tg_view *view;
	size_t found = 0;

	assert_non_null(pods);
	cluster[0] = 'x'; /* strings are copied */
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), 0);
	assert_int_equal(put_pod(pods, "a", "10.0.0.1"), 0);
	view = tg_store_view(f->store);
	assert_non_null(view);
	assert_int_equal(view->cluster.n_pods, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct tg_pod *pod = view->cluster.pods[i];
		bool dev = strcmp(tg_intern_text(strings, pod->ns), "dev/shop") == 0;

		assert_int_equal(pod->zone, dev ? 9 : 0);
		assert_string_equal(tg_intern_text(strings, pod->node), dev ? "dev/n" : "n");
		found += dev;
	}
	assert_int_equal(found, 1);
	tg_view_release(f->store, view);
	tg_store_set_free(pods);
	assert_int_equal(count(f, NULL), 1);
}

static void an_address_changes_hands_in_one_change(void **state)
{
	struct fixture *f = *state;
	struct tg_changes *changes;

	put_namespace(f, "shop");
	put_pod(f->pods, "a", "10.0.0.1");
	expect_changes(f, true, 1);
	tg_store_set_remove(f->pods, "shop", "a");
	put_pod(f->pods, "b", "10.0.0.1");
	changes = tg_store_take_changes(f->store);
	assert_false(changes->other);
	assert_int_equal(changes->n_pods, 2);
	tg_changes_release(f->store, changes);
}

static void a_list_takes_back_what_it_does_not_have(void **state)
{
	struct fixture *f = *state;
	char name[32], ip[32];

	put_namespace(f, "shop");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "pod-%d", i);
		snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 250, i % 250 + 1);
		assert_int_equal(put_pod(f->pods, name, ip), 0);
	}
	expect_changes(f, true, 1000);
	tg_store_set_begin(f->pods);
	for (int i = 0; i < 1000; i += 3) {
		snprintf(name, sizeof(name), "pod-%d", i);
		snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 250, i % 250 + 1);
		assert_int_equal(put_pod(f->pods, name, ip), 0);
	}
	assert_int_equal(count(f, NULL), 1000);
	/* The first try was cut off: what only it had does not count. */
	assert_int_equal(put_pod(f->pods, "once", "10.9.9.9"), 0);
	tg_store_set_begin(f->pods);
	for (int i = 0; i < 1000; i += 2) {
		snprintf(name, sizeof(name), "pod-%d", i);
		snprintf(ip, sizeof(ip), "10.0.%d.%d", i / 250, i % 250 + 1);
		assert_int_equal(put_pod(f->pods, name, ip), 0);
	}
	assert_int_equal(tg_store_set_end(f->pods), 501);
	assert_int_equal(count(f, NULL), 500);
	assert_int_equal(stats_of(f->pods).objects, 500);
	expect_changes(f, false, 500);
	tg_store_set_begin(f->namespaces);
	assert_int_equal(tg_store_set_end(f->namespaces), 1);
	assert_int_equal(count(f, NULL), 500); /* another kind's list is not theirs */
}

/* semantics: until its object is there a Namespace matches nothing, so it must not come of itself.
 */
static void namespaces_do_not_come_of_being_mentioned(void **state)
{
	struct fixture *f = *state;
	size_t namespaces;

	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), 0);
	assert_int_equal(put(f->policies, "shop", "p", POLICY), 0);
	assert_int_equal(count(f, &namespaces), 1);
	assert_int_equal(namespaces, 0);
	put_namespace(f, "shop");
	count(f, &namespaces);
	assert_int_equal(namespaces, 1);
	tg_store_set_remove(f->namespaces, "", "shop");
	count(f, &namespaces);
	assert_int_equal(namespaces, 0);
	/* A manifest that mentions it makes it exist, as ever. */
	assert_int_equal(tg_store_load(f->store, "x.endpoints", "shop/z 10.0.0.7 app=z\n", 22), 0);
	count(f, &namespaces);
	assert_int_equal(namespaces, 1);
	tg_store_remove(f->store, "x.endpoints");
	count(f, &namespaces);
	assert_int_equal(namespaces, 0);
}

static void an_unreadable_pod_has_no_address(void **state)
{
	struct fixture *f = *state;
	struct tg_store_stats stats;

	put_namespace(f, "shop");
	put_pod(f->pods, "a", "10.0.0.1");
	assert_int_equal(put(f->pods, "shop", "a", BAD_POD), -EINVAL);
	assert_int_equal(count(f, NULL), 0);
	assert_int_equal(stats_of(f->pods).objects, 1);
	assert_int_equal(stats_of(f->pods).refused, 1);
	tg_store_stats(f->store, &stats);
	assert_int_equal(stats.files_missing, 0); /* nobody has to wait for it */
	assert_int_equal(stats.served_refused, 1);
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), 0);
	assert_int_equal(stats_of(f->pods).refused, 0);
	assert_int_equal(count(f, NULL), 1);
	assert_int_equal(tg_store_set_fail(f->pods, "shop", "a", "is too large"), -EINVAL);
	assert_int_equal(count(f, NULL), 0);
	assert_int_equal(put(f->pods, "shop", "a", "{\"metadata\":"), -EINVAL);
	tg_store_set_remove(f->pods, "shop", "a");
	assert_int_equal(stats_of(f->pods).objects, 0);
	assert_int_equal(stats_of(f->pods).refused, 0);
}

static void an_unreadable_service_is_still_one(void **state)
{
	struct fixture *f = *state;
	struct tg_store_stats stats;

	put(f->services, "shop", "s",
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"shop\"},"
		"\"spec\":{\"clusterIP\":\"10.96.0.9\"}}");
	assert_int_equal(put(f->services, "shop", "s", "{}"), -EINVAL);
	tg_store_stats(f->store, &stats);
	assert_int_equal(stats.services, 1);
	assert_int_equal(stats_of(f->services).refused, 1);
}

/* A policy that nobody could read may be one that isolates. */
static void an_unread_policy_isolates(void **state)
{
	struct fixture *f = *state;
	struct tg_view *view;
	const struct tg_policy *p;

	assert_int_equal(tg_store_set_fail(f->policies, "shop", "p", "is too large"), 0);
	view = tg_store_view(f->store);
	assert_int_equal(view->cluster.n_policies, 1);
	p = view->cluster.policies[0];
	assert_int_equal(p->pod_selector.n_reqs, 0);
	for (int d = 0; d < TG_DIRECTION_COUNT; d++) {
		assert_true(p->side[d].isolates);
		assert_int_equal(p->side[d].n_rules, 0);
	}
	tg_view_release(f->store, view);
}

static void an_object_of_another_source_waits(void **state)
{
	struct fixture *f = *state;
	struct tg_store_stats stats;

	assert_int_equal(tg_store_load(f->store, "x.endpoints", "shop/a 10.0.0.7 app=a\n", 22), 0);
	assert_int_equal(put_pod(f->pods, "a", "10.0.0.1"), -EEXIST);
	assert_int_equal(stats_of(f->pods).refused, 1);
	tg_store_stats(f->store, &stats);
	assert_int_equal(stats.files_missing, 1);
	tg_store_remove(f->store, "x.endpoints");
	assert_int_equal(stats_of(f->pods).refused, 0);
	tg_store_stats(f->store, &stats);
	assert_int_equal(stats.files_missing, 0);
	assert_int_equal(stats.pods, 1);
}

static void two_clusters_do_not_drop_each_others_objects(void **state)
{
	struct fixture *f = *state;
	struct tg_store_set *other = set_of(f->store, "test:pods", "v1", "Pod", false);

	put_namespace(f, "shop");
	put_pod(f->pods, "a", "10.0.0.1");
	put_pod(other, "b", "10.0.0.2");
	tg_store_set_begin(other);
	assert_int_equal(tg_store_set_end(other), 1);
	assert_int_equal(count(f, NULL), 1);
	put_pod(other, "b", "10.0.0.2");
	tg_store_set_free(other);
	assert_int_equal(count(f, NULL), 1);
}

/* Objects that a view has stay readable while their set changes and goes. */
static void a_view_outlives_its_objects(void **state)
{
	struct fixture *f = *state;
	struct tg_store_set *set = set_of(f->store, "test:pods", "v1", "Pod", false);
	struct tg_view *view;

	put_pod(set, "a", "10.0.0.1");
	view = tg_store_view(f->store);
	put_pod(set, "a", "10.0.0.2");
	tg_store_set_free(set);
	assert_int_equal(view->cluster.n_pods, 1);
	assert_int_equal(view->cluster.pods[0]->n_addrs, 1);
	assert_string_equal(
		tg_intern_text(tg_store_strings(f->store), view->cluster.pods[0]->name), "a");
	tg_view_release(f->store, view);
}

/* By looking at everything, as nobody does each time. */
static void check_strings(const struct tg_store *store)
{
	size_t n = tg_intern_count(store->strings);
	uint32_t *refs = calloc(n, sizeof(*refs));

	assert_non_null(refs);
	refs[store->metadata_name]++;
	for (size_t i = 0; i < store->namespaces.n; i++)
		refs[store->namespaces.v[i]->implicit.name]++;
	for (size_t i = 0; i < store_file_total(store); i++) {
		const struct file *file = store_file_at(store, i);

		refs[file->name]++;
		for (size_t k = 0; file->current != NULL && k < file->current->strings.n; k++)
			refs[file->current->strings.v[k]]++;
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(refs[i], i < store->n_string_refs ? store->string_refs[i] : 0);
		assert_int_equal(refs[i] != 0, tg_bits_has(&store->strings_in_force, i));
	}
	free(refs);
}

static void strings_in_force_are_counted(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = 7;
	char name[32], ip[32];

	for (int i = 0; i < 3000; i++) {
		unsigned int what = (unsigned int)rand_r(&seed) % 10,
			     which = (unsigned int)rand_r(&seed) % 40;

		snprintf(name, sizeof(name), "pod-%u-%d", which, what == 1 ? i : 0);
		snprintf(ip, sizeof(ip), "10.0.0.%u", which + 1);
		if (what < 4)
			put_pod(f->pods, name, ip);
		else if (what < 7)
			tg_store_set_remove(f->pods, "shop", name);
		else if (what == 7)
			tg_store_set_fail(f->pods, "shop", name, "is too large");
		else if (what == 8)
			tg_store_load(f->store, ip, "{\"kind\":\"Pod\"", 13);
		else if (which < 4)
			tg_store_remove(f->store, ip);
		else if (which < 8)
			tg_store_sweep(f->store);
		else if (which < 12) {
			tg_store_set_begin(f->pods);
			tg_store_set_end(f->pods);
		} else {
			put_namespace(f, name);
			tg_store_set_remove(f->namespaces, "", name);
		}
		if (i % 50 == 0)
			check_strings(f->store);
	}
	check_strings(f->store);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(objects_come_change_and_go),
		TEST(clusters_do_not_share_names),
		TEST(an_address_changes_hands_in_one_change),
		TEST(a_list_takes_back_what_it_does_not_have),
		TEST(namespaces_do_not_come_of_being_mentioned),
		TEST(an_unreadable_pod_has_no_address),
		TEST(an_unreadable_service_is_still_one),
		TEST(an_unread_policy_isolates),
		TEST(an_object_of_another_source_waits),
		TEST(two_clusters_do_not_drop_each_others_objects),
		TEST(a_view_outlives_its_objects),
		TEST(strings_in_force_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Pods that come and go as class-map entries: from manifests through store, compiler and deltas. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deltas.h"
#include "image.h"

#define ZONE 3
#define FAR 40000

struct fixture {
	struct tg_store *store;
	struct tg_compiler *compiler;
	struct tg_deltas *deltas;
	struct tg_target *target;
	struct tg_image image;
	void *copy;
	bool other;  /* the next changes are not of pods alone */
	size_t seen; /* entries of the log that were expected already */
};

static void load(struct fixture *f, const char *file, const char *text)
{
	assert_int_equal(tg_store_load(f->store, file, text, strlen(text)), 0);
}

/* One pod a file: "name addresses key=value" in the compact format. */
static void pod(struct fixture *f, const char *file, const char *line)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.endpoints", file);
	load(f, name, line);
}

static void gone(struct fixture *f, const char *file)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.endpoints", file);
	assert_int_equal(tg_store_remove(f->store, name), 0);
}

static void compile_all(struct fixture *f)
{
	static struct tg_prefix range;
	struct tg_compile_options options = {.home.zone = ZONE,
		.generation = 1,
		.home.pod_ranges = &range,
		.home.n_pod_ranges = 1};
	struct tg_view *view = tg_store_view(f->store);
	struct tg_image_error bad;
	struct tg_compiled *compiled;
	const void *image;
	struct tg_hold *hold = tg_store_hold(f->store);
	char error[256];
	size_t size;

	assert_int_equal(tg_prefix_parse("10.0.0.0/8", &range), 0);
	tg_changes_release(f->store, tg_store_take_changes(f->store));
	assert_int_equal(
		tg_compile(f->compiler, &view->cluster, &options, &compiled, error, sizeof(error)),
		0);
	tg_view_release(f->store, view);
	image = tg_compiled_image(compiled, &size);
	assert_int_equal(tg_target_create(image, size, &f->target), 0);
	assert_int_equal(tg_image_check(f->target->image, size, &f->image, &bad), 0);
	assert_int_equal(tg_deltas_create(compiled, hold, &f->deltas), 0);
}

static int setup(void **state)
{
	const struct tg_scope scope = {.zone = ZONE};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->store = tg_store_create();
	tg_store_set_scope(f->store, &scope);
	f->compiler = tg_compiler_create();
	load(f, "policy.yaml",
		"apiVersion: networking.k8s.io/v1\n"
		"kind: NetworkPolicy\n"
		"metadata: {namespace: shop, name: web}\n"
		"spec:\n"
		"  podSelector: {matchLabels: {app: web}}\n"
		"  ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]\n");
	pod(f, "web", "shop/web 10.0.0.1 app=web\n");
	pod(f, "api", "shop/api 10.0.0.2,fd00::2 app=api\n");
	pod(f, "old", "shop/old 10.0.0.3 app=api\n");
	compile_all(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tg_deltas_free(f->deltas);
	tg_target_unref(f->target);
	tg_compiler_free(f->compiler);
	tg_store_free(f->store);
	free(f);
	return 0;
}

/* The class of a pod's address in the compiled ruleset. */
static uint32_t class_of(struct fixture *f, const char *text)
{
	struct tg_addr addr;

	assert_int_equal(tg_addr_parse(text, &addr), 0);
	return tg_image_class_of(&f->image, ZONE, &addr, NULL);
}

static int apply(struct fixture *f)
{
	struct tg_changes *changes = tg_store_take_changes(f->store);
	int err;

	assert_non_null(changes);
	assert_int_equal(changes->other, f->other);
	f->other = false;
	err = tg_deltas_apply(f->deltas, changes->pods, changes->n_pods, f->target);
	tg_changes_release(f->store, changes);
	return err;
}

static const struct tg_classmap_entry *find(struct fixture *f, const char *text)
{
	const struct tg_classmap_entry *found = NULL;
	struct tg_addr addr;

	assert_int_equal(tg_addr_parse(text, &addr), 0);
	for (size_t i = f->seen; i < f->target->n_log; i++) {
		const struct tg_classmap_entry *e = &f->target->log[i];

		if (e->family != addr.family || memcmp(e->addr, addr.bytes, 16) != 0)
			continue;
		assert_null(found); /* one entry an address */
		found = e;
	}
	return found;
}

/* This call gave `n` entries, one of them for `addr` with this class. */
static void expect(struct fixture *f, size_t n, const char *addr, uint32_t cls)
{
	const struct tg_classmap_entry *e;

	assert_int_equal(f->target->n_log - f->seen, n);
	if (addr == NULL)
		return;
	e = find(f, addr);
	assert_non_null(e);
	assert_int_equal(e->cls, cls);
	assert_int_equal(e->zone, ZONE);
}

static void expected(struct fixture *f)
{
	f->seen = f->target->n_log;
}

static void a_pod_comes_and_goes(void **state)
{
	struct fixture *f = *state;

	pod(f, "new", "shop/new 10.0.0.9 app=api,pod-template-hash=abc\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.9", class_of(f, "10.0.0.2"));
	assert_int_not_equal(class_of(f, "10.0.0.2"), class_of(f, "10.0.0.1"));
	expected(f);
	gone(f, "new");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.9", TG_NONE);
	expected(f);
	gone(f, "old");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.3", TG_NONE);
}

static void both_families_have_their_class(void **state)
{
	struct fixture *f = *state;

	pod(f, "new", "shop/new 10.0.0.9,fd00::9 app=api\n");
	assert_int_equal(apply(f), 0);
	expect(f, 2, "10.0.0.9", class_of(f, "10.0.0.2"));
	expect(f, 2, "fd00::9", class_of(f, "fd00::2"));
}

/* Pods that are loaded from now on are in this zone. */
static void enter(struct fixture *f, uint16_t zone)
{
	const struct tg_scope scope = {.zone = zone};

	tg_store_set_scope(f->store, &scope);
}

static const struct tg_classmap_entry *find_in(struct fixture *f, uint16_t zone, const char *text)
{
	const struct tg_classmap_entry *found = NULL;
	struct tg_addr addr = {0};

	tg_addr_parse(text, &addr);
	for (size_t i = f->seen; i < f->target->n_log; i++) {
		const struct tg_classmap_entry *e = &f->target->log[i];

		if (e->zone == zone && e->family == addr.family &&
			memcmp(e->addr, addr.bytes, 16) == 0)
			found = e;
	}
	assert_non_null(found);
	return found;
}

static void an_address_is_another_one_in_each_zone(void **state)
{
	struct fixture *f = *state;
	uint32_t far_class;
	struct tg_addr addr;

	tg_deltas_free(f->deltas);
	tg_target_unref(f->target);
	enter(f, FAR);
	pod(f, "far", "shop/far 10.0.0.1 app=api\n");
	compile_all(f);
	tg_addr_parse("10.0.0.1", &addr);
	far_class = tg_image_class_of(&f->image, FAR, &addr, NULL);
	assert_int_not_equal(far_class, class_of(f, "10.0.0.2"));
	/* It is somebody's where we were before: nothing of interest here. */
	pod(f, "far2", "shop/far2 10.0.0.2 app=api\n");
	pod(f, "far3", "shop/far3 10.0.0.7 app=api\n");
	enter(f, ZONE);
	pod(f, "near", "shop/near 10.0.0.7 app=api\n");
	assert_int_equal(apply(f), 0);
	assert_int_equal(f->target->n_log - f->seen, 3);
	assert_int_equal(find_in(f, FAR, "10.0.0.2")->cls, far_class);
	assert_int_equal(find_in(f, FAR, "10.0.0.7")->cls, far_class);
	assert_int_equal(find_in(f, ZONE, "10.0.0.7")->cls, class_of(f, "10.0.0.2"));
	expected(f);
	gone(f, "far3");
	assert_int_equal(apply(f), 0);
	assert_int_equal(f->target->n_log - f->seen, 1);
	assert_int_equal(find_in(f, FAR, "10.0.0.7")->cls, TG_NONE);
	expected(f);
	/* The same pod, in the other zone: it has left an address there. */
	pod(f, "far2", "shop/far2 10.0.0.9 app=api\n");
	assert_int_equal(apply(f), 0);
	assert_int_equal(f->target->n_log - f->seen, 2);
	assert_int_equal(find_in(f, FAR, "10.0.0.2")->cls, TG_NONE);
	assert_int_equal(find_in(f, ZONE, "10.0.0.9")->cls, class_of(f, "10.0.0.2"));
	expected(f);
	enter(f, FAR);
	pod(f, "far2", "shop/far2 10.0.0.9 app=api\n");
	assert_int_equal(apply(f), 0);
	assert_int_equal(f->target->n_log - f->seen, 2);
	assert_int_equal(find_in(f, ZONE, "10.0.0.9")->cls, TG_NONE);
	assert_int_equal(find_in(f, FAR, "10.0.0.9")->cls, far_class);
}

static void a_changed_pod_is_moved_and_never_absent(void **state)
{
	struct fixture *f = *state;

	pod(f, "old", "shop/old 10.0.0.3 app=web\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.3", class_of(f, "10.0.0.1"));
}

static void what_no_policy_sees_changes_nothing(void **state)
{
	struct fixture *f = *state;

	pod(f, "old", "shop/old 10.0.0.3 app=api,version=2\n");
	assert_int_equal(apply(f), 0);
	expect(f, 0, NULL, 0);
}

static void an_address_that_is_given_up_is_vacated(void **state)
{
	struct fixture *f = *state;

	pod(f, "api", "shop/api 10.0.0.2 app=api\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "fd00::2", TG_NONE);
	expected(f);
	pod(f, "api", "shop/api 10.0.0.8 app=api\n");
	assert_int_equal(apply(f), 0);
	expect(f, 2, "10.0.0.2", TG_NONE);
	expect(f, 2, "10.0.0.8", class_of(f, "10.0.0.3"));
}

static void a_new_class_asks_for_a_compilation(void **state)
{
	struct fixture *f = *state;

	pod(f, "odd", "shop/odd 10.0.0.9 app=other\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
	/* What had a place keeps it until then. */
	pod(f, "old", "shop/old 10.0.0.3 app=other\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
}

static void the_rest_of_a_batch_is_done_all_the_same(void **state)
{
	struct fixture *f = *state;

	pod(f, "odd", "shop/odd 10.0.0.9 app=other\n");
	pod(f, "new", "shop/new 10.0.0.10 app=web\n");
	gone(f, "old");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 2, "10.0.0.10", class_of(f, "10.0.0.1"));
	expect(f, 2, "10.0.0.3", TG_NONE);
}

/* An address of the compiled cluster changes hands, in one step and again and again. */
static void a_reused_address_never_counts_as_its_former_owner(void **state)
{
	struct fixture *f = *state;

	gone(f, "old");
	pod(f, "new", "shop/new 10.0.0.3 app=web\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.3", class_of(f, "10.0.0.1"));
	expected(f);
	gone(f, "new");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.3", TG_NONE);
	expected(f);
	pod(f, "newer", "shop/newer 10.0.0.3 app=api\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.3", class_of(f, "10.0.0.2"));
	pod(f, "claims", "shop/claims 10.0.0.3 app=web\n");
	assert_int_equal(apply(f), -ENOENT); /* it has not been left */
}

/* Of an address that is taken while its owner is still there the compiler decides. */
static void an_address_that_nobody_left_is_not_given_away(void **state)
{
	struct fixture *f = *state;

	pod(f, "new", "shop/new 10.0.0.3 app=web\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
}

static uint32_t class_now(struct fixture *f, const char *text)
{
	struct tg_addr addr;
	uint32_t cls = class_of(f, text);

	assert_int_equal(tg_addr_parse(text, &addr), 0);
	for (size_t i = 0; i < f->target->n_log; i++) {
		const struct tg_classmap_entry *e = &f->target->log[i];

		if (e->family == addr.family && memcmp(e->addr, addr.bytes, 16) == 0)
			cls = e->cls;
	}
	return cls;
}

/*
 * However an address of the compiled cluster comes to another pod, its former class is gone with
 * the changes that say so: the new pod's, or none, until a compilation decides.
 */
static void no_way_of_changing_hands_keeps_the_class(void **state)
{
	static const struct {
		const char *what;
		const char *leaves, *left; /* the file of 10.0.0.3's pod, and its new text */
		const char *comes, *came;  /* the pod that has the address then */
		bool policy;		   /* and a policy in the same batch */
		bool compile;		   /* a compilation has to follow */
	} cases[] = {
		{"goes", "old", NULL, NULL, NULL, false, false},
		{"goes with a policy", "old", NULL, NULL, NULL, true, false},
		{"to a pod of another class", "old", NULL, "new", "shop/new 10.0.0.3 app=web\n",
			false, false},
		{"with a policy", "old", NULL, "new", "shop/new 10.0.0.3 app=web\n", true, false},
		{"to a pod without a class", "old", NULL, "new", "shop/new 10.0.0.3 app=odd\n",
			true, true},
		{"to a pod of a new namespace", "old", NULL, "new", "late/new 10.0.0.3 app=api\n",
			true, false},
		{"to a pod that was there", "old", NULL, "web",
			"shop/web 10.0.0.1,10.0.0.3 app=web\n", false, false},
		{"its pod moves on", "old", "shop/old 10.0.0.7 app=api\n", "new",
			"shop/new 10.0.0.3 app=web\n", true, false},
		{"its pod finishes", "old", "shop/old - app=api\n", "new",
			"shop/new 10.0.0.3 app=web\n", true, false},
	};
	struct fixture *f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t was;

		print_message("%s\n", cases[i].what);
		assert_int_equal(setup((void **)&f), 0);
		was = class_of(f, "10.0.0.3");
		if (cases[i].policy)
			load(f, "other.yaml",
				"apiVersion: networking.k8s.io/v1\n"
				"kind: NetworkPolicy\n"
				"metadata: {namespace: shop, name: other}\n"
				"spec: {podSelector: {}}\n");
		f->other = cases[i].policy;
		if (cases[i].left != NULL)
			pod(f, cases[i].leaves, cases[i].left);
		else
			gone(f, cases[i].leaves);
		if (cases[i].comes != NULL)
			pod(f, cases[i].comes, cases[i].came);
		assert_int_equal(apply(f), cases[i].compile ? -ENOENT : 0);
		assert_int_not_equal(class_now(f, "10.0.0.3"), was);
		if (cases[i].came != NULL && strstr(cases[i].came, "app=web") != NULL)
			assert_int_equal(class_now(f, "10.0.0.3"), class_of(f, "10.0.0.1"));
		teardown((void **)&f);
	}
}

/* 10.0.0.5 is claimed twice, so the compiler has to decide about it; 10.0.0.6 goes at once. */
static void a_claimed_address_does_not_hold_the_others_back(void **state)
{
	struct fixture *f = *state;

	tg_deltas_free(f->deltas);
	tg_target_unref(f->target);
	pod(f, "one", "shop/one 10.0.0.5,10.0.0.6 app=api\n");
	pod(f, "two", "shop/two 10.0.0.5 app=web\n");
	compile_all(f);
	gone(f, "one");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 1, "10.0.0.6", TG_NONE);
}

static void an_address_of_deltas_only_moves_in_one_step(void **state)
{
	struct fixture *f = *state;

	pod(f, "one", "shop/one 10.0.0.9 app=api\n");
	assert_int_equal(apply(f), 0);
	expected(f);
	gone(f, "one");
	pod(f, "two", "shop/two 10.0.0.9 app=web\n");
	assert_int_equal(apply(f), 0);
	expect(f, 1, "10.0.0.9", class_of(f, "10.0.0.1"));
}

static void two_pods_with_one_address_ask_for_a_compilation(void **state)
{
	struct fixture *f = *state;

	pod(f, "one", "shop/one 10.0.0.9 app=api\n");
	assert_int_equal(apply(f), 0);
	expected(f);
	pod(f, "two", "shop/two 10.0.0.9 app=web\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
	/* Nor may the first one take the address along that the second one claims. */
	pod(f, "three", "shop/three 10.0.0.1 app=api\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
}

static void many_addresses_are_remembered(void **state)
{
	struct fixture *f = *state;
	char name[32], line[128];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(line, sizeof(line), "shop/p%d 10.1.%d.%d app=api\n", i, i >> 8, i & 255);
		pod(f, name, line);
	}
	assert_int_equal(apply(f), 0);
	expect(f, 600, "10.1.2.3", class_of(f, "10.0.0.2"));
	expected(f);
	pod(f, "other", "shop/other 10.1.1.1 app=api\n");
	assert_int_equal(apply(f), -ENOENT);
	expect(f, 0, NULL, 0);
}

static void a_new_namespace_is_no_delta(void **state)
{
	struct fixture *f = *state;
	struct tg_changes *changes;

	pod(f, "new", "elsewhere/new 10.0.0.9 app=api\n");
	changes = tg_store_take_changes(f->store);
	assert_non_null(changes);
	assert_true(changes->other);
	tg_changes_release(f->store, changes);
}

static uint32_t string(struct fixture *f, const char *text)
{
	return tg_intern_find(tg_store_strings(f->store), text);
}

/* Deltas go on comparing what a ruleset was compiled from, and what they placed themselves. */
static void strings_outlive_their_objects(void **state)
{
	static const char *const texts[] = {"shop", "app", "web", "api", "old", "new"};
	struct fixture *f = *state;
	uint32_t numbers[sizeof(texts) / sizeof(texts[0])];

	pod(f, "new", "shop/new 10.0.0.9 app=api,pod-template-hash=abc\n");
	assert_int_equal(apply(f), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		numbers[i] = string(f, texts[i]);
	assert_int_equal(tg_store_remove(f->store, "policy.yaml"), 0);
	gone(f, "web");
	gone(f, "api");
	gone(f, "old");
	gone(f, "new");
	tg_changes_release(f->store, tg_store_take_changes(f->store));
	assert_int_equal(tg_store_sweep(f->store), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(string(f, texts[i]), numbers[i]);
	assert_int_equal(string(f, "abc"), UINT32_MAX);
	tg_deltas_free(f->deltas);
	assert_int_equal(tg_store_sweep(f->store), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(string(f, texts[i]), UINT32_MAX);
	tg_target_unref(f->target);
	compile_all(f); /* for the teardown */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pod_comes_and_goes),
		TEST(both_families_have_their_class),
		TEST(an_address_is_another_one_in_each_zone),
		TEST(a_changed_pod_is_moved_and_never_absent),
		TEST(what_no_policy_sees_changes_nothing),
		TEST(an_address_that_is_given_up_is_vacated),
		TEST(a_new_class_asks_for_a_compilation),
		TEST(the_rest_of_a_batch_is_done_all_the_same),
		TEST(a_reused_address_never_counts_as_its_former_owner),
		TEST(an_address_that_nobody_left_is_not_given_away),
		cmocka_unit_test(no_way_of_changing_hands_keeps_the_class),
		TEST(a_claimed_address_does_not_hold_the_others_back),
		TEST(an_address_of_deltas_only_moves_in_one_step),
		TEST(two_pods_with_one_address_ask_for_a_compilation),
		TEST(many_addresses_are_remembered),
		TEST(a_new_namespace_is_no_delta),
		TEST(strings_outlive_their_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

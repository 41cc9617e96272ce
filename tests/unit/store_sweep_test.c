/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sweeps of the store's strings: whatever is still referred to says what it said before, also after
 * the freed numbers were given to other strings; and all the rest is given back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store.h"

static const char objects[] =
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: red}}\n"
	"---\napiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {zone: z-1}}\n"
	"---\napiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: front}\n"
	"---\napiVersion: v1\nkind: Pod\n"
	"metadata: {namespace: shop, name: web-1, uid: uid-1, labels: {app: web, hash: h-1}}\n"
	"spec: {nodeName: n9, containers: [{ports: [{name: metrics, containerPort: 9090}]}]}\n"
	"status: {podIP: 10.0.0.1}\n"
	"---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: only-named, name: lone}\n"
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	"metadata:\n  namespace: policies-only\n  name: p-1\n  uid: uid-2\n"
	"  annotations: {tidegate.dev/owner: someone}\n"
	"spec:\n  podSelector: {matchLabels: {tier: back}}\n"
	"  ingress:\n  - from:\n    - namespaceSelector: {matchLabels: {env: prod}}\n"
	"      podSelector:\n        matchExpressions:\n"
	"        - {key: role, operator: NotIn, values: [batch, cron]}\n"
	"        - {key: canary, operator: DoesNotExist}\n"
	"    ports: [{port: grpc}]\n"
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
	"metadata: {namespace: l7, name: c-1}\n"
	"---\napiVersion: example.org/v1\nkind: Gadget\nmetadata: {name: g-1}\n";

static int load(struct tg_store *store, const char *file, const char *text)
{
	return tg_store_load(store, file, text, strlen(text));
}

/* --- what the store says, as a text --- */

struct text {
	const struct tg_intern *strings;
	char v[8192];
	size_t n;
};

static void put(struct text *t, uint32_t string)
{
	int n = snprintf(
		t->v + t->n, sizeof(t->v) - t->n, "%s ", tg_intern_text(t->strings, string));

	t->n += (size_t)n;
	assert_true(t->n < sizeof(t->v));
}

static void put_labels(struct text *t, const struct tg_labels *labels)
{
	for (uint32_t i = 0; i < labels->n; i++) {
		put(t, labels->v[i].key);
		put(t, labels->v[i].value);
	}
}

static void put_selector(struct text *t, const struct tg_selector *selector)
{
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		put(t, selector->reqs[i].key);
		for (uint32_t k = 0; k < selector->reqs[i].n_values; k++)
			put(t, selector->reqs[i].values[k]);
	}
}

static void put_pod(struct text *t, const struct tg_pod *pod)
{
	put(t, pod->place.file);
	put(t, pod->ns);
	put(t, pod->name);
	put(t, pod->uid);
	put(t, pod->node);
	put_labels(t, &pod->labels);
	for (uint32_t i = 0; i < pod->n_ports; i++)
		put(t, pod->ports[i].name);
}

static void put_rule(struct text *t, const struct tg_policy_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		put_selector(t, &rule->peers[i].ns_selector);
		put_selector(t, &rule->peers[i].pod_selector);
	}
	for (uint32_t i = 0; i < rule->n_ports; i++)
		put(t, rule->ports[i].name);
}

static void put_policy(struct text *t, const struct tg_policy *policy)
{
	put(t, policy->place.file);
	put(t, policy->ns);
	put(t, policy->name);
	put(t, policy->uid);
	put(t, policy->owner);
	put_selector(t, &policy->pod_selector);
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		for (uint32_t i = 0; i < policy->side[dir].n_rules; i++)
			put_rule(t, &policy->side[dir].rules[i]);
}

static void put_cluster(struct text *t, const struct tg_cluster *c)
{
	for (size_t i = 0; i < c->n_namespaces; i++) {
		put(t, c->namespaces[i]->name);
		put_labels(t, &c->namespaces[i]->labels);
	}
	for (size_t i = 0; i < c->n_pods; i++)
		put_pod(t, c->pods[i]);
	for (size_t i = 0; i < c->n_nodes; i++) {
		put(t, c->nodes[i]->name);
		put_labels(t, &c->nodes[i]->labels);
	}
	for (size_t i = 0; i < c->n_services; i++) {
		put(t, c->services[i]->ns);
		put(t, c->services[i]->name);
	}
	for (size_t i = 0; i < c->n_policies; i++)
		put_policy(t, c->policies[i]);
}

static void put_file(struct text *t, const struct tg_file_status *file)
{
	for (size_t i = 0; i < file->n_not_enforced; i++) {
		const struct tg_not_enforced *it = &file->not_enforced[i];

		put(t, it->api_version);
		put(t, it->kind);
		put(t, it->ns);
		put(t, it->name);
	}
	for (size_t i = 0; i < file->n_skipped; i++) {
		put(t, file->skipped[i].api_version);
		put(t, file->skipped[i].kind);
	}
	t->n += (size_t)snprintf(t->v + t->n, sizeof(t->v) - t->n, "%s %zu %s ", file->file,
		file->n_errors, file->n_errors != 0 ? file->errors[0].text : "");
	assert_true(t->n < sizeof(t->v));
}

/* The view when it is given, else one of now. */
static struct text *say(struct tg_store *store, struct tg_view *given)
{
	struct tg_view *view = given != NULL ? given : tg_store_view(store);
	struct text *t = calloc(1, sizeof(*t));
	struct tg_file_status file;

	assert_non_null(t);
	t->strings = tg_store_strings(store);
	put_cluster(t, &view->cluster);
	for (size_t i = 0; i < tg_store_file_count(store) && given == NULL; i++) {
		tg_store_file(store, i, &file);
		put_file(t, &file);
	}
	if (given == NULL)
		tg_view_release(store, view);
	return t;
}

/* --- */

static uint32_t used(struct tg_store *store)
{
	return tg_intern_used(tg_store_strings(store));
}

/* Sweeps, and gives every number that came free to another string. */
static void sweep(struct tg_store *store)
{
	static unsigned int serial;
	uint32_t n = tg_intern_count(tg_store_strings(store));
	char text[32];

	assert_int_equal(tg_store_sweep(store), 0);
	while (used(store) <= n) {
		snprintf(text, sizeof(text), "other-%u", serial++);
		assert_int_not_equal(tg_intern_id(tg_store_strings(store), text), UINT32_MAX);
	}
}

static void expect_same(struct text *before, struct text *after)
{
	assert_string_equal(before->v, after->v);
	free(before);
	free(after);
}

/* Fills the store with strings that nothing needs. */
static void litter(struct tg_store *store)
{
	char text[128];

	for (unsigned int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "junk/pod-%u - hash=v%u,job-%u=x\n", i, i, i);
		assert_int_equal(load(store, "junk.endpoints", text), 0);
	}
	assert_int_equal(tg_store_remove(store, "junk.endpoints"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
}

static struct tg_store *fill(void)
{
	struct tg_store *store = tg_store_create();

	assert_non_null(store);
	litter(store);
	assert_int_equal(load(store, "objects.yaml", objects), 0);
	litter(store);
	return store;
}

static void objects_in_force_stay(void **state)
{
	struct tg_store *store = fill();
	struct text *before = say(store, NULL);

	assert_non_null(strstr(before->v, "cron"));
	sweep(store);
	expect_same(before, say(store, NULL));
	/* And the texts still have the numbers: the same file again is no change. */
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(load(store, "objects.yaml", objects), 0);
	assert_false(tg_store_changed(store));
	tg_store_free(store);
}

static void what_is_gone_is_freed(void **state)
{
	struct tg_store *store = tg_store_create();
	char text[128];
	uint32_t least;

	assert_int_equal(load(store, "objects.yaml", objects), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(tg_store_sweep(store), 0);
	least = used(store);
	for (unsigned int i = 0; i < 1000; i++) {
		uint32_t before = used(store);

		snprintf(text, sizeof(text), "ns-%u/pod-%u - hash=v%u node=node-%u\n", i, i, i, i);
		assert_int_equal(load(store, "pod.endpoints", text), 0);
		tg_changes_release(store, tg_store_take_changes(store));
		assert_true(used(store) >= before + 4);
		if (i % 50 != 49)
			continue;
		assert_int_equal(tg_store_sweep(store), 0);
		/* the pod's: file, namespace, name, value, node */
		assert_int_equal(used(store), least + 5);
	}
	assert_int_equal(tg_store_remove(store, "pod.endpoints"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(tg_store_sweep(store), 0);
	assert_int_equal(used(store), least);
	assert_int_equal(tg_intern_find(tg_store_strings(store), "ns-999"), UINT32_MAX);
	tg_store_free(store);
}

static void a_view_and_changes_stay(void **state)
{
	struct tg_store *store = fill();
	struct tg_changes *changes;
	struct tg_view *view;
	struct text *before;

	assert_int_equal(load(store, "a.endpoints", "late/pod-a - app=late\n"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(load(store, "a.endpoints", "late/pod-a - app=later\n"), 0);
	view = tg_store_view(store);
	changes = tg_store_take_changes(store);
	before = say(store, view);
	assert_int_equal(changes->n_pods, 1);
	assert_int_equal(tg_store_remove(store, "objects.yaml"), 0);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	sweep(store);
	expect_same(before, say(store, view));
	assert_string_equal(
		tg_intern_text(tg_store_strings(store), changes->pods[0].before->labels.v[0].value),
		"late");
	assert_string_equal(
		tg_intern_text(tg_store_strings(store), changes->pods[0].after->labels.v[0].value),
		"later");
	tg_view_release(store, view);
	tg_changes_release(store, changes);
	tg_store_free(store);
}

/* A pod that came and went since the last time, and one that is another one now. */
static void changes_to_be_taken_stay(void **state)
{
	struct tg_store *store = fill();
	struct tg_changes *changes;

	assert_int_equal(load(store, "a.endpoints", "late/pod-a - app=old\nlate/pod-b - -\n"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	assert_int_equal(load(store, "a.endpoints", "late/pod-b - -\nlate/pod-c - -\n"), 0);
	assert_int_equal(load(store, "a.endpoints", "late/pod-b - -\nlate/pod-a - app=new\n"), 0);
	sweep(store);
	changes = tg_store_take_changes(store);
	assert_false(changes->other);
	assert_int_equal(changes->n_pods, 1);
	assert_string_equal(
		tg_intern_text(tg_store_strings(store), changes->pods[0].before->name), "pod-a");
	assert_string_equal(
		tg_intern_text(tg_store_strings(store), changes->pods[0].before->labels.v[0].value),
		"old");
	tg_changes_release(store, changes);
	tg_store_free(store);
}

/* The last good objects of a file that is refused, and the text that waits for another file. */
static void refused_files_stay(void **state)
{
	struct tg_store *store = fill();
	struct text *before;
	struct tg_view *view;

	assert_int_equal(load(store, "objects.yaml", "kind: [\n"), -EINVAL);
	assert_int_equal(load(store, "owner.endpoints", "late/pod-a - app=owner\n"), 0);
	assert_int_equal(load(store, "waits.endpoints",
				 "late/pod-a - app=waiting\nlate/pod-w - tier=waiting-too\n"),
		-EEXIST);
	assert_int_equal(load(store, "never.yaml", "kind: Pod\napiVersion: v1\n"), -EINVAL);
	assert_int_equal(tg_store_fail(store, "unreadable.yaml", "no"), 0);
	before = say(store, NULL);
	sweep(store);
	expect_same(before, say(store, NULL));
	assert_int_equal(tg_store_remove(store, "owner.endpoints"), 0);
	before = say(store, NULL);
	assert_non_null(strstr(before->v, "waiting-too"));
	sweep(store);
	expect_same(before, say(store, NULL));
	view = tg_store_view(store);
	assert_int_equal(view->cluster.n_policies, 1);
	tg_view_release(store, view);
	assert_int_equal(load(store, "objects.yaml", objects), 0);
	tg_store_free(store);
}

static void namespaces_come_back(void **state)
{
	struct tg_store *store = fill();
	struct tg_view *view, *second;
	struct text *before;

	assert_int_equal(load(store, "a.endpoints", "brief/pod-a - -\n"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	before = say(store, NULL);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	sweep(store);
	assert_int_equal(tg_intern_find(tg_store_strings(store), "brief"), UINT32_MAX);
	assert_int_equal(load(store, "a.endpoints", "brief/pod-a - -\n"), 0);
	expect_same(before, say(store, NULL));
	tg_changes_release(store, tg_store_take_changes(store));
	/* One that a view still has is not forgotten, nor is its name when it is kept in vain. */
	view = tg_store_view(store);
	before = say(store, view);
	assert_int_equal(tg_store_remove(store, "a.endpoints"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	second = tg_store_view(store);
	sweep(store);
	expect_same(before, say(store, view));
	tg_view_release(store, view);
	sweep(store);
	assert_int_not_equal(tg_intern_find(tg_store_strings(store), "brief"), UINT32_MAX);
	tg_view_release(store, second);
	sweep(store);
	assert_int_equal(tg_intern_find(tg_store_strings(store), "brief"), UINT32_MAX);
	tg_store_free(store);
}

static void an_empty_store_can_be_swept(void **state)
{
	struct tg_store *swept = tg_store_create(), *other = tg_store_create();

	sweep(swept);
	assert_int_equal(load(swept, "a.endpoints", "brief/pod-a - -\n"), 0);
	assert_int_equal(load(other, "a.endpoints", "brief/pod-a - -\n"), 0);
	expect_same(say(other, NULL), say(swept, NULL));
	tg_store_free(swept);
	tg_store_free(other);
}

static void holds_keep_strings(void **state)
{
	struct tg_store *store = fill();
	struct tg_intern *strings = tg_store_strings(store);
	struct tg_hold *hold = tg_store_hold(store), *second;
	uint32_t web, extra;

	assert_non_null(hold);
	web = tg_intern_find(strings, "web-1");
	extra = tg_intern_id(strings, "extra");
	assert_int_equal(tg_hold_add(hold, extra), 0);
	assert_int_equal(tg_store_remove(store, "objects.yaml"), 0);
	tg_changes_release(store, tg_store_take_changes(store));
	second = tg_store_hold(store); /* of a state that has nothing any more */
	sweep(store);
	assert_string_equal(tg_intern_text(strings, web), "web-1");
	assert_string_equal(tg_intern_text(strings, extra), "extra");
	assert_int_not_equal(tg_intern_find(strings, "only-named"), UINT32_MAX);
	tg_hold_release(hold);
	sweep(store);
	assert_int_equal(tg_intern_find(strings, "web-1"), UINT32_MAX);
	assert_int_equal(tg_intern_find(strings, "extra"), UINT32_MAX);
	tg_hold_release(NULL);
	tg_store_free(store);
	tg_hold_release(second); /* later than the store */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_in_force_stay),
		cmocka_unit_test(what_is_gone_is_freed),
		cmocka_unit_test(a_view_and_changes_stay),
		cmocka_unit_test(changes_to_be_taken_stay),
		cmocka_unit_test(refused_files_stay),
		cmocka_unit_test(namespaces_come_back),
		cmocka_unit_test(an_empty_store_can_be_swept),
		cmocka_unit_test(holds_keep_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

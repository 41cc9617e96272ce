/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator of clusters: what benchmarks rely on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gen.h"

static struct tg_gen *make(uint32_t pods, uint32_t policies, uint64_t seed)
{
	struct tg_gen_shape shape;

	tg_gen_shape_of(&shape, pods, policies);
	shape.seed = seed;
	return tg_gen_create(&shape);
}

static void sizes_are_as_asked(void **state)
{
	static const uint32_t sizes[][2] = {{1, 0}, {100, 10}, {100, 1000}, {3000, 500}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tg_gen *gen = make(sizes[i][0], sizes[i][1], 7);
		const struct tg_cluster *cluster;

		assert_non_null(gen);
		cluster = tg_gen_cluster(gen);
		assert_int_equal(cluster->n_pods, sizes[i][0]);
		assert_int_equal(cluster->n_policies, sizes[i][1]);
		tg_gen_free(gen);
	}
}

static void reference_shape(void **state)
{
	struct tg_gen_shape shape;

	tg_gen_shape_of(&shape, 100000, 10000);
	assert_int_equal(shape.namespaces, 500);
	assert_int_equal(shape.governed, 500);
	assert_int_equal(shape.nodes, 1000);
	assert_int_equal(shape.internal_prefixes, 2000);
}

static void bad_shapes_are_refused(void **state)
{
	struct tg_gen_shape good, bad;

	tg_gen_shape_of(&good, 1000, 100);
#define REFUSED(field, value)                     \
	do {                                      \
		bad = good;                       \
		bad.field = (value);              \
		errno = 0;                        \
		assert_null(tg_gen_create(&bad)); \
		assert_int_equal(errno, EINVAL);  \
	} while (0)
	REFUSED(pods, 0);
	REFUSED(pods, TG_GEN_MAX_PODS + 1);
	REFUSED(policies, TG_GEN_MAX_POLICIES + 1);
	REFUSED(namespaces, 3);
	REFUSED(governed, good.namespaces + 1);
	REFUSED(governed, 0);
	REFUSED(nodes, 3); /* 1000 pods do not fit */
	REFUSED(apps, 1);
	REFUSED(internal_prefixes, 0);
	REFUSED(dual_stack_percent, 101);
#undef REFUSED
}

/* Texts, since numbers of two intern tables do not compare. */
static bool same_pod(const struct tg_cluster *a, const struct tg_cluster *b, size_t i)
{
	const struct tg_pod *p = a->pods[i], *q = b->pods[i];

	return strcmp(tg_intern_text(a->strings, p->name), tg_intern_text(b->strings, q->name)) ==
		       0 &&
	       p->n_addrs == q->n_addrs && p->labels.n == q->labels.n &&
	       tg_addr_compare(&p->addrs[0], &q->addrs[0]) == 0;
}

static size_t differences(uint64_t seed_a, uint64_t seed_b)
{
	struct tg_gen *a = make(1000, 100, seed_a), *b = make(1000, 100, seed_b);
	size_t n = 0;

	assert_non_null(a);
	assert_non_null(b);
	for (size_t i = 0; i < 1000; i++)
		n += !same_pod(tg_gen_cluster(a), tg_gen_cluster(b), i);
	tg_gen_free(a);
	tg_gen_free(b);
	return n;
}

static void the_seed_decides(void **state)
{
	assert_int_equal(differences(3, 3), 0);
	assert_true(differences(3, 4) > 500);
}

static int by_addr(const void *a, const void *b)
{
	return tg_addr_compare(a, b);
}

static bool in_ranges(const struct tg_gen *gen, const struct tg_addr *addr)
{
	size_t n;
	const struct tg_prefix *ranges = tg_gen_pod_ranges(gen, &n);

	for (size_t i = 0; i < n; i++)
		if (tg_prefix_contains(&ranges[i], addr))
			return true;
	return false;
}

static void pod_addresses_are_unique_and_in_range(void **state)
{
	struct tg_gen *gen = make(5000, 10, 1);
	const struct tg_cluster *cluster = tg_gen_cluster(gen);
	struct tg_addr *all = calloc(10000, sizeof(*all));
	size_t n = 0, v6 = 0;

	assert_non_null(all);
	for (size_t i = 0; i < cluster->n_pods; i++)
		for (uint32_t k = 0; k < cluster->pods[i]->n_addrs; k++) {
			all[n] = cluster->pods[i]->addrs[k];
			v6 += all[n].family == 6;
			assert_true(in_ranges(gen, &all[n++]));
		}
	assert_true(v6 > 0);
	qsort(all, n, sizeof(*all), by_addr);
	for (size_t i = 1; i < n; i++)
		assert_int_not_equal(tg_addr_compare(&all[i - 1], &all[i]), 0);
	free(all);
	tg_gen_free(gen);
}

static void assert_canonical(const struct tg_selector *selector)
{
	for (uint32_t i = 1; i < selector->n_reqs; i++)
		assert_true(selector->reqs[i - 1].key < selector->reqs[i].key);
}

static void labels_and_selectors_are_sorted(void **state)
{
	struct tg_gen *gen = make(2000, 500, 1);
	const struct tg_cluster *cluster = tg_gen_cluster(gen);

	for (size_t i = 0; i < cluster->n_pods; i++)
		for (uint32_t k = 1; k < cluster->pods[i]->labels.n; k++)
			assert_true(cluster->pods[i]->labels.v[k - 1].key <
				    cluster->pods[i]->labels.v[k].key);
	for (size_t i = 0; i < cluster->n_policies; i++) {
		const struct tg_policy *policy = cluster->policies[i];

		assert_canonical(&policy->pod_selector);
		for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
			for (uint32_t r = 0; r < policy->side[dir].n_rules; r++)
				for (uint32_t p = 0; p < policy->side[dir].rules[r].n_peers; p++) {
					const struct tg_policy_rule *rule =
						&policy->side[dir].rules[r];

					assert_canonical(&rule->peers[p].pod_selector);
					assert_canonical(&rule->peers[p].ns_selector);
				}
	}
	tg_gen_free(gen);
}

/* Every policy's subjects exist, else the benchmarks would measure nothing. */
static void subjects_exist(void **state)
{
	struct tg_gen *gen = make(2000, 300, 1);
	const struct tg_cluster *cluster = tg_gen_cluster(gen);

	for (size_t i = 0; i < cluster->n_policies; i++) {
		const struct tg_policy *policy = cluster->policies[i];
		size_t n = 0;

		for (size_t k = 0; k < cluster->n_pods; k++)
			n += cluster->pods[k]->ns == policy->ns &&
			     tg_selector_matches(&policy->pod_selector, &cluster->pods[k]->labels);
		assert_true(n > 0);
	}
	tg_gen_free(gen);
}

static void a_replica_differs_in_what_churns(void **state)
{
	struct tg_gen *gen = make(500, 100, 1);
	const struct tg_cluster *cluster = tg_gen_cluster(gen);
	uint32_t app = tg_intern_find(cluster->strings, "app.kubernetes.io/name");

	for (size_t i = 0; i < 500; i += 7) {
		const struct tg_pod *old = cluster->pods[i], *new = tg_gen_replica(gen, i);

		assert_non_null(new);
		assert_int_equal(new->ns, old->ns);
		assert_int_not_equal(new->name, old->name);
		assert_int_equal(
			tg_labels_get(&new->labels, app), tg_labels_get(&old->labels, app));
		for (size_t k = 0; k < cluster->n_pods; k++)
			assert_int_not_equal(
				tg_addr_compare(&cluster->pods[k]->addrs[0], &new->addrs[0]), 0);
	}
	tg_gen_free(gen);
}

static void a_full_cluster_gives_no_replica(void **state)
{
	struct tg_gen_shape shape;
	struct tg_gen *gen;

	tg_gen_shape_of(&shape, 250, 10);
	shape.nodes = 1;
	gen = tg_gen_create(&shape);
	assert_non_null(gen);
	errno = 0;
	assert_null(tg_gen_replica(gen, 0));
	assert_int_equal(errno, ENOSPC);
	tg_gen_free(gen);
}

static void tuples_are_of_one_family(void **state)
{
	struct tg_gen *gen = make(1000, 100, 1);
	struct tg_gen_tuple *tuples = calloc(4000, sizeof(*tuples));
	size_t outside = 0, v6 = 0;

	assert_non_null(tuples);
	tg_gen_tuples(gen, 9, false, tuples, 4000);
	for (size_t i = 0; i < 4000; i++) {
		assert_int_equal(tuples[i].src.family, tuples[i].dst.family);
		assert_true(in_ranges(gen, &tuples[i].src));
		outside += !in_ranges(gen, &tuples[i].dst);
		v6 += tuples[i].src.family == 6;
	}
	assert_in_range(outside, 1600, 2400);
	assert_true(v6 > 0);
	free(tuples);
	tg_gen_free(gen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_as_asked),
		cmocka_unit_test(reference_shape),
		cmocka_unit_test(bad_shapes_are_refused),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(pod_addresses_are_unique_and_in_range),
		cmocka_unit_test(labels_and_selectors_are_sorted),
		cmocka_unit_test(subjects_exist),
		cmocka_unit_test(a_replica_differs_in_what_churns),
		cmocka_unit_test(a_full_cluster_gives_no_replica),
		cmocka_unit_test(tuples_are_of_one_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory runs out at each allocation in turn: the compiler says so, leaks nothing (the sanitized
 * build looks), and compiles the same as ever afterwards. The linker wraps the allocators.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster.h"
#include "scarce.h"

#define CLUSTER                                                                    \
	"ns a team=x\nns b\nnode n 192.168.0.1 cidr 10.0.0.0/16\n"                 \
	"pod a/w 10.0.0.1,fd00::1 labels app=w ports http:80/TCP node n\n"         \
	"pod a/v 10.0.0.2 labels app=v\npod b/u 10.0.0.2 labels app=v\n"           \
	"pod z/t 10.0.0.3\nservice a/s 10.96.0.1\n"                                \
	"policy a/p app=w\ningress from ns:team=x+app!=v ports TCP/http,UDP/1-5\n" \
	"egress to pods:*;block:0.0.0.0/0-10.0.0.0/8 ports TCP/http,TCP/9\n"       \
	"policy b/q *\negress to any ports any\npolicy z/r *\ningress\n"

static void memory_runs_out_anywhere(void **state)
{
	const struct tg_infrastructure tuple = {
		.name = "t", .from_nodes = true, .to = test_prefix("10.0.0.0/8"), .protocol = 6};
	const struct tg_compile_options options = {
		.generation = 1, .now_ms = 1, .infrastructure = &tuple, .n_infrastructure = 1};
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = test_cluster_create(CLUSTER);
	struct test_ruleset good = test_compile(compiler, cluster, &options);
	const struct tg_cluster *view = test_cluster_view(cluster);
	const void *image, *again;
	size_t size, again_size;
	uint64_t n = 0;
	int err;

	image = tg_compiled_image(good.compiled, &size);
	do {
		struct tg_compiled *out = NULL;
		char error[128];

		scarce_begin(++n);
		err = tg_compile(compiler, view, &options, &out, error, sizeof(error));
		scarce_end();
		if (err == 0) {
			again = tg_compiled_image(out, &again_size);
			assert_int_equal(again_size, size);
			assert_memory_equal(again, image, size);
			tg_compiled_free(out);
			break;
		}
		if (err != -ENOMEM)
			fail_msg("allocation %llu: %d, %s", (unsigned long long)n, err, error);
		assert_null(out);
		assert_true(error[0] != '\0');
	} while (n < 10000);
	assert_int_equal(err, 0);
	assert_true(n > 100);
	test_ruleset_free(&good);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

/* The same objects, but for the pod w's labels and a policy's ports. */
static void change_cluster(const struct tg_cluster *from, struct tg_cluster *to)
{
	static struct tg_pod pod;
	static const struct tg_pod *pods[8];
	static struct tg_policy policy;
	static struct tg_policy_rule rule;
	static const struct tg_policy *policies[8];
	static const struct tg_policy_port port = {.protocol = 17, .lo = 7, .hi = 9};

	*to = *from;
	memcpy(pods, from->pods, from->n_pods * sizeof(*pods));
	memcpy(policies, from->policies, from->n_policies * sizeof(*policies));
	pod = *pods[0];
	pod.labels = pods[1]->labels;
	pods[0] = &pod;
	policy = *policies[0];
	rule = policy.side[TG_INGRESS].rules[0];
	rule.ports = &port;
	rule.n_ports = 1;
	policy.side[TG_INGRESS].rules = &rule;
	policies[0] = &policy;
	to->pods = pods;
	to->policies = policies;
}

static int compile_with(struct tg_compiler *compiler, const struct tg_cluster *cluster,
	struct tg_compile_cache *cache, struct tg_compiled **out)
{
	const struct tg_compile_options options = {.generation = 1, .now_ms = 1, .cache = cache};
	char error[128];

	return tg_compile(compiler, cluster, &options, out, error, sizeof(error));
}

/* One cluster, then another that fails at the n-th allocation, then without failing. */
static int compile_in_turn(const struct tg_cluster *one, const struct tg_cluster *other,
	struct tg_compile_cache *cache, uint64_t n, struct tg_compiled **out)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct tg_compiled *first, *failing;
	int err;

	assert_int_equal(compile_with(compiler, one, cache, &first), 0);
	scarce_begin(n);
	err = compile_with(compiler, other, cache, &failing);
	scarce_end();
	if (err == 0)
		tg_compiled_free(failing);
	assert_int_equal(compile_with(compiler, other, cache, out), 0);
	tg_compiled_free(first);
	tg_compiler_free(compiler);
	return err;
}

static void a_cache_survives_it(void **state)
{
	struct test_cluster *cluster = test_cluster_create(CLUSTER);
	const struct tg_cluster *one = test_cluster_view(cluster);
	struct tg_compile_cache *cache = tg_compile_cache_create();
	struct tg_compiled *good, *again;
	struct tg_cluster other;
	uint64_t n = 0;
	int err;

	change_cluster(one, &other);
	assert_int_equal(compile_in_turn(one, &other, NULL, UINT64_MAX, &good), 0);
	do {
		const void *image, *should;
		size_t size, should_size;

		err = compile_in_turn(one, &other, cache, ++n, &again);
		assert_true(err == 0 || err == -ENOMEM);
		image = tg_compiled_image(again, &size);
		should = tg_compiled_image(good, &should_size);
		assert_int_equal(size, should_size);
		assert_memory_equal(image, should, size);
		tg_compiled_free(again);
	} while (err != 0 && n < 10000);
	assert_int_equal(err, 0);
	assert_true(n > 100);
	tg_compiled_free(good);
	tg_compile_cache_free(cache);
	test_cluster_free(cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_runs_out_anywhere),
		cmocka_unit_test(a_cache_survives_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

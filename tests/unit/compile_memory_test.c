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

#define CLUSTER                                                                    \
	"ns a team=x\nns b\nnode n 192.168.0.1 cidr 10.0.0.0/16\n"                 \
	"pod a/w 10.0.0.1,fd00::1 labels app=w ports http:80/TCP node n\n"         \
	"pod a/v 10.0.0.2 labels app=v\npod b/u 10.0.0.2 labels app=v\n"           \
	"pod z/t 10.0.0.3\nservice a/s 10.96.0.1\n"                                \
	"policy a/p app=w\ningress from ns:team=x+app!=v ports TCP/http,UDP/1-5\n" \
	"egress to pods:*;block:0.0.0.0/0-10.0.0.0/8 ports TCP/http,TCP/9\n"       \
	"policy b/q *\negress to any ports any\npolicy z/r *\ningress\n"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);

static uint64_t allocations, fail_at = UINT64_MAX;

static bool fails(void)
{
	return ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(align, size);
}

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

		allocations = 0;
		fail_at = ++n;
		err = tg_compile(compiler, view, &options, &out, error, sizeof(error));
		fail_at = UINT64_MAX;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_runs_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* When strings are swept, and what happens when memory is out. The linker wraps the allocators. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "scarce.h"
#include "sweep.h"

static void load_pods(struct tg_store *store, unsigned int first, unsigned int n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "shop/pod-%u - app=a\n", first + i);
	fclose(f);
	assert_int_equal(tg_store_load(store, "pods.endpoints", text, size), 0);
	free(text);
	tg_changes_release(store, tg_store_take_changes(store));
}

static size_t used(struct tg_store *store)
{
	return tg_intern_used(tg_store_strings(store));
}

static void both_limits_have_to_be_reached(void **state)
{
	static const struct {
		size_t base, n, times, more;
		bool due;
	} cases[] = {
		{0, 1000000, TG_SWEEP_TIMES, TG_SWEEP_MORE, true},
		{0, 999999, TG_SWEEP_TIMES, TG_SWEEP_MORE, false},
		{100000, 1100000, TG_SWEEP_TIMES, TG_SWEEP_MORE, true},
		{100000, 1099999, TG_SWEEP_TIMES, TG_SWEEP_MORE, false},
		{1000000, 4000000, TG_SWEEP_TIMES, TG_SWEEP_MORE, true},
		{1000000, 3999999, TG_SWEEP_TIMES, TG_SWEEP_MORE, false},
		{10, 20, 2, 10, true},
		{10, 19, 2, 10, false},
		{10, 21, 2, 12, false},
		{10, 22, 2, 12, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_sweep sweep = {
			.options = {.times = cases[i].times, .more = cases[i].more},
			.base = cases[i].base,
		};

		assert_int_equal(tg_sweep_is_due(&sweep, cases[i].n, 1), cases[i].due);
		sweep.retry_at = 2;
		assert_false(tg_sweep_is_due(&sweep, cases[i].n, 1));
		assert_int_equal(tg_sweep_is_due(&sweep, cases[i].n, 2), cases[i].due);
	}
}

/* However long pods come and go, there are no more strings than the limit says. */
static void churn_is_bounded(void **state)
{
	const struct tg_sweep_options options = {.times = 3, .more = 100};
	struct tg_store *store = tg_store_create();
	struct tg_sweep sweep;
	size_t most = 0;

	tg_sweep_init(&sweep, &options);
	load_pods(store, 0, 50);
	tg_sweep_rebase(&sweep, store);
	for (unsigned int round = 1; round < 200; round++) {
		load_pods(store, round * 50, 50);
		most = used(store) > most ? used(store) : most;
		if (tg_sweep_due(&sweep, store, 0))
			assert_int_equal(tg_sweep_run(&sweep, store, 0), 0);
		assert_true(used(store) < sweep.base * 3 || used(store) < sweep.base + 100);
	}
	assert_true(sweep.done > 30 && sweep.failed == 0);
	assert_true(sweep.base < 60);
	assert_true(most < 60 * 3 + 50);
	tg_store_free(store);
}

/* Without memory nothing is freed, nothing changes, and it is tried again later. */
static void a_sweep_that_fails_changes_nothing(void **state)
{
	const struct tg_sweep_options options = {.times = 1, .more = 0};
	struct tg_store *store = tg_store_create();
	struct tg_sweep sweep;
	uint64_t n = 0;
	size_t before;
	int err;

	tg_sweep_init(&sweep, &options);
	load_pods(store, 0, 2000);
	load_pods(store, 2000, 10);
	before = used(store);
	do {
		scarce_begin(++n);
		err = tg_sweep_run(&sweep, store, n);
		scarce_end();
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(used(store), before);
		assert_int_equal(sweep.failed, n);
		assert_int_equal(sweep.done, 0);
		assert_false(tg_sweep_due(&sweep, store, n + TG_SWEEP_RETRY_MS - 1));
		assert_true(tg_sweep_due(&sweep, store, n + TG_SWEEP_RETRY_MS));
		assert_int_not_equal(tg_intern_find(tg_store_strings(store), "pod-0"), UINT32_MAX);
	} while (n < 100);
	assert_int_equal(err, 0);
	assert_true(n > 2);
	assert_int_equal(sweep.done, 1);
	assert_true(used(store) < 30);
	assert_int_not_equal(tg_intern_find(tg_store_strings(store), "pod-2009"), UINT32_MAX);
	assert_int_equal(tg_intern_find(tg_store_strings(store), "pod-0"), UINT32_MAX);
	tg_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_limits_have_to_be_reached),
		cmocka_unit_test(churn_is_bounded),
		cmocka_unit_test(a_sweep_that_fails_changes_nothing),
	};

	tg_log_init("sweep_test", TG_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

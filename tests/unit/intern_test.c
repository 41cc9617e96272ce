/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "intern.h"

static void equal_strings_share_a_number(void **state)
{
	struct tg_intern *in = tg_intern_create();
	char text[16];

	assert_non_null(in);
	assert_int_equal(tg_intern_id(in, ""), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "key-%d", i);
		assert_int_equal(tg_intern_find(in, text), UINT32_MAX);
		assert_int_equal(tg_intern_id(in, text), i + 1);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "key-%d", i);
		assert_int_equal(tg_intern_id(in, text), i + 1);
		assert_string_equal(tg_intern_text(in, (uint32_t)i + 1), text);
	}
	assert_int_equal(tg_intern_count(in), 5001);
	tg_intern_free(in);
}

#define SHARED 50000

static void *add_all(void *arg)
{
	char text[16];

	for (int i = 0; i < SHARED; i++) {
		snprintf(text, sizeof(text), "key-%d", i);
		tg_intern_id(arg, text);
	}
	return NULL;
}

/* What is counted can be read, and its text leads back to its number, while another thread adds. */
static void readers_need_no_lock(void **state)
{
	struct tg_intern *in = tg_intern_create();
	unsigned int wrong = 0, seed = 1;
	pthread_t writer;
	uint32_t n;

	assert_non_null(in);
	assert_int_equal(pthread_create(&writer, NULL, add_all, in), 0);
	do {
		n = tg_intern_count(in);
		for (int i = 0; i < 64; i++) {
			uint32_t id = (uint32_t)rand_r(&seed) % n;

			wrong += tg_intern_find(in, tg_intern_text(in, id)) != id;
		}
	} while (n <= SHARED);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(wrong, 0);
	tg_intern_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_strings_share_a_number),
		cmocka_unit_test(readers_need_no_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

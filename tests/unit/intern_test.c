/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_strings_share_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

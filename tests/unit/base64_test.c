/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"

/* RFC 4648 section 10. */
static const struct {
	const char *data, *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"f"
	 "o",
		"Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void both_ways(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char text[TG_BASE64_TEXT(6)];
		size_t size = 99;

		tg_base64_encode(vectors[i].data, strlen(vectors[i].data), text);
		assert_string_equal(text, vectors[i].text);
		assert_true(strlen(text) + 1 == TG_BASE64_TEXT(strlen(vectors[i].data)));
		assert_int_equal(tg_base64_decode(text, &size), 0);
		assert_int_equal(size, strlen(vectors[i].data));
		assert_string_equal(text, vectors[i].data);
	}
}

static void every_byte(void **state)
{
	uint8_t data[256];
	char text[TG_BASE64_TEXT(sizeof(data))];
	size_t size;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 167);
	for (size_t n = 0; n <= sizeof(data); n++) {
		tg_base64_encode(data, n, text);
		assert_int_equal(tg_base64_decode(text, &size), 0);
		assert_int_equal(size, n);
		assert_memory_equal(text, data, n);
	}
}

static void line_ends_are_passed_over(void **state)
{
	char text[] = "Zm9v\r\nYm\nFy\n";
	size_t size;

	assert_int_equal(tg_base64_decode(text, &size), 0);
	assert_string_equal(text, "foobar");
}

static void what_is_not_base64(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Zm9v=", "Zm9v====", "Zg==Zg==", "Zm 9v", "Zm9-", "Zm9_", "Zm9v!", "\xff"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[16];
		size_t size;

		snprintf(text, sizeof(text), "%s", bad[i]);
		if (tg_base64_decode(text, &size) != -EINVAL)
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(line_ends_are_passed_over),
		cmocka_unit_test(what_is_not_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

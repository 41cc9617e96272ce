/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plain.h"

#define SIZE 24

static const char *naive(const char *p, const char *end, bool ascii)
{
	while (p != end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\' &&
		(!ascii || (unsigned char)*p < 0x80))
		p++;
	return p;
}

/* Each byte at each place, behind and before each of a few that carries and borrows may confuse. */
static void the_end_is_found_byte_by_byte(void **state)
{
	static const unsigned char around[] = {
		0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xff};

	for (size_t k = 0; k < sizeof(around) * 256 * SIZE; k++) {
		size_t at = k % SIZE;
		char text[SIZE];

		memset(text, around[k / SIZE / 256], sizeof(text));
		text[at] = (char)(k / SIZE % 256);
		for (size_t from = 0; from < 9; from++)
			for (unsigned int ascii = 0; ascii < 2; ascii++)
				assert_ptr_equal(tg_plain_end(text + from, text + SIZE, ascii),
					naive(text + from, text + SIZE, ascii));
		assert_ptr_equal(
			tg_plain_end(text, text + at, false), naive(text, text + at, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_is_found_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"

static void addresses_parse(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"010.001.002.003", "10.1.2.3"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
		{"2001:DB8::1", "2001:db8::1"},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.1.", NULL},
		{" 192.0.2.1", NULL},
		{"fe80::1%eth0", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_addr addr;
		char text[TG_ADDR_TEXT];

		if (rows[i].out == NULL) {
			assert_int_not_equal(tg_addr_parse(rows[i].in, &addr), 0);
			continue;
		}
		assert_int_equal(tg_addr_parse(rows[i].in, &addr), 0);
		assert_string_equal(tg_addr_format(&addr, text), rows[i].out);
	}
}

static void prefixes_parse(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{"192.0.2.129/25", "192.0.2.128/25"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"010.0.0.0/8", "10.0.0.0/8"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"2001:db8:ffff::1/33", "2001:db8:8000::/33"},
		{"192.0.2.0/33", NULL},
		{"192.0.2.0", NULL},
		{"192.0.2.0/", NULL},
		{"192.0.2.0/+8", NULL},
		{"::/129", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_prefix prefix;
		char text[TG_PREFIX_TEXT];

		if (rows[i].out == NULL) {
			assert_int_not_equal(tg_prefix_parse(rows[i].in, &prefix), 0);
			continue;
		}
		assert_int_equal(tg_prefix_parse(rows[i].in, &prefix), 0);
		assert_string_equal(tg_prefix_format(&prefix, text), rows[i].out);
	}
}

static void containment_respects_family_and_bits(void **state)
{
	static const struct {
		const char *prefix, *addr;
		int inside;
	} rows[] = {
		{"10.0.0.0/8", "10.255.0.1", 1},
		{"10.0.0.0/8", "11.0.0.0", 0},
		{"0.0.0.0/0", "2001:db8::1", 0},
		{"::/0", "10.0.0.1", 0},
		{"2001:db8::/33", "2001:db8:8000::", 0},
		{"192.0.2.4/31", "192.0.2.5", 1},
		{"192.0.2.4/31", "192.0.2.6", 0},
		{"192.0.2.4/32", "192.0.2.4", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_prefix prefix;
		struct tg_addr addr;

		assert_int_equal(tg_prefix_parse(rows[i].prefix, &prefix), 0);
		assert_int_equal(tg_addr_parse(rows[i].addr, &addr), 0);
		assert_int_equal(tg_prefix_contains(&prefix, &addr), rows[i].inside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_parse),
		cmocka_unit_test(prefixes_parse),
		cmocka_unit_test(containment_respects_family_and_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Link state of a wire: a script of what the ports show, and which end is held down then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "link.h"

struct step {
	uint64_t at_ms;
	const char *up;	   /* of ends 0 and 1: '+' or '-' */
	unsigned int held; /* expected: bit of an end */
};

static void play(const struct step *steps)
{
	struct tg_link link = {0};

	for (size_t i = 0; steps[i].up != NULL; i++) {
		bool up[2] = {steps[i].up[0] == '+', steps[i].up[1] == '+'};
		unsigned int held = tg_link_step(&link, up, steps[i].at_ms);

		if (held != steps[i].held)
			fail_msg("step %zu (%s at %llu): held %u, expected %u", i, steps[i].up,
				(unsigned long long)steps[i].at_ms, held, steps[i].held);
	}
}

static void test_nothing_happens(void **state)
{
	static const struct step steps[] = {{0, "++", 0}, {100, "++", 0}, {90000, "++", 0}, {0}};

	play(steps);
}

static void test_down_and_back(void **state)
{
	static const struct step steps[] = {
		{0, "++", 0},
		{100, "-+", 2}, /* end 0 is lost: hold 1 */
		{200, "--", 2}, /* which shows it */
		{9999, "--", 2},
		{10000, "+-", 2}, /* back, but for how long */
		{10199, "+-", 2},
		{10200, "+-", 0}, /* let up */
		{10300, "+-", 0}, /* it needs a while: this is no loss */
		{12000, "++", 0},
		{90000, "++", 0},
		{0},
	};

	play(steps);
}

static void test_the_other_end(void **state)
{
	static const struct step steps[] = {
		{0, "+-", 1}, {100, "--", 1}, {200, "-+", 1}, {400, "-+", 0}, {500, "++", 0}, {0}};

	play(steps);
}

static void test_flapping_is_not_passed_on(void **state)
{
	static const struct step steps[] = {
		{0, "-+", 2},
		{100, "+-", 2},
		{200, "--", 2},
		{300, "+-", 2},
		{499, "+-", 2},
		{500, "+-", 0},
		{600, "--", 2}, /* lost again while the other comes up */
		{700, "+-", 2},
		{900, "+-", 0},
		{1000, "++", 0},
		{0},
	};

	play(steps);
}

/* The other end was let up and never came: now that one is the lost one. */
static void test_other_end_stays_down(void **state)
{
	static const struct step steps[] = {
		{0, "-+", 2},
		{100, "+-", 2},
		{300, "+-", 0},
		{5299, "+-", 0},
		{5300, "+-", 1},
		{5400, "--", 1},
		{6000, "-+", 1},
		{6200, "-+", 0},
		{6300, "++", 0},
		{0},
	};

	play(steps);
}

/* Both lost at once: nobody is held, each is told when the other is back. */
static void test_both_down(void **state)
{
	static const struct step steps[] = {
		{0, "--", 0},
		{100, "--", 0},
		{200, "+-", 1}, /* end 1 is the lost one */
		{300, "-+", 1},
		{500, "-+", 0},
		{600, "++", 0},
		{0},
	};

	play(steps);
}

/* Whatever the ports do, when both show a link for long enough nothing is held. */
static void test_always_recovers(void **state)
{
	struct tg_link link;
	uint32_t random = 1;

	for (unsigned int run = 0; run < 2000; run++) {
		uint64_t now = 0;
		unsigned int held = 0;

		link = (struct tg_link){0};
		for (unsigned int i = 0; i < 50; i++) {
			bool up[2];

			random = random * 1664525 + 1013904223;
			up[0] = (random >> 28) & 1 && !(held & 1);
			up[1] = (random >> 29) & 1 && !(held & 2);
			now += (random >> 16) % 3000;
			held = tg_link_step(&link, up, now);
			assert_true(held != 3);
		}
		for (unsigned int i = 0; i < 200; i++) {
			bool up[2] = {!(held & 1), !(held & 2)};

			now += 100;
			held = tg_link_step(&link, up, now);
		}
		assert_int_equal(held, 0);
		assert_int_equal(link.phase, TG_LINK_NORMAL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_happens),
		cmocka_unit_test(test_down_and_back),
		cmocka_unit_test(test_the_other_end),
		cmocka_unit_test(test_flapping_is_not_passed_on),
		cmocka_unit_test(test_other_end_stays_down),
		cmocka_unit_test(test_both_down),
		cmocka_unit_test(test_always_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static uint32_t add(struct tg_intern *in, const char *prefix, unsigned int i)
{
	char text[32];
	uint32_t id;

	snprintf(text, sizeof(text), "%s-%u", prefix, i);
	id = tg_intern_id(in, text);
	assert_int_not_equal(id, UINT32_MAX);
	assert_string_equal(tg_intern_text(in, id), text);
	return id;
}

static void keep(struct tg_bits *bits, uint32_t id)
{
	assert_int_equal(tg_bits_reserve(bits, (size_t)id + 1), 0);
	tg_bits_set(bits, id);
}

#define MANY 5000u

static void a_sweep_leaves_what_is_kept_as_it_was(void **state)
{
	struct tg_intern *in = tg_intern_create();
	struct tg_bits bits = {0};
	const char *texts[MANY];
	uint32_t ids[MANY];

	for (unsigned int i = 0; i < MANY; i++) {
		ids[i] = add(in, "key", i);
		texts[i] = tg_intern_text(in, ids[i]);
		if (i % 3 == 0)
			keep(&bits, ids[i]);
	}
	assert_int_equal(tg_intern_sweep(in, &bits), 0);
	assert_int_equal(tg_intern_used(in), 1 + (MANY + 2) / 3);
	assert_int_equal(tg_intern_find(in, ""), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		char text[32];

		snprintf(text, sizeof(text), "key-%u", i);
		assert_int_equal(tg_intern_find(in, text), i % 3 == 0 ? ids[i] : UINT32_MAX);
		if (i % 3 == 0)
			assert_ptr_equal(tg_intern_text(in, ids[i]), texts[i]);
		else
			assert_string_equal(tg_intern_text(in, ids[i]), "");
	}
	tg_bits_free(&bits);
	tg_intern_free(in);
}

/* Whatever comes and goes, no more numbers are given than strings were there at one time. */
static void numbers_are_given_again(void **state)
{
	struct tg_intern *in = tg_intern_create();
	struct tg_bits bits = {0};
	uint32_t kept = add(in, "kept", 0);

	keep(&bits, kept);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < MANY; i++)
			add(in, "pod", round * MANY + i);
		assert_int_equal(tg_intern_used(in), MANY + 2);
		assert_int_equal(tg_intern_count(in), MANY + 2);
		assert_int_equal(tg_intern_sweep(in, &bits), 0);
		assert_int_equal(tg_intern_used(in), 2);
		assert_int_equal(tg_intern_count(in), 2);
		assert_int_equal(tg_intern_find(in, "kept-0"), kept);
	}
	tg_bits_free(&bits);
	tg_intern_free(in);
}

/* Freed numbers below one that stays are given first, the lowest before the others. */
static void low_numbers_first(void **state)
{
	static const uint32_t expected[] = {1, 3, 4, 5, 6, 8};
	struct tg_intern *in = tg_intern_create();
	struct tg_bits bits = {0};

	for (unsigned int i = 1; i <= 9; i++)
		assert_int_equal(add(in, "a", i), i);
	keep(&bits, 2);
	keep(&bits, 7);
	for (unsigned int again = 0; again < 2; again++) { /* sweeping twice changes nothing */
		assert_int_equal(tg_intern_sweep(in, &bits), 0);
		assert_int_equal(tg_intern_count(in), 8);
		assert_int_equal(tg_intern_used(in), 3);
	}
	assert_int_equal(add(in, "a", 7), 7);
	for (unsigned int i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(add(in, "b", i), expected[i]);
	assert_int_equal(tg_intern_used(in), 9);
	tg_bits_free(&bits);
	tg_intern_free(in);
}

static void a_record_has_each_number_once(void **state)
{
	struct tg_intern *in = tg_intern_create();
	struct tg_vec_u32 first = {0}, second = {0};
	uint32_t a, b, c;

	add(in, "before", 0);
	tg_intern_record(in, &first);
	tg_intern_id(in, "");
	a = add(in, "a", 0);
	b = add(in, "before", 0);
	add(in, "a", 0);
	tg_intern_find(in, "before-0");
	tg_intern_record(in, &second);
	c = add(in, "a", 0);
	tg_intern_record(in, NULL);
	add(in, "after", 0);
	assert_int_equal(first.n, 2);
	assert_int_equal(first.v[0], a);
	assert_int_equal(first.v[1], b);
	assert_int_equal(second.n, 1);
	assert_int_equal(second.v[0], c);
	tg_vec_free(&first);
	tg_vec_free(&second);
	tg_intern_free(in);
}

#define KEPT 1000u

struct reader {
	struct tg_intern *in;
	uint32_t ids[KEPT];
	unsigned int wrong;
	_Atomic bool stop;
};

static void *read_kept(void *arg)
{
	struct reader *r = arg;
	char text[32];

	for (unsigned int i = 0; !r->stop; i = (i + 1) % KEPT) {
		snprintf(text, sizeof(text), "kept-%u", i);
		r->wrong += strcmp(tg_intern_text(r->in, r->ids[i]), text) != 0;
		r->wrong += tg_intern_find(r->in, text) != r->ids[i];
	}
	return NULL;
}

/* Numbers are given again while another thread reads those that stay. */
static void readers_see_nothing_of_freed_numbers(void **state)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct tg_bits bits = {0};
	pthread_t thread;

	assert_non_null(r);
	r->in = tg_intern_create();
	for (unsigned int i = 0; i < KEPT; i++) {
		for (unsigned int k = 0; k < 20; k++)
			add(r->in, "gone", i * 20 + k);
		r->ids[i] = add(r->in, "kept", i);
		keep(&bits, r->ids[i]);
	}
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(tg_intern_sweep(r->in, &bits), 0);
		r->stop = false;
		assert_int_equal(pthread_create(&thread, NULL, read_kept, r), 0);
		for (unsigned int i = 0; i < KEPT * 20; i++)
			add(r->in, round & 1 ? "odd" : "even", i);
		r->stop = true;
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(r->wrong, 0);
		assert_int_equal(tg_intern_count(r->in), 1 + KEPT * 21);
	}
	tg_bits_free(&bits);
	tg_intern_free(r->in);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_strings_share_a_number),
		cmocka_unit_test(readers_need_no_lock),
		cmocka_unit_test(a_sweep_leaves_what_is_kept_as_it_was),
		cmocka_unit_test(numbers_are_given_again),
		cmocka_unit_test(low_numbers_first),
		cmocka_unit_test(a_record_has_each_number_once),
		cmocka_unit_test(readers_see_nothing_of_freed_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The accelerated lookup says what the portable one says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "classifier.h"
#include "../eal.h"
#include "image.h"
#include "synthetic.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const enum tg_classify_simd all_simd[] = {
	TG_CLASSIFY_SCALAR,
	TG_CLASSIFY_AVX2,
	TG_CLASSIFY_AVX512,
};

static struct tg_classifier *build(const struct synthetic *s, uint32_t headroom)
{
	struct tg_classifier *c = tg_classifier_build(&s->image, headroom, SOCKET_ID_ANY);

	if (c == NULL)
		fail_msg("no classifier: %s", rte_strerror(rte_errno));
	return c;
}

static void tuple_of(const struct tg_image_query *query, struct tg_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	memcpy(&tuple->src, query->src.bytes, 16);
	memcpy(&tuple->dst, query->dst.bytes, 16);
	tuple->family = query->src.family;
	tuple->zone = query->zone;
	tuple->protocol = query->protocol;
	tuple->dport = query->dport;
}

static void assert_same(const struct tg_image *image, const struct tg_image_query *query,
	const struct tg_judgement *have)
{
	struct tg_image_answer want;
	char src[TG_ADDR_TEXT], dst[TG_ADDR_TEXT];

	tg_image_judge(image, query, &want);
	if (have->verdict[TG_EGRESS] == want.side[TG_EGRESS].verdict &&
		have->verdict[TG_INGRESS] == want.side[TG_INGRESS].verdict &&
		have->action == want.action &&
		have->src_kind == image->classes[want.src_class].kind &&
		have->dst_kind == image->classes[want.dst_class].kind)
		return;
	fail_msg("zone %u %s -> %s protocol %u port %u: 0x%08x 0x%08x kinds %u %u action %u, "
		 "expected 0x%08x 0x%08x (classes %u %u) action %u",
		query->zone, tg_addr_format(&query->src, src), tg_addr_format(&query->dst, dst),
		query->protocol, query->dport, have->verdict[0], have->verdict[1], have->src_kind,
		have->dst_kind, have->action, want.side[0].verdict, want.side[1].verdict,
		want.src_class, want.dst_class, want.action);
}

/* Bursts of all lengths, with both families and unknown zones mixed. */
static void compare(const struct tg_classifier *c, struct synthetic *s, unsigned int bursts)
{
	struct tg_image_query queries[TG_CLASSIFY_BURST];
	struct tg_tuple tuples[TG_CLASSIFY_BURST];
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST];
	struct tg_judgement out[TG_CLASSIFY_BURST];

	for (unsigned int b = 0; b < bursts; b++) {
		const unsigned int n = b % 4 != 0 ? TG_CLASSIFY_BURST
						  : synthetic_below(s, TG_CLASSIFY_BURST);

		for (unsigned int i = 0; i < n; i++) {
			synthetic_query(s, &queries[i]);
			tuple_of(&queries[i], &tuples[i]);
			pointers[i] = &tuples[i];
		}
		tg_classify_burst(c, pointers, out, n);
		for (unsigned int i = 0; i < n; i++)
			assert_same(&s->image, &queries[i], &out[i]);
	}
}

static void agrees_with_the_portable_lookup(void **state)
{
	static const struct synthetic_shape shapes[] = {
		/* nothing but class 0 and the two /0 */
		{.zones = 1, .classes = 3, .rows = 1, .columns = 1},
		/* crowded with overlaps */
		{.zones = 3,
			.addrs4 = 200,
			.addrs6 = 100,
			.prefixes4 = 300,
			.prefixes6 = 300,
			.classes = 61,
			.rows = 20,
			.columns = 40,
			.cells = 300,
			.programs = 40,
			.max_steps = 12,
			.narrow = 1},
		/* long programs, rows of many lines */
		{.zones = 1,
			.addrs4 = 3000,
			.addrs6 = 3000,
			.prefixes4 = 500,
			.prefixes6 = 500,
			.classes = 1001,
			.rows = 300,
			.columns = 2000,
			.cells = 30000,
			.programs = 500,
			.max_steps = 60,
			.wide_rows = 3},
		/* many short ones */
		{.zones = 2,
			.addrs4 = 20000,
			.addrs6 = 5000,
			.prefixes4 = 3000,
			.prefixes6 = 1000,
			.classes = 5001,
			.rows = 4000,
			.columns = 3000,
			.cells = 40000,
			.programs = 3000,
			.max_steps = 6,
			.wide_rows = 20},
	};
	const uint64_t seed = *(const uint64_t *)*state;

	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct synthetic s;
		struct tg_classifier *c;

		synthetic_make(&s, &shapes[i], seed + i);
		c = build(&s, 100);
		for (size_t k = 0; k < COUNT(all_simd); k++)
			if (tg_classifier_use(c, all_simd[k]) == 0)
				compare(c, &s, 600);
		tg_classifier_free(c);
		synthetic_free(&s);
	}
}

/* Small images in great number: other corner cases than few large ones have. */
static void agrees_on_many_small_images(void **state)
{
	const uint64_t seed = *(const uint64_t *)*state;

	for (uint64_t i = 0; i < 60; i++) {
		struct synthetic s = {.state = seed ^ i << 32};
		const struct synthetic_shape shape = {
			.zones = 1 + synthetic_below(&s, 4),
			.addrs4 = synthetic_below(&s, 40),
			.addrs6 = synthetic_below(&s, 40),
			.prefixes4 = synthetic_below(&s, 40),
			.prefixes6 = synthetic_below(&s, 40),
			.classes = 3 + 2 * synthetic_below(&s, 20),
			.rows = 1 + synthetic_below(&s, 10),
			.columns = 1 + synthetic_below(&s, 20),
			.cells = synthetic_below(&s, 100),
			.programs = synthetic_below(&s, 10),
			.max_steps = 1 + synthetic_below(&s, 20),
			.narrow = synthetic_below(&s, 2),
		};
		struct tg_classifier *c;

		synthetic_make(&s, &shape, synthetic_random(&s));
		c = build(&s, 0);
		for (size_t k = 0; k < COUNT(all_simd); k++)
			if (tg_classifier_use(c, all_simd[k]) == 0)
				compare(c, &s, 12);
		tg_classifier_free(c);
		synthetic_free(&s);
	}
}

/* Columns whose scrambled numbers have the same low bits, whatever the shift looks at. */
static uint32_t colliding_columns(uint32_t salt, uint32_t *columns, uint32_t n)
{
	const struct rows rows = {.salt = salt};
	uint32_t found = 0;

	for (uint32_t column = 0; found < n; column++)
		if ((rows_scramble(&rows, column) & 0xfffff) == 0)
			columns[found++] = column;
	return columns[n - 1] + 1;
}

/*
 * A row that fits no shift: a third of its columns do not get into the line they belong to, and
 * some classes have columns of that line that the row does not have.
 */
static void rows_that_collide_spill(void **state)
{
	enum { CELLS = 12, OTHERS = 4, CLASSES = 1 + CELLS + OTHERS };
	struct tg_image_class classes[CLASSES] = {0};
	struct tg_image_cell cells[CELLS];
	struct tg_image_addr4 addrs[CLASSES];
	struct tg_image_rule rules[CLASSES] = {0};
	const struct tg_image_prefix4 prefix4 = {.cls = 1};
	const struct tg_image_prefix6 prefix6 = {.cls = 0};
	const uint32_t salt = 12345;
	uint32_t columns[CELLS + OTHERS];
	struct synthetic s = {.state = 1};
	struct tg_classifier *c;

	s.parts.n_columns = colliding_columns(salt, columns, CELLS + OTHERS);
	for (uint32_t i = 0; i < CLASSES; i++) {
		rules[i].slot = TG_SLOT_FIRST + i;
		classes[i] = (struct tg_image_class){.row = {0, i % 2 != 0 ? 0 : TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT | 1u << 28},
			.family = 4};
		if (i > 0)
			classes[i].column[i % TG_COLUMNS] = columns[i - 1];
		addrs[i] = (struct tg_image_addr4){.addr = i, .cls = i, .node = TG_NONE};
	}
	classes[0].row[0] = classes[0].row[1] = TG_NONE;
	classes[0].default_program[1] = TG_PROGRAM_DIRECT;
	classes[0].family = 0;
	classes[0].kind = TG_KIND_UNKNOWN;
	for (uint32_t i = 0; i < CELLS; i++)
		cells[i] = (struct tg_image_cell){
			0, columns[i], TG_PROGRAM_DIRECT | 1u << 28 | (TG_SLOT_FIRST + i)};
	s.parts.classes = classes;
	s.parts.n_classes = CLASSES;
	s.parts.cells = cells;
	s.parts.n_cells = CELLS;
	s.parts.addr4 = addrs;
	s.parts.n_addr4 = CLASSES;
	s.parts.rules = rules;
	s.parts.n_rules = CLASSES;
	s.parts.prefix4 = &prefix4;
	s.parts.n_prefix4 = 1;
	s.parts.prefix6 = &prefix6;
	s.parts.n_prefix6 = 1;
	s.parts.strings = "";
	s.parts.n_strings = 1;
	s.parts.n_rows = 1;
	s.parts.slot_limit = TG_SLOT_FIRST + CLASSES;
	synthetic_rebuild(&s);
	c = classifier_build(NULL, &s.image, 0, salt, SOCKET_ID_ANY);
	assert_non_null(c);
	assert_int_not_equal(c->classes[1].row_log[TG_EGRESS] & ROW_SPILLS, 0);
	for (size_t k = 0; k < COUNT(all_simd); k++)
		if (tg_classifier_use(c, all_simd[k]) == 0)
			compare(c, &s, 60);
	tg_classifier_free(c);
	free(s.data);
}

/* What no image says: another family, and what lies beyond an IPv4 address in the tuple. */
static void strange_tuples_fail_closed(void **state)
{
	static const struct synthetic_shape shape = {.zones = 1,
		.addrs4 = 50,
		.prefixes4 = 20,
		.classes = 21,
		.rows = 5,
		.columns = 5,
		.cells = 20,
		.programs = 5,
		.max_steps = 5};
	static const uint8_t families[] = {0, 1, 5, 7, 46, 255};
	struct synthetic s;
	struct tg_classifier *c;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	c = build(&s, 0);
	for (size_t k = 0; k < COUNT(all_simd); k++) {
		if (tg_classifier_use(c, all_simd[k]) != 0)
			continue;
		for (size_t i = 0; i < COUNT(families); i++) {
			struct tg_tuple tuple = {.family = families[i], .protocol = 6, .dport = 80};
			const struct tg_tuple *pointer = &tuple;
			struct tg_judgement out;

			memset(&tuple.src, 0x0a, sizeof(tuple.src));
			memset(&tuple.dst, 0x0a, sizeof(tuple.dst));
			tg_classify_burst(c, &pointer, &out, 1);
			assert_int_equal(out.verdict[TG_EGRESS], 0);
			assert_int_equal(out.verdict[TG_INGRESS], 0);
			assert_int_equal(out.action, TG_ACTION_DENY);
			assert_int_equal(out.src_kind, TG_KIND_UNKNOWN);
		}
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* An image without any zone denies all. */
static void no_zone_denies(void **state)
{
	static const struct synthetic_shape shape = {.classes = 3, .rows = 1, .columns = 1};
	struct tg_tuple tuple = {.family = 4, .protocol = 6};
	const struct tg_tuple *pointer = &tuple;
	struct tg_judgement out;
	struct synthetic s;
	struct tg_classifier *c;

	synthetic_make(&s, &shape, 1);
	c = build(&s, 10);
	for (size_t k = 0; k < COUNT(all_simd); k++) {
		if (tg_classifier_use(c, all_simd[k]) != 0)
			continue;
		memset(&out, 0xff, sizeof(out));
		tg_classify_burst(c, &pointer, &out, 1);
		assert_int_equal(out.action, TG_ACTION_DENY);
		assert_int_equal(out.verdict[TG_EGRESS], 0);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* The comparison after a build notices what it is there to notice. */
static void damage_is_noticed(void **state)
{
	static const struct synthetic_shape shape = {.zones = 1,
		.addrs4 = 50,
		.addrs6 = 50,
		.prefixes4 = 50,
		.prefixes6 = 50,
		.classes = 41,
		.rows = 1,
		.columns = 1};
	struct synthetic s;
	struct tg_classifier *c;
	struct zone *zone;
	uint32_t *damaged[4];

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	c = build(&s, 0);
	zone = &c->zones[0];
	damaged[0] = &zone->lpm4.root[0];
	damaged[1] = &zone->lpm6.root[0];
	damaged[2] = (uint32_t *)&zone->exact4.places[0];
	damaged[3] = (uint32_t *)&zone->exact6.places[0];
	exact_find4(&zone->exact4, exact_home4(&zone->exact4, s.image.addr4[0].addr),
		s.image.addr4[0].addr, (uint32_t[]){0});
	for (uint32_t lane = 0; lane < zone->exact4.n_lines * 8; lane++)
		if (zone->exact4.lines4[lane / 8].lane[lane % 8] >> 32 < LANE_PENDING)
			damaged[2] = (uint32_t *)&zone->exact4.places[lane];
	for (uint32_t lane = 0; lane < zone->exact6.n_lines * 3; lane++)
		if (zone->exact6.lines6[lane / 3].cls[lane % 3] < LANE_PENDING)
			damaged[3] = (uint32_t *)&zone->exact6.places[lane];
	for (size_t i = 0; i < COUNT(damaged); i++) {
		const uint32_t kept = *damaged[i];

		assert_int_equal(classifier_verify(c, &s.image), 0);
		*damaged[i] = kept ^ 1;
		assert_int_equal(classifier_verify(c, &s.image), -EBADMSG);
		*damaged[i] = kept;
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

static void too_large_is_refused(void **state)
{
	static const struct synthetic_shape shape = {
		.zones = 1, .classes = 3, .rows = 1, .columns = 1};
	struct synthetic s;

	synthetic_make(&s, &shape, 1);
	assert_null(tg_classifier_build(&s.image, UINT32_MAX, SOCKET_ID_ANY));
	assert_int_equal(rte_errno, ENOMEM);
	synthetic_free(&s);
}

static void size_counts_the_tables(void **state)
{
	static const struct synthetic_shape shape = {
		.zones = 1, .classes = 3, .rows = 1, .columns = 1};
	struct synthetic s;
	struct tg_classifier *small, *large;

	synthetic_make(&s, &shape, 1);
	small = build(&s, 0);
	large = build(&s, 10000);
	assert_true(tg_classifier_size(small) > 2 * LPM_ROOT * sizeof(uint32_t));
	assert_true(tg_classifier_size(large) > tg_classifier_size(small) + 10000 * 2 * 8);
	tg_classifier_free(small);
	tg_classifier_free(large);
	tg_classifier_free(NULL);
	synthetic_free(&s);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(agrees_with_the_portable_lookup, &seed),
		cmocka_unit_test_prestate(agrees_on_many_small_images, &seed),
		cmocka_unit_test(rows_that_collide_spill),
		cmocka_unit_test_prestate(strange_tuples_fail_closed, &seed),
		cmocka_unit_test(no_zone_denies),
		cmocka_unit_test_prestate(damage_is_noticed, &seed),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(size_counts_the_tables),
	};

	printf("seed %llu (the first argument repeats it)\n", (unsigned long long)seed);
	test_eal_start("256");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

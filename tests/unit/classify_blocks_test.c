/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single addresses among prefixes, put there by images and by deltas: what bursts find beside the
 * longest prefix that a naive search finds, at the edges of blocks, where blocks are made, where
 * there are none left, and where addresses lie too far apart for blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "classifier.h"
#include "../eal.h"
#include "synthetic.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SINGLES_MAX 8192u

/* Class n denies by slot TG_SLOT_FIRST + n; odd ones are of IPv4, even ones of IPv6. */
struct world {
	struct synthetic s;
	struct tg_image_class *classes;
	struct tg_image_rule *rules;
	uint32_t n_classes;
	struct tg_image_addr4 addr4[SINGLES_MAX];
	struct tg_image_addr6 addr6[SINGLES_MAX];
	uint32_t n4, n6;
	struct tg_classifier *c;
};

/* /0 and, one in the other, longer ones; two that end and begin within a block; single ones. */
static const struct tg_image_prefix4 prefixes4[] = {
	{.addr = 0, .length = 0, .cls = 1},
	{.addr = 0x0a000000, .length = 8, .cls = 3},
	{.addr = 0x0a010000, .length = 16, .cls = 5},
	{.addr = 0x0a011000, .length = 20, .cls = 7},
	{.addr = 0x0a011200, .length = 24, .cls = 9},
	{.addr = 0x0a011240, .length = 26, .cls = 11},
	{.addr = 0x0a011248, .length = 29, .cls = 13},
	{.addr = 0x00000000, .length = 32, .cls = 15},
	{.addr = 0x0a011200, .length = 32, .cls = 17},
	{.addr = 0x0a0112ff, .length = 32, .cls = 19},
	{.addr = 0xc0a80180, .length = 32, .cls = 21},
	{.addr = 0xffffffff, .length = 32, .cls = 23},
};

static const struct tg_image_prefix6 prefixes6[] = {
	{.length = 0, .cls = 2},
	{.addr = {0xfd}, .length = 8, .cls = 4},
	{.addr = {0xfd, 0, 1}, .length = 48, .cls = 6},
	{.addr = {0xfd, 0, 1, [14] = 0x12}, .length = 120, .cls = 8},
	{.addr = {0xfd, 0, 1, [14] = 0x12, [15] = 0x40}, .length = 122, .cls = 10},
	{.addr = {[15] = 0}, .length = 128, .cls = 12},
	{.addr = {0xfd, 0, 1, [14] = 0x12, [15] = 0}, .length = 128, .cls = 14},
	{.addr = {0xfd, 0, 1, [14] = 0x12, [15] = 0xff}, .length = 128, .cls = 16},
	{.addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff},
		.length = 128,
		.cls = 18},
};

static void world_image(struct world *w)
{
	w->s.parts = (struct tg_image_parts){
		.classes = w->classes,
		.n_classes = w->n_classes,
		.rules = w->rules,
		.n_rules = w->n_classes,
		.addr4 = w->addr4,
		.n_addr4 = w->n4,
		.addr6 = w->addr6,
		.n_addr6 = w->n6,
		.prefix4 = prefixes4,
		.n_prefix4 = COUNT(prefixes4),
		.prefix6 = prefixes6,
		.n_prefix6 = COUNT(prefixes6),
		.strings = "",
		.n_strings = 1,
		.slot_limit = TG_SLOT_FIRST + w->n_classes,
	};
	synthetic_rebuild(&w->s);
}

static struct world *world_new(uint32_t n_classes)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->n_classes = n_classes;
	w->classes = calloc(n_classes, sizeof(*w->classes));
	w->rules = calloc(n_classes, sizeof(*w->rules));
	assert_true(w->classes != NULL && w->rules != NULL);
	for (uint32_t i = 0; i < n_classes; i++) {
		w->rules[i].slot = TG_SLOT_FIRST + i;
		w->classes[i] = (struct tg_image_class){.row = {TG_NONE, TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.default_program = {TG_PROGRAM_DIRECT | (TG_SLOT_FIRST + i),
				TG_PROGRAM_DIRECT | (TG_SLOT_FIRST + i)},
			.kind = i == 0 ? TG_KIND_UNKNOWN : 0,
			.family = i == 0       ? 0
				  : i % 2 != 0 ? 4
					       : 6};
	}
	return w;
}

static void world_free(struct world *w)
{
	tg_classifier_free(w->c);
	free(w->s.data);
	free(w->classes);
	free(w->rules);
	free(w);
}

/* From what the world has now; an older classifier is used up. */
static void world_build(struct world *w, uint32_t headroom)
{
	world_image(w);
	w->c = tg_classifier_rebuild(w->c, &w->s.image, headroom, SOCKET_ID_ANY);
	if (w->c == NULL)
		fail_msg("no classifier: %s", rte_strerror(rte_errno));
}

static struct tg_addr address6(uint32_t high, uint8_t low)
{
	struct tg_addr addr = {.family = 6, .bytes = {0xfd, 0, 1}};

	addr.bytes[11] = (uint8_t)(high >> 24);
	addr.bytes[12] = (uint8_t)(high >> 16);
	addr.bytes[13] = (uint8_t)(high >> 8);
	addr.bytes[14] = (uint8_t)high;
	addr.bytes[15] = low;
	return addr;
}

/* What the image has, as deltas change it: sorted. TG_NONE removes. */
static void world_note(struct world *w, const struct tg_addr *addr, uint32_t cls)
{
	const bool v4 = addr->family == 4;
	const uint32_t n = v4 ? w->n4 : w->n6;
	struct tg_image_addr4 *a4 = w->addr4;
	struct tg_image_addr6 *a6 = w->addr6;
	uint32_t i = 0;
	bool there;

	while (i < n &&
		(v4 ? a4[i].addr < tg_addr_v4(addr) : memcmp(a6[i].addr, addr->bytes, 16) < 0))
		i++;
	there = i < n &&
		(v4 ? a4[i].addr == tg_addr_v4(addr) : memcmp(a6[i].addr, addr->bytes, 16) == 0);
	if (cls == TG_NONE && there && v4)
		memmove(&a4[i], &a4[i + 1], (--w->n4 - i) * sizeof(*a4));
	else if (cls == TG_NONE && there)
		memmove(&a6[i], &a6[i + 1], (--w->n6 - i) * sizeof(*a6));
	if (cls == TG_NONE)
		return;
	assert_true(n < SINGLES_MAX);
	if (!there && v4)
		memmove(&a4[i + 1], &a4[i], (w->n4++ - i) * sizeof(*a4));
	else if (!there)
		memmove(&a6[i + 1], &a6[i], (w->n6++ - i) * sizeof(*a6));
	if (v4)
		a4[i] = (struct tg_image_addr4){
			.addr = tg_addr_v4(addr), .cls = cls, .node = TG_NONE};
	else {
		a6[i] = (struct tg_image_addr6){.cls = cls, .node = TG_NONE};
		memcpy(a6[i].addr, addr->bytes, 16);
	}
}

/* By a delta. */
static void change(struct world *w, struct tg_addr addr, uint32_t cls)
{
	struct tg_classmap_entry e = {.family = addr.family, .cls = cls, .node = TG_NONE};
	uint32_t index;

	memcpy(e.addr, addr.bytes, sizeof(e.addr));
	assert_int_equal(tg_classifier_apply(w->c, &e, 1, &index), 0);
	world_note(w, &addr, cls);
}

static bool covered(const uint8_t *addr, const uint8_t *prefix, unsigned int length)
{
	for (unsigned int bit = 0; bit < length; bit++)
		if (((addr[bit / 8] ^ prefix[bit / 8]) & 0x80 >> bit % 8) != 0)
			return false;
	return true;
}

/* Prefixes are in the order of their lengths. */
static uint32_t expected(const struct world *w, const struct tg_addr *addr)
{
	uint32_t cls = TG_NONE;

	for (size_t i = 0; i < COUNT(prefixes4) && addr->family == 4; i++) {
		const struct tg_addr prefix = tg_addr_from_v4(prefixes4[i].addr);

		if (covered(addr->bytes, prefix.bytes, prefixes4[i].length))
			cls = prefixes4[i].cls;
	}
	for (size_t i = 0; i < COUNT(prefixes6) && addr->family == 6; i++)
		if (covered(addr->bytes, prefixes6[i].addr, prefixes6[i].length))
			cls = prefixes6[i].cls;
	for (uint32_t i = 0; i < w->n4 && addr->family == 4; i++)
		if (w->addr4[i].addr == tg_addr_v4(addr))
			cls = w->addr4[i].cls;
	for (uint32_t i = 0; i < w->n6 && addr->family == 6; i++)
		if (memcmp(w->addr6[i].addr, addr->bytes, 16) == 0)
			cls = w->addr6[i].cls;
	return cls;
}

/* n <= TG_CLASSIFY_BURST addresses, each as a source, and as the destination of the one before. */
static void look(const struct world *w, const struct tg_addr *addrs, uint32_t n)
{
	struct tg_tuple tuples[TG_CLASSIFY_BURST] = {0};
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST];
	struct tg_judgement out[TG_CLASSIFY_BURST];

	for (uint32_t i = 0; i < n; i++) {
		memcpy(&tuples[i].src, addrs[i].bytes, 16);
		memcpy(&tuples[i].dst, addrs[(i + 1) % n].bytes, 16);
		tuples[i].family = addrs[i].family;
		tuples[i].protocol = 6;
		pointers[i] = &tuples[i];
	}
	for (int simd = TG_CLASSIFY_SCALAR; simd <= TG_CLASSIFY_AVX512; simd++) {
		if (tg_classifier_use(w->c, (enum tg_classify_simd)simd) != 0)
			continue;
		tg_classify_burst(w->c, pointers, out, n);
		for (uint32_t i = 0; i < n; i++) {
			const uint32_t src = tg_verdict_slot(out[i].verdict[TG_EGRESS]);
			const uint32_t dst = tg_verdict_slot(out[i].verdict[TG_INGRESS]);
			char text[TG_ADDR_TEXT];

			if (src != TG_SLOT_FIRST + expected(w, &addrs[i]))
				fail_msg("way %d: %s has class %u and not %u", simd,
					tg_addr_format(&addrs[i], text), src - TG_SLOT_FIRST,
					expected(w, &addrs[i]));
			assert_int_equal(dst, TG_SLOT_FIRST + expected(w, &addrs[(i + 1) % n]));
		}
	}
	assert_int_equal(zone_class4(&w->c->zones[0], 0xc0a80180),
		expected(w, &(struct tg_addr){.family = 4, .bytes = {192, 168, 1, 128}}));
}

/* The last byte of an address is where blocks are counted by. */
static struct tg_addr beside(struct tg_addr addr, int step)
{
	const int last = addr.family == 4 ? 3 : 15;

	for (int i = last; i >= 0; i--) {
		const int sum = addr.bytes[i] + step;

		addr.bytes[i] = (uint8_t)sum;
		if (sum >= 0 && sum <= 0xff)
			break;
	}
	return addr;
}

/* An address, its neighbours, the ends of its block and what is beyond them. */
static void look_around(const struct world *w, struct tg_addr addr)
{
	struct tg_addr all[8] = {addr, beside(addr, -1), beside(addr, 1), addr, addr};
	const int last = addr.family == 4 ? 3 : 15;

	all[3].bytes[last] = 0;
	all[4].bytes[last] = 0xff;
	all[5] = beside(all[3], -1);
	all[6] = beside(all[4], 1);
	all[7] = addr;
	all[7].bytes[0] ^= 0x40;
	look(w, all, COUNT(all));
}

static const uint32_t places4[] = {
	0x00000000, 0x00000001, 0x000000ff, 0x00000100,		    /* the first block */
	0xffffffff, 0xfffffffe, 0xffffff00, 0xfffffeff,		    /* the last */
	0x0a011200, 0x0a0112ff, 0x0a011201, 0x0a0112fe,		    /* of a /32, and beside it */
	0x0a01123f, 0x0a011240, 0x0a011247, 0x0a011248, 0x0a01124f, /* edges within a block */
	0x0a011250, 0x0a01127f, 0x0a011280,			    /* and behind */
	0x0a0111ff, 0x0a011300, 0x0a010fff, 0x0a012000,		    /* other blocks of its node */
	0x0a00ffff, 0x0a020000, 0x09ffffff, 0x0b000000,		    /* other nodes */
	0x0a3fffff, 0x0a400000, 0x40000000, 0x7fffffff, 0x80000000, /* other chunks */
	0xc0a80100, 0xc0a8017f, 0xc0a80180, 0xc0a80181, 0xc0a801ff, /* a /32 and no more */
};

static const uint32_t places6[] = {0x0, 0x00, 0xff, 0x1200, 0x1201, 0x123f, 0x1240, 0x127f, 0x1280,
	0x12fe, 0x12ff, 0x11ff, 0x1300, 0xffffff, 0xffffff00, 0xffffffff};

static struct tg_addr place(uint32_t i)
{
	static const struct tg_addr ends[] = {
		{.family = 6}, {.family = 6,
				       .bytes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};

	if (i < COUNT(places4))
		return tg_addr_from_v4(places4[i]);
	i -= COUNT(places4);
	if (i < COUNT(places6))
		return address6(places6[i] >> 8, (uint8_t)places6[i]);
	return ends[i - COUNT(places6)];
}

#define PLACES (COUNT(places4) + COUNT(places6) + 2)

static void look_everywhere(const struct world *w)
{
	for (uint32_t i = 0; i < PLACES; i++)
		look_around(w, place(i));
}

static uint32_t class_of_family(const struct tg_addr *addr, uint32_t which)
{
	return 25 + 2 * which - (addr->family == 6);
}

/* Each alone, by an image and by a delta: it is there, its neighbours are as before; and gone. */
static void one_address_is_one_address(void **state)
{
	struct world *w = world_new(101);

	for (uint32_t i = 0; i < PLACES; i++) {
		const struct tg_addr addr = place(i);

		world_note(w, &addr, class_of_family(&addr, 1));
		world_build(w, 10);
		look_everywhere(w);
		change(w, addr, TG_NONE);
		look_everywhere(w);
		change(w, addr, class_of_family(&addr, 2));
		look_around(w, addr);
		change(w, addr, TG_CLASS_FAIL_CLOSED);
		look_around(w, addr);
		change(w, addr, TG_NONE);
		tg_classifier_reclaim(w->c);
		look_everywhere(w);
		change(w, addr, class_of_family(&addr, 3));
		look_everywhere(w);
		world_note(w, &addr, TG_NONE);
	}
	world_free(w);
}

/* All of them one after the other, into a classifier that was built without any. */
static void deltas_make_blocks(void **state)
{
	struct world *w = world_new(401);

	for (int step = -1; step <= 1; step += 2) {
		world_build(w, 200);
		for (uint32_t i = 0; i < PLACES; i++) {
			const struct tg_addr addr = place(step > 0 ? i : (uint32_t)PLACES - 1 - i);

			change(w, addr, class_of_family(&addr, i));
			look_around(w, addr);
		}
		look_everywhere(w);
		for (uint32_t i = 0; i < PLACES; i++)
			change(w, place(i), TG_NONE);
		look_everywhere(w);
		assert_true(lpm4_whole(&w->c->zones[0].lpm4));
		assert_true(dense6_whole(&w->c->zones[0].dense6));
	}
	world_free(w);
}

/* An address of its own /24 and /120 for each number. */
static struct tg_addr far4(uint32_t i)
{
	return tg_addr_from_v4(0x0b000000 + i * 0x101);
}

static struct tg_addr far6(uint32_t i)
{
	return address6(0x100 + i, (uint8_t)i);
}

/* More /24 than there are spare blocks for: found in the exact table, until the next build. */
static void without_blocks_left(void **state)
{
	enum { N = 200 };
	struct world *w = world_new(1001);
	const struct zone *zone;

	world_build(w, N);
	for (uint32_t i = 0; i < N; i++) {
		change(w, far4(i), class_of_family(&(struct tg_addr){.family = 4}, i));
		change(w, far6(i), class_of_family(&(struct tg_addr){.family = 6}, i));
	}
	zone = &w->c->zones[0];
	assert_false(lpm4_whole(&zone->lpm4));
	assert_false(dense6_whole(&zone->dense6));
	for (uint32_t i = 0; i < N; i += 3) {
		/* Some have a block, some have not: others of these, changed and removed. */
		look_around(w, far4(i));
		look_around(w, far6(i));
		change(w, far4(i), TG_NONE);
		change(w, far6(i), TG_NONE);
		change(w, far4(i + 1), class_of_family(&(struct tg_addr){.family = 4}, 3));
		change(w, far6(i + 1), class_of_family(&(struct tg_addr){.family = 6}, 3));
		look_around(w, far4(i));
		look_around(w, far6(i));
	}
	look_everywhere(w);
	world_build(w, N);
	zone = &w->c->zones[0];
	assert_true(lpm4_whole(&zone->lpm4));
	assert_true(dense6_whole(&zone->dense6));
	for (uint32_t i = 0; i < N; i++) {
		look_around(w, far4(i));
		look_around(w, far6(i));
	}
	world_free(w);
}

/* Addresses that lie far apart get no blocks, those that lie close get them. */
static void blocks_have_to_pay(void **state)
{
	enum { N = 1500 };
	struct world *w = world_new(101);

	for (int close = 0; close < 2; close++) {
		w->n4 = w->n6 = 0;
		for (uint32_t i = 0; i < N; i++) {
			const struct tg_addr a4 = close != 0 ? tg_addr_from_v4(0x0b000080 + i)
							     : far4(i);
			const struct tg_addr a6 = close != 0 ? address6(0x100 + i / 256, (uint8_t)i)
							     : far6(i);

			world_note(w, &a4, class_of_family(&a4, i % 20));
			world_note(w, &a6, class_of_family(&a6, i % 20));
		}
		world_build(w, 10);
		assert_int_equal(lpm4_whole(&w->c->zones[0].lpm4), close);
		assert_int_equal(dense6_whole(&w->c->zones[0].dense6), close);
		for (uint32_t i = 0; i < N; i += 7) {
			look_around(w, tg_addr_from_v4(w->addr4[i].addr));
			look_around(w, far6(i));
		}
		change(w, far4(5), TG_NONE);
		change(w, far6(5), TG_NONE);
		change(w, tg_addr_from_v4(0x0a011244), 27);
		change(w, address6(0x12, 0x44), 28);
		look_everywhere(w);
		look_around(w, far4(5));
		look_around(w, far6(5));
		world_build(w, 10);
		look_everywhere(w);
		change(w, tg_addr_from_v4(0x0a011244), TG_NONE);
		change(w, address6(0x12, 0x44), TG_NONE);
		look_everywhere(w);
	}
	world_free(w);
}

/* Class numbers that two bytes do not hold; a table of one width is not taken for the other. */
static void wide_classes(void **state)
{
	static const uint32_t sizes[] = {65701, 65536, 65537, 101, 65701};
	struct world *w;
	struct tg_classifier *spare = NULL;

	for (size_t k = 0; k < COUNT(sizes); k++) {
		w = world_new(sizes[k]);
		w->c = spare;
		for (uint32_t i = 0; i < PLACES; i++) {
			const struct tg_addr addr = place(i);

			world_note(w, &addr, addr.family == 4 ? 33 : 34);
		}
		world_build(w, 300);
		assert_int_equal(w->c->zones[0].lpm4.blocks.log, sizes[k] > 65536 ? 2 : 1);
		assert_int_equal(w->c->zones[0].dense6.blocks.log, sizes[k] > 65536 ? 2 : 1);
		look_everywhere(w);
		change(w, tg_addr_from_v4(0x0a011244), (sizes[k] - 2) | 1);
		change(w, address6(0x12, 0x44), (sizes[k] - 1) & ~1u);
		look_everywhere(w);
		change(w, tg_addr_from_v4(0x0a011244), TG_NONE);
		change(w, address6(0x12, 0x44), TG_NONE);
		spare = w->c;
		w->c = NULL;
		world_free(w);
	}
	tg_classifier_free(spare);
}

/* Whatever blocks and what leads to them say wrongly is noticed. */
static void damage_is_noticed(void **state)
{
	static const uint32_t singles[] = {0x0a011242, 0x0a0112fe, 0x0b000010};
	struct world *w = world_new(101);
	struct zone *zone;

	for (size_t i = 0; i < COUNT(singles); i++) {
		const struct tg_addr a4 = tg_addr_from_v4(singles[i]);
		const struct tg_addr a6 = address6(singles[i] >> 8 & 0xffff, (uint8_t)singles[i]);

		world_note(w, &a4, 25);
		world_note(w, &a6, 26);
	}
	world_build(w, 10);
	zone = &w->c->zones[0];
	zone->kept = false;
	assert_int_equal(classifier_verify(w->c, &w->s.image), 0);
	for (size_t i = 0; i < COUNT(singles); i++) {
		const struct tg_addr a6 = address6(singles[i] >> 8 & 0xffff, (uint8_t)singles[i]);
		const uint32_t at4 = lpm4_block_at(lpm4_entry(&zone->lpm4, singles[i]), singles[i]);
		const uint32_t at6 = dense6_at(dense6_block(&zone->dense6, a6.bytes), a6.bytes);
		uint16_t *const cls[] = {(uint16_t *)zone->lpm4.blocks.classes,
			(uint16_t *)zone->dense6.blocks.classes};
		const uint32_t first[] = {at4 & ~0xffu, at6 & ~0xffu};

		for (uint32_t k = 0; k < 2 * BLOCK_SIZE; k++) {
			uint16_t *damaged = &cls[k % 2][first[k % 2] + k / 2];
			const uint16_t kept = *damaged;

			*damaged = 30 + k % 2;
			assert_int_equal(classifier_verify(w->c, &w->s.image), -EBADMSG);
			*damaged = kept;
		}
	}
	assert_int_equal(classifier_verify(w->c, &w->s.image), 0);
	zone->lpm4.top[0x0a011242 >> 22] = zone->lpm4.top[0x40000000 >> 22];
	assert_int_equal(classifier_verify(w->c, &w->s.image), -EBADMSG);
	world_free(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_is_one_address),
		cmocka_unit_test(deltas_make_blocks),
		cmocka_unit_test(without_blocks_left),
		cmocka_unit_test(blocks_have_to_pay),
		cmocka_unit_test(wide_classes),
		cmocka_unit_test(damage_is_noticed),
	};

	test_eal_start("256");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

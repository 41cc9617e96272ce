/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A classifier made from the remains of an older one says what its own image says, whatever the
 * older one held, and leaves the one in force alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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
#include "synthetic.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEADROOM 64

static const struct synthetic_shape shape = {.zones = 2,
	.addrs4 = 400,
	.addrs6 = 300,
	.prefixes4 = 60,
	.prefixes6 = 60,
	.classes = 41,
	.rows = 10,
	.columns = 20,
	.cells = 100,
	.programs = 20,
	.max_steps = 9,
	.narrow = 1};

static struct tg_classifier *rebuild(struct tg_classifier *spare, const struct synthetic *s)
{
	struct tg_classifier *c = tg_classifier_rebuild(spare, &s->image, HEADROOM, SOCKET_ID_ANY);

	if (c == NULL)
		fail_msg("no classifier: %s", rte_strerror(rte_errno));
	return c;
}

/* Every address and edge, whatever the classifier believes to have been compared before. */
static void assert_whole(struct tg_classifier *c, const struct synthetic *s)
{
	for (uint32_t i = 0; i < c->n_zones; i++) {
		const bool kept = c->zones[i].kept;

		c->zones[i].kept = false;
		assert_int_equal(classifier_verify(c, &s->image), 0);
		c->zones[i].kept = kept;
	}
}

static void assert_judges(const struct tg_classifier *c, struct synthetic *s, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		struct tg_image_query query;
		struct tg_image_answer want;
		struct tg_judgement have;
		struct tg_tuple tuple = {0};
		const struct tg_tuple *pointer = &tuple;

		synthetic_query(s, &query);
		memcpy(&tuple.src, query.src.bytes, 16);
		memcpy(&tuple.dst, query.dst.bytes, 16);
		tuple.family = query.src.family;
		tuple.zone = query.zone;
		tuple.protocol = query.protocol;
		tuple.dport = query.dport;
		tg_classify_burst(c, &pointer, &have, 1);
		tg_image_judge(&s->image, &query, &want);
		assert_int_equal(have.verdict[0], want.side[0].verdict);
		assert_int_equal(have.verdict[1], want.side[1].verdict);
	}
}

/* --- images that follow one another --- */

/* Some addresses go, some change, some come: the one after another's. */
static void change_addrs4(struct synthetic *s, uint32_t one_in)
{
	const struct tg_image_addr4 *old = s->parts.addr4;
	struct tg_image_addr4 *fresh = calloc(2 * s->parts.n_addr4 + 1, sizeof(*fresh));
	size_t n = 0, n_old = s->parts.n_addr4;

	for (size_t i = 0; i < n_old; i++) {
		const bool room = i + 1 == n_old || old[i + 1].zone != old[i].zone ||
				  old[i + 1].addr != old[i].addr + 1;

		if (synthetic_below(s, one_in) != 0)
			fresh[n++] = old[i];
		if (n > 0 && synthetic_below(s, one_in) == 0)
			fresh[n - 1].cls = old[synthetic_below(s, (uint32_t)n_old)].cls;
		if (n > 0 && synthetic_below(s, one_in) == 0)
			fresh[n - 1].node = synthetic_below(s, 5);
		if (!room || old[i].addr == UINT32_MAX || synthetic_below(s, one_in) != 0)
			continue;
		fresh[n] = old[i];
		fresh[n++].addr++;
	}
	free((void *)(uintptr_t)old);
	s->parts.addr4 = fresh;
	s->parts.n_addr4 = n;
}

static bool follows(const struct tg_image_addr6 *a, const struct tg_image_addr6 *b)
{
	return a->zone == b->zone && memcmp(a->addr, b->addr, 15) == 0 &&
	       a->addr[15] + 1 == b->addr[15];
}

static void change_addrs6(struct synthetic *s, uint32_t one_in)
{
	const struct tg_image_addr6 *old = s->parts.addr6;
	struct tg_image_addr6 *fresh = calloc(2 * s->parts.n_addr6 + 1, sizeof(*fresh));
	size_t n = 0, n_old = s->parts.n_addr6;

	for (size_t i = 0; i < n_old; i++) {
		const bool room = i + 1 == n_old || !follows(&old[i], &old[i + 1]);

		if (synthetic_below(s, one_in) != 0)
			fresh[n++] = old[i];
		if (n > 0 && synthetic_below(s, one_in) == 0)
			fresh[n - 1].cls = old[synthetic_below(s, (uint32_t)n_old)].cls;
		if (!room || old[i].addr[15] == 255 || synthetic_below(s, one_in) != 0)
			continue;
		fresh[n] = old[i];
		fresh[n++].addr[15]++;
	}
	free((void *)(uintptr_t)old);
	s->parts.addr6 = fresh;
	s->parts.n_addr6 = n;
}

static void change_prefixes(struct synthetic *s)
{
	struct tg_image_prefix4 *v4 = (void *)(uintptr_t)s->parts.prefix4;
	struct tg_image_prefix6 *v6 = (void *)(uintptr_t)s->parts.prefix6;

	v4[synthetic_below(s, (uint32_t)s->parts.n_prefix4)].cls =
		v4[synthetic_below(s, (uint32_t)s->parts.n_prefix4)].cls;
	v6[synthetic_below(s, (uint32_t)s->parts.n_prefix6)].cls =
		v6[synthetic_below(s, (uint32_t)s->parts.n_prefix6)].cls;
}

static void change(struct synthetic *s)
{
	switch (synthetic_below(s, 5)) {
	case 0: /* a rule's change: no address is another class's */
		break;
	case 1:
		change_addrs4(s, 200);
		break;
	case 2:
		change_addrs6(s, 200);
		change_prefixes(s);
		break;
	case 3:
		change_addrs4(s, 10);
		change_addrs6(s, 10);
		break;
	default:
		change_prefixes(s);
	}
	s->parts.generation++;
	synthetic_rebuild(s);
}

/* Deltas for addresses of the image and around them. */
static void edit(struct synthetic *s, struct tg_classifier *c, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		struct tg_image_query query;
		struct tg_classmap_entry e = {.cls = TG_NONE, .node = synthetic_below(s, 5)};
		uint32_t index;

		synthetic_query(s, &query);
		e.family = query.src.family;
		e.zone = query.zone;
		memcpy(e.addr, query.src.bytes, sizeof(e.addr));
		if (synthetic_below(s, 3) != 0)
			e.cls = 2 * synthetic_below(s, 20) + (e.family == 4 ? 1 : 2);
		if (tg_classifier_apply(c, &e, 1, &index) == -EINVAL)
			assert_null(classifier_zone(c, e.zone));
		if (synthetic_below(s, 4) == 0)
			tg_classifier_reclaim(c);
	}
}

/* --- tests --- */

/* As an engine does it: what was in force before the last one is the next one's spare. */
static void generations_follow_one_another(void **state)
{
	struct tg_classifier *live, *spare = NULL, *next;
	struct synthetic s;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	live = rebuild(NULL, &s);
	for (int i = 0; i < 300; i++) {
		if (synthetic_below(&s, 2) == 0)
			edit(&s, live, synthetic_below(&s, 40));
		change(&s);
		next = rebuild(spare, &s);
		assert_whole(next, &s);
		assert_judges(next, &s, 50);
		spare = live;
		live = next;
	}
	tg_classifier_free(spare);
	assert_whole(live, &s);
	tg_classifier_free(live);
	synthetic_free(&s);
}

/* The one in force does not mind what becomes of the spare, nor in which order they are freed. */
static void the_one_in_force_is_left_alone(void **state)
{
	struct tg_classifier *live, *spare, *next;
	struct synthetic s, other;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	synthetic_make(&other, &shape, *(const uint64_t *)*state + 1);
	for (int order = 0; order < 2; order++) {
		spare = rebuild(NULL, &s);
		live = rebuild(NULL, &s);
		next = rebuild(spare, order == 0 ? &s : &other);
		assert_whole(live, &s);
		assert_whole(next, order == 0 ? &s : &other);
		tg_classifier_free(order == 0 ? live : next);
		assert_whole(order == 0 ? next : live, &s);
		tg_classifier_free(order == 0 ? next : live);
	}
	synthetic_free(&s);
	synthetic_free(&other);
}

/* What has the same bytes stays where it is, and only that. */
static void only_the_same_bytes_are_kept(void **state)
{
	struct tg_image_addr4 *addr4;
	struct tg_image_addr6 *addr6;
	struct tg_image_prefix4 *prefix4;
	struct tg_image_prefix6 *prefix6;
	const struct exact_line4 *lines;
	const uint32_t *root;
	struct tg_classifier *c;
	struct synthetic s;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	addr4 = (void *)(uintptr_t)s.parts.addr4;
	addr6 = (void *)(uintptr_t)s.parts.addr6;
	prefix4 = (void *)(uintptr_t)s.parts.prefix4;
	prefix6 = (void *)(uintptr_t)s.parts.prefix6;
	c = rebuild(NULL, &s);
	assert_false(c->zones[0].kept);
	lines = c->zones[0].exact4.lines4;
	root = c->zones[0].lpm4.root;
	c = rebuild(c, &s);
	assert_true(c->zones[0].kept);
	assert_true(c->zones[1].kept);
	assert_ptr_equal(c->zones[0].exact4.lines4, lines);
	assert_ptr_equal(c->zones[0].lpm4.root, root);
	for (int what = 0; what < 5; what++) {
		if (what == 0)
			addr4[0].cls = addr4[0].cls == 1 ? 3 : 1;
		if (what == 1)
			addr4[0].node = addr4[0].node == 1 ? 2 : 1;
		if (what == 2)
			addr6[0].cls = addr6[0].cls == 2 ? 4 : 2;
		if (what == 3)
			prefix4[0].cls = prefix4[0].cls == 1 ? 3 : 1;
		if (what == 4)
			prefix6[0].cls = prefix6[0].cls == 2 ? 4 : 2;
		synthetic_rebuild(&s);
		c = rebuild(c, &s);
		assert_false(c->zones[0].kept);
		assert_true(c->zones[1].kept); /* nothing of it has changed */
		assert_whole(c, &s);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

static struct tg_classmap_entry entry4(const struct tg_image_addr4 *a, uint32_t cls)
{
	struct tg_classmap_entry e = {.family = 4, .zone = a->zone, .cls = cls, .node = 7};
	const struct tg_addr addr = tg_addr_from_v4(a->addr);

	memcpy(e.addr, addr.bytes, sizeof(e.addr));
	return e;
}

/* Deltas were for another image, even if that had the same bytes. */
static void deltas_do_not_survive(void **state)
{
	struct synthetic s;
	struct tg_classifier *c;
	uint32_t index;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	c = rebuild(NULL, &s);
	for (int what = 0; what < 3; what++) {
		const struct tg_image_addr4 nobody = {.addr = 0xc0000201};
		const struct tg_classmap_entry e =
			entry4(what == 2 ? &nobody : &s.image.addr4[0], what == 0 ? TG_NONE : 5);

		assert_int_equal(tg_classifier_apply(c, &e, 1, &index), 0);
		c = rebuild(c, &s);
		assert_false(c->zones[0].kept);
		assert_whole(c, &s);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* More edits than are remembered: the table is filled anew. */
static void many_deltas_do_not_survive(void **state)
{
	struct synthetic s;
	struct tg_classifier *c;
	uint32_t index;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	c = rebuild(NULL, &s);
	for (uint32_t i = 0; i <= EXACT_EDITS_MAX; i++) {
		const struct tg_classmap_entry e = entry4(&s.image.addr4[i % 8], 1 + 2 * (i % 20));

		assert_int_equal(tg_classifier_apply(c, &e, 1, &index), 0);
	}
	assert_true(c->zones[0].exact4.edits_lost);
	c = rebuild(c, &s);
	assert_false(exact_edited(&c->zones[0].exact4));
	assert_whole(c, &s);
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* The room for deltas is what was asked for, not what the older one had left. */
static void room_is_as_asked(void **state)
{
	static const uint32_t rooms[] = {64, 0, 3, 64, 5000, 10, 300};
	struct tg_classifier *c = NULL;
	struct synthetic s;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	for (size_t i = 0; i < COUNT(rooms); i++) {
		uint32_t index, added = 0;

		c = tg_classifier_rebuild(c, &s.image, rooms[i], SOCKET_ID_ANY);
		assert_non_null(c);
		assert_whole(c, &s);
		for (uint32_t k = 0; k <= rooms[i]; k++) {
			const struct tg_image_addr4 fresh = {.addr = 0xc0000000 + k};
			const struct tg_classmap_entry e = entry4(&fresh, 1);

			added += tg_classifier_apply(c, &e, 1, &index) == 0;
		}
		assert_int_equal(added, rooms[i]);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* Addresses in turn, and the same one of each /24: whatever the seed, all there is room for. */
static void runs_fill_a_table(void **state)
{
	for (uint32_t n = 50; n <= 3200; n *= 4) {
		for (uint64_t seed = 0; seed < 600; seed++) {
			const unsigned int shift = seed % 2 * 8;
			struct exact t;

			assert_int_equal(exact_init(&t, 4, n, seed * 1000003, SOCKET_ID_ANY), 0);
			for (uint32_t i = 0; i < n; i++) {
				const union exact_key key = {.v4 = 0x0a000001 + (i << shift)};

				assert_int_equal(exact_put(&t, &key, i, 0), 0);
			}
			exact_free(&t);
		}
	}
}

/* Zones come and go, each with its own tables. */
static void zones_keep_their_own(void **state)
{
	static const uint32_t zones[] = {3, 1, 2, 5, 5, 1};
	struct tg_classifier *c = NULL;

	for (size_t i = 0; i < COUNT(zones); i++) {
		struct synthetic_shape other = shape;
		struct synthetic s;

		other.zones = zones[i];
		synthetic_make(&s, &other, *(const uint64_t *)*state + zones[i]);
		c = rebuild(c, &s);
		assert_int_equal(c->n_zones, zones[i]);
		assert_whole(c, &s);
		assert_judges(c, &s, 200);
		synthetic_free(&s);
	}
	tg_classifier_free(c);
}

/* A table that is not what it is taken for does not come into force. */
static void damage_is_noticed(void **state)
{
	struct tg_classifier *c;
	struct synthetic s;
	struct exact *t;

	synthetic_make(&s, &shape, *(const uint64_t *)*state);
	c = rebuild(NULL, &s);
	t = &c->zones[0].exact4;
	/* An address that nobody knows of, beside a change that makes the table be patched. */
	assert_int_equal(exact_put(t, &(union exact_key){.v4 = 0xc0000201}, 1, 1), 0);
	change_addrs4(&s, 20);
	synthetic_rebuild(&s);
	assert_null(tg_classifier_rebuild(c, &s.image, HEADROOM, SOCKET_ID_ANY));
	assert_int_equal(rte_errno, EBADMSG);
	synthetic_free(&s);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(generations_follow_one_another, &seed),
		cmocka_unit_test_prestate(the_one_in_force_is_left_alone, &seed),
		cmocka_unit_test_prestate(only_the_same_bytes_are_kept, &seed),
		cmocka_unit_test_prestate(deltas_do_not_survive, &seed),
		cmocka_unit_test_prestate(many_deltas_do_not_survive, &seed),
		cmocka_unit_test_prestate(room_is_as_asked, &seed),
		cmocka_unit_test(runs_fill_a_table),
		cmocka_unit_test_prestate(zones_keep_their_own, &seed),
		cmocka_unit_test_prestate(damage_is_noticed, &seed),
	};

	printf("seed %llu (the first argument repeats it)\n", (unsigned long long)seed);
	test_eal_start("256");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

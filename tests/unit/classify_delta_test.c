/* SPDX-License-Identifier: BSD-3-Clause */
/* Class-map deltas: what they do, what is refused, and what readers see meanwhile. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

static struct tg_classifier *build(const struct synthetic *s, uint32_t headroom)
{
	struct tg_classifier *c = tg_classifier_build(&s->image, headroom, SOCKET_ID_ANY);

	if (c == NULL)
		fail_msg("no classifier: %s", rte_strerror(rte_errno));
	return c;
}

static struct tg_classmap_entry entry(
	uint16_t zone, const struct tg_addr *addr, uint32_t cls, uint32_t node)
{
	struct tg_classmap_entry e = {
		.family = addr->family, .zone = zone, .cls = cls, .node = node};

	memcpy(e.addr, addr->bytes, 16);
	return e;
}

static struct tg_classmap_entry entry4(uint32_t host_order, uint32_t cls)
{
	const struct tg_addr addr = tg_addr_from_v4(host_order);

	return entry(0, &addr, cls, TG_NONE);
}

static uint32_t class4(const struct tg_classifier *c, uint32_t addr)
{
	return zone_class4(&c->zones[0], addr);
}

static const struct synthetic_shape small = {.zones = 2,
	.addrs4 = 60,
	.addrs6 = 60,
	.prefixes4 = 60,
	.prefixes6 = 60,
	.classes = 41,
	.rows = 10,
	.columns = 20,
	.cells = 100,
	.programs = 20,
	.max_steps = 9,
	.narrow = 1};

static void bad_entries_are_refused(void **state)
{
	static const struct {
		const char *what;
		struct tg_classmap_entry e;
	} rows[] = {
		{"no family", {.family = 0, .cls = 1}},
		{"no family there is", {.family = 5, .cls = 1}},
		{"bytes behind an IPv4 address", {.addr = {10, 0, 0, 1, 1}, .family = 4, .cls = 1}},
		{"last byte behind it", {.addr = {10, [15] = 1}, .family = 4, .cls = TG_NONE}},
		{"zone of no image", {.family = 4, .zone = 1, .cls = 1}},
		{"its removal", {.family = 4, .zone = 1, .cls = TG_NONE}},
		{"class that is not there", {.family = 4, .cls = 41}},
		{"state of a lane", {.family = 4, .cls = LANE_PENDING}},
		{"class of IPv6", {.family = 4, .cls = 2}},
		{"class of IPv4", {.family = 6, .cls = 1}},
		{"reserved", {.family = 4, .reserved = 1, .cls = 1}},
		{"namespace that is not there", {.family = 4, .ns = 1, .cls = 1}},
	};
	struct synthetic s;
	struct tg_classifier *c;

	synthetic_make(&s, &small, 1);
	c = build(&s, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tg_classmap_entry entries[3] = {
			entry4(0x7f000001, 3), rows[i].e, entry4(0x7f000002, 3)};
		uint32_t index = 99;

		if (tg_classifier_apply(c, entries, 3, &index) != -EINVAL || index != 1)
			fail_msg("%s: index %u", rows[i].what, index);
		assert_int_not_equal(class4(c, 0x7f000001), 3);
		assert_int_not_equal(class4(c, 0x7f000002), 3);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

static void order_within_a_transaction_counts(void **state)
{
	const uint32_t a = 0x7f000001, none = TG_NONE;
	/* the last says what holds; 0: not there */
	static const struct {
		uint32_t cls[4];
		uint32_t n, want;
	} rows[] = {
		{{1}, 1, 1},
		{{1, 3}, 2, 3},
		{{1, TG_NONE}, 2, 0},
		{{TG_NONE}, 1, 0},
		{{TG_NONE, 5}, 2, 5},
		{{5, TG_NONE, 7}, 3, 7},
		{{5, TG_NONE, 7, TG_NONE}, 4, 0},
		{{TG_NONE, TG_NONE}, 2, 0},
	};
	struct synthetic s;
	struct tg_classifier *c;
	uint32_t index, lane;

	synthetic_make(&s, &small, 1);
	c = build(&s, 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct exact *t = &c->zones[0].exact4;
		struct tg_classmap_entry entries[4], clear = entry4(a, none);
		uint32_t cls;

		for (uint32_t k = 0; k < rows[i].n; k++)
			entries[k] = entry4(a, rows[i].cls[k]);
		assert_int_equal(tg_classifier_apply(c, entries, rows[i].n, &index), 0);
		cls = exact_find4(t, exact_home4(t, a), a, &lane);
		assert_int_equal(cls < LANE_PENDING ? cls : 0, rows[i].want);
		assert_int_equal(tg_classifier_apply(c, &clear, 1, &index), 0);
		if (i % 2 != 0)
			tg_classifier_reclaim(c);
		assert_true(class4(c, a) != rows[i].want || rows[i].want == 0);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* A table with room for 3 more: all or none, and room comes back only by reclaiming. */
static void full_tables_refuse(void **state)
{
	const uint32_t base = 0x7f000000;
	struct tg_classmap_entry add[4], other[2], gone;
	struct synthetic s;
	struct tg_classifier *c;
	uint32_t index, before;

	synthetic_make(&s, &small, 1);
	c = build(&s, 3);
	before = c->zones[0].exact4.used;
	for (uint32_t i = 0; i < 4; i++)
		add[i] = entry4(base + i, 1);
	assert_int_equal(tg_classifier_apply(c, add, 4, &index), -ENOSPC);
	assert_int_equal(index, 3);
	assert_int_equal(c->zones[0].exact4.used, before);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_not_equal(class4(c, base + i), 1);

	assert_int_equal(tg_classifier_apply(c, add, 3, &index), 0);
	assert_int_equal(tg_classifier_apply(c, add, 3, &index), 0); /* they are there already */
	gone = entry4(base, TG_NONE);
	assert_int_equal(tg_classifier_apply(c, &gone, 1, &index), 0);

	/* Somebody may still be reading the node of `base`. */
	other[0] = entry4(base + 1, 3);
	other[1] = add[3];
	assert_int_equal(tg_classifier_apply(c, other, 2, &index), -ENOSPC);
	assert_int_equal(index, 1);
	assert_int_equal(class4(c, base + 1), 1);
	/* A refused transaction that begins with it leaves it as it is: removed, not reclaimed. */
	other[0] = add[0];
	other[1] = add[3];
	before = c->zones[0].exact4.used;
	assert_int_equal(tg_classifier_apply(c, other, 2, &index), -ENOSPC);
	assert_int_equal(c->zones[0].exact4.used, before);
	assert_int_not_equal(class4(c, base), 1);
	other[0] = entry4(base + 1, 3);
	/* The address itself may come back. */
	assert_int_equal(tg_classifier_apply(c, add, 1, &index), 0);
	assert_int_equal(class4(c, base), 1);
	assert_int_equal(tg_classifier_apply(c, &gone, 1, &index), 0);

	tg_classifier_reclaim(c);
	assert_int_equal(tg_classifier_apply(c, other, 2, &index), 0);
	assert_int_equal(class4(c, base + 1), 3);
	assert_int_equal(class4(c, base + 3), 1);
	tg_classifier_free(c);
	synthetic_free(&s);
}

/* As when deltas have used up the blocks: from now on exact tables are asked first. */
static void use_buckets(struct tg_classifier *c)
{
	for (uint32_t i = 0; i < c->n_zones; i++) {
		__atomic_store_n(&c->zones[i].lpm4.whole, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&c->zones[i].dense6.whole, 0, __ATOMIC_RELEASE);
	}
}

/*
 * After random transactions the classifier judges as one that was built with these entries.
 */
struct mirror {
	struct tg_image_addr4 *addr4;
	struct tg_image_addr6 *addr6;
	size_t n4, n6;
};

static void mirror4(struct mirror *m, const struct tg_classmap_entry *e)
{
	const struct tg_image_addr4 a = {.addr = (uint32_t)e->addr[0] << 24 |
						 (uint32_t)e->addr[1] << 16 |
						 (uint32_t)e->addr[2] << 8 | e->addr[3],
		.zone = e->zone,
		.cls = e->cls,
		.node = e->node};
	size_t i = 0;

	while (i < m->n4 && (m->addr4[i].zone < a.zone ||
				    (m->addr4[i].zone == a.zone && m->addr4[i].addr < a.addr)))
		i++;
	if (i < m->n4 && m->addr4[i].zone == a.zone && m->addr4[i].addr == a.addr) {
		memmove(m->addr4 + i, m->addr4 + i + 1, (m->n4 - i - 1) * sizeof(a));
		m->n4--;
	}
	if (e->cls == TG_NONE)
		return;
	memmove(m->addr4 + i + 1, m->addr4 + i, (m->n4 - i) * sizeof(a));
	m->addr4[i] = a;
	m->n4++;
}

static void mirror6(struct mirror *m, const struct tg_classmap_entry *e)
{
	struct tg_image_addr6 a = {.zone = e->zone, .cls = e->cls, .node = e->node};
	size_t i = 0;

	memcpy(a.addr, e->addr, 16);
	while (i < m->n6 &&
		(m->addr6[i].zone < a.zone ||
			(m->addr6[i].zone == a.zone && memcmp(m->addr6[i].addr, a.addr, 16) < 0)))
		i++;
	if (i < m->n6 && m->addr6[i].zone == a.zone && memcmp(m->addr6[i].addr, a.addr, 16) == 0) {
		memmove(m->addr6 + i, m->addr6 + i + 1, (m->n6 - i - 1) * sizeof(a));
		m->n6--;
	}
	if (e->cls == TG_NONE)
		return;
	memmove(m->addr6 + i + 1, m->addr6 + i, (m->n6 - i) * sizeof(a));
	m->addr6[i] = a;
	m->n6++;
}

/* Addresses of the small pool that the image has as well, so that most are met again. */
static struct tg_classmap_entry random_entry(struct synthetic *s)
{
	const bool v4 = synthetic_below(s, 2) != 0;
	struct tg_addr addr = {.family = 6, .bytes = {0xfd}};
	uint32_t cls = 1 + 2 * synthetic_below(s, 20) + (v4 ? 0 : 1);

	if (v4)
		addr = tg_addr_from_v4(0x0a0000fe + synthetic_below(s, 0x100));
	else
		addr.bytes[15] = (uint8_t)synthetic_random(s);
	if (synthetic_below(s, 3) == 0)
		cls = TG_NONE;
	else if (synthetic_below(s, 20) == 0)
		cls = TG_CLASS_FAIL_CLOSED;
	return entry((uint16_t)(3 * synthetic_below(s, 2)), &addr, cls,
		synthetic_below(s, 4) != 0 ? synthetic_below(s, 4) : TG_NONE);
}

static void compare(const struct tg_classifier *c, struct synthetic *s, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct tg_image_query query;
		struct tg_image_answer want;
		struct tg_tuple tuple = {0};
		const struct tg_tuple *pointer = &tuple;
		struct tg_judgement have;

		synthetic_query(s, &query);
		memcpy(&tuple.src, query.src.bytes, 16);
		memcpy(&tuple.dst, query.dst.bytes, 16);
		tuple.family = query.src.family;
		tuple.zone = query.zone;
		tuple.protocol = query.protocol;
		tuple.dport = query.dport;
		tg_image_judge(&s->image, &query, &want);
		tg_classify_burst(c, &pointer, &have, 1);
		assert_int_equal(have.verdict[0], want.side[0].verdict);
		assert_int_equal(have.verdict[1], want.side[1].verdict);
		assert_int_equal(have.src_kind, s->image.classes[want.src_class].kind);
		assert_int_equal(have.action, want.action);
	}
}

static void deltas_equal_a_rebuilt_image(void **state)
{
	enum { ROOM = 2048 };
	struct synthetic s;
	struct mirror mirror;
	struct tg_classifier *c;

	synthetic_make(&s, &small, *(const uint64_t *)*state);
	mirror.addr4 = calloc(ROOM, sizeof(*mirror.addr4));
	mirror.addr6 = calloc(ROOM, sizeof(*mirror.addr6));
	mirror.n4 = s.parts.n_addr4;
	mirror.n6 = s.parts.n_addr6;
	memcpy(mirror.addr4, s.parts.addr4, mirror.n4 * sizeof(*mirror.addr4));
	memcpy(mirror.addr6, s.parts.addr6, mirror.n6 * sizeof(*mirror.addr6));
	free((void *)s.parts.addr4);
	free((void *)s.parts.addr6);
	c = build(&s, 600);
	for (unsigned int round = 0; round < 60; round++) {
		struct tg_classmap_entry entries[32];
		const uint32_t n = 1 + synthetic_below(&s, 32);
		uint32_t index;

		for (uint32_t i = 0; i < n; i++) {
			entries[i] = random_entry(&s);
			(entries[i].family == 4 ? mirror4 : mirror6)(&mirror, &entries[i]);
		}
		assert_int_equal(tg_classifier_apply(c, entries, n, &index), 0);
		if (synthetic_below(&s, 2) != 0)
			tg_classifier_reclaim(c);
		s.parts.addr4 = mirror.addr4;
		s.parts.addr6 = mirror.addr6;
		s.parts.n_addr4 = mirror.n4;
		s.parts.n_addr6 = mirror.n6;
		synthetic_rebuild(&s);
		if (round == 40)
			use_buckets(c);
		tg_classifier_use(c, (enum tg_classify_simd)(round % 4));
		compare(c, &s, 600);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/*
 * Nine addresses of one bucket, one of them all ones: the last has to go to the next bucket, and
 * is found there whatever happens to the other eight.
 */
static void full_buckets_pass_on(void **state)
{
	static const struct synthetic_shape empty = {
		.zones = 1, .classes = 21, .rows = 1, .columns = 1};
	enum { N = EXACT_LANES4 + 1 };
	struct tg_classmap_entry entries[N];
	uint32_t addrs[N] = {UINT32_MAX}, n = 1, index;
	struct synthetic s;
	struct tg_classifier *c;
	const struct exact *t;

	synthetic_make(&s, &empty, 1);
	c = build(&s, 100);
	t = &c->zones[0].exact4;
	for (uint32_t addr = 0; n < N; addr++)
		if (exact_home4(t, addr) == exact_home4(t, UINT32_MAX))
			addrs[n++] = addr;
	for (uint32_t i = 0; i < N; i++)
		entries[i] = entry4(addrs[i], 1 + 2 * i);
	assert_int_equal(tg_classifier_apply(c, entries, N, &index), 0);
	use_buckets(c);
	for (uint32_t gone = 0; gone < N; gone++) {
		for (int simd = TG_CLASSIFY_SCALAR; simd <= TG_CLASSIFY_AVX512; simd++) {
			if (tg_classifier_use(c, (enum tg_classify_simd)simd) != 0)
				continue;
			for (uint32_t i = 0; i < N; i++) {
				struct tg_tuple tuple = {.family = 4, .protocol = 6};
				const struct tg_tuple *pointer = &tuple;
				struct tg_judgement out;
				uint32_t cls = i < gone ? s.image.prefix4[0].cls : 1 + 2 * i;
				uint32_t want = s.image.classes[cls].default_program[TG_EGRESS] &
						~TG_PROGRAM_DIRECT;

				if ((want & TG_VERDICT_EXT) != 0)
					want = s.image.exts[tg_verdict_slot(want)].verdict;
				tuple.src.v4 = tuple.dst.v4 = rte_cpu_to_be_32(addrs[i]);
				tg_classify_burst(c, &pointer, &out, 1);
				assert_int_equal(out.src_kind, s.image.classes[cls].kind);
				assert_int_equal(out.verdict[TG_EGRESS], want);
			}
		}
		entries[0] = entry4(addrs[gone], TG_NONE);
		assert_int_equal(tg_classifier_apply(c, entries, 1, &index), 0);
		if (gone % 2 != 0)
			tg_classifier_reclaim(c);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/*
 * A table whose entries have all gone is as it was when it was new: no search is longer. Filled up
 * again and again, so that buckets are full and pass addresses on.
 */
#define CHURN_POOL 1500u

static void churn(struct tg_classifier *c, struct synthetic *s, uint8_t family)
{
	static struct tg_classmap_entry pool[CHURN_POOL];
	uint32_t index;

	for (uint32_t i = 0; i < CHURN_POOL; i++) {
		struct tg_addr addr = tg_addr_from_v4((uint32_t)synthetic_random(s));

		addr.family = family;
		pool[i] = entry(0, &addr, family == 4 ? 1 : 2, 0);
	}
	for (unsigned int round = 0; round < 40; round++) {
		assert_int_equal(tg_classifier_apply(c, pool, CHURN_POOL, &index), 0);
		for (uint32_t i = 0; i < CHURN_POOL; i++) {
			struct tg_classmap_entry gone = pool[i];

			gone.cls = TG_NONE;
			if (round == 39 || synthetic_below(s, 2) != 0)
				assert_int_equal(tg_classifier_apply(c, &gone, 1, &index), 0);
			if (synthetic_below(s, 100) == 0)
				tg_classifier_reclaim(c);
		}
		tg_classifier_reclaim(c);
	}
}

static void churn_leaves_nothing_behind(void **state)
{
	static const struct synthetic_shape empty = {
		.zones = 1, .classes = 3, .rows = 1, .columns = 1};
	const struct zone *zone;
	struct tg_classifier *c;
	struct synthetic s;

	synthetic_make(&s, &empty, *(const uint64_t *)*state);
	c = build(&s, CHURN_POOL);
	zone = &c->zones[0];
	churn(c, &s, 4);
	churn(c, &s, 6);
	assert_int_equal(zone->exact4.used, 0);
	assert_int_equal(zone->exact6.used, 0);
	for (uint32_t i = 0; i < zone->exact4.n_lines; i++) {
		assert_int_equal(zone->exact4.passed[i], 0);
		for (uint32_t k = 0; k < EXACT_LANES4; k++)
			assert_int_equal(zone->exact4.lines4[i].lane[k] >> 32, LANE_EMPTY);
	}
	for (uint32_t i = 0; i < zone->exact6.n_lines; i++) {
		assert_int_equal(zone->exact6.passed[i], 0);
		for (uint32_t k = 0; k < EXACT_LANES6; k++)
			assert_int_equal(zone->exact6.lines6[i].cls[k], LANE_EMPTY);
	}
	tg_classifier_free(c);
	synthetic_free(&s);
}

/*
 * One writer, one reader. Class n judges by slot TG_SLOT_FIRST + n, so a verdict tells the class.
 * Addresses of the first half stay; each of the third quarter has two classes of its own by turns,
 * and those of the last are removed as well. Whatever else a reader sees of an address is wrong.
 */
#define RACE_ADDRS 256u
#define RACE_CLASSES                                                                \
	(3 + 4 * RACE_ADDRS) /* 0, one for each /0, two for each address and family \
			      */

struct race {
	struct tg_classifier *c;
	unsigned int finished; /* the writer's, read by the reader */
	uint64_t bursts;       /* the reader's, read by the writer */
	uint64_t wrong, moved; /* the reader's; changed addresses seen in each state */
	uint32_t wrong_addr, wrong_slot;
};

static uint32_t race_class(uint32_t addr, unsigned int which, uint8_t family)
{
	return 3 + 4 * addr + 2 * which + (family == 6);
}

static void race_image(struct synthetic *s)
{
	static struct tg_image_class classes[RACE_CLASSES];
	static struct tg_image_rule rules[RACE_CLASSES];
	static const struct tg_image_prefix4 prefix4 = {.cls = 1};
	static const struct tg_image_prefix6 prefix6 = {.cls = 2};

	for (uint32_t i = 0; i < RACE_CLASSES; i++) {
		const uint32_t slot = TG_SLOT_FIRST + i;

		rules[i].slot = slot;
		classes[i] = (struct tg_image_class){.row = {TG_NONE, TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.family = i % 2 != 0 ? 4 : 6};
		classes[i].default_program[0] = classes[i].default_program[1] = TG_PROGRAM_DIRECT |
										slot;
	}
	classes[0].family = 0;
	classes[0].kind = TG_KIND_UNKNOWN;
	*s = (struct synthetic){.parts = {
					.classes = classes,
					.n_classes = RACE_CLASSES,
					.rules = rules,
					.n_rules = RACE_CLASSES,
					.prefix4 = &prefix4,
					.n_prefix4 = 1,
					.prefix6 = &prefix6,
					.n_prefix6 = 1,
					.strings = "",
					.n_strings = 1,
					.slot_limit = TG_SLOT_FIRST + RACE_CLASSES,
				}};
	synthetic_rebuild(s);
}

static struct tg_addr race_addr(uint32_t i, uint8_t family)
{
	struct tg_addr addr = {.family = 6};

	if (family == 4)
		return tg_addr_from_v4(0x0a000000 + i);
	addr.bytes[0] = 0xfd;
	addr.bytes[15] = (uint8_t)i;
	return addr;
}

static void race_check(struct race *r, uint32_t i, uint8_t family, uint32_t verdict)
{
	const uint32_t cls = tg_verdict_slot(verdict) - TG_SLOT_FIRST;

	if (cls == race_class(i, 0, family))
		return;
	if ((i >= RACE_ADDRS / 2 && cls == race_class(i, 1, family)) ||
		(i >= RACE_ADDRS / 4 * 3 && cls == 1u + (family == 6))) {
		r->moved++;
		return;
	}
	r->wrong++;
	r->wrong_addr = i;
	r->wrong_slot = tg_verdict_slot(verdict);
}

static void *race_reader(void *arg)
{
	struct race *r = arg;
	struct tg_tuple tuples[TG_CLASSIFY_BURST];
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST];
	struct tg_judgement out[TG_CLASSIFY_BURST];
	uint32_t at = 0;

	while (__atomic_load_n(&r->finished, __ATOMIC_ACQUIRE) == 0) {
		for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++) {
			const uint8_t family = i % 2 != 0 ? 4 : 6;
			const struct tg_addr src = race_addr((at + i) % RACE_ADDRS, family);
			const struct tg_addr dst = race_addr((at + i * 7) % RACE_ADDRS, family);

			tuples[i] = (struct tg_tuple){.family = family, .protocol = 6};
			memcpy(&tuples[i].src, src.bytes, 16);
			memcpy(&tuples[i].dst, dst.bytes, 16);
			pointers[i] = &tuples[i];
		}
		tg_classify_burst(r->c, pointers, out, TG_CLASSIFY_BURST);
		for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++) {
			const uint8_t family = tuples[i].family;

			race_check(r, (at + i) % RACE_ADDRS, family, out[i].verdict[TG_EGRESS]);
			race_check(
				r, (at + i * 7) % RACE_ADDRS, family, out[i].verdict[TG_INGRESS]);
		}
		at += 13;
		__atomic_store_n(&r->bursts, r->bursts + 1, __ATOMIC_RELEASE);
		sched_yield(); /* the writer may wait on the same processor */
	}
	return NULL;
}

/* Until the reader has begun and ended a burst since now. */
static void race_grace(struct race *r)
{
	const uint64_t start = __atomic_load_n(&r->bursts, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&r->bursts, __ATOMIC_ACQUIRE) < start + 2)
		sched_yield();
}

static void race_fill(struct tg_classifier *c)
{
	for (uint32_t i = 0; i < RACE_ADDRS; i++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			const struct tg_addr addr = race_addr(i, family);
			const struct tg_classmap_entry e =
				entry(0, &addr, race_class(i, 0, family), TG_NONE);
			uint32_t index;

			assert_int_equal(tg_classifier_apply(c, &e, 1, &index), 0);
		}
	}
}

/* Removals move free lanes about, so that addresses change their lanes; the room is tight. */
static void race_write(struct race *r, struct synthetic *s, unsigned int rounds)
{
	for (unsigned int round = 0; round < rounds; round++) {
		struct tg_classmap_entry entries[8];
		uint32_t index;

		for (unsigned int k = 0; k < COUNT(entries); k++) {
			const uint32_t i = RACE_ADDRS / 2 + synthetic_below(s, RACE_ADDRS / 2);
			const uint8_t family = synthetic_below(s, 2) != 0 ? 4 : 6;
			const unsigned int which =
				synthetic_below(s, i >= RACE_ADDRS / 4 * 3 ? 3 : 2);
			const struct tg_addr addr = race_addr(i, family);

			entries[k] = entry(0, &addr,
				which == 2 ? TG_NONE : race_class(i, which, family), TG_NONE);
		}
		assert_int_equal(tg_classifier_apply(r->c, entries, COUNT(entries), &index), 0);
		if (round == rounds / 2)
			use_buckets(r->c);
		if (round % 4 == 0) {
			race_grace(r);
			tg_classifier_reclaim(r->c);
		}
	}
}

static void readers_see_old_or_new(void **state)
{
	struct synthetic s;
	struct tg_classifier *c;

	race_image(&s);
	s.state = *(const uint64_t *)*state;
	c = build(&s, RACE_ADDRS);
	race_fill(c);
	for (int simd = TG_CLASSIFY_SCALAR; simd <= TG_CLASSIFY_AVX512; simd++) {
		struct race r = {.c = c};
		pthread_t reader;

		if (tg_classifier_use(c, (enum tg_classify_simd)simd) != 0)
			continue;
		/* All addresses have their places in blocks, which are kept up to date. */
		c->zones[0].lpm4.whole = c->zones[0].dense6.whole = 1;
		assert_int_equal(pthread_create(&reader, NULL, race_reader, &r), 0);
		race_write(&r, &s, 4000);
		__atomic_store_n(&r.finished, 1, __ATOMIC_RELEASE);
		pthread_join(reader, NULL);
		if (r.wrong != 0)
			fail_msg("%llu wrong, the last: address %u had slot %u",
				(unsigned long long)r.wrong, r.wrong_addr, r.wrong_slot);
		assert_true(r.moved > 0);
	}
	tg_classifier_free(c);
	free(s.data);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_entries_are_refused),
		cmocka_unit_test(order_within_a_transaction_counts),
		cmocka_unit_test(full_tables_refuse),
		cmocka_unit_test_prestate(deltas_equal_a_rebuilt_image, &seed),
		cmocka_unit_test(full_buckets_pass_on),
		cmocka_unit_test_prestate(churn_leaves_nothing_behind, &seed),
		cmocka_unit_test_prestate(readers_see_old_or_new, &seed),
	};

	printf("seed %llu (the first argument repeats it)\n", (unsigned long long)seed);
	test_eal_start("128");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The compiler's parts against naive twins: programs, prefixes, selectors, sequences, sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tidegate/ruleset.h>

#include "prefixes.h"
#include "programs.h"
#include "rng.h"
#include "selectors.h"
#include "slots.h"
#include "sort.h"

static struct tg_rng rng = {.state = 2026};

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

/* Rules of a random list; the first whose range has the key decides. */
struct naive_rule {
	uint32_t lo, hi, verdict;
};

static uint32_t naive_verdict(const struct naive_rule *rules, size_t n, uint32_t key, uint32_t rest)
{
	for (size_t i = 0; i < n; i++)
		if (key >= rules[i].lo && key <= rules[i].hi)
			return rules[i].verdict;
	return rest;
}

static uint32_t program_verdict(const struct programs *p, uint32_t reference, uint32_t key)
{
	struct seq steps;
	uint32_t verdict = TG_NONE;

	if (reference & TG_PROGRAM_DIRECT)
		return reference & ~TG_PROGRAM_DIRECT;
	steps = seqs_get(&p->steps, reference + 1);
	assert_int_equal(steps.v[0], 0);
	for (uint32_t i = 0; i < steps.n; i += 2) {
		if (i > 0) {
			assert_true(steps.v[i] > steps.v[i - 2]);
			assert_int_not_equal(steps.v[i + 1], steps.v[i - 1]);
		}
		if (steps.v[i] <= key)
			verdict = steps.v[i + 1];
	}
	return verdict;
}

/* Keys near the edges: the ends of the space and of a few protocols. */
static uint32_t random_key(void)
{
	static const uint32_t edges[] = {0, 1, 0xffff, 0x10000, 6 << 16, (6 << 16) + 80,
		(7 << 16) - 1, 17 << 16, KEY_MAX - 1, KEY_MAX};

	if (below(2))
		return edges[below(sizeof(edges) / sizeof(edges[0]))];
	return (6u << 16) + below(12);
}

static void programs_let_the_first_match_decide(void **state)
{
	struct policies policies;
	struct programs programs;

	assert_int_equal(policies_init(&policies), 0);
	assert_int_equal(port_programs_init(&programs), 0);
	for (int round = 0; round < 4000; round++) {
		struct naive_rule rules[12];
		size_t n = below(12);
		uint32_t rest = 1 + below(3), reference;

		assert_int_equal(port_programs_begin(&programs, rest), 0);
		for (size_t i = 0; i < n; i++) {
			uint32_t a = random_key(), b = random_key(), range[2], ports;

			range[0] = a < b ? a : b;
			range[1] = a < b ? b : a;
			if (below(20) == 0)
				range[0] = 0, range[1] = KEY_MAX;
			rules[i] = (struct naive_rule){range[0], range[1], 1 + below(4)};
			ports = seqs_add(&policies.port_sets, range, 2);
			assert_int_equal(
				port_programs_append(&programs, ports, rules[i].verdict), 0);
		}
		reference = port_programs_end(&programs, &policies.port_sets);
		assert_int_not_equal(reference, TG_NONE);
		for (int k = 0; k < 60; k++) {
			uint32_t key = random_key();

			assert_int_equal(program_verdict(&programs, reference, key),
				naive_verdict(rules, n, key, rest));
		}
		for (size_t i = 0; i < n; i++)
			for (int d = -1; d <= 1; d++) {
				uint32_t at[2] = {
					rules[i].lo + (uint32_t)d, rules[i].hi + (uint32_t)d};

				for (int e = 0; e < 2; e++)
					if (at[e] <= KEY_MAX)
						assert_int_equal(program_verdict(&programs,
									 reference, at[e]),
							naive_verdict(rules, n, at[e], rest));
			}
	}
	port_programs_free(&programs);
	policies_free(&policies);
}

#define BLOCKS 40
#define EXCEPTS 3
#define ZONES 3u

struct naive_block {
	struct tg_prefix block, except[EXCEPTS];
	uint32_t zone;
	size_t n_except;
};

/* Prefixes that nest and touch: few bits vary. */
static struct tg_prefix random_prefix(void)
{
	bool six = below(3) == 0;
	struct tg_prefix p = {.addr.family = six ? 6 : 4};
	static const uint8_t lengths4[] = {0, 1, 8, 30, 31, 32},
			     lengths6[] = {0, 1, 64, 126, 127, 128};
	unsigned int last = six ? 15 : 3;

	p.length = (six ? lengths6 : lengths4)[below(6)];
	p.addr.bytes[0] = (uint8_t)(below(2) ? 10 : 192);
	p.addr.bytes[last] = (uint8_t)(below(2) ? below(8) : 255 - below(4));
	for (unsigned int bit = p.length; bit < tg_family_bits(p.addr.family); bit++)
		p.addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return p;
}

static struct tg_addr random_addr(void)
{
	struct tg_addr a = {.family = below(3) == 0 ? 6 : 4};
	unsigned int last = a.family == 6 ? 15 : 3;

	a.bytes[0] = (uint8_t)(below(2) ? 10 : below(2) ? 192 : below(256));
	a.bytes[1] = (uint8_t)(below(8) == 0 ? 255 : 0);
	a.bytes[last] = (uint8_t)(below(2) ? below(10) : 255 - below(6));
	return a;
}

static bool naive_holds(const struct naive_block *block, const struct tg_addr *addr)
{
	for (size_t i = 0; i < block->n_except; i++)
		if (tg_prefix_contains(&block->except[i], addr))
			return false;
	return tg_prefix_contains(&block->block, addr);
}

static void prefixes_know_which_blocks_hold(void **state)
{
	for (int round = 0; round < 60; round++) {
		struct naive_block blocks[BLOCKS];
		struct tg_prefix range = random_prefix();
		uint32_t zone_of_range = below(ZONES);
		struct prefixes p;

		assert_int_equal(prefixes_init(&p, ZONES), 0);
		for (uint32_t t = 0; t < BLOCKS; t++) {
			uint32_t zone = below(ZONES);

			blocks[t] = (struct naive_block){
				random_prefix(), .zone = zone, .n_except = below(EXCEPTS)};
			assert_int_equal(
				prefixes_attach(
					&p, prefixes_add(&p, zone, &blocks[t].block), t, false),
				0);
			for (size_t i = 0; i < blocks[t].n_except; i++) {
				blocks[t].except[i] = random_prefix();
				assert_int_equal(
					prefixes_attach(&p,
						prefixes_add(&p, zone, &blocks[t].except[i]), t,
						true),
					0);
			}
		}
		prefixes_set_pod_range(&p, prefixes_add(&p, zone_of_range, &range));
		assert_int_equal(prefixes_build(&p, BLOCKS, SIZE_MAX), 0);
		for (int k = 0; k < 500; k++) {
			struct tg_addr addr = random_addr();
			uint32_t zone = below(ZONES);
			uint32_t prefix = prefixes_lookup(&p, zone, &addr);
			const struct prefix_node *node = &p.nodes.v[prefix];
			struct seq set = seqs_get(&p.sets, node->set);

			for (uint32_t t = 0; t < BLOCKS; t++)
				assert_int_equal(sorted_has(set.v, set.n, t),
					blocks[t].zone == zone && naive_holds(&blocks[t], &addr));
			assert_int_equal(prefixes_zone(&p, prefix), zone);
			assert_int_equal(node->pod_range,
				zone == zone_of_range && tg_prefix_contains(&range, &addr));
		}
		prefixes_free(&p);
	}
}

static struct tg_selector random_selector(struct tg_requirement reqs[3], uint32_t values[3][3])
{
	struct tg_selector s = {.reqs = reqs, .n_reqs = below(4)};

	for (uint32_t i = 0; i < s.n_reqs; i++) {
		reqs[i] = (struct tg_requirement){
			.key = 1 + i * 2 + below(2), .op = (uint8_t)below(4), .values = values[i]};
		if (reqs[i].op == TG_OP_IN || reqs[i].op == TG_OP_NOT_IN)
			reqs[i].n_values = 1 + below(3);
		for (uint32_t k = 0; k < reqs[i].n_values; k++)
			values[i][k] = 10 + k * 2 + below(2);
	}
	return s;
}

static void selectors_match_as_one_by_one(void **state)
{
	struct tg_intern *strings = tg_intern_create();
	char text[16];

	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		tg_intern_id(strings, text);
	}
	for (int round = 0; round < 100; round++) {
		struct tg_requirement reqs[50][3];
		struct tg_selector all[50];
		uint32_t values[50][3][3], ids[50];
		struct selectors s;
		struct tg_vec_u32 atoms = {0}, found = {0};

		assert_int_equal(selectors_init(&s, strings), 0);
		for (int i = 0; i < 50; i++) {
			all[i] = random_selector(reqs[i], values[i]);
			ids[i] = selectors_add(&s, &all[i]);
			for (int k = 0; k < i; k++)
				assert_int_equal(
					ids[i] == ids[k], tg_selector_equal(&all[i], &all[k]));
		}
		assert_int_equal(selectors_freeze(&s), 0);
		for (int k = 0; k < 60; k++) {
			struct tg_label v[8];
			struct tg_labels labels = {v, 0};

			for (uint32_t key = 1; key < 9; key++)
				if (below(2))
					v[labels.n++] = (struct tg_label){key, 9 + below(9)};
			atoms.n = 0;
			assert_int_equal(atoms_project(&s.atoms, &labels, &atoms), 0);
			assert_int_equal(selectors_match(&s,
						 (struct seq){atoms.v, (uint32_t)atoms.n}, &found),
				0);
			for (int i = 0; i < 50; i++)
				assert_int_equal(sorted_has(found.v, found.n, ids[i]),
					tg_selector_matches(&all[i], &labels));
		}
		tg_vec_free(&atoms);
		tg_vec_free(&found);
		selectors_free(&s);
	}
	tg_intern_free(strings);
}

static void sequences_are_one_when_equal(void **state)
{
	static uint32_t words[5000][4];
	size_t distinct = 0;
	struct seqs s;

	assert_int_equal(seqs_init(&s), 0);
	assert_int_equal(seqs_find(&s, NULL, 0), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t n = 1 + i % 4;

		for (uint32_t k = 0; k < 4; k++)
			words[i][k] = k < n ? i / 8 + k : 0;
		if (seqs_find(&s, words[i], n) == TG_NONE) {
			uint32_t id = seqs_add(&s, words[i], n);

			assert_int_equal(id, s.n - 1);
			distinct++;
		}
	}
	assert_int_equal(s.n, distinct + 1);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t n = 1 + i % 4, id = seqs_find(&s, words[i], n);

		assert_int_not_equal(id, TG_NONE);
		assert_int_equal(seqs_add(&s, words[i], n), id);
		assert_int_equal(seqs_get(&s, id).n, n);
		assert_memory_equal(seqs_get(&s, id).v, words[i], n * sizeof(words[i][0]));
	}
	assert_int_equal(seqs_find(&s, (const uint32_t[]){1, 2, 3, 4, 5}, 5), TG_NONE);
	seqs_free(&s);
}

static void addresses_sort_stably(void **state)
{
	static struct addr_item v[3000];

	for (int round = 0; round < 20; round++) {
		size_t n = below(3000);

		for (size_t i = 0; i < n; i++) {
			v[i] = (struct addr_item){.index = (uint32_t)i};
			v[i].bytes[0] = (uint8_t)below(3);
			v[i].bytes[3] = (uint8_t)below(256);
			v[i].bytes[15] = (uint8_t)below(3);
		}
		assert_int_equal(sort_addrs(v, n), 0);
		for (size_t i = 1; i < n; i++) {
			int order = memcmp(v[i - 1].bytes, v[i].bytes, 16);

			assert_true(order < 0 || (order == 0 && v[i - 1].index < v[i].index));
		}
	}
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void numbers_sort(void **state)
{
	static const uint32_t masks[] = {
		0xf, 0xff, 0x3ff, 0xffff, 0xffffff, 0xffffffff, 0xff000001};
	static uint32_t v[3000], w[3000];

	for (int round = 0; round < 200; round++) {
		uint32_t mask = masks[below(sizeof(masks) / sizeof(masks[0]))];
		size_t n = below(round % 2 ? 60 : 3000), kept = 0;

		for (size_t i = 0; i < n; i++)
			w[i] = v[i] = (uint32_t)tg_rng_next(&rng) & mask;
		qsort(w, n, sizeof(*w), compare_u32);
		sort_u32(v, n);
		assert_memory_equal(v, w, n * sizeof(*v));
		for (size_t i = 0; i < n; i++)
			if (i == 0 || w[i] != w[i - 1])
				w[kept++] = w[i];
		assert_int_equal(sort_distinct_u32(v, n), kept);
		assert_memory_equal(v, w, kept * sizeof(*v));
		for (int k = 0; k < 20; k++) {
			uint32_t value = (uint32_t)tg_rng_next(&rng) & mask;

			assert_int_equal(sorted_has(v, kept, value),
				bsearch(&value, w, kept, sizeof(*w), compare_u32) != NULL);
		}
	}
}

/* Thousands of identities that come, go and return: never one slot for two, names are found. */
static void slots_survive_churn(void **state)
{
	struct slots s;
	uint32_t *slot_of = calloc(4000, sizeof(*slot_of));

	assert_int_equal(slots_init(&s), 0);
	for (uint64_t generation = 1; generation < 60; generation++) {
		uint8_t *used;

		slots_begin(&s);
		used = calloc(slots_limit(&s) + 4000, 1);
		for (uint32_t i = 0; i < 4000; i++) {
			uint64_t identity = 1000003ull * (i + 1);
			uint32_t slot;

			if (below(3) == 0)
				continue;
			slot = slots_take(&s, &identity, TG_SLOT_FIRST + 100000);
			assert_int_equal(identity, 1000003ull * (i + 1));
			assert_true(slot >= TG_SLOT_FIRST && slot < slots_limit(&s));
			assert_int_equal(used[slot], 0);
			used[slot] = 1;
			/* Nothing was swept, so nobody loses a slot. */
			if (slot_of[i] != 0)
				assert_int_equal(slot, slot_of[i]);
			slot_of[i] = slot;
		}
		free(used);
		slots_finish(&s, generation);
	}
	assert_true(slots_limit(&s) <= TG_SLOT_FIRST + 4000);
	/* Swept: new identities take the slots of those that are gone, and no more are needed. */
	s.swept = 1000;
	slots_begin(&s);
	slots_finish(&s, 61);
	slots_begin(&s);
	for (uint32_t i = 0; i < 4000; i++) {
		uint64_t identity = 7919ull * (i + 1) << 20;

		assert_true(slots_take(&s, &identity, TG_SLOT_FIRST + 4000) < TG_SLOT_FIRST + 4000);
	}
	slots_finish(&s, 62);
	free(slot_of);
	slots_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_let_the_first_match_decide),
		cmocka_unit_test(prefixes_know_which_blocks_hold),
		cmocka_unit_test(selectors_match_as_one_by_one),
		cmocka_unit_test(sequences_are_one_when_equal),
		cmocka_unit_test(addresses_sort_stably),
		cmocka_unit_test(numbers_sort),
		cmocka_unit_test(slots_survive_churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

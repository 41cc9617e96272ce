/* SPDX-License-Identifier: BSD-3-Clause */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *why)
{
	fprintf(stderr, "synthetic image: %s\n", why);
	abort();
}

static void *need(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		die("out of memory");
	return p;
}

uint64_t synthetic_random(struct synthetic *s)
{
	uint64_t x = s->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint32_t synthetic_below(struct synthetic *s, uint32_t n)
{
	return (uint32_t)((synthetic_random(s) >> 32) * n >> 32);
}

static uint32_t any_slot(struct synthetic *s)
{
	if (synthetic_below(s, 8) == 0)
		return synthetic_below(s, TG_BUILTIN_COUNT);
	return TG_SLOT_FIRST + synthetic_below(s, (uint32_t)s->parts.n_rules);
}

static uint32_t any_verdict(struct synthetic *s)
{
	uint32_t word =
		tg_verdict_make((enum tg_action)synthetic_below(s, TG_ACTION_COUNT), any_slot(s));

	return word | (synthetic_below(s, 4) == 0 ? TG_VERDICT_LOG : 0);
}

static uint32_t any_word(struct synthetic *s)
{
	if (s->parts.n_exts != 0 && synthetic_below(s, 8) == 0)
		return TG_VERDICT_EXT | synthetic_below(s, (uint32_t)s->parts.n_exts);
	return any_verdict(s);
}

static uint32_t any_reference(struct synthetic *s)
{
	if (s->parts.n_programs == 0 || synthetic_below(s, 3) == 0)
		return TG_PROGRAM_DIRECT | any_word(s);
	return synthetic_below(s, (uint32_t)s->parts.n_programs);
}

static void make_exts(struct synthetic *s)
{
	struct tg_image_verdict_ext *exts = need(16, sizeof(*exts));

	for (uint32_t i = 0; i < 16; i++)
		exts[i] = (struct tg_image_verdict_ext){
			.verdict = any_verdict(s),
			.shadow = i % 2 != 0 ? any_verdict(s) : 0,
			.flags = i % 2,
			.name_row = TG_NONE,
		};
	s->parts.exts = exts;
	s->parts.n_exts = 16;
}

static int number_order(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Starts bunched around a few protocols and ports, distinct and sorted; at most `max`. */
static uint32_t make_steps(struct synthetic *s, struct tg_image_step *steps, uint32_t max)
{
	static const uint8_t protocols[] = {0, 1, 6, 6, 6, 17, 17, 132, 255};
	const uint32_t want = 1 + synthetic_below(s, max);
	uint32_t starts[64], n = 1;

	starts[0] = 0;
	for (uint32_t i = 1; i < want && i < 64; i++)
		starts[i] = (uint32_t)protocols[synthetic_below(s, sizeof(protocols))] << 16 |
			    synthetic_below(s, synthetic_below(s, 2) ? 64 : 65536);
	qsort(starts, want < 64 ? want : 64, sizeof(*starts), number_order);
	steps[0] = (struct tg_image_step){0, any_word(s)};
	for (uint32_t i = 1; i < want && i < 64; i++)
		if (starts[i] != steps[n - 1].start)
			steps[n++] = (struct tg_image_step){starts[i], any_word(s)};
	return n;
}

static void make_programs(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_program *programs = need(shape->programs, sizeof(*programs));
	struct tg_image_step *steps =
		need((size_t)shape->programs * shape->max_steps, sizeof(*steps));
	uint32_t at = 0;

	for (uint32_t i = 0; i < shape->programs; i++) {
		uint32_t n = make_steps(s, steps + at, shape->max_steps);

		programs[i] = (struct tg_image_program){at, n};
		at += n;
	}
	s->parts.programs = programs;
	s->parts.n_programs = shape->programs;
	s->parts.steps = steps;
	s->parts.n_steps = at;
}

static int key_order(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void make_cells(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_cell *cells = need(shape->cells, sizeof(*cells));
	uint64_t *keys = need(shape->cells, sizeof(*keys));
	uint32_t n = 0;

	for (uint32_t i = 0; i < shape->cells; i++) {
		uint32_t rows = i % 2 != 0 && shape->wide_rows != 0 ? shape->wide_rows
								    : shape->rows;

		keys[i] = (uint64_t)synthetic_below(s, rows) << 32 |
			  synthetic_below(s, shape->columns);
	}
	qsort(keys, shape->cells, sizeof(*keys), key_order);
	for (uint32_t i = 0; i < shape->cells; i++)
		if (i == 0 || keys[i] != keys[i - 1])
			cells[n++] = (struct tg_image_cell){
				(uint32_t)(keys[i] >> 32), (uint32_t)keys[i], any_reference(s)};
	free(keys);
	s->parts.cells = cells;
	s->parts.n_cells = n;
	s->parts.n_rows = shape->rows;
	s->parts.n_columns = shape->columns;
}

static uint32_t some(struct synthetic *s, uint32_t n, uint32_t one_in)
{
	return synthetic_below(s, one_in) == 0 ? TG_NONE : synthetic_below(s, n);
}

/* Class 0, then IPv4 and IPv6 by turns. */
static void make_classes(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_class *classes = need(shape->classes, sizeof(*classes));

	classes[0] = (struct tg_image_class){
		.row = {TG_NONE, TG_NONE},
		.column = {TG_NONE, TG_NONE, TG_NONE},
		.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
		.kind = TG_KIND_UNKNOWN,
	};
	for (uint32_t i = 1; i < shape->classes; i++) {
		struct tg_image_class *c = &classes[i];

		for (int d = 0; d < TG_DIRECTION_COUNT; d++) {
			c->row[d] = some(s, shape->rows, 5);
			c->default_program[d] = any_reference(s);
		}
		for (int k = 0; k < TG_COLUMNS; k++)
			c->column[k] = some(s, shape->columns, 4);
		c->kind = (uint8_t)synthetic_below(s, TG_KIND_COUNT);
		if (synthetic_below(s, 3) == 0)
			c->kind = TG_KIND_NODE;
		c->family = i % 2 != 0 ? 4 : 6;
	}
	s->parts.classes = classes;
	s->parts.n_classes = shape->classes;
}

static uint32_t any_class(struct synthetic *s, unsigned int family)
{
	const uint32_t pairs = (uint32_t)(s->parts.n_classes - 1) / 2;

	if (synthetic_below(s, 64) == 0)
		return TG_CLASS_FAIL_CLOSED;
	return 1 + 2 * synthetic_below(s, pairs) + (family == 6);
}

static uint32_t any_v4(struct synthetic *s, const struct synthetic_shape *shape)
{
	uint32_t x = (uint32_t)synthetic_random(s);

	if (shape->narrow != 0)
		return 0x0a0000feu + (x & 0x3ff); /* crosses borders of /24 and of /16 */
	return synthetic_below(s, 4) == 0 ? x : 0x0a000000u | (x & 0x00ffffff);
}

static void any_v6(struct synthetic *s, const struct synthetic_shape *shape, uint8_t addr[16])
{
	uint64_t hi = 0xfd00000000000000ull, lo = synthetic_random(s);

	if (shape->narrow != 0) {
		lo &= 0x1ff;
	} else if (synthetic_below(s, 4) == 0) {
		hi = synthetic_random(s);
	} else {
		hi |= synthetic_below(s, 64);
		lo &= 0xffff;
	}
	hi = __builtin_bswap64(hi);
	lo = __builtin_bswap64(lo);
	memcpy(addr, &hi, 8);
	memcpy(addr + 8, &lo, 8);
}

static uint16_t any_zone(struct synthetic *s, const struct synthetic_shape *shape)
{
	return (uint16_t)(3 * synthetic_below(s, shape->zones));
}

static uint32_t any_node(struct synthetic *s)
{
	return some(s, 4, 4);
}

/* Orders of the sections; entries of one type begin with the address. */
#define ORDER(a, b)     \
	if ((a) != (b)) \
	return (a) < (b) ? -1 : 1

static int addr4_order(const void *a, const void *b)
{
	const struct tg_image_addr4 *x = a, *y = b;

	ORDER(x->zone, y->zone);
	ORDER(x->addr, y->addr);
	return 0;
}

static int addr6_order(const void *a, const void *b)
{
	const struct tg_image_addr6 *x = a, *y = b;

	ORDER(x->zone, y->zone);
	return memcmp(x->addr, y->addr, 16);
}

static int prefix4_order(const void *a, const void *b)
{
	const struct tg_image_prefix4 *x = a, *y = b;

	ORDER(x->zone, y->zone);
	ORDER(x->length, y->length);
	ORDER(x->addr, y->addr);
	return 0;
}

static int prefix6_order(const void *a, const void *b)
{
	const struct tg_image_prefix6 *x = a, *y = b;

	ORDER(x->zone, y->zone);
	ORDER(x->length, y->length);
	return memcmp(x->addr, y->addr, 16);
}

/* Sorts and drops duplicates; how many are left. */
static size_t distinct(
	void *entries, size_t n, size_t size, int (*order)(const void *, const void *))
{
	char *e = entries;
	size_t kept = 0;

	qsort(entries, n, size, order);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || order(e + (kept - 1) * size, e + i * size) != 0)
			memmove(e + kept++ * size, e + i * size, size);
	return kept;
}

static void make_addrs(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_addr4 *addr4 = need(shape->addrs4, sizeof(*addr4));
	struct tg_image_addr6 *addr6 = need(shape->addrs6, sizeof(*addr6));

	for (uint32_t i = 0; i < shape->addrs4; i++)
		addr4[i] = (struct tg_image_addr4){
			any_v4(s, shape), any_zone(s, shape), 0, any_class(s, 4), any_node(s)};
	for (uint32_t i = 0; i < shape->addrs6; i++) {
		addr6[i].zone = any_zone(s, shape);
		addr6[i].cls = any_class(s, 6);
		addr6[i].node = any_node(s);
		any_v6(s, shape, addr6[i].addr);
	}
	s->parts.addr4 = addr4;
	s->parts.n_addr4 = distinct(addr4, shape->addrs4, sizeof(*addr4), addr4_order);
	s->parts.addr6 = addr6;
	s->parts.n_addr6 = distinct(addr6, shape->addrs6, sizeof(*addr6), addr6_order);
}

static void make_prefixes4(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_prefix4 *p = need(shape->prefixes4 + shape->zones, sizeof(*p));
	uint32_t n = 0;

	for (; n < shape->zones; n++)
		p[n] = (struct tg_image_prefix4){.zone = (uint16_t)(3 * n), .cls = any_class(s, 4)};
	for (; n < shape->zones + shape->prefixes4; n++) {
		uint32_t length = 1 + synthetic_below(s, 32);

		if (shape->narrow != 0 && length < 16)
			length += 16;
		p[n].length = (uint8_t)length;
		p[n].addr = any_v4(s, shape) & ~(uint32_t)(UINT64_C(0xffffffff) >> length);
		p[n].zone = any_zone(s, shape);
		p[n].cls = any_class(s, 4);
	}
	s->parts.prefix4 = p;
	s->parts.n_prefix4 = distinct(p, n, sizeof(*p), prefix4_order);
}

static void make_prefixes6(struct synthetic *s, const struct synthetic_shape *shape)
{
	struct tg_image_prefix6 *p = need(shape->prefixes6 + shape->zones, sizeof(*p));
	uint32_t n = 0;

	for (; n < shape->zones; n++) {
		p[n].zone = (uint16_t)(3 * n);
		p[n].cls = any_class(s, 6);
	}
	for (; n < shape->zones + shape->prefixes6; n++) {
		p[n].length = (uint8_t)(1 + synthetic_below(s, 128));
		any_v6(s, shape, p[n].addr);
		for (unsigned int bit = p[n].length; bit < 128; bit++)
			p[n].addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		p[n].zone = any_zone(s, shape);
		p[n].cls = any_class(s, 6);
	}
	s->parts.prefix6 = p;
	s->parts.n_prefix6 = distinct(p, n, sizeof(*p), prefix6_order);
}

static void make_rules(struct synthetic *s, const struct synthetic_shape *shape)
{
	const uint32_t n = shape->rules != 0 ? shape->rules : 1024;
	struct tg_image_rule *rules = need(n, sizeof(*rules));

	for (uint32_t i = 0; i < n; i++) {
		rules[i].slot = TG_SLOT_FIRST + i;
		rules[i].kind = TG_RULE_POLICY;
		rules[i].ns = 1;
		rules[i].policy = 9;
	}
	s->parts.rules = rules;
	s->parts.n_rules = n;
	s->parts.strings = "\0default\0a-policy";
	s->parts.n_strings = sizeof("\0default\0a-policy");
	s->parts.slot_limit = TG_SLOT_FIRST + n;
}

void synthetic_rebuild(struct synthetic *s)
{
	struct tg_image_error error;

	free(s->data);
	if (tg_image_build(&s->parts, &s->data, &s->size) != 0)
		die("cannot be built");
	if (tg_image_check(s->data, s->size, &s->image, &error) != 0)
		die(error.text);
}

void synthetic_make(struct synthetic *s, const struct synthetic_shape *shape, uint64_t seed)
{
	*s = (struct synthetic){.state = seed};
	make_rules(s, shape);
	make_exts(s);
	make_programs(s, shape);
	make_cells(s, shape);
	make_classes(s, shape);
	make_addrs(s, shape);
	make_prefixes4(s, shape);
	make_prefixes6(s, shape);
	s->parts.generation = 1;
	synthetic_rebuild(s);
}

void synthetic_free(struct synthetic *s)
{
	free((void *)s->parts.exts);
	free((void *)s->parts.programs);
	free((void *)s->parts.steps);
	free((void *)s->parts.cells);
	free((void *)s->parts.classes);
	free((void *)s->parts.addr4);
	free((void *)s->parts.addr6);
	free((void *)s->parts.prefix4);
	free((void *)s->parts.prefix6);
	free((void *)s->parts.rules);
	free(s->data);
	memset(s, 0, sizeof(*s));
}

/* An exact address, or one at the edge of a prefix, or any; of whatever zone. */
static struct tg_addr interesting4(struct synthetic *s)
{
	const struct tg_image *m = &s->image;
	const uint32_t way = synthetic_below(s, 8);
	uint32_t addr = (uint32_t)synthetic_random(s);

	if (way < 4 && m->n_addr4 != 0) {
		addr = m->addr4[synthetic_below(s, m->n_addr4)].addr;
		if (way == 0)
			addr ^= 1;
	} else if (way < 7) {
		const struct tg_image_prefix4 *p = &m->prefix4[synthetic_below(s, m->n_prefix4)];

		addr = p->addr;
		if (synthetic_below(s, 2) != 0)
			addr |= (uint32_t)(UINT64_C(0xffffffff) >> p->length);
		addr += synthetic_below(s, 3) - 1;
	}
	return tg_addr_from_v4(addr);
}

static struct tg_addr interesting6(struct synthetic *s)
{
	const struct tg_image *m = &s->image;
	const uint32_t way = synthetic_below(s, 8);
	struct tg_addr addr = {.family = 6};

	for (unsigned int i = 0; i < 16; i++)
		addr.bytes[i] = (uint8_t)synthetic_random(s);
	if (way < 4 && m->n_addr6 != 0) {
		memcpy(addr.bytes, m->addr6[synthetic_below(s, m->n_addr6)].addr, 16);
		if (way == 0)
			addr.bytes[15] ^= 1;
	} else if (way < 7) {
		const struct tg_image_prefix6 *p = &m->prefix6[synthetic_below(s, m->n_prefix6)];

		memcpy(addr.bytes, p->addr, 16);
		if (synthetic_below(s, 2) != 0)
			for (unsigned int bit = p->length; bit < 128; bit++)
				addr.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		addr.bytes[15] = (uint8_t)(addr.bytes[15] + synthetic_below(s, 3) - 1);
	}
	return addr;
}

void synthetic_query(struct synthetic *s, struct tg_image_query *query)
{
	const struct tg_image *m = &s->image;
	uint32_t key = (uint32_t)synthetic_random(s) & 0xffffff;

	memset(query, 0, sizeof(*query));
	if (synthetic_below(s, 2) != 0) {
		query->src = interesting4(s);
		query->dst = interesting4(s);
	} else {
		query->src = interesting6(s);
		query->dst = interesting6(s);
	}
	if (m->n_steps != 0 && synthetic_below(s, 4) != 0)
		key = (m->steps[synthetic_below(s, m->n_steps)].start + synthetic_below(s, 3) - 1) &
		      0xffffff;
	query->protocol = (uint8_t)(key >> 16);
	query->dport = (uint16_t)key;
	query->zone = m->prefix4[synthetic_below(s, m->n_prefix4)].zone;
	if (synthetic_below(s, 64) == 0)
		query->zone = 1; /* none has it */
}

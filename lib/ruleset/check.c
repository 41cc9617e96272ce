/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checker: what stands between an image from outside and everything that follows its indexes.
 * One pass over each section, in an order in which each may rely on those before it. The form of
 * the file is layout.c's matter.
 */
#include "image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"

#define WHOLE UINT64_MAX

struct check {
	const struct tg_image *image;
	struct tg_image_error *error;
	uint64_t *slots; /* bit set: the rule table has the slot, and verdicts may name it */
	uint32_t n_namespaces;
};

#define refuse(c, section, index, ...) image_refuse((c)->error, (section), (index), __VA_ARGS__)

/*
 * Strings: NUL-terminated UTF-8. The length in bytes of the character at `s`, 0 when it is none
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static unsigned int utf8_length(const unsigned char *s, size_t room)
{
	unsigned int n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 0 || n > room || s[0] > 0xf4)
		return 0;
	for (unsigned int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Nearly all of it is ASCII: eight characters at a time. */
static uint32_t ascii_run(const unsigned char *s, uint32_t n)
{
	uint32_t at = 0;
	uint64_t word;

	for (; n - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, s + at, sizeof(word));
		if ((word & 0x8080808080808080ull) != 0)
			break;
	}
	return at;
}

static int check_strings(const struct check *c)
{
	const unsigned char *s = (const unsigned char *)c->image->strings;
	const uint32_t n = c->image->n_strings;
	uint32_t at = 0;

	if (n == 0 || s[0] != '\0' || s[n - 1] != '\0')
		return refuse(c, TG_SECTION_STRINGS, WHOLE, "first and last byte have to be NUL");
	while (at < n) {
		unsigned int length;

		at += ascii_run(s + at, n - at);
		if (at == n)
			break;
		length = utf8_length(s + at, n - at);
		if (length == 0)
			return refuse(c, TG_SECTION_STRINGS, at, "not UTF-8");
		at += length;
	}
	return 0;
}

/* A string begins at `offset`: not past the end, and not within a character. */
static bool string_ok(const struct tg_image *image, uint32_t offset)
{
	return offset < image->n_strings && (image->strings[offset] & 0xc0) != 0x80;
}

static int check_rule(const struct check *c, uint32_t i)
{
	const struct tg_image_rule *rule = &c->image->rules[i];

	if (rule->slot < TG_SLOT_FIRST || rule->slot >= c->image->header->slot_limit)
		return refuse(c, TG_SECTION_RULE, i, "slot %u, have to be %u..%u", rule->slot,
			TG_SLOT_FIRST, c->image->header->slot_limit - 1);
	if (i > 0 && rule->slot <= c->image->rules[i - 1].slot)
		return refuse(c, TG_SECTION_RULE, i, "slot %u is out of order", rule->slot);
	if (rule->kind >= TG_RULE_KIND_COUNT)
		return refuse(c, TG_SECTION_RULE, i, "kind %u", rule->kind);
	if (rule->direction > TG_DIRECTION_COUNT)
		return refuse(c, TG_SECTION_RULE, i, "direction %u", rule->direction);
	if (rule->action >= TG_ACTION_COUNT)
		return refuse(c, TG_SECTION_RULE, i, "action %u", rule->action);
	if (rule->flags != 0 || rule->expires != 0 || rule->reserved != 0)
		return refuse(c, TG_SECTION_RULE, i, "reserved fields are not zero");
	if (rule->kind == TG_RULE_NAMESPACE &&
		(rule->index == 0 || rule->index == TG_NONE || rule->slot >= TG_NAMESPACE_SLOT_MAX))
		return refuse(
			c, TG_SECTION_RULE, i, "limit %u in slot %u", rule->index, rule->slot);
	if (!string_ok(c->image, rule->ns) || !string_ok(c->image, rule->policy) ||
		!string_ok(c->image, rule->text) || !string_ok(c->image, rule->owner))
		return refuse(c, TG_SECTION_RULE, i, "a string offset is wrong");
	return 0;
}

static int check_rules(struct check *c)
{
	for (uint32_t i = 0; i < c->image->n_rules; i++) {
		const uint32_t slot = c->image->rules[i].slot;
		int err = check_rule(c, i);

		if (err != 0)
			return err;
		if (c->image->rules[i].kind != TG_RULE_NAMESPACE)
			c->slots[slot / 64] |= 1ull << slot % 64;
		else if (++c->n_namespaces > TG_NAMESPACES_MAX)
			return refuse(c, TG_SECTION_RULE, i, "too many namespaces");
	}
	return 0;
}

/* A slot that counters and people can tell: built in, or in the rule table. */
static bool slot_ok(const struct check *c, uint32_t slot)
{
	if (slot < TG_SLOT_FIRST)
		return slot < TG_BUILTIN_COUNT;
	return slot < c->image->header->slot_limit && (c->slots[slot / 64] >> slot % 64 & 1) != 0;
}

/* NULL, or what is wrong with a verdict word that may not refer to an extension. */
static const char *plain_verdict_fault(const struct check *c, uint32_t word)
{
	if ((word & ~TG_VERDICT_VALID) != 0)
		return "reserved bits are set";
	if ((word & TG_VERDICT_EXT) != 0)
		return "an extension is not expected here";
	if ((unsigned int)tg_verdict_action(word) >= TG_ACTION_COUNT)
		return "unknown action";
	if (!slot_ok(c, tg_verdict_slot(word)))
		return "no rule has the slot";
	return NULL;
}

static const char *verdict_fault(const struct check *c, uint32_t word)
{
	if ((word & TG_VERDICT_EXT) == 0)
		return plain_verdict_fault(c, word);
	if ((word & ~TG_VERDICT_VALID) != 0)
		return "reserved bits are set";
	if ((unsigned int)tg_verdict_action(word) >= TG_ACTION_COUNT)
		return "unknown action";
	if (tg_verdict_slot(word) >= c->image->n_exts)
		return "no such extension";
	return NULL;
}

static int check_exts(const struct check *c)
{
	for (uint32_t i = 0; i < c->image->n_exts; i++) {
		const struct tg_image_verdict_ext *ext = &c->image->exts[i];
		const char *fault = plain_verdict_fault(c, ext->verdict);

		if (fault == NULL && (ext->flags & ~1u) != 0)
			fault = "reserved flags are set";
		if (fault == NULL && ext->name_row != TG_NONE)
			fault = "a name row";
		if (fault == NULL && (ext->flags & 1) != 0)
			fault = plain_verdict_fault(c, ext->shadow);
		if (fault == NULL && (ext->flags & 1) == 0 && ext->shadow != 0)
			fault = "a shadow verdict without its flag";
		if (fault != NULL)
			return refuse(c, TG_SECTION_VERDICT_EXT, i, "verdict 0x%08x: %s",
				ext->verdict, fault);
	}
	return 0;
}

static int check_steps(const struct check *c)
{
	for (uint32_t i = 0; i < c->image->n_steps; i++) {
		const struct tg_image_step *step = &c->image->steps[i];
		const char *fault = verdict_fault(c, step->verdict);

		if (step->start >= 1u << 24)
			return refuse(c, TG_SECTION_STEP, i, "start 0x%08x", step->start);
		if (fault != NULL)
			return refuse(
				c, TG_SECTION_STEP, i, "verdict 0x%08x: %s", step->verdict, fault);
	}
	return 0;
}

/*
 * Programs are consecutive runs that share no step, so that looking at all of them takes one pass
 * over the steps.
 */
static int check_programs(const struct check *c)
{
	const struct tg_image_step *steps = c->image->steps;
	uint32_t next = 0;

	for (uint32_t i = 0; i < c->image->n_programs; i++) {
		const struct tg_image_program *program = &c->image->programs[i];

		if (program->first != next)
			return refuse(c, TG_SECTION_PROGRAM, i, "begins at step %u, expected %u",
				program->first, next);
		if (program->count == 0 || program->count > c->image->n_steps - next)
			return refuse(c, TG_SECTION_PROGRAM, i, "%u steps", program->count);
		if (steps[next].start != 0)
			return refuse(c, TG_SECTION_PROGRAM, i, "begins with key 0x%06x, not 0",
				steps[next].start);
		for (uint32_t s = next + 1; s < next + program->count; s++)
			if (steps[s].start <= steps[s - 1].start)
				return refuse(
					c, TG_SECTION_PROGRAM, i, "step %u is out of order", s);
		next += program->count;
	}
	if (next != c->image->n_steps)
		return refuse(c, TG_SECTION_STEP, next, "no program has the step");
	return 0;
}

/* NULL, or what is wrong with a program reference. */
static const char *reference_fault(const struct check *c, uint32_t reference)
{
	if ((reference & TG_PROGRAM_DIRECT) != 0)
		return verdict_fault(c, reference & ~TG_PROGRAM_DIRECT);
	return reference < c->image->n_programs ? NULL : "no such program";
}

static int check_cells(const struct check *c)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < c->image->n_cells; i++) {
		const struct tg_image_cell *cell = &c->image->cells[i];
		const uint64_t key = (uint64_t)cell->row << 32 | cell->column;
		const char *fault = reference_fault(c, cell->program);

		if (cell->row >= c->image->header->n_rows)
			return refuse(c, TG_SECTION_CELL, i, "no such row: %u", cell->row);
		if (cell->column >= c->image->header->n_columns)
			return refuse(c, TG_SECTION_CELL, i, "no such column: %u", cell->column);
		if (i > 0 && key <= last)
			return refuse(c, TG_SECTION_CELL, i, "out of order");
		if (fault != NULL)
			return refuse(
				c, TG_SECTION_CELL, i, "program 0x%08x: %s", cell->program, fault);
		last = key;
	}
	return 0;
}

static int check_class(const struct check *c, uint32_t i)
{
	const struct tg_image_class *cls = &c->image->classes[i];

	for (int d = 0; d < TG_DIRECTION_COUNT; d++) {
		const char *fault = reference_fault(c, cls->default_program[d]);

		if (cls->row[d] != TG_NONE && cls->row[d] >= c->image->header->n_rows)
			return refuse(c, TG_SECTION_CLASS, i, "no such row: %u", cls->row[d]);
		if (fault != NULL)
			return refuse(c, TG_SECTION_CLASS, i, "program 0x%08x: %s",
				cls->default_program[d], fault);
	}
	for (int k = 0; k < TG_COLUMNS; k++)
		if (cls->column[k] != TG_NONE && cls->column[k] >= c->image->header->n_columns)
			return refuse(c, TG_SECTION_CLASS, i, "no such column: %u", cls->column[k]);
	if (cls->kind >= TG_KIND_COUNT)
		return refuse(c, TG_SECTION_CLASS, i, "kind %u", cls->kind);
	if (i == TG_CLASS_FAIL_CLOSED ? cls->family != 0 : cls->family != 4 && cls->family != 6)
		return refuse(c, TG_SECTION_CLASS, i, "family %u", cls->family);
	if (cls->flags != 0)
		return refuse(c, TG_SECTION_CLASS, i, "reserved fields are not zero");
	return 0;
}

static bool word_denies(const struct check *c, uint32_t word)
{
	if ((word & TG_VERDICT_EXT) != 0)
		word = c->image->exts[tg_verdict_slot(word)].verdict;
	return !tg_verdict_passes(word);
}

static bool reference_denies(const struct check *c, uint32_t reference)
{
	const struct tg_image_program *program;

	if ((reference & TG_PROGRAM_DIRECT) != 0)
		return word_denies(c, reference & ~TG_PROGRAM_DIRECT);
	program = &c->image->programs[reference];
	for (uint32_t i = 0; i < program->count; i++)
		if (!word_denies(c, c->image->steps[program->first + i].verdict))
			return false;
	return true;
}

/* Class 0 is where everything goes that nobody knows: nothing in it may allow. */
static int check_fail_closed(const struct check *c)
{
	const struct tg_image_class *cls = &c->image->classes[TG_CLASS_FAIL_CLOSED];

	if (cls->kind != TG_KIND_UNKNOWN)
		return refuse(c, TG_SECTION_CLASS, 0, "class 0 is of kind %u", cls->kind);
	for (int d = 0; d < TG_DIRECTION_COUNT; d++)
		if (cls->row[d] != TG_NONE || !reference_denies(c, cls->default_program[d]))
			return refuse(c, TG_SECTION_CLASS, 0, "class 0 does not deny everything");
	return 0;
}

static int check_classes(const struct check *c)
{
	if (c->image->n_classes == 0)
		return refuse(c, TG_SECTION_CLASS, WHOLE, "there is no class 0");
	for (uint32_t i = 0; i < c->image->n_classes; i++) {
		int err = check_class(c, i);

		if (err != 0)
			return err;
	}
	return check_fail_closed(c);
}

/* An address or prefix of `family` refers to class `cls`. */
static int check_class_of(
	const struct check *c, uint16_t section, uint32_t i, uint32_t cls, uint8_t family)
{
	if (cls >= c->image->n_classes)
		return refuse(c, section, i, "no such class: %u", cls);
	if (cls != TG_CLASS_FAIL_CLOSED && c->image->classes[cls].family != family)
		return refuse(c, section, i, "class %u is of the other address family", cls);
	return 0;
}

static int check_prefixes4(const struct check *c)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < c->image->n_prefix4; i++) {
		const struct tg_image_prefix4 *p = &c->image->prefix4[i];
		const uint64_t key = (uint64_t)p->zone << 48 | (uint64_t)p->length << 40 | p->addr;
		int err = check_class_of(c, TG_SECTION_PREFIX4, i, p->cls, 4);

		if (err != 0)
			return err;
		if (p->length > 32 || (uint64_t)p->addr << p->length << 32 != 0)
			return refuse(c, TG_SECTION_PREFIX4, i, "length %u of 0x%08x", p->length,
				p->addr);
		if (i > 0 && key <= last)
			return refuse(c, TG_SECTION_PREFIX4, i, "out of order");
		if ((i == 0 || p->zone != p[-1].zone) && p->length != 0)
			return refuse(c, TG_SECTION_PREFIX4, i, "zone %u has no /0", p->zone);
		if (p->flags != 0 || p->reserved != 0)
			return refuse(c, TG_SECTION_PREFIX4, i, "reserved fields are not zero");
		last = key;
	}
	return 0;
}

static bool host_bits6_zero(const struct tg_image_prefix6 *p)
{
	unsigned int whole = p->length / 8;

	if (p->length % 8 != 0 && (p->addr[whole++] & 0xff >> p->length % 8) != 0)
		return false;
	for (; whole < 16; whole++)
		if (p->addr[whole] != 0)
			return false;
	return true;
}

static int prefix6_order(const struct tg_image_prefix6 *a, const struct tg_image_prefix6 *b)
{
	if (a->zone != b->zone)
		return (int)a->zone - (int)b->zone;
	if (a->length != b->length)
		return (int)a->length - (int)b->length;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int check_prefixes6(const struct check *c)
{
	for (uint32_t i = 0; i < c->image->n_prefix6; i++) {
		const struct tg_image_prefix6 *p = &c->image->prefix6[i];
		int err = check_class_of(c, TG_SECTION_PREFIX6, i, p->cls, 6);

		if (err != 0)
			return err;
		if (p->length > 128 || !host_bits6_zero(p))
			return refuse(
				c, TG_SECTION_PREFIX6, i, "length %u, or host bits", p->length);
		if (i > 0 && prefix6_order(p - 1, p) >= 0)
			return refuse(c, TG_SECTION_PREFIX6, i, "out of order");
		if ((i == 0 || p->zone != p[-1].zone) && p->length != 0)
			return refuse(c, TG_SECTION_PREFIX6, i, "zone %u has no /0", p->zone);
		if (p->flags != 0 || p->reserved != 0)
			return refuse(c, TG_SECTION_PREFIX6, i, "reserved fields are not zero");
	}
	return 0;
}

/* Both families have a /0 for the same zones: the sections are in order of the zone. */
static int check_zones(const struct check *c)
{
	const struct tg_image *m = c->image;
	uint32_t i4 = 0, i6 = 0;

	while (i4 < m->n_prefix4 || i6 < m->n_prefix6) {
		uint32_t zone4 = i4 < m->n_prefix4 ? m->prefix4[i4].zone : UINT32_MAX;
		uint32_t zone6 = i6 < m->n_prefix6 ? m->prefix6[i6].zone : UINT32_MAX;

		if (zone4 > zone6)
			return refuse(c, TG_SECTION_PREFIX4, WHOLE, "zone %u has no /0", zone6);
		if (zone6 > zone4)
			return refuse(c, TG_SECTION_PREFIX6, WHOLE, "zone %u has no /0", zone4);
		while (i4 < m->n_prefix4 && m->prefix4[i4].zone == zone4)
			i4++;
		while (i6 < m->n_prefix6 && m->prefix6[i6].zone == zone6)
			i6++;
	}
	return 0;
}

static int check_addrs4(const struct check *c)
{
	const struct tg_image *m = c->image;
	uint64_t last = 0;
	uint32_t at = 0;

	for (uint32_t i = 0; i < m->n_addr4; i++) {
		const struct tg_image_addr4 *a = &m->addr4[i];
		const uint64_t key = (uint64_t)a->zone << 32 | a->addr;
		int err = check_class_of(c, TG_SECTION_ADDR4, i, a->cls, 4);

		if (err != 0)
			return err;
		if (i > 0 && key <= last)
			return refuse(c, TG_SECTION_ADDR4, i, "out of order");
		while (at < m->n_prefix4 && m->prefix4[at].zone < a->zone)
			at++;
		if (at == m->n_prefix4 || m->prefix4[at].zone != a->zone)
			return refuse(c, TG_SECTION_ADDR4, i, "zone %u has no /0", a->zone);
		if (a->ns > c->n_namespaces)
			return refuse(c, TG_SECTION_ADDR4, i, "no such namespace: %u", a->ns);
		last = key;
	}
	return 0;
}

static int addr6_order(const struct tg_image_addr6 *a, const struct tg_image_addr6 *b)
{
	if (a->zone != b->zone)
		return (int)a->zone - (int)b->zone;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int check_addrs6(const struct check *c)
{
	const struct tg_image *m = c->image;
	uint32_t at = 0;

	for (uint32_t i = 0; i < m->n_addr6; i++) {
		const struct tg_image_addr6 *a = &m->addr6[i];
		int err = check_class_of(c, TG_SECTION_ADDR6, i, a->cls, 6);

		if (err != 0)
			return err;
		if (i > 0 && addr6_order(a - 1, a) >= 0)
			return refuse(c, TG_SECTION_ADDR6, i, "out of order");
		while (at < m->n_prefix6 && m->prefix6[at].zone < a->zone)
			at++;
		if (at == m->n_prefix6 || m->prefix6[at].zone != a->zone)
			return refuse(c, TG_SECTION_ADDR6, i, "zone %u has no /0", a->zone);
		if (a->reserved != 0)
			return refuse(c, TG_SECTION_ADDR6, i, "reserved fields are not zero");
		if (a->ns > c->n_namespaces)
			return refuse(c, TG_SECTION_ADDR6, i, "no such namespace: %u", a->ns);
	}
	return 0;
}

static int check_contents(struct check *c)
{
	static int (*const passes[])(const struct check *c) = {
		check_exts,
		check_steps,
		check_programs,
		check_cells,
		check_classes,
		check_prefixes4,
		check_prefixes6,
		check_zones,
		check_addrs4,
		check_addrs6,
	};
	int err = check_strings(c);

	if (err == 0)
		err = check_rules(c);
	for (size_t i = 0; err == 0 && i < sizeof(passes) / sizeof(passes[0]); i++)
		err = passes[i](c);
	return err;
}

int tg_image_check(
	const void *data, size_t size, struct tg_image *image, struct tg_image_error *error)
{
	struct check c = {.image = image, .error = error};
	int err;

	memset(error, 0, sizeof(*error));
	error->index = WHOLE;
	err = image_layout(data, size, image, error);
	if (err != 0)
		goto fail;
	c.slots = calloc(image->header->slot_limit / 64 + 1, sizeof(*c.slots));
	if (c.slots == NULL) {
		refuse(&c, 0, WHOLE, "out of memory");
		err = -ENOMEM;
		goto fail;
	}
	err = check_contents(&c);
	free(c.slots);
	if (err == 0)
		return 0;
fail:
	/* A view of an image that was refused is of no use to anybody. */
	memset(image, 0, sizeof(*image));
	return err;
}

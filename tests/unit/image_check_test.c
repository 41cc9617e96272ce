/* SPDX-License-Identifier: BSD-3-Clause */
/* Each way to damage an image is refused, and the checker says where. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder.h"
#include "image.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NONE TG_NONE
#define WHOLE UINT64_MAX
#define HEADER 0
#define DIRECT(action, slot) (TG_PROGRAM_DIRECT | (uint32_t)(action) << 28 | (slot))

/* An image with two or more of everything, and room behind it for damage that makes it longer. */
struct sample {
	unsigned char *data;
	size_t size;
};

static const struct tg_image_addr4 addr4[] = {
	{0x0a000001, 0, 0, 1, 7}, {0x0a000002, 0, 0, 0, NONE}, {0x0a000001, 9, 0, 1, NONE}};
static const struct tg_image_addr6 addr6[] = {
	{{1}, 0, 0, 2, 7, 0}, {{2}, 0, 0, 2, NONE, 0}, {{1}, 9, 0, 2, NONE, 0}};
static const struct tg_image_prefix4 prefix4[] = {{0, 0, 0, 0, 1, 0}, {0x0a000000, 0, 8, 0, 1, 0},
	{0x0a000004, 0, 30, 0, 1, 0}, {0, 9, 0, 0, 1, 0}};
static const struct tg_image_prefix6 prefix6[] = {{{0}, 0, 0, 0, 2, 0}, {{0xfd}, 0, 8, 0, 2, 0},
	{{0xfd, 0x80}, 0, 9, 0, 2, 0}, {{0}, 9, 0, 0, 2, 0}};
static const struct tg_image_class classes[] = {
	{{NONE, NONE}, {NONE, NONE, NONE}, {2, DIRECT(0, 0)}, TG_KIND_UNKNOWN, 0, 0},
	{{0, 1}, {0, 1, 2}, {0, 1}, TG_KIND_POD, 4, 0},
	{{NONE, 2}, {NONE, 3, NONE}, {DIRECT(1, 64), DIRECT(2, 1)}, TG_KIND_POD, 6, 0}};
static const struct tg_image_cell cells[] = {{0, 0, 0}, {0, 2, 1}, {2, 1, DIRECT(1, 70)}};
static const struct tg_image_program programs[] = {{0, 3}, {3, 1}, {4, 2}};
static const struct tg_image_step steps[] = {{0, 0}, {80, 1u << 28 | 64},
	{0xffffff, TG_VERDICT_EXT | 0}, {0, TG_VERDICT_LOG | 65}, {0, 0}, {9, TG_VERDICT_EXT | 1}};
static const struct tg_image_verdict_ext exts[] = {{2u << 28 | 64, 65, 1, NONE}, {70, 0, 0, NONE}};
static const struct tg_image_rule rules[] = {{64, TG_RULE_POLICY, 0, 1, 0, 1, 4, 0, 4, 1, 0, 0, 0},
	{65, TG_RULE_IMPLICIT, 2, 0, 0, 1, 4, NONE, 0, 1, 0, 0, 0},
	{70, TG_RULE_BASELINE, 1, 2, 0, 0, 0, NONE, 0, 1, 0, 0, 0}};
static const char strings[] = "\0ns\0p\xc3\xa4t"; /* 0, 1, 4; a character from 5 to 6 */

static int make_sample(void **state)
{
	const struct tg_image_parts parts = {
		.addr4 = addr4,
		.n_addr4 = COUNT(addr4),
		.addr6 = addr6,
		.n_addr6 = COUNT(addr6),
		.prefix4 = prefix4,
		.n_prefix4 = COUNT(prefix4),
		.prefix6 = prefix6,
		.n_prefix6 = COUNT(prefix6),
		.classes = classes,
		.n_classes = COUNT(classes),
		.cells = cells,
		.n_cells = COUNT(cells),
		.programs = programs,
		.n_programs = COUNT(programs),
		.steps = steps,
		.n_steps = COUNT(steps),
		.exts = exts,
		.n_exts = COUNT(exts),
		.rules = rules,
		.n_rules = COUNT(rules),
		.strings = strings,
		.n_strings = sizeof(strings),
		.n_rows = 3,
		.n_columns = 4,
		.slot_limit = 71,
	};
	struct sample *s = calloc(1, sizeof(*s));
	void *image;

	assert_non_null(s);
	assert_int_equal(tg_image_build(&parts, &image, &s->size), 0);
	s->data = aligned_alloc(TG_IMAGE_ALIGN, s->size + 4096);
	assert_non_null(s->data);
	memset(s->data, 0, s->size + 4096);
	memcpy(s->data, image, s->size);
	free(image);
	*state = s;
	return 0;
}

static int free_sample(void **state)
{
	struct sample *s = *state;

	free(s->data);
	free(s);
	return 0;
}

static struct tg_image_section *section_of(unsigned char *data, uint16_t type)
{
	struct tg_image_header *header = (struct tg_image_header *)data;
	struct tg_image_section *s = (struct tg_image_section *)(header + 1);

	for (uint32_t i = 0; i < header->n_sections; i++)
		if (s[i].type == type)
			return &s[i];
	fail_msg("no section 0x%x", type);
	return NULL;
}

static unsigned char *entry_of(unsigned char *data, uint16_t type, uint64_t index)
{
	const struct tg_image_section *s = section_of(data, type);

	return data + s->offset + index * s->entry_size;
}

static void checksum(unsigned char *data, size_t size)
{
	((struct tg_image_header *)data)->checksum = tg_image_checksum(data, size);
}

static void put(unsigned char *at, unsigned int width, uint64_t value)
{
	memcpy(at, &value, width); /* little-endian, as the image is */
}

static void assert_refused(const char *what, const unsigned char *data, size_t size, int err,
	uint16_t section, uint64_t index)
{
	struct tg_image image;
	struct tg_image_error error;
	int have = tg_image_check(data, size, &image, &error);

	if (have != err || error.section != section || error.index != index)
		fail_msg("%s: %d, section 0x%x entry %lld (%s)", what, have, error.section,
			(long long)error.index, error.text);
	assert_int_not_equal(error.text[0], '\0');
	assert_null(image.header);
	assert_null(image.classes);
}

static void the_sample_is_accepted(void **state)
{
	const struct sample *s = *state;
	struct tg_image image;
	struct tg_image_error error;

	if (tg_image_check(s->data, s->size, &image, &error) != 0)
		fail_msg("section 0x%x entry %lld: %s", error.section, (long long)error.index,
			error.text);
	assert_int_equal(image.n_addr4, COUNT(addr4));
	assert_int_equal(image.n_addr6, COUNT(addr6));
	assert_int_equal(image.n_prefix4, COUNT(prefix4));
	assert_int_equal(image.n_prefix6, COUNT(prefix6));
	assert_int_equal(image.n_classes, COUNT(classes));
	assert_int_equal(image.n_cells, COUNT(cells));
	assert_int_equal(image.n_programs, COUNT(programs));
	assert_int_equal(image.n_steps, COUNT(steps));
	assert_int_equal(image.n_exts, COUNT(exts));
	assert_int_equal(image.n_rules, COUNT(rules));
	assert_int_equal(image.n_strings, sizeof(strings));
	assert_memory_equal(image.steps, steps, sizeof(steps));
	assert_memory_equal(image.strings, strings, sizeof(strings));
}

/* Every bit counts: the checksum sees each change, whatever it hits. */
static void any_changed_bit_is_refused(void **state)
{
	const struct sample *s = *state;
	struct tg_image image;
	struct tg_image_error error;

	for (size_t bit = 0; bit < s->size * 8; bit++) {
		s->data[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_int_not_equal(tg_image_check(s->data, s->size, &image, &error), 0);
		s->data[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	assert_int_equal(tg_image_check(s->data, s->size, &image, &error), 0);
}

static void any_cut_image_is_refused(void **state)
{
	const struct sample *s = *state;
	unsigned char *copy;
	struct tg_image image;
	struct tg_image_error error;

	for (size_t size = 0; size < s->size; size++) {
		/* Of exactly this size, so that a look beyond is seen. */
		copy = aligned_alloc(TG_IMAGE_ALIGN, size + TG_IMAGE_ALIGN - size % TG_IMAGE_ALIGN);
		assert_non_null(copy);
		memcpy(copy, s->data, size);
		assert_int_equal(tg_image_check(copy, size, &image, &error), -EINVAL);
		if (size >= sizeof(struct tg_image_header)) {
			put(copy + offsetof(struct tg_image_header, size), 8, size);
			checksum(copy, size);
			assert_int_equal(tg_image_check(copy, size, &image, &error), -EINVAL);
		}
		free(copy);
	}
}

static void damaged_headers_are_refused(void **state)
{
#define FIELD(name) \
	offsetof(struct tg_image_header, name), sizeof(((struct tg_image_header *)0)->name)
	static const struct {
		const char *what;
		size_t offset, width;
		uint64_t value;
		int err;
	} rows[] = {
		{"magic", FIELD(magic), TG_IMAGE_MAGIC + 1, -EINVAL},
		{"major 0", FIELD(major), 0, -EPROTONOSUPPORT},
		{"major 2", FIELD(major), 2, -EPROTONOSUPPORT},
		{"header size short", FIELD(header_size), 128 + 10 * 32, -EINVAL},
		{"header size long", FIELD(header_size), 128 + 12 * 32, -EINVAL},
		{"header size 0", FIELD(header_size), 0, -EINVAL},
		{"size 0", FIELD(size), 0, -EINVAL},
		{"size huge", FIELD(size), UINT64_MAX, -EINVAL},
		{"no sections", FIELD(n_sections), 0, -EINVAL},
		{"many sections", FIELD(n_sections), UINT32_MAX, -EINVAL},
		{"sections beyond the end", FIELD(n_sections), 1000, -EINVAL},
		{"slot limit 0", FIELD(slot_limit), 0, -EINVAL},
		{"slot limit below the built-in", FIELD(slot_limit), TG_SLOT_FIRST - 1, -EINVAL},
		{"slot limit beyond 24 bits", FIELD(slot_limit), (1u << 24) + 1, -EINVAL},
		{"flags", FIELD(flags), 1, -EINVAL},
		{"reserved", offsetof(struct tg_image_header, reserved), 1, 1, -EINVAL},
		{"reserved, last byte", sizeof(struct tg_image_header) - 1, 1, 0x80, -EINVAL},
	};
#undef FIELD
	const struct sample *s = *state;
	unsigned char keep[sizeof(struct tg_image_header)];

	memcpy(keep, s->data, sizeof(keep));
	for (size_t i = 0; i < COUNT(rows); i++) {
		put(s->data + rows[i].offset, (unsigned int)rows[i].width, rows[i].value);
		checksum(s->data, s->size);
		assert_refused(rows[i].what, s->data, s->size, rows[i].err, HEADER, WHOLE);
		memcpy(s->data, keep, sizeof(keep));
	}
}

static void misplaced_memory_is_refused(void **state)
{
	const struct sample *s = *state;
	unsigned char *moved = aligned_alloc(TG_IMAGE_ALIGN, s->size + TG_IMAGE_ALIGN);

	assert_non_null(moved);
	memcpy(moved + 8, s->data, s->size);
	assert_refused("not aligned", moved + 8, s->size, -EINVAL, HEADER, WHOLE);
	free(moved);
	/* Never looked at: only the size counts. */
	assert_refused("too large", s->data, TG_IMAGE_MAX_SIZE + 64, -EFBIG, HEADER, WHOLE);
}

/* Fields of the section table; `at` names the section that is refused. */
static void damaged_sections_are_refused(void **state)
{
#define FIELD(name) \
	offsetof(struct tg_image_section, name), sizeof(((struct tg_image_section *)0)->name)
	static const struct {
		const char *what;
		uint16_t type;
		size_t offset, width;
		uint64_t value;
		uint16_t at;
	} rows[] = {
		{"unknown type", TG_SECTION_CELL, FIELD(type), TG_SECTION_REQUIRED | 12,
			TG_SECTION_REQUIRED | 12},
		{"type 0", TG_SECTION_CELL, FIELD(type), TG_SECTION_REQUIRED, TG_SECTION_REQUIRED},
		{"twice", TG_SECTION_ADDR6, FIELD(type), TG_SECTION_ADDR4, TG_SECTION_ADDR4},
		{"missing", TG_SECTION_RULE, FIELD(type), 10, TG_SECTION_RULE},
		{"entry size", TG_SECTION_CELL, FIELD(entry_size), 11, TG_SECTION_CELL},
		{"entry size 0", TG_SECTION_CELL, FIELD(entry_size), 0, TG_SECTION_CELL},
		{"flags", TG_SECTION_CELL, FIELD(flags), 1, TG_SECTION_CELL},
		{"reserved", TG_SECTION_CELL, FIELD(reserved), 1, TG_SECTION_CELL},
		{"offset 0", TG_SECTION_CELL, FIELD(offset), 0, TG_SECTION_CELL},
		{"offset not aligned", TG_SECTION_ADDR4, FIELD(offset), 128 + 11 * 32 + 1,
			TG_SECTION_ADDR4},
		{"offset that leaves a gap", TG_SECTION_ADDR4, FIELD(offset), 128 + 11 * 32 + 96,
			TG_SECTION_ADDR4},
		{"offset beyond the end", TG_SECTION_CELL, FIELD(offset), 1 << 20, TG_SECTION_CELL},
		{"offset that wraps", TG_SECTION_CELL, FIELD(offset), UINT64_MAX - 63,
			TG_SECTION_CELL},
		{"count beyond the end", TG_SECTION_CELL, FIELD(count), 1 << 20, TG_SECTION_CELL},
		{"count that wraps", TG_SECTION_CELL, FIELD(count), UINT64_MAX / 12 + 2,
			TG_SECTION_CELL},
		{"count of all bits", TG_SECTION_STRINGS, FIELD(count), UINT64_MAX,
			TG_SECTION_STRINGS},
		{"nothing in a line of its own", TG_SECTION_STRINGS, FIELD(count), 0, HEADER},
	};
#undef FIELD
	const struct sample *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tg_image_section *section = section_of(s->data, rows[i].type);
		const struct tg_image_section keep = *section;

		put((unsigned char *)section + rows[i].offset, (unsigned int)rows[i].width,
			rows[i].value);
		checksum(s->data, s->size);
		assert_refused(rows[i].what, s->data, s->size, -EINVAL, rows[i].at, WHOLE);
		*section = keep;
	}
}

static void padding_has_to_be_zero(void **state)
{
	const struct sample *s = *state;
	const struct tg_image_section *first = section_of(s->data, TG_SECTION_ADDR4);
	const struct tg_image_section *next = section_of(s->data, TG_SECTION_ADDR6);
	unsigned char *end = s->data + first->offset + first->count * first->entry_size;

	*end = 1;
	checksum(s->data, s->size);
	assert_refused("after a section", s->data, s->size, -EINVAL, TG_SECTION_ADDR6, WHOLE);
	*end = 0;
	s->data[next->offset - 1] = 1;
	checksum(s->data, s->size);
	assert_refused("before the next", s->data, s->size, -EINVAL, TG_SECTION_ADDR6, WHOLE);
	s->data[next->offset - 1] = 0;
	s->data[s->size - 1] = 1;
	checksum(s->data, s->size);
	assert_refused("at the end", s->data, s->size, -EINVAL, HEADER, WHOLE);
	s->data[s->size - 1] = 0;
	put(s->data + offsetof(struct tg_image_header, size), 8, s->size + 64);
	checksum(s->data, s->size + 64);
	assert_refused("longer by a line", s->data, s->size + 64, -EINVAL, HEADER, WHOLE);
}

/* One field of one entry becomes wrong. */
static void damaged_entries_are_refused(void **state)
{
#define FIELD(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
#define ADDR4(name) TG_SECTION_ADDR4, FIELD(tg_image_addr4, name)
#define ADDR6(name) TG_SECTION_ADDR6, FIELD(tg_image_addr6, name)
#define PREFIX4(name) TG_SECTION_PREFIX4, FIELD(tg_image_prefix4, name)
#define PREFIX6(name) TG_SECTION_PREFIX6, FIELD(tg_image_prefix6, name)
#define CLASS(name) TG_SECTION_CLASS, FIELD(tg_image_class, name)
#define CELL(name) TG_SECTION_CELL, FIELD(tg_image_cell, name)
#define PROGRAM(name) TG_SECTION_PROGRAM, FIELD(tg_image_program, name)
#define STEP(name) TG_SECTION_STEP, FIELD(tg_image_step, name)
#define EXT(name) TG_SECTION_VERDICT_EXT, FIELD(tg_image_verdict_ext, name)
#define RULE(name) TG_SECTION_RULE, FIELD(tg_image_rule, name)
#define STRING TG_SECTION_STRINGS, 0, 1
	static const struct {
		const char *what;
		uint16_t type;
		size_t offset, width;
		uint64_t index, value;
		uint16_t at_section;
		uint64_t at_index;
	} rows[] = {
#define ROW(what, field, index, value) {what, field, index, value, 0, index}
#define ROW_AT(what, field, index, value, section, at) \
	{                                              \
		what, field, index, value, section, at \
	}
		ROW("duplicate", ADDR4(addr), 1, 0x0a000001),
		ROW("out of order", ADDR4(addr), 1, 0x0a000000),
		ROW("zone without /0", ADDR4(zone), 2, 10),
		ROW("zone between", ADDR4(zone), 2, 8),
		ROW_AT("zone out of order", ADDR4(zone), 0, 9, TG_SECTION_ADDR4, 1),
		ROW("namespace", ADDR4(ns), 0, 1),
		ROW("no such class", ADDR4(cls), 0, 3),
		ROW("no class at all", ADDR4(cls), 0, NONE),
		ROW("class of IPv6", ADDR4(cls), 2, 2),
		ROW("duplicate", ADDR6(addr), 1, 1),
		ROW("out of order", ADDR6(addr), 1, 0),
		ROW("zone without /0", ADDR6(zone), 2, 10),
		ROW("namespace", ADDR6(ns), 0, 0x8000),
		ROW("reserved", ADDR6(reserved), 2, 1),
		ROW("no such class", ADDR6(cls), 1, 3),
		ROW("class of IPv4", ADDR6(cls), 1, 1),
		ROW("host bit", PREFIX4(addr), 1, 0x0a000001),
		ROW("host bit next to the prefix", PREFIX4(addr), 1, 0x0a800000),
		ROW("host bits of /0", PREFIX4(addr), 0, 0x80000000),
		ROW("longer than 32", PREFIX4(length), 2, 33),
		ROW("all bits of length", PREFIX4(length), 2, 255),
		ROW("no /0", PREFIX4(length), 3, 1),
		ROW("no /0 of the first zone", PREFIX4(length), 0, 1),
		ROW("out of order", PREFIX4(length), 2, 7),
		ROW("duplicate /0", PREFIX4(zone), 3, 0),
		ROW("flags", PREFIX4(flags), 3, 1),
		ROW("reserved", PREFIX4(reserved), 3, 1),
		ROW("no such class", PREFIX4(cls), 0, 3),
		ROW("class of IPv6", PREFIX4(cls), 0, 2),
		ROW_AT("zone that IPv6 has not", PREFIX4(zone), 3, 8, TG_SECTION_PREFIX6, WHOLE),
		ROW("host bit", PREFIX6(addr), 0, 1),
		ROW("host bit in the byte of the last", PREFIX6(addr), 2, 0xc0fd),
		ROW("host bit in a later byte", PREFIX6(addr), 2, 0x0180fd),
		ROW("longer than 128", PREFIX6(length), 2, 129),
		ROW("no /0", PREFIX6(length), 3, 1),
		ROW("out of order", PREFIX6(zone), 3, 0),
		ROW("flags", PREFIX6(flags), 1, 1),
		ROW("reserved", PREFIX6(reserved), 1, 1ull << 63),
		ROW("no such class", PREFIX6(cls), 0, 1u << 31),
		ROW("class of IPv4", PREFIX6(cls), 0, 1),
		ROW_AT("zone that IPv4 has not", PREFIX6(zone), 3, 8, TG_SECTION_PREFIX4, WHOLE),
		ROW("no such row", CLASS(row[0]), 1, 3),
		ROW("no such row of ingress", CLASS(row[1]), 1, NONE - 1),
		ROW("no such column", CLASS(column[0]), 1, 4),
		ROW("no such column", CLASS(column[2]), 2, NONE - 1),
		ROW("no such program", CLASS(default_program[0]), 1, 3),
		ROW("no such program", CLASS(default_program[1]), 1, 0x7fffffff),
		ROW("slot of no rule", CLASS(default_program[0]), 2, DIRECT(1, 66)),
		ROW("slot beyond the limit", CLASS(default_program[0]), 2, DIRECT(1, 71)),
		ROW("last slot there could be", CLASS(default_program[0]), 2, DIRECT(0, 0xffffff)),
		ROW("slot after the built-in", CLASS(default_program[0]), 2,
			DIRECT(1, TG_BUILTIN_COUNT)),
		ROW("action", CLASS(default_program[0]), 2, DIRECT(3, 64)),
		ROW("bit 30", CLASS(default_program[0]), 2, DIRECT(1, 64) | 1u << 30),
		ROW("bit 26", CLASS(default_program[0]), 2, DIRECT(1, 64) | 1u << 26),
		ROW("no such extension", CLASS(default_program[0]), 2,
			DIRECT(0, 2) | TG_VERDICT_EXT),
		ROW("bit 27 of an extension", CLASS(default_program[0]), 2,
			DIRECT(0, 1) | TG_VERDICT_EXT | 1u << 27),
		ROW("action of an extension", CLASS(default_program[0]), 2,
			DIRECT(3, 1) | TG_VERDICT_EXT),
		ROW("kind", CLASS(kind), 2, TG_KIND_COUNT),
		ROW("family", CLASS(family), 2, 5),
		ROW("family of class 0", CLASS(family), 0, 4),
		ROW("family 0", CLASS(family), 2, 0),
		ROW("flags", CLASS(flags), 1, 1),
		ROW("class 0 of another kind", CLASS(kind), 0, TG_KIND_POD),
		ROW("class 0 with a row", CLASS(row[1]), 0, 0),
		ROW("class 0 allows", CLASS(default_program[1]), 0, DIRECT(1, 0)),
		ROW("class 0 audits", CLASS(default_program[1]), 0, DIRECT(2, 0)),
		ROW("class 0 allows by a step", CLASS(default_program[0]), 0, 0),
		ROW("class 0 allows by an extension", CLASS(default_program[0]), 0,
			DIRECT(0, 0) | TG_VERDICT_EXT),
		ROW("no such row", CELL(row), 2, 3),
		ROW("no row", CELL(row), 2, NONE),
		ROW("no such column", CELL(column), 2, 4),
		ROW("duplicate", CELL(column), 1, 0),
		ROW_AT("out of order", CELL(row), 0, 1, TG_SECTION_CELL, 1),
		ROW("no such program", CELL(program), 1, 3),
		ROW("slot of no rule", CELL(program), 1, DIRECT(0, 69)),
		ROW("overlaps", PROGRAM(first), 1, 2),
		ROW("leaves a step out", PROGRAM(first), 1, 4),
		ROW("beyond the end", PROGRAM(first), 1, NONE),
		ROW("empty", PROGRAM(count), 1, 0),
		ROW("too many steps", PROGRAM(count), 2, 3),
		ROW("count that wraps", PROGRAM(count), 2, NONE),
		ROW_AT("a step of nobody", PROGRAM(count), 2, 1, TG_SECTION_STEP, 5),
		ROW_AT("does not begin with 0", STEP(start), 3, 1, TG_SECTION_PROGRAM, 1),
		ROW_AT("out of order", STEP(start), 1, 0, TG_SECTION_PROGRAM, 0),
		ROW_AT("duplicate", STEP(start), 1, 0xffffff, TG_SECTION_PROGRAM, 0),
		ROW("beyond the keys", STEP(start), 2, 1 << 24),
		ROW("all bits", STEP(start), 2, NONE),
		ROW("slot of no rule", STEP(verdict), 1, 66),
		ROW("bit 31", STEP(verdict), 1, DIRECT(0, 64)),
		ROW("action", STEP(verdict), 1, 3u << 28 | 64),
		ROW("no such extension", STEP(verdict), 2, TG_VERDICT_EXT | 2),
		ROW("slot of no rule", EXT(verdict), 0, 66),
		ROW("extension of an extension", EXT(verdict), 0, TG_VERDICT_EXT | 1),
		ROW("reserved bit", EXT(verdict), 0, 1u << 30),
		ROW("shadow of no rule", EXT(shadow), 0, 66),
		ROW("shadow with an extension", EXT(shadow), 0, TG_VERDICT_EXT),
		ROW("shadow without flag", EXT(shadow), 1, 64),
		ROW("flags", EXT(flags), 0, 3),
		ROW("name row", EXT(name_row), 1, 0),
		ROW("built-in slot", RULE(slot), 0, 63),
		ROW("duplicate", RULE(slot), 1, 64),
		ROW("beyond the limit", RULE(slot), 2, 71),
		ROW("kind", RULE(kind), 0, TG_RULE_KIND_COUNT),
		ROW("direction", RULE(direction), 0, TG_DIRECTION_COUNT + 1),
		ROW("action", RULE(action), 0, TG_ACTION_COUNT),
		ROW("flags", RULE(flags), 0, 1),
		ROW("expires", RULE(expires), 0, 1),
		ROW("reserved", RULE(reserved), 0, 1),
		ROW("namespace beyond the strings", RULE(ns), 0, sizeof(strings)),
		ROW("policy within a character", RULE(policy), 1, 6),
		ROW("text beyond the strings", RULE(text), 2, NONE),
		ROW("owner beyond the strings", RULE(owner), 2, 1000),
		ROW_AT("first byte", STRING, 0, 'x', TG_SECTION_STRINGS, WHOLE),
		ROW_AT("last byte", STRING, sizeof(strings) - 1, 'x', TG_SECTION_STRINGS, WHOLE),
		ROW_AT("cut character", STRING, 6, 'x', TG_SECTION_STRINGS, 5),
		ROW("continuation", STRING, 1, 0x80),
		ROW("overlong", STRING, 5, 0xc0),
		ROW("no UTF-8", STRING, 1, 0xff),
		ROW_AT("character cut by the NUL", STRING, 7, 0xf0, TG_SECTION_STRINGS, 7),
#undef ROW
#undef ROW_AT
	};
	const struct sample *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint16_t section = rows[i].at_section != 0 ? rows[i].at_section
								 : rows[i].type;
		unsigned char *at = entry_of(s->data, rows[i].type, rows[i].index) + rows[i].offset;
		unsigned char keep[16];
		const size_t width = rows[i].width < 8 ? rows[i].width : 8;

		memcpy(keep, at, sizeof(keep));
		put(at, (unsigned int)width, rows[i].value);
		checksum(s->data, s->size);
		assert_refused(rows[i].what, s->data, s->size, -EINVAL, section, rows[i].at_index);
		memcpy(at, keep, sizeof(keep));
	}
}

/* Three bytes from offset 1 of the strings. */
static void strings_are_utf8(void **state)
{
	static const struct {
		const char *bytes;
		int ok;
	} rows[] = {
		{"abc", 1},
		{"\xe2\x82\xac", 1},
		{"\xed\x9f\xbf", 1},
		{"\xee\x80\x80", 1},
		{"\xed\xa0\x80", 0}, /* a surrogate */
		{"\xe0\x9f\xbf", 0}, /* overlong */
		{"\xe0\xa0\x80", 1},
		{"\xc1\xbf"
		 "a",
			0},
		{"\xf5\x80\x80", 0},
		{"a\xc3\xa4", 1},
		{"ab\xc3", 0},
	};
	const struct sample *s = *state;
	struct tg_image image;
	struct tg_image_error error;

	for (size_t i = 0; i < COUNT(rows); i++) {
		/* Where "ns\0" was: nothing else refers to the byte behind. */
		memcpy(entry_of(s->data, TG_SECTION_STRINGS, 1), rows[i].bytes, 3);
		checksum(s->data, s->size);
		assert_int_equal(tg_image_check(s->data, s->size, &image, &error) == 0, rows[i].ok);
	}
}

/* What a later minor version may bring: a section more, in the table's last free place. */
static void later_minors_are_tolerated(void **state)
{
	static const struct {
		const char *what;
		uint16_t type;
		uint64_t moved; /* from where the section belongs */
		uint16_t minor;
		int err;
	} rows[] = {
		{"optional", 12, 0, 1, 0},
		{"optional, of a minor that does not know it", 12, 0, 0, 0},
		{"required", TG_SECTION_REQUIRED | 12, 0, 1, -EINVAL},
		{"optional, misplaced", 12, 64, 1, -EINVAL},
	};
	const struct sample *s = *state;
	struct tg_image_header *header = (struct tg_image_header *)s->data;
	struct tg_image_section *sections = (struct tg_image_section *)(header + 1);
	struct tg_image image;
	struct tg_image_error error;

	assert_int_equal(sections[0].offset, (char *)&sections[12] - (char *)header);
	for (size_t i = 0; i < COUNT(rows); i++) {
		header->minor = rows[i].minor;
		header->n_sections = 12;
		header->header_size = (uint32_t)sections[0].offset;
		header->size = s->size + 64;
		sections[11] = (struct tg_image_section){.type = rows[i].type,
			.entry_size = 20,
			.offset = s->size + rows[i].moved,
			.count = 3};
		memset(s->data + s->size, 0xff, 60);
		checksum(s->data, s->size + 64);
		if (tg_image_check(s->data, s->size + 64, &image, &error) != rows[i].err)
			fail_msg("%s: section 0x%x: %s", rows[i].what, error.section, error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_sample_is_accepted, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			any_changed_bit_is_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(any_cut_image_is_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			damaged_headers_are_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			misplaced_memory_is_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			damaged_sections_are_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(padding_has_to_be_zero, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			damaged_entries_are_refused, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(strings_are_utf8, make_sample, free_sample),
		cmocka_unit_test_setup_teardown(
			later_minors_are_tolerated, make_sample, free_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

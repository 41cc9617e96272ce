/* SPDX-License-Identifier: BSD-3-Clause */
#include "layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WHOLE UINT64_MAX
#define HEADER 0

/* Where a section of each known type goes in the view; type without TG_SECTION_REQUIRED - 1. */
struct place {
	uint16_t entry_size;
	size_t pointer; /* offsets into struct tg_image */
	size_t count;
};

#define PLACE(type, size, field, number)     \
	[(type)-TG_SECTION_REQUIRED - 1] = { \
		(size), offsetof(struct tg_image, field), offsetof(struct tg_image, number)}

static const struct place places[TG_SECTION_KNOWN] = {
	PLACE(TG_SECTION_ADDR4, sizeof(struct tg_image_addr4), addr4, n_addr4),
	PLACE(TG_SECTION_ADDR6, sizeof(struct tg_image_addr6), addr6, n_addr6),
	PLACE(TG_SECTION_PREFIX4, sizeof(struct tg_image_prefix4), prefix4, n_prefix4),
	PLACE(TG_SECTION_PREFIX6, sizeof(struct tg_image_prefix6), prefix6, n_prefix6),
	PLACE(TG_SECTION_CLASS, sizeof(struct tg_image_class), classes, n_classes),
	PLACE(TG_SECTION_CELL, sizeof(struct tg_image_cell), cells, n_cells),
	PLACE(TG_SECTION_PROGRAM, sizeof(struct tg_image_program), programs, n_programs),
	PLACE(TG_SECTION_STEP, sizeof(struct tg_image_step), steps, n_steps),
	PLACE(TG_SECTION_VERDICT_EXT, sizeof(struct tg_image_verdict_ext), exts, n_exts),
	PLACE(TG_SECTION_RULE, sizeof(struct tg_image_rule), rules, n_rules),
	PLACE(TG_SECTION_STRINGS, 1, strings, n_strings),
};

int image_refuse(
	struct tg_image_error *error, uint16_t section, uint64_t index, const char *fmt, ...)
{
	va_list args;

	error->section = section;
	error->index = index;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

static bool all_zero(const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + TG_IMAGE_ALIGN - 1) & ~(uint64_t)(TG_IMAGE_ALIGN - 1);
}

/* What has to be known before the size in the header can be believed. */
static int check_identity(
	const struct tg_image_header *header, size_t size, struct tg_image_error *error)
{
	if (header->magic != TG_IMAGE_MAGIC)
		return image_refuse(error, HEADER, WHOLE, "not a ruleset image");
	if (header->major != TG_IMAGE_MAJOR) {
		image_refuse(error, HEADER, WHOLE, "format %u.%u, this program reads %u.x",
			header->major, header->minor, TG_IMAGE_MAJOR);
		return -EPROTONOSUPPORT;
	}
	if (header->size != size)
		return image_refuse(error, HEADER, WHOLE,
			"the header says %llu bytes, there are %zu",
			(unsigned long long)header->size, size);
	if (header->checksum != tg_image_checksum(header, size))
		return image_refuse(error, HEADER, WHOLE, "the checksum does not match");
	return 0;
}

static int check_header(
	const struct tg_image_header *header, size_t size, struct tg_image_error *error)
{
	const size_t room =
		(size - sizeof(*header)) / sizeof(struct tg_image_section); /* entries that fit */

	if (header->n_sections > room)
		return image_refuse(
			error, HEADER, WHOLE, "%u sections do not fit", header->n_sections);
	if (header->header_size !=
		sizeof(*header) + header->n_sections * sizeof(struct tg_image_section))
		return image_refuse(error, HEADER, WHOLE, "header size %u for %u sections",
			header->header_size, header->n_sections);
	if (header->flags != 0 || !all_zero(header->reserved, sizeof(header->reserved)))
		return image_refuse(error, HEADER, WHOLE, "reserved fields are not zero");
	if (header->slot_limit < TG_SLOT_FIRST || header->slot_limit > TG_VERDICT_SLOT_MASK + 1)
		return image_refuse(error, HEADER, WHOLE, "slot limit %u", header->slot_limit);
	return 0;
}

/* Notes a known section in the view; an unknown one is skipped or refused. */
static int note_section(const unsigned char *data, const struct tg_image_section *s,
	unsigned int *seen, struct tg_image *image, struct tg_image_error *error)
{
	const unsigned int number = s->type & ~TG_SECTION_REQUIRED;
	const struct place *place;
	const void *where = data + s->offset;
	const uint32_t count = (uint32_t)s->count;

	if ((s->type & TG_SECTION_REQUIRED) == 0)
		return 0;
	if (number == 0 || number > TG_SECTION_KNOWN)
		return image_refuse(
			error, s->type, WHOLE, "a required section of unknown type %u", number);
	if ((*seen & 1u << number) != 0)
		return image_refuse(error, s->type, WHOLE, "the section is there twice");
	*seen |= 1u << number;
	place = &places[number - 1];
	if (s->entry_size != place->entry_size)
		return image_refuse(error, s->type, WHOLE, "entries of %u bytes, expected %u",
			s->entry_size, place->entry_size);
	memcpy((char *)image + place->pointer, &where, sizeof(where));
	memcpy((char *)image + place->count, &count, sizeof(count));
	return 0;
}

/* One row of the section table; *end is where the section before it ended. */
static int check_section(const unsigned char *data, size_t size, const struct tg_image_section *s,
	uint64_t *end, struct tg_image_error *error)
{
	const uint64_t at = aligned(*end);
	uint64_t room;

	if (s->flags != 0 || s->reserved != 0)
		return image_refuse(error, s->type, WHOLE, "reserved fields are not zero");
	if (s->offset != at || at > size)
		return image_refuse(error, s->type, WHOLE, "offset %llu, expected %llu",
			(unsigned long long)s->offset, (unsigned long long)at);
	if (!all_zero(data + *end, at - *end))
		return image_refuse(error, s->type, WHOLE, "the padding before it is not zero");
	room = size - at;
	if (s->entry_size == 0 || s->count > room / s->entry_size)
		return image_refuse(error, s->type, WHOLE, "%llu entries of %u bytes do not fit",
			(unsigned long long)s->count, s->entry_size);
	*end = at + s->count * s->entry_size;
	return 0;
}

static int check_sections(const unsigned char *data, size_t size, struct tg_image *image,
	struct tg_image_error *error)
{
	const struct tg_image_section *table = (const struct tg_image_section *)(image->header + 1);
	const unsigned int all = (2u << TG_SECTION_KNOWN) - 2;
	uint64_t end = image->header->header_size;
	unsigned int seen = 0;

	for (uint32_t i = 0; i < image->header->n_sections; i++) {
		int err = check_section(data, size, &table[i], &end, error);

		if (err == 0)
			err = note_section(data, &table[i], &seen, image, error);
		if (err != 0)
			return err;
	}
	if (seen != all)
		return image_refuse(error,
			(uint16_t)(TG_SECTION_REQUIRED | __builtin_ctz(all & ~seen)), WHOLE,
			"the section is missing");
	if (aligned(end) != size)
		return image_refuse(error, HEADER, WHOLE, "%zu bytes, but the sections end at %llu",
			size, (unsigned long long)end);
	if (!all_zero(data + end, size - end))
		return image_refuse(error, HEADER, WHOLE, "the padding at the end is not zero");
	return 0;
}

int image_layout(
	const void *data, size_t size, struct tg_image *image, struct tg_image_error *error)
{
	const struct tg_image_header *header = data;
	int err;

	memset(image, 0, sizeof(*image));
	if (size > TG_IMAGE_MAX_SIZE) {
		image_refuse(error, HEADER, WHOLE, "%zu bytes, at most %llu", size,
			(unsigned long long)TG_IMAGE_MAX_SIZE);
		return -EFBIG;
	}
	if ((uintptr_t)data % TG_IMAGE_ALIGN != 0)
		return image_refuse(error, HEADER, WHOLE, "not aligned in memory");
	if (size < sizeof(*header))
		return image_refuse(error, HEADER, WHOLE, "%zu bytes are no header", size);
	err = check_identity(header, size, error);
	if (err == 0)
		err = check_header(header, size, error);
	if (err != 0)
		return err;
	image->header = header;
	return check_sections(data, size, image, error);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

/* One section as it is to be written. */
struct piece {
	uint16_t type;
	uint16_t entry_size;
	const void *data;
	size_t count;
};

static void pieces_of(const struct tg_image_parts *p, struct piece out[TG_SECTION_KNOWN])
{
	const struct piece list[TG_SECTION_KNOWN] = {
		{TG_SECTION_ADDR4, sizeof(*p->addr4), p->addr4, p->n_addr4},
		{TG_SECTION_ADDR6, sizeof(*p->addr6), p->addr6, p->n_addr6},
		{TG_SECTION_PREFIX4, sizeof(*p->prefix4), p->prefix4, p->n_prefix4},
		{TG_SECTION_PREFIX6, sizeof(*p->prefix6), p->prefix6, p->n_prefix6},
		{TG_SECTION_CLASS, sizeof(*p->classes), p->classes, p->n_classes},
		{TG_SECTION_CELL, sizeof(*p->cells), p->cells, p->n_cells},
		{TG_SECTION_PROGRAM, sizeof(*p->programs), p->programs, p->n_programs},
		{TG_SECTION_STEP, sizeof(*p->steps), p->steps, p->n_steps},
		{TG_SECTION_VERDICT_EXT, sizeof(*p->exts), p->exts, p->n_exts},
		{TG_SECTION_RULE, sizeof(*p->rules), p->rules, p->n_rules},
		{TG_SECTION_STRINGS, 1, p->strings, p->n_strings},
	};

	memcpy(out, list, sizeof(list));
}

static size_t aligned(size_t size)
{
	return (size + TG_IMAGE_ALIGN - 1) & ~(size_t)(TG_IMAGE_ALIGN - 1);
}

/* Fills in where each section goes; false when the image would be too large. */
static bool lay_out(const struct piece pieces[TG_SECTION_KNOWN],
	struct tg_image_section sections[TG_SECTION_KNOWN], size_t *size)
{
	size_t at = aligned(sizeof(struct tg_image_header) +
			    TG_SECTION_KNOWN * sizeof(struct tg_image_section));

	for (size_t i = 0; i < TG_SECTION_KNOWN; i++) {
		const struct piece *p = &pieces[i];

		/* The limit on the count keeps the product from overflowing. */
		if (p->count > TG_IMAGE_MAX_SIZE ||
			at + aligned(p->count * p->entry_size) > TG_IMAGE_MAX_SIZE)
			return false;
		sections[i] = (struct tg_image_section){
			.type = p->type,
			.entry_size = p->entry_size,
			.offset = at,
			.count = p->count,
		};
		at += aligned(p->count * p->entry_size);
	}
	*size = at;
	return true;
}

int tg_image_build(const struct tg_image_parts *parts, void **out, size_t *size)
{
	struct piece pieces[TG_SECTION_KNOWN];
	struct tg_image_section sections[TG_SECTION_KNOWN];
	struct tg_image_header *header;
	unsigned char *image;

	pieces_of(parts, pieces);
	if (!lay_out(pieces, sections, size))
		return -E2BIG;
	image = aligned_alloc(TG_IMAGE_ALIGN, *size);
	if (image == NULL)
		return -ENOMEM;
	memset(image, 0, sections[0].offset);
	for (size_t i = 0; i < TG_SECTION_KNOWN; i++) {
		size_t bytes = pieces[i].count * pieces[i].entry_size;

		if (bytes != 0)
			memcpy(image + sections[i].offset, pieces[i].data, bytes);
		memset(image + sections[i].offset + bytes, 0, aligned(bytes) - bytes);
	}
	header = (struct tg_image_header *)image;
	*header = (struct tg_image_header){
		.magic = TG_IMAGE_MAGIC,
		.major = TG_IMAGE_MAJOR,
		.minor = TG_IMAGE_MINOR,
		.header_size = sizeof(*header) + sizeof(sections),
		.size = *size,
		.n_sections = TG_SECTION_KNOWN,
		.generation = parts->generation,
		.compiled_at = parts->compiled_at,
		.delta_sequence = parts->delta_sequence,
		.n_rows = parts->n_rows,
		.n_columns = parts->n_columns,
		.slot_limit = parts->slot_limit,
	};
	memcpy(image + sizeof(*header), sections, sizeof(sections));
	header->checksum = tg_image_checksum(image, *size);
	*out = image;
	return 0;
}

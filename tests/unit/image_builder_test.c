/* SPDX-License-Identifier: BSD-3-Clause */
/* The builder lays out what it is given, byte for byte, and refuses what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "builder.h"
#include "image.h"

static const struct tg_image_class classes[] = {
	{.row = {TG_NONE, TG_NONE},
		.column = {TG_NONE, TG_NONE, TG_NONE},
		.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
		.kind = TG_KIND_UNKNOWN},
};
static const struct tg_image_addr4 addr4[] = {{.addr = 5}, {.addr = 6}, {.addr = 7}};
static const char strings[] = "\0one\0two";

static struct tg_image_parts some_parts(void)
{
	return (struct tg_image_parts){
		.addr4 = addr4,
		.n_addr4 = 3,
		.classes = classes,
		.n_classes = 1,
		.strings = strings,
		.n_strings = sizeof(strings),
		.generation = 7,
		.compiled_at = 8,
		.delta_sequence = 9,
		.n_rows = 1,
		.n_columns = 2,
		.slot_limit = 64,
	};
}

static const struct tg_image_section *section(const void *image, size_t i)
{
	return (const struct tg_image_section *)((const char *)image +
						 sizeof(struct tg_image_header)) +
	       i;
}

static void sections_lie_as_the_format_says(void **state)
{
	struct tg_image_parts parts = some_parts();
	const struct tg_image_header *header;
	size_t size, end;
	void *image;

	assert_int_equal(tg_image_build(&parts, &image, &size), 0);
	header = image;
	assert_int_equal((uintptr_t)image % TG_IMAGE_ALIGN, 0);
	assert_int_equal(header->magic, TG_IMAGE_MAGIC);
	assert_int_equal(header->size, size);
	assert_int_equal(header->generation, 7);
	assert_int_equal(header->compiled_at, 8);
	assert_int_equal(header->delta_sequence, 9);
	assert_int_equal(header->n_rows, 1);
	assert_int_equal(header->n_columns, 2);
	assert_int_equal(header->slot_limit, 64);
	assert_int_equal(header->n_sections, TG_SECTION_KNOWN);
	assert_int_equal(header->checksum, tg_image_checksum(image, size));
	end = header->header_size;
	for (size_t i = 0; i < TG_SECTION_KNOWN; i++) {
		const struct tg_image_section *s = section(image, i);

		assert_int_equal(s->type, TG_SECTION_REQUIRED | (i + 1));
		assert_int_equal(s->offset % TG_IMAGE_ALIGN, 0);
		assert_true(s->offset >= end && s->offset - end < TG_IMAGE_ALIGN);
		for (; end < s->offset; end++)
			assert_int_equal(((const char *)image)[end], 0);
		end = s->offset + s->count * s->entry_size;
	}
	for (; end < size; end++)
		assert_int_equal(((const char *)image)[end], 0);
	assert_memory_equal((const char *)image + section(image, 0)->offset, addr4, sizeof(addr4));
	assert_int_equal(section(image, 0)->count, 3);
	assert_memory_equal(
		(const char *)image + section(image, 10)->offset, strings, sizeof(strings));
	free(image);
}

static void the_checksum_covers_every_byte(void **state)
{
	struct tg_image_parts parts = some_parts();
	uint32_t sum;
	size_t size;
	unsigned char *image;

	assert_int_equal(tg_image_build(&parts, (void **)&image, &size), 0);
	sum = tg_image_checksum(image, size);
	for (size_t i = 0; i < size; i++) {
		bool own = i >= offsetof(struct tg_image_header, checksum) &&
			   i < offsetof(struct tg_image_header, checksum) + sizeof(uint32_t);

		image[i] ^= 0x10;
		assert_int_equal(tg_image_checksum(image, size) == sum, own);
		image[i] ^= 0x10;
	}
	free(image);
}

static void what_is_too_large_is_refused(void **state)
{
	struct tg_image_parts parts = some_parts();
	void *image = NULL;
	size_t size;

	parts.n_addr4 = TG_IMAGE_MAX_SIZE / sizeof(*addr4);
	assert_int_equal(tg_image_build(&parts, &image, &size), -E2BIG);
	parts.n_addr4 = SIZE_MAX / 2;
	assert_int_equal(tg_image_build(&parts, &image, &size), -E2BIG);
	parts.n_addr4 = 3;
	parts.n_rules = SIZE_MAX;
	assert_int_equal(tg_image_build(&parts, &image, &size), -E2BIG);
	assert_null(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_lie_as_the_format_says),
		cmocka_unit_test(the_checksum_covers_every_byte),
		cmocka_unit_test(what_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive.h"
#include "builder.h"

struct fixture {
	char base[64], directory[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->base, "/tmp/tidegate-archive-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	snprintf(f->directory, sizeof(f->directory), "%s/var/lib", f->base);
	assert_int_equal(tg_archive_open(f->directory), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->base);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void *build(uint64_t generation, size_t *size)
{
	const struct tg_image_class class0 = {
		.row = {TG_NONE, TG_NONE},
		.column = {TG_NONE, TG_NONE, TG_NONE},
		.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
		.kind = TG_KIND_UNKNOWN,
	};
	const struct tg_image_prefix4 prefix4 = {0};
	const struct tg_image_prefix6 prefix6 = {0};
	const struct tg_image_parts parts = {
		.classes = &class0,
		.n_classes = 1,
		.prefix4 = &prefix4,
		.n_prefix4 = 1,
		.prefix6 = &prefix6,
		.n_prefix6 = 1,
		.strings = "",
		.n_strings = 1,
		.generation = generation,
		.slot_limit = TG_SLOT_FIRST,
	};
	void *image;

	assert_int_equal(tg_image_build(&parts, &image, size), 0);
	return image;
}

static void keep(struct fixture *f, uint64_t generation)
{
	size_t size;
	void *image = build(generation, &size);

	assert_int_equal(tg_archive_write(f->directory, generation, image, size), 0);
	free(image);
}

static uint64_t loaded(struct fixture *f)
{
	uint64_t generation;
	size_t size;
	void *image;

	if (tg_archive_load(f->directory, &image, &size) != 0)
		return 0;
	generation = ((const struct tg_image_header *)image)->generation;
	free(image);
	return generation;
}

static bool there(struct fixture *f, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	return access(path, F_OK) == 0;
}

static void damage(struct fixture *f, const char *name, off_t at)
{
	char path[PATH_MAX], byte = 0x55;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void an_empty_directory_has_none(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	size_t size;
	void *image;

	assert_int_equal(tg_archive_load(f->directory, &image, &size), -ENOENT);
	assert_int_equal(tg_archive_open(f->directory), 0);
	assert_int_equal(stat(f->directory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void the_newest_comes_back(void **state)
{
	struct fixture *f = *state;

	keep(f, 9);
	keep(f, 10);
	keep(f, 2);
	assert_int_equal(loaded(f), 10);
}

static void an_acknowledged_one_replaces_those_before(void **state)
{
	struct fixture *f = *state;

	keep(f, 1);
	keep(f, 2);
	keep(f, 3);
	keep(f, 4);
	assert_int_equal(tg_archive_commit(f->directory, 3), 0);
	assert_false(there(f, "ruleset-1.image"));
	assert_false(there(f, "ruleset-2.image"));
	assert_true(there(f, "ruleset-3.image"));
	assert_true(there(f, "ruleset-4.image"));
	assert_int_equal(tg_archive_commit(f->directory, 77), -ENOENT);
	assert_int_equal(loaded(f), 4);
}

static void damaged_ones_are_passed_over(void **state)
{
	struct fixture *f = *state;

	keep(f, 1);
	keep(f, 2);
	damage(f, "ruleset-2.image", 200);
	assert_int_equal(loaded(f), 1);
	damage(f, "ruleset-1.image", 8);
	assert_int_equal(loaded(f), 0);
}

static void a_file_that_was_cut_short_is_passed_over(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	keep(f, 1);
	keep(f, 2);
	snprintf(path, sizeof(path), "%s/ruleset-2.image", f->directory);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(loaded(f), 1);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(loaded(f), 1);
}

static void other_files_are_left_alone(void **state)
{
	static const char *const names[] = {"dataplane.checkpoint", "ruleset-x.image",
		"ruleset-05.image", "ruleset-5.image.new", "ruleset-5.imageX"};
	struct fixture *f = *state;
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	keep(f, 6);
	assert_int_equal(tg_archive_commit(f->directory, 6), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(there(f, names[i]));
	assert_int_equal(loaded(f), 6);
}

static void a_failed_write_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	/* In the way of the rename. */
	snprintf(path, sizeof(path), "%s/ruleset-3.image", f->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	{
		size_t size;
		void *image = build(3, &size);

		assert_true(tg_archive_write(f->directory, 3, image, size) < 0);
		free(image);
	}
	assert_false(there(f, "ruleset-3.image.new"));
	assert_int_equal(loaded(f), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_directory_has_none),
		TEST(the_newest_comes_back),
		TEST(an_acknowledged_one_replaces_those_before),
		TEST(damaged_ones_are_passed_over),
		TEST(a_file_that_was_cut_short_is_passed_over),
		TEST(other_files_are_left_alone),
		TEST(a_failed_write_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

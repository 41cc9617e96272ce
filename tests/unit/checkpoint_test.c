/* SPDX-License-Identifier: BSD-3-Clause */
/* The checkpoint: what is written comes back, and damage anywhere is refused or cut off. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "builder.h"
#include "checkpoint.h"
#include "image.h"

#define NOW 1000000u

/* A directory, an image, and the checkpoint under test. */
struct fixture {
	char dir[32], path[96];
	void *image;
	size_t size;
	struct tg_checkpoint *cp;
};

static void *small_image(size_t *size)
{
	static const struct tg_image_class classes[] = {
		{.row = {TG_NONE, TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
			.kind = TG_KIND_UNKNOWN},
	};
	static const struct tg_image_parts parts = {
		.classes = classes,
		.n_classes = 1,
		.strings = "",
		.n_strings = 1,
		.generation = 5,
		.delta_sequence = 100,
		.slot_limit = TG_SLOT_FIRST,
	};
	void *image;

	assert_int_equal(tg_image_build(&parts, &image, size), 0);
	return image;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/tg-cp-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, TG_CHECKPOINT_NAME);
	f->image = small_image(&f->size);
	assert_int_equal(tg_checkpoint_open(f->dir, false, &f->cp), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"", ".lock", ".new", ".compact"};
	struct fixture *f = *state;
	char path[128];

	tg_checkpoint_close(f->cp);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left behind */
	free(f->image);
	free(f);
	return 0;
}

static struct tg_classmap_entry entry(uint8_t last, uint32_t cls)
{
	return (struct tg_classmap_entry){.addr = {10, 0, 0, last}, .family = 4, .cls = cls};
}

static void commit(struct fixture *f, const struct tg_classmap_entry *entries, uint32_t n)
{
	struct tg_checkpoint_state state = {.image = f->image,
		.image_size = f->size,
		.entries = (struct tg_classmap_entry *)(uintptr_t)entries,
		.n_entries = n,
		.generation = 5,
		.delta_sequence = 100,
		.confirmed_at = NOW};
	struct tg_checkpoint_draft draft;

	assert_int_equal(tg_checkpoint_draft(f->cp, &state, &draft), 0);
	assert_int_equal(tg_checkpoint_commit(f->cp, &draft), 0);
}

/* As a process that comes back does it. */
static void reopen(struct fixture *f)
{
	tg_checkpoint_close(f->cp);
	assert_int_equal(tg_checkpoint_open(f->dir, false, &f->cp), 0);
}

static int load(struct fixture *f, struct tg_checkpoint_state *out)
{
	char reason[TG_REASON_MAX];

	return tg_checkpoint_load(f->cp, NOW, 0, out, reason);
}

/* The class that the entries give an address; TG_NONE - 1: they do not name it. */
static uint32_t class_in(const struct tg_checkpoint_state *state, uint8_t last)
{
	uint32_t cls = TG_NONE - 1;

	for (uint32_t i = 0; i < state->n_entries; i++)
		if (state->entries[i].addr[3] == last)
			cls = state->entries[i].cls;
	return cls;
}

static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint_state got;
	struct tg_classmap_entry e = entry(1, 1);

	assert_int_equal(load(f, &got), -ENOENT);
	assert_int_equal(tg_checkpoint_append(f->cp, 1, &e, 1, NOW), -ENOENT);
}

static void test_image_and_entries_come_back(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry first[] = {entry(1, 7), entry(2, 8)}, later = entry(3, 9);
	struct tg_checkpoint_state got;

	commit(f, first, 2);
	assert_int_equal(tg_checkpoint_append(f->cp, 101, &later, 1, NOW + 5), 0);
	reopen(f);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.image_size, f->size);
	assert_memory_equal(got.image, f->image, f->size);
	assert_int_equal(got.generation, 5);
	assert_int_equal(got.delta_sequence, 101);
	assert_int_equal(got.confirmed_at, NOW + 5);
	assert_int_equal(got.n_entries, 3);
	assert_int_equal(class_in(&got, 1), 7);
	assert_int_equal(class_in(&got, 3), 9);
	assert_int_equal(got.cut, 0);
	tg_checkpoint_state_free(&got);
	/* and it takes more */
	assert_int_equal(tg_checkpoint_append(f->cp, 102, first, 2, NOW + 6), 0);
	reopen(f);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.delta_sequence, 102);
	tg_checkpoint_state_free(&got);
}

/* An address that goes from one pod to another must not come back as the first one's. */
static void test_reused_address_belongs_to_the_last(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry a = entry(1, 7), gone = entry(1, TG_NONE), b = entry(1, 8);
	struct tg_checkpoint_state got;

	commit(f, &a, 1);
	assert_int_equal(tg_checkpoint_append(f->cp, 101, &gone, 1, NOW), 0);
	reopen(f);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.n_entries, 1);
	assert_int_equal(class_in(&got, 1), TG_NONE);
	tg_checkpoint_state_free(&got);
	assert_int_equal(tg_checkpoint_append(f->cp, 102, &b, 1, NOW), 0);
	reopen(f);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.n_entries, 1);
	assert_int_equal(class_in(&got, 1), 8);
	tg_checkpoint_state_free(&got);
}

static void test_zones_and_families_differ(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry e[] = {entry(1, 7), entry(1, 8), entry(1, 9)};
	struct tg_checkpoint_state got;

	e[1].zone = 1;
	e[2].family = 6;
	commit(f, e, 3);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.n_entries, 3);
	tg_checkpoint_state_free(&got);
}

static void test_age(void **state)
{
	static const struct {
		uint64_t now, max_age;
		int expect;
	} rows[] = {
		{NOW + 60000, 0, 0},
		{NOW + 60000, 60000, 0},
		{NOW + 60001, 60000, -ESTALE},
		{NOW - 60001, 60000, 0}, /* the clock went back */
		{UINT64_MAX, 0, 0},
	};
	struct fixture *f = *state;
	struct tg_checkpoint_state got;
	char reason[TG_REASON_MAX];
	int rc;

	commit(f, NULL, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = tg_checkpoint_load(f->cp, rows[i].now, rows[i].max_age, &got, reason);
		assert_int_equal(rc, rows[i].expect);
		assert_int_equal(reason[0] != '\0', rc != 0);
		tg_checkpoint_state_free(&got);
	}
	/* a confirmation makes it young */
	assert_int_equal(load(f, &got), 0);
	tg_checkpoint_state_free(&got);
	assert_int_equal(tg_checkpoint_append(f->cp, 100, NULL, 0, NOW + 1000), 0);
	assert_int_equal(tg_checkpoint_load(f->cp, NOW + 60001, 60000, &got, reason), 0);
	assert_int_equal(got.n_entries, 0);
	assert_int_equal(got.delta_sequence, 100);
	tg_checkpoint_state_free(&got);
}

static void *slurp(const char *path, size_t *size)
{
	struct stat st;
	void *data;
	int fd = open(path, O_RDONLY);

	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size);
	assert_int_equal(read(fd, data, *size), *size);
	close(fd);
	return data;
}

static void spit(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* Whatever came back is a state that was once in force: the image whole, a prefix of the changes.
 */
static void assert_prefix(struct fixture *f, struct tg_checkpoint_state *got, uint32_t records)
{
	struct tg_image_error error;
	struct tg_image image;

	/* the file does not protect the image: it protects itself */
	if (memcmp(got->image, f->image, f->size) != 0) {
		assert_int_not_equal(
			tg_image_check(got->image, got->image_size, &image, &error), 0);
		return;
	}
	assert_true(got->n_entries <= records);
	for (uint32_t i = 1; i <= records; i++)
		assert_int_equal(class_in(got, (uint8_t)i), i <= got->n_entries ? i : TG_NONE - 1);
	assert_true(got->delta_sequence <= 100 + records);
}

static void write_three(struct fixture *f)
{
	struct tg_classmap_entry e;

	commit(f, NULL, 0);
	for (uint8_t i = 1; i <= 3; i++) {
		e = entry(i, i);
		assert_int_equal(tg_checkpoint_append(f->cp, 100 + i, &e, 1, NOW + i), 0);
	}
}

static void test_damage_at_every_byte(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint_state got;
	size_t size, refused = 0, cut = 0;
	uint8_t *file;
	int rc;

	write_three(f);
	file = slurp(f->path, &size);
	for (size_t at = 0; at < size; at++) {
		file[at] ^= 0x40;
		spit(f->path, file, size);
		rc = load(f, &got);
		if (rc == 0) {
			assert_prefix(f, &got, 3);
			if (memcmp(got.image, f->image, f->size) == 0) {
				assert_true(got.n_entries < 3);
				assert_true(got.cut > 0);
				cut++;
			}
			tg_checkpoint_state_free(&got);
		} else {
			assert_int_equal(rc, -EINVAL);
			refused++;
		}
		file[at] ^= 0x40;
	}
	assert_int_equal(refused, sizeof(struct tg_checkpoint_header));
	assert_int_equal(
		cut, 3 * (sizeof(struct tg_checkpoint_record) + sizeof(struct tg_classmap_entry)));
	free(file);
}

/* The machine may stop at any point of a write. */
static void test_cut_at_every_length(void **state)
{
	struct fixture *f = *state;
	size_t size,
		record = sizeof(struct tg_checkpoint_record) + sizeof(struct tg_classmap_entry);
	size_t base = sizeof(struct tg_checkpoint_header) + f->size;
	struct tg_checkpoint_state got;
	struct tg_classmap_entry e = entry(9, 9);
	uint64_t sequence;
	uint8_t *file;

	write_three(f);
	file = slurp(f->path, &size);
	assert_int_equal(size, base + 3 * record);
	for (size_t length = 0; length < size; length++) {
		spit(f->path, file, length);
		if (length < base) {
			assert_int_equal(load(f, &got), -EINVAL);
			continue;
		}
		assert_int_equal(load(f, &got), 0);
		assert_int_equal(got.n_entries, (length - base) / record);
		assert_int_equal(got.cut, (length - base) % record);
		sequence = got.delta_sequence + 1;
		tg_checkpoint_state_free(&got);
		/* what is appended after the cut is found again */
		assert_int_equal(tg_checkpoint_append(f->cp, sequence, &e, 1, NOW), 0);
		assert_int_equal(load(f, &got), 0);
		assert_int_equal(class_in(&got, 9), 9);
		assert_int_equal(got.delta_sequence, sequence);
		tg_checkpoint_state_free(&got);
	}
	free(file);
}

static void test_records_out_of_sequence_end_it(void **state)
{
	static const uint64_t bad[] = {100, 102, 99, 0};
	struct fixture *f = *state;
	struct tg_classmap_entry e = entry(1, 1);
	struct tg_checkpoint_state got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		commit(f, NULL, 0);
		assert_int_equal(tg_checkpoint_append(f->cp, 101, &e, 1, NOW), 0);
		e = entry(2, 2);
		assert_int_equal(
			tg_checkpoint_append(f->cp, bad[i] == 102 ? 103 : bad[i], &e, 1, NOW), 0);
		assert_int_equal(load(f, &got), 0);
		assert_int_equal(got.n_entries, 1);
		assert_int_equal(got.delta_sequence, 101);
		tg_checkpoint_state_free(&got);
		e = entry(1, 1);
	}
}

static void test_many_entries_and_compaction(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry e[TG_CLASSMAP_MAX];
	struct tg_checkpoint_state got;
	struct stat st;

	memset(e, 0, sizeof(e));
	for (uint32_t i = 0; i < TG_CLASSMAP_MAX; i++) {
		e[i].family = 4;
		memcpy(e[i].addr, &i, sizeof(i));
	}
	commit(f, e, TG_CLASSMAP_MAX);
	for (uint32_t round = 1; round <= 100; round++) { /* 3.2 MB, of 1024 addresses */
		for (uint32_t i = 0; i < TG_CLASSMAP_MAX; i++)
			e[i].cls = round;
		assert_int_equal(
			tg_checkpoint_append(f->cp, 100 + round, e, TG_CLASSMAP_MAX, NOW), 0);
	}
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_size < 2 << 20);
	reopen(f);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.delta_sequence, 200);
	assert_int_equal(got.n_entries, TG_CLASSMAP_MAX);
	for (uint32_t i = 0; i < TG_CLASSMAP_MAX; i++)
		assert_int_equal(got.entries[i].cls, 100);
	tg_checkpoint_state_free(&got);
}

static void test_new_ruleset_forgets_old_changes(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint_state got;

	write_three(f);
	commit(f, NULL, 0);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.n_entries, 0);
	assert_int_equal(got.delta_sequence, 100);
	tg_checkpoint_state_free(&got);
}

/* A draft that is dropped, or whose rename fails, leaves what was there. */
static void test_dropped_draft(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint_state draft_state = {
		.image = f->image, .image_size = f->size, .generation = 6};
	struct tg_checkpoint_draft draft;
	struct tg_checkpoint_state got;
	struct tg_classmap_entry e = entry(4, 4);

	write_three(f);
	assert_int_equal(tg_checkpoint_draft(f->cp, &draft_state, &draft), 0);
	tg_checkpoint_drop(f->cp, &draft);
	assert_int_equal(draft.fd, -1);
	assert_int_equal(tg_checkpoint_append(f->cp, 104, &e, 1, NOW), 0);
	assert_int_equal(load(f, &got), 0);
	assert_int_equal(got.generation, 5);
	assert_int_equal(got.n_entries, 4);
	tg_checkpoint_state_free(&got);
	/* committing nothing: the file stays, but takes no more */
	assert_int_equal(tg_checkpoint_commit(f->cp, &draft), -ENOENT);
	assert_int_equal(tg_checkpoint_append(f->cp, 105, &e, 1, NOW), -ENOENT);
}

static void test_one_process_a_directory(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint *second;

	assert_int_equal(tg_checkpoint_open(f->dir, false, &second), -EWOULDBLOCK);
	assert_int_equal(tg_checkpoint_open("/nonexistent", false, &second), -ENOENT);
}

static void test_no_following_of_links(void **state)
{
	struct fixture *f = *state;
	struct tg_checkpoint_state got;

	assert_int_equal(symlink("/etc/passwd", f->path), 0);
	assert_int_equal(load(f, &got), -ELOOP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_nothing_there),
		TEST(test_image_and_entries_come_back),
		TEST(test_reused_address_belongs_to_the_last),
		TEST(test_zones_and_families_differ),
		TEST(test_age),
		TEST(test_damage_at_every_byte),
		TEST(test_cut_at_every_length),
		TEST(test_records_out_of_sequence_end_it),
		TEST(test_many_entries_and_compaction),
		TEST(test_new_ruleset_forgets_old_changes),
		TEST(test_dropped_draft),
		TEST(test_one_process_a_directory),
		TEST(test_no_following_of_links),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories of manifests: what is read, under which names, and what is passed over. */
#include <errno.h>
#include <ftw.h>
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

#include "manifests.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

/* Each test works in a folder of its own, which is the current one. */
static int setup(void **state)
{
	char template[] = "/tmp/tidegate-manifests-XXXXXX";

	if (mkdtemp(template) == NULL || chdir(template) != 0)
		return -1;
	*state = strdup(template);
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	int err = chdir("/") | nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return err;
}

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	fclose(f);
}

/* A file with one pod, which has the file's number. */
static void put_pod(const char *path, unsigned int number)
{
	char text[128];

	if (strstr(path, ".endpoints") != NULL)
		snprintf(text, sizeof(text), "shop/p%u -\n", number);
	else
		snprintf(text, sizeof(text),
			"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p%u\"}}",
			number);
	put_file(path, text);
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *to, const char *path)
{
	assert_int_equal(symlink(to, path), 0);
}

/* The files of the store, one after the other; "!" marks refused ones. */
static const char *files_of(const struct tg_store *store, char *buf, size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < tg_store_file_count(store); i++) {
		struct tg_file_status status;
		size_t used = strlen(buf);

		tg_store_file(store, i, &status);
		snprintf(buf + used, size - used, "%s%s%s", i != 0 ? " " : "",
			status.refused ? "!" : "", status.file);
	}
	return buf;
}

static void expect_files(const char *path, const char *expected)
{
	struct tg_store *store = tg_store_create();
	char buf[1024];

	assert_int_equal(tg_manifests_load(store, path), 0);
	assert_string_equal(files_of(store, buf, sizeof(buf)), expected);
	tg_store_free(store);
}

static void manifests_are_told_by_their_names(void **state)
{
	static const char *const wanted[] = {
		"a.yaml", "a.yml", "a.json", "a.endpoints", "a.b.yaml", "4913.yaml"};
	static const char *const others[] = {"a", "a.txt", "a.yaml~", "a.yaml.swp", ".a.yaml",
		".a.yaml.swp", "#a.yaml#", ".#a.yaml", "a.yaml.tmp", "a.YAML", ".yaml", "yaml",
		"..data", "#a.yaml", "a.yaml.bak", "README.md"};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_true(tg_manifest_wanted(wanted[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(tg_manifest_wanted(others[i]));
	assert_true(tg_manifest_folder_wanted("a"));
	assert_false(tg_manifest_folder_wanted(".git"));
	assert_false(tg_manifest_folder_wanted("..2024_01_01"));
}

static void folders_are_read_recursively(void **state)
{
	make_folder("m");
	make_folder("m/b");
	make_folder("m/b/c");
	make_folder("m/.git");
	put_pod("m/b.yaml", 1);
	put_pod("m/a.json", 2);
	put_pod("m/b/x.endpoints", 3);
	put_pod("m/b/c/y.yml", 4);
	put_pod("m/.git/z.yaml", 5);
	put_pod("m/.hidden.yaml", 6);
	put_pod("m/a.yaml~", 7);
	put_file("m/notes.txt", "no manifest");
	expect_files("m", "m/a.json m/b/c/y.yml m/b/x.endpoints m/b.yaml");
	expect_files("m/", "m/a.json m/b/c/y.yml m/b/x.endpoints m/b.yaml");
	expect_files("m/a.yaml~", "m/a.yaml~"); /* named explicitly */
	expect_files("m/.git", "m/.git/z.yaml");
}

static void mounted_configmaps_are_read_once(void **state)
{
	make_folder("m");
	make_folder("m/..2024_01_01");
	put_pod("m/..2024_01_01/a.yaml", 1);
	put_pod("m/..2024_01_01/b.endpoints", 2);
	make_link("..2024_01_01", "m/..data");
	make_link("..data/a.yaml", "m/a.yaml");
	make_link("..data/b.endpoints", "m/b.endpoints");
	expect_files("m", "m/a.yaml m/b.endpoints");
}

static void links_to_folders_end(void **state)
{
	make_folder("m");
	make_folder("other");
	make_folder("m/sub");
	put_pod("m/sub/a.yaml", 1);
	put_pod("other/b.yaml", 2);
	make_link("../..", "m/sub/up");
	make_link("../other", "m/other");
	make_link(".", "m/self");
	/* "other" is met through m/other first, and m/sub/up leads to known folders only */
	expect_files("m", "m/other/b.yaml m/sub/a.yaml");
}

static void what_cannot_be_read_is_reported(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_file_status status;
	char buf[1024];

	make_folder("m");
	put_pod("m/a.yaml", 1);
	put_file("m/bad.yaml", "a: b: c\n");
	put_file("m/huge.json", "");
	assert_int_equal(truncate("m/huge.json", (off_t)TG_MANIFEST_SIZE_MAX + 1), 0);
	assert_int_equal(mkfifo("m/pipe.yaml", 0644), 0);
	make_link("nowhere", "m/q-dangling.yaml");
	make_link("r-loop.yaml", "m/r-loop.yaml");
	make_link("nowhere", "m/s-folder");
	make_link("nowhere", "m/.#a.yaml");
	assert_int_equal(mkfifo("m/pipe", 0644), 0);
	assert_int_equal(tg_manifests_load(store, "m"), 0);
	assert_string_equal(files_of(store, buf, sizeof(buf)),
		"m/a.yaml !m/bad.yaml !m/huge.json !m/pipe.yaml !m/q-dangling.yaml "
		"!m/r-loop.yaml !m/s-folder");
	tg_store_file(store, 1, &status);
	assert_int_equal(status.errors[0].line, 1);
	tg_store_file(store, 2, &status);
	assert_string_equal(status.errors[0].text, "larger than 256 MiB");
	tg_store_file(store, 3, &status);
	assert_string_equal(status.errors[0].text, "not a regular file");
	tg_store_file(store, 5, &status);
	assert_non_null(strstr(status.errors[0].text, "symbolic links"));
	assert_int_equal(tg_manifests_load(store, "nowhere"), -ENOENT);
	tg_store_free(store);
}

/* Whatever comes in place of a file, what it said stays: only the watcher says that it is gone. */
static void what_a_file_said_stays_when_it_cannot_be_read(void **state)
{
	struct tg_store *store = tg_store_create();
	struct tg_store_stats stats;
	char buf[1024];

	put_pod("a.yaml", 1);
	assert_int_equal(tg_manifest_reload(store, "a.yaml"), 0);
	assert_string_equal(files_of(store, buf, sizeof(buf)), "a.yaml");
	put_file("a.yaml", "a: b: c\n");
	assert_int_equal(tg_manifest_reload(store, "a.yaml"), -EINVAL);
	assert_int_equal(unlink("a.yaml"), 0);
	make_link("a.yaml", "a.yaml");
	assert_int_equal(tg_manifest_reload(store, "a.yaml"), -ELOOP);
	assert_int_equal(unlink("a.yaml"), 0);
	assert_int_equal(tg_manifest_reload(store, "a.yaml"), -ENOENT);
	make_folder("a.yaml");
	assert_int_equal(tg_manifest_reload(store, "a.yaml"), -EINVAL);
	assert_string_equal(files_of(store, buf, sizeof(buf)), "!a.yaml");
	tg_store_stats(store, &stats);
	assert_int_equal(stats.pods, 1);
	assert_int_equal(stats.files_missing, 0);
	assert_int_equal(tg_manifest_reload(store, "b.yaml"), -ENOENT);
	tg_store_stats(store, &stats);
	assert_int_equal(stats.files_missing, 1);
	tg_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_are_told_by_their_names),
		cmocka_unit_test_setup_teardown(folders_are_read_recursively, setup, teardown),
		cmocka_unit_test_setup_teardown(mounted_configmaps_are_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(links_to_folders_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_reported, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_file_said_stays_when_it_cannot_be_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

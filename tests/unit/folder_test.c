/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
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

#include "folder.h"

#define NOBODY 65534

struct fixture {
	char base[64];
	char path[PATH_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	FILE *file;

	assert_non_null(f);
	strcpy(f->base, "/tmp/tidegate-folder-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	assert_int_equal(chmod(f->base, 0755), 0);
	snprintf(f->path, sizeof(f->path), "%s/file", f->base);
	file = fopen(f->path, "w");
	assert_non_null(file);
	fclose(file);
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

static const char *at(struct fixture *f, const char *below)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->base, below);
	return f->path;
}

static int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? (int)(st.st_mode & 07777) : -1;
}

static void makes_what_is_missing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tg_folder_check(at(f, "a/b//c/")), 0);
	assert_int_equal(mode_of(at(f, "a")), -1); /* looking makes nothing */
	assert_int_equal(tg_folder_make(at(f, "a/b//c/"), 0700), 0);
	assert_int_equal(mode_of(at(f, "a")), 0755);
	assert_int_equal(mode_of(at(f, "a/b/c")), 0700);
	assert_int_equal(tg_folder_make(at(f, "a/b"), 0700), 0);
	assert_int_equal(mode_of(at(f, "a/b")), 0755); /* what is there keeps its mode */
}

static void makes_the_folder_of_a_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tg_folder_check_for(at(f, "run/tidegate/sock")), 0);
	assert_int_equal(tg_folder_make_for(at(f, "run/tidegate/sock"), 0711), 0);
	assert_int_equal(mode_of(at(f, "run/tidegate")), 0711);
	assert_int_equal(access(at(f, "run/tidegate/sock"), F_OK), -1);
}

static void relative_paths(void **state)
{
	struct fixture *f = *state;
	char before[PATH_MAX];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(f->base), 0);
	assert_int_equal(tg_folder_check_for("sock"), 0);
	assert_int_equal(tg_folder_make_for("sock", 0755), 0);
	assert_int_equal(tg_folder_check("x/y"), 0);
	assert_int_equal(tg_folder_make("x/y", 0755), 0);
	assert_int_equal(tg_folder_check_for("file/y"), -ENOTDIR);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(mode_of(at(f, "x/y")), 0755);
}

/* Looking and making come to the same. */
static void refuses(void **state)
{
	static const struct {
		const char *below;
		int rc;
	} table[] = {{"file", -ENOTDIR}, {"file/x", -ENOTDIR}, {"file/x/y", -ENOTDIR}};
	struct fixture *f = *state;
	char *longest = calloc(1, PATH_MAX + 1);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(tg_folder_check(at(f, table[i].below)), table[i].rc);
		assert_int_equal(tg_folder_make(at(f, table[i].below), 0700), table[i].rc);
	}
	assert_int_equal(tg_folder_check(""), -EINVAL);
	assert_int_equal(tg_folder_make("", 0700), -EINVAL);
	assert_int_equal(tg_folder_make_for("", 0700), -EINVAL);
	assert_non_null(longest);
	memset(longest, 'x', PATH_MAX);
	assert_int_equal(tg_folder_check(longest), -ENAMETOOLONG);
	assert_int_equal(tg_folder_make_for(longest, 0700), -ENAMETOOLONG);
	free(longest);
}

/* A parent that may not be written, and a folder that may only be read. */
static void wants_permission(void **state)
{
	struct fixture *f = *state;
	uid_t before = geteuid();

	assert_int_equal(mkdir(at(f, "closed"), 0555), 0);
	if (before == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(tg_folder_check(at(f, "closed/x/y")), -EACCES);
	assert_int_equal(tg_folder_make(at(f, "closed/x/y"), 0700), -EACCES);
	assert_int_equal(tg_folder_check(at(f, "closed")), -EACCES);
	assert_int_equal(tg_folder_make(at(f, "closed"), 0700), -EACCES);
	if (before == 0)
		assert_int_equal(seteuid(before), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(makes_what_is_missing),
		TEST(makes_the_folder_of_a_file),
		TEST(relative_paths),
		TEST(refuses),
		TEST(wants_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watcher over a real directory with a clock of the test's own. The kernel queues inotify's
 * events before the call that causes them returns, so nothing here waits.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "watch.h"

#define DEBOUNCE 10u

struct fixture {
	char base[64]; /* working directory of the test */
	struct tg_watch *watch;
	uint64_t now;
};

static bool wanted(const char *name, bool folder)
{
	size_t n = strlen(name);

	return name[0] != '.' && (folder || (n > 5 && strcmp(name + n - 5, ".yaml") == 0));
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	/* Paths are forgotten all the time: nobody may notice. */
	const struct tg_watch_options options = {
		.debounce_ms = DEBOUNCE, .wanted = wanted, .paths_more = 4};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->base, "/tmp/tidegate-watch-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	assert_int_equal(chdir(f->base), 0);
	assert_int_equal(mkdir("root", 0755), 0);
	assert_int_equal(tg_watch_create(&options, &f->watch), 0);
	assert_int_equal(tg_watch_add(f->watch, "root/"), 0);
	f->now = 1000;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	tg_watch_free(f->watch);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->base);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct tg_watch_change *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Collects now and compares with "+a -b": + changed, - removed, sorted by path. */
static void expect_now(struct fixture *f, const char *expected)
{
	const struct tg_watch_change *changes;
	struct tg_watch_change sorted[64];
	char got[4096] = "";
	size_t n;

	assert_int_equal(tg_watch_collect(f->watch, f->now, &changes, &n), 0);
	assert_true(n <= 64);
	if (n > 0)
		memcpy(sorted, changes, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%c%s", i == 0 ? "" : " ",
			sorted[i].removed ? '-' : '+', sorted[i].path);
	}
	assert_string_equal(got, expected);
}

static void read_events(struct fixture *f)
{
	assert_int_equal(tg_watch_read(f->watch, f->now), 0);
}

/* After a pause: what happened is due at once, and is `expected`. */
static void expect(struct fixture *f, const char *expected)
{
	f->now += 1000;
	read_events(f);
	expect_now(f, expected);
}

/* What is still pending when the debounce time is over. */
static void expect_later(struct fixture *f, const char *expected)
{
	f->now += DEBOUNCE;
	read_events(f);
	expect_now(f, expected);
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
}

static void start(struct fixture *f)
{
	const struct tg_watch_change *changes;
	size_t n;

	assert_true(tg_watch_due(f->watch) <= f->now);
	assert_int_equal(tg_watch_collect(f->watch, f->now, &changes, &n), 0);
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
}

/* Until the file is old enough for stat to tell whether it was written since; ctime cannot be set.
 */
static void wait_until_old(const char *path)
{
	struct stat st;
	struct timespec now;

	do {
		assert_int_equal(stat(path, &st), 0);
		clock_gettime(CLOCK_REALTIME, &now);
	} while ((now.tv_sec - st.st_ctim.tv_sec) * 1000 +
			 (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000 <
		 120);
}

static void everything_is_found_once(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "");
	put("root/notes.txt", "");
	put("root/.hidden.yaml", "");
	mkdir("root/sub", 0755);
	mkdir("root/sub/deep", 0755);
	mkdir("root/.git", 0755);
	put("root/sub/deep/b.yaml", "");
	put("root/.git/c.yaml", "");
	assert_int_equal(tg_watch_due(f->watch), 0);
	expect_now(f, "+root/a.yaml +root/sub/deep/b.yaml");
	expect(f, "");
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
	put("root/sub/deep/d.yaml", "");
	expect(f, "+root/sub/deep/d.yaml");
}

static void a_lone_event_is_due_at_once(void **state)
{
	struct fixture *f = *state;

	start(f);
	put("root/a.yaml", "1");
	f->now += 1000;
	read_events(f);
	assert_true(tg_watch_due(f->watch) == f->now);
	expect_now(f, "+root/a.yaml");
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
	f->now += DEBOUNCE;
	put("root/a.yaml", "2");
	read_events(f);
	assert_true(tg_watch_due(f->watch) == f->now);
	expect_now(f, "+root/a.yaml");
}

static void a_burst_is_gathered_up_to_a_cap(void **state)
{
	struct fixture *f = *state;
	uint64_t first;

	start(f);
	f->now += 1000;
	put("root/a.yaml", "1");
	read_events(f);
	expect_now(f, "+root/a.yaml");

	first = ++f->now;
	put("root/b.yaml", "1");
	read_events(f);
	assert_true(tg_watch_due(f->watch) == first + DEBOUNCE);
	/* Each further event puts it off, but only up to the cap. */
	for (int i = 0; i < 20; i++) {
		uint64_t quiet, cap = first + DEBOUNCE * TG_WATCH_BURST_CAP;

		f->now += DEBOUNCE / 2;
		put("root/c.yaml", "1");
		read_events(f);
		quiet = f->now + DEBOUNCE;
		assert_true(tg_watch_due(f->watch) == (quiet < cap ? quiet : cap));
	}
	expect_now(f, "+root/b.yaml +root/c.yaml");
}

static void a_removal_is_believed_when_it_lasts(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "1");
	start(f);
	unlink("root/a.yaml");
	expect(f, "");
	assert_true(tg_watch_due(f->watch) == f->now + DEBOUNCE);
	f->now += DEBOUNCE - 1;
	expect_now(f, "");
	f->now += 1;
	expect_now(f, "-root/a.yaml");
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
	expect(f, "");
}

static void an_editor_that_moves_the_file_away_first_removes_nothing(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "1");
	start(f);
	rename("root/a.yaml", "root/a.yaml~");
	expect(f, "");
	f->now += DEBOUNCE / 2;
	put("root/a.yaml", "2");
	read_events(f);
	expect_now(f, "+root/a.yaml");
	expect_later(f, "");
}

static void files_are_renamed_into_place_and_about(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "1");
	start(f);
	put("root/.a.yaml.tmp", "2");
	rename("root/.a.yaml.tmp", "root/a.yaml");
	expect(f, "+root/a.yaml");
	rename("root/a.yaml", "root/b.yaml");
	expect(f, "+root/b.yaml");
	expect_later(f, "-root/a.yaml");
}

static void links_need_no_close(void **state)
{
	struct fixture *f = *state;

	put("elsewhere.yaml", "1");
	start(f);
	assert_int_equal(symlink("../elsewhere.yaml", "root/s.yaml"), 0);
	assert_int_equal(link("elsewhere.yaml", "root/h.yaml"), 0);
	expect(f, "+root/h.yaml +root/s.yaml");
}

static void a_file_that_is_only_open_is_left_alone(void **state)
{
	struct fixture *f = *state;
	int fd;

	start(f);
	fd = open("root/a.yaml", O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	expect(f, "");
	close(fd);
	expect(f, "+root/a.yaml");
}

static void new_folders_are_followed(void **state)
{
	struct fixture *f = *state;

	start(f);
	mkdir("root/x", 0755);
	mkdir("root/x/y", 0755);
	put("root/x/y/a.yaml", "1");
	expect(f, "+root/x/y/a.yaml");
	put("root/x/y/b.yaml", "1");
	expect(f, "+root/x/y/b.yaml");
}

static void folders_move_about(void **state)
{
	struct fixture *f = *state;

	mkdir("root/x", 0755);
	mkdir("root/x/y", 0755);
	put("root/x/y/a.yaml", "1");
	start(f);
	rename("root/x", "root/z");
	expect(f, "+root/z/y/a.yaml");
	expect_later(f, "-root/x/y/a.yaml");
	put("root/z/y/b.yaml", "1");
	expect(f, "+root/z/y/b.yaml");
	rename("root/z/y", "outside");
	expect(f, "");
	expect_later(f, "-root/z/y/a.yaml -root/z/y/b.yaml");
	put("outside/c.yaml", "1");
	expect(f, "");
	rename("outside", "root/back");
	expect(f, "+root/back/a.yaml +root/back/b.yaml +root/back/c.yaml");
}

static void a_removed_folder_takes_its_files(void **state)
{
	struct fixture *f = *state;

	mkdir("root/x", 0755);
	put("root/x/a.yaml", "1");
	start(f);
	unlink("root/x/a.yaml");
	rmdir("root/x");
	expect(f, "");
	expect_later(f, "-root/x/a.yaml");
	mkdir("root/x", 0755);
	put("root/x/a.yaml", "2");
	expect(f, "+root/x/a.yaml");
}

/* As the kubelet writes volumes: files are links through ..data, which is swapped as a whole. */
static void a_configmap_is_swapped_as_a_whole(void **state)
{
	struct fixture *f = *state;

	mkdir("root/..1", 0755);
	put("root/..1/a.yaml", "1");
	put("root/..1/b.yaml", "1");
	assert_int_equal(symlink("..1", "root/..data"), 0);
	assert_int_equal(symlink("..data/a.yaml", "root/a.yaml"), 0);
	assert_int_equal(symlink("..data/b.yaml", "root/b.yaml"), 0);
	assert_int_equal(symlink("..data/c.yaml", "root/c.yaml"), 0);
	expect_now(f, "+root/a.yaml +root/b.yaml +root/c.yaml"); /* c leads nowhere */

	mkdir("root/..2", 0755);
	put("root/..2/a.yaml", "2");
	put("root/..2/c.yaml", "2");
	assert_int_equal(symlink("..2", "root/..data_tmp"), 0);
	assert_int_equal(rename("root/..data_tmp", "root/..data"), 0);
	expect(f, "+root/a.yaml +root/c.yaml");
	unlink("root/b.yaml"); /* the kubelet does so at once: nobody hears of the dangling link */
	expect_later(f, "-root/b.yaml");
}

/* Times out of the way: what an event causes, and what it causes when it lasts. */
static void expect_in_the_end(struct fixture *f, const char *expected)
{
	expect(f, "");
	expect_later(f, expected);
}

static void only_what_is_not_there_is_removed(void **state)
{
	static const struct {
		const char *what, *to; /* a link's target; NULL: a pipe */
	} cases[] = {
		{"a dangling link", "nowhere.yaml"},
		{"a link to itself", "a.yaml"},
		{"a link to a pipe", "../pipe"},
		{"a link through a file", "notes.txt/a.yaml"},
		{"a pipe", NULL},
	};
	struct fixture *f = *state;

	put("root/notes.txt", "");
	assert_int_equal(mkfifo("pipe", 0644), 0);
	put("root/a.yaml", "1");
	start(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].what);
		unlink("root/a.yaml");
		if (cases[i].to != NULL)
			assert_int_equal(symlink(cases[i].to, "root/a.yaml"), 0);
		else
			assert_int_equal(mkfifo("root/a.yaml", 0644), 0);
		expect_in_the_end(f, "+root/a.yaml");
		/* It is told once. */
		tg_watch_rescan(f->watch);
		expect(f, "");
		unlink("root/a.yaml");
		expect_in_the_end(f, "-root/a.yaml");
		put("root/a.yaml", "2");
		expect(f, "+root/a.yaml");
	}
}

static void what_cannot_be_read_at_the_start_is_reported_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("a.yaml", "root/a.yaml"), 0);
	assert_int_equal(symlink("nowhere", "root/b.yaml"), 0);
	assert_int_equal(mkfifo("root/c.yaml", 0644), 0);
	assert_int_equal(mkfifo("root/notes.txt", 0644), 0);
	assert_int_equal(symlink("nowhere", "root/.#a.yaml"), 0);
	expect_now(f, "+root/a.yaml +root/b.yaml +root/c.yaml");
	/* Another reason is told again, and what can be read is as well. */
	unlink("root/a.yaml");
	assert_int_equal(symlink("nowhere", "root/a.yaml"), 0);
	put("root/nowhere", "");
	unlink("root/b.yaml");
	put("root/b.yaml", "");
	expect(f, "+root/a.yaml +root/b.yaml");
}

static const struct tg_watch_problem *only_problem(struct fixture *f)
{
	const struct tg_watch_problem *problems;
	size_t n;

	problems = tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 1);
	return problems;
}

static void expect_no_problem(struct fixture *f)
{
	size_t n;

	tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 0);
}

static void a_link_that_may_lead_to_a_folder_hides_what_is_below(void **state)
{
	struct fixture *f = *state;

	mkdir("shared", 0755);
	put("shared/a.yaml", "1");
	assert_int_equal(symlink("../shared", "root/one"), 0);
	start(f);
	rename("shared", "moved");
	expect(f, "");
	expect_later(f, "");
	assert_string_equal(only_problem(f)->path, "root/one");
	assert_true(only_problem(f)->unread);
	rename("moved", "shared");
	put("shared/b.yaml", "1");
	tg_watch_rescan(f->watch);
	expect(f, "+root/one/a.yaml +root/one/b.yaml"); /* a is too young for stat */
	expect_no_problem(f);

	/* The target goes file by file, and the link last. */
	unlink("shared/a.yaml");
	unlink("shared/b.yaml");
	rmdir("shared");
	expect(f, "");
	expect_later(f, "");
	assert_string_equal(only_problem(f)->path, "root/one");
	unlink("root/one");
	expect_in_the_end(f, "-root/one/a.yaml -root/one/b.yaml");
	expect_no_problem(f);
	/* A new one that leads nowhere is a problem from the beginning. */
	assert_int_equal(symlink("nowhere", "root/two"), 0);
	expect(f, "");
	assert_string_equal(only_problem(f)->path, "root/two");
	unlink("root/two");
	expect(f, "");
	expect_no_problem(f);
}

/* The folder above is moved, so that no event says that the link leads nowhere now. */
static void a_file_behind_a_link_that_broke_unseen_is_not_removed(void **state)
{
	struct fixture *f = *state;

	mkdir("mnt", 0755);
	mkdir("mnt/shared", 0755);
	put("mnt/shared/a.yaml", "1");
	assert_int_equal(symlink("../mnt/shared", "root/one"), 0);
	start(f);
	rename("mnt", "elsewhere");
	put("elsewhere/shared/a.yaml", "2"); /* an event for a path that is none any more */
	expect_in_the_end(f, "");
	assert_string_equal(only_problem(f)->path, "root/one");
	rename("elsewhere", "mnt");
	tg_watch_rescan(f->watch);
	expect(f, "+root/one/a.yaml");
	expect_no_problem(f);
}

static void a_name_too_long_is_a_problem(void **state)
{
	struct fixture *f = *state;
	char name[NAME_MAX + 1], deep[PATH_MAX];
	int dir = open("root", O_RDONLY | O_DIRECTORY), sub;
	size_t n = strlen("root");

	start(f);
	memset(name, 'n', 255);
	name[255] = '\0';
	strcpy(deep, "root");
	while (n + 256 < PATH_MAX - 8) {
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		sub = openat(dir, name, O_RDONLY | O_DIRECTORY);
		assert_true(sub >= 0);
		close(dir);
		dir = sub;
		n += (size_t)snprintf(deep + n, sizeof(deep) - n, "/%s", name);
	}
	expect(f, "");
	expect_no_problem(f);
	memcpy(name + 250, ".yaml", 5);
	sub = openat(dir, name, O_CREAT | O_WRONLY, 0644);
	assert_true(sub >= 0);
	close(sub);
	expect(f, "");
	assert_string_equal(only_problem(f)->path, deep);
	assert_non_null(strstr(only_problem(f)->text, "too long"));
	assert_true(only_problem(f)->unread);
	assert_int_equal(unlinkat(dir, name, 0), 0);
	expect(f, "");
	expect_no_problem(f);
	close(dir);
}

static void a_folder_without_permission_removes_nothing(void **state)
{
	struct fixture *f = *state;

	if (getuid() == 0) {
		assert_int_equal(chown(".", 65534, 0) | chown("root", 65534, 0), 0);
		assert_int_equal(seteuid(65534), 0); /* the teardown goes back */
	}
	mkdir("root/x", 0755);
	put("root/x/a.yaml", "1");
	start(f);
	chmod("root/x", 0);
	expect(f, "");
	expect_later(f, "");
	assert_string_equal(only_problem(f)->path, "root/x");
	assert_true(only_problem(f)->unread);
	chmod("root/x", 0400); /* names, but no way to what they are of */
	expect(f, "");
	expect_later(f, "+root/x/a.yaml");
	chmod("root/x", 0755);
	expect(f, "+root/x/a.yaml");
	expect_no_problem(f);
	chmod("root", 0);
	expect(f, "");
	expect_later(f, "");
	assert_string_equal(only_problem(f)->path, "root");
	chmod("root", 0755);
	expect(f, "+root/x/a.yaml");
	expect_no_problem(f);
}

static void what_could_not_be_read_is_read_again(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "1");
	put("root/b.yaml", "1");
	wait_until_old("root/b.yaml");
	start(f);
	tg_watch_again(f->watch, "root/a.yaml", false);
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
	tg_watch_rescan(f->watch);
	expect(f, "+root/a.yaml");
	tg_watch_rescan(f->watch);
	expect(f, "");
	tg_watch_again(f->watch, "root/b.yaml", true);
	assert_true(tg_watch_due(f->watch) == f->now + DEBOUNCE);
	expect(f, "+root/b.yaml");
	tg_watch_again(f->watch, "root/unheard-of.yaml", true);
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
}

static void an_overflow_is_made_up_for_by_a_scan(void **state)
{
	struct fixture *f = *state;
	char path[64];

	put("root/a.yaml", "1");
	put("root/b.yaml", "1");
	put("root/c.yaml", "1");
	start(f);
	/* Two names in turn, since equal events in a row are one to the kernel. */
	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "root/n%d.txt", i & 1);
		assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0644)), 0);
	}
	put("root/b.yaml", "22");
	unlink("root/c.yaml");
	put("root/d.yaml", "1");
	f->now += 1000;
	read_events(f);
	{
		const struct tg_watch_change *changes;
		bool b = false, d = false;
		size_t n;

		/* a.yaml may be among them: it is too young for stat to tell. */
		assert_int_equal(tg_watch_collect(f->watch, f->now, &changes, &n), 0);
		for (size_t i = 0; i < n; i++) {
			assert_false(changes[i].removed);
			b |= strcmp(changes[i].path, "root/b.yaml") == 0;
			d |= strcmp(changes[i].path, "root/d.yaml") == 0;
		}
		assert_true(b && d);
	}
	expect_later(f, "-root/c.yaml");
}

static void a_rescan_reports_only_what_differs(void **state)
{
	struct fixture *f = *state;

	put("root/a.yaml", "1");
	put("root/b.yaml", "1");
	wait_until_old("root/b.yaml");
	expect_now(f, "+root/a.yaml +root/b.yaml");
	put("root/b.yaml", "2");
	tg_watch_rescan(f->watch);
	assert_int_equal(tg_watch_due(f->watch), 0);
	f->now += 1000;
	expect_now(f, "+root/b.yaml"); /* its event has not been read */
}

static void a_missing_root_removes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct tg_watch_problem *problems;
	size_t n;

	put("root/a.yaml", "1");
	start(f);
	rename("root", "gone");
	expect(f, "");
	f->now += DEBOUNCE * 100;
	expect_now(f, "");
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
	problems = tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 1);
	assert_string_equal(problems[0].path, "root");
	assert_non_null(strstr(problems[0].text, "No such file"));
	assert_true(problems[0].unread);

	/* Another folder takes its place: now what it lacks is gone. */
	mkdir("other", 0755);
	put("other/b.yaml", "1");
	rename("other", "root");
	expect(f, "+root/b.yaml");
	expect_later(f, "-root/a.yaml");
	tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 0);
	put("root/c.yaml", "1");
	expect(f, "+root/c.yaml");
}

static void a_root_may_appear_later(void **state)
{
	struct fixture *f = *state;
	size_t n;

	assert_int_equal(tg_watch_add(f->watch, "late"), 0);
	start(f);
	tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 1);
	mkdir("late", 0755);
	put("late/a.yaml", "1");
	expect(f, "+late/a.yaml");
	tg_watch_problems(f->watch, &n);
	assert_int_equal(n, 0);
}

static void linked_folders_are_entered_once(void **state)
{
	struct fixture *f = *state;

	mkdir("shared", 0755);
	put("shared/a.yaml", "1");
	put("root/b.yaml", "1");
	assert_int_equal(symlink("../shared", "root/one"), 0);
	assert_int_equal(symlink("../root", "root/loop"), 0);
	expect_now(f, "+root/b.yaml +root/one/a.yaml");
	put("shared/c.yaml", "1");
	expect(f, "+root/one/c.yaml");
	unlink("root/one");
	expect(f, "");
	expect_later(f, "-root/one/a.yaml -root/one/c.yaml");
}

static void other_files_cause_nothing(void **state)
{
	struct fixture *f = *state;

	start(f);
	put("root/notes.txt", "1");
	put("root/4913", "");
	unlink("root/4913");
	put("root/.a.yaml.swp", "");
	f->now += 1000;
	read_events(f);
	assert_true(tg_watch_due(f->watch) == UINT64_MAX);
}

/* Whatever comes and goes, paths are no more than twice those that are needed, and a few. */
static void paths_of_files_that_are_gone_are_forgotten(void **state)
{
	struct fixture *f = *state;
	char path[64], report[128];
	size_t n;

	assert_int_equal(tg_watch_add(f->watch, "absent"), 0);
	mkdir("root/sub", 0755);
	put("root/stays.yaml", "1");
	put("root/sub/stays.yaml", "1");
	start(f);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "root/%spod-%u.yaml", i & 1 ? "sub/" : "", i);
		snprintf(report, sizeof(report), "+%s", path);
		put(path, "1");
		expect(f, report);
		unlink(path);
		expect(f, "");
		report[0] = '-';
		expect_later(f, report);
		/* "", both roots, the folder of both, the sub-folder and its file, the file */
		assert_true(tg_watch_paths(f->watch) <= 8 * 2 + 4);
	}
	assert_string_equal(tg_watch_problems(f->watch, &n)[0].path, "absent");
	assert_int_equal(n, 1);
	put("root/sub/stays.yaml", "22");
	expect(f, "+root/sub/stays.yaml");
	unlink("root/stays.yaml");
	expect(f, "");
	expect_later(f, "-root/stays.yaml");
	put("root/pod-0.yaml", "1");
	expect(f, "+root/pod-0.yaml");
	mkdir("absent", 0755);
	put("absent/late.yaml", "1");
	expect(f, "+absent/late.yaml");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(everything_is_found_once),
		TEST(a_lone_event_is_due_at_once),
		TEST(a_burst_is_gathered_up_to_a_cap),
		TEST(a_removal_is_believed_when_it_lasts),
		TEST(an_editor_that_moves_the_file_away_first_removes_nothing),
		TEST(files_are_renamed_into_place_and_about),
		TEST(links_need_no_close),
		TEST(a_file_that_is_only_open_is_left_alone),
		TEST(new_folders_are_followed),
		TEST(folders_move_about),
		TEST(a_removed_folder_takes_its_files),
		TEST(a_configmap_is_swapped_as_a_whole),
		TEST(only_what_is_not_there_is_removed),
		TEST(what_cannot_be_read_at_the_start_is_reported_at_once),
		TEST(a_link_that_may_lead_to_a_folder_hides_what_is_below),
		TEST(a_file_behind_a_link_that_broke_unseen_is_not_removed),
		TEST(a_name_too_long_is_a_problem),
		TEST(a_folder_without_permission_removes_nothing),
		TEST(what_could_not_be_read_is_read_again),
		TEST(an_overflow_is_made_up_for_by_a_scan),
		TEST(a_rescan_reports_only_what_differs),
		TEST(a_missing_root_removes_nothing),
		TEST(a_root_may_appear_later),
		TEST(linked_folders_are_entered_once),
		TEST(other_files_cause_nothing),
		TEST(paths_of_files_that_are_gone_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

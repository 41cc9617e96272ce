/* SPDX-License-Identifier: BSD-3-Clause */
#include "manifests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"
#include "vec.h"

struct folder_id {
	dev_t dev;
	ino_t ino;
};

struct walk {
	struct tg_store *store;
	TG_VEC(struct folder_id) visited;
};

bool tg_manifest_wanted(const char *name)
{
	static const char *const suffixes[] = {".yaml", ".yml", ".json", ".endpoints"};
	size_t n = strlen(name);

	if (name[0] == '.' || name[0] == '#')
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t m = strlen(suffixes[i]);

		if (n > m && strcmp(name + n - m, suffixes[i]) == 0)
			return true;
	}
	return false;
}

bool tg_manifest_folder_wanted(const char *name)
{
	return name[0] != '.';
}

/* Reads to the end of the file, at most TG_MANIFEST_SIZE_MAX bytes: it may still be growing. */
static int read_all(int fd, size_t expected, char **out, size_t *size)
{
	size_t cap = expected + 1, n = 0;
	char *text = malloc(cap), *grown;

	while (text != NULL) {
		ssize_t got = read(fd, text + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return -errno;
		}
		n += (size_t)got;
		if (got == 0) {
			*out = text;
			*size = n;
			return 0;
		}
		if (n > TG_MANIFEST_SIZE_MAX) {
			free(text);
			return -EFBIG;
		}
		if (n < cap)
			continue;
		cap *= 2;
		grown = realloc(text, cap);
		if (grown == NULL)
			free(text);
		text = grown;
	}
	return -ENOMEM;
}

static int read_regular(const char *path, char **out, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size > (off_t)TG_MANIFEST_SIZE_MAX)
		err = -EFBIG;
	else
		err = read_all(fd, (size_t)st.st_size, out, size);
	close(fd);
	return err;
}

static int fail(struct tg_store *store, const char *path, int err)
{
	char why[128];
	int failed;

	if (err == -EFBIG)
		snprintf(why, sizeof(why), "larger than %u MiB", TG_MANIFEST_SIZE_MAX >> 20);
	else if (err == -EINVAL)
		snprintf(why, sizeof(why), "not a regular file");
	else if (err == -ENOENT)
		snprintf(why, sizeof(why), "cannot be read: a link that leads nowhere, or gone");
	else
		snprintf(why, sizeof(why), "cannot be read: %s", strerror(-err));
	failed = tg_store_fail(store, path, why);
	return failed != 0 ? failed : err;
}

/* The result of the load; errors of reading are reported to the store as well. */
static int load_file(struct tg_store *store, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	int err = read_regular(path, &text, &size);

	if (err == -ENOMEM)
		return err;
	if (err != 0)
		return fail(store, path, err);
	err = tg_store_load(store, path, text, size);
	free(text);
	return err;
}

int tg_manifest_reload(struct tg_store *store, const char *file)
{
	return load_file(store, file);
}

static bool was_visited(const struct walk *walk, const struct stat *st)
{
	for (size_t i = 0; i < walk->visited.n; i++)
		if (walk->visited.v[i].dev == st->st_dev && walk->visited.v[i].ino == st->st_ino)
			return true;
	return false;
}

static int load_folder(struct walk *walk, const char *path, unsigned int depth);

static bool wanted(const char *name, bool folder)
{
	return folder ? tg_manifest_folder_wanted(name) : tg_manifest_wanted(name);
}

static int load_look(
	struct walk *walk, const char *path, const struct look *look, unsigned int depth)
{
	switch (look->kind) {
	case LOOK_FOLDER:
		return was_visited(walk, &look->st) ? 0 : load_folder(walk, path, depth);
	case LOOK_FILE:
		return load_file(walk->store, path);
	case LOOK_BAD_FILE:
	case LOOK_BAD_FOLDER:
		return fail(walk->store, path, -look->error);
	default:
		return 0;
	}
}

/* Only a lack of memory stops the walk; everything else is a matter of one file. */
static int load_entry(struct walk *walk, const char *folder, const char *name, unsigned int depth)
{
	char path[PATH_MAX];
	struct look look;
	int err;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !look_matters(wanted, name))
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		err = fail(walk->store, folder, -ENAMETOOLONG);
	} else {
		look_at(path, wanted, &look);
		err = load_look(walk, path, &look, depth + 1);
	}
	return err == -ENOMEM ? err : 0;
}

static int load_entries(
	struct walk *walk, const char *path, struct dirent **entries, int n, unsigned int depth)
{
	int err = 0;

	for (int i = 0; i < n && err == 0; i++)
		err = load_entry(walk, path, entries[i]->d_name, depth);
	return err;
}

static int load_folder(struct walk *walk, const char *path, unsigned int depth)
{
	struct dirent **entries;
	struct folder_id id;
	struct stat st;
	int n, err;

	if (depth > TG_MANIFEST_DEPTH_MAX)
		return fail(walk->store, path, -ELOOP);
	if (stat(path, &st) != 0)
		return fail(walk->store, path, -errno);
	id = (struct folder_id){st.st_dev, st.st_ino};
	if (tg_vec_push(&walk->visited, id) != 0)
		return -ENOMEM;
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		return fail(walk->store, path, -errno);
	err = load_entries(walk, path, entries, n, depth);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return err;
}

static int load_root(struct tg_store *store, const char *path)
{
	struct walk walk = {.store = store};
	char trimmed[PATH_MAX];
	size_t n = strlen(path);
	int err;

	if (n >= sizeof(trimmed))
		return -ENAMETOOLONG;
	while (n > 1 && path[n - 1] == '/')
		n--;
	memcpy(trimmed, path, n);
	trimmed[n] = '\0';
	err = load_folder(&walk, trimmed, 0);
	tg_vec_free(&walk.visited);
	return err;
}

int tg_manifests_load(struct tg_store *store, const char *path)
{
	struct stat st;
	int err;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return -errno;
	err = S_ISDIR(st.st_mode) ? load_root(store, path) : load_file(store, path);
	return err == -ENOMEM ? err : 0;
}

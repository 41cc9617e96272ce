/* SPDX-License-Identifier: BSD-3-Clause */
#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path without slashes at its end, in `out` (PATH_MAX bytes). */
static int copy_path(const char *path, char *out)
{
	size_t length = strlen(path);

	if (length == 0)
		return -EINVAL;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	while (length > 1 && path[length - 1] == '/')
		length--;
	memcpy(out, path, length);
	out[length] = '\0';
	return 0;
}

/* Cuts the last name off: "/a/b" is "/a" then, "/a" is "/", and "a" is ".". */
static void cut_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL) {
		strcpy(path, ".");
		return;
	}
	while (slash > path && slash[-1] == '/')
		slash--;
	slash[slash == path] = '\0';
}

static int usable(const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return eaccess(path, mode) == 0 ? 0 : -errno;
}

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int make(char *path, mode_t mode)
{
	int rc = make_parents(path);

	if (rc == 0 && mkdir(path, mode) != 0 && errno != EEXIST)
		rc = -errno;
	return rc == 0 ? usable(path, R_OK | W_OK | X_OK) : rc;
}

/* The nearest parent that exists is the one in which a missing folder is made. */
static int check(char *path)
{
	int rc = usable(path, R_OK | W_OK | X_OK);

	while (rc == -ENOENT && strcmp(path, "/") != 0 && strcmp(path, ".") != 0) {
		cut_name(path);
		rc = usable(path, W_OK | X_OK);
	}
	return rc;
}

int tg_folder_make(const char *path, mode_t mode)
{
	char folder[PATH_MAX];
	int rc = copy_path(path, folder);

	return rc == 0 ? make(folder, mode) : rc;
}

int tg_folder_make_for(const char *path, mode_t mode)
{
	char folder[PATH_MAX];
	int rc = copy_path(path, folder);

	if (rc != 0)
		return rc;
	cut_name(folder);
	return make(folder, mode);
}

int tg_folder_check(const char *path)
{
	char folder[PATH_MAX];
	int rc = copy_path(path, folder);

	return rc == 0 ? check(folder) : rc;
}

int tg_folder_check_for(const char *path)
{
	char folder[PATH_MAX];
	int rc = copy_path(path, folder);

	if (rc != 0)
		return rc;
	cut_name(folder);
	return check(folder);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "look.h"

#include <errno.h>
#include <string.h>

bool look_matters(look_wanted *wanted, const char *name)
{
	return wanted(name, false) || wanted(name, true);
}

static bool is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/* stat has failed with `error`: nothing is there, or something that cannot be looked at. */
static bool nothing_there(const char *path, int error)
{
	struct stat st;

	return is_absence(error) && lstat(path, &st) != 0 && is_absence(errno);
}

void look_at(const char *path, look_wanted *wanted, struct look *out)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	bool file = wanted(name, false);

	out->kind = LOOK_PASSED;
	out->error = 0;
	if (!file && !wanted(name, true))
		return;
	if (stat(path, &out->st) != 0) {
		out->error = errno;
		if (nothing_there(path, errno))
			out->kind = LOOK_GONE;
		else
			out->kind = file ? LOOK_BAD_FILE : LOOK_BAD_FOLDER;
	} else if (S_ISDIR(out->st.st_mode)) {
		if (wanted(name, true))
			out->kind = LOOK_FOLDER;
	} else if (file && S_ISREG(out->st.st_mode)) {
		out->kind = LOOK_FILE;
	} else if (file) {
		out->kind = LOOK_BAD_FILE;
		out->error = EINVAL;
	}
}

bool look_gone(char *path, size_t root, int *error)
{
	struct stat st;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL && (size_t)(slash - path) > root) {
		*slash = '\0';
		if (stat(path, &st) == 0)
			return true; /* a folder without it, or a file where a folder was */
		*error = errno;
		if (!nothing_there(path, *error))
			return false;
	}
	return true;
}

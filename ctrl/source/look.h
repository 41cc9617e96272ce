/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/source: what a path in a tree of manifests is. The watcher and the offline walk
 * both ask here, so what one of them reads the other does not pass over.
 *
 * Only what lstat does not find is gone. A link that leads nowhere or in circles, a path that may
 * not be looked at, a pipe with a manifest's name: something is there and cannot be read, and what
 * it would say is not known. To take that for "nothing" would drop the policies in it.
 */
#ifndef TG_SOURCE_LOOK_H
#define TG_SOURCE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum look_kind {
	LOOK_GONE,	 /* there is nothing */
	LOOK_PASSED,	 /* no concern of ours */
	LOOK_FILE,	 /* a regular file with a manifest's name */
	LOOK_FOLDER,	 /* to be entered */
	LOOK_BAD_FILE,	 /* has a manifest's name and cannot be read */
	LOOK_BAD_FOLDER, /* may be a folder and cannot be entered */
};

struct look {
	enum look_kind kind;
	int error;	/* of the bad ones, positive; EINVAL: not a regular file */
	struct stat st; /* of LOOK_FILE and LOOK_FOLDER */
};

/* Whether to read a file, or to enter a folder, of this name. */
typedef bool look_wanted(const char *name, bool folder);

/* Whether a name matters at all, whatever it is the name of. */
bool look_matters(look_wanted *wanted, const char *name);
/* What is at `path`; its last component decides whether it is wanted. */
void look_at(const char *path, look_wanted *wanted, struct look *out);

/*
 * Whether what look_at() does not find is gone in truth: every folder between it and its root
 * (the first `root` bytes of the path, known to be there) is a folder or gone as well. Otherwise
 * `path` is cut to the one that cannot be followed, and *error says why.
 */
bool look_gone(char *path, size_t root, int *error);

#endif

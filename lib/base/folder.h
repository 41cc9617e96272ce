/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Folders that a process keeps its files in: made when they are missing, and looked at beforehand.
 * Both answer for the effective user. No state; may be called from any thread.
 */
#ifndef TG_FOLDER_H
#define TG_FOLDER_H

#include <sys/types.h>

/*
 * Makes the folder with `mode`, and its parents with 0755, where they are missing; what is there
 * keeps its mode. 0 when files can be made, read and removed in it; -ENOTDIR: something else is in
 * the way; -EINVAL: an empty path; -errno.
 */
int tg_folder_make(const char *path, mode_t mode);
/* The same for the folder that the file `path` lies in. */
int tg_folder_make_for(const char *path, mode_t mode);

/* What the two would come to, as far as can be told without making anything. 0 or -errno. */
int tg_folder_check(const char *path);
int tg_folder_check_for(const char *path);

#endif

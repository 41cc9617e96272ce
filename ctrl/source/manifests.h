/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directories of manifests. Read are regular files named *.yaml, *.yml, *.json or *.endpoints, in
 * nested folders too. Passed over: names that begin with "." (hidden files, ConfigMap mounts'
 * "..data" and its time-stamped folders) or "#", names that end in "~", ".swp", ".tmp" and the
 * like. Symbolic links to files are followed, as ConfigMap mounts have them; symbolic links to
 * folders are followed as well, each folder once. What has such a name, or may be a folder, and
 * cannot be read is refused, never passed over (look.h).
 */
#ifndef TG_MANIFESTS_H
#define TG_MANIFESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

#define TG_MANIFEST_SIZE_MAX TG_TREE_SIZE_MAX
#define TG_MANIFEST_DEPTH_MAX 32 /* nested folders */

/* The last component of a path names a file that is to be read. */
bool tg_manifest_wanted(const char *name);
/* A folder of this name is to be entered. */
bool tg_manifest_folder_wanted(const char *name);

/*
 * Loads `path`, a file (whatever its name) or a folder with all below it, into the store under
 * names that begin with `path` as given. Files that cannot be read or are refused are reported by
 * the store. 0; -errno when `path` itself cannot be opened; -ENOMEM.
 */
int tg_manifests_load(struct tg_store *store, const char *path);
/*
 * Reads one file again. The result is that of tg_store_load(), or -errno of reading, which is
 * reported to the store and keeps the last good objects. That includes a file that is not there:
 * whether it is gone or only out of reach is not for the reader to say (watch.h).
 */
int tg_manifest_reload(struct tg_store *store, const char *file);

#endif

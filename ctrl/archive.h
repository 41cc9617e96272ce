/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rulesets kept in the state directory, so that after a restart rules keep their slots (and with
 * them their counters) and generations go on. A ruleset is written once it has been pushed, or at
 * once when it cannot be, under a name of its own, and flushed when it is acknowledged; older ones
 * are removed then. What is read back is checked like any other image.
 *
 * Files: ruleset-GENERATION.image, mode 0600. No state of its own: functions of one directory are
 * called one at a time.
 */
#ifndef TG_ARCHIVE_H
#define TG_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

/* Makes the directory, and its parents, when it is missing. 0 or -errno. */
int tg_archive_open(const char *directory);
/*
 * The good image of the highest generation: *image is 64-byte aligned, to be freed. 0; -ENOENT:
 * there is none; -errno. Images that are damaged are passed over.
 */
int tg_archive_load(const char *directory, void **image, size_t *size);
/* 0 or -errno, and then there is no file of this generation. */
int tg_archive_write(const char *directory, uint64_t generation, const void *image, size_t size);
/* This generation is acknowledged: to the disk with it, and away with those before. 0 or -errno. */
int tg_archive_commit(const char *directory, uint64_t generation);

#endif

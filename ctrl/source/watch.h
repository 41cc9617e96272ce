/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches directory trees of manifests: which files are to be read again, and when.
 *
 *	tg_watch_create, tg_watch_add      every file found is reported as changed once
 *	poll tg_watch_fd; tg_watch_read    takes what inotify has to say
 *	wait until tg_watch_due            a lone event is due at once, a burst when it has ended
 *	tg_watch_collect                   the files that changed or went, each once
 *
 * Nested folders, folders that come, go and move, files renamed into place, the `..data` links of
 * mounted ConfigMaps and overflows of the event queue are all followed: whatever inotify cannot
 * tell, a scan finds out by comparing what stat says with what it said before. A file that is
 * missing is reported only when it stays so for the debounce time, since editors replace files by
 * moving them away first. Only what is not there counts as removed: what has a manifest's name and
 * cannot be read as a file (a link that leads nowhere, a pipe) is reported as changed, for the
 * reader to fail on. While a folder or a root itself is missing or cannot be read, nothing below it
 * counts as removed: that is a problem of the source (tg_watch_problems), no wish to have no
 * policies.
 *
 * Times are milliseconds of any monotonic clock, handed in by the caller. Not thread-safe.
 */
#ifndef TG_SOURCE_WATCH_H
#define TG_SOURCE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_WATCH_DEPTH 32     /* folders below a root that are followed */
#define TG_WATCH_BURST_CAP 5u /* a burst is acted upon after this many debounce times */
/* Of paths; see struct tg_watch_options. */
#define TG_WATCH_PATHS_MORE 65536u

struct tg_watch;

struct tg_watch_change {
	const char *path; /* root/folder/name, as the root was given */
	bool removed;
};

/* What cannot be watched or read, and why; gone when a later scan succeeds. */
struct tg_watch_problem {
	const char *path;
	const char *text;
	bool unread; /* what is below is unknown, so nothing there counts as removed */
};

/* `wanted` says by its name whether a file is a manifest, and whether to enter a folder. */
struct tg_watch_options {
	unsigned int debounce_ms;
	bool (*wanted)(const char *name, bool folder);
	/*
	 * Paths of files that are gone are forgotten once there are twice as many paths as were
	 * left the last time, and this many more; 0: TG_WATCH_PATHS_MORE.
	 */
	size_t paths_more;
};

/* 0 or -errno of inotify_init1. */
int tg_watch_create(const struct tg_watch_options *options, struct tg_watch **out);
void tg_watch_free(struct tg_watch *w);

/* Adds a root, to be scanned by the next collect. It need not exist yet. 0 or -ENOMEM. */
int tg_watch_add(struct tg_watch *w, const char *root);
int tg_watch_fd(const struct tg_watch *w);

/* Takes all waiting events. 0, or -errno when the descriptor is of no use any more. */
int tg_watch_read(struct tg_watch *w, uint64_t now);
/* Everything is to be looked at again; files that did not change are not reported. */
void tg_watch_rescan(struct tg_watch *w);
/*
 * What was reported of `path` could not be read: a later scan reports it again even if it looks the
 * same; `soon`: the next collect does, which is due after the debounce time.
 */
void tg_watch_again(struct tg_watch *w, const char *path, bool soon);
/* When to collect: a time, 0 for "now", UINT64_MAX for "nothing is pending". */
uint64_t tg_watch_due(const struct tg_watch *w);

/*
 * What changed, in no promised order, each path once; the array is valid until the next call. More
 * may be pending afterwards (tg_watch_due). 0 or -ENOMEM, after which everything is rescanned.
 */
int tg_watch_collect(
	struct tg_watch *w, uint64_t now, const struct tg_watch_change **out, size_t *n);

const struct tg_watch_problem *tg_watch_problems(const struct tg_watch *w, size_t *n);
/* How many paths are kept in memory. */
size_t tg_watch_paths(const struct tg_watch *w);

#endif

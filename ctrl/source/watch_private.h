/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to the watcher: what it knows of each path. */
#ifndef TG_WATCH_PRIVATE_H
#define TG_WATCH_PRIVATE_H

#include <sys/stat.h>
#include <time.h>

#include "intern.h"
#include "vec.h"
#include "watch.h"

/* What stat said when a file was last reported. */
struct signature {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	bool racy;
};

/* One for each path; the index is the path's number in `paths`. */
struct entry {
	struct signature sig;
	uint64_t scan;	    /* number of the last collect that saw it */
	uint64_t reported;  /* and of the last one that reported it */
	uint64_t dirty_at;  /* when an event named it */
	uint64_t missed_at; /* when it was found missing */
	int failed;	    /* reported as not readable: the error; -1: read it again */
	bool known;	    /* reported as changed, and not as removed since */
	bool dirty;	    /* in `dirty` */
	bool missing;	    /* in `missing` */
};

/* An inotify watch. Folders that hold a root are watched for that root's name only. */
struct folder {
	int wd;
	uint32_t path;
	uint32_t root; /* the root's path when this is the folder that holds it, else 0 */
};

struct tg_watch {
	int fd;
	struct tg_watch_options options;
	struct tg_intern *paths; /* path 0 is none */
	TG_VEC(struct entry) entries;
	TG_VEC(struct folder) folders;
	struct tg_vec_u32 roots;
	struct tg_vec_u32 dirty;	 /* files named by events */
	struct tg_vec_u32 dirty_folders; /* to be scanned */
	struct tg_vec_u32 missing;	 /* removed when they stay so */
	TG_VEC(struct tg_watch_change) changes;
	TG_VEC(struct tg_watch_problem) problems;
	size_t paths_base; /* how many there were when the last ones were forgotten */
	uint64_t scan;
	uint64_t now;
	uint64_t first_event, last_event; /* since the last collect */
	uint64_t last_collect;
	bool rescan, collected, failed;
};

/* Gives up paths that are not needed any more, when there are many. Numbers of others stay. */
void watch_forget(struct tg_watch *w);

#endif

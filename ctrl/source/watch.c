/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "look.h"
#include "watch_private.h"

/* A file written twice within this time may look the same to stat both times. */
#define RACY_NS 100000000ll

#define FOLDER_EVENTS                                                                       \
	(IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
		IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PARENT_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

int tg_watch_create(const struct tg_watch_options *options, struct tg_watch **out)
{
	struct tg_watch *w = calloc(1, sizeof(*w));
	int err;

	if (w == NULL)
		return -ENOMEM;
	w->options = *options;
	if (w->options.paths_more == 0)
		w->options.paths_more = TG_WATCH_PATHS_MORE;
	w->first_event = UINT64_MAX;
	w->paths = tg_intern_create();
	if (w->paths == NULL) {
		err = -ENOMEM;
		goto free_watch;
	}
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		err = -errno;
		goto free_paths;
	}
	*out = w;
	return 0;

free_paths:
	tg_intern_free(w->paths);
free_watch:
	free(w);
	return err;
}

static void problems_clear(struct tg_watch *w)
{
	for (size_t i = 0; i < w->problems.n; i++)
		free((char *)w->problems.v[i].text);
	w->problems.n = 0;
}

void tg_watch_free(struct tg_watch *w)
{
	if (w == NULL)
		return;
	problems_clear(w);
	tg_vec_free(&w->problems);
	tg_vec_free(&w->changes);
	tg_vec_free(&w->missing);
	tg_vec_free(&w->dirty_folders);
	tg_vec_free(&w->dirty);
	tg_vec_free(&w->roots);
	tg_vec_free(&w->folders);
	tg_vec_free(&w->entries);
	tg_intern_free(w->paths);
	close(w->fd);
	free(w);
}

int tg_watch_fd(const struct tg_watch *w)
{
	return w->fd;
}

const struct tg_watch_problem *tg_watch_problems(const struct tg_watch *w, size_t *n)
{
	*n = w->problems.n;
	return w->problems.v;
}

/* Memory is out somewhere in a handler: what was lost is found again by a scan. */
static void lost(struct tg_watch *w)
{
	w->failed = true;
	w->rescan = true;
}

static const char *path_text(const struct tg_watch *w, uint32_t path)
{
	return tg_intern_text(w->paths, path);
}

static uint32_t path_id(struct tg_watch *w, const char *text)
{
	uint32_t id = tg_intern_id(w->paths, text);
	size_t had = w->entries.n;

	if (id == UINT32_MAX || tg_vec_reserve(&w->entries, (size_t)id + 1) != 0) {
		lost(w);
		return 0;
	}
	if (id >= had) {
		memset(w->entries.v + had, 0, (id + 1 - had) * sizeof(*w->entries.v));
		w->entries.n = (size_t)id + 1;
	}
	return id;
}

/* `path` is `folder` or lies below it. */
static bool below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void problem(struct tg_watch *w, uint32_t path, const char *what, int err, bool unread)
{
	struct tg_watch_problem p = {.path = path_text(w, path), .unread = unread};
	char *text;

	for (size_t i = 0; i < w->problems.n; i++)
		if (w->problems.v[i].path == p.path && w->problems.v[i].unread && unread)
			return; /* one reason will do */
	if (asprintf(&text, "%s: %s", what, strerror(err)) < 0) {
		lost(w);
		return;
	}
	p.text = text;
	if (tg_vec_push(&w->problems, p) != 0) {
		free(text);
		lost(w);
	}
}

/* A folder is looked at anew: what was wrong at and below it is forgotten. */
static void problems_forget(struct tg_watch *w, const char *folder)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->problems.n; i++) {
		if (below(w->problems.v[i].path, folder))
			free((char *)w->problems.v[i].text);
		else
			w->problems.v[kept++] = w->problems.v[i];
	}
	w->problems.n = kept;
}

int tg_watch_add(struct tg_watch *w, const char *root)
{
	char path[PATH_MAX];
	size_t length = strlen(root);
	uint32_t id;

	while (length > 1 && root[length - 1] == '/')
		length--;
	if (length >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, root, length);
	path[length] = '\0';
	id = path_id(w, path);
	if (id == 0 || tg_vec_push(&w->roots, id) != 0)
		return -ENOMEM;
	w->rescan = true;
	return 0;
}

void tg_watch_rescan(struct tg_watch *w)
{
	w->rescan = true;
}

/* --- watches --- */

static struct folder *folder_by_wd(struct tg_watch *w, int wd, uint32_t root)
{
	for (size_t i = 0; i < w->folders.n; i++)
		if (w->folders.v[i].wd == wd && w->folders.v[i].root == root)
			return &w->folders.v[i];
	return NULL;
}

static void folder_drop(struct tg_watch *w, size_t at)
{
	w->folders.v[at] = w->folders.v[--w->folders.n];
}

static bool wd_used(const struct tg_watch *w, int wd)
{
	for (size_t i = 0; i < w->folders.n; i++)
		if (w->folders.v[i].wd == wd)
			return true;
	return false;
}

/* Watches of folders at and below `path` are given up; one that also holds a root stays. */
static void folders_forget(struct tg_watch *w, const char *path)
{
	for (size_t i = w->folders.n; i-- > 0;) {
		struct folder f = w->folders.v[i];

		if (f.root != 0 || !below(path_text(w, f.path), path))
			continue;
		folder_drop(w, i);
		if (!wd_used(w, f.wd))
			inotify_rm_watch(w->fd, f.wd);
	}
}

/* Whether two paths lead to one folder right now. */
static bool same_folder(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/*
 * Watches a folder. 0; -EEXIST when it is watched already under another path that still leads to
 * it (a link inside the tree: following it would read everything twice, or for ever); -errno.
 */
static int folder_watch(struct tg_watch *w, uint32_t path)
{
	struct folder fresh = {.path = path}, *f;
	const char *text = path_text(w, path);

	/* IN_MASK_ADD: the same folder may be watched because it holds a root. */
	fresh.wd = inotify_add_watch(w->fd, text, FOLDER_EVENTS | IN_MASK_ADD);
	if (fresh.wd < 0)
		return -errno;
	f = folder_by_wd(w, fresh.wd, 0);
	if (f == NULL)
		return tg_vec_push(&w->folders, fresh);
	if (f->path != path && same_folder(path_text(w, f->path), text))
		return -EEXIST;
	*f = fresh;
	return 0;
}

/* Watches the folder that holds a root, so that a root that comes back is noticed. */
static void parent_watch(struct tg_watch *w, uint32_t root)
{
	struct folder fresh = {.root = root};
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", path_text(w, root));
	slash = strrchr(path, '/');
	if (slash == NULL)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
	fresh.path = path_id(w, path);
	fresh.wd = inotify_add_watch(w->fd, path, PARENT_EVENTS | IN_MASK_ADD);
	if (fresh.path == 0 || fresh.wd < 0 || folder_by_wd(w, fresh.wd, root) != NULL)
		return;
	if (tg_vec_push(&w->folders, fresh) != 0)
		lost(w);
}

/* --- files --- */

static void signature_take(struct signature *sig, const struct stat *st)
{
	struct timespec now;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - st->st_ctim.tv_sec) * 1000000000ll +
	      (now.tv_nsec - st->st_ctim.tv_nsec);
	memset(sig, 0, sizeof(*sig));
	sig->dev = st->st_dev;
	sig->ino = st->st_ino;
	sig->size = st->st_size;
	sig->mtime = st->st_mtim;
	sig->ctime = st->st_ctim;
	sig->racy = age < RACY_NS;
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool signature_equal(const struct signature *a, const struct signature *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       time_equal(&a->mtime, &b->mtime) && time_equal(&a->ctime, &b->ctime);
}

static void report(struct tg_watch *w, uint32_t path, bool removed)
{
	struct tg_watch_change change = {.path = path_text(w, path), .removed = removed};

	if (tg_vec_push(&w->changes, change) != 0)
		lost(w);
}

/* A file is there. It is reported when an event named it or when it looks different. */
static void file_present(struct tg_watch *w, uint32_t path, const struct stat *st, bool named)
{
	struct entry *e = &w->entries.v[path];
	struct signature sig;

	signature_take(&sig, st);
	e->missing = false;
	e->scan = w->scan;
	if (e->reported == w->scan)
		return;
	if (e->known && e->failed == 0 && !named && !e->sig.racy && signature_equal(&sig, &e->sig))
		return;
	e->sig = sig;
	e->failed = 0;
	e->known = true;
	e->reported = w->scan;
	report(w, path, false);
}

/* A file is not there: reported once it has been so for the debounce time. */
static void file_missing(struct tg_watch *w, uint32_t path, uint64_t since)
{
	struct entry *e = &w->entries.v[path];

	if (!e->known || e->missing)
		return;
	if (tg_vec_push(&w->missing, path) != 0) {
		lost(w);
		return;
	}
	e->missing = true;
	e->missed_at = since;
}

/* It is there and cannot be read: reported like a change, and reading it will say why. */
static void report_failed(struct tg_watch *w, uint32_t path, int error)
{
	struct entry *e = &w->entries.v[path];

	e->missing = false;
	e->known = true;
	e->failed = error;
	e->reported = w->scan;
	report(w, path, false);
}

/*
 * A file cannot be read. Told once for each reason; what could be read until now has the debounce
 * time, since links and what they lead to are replaced one after the other.
 */
static void file_unreadable(struct tg_watch *w, uint32_t path, int error, uint64_t since)
{
	struct entry *e = &w->entries.v[path];

	e->scan = w->scan;
	if (e->failed == error)
		e->missing = false;
	else if (e->known && e->failed == 0)
		file_missing(w, path, since);
	else
		report_failed(w, path, error);
}

static bool root_present(const struct tg_watch *w, uint32_t root)
{
	struct stat st;

	return stat(path_text(w, root), &st) == 0 && S_ISDIR(st.st_mode) &&
	       access(path_text(w, root), R_OK | X_OK) == 0;
}

static bool under_missing_root(const struct tg_watch *w, uint32_t path)
{
	for (size_t i = 0; i < w->roots.n; i++)
		if (below(path_text(w, path), path_text(w, w->roots.v[i])))
			return !root_present(w, w->roots.v[i]);
	return false;
}

/* Whether a folder that could not be read lies between: then nothing is known of `path`. */
static bool unreadable(const struct tg_watch *w, uint32_t path)
{
	for (size_t i = 0; i < w->problems.n; i++)
		if (w->problems.v[i].unread && below(path_text(w, path), w->problems.v[i].path))
			return true;
	return false;
}

/* The length of the root that a path lies below. */
static size_t root_length(const struct tg_watch *w, const char *path)
{
	for (size_t i = 0; i < w->roots.n; i++)
		if (below(path, path_text(w, w->roots.v[i])))
			return strlen(path_text(w, w->roots.v[i]));
	return 0;
}

/* Nothing is there, and no folder above hides it: what does is a problem. */
static bool believed_gone(struct tg_watch *w, uint32_t path)
{
	char text[PATH_MAX];
	int error;

	if (under_missing_root(w, path) || unreadable(w, path))
		return false;
	snprintf(text, sizeof(text), "%s", path_text(w, path));
	if (look_gone(text, root_length(w, text), &error))
		return true;
	path = path_id(w, text);
	if (path != 0)
		problem(w, path, "cannot be entered", error, true);
	return false;
}

/* A file that has stayed away long enough. */
static void missing_ripe(struct tg_watch *w, uint32_t path, const struct look *look)
{
	if (look->kind == LOOK_BAD_FILE) {
		report_failed(w, path, look->error);
	} else if (look->kind != LOOK_GONE || believed_gone(w, path)) {
		w->entries.v[path].known = false;
		w->entries.v[path].failed = 0;
		report(w, path, true);
	}
	w->entries.v[path].missing = false;
}

/* Those that stayed away long enough are reported, those that came back are looked at again. */
static void missing_ripen(struct tg_watch *w)
{
	size_t kept = 0, n = w->missing.n;
	struct look look;

	for (size_t i = 0; i < n; i++) {
		uint32_t path = w->missing.v[i];
		const struct entry *e = &w->entries.v[path];

		if (!e->missing)
			continue;
		look_at(path_text(w, path), w->options.wanted, &look);
		if (look.kind == LOOK_FILE)
			file_present(w, path, &look.st, false);
		else if (w->now < e->missed_at + w->options.debounce_ms)
			w->missing.v[kept++] = path;
		else
			missing_ripe(w, path, &look);
	}
	w->missing.n = kept;
}

/* --- scanning --- */

static void scan_folder(struct tg_watch *w, uint32_t path, unsigned int depth);

static void scan_look(
	struct tg_watch *w, uint32_t path, const struct look *look, unsigned int depth)
{
	switch (look->kind) {
	case LOOK_FOLDER:
		scan_folder(w, path, depth);
		break;
	case LOOK_FILE:
		file_present(w, path, &look->st, w->entries.v[path].dirty);
		break;
	case LOOK_BAD_FILE:
		file_unreadable(w, path, look->error, w->now);
		break;
	case LOOK_BAD_FOLDER:
		problem(w, path, "cannot be entered", look->error, true);
		break;
	default:
		break;
	}
}

static void scan_entry(struct tg_watch *w, uint32_t folder, const char *name, unsigned int depth)
{
	char text[PATH_MAX];
	struct look look;
	uint32_t path;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		!look_matters(w->options.wanted, name))
		return;
	if (snprintf(text, sizeof(text), "%s/%s", path_text(w, folder), name) >=
		(int)sizeof(text)) {
		problem(w, folder, "cannot read all that is in it", ENAMETOOLONG, true);
		return;
	}
	look_at(text, w->options.wanted, &look);
	if (look.kind == LOOK_GONE || look.kind == LOOK_PASSED)
		return;
	path = path_id(w, text);
	if (path != 0)
		scan_look(w, path, &look, depth + 1);
}

static void scan_entries(struct tg_watch *w, DIR *dir, uint32_t folder, unsigned int depth)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			break;
		scan_entry(w, folder, entry->d_name, depth);
	}
	if (errno != 0)
		problem(w, folder, "cannot read all that is in it", errno, true);
}

/* Watch first, list then: what comes in between is seen twice rather than never. */
static void scan_folder(struct tg_watch *w, uint32_t path, unsigned int depth)
{
	struct look look;
	int watched, err;
	DIR *dir;

	if (depth > TG_WATCH_DEPTH) {
		problem(w, path, "not followed", ELOOP, true);
		return;
	}
	watched = folder_watch(w, path);
	if (watched == -EEXIST)
		return;
	dir = opendir(path_text(w, path));
	if (dir == NULL) {
		err = errno;
		look_at(path_text(w, path), w->options.wanted, &look);
		if (look.kind != LOOK_GONE)
			problem(w, path, "cannot read", err, true);
		return;
	}
	if (watched != 0)
		problem(w, path, "cannot watch", -watched, false);
	scan_entries(w, dir, path, depth);
	closedir(dir);
}

/* How many folders below its root a path is. */
static unsigned int depth_of(const struct tg_watch *w, const char *path)
{
	unsigned int depth = 0;

	for (size_t i = 0; i < w->roots.n; i++) {
		const char *root = path_text(w, w->roots.v[i]);

		if (!below(path, root))
			continue;
		for (const char *at = path + strlen(root); *at != '\0'; at++)
			depth += *at == '/';
		break;
	}
	return depth;
}

/* What was known at and below `path` and was not seen is missing. */
static void miss_unseen(struct tg_watch *w, const char *text)
{
	for (uint32_t i = 1; i < w->entries.n; i++) {
		const struct entry *e = &w->entries.v[i];

		if (e->known && e->scan != w->scan && below(path_text(w, i), text) &&
			!unreadable(w, i))
			file_missing(w, i, w->now);
	}
}

/* Scans what is at and below `path`, which is no root. */
static void scan_tree(struct tg_watch *w, uint32_t path)
{
	const char *text = path_text(w, path);
	struct look look;

	problems_forget(w, text);
	look_at(text, w->options.wanted, &look);
	if (look.kind != LOOK_FOLDER)
		folders_forget(w, text);
	scan_look(w, path, &look, depth_of(w, text));
	miss_unseen(w, text);
}

static void scan_root(struct tg_watch *w, uint32_t root)
{
	const char *text = path_text(w, root);

	parent_watch(w, root);
	problems_forget(w, text);
	if (!root_present(w, root)) {
		struct stat st;
		int err = stat(text, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EACCES : ENOTDIR;

		folders_forget(w, text);
		problem(w, root, "cannot read", err, true);
		return;
	}
	scan_folder(w, root, depth_of(w, text));
	miss_unseen(w, text);
}

static bool is_root(const struct tg_watch *w, uint32_t path)
{
	for (size_t i = 0; i < w->roots.n; i++)
		if (w->roots.v[i] == path)
			return true;
	return false;
}

/* --- events --- */

static void note_event(struct tg_watch *w)
{
	if (w->first_event == UINT64_MAX)
		w->first_event = w->now;
	w->last_event = w->now;
}

static void mark_folder(struct tg_watch *w, uint32_t path)
{
	for (size_t i = 0; i < w->dirty_folders.n; i++)
		if (w->dirty_folders.v[i] == path)
			return;
	if (path == 0 || tg_vec_push(&w->dirty_folders, path) != 0)
		lost(w);
	note_event(w);
}

static void mark_file(struct tg_watch *w, uint32_t path)
{
	struct entry *e = &w->entries.v[path];

	if (path == 0)
		return;
	e->dirty_at = w->now;
	if (!e->dirty && tg_vec_push(&w->dirty, path) != 0)
		lost(w);
	e->dirty = true;
	note_event(w);
}

/* A file that was only created will be closed; a link or a pipe will not. */
static bool created_complete(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink > 1);
}

/* A link to a folder or to what cannot be told, or what was one. */
static bool folder_link(struct tg_watch *w, const char *text)
{
	uint32_t path = tg_intern_find(w->paths, text);
	struct stat st;

	if (lstat(text, &st) == 0 && S_ISLNK(st.st_mode) &&
		(stat(text, &st) != 0 || S_ISDIR(st.st_mode)))
		return true;
	for (size_t i = 0; i < w->problems.n; i++)
		if (strcmp(w->problems.v[i].path, text) == 0)
			return true;
	for (size_t i = 0; i < w->folders.n; i++)
		if (w->folders.v[i].path == path && w->folders.v[i].root == 0)
			return true;
	return false;
}

static void event_in_folder(struct tg_watch *w, uint32_t folder, const struct inotify_event *event)
{
	char text[PATH_MAX];
	bool is_folder = event->mask & IN_ISDIR;

	if (snprintf(text, sizeof(text), "%s/%s", path_text(w, folder), event->name) >=
		(int)sizeof(text)) {
		if (look_matters(w->options.wanted, event->name))
			mark_folder(w, folder); /* the scan reports it */
		return;
	}
	/* `..data` and its like are links through which other names here lead to their files. */
	if (!is_folder && strncmp(event->name, "..", 2) == 0) {
		mark_folder(w, folder);
		return;
	}
	if (!is_folder && w->options.wanted(event->name, false)) {
		if (!(event->mask & IN_CREATE) || created_complete(text))
			mark_file(w, path_id(w, text));
		return;
	}
	if ((event->mask & IN_CLOSE_WRITE) || !w->options.wanted(event->name, true))
		return;
	/* A folder's attributes say whether it may be read. */
	if (is_folder || (!(event->mask & IN_ATTRIB) && folder_link(w, text)))
		mark_folder(w, path_id(w, text));
}

static void event_root(struct tg_watch *w, uint32_t root, const struct inotify_event *event)
{
	const char *text = path_text(w, root), *slash = strrchr(text, '/');

	if (strcmp(event->name, slash != NULL ? slash + 1 : text) == 0)
		mark_folder(w, root);
}

/* The folder itself went or moved away, or may be read by others now. */
static void event_self(struct tg_watch *w, const struct folder *f)
{
	if (f->root == 0)
		mark_folder(w, f->path);
}

static void event_handle(struct tg_watch *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		w->rescan = true;
		note_event(w);
		return;
	}
	for (size_t i = w->folders.n; i-- > 0;) {
		struct folder f = w->folders.v[i];

		if (f.wd != event->wd)
			continue;
		if (event->mask & IN_IGNORED)
			folder_drop(w, i);
		else if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) ||
			 ((event->mask & IN_ATTRIB) && event->len == 0))
			event_self(w, &f);
		else if (event->len == 0)
			continue;
		else if (f.root != 0)
			event_root(w, f.root, event);
		else
			event_in_folder(w, f.path, event);
	}
}

int tg_watch_read(struct tg_watch *w, uint64_t now)
{
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	ssize_t got;

	w->now = now;
	while ((got = read(w->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			event_handle(w, event);
		}
	}
	return got < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

void tg_watch_again(struct tg_watch *w, const char *path, bool soon)
{
	uint32_t id = tg_intern_find(w->paths, path);
	struct entry *e;

	if (id == UINT32_MAX || id >= w->entries.n)
		return;
	e = &w->entries.v[id];
	if (soon || e->failed == 0)
		e->failed = -1;
	if (soon)
		mark_file(w, id);
}

/* --- when, and what --- */

static uint64_t burst_due(const struct tg_watch *w)
{
	uint64_t quiet = w->last_event + w->options.debounce_ms;
	uint64_t cap = w->first_event + (uint64_t)w->options.debounce_ms * TG_WATCH_BURST_CAP;

	/* The first one after a pause is acted on at once. */
	if (!w->collected || w->first_event >= w->last_collect + w->options.debounce_ms)
		return w->first_event;
	return quiet < cap ? quiet : cap;
}

uint64_t tg_watch_due(const struct tg_watch *w)
{
	uint64_t due = UINT64_MAX, at;

	if (w->first_event != UINT64_MAX)
		due = burst_due(w);
	else if (w->rescan)
		due = 0;
	for (size_t i = 0; i < w->missing.n; i++) {
		const struct entry *e = &w->entries.v[w->missing.v[i]];

		at = e->missed_at + w->options.debounce_ms;
		if (e->missing && at < due)
			due = at;
	}
	return due;
}

static void collect_folders(struct tg_watch *w)
{
	size_t n = w->dirty_folders.n;

	if (w->rescan) {
		w->rescan = false;
		for (size_t i = 0; i < w->roots.n; i++)
			scan_root(w, w->roots.v[i]);
	} else {
		for (size_t i = 0; i < n; i++) {
			uint32_t path = w->dirty_folders.v[i];

			if (is_root(w, path))
				scan_root(w, path);
			else if (!under_missing_root(w, path))
				scan_tree(w, path);
		}
	}
	w->dirty_folders.n = 0;
}

static void collect_file(struct tg_watch *w, uint32_t path)
{
	struct entry *e = &w->entries.v[path];
	struct look look;

	if (!e->dirty)
		return;
	e->dirty = false;
	look_at(path_text(w, path), w->options.wanted, &look);
	if (look.kind == LOOK_FILE)
		file_present(w, path, &look.st, true);
	else if (look.kind == LOOK_FOLDER)
		scan_tree(w, path);
	else if (look.kind == LOOK_BAD_FILE)
		file_unreadable(w, path, look.error, e->dirty_at);
	else
		file_missing(w, path, e->dirty_at);
}

int tg_watch_collect(
	struct tg_watch *w, uint64_t now, const struct tg_watch_change **out, size_t *n)
{
	w->now = w->last_collect = now;
	w->collected = true;
	w->first_event = UINT64_MAX;
	w->changes.n = 0;
	w->failed = false;
	watch_forget(w);
	w->scan++;
	/* Files that an event named are reported by the scan that meets them, or after it. */
	collect_folders(w);
	for (size_t i = 0; i < w->dirty.n; i++)
		collect_file(w, w->dirty.v[i]);
	w->dirty.n = 0;
	missing_ripen(w);
	*out = w->changes.v;
	*n = w->changes.n;
	return w->failed ? -ENOMEM : 0;
}

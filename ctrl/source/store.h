/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The document store: a set of files, what each of them gives, and one cluster made of all.
 *
 *	tg_store_load(store, "a.yaml", text, size)    a file is new or has changed
 *	tg_store_remove(store, "a.yaml")              it is gone
 *	changes = tg_store_take_changes(store)        what that changed since the last time
 *	view = tg_store_view(store)                   the whole cluster, for the compiler
 *
 * A file counts whole or not at all: one that is refused (syntax, validation, an object that
 * another file already has) keeps the objects that it gave before, and is reported. A file that is
 * refused only because of such a duplicate is tried again when the other one lets go of the object,
 * so the order in which a moved object disappears and appears does not matter, and files may
 * exchange objects.
 *
 * Namespaces that are only mentioned (metadata.namespace) exist implicitly, with the one label
 * kubernetes.io/metadata.name.
 *
 * Cost: load is proportional to the file, take_changes to the changes, view to the number of
 * objects (pointers are copied). Not thread-safe, but a view and the objects of changes may be read
 * by another thread until they are released: objects are immutable and outlive the files they came
 * from as long as a view or changes taken before need them. (Strings: see intern.h, and below.)
 */
#ifndef TG_STORE_H
#define TG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "hold.h"
#include "model.h"

struct tg_store;

struct tg_store *tg_store_create(void);
/* What objects of files that are loaded from now on do not say themselves; zone 0 until then. */
void tg_store_set_scope(struct tg_store *store, const struct tg_scope *scope);
/* Views and changes have to be released before; holds need not. */
void tg_store_free(struct tg_store *store);
/* The intern table that every number refers to; owned by the store. */
struct tg_intern *tg_store_strings(struct tg_store *store);

/*
 * The text of `file` is now this. 0: in force. -EINVAL: refused, see tg_store_file(). -EEXIST:
 * refused because another file has one of its objects. -ENOMEM: what was in force stays.
 */
int tg_store_load(struct tg_store *store, const char *file, const void *text, size_t size);
/* The file is there but cannot be read; `why` is reported and its last good objects stay. */
int tg_store_fail(struct tg_store *store, const char *file, const char *why);
/* 0, or -ENOENT when there is no such file. */
int tg_store_remove(struct tg_store *store, const char *file);

/* The whole cluster as of now. NULL: out of memory. */
struct tg_view {
	struct tg_cluster cluster;
	uint64_t sequence; /* grows with every change */
};

struct tg_view *tg_store_view(struct tg_store *store);
void tg_view_release(struct tg_store *store, struct tg_view *view);

/* One pod that differs. Added: before is NULL; removed: after is NULL. */
struct tg_pod_change {
	const struct tg_pod *before;
	const struct tg_pod *after;
};

/*
 * What is different since the last call (or since the store was made). With `other` set something
 * else than pods changed as well, or so many pods that the list is not kept and `pods` is empty:
 * compile the view. A file that was rewritten with the same objects is no change, nor are lines
 * that moved.
 */
struct tg_changes {
	bool other;
	const struct tg_pod_change *pods;
	size_t n_pods;
	uint64_t sequence; /* of the state that the changes lead to */
};

/* NULL: out of memory, and the changes are kept. */
struct tg_changes *tg_store_take_changes(struct tg_store *store);
void tg_changes_release(struct tg_store *store, struct tg_changes *changes);
/* There is something to take. */
bool tg_store_changed(const struct tg_store *store);

/*
 * Strings. Every pod has a name and labels of its own, so a cluster in which pods come and go
 *leaves ever more strings behind. A sweep frees those that nothing refers to: no file (its text in
 *force, a refused one, or an older one that a view or changes need) and no hold. Whoever keeps
 *numbers beyond the objects that they come from therefore holds them:
 *
 *	view = tg_store_view(store), hold = tg_store_hold(store)    what the view consists of
 *	tg_hold_add(hold, pod->name)                                and what came later
 *	tg_hold_release(hold)
 *
 * The cost of a hold is proportional to the strings of all files, one bit each.
 */
/* Everything that is in force now. NULL: out of memory. */
struct tg_hold *tg_store_hold(struct tg_store *store);
/*
 * Frees the strings that nothing refers to; their numbers are given to others later. No other
 * thread may use the store, its views or strings meanwhile. 0, or -ENOMEM and none was freed.
 */
int tg_store_sweep(struct tg_store *store);

/* A file and how it stands. Pointers are valid until the store changes. */
struct tg_file_status {
	const char *file;
	bool served;			 /* an object of a set (set.h) */
	bool refused;			 /* the last text is not in force: see errors */
	bool in_force;			 /* objects (perhaps of an earlier text) are in force */
	const struct tg_problem *errors; /* of the last text; "path: what was expected" */
	size_t n_errors;
	size_t errors_dropped; /* more than are listed */
	/* Of the text in force, or of the refused one when none is. */
	const struct tg_problem *warnings;
	size_t n_warnings;
	const struct tg_not_enforced *not_enforced;
	size_t n_not_enforced;
	const struct tg_skipped *skipped;
	size_t n_skipped;
};

/* Files in the order of their first appearance, then objects of sets; indices are 0..count-1 until
 * a change. */
size_t tg_store_file_count(const struct tg_store *store);
void tg_store_file(const struct tg_store *store, size_t index, struct tg_file_status *out);

struct tg_store_stats {
	size_t files;
	size_t files_refused;
	/* Refused, and nothing of them is in force: the cluster is incomplete. Objects of sets
	 * count when they wait for another source. */
	size_t files_missing;
	size_t served, served_refused; /* objects of sets */
	size_t namespaces, pods, nodes, services, policies;
	size_t warnings, not_enforced, skipped; /* documents */
};

void tg_store_stats(const struct tg_store *store, struct tg_store_stats *out);

#endif

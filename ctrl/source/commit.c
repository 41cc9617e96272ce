/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting what files give in force. A text that was decoded waits in its file until no other file
 * has one of its objects. Several waiting files may exchange objects among each other (somebody
 * reordered a directory), so a group of files is committed as one: all their new objects are
 * installed, then what only their old texts had is uninstalled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

/* Waiting files, and all their new objects by key (owner: the file). */
struct group {
	struct file **files;
	size_t n;
	struct index fresh;
};

static struct ns_state *ns_find(const struct tg_store *store, uint32_t name)
{
	struct index_entry *e = index_find(&store->by_ns, (struct index_key){KIND_NS, 0, name});

	return e != NULL ? e->owner : NULL;
}

static int ns_ensure(struct tg_store *store, uint32_t name)
{
	struct ns_state *ns;
	struct index_entry *e;

	if (ns_find(store, name) != NULL)
		return 0;
	ns = calloc(1, sizeof(*ns));
	if (ns == NULL || tg_vec_reserve(&store->namespaces, store->namespaces.n + 1) != 0 ||
		store_strings_reserve(store) != 0)
		goto fail;
	e = index_put(&store->by_ns, (struct index_key){KIND_NS, 0, name});
	if (e == NULL)
		goto fail;
	e->owner = ns;
	ns->label = (struct tg_label){store->metadata_name, name};
	ns->implicit.name = name;
	ns->implicit.implicit = true;
	ns->implicit.labels = (struct tg_labels){&ns->label, 1};
	store->namespaces.v[store->namespaces.n++] = ns;
	store_string_add(store, name);
	return 0;
fail:
	free(ns);
	return -ENOMEM;
}

static uint32_t ns_of(const struct object *o)
{
	return o->key.kind == OBJECT_NAMESPACE ? o->key.name : o->key.ns;
}

/* Room for everything that a commit will add, so that it cannot fail half-way. */
static int reserve(struct tg_store *store, const struct group *group)
{
	for (size_t i = 0; i < group->fresh.size; i++) {
		struct object o = {.key = group->fresh.v[i].key};

		if (o.key.kind != 0 && ns_of(&o) != 0 && ns_ensure(store, ns_of(&o)) != 0)
			return -ENOMEM;
	}
	if (store_strings_reserve(store) != 0)
		return -ENOMEM;
	return index_reserve(&store->objects, group->fresh.n);
}

/*
 * An object that a file in force has come to mention (+1) or mentions no more (-1). Of a served
 * object's Namespace there is an object as well, or will be.
 */
static void mention(struct tg_store *store, const struct file *file, const struct object *o, int by)
{
	struct ns_state *ns = ns_of(o) != 0 ? ns_find(store, ns_of(o)) : NULL;

	if (ns == NULL)
		return;
	if (o->key.kind == OBJECT_NAMESPACE) {
		ns->defined = by > 0;
		return;
	}
	if (file->set != NULL)
		return;
	ns->mentions += (uint64_t)(int64_t)by;
	if (!ns->defined && ns->mentions == (by > 0 ? 1 : 0))
		changes_note_other(store);
}

static void report_twice(struct tg_store *store, struct content *content, const struct object *o,
	struct tg_place first)
{
	struct tg_reader reader = {
		.arena = content->arena,
		.problems = content->decoded.errors,
		.dropped = content->decoded.errors_dropped,
	};

	tg_reader_problem_line(&reader, o->place.line, "%s %s%s%s is also in %s:%u",
		object_kind_name(o->key.kind), tg_intern_text(store->strings, o->key.ns),
		o->key.ns != 0 ? "/" : "", tg_intern_text(store->strings, o->key.name),
		tg_intern_text(store->strings, first.file), first.line);
	content->decoded.errors = reader.problems;
	content->decoded.errors_dropped = reader.dropped;
}

/* Adds the new objects of a file; -EINVAL when it has one twice, -EEXIST when another file has. */
static int index_file(struct tg_store *store, struct group *group, struct file *file)
{
	struct content *content = file->refused;
	size_t n = object_count(&content->decoded);
	int err = index_reserve(&group->fresh, n);

	for (size_t i = 0; i < n && err != -ENOMEM && err != -EEXIST; i++) {
		struct object o = object_at(&content->decoded, i);
		struct index_entry *e = index_put(&group->fresh, o.key);

		if (e->owner == NULL) {
			e->object = o.object;
			e->owner = file;
		} else if (e->owner == file) {
			report_twice(store, content, &o, object_place(o.key.kind, e->object));
			err = -EINVAL;
		} else {
			err = -EEXIST;
		}
	}
	return err;
}

/* -EEXIST when a file outside of the group has one of the objects; it is then blocked by that. */
static int check_others(struct tg_store *store, struct file *file)
{
	struct content *content = file->refused;
	size_t n = object_count(&content->decoded);
	int err = 0;

	file->blocked_by = NULL;
	for (size_t i = 0; i < n; i++) {
		struct object o = object_at(&content->decoded, i);
		const struct index_entry *e = index_find(&store->objects, o.key);
		struct file *owner = e != NULL ? e->owner : NULL;

		if (owner == NULL || owner == file || owner->in_group)
			continue;
		owner->blocks = true;
		if (err == 0) {
			file->blocked_by = owner;
			file->blocked_on = o.key;
		}
		err = -EEXIST;
		if (content->decoded.errors.n < TG_PROBLEMS_MAX)
			report_twice(store, content, &o, object_place(o.key.kind, e->object));
		else
			content->decoded.errors_dropped++;
	}
	return err;
}

/* Puts the new objects of a file in force. Room has been reserved. */
static void install(struct tg_store *store, struct file *file)
{
	const struct tg_decoded *decoded = &file->refused->decoded;
	size_t n = object_count(decoded);

	for (size_t i = 0; i < n; i++) {
		struct object o = object_at(decoded, i);
		struct index_entry *e = index_put(&store->objects, o.key);

		changes_note(store, o.key, e->object, o.object);
		e->object = o.object;
		e->owner = file;
		mention(store, file, &o, 1);
	}
}

/* Takes the old objects of a file out of force, but for those that `fresh` has. */
static void uninstall(struct tg_store *store, const struct file *file, const struct index *fresh)
{
	size_t n = file->current != NULL ? object_count(&file->current->decoded) : 0;

	for (size_t i = 0; i < n; i++) {
		struct object o = object_at(&file->current->decoded, i);
		bool stays = index_find(fresh, o.key) != NULL;

		if (!stays) {
			index_remove(&store->objects, o.key);
			changes_note(store, o.key, o.object, NULL);
			store->let_go = store->let_go || file->blocks;
		}
		if (!stays || o.key.kind != OBJECT_NAMESPACE)
			mention(store, file, &o, -1);
	}
}

static void enforce(struct tg_store *store, struct group *group)
{
	for (size_t i = 0; i < group->n; i++)
		install(store, group->files[i]);
	for (size_t i = 0; i < group->n; i++) {
		struct file *file = group->files[i];

		uninstall(store, file, &group->fresh);
		store_retire(store, file->current);
		file->current = file->refused;
		store_strings_add(store, file->current);
		file->current->since = store->clock;
		file->refused = NULL;
		file->waiting = false;
		store->n_waiting--;
		if (file->set != NULL)
			file->set->refused--;
	}
}

/* 0 and all in force; else nothing has changed but the errors of a file on its own. */
static int commit(struct tg_store *store, struct file **files, size_t n)
{
	struct group group = {.files = files, .n = n};
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = index_file(store, &group, files[i]);
	for (size_t i = 0; i < n && err == 0; i++)
		err = check_others(store, files[i]);
	if (err == 0)
		err = reserve(store, &group);
	if (err == 0)
		enforce(store, &group);
	index_free(&group.fresh);
	return err;
}

/* The object that kept the file waiting is still with the same other file. */
static bool is_blocked(const struct tg_store *store, const struct file *file)
{
	const struct index_entry *e;

	if (file->blocked_by == NULL)
		return false;
	e = index_find(&store->objects, file->blocked_on);
	return e != NULL && e->owner == file->blocked_by;
}

static int commit_one(struct tg_store *store, struct file *file)
{
	struct tg_decoded *decoded = &file->refused->decoded;
	int err;

	decoded->errors.n = 0;
	decoded->errors_dropped = 0;
	err = commit(store, &file, 1);
	if (err == -EINVAL) {
		file->waiting = false;
		store->n_waiting--;
	}
	return err;
}

/* Each waiting file on its own; whether one of them got through. */
static bool commit_each(struct tg_store *store, int *err)
{
	bool progress = false;

	for (size_t i = 0; i < store_file_total(store) && store->n_waiting != 0; i++) {
		struct file *file = store_file_at(store, i);
		int one;

		if (!file->waiting || is_blocked(store, file))
			continue;
		one = commit_one(store, file);
		progress = progress || one == 0;
		if (one == -ENOMEM)
			*err = one;
	}
	return progress;
}

/* The file that has an object in force; NULL. */
static const struct file *owner_of(const struct tg_store *store, struct index_key key)
{
	const struct index_entry *e = index_find(&store->objects, key);

	return e != NULL ? e->owner : NULL;
}

/* Who of the group gets each object: whoever has and keeps it, else the first to want it. */
static int claim(struct tg_store *store, struct group *group)
{
	for (size_t i = 0; i < group->n; i++) {
		struct file *file = group->files[i];
		size_t n = object_count(&file->refused->decoded);

		for (size_t k = 0; k < n; k++) {
			struct object o = object_at(&file->refused->decoded, k);
			struct index_entry *e = index_put(&group->fresh, o.key);

			if (e == NULL)
				return -ENOMEM;
			if (e->owner == NULL || owner_of(store, o.key) == file)
				e->owner = file;
		}
	}
	return 0;
}

/* Another file, of the group or not, stands in the way. */
static bool is_obstructed(
	const struct tg_store *store, const struct group *group, const struct file *file)
{
	size_t n = object_count(&file->refused->decoded);

	for (size_t i = 0; i < n; i++) {
		struct object o = object_at(&file->refused->decoded, i);
		const struct file *owner = owner_of(store, o.key);

		if (index_find(&group->fresh, o.key)->owner != file)
			return true;
		if (owner != NULL && !owner->in_group)
			return true;
	}
	return false;
}

/* Leaves out the files that cannot be part of the commit; -ENOMEM. */
static int shrink(struct tg_store *store, struct group *group)
{
	size_t kept = 0;
	int err = claim(store, group);

	for (size_t i = 0; i < group->n && err == 0; i++) {
		struct file *file = group->files[i];

		file->in_group = !is_obstructed(store, group, file);
		if (file->in_group)
			group->files[kept++] = file;
	}
	if (err == 0)
		group->n = kept;
	index_free(&group->fresh);
	return err;
}

static int commit_group(struct tg_store *store, struct group *group)
{
	size_t before;
	int err;

	for (size_t i = 0; i < group->n; i++)
		group->files[i]->in_group = true;
	do {
		before = group->n;
		err = shrink(store, group);
	} while (err == 0 && group->n != before);
	if (err == 0)
		err = group->n > 1 ? commit(store, group->files, group->n) : -EEXIST;
	return err;
}

/*
 * The waiting files together, which helps those that block each other only. Errors stay those that
 * each file has on its own.
 */
static bool commit_together(struct tg_store *store, int *err)
{
	struct group group = {.files = calloc(store->n_waiting, sizeof(struct file *))};
	int together;

	if (group.files == NULL) {
		*err = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < store_file_total(store); i++) {
		struct file *file = store_file_at(store, i);

		/* A cheap question first: it keeps large duplicates from being looked through. */
		if (file->waiting && !(is_blocked(store, file) && !file->blocked_by->waiting))
			group.files[group.n++] = file;
	}
	together = commit_group(store, &group);
	for (size_t i = 0; i < store_file_total(store); i++)
		store_file_at(store, i)->in_group = false;
	free(group.files);
	if (together == -ENOMEM)
		*err = together;
	return together == 0;
}

/*
 * Waiting files are looked for among all that there are, so only when one of them may get through:
 * because something was let go, or because `file` waits for another one that waits.
 */
int store_settle(struct tg_store *store, struct file *file)
{
	int err = file != NULL ? commit_one(store, file) : 0;
	bool progress = store->let_go || err == -ENOMEM ||
			(err == -EEXIST && file->blocked_by->waiting);

	if (err != -ENOMEM)
		err = 0;
	while (progress && store->n_waiting != 0) {
		progress = commit_each(store, &err);
		if (!progress && store->n_waiting > 1)
			progress = commit_together(store, &err);
	}
	store->let_go = err == -ENOMEM;
	return err;
}

void store_withdraw(struct tg_store *store, struct file *file)
{
	const struct index none = {0};

	uninstall(store, file, &none);
	store_retire(store, file->current);
	file->current = NULL;
}

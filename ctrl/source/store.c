/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

struct tg_store *tg_store_create(void)
{
	struct tg_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->strings = tg_intern_create();
	if (store->strings != NULL)
		store->metadata_name = tg_intern_id(store->strings, "kubernetes.io/metadata.name");
	if (store->strings == NULL || store->metadata_name == UINT32_MAX) {
		tg_store_free(store);
		return NULL;
	}
	return store;
}

void tg_store_set_scope(struct tg_store *store, const struct tg_scope *scope)
{
	store->scope = *scope;
}

struct tg_intern *tg_store_strings(struct tg_store *store)
{
	return store->strings;
}

static struct content *content_create(size_t size)
{
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->arena = tg_arena_create(size < 1024 ? 1024 : size < (1u << 20) ? size : 1u << 20);
	if (c->arena == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static void content_free(struct content *content)
{
	if (content == NULL)
		return;
	tg_decoded_free(&content->decoded);
	tg_vec_free(&content->strings);
	tg_arena_free(content->arena);
	free(content);
}

void store_retire(struct tg_store *store, struct content *content)
{
	if (content == NULL)
		return;
	content->retired_at = store->clock++;
	content->next = store->retired;
	store->retired = content;
}

static bool is_needed(const struct tg_store *store, const struct content *content)
{
	if (store->pods.n != 0 && content->retired_at >= store->taken_at)
		return true; /* by changes that nobody has taken */
	for (const struct pin *p = store->pins; p != NULL; p = p->next)
		if (content->retired_at >= p->from && content->since <= p->to)
			return true;
	return false;
}

void store_collect(struct tg_store *store)
{
	struct content **at = &store->retired, *c;

	while ((c = *at) != store->judged) {
		if (is_needed(store, c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		content_free(c);
	}
	store->judged = store->retired;
}

void store_judge_again(struct tg_store *store)
{
	store->judged = NULL;
}

static void file_free(struct file *file)
{
	content_free(file->current);
	content_free(file->refused);
	free(file);
}

void tg_store_free(struct tg_store *store)
{
	struct content *next;

	if (store == NULL)
		return;
	for (struct content *c = store->retired; c != NULL; c = next) {
		next = c->next;
		content_free(c);
	}
	for (size_t i = 0; i < store->files.n; i++)
		file_free(store->files.v[i]);
	for (size_t i = 0; i < store->namespaces.n; i++)
		free(store->namespaces.v[i]);
	store_drop_holds(store);
	tg_vec_free(&store->files);
	tg_vec_free(&store->namespaces);
	index_free(&store->by_name);
	index_free(&store->objects);
	index_free(&store->by_ns);
	index_free(&store->pods);
	tg_intern_free(store->strings);
	free(store);
}

static struct file *file_find(struct tg_store *store, const char *name)
{
	struct index_key key = {KIND_FILE, 0, tg_intern_find(store->strings, name)};
	struct index_entry *e = key.name != UINT32_MAX ? index_find(&store->by_name, key) : NULL;

	return e != NULL ? e->owner : NULL;
}

static struct file *file_get(struct tg_store *store, const char *name)
{
	struct file *file = file_find(store, name);
	struct index_entry *e;

	if (file != NULL)
		return file;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return NULL;
	file->name = tg_intern_id(store->strings, name);
	if (file->name == UINT32_MAX || tg_vec_reserve(&store->files, store->files.n + 1) != 0)
		goto fail;
	e = index_put(&store->by_name, (struct index_key){KIND_FILE, 0, file->name});
	if (e == NULL)
		goto fail;
	e->owner = file;
	store->files.v[store->files.n++] = file;
	return file;
fail:
	free(file);
	return NULL;
}

static void set_refused(
	struct tg_store *store, struct file *file, struct content *content, bool waiting)
{
	if (file->refused != content)
		content_free(file->refused);
	store->n_waiting += (size_t)waiting - (size_t)file->waiting;
	file->refused = content;
	file->waiting = waiting;
	file->blocked_by = NULL;
}

static void file_remove(struct tg_store *store, struct file *file)
{
	size_t i = 0;

	while (store->files.v[i] != file)
		i++;
	memmove(&store->files.v[i], &store->files.v[i + 1],
		(store->files.n - i - 1) * sizeof(store->files.v[0]));
	store->files.n--;
	index_remove(&store->by_name, (struct index_key){KIND_FILE, 0, file->name});
}

/* A file that gave nothing, not even an error. */
static void forget_empty(struct tg_store *store, struct file *file)
{
	if (file->current != NULL || file->refused != NULL)
		return;
	file_remove(store, file);
	file_free(file);
}

/* Decodes, with a record of the strings. */
static int content_decode(struct tg_store *store, struct content *content, const char *name,
	const void *text, size_t size)
{
	int err;

	tg_intern_record(store->strings, &content->strings);
	err = tg_decode(
		name, text, size, &store->scope, store->strings, content->arena, &content->decoded);
	tg_intern_record(store->strings, NULL);
	tg_vec_trim(&content->strings);
	return err;
}

int tg_store_load(struct tg_store *store, const char *name, const void *text, size_t size)
{
	struct content *content = content_create(size);
	struct file *file = content != NULL ? file_get(store, name) : NULL;
	int err;

	if (file == NULL) {
		content_free(content);
		return -ENOMEM;
	}
	err = content_decode(store, content, name, text, size);
	if (err == -ENOMEM) {
		content_free(content);
		forget_empty(store, file);
		return err;
	}
	set_refused(store, file, content, err == 0);
	if (err != 0)
		return err;
	err = store_settle(store, file);
	store_collect(store);
	if (file->refused == NULL)
		return 0;
	return !file->waiting ? -EINVAL : err != 0 ? err : -EEXIST;
}

int tg_store_fail(struct tg_store *store, const char *name, const char *why)
{
	struct content *content = content_create(0);
	struct file *file = content != NULL ? file_get(store, name) : NULL;
	struct tg_reader reader;

	if (file == NULL) {
		content_free(content);
		return -ENOMEM;
	}
	tg_reader_init(&reader, content->arena);
	tg_reader_problem_line(&reader, 0, "%s", why);
	content->decoded.errors = reader.problems;
	content->decoded.errors_dropped = reader.dropped;
	set_refused(store, file, content, false);
	return 0;
}

int tg_store_remove(struct tg_store *store, const char *name)
{
	struct file *file = file_find(store, name);

	if (file == NULL)
		return -ENOENT;
	set_refused(store, file, NULL, false);
	store_withdraw(store, file);
	file_remove(store, file);
	file_free(file);
	store_settle(store, NULL);
	store_collect(store);
	return 0;
}

size_t tg_store_file_count(const struct tg_store *store)
{
	return store->files.n;
}

void tg_store_file(const struct tg_store *store, size_t index, struct tg_file_status *out)
{
	const struct file *file = store->files.v[index];
	const struct content *shown = file->current != NULL ? file->current : file->refused;

	memset(out, 0, sizeof(*out));
	out->file = tg_intern_text(store->strings, file->name);
	out->refused = file->refused != NULL;
	out->in_force = file->current != NULL;
	if (file->refused != NULL) {
		out->errors = file->refused->decoded.errors.v;
		out->n_errors = file->refused->decoded.errors.n;
		out->errors_dropped = file->refused->decoded.errors_dropped;
	}
	if (shown == NULL)
		return;
	out->warnings = shown->decoded.warnings.v;
	out->n_warnings = shown->decoded.warnings.n;
	out->not_enforced = shown->decoded.not_enforced.v;
	out->n_not_enforced = shown->decoded.not_enforced.n;
	out->skipped = shown->decoded.skipped.v;
	out->n_skipped = shown->decoded.skipped.n;
}

void tg_store_stats(const struct tg_store *store, struct tg_store_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->files = store->files.n;
	for (size_t i = 0; i < store->files.n; i++) {
		const struct file *file = store->files.v[i];
		struct tg_file_status status;

		tg_store_file(store, i, &status);
		out->files_refused += status.refused;
		out->files_missing += status.refused && !status.in_force;
		out->warnings += status.n_warnings;
		out->not_enforced += status.n_not_enforced;
		for (size_t k = 0; k < status.n_skipped; k++)
			out->skipped += status.skipped[k].count;
		if (file->current == NULL)
			continue;
		out->namespaces += file->current->decoded.namespaces.n;
		out->pods += file->current->decoded.pods.n;
		out->nodes += file->current->decoded.nodes.n;
		out->services += file->current->decoded.services.n;
		out->policies += file->current->decoded.policies.n;
	}
	for (size_t i = 0; i < store->namespaces.n; i++) {
		const struct ns_state *ns = store->namespaces.v[i];

		out->namespaces += !ns->defined && ns->mentions != 0;
	}
}

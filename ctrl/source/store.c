/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

#define CHUNK_MIN 512u /* bytes: a pod or so */
#define CHUNK_MAX (1u << 20)

struct tg_store *tg_store_create(void)
{
	struct tg_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->strings = tg_intern_create();
	if (store->strings != NULL)
		store->metadata_name = tg_intern_id(store->strings, "kubernetes.io/metadata.name");
	if (store->strings == NULL || store->metadata_name == UINT32_MAX ||
		store_strings_reserve(store) != 0) {
		tg_store_free(store);
		return NULL;
	}
	store_string_add(store, store->metadata_name);
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

struct content *store_content_create(size_t size)
{
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->arena = tg_arena_create(size < CHUNK_MIN   ? CHUNK_MIN
				   : size < CHUNK_MAX ? size
						      : CHUNK_MAX);
	if (c->arena == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void store_content_free(struct content *content)
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
	store_strings_drop(store, content);
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
		store_content_free(c);
	}
	store->judged = store->retired;
}

void store_judge_again(struct tg_store *store)
{
	store->judged = NULL;
}

static void file_free(struct file *file)
{
	store_content_free(file->current);
	store_content_free(file->refused);
	free(file);
}

void tg_store_free(struct tg_store *store)
{
	struct content *next;

	if (store == NULL)
		return;
	for (struct content *c = store->retired; c != NULL; c = next) {
		next = c->next;
		store_content_free(c);
	}
	for (size_t i = 0; i < store_file_total(store); i++)
		file_free(store_file_at(store, i));
	for (size_t i = 0; i < store->namespaces.n; i++)
		free(store->namespaces.v[i]);
	store_drop_holds(store);
	tg_vec_free(&store->files);
	tg_vec_free(&store->served);
	tg_vec_free(&store->namespaces);
	index_free(&store->by_name);
	index_free(&store->objects);
	index_free(&store->by_ns);
	index_free(&store->pods);
	tg_bits_free(&store->strings_in_force);
	free(store->string_refs);
	tg_intern_free(store->strings);
	free(store);
}

struct file *store_file_find(struct tg_store *store, const char *name)
{
	struct index_key key = {KIND_FILE, 0, tg_intern_find(store->strings, name)};
	struct index_entry *e = key.name != UINT32_MAX ? index_find(&store->by_name, key) : NULL;

	return e != NULL ? e->owner : NULL;
}

/* Room in the list that it goes to. */
static int file_reserve(struct tg_store *store, const struct tg_store_set *set)
{
	return set != NULL ? tg_vec_reserve(&store->served, store->served.n + 1)
			   : tg_vec_reserve(&store->files, store->files.n + 1);
}

static void file_add(struct tg_store *store, struct file *file)
{
	store_string_add(store, file->name);
	if (file->set == NULL) {
		store->files.v[store->files.n++] = file;
		return;
	}
	file->at = store->served.n;
	store->served.v[store->served.n++] = file;
	file->set->n++;
}

struct file *store_file_get(struct tg_store *store, const char *name, struct tg_store_set *set)
{
	struct file *file = store_file_find(store, name);
	struct index_entry *e;

	if (file != NULL)
		return file;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return NULL;
	file->set = set;
	file->name = tg_intern_id(store->strings, name);
	if (file->name == UINT32_MAX || file_reserve(store, set) != 0 ||
		store_strings_reserve(store) != 0)
		goto fail;
	e = index_put(&store->by_name, (struct index_key){KIND_FILE, 0, file->name});
	if (e == NULL)
		goto fail;
	e->owner = file;
	file_add(store, file);
	return file;
fail:
	free(file);
	return NULL;
}

void store_set_refused(
	struct tg_store *store, struct file *file, struct content *content, bool waiting)
{
	if (file->refused != content)
		store_content_free(file->refused);
	store->n_waiting += (size_t)waiting - (size_t)file->waiting;
	if (file->set != NULL)
		file->set->refused += (size_t)(content != NULL) - (size_t)(file->refused != NULL);
	file->refused = content;
	file->waiting = waiting;
	file->blocked_by = NULL;
}

static void file_remove(struct tg_store *store, struct file *file)
{
	struct file *last;
	size_t i = 0;

	index_remove(&store->by_name, (struct index_key){KIND_FILE, 0, file->name});
	store_string_drop(store, file->name);
	if (file->set != NULL) {
		last = store->served.v[--store->served.n];
		store->served.v[file->at] = last;
		last->at = file->at;
		file->set->n--;
		return;
	}
	while (store->files.v[i] != file)
		i++;
	memmove(&store->files.v[i], &store->files.v[i + 1],
		(store->files.n - i - 1) * sizeof(store->files.v[0]));
	store->files.n--;
}

/* A file that gave nothing, not even an error. */
void store_file_forget_empty(struct tg_store *store, struct file *file)
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

int store_put_in_force(struct tg_store *store, struct file *file)
{
	int err = store_settle(store, file);

	store_collect(store);
	if (file->refused == NULL)
		return 0;
	return !file->waiting ? -EINVAL : err != 0 ? err : -EEXIST;
}

int tg_store_load(struct tg_store *store, const char *name, const void *text, size_t size)
{
	struct content *content = store_content_create(size);
	struct file *file = content != NULL ? store_file_get(store, name, NULL) : NULL;
	int err;

	if (file == NULL) {
		store_content_free(content);
		return -ENOMEM;
	}
	err = content_decode(store, content, name, text, size);
	if (err == -ENOMEM) {
		store_content_free(content);
		store_file_forget_empty(store, file);
		return err;
	}
	store_set_refused(store, file, content, err == 0);
	return err != 0 ? err : store_put_in_force(store, file);
}

int tg_store_fail(struct tg_store *store, const char *name, const char *why)
{
	struct content *content = store_content_create(0);
	struct file *file = content != NULL ? store_file_get(store, name, NULL) : NULL;
	struct tg_reader reader;

	if (file == NULL) {
		store_content_free(content);
		return -ENOMEM;
	}
	tg_reader_init(&reader, content->arena);
	tg_reader_problem_line(&reader, 0, "%s", why);
	content->decoded.errors = reader.problems;
	content->decoded.errors_dropped = reader.dropped;
	store_set_refused(store, file, content, false);
	return 0;
}

void store_file_drop(struct tg_store *store, struct file *file)
{
	store_set_refused(store, file, NULL, false);
	store_withdraw(store, file);
	file_remove(store, file);
	file_free(file);
}

int tg_store_remove(struct tg_store *store, const char *name)
{
	struct file *file = store_file_find(store, name);

	if (file == NULL)
		return -ENOENT;
	store_file_drop(store, file);
	store_settle(store, NULL);
	store_collect(store);
	return 0;
}

size_t tg_store_file_count(const struct tg_store *store)
{
	return store_file_total(store);
}

void tg_store_file(const struct tg_store *store, size_t index, struct tg_file_status *out)
{
	const struct file *file = store_file_at(store, index);
	const struct content *shown = file->current != NULL ? file->current : file->refused;

	memset(out, 0, sizeof(*out));
	out->file = tg_intern_text(store->strings, file->name);
	out->served = file->set != NULL;
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
	for (size_t i = 0; i < store_file_total(store); i++) {
		const struct file *file = store_file_at(store, i);
		struct tg_file_status status;

		tg_store_file(store, i, &status);
		if (status.served) {
			out->served++;
			out->served_refused += status.refused;
			out->files_missing += file->waiting && !status.in_force;
		} else {
			out->files++;
			out->files_refused += status.refused;
			out->files_missing += status.refused && !status.in_force;
		}
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

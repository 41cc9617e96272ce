/* SPDX-License-Identifier: BSD-3-Clause */
#include "set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

#define TEXT_PER_OBJECT 16 /* bytes of JSON for one of the model, about */
#define FILE_NAME_MAX 512  /* a set's name, a namespace of 63 bytes and a name of 253 */

struct tg_store_set *tg_store_set_create(
	struct tg_store *store, const struct tg_store_set_options *options)
{
	struct tg_store_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->store = store;
	set->name = strdup(options->name);
	set->api_version = strdup(options->api_version);
	set->kind = strdup(options->kind);
	set->keeps_unreadable = options->keeps_unreadable;
	set->scope = options->scope;
	if (set->scope.cluster != NULL)
		set->scope.cluster = set->cluster = strdup(options->scope.cluster);
	if (set->name != NULL && set->api_version != NULL && set->kind != NULL &&
		(options->scope.cluster == NULL || set->cluster != NULL))
		return set;
	tg_store_set_free(set);
	return NULL;
}

/* Drops the objects that the last list did not have, or all. */
static size_t drop(struct tg_store_set *set, bool all)
{
	struct tg_store *store = set->store;
	size_t dropped = 0;

	for (size_t i = set->n != 0 ? store->served.n : 0; i-- > 0;) {
		struct file *file = store->served.v[i];

		if (file->set != set || (!all && file->mark == set->mark))
			continue;
		store_file_drop(store, file); /* one from behind takes its place, already seen */
		dropped++;
	}
	if (dropped != 0) {
		store_settle(store, NULL);
		store_collect(store);
	}
	return dropped;
}

void tg_store_set_free(struct tg_store_set *set)
{
	if (set == NULL)
		return;
	drop(set, true);
	free(set->name);
	free(set->api_version);
	free(set->kind);
	free(set->cluster);
	free(set);
}

static bool file_name(
	const struct tg_store_set *set, const char *ns, const char *name, char text[FILE_NAME_MAX])
{
	int n = snprintf(
		text, FILE_NAME_MAX, "%s/%s%s%s", set->name, ns, ns[0] != '\0' ? "/" : "", name);

	return n > 0 && n < FILE_NAME_MAX;
}

/* What was decoded is the object's text from now on. */
static int take(struct tg_store_set *set, struct file *file, struct content *content, int err)
{
	struct tg_store *store = set->store;

	store_set_refused(store, file, content, err == 0);
	if (err == 0)
		return store_put_in_force(store, file);
	if (!set->keeps_unreadable) {
		store_withdraw(store, file);
		store_settle(store, NULL);
	}
	store_collect(store);
	return err;
}

/* Decodes with a record of the strings. `text` NULL: it was not read, `why`. */
static int decode(struct tg_store_set *set, struct content *content, const struct tg_served *served,
	const void *text, size_t size, const char *why)
{
	struct tg_intern *strings = set->store->strings;
	int err;

	tg_intern_record(strings, &content->strings);
	if (text != NULL)
		err = tg_decode_served(
			served, text, size, strings, content->arena, &content->decoded);
	else
		err = tg_decode_unread(served, why, strings, content->arena, &content->decoded);
	tg_intern_record(strings, NULL);
	tg_vec_trim(&content->strings);
	return err;
}

static int put(struct tg_store_set *set, const char *ns, const char *name, const void *text,
	size_t size, const char *why)
{
	char file_text[FILE_NAME_MAX];
	const struct tg_served served = {
		.file = file_text,
		.api_version = set->api_version,
		.kind = set->kind,
		.ns = ns,
		.name = name,
		.scope = set->scope,
	};
	struct content *content;
	struct file *file;
	int err;

	if (!file_name(set, ns, name, file_text))
		return -EINVAL;
	content = store_content_create(size / TEXT_PER_OBJECT);
	file = content != NULL ? store_file_get(set->store, file_text, set) : NULL;
	if (file == NULL) {
		store_content_free(content);
		return -ENOMEM;
	}
	file->mark = set->mark;
	err = decode(set, content, &served, text, size, why);
	if (err == -ENOMEM) {
		store_content_free(content);
		store_file_forget_empty(set->store, file);
		return err;
	}
	return take(set, file, content, err);
}

int tg_store_set_put(
	struct tg_store_set *set, const char *ns, const char *name, const void *text, size_t size)
{
	return put(set, ns, name, text, size, NULL);
}

int tg_store_set_fail(struct tg_store_set *set, const char *ns, const char *name, const char *why)
{
	return put(set, ns, name, NULL, 0, why);
}

void tg_store_set_remove(struct tg_store_set *set, const char *ns, const char *name)
{
	char text[FILE_NAME_MAX];
	struct file *file;

	if (!file_name(set, ns, name, text))
		return;
	file = store_file_find(set->store, text);
	if (file == NULL)
		return;
	store_file_drop(set->store, file);
	store_settle(set->store, NULL);
	store_collect(set->store);
}

void tg_store_set_begin(struct tg_store_set *set)
{
	set->mark++;
}

size_t tg_store_set_end(struct tg_store_set *set)
{
	return drop(set, false);
}

void tg_store_set_stats(const struct tg_store_set *set, struct tg_store_set_stats *out)
{
	out->objects = set->n;
	out->refused = set->refused;
}

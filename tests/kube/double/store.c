/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdlib.h>
#include <string.h>

static bool kind_is(const struct kind *kind, const char *resource)
{
	size_t n = strcspn(resource, ".");
	const char *group = resource[n] == '.' ? resource + n + 1 : NULL;

	return strlen(kind->type.resource) == n && memcmp(kind->type.resource, resource, n) == 0 &&
	       (group == NULL || strcmp(kind->type.group, group) == 0);
}

struct kind *store_kind(const struct store *store, const char *resource)
{
	for (size_t i = 0; i < store->kinds.n; i++)
		if (kind_is(store->kinds.v[i], resource))
			return store->kinds.v[i];
	return NULL;
}

struct kind *store_add_kind(struct store *store, const struct double_kind *type, bool custom)
{
	struct kind *kind = xzalloc(sizeof(*kind));

	kind->type = (struct double_kind){.group = xstrdup(type->group),
		.version = xstrdup(type->version),
		.resource = xstrdup(type->resource),
		.kind = xstrdup(type->kind),
		.namespaced = type->namespaced};
	kind->custom = custom;
	vec_push(&store->kinds, kind);
	return kind;
}

static void revision_free(struct revision *revision)
{
	free(revision->text);
	free(revision->made);
	free(revision);
}

static void entry_free(struct entry *entry)
{
	while (entry->newest != NULL) {
		struct revision *older = entry->newest->older;

		revision_free(entry->newest);
		entry->newest = older;
	}
	free(entry->name);
	free(entry);
}

static void bucket_free(struct bucket *bucket)
{
	for (size_t i = 0; i < bucket->entries.n; i++)
		entry_free(bucket->entries.v[i]);
	free(bucket->entries.v);
	free(bucket->ns);
	free(bucket);
}

static void kind_free(struct kind *kind)
{
	for (size_t i = 0; i < kind->buckets.n; i++)
		bucket_free(kind->buckets.v[i]);
	free(kind->buckets.v);
	free(kind->log.v);
	free(kind->handed.v);
	free((char *)kind->type.group);
	free((char *)kind->type.version);
	free((char *)kind->type.resource);
	free((char *)kind->type.kind);
	free(kind);
}

void store_remove_kind(struct store *store, struct kind *kind)
{
	for (size_t i = 0; i < store->kinds.n; i++)
		if (store->kinds.v[i] == kind) {
			vec_remove(&store->kinds, i);
			break;
		}
	kind_free(kind);
}

void store_free(struct store *store)
{
	for (size_t i = 0; i < store->kinds.n; i++)
		kind_free(store->kinds.v[i]);
	free(store->kinds.v);
}

/* As if a slash followed each. */
static int compare_ns(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return (*a == '\0' ? '/' : (unsigned char)*a) - (*b == '\0' ? '/' : (unsigned char)*b);
}

/* The first bucket that is not before ns. */
static size_t bucket_place(const struct kind *kind, const char *ns)
{
	size_t lo = 0, hi = kind->buckets.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (compare_ns(kind->buckets.v[mid]->ns, ns) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct bucket *bucket_find(const struct kind *kind, const char *ns)
{
	size_t i = bucket_place(kind, ns);

	return i < kind->buckets.n && strcmp(kind->buckets.v[i]->ns, ns) == 0 ? kind->buckets.v[i]
									      : NULL;
}

/* The first entry that is not before name. */
static size_t entry_place(const struct bucket *bucket, const char *name)
{
	size_t lo = 0, hi = bucket->entries.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(bucket->entries.v[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct entry *entry_find(const struct bucket *bucket, const char *name)
{
	size_t i = entry_place(bucket, name);

	return i < bucket->entries.n && strcmp(bucket->entries.v[i]->name, name) == 0
		       ? bucket->entries.v[i]
		       : NULL;
}

struct entry *store_find(const struct kind *kind, const char *ns, const char *name)
{
	struct bucket *bucket = bucket_find(kind, ns != NULL ? ns : "");

	return bucket != NULL ? entry_find(bucket, name) : NULL;
}

static struct entry *entry_make(struct kind *kind, const char *ns, const char *name)
{
	struct bucket *bucket = bucket_find(kind, ns);
	struct entry *entry;

	if (bucket == NULL) {
		bucket = xzalloc(sizeof(*bucket));
		bucket->ns = xstrdup(ns);
		vec_insert(&kind->buckets, bucket_place(kind, ns), bucket);
	}
	entry = entry_find(bucket, name);
	if (entry == NULL) {
		entry = xzalloc(sizeof(*entry));
		entry->bucket = bucket;
		entry->name = xstrdup(name);
		vec_insert(&bucket->entries, entry_place(bucket, name), entry);
	}
	return entry;
}

static struct revision *append(struct store *store, struct kind *kind, struct entry *entry)
{
	struct revision *revision = xzalloc(sizeof(*revision));

	revision->rv = ++store->revision;
	revision->at = uv_hrtime();
	revision->entry = entry;
	revision->older = entry->newest;
	entry->newest = revision;
	vec_push(&kind->log, revision);
	return revision;
}

struct revision *store_write(struct store *store, struct kind *kind, const char *ns,
	const char *name, char *text, size_t rv_at, struct made *made)
{
	struct entry *entry = entry_make(kind, ns != NULL ? ns : "", name);
	struct revision *revision;

	if (entry->newest == NULL || entry->newest->deleted)
		kind->live++;
	revision = append(store, kind, entry);
	revision->text = text;
	revision->rv_at = rv_at;
	revision->made = made;
	return revision;
}

struct revision *store_erase(struct store *store, struct kind *kind, struct entry *entry)
{
	const struct revision *last = entry->newest;
	struct revision *revision = append(store, kind, entry);

	revision->deleted = true;
	revision->rv_at = last->rv_at;
	if (last->text != NULL)
		revision->text = xstrdup(last->text);
	else
		revision->made =
			memcpy(xzalloc(sizeof(*last->made)), last->made, sizeof(*last->made));
	kind->live--;
	return revision;
}

const struct revision *entry_at(const struct entry *entry, uint64_t rv)
{
	const struct revision *revision = entry->newest;

	while (revision != NULL && revision->rv > rv)
		revision = revision->older;
	return revision != NULL && !revision->deleted ? revision : NULL;
}

const struct revision *revision_before(const struct revision *revision)
{
	const struct revision *older = revision->older;

	return older != NULL && !older->deleted ? older : NULL;
}

size_t store_log_after(const struct kind *kind, uint64_t rv)
{
	size_t lo = 0, hi = kind->log.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (kind->log.v[mid]->rv <= rv)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What is older than the one in force at floor; true when nothing is left of the entry. */
static bool prune_entry(struct entry *entry, uint64_t floor)
{
	struct revision **at = &entry->newest;

	while (*at != NULL && (*at)->rv > floor)
		at = &(*at)->older;
	if (*at != NULL && !(*at)->deleted)
		at = &(*at)->older;
	while (*at != NULL) {
		struct revision *older = (*at)->older;

		revision_free(*at);
		*at = older;
	}
	return entry->newest == NULL;
}

static void prune_bucket(struct bucket *bucket, uint64_t floor)
{
	size_t kept = 0;

	for (size_t i = 0; i < bucket->entries.n; i++) {
		struct entry *entry = bucket->entries.v[i];

		if (prune_entry(entry, floor))
			entry_free(entry);
		else
			bucket->entries.v[kept++] = entry;
	}
	bucket->entries.n = kept;
}

void store_prune(struct store *store, uint64_t floor)
{
	for (size_t k = 0; k < store->kinds.n; k++) {
		struct kind *kind = store->kinds.v[k];
		size_t gone = store_log_after(kind, floor);

		if (gone > 0) {
			kind->log.n -= gone;
			memmove(kind->log.v, kind->log.v + gone,
				kind->log.n * sizeof(*kind->log.v));
		}
		for (size_t i = 0; i < kind->buckets.n; i++)
			prune_bucket(kind->buckets.v[i], floor);
	}
}

void place_free(struct place *place)
{
	free(place->ns);
	free(place->name);
	*place = (struct place){0};
}

void place_set(struct place *place, const char *ns, const char *name)
{
	struct place set = {xstrdup(ns), xstrdup(name)};

	place_free(place);
	*place = set;
}

/* Indices of the first key after the place. */
static void locate(
	const struct kind *kind, const char *ns, const struct place *place, size_t *b, size_t *e)
{
	const char *from = place->ns != NULL ? place->ns : ns != NULL ? ns : "";

	*b = kind->type.namespaced ? bucket_place(kind, from) : 0;
	*e = 0;
	if (place->ns == NULL || *b >= kind->buckets.n ||
		strcmp(kind->buckets.v[*b]->ns, place->ns) != 0)
		return;
	*e = entry_place(kind->buckets.v[*b], place->name);
	if (*e < kind->buckets.v[*b]->entries.n &&
		strcmp(kind->buckets.v[*b]->entries.v[*e]->name, place->name) == 0)
		(*e)++;
}

static const struct revision *next_at(
	const struct kind *kind, const char *ns, uint64_t rv, size_t *b, size_t *e)
{
	for (; *b < kind->buckets.n; (*b)++, *e = 0) {
		const struct bucket *bucket = kind->buckets.v[*b];

		if (ns != NULL && strcmp(bucket->ns, ns) != 0)
			return NULL;
		while (*e < bucket->entries.n) {
			const struct revision *revision = entry_at(bucket->entries.v[(*e)++], rv);

			if (revision != NULL)
				return revision;
		}
	}
	return NULL;
}

const struct revision *store_next(
	const struct kind *kind, const char *ns, uint64_t rv, struct place *place)
{
	const struct revision *revision;
	size_t b, e;

	locate(kind, ns, place, &b, &e);
	revision = next_at(kind, ns, rv, &b, &e);
	if (revision != NULL)
		place_set(place, revision->entry->bucket->ns, revision->entry->name);
	return revision;
}

size_t store_remaining(
	const struct kind *kind, const char *ns, uint64_t rv, const struct place *place)
{
	size_t b, e, n = 0;

	locate(kind, ns, place, &b, &e);
	while (next_at(kind, ns, rv, &b, &e) != NULL)
		n++;
	return n;
}

void revision_render(const struct revision *revision, uint64_t rv, struct buf *out)
{
	if (revision->text == NULL) {
		revision->made->render(revision->made, revision->entry->name, rv, out);
		return;
	}
	buf_add(out, revision->text, revision->rv_at);
	buf_printf(out, "%llu", (unsigned long long)rv);
	buf_text(out, revision->text + revision->rv_at);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct picture_entry *find(const struct picture *p, const char *key)
{
	for (size_t i = 0; i < p->entries.n; i++)
		if (strcmp(p->entries.v[i].key, key) == 0)
			return &p->entries.v[i];
	return NULL;
}

static struct picture_entry *put(
	struct picture *p, const char *ns, const char *name, uint64_t version)
{
	struct picture_entry fresh = {0}, *e;

	snprintf(fresh.key, sizeof(fresh.key), "%s/%s", ns, name);
	e = find(p, fresh.key);
	if (e == NULL) {
		assert_int_equal(tg_vec_push(&p->entries, fresh), 0);
		e = &p->entries.v[p->entries.n - 1];
	}
	e->version = version;
	e->mark = p->mark;
	return e;
}

void picture_put(struct picture *p, const char *ns, const char *name, uint64_t version)
{
	put(p, ns, name, version);
}

void picture_remove(struct picture *p, const char *ns, const char *name)
{
	struct picture_entry *e;
	char key[sizeof(e->key)];

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	e = find(p, key);
	if (e != NULL)
		*e = p->entries.v[--p->entries.n];
}

bool picture_equal(const struct picture *a, const struct picture *b)
{
	if (a->entries.n != b->entries.n)
		return false;
	for (size_t i = 0; i < b->entries.n; i++) {
		const struct picture_entry *e = find(a, b->entries.v[i].key);

		if (e == NULL || e->version != b->entries.v[i].version)
			return false;
	}
	return true;
}

void picture_clear(struct picture *p)
{
	tg_vec_free(&p->entries);
}

/* --- what a reflector tells --- */

static struct picture_entry *put_told(struct picture *p, const struct tg_kube_meta *meta)
{
	return put(p, meta->ns, meta->name, strtoull(meta->resource_version, NULL, 10));
}

static void on_begin(void *ctx)
{
	((struct picture *)ctx)->mark++;
}

static int on_put(void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size)
{
	struct picture *p = ctx;

	if (p->no_memory) {
		p->no_memory = false;
		return -ENOMEM;
	}
	assert_non_null(memmem(text, size, meta->name, strlen(meta->name)));
	put_told(p, meta);
	return 0;
}

static int on_oversized(void *ctx, const struct tg_kube_meta *meta, uint64_t size)
{
	put_told(ctx, meta)->oversized = true;
	return 0;
}

static void on_removed(void *ctx, const struct tg_kube_meta *meta)
{
	picture_remove(ctx, meta->ns, meta->name);
}

static void on_end(void *ctx)
{
	struct picture *p = ctx;

	p->ends++;
	for (size_t i = p->entries.n; i-- > 0;)
		if (p->entries.v[i].mark != p->mark) {
			p->entries.v[i] = p->entries.v[--p->entries.n];
			p->drops++;
		}
}

static void on_changed(void *ctx)
{
}

const struct tg_reflector_handler picture_handler = {
	.begin = on_begin,
	.put = on_put,
	.oversized = on_oversized,
	.removed = on_removed,
	.end = on_end,
	.changed = on_changed,
};

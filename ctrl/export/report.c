/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <errno.h>
#include <string.h>

struct tg_report *tg_report_create(void)
{
	struct tg_report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->arena = tg_arena_create(4096);
	if (r->arena == NULL) {
		free(r);
		return NULL;
	}
	r->refs = 1;
	return r;
}

struct tg_report *tg_report_ref(struct tg_report *report)
{
	__atomic_fetch_add(&report->refs, 1, __ATOMIC_RELAXED);
	return report;
}

void tg_report_unref(struct tg_report *r)
{
	if (r == NULL || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	tg_vec_free(&r->errors);
	tg_vec_free(&r->warnings);
	tg_vec_free(&r->unenforced);
	tg_vec_free(&r->unenforced_kinds);
	tg_vec_free(&r->skipped_kinds);
	tg_arena_free(r->arena);
	free(r);
}

static const char *place(struct tg_report *r, const char *file, unsigned int line)
{
	if (line == 0)
		return tg_arena_strdup(r->arena, file);
	return tg_arena_printf(r->arena, "%s:%u", file, line);
}

static int add_item(struct tg_report *r, struct tg_report_items *items, const char *file,
	unsigned int line, const char *text)
{
	struct tg_report_item item;

	items->total++;
	if (items->n >= TG_REPORT_MAX)
		return 0;
	item.place = place(r, file, line);
	item.text = tg_arena_strdup(r->arena, text);
	if (item.place == NULL || item.text == NULL)
		return -ENOMEM;
	return tg_vec_push(items, item);
}

int tg_report_error(struct tg_report *r, const char *file, unsigned int line, const char *text)
{
	return add_item(r, &r->errors, file, line, text);
}

int tg_report_warning(struct tg_report *r, const char *file, unsigned int line, const char *text)
{
	return add_item(r, &r->warnings, file, line, text);
}

/* Adds to the count of a kind; kinds are few. */
static int count_kind(struct tg_report *r, struct tg_report_kind **v, size_t *n, size_t *cap,
	const struct tg_report_kind *kind)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*v)[i].api_version, kind->api_version) == 0 &&
			strcmp((*v)[i].kind, kind->kind) == 0) {
			(*v)[i].count += kind->count;
			return 0;
		}
	if (*n >= TG_REPORT_MAX)
		return 0;
	if (tg_vec_reserve_raw((void **)v, cap, *n + 1, sizeof(**v)) != 0)
		return -ENOMEM;
	(*v)[*n].api_version = tg_arena_strdup(r->arena, kind->api_version);
	(*v)[*n].kind = tg_arena_strdup(r->arena, kind->kind);
	(*v)[*n].count = kind->count;
	if ((*v)[*n].api_version == NULL || (*v)[*n].kind == NULL)
		return -ENOMEM;
	++*n;
	return 0;
}

int tg_report_not_enforced(struct tg_report *r, const char *file, unsigned int line,
	const char *api_version, const char *kind, const char *ns, const char *name)
{
	const struct tg_report_kind one = {api_version, kind, 1};
	struct tg_report_unenforced u = {
		.place = place(r, file, line),
		.api_version = tg_arena_strdup(r->arena, api_version),
		.kind = tg_arena_strdup(r->arena, kind),
		.ns = tg_arena_strdup(r->arena, ns),
		.name = tg_arena_strdup(r->arena, name),
	};

	r->n_unenforced++;
	if (u.place == NULL || u.api_version == NULL || u.kind == NULL || u.ns == NULL ||
		u.name == NULL)
		return -ENOMEM;
	if (r->unenforced.n < TG_REPORT_MAX && tg_vec_push(&r->unenforced, u) != 0)
		return -ENOMEM;
	return count_kind(
		r, &r->unenforced_kinds.v, &r->unenforced_kinds.n, &r->unenforced_kinds.cap, &one);
}

int tg_report_skipped(struct tg_report *r, const char *api_version, const char *kind, size_t count)
{
	const struct tg_report_kind one = {api_version, kind, count};

	r->n_skipped += count;
	return count_kind(r, &r->skipped_kinds.v, &r->skipped_kinds.n, &r->skipped_kinds.cap, &one);
}

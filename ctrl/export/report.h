/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the sources have to say, for people: errors, warnings, policies that are not enforced. Made
 * by the loop's thread, read by the HTTP thread: immutable once it is published, shared by
 * reference. Texts are copied into the report.
 */
#ifndef TG_EXPORT_REPORT_H
#define TG_EXPORT_REPORT_H

#include <stddef.h>

#include "arena.h"
#include "vec.h"

#define TG_REPORT_MAX 1000 /* entries of each list; more are only counted */

struct tg_report_item {
	const char *place; /* "file:line", "file" or "" */
	const char *text;
};

struct tg_report_unenforced {
	const char *place;
	const char *api_version, *kind, *ns, *name;
};

/* Documents of one kind. */
struct tg_report_kind {
	const char *api_version, *kind;
	size_t count;
};

struct tg_report_items {
	struct tg_report_item *v;
	size_t n, cap;
	size_t total; /* with those that are not listed */
};

struct tg_report {
	struct tg_arena *arena;
	struct tg_report_items errors, warnings;
	TG_VEC(struct tg_report_unenforced) unenforced;
	TG_VEC(struct tg_report_kind) unenforced_kinds;
	TG_VEC(struct tg_report_kind) skipped_kinds;
	size_t n_unenforced, n_skipped;
	unsigned int refs; /* atomic */
};

/* NULL: out of memory. */
struct tg_report *tg_report_create(void);
struct tg_report *tg_report_ref(struct tg_report *report);
void tg_report_unref(struct tg_report *report); /* NULL is fine */

/* All return 0 or -ENOMEM. `line` 0: none. */
int tg_report_error(
	struct tg_report *report, const char *file, unsigned int line, const char *text);
int tg_report_warning(
	struct tg_report *report, const char *file, unsigned int line, const char *text);
int tg_report_not_enforced(struct tg_report *report, const char *file, unsigned int line,
	const char *api_version, const char *kind, const char *ns, const char *name);
int tg_report_skipped(
	struct tg_report *report, const char *api_version, const char *kind, size_t count);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *tg_level_label(enum tg_level level)
{
	static const char *const labels[] = {
#define X(sym, label) label,
		TG_LEVELS(X)
#undef X
	};

	return labels[level];
}

static const char *text_of(struct tg_findings *f, const char *fmt, va_list ap)
{
	char *text, *copy;

	if (vasprintf(&text, fmt, ap) < 0) {
		f->no_memory = true;
		return "";
	}
	copy = tg_arena_strdup(f->arena, text);
	free(text);
	f->no_memory |= copy == NULL;
	return copy != NULL ? copy : "";
}

const char *tg_find_text(struct tg_findings *f, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = text_of(f, fmt, ap);
	va_end(ap);
	return text;
}

void tg_find(struct tg_findings *f, enum tg_level level, const char *todo, const char *fmt, ...)
{
	struct tg_finding finding = {
		.level = level, .cluster = f->cluster, .check = f->check, .todo = todo};
	va_list ap;

	va_start(ap, fmt);
	finding.found = text_of(f, fmt, ap);
	va_end(ap);
	if (tg_vec_push(&f->list, finding) != 0)
		f->no_memory = true;
}

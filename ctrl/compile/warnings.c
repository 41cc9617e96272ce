/* SPDX-License-Identifier: BSD-3-Clause */
#include "warnings.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 512u

const char *tg_warning_label(enum tg_warning_kind kind)
{
	static const char *const labels[] = {
#define X(sym, label) label,
		TG_WARNINGS(X)
#undef X
	};
	return (unsigned int)kind < TG_WARN_COUNT ? labels[kind] : "?";
}

void warnings_free(struct warnings *w)
{
	tg_vec_free(&w->v);
}

static int add(
	struct warnings *w, enum tg_warning_kind kind, struct tg_place place, const char *text)
{
	struct tg_warning warning = {.kind = kind, .place = place};

	warning.text = tg_arena_strdup(w->arena, text);
	if (warning.text == NULL)
		return -ENOMEM;
	return tg_vec_push(&w->v, warning);
}

int warnings_add(
	struct warnings *w, enum tg_warning_kind kind, struct tg_place place, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	if (w->counts[kind]++ >= WARNINGS_MAX)
		return 0;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return add(w, kind, place, text);
}

int warnings_finish(struct warnings *w)
{
	const struct tg_place nowhere = {0};
	char text[LINE_MAX_BYTES];

	for (int kind = 0; kind < TG_WARN_COUNT; kind++) {
		if (w->counts[kind] <= WARNINGS_MAX)
			continue;
		snprintf(text, sizeof(text), "and %zu more of this kind",
			w->counts[kind] - WARNINGS_MAX);
		if (add(w, kind, nowhere, text) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The warnings of one compilation: at most WARNINGS_MAX of a kind, then how many more there are. */
#ifndef TG_COMPILE_WARNINGS_H
#define TG_COMPILE_WARNINGS_H

#include "arena.h"
#include "compile.h"
#include "vec.h"

#define WARNINGS_MAX 1000u

struct warnings {
	struct tg_arena *arena; /* of the texts; the caller's */
	TG_VEC(struct tg_warning) v;
	size_t counts[TG_WARN_COUNT];
};

void warnings_free(struct warnings *w);
int warnings_add(struct warnings *w, enum tg_warning_kind kind, struct tg_place place,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Adds the "N more" lines. */
int warnings_finish(struct warnings *w);

#endif

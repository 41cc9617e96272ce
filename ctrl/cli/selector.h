/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Label selectors as one line of text, as `kubectl -l` takes them: requirements with commas
 * between them, all of which must hold.
 *
 *	app=web   app==web   app!=web   tier in (a, b)   tier notin (a, b)   canary   !canary
 *
 * The empty text selects everything.
 */
#ifndef TG_CLI_SELECTOR_H
#define TG_CLI_SELECTOR_H

#include "arena.h"
#include "model.h"

/*
 * Parses into `out`, with memory of `arena`; keys and values are added to `strings`. 0, -ENOMEM, or
 * -EINVAL with the reason in `error`.
 */
int tg_selector_parse(const char *text, struct tg_intern *strings, struct tg_arena *arena,
	struct tg_selector *out, char *error, size_t error_size);

#endif

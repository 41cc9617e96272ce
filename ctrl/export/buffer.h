/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text that grows: what a scrape or an answer is written into. Memory that runs out is remembered,
 * later writes do nothing, and tg_buffer_take says so at the end. Not thread-safe.
 */
#ifndef TG_EXPORT_BUFFER_H
#define TG_EXPORT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_buffer {
	char *text; /* not terminated */
	size_t n, cap;
	bool failed;
};

void tg_buffer_add(struct tg_buffer *b, const char *text, size_t n);
void tg_buffer_text(struct tg_buffer *b, const char *text);
void tg_buffer_number(struct tg_buffer *b, uint64_t value);
void tg_buffer_printf(struct tg_buffer *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A label value of the Prometheus text format, quotes included: backslash, quote and newline
 * escaped, bytes that are no UTF-8 replaced, cut at a character's end after TG_LABEL_MAX bytes with
 * an ellipsis.
 */
#define TG_LABEL_MAX 256
void tg_buffer_label(struct tg_buffer *b, const char *text);
/* A JSON string, quotes included; bytes that are no UTF-8 replaced. */
void tg_buffer_json(struct tg_buffer *b, const char *text);

/* The text, to be freed by the caller, and its length; NULL when memory ran out. Empties `b`. */
char *tg_buffer_take(struct tg_buffer *b, size_t *n);
void tg_buffer_free(struct tg_buffer *b);

#endif

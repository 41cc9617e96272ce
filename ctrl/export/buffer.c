/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6"	   /* U+2026 */

static bool room(struct tg_buffer *b, size_t n)
{
	if (!b->failed && tg_vec_reserve_raw((void **)&b->text, &b->cap, b->n + n, 1) != 0)
		b->failed = true;
	return !b->failed;
}

void tg_buffer_add(struct tg_buffer *b, const char *text, size_t n)
{
	if (!room(b, n))
		return;
	memcpy(b->text + b->n, text, n);
	b->n += n;
}

void tg_buffer_text(struct tg_buffer *b, const char *text)
{
	tg_buffer_add(b, text, strlen(text));
}

void tg_buffer_number(struct tg_buffer *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	tg_buffer_add(b, digits + at, sizeof(digits) - at);
}

void tg_buffer_printf(struct tg_buffer *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !room(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(b->text + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

/* The bytes of the UTF-8 character at `p`, which is terminated; 0 when it is none (RFC 3629). */
static size_t character(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void add_label_character(struct tg_buffer *b, const char *p, size_t n)
{
	if (n == 0)
		tg_buffer_text(b, REPLACEMENT);
	else if (*p == '\\')
		tg_buffer_text(b, "\\\\");
	else if (*p == '"')
		tg_buffer_text(b, "\\\"");
	else if (*p == '\n')
		tg_buffer_text(b, "\\n");
	else
		tg_buffer_add(b, p, n);
}

void tg_buffer_label(struct tg_buffer *b, const char *text)
{
	size_t at = 0, n;

	tg_buffer_text(b, "\"");
	while (text[at] != '\0') {
		n = character((const unsigned char *)text + at);
		if (at + n > TG_LABEL_MAX) {
			tg_buffer_text(b, ELLIPSIS);
			break;
		}
		add_label_character(b, text + at, n);
		at += n != 0 ? n : 1;
	}
	tg_buffer_text(b, "\"");
}

static void add_json_character(struct tg_buffer *b, const char *p, size_t n)
{
	if (n == 0)
		tg_buffer_text(b, REPLACEMENT);
	else if (*p == '\\' || *p == '"')
		tg_buffer_printf(b, "\\%c", *p);
	else if (*p == '\n')
		tg_buffer_text(b, "\\n");
	else if ((unsigned char)*p < 0x20)
		tg_buffer_printf(b, "\\u%04x", (unsigned char)*p);
	else
		tg_buffer_add(b, p, n);
}

void tg_buffer_json(struct tg_buffer *b, const char *text)
{
	size_t n;

	tg_buffer_text(b, "\"");
	while (*text != '\0') {
		n = character((const unsigned char *)text);
		add_json_character(b, text, n);
		text += n != 0 ? n : 1;
	}
	tg_buffer_text(b, "\"");
}

char *tg_buffer_take(struct tg_buffer *b, size_t *n)
{
	char *text = b->text;

	*n = b->n;
	if (b->failed) {
		free(text);
		text = NULL;
	} else if (text == NULL) {
		text = calloc(1, 1);
	}
	memset(b, 0, sizeof(*b));
	return text;
}

void tg_buffer_free(struct tg_buffer *b)
{
	free(b->text);
	memset(b, 0, sizeof(*b));
}

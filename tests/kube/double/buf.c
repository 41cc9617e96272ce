/* SPDX-License-Identifier: BSD-3-Clause */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n);
	if (p == NULL)
		abort();
	return p;
}

void *xzalloc(size_t n)
{
	return memset(xrealloc(NULL, n), 0, n);
}

char *xstrdup(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(xrealloc(NULL, n), text, n);
}

char *xprintf(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	return text;
}

static void room(struct buf *buf, size_t more)
{
	if (buf->n + more + 1 <= buf->cap)
		return;
	buf->cap = buf->n + more + 1 + buf->cap / 2;
	buf->v = xrealloc(buf->v, buf->cap);
}

void buf_add(struct buf *buf, const void *data, size_t n)
{
	room(buf, n);
	if (n > 0)
		memcpy(buf->v + buf->n, data, n);
	buf->n += n;
	buf->v[buf->n] = '\0';
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	buf_add(buf, text, (size_t)n);
	free(text);
}

void buf_json(struct buf *buf, const char *text)
{
	buf_text(buf, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(buf, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			buf_printf(buf, "\\u%04x", *text);
		else
			buf_add(buf, text, 1);
	}
	buf_text(buf, "\"");
}

void buf_drop(struct buf *buf, size_t n)
{
	if (n == 0)
		return;
	memmove(buf->v, buf->v + n, buf->n - n);
	buf->n -= n;
	buf->v[buf->n] = '\0';
}

void buf_free(struct buf *buf)
{
	free(buf->v);
	*buf = (struct buf){0};
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Takes away a character of which only the beginning is there. */
static void cut(char *text, size_t n)
{
	size_t at = n, length;

	while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0 || (unsigned char)text[at - 1] < 0xc0)
		return;
	at--;
	length = (unsigned char)text[at] >= 0xf0 ? 4 : (unsigned char)text[at] >= 0xe0 ? 3 : 2;
	if (n - at < length)
		text[at] = '\0';
}

void kube_text_line(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, size, fmt, ap);
	va_end(ap);
	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		cut(out, size - 1);
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

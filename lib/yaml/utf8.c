/* SPDX-License-Identifier: BSD-3-Clause */
#include "build.h"

/* RFC 3629 section 4: which second bytes a lead byte allows, and how many bytes follow. */
static size_t lead(unsigned char c, unsigned char *lo, unsigned char *hi)
{
	*lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

size_t utf8_sequence(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char lo, hi;
	size_t n = size != 0 ? lead(p[0], &lo, &hi) : 0;

	if (n == 0 || n > size)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return n;
}

bool utf8_valid(const char *text, size_t size)
{
	size_t n;

	for (; size != 0; text += n, size -= n) {
		n = utf8_sequence(text, size);
		if (n == 0)
			return false;
	}
	return true;
}

size_t utf8_encode(char *out, uint32_t code)
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(marks[n] | code);
	return n;
}

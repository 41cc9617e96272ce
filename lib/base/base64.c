/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_of(char c)
{
	const char *found = c != '\0' ? strchr(alphabet, c) : NULL;

	return found != NULL ? (int)(found - alphabet) : -1;
}

int tg_base64_decode(char *text, size_t *size)
{
	size_t n = 0, digits = 0, pads = 0;
	uint32_t bits = 0;

	for (const char *p = text; *p != '\0'; p++) {
		int digit = digit_of(*p);

		if (*p == '\n' || *p == '\r')
			continue;
		if (*p == '=' && (digits + pads) % 4 >= 2) {
			pads++;
			continue;
		}
		if (digit < 0 || pads != 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)digit;
		if (++digits % 4 != 1)
			text[n++] = (char)(bits >> ((4 - digits % 4) % 4 * 2));
	}
	if ((digits + pads) % 4 != 0)
		return -EINVAL;
	text[n] = '\0';
	*size = n;
	return 0;
}

void tg_base64_encode(const void *data, size_t size, char *text)
{
	const uint8_t *p = data;

	for (; size >= 3; size -= 3, p += 3) {
		*text++ = alphabet[p[0] >> 2];
		*text++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*text++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*text++ = alphabet[p[2] & 63];
	}
	if (size != 0) {
		uint8_t second = size == 2 ? p[1] : 0;

		*text++ = alphabet[p[0] >> 2];
		*text++ = alphabet[(p[0] & 3) << 4 | second >> 4];
		*text++ = size == 2 ? alphabet[(second & 15) << 2] : '=';
		*text++ = '=';
	}
	*text = '\0';
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings in JSON (RFC 8259 section 7), eight bytes at a time. */
#ifndef TG_BASE_PLAIN_H
#define TG_BASE_PLAIN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TG_EACH_BYTE 0x0101010101010101ull

static inline bool tg_is_plain(unsigned char c, bool ascii)
{
	return c >= 0x20 && c != '"' && c != '\\' && !(ascii && c >= 0x80);
}

/*
 * The first byte from p on that does not simply stand for itself: a quote, a backslash, a control
 * character; with `ascii`, what is none as well. `end` when there is none.
 */
static inline const char *tg_plain_end(const char *p, const char *end, bool ascii)
{
	for (; end - p >= 8; p += 8) {
		uint64_t v, quote, backslash, special;

		memcpy(&v, p, sizeof(v));
		v = le64toh(v);
		quote = v ^ TG_EACH_BYTE * '"';
		backslash = v ^ TG_EACH_BYTE * '\\';
		/* The lowest bit that is set is right; borrows only spoil those above it. */
		special = (((quote - TG_EACH_BYTE) & ~quote) |
				  ((backslash - TG_EACH_BYTE) & ~backslash) |
				  ((v - TG_EACH_BYTE * 0x20) & ~v) | (ascii ? v : 0)) &
			  TG_EACH_BYTE * 0x80;
		if (special != 0)
			return p + __builtin_ctzll(special) / 8;
	}
	while (p != end && tg_is_plain((unsigned char)*p, ascii))
		p++;
	return p;
}

#endif

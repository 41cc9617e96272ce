/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/kube: reads JSON (RFC 8259) that comes in pieces cut anywhere, token by token,
 * in constant memory. The whole grammar is checked, but for the encoding of what is in strings.
 *
 *	struct scanner s = {0};
 *	while ((token = scanner_next(&s, &p, end)) != TOKEN_MORE) ...
 *
 * At the top level there may be any number of maps, one after the other.
 */
#ifndef TG_KUBE_SCANNER_H
#define TG_KUBE_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCANNER_DEPTH_MAX 10048u /* a multiple of 64 */
#define SCANNER_TEXT_MAX 4096u	 /* bytes of a key or scalar that are kept */

enum token {
	TOKEN_MORE,  /* all bytes are read, and the next token has not ended */
	TOKEN_BAD,   /* no JSON: see `expected`; *p is where */
	TOKEN_OPEN,  /* a map or list has begun; `type` says which */
	TOKEN_CLOSE, /* it has ended */
	TOKEN_KEY,   /* `text` */
	TOKEN_VALUE, /* neither map nor list; `type`, `text` */
};

enum json_type { JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL, JSON_LIST, JSON_MAP };

enum scanner_state {
	SCAN_TOP, /* between maps; zero: where it begins */
	SCAN_FIRST_KEY,
	SCAN_KEY,
	SCAN_COLON,
	SCAN_FIRST_ITEM,
	SCAN_VALUE,
	SCAN_SEPARATOR,
	SCAN_STRING, /* from here on: inside of a token */
	SCAN_ESCAPE,
	SCAN_HEX,
	SCAN_NUMBER,
	SCAN_WORD,
};

struct scanner {
	enum scanner_state state;
	enum json_type type;
	const char *expected; /* "a value": after TOKEN_BAD */
	uint32_t depth;	      /* maps and lists that are open */
	uint32_t skip;	      /* the level whose end alone is told; 0: everything is */
	bool is_key;	      /* the string that is read */
	uint8_t at;	      /* digits of an escape, letters of a word, part of a number */
	uint32_t code;	      /* of an escape */
	uint32_t n;	      /* bytes of `text` */
	/*
	 * Not all of the token is in `text`: it is longer, or has an escape for a NUL or for what
	 * is no ASCII. Nothing that is looked for has either.
	 */
	bool partial;
	char text[SCANNER_TEXT_MAX + 1];       /* escapes undone, terminated */
	uint64_t maps[SCANNER_DEPTH_MAX / 64]; /* a bit for each level: a map, no list */
};

/* Reads on at *p, up to `end`. After TOKEN_BAD the scanner is of no use any more. */
enum token scanner_next(struct scanner *s, const char **p, const char *end);

/* After TOKEN_OPEN: of what has begun only the TOKEN_CLOSE is told. */
static inline void scanner_skip(struct scanner *s)
{
	s->skip = s->depth;
}

#endif

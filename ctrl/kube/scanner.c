/* SPDX-License-Identifier: BSD-3-Clause */
#include "scanner.h"

#include <string.h>

#include "plain.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* White space is rare in what servers send; a flood of it is passed quickly. */
static const char *space_end(const char *p, const char *end)
{
	while (p != end && is_space(*p)) {
		uint64_t v = 0;

		if (end - p >= 8)
			memcpy(&v, p, sizeof(v));
		p += v == TG_EACH_BYTE * ' ' ? 8 : 1;
	}
	return p;
}

static bool in_map(const struct scanner *s)
{
	uint32_t level = s->depth - 1;

	return (s->maps[level / 64] >> (level % 64) & 1) != 0;
}

static bool is_told(const struct scanner *s)
{
	return s->skip == 0 || s->depth < s->skip;
}

static enum token bad(struct scanner *s, const char *expected)
{
	s->expected = expected;
	return TOKEN_BAD;
}

static void text_begin(struct scanner *s)
{
	s->n = 0;
	s->partial = false;
}

static void text_add(struct scanner *s, const char *bytes, size_t n)
{
	size_t room = SCANNER_TEXT_MAX - s->n;

	if (!is_told(s))
		return;
	if (n > room) {
		s->partial = true;
		n = room;
	}
	memcpy(s->text + s->n, bytes, n);
	s->n += (uint32_t)n;
}

/* The token that has just ended. */
static enum token ended(struct scanner *s, enum token token)
{
	s->text[s->n] = '\0';
	return is_told(s) ? token : TOKEN_MORE;
}

static enum token read_string(struct scanner *s, const char **p, const char *end)
{
	const char *from = *p;

	*p = tg_plain_end(from, end, false);
	text_add(s, from, (size_t)(*p - from));
	if (*p == end)
		return TOKEN_MORE;
	if (**p == '\\') {
		++*p;
		s->state = SCAN_ESCAPE;
		return TOKEN_MORE;
	}
	if (**p != '"')
		return bad(s, "no control character in a string");
	++*p;
	s->state = s->is_key ? SCAN_COLON : SCAN_SEPARATOR;
	return ended(s, s->is_key ? TOKEN_KEY : TOKEN_VALUE);
}

static enum token read_escape(struct scanner *s, const char **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = **p;
	const char *found = c != '\0' ? strchr(from, c) : NULL;

	if (c == 'u') {
		s->state = SCAN_HEX;
		s->at = 0;
		s->code = 0;
	} else if (found != NULL) {
		s->state = SCAN_STRING;
		text_add(s, &to[found - from], 1);
	} else {
		return bad(s, "a known escape in a string");
	}
	++*p;
	return TOKEN_MORE;
}

static enum token read_hex(struct scanner *s, const char **p)
{
	char c = **p, lower = c | 0x20, byte;

	if (is_digit(c))
		s->code = s->code * 16 + (uint32_t)(c - '0');
	else if (lower >= 'a' && lower <= 'f')
		s->code = s->code * 16 + (uint32_t)(lower - 'a' + 10);
	else
		return bad(s, "four hex digits after \\u");
	++*p;
	if (++s->at < 4)
		return TOKEN_MORE;
	s->state = SCAN_STRING;
	byte = (char)s->code;
	if (s->code > 0 && s->code < 0x80)
		text_add(s, &byte, 1);
	else
		s->partial = true;
	return TOKEN_MORE;
}

/* Where in a number the last character was. */
enum number_part { MINUS, ZERO, INTEGER, POINT, FRACTION, E, E_SIGN, EXPONENT, NOT_A_NUMBER };

static enum number_part number_next(enum number_part part, char c)
{
	bool digit = is_digit(c), exponent = c == 'e' || c == 'E';

	switch (part) {
	case MINUS:
		return c == '0' ? ZERO : digit ? INTEGER : NOT_A_NUMBER;
	case ZERO:
		return c == '.' ? POINT : exponent ? E : NOT_A_NUMBER;
	case INTEGER:
		return digit ? INTEGER : c == '.' ? POINT : exponent ? E : NOT_A_NUMBER;
	case POINT:
		return digit ? FRACTION : NOT_A_NUMBER;
	case FRACTION:
		return digit ? FRACTION : exponent ? E : NOT_A_NUMBER;
	case E:
		return digit ? EXPONENT : c == '+' || c == '-' ? E_SIGN : NOT_A_NUMBER;
	case E_SIGN:
	case EXPONENT:
		return digit ? EXPONENT : NOT_A_NUMBER;
	case NOT_A_NUMBER:
		break;
	}
	return NOT_A_NUMBER;
}

static bool number_may_end(enum number_part part)
{
	return part == ZERO || part == INTEGER || part == FRACTION || part == EXPONENT;
}

/* A number ends at the byte behind it. */
static enum token read_number(struct scanner *s, const char **p, const char *end)
{
	const char *from = *p;

	while (*p != end) {
		enum number_part next = number_next((enum number_part)s->at, **p);

		if (next == NOT_A_NUMBER)
			break;
		s->at = (uint8_t)next;
		++*p;
	}
	text_add(s, from, (size_t)(*p - from));
	if (*p == end)
		return TOKEN_MORE;
	if (!number_may_end((enum number_part)s->at))
		return bad(s, "a digit");
	s->state = SCAN_SEPARATOR;
	return ended(s, TOKEN_VALUE);
}

static enum token read_word(struct scanner *s, const char **p)
{
	static const char *const words[] = {
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};
	const char *word = words[s->type];

	if (**p != word[s->at])
		return bad(s, "true, false or null");
	++*p;
	if (word[++s->at] != '\0')
		return TOKEN_MORE;
	s->state = SCAN_SEPARATOR;
	return ended(s, TOKEN_VALUE);
}

static enum token begin_string(struct scanner *s, bool is_key)
{
	text_begin(s);
	s->type = JSON_STRING;
	s->is_key = is_key;
	s->state = SCAN_STRING;
	return TOKEN_MORE;
}

static enum token open_container(struct scanner *s, bool map)
{
	uint64_t bit = 1ull << (s->depth % 64);
	bool told = is_told(s);

	if (s->depth >= SCANNER_DEPTH_MAX)
		return bad(s, "less nesting");
	if (map)
		s->maps[s->depth / 64] |= bit;
	else
		s->maps[s->depth / 64] &= ~bit;
	s->depth++;
	s->type = map ? JSON_MAP : JSON_LIST;
	s->state = map ? SCAN_FIRST_KEY : SCAN_FIRST_ITEM;
	return told ? TOKEN_OPEN : TOKEN_MORE;
}

static enum token close_container(struct scanner *s)
{
	s->depth--;
	s->state = s->depth != 0 ? SCAN_SEPARATOR : SCAN_TOP;
	if (!is_told(s))
		return TOKEN_MORE;
	s->skip = 0;
	return TOKEN_CLOSE;
}

static enum token begin_value(struct scanner *s, char c)
{
	switch (c) {
	case '"':
		return begin_string(s, false);
	case '{':
	case '[':
		return open_container(s, c == '{');
	case '-':
	case '0' ... '9':
		text_begin(s);
		text_add(s, &c, 1);
		s->type = JSON_NUMBER;
		s->at = c == '-' ? MINUS : c == '0' ? ZERO : INTEGER;
		s->state = SCAN_NUMBER;
		return TOKEN_MORE;
	case 't':
	case 'f':
	case 'n':
		text_begin(s);
		s->type = c == 't' ? JSON_TRUE : c == 'f' ? JSON_FALSE : JSON_NULL;
		s->at = 1;
		s->state = SCAN_WORD;
		return TOKEN_MORE;
	default:
		return bad(s, "a value");
	}
}

/* Whatever stands between tokens. */
static enum token read_structure(struct scanner *s, char c)
{
	switch (s->state) {
	case SCAN_TOP:
		return c == '{' ? open_container(s, true) : bad(s, "'{'");
	case SCAN_FIRST_KEY:
		if (c == '}')
			return close_container(s);
		return c == '"' ? begin_string(s, true) : bad(s, "a key in quotes or '}'");
	case SCAN_KEY:
		return c == '"' ? begin_string(s, true) : bad(s, "a key in quotes");
	case SCAN_COLON:
		if (c != ':')
			return bad(s, "':'");
		s->state = SCAN_VALUE;
		return TOKEN_MORE;
	case SCAN_FIRST_ITEM:
		return c == ']' ? close_container(s) : begin_value(s, c);
	case SCAN_SEPARATOR:
		if (c == (in_map(s) ? '}' : ']'))
			return close_container(s);
		if (c != ',')
			return bad(s, in_map(s) ? "',' or '}'" : "',' or ']'");
		s->state = in_map(s) ? SCAN_KEY : SCAN_VALUE;
		return TOKEN_MORE;
	default:
		return begin_value(s, c);
	}
}

static enum token read_some(struct scanner *s, const char **p, const char *end)
{
	enum token token;

	switch (s->state) {
	case SCAN_STRING:
		return read_string(s, p, end);
	case SCAN_ESCAPE:
		return read_escape(s, p);
	case SCAN_HEX:
		return read_hex(s, p);
	case SCAN_NUMBER:
		return read_number(s, p, end);
	case SCAN_WORD:
		return read_word(s, p);
	default:
		*p = space_end(*p, end);
		if (*p == end)
			return TOKEN_MORE;
		token = read_structure(s, **p);
		*p += token != TOKEN_BAD;
		return token;
	}
}

/* The end of the string whose opening quote is at p; NULL: it is not here, or has escapes. */
static const char *whole_string(const char *p, const char *end)
{
	const char *quote = tg_plain_end(p + 1, end, false);

	return quote != end && *quote == '"' ? quote + 1 : NULL;
}

/*
 * The bulk of what is skipped: members and items that are whole strings, and what separates them.
 * Stops in front of anything else, which is then read as usual.
 */
static const char *pass_strings(struct scanner *s, const char *p, const char *end)
{
	enum scanner_state state = s->state;
	const bool map = in_map(s);
	const char *next;

	while (p != end) {
		if (state == SCAN_SEPARATOR && *p == ',') {
			next = p + 1;
			state = map ? SCAN_KEY : SCAN_VALUE;
		} else if (state == SCAN_VALUE && *p == '"') {
			next = whole_string(p, end);
			if (next == NULL)
				break;
			state = SCAN_SEPARATOR;
		} else if ((state == SCAN_KEY || state == SCAN_FIRST_KEY) && *p == '"') {
			next = whole_string(p, end);
			if (next == NULL || next == end || *next != ':')
				break;
			next++;
			state = SCAN_VALUE;
		} else {
			break;
		}
		p = next;
	}
	s->state = state;
	return p;
}

enum token scanner_next(struct scanner *s, const char **p, const char *end)
{
	enum token token = TOKEN_MORE;

	while (token == TOKEN_MORE && *p != end) {
		if (!is_told(s))
			*p = pass_strings(s, *p, end);
		if (*p != end)
			token = read_some(s, p, end);
	}
	return token;
}

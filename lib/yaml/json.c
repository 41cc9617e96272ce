/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON (RFC 8259), several values one after the other allowed. Works in place on a private copy of
 * the text: a string's closing quote becomes its NUL, escapes shrink where they stand.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "plain.h"

struct json {
	struct tg_tree *tree;
	struct tg_tree_error *error;
	char *p; /* the byte to look at; the text ends with a NUL at `end` */
	char *end;
	uint32_t line;
};

static int fail(struct json *j, const char *what)
{
	return tree_fail(j->error, j->line, "JSON: %s", what);
}

static void skip_space(struct json *j)
{
	for (;; j->p++) {
		if (*j->p == '\n')
			j->line++;
		else if (*j->p != ' ' && *j->p != '\t' && *j->p != '\r')
			return;
	}
}

/* Four hex digits after "\u"; -1 when they are none. */
static int32_t hex4(const char *p)
{
	int32_t code = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			code = code * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return code;
}

/* "\uXXXX" at p, perhaps followed by a low surrogate; lone surrogates and NUL become U+FFFD. */
static char *unescape_unicode(char *p, char **out)
{
	int32_t code = hex4(p + 2), low;

	if (code < 0)
		return NULL;
	p += 6;
	if (code >= 0xd800 && code < 0xdc00 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
	}
	if (code == 0 || (code >= 0xd800 && code < 0xe000))
		code = 0xfffd;
	*out += utf8_encode(*out, (uint32_t)code);
	return p;
}

/* One escape at p; returns what follows it, NULL when it is none. */
static char *unescape(char *p, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (p[1] == 'u')
		return unescape_unicode(p, out);
	found = p[1] != '\0' ? strchr(from, p[1]) : NULL;
	if (found == NULL)
		return NULL;
	*(*out)++ = to[found - from];
	return p + 2;
}

/* The string whose opening quote is at j->p. */
static int parse_string(struct json *j, const char **text)
{
	const char *from = j->p + 1;
	/* Up to the first escape all stays where it is. */
	char *p = j->p + (tg_plain_end(from, j->end, true) - j->p), *out = p;
	size_t n;

	*text = from;
	for (;;) {
		unsigned char c = (unsigned char)*p;

		if (c == '"')
			break;
		if (c < 0x20)
			return fail(j, p == j->end ? "a string does not end"
						   : "a control character in a string");
		if (c == '\\') {
			p = unescape(p, &out);
			if (p == NULL)
				return fail(j, "an unknown escape in a string");
		} else if (c < 0x80) {
			*out++ = *p++;
		} else {
			n = utf8_sequence(p, (size_t)(j->end - p));
			if (n == 0)
				return fail(j, "a string is not UTF-8");
			memmove(out, p, n);
			out += n;
			p += n;
		}
	}
	*out = '\0';
	j->p = p + 1;
	return 0;
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at p; NULL when it is none. */
static const char *number_end(const char *p)
{
	const char *digits;

	p += *p == '-';
	digits = p;
	p = skip_digits(p);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	if (*p == '.') {
		digits = ++p;
		p = skip_digits(p);
		if (p == digits)
			return NULL;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		digits = p;
		p = skip_digits(p);
		if (p == digits)
			return NULL;
	}
	return p;
}

static int parse_number(struct json *j, struct tg_value *value)
{
	const char *end = number_end(j->p);

	if (end == NULL)
		return fail(j, "not a number");
	value->type = TG_VALUE_NUMBER;
	value->number = strtod(j->p, NULL);
	if (!isfinite(value->number))
		return fail(j, "a number is too large");
	j->p += end - j->p;
	return 0;
}

static int parse_word(struct json *j, struct tg_value *value)
{
	if (strncmp(j->p, "true", 4) == 0 || strncmp(j->p, "false", 5) == 0) {
		value->type = TG_VALUE_BOOL;
		value->boolean = *j->p == 't';
		j->p += *j->p == 't' ? 4 : 5;
		return 0;
	}
	if (strncmp(j->p, "null", 4) != 0)
		return fail(j, j->p == j->end ? "the text ends too early" : "a value is expected");
	j->p += 4;
	return 0;
}

static int parse_value(struct json *j, struct tg_value *value, unsigned int depth);

/* After a member: 0 when another one follows, 1 after the closing bracket. */
static int parse_separator(struct json *j, char close)
{
	skip_space(j);
	if (*j->p == close) {
		j->p++;
		return 1;
	}
	if (*j->p != ',')
		return fail(j, close == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
	j->p++;
	skip_space(j);
	return 0;
}

static int parse_key(struct json *j, const char **key)
{
	int err;

	if (*j->p != '"')
		return fail(j, "a key in quotes is expected");
	err = parse_string(j, key);
	if (err != 0)
		return err;
	skip_space(j);
	if (*j->p != ':')
		return fail(j, "':' is expected after a key");
	j->p++;
	skip_space(j);
	return 0;
}

/* A list or a map, the opening bracket at j->p. */
static int parse_container(struct json *j, struct tg_value *value, unsigned int depth)
{
	char close = *j->p == '{' ? '}' : ']';
	struct tree_builder builder;
	struct tg_value *member;
	const char *key = NULL;
	uint32_t line;
	int err = 0;

	if (depth >= TG_TREE_DEPTH_MAX)
		return fail(j, "nested too deeply");
	tree_open(&builder, value, close == '}' ? TG_VALUE_MAP : TG_VALUE_LIST);
	j->p++;
	skip_space(j);
	if (*j->p == close) {
		j->p++;
		return 0;
	}
	while (err == 0) {
		line = j->line;
		if (close == '}' && (err = parse_key(j, &key)) != 0)
			return err;
		member = tree_value(j->tree, line, j->error);
		if (member == NULL)
			return j->error->text[0] != '\0' ? -EINVAL : -ENOMEM;
		member->key = key;
		tree_append(&builder, member);
		err = parse_value(j, member, depth + 1);
		if (err != 0)
			return err;
		err = parse_separator(j, close);
	}
	return err < 0 ? err : 0;
}

static int parse_value(struct json *j, struct tg_value *value, unsigned int depth)
{
	switch (*j->p) {
	case '{':
	case '[':
		return parse_container(j, value, depth);
	case '"':
		value->type = TG_VALUE_STRING;
		return parse_string(j, &value->text);
	case '-':
	case '0' ... '9':
		return parse_number(j, value);
	default:
		return parse_word(j, value);
	}
}

int json_parse(struct tg_tree *tree, const char *text, size_t size, struct tg_tree_error *error)
{
	struct json j = {.tree = tree, .error = error, .line = 1};
	struct tg_value *root;
	int err;

	tree->text = malloc(size + 1);
	if (tree->text == NULL)
		return -ENOMEM;
	memcpy(tree->text, text, size);
	tree->text[size] = '\0';
	tree->size = size;
	j.p = tree->text;
	j.end = tree->text + size;
	for (skip_space(&j); j.p != j.end; skip_space(&j)) {
		if (*j.p != '{' && *j.p != '[')
			return fail(&j, "'{' or '[' is expected");
		root = tree_value(tree, j.line, error);
		if (root == NULL)
			return error->text[0] != '\0' ? -EINVAL : -ENOMEM;
		err = parse_value(&j, root, 0);
		if (err != 0)
			return err;
		if (tg_vec_push(&tree->documents, root) != 0)
			return -ENOMEM;
	}
	return 0;
}

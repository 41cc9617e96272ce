/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a YAML scalar stands for, as the API server's YAML reader resolves it: the words of YAML
 * 1.1, integers as Go's strconv.ParseInt(s, 0, 64) reads them after underscores are taken out,
 * else floats, else a string.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "build.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

enum word { WORD_NULL, WORD_TRUE, WORD_FALSE, WORD_NOT_FINITE };

static const struct {
	const char *text;
	enum word word;
} words[] = {
	{"", WORD_NULL},
	{"~", WORD_NULL},
	{"null", WORD_NULL},
	{"Null", WORD_NULL},
	{"NULL", WORD_NULL},
	{"true", WORD_TRUE},
	{"True", WORD_TRUE},
	{"TRUE", WORD_TRUE},
	{"yes", WORD_TRUE},
	{"Yes", WORD_TRUE},
	{"YES", WORD_TRUE},
	{"y", WORD_TRUE},
	{"Y", WORD_TRUE},
	{"on", WORD_TRUE},
	{"On", WORD_TRUE},
	{"ON", WORD_TRUE},
	{"false", WORD_FALSE},
	{"False", WORD_FALSE},
	{"FALSE", WORD_FALSE},
	{"no", WORD_FALSE},
	{"No", WORD_FALSE},
	{"NO", WORD_FALSE},
	{"n", WORD_FALSE},
	{"N", WORD_FALSE},
	{"off", WORD_FALSE},
	{"Off", WORD_FALSE},
	{"OFF", WORD_FALSE},
	{".nan", WORD_NOT_FINITE},
	{".NaN", WORD_NOT_FINITE},
	{".NAN", WORD_NOT_FINITE},
	{".inf", WORD_NOT_FINITE},
	{".Inf", WORD_NOT_FINITE},
	{".INF", WORD_NOT_FINITE},
	{"+.inf", WORD_NOT_FINITE},
	{"+.Inf", WORD_NOT_FINITE},
	{"+.INF", WORD_NOT_FINITE},
	{"-.inf", WORD_NOT_FINITE},
	{"-.Inf", WORD_NOT_FINITE},
	{"-.INF", WORD_NOT_FINITE},
};

static int fail(struct tg_tree_error *error, const char *what, const char *text)
{
	return tree_fail_repeating(error, 0, "'%.40s' %s", text, what);
}

/* 0 resolved, 1 no word, -EINVAL for what JSON has no number for. */
static int resolve_word(struct tg_value *value, const char *text, struct tg_tree_error *error)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].text, text) != 0)
			continue;
		if (words[i].word == WORD_NOT_FINITE)
			return fail(error, "is no number that JSON has", text);
		value->type = words[i].word == WORD_NULL ? TG_VALUE_NULL : TG_VALUE_BOOL;
		value->boolean = words[i].word == WORD_TRUE;
		return 0;
	}
	return 1;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return 99;
}

/* Digits of one base up to the end of the text, at least one. */
static bool parse_digits(const char *p, int base, double *out)
{
	uint64_t sum = 0;

	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++) {
		int digit = digit_of(*p);

		if (digit >= base || __builtin_mul_overflow(sum, (uint64_t)base, &sum) ||
			__builtin_add_overflow(sum, (uint64_t)digit, &sum))
			return false;
	}
	*out = (double)sum;
	return true;
}

static bool parse_integer(const char *p, double *out)
{
	bool negative = *p == '-';
	int base = 10;
	double number;

	p += *p == '-' || *p == '+';
	if (p[0] == '0' && p[1] != '\0') {
		char mark = (char)(p[1] | 0x20);

		base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
		p += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
	}
	if (!parse_digits(p, base, &number))
		return false;
	*out = negative ? -number : number;
	return true;
}

static size_t span_digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* [-+]? ( .digits | digits [.digits?] ) ( [eE][-+]?digits )? */
static bool is_float(const char *p)
{
	size_t whole, part = 0;

	p += *p == '-' || *p == '+';
	whole = span_digits(p);
	p += whole;
	if (*p == '.') {
		part = span_digits(++p);
		p += part;
	}
	if (whole + part == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		whole = span_digits(p);
		if (whole == 0)
			return false;
		p += whole;
	}
	return *p == '\0';
}

/* `text` without its underscores, in buf; false when it is too long to be a number. */
static bool without_underscores(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '_')
			continue;
		if (n + 1 >= size)
			return false;
		buf[n++] = *text;
	}
	buf[n] = '\0';
	return true;
}

/* 0 resolved, 1 no number, -EINVAL too large. */
static int resolve_number(struct tg_value *value, const char *text, struct tg_tree_error *error)
{
	char plain[512];

	if (strchr("0123456789+-.", text[0]) == NULL)
		return 1;
	if (!without_underscores(text, plain, sizeof(plain)))
		return 1;
	if (text[0] == '.' || !parse_integer(plain, &value->number)) {
		if (!is_float(text[0] == '.' ? text : plain))
			return 1;
		value->number = strtod(plain, NULL);
	}
	if (!isfinite(value->number))
		return fail(error, "is too large a number", text);
	value->type = TG_VALUE_NUMBER;
	return 0;
}

/* Decodes in place; the text must turn out to be UTF-8 without NUL. */
static int resolve_binary(struct tg_value *value, char *text, struct tg_tree_error *error)
{
	size_t n;

	if (tg_base64_decode(text, &n) != 0)
		return tree_fail(error, 0, "!!binary data that is not base64");
	if (!utf8_valid(text, n) || strlen(text) != n)
		return tree_fail(error, 0, "!!binary data that is not text");
	value->type = TG_VALUE_STRING;
	value->text = text;
	return 0;
}

static int resolve_plain(struct tg_value *value, char *text, struct tg_tree_error *error)
{
	int err = resolve_word(value, text, error);

	if (err > 0)
		err = resolve_number(value, text, error);
	if (err > 0) {
		value->type = TG_VALUE_STRING;
		value->text = text;
	}
	return err > 0 ? 0 : err;
}

int scalar_resolve(struct tg_value *value, char *text, const char *tag, bool plain,
	struct tg_tree_error *error)
{
	static const struct {
		const char *tag;
		enum tg_value_type type;
	} typed[] = {
		{TAG_PREFIX "null", TG_VALUE_NULL},
		{TAG_PREFIX "bool", TG_VALUE_BOOL},
		{TAG_PREFIX "int", TG_VALUE_NUMBER},
		{TAG_PREFIX "float", TG_VALUE_NUMBER},
	};
	int err;

	if (tag == NULL && plain)
		return resolve_plain(value, text, error);
	if (tag != NULL && strcmp(tag, TAG_PREFIX "binary") == 0)
		return resolve_binary(value, text, error);
	for (size_t i = 0; tag != NULL && i < sizeof(typed) / sizeof(typed[0]); i++) {
		if (strcmp(typed[i].tag, tag) != 0)
			continue;
		err = resolve_plain(value, text, error);
		if (err == 0 && value->type != typed[i].type)
			err = fail(error, "is not of the type that its tag says", text);
		return err;
	}
	value->type = TG_VALUE_STRING;
	value->text = text;
	return 0;
}

const char *scalar_key(struct tg_arena *arena, const struct tg_value *value)
{
	switch (value->type) {
	case TG_VALUE_STRING:
		return value->text;
	case TG_VALUE_BOOL:
		return value->boolean ? "true" : "false";
	default:
		break;
	}
	/* The shortest text that is this number again. */
	for (int precision = 1; precision < 17; precision++) {
		char text[32];

		snprintf(text, sizeof(text), "%.*g", precision, value->number);
		if (strtod(text, NULL) == value->number && strchr(text, 'e') == NULL)
			return tg_arena_strdup(arena, text);
	}
	return tg_arena_printf(arena, "%.17g", value->number);
}

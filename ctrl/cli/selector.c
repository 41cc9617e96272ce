/* SPDX-License-Identifier: BSD-3-Clause */
#include "selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vec.h"

#define WORD_MAX 317 /* a label key: prefix of 253, slash, name of 63 */
#define VALUES_MAX 256
#define REQUIREMENTS_MAX 256

struct parser {
	const char *p;
	struct tg_intern *strings;
	struct tg_arena *arena;
	char *error;
	size_t error_size;
};

static int refuse(struct parser *parser, const char *what)
{
	snprintf(parser->error, parser->error_size, "%s at '%.40s'", what, parser->p);
	return -EINVAL;
}

static void skip_blanks(struct parser *parser)
{
	while (isspace((unsigned char)*parser->p))
		parser->p++;
}

static bool accept(struct parser *parser, const char *token)
{
	size_t n = strlen(token);

	skip_blanks(parser);
	if (strncmp(parser->p, token, n) != 0)
		return false;
	parser->p += n;
	return true;
}

/* A key or value; values may be empty. Puts its number in *id. */
static int read_word(struct parser *parser, bool may_be_empty, uint32_t *id)
{
	char word[WORD_MAX + 1];
	size_t n = 0;

	skip_blanks(parser);
	while (isalnum((unsigned char)parser->p[n]) ||
		(parser->p[n] != '\0' && strchr("-_./", parser->p[n]) != NULL))
		n++;
	if (n == 0 && !may_be_empty)
		return refuse(parser, "expected a label name");
	if (n > WORD_MAX)
		return refuse(parser, "too long");
	memcpy(word, parser->p, n);
	word[n] = '\0';
	parser->p += n;
	*id = tg_intern_id(parser->strings, word);
	return *id != UINT32_MAX ? 0 : -ENOMEM;
}

/* Sorted and distinct, as the model wants values. */
static uint32_t insert_value(uint32_t *values, uint32_t n, uint32_t value)
{
	uint32_t at = 0;

	while (at < n && values[at] < value)
		at++;
	if (at < n && values[at] == value)
		return n;
	memmove(&values[at + 1], &values[at], (n - at) * sizeof(*values));
	values[at] = value;
	return n + 1;
}

static int set_values(
	struct parser *parser, struct tg_requirement *req, const uint32_t *values, uint32_t n)
{
	req->values = tg_arena_memdup(parser->arena, values, n * sizeof(*values));
	req->n_values = n;
	return req->values != NULL ? 0 : -ENOMEM;
}

static int read_set(struct parser *parser, struct tg_requirement *req)
{
	uint32_t values[VALUES_MAX], n = 0, value;
	int rc;

	if (!accept(parser, "("))
		return refuse(parser, "expected '('");
	do {
		rc = read_word(parser, false, &value);
		if (rc != 0)
			return rc;
		if (n == VALUES_MAX)
			return refuse(parser, "too many values");
		n = insert_value(values, n, value);
	} while (accept(parser, ","));
	if (!accept(parser, ")"))
		return refuse(parser, "expected ',' or ')'");
	return set_values(parser, req, values, n);
}

static int read_single(struct parser *parser, struct tg_requirement *req)
{
	uint32_t value;
	int rc = read_word(parser, true, &value);

	return rc == 0 ? set_values(parser, req, &value, 1) : rc;
}

static int read_requirement(struct parser *parser, struct tg_requirement *req)
{
	bool negated = accept(parser, "!");
	int rc = read_word(parser, false, &req->key);

	if (rc != 0)
		return rc;
	req->op = negated ? TG_OP_NOT_EXISTS : TG_OP_EXISTS;
	if (negated)
		return 0;
	if (accept(parser, "!=")) {
		req->op = TG_OP_NOT_IN;
		return read_single(parser, req);
	}
	if (accept(parser, "==") || accept(parser, "=")) {
		req->op = TG_OP_IN;
		return read_single(parser, req);
	}
	if (accept(parser, "notin")) {
		req->op = TG_OP_NOT_IN;
		return read_set(parser, req);
	}
	if (accept(parser, "in")) {
		req->op = TG_OP_IN;
		return read_set(parser, req);
	}
	return 0;
}

int tg_selector_parse(const char *text, struct tg_intern *strings, struct tg_arena *arena,
	struct tg_selector *out, char *error, size_t error_size)
{
	struct parser parser = {text, strings, arena, error, error_size};
	struct tg_requirement reqs[REQUIREMENTS_MAX];
	uint32_t n = 0;
	int rc;

	*out = (struct tg_selector){0};
	skip_blanks(&parser);
	if (*parser.p == '\0')
		return 0;
	do {
		if (n == REQUIREMENTS_MAX)
			return refuse(&parser, "too many requirements");
		reqs[n] = (struct tg_requirement){0};
		rc = read_requirement(&parser, &reqs[n++]);
		if (rc != 0)
			return rc;
	} while (accept(&parser, ","));
	skip_blanks(&parser);
	if (*parser.p != '\0')
		return refuse(&parser, "expected ',' or the end");
	out->reqs = tg_arena_memdup(arena, reqs, n * sizeof(*reqs));
	out->n_reqs = n;
	return out->reqs != NULL ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_TEXT 512
#define MESSAGE_MAX 512

void tg_reader_init(struct tg_reader *reader, struct tg_arena *arena)
{
	memset(reader, 0, sizeof(*reader));
	reader->arena = arena;
}

void tg_reader_free(struct tg_reader *reader)
{
	tg_vec_free(&reader->problems);
}

/* Appends one step of the path; what does not fit is cut. */
static size_t path_append(const struct tg_at *at, char *buf, size_t size)
{
	size_t used = at->up != NULL ? path_append(at->up, buf, size) : 0;
	int n = 0;

	if (at->up == NULL || used + 1 >= size)
		return used;
	if (at->key == NULL)
		n = snprintf(buf + used, size - used, "[%zu]", at->index);
	else if (strpbrk(at->key, "./[]\" ") != NULL || at->key[0] == '\0')
		n = snprintf(buf + used, size - used, "[\"%s\"]", at->key);
	else
		n = snprintf(buf + used, size - used, "%s%s", used != 0 ? "." : "", at->key);
	return (size_t)n < size - used ? used + (size_t)n : size - 1;
}

/* "spec.ingress[0].from" into buf, cut short when it is too small; returns buf. */
static const char *path_text(const struct tg_at *at, char *buf, size_t size)
{
	buf[0] = '\0';
	path_append(at, buf, size);
	return buf;
}

uint32_t tg_at_line(const struct tg_at *at)
{
	for (; at != NULL; at = at->up)
		if (at->value != NULL)
			return at->value->line;
	return 0;
}

static void add_problem(
	struct tg_reader *reader, uint32_t line, const char *path, const char *fmt, va_list ap)
{
	struct tg_problem problem = {.line = line};
	char message[MESSAGE_MAX];

	if (reader->problems.n >= TG_PROBLEMS_MAX) {
		reader->dropped++;
		return;
	}
	vsnprintf(message, sizeof(message), fmt, ap);
	problem.text = tg_arena_printf(
		reader->arena, "%s%s%s", path, path[0] != '\0' ? ": " : "", message);
	/* A problem must never be lost: without memory for its text it keeps a fixed one. */
	if (problem.text == NULL)
		problem.text = "out of memory";
	if (tg_vec_push(&reader->problems, problem) != 0)
		reader->dropped++;
}

void tg_reader_problem(struct tg_reader *reader, const struct tg_at *at, const char *fmt, ...)
{
	char path[PATH_MAX_TEXT];
	va_list ap;

	va_start(ap, fmt);
	add_problem(reader, tg_at_line(at), path_text(at, path, sizeof(path)), fmt, ap);
	va_end(ap);
}

void tg_reader_problem_line(struct tg_reader *reader, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_problem(reader, line, "", fmt, ap);
	va_end(ap);
}

char *tg_reader_text(const struct tg_reader *reader, const char *file)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (size_t i = 0; i < reader->problems.n; i++) {
		const struct tg_problem *problem = &reader->problems.v[i];

		if (problem->line != 0)
			fprintf(f, "%s%s:%u: %s", i > 0 ? "\n" : "", file, problem->line,
				problem->text);
		else
			fprintf(f, "%s%s: %s", i > 0 ? "\n" : "", file, problem->text);
	}
	if (reader->dropped > 0)
		fprintf(f, "\n%s: and %zu more", file, reader->dropped);
	fclose(f);
	return text;
}

struct tg_at tg_at_root(const struct tg_value *value)
{
	struct tg_at at = {.value = value};

	return at;
}

static const struct tg_value *not_null(const struct tg_value *value)
{
	return value != NULL && value->type != TG_VALUE_NULL ? value : NULL;
}

struct tg_at tg_at_field(const struct tg_at *up, const char *key)
{
	struct tg_at at = {.up = up, .key = key};

	at.value = not_null(tg_value_get(up->value, key));
	return at;
}

struct tg_at tg_at_item(const struct tg_at *up, const struct tg_value *item, size_t index)
{
	struct tg_at at = {.up = up, .value = not_null(item), .index = index};

	return at;
}

struct tg_at tg_at_member(const struct tg_at *up, const struct tg_value *member)
{
	struct tg_at at = {.up = up, .value = not_null(member), .key = member->key};

	return at;
}

static bool read_type(struct tg_reader *reader, const struct tg_at *at, enum tg_value_type type,
	const char *expected)
{
	if (at->value == NULL)
		return false;
	if (at->value->type == type)
		return true;
	/* YAML takes more for numbers and booleans than authors think. */
	tg_reader_problem(reader, at, "%s is expected, not %s%s", expected,
		tg_value_type_name(at->value),
		type == TG_VALUE_STRING && (at->value->type == TG_VALUE_BOOL ||
						   at->value->type == TG_VALUE_NUMBER)
			? " (quotes make it one)"
			: "");
	return false;
}

bool tg_read_map(struct tg_reader *reader, const struct tg_at *at)
{
	return read_type(reader, at, TG_VALUE_MAP, "a map");
}

bool tg_read_list(struct tg_reader *reader, const struct tg_at *at)
{
	return read_type(reader, at, TG_VALUE_LIST, "a list");
}

bool tg_read_string(struct tg_reader *reader, const struct tg_at *at, const char **out)
{
	if (!read_type(reader, at, TG_VALUE_STRING, "a string"))
		return false;
	*out = at->value->text;
	return true;
}

bool tg_read_bool(struct tg_reader *reader, const struct tg_at *at, bool *out)
{
	if (!read_type(reader, at, TG_VALUE_BOOL, "true or false"))
		return false;
	*out = at->value->boolean;
	return true;
}

bool tg_read_int(
	struct tg_reader *reader, const struct tg_at *at, int64_t lo, int64_t hi, int64_t *out)
{
	int64_t number;

	if (!read_type(reader, at, TG_VALUE_NUMBER, "a number"))
		return false;
	if (!tg_value_int(at->value, &number) || number < lo || number > hi) {
		tg_reader_problem(reader, at, "an integer from %lld to %lld is expected",
			(long long)lo, (long long)hi);
		return false;
	}
	*out = number;
	return true;
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* A known name that differs only in case, for the message. */
static const char *alike(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcasecmp(*names, name) == 0)
			return *names;
	return NULL;
}

void tg_read_known(struct tg_reader *reader, const struct tg_at *at, const char *const *names)
{
	if (at->value == NULL || at->value->type != TG_VALUE_MAP)
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next) {
		struct tg_at member = {.up = at, .value = v, .key = v->key};
		const char *meant;

		if (is_listed(names, v->key))
			continue;
		meant = alike(names, v->key);
		if (meant != NULL)
			tg_reader_problem(
				reader, &member, "unknown field, \"%s\" is meant?", meant);
		else
			tg_reader_problem(reader, &member, "unknown field");
	}
}

/* Follows the tree to the duplicate, so that the path can be told. */
static bool report_duplicate(struct tg_reader *reader, const struct tg_at *at)
{
	const struct tg_value *duplicate = tg_value_duplicate(at->value);
	size_t i = 0;

	if (duplicate == NULL)
		return false;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at below = {.up = at, .value = v, .key = v->key, .index = i};

		if (v == duplicate) {
			tg_reader_problem(
				reader, &below, "this key is already set in the same map");
			return true;
		}
	}
	i = 0;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at below = {.up = at, .value = v, .key = v->key, .index = i};

		if (report_duplicate(reader, &below))
			return true;
	}
	return true;
}

void tg_read_no_duplicates(struct tg_reader *reader, const struct tg_at *at)
{
	report_duplicate(reader, at);
}

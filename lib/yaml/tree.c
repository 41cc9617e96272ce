/* SPDX-License-Identifier: BSD-3-Clause */
#include "tree.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "hash.h"

/* JSON texts above this size are not tried as YAML when they are damaged. */
#define FALLBACK_MAX (4u << 20)

struct tg_value *tree_value(struct tg_tree *tree, uint32_t line, struct tg_tree_error *error)
{
	struct tg_value *value;

	if (tree->n_values++ >= TG_TREE_VALUES_MAX) {
		tree_fail(error, line, "more than %u values in one file", TG_TREE_VALUES_MAX);
		return NULL;
	}
	value = tg_arena_alloc(tree->arena, sizeof(*value));
	if (value != NULL)
		value->line = line;
	return value;
}

void tree_open(struct tree_builder *builder, struct tg_value *value, enum tg_value_type type)
{
	value->type = type;
	value->first = NULL;
	builder->value = value;
	builder->tail = &value->first;
}

void tree_append(struct tree_builder *builder, struct tg_value *member)
{
	*builder->tail = member;
	builder->tail = &member->next;
	builder->value->n++;
}

int tree_fail(struct tg_tree_error *error, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	error->line = line;
	error->repeats = false;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static struct tg_tree *tree_create(size_t size, bool secret)
{
	struct tg_tree *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		return NULL;
	tree->arena = tg_arena_create(size < 1024 ? 4096 : size < 65536 ? size * 4 : 1u << 20);
	if (tree->arena == NULL) {
		free(tree);
		return NULL;
	}
	tree->secret = secret;
	return tree;
}

void tg_tree_free(struct tg_tree *tree)
{
	if (tree == NULL)
		return;
	if (tree->secret) {
		tg_arena_wipe(tree->arena);
		if (tree->text != NULL)
			explicit_bzero(tree->text, tree->size);
	}
	tg_vec_free(&tree->documents);
	tg_arena_free(tree->arena);
	free(tree->text);
	free(tree);
}

/* The first byte at or after `at` that is no white space; NUL at the end. */
static char byte_after(const char *text, size_t size, size_t *at)
{
	while (*at < size && strchr(" \t\r\n", text[*at]) != NULL && text[*at] != '\0')
		++*at;
	return *at < size ? text[*at] : '\0';
}

/* Begins with a bracket; *surely when a quoted string follows, which templates never have. */
static bool looks_like_json(const char *text, size_t size, bool *surely)
{
	size_t at = 0;
	char first = byte_after(text, size, &at);

	at++;
	*surely = byte_after(text, size, &at) == '"';
	return first == '{' || first == '[';
}

typedef int parser(struct tg_tree *tree, const char *text, size_t size, struct tg_tree_error *);

static int parse_with(parser *parse, bool secret, const char *text, size_t size,
	struct tg_tree **out, struct tg_tree_error *error)
{
	struct tg_tree *tree = tree_create(size, secret);
	int err;

	if (tree == NULL)
		return -ENOMEM;
	error->line = 0;
	error->text[0] = '\0';
	err = parse(tree, text, size, error);
	if (err != 0) {
		tg_tree_free(tree);
		return err;
	}
	*out = tree;
	return 0;
}

/* Helm and others leave braces in lines that no parser understands. */
static void hint_at_templates(const char *text, size_t size, struct tg_tree_error *error)
{
	const char *end = text + size, *begin = text, *newline, *brace;
	size_t used = strlen(error->text);

	for (uint32_t line = 1; line < error->line; line++) {
		newline = memchr(begin, '\n', (size_t)(end - begin));
		if (newline == NULL)
			return;
		begin = newline + 1;
	}
	newline = memchr(begin, '\n', (size_t)(end - begin));
	if (newline != NULL)
		end = newline;
	brace = memmem(begin, (size_t)(end - begin), "{{", 2);
	if (brace != NULL)
		snprintf(error->text + used, sizeof(error->text) - used,
			" (templates have to be rendered first)");
}

static int parse_any(bool secret, const void *text, size_t size, struct tg_tree **out,
	struct tg_tree_error *error)
{
	struct tg_tree_error json;
	bool surely;
	int err;

	if (!looks_like_json(text, size, &surely))
		return parse_with(events_parse, secret, text, size, out, error);
	err = parse_with(json_parse, secret, text, size, out, &json);
	if (err == -EINVAL && size <= FALLBACK_MAX) {
		err = parse_with(events_parse, secret, text, size, out, error);
		/* What got further is what the author meant. */
		if (err != -EINVAL || error->line > json.line ||
			(error->line == json.line && !surely))
			return err;
	}
	if (err == -EINVAL)
		*error = json;
	return err;
}

static int check_size(size_t size, struct tg_tree **out, struct tg_tree_error *error)
{
	*out = NULL;
	if (size <= TG_TREE_SIZE_MAX)
		return 0;
	return tree_fail(error, 0, "larger than %u MiB", TG_TREE_SIZE_MAX >> 20);
}

static int parse_bounded(bool secret, const void *text, size_t size, struct tg_tree **out,
	struct tg_tree_error *error)
{
	int err = check_size(size, out, error);

	if (err != 0)
		return err;
	err = parse_any(secret, text, size, out, error);
	if (err == -EINVAL)
		hint_at_templates(text, size, error);
	return err;
}

int tg_tree_parse(const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error)
{
	return parse_bounded(false, text, size, out, error);
}

int tg_tree_parse_secret(
	const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error)
{
	int err = parse_bounded(true, text, size, out, error);

	if (err == -EINVAL && error->repeats)
		return tree_fail(error, error->line, "what is there cannot be read as YAML");
	return err;
}

int tg_tree_parse_json(
	const void *text, size_t size, struct tg_tree **out, struct tg_tree_error *error)
{
	int err = check_size(size, out, error);

	return err == 0 ? parse_with(json_parse, false, text, size, out, error) : err;
}

size_t tg_tree_count(const struct tg_tree *tree)
{
	return tree->documents.n;
}

const struct tg_value *tg_tree_document(const struct tg_tree *tree, size_t index)
{
	return tree->documents.v[index];
}

const struct tg_value *tg_value_get(const struct tg_value *map, const char *key)
{
	const struct tg_value *found = NULL;

	if (map == NULL || map->type != TG_VALUE_MAP)
		return NULL;
	for (const struct tg_value *v = map->first; v != NULL; v = v->next)
		if (strcmp(v->key, key) == 0)
			found = v;
	return found;
}

const char *tg_value_text(const struct tg_value *map, const char *key)
{
	const struct tg_value *value = tg_value_get(map, key);

	return value != NULL && value->type == TG_VALUE_STRING ? value->text : "";
}

const struct tg_value *tg_value_list(const struct tg_value *map, const char *key)
{
	const struct tg_value *value = tg_value_get(map, key);

	return value != NULL && value->type == TG_VALUE_LIST ? value->first : NULL;
}

bool tg_value_int(const struct tg_value *value, int64_t *out)
{
	const double limit = 9007199254740992.0; /* 2^53 */

	if (value == NULL || value->type != TG_VALUE_NUMBER ||
		value->number != trunc(value->number))
		return false;
	if (value->number < -limit || value->number > limit)
		return false;
	*out = (int64_t)value->number;
	return true;
}

const char *tg_value_type_name(const struct tg_value *value)
{
	static const char *const names[] = {
		[TG_VALUE_NULL] = "null",
		[TG_VALUE_BOOL] = "a boolean",
		[TG_VALUE_NUMBER] = "a number",
		[TG_VALUE_STRING] = "a string",
		[TG_VALUE_LIST] = "a list",
		[TG_VALUE_MAP] = "a map",
	};

	return value != NULL ? names[value->type] : "nothing";
}

/* The first member whose key an earlier one has: pairwise for the usual small maps. */
static const struct tg_value *duplicate_small(const struct tg_value *map)
{
	for (const struct tg_value *v = map->first; v != NULL; v = v->next)
		for (const struct tg_value *w = map->first; w != v; w = w->next)
			if (strcmp(v->key, w->key) == 0)
				return v;
	return NULL;
}

static const struct tg_value *duplicate_large(const struct tg_value *map)
{
	size_t mask = 64, at;
	const struct tg_value **seen, *found = NULL;

	while (mask < (size_t)map->n * 2)
		mask *= 2;
	seen = calloc(mask--, sizeof(*seen));
	if (seen == NULL)
		return duplicate_small(map);
	for (const struct tg_value *v = map->first; v != NULL && found == NULL; v = v->next) {
		at = tg_hash_string(v->key, 0) & mask;
		while (seen[at] != NULL && strcmp(seen[at]->key, v->key) != 0)
			at = (at + 1) & mask;
		if (seen[at] != NULL)
			found = v;
		seen[at] = v;
	}
	free(seen);
	return found;
}

const struct tg_value *tg_value_duplicate(const struct tg_value *value)
{
	const struct tg_value *found = NULL;

	if (value == NULL || (value->type != TG_VALUE_MAP && value->type != TG_VALUE_LIST))
		return NULL;
	if (value->type == TG_VALUE_MAP)
		found = value->n <= 32 ? duplicate_small(value) : duplicate_large(value);
	for (const struct tg_value *v = value->first; v != NULL && found == NULL; v = v->next)
		found = tg_value_duplicate(v);
	return found;
}

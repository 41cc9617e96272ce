/* SPDX-License-Identifier: BSD-3-Clause */
/* labelSelector and fieldSelector. */
#include "internal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum op { IN, NOT_IN, EXISTS, NOT_EXISTS };

struct term {
	enum op op;
	bool field;
	char *key;
	VEC(char *) values;
};

struct selector {
	VEC(struct term) terms;
};

static char *trimmed(const char *from, size_t n)
{
	char *text;

	while (n > 0 && *from == ' ') {
		from++;
		n--;
	}
	while (n > 0 && from[n - 1] == ' ')
		n--;
	text = xzalloc(n + 1);
	return memcpy(text, from, n);
}

static void add_value(struct term *term, const char *from, size_t n)
{
	char *value = trimmed(from, n);

	vec_push(&term->values, value);
}

/* "(a,b)"; how many bytes, 0: it is none. */
static size_t parse_set(struct term *term, const char *text)
{
	const char *at = text;

	do {
		size_t n = strcspn(at + 1, ",)");

		add_value(term, at + 1, n);
		at += n + 1;
	} while (*at == ',');
	return *at == ')' ? (size_t)(at + 1 - text) : 0;
}

/* One requirement from the start of `text`; how many bytes, 0: it is none. */
static size_t parse_term(struct term *term, const char *text)
{
	bool negated = *text == '!';
	size_t key = strcspn(text + negated, "=!, ");
	const char *after = text + negated + key, *op = after + strspn(after, " ");

	term->key = trimmed(text + negated, key);
	if (key == 0)
		return 0;
	if (*op == '\0' || *op == ',') {
		term->op = negated ? NOT_EXISTS : EXISTS;
		return term->field ? 0 : (size_t)(op - text);
	}
	if (negated)
		return 0;
	if (!term->field && (strncmp(op, "in (", 4) == 0 || strncmp(op, "notin (", 7) == 0)) {
		const char *set = strchr(op, '(');
		size_t n = parse_set(term, set);

		term->op = *op == 'i' ? IN : NOT_IN;
		return n == 0 ? 0 : (size_t)(set - text) + n;
	}
	if (*op != '=' && strncmp(op, "!=", 2) != 0)
		return 0;
	term->op = *op == '!' ? NOT_IN : IN;
	op += op[1] == '=' ? 2 : 1;
	key = strcspn(op, ",");
	add_value(term, op, key);
	return (size_t)(op - text) + key;
}

static int parse(struct selector *selector, const char *text, bool field)
{
	while (text != NULL && *text != '\0') {
		struct term term = {.field = field};
		size_t n = parse_term(&term, text);

		vec_push(&selector->terms, term);
		if (n == 0 || (text[n] != '\0' && text[n] != ','))
			return -EINVAL;
		text += n + (text[n] == ',');
	}
	return 0;
}

void selector_free(struct selector *selector)
{
	if (selector == NULL)
		return;
	for (size_t i = 0; i < selector->terms.n; i++) {
		struct term *term = &selector->terms.v[i];

		for (size_t k = 0; k < term->values.n; k++)
			free(term->values.v[k]);
		free(term->values.v);
		free(term->key);
	}
	free(selector->terms.v);
	free(selector);
}

int selector_parse(const char *labels, const char *fields, struct selector **out, char **error)
{
	struct selector *selector;

	*out = NULL;
	if ((labels == NULL || *labels == '\0') && (fields == NULL || *fields == '\0'))
		return 0;
	selector = xzalloc(sizeof(*selector));
	if (parse(selector, labels, false) == 0 && parse(selector, fields, true) == 0) {
		*out = selector;
		return 0;
	}
	selector_free(selector);
	*error = xprintf("unable to parse requirement: labelSelector \"%s\", fieldSelector \"%s\"",
		labels != NULL ? labels : "", fields != NULL ? fields : "");
	return -EINVAL;
}

/* "status.phase" of the object; an absent field is "". */
static const char *field_of(const cJSON *object, const char *path)
{
	const cJSON *at = object;

	while (at != NULL && *path != '\0') {
		char *name = trimmed(path, strcspn(path, "."));

		at = cJSON_GetObjectItemCaseSensitive(at, name);
		path += strcspn(path, ".");
		path += *path == '.';
		free(name);
	}
	return cJSON_IsString(at) ? at->valuestring : "";
}

static bool term_matches(const struct term *term, const cJSON *object)
{
	const cJSON *labels = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(object, "metadata"), "labels");
	const char *value =
		term->field
			? field_of(object, term->key)
			: cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, term->key));
	bool in = false;

	for (size_t i = 0; value != NULL && i < term->values.n; i++)
		in |= strcmp(term->values.v[i], value) == 0;
	switch (term->op) {
	case IN:
		return in;
	case NOT_IN:
		return !in;
	case EXISTS:
		return value != NULL;
	default:
		return value == NULL;
	}
}

bool selector_matches(const struct selector *selector, const struct revision *revision)
{
	struct buf json = {0};
	bool matches = true;
	cJSON *object;

	if (selector == NULL)
		return true;
	revision_render(revision, revision->rv, &json);
	object = cJSON_Parse(json.v);
	for (size_t i = 0; i < selector->terms.n && matches; i++)
		matches = term_matches(&selector->terms.v[i], object);
	cJSON_Delete(object);
	buf_free(&json);
	return matches;
}

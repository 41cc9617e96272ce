/* SPDX-License-Identifier: BSD-3-Clause */
#include "read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *tg_nic_read_text(struct tg_nic_read *read, const struct tg_at *at)
{
	const char *text = NULL;

	if (!tg_read_string(&read->reader, at, &text))
		return NULL;
	if (text[0] == '\0') {
		tg_reader_problem(&read->reader, at, "must not be empty");
		return NULL;
	}
	text = tg_arena_strdup(read->reader.arena, text);
	if (text == NULL)
		read->err = -ENOMEM;
	return text;
}

const char *tg_nic_read_needed(struct tg_nic_read *read, const struct tg_at *at)
{
	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "is required");
	return tg_nic_read_text(read, at);
}

static void unknown_word(struct tg_nic_read *read, const struct tg_at *at,
	const struct tg_nic_words *words, const char *text)
{
	char expected[384] = "";

	for (size_t i = 0; i < words->n; i++) {
		size_t used = strlen(expected);

		snprintf(expected + used, sizeof(expected) - used, "%s%s",
			i == 0		   ? ""
			: i + 1 < words->n ? ", "
					   : " or ",
			words->v[i]);
	}
	tg_reader_problem(&read->reader, at, "expected %s, not \"%s\"", expected, text);
}

int tg_nic_read_word(
	struct tg_nic_read *read, const struct tg_at *at, const struct tg_nic_words *words)
{
	const char *text = NULL;

	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "is required");
	if (!tg_read_string(&read->reader, at, &text))
		return -1;
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->v[i], text) == 0)
			return (int)i;
	unknown_word(read, at, words, text);
	return -1;
}

uint32_t tg_nic_read_set(
	struct tg_nic_read *read, const struct tg_at *at, const struct tg_nic_words *words)
{
	const struct tg_value *v;
	uint32_t set = 0;
	size_t i = 0;

	if (at->value == NULL || (at->value->type == TG_VALUE_LIST && at->value->n == 0))
		tg_reader_problem(&read->reader, at, "is required: a list");
	if (!tg_read_list(&read->reader, at))
		return 0;
	for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		int word = tg_nic_read_word(read, &item, words);

		if (word < 0)
			continue;
		if ((set >> word & 1) != 0)
			tg_reader_problem(&read->reader, &item, "is in the list already");
		set |= 1u << word;
	}
	return set;
}

/* "drivers/net/mlx5/mlx5_flow.c @ v22.11.11": what was read, and which version of it. */
static const char *read_source(struct tg_nic_read *read, const struct tg_at *block)
{
	struct tg_at at = tg_at_field(block, "source");
	const char *text = tg_nic_read_needed(read, &at), *version;

	if (text == NULL)
		return NULL;
	version = strstr(text, " @ ");
	if (version == NULL || version == text || version[3] == '\0')
		tg_reader_problem(&read->reader, &at,
			"expected where it was read and in which version, such as \"net/i40e/"
			"i40e_flow.c @ v22.11.11\"");
	return text;
}

bool tg_nic_read_block(struct tg_nic_read *read, const struct tg_at *at, const char *const *known,
	const char **source)
{
	const char *names[9] = {"source", NULL};

	if (!tg_read_map(&read->reader, at))
		return false;
	for (size_t i = 0; known[i] != NULL; i++)
		names[i + 1] = known[i];
	tg_read_known(&read->reader, at, names);
	*source = read_source(read, at);
	return true;
}

struct tg_at tg_nic_read_fact(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	static const char *const known[] = {"is", NULL};
	struct tg_at is = tg_at_field(at, "is");

	if (tg_nic_read_block(read, at, known, source) && is.value == NULL)
		tg_reader_problem(&read->reader, &is, "is required");
	return is;
}

bool tg_nic_read_bool(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	struct tg_at is = tg_nic_read_fact(read, at, source);
	bool value = false;

	tg_read_bool(&read->reader, &is, &value);
	return value;
}

uint32_t tg_nic_read_number(struct tg_nic_read *read, const struct tg_at *at, uint32_t max,
	uint32_t absent, const char **source)
{
	struct tg_at is = tg_nic_read_fact(read, at, source);
	int64_t number = absent;

	tg_read_int(&read->reader, &is, 1, max, &number);
	return (uint32_t)number;
}

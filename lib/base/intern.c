/* SPDX-License-Identifier: BSD-3-Clause */
#include "intern.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"
#include "vec.h"

struct tg_intern {
	struct tg_arena *arena;
	TG_VEC(const char *) texts;
	uint32_t *table; /* id + 1; 0 is free */
	size_t mask;
};

struct tg_intern *tg_intern_create(void)
{
	struct tg_intern *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->arena = tg_arena_create(0);
	in->mask = 1023;
	in->table = calloc(in->mask + 1, sizeof(*in->table));
	if (in->arena == NULL || in->table == NULL || tg_intern_id(in, "") != 0) {
		tg_intern_free(in);
		return NULL;
	}
	return in;
}

void tg_intern_free(struct tg_intern *in)
{
	if (in == NULL)
		return;
	tg_arena_free(in->arena);
	tg_vec_free(&in->texts);
	free(in->table);
	free(in);
}

/* The table position of `text`: of its entry, or the free one where it belongs. */
static size_t locate(const struct tg_intern *in, const char *text)
{
	size_t at = tg_hash_string(text, 0) & in->mask;

	while (in->table[at] != 0 && strcmp(in->texts.v[in->table[at] - 1], text) != 0)
		at = (at + 1) & in->mask;
	return at;
}

static int grow(struct tg_intern *in)
{
	size_t mask = in->mask * 2 + 1;
	uint32_t *table = calloc(mask + 1, sizeof(*table)), *old = in->table;

	if (table == NULL)
		return -ENOMEM;
	in->table = table;
	in->mask = mask;
	for (uint32_t id = 0; id < in->texts.n; id++)
		table[locate(in, in->texts.v[id])] = id + 1;
	free(old);
	return 0;
}

uint32_t tg_intern_id(struct tg_intern *in, const char *text)
{
	size_t at = locate(in, text);
	const char *copy;

	if (in->table[at] != 0)
		return in->table[at] - 1;
	if (in->texts.n >= UINT32_MAX - 1)
		return UINT32_MAX;
	copy = tg_arena_strdup(in->arena, text);
	if (copy == NULL || tg_vec_push(&in->texts, copy) != 0)
		return UINT32_MAX;
	in->table[at] = (uint32_t)in->texts.n;
	if (in->texts.n * 2 > in->mask && grow(in) != 0 && in->texts.n + 1 > in->mask)
		return UINT32_MAX;
	return (uint32_t)in->texts.n - 1;
}

uint32_t tg_intern_find(const struct tg_intern *in, const char *text)
{
	return in->table[locate(in, text)] - 1;
}

const char *tg_intern_text(const struct tg_intern *in, uint32_t id)
{
	return id < in->texts.n ? in->texts.v[id] : "";
}

uint32_t tg_intern_count(const struct tg_intern *in)
{
	return (uint32_t)in->texts.n;
}

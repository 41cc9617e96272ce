/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers follow what the writer has published and nothing of it ever moves: texts live in chunks
 * that double in size, an outgrown table is kept until the end (together they are smaller than the
 * one in use), and a number is stored in the table (release) only after its text is in place.
 */
#include "intern.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"

#define CHUNK_BITS                                                                    \
	10u /* the first chunk has 1 << CHUNK_BITS texts, each further one twice that \
	     */
#define CHUNKS (32u - CHUNK_BITS)

struct table {
	struct table *older;
	size_t mask;
	_Atomic uint32_t slots[]; /* id + 1; 0 is free */
};

struct tg_intern {
	struct tg_arena *arena;
	const char **chunks[CHUNKS];
	_Atomic uint32_t n;
	struct table *_Atomic table;
};

static struct table *table_create(size_t mask, struct table *older)
{
	struct table *t = calloc(1, sizeof(*t) + (mask + 1) * sizeof(t->slots[0]));

	if (t == NULL)
		return NULL;
	t->mask = mask;
	t->older = older;
	return t;
}

struct tg_intern *tg_intern_create(void)
{
	struct tg_intern *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->arena = tg_arena_create(0);
	in->table = table_create(1023, NULL);
	if (in->arena == NULL || in->table == NULL || tg_intern_id(in, "") != 0) {
		tg_intern_free(in);
		return NULL;
	}
	return in;
}

void tg_intern_free(struct tg_intern *in)
{
	struct table *t, *older;

	if (in == NULL)
		return;
	for (t = in->table; t != NULL; t = older) {
		older = t->older;
		free(t);
	}
	for (unsigned int i = 0; i < CHUNKS; i++)
		free(in->chunks[i]);
	tg_arena_free(in->arena);
	free(in);
}

static unsigned int chunk_of(uint32_t id, uint32_t *at)
{
	uint64_t biased = (uint64_t)id + (1u << CHUNK_BITS);
	unsigned int chunk = 63 - (unsigned int)__builtin_clzll(biased) - CHUNK_BITS;

	*at = (uint32_t)(biased - (1ull << (CHUNK_BITS + chunk)));
	return chunk;
}

static const char *text_of(const struct tg_intern *in, uint32_t id)
{
	uint32_t at;
	unsigned int chunk = chunk_of(id, &at);

	return in->chunks[chunk][at];
}

static int store_text(struct tg_intern *in, uint32_t id, const char *text)
{
	uint32_t at;
	unsigned int chunk = chunk_of(id, &at);

	if (chunk >= CHUNKS)
		return -1;
	if (in->chunks[chunk] == NULL)
		in->chunks[chunk] = malloc((sizeof(char *) << CHUNK_BITS) << chunk);
	if (in->chunks[chunk] == NULL)
		return -1;
	in->chunks[chunk][at] = text;
	return 0;
}

/* The place of `text` in `t`: of its entry, or the free one where it belongs; *id as found. */
static size_t locate(
	const struct tg_intern *in, const struct table *t, const char *text, uint32_t *id)
{
	size_t at = tg_hash_string(text, 0) & t->mask;

	while ((*id = atomic_load_explicit(&t->slots[at], memory_order_acquire)) != 0 &&
		strcmp(text_of(in, *id - 1), text) != 0)
		at = (at + 1) & t->mask;
	return at;
}

static int grow(struct tg_intern *in)
{
	struct table *old = in->table, *t = table_create(old->mask * 2 + 1, old);
	uint32_t id;

	if (t == NULL)
		return -1;
	for (size_t i = 0; i <= old->mask; i++) {
		uint32_t slot = old->slots[i];

		if (slot != 0)
			t->slots[locate(in, t, text_of(in, slot - 1), &id)] = slot;
	}
	atomic_store_explicit(&in->table, t, memory_order_release);
	return 0;
}

uint32_t tg_intern_id(struct tg_intern *in, const char *text)
{
	struct table *t = in->table;
	uint32_t n = in->n, id;
	size_t at = locate(in, t, text, &id);
	const char *copy;

	if (id != 0)
		return id - 1;
	if (n >= UINT32_MAX - 1)
		return UINT32_MAX;
	if ((size_t)n * 2 > t->mask) {
		if (grow(in) != 0)
			return UINT32_MAX;
		t = in->table;
		at = locate(in, t, text, &id);
	}
	copy = tg_arena_strdup(in->arena, text);
	if (copy == NULL || store_text(in, n, copy) != 0)
		return UINT32_MAX;
	atomic_store_explicit(&in->n, n + 1, memory_order_release);
	atomic_store_explicit(&t->slots[at], n + 1, memory_order_release);
	return n;
}

uint32_t tg_intern_find(const struct tg_intern *in, const char *text)
{
	struct table *t = atomic_load_explicit(&in->table, memory_order_acquire);
	uint32_t id;

	locate(in, t, text, &id);
	return id - 1;
}

const char *tg_intern_text(const struct tg_intern *in, uint32_t id)
{
	return id < atomic_load_explicit(&in->n, memory_order_acquire) ? text_of(in, id) : "";
}

uint32_t tg_intern_count(const struct tg_intern *in)
{
	return atomic_load_explicit(&in->n, memory_order_acquire);
}

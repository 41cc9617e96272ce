/* SPDX-License-Identifier: BSD-3-Clause */
/* Linear probing at a load of at most 1/2; removal shifts back, so there are no tombstones. */
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define SIZE_MIN 64

static size_t home(const struct index *index, struct index_key key)
{
	uint64_t h = tg_hash_mix((uint64_t)key.ns << 32 | key.name, key.kind);

	return (size_t)h & (index->size - 1);
}

static bool key_equal(struct index_key a, struct index_key b)
{
	return a.kind == b.kind && a.ns == b.ns && a.name == b.name;
}

/* The position of the key, or the free one where it belongs. */
static size_t locate(const struct index *index, struct index_key key)
{
	size_t at = home(index, key);

	while (index->v[at].key.kind != 0 && !key_equal(index->v[at].key, key))
		at = (at + 1) & (index->size - 1);
	return at;
}

void index_free(struct index *index)
{
	free(index->v);
	memset(index, 0, sizeof(*index));
}

void index_clear(struct index *index)
{
	if (index->size > SIZE_MIN * 16) {
		index_free(index);
		return;
	}
	if (index->n != 0)
		memset(index->v, 0, index->size * sizeof(*index->v));
	index->n = 0;
}

int index_reserve(struct index *index, size_t more)
{
	struct index grown = {.size = index->size != 0 ? index->size : SIZE_MIN};

	while (grown.size < (index->n + more) * 2)
		grown.size *= 2;
	if (grown.size == index->size)
		return 0;
	grown.v = calloc(grown.size, sizeof(*grown.v));
	if (grown.v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < index->size; i++)
		if (index->v[i].key.kind != 0)
			grown.v[locate(&grown, index->v[i].key)] = index->v[i];
	grown.n = index->n;
	free(index->v);
	*index = grown;
	return 0;
}

struct index_entry *index_find(const struct index *index, struct index_key key)
{
	struct index_entry *e;

	if (index->n == 0)
		return NULL;
	e = &index->v[locate(index, key)];
	return e->key.kind != 0 ? e : NULL;
}

struct index_entry *index_put(struct index *index, struct index_key key)
{
	struct index_entry *e = index_find(index, key);

	if (e != NULL)
		return e;
	if (index_reserve(index, 1) != 0)
		return NULL;
	e = &index->v[locate(index, key)];
	e->key = key;
	e->object = NULL;
	e->owner = NULL;
	index->n++;
	return e;
}

void index_remove(struct index *index, struct index_key key)
{
	struct index_entry *e = index_find(index, key);
	size_t hole, at, mask = index->size - 1;

	if (e == NULL)
		return;
	hole = (size_t)(e - index->v);
	for (at = (hole + 1) & mask; index->v[at].key.kind != 0; at = (at + 1) & mask) {
		/* An entry may move back unless its home lies behind the hole. */
		if (((at - home(index, index->v[at].key)) & mask) < ((at - hole) & mask))
			continue;
		index->v[hole] = index->v[at];
		hole = at;
	}
	memset(&index->v[hole], 0, sizeof(index->v[hole]));
	index->n--;
}

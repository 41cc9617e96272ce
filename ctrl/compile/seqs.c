/* SPDX-License-Identifier: BSD-3-Clause */
#include "seqs.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "arena.h"
#include "hash.h"
#include "vec.h"

#define ARENA_CHUNK (256u * 1024u)
#define FIRST_MASK 255u

/* `tag` is the upper half of the hash, so that most misses cost no look at the sequence. */
struct seq_slot {
	uint32_t tag;
	uint32_t id1; /* id + 1; 0: free */
};

int seqs_init(struct seqs *s)
{
	memset(s, 0, sizeof(*s));
	s->arena = tg_arena_create(ARENA_CHUNK);
	s->mask = FIRST_MASK;
	s->table = calloc(s->mask + 1, sizeof(*s->table));
	if (s->arena == NULL || s->table == NULL || seqs_add(s, NULL, 0) != 0) {
		seqs_free(s);
		return -ENOMEM;
	}
	return 0;
}

void seqs_free(struct seqs *s)
{
	tg_arena_free(s->arena);
	free(s->v);
	free(s->table);
	memset(s, 0, sizeof(*s));
}

static uint64_t hash_of(const uint32_t *v, uint32_t n)
{
	return n == 0 ? 0 : tg_hash_bytes(v, (size_t)n * sizeof(*v), 0);
}

/* The table position of the sequence: of its entry, or the free one where it belongs. */
static size_t locate(const struct seqs *s, const uint32_t *v, uint32_t n, uint64_t hash)
{
	size_t at = hash & s->mask;

	for (; s->table[at].id1 != 0; at = (at + 1) & s->mask) {
		const struct seq *q = &s->v[s->table[at].id1 - 1];

		if (s->table[at].tag == (uint32_t)(hash >> 32) && q->n == n &&
			(n == 0 || memcmp(q->v, v, (size_t)n * sizeof(*v)) == 0))
			break;
	}
	return at;
}

static int grow(struct seqs *s)
{
	size_t mask = s->mask * 2 + 1;
	struct seq_slot *table = calloc(mask + 1, sizeof(*table));

	if (table == NULL)
		return -ENOMEM;
	for (size_t id = 0; id < s->n; id++) {
		uint64_t hash = hash_of(s->v[id].v, s->v[id].n);
		size_t at = hash & mask;

		while (table[at].id1 != 0)
			at = (at + 1) & mask;
		table[at] = (struct seq_slot){(uint32_t)(hash >> 32), (uint32_t)id + 1};
	}
	free(s->table);
	s->table = table;
	s->mask = mask;
	return 0;
}

static int insert(struct seqs *s, size_t at, const uint32_t *v, uint32_t n, uint64_t hash)
{
	struct seq copy = {.n = n};

	if (s->n >= TG_NONE - 1)
		return -ENOMEM;
	if (n != 0) {
		copy.v = tg_arena_memdup(s->arena, v, (size_t)n * sizeof(*v));
		if (copy.v == NULL)
			return -ENOMEM;
	}
	if (tg_vec_push(s, copy) != 0)
		return -ENOMEM;
	s->words += n;
	s->table[at] = (struct seq_slot){(uint32_t)(hash >> 32), (uint32_t)s->n};
	return 0;
}

uint32_t seqs_add(struct seqs *s, const uint32_t *v, uint32_t n)
{
	uint64_t hash = hash_of(v, n);
	size_t at = locate(s, v, n, hash);

	if (s->table[at].id1 != 0)
		return s->table[at].id1 - 1;
	if ((s->n + 1) * 2 > s->mask) {
		if (grow(s) != 0)
			return TG_NONE;
		at = locate(s, v, n, hash);
	}
	return insert(s, at, v, n, hash) == 0 ? (uint32_t)s->n - 1 : TG_NONE;
}

uint32_t seqs_find(const struct seqs *s, const uint32_t *v, uint32_t n)
{
	return s->table[locate(s, v, n, hash_of(v, n))].id1 - 1;
}

uint32_t seqs_put(struct seqs *s, const uint32_t *v, uint32_t n, bool create)
{
	return create ? seqs_add(s, v, n) : seqs_find(s, v, n);
}

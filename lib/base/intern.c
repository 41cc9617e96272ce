/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers follow what the writer has published and nothing of it ever moves: the strings of the
 * numbers lie in chunks that double in size, an outgrown table is kept until the next sweep
 * (together they are smaller than the one in use), and a number is stored in the table (release)
 * only after its text is in place.
 */
#include "intern.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

/* The first chunk has 1 << CHUNK_BITS strings, each further one twice that. */
#define CHUNK_BITS 10u
#define CHUNKS (32u - CHUNK_BITS)
#define FIRST_MASK ((size_t)1023)

struct string {
	char *text;	   /* NULL: the number is nobody's */
	uint64_t recorded; /* number of the last record that it is in; the writer's */
};

struct table {
	struct table *older;
	size_t mask;
	_Atomic uint32_t slots[]; /* id + 1; 0 is free */
};

struct tg_intern {
	struct string *chunks[CHUNKS];
	_Atomic uint32_t n;
	struct table *_Atomic table;
	/* the writer's */
	struct tg_vec_u32 unused; /* numbers below n that are nobody's, the lowest last */
	struct tg_vec_u32 *log;
	uint64_t record;
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

static void table_free(struct table *t)
{
	struct table *older;

	for (; t != NULL; t = older) {
		older = t->older;
		free(t);
	}
}

struct tg_intern *tg_intern_create(void)
{
	struct tg_intern *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->table = table_create(FIRST_MASK, NULL);
	if (in->table == NULL || tg_intern_id(in, "") != 0) {
		tg_intern_free(in);
		return NULL;
	}
	return in;
}

static unsigned int chunk_of(uint32_t id, uint32_t *at)
{
	uint64_t biased = (uint64_t)id + (1u << CHUNK_BITS);
	unsigned int chunk = 63 - (unsigned int)__builtin_clzll(biased) - CHUNK_BITS;

	*at = (uint32_t)(biased - (1ull << (CHUNK_BITS + chunk)));
	return chunk;
}

static struct string *string_of(const struct tg_intern *in, uint32_t id)
{
	uint32_t at;
	unsigned int chunk = chunk_of(id, &at);

	return &in->chunks[chunk][at];
}

void tg_intern_free(struct tg_intern *in)
{
	if (in == NULL)
		return;
	for (uint32_t id = 0; id < in->n; id++)
		free(string_of(in, id)->text);
	for (unsigned int i = 0; i < CHUNKS; i++)
		free(in->chunks[i]);
	table_free(in->table);
	tg_vec_free(&in->unused);
	free(in);
}

static int string_store(struct tg_intern *in, uint32_t id, const char *text)
{
	uint32_t at;
	unsigned int chunk = chunk_of(id, &at);
	size_t size = strlen(text) + 1;
	char *copy;

	if (chunk >= CHUNKS)
		return -1;
	if (in->chunks[chunk] == NULL)
		in->chunks[chunk] = malloc((sizeof(struct string) << CHUNK_BITS) << chunk);
	copy = in->chunks[chunk] != NULL ? malloc(size) : NULL;
	if (copy == NULL)
		return -1;
	memcpy(copy, text, size);
	in->chunks[chunk][at] = (struct string){.text = copy};
	return 0;
}

/* The place of `text` in `t`: of its entry, or the free one where it belongs; *id as found. */
static size_t locate(
	const struct tg_intern *in, const struct table *t, const char *text, uint32_t *id)
{
	size_t at = tg_hash_string(text, 0) & t->mask;

	while ((*id = atomic_load_explicit(&t->slots[at], memory_order_acquire)) != 0 &&
		strcmp(string_of(in, *id - 1)->text, text) != 0)
		at = (at + 1) & t->mask;
	return at;
}

static void table_put(const struct tg_intern *in, struct table *t, uint32_t id)
{
	uint32_t found;

	t->slots[locate(in, t, string_of(in, id)->text, &found)] = id + 1;
}

static int grow(struct tg_intern *in)
{
	struct table *old = in->table, *t = table_create(old->mask * 2 + 1, old);

	if (t == NULL)
		return -1;
	for (size_t i = 0; i <= old->mask; i++)
		if (old->slots[i] != 0)
			table_put(in, t, old->slots[i] - 1);
	atomic_store_explicit(&in->table, t, memory_order_release);
	return 0;
}

static uint32_t find_or_add(struct tg_intern *in, const char *text)
{
	struct table *t = in->table;
	uint32_t n = in->n, id, fresh;
	size_t at = locate(in, t, text, &id);

	if (id != 0)
		return id - 1;
	if (n >= UINT32_MAX - 1)
		return UINT32_MAX;
	if ((size_t)tg_intern_used(in) * 2 > t->mask) {
		if (grow(in) != 0)
			return UINT32_MAX;
		t = in->table;
		at = locate(in, t, text, &id);
	}
	fresh = in->unused.n != 0 ? in->unused.v[in->unused.n - 1] : n;
	if (string_store(in, fresh, text) != 0)
		return UINT32_MAX;
	if (in->unused.n != 0)
		in->unused.n--;
	else
		atomic_store_explicit(&in->n, n + 1, memory_order_release);
	atomic_store_explicit(&t->slots[at], fresh + 1, memory_order_release);
	return fresh;
}

/* Puts a number into the log, unless this record has it. */
static int note(struct tg_intern *in, uint32_t id)
{
	struct string *s = string_of(in, id);

	if (id == 0 || s->recorded == in->record)
		return 0;
	if (tg_vec_push(in->log, id) != 0)
		return -ENOMEM;
	s->recorded = in->record;
	return 0;
}

uint32_t tg_intern_id(struct tg_intern *in, const char *text)
{
	uint32_t id = find_or_add(in, text);

	if (id != UINT32_MAX && in->log != NULL && note(in, id) != 0)
		return UINT32_MAX;
	return id;
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
	const char *text = NULL;

	if (id < atomic_load_explicit(&in->n, memory_order_acquire))
		text = string_of(in, id)->text;
	return text != NULL ? text : "";
}

uint32_t tg_intern_count(const struct tg_intern *in)
{
	return atomic_load_explicit(&in->n, memory_order_acquire);
}

uint32_t tg_intern_used(const struct tg_intern *in)
{
	return tg_intern_count(in) - (uint32_t)in->unused.n;
}

void tg_intern_record(struct tg_intern *in, struct tg_vec_u32 *log)
{
	in->log = log;
	in->record++;
}

/* --- sweeping --- */

static bool stays(const struct tg_intern *in, const struct tg_bits *keep, uint32_t id)
{
	return string_of(in, id)->text != NULL && (id == 0 || tg_bits_has(keep, id));
}

/* Gives back the chunks that lie wholly at or above `n`. */
static void chunks_trim(struct tg_intern *in, uint32_t n)
{
	uint32_t at;

	for (unsigned int i = chunk_of(n - 1, &at) + 1; i < CHUNKS; i++) {
		free(in->chunks[i]);
		in->chunks[i] = NULL;
	}
}

/* What does not stay goes; what does is put into `t`. Room in in->unused was reserved. */
static void sweep_into(
	struct tg_intern *in, const struct tg_bits *keep, struct table *t, uint32_t n)
{
	in->unused.n = 0;
	for (uint32_t id = in->n; id-- > 0;) {
		if (stays(in, keep, id)) {
			table_put(in, t, id);
			continue;
		}
		free(string_of(in, id)->text);
		string_of(in, id)->text = NULL;
		if (id < n)
			in->unused.v[in->unused.n++] = id;
	}
}

int tg_intern_sweep(struct tg_intern *in, const struct tg_bits *keep)
{
	uint32_t n = 0, kept = 0;
	size_t mask = FIRST_MASK;
	struct table *t;

	for (uint32_t id = 0; id < in->n; id++) {
		if (!stays(in, keep, id))
			continue;
		n = id + 1;
		kept++;
	}
	while ((size_t)kept * 2 > mask)
		mask = mask * 2 + 1;
	t = table_create(mask, NULL);
	if (t == NULL || tg_vec_reserve(&in->unused, n - kept) != 0) {
		free(t);
		return -ENOMEM;
	}
	sweep_into(in, keep, t, n);
	table_free(in->table);
	in->table = t;
	in->n = n;
	chunks_trim(in, n);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "hash.h"

#define FIRST_MASK 1023u

int slots_init(struct slots *s)
{
	memset(s, 0, sizeof(*s));
	s->mask = FIRST_MASK;
	s->table = calloc(s->mask + 1, sizeof(*s->table));
	return s->table != NULL ? 0 : -ENOMEM;
}

void slots_free(struct slots *s)
{
	tg_vec_free(&s->v);
	free(s->table);
	memset(s, 0, sizeof(*s));
}

int slots_copy(struct slots *to, const struct slots *from)
{
	*to = *from;
	memset(&to->v, 0, sizeof(to->v));
	to->table = malloc((from->mask + 1) * sizeof(*to->table));
	if (to->table == NULL || tg_vec_reserve(&to->v, from->v.n + 1) != 0) {
		slots_free(to);
		return -ENOMEM;
	}
	memcpy(to->table, from->table, (from->mask + 1) * sizeof(*to->table));
	if (from->v.n != 0)
		memcpy(to->v.v, from->v.v, from->v.n * sizeof(*to->v.v));
	to->v.n = from->v.n;
	return 0;
}

static size_t home(const struct slots *s, uint64_t identity)
{
	return tg_hash_mix(identity, 1) & s->mask;
}

/* The table position of an identity, or the free one where it belongs. */
static size_t locate(const struct slots *s, uint64_t identity)
{
	size_t at = home(s, identity);

	while (s->table[at] != 0 && s->v.v[s->table[at] - 1].identity != identity)
		at = (at + 1) & s->mask;
	return at;
}

static void table_put(struct slots *s, size_t index)
{
	s->table[locate(s, s->v.v[index].identity)] = (uint32_t)index + 1;
}

/* Removes by shifting back what follows in the same run, so that no search breaks off early. */
static void table_drop(struct slots *s, uint64_t identity)
{
	size_t hole = locate(s, identity), at = hole;

	if (s->table[hole] == 0)
		return;
	for (;;) {
		at = (at + 1) & s->mask;
		if (s->table[at] == 0)
			break;
		if (((at - home(s, s->v.v[s->table[at] - 1].identity)) & s->mask) >=
			((at - hole) & s->mask)) {
			s->table[hole] = s->table[at];
			hole = at;
		}
	}
	s->table[hole] = 0;
}

static int make_room(struct slots *s)
{
	size_t mask = s->mask * 2 + 1;
	uint32_t *table;

	if ((s->n_named + 1) * 2 <= s->mask)
		return 0;
	table = calloc(mask + 1, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	free(s->table);
	s->table = table;
	s->mask = mask;
	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.v[i].named)
			table_put(s, i);
	return 0;
}

static void name(struct slots *s, size_t index, uint64_t identity)
{
	struct slot *slot = &s->v.v[index];

	if (slot->named) {
		table_drop(s, slot->identity);
		s->n_named--;
	}
	slot->identity = identity;
	slot->named = true;
	s->n_named++;
	table_put(s, index);
}

void slots_begin(struct slots *s)
{
	s->next_free = 0;
	for (size_t i = 0; i < s->v.n; i++)
		s->v.v[i].fresh = false;
}

/*
 * A slot for a rule that has none: one that is free and swept, the longest unnamed index else. A
 * slot whose rule may still come later in this compilation can be given away here: that rule had
 * been gone for a while, and gets another slot.
 */
static uint32_t pick(struct slots *s, uint32_t capacity)
{
	struct slot slot = {0};

	for (; s->next_free < s->v.n; s->next_free++) {
		const struct slot *at = &s->v.v[s->next_free];

		if (!at->taken && !at->fresh && at->freed_at <= s->swept)
			return (uint32_t)s->next_free;
	}
	if (s->v.n >= capacity - TG_SLOT_FIRST || tg_vec_push(&s->v, slot) != 0)
		return TG_NONE;
	s->next_free = s->v.n;
	return (uint32_t)s->v.n - 1;
}

uint32_t slots_take(struct slots *s, uint64_t *identity, uint32_t capacity)
{
	uint32_t index;
	size_t at;

	for (at = locate(s, *identity); s->table[at] != 0; at = locate(s, *identity)) {
		index = s->table[at] - 1;
		if (!s->v.v[index].fresh) {
			if (index >= capacity - TG_SLOT_FIRST)
				return TG_NONE;
			s->v.v[index].fresh = true;
			return TG_SLOT_FIRST + index;
		}
		*identity = tg_hash_mix(*identity, 2);
	}
	if (make_room(s) != 0)
		return TG_NONE;
	index = pick(s, capacity);
	if (index == TG_NONE)
		return TG_NONE;
	name(s, index, *identity);
	s->v.v[index].fresh = true;
	return TG_SLOT_FIRST + index;
}

void slots_finish(struct slots *s, uint64_t generation)
{
	for (size_t i = 0; i < s->v.n; i++) {
		struct slot *slot = &s->v.v[i];

		if (slot->taken && !slot->fresh)
			slot->freed_at = generation;
		slot->taken = slot->fresh;
	}
}

int slots_adopt(struct slots *s, uint32_t slot, uint64_t identity, uint64_t generation)
{
	struct slot gap = {.freed_at = generation};
	uint32_t index = slot - TG_SLOT_FIRST;

	while (s->v.n <= index)
		if (tg_vec_push(&s->v, gap) != 0)
			return -ENOMEM;
	if (identity == 0 || s->v.v[index].named || s->table[locate(s, identity)] != 0)
		return 0;
	if (make_room(s) != 0)
		return -ENOMEM;
	s->v.v[index].taken = true;
	name(s, index, identity);
	return 0;
}

uint32_t slots_limit(const struct slots *s)
{
	return TG_SLOT_FIRST + (uint32_t)s->v.n;
}

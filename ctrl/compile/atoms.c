/* SPDX-License-Identifier: BSD-3-Clause */
#include "atoms.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

int atoms_init(struct atoms *a)
{
	memset(a, 0, sizeof(*a));
	return seqs_init(&a->pairs);
}

void atoms_free(struct atoms *a)
{
	seqs_free(&a->pairs);
	free(a->key_index);
	tg_vec_free(&a->keys);
	tg_vec_free(&a->other);
	memset(a, 0, sizeof(*a));
}

int atoms_reserve(struct atoms *a, uint32_t n_strings)
{
	uint32_t *grown;

	if (n_strings <= a->n_strings)
		return 0;
	grown = realloc(a->key_index, n_strings * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	memset(grown + a->n_strings, 0, (n_strings - a->n_strings) * sizeof(*grown));
	a->key_index = grown;
	a->n_strings = n_strings;
	return 0;
}

uint32_t atoms_add(struct atoms *a, uint32_t key, uint32_t value)
{
	uint32_t id = seqs_add(&a->pairs, (const uint32_t[]){key, value}, 2);

	return id == TG_NONE ? TG_NONE : id - 1;
}

uint32_t atoms_add_key(struct atoms *a, uint32_t key)
{
	uint32_t number = (uint32_t)a->keys.n, other;

	if (a->key_index[key] != 0)
		return a->key_index[key] - 1;
	if (tg_vec_reserve(&a->keys, a->keys.n + 1) != 0 ||
		tg_vec_reserve(&a->other, a->other.n + 1) != 0)
		return TG_NONE;
	other = atoms_add(a, number, TG_NONE);
	if (other == TG_NONE)
		return TG_NONE;
	a->keys.v[a->keys.n++] = key;
	a->other.v[a->other.n++] = other;
	a->key_index[key] = number + 1;
	return number;
}

uint32_t atoms_of(const struct atoms *a, uint32_t key, uint32_t value)
{
	uint32_t id = seqs_find(&a->pairs, (const uint32_t[]){key, value}, 2);

	return id == TG_NONE ? a->other.v[key] : id - 1;
}

int atoms_project(const struct atoms *a, const struct tg_labels *labels, struct tg_vec_u32 *out)
{
	for (uint32_t i = 0; i < labels->n; i++) {
		uint32_t key = atoms_key(a, labels->v[i].key);

		if (key != TG_NONE && tg_vec_push(out, atoms_of(a, key, labels->v[i].value)) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Labels as far as somebody asks about them. An atom is a (key, value) that was asked for, or an
 * asked-for key with any other value; labels of other keys vanish. Equal label sets project to
 * equal atom sequences. Keys and values are intern numbers, and only compared.
 */
#ifndef TG_COMPILE_ATOMS_H
#define TG_COMPILE_ATOMS_H

#include "model.h"
#include "seqs.h"
#include "vec.h"

struct atoms {
	struct seqs pairs;   /* {key number, value or TG_NONE}; id = atom + 1 */
	uint32_t *key_index; /* intern number -> key number + 1 */
	uint32_t n_strings;
	struct tg_vec_u32 keys;	 /* intern numbers, by key number */
	struct tg_vec_u32 other; /* by key number: the atom of its other values */
};

int atoms_init(struct atoms *a);
void atoms_free(struct atoms *a);
/* Intern numbers below `n_strings` can be asked for from now on. 0 or -ENOMEM. */
int atoms_reserve(struct atoms *a, uint32_t n_strings);
/* The number of a key, adding it; TG_NONE when memory is out. */
uint32_t atoms_add_key(struct atoms *a, uint32_t key);
/* The atom of (key number, value), adding it; TG_NONE when memory is out. */
uint32_t atoms_add(struct atoms *a, uint32_t key, uint32_t value);
/* The atom of a label of a known key: its own, or that of the key's other values. */
uint32_t atoms_of(const struct atoms *a, uint32_t key, uint32_t value);
/* Appends the atoms of `labels` to `out`, in the order of the labels. 0 or -ENOMEM. */
int atoms_project(const struct atoms *a, const struct tg_labels *labels, struct tg_vec_u32 *out);

static inline uint32_t atoms_count(const struct atoms *a)
{
	return (uint32_t)a->pairs.n - 1;
}

/* {key number, value or TG_NONE} */
static inline const uint32_t *atoms_pair(const struct atoms *a, uint32_t atom)
{
	return seqs_get(&a->pairs, atom + 1).v;
}

/* The number of a key, or UINT32_MAX. */
static inline uint32_t atoms_key(const struct atoms *a, uint32_t key)
{
	return key < a->n_strings ? a->key_index[key] - 1 : UINT32_MAX;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "selectors.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

#define FIRST_MASK 255u

int selectors_init(struct selectors *s, const struct tg_intern *strings)
{
	memset(s, 0, sizeof(*s));
	s->mask = FIRST_MASK;
	s->table = calloc(s->mask + 1, sizeof(*s->table));
	if (s->table == NULL || atoms_init(&s->atoms) != 0 ||
		atoms_reserve(&s->atoms, tg_intern_count(strings)) != 0) {
		selectors_free(s);
		return -ENOMEM;
	}
	return 0;
}

void selectors_free(struct selectors *s)
{
	tg_vec_free(&s->models);
	free(s->table);
	atoms_free(&s->atoms);
	tg_vec_free(&s->compact);
	tg_vec_free(&s->reqs);
	tg_vec_free(&s->values);
	free(s->by_atom);
	free(s->by_key);
	tg_vec_free(&s->under_atom);
	tg_vec_free(&s->under_key);
	tg_vec_free(&s->always);
	free(s->value_of);
	memset(s, 0, sizeof(*s));
}

static size_t locate(const struct selectors *s, const struct tg_selector *selector)
{
	size_t at = tg_selector_hash(selector) & s->mask;

	while (s->table[at] != 0 && !tg_selector_equal(s->models.v[s->table[at] - 1], selector))
		at = (at + 1) & s->mask;
	return at;
}

static int grow(struct selectors *s)
{
	uint32_t *table = calloc(s->mask * 2 + 2, sizeof(*table));

	if (table == NULL)
		return -ENOMEM;
	free(s->table);
	s->table = table;
	s->mask = s->mask * 2 + 1;
	for (uint32_t id = 0; id < s->models.n; id++)
		table[locate(s, s->models.v[id])] = id + 1;
	return 0;
}

uint32_t selectors_add(struct selectors *s, const struct tg_selector *selector)
{
	size_t at = locate(s, selector);

	if (s->table[at] != 0)
		return s->table[at] - 1;
	if ((s->models.n + 1) * 2 > s->mask) {
		if (grow(s) != 0)
			return TG_NONE;
		at = locate(s, selector);
	}
	if (tg_vec_push(&s->models, selector) != 0)
		return TG_NONE;
	s->table[at] = (uint32_t)s->models.n;
	return (uint32_t)s->models.n - 1;
}

static int compact_req(struct selectors *s, const struct tg_requirement *req)
{
	struct selector_req out = {
		.key = atoms_add_key(&s->atoms, req->key),
		.first_value = (uint32_t)s->values.n,
		.n_values = req->n_values,
		.op = req->op,
	};

	if (out.key == TG_NONE)
		return -ENOMEM;
	for (uint32_t i = 0; i < req->n_values; i++) {
		uint32_t atom = atoms_add(&s->atoms, out.key, req->values[i]);

		if (atom == TG_NONE || tg_vec_push(&s->values, atom) != 0)
			return -ENOMEM;
	}
	sort_u32(s->values.v + out.first_value, out.n_values);
	return tg_vec_push(&s->reqs, out);
}

static int compact_all(struct selectors *s)
{
	for (size_t i = 0; i < s->models.n; i++) {
		const struct tg_selector *model = s->models.v[i];
		struct selector out = {(uint32_t)s->reqs.n, model->n_reqs};

		for (uint32_t k = 0; k < model->n_reqs; k++)
			if (compact_req(s, &model->reqs[k]) != 0)
				return -ENOMEM;
		if (tg_vec_push(&s->compact, out) != 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * The requirement that a selector is indexed by: one that a matching label set must satisfy by a
 * label it has. The IN with the fewest values is the most selective. NULL: there is none.
 */
static const struct selector_req *index_req(
	const struct selectors *s, const struct selector *selector)
{
	const struct selector_req *best = NULL;

	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct selector_req *req = &s->reqs.v[selector->first_req + i];

		if (req->op == TG_OP_IN &&
			(best == NULL || best->op != TG_OP_IN || req->n_values < best->n_values))
			best = req;
		else if (req->op == TG_OP_EXISTS && best == NULL)
			best = req;
	}
	return best;
}

/* Counts (fill false) or writes (fill true) selector `id` into the list it belongs to. */
static void index_one(struct selectors *s, uint32_t id, bool fill)
{
	const struct selector_req *req = index_req(s, &s->compact.v[id]);

	if (req == NULL) {
		if (fill)
			s->always.v[s->always.n] = id;
		s->always.n++;
	} else if (req->op == TG_OP_EXISTS) {
		if (fill)
			s->under_key.v[s->by_key[req->key]] = id;
		s->by_key[req->key]++;
	} else {
		for (uint32_t i = 0; i < req->n_values; i++) {
			uint32_t atom = s->values.v[req->first_value + i];

			if (fill)
				s->under_atom.v[s->by_atom[atom]] = id;
			s->by_atom[atom]++;
		}
	}
}

/* Two passes: count, then fill; afterwards list i is first[i]..first[i+1]. */
static int build_index(struct selectors *s)
{
	uint32_t n = (uint32_t)s->compact.n;

	s->by_atom = calloc(atoms_count(&s->atoms) + 2, sizeof(*s->by_atom));
	s->by_key = calloc(s->atoms.keys.n + 2, sizeof(*s->by_key));
	if (s->by_atom == NULL || s->by_key == NULL)
		return -ENOMEM;
	for (uint32_t id = 0; id < n; id++)
		index_one(s, id, false);
	if (tg_vec_reserve(&s->under_atom, csr_open(s->by_atom, atoms_count(&s->atoms)) + 1) != 0 ||
		tg_vec_reserve(&s->under_key, csr_open(s->by_key, s->atoms.keys.n) + 1) != 0 ||
		tg_vec_reserve(&s->always, s->always.n + 1) != 0)
		return -ENOMEM;
	s->always.n = 0;
	for (uint32_t id = 0; id < n; id++)
		index_one(s, id, true);
	csr_close(s->by_atom, atoms_count(&s->atoms));
	csr_close(s->by_key, s->atoms.keys.n);
	return 0;
}

int selectors_freeze(struct selectors *s)
{
	int err = compact_all(s);

	if (err == 0)
		err = build_index(s);
	if (err != 0)
		return err;
	tg_vec_free(&s->models);
	s->value_of = malloc((s->atoms.keys.n + 1) * sizeof(*s->value_of));
	if (s->value_of == NULL)
		return -ENOMEM;
	memset(s->value_of, 0xff, (s->atoms.keys.n + 1) * sizeof(*s->value_of));
	return 0;
}

static bool has_value(const struct selectors *s, const struct selector_req *req, uint32_t atom)
{
	return sorted_has(s->values.v + req->first_value, req->n_values, atom);
}

static bool req_holds(const struct selectors *s, const struct selector_req *req)
{
	uint32_t atom = s->value_of[req->key];

	switch (req->op) {
	case TG_OP_IN:
		return atom != TG_NONE && has_value(s, req, atom);
	case TG_OP_NOT_IN:
		return atom == TG_NONE || !has_value(s, req, atom);
	case TG_OP_EXISTS:
		return atom != TG_NONE;
	case TG_OP_NOT_EXISTS:
		return atom == TG_NONE;
	}
	return false;
}

static int match_list(
	const struct selectors *s, const uint32_t *ids, size_t n, struct tg_vec_u32 *out)
{
	if (tg_vec_reserve(out, out->n + n) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct selector *selector = &s->compact.v[ids[i]];
		uint32_t k = 0;

		while (k < selector->n_reqs && req_holds(s, &s->reqs.v[selector->first_req + k]))
			k++;
		if (k == selector->n_reqs)
			out->v[out->n++] = ids[i];
	}
	return 0;
}

int selectors_match(const struct selectors *s, struct seq atoms, struct tg_vec_u32 *out)
{
	int err;

	out->n = 0;
	for (uint32_t i = 0; i < atoms.n; i++)
		s->value_of[atoms_pair(&s->atoms, atoms.v[i])[0]] = atoms.v[i];
	err = match_list(s, s->always.v, s->always.n, out);
	for (uint32_t i = 0; err == 0 && i < atoms.n; i++) {
		uint32_t atom = atoms.v[i], key = atoms_pair(&s->atoms, atom)[0];

		err = match_list(s, s->under_atom.v + s->by_atom[atom],
			s->by_atom[atom + 1] - s->by_atom[atom], out);
		if (err == 0)
			err = match_list(s, s->under_key.v + s->by_key[key],
				s->by_key[key + 1] - s->by_key[key], out);
	}
	for (uint32_t i = 0; i < atoms.n; i++)
		s->value_of[atoms_pair(&s->atoms, atoms.v[i])[0]] = TG_NONE;
	sort_u32(out->v, out->n);
	return err;
}

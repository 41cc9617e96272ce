/* SPDX-License-Identifier: BSD-3-Clause */
#include "classes.h"

#include <string.h>

#include "sort.h"

int classes_init(
	struct classes *c, const struct tg_compile_options *options, const struct zones *zones)
{
	struct class fail_closed = {0};

	memset(c, 0, sizeof(*c));
	c->n_infrastructure = (uint32_t)options->n_infrastructure;
	if (seqs_init(&c->keys) != 0 || seqs_init(&c->term_sets) != 0 || seqs_init(&c->memo) != 0 ||
		tg_vec_push(&c->v, fail_closed) != 0)
		goto fail;
	for (uint32_t i = 0; i < c->n_infrastructure; i++) {
		const struct tg_infrastructure *tuple = &options->infrastructure[i];

		if (tg_vec_push(&c->tuple_zone, zones_find(zones, tuple->zone)) != 0)
			goto fail;
		if ((tuple->from_nodes && tg_vec_push(&c->node_terms, TERM_FROM_OF(i)) != 0) ||
			(tuple->to_nodes && tg_vec_push(&c->node_terms, TERM_TO_OF(i)) != 0))
			goto fail;
	}
	return 0;
fail:
	classes_free(c);
	return -ENOMEM;
}

void classes_free(struct classes *c)
{
	seqs_free(&c->keys);
	seqs_free(&c->term_sets);
	seqs_free(&c->memo);
	tg_vec_free(&c->memo_class);
	tg_vec_free(&c->v);
	tg_vec_free(&c->node_terms);
	tg_vec_free(&c->tuple_zone);
	tg_vec_free(&c->terms);
	tg_vec_free(&c->infra);
}

static bool is_infrastructure(const struct classes *c, uint32_t term)
{
	return term >= TERM_FIRST_LISTED && term < TERM_FROM_OF(c->n_infrastructure);
}

static uint32_t tuple_of(uint32_t term)
{
	return (term - TERM_FIRST_LISTED) / 2;
}

/* A FROM term holds for world and node addresses only. */
static bool is_from(const struct classes *c, uint32_t term)
{
	return is_infrastructure(c, term) && (term - TERM_FIRST_LISTED) % 2 == 0;
}

static int append(struct tg_vec_u32 *out, struct seq more)
{
	if (tg_vec_reserve(out, out->n + more.n) != 0)
		return -ENOMEM;
	if (more.n != 0)
		memcpy(out->v + out->n, more.v, more.n * sizeof(*out->v));
	out->n += more.n;
	return 0;
}

/* The terms that hold by the address and kind alone, into the scratch. */
static int address_terms(struct classes *c, const struct class_sources *from,
	const struct class_address *address, enum tg_class_kind kind)
{
	bool source = kind == TG_KIND_WORLD || kind == TG_KIND_NODE;
	struct seq set = seqs_get(&from->prefixes->sets, address->set);

	c->terms.n = 0;
	if (tg_vec_reserve(&c->terms, set.n + c->node_terms.n) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < set.n; i++)
		if (source || !is_from(c, set.v[i]))
			c->terms.v[c->terms.n++] = set.v[i];
	for (size_t i = 0; kind == TG_KIND_NODE && i < c->node_terms.n; i++)
		if (c->tuple_zone.v[tuple_of(c->node_terms.v[i])] == address->zone)
			c->terms.v[c->terms.n++] = c->node_terms.v[i];
	return 0;
}

/* Terms "base, where its port of that name is N" of one base that the pod satisfies. */
static int derive_from(struct classes *c, const struct class_sources *from,
	const struct profile *profile, uint32_t base, bool create)
{
	struct seq named = terms_named_of(from->terms, base), ports = profile->ports;

	for (uint32_t i = 0; i < named.n; i++) {
		const uint32_t *key = seqs_get(&from->terms->named, named.v[i]).v;
		uint32_t use = key[1];

		if (key[2] != profile->zone)
			continue;
		for (uint32_t k = 0; k < ports.n; k += 2) {
			uint32_t words[3] = {TERM_NAMED, named.v[i], ports.v[k + 1]}, term;

			if (ports.v[k] != use)
				continue;
			term = terms_put(from->terms, words, 3, create);
			if (term == TG_NONE)
				return create ? -ENOMEM : -ENOENT;
			if (tg_vec_push(&c->terms, term) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int derive_named(struct classes *c, const struct class_sources *from,
	const struct profile *profile, bool create)
{
	size_t n = c->terms.n;
	int err;

	if (profile->ports.n == 0)
		return 0;
	err = derive_from(c, from, profile, TERM_OF_KIND(TG_KIND_POD), create);
	for (size_t i = 0; i < n && err == 0; i++)
		err = derive_from(c, from, profile, c->terms.v[i], create);
	return err;
}

/* The row of this direction: the stance and the tuples whose FROM (egress) or TO term holds. */
static uint32_t row_of(struct classes *c, const struct class_sources *from, enum tg_direction dir,
	uint32_t stance, bool create)
{
	uint32_t parity = dir == TG_EGRESS ? 0 : 1;

	c->infra.n = 0;
	for (size_t i = 0; i < c->terms.n && is_infrastructure(c, c->terms.v[i]); i++) {
		uint32_t at = c->terms.v[i] - TERM_FIRST_LISTED;

		if (at % 2 == parity && tg_vec_push(&c->infra, at / 2) != 0)
			return TG_NONE;
	}
	return row_set_put(
		from->rows, stance, (struct seq){c->infra.v, (uint32_t)c->infra.n}, create);
}

/* The class of the terms in the scratch. */
static uint32_t finish(struct classes *c, const struct class_sources *from, struct class class,
	const uint32_t stance[TG_DIRECTION_COUNT], bool create)
{
	uint32_t key[4] = {(uint32_t) class.zone << 16 | (uint32_t) class.kind << 8 | class.family};
	uint32_t id;

	c->terms.n = sort_distinct_u32(c->terms.v, c->terms.n);
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		class.row[dir] = row_of(c, from, dir, stance[dir], create);
		if (class.row[dir] == TG_NONE)
			return TG_NONE;
		key[1 + dir] = class.row[dir];
	}
	key[3] = seqs_put(&c->term_sets, c->terms.v, (uint32_t)c->terms.n, create);
	if (key[3] == TG_NONE)
		return TG_NONE;
	id = seqs_put(&c->keys, key, 4, create);
	class.terms = seqs_get(&c->term_sets, key[3]);
	if (id != TG_NONE && id >= c->v.n && tg_vec_push(&c->v, class) != 0)
		return TG_NONE;
	return id;
}

uint32_t classes_pod(struct classes *c, const struct class_sources *from,
	const struct profile *profile, struct class_address address, bool create)
{
	struct class class = {
		.kind = TG_KIND_POD, .family = address.family, .zone = (uint16_t)address.zone};

	if (address_terms(c, from, &address, TG_KIND_POD) != 0 ||
		append(&c->terms, profile->terms) != 0 ||
		derive_named(c, from, profile, create) != 0)
		return TG_NONE;
	return finish(c, from, class, profile->stance, create);
}

uint32_t classes_kind(struct classes *c, const struct class_sources *from, enum tg_class_kind kind,
	struct class_address address, bool create)
{
	struct class class = {
		.kind = (uint8_t)kind, .family = address.family, .zone = (uint16_t)address.zone};
	uint32_t stance[TG_DIRECTION_COUNT];

	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		stance[dir] = row_set_kind_stance(from->rows, dir, address.zone, kind, create);
		if (stance[dir] == TG_NONE)
			return TG_NONE;
	}
	if (address_terms(c, from, &address, kind) != 0)
		return TG_NONE;
	return finish(c, from, class, stance, create);
}

uint32_t classes_of(struct classes *c, const struct class_sources *from,
	const struct profiles *profiles, uint32_t profile, enum tg_class_kind kind,
	struct class_address address)
{
	uint32_t key[4] = {profile, kind, address.set, address.zone << 8 | address.family};
	uint32_t id, class;

	id = seqs_add(&c->memo, key, 4);
	if (id == TG_NONE || id <= c->memo_class.n)
		return id == TG_NONE ? TG_NONE : c->memo_class.v[id - 1];
	class = profile != TG_NONE ? classes_pod(c, from, &profiles->v.v[profile], address, true)
				   : classes_kind(c, from, kind, address, true);
	if (class == TG_NONE || tg_vec_push(&c->memo_class, class) != 0)
		return TG_NONE;
	return class;
}

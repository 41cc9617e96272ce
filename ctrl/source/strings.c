/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which strings are needed. Nobody goes through objects for that, since one field that is forgotten
 * would turn into another name: a content has a record of every number that decoding it was given,
 * and a hold has the records of all contents in force when it was made.
 *
 * How many contents in force, files and namespaces have a string is counted as they come and go, so
 * that a hold costs no look at each of them; what a sweep keeps is found out by looking.
 *
 * What a sweep keeps: the records of all contents that exist, in force, refused or retired; the
 * holds that nobody has released; and what the store itself has numbers of.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

static void hold_unref(struct tg_hold *hold)
{
	if (atomic_fetch_sub_explicit(&hold->refs, 1, memory_order_acq_rel) != 1)
		return;
	tg_bits_free(&hold->strings);
	free(hold);
}

void tg_hold_release(struct tg_hold *hold)
{
	if (hold != NULL)
		hold_unref(hold);
}

int tg_hold_add(struct tg_hold *hold, uint32_t string)
{
	if (tg_bits_reserve(&hold->strings, (size_t)string + 1) != 0)
		return -ENOMEM;
	tg_bits_set(&hold->strings, string);
	return 0;
}

/* Drops the holds that only the store still knows. */
static void drop_released(struct tg_store *store)
{
	struct tg_hold **at = &store->holds, *hold;

	while ((hold = *at) != NULL) {
		if (atomic_load_explicit(&hold->refs, memory_order_acquire) != 1) {
			at = &hold->next;
			continue;
		}
		*at = hold->next;
		hold_unref(hold);
	}
}

void store_drop_holds(struct tg_store *store)
{
	struct tg_hold *next;

	for (struct tg_hold *hold = store->holds; hold != NULL; hold = next) {
		next = hold->next;
		hold_unref(hold);
	}
	store->holds = NULL;
}

int store_strings_reserve(struct tg_store *store)
{
	size_t n = tg_intern_count(store->strings), grown = store->n_string_refs * 2;
	uint32_t *refs;

	if (tg_bits_reserve(&store->strings_in_force, n) != 0)
		return -ENOMEM;
	if (n <= store->n_string_refs)
		return 0;
	if (grown < n)
		grown = n;
	refs = realloc(store->string_refs, grown * sizeof(*refs));
	if (refs == NULL)
		return -ENOMEM;
	memset(refs + store->n_string_refs, 0, (grown - store->n_string_refs) * sizeof(*refs));
	store->string_refs = refs;
	store->n_string_refs = grown;
	return 0;
}

void store_string_add(struct tg_store *store, uint32_t string)
{
	if (store->string_refs[string]++ == 0)
		tg_bits_set(&store->strings_in_force, string);
}

void store_string_drop(struct tg_store *store, uint32_t string)
{
	if (--store->string_refs[string] == 0)
		tg_bits_clear(&store->strings_in_force, string);
}

void store_strings_add(struct tg_store *store, const struct content *content)
{
	for (size_t i = 0; i < content->strings.n; i++)
		store_string_add(store, content->strings.v[i]);
}

void store_strings_drop(struct tg_store *store, const struct content *content)
{
	for (size_t i = 0; i < content->strings.n; i++)
		store_string_drop(store, content->strings.v[i]);
}

static void mark_content(struct tg_bits *bits, const struct content *content)
{
	for (size_t i = 0; content != NULL && i < content->strings.n; i++)
		tg_bits_set(bits, content->strings.v[i]);
}

/* What the state in force is made of. */
static void mark_in_force(struct tg_bits *bits, const struct tg_store *store)
{
	tg_bits_set(bits, store->metadata_name);
	for (size_t i = 0; i < store->namespaces.n; i++)
		tg_bits_set(bits, store->namespaces.v[i]->implicit.name);
	for (size_t i = 0; i < store_file_total(store); i++) {
		tg_bits_set(bits, store_file_at(store, i)->name);
		mark_content(bits, store_file_at(store, i)->current);
	}
}

/* And the rest: refused texts, and retired ones that views or changes not yet taken need. */
static void mark_others(struct tg_bits *bits, const struct tg_store *store)
{
	/* What a waiting file is blocked on is an object of its refused text. */
	for (size_t i = 0; i < store_file_total(store); i++)
		mark_content(bits, store_file_at(store, i)->refused);
	for (const struct content *c = store->retired; c != NULL; c = c->next)
		mark_content(bits, c);
	for (const struct tg_hold *hold = store->holds; hold != NULL; hold = hold->next)
		tg_bits_add(bits, &hold->strings);
}

struct tg_hold *tg_store_hold(struct tg_store *store)
{
	struct tg_hold *hold = calloc(1, sizeof(*hold));

	if (hold == NULL)
		return NULL;
	if (tg_bits_reserve(&hold->strings, tg_intern_count(store->strings)) != 0) {
		free(hold);
		return NULL;
	}
	tg_bits_add(&hold->strings, &store->strings_in_force);
	atomic_init(&hold->refs, 2);
	drop_released(store);
	hold->next = store->holds;
	store->holds = hold;
	return hold;
}

/* Namespaces that nothing mentions go, unless a view may still have one of them. */
static void forget_namespaces(struct tg_store *store)
{
	size_t kept = 0;

	if (store->pins != NULL)
		return;
	for (size_t i = 0; i < store->namespaces.n; i++) {
		struct ns_state *ns = store->namespaces.v[i];

		if (ns->defined || ns->mentions != 0) {
			store->namespaces.v[kept++] = ns;
			continue;
		}
		index_remove(&store->by_ns, (struct index_key){KIND_NS, 0, ns->implicit.name});
		store_string_drop(store, ns->implicit.name);
		free(ns);
	}
	store->namespaces.n = kept;
}

int tg_store_sweep(struct tg_store *store)
{
	struct tg_bits keep = {0};
	int err = tg_bits_reserve(&keep, tg_intern_count(store->strings));

	if (err != 0)
		return err;
	store_collect(store);
	drop_released(store);
	forget_namespaces(store);
	mark_in_force(&keep, store);
	mark_others(&keep, store);
	err = tg_intern_sweep(store->strings, &keep);
	tg_bits_free(&keep);
	return err;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peer terms: what a rule can ask of a peer. A term is a yes/no question about a class; rules are
 * lists of terms, classes know the terms that they match. Term 0 (TERM_ANY) and the terms of kinds
 * are known by the kind of a class and not listed with it.
 *
 * A term is about the addresses of one zone (by index), which its words imply; TERM_ANY and the
 * terms of kinds are about those of the zone of whoever asks.
 *
 * Key words of each type:
 *   TERM_ANY
 *   TERM_KIND      kind
 *   TERM_OWN       namespace index, pod selector, zone  pods of one namespace
 *   TERM_SELECTED  namespace selector, pod selector, zone
 *   TERM_BLOCK     prefix, excepted prefixes ascending  every address, whoever's it is
 *   TERM_FROM      infrastructure tuple                 world and node addresses
 *   TERM_TO        infrastructure tuple                 every address
 *   TERM_NAMED     named use, port number               pods of the base term whose named port
 *                                                       resolves to the number
 */
#ifndef TG_COMPILE_TERMS_H
#define TG_COMPILE_TERMS_H

#include <tidegate/verdict.h>

#include "seqs.h"
#include "vec.h"

enum term_type {
	TERM_KIND = 1,
	TERM_OWN,
	TERM_SELECTED,
	TERM_BLOCK,
	TERM_FROM,
	TERM_TO,
	TERM_NAMED,
};

#define TERM_ANY 0u
#define TERM_OF_KIND(kind) (1u + (kind))
#define TERM_FIRST_LISTED (1u + TG_KIND_COUNT) /* terms from here on are listed with classes */

struct terms {
	struct seqs keys; /* id = term */
	/* Named ports at egress: {base term, port use, zone}; id = named use. */
	struct seqs named;
	/* After terms_freeze: named uses of base term t are by_base[first_named[t]..]. */
	uint32_t *first_named;
	uint32_t *by_base;
	uint32_t n_bases;
};

int terms_init(struct terms *t);
void terms_free(struct terms *t);
/* The term of these words, adding it when `create`; TG_NONE out of memory or not there. */
uint32_t terms_put(struct terms *t, const uint32_t *words, uint32_t n, bool create);
int terms_freeze(struct terms *t);

static inline uint32_t terms_count(const struct terms *t)
{
	return (uint32_t)t->keys.n;
}

/* 0 for TERM_ANY. */
static inline uint32_t term_type(const struct terms *t, uint32_t term)
{
	return term == TERM_ANY ? 0 : seqs_get(&t->keys, term).v[0];
}

/* The named uses whose base is `term`. */
static inline struct seq terms_named_of(const struct terms *t, uint32_t term)
{
	struct seq none = {0};

	if (term >= t->n_bases)
		return none;
	return (struct seq){
		t->by_base + t->first_named[term], t->first_named[term + 1] - t->first_named[term]};
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Classes: addresses that every policy treats alike. A class is (zone, kind, family, egress row,
 * ingress row, set of listed peer terms), hash-consed; its number is that of the image. Class 0 is
 * the fail-closed one.
 */
#ifndef TG_COMPILE_CLASSES_H
#define TG_COMPILE_CLASSES_H

#include "prefixes.h"
#include "profiles.h"

/*
 * Terms of infrastructure tuple i; they are the first listed ones, so that a look at the number
 * tells them.
 */
#define TERM_FROM_OF(i) (TERM_FIRST_LISTED + 2u * (uint32_t)(i))
#define TERM_TO_OF(i) (TERM_FIRST_LISTED + 2u * (uint32_t)(i) + 1u)

struct class
{
	uint8_t kind;
	uint8_t family;
	uint16_t zone; /* index */
	uint32_t row[TG_DIRECTION_COUNT];
	struct seq terms; /* listed terms, sorted */
};

struct classes {
	/* {zone << 16 | kind << 8 | family, egress row, ingress row, terms}; id = class */
	struct seqs keys;
	struct seqs term_sets;
	/* {profile, kind, address set, zone << 8 | family}; id = index of memo_class + 1 */
	struct seqs memo;
	struct tg_vec_u32 memo_class;
	TG_VEC(struct class) v;	      /* [0]: zero */
	struct tg_vec_u32 node_terms; /* FROM and TO terms that every node of their zone has */
	struct tg_vec_u32 tuple_zone; /* index, by infrastructure tuple */
	uint32_t n_infrastructure;
	struct tg_vec_u32 terms, infra; /* scratch */
};

/* What classes are made from. */
struct class_sources {
	const struct prefixes *prefixes;
	const struct policies *policies;
	struct terms *terms;
	struct rows *rows;
};

/* What is asked about one address beside whose it is: its zone and the terms of its prefix. */
struct class_address {
	uint32_t zone; /* index */
	uint32_t set;  /* address terms, in prefixes.sets */
	uint8_t family;
};

int classes_init(
	struct classes *c, const struct tg_compile_options *options, const struct zones *zones);
void classes_free(struct classes *c);
/*
 * The class of an address: of a pod with this profile, or of another kind. TG_NONE: out of memory,
 * or not there and not to be created.
 */
uint32_t classes_pod(struct classes *c, const struct class_sources *from,
	const struct profile *profile, struct class_address address, bool create);
uint32_t classes_kind(struct classes *c, const struct class_sources *from, enum tg_class_kind kind,
	struct class_address address, bool create);
/*
 * The same by the number of the profile (or TG_NONE and the kind), remembering the answer: a
 * million addresses ask for a few thousand classes.
 */
uint32_t classes_of(struct classes *c, const struct class_sources *from,
	const struct profiles *profiles, uint32_t profile, enum tg_class_kind kind,
	struct class_address address);

#endif

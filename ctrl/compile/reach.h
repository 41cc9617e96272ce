/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which classes each term reaches. A sort is a (kind, family) of the term's zone; a term that
 * matches every class of a sort, or all but a few, is complete for it and not listed with these
 * classes: the sort's own column serves it, and the few are listed as its exceptions. ("All
 * namespaces but mine", asked by each of a thousand namespaces, would be a million cells else.)
 */
#ifndef TG_COMPILE_REACH_H
#define TG_COMPILE_REACH_H

#include "classes.h"

#define SORTS (2u * TG_KIND_COUNT)

static inline uint32_t sort_of(const struct class *class)
{
	return 2u * class->kind + (class->family == 6);
}

/* Sorts of all zones as numbers. */
static inline uint32_t sort_in_zone(uint32_t zone, uint32_t sort)
{
	return zone * SORTS + sort;
}

struct reach {
	uint32_t n_terms;
	uint16_t *complete; /* by term: the sorts it is complete for, but for `excepts`, as bits */
	uint16_t *present;  /* by term: the sorts it matches any class of */
	uint32_t *first;    /* by term: list in `classes`, without those of complete sorts */
	uint32_t *classes;
	uint32_t *first_except; /* by term: list in `excepts` */
	uint32_t *excepts;	/* classes of complete sorts that do not match */
	uint32_t n_zones;
	uint32_t *n_classes; /* by sort_in_zone */
};

static_assert(SORTS <= 16, "the sorts fit their bit masks");

int reach_init(struct reach *r, const struct classes *classes, uint32_t n_terms, uint32_t n_zones);
void reach_free(struct reach *r);

static inline uint32_t reach_count(const struct reach *r, uint32_t term)
{
	return r->first[term + 1] - r->first[term];
}

static inline bool reach_is_complete(const struct reach *r, uint32_t term, uint32_t sort)
{
	return r->complete[term] >> sort & 1;
}

#endif

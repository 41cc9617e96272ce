/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups: classes that the heavy terms cannot tell apart. A heavy term (many rows ask for it, and
 * it matches many classes) costs a cell for each of its groups instead of each of its classes.
 * Which terms are heavy is a matter of size only: cells are right with any choice.
 */
#ifndef TG_COMPILE_GROUPS_H
#define TG_COMPILE_GROUPS_H

#include "reach.h"

struct groups {
	uint8_t *heavy;	   /* by term */
	struct seqs keys;  /* {sort, heavy terms}; id = group + 1 */
	uint32_t *of;	   /* by class: its group; TG_NONE: no heavy term matches it */
	uint32_t *first;   /* by heavy term: list in `members` */
	uint32_t *members; /* groups */
	uint32_t n;
};

/* `rows_with` counts, by term, the rows that ask for it. */
int groups_init(struct groups *g, const struct classes *classes, const struct reach *reach,
	const uint32_t *rows_with);
void groups_free(struct groups *g);

static inline uint32_t group_sort(const struct groups *g, uint32_t group)
{
	return seqs_get(&g->keys, group + 1).v[0];
}

#endif

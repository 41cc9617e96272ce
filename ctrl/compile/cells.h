/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The matrix of rows and columns. For each row, what its entries say about
 *   - each sort (kind and family) of its zone, by the terms complete for it;
 *   - each group that its heavy terms reach;
 *   - each class that its light terms reach;
 * a cell is kept only where it differs from what the next coarser column says. Work and cells of
 * one namespace are bounded: over its budget it denies everything, and nobody else notices.
 *
 * Columns are numbered: sorts zone by zone, then groups, then classes.
 */
#ifndef TG_COMPILE_CELLS_H
#define TG_COMPILE_CELLS_H

#include "expand.h"
#include "groups.h"
#include "programs.h"

struct cells {
	TG_VEC(struct tg_image_cell) v; /* sorted by row, column */
	uint32_t *spent;		/* by namespace: class-level cells */
	uint64_t *work;			/* by namespace: entries and places looked at */
	uint64_t *row_work;		/* the same by row */
	uint32_t *rows_with;		/* by term: rows that ask for it */
	uint8_t *families; /* by row: of the classes that use it; bit 0 IPv4, bit 1 IPv6 */
};

struct cell_sources {
	const struct expander *expander;
	const struct classes *classes;
	const struct reach *reach;
	struct programs *programs;
	const uint32_t *rest; /* by stance: the verdict where no entry matches */
	bool *over;	      /* by namespace: over its budget; the caller's, set here as well */
	uint32_t n_namespaces;
	uint32_t budget;
};

static inline uint32_t column_of_group(const struct reach *r, uint32_t group)
{
	return r->n_zones * SORTS + group;
}

static inline uint32_t column_of_class(
	const struct reach *r, const struct groups *g, uint32_t class)
{
	return column_of_group(r, g->n + class);
}

/* First pass: which terms how many rows ask for, which families use them. */
int cells_survey(struct cells *c, const struct cell_sources *from);
/* Second pass, with the groups. */
int cells_build(struct cells *c, const struct cell_sources *from, const struct groups *groups);

/* Cells of an earlier compilation with the same terms, classes and rows, and the same programs. */
struct cells_before {
	const struct cells *cells;
	const uint32_t *first; /* by row: where its cells begin; one more for the end */
	const bool *dirty;     /* by row: what its entries say has changed */
};

/*
 * Instead of both passes. -ESTALE: a namespace is over its budget now (from->over says which),
 * which takes both.
 */
int cells_rebuild(struct cells *c, const struct cell_sources *from, const struct groups *groups,
	const struct cells_before *before);
void cells_free(struct cells *c);

#endif

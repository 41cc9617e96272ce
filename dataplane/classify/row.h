/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cells, row by row: each row is a small hash table of its own, of 2^log consecutive cache
 * lines of 8 columns and 8 programs. Built once, never edited.
 *
 * A class as subject names the first line of its rows, so that the columns of a peer lead straight
 * to their lines: for most rows all of them to the same one. Columns are stored scrambled
 * (rows_scramble), which is one to one; `log` bits of that, from bit `shift` on, choose the line.
 * The shift of a row is chosen so that no line gets more than 8. For a row for which there is none
 * ROW_SPILLS is set: what has no room goes to the next line that has, and a search for it goes on
 * until a line has a free lane. Lanes are filled in order.
 *
 * A filter of 64 bits says which columns a row can have: each sets two bits. Most peers that a row
 * has no cell for are known by that, without a look at its lines.
 *
 * A class without a column has ROW_NOWHERE there, which is in no line: no special case. Line 0 is
 * the empty row.
 */
#ifndef TG_CLASSIFY_ROW_H
#define TG_CLASSIFY_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "memory.h"
#include "program.h"

#define ROW_LANES 8u
#define ROW_SHIFTS 16u	 /* 0..15 */
#define ROW_LOG_MAX 16u	 /* so that there are bits for each shift */
#define ROW_SPILLS 0x80u /* flag of a log */
#define ROW_COLUMNS_MAX 0x80000000u
#define ROW_FREE TG_NONE	  /* the column of a free lane */
#define ROW_NOWHERE (TG_NONE - 1) /* a column that no row has */

struct row_line {
	uint32_t column[ROW_LANES];  /* scrambled */
	uint32_t program[ROW_LANES]; /* references of the classifier */
};

/* Where a row is, while building. */
struct row_place {
	uint32_t row;
	uint32_t line;
	uint8_t log; /* with ROW_SPILLS */
	uint8_t shift;
	uint64_t filter;
};

struct rows {
	struct row_line *lines;
	uint32_t n_lines;
	uint32_t salt;
	/* While building: rows that have cells, sorted; and where to look for one of them. */
	struct row_place *places;
	uint32_t *index; /* slice of rows to its first place; one more than slices */
	uint32_t n_places, n_rows;
};

/* 0, -ENOMEM or -E2BIG (also: more than ROW_COLUMNS_MAX columns); then the table is as rows_release
 * leaves it. */
int rows_build(struct rows *t, const struct tg_image *image, const struct programs *programs,
	uint32_t salt, int socket);
/* Where a row is: the empty row when it has no cell; only until rows_built. */
struct row_place rows_find(const struct rows *t, uint32_t row);
/* Gives back what only building needs. */
void rows_built(struct rows *t);
void rows_release(struct rows *t);

/* A bijection, so that equal means equal; salted, so that no image can aim at one line. */
static inline uint32_t rows_scramble(const struct rows *t, uint32_t column)
{
	uint32_t x = (column ^ t->salt) * 0x9e3779b1u;

	x = (x ^ x >> 16) * 0x85ebca6bu;
	return x ^ x >> 15;
}

/* What a filter knows of a column: two numbers of 6 bits. */
static inline uint32_t row_mark(uint32_t scrambled)
{
	return scrambled >> 20;
}

static inline uint64_t row_filter_bits(uint32_t mark)
{
	return 1ull << (mark & 63) | 1ull << (mark >> 6 & 63);
}

/* Which line of its row a column belongs to. */
static inline uint32_t row_line_of(uint32_t scrambled, unsigned int log, unsigned int shift)
{
	return scrambled >> shift & ((1u << log) - 1);
}

/* The search in a row that spills; `log` without ROW_SPILLS. */
static inline uint32_t row_find(
	const struct row_line *first, unsigned int log, unsigned int shift, uint32_t scrambled)
{
	const uint32_t mask = (1u << log) - 1, home = row_line_of(scrambled, log, shift);

	for (uint32_t i = 0; i <= mask; i++) {
		const struct row_line *line = &first[(home + i) & mask];

		for (uint32_t k = 0; k < ROW_LANES; k++)
			if (line->column[k] == scrambled)
				return line->program[k];
		if (line->program[ROW_LANES - 1] == PROGRAM_NONE)
			break;
	}
	return PROGRAM_NONE;
}

#endif

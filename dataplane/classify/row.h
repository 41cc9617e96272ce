/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cells, row by row: each row is a small hash table of its own, of 2^log consecutive cache
 * lines of 8 columns and 8 programs. Built once, never edited.
 *
 * A class as subject names the first line and the log of its rows, so that the columns of a peer
 * lead straight to their lines: for most rows all of them to the same one. Columns are stored
 * scrambled (rows_scramble), which is one to one; the low bits choose the line. Lanes are filled
 * in order; a search goes on to the row's next line only when all lanes of a line are taken, which
 * the fill keeps rare, and which never happens to a row of one line.
 *
 * The scrambled TG_NONE is the column of free lanes, their program is PROGRAM_NONE: "no column" so
 * finds "no program" without a special case. Line 0 is the empty row.
 */
#ifndef TG_CLASSIFY_ROW_H
#define TG_CLASSIFY_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "memory.h"
#include "program.h"

#define ROW_LANES 8u
#define ROW_GOES_ON 0x7ffffffeu /* not in this line; like PROGRAM_NONE no reference */

struct row_line {
	uint32_t column[ROW_LANES];  /* scrambled */
	uint32_t program[ROW_LANES]; /* references of the classifier */
};

/* Where a row is, while building. */
struct row_place {
	uint32_t row;
	uint32_t line;
	uint8_t log;
};

struct rows {
	struct row_line *lines;
	uint32_t n_lines;
	uint32_t salt;
	struct row_place *places; /* while building: rows that have cells, sorted */
	uint32_t n_places;
};

/* 0, -ENOMEM or -E2BIG; then the table is as rows_free leaves it. */
int rows_build(struct rows *t, const struct tg_image *image, const struct programs *programs,
	uint32_t salt, int socket);
/* Where a row is: the empty row when it has no cell; only until rows_built. */
struct row_place rows_find(const struct rows *t, uint32_t row);
/* Gives back what only building needs. */
void rows_built(struct rows *t);
void rows_free(struct rows *t);

/* A bijection, so that equal means equal; salted, so that no image can aim at one line. */
static inline uint32_t rows_scramble(const struct rows *t, uint32_t column)
{
	uint32_t x = (column ^ t->salt) * 0x9e3779b1u;

	x = (x ^ x >> 16) * 0x85ebca6bu;
	return x ^ x >> 15;
}

/* The search beyond a first line all of whose lanes are taken. */
static inline uint32_t row_find(const struct row_line *first, unsigned int log, uint32_t scrambled)
{
	const uint32_t mask = (1u << log) - 1;

	for (uint32_t i = 0; i <= mask; i++) {
		const struct row_line *line = &first[(scrambled + i) & mask];

		for (uint32_t k = 0; k < ROW_LANES; k++)
			if (line->column[k] == scrambled)
				return line->program[k];
		if (line->program[ROW_LANES - 1] == PROGRAM_NONE)
			break;
	}
	return PROGRAM_NONE;
}

#endif

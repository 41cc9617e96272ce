/* SPDX-License-Identifier: BSD-3-Clause */
#include "row.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct row_line) == 64, "one cache line");

#define ROW_LINES_MAX (1u << 30)

/* One line while everything fits, else half as many lanes again as cells at the least. */
static uint8_t log_for(uint32_t cells)
{
	uint8_t log = 0;

	if (cells <= ROW_LANES)
		return 0;
	while ((uint64_t)ROW_LANES << log < cells + (uint64_t)cells / 2)
		log++;
	return log;
}

/* The end of the run of cells that begins at `at` and has one row. */
static uint32_t run_end(const struct tg_image *image, uint32_t at)
{
	const uint32_t row = image->cells[at].row;

	while (at < image->n_cells && image->cells[at].row == row)
		at++;
	return at;
}

static uint32_t count_rows(const struct tg_image *image)
{
	uint32_t n = 0;

	for (uint32_t at = 0; at < image->n_cells; at = run_end(image, at))
		n++;
	return n;
}

/* With this shift no line of the row gets more than its lanes; `fill` has 2^log counters. */
static bool shift_fits(const struct rows *t, const struct tg_image_cell *cells, uint32_t n,
	unsigned int log, unsigned int shift, uint8_t *fill)
{
	memset(fill, 0, (size_t)1 << log);
	for (uint32_t i = 0; i < n; i++)
		if (++fill[row_line_of(rows_scramble(t, cells[i].column), log, shift)] > ROW_LANES)
			return false;
	return true;
}

/*
 * The size and shift of a row of n cells. Twice it may grow to find a shift; then it spills.
 * Rows that are too large for the shifts to choose from are filled thinly and spill as well.
 */
static void shape_row(const struct rows *t, const struct tg_image_cell *cells, uint32_t n,
	uint8_t *fill, struct row_place *place)
{
	const uint8_t log = log_for(n);

	for (uint8_t l = log; l <= log + 2u && l <= ROW_LOG_MAX; l++) {
		for (uint8_t shift = 0; shift < ROW_SHIFTS; shift++) {
			if (!shift_fits(t, cells, n, l, shift, fill))
				continue;
			place->log = l;
			place->shift = shift;
			return;
		}
	}
	place->log = (uint8_t)(log + 1) | ROW_SPILLS;
	place->shift = 0;
}

static uint64_t filter_of(const struct rows *t, const struct tg_image_cell *cells, uint32_t n)
{
	uint64_t filter = 0;

	for (uint32_t i = 0; i < n; i++)
		filter |= row_filter_bits(row_mark(rows_scramble(t, cells[i].column)));
	return filter;
}

/* As many slices of rows as there are places: with most rows in use a slice has one. */
static uint32_t slice_of(const struct rows *t, uint32_t row)
{
	return (uint32_t)((uint64_t)row * t->n_places / t->n_rows);
}

static int index_places(struct rows *t)
{
	uint32_t at = 0;

	t->index = malloc(((size_t)t->n_places + 1) * sizeof(*t->index));
	if (t->index == NULL)
		return -ENOMEM;
	for (uint32_t slice = 0; slice < t->n_places; slice++) {
		while (at < t->n_places && slice_of(t, t->places[at].row) < slice)
			at++;
		t->index[slice] = at;
	}
	t->index[t->n_places] = t->n_places;
	return 0;
}

/* Gives each row its lines; line 0 stays the empty row. */
static int place_rows(struct rows *t, const struct tg_image *image)
{
	uint8_t *fill = malloc((size_t)1 << ROW_LOG_MAX);
	uint64_t line = 1;
	uint32_t end;

	t->places = malloc(((size_t)count_rows(image) + 1) * sizeof(*t->places));
	for (uint32_t at = 0; t->places != NULL && fill != NULL && at < image->n_cells; at = end) {
		struct row_place *place = &t->places[t->n_places++];

		end = run_end(image, at);
		*place = (struct row_place){.row = image->cells[at].row, .line = (uint32_t)line};
		shape_row(t, &image->cells[at], end - at, fill, place);
		place->filter = filter_of(t, &image->cells[at], end - at);
		line += 1ull << (place->log & ~ROW_SPILLS);
		if (line > ROW_LINES_MAX)
			break;
	}
	free(fill);
	if (fill == NULL || t->places == NULL)
		return -ENOMEM;
	t->n_lines = (uint32_t)line;
	t->n_rows = image->header->n_rows;
	return line > ROW_LINES_MAX ? -E2BIG : index_places(t);
}

static void put_cell(
	struct rows *t, const struct row_place *place, uint32_t column, uint32_t program)
{
	const unsigned int log = place->log & ~ROW_SPILLS;
	const uint32_t mask = (1u << log) - 1;

	/* There are more lanes than cells: this ends. */
	for (uint32_t i = row_line_of(column, log, place->shift);; i++) {
		struct row_line *line = &t->lines[place->line + (i & mask)];

		for (uint32_t k = 0; k < ROW_LANES; k++) {
			if (line->program[k] != PROGRAM_NONE)
				continue;
			line->column[k] = column;
			line->program[k] = program;
			return;
		}
	}
}

static void empty_lines(struct rows *t)
{
	const uint32_t none = rows_scramble(t, ROW_FREE);

	for (uint32_t i = 0; i < t->n_lines; i++)
		for (uint32_t k = 0; k < ROW_LANES; k++) {
			t->lines[i].column[k] = none;
			t->lines[i].program[k] = PROGRAM_NONE;
		}
}

int rows_build(struct rows *t, const struct tg_image *image, const struct programs *programs,
	uint32_t salt, int socket)
{
	const struct row_place *place;
	int err;

	memset(t, 0, sizeof(*t));
	t->salt = salt;
	err = -E2BIG;
	if (image->header->n_columns > ROW_COLUMNS_MAX)
		goto fail;
	err = place_rows(t, image);
	if (err != 0)
		goto fail;
	err = -ENOMEM;
	t->lines = table_alloc(t->n_lines, sizeof(*t->lines), socket);
	if (t->lines == NULL)
		goto fail;
	empty_lines(t);
	place = t->places;
	for (uint32_t i = 0; i < image->n_cells; i++) {
		const struct tg_image_cell *cell = &image->cells[i];

		if (cell->row != place->row)
			place++;
		put_cell(t, place, rows_scramble(t, cell->column),
			programs_reference(programs, image, cell->program));
	}
	return 0;
fail:
	rows_release(t);
	return err;
}

struct row_place rows_find(const struct rows *t, uint32_t row)
{
	uint32_t lo = 0, hi = 0;

	if (row < t->n_rows && t->n_places != 0) {
		lo = t->index[slice_of(t, row)];
		hi = t->index[slice_of(t, row) + 1];
	}
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->places[mid].row == row)
			return t->places[mid];
		if (t->places[mid].row < row)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (struct row_place){.row = row};
}

void rows_built(struct rows *t)
{
	free(t->places);
	free(t->index);
	t->places = NULL;
	t->index = NULL;
	t->n_places = t->n_rows = 0;
}

void rows_release(struct rows *t)
{
	rows_built(t);
	rte_free(t->lines);
	memset(t, 0, sizeof(*t));
}

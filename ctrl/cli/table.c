/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "vec.h"

struct cell {
	const char *text;
	enum tg_colour colour;
};

struct row {
	struct cell cells[TG_TABLE_COLUMNS];
};

struct tg_table {
	struct tg_arena *arena;
	const char *titles[TG_TABLE_COLUMNS];
	bool right[TG_TABLE_COLUMNS];
	size_t width[TG_TABLE_COLUMNS];
	size_t n_columns, next;
	struct {
		struct row *v;
		size_t n, cap;
	} rows;
};

struct tg_table *tg_table_create(const char *const *titles)
{
	struct tg_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->arena = tg_arena_create(0);
	if (table->arena == NULL) {
		free(table);
		return NULL;
	}
	for (; titles[table->n_columns] != NULL; table->n_columns++) {
		const char *title = titles[table->n_columns];

		table->right[table->n_columns] = *title == '<';
		title += *title == '<';
		table->titles[table->n_columns] = title;
		table->width[table->n_columns] = strlen(title);
	}
	return table;
}

void tg_table_free(struct tg_table *table)
{
	if (table == NULL)
		return;
	tg_vec_free(&table->rows);
	tg_arena_free(table->arena);
	free(table);
}

int tg_table_row(struct tg_table *table)
{
	static const struct row empty;

	table->next = 0;
	return tg_vec_push(&table->rows, empty);
}

int tg_table_text(struct tg_table *table, enum tg_colour colour, const char *text)
{
	size_t column = table->next++, length = strlen(text);
	char *copy = tg_arena_strdup(table->arena, text);

	if (copy == NULL)
		return -ENOMEM;
	table->rows.v[table->rows.n - 1].cells[column] = (struct cell){copy, colour};
	if (length > table->width[column])
		table->width[column] = length;
	return 0;
}

int tg_table_number(struct tg_table *table, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return tg_table_text(table, TG_PLAIN, text);
}

static void print_cell(const struct tg_table *table, struct tg_cli *cli, size_t column,
	const char *text, enum tg_colour colour)
{
	int pad = (int)(table->width[column] - strlen(text));

	if (table->right[column])
		fprintf(cli->out, "%*s", pad, "");
	if (colour != TG_PLAIN)
		fprintf(cli->out, "%s%s%s", tg_colour_on(cli, colour), text, tg_colour_off(cli));
	else
		fputs(text, cli->out);
	if (column + 1 == table->n_columns)
		fputc('\n', cli->out);
	else
		fprintf(cli->out, "%*s", (table->right[column] ? 0 : pad) + 2, "");
}

void tg_table_print(const struct tg_table *table, struct tg_cli *cli)
{
	for (size_t i = 0; i < table->n_columns; i++)
		print_cell(table, cli, i, table->titles[i], TG_BOLD);
	for (size_t r = 0; r < table->rows.n; r++)
		for (size_t i = 0; i < table->n_columns; i++) {
			const struct cell *cell = &table->rows.v[r].cells[i];

			print_cell(
				table, cli, i, cell->text != NULL ? cell->text : "", cell->colour);
		}
}

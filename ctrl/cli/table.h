/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text table: a header line in capitals and aligned columns, two blanks apart; the last column
 * is not padded. Cells are copied.
 */
#ifndef TG_CLI_TABLE_H
#define TG_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"

#define TG_TABLE_COLUMNS 12

struct tg_table;

/* The columns' titles, NULL-terminated; "<" before a title aligns to the right. */
struct tg_table *tg_table_create(const char *const *titles);
void tg_table_free(struct tg_table *table);
/* A new row of empty cells: 0 or -ENOMEM. Cells are set from left to right by the adders. */
int tg_table_row(struct tg_table *table);
int tg_table_text(struct tg_table *table, enum tg_colour colour, const char *text);
int tg_table_number(struct tg_table *table, uint64_t value);
void tg_table_print(const struct tg_table *table, struct tg_cli *cli);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees as JSON for people and programs: two blanks a level, short lists of scalars on one line. */
#ifndef TG_CLI_JSON_PRINT_H
#define TG_CLI_JSON_PRINT_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* One value and a line end. */
void tg_json_print(FILE *out, const cJSON *tree);
/* A string in double quotes, as JSON and YAML both read it. */
void tg_json_print_string(FILE *out, const char *text);
/* The same as tg_json_print on a single line. */
void tg_json_print_line(FILE *out, const cJSON *tree);

#endif

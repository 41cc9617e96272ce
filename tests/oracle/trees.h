/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of YAML or JSON as the cJSON trees that the oracle reads. */
#ifndef TG_ORACLE_TREES_H
#define TG_ORACLE_TREES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/*
 * Appends the documents of a file to the array `list`, the items of a List object one by one. False
 * when there is no such file or it does not parse.
 */
bool trees_add_file(cJSON *list, const char *path);
/* The same for every file in a folder, not below it. */
bool trees_add_folder(cJSON *list, const char *path);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The canonical form of a NetworkPolicy: the one way to write what it means. Defaults are spelled
 * out, sets are sorted as text and free of duplicates (policyTypes, peers, ports, excepts, values
 * of selectors), a requirement that a matchLabels entry can say is one, and rules of a direction
 * that is not isolated are gone. Rules keep their order: their number is what counters and
 * `explain` call them by. Decoding the result gives the same policy again.
 */
#ifndef TG_CLI_CANONICAL_H
#define TG_CLI_CANONICAL_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "model.h"

/* A NetworkPolicy object (the caller deletes it), or NULL when memory is out. */
cJSON *tg_canonical_policy(const struct tg_intern *strings, const struct tg_policy *policy);
/* Writes a tree of objects, arrays and scalars as one YAML document (block style, no "---"). */
void tg_yaml_print(FILE *out, const cJSON *tree);

#endif

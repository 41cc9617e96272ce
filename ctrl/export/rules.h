/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules whose counters are shown: those of the image in force and the built-in ones, each with
 * its Prometheus labels. Made once for each ruleset, by the HTTP thread, which keeps it.
 */
#ifndef TG_EXPORT_RULES_H
#define TG_EXPORT_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "board.h"

/* One rule. Texts belong to the set or to the image. */
struct tg_rule_row {
	uint32_t slot;
	const char *kind, *ns, *policy, *direction, *action, *text, *owner;
	uint32_t index;		  /* TG_NONE: none */
	const char *labels;	  /* namespace="...",... without braces */
	struct tg_rule_row *same; /* another rule with the same labels: counted together */
};

/* A namespace with a limit on its connections. Texts as above. */
struct tg_limit_row {
	uint32_t slot;
	uint32_t limit;
	const char *ns;
};

struct tg_rule_set {
	struct tg_target *target; /* a reference; NULL: only built-in rules */
	struct tg_arena *arena;
	struct tg_rule_row *rows;
	size_t n;
	struct tg_limit_row *limits;
	size_t n_limits;
};

/* NULL: out of memory. `notice` says what built-in rules do. */
struct tg_rule_set *tg_rule_set_create(const struct tg_notice *notice);
void tg_rule_set_free(struct tg_rule_set *set);

/* Counters of a row, those with the same labels included when `merged`. */
void tg_rule_row_read(const struct tg_rule_row *row, const struct tg_stats_reader *reader,
	struct tg_stats_slot *out);

#endif

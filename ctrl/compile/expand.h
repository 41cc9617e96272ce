/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A row as the ordered list of rules that it stands for: the first entry whose term a peer
 * satisfies and whose ports have the key decides. Infrastructure tuples come first, then the rules
 * of the policies in canonical order, then what the kind of address decides.
 */
#ifndef TG_COMPILE_EXPAND_H
#define TG_COMPILE_EXPAND_H

#include "classes.h"

struct row_entry {
	uint32_t term;
	uint32_t ports;
	uint32_t verdict;
};

struct row_entries {
	struct row_entry *v;
	size_t n, cap;
};

/* An infrastructure tuple as a rule. */
struct tuple_rule {
	uint32_t ports;
	uint32_t verdict;
};

struct expander {
	const struct rows *rows;
	struct policies *policies; /* port sets are added */
	const struct tuple_rule *tuples;
	/* What NODE_DEFAULT and TRANSIT say, by direction. */
	uint32_t node_default[TG_DIRECTION_COUNT];
	uint32_t transit;
	/* Terms made from named use u: named_terms[first_named[u]]..; term and port set. */
	uint32_t *first_named;
	struct rule_entry *named_terms;
};

/* Lists the derived terms; all classes are made. The other fields are set by the caller. */
int expander_init(struct expander *e, const struct terms *terms);
void expander_free(struct expander *e);
/* Replaces *out by the entries of a row. */
int expander_row(const struct expander *e, uint32_t row, struct row_entries *out);

#endif

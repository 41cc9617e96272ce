/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rows: what governs a class in one direction, hash-consed. A row is a stance and the
 * infrastructure tuples that the class takes part in; a stance is of one zone (by index), and
 *   - of a pod: the policies that isolate it in this direction and how their named ports resolve on
 *     it, or the baseline of its namespace when no policy does;
 *   - of another kind of address: fixed by the kind (compile.h).
 */
#ifndef TG_COMPILE_ROWS_H
#define TG_COMPILE_ROWS_H

#include "compile.h"
#include "policies.h"

struct stance {
	uint32_t ns;	     /* index, of a pod; else TG_NONE */
	uint32_t implicit;   /* in rows.implicits; TG_NONE: no policy isolates */
	struct seq policies; /* ascending, so in canonical order */
	struct seq resolved; /* (port use, number) pairs, sorted */
	uint8_t direction;
	uint8_t kind; /* enum tg_class_kind */
	uint16_t zone;
};

/* The implicit deny of a set of policies; stances that differ in named ports share it. */
struct implicit {
	struct seq policies;
	uint8_t direction;
};

struct row {
	uint32_t stance;
	struct seq infrastructure; /* tuples, in order */
};

struct rows {
	struct seqs stance_keys, implicit_keys, keys; /* ids: stance, implicit and row + 1 */
	TG_VEC(struct stance) stances;
	TG_VEC(struct implicit) implicits;
	TG_VEC(struct row) v;
};

int row_set_init(struct rows *r);
void row_set_free(struct rows *r);

/*
 * The stance of a pod of `zone` and namespace `ns`, which `policies` (ascending) select and whose
 * ports are `ports` ((use, number) pairs). TG_NONE: out of memory, or not there and not to be
 * created.
 */
uint32_t row_set_pod_stance(struct rows *r, const struct policies *p, enum tg_direction dir,
	uint32_t zone, uint32_t ns, struct seq policies, struct seq ports, bool create);
uint32_t row_set_kind_stance(
	struct rows *r, enum tg_direction dir, uint32_t zone, enum tg_class_kind kind, bool create);
uint32_t row_set_put(struct rows *r, uint32_t stance, struct seq infrastructure, bool create);

/* What an address of a kind that no policy governs is judged by when nothing matches. */
uint32_t row_set_kind_verdict(enum tg_class_kind kind);

#endif

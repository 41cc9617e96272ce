/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rule slots by identity: a rule keeps its slot as long as somebody compiles it, and gets it back
 * when it returns before the slot went to another. A slot that its rule left is given away only
 * when no connection can refer to it any more.
 *
 * A compilation works on a copy (slots_copy) and puts it in place when it succeeds, so a failed one
 * changes nothing.
 */
#ifndef TG_COMPILE_SLOTS_H
#define TG_COMPILE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vec.h"

struct slot {
	uint64_t identity;
	uint64_t freed_at; /* generation that no longer had it, while not taken */
	bool taken;	   /* by the compilation that is in force */
	bool named;	   /* identity is set and in the table */
	bool fresh;	   /* taken in this compilation already */
};

struct slots {
	TG_VEC(struct slot) v; /* from TG_SLOT_FIRST */
	uint32_t *table;       /* index into v + 1, by identity */
	size_t mask;
	size_t n_named;
	uint64_t swept;
	size_t next_free; /* no reusable slot below, in this compilation */
};

int slots_init(struct slots *s);
void slots_free(struct slots *s);
int slots_copy(struct slots *to, const struct slots *from);

/* Before the first slots_take of a compilation. */
void slots_begin(struct slots *s);
/*
 * The slot of `*identity`. An identity that this compilation took already (two equal rules) is
 * changed to one that it did not, always in the same way. TG_NONE: out of memory or slots below
 * `capacity`.
 */
uint32_t slots_take(struct slots *s, uint64_t *identity, uint32_t capacity);
/* After the last: what was not taken is free as of `generation`. */
void slots_finish(struct slots *s, uint64_t generation);
/* An image already in force has `slot` for `identity` (0 for a slot that it leaves out). */
int slots_adopt(struct slots *s, uint32_t slot, uint64_t identity, uint64_t generation);

/* Every slot is below. */
uint32_t slots_limit(const struct slots *s);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hash-consed sequences of numbers: equal sequences have equal ids. The compiler's one dictionary:
 * sets (sorted sequences), keys of several words, step lists. Ids are dense, in order of addition;
 * id 0 is the empty sequence. Sequences stay where they are until seqs_free.
 */
#ifndef TG_COMPILE_SEQS_H
#define TG_COMPILE_SEQS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seq {
	const uint32_t *v;
	uint32_t n;
};

struct seqs {
	struct tg_arena *arena;
	struct seq *v;
	size_t n, cap;
	size_t words; /* of all sequences */
	struct seq_slot *table;
	size_t mask;
};

int seqs_init(struct seqs *s);
void seqs_free(struct seqs *s);
/* The id of v[0..n-1], adding it; TG_NONE when memory is out. */
uint32_t seqs_add(struct seqs *s, const uint32_t *v, uint32_t n);
/* The id of v[0..n-1], or TG_NONE when it was never added. */
uint32_t seqs_find(const struct seqs *s, const uint32_t *v, uint32_t n);
/* seqs_add or seqs_find. */
uint32_t seqs_put(struct seqs *s, const uint32_t *v, uint32_t n, bool create);

static inline struct seq seqs_get(const struct seqs *s, uint32_t id)
{
	return s->v[id];
}

#endif

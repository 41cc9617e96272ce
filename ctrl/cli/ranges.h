/* SPDX-License-Identifier: BSD-3-Clause */
/* Address ranges as a set: those that others cover are gone, two halves are the whole. */
#ifndef TG_CLI_RANGES_H
#define TG_CLI_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

/* Zero-initialised is empty; tg_vec_free() frees it. */
struct tg_ranges {
	struct tg_prefix *v;
	size_t n, cap;
};

/* 0 or -ENOMEM. Any order. */
int tg_ranges_add(struct tg_ranges *ranges, const struct tg_prefix *prefix);
/* After adding: the fewest prefixes that have the same addresses, in order. */
void tg_ranges_settle(struct tg_ranges *ranges);
/* Settled ones only. */
bool tg_ranges_contain(const struct tg_ranges *ranges, const struct tg_addr *addr);
/* An address in both, settled ones: the first prefix of `a` that has one; NULL: there is none. */
const struct tg_prefix *tg_ranges_overlap(const struct tg_ranges *a, const struct tg_ranges *b);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Marks that a NIC might have put on packets, in every test that sends any: right ones, those of
 * other connections, of entries that are free, of generations that never were, any number. What the
 * gateway does may depend on none of them.
 */
#ifndef TG_TEST_MARKS_H
#define TG_TEST_MARKS_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct world;

/* From now on worlds have marks. */
void marks_begin(uint32_t seed);
/* In a world that has just been started, and one that is about to stop; without marks: nothing. */
void marks_attach(struct world *w);
void marks_count(const struct world *w);
/* For what is about to be received by a port. */
void marks_put(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n);
/* Have there been marks that were right, stale and wrong? */
bool marks_of_each_sort(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits that workers share, by slot: each place is taken, kept spare by one worker, or nobody's.
 * A worker draws several at a time and keeps some of what it gets back, so that it seldom touches a
 * line of others; when nobody's are all gone it takes what others keep. A place is refused only
 * when all are taken, and no more are taken than there may be.
 *
 * Synchronisation. Any worker calls anything at any time, with its own number. Counts move between
 * atomic variables and nothing depends on their order, so all of it is relaxed.
 */
#ifndef TG_CONN_BUDGET_H
#define TG_CONN_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tg_budget {
	_Atomic uint32_t *granted; /* by slot: taken or kept */
	_Atomic uint32_t *spare;   /* by worker and slot: kept */
	uint32_t stride;	   /* from a worker's first to the next one's */
	uint32_t workers;
};

/* 0 or -ENOMEM. */
int tg_budget_init(struct tg_budget *b, uint32_t slots, uint32_t workers);
void tg_budget_fini(struct tg_budget *b);

/* A place, if there is one below `limit`, which may be another one than before. */
bool tg_budget_take(struct tg_budget *b, uint32_t worker, uint32_t slot, uint32_t limit);
/* A place that is taken whatever the limit. */
void tg_budget_charge(struct tg_budget *b, uint32_t worker, uint32_t slot);
/* One that was taken by whichever worker. */
void tg_budget_return(struct tg_budget *b, uint32_t worker, uint32_t slot);

#endif

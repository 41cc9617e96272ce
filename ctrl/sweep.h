/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When the strings of a store are swept (store.h): once there are several times as many as the last
 * sweep left, and many more. So memory stays within a multiple of what the objects in force need,
 * however many pods have come and gone, and sweeping costs little for each string added.
 */
#ifndef TG_SWEEP_H
#define TG_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Both have to be reached. */
struct tg_sweep_options {
	size_t times; /* as many strings as there were */
	size_t more;  /* than there were */
};

#define TG_SWEEP_TIMES 4
#define TG_SWEEP_MORE 1000000
#define TG_SWEEP_RETRY_MS 10000 /* after one that failed */

struct tg_sweep {
	struct tg_sweep_options options;
	size_t base;	   /* strings after the last sweep, or the first load */
	uint64_t retry_at; /* not before; 0: any time */
	uint64_t done, failed;
};

void tg_sweep_init(struct tg_sweep *sweep, const struct tg_sweep_options *options);
/* As many strings as there are now are taken to be needed. */
void tg_sweep_rebase(struct tg_sweep *sweep, struct tg_store *store);
bool tg_sweep_due(const struct tg_sweep *sweep, struct tg_store *store, uint64_t now_ms);
/* The same for a store of so many strings. */
bool tg_sweep_is_due(const struct tg_sweep *sweep, size_t strings, uint64_t now_ms);
/* Sweeps, and says so in the log. Nobody else may use the store meanwhile. 0 or -ENOMEM. */
int tg_sweep_run(struct tg_sweep *sweep, struct tg_store *store, uint64_t now_ms);

#endif

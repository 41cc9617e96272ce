/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pods that come and go, as class-map entries for one compiled ruleset: remembers which addresses
 * its entries have given and taken since it was compiled, so that two pods with one address are
 * noticed (the next compilation decides between them). One thread.
 */
#ifndef TG_DELTAS_H
#define TG_DELTAS_H

#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "store.h"
#include "target.h"

struct tg_deltas;

/*
 * Takes `compiled` and the hold on its strings (NULL: they are never swept), whatever is returned.
 * 0 or -ENOMEM.
 */
int tg_deltas_create(struct tg_compiled *compiled, struct tg_hold *hold, struct tg_deltas **out);
void tg_deltas_free(struct tg_deltas *deltas);
const struct tg_compiled *tg_deltas_compiled(const struct tg_deltas *deltas);

/*
 * Adds what the changes mean to the log of `target`, which the ruleset is the image of: one entry
 * an address at most. An address that a pod has left is vacated before another one takes it; one
 * that a changed pod keeps is not vacated meanwhile. 0; -ENOENT: some pods have no place in this
 * ruleset, compile again (what could be done is in the log); -ENOMEM.
 */
int tg_deltas_apply(struct tg_deltas *deltas, const struct tg_pod_change *changes, size_t n,
	struct tg_target *target);

#endif

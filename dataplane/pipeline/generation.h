/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is in force: a classifier, the epoch, and which addresses changed their class since the
 * classifier was put in force. Workers read one pointer to it once a burst.
 *
 * Synchronisation. One writer (the control thread). Readers are the workers, between two quiescent
 * states. A full ruleset is a new object, published by tg_datapath_publish; the old one is freed
 * after a grace period. A delta changes the object in force, in this order:
 *
 *	tg_generation_remap(gen, entries, n);		(connections of these will be judged again)
 *	tg_classifier_apply(classifier, entries, n, &index);
 *	tg_generation_advance(gen);			(release: who sees the epoch sees the map)
 *
 * A worker loads the epoch (acquire) before it judges, so that a connection judged by the old map
 * never carries the new epoch. A remap without an advance (apply failed) costs re-judgements, no
 * more. When the filter has filled up (tg_generation_crowded), the writer publishes a fresh object
 * with the same classifier: every connection is then judged again, once.
 */
#ifndef TG_PIPELINE_GENERATION_H
#define TG_PIPELINE_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <tidegate/control.h>

#include "classify.h"

struct tg_generation;

/*
 * `epoch` must be later than that of the object in force (tg_generation_epoch + 1); connections
 * of an earlier epoch are judged again. The classifier stays the caller's. NULL: no memory.
 */
struct tg_generation *tg_generation_create(
	const struct tg_classifier *classifier, uint64_t generation, uint32_t epoch);
void tg_generation_free(struct tg_generation *gen);

void tg_generation_remap(
	struct tg_generation *gen, const struct tg_classmap_entry *entries, uint32_t n);
/* The new epoch. */
uint32_t tg_generation_advance(struct tg_generation *gen);
uint32_t tg_generation_epoch(const struct tg_generation *gen);
uint64_t tg_generation_number(const struct tg_generation *gen);
/* A quarter of the filter's bits are set: renew. */
bool tg_generation_crowded(const struct tg_generation *gen);

#endif

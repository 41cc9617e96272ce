/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ruleset in force and how it changes: publish, wait for the workers, free what they left.
 *
 * Synchronisation. All functions are for the control thread. Workers read the datapath's pointer
 * between two quiescent reports to `qsbr`. A change waits until every worker that is awake has
 * passed a quiescent state, which takes microseconds, but never longer than grace_ms: a worker
 * that does not come round is reported (TG_STATE_STUCK_WORKER) and what it may still read is kept
 * until it does. The change itself is in force for all others by then.
 */
#ifndef TG_CONTROL_ENGINE_H
#define TG_CONTROL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "candidate.h"
#include "segment.h"
#include "wire.h"
#include "worker.h"

struct tg_offload;

struct tg_engine_config {
	struct tg_datapath *datapath;
	struct tg_offload *offload; /* NULL: nothing is offloaded */
	struct rte_rcu_qsbr *qsbr;
	struct tg_stats_segment *stats;
	uint32_t grace_ms;
	uint32_t pickup_ms; /* after creation */
};

struct tg_engine;

/* The configuration is copied; what it points to is the caller's and outlives the engine. */
int tg_engine_create(const struct tg_engine_config *config, struct tg_engine **out);
/* When the workers have stopped: frees what is in force and what was kept. */
void tg_engine_free(struct tg_engine *engine);

/*
 * Puts a built candidate in force, with `entries` (in its classes) applied to it, and
 * `delta_sequence` as the sequence after it. Takes the candidate's classifier unless the change is
 * refused. 0: every worker judges by it and none reads the old one. Refused, nothing has changed:
 * -ESTALE the generation does not exceed the one in force, or deltas later than `delta_sequence`
 * are in force; -EINVAL an entry (error->index); -ENOSPC; -ENOMEM; -EBUSY too much is kept for a
 * stuck worker. -ETIMEDOUT: in force, but a worker is stuck. *swap_us: how long swap and grace
 * period took.
 */
int tg_engine_install(struct tg_engine *engine, struct tg_candidate *candidate,
	uint64_t delta_sequence, const struct tg_classmap_entry *entries, uint32_t n,
	uint32_t *swap_us, struct tg_wire_error *error);
/*
 * Applies a delta to the ruleset in force. As above; -ESTALE: another generation, or not the next
 * sequence; -ENOENT: nothing is in force.
 */
int tg_engine_delta(struct tg_engine *engine, const struct tg_msg_classmap *delta,
	uint32_t *swap_us, struct tg_wire_error *error);

/*
 * The newest classifier that no worker reads any more, for tg_classifier_rebuild: the caller's from
 * now on. NULL: there is none.
 */
struct tg_classifier *tg_engine_take_spare(struct tg_engine *engine);

/* Frees what stuck workers have left by now and stores the heartbeat. Call every second or so. */
void tg_engine_tick(struct tg_engine *engine);

/* Sets and clears TG_STATE flags that are not the engine's own. */
void tg_engine_flag(struct tg_engine *engine, uint32_t set, uint32_t clear);
void tg_engine_checkpoint(struct tg_engine *engine, uint64_t at_ms, bool failed);
/* Counts a change that somebody refused. */
void tg_engine_refused(struct tg_engine *engine, bool ruleset);

/* In force, or NULL. Borrowed until the next change. */
const struct tg_classifier *tg_engine_classifier(const struct tg_engine *engine);
uint32_t tg_engine_flags(const struct tg_engine *engine);
uint64_t tg_engine_generation(const struct tg_engine *engine);
uint64_t tg_engine_sequence(const struct tg_engine *engine);
uint32_t tg_engine_epoch(const struct tg_engine *engine);
/* Fills everything but the header. */
void tg_engine_state(const struct tg_engine *engine, struct tg_msg_state *out);

#endif

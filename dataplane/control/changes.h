/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the rules, from request to checkpoint: a RULESET is built beside what is in force
 * (build.h), put in force (engine.h) and written down (checkpoint.h); a delta is applied and
 * written down at once, also while a ruleset is being built.
 *
 * A ruleset that deltas have overtaken by the time of its swap is refused, and comes again with
 * their entries in its own classes: what was built is kept for that.
 *
 * Synchronisation: control thread only.
 */
#ifndef TG_CONTROL_CHANGES_H
#define TG_CONTROL_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "checkpoint.h"
#include "engine.h"
#include "wire.h"

struct tg_changes_config {
	struct tg_engine *engine;
	struct tg_checkpoint *checkpoint; /* NULL: none */
	uint64_t checkpoint_max_age_ms;	  /* 0: any */
	uint32_t slot_capacity;
	uint32_t headroom; /* of tg_classifier_build */
	int numa;	   /* of tg_classifier_build */
};

/* What became of a ruleset. */
struct tg_changes_result {
	uint64_t client; /* who asked */
	uint32_t txn;
	uint32_t build_us, swap_us;
	struct tg_wire_error error;
};

struct tg_changes;

int tg_changes_create(const struct tg_changes_config *config, struct tg_changes **out);
/* Waits for a build that runs; its ruleset is dropped. */
void tg_changes_free(struct tg_changes *changes);

/*
 * Puts the checkpoint in force, or logs what is wrong with it. 0; -ENOENT: there is none. The
 * workers need not run yet.
 */
int tg_changes_restore(struct tg_changes *changes);

/*
 * Begins with a message that lib/wire has checked; `fd` is taken in any case. 0: the result comes
 * when tg_changes_event is readable. Else refused: -EBUSY one is being built, -ESTALE its
 * generation does not exceed the one in force, or what pthread_create says.
 */
int tg_changes_ruleset(struct tg_changes *changes, const struct tg_msg_ruleset *message, int fd,
	uint64_t client, struct tg_wire_error *error);
/* A descriptor to poll for input. */
int tg_changes_event(const struct tg_changes *changes);
/* Who waits for the ruleset that was built. After the event. */
uint64_t tg_changes_client(const struct tg_changes *changes);
/* Puts it in force, unless `wanted` is false. 0, or as tg_engine_install and tg_candidate_*. */
int tg_changes_finish(struct tg_changes *changes, bool wanted, struct tg_changes_result *result);

/* 0 or as tg_engine_delta. */
int tg_changes_delta(struct tg_changes *changes, const struct tg_msg_classmap *message,
	uint32_t *swap_us, struct tg_wire_error *error);
/* Writes down that the control process still stands by what is in force. */
void tg_changes_confirm(struct tg_changes *changes);

#endif

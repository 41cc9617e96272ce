/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A RULESET on its way to the swap: copied, checked and built in a thread of its own, so that the
 * control thread goes on with deltas meanwhile; and drafted as a checkpoint, which packets need
 * not wait for. One at a time.
 *
 * Synchronisation: from tg_build_start until `event` is readable the fields belong to the thread.
 * Then the candidate's classifier, and what says how it went, are the control thread's; the thread
 * still reads the request and the image, and writes the draft. tg_build_wait joins it: all belongs
 * to the control thread.
 */
#ifndef TG_CONTROL_BUILD_H
#define TG_CONTROL_BUILD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "candidate.h"
#include "checkpoint.h"
#include "wire.h"

struct tg_build_config {
	struct tg_checkpoint *checkpoint; /* NULL: none */
	uint32_t slot_capacity;
	uint32_t headroom;
	int socket;
};

struct tg_build {
	struct tg_build_config config;
	pthread_t thread;
	int event; /* eventfd, for poll: readable when the candidate is built or refused */
	bool running;
	/* the request */
	struct tg_msg_ruleset request; /* without its entries */
	struct tg_classmap_entry entries[TG_CLASSMAP_MAX];
	uint64_t client; /* who asked */
	int image_fd;
	struct tg_classifier *spare; /* NULL: none; to be used up */
	/* the result */
	int rc;
	struct tg_wire_error error;
	struct tg_candidate candidate;
	uint32_t read_us, build_us; /* the second includes the first */
	/* the draft */
	struct tg_checkpoint_draft draft; /* fd -1: none */
	int draft_rc;
	uint32_t draft_us;
};

int tg_build_init(struct tg_build *build, const struct tg_build_config *config);
/* Waits for a build that runs and forgets it. */
void tg_build_fini(struct tg_build *build);
/*
 * Starts with a message that lib/wire has checked. The descriptor is taken in any case, and so is
 * `spare`, a classifier that no worker reads any more, or NULL. A candidate that tg_build_drop kept
 * is used again when the image has the same bytes. 0 or -errno.
 */
int tg_build_start(struct tg_build *build, const struct tg_msg_ruleset *message, int fd,
	uint64_t client, struct tg_classifier *spare);
/* Until everything is done, the draft too; at once if nothing runs. */
void tg_build_wait(struct tg_build *build);
/* Forgets the draft, and unless `keep` the candidate too. */
void tg_build_drop(struct tg_build *build, bool keep);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A target: one ruleset that is to be in force, or is. It holds the image in a sealed memfd, ready
 * to be handed over any number of times, and the log of the class-map entries that were made for it
 * since it was compiled, in order.
 *
 * Synchronisation: image, generation and checksum never change once the target is made; references
 * may be taken and dropped by any thread. Log and acknowledgement belong to the loop's thread.
 */
#ifndef TG_PUSH_TARGET_H
#define TG_PUSH_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include <tidegate/control.h>
#include <tidegate/ruleset.h>

struct tg_target {
	const void *image; /* the memfd, mapped read-only */
	size_t size;
	int fd; /* F_SEAL_WRITE, GROW and SHRINK */
	uint64_t generation;
	uint64_t base_sequence; /* the image's delta_sequence */
	uint32_t checksum;
	uint32_t slot_limit;

	struct tg_classmap_entry *log;
	size_t n_log, log_cap;
	size_t acked;	   /* entries of the log that the dataplane has applied */
	uint64_t sequence; /* its delta_sequence with these */

	/* What the image was compiled from; dropped with the target, by whichever thread. */
	void *owner;
	void (*owner_free)(void *owner);
	unsigned int refs; /* atomic */
};

/*
 * Takes a copy of `image`, which has a header at least. The caller has the one reference. 0,
 * -EINVAL, -ENOMEM or what memfd_create says.
 */
int tg_target_create(const void *image, size_t size, struct tg_target **out);
struct tg_target *tg_target_ref(struct tg_target *target);
void tg_target_unref(struct tg_target *target); /* NULL is fine */
/* Adds to the log. 0 or -ENOMEM. */
int tg_target_append(struct tg_target *target, const struct tg_classmap_entry *entries, size_t n);

#endif

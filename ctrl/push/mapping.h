/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's statistics segment as this process has it mapped: a reader that is shared by
 * reference. References may be taken and dropped by any thread; the reader never changes.
 */
#ifndef TG_PUSH_MAPPING_H
#define TG_PUSH_MAPPING_H

#include "segment.h"

struct tg_mapping {
	struct tg_stats_reader reader;
	unsigned int refs; /* atomic */
};

/* Maps the segment behind `fd`, which stays the caller's. Errors as tg_stats_map, and -ENOMEM. */
int tg_mapping_create(int fd, struct tg_mapping **out);
struct tg_mapping *tg_mapping_ref(struct tg_mapping *mapping);
void tg_mapping_unref(struct tg_mapping *mapping); /* NULL is fine */

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ruleset on its way in: a private copy of an image, checked, and the accelerated lookup built
 * from it. Not in force yet; nothing here touches what is. No shared state: any thread, one at a
 * time.
 */
#ifndef TG_CONTROL_CANDIDATE_H
#define TG_CONTROL_CANDIDATE_H

#include <stddef.h>
#include <stdint.h>

#include "classify.h"
#include "image.h"
#include "wire.h"

struct tg_candidate {
	void *data; /* 64-byte aligned; nobody else can write it */
	size_t size;
	struct tg_image image;		  /* into data, once checked */
	struct tg_classifier *classifier; /* NULL until built, and when somebody has taken it */
};

/*
 * Copies `size` bytes of the memfd `fd`, which must be sealed against writing, growing and
 * shrinking and have exactly that size. 0; -EPERM not sealed; -EINVAL another size; -ENOMEM.
 */
int tg_candidate_read(int fd, uint64_t size, struct tg_candidate *out, struct tg_wire_error *error);
/* Takes over `data`. */
void tg_candidate_adopt(void *data, size_t size, struct tg_candidate *out);
/*
 * Checks and builds. *spare is a classifier that no worker reads any more, or NULL; building uses
 * it up. 0; -EINVAL, -EPROTONOSUPPORT, -EFBIG: the image is refused (the index is the entry's);
 * -E2BIG: more slots than `slot_capacity`; -ENOMEM.
 */
int tg_candidate_build(struct tg_candidate *candidate, struct tg_classifier **spare,
	uint32_t slot_capacity, uint32_t headroom, int socket, struct tg_wire_error *error);
void tg_candidate_free(struct tg_candidate *candidate);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Which objects there are, and of which version: as a reflector tells it, or as a test expects it.
 */
#ifndef TG_TESTS_KUBE_PICTURE_H
#define TG_TESTS_KUBE_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reflector.h"
#include "vec.h"

struct picture_entry {
	char key[320]; /* namespace/name */
	uint64_t version, mark;
	bool oversized;
};

/* All zeros: empty. */
struct picture {
	TG_VEC(struct picture_entry) entries;
	uint64_t mark;
	unsigned int ends, drops; /* complete lists; objects that one took back */
	bool no_memory;		  /* what put says once */
};

/* Its ctx is a struct picture. */
extern const struct tg_reflector_handler picture_handler;

void picture_put(struct picture *p, const char *ns, const char *name, uint64_t version);
void picture_remove(struct picture *p, const char *ns, const char *name);
/* The same objects, each of the same version. */
bool picture_equal(const struct picture *a, const struct picture *b);
void picture_clear(struct picture *p);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The ruleset that world.h describes, changed as RULES_* bits say. */
#ifndef TG_TEST_RULESET_H
#define TG_TEST_RULESET_H

#include "world.h"

/* A view of an image whose memory is in *data, to be freed. */
struct tg_image ruleset_make(uint32_t rules, uint64_t generation, void **data);

#endif

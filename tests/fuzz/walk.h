/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads objects of the model through to the last pointer, so that a dangling one is met, and
 * requires of them what the model promises. Returns a sum of what was read.
 */
#ifndef TG_FUZZ_WALK_H
#define TG_FUZZ_WALK_H

#include "model.h"

uint64_t walk_pod(const struct tg_cluster *cluster, const struct tg_pod *pod);
uint64_t walk_policy(const struct tg_policy *policy);
uint64_t walk_cluster(const struct tg_cluster *cluster);

#endif

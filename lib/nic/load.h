/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of profiles and the memory that they live in. */
#ifndef TG_NIC_LOAD_H
#define TG_NIC_LOAD_H

#include "arena.h"
#include "profile.h"
#include "vec.h"

struct tg_nic_profiles {
	struct tg_arena *arena;
	TG_VEC(const struct tg_nic_profile *) list; /* in the order of their files */
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Two ports of one model NIC whose wires are rings. Every failure ends the program. */
#ifndef TG_TEST_NIC_PAIR_H
#define TG_TEST_NIC_PAIR_H

#include <stdint.h>

#include "profile.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

struct nic_pair {
	uint16_t port[2];
	struct rte_ring *in[2], *out[2]; /* what arrives, what has left */
};

/* Configured, not started: an owner of templates comes before that. One pair at a time. */
void nic_pair_open(
	struct nic_pair *pair, const struct tg_nic_profile *profile, struct rte_mempool *pool);
void nic_pair_start(const struct nic_pair *pair);
/* Also if somebody has used a handle that is none. */
void nic_pair_close(const struct nic_pair *pair);

/* The profile of a folder's file; `name` without ".yaml". */
const struct tg_nic_profile *nic_pair_profile(
	const char *folder, const char *name, struct tg_nic_profiles **profiles);

#endif

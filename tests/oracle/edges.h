/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where mistakes hide: the addresses and ports at which the meaning of a cluster can change. Every
 * address or prefix that its objects or options mention gives its first and last address and the
 * ones beside them; every number, itself and its neighbours.
 */
#ifndef TG_EDGES_H
#define TG_EDGES_H

#include <stddef.h>
#include <stdint.h>

#include "random_cluster.h"
#include "vec.h"

struct edges {
	/* of IPv4, IPv6 */
	TG_VEC(struct tg_addr) hosts[2]; /* of pods, nodes, Services */
	TG_VEC(struct tg_addr) addrs[2]; /* edges of prefixes */
	TG_VEC(int) ports;
	TG_VEC(uint16_t) zones;
};

/* 0 or -ENOMEM. */
int edges_collect(const struct random_cluster *cluster, struct edges *edges);
void edges_free(struct edges *edges);
/* A tuple near the edges (now and then anywhere), src != dst. */
void edges_tuple(const struct edges *edges, struct tg_rng *rng, struct oracle_tuple *tuple);

#endif

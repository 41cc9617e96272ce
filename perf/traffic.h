/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the packet benches send: flows that a generated cluster's policies allow or deny, in frames
 * of the smallest size. Every failure ends the program.
 */
#ifndef TG_PERF_TRAFFIC_H
#define TG_PERF_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "classify.h"
#include "worker.h"

#define TRAFFIC_FRAME6 74u /* bytes of an IPv6 frame: what its headers and TCP's take */

struct traffic_flow {
	uint32_t src, dst; /* network order */
	uint16_t dport;	   /* host order */
	uint8_t protocol;
};

struct traffic_flow6 {
	uint8_t src[16], dst[16];
	uint16_t dport;
	uint8_t protocol;
};

/* Of one family; the other's list is NULL. */
struct traffic_flows {
	struct traffic_flow *v;
	struct traffic_flow6 *v6;
	uint32_t n;
};

/* A ruleset, and what it says of random tuples, each once: TCP and UDP, of IPv6 what it allows. */
struct traffic_rules {
	struct tg_classifier *classifier;
	struct tg_generation *generation;
	struct traffic_flows allowed, denied, allowed6;
};

void traffic_rules_make(struct traffic_rules *rules, uint32_t pods, uint32_t policies);

/*
 * Makes what rig_frame has made one of flow `index`, of any number: a tuple of the list and a
 * source port of its own. IPv6 makes it longer.
 */
void traffic_write(struct rte_mbuf *m, const struct traffic_flows *flows, uint32_t index,
	bool reply, uint8_t tcp_flags);

#endif

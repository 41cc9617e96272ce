/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policies of a cluster the way packet filters have them: expanded to 5-tuple rules (subject
 * pod x peer pod or prefix x port), for DPDK's rte_acl. IPv4, allowing rules only: what matches
 * none is denied. An ipBlock's exceptions are left out, so real rule sets are larger still.
 */
#ifndef TG_PERF_ACL_H
#define TG_PERF_ACL_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

/* One rule: host-order addresses. */
struct acl_rule {
	uint32_t src, dst;
	uint8_t src_length, dst_length;
	uint8_t protocol; /* 0: any */
	uint16_t lo, hi;
};

struct acl_rules {
	uint64_t total; /* rules of the whole expansion */
	struct acl_rule *v;
	uint32_t n; /* of these, spread evenly over all of them, at most what was asked for */
};

/* What rte_acl classifies. Network order. */
struct acl_key {
	uint8_t protocol;
	uint8_t zero[3];
	uint32_t src, dst;
	uint16_t sport, dport;
};

struct rte_acl_ctx;

/* 0 or -ENOMEM. */
int acl_expand(const struct tg_cluster *cluster, enum tg_direction direction, uint32_t limit,
	struct acl_rules *out);
void acl_rules_free(struct acl_rules *rules);
/* A context with these rules, in at most max_size bytes; NULL when it cannot be built. */
struct rte_acl_ctx *acl_build(const struct acl_rules *rules, const char *name, size_t max_size);

#endif

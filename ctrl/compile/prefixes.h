/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address space as the prefixes of ipBlocks, their excepts, pod ranges and infrastructure
 * tuples cut it. Each prefix stands for its addresses that no longer prefix has; all of them
 * satisfy the same address terms, whose set is kept hash-consed.
 *
 *	prefixes_add, prefixes_attach ... prefixes_build; then prefixes_lookup
 *
 * Each zone (by index) is cut on its own; the /0 of each family is always there.
 */
#ifndef TG_COMPILE_PREFIXES_H
#define TG_COMPILE_PREFIXES_H

#include "addr.h"
#include "seqs.h"
#include "vec.h"

/* Addresses of both families as numbers: an IPv4 address in the upper 32 bits. */
typedef unsigned __int128 prefix_number;

struct prefix_node {
	uint32_t set;	 /* address terms, in `sets` */
	uint32_t parent; /* the longest shorter prefix; TG_NONE for a /0 */
	bool pod_range;	 /* it or a shorter prefix is one */
};

struct prefix_region {
	prefix_number start; /* to the next region's */
	uint32_t prefix;
};

struct prefix_mark {
	uint32_t prefix;
	uint32_t term;
	bool except;
};

struct prefixes {
	struct seqs keys; /* {zone << 8 | family, length, address as 4 words}; id = prefix + 1 */
	TG_VEC(struct prefix_node) nodes;
	TG_VEC(struct prefix_mark) marks; /* until built */
	struct seqs sets;
	TG_VEC(struct prefix_region) regions; /* by zone and family; of each ascending */
	struct tg_vec_u32 first;	      /* by 2 * zone + (family == 6): in `regions` */
};

int prefixes_init(struct prefixes *p, uint32_t n_zones);
void prefixes_free(struct prefixes *p);
/* The prefix's number, adding it; TG_NONE when memory is out. */
uint32_t prefixes_add(struct prefixes *p, uint32_t zone, const struct tg_prefix *prefix);
void prefixes_set_pod_range(struct prefixes *p, uint32_t prefix);
/* `term` holds for the addresses of the prefix, or (except) for none of them. */
int prefixes_attach(struct prefixes *p, uint32_t prefix, uint32_t term, bool except);
/* `n_terms` exceeds every attached term. -EOVERFLOW: the sets would have more than `max` words. */
int prefixes_build(struct prefixes *p, uint32_t n_terms, size_t max);

static inline uint32_t prefixes_count(const struct prefixes *p)
{
	return (uint32_t)p->nodes.n;
}

struct tg_prefix prefixes_get(const struct prefixes *p, uint32_t prefix);

static inline uint32_t prefixes_zone(const struct prefixes *p, uint32_t prefix)
{
	return seqs_get(&p->keys, prefix + 1).v[0] >> 8;
}

/* The longest prefix of the zone that has the address. */
uint32_t prefixes_lookup(const struct prefixes *p, uint32_t zone, const struct tg_addr *addr);

/* The same for ascending addresses of one zone and family. */
struct prefix_walk {
	size_t at, end; /* regions */
};
struct prefix_walk prefixes_walk_begin(const struct prefixes *p, uint32_t zone, uint8_t family);
uint32_t prefixes_walk(
	const struct prefixes *p, struct prefix_walk *walk, const struct tg_addr *addr);

#endif

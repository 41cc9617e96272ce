/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept between compilations (compile.h: tg_compile_cache). Endpoints and traits are
 * functions of objects that are the same objects as last time, and of options that are compared;
 * kept.h has what depends on policies.
 */
#ifndef TG_COMPILE_CACHE_H
#define TG_COMPILE_CACHE_H

#include "compile.h"
#include "endpoints.h"
#include "traits.h"

/* The objects of one kind that the cluster had, only ever compared by their addresses. */
struct object_list {
	const void **v;
	size_t n;
};

struct zone_addr {
	struct tg_addr addr;
	uint16_t zone;
};

struct kept;

struct tg_compile_cache {
	bool used;     /* the rest is initialised */
	bool wasteful; /* most of it is of no use any more: start over */
	const struct tg_intern *strings;
	struct object_list pods, nodes, services, namespaces;
	struct zone_addr *node_addrs; /* as the options had them */
	size_t n_node_addrs;
	struct endpoints *endpoints; /* of all these */
	struct traits traits;	     /* of the pods */
	bool same_objects; /* this cluster has no other ones than the last, but for policies */
	struct kept *kept; /* by the last compilation, if it succeeded; NULL: nothing */
};

/*
 * Before anything else of a compilation: from here on the cache refers to nothing but objects of
 * this cluster. -ENOMEM: to none at all.
 */
int cache_follow(struct tg_compile_cache *cache, const struct tg_cluster *cluster,
	const struct tg_compile_options *options);
/* After a compilation that had `n_traits` traits and asked for `atoms`. */
void cache_judge_waste(struct tg_compile_cache *cache, size_t n_traits, const struct atoms *atoms);

#endif

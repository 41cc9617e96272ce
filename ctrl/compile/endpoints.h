/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exact addresses: who claims each, and who owns it (compile.h: nodes before pods before Services;
 * among pods semantics 14: live before terminating, then the newest; a tie is a conflict).
 */
#ifndef TG_COMPILE_ENDPOINTS_H
#define TG_COMPILE_ENDPOINTS_H

#include "compile.h"
#include "sort.h"

struct endpoint {
	struct tg_addr addr;
	uint8_t kind;	   /* of the owner: NODE, POD, SERVICE, CONFLICT */
	bool contested;	   /* several pods, or a pod and a node, claim it */
	bool over_service; /* a pod's, and a Service has it too */
	uint32_t index;	   /* of the owner: pod or Service in the cluster */
	uint32_t node;	   /* index of the node it is of (NODE) or runs on (POD); TG_NONE */
	uint32_t ns, name; /* of the owning pod */
};

/* The pods that claim a contested address: `n` from `first` on, the owner first if there is one. */
struct endpoint_conflict {
	uint32_t endpoint;
	uint32_t first, n;
};

/* The endpoints of one zone and family: v[first..first + n - 1], ascending by address. */
struct endpoint_run {
	uint16_t zone;
	uint8_t family;
	size_t first, n; /* n > 0 */
};

/* Made once, then only read; belongs to all who have a reference. */
struct endpoints {
	struct endpoint *v;
	size_t n, n4;
	TG_VEC(struct endpoint_run) runs; /* ascending by family, zone; together all of v */
	TG_VEC(struct endpoint_conflict) conflicts; /* in the order of the endpoints */
	struct tg_vec_u32 contenders;		    /* pods, by index in the cluster */
	uint32_t *node_index;			    /* by intern number of the name: index + 1 */
	uint32_t n_strings;
	_Atomic unsigned int refs;
};

/* Depends on pods, nodes, Services and the options' node_addrs only. NULL: out of memory. */
struct endpoints *endpoints_create(
	const struct tg_cluster *cluster, const struct tg_compile_options *options);
struct endpoints *endpoints_ref(struct endpoints *e);
void endpoints_unref(struct endpoints *e); /* NULL is fine; any thread */
/* NULL when nobody claims it. */
const struct endpoint *endpoints_find(
	const struct endpoints *e, uint16_t zone, const struct tg_addr *addr);
/* The number of the node of this name; TG_NONE. */
uint32_t endpoints_node(const struct endpoints *e, uint32_t name);
/* Does the pod give its addresses? (neither hostNetwork nor finished) */
bool endpoints_pod_counts(const struct tg_pod *pod);
/* Would the endpoints be the same with `b` in place of `a`? */
bool endpoints_pod_same(const struct tg_pod *a, const struct tg_pod *b);

#endif

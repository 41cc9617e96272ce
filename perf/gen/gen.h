/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A generator of clusters that look like real ones, for benchmarks and tests of size. The same
 * shape (seed included) always gives the same cluster.
 *
 * What it makes: three system namespaces (kube-system with DNS, monitoring, ingress) and team
 * namespaces with labels (team, env); apps with replicas whose labels churn (pod-template-hash,
 * version, stateful set ordinals); nodes with a pod CIDR each; Services; and in each governed
 * namespace a default deny, DNS, monitoring by a named port, then a mix of rules
 * between apps, between namespaces, for a whole environment, for everybody, and of CIDR egress,
 * with "0.0.0.0/0 except" over a pool of corporate prefixes.
 *
 *	tg_gen_shape_of(&shape, 100000, 10000);
 *	gen = tg_gen_create(&shape);
 *	tg_compile(compiler, tg_gen_cluster(gen), ...);
 *	tg_gen_free(gen);
 */
#ifndef TG_PERF_GEN_H
#define TG_PERF_GEN_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "model.h"

#define TG_GEN_MAX_PODS 1000000u
#define TG_GEN_MAX_POLICIES 100000u
#define TG_GEN_MAX_NAMESPACES 10000u
#define TG_GEN_MAX_NODES 16384u
#define TG_GEN_MAX_PREFIXES 100000u

struct tg_gen_shape {
	uint64_t seed;
	uint32_t pods;
	uint32_t policies;
	uint32_t namespaces;	     /* >= 4, the three system ones included */
	uint32_t governed;	     /* namespaces that have policies, 1..namespaces */
	uint32_t nodes;		     /* >= 1; at most 250 pods a node */
	uint32_t apps;		     /* per team namespace, >= 2 */
	uint32_t internal_prefixes;  /* the pool of corporate prefixes that policies name */
	uint32_t dual_stack_percent; /* of nodes, and so of their pods */
	uint32_t services_percent;   /* of apps that have a Service */
};

/*
 * The usual shape of a cluster of that size; 100,000 pods and 10,000 policies give the reference
 * shape (500 namespaces, 1,000 nodes, 2,000 internal prefixes). Adjust fields as needed.
 */
void tg_gen_shape_of(struct tg_gen_shape *shape, uint32_t pods, uint32_t policies);

struct tg_gen;

/* NULL with errno: ENOMEM, or EINVAL for a shape outside the limits above. */
struct tg_gen *tg_gen_create(const struct tg_gen_shape *shape);
void tg_gen_free(struct tg_gen *gen);

/* Owned by the generator. */
const struct tg_cluster *tg_gen_cluster(const struct tg_gen *gen);
/* The ranges that all pod addresses come from, for tg_compile_options.pod_ranges. */
const struct tg_prefix *tg_gen_pod_ranges(const struct tg_gen *gen, size_t *n);

/*
 * Another replica of pod `index` of the cluster (modulo their number): same labels but for the
 * churning ones, a name and addresses that no pod has, not part of the cluster. Owned by the
 * generator; NULL with errno ENOMEM or ENOSPC (the node's pod CIDR is used up).
 */
const struct tg_pod *tg_gen_replica(struct tg_gen *gen, size_t index);

/* A new connection: one family on both sides. */
struct tg_gen_tuple {
	struct tg_addr src, dst;
	uint8_t protocol;
	uint16_t dport; /* 0 for protocols without ports */
};

/*
 * n tuples: pod sources, half of the destinations pods, half outside (a share of these in the
 * internal prefixes); with `swap` every other one the other way round, so that outside addresses
 * are sources too. Ports are mostly those that policies name. IPv6 where both sides have it.
 */
void tg_gen_tuples(
	const struct tg_gen *gen, uint64_t seed, bool swap, struct tg_gen_tuple *out, size_t n);

enum tg_gen_pod_format {
	TG_GEN_PODS_ENDPOINTS, /* pods.endpoints: one line a pod */
	TG_GEN_PODS_JSON,      /* pods.json: a v1 List of Pods */
};

/*
 * Writes the cluster as manifests into directory `path` (created when missing): nodes.yaml,
 * namespaces.yaml, services.yaml, policies/<namespace>.yaml and the pods. 0 or -errno.
 */
int tg_gen_write(const struct tg_cluster *cluster, const char *path, enum tg_gen_pod_format format);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the generator's files share. Everything lives in one arena; functions that allocate return
 * -ENOMEM (or NULL) and leave the cleaning up to tg_gen_free.
 */
#ifndef TG_PERF_GEN_INTERNAL_H
#define TG_PERF_GEN_INTERNAL_H

#include "arena.h"
#include "gen.h"
#include "rng.h"

#define MAX_NODE_PODS 250u
#define SYSTEM_NAMESPACES 3u /* kube-system, monitoring, ingress */
#define PORT_METRICS 9090u
#define PORT_DNS 53u

/* Interned label keys and the values that policies name. */
struct gen_keys {
	uint32_t metadata_name, team, env;
	uint32_t app, component, tier, version, hash, revision, ordinal;
	uint32_t http, grpc, metrics, db; /* port names */
};

struct gen_app {
	uint32_t ns; /* index of its namespace */
	uint32_t name, component, tier;
	uint32_t replicas;
	uint32_t weight; /* its share of the pods */
	uint16_t port;	 /* the number behind its main port */
	bool stateful;
	struct tg_named_port *ports;
	uint32_t n_ports;
};

struct gen_namespace {
	struct tg_namespace *object;
	uint32_t team, env;
	uint32_t first_app, n_apps;
};

struct gen_node {
	struct tg_node *object;
	uint32_t used; /* host numbers given out in its pod CIDR */
	bool dual;
};

struct tg_gen {
	struct tg_gen_shape shape;
	struct tg_rng rng;
	struct tg_arena *arena;
	struct tg_intern *strings;
	struct gen_keys keys;
	struct gen_namespace *namespaces;
	struct gen_node *nodes;
	struct gen_app *apps;
	uint32_t n_apps;
	uint32_t *app_of_pod;
	struct tg_prefix *internal;
	struct tg_prefix pod_ranges[2];
	uint32_t n_replicas; /* made by tg_gen_replica */
	const struct tg_namespace **namespace_view;
	const struct tg_node **node_view;
	const struct tg_pod **pod_view;
	const struct tg_service **service_view;
	const struct tg_policy **policy_view;
	struct tg_cluster cluster;
};

/* Intern, formatted; UINT32_MAX when memory is out. */
uint32_t gen_id(struct tg_gen *gen, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct tg_place gen_place(struct tg_gen *gen, uint32_t line);
/* Sorts by key, as the model wants it. */
void gen_sort_labels(struct tg_label *labels, uint32_t n);
/* A random policy-named prefix of the pool. */
struct tg_prefix gen_internal_prefix(const struct tg_gen *gen, struct tg_rng *rng);

int gen_make_namespaces(struct tg_gen *gen);
int gen_make_nodes(struct tg_gen *gen);
int gen_make_apps(struct tg_gen *gen);
int gen_make_pods(struct tg_gen *gen);
int gen_make_services(struct tg_gen *gen);
int gen_make_policies(struct tg_gen *gen);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `doctor` and `init` know of a cluster: gathered once from its API server, judged by others
 * (checks.h, proposals.h). Of pods and Services numbers and examples are kept, however many there
 * are.
 */
#ifndef TG_CLI_CLUSTER_FACTS_H
#define TG_CLI_CLUSTER_FACTS_H

#include "arena.h"
#include "client.h"
#include "config.h"
#include "model.h"
#include "ranges.h"
#include "tree.h"
#include "vec.h"

/* A resource that is read, in all namespaces or in one; or a policy kind that is only reported. */
struct tg_kind_fact {
	const char *resource;	 /* "pods" */
	const char *api_version; /* "v1", "networking.k8s.io/v1" */
	const char *kind;	 /* "Pod" */
	const char *ns;		 /* NULL: all */
	bool enforced;
	bool optional;
	bool namespaced;
	struct tg_kube_result result; /* of a list of one, and of what is enforced a watch */
	int64_t objects;	      /* -1: not known */
};

struct tg_node_fact {
	const char *name;
	const struct tg_addr *addrs;
	size_t n_addrs;
	const struct tg_prefix *pod_cidrs;
	size_t n_pod_cidrs;
	/* What an annotation of its network plugin says: "VXLAN (flannel)"; NULL: nothing. */
	const char *tunnel;
};

/* An address and a port that is of interest. */
struct tg_socket_fact {
	struct tg_addr addr;
	uint16_t port;
};

typedef TG_VEC(struct tg_socket_fact) tg_socket_facts;

/* How many of something lie where they should not, and the first of them: "shop/web 10.9.0.3". */
struct tg_stray {
	size_t n;
	const char *example;
};

struct tg_cluster_facts {
	struct tg_arena *arena;
	const struct tg_config_cluster *config;
	const struct tg_compile_options *options;
	const char *access_error; /* why kubeconfig or service account cannot be used; NULL */
	const char *server;	  /* URL */
	bool insecure;
	bool anonymous;					  /* no credentials are configured */
	int64_t now;					  /* Unix seconds, of this machine */
	int64_t certificate_expires_at, token_expires_at; /* 0: none, or it does not say */

	struct tg_kube_result answer; /* to GET /version */
	const char *version;	      /* "v1.20.2"; NULL: not known */
	bool has_clock;
	int64_t skew_s; /* the server's clock is so much ahead; what the request took is allowed */

	TG_VEC(struct tg_kind_fact) kinds;
	const char *discovery_error; /* NULL: none */

	/* Why these could not be listed; NULL: they were, all of them. */
	const char *no_nodes, *no_services, *no_pods;
	TG_VEC(struct tg_node_fact) nodes;
	struct tg_ranges ranges; /* of nodes and configuration */
	struct tg_ranges node_ranges;
	TG_VEC(struct tg_addr) tunnel_addrs; /* node addresses that only annotations name */
	size_t n_services, n_pods;	     /* pods: with an address of their own */
	struct tg_stray services_in_ranges, pods_outside;
	TG_VEC(struct tg_addr) etcd; /* of pods on node addresses that are etcd */

	const char *tunnel;    /* what the configuration of Cilium says: "VXLAN (Cilium)"; NULL */
	const char *no_plugin; /* why that could not be read; NULL: it was, or there is none */
	const char *no_api_servers; /* why the EndpointSlice could not be read; NULL: it was */
	const char *no_api_rule;    /* the RBAC resource that it takes; NULL: not RBAC */
	tg_socket_facts api_servers;
	const char *no_dns; /* the same of the cluster's DNS */
	TG_VEC(struct tg_addr) dns_services;
	const char *no_upstreams; /* and of its upstream resolvers */
	tg_socket_facts upstreams;
};

/*
 * Asks the cluster, which has `ms` for each answer (0: TG_ASK_MS). What `options` say of its zone
 * counts; both outlive the facts. NULL: out of memory.
 */
struct tg_cluster_facts *tg_cluster_facts_gather(const struct tg_config_cluster *config,
	const struct tg_compile_options *options, uint32_t ms);
void tg_cluster_facts_free(struct tg_cluster_facts *facts);

/* A node has the address, by its object or by the configuration. */
bool tg_cluster_facts_is_node(const struct tg_cluster_facts *facts, const struct tg_addr *addr);

/* The `index`th of what the configuration says of the cluster's zone; NULL: no more. */
const struct tg_zone_options *tg_cluster_facts_zone(
	const struct tg_cluster_facts *facts, size_t index);

/* The tunnel of a ConfigMap cilium-config, its `data`; NULL: none. */
const char *tg_cilium_tunnel(const struct tg_value *data);

/* Addresses behind `forward .` in the text of a Corefile. 0 or -ENOMEM. */
int tg_corefile_upstreams(const char *text, tg_socket_facts *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kinds that are read from an API server, a row each: everything that has to be known of one
 * to list, watch and store it. What its objects mean is the decoder's affair (decode.h).
 */
#ifndef TG_CONFIG_KINDS_H
#define TG_CONFIG_KINDS_H

#include <stdbool.h>

/*
 * X(SYMBOL, "resource", "apiVersion", "Kind", namespaced, keeps): `keeps`: an object that cannot
 * be read any more stays as it was; of the others nothing is left then (set.h). A node's
 * address and a Service's are theirs until they say otherwise.
 */
#define TG_CLUSTER_KINDS(X)                                                                   \
	X(NAMESPACES, "namespaces", "v1", "Namespace", false, false)                          \
	X(NODES, "nodes", "v1", "Node", false, true)                                          \
	X(SERVICES, "services", "v1", "Service", true, true)                                  \
	X(NETWORK_POLICIES, "networkpolicies", "networking.k8s.io/v1", "NetworkPolicy", true, \
		false)                                                                        \
	X(PODS, "pods", "v1", "Pod", true, false)

#define TG_SELECTOR_MAX 2000u /* bytes of a label selector: it has to fit into a URL */

enum tg_cluster_kind {
#define X(sym, resource, api_version, kind, namespaced, keeps) TG_CLUSTER_##sym,
	TG_CLUSTER_KINDS(X)
#undef X
		TG_CLUSTER_KIND_COUNT
};

#endif

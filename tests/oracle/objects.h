/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's own reading of Kubernetes objects: cJSON trees to the few facts that judging needs.
 * It shares no code with the product (not even address parsing), so that a mistake there shows as
 * a disagreement. Objects are expected to be valid. Strings and selectors point into the trees,
 * which must outlive the objects.
 */
#ifndef TG_ORACLE_OBJECTS_H
#define TG_ORACLE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <tidegate/verdict.h>

#include "addr.h"
#include "arena.h"

/* `scope` is the number that the object says (oracle.h). */

struct o_namespace {
	size_t scope;
	const char *name;
	const cJSON *labels; /* map of string to string or null; may be NULL */
};

struct o_port_name {
	const char *name;
	int protocol; /* IANA number */
	int number;
};

struct o_pod {
	size_t scope;
	const char *ns, *name, *node;
	const char *created; /* RFC 3339 in UTC: sorts as text; "" when absent */
	const cJSON *labels;
	bool host_network, finished, terminating;
	struct tg_addr *addrs;
	size_t n_addrs;
	struct o_port_name *ports;
	size_t n_ports;
};

struct o_node {
	size_t scope;
	const char *name;
	struct tg_addr *addrs;
	size_t n_addrs;
	struct tg_prefix *cidrs;
	size_t n_cidrs;
};

struct o_service {
	size_t scope;
	struct tg_addr *addrs;
	size_t n_addrs;
};

struct o_peer {
	bool is_block;
	struct tg_prefix block;
	struct tg_prefix *except;
	size_t n_except;
	const cJSON *ns_selector, *pod_selector; /* NULL: not given */
};

struct o_port {
	int protocol;
	const char *name; /* NULL: lo..hi */
	int lo, hi;
};

struct o_rule {
	bool any_peer, any_port;
	struct o_peer *peers;
	size_t n_peers;
	struct o_port *ports;
	size_t n_ports;
};

struct o_policy {
	size_t scope;
	const char *ns, *name;
	const cJSON *pod_selector;
	bool isolates[TG_DIRECTION_COUNT];
	struct o_rule *rules[TG_DIRECTION_COUNT];
	size_t n_rules[TG_DIRECTION_COUNT];
};

struct o_cluster {
	struct o_namespace *namespaces;
	size_t n_namespaces;
	struct o_pod *pods;
	size_t n_pods;
	struct o_node *nodes;
	size_t n_nodes;
	struct o_service *services;
	size_t n_services;
	struct o_policy *policies; /* sorted by name */
	size_t n_policies;
};

/*
 * Reads a list of objects (an array). With `implicit_namespaces` a namespace that only appears as
 * a metadata.namespace of scope 0 exists too. Everything comes from `arena`. 0 or -EINVAL.
 */
int objects_read(
	struct tg_arena *arena, const cJSON *list, bool implicit_namespaces, struct o_cluster *out);

/* Address and prefix text, IPv4-mapped ones as IPv4, host bits zero. 0 or -EINVAL. */
int objects_addr(const char *text, struct tg_addr *out);
int objects_prefix(const char *text, struct tg_prefix *out);

#endif

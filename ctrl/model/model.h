/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cluster as plain structs: what the decoder makes of Kubernetes objects and what the compiler
 * reads. No I/O. Strings are numbers of the cluster's intern table (0 is the empty string).
 * Objects are immutable once published and live in the arena of the document that they came from;
 * a struct tg_cluster is a view: arrays of pointers to objects that somebody else owns.
 *
 * Zones: address spaces that have nothing to do with each other; a packet is in one. The addresses
 * of an object are addresses of its zone, and a policy is about the addresses of its own.
 */
#ifndef TG_MODEL_H
#define TG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tidegate/verdict.h>

#include "addr.h"
#include "intern.h"

/* Where an object was read: file is an intern number; line counts from 1, 0 when unknown. */
struct tg_place {
	uint32_t file;
	uint32_t line;
};

struct tg_label {
	uint32_t key;
	uint32_t value;
};

/* Sorted by key, keys distinct. */
struct tg_labels {
	const struct tg_label *v;
	uint32_t n;
};

/* metav1.LabelSelectorRequirement; a matchLabels entry is an IN of one value. */
enum tg_selector_op { TG_OP_IN, TG_OP_NOT_IN, TG_OP_EXISTS, TG_OP_NOT_EXISTS };

struct tg_requirement {
	uint32_t key;
	uint8_t op;		/* enum tg_selector_op */
	const uint32_t *values; /* sorted, distinct; empty for EXISTS and NOT_EXISTS */
	uint32_t n_values;
};

/*
 * metav1.LabelSelector: all requirements hold. None: matches everything. Canonical: requirements
 * are sorted by (key, op, values) and distinct, so that equal selectors compare equal.
 */
struct tg_selector {
	const struct tg_requirement *reqs;
	uint32_t n_reqs;
};

#define TG_UNLIMITED UINT32_MAX

struct tg_namespace {
	uint32_t name;
	struct tg_labels labels; /* kubernetes.io/metadata.name always set to name */
	bool implicit;		 /* only known from a metadata.namespace */
	/* annotation tidegate.dev/max-connections, or TG_UNLIMITED; 0: it says nothing */
	uint32_t max_connections;
	struct tg_place place;
};

/* A named container port: v1.ContainerPort of regular and sidecar containers. */
struct tg_named_port {
	uint32_t name;
	uint16_t number;
	uint8_t protocol; /* IANA protocol number */
};

struct tg_pod {
	uint32_t ns;
	uint32_t name;
	uint32_t uid;
	uint32_t node; /* spec.nodeName */
	struct tg_labels labels;
	const struct tg_addr *addrs; /* status.podIPs, else podIP; none for a finished pod */
	uint32_t n_addrs;
	const struct tg_named_port *ports;
	uint32_t n_ports;
	bool host_network;
	bool finished;	  /* phase Succeeded or Failed */
	bool terminating; /* metadata.deletionTimestamp */
	uint16_t zone;
	int64_t created_at; /* metadata.creationTimestamp, Unix seconds; INT64_MIN when absent */
	struct tg_place place;
};

struct tg_node {
	uint32_t name;
	struct tg_labels labels;
	const struct tg_addr *addrs; /* status.addresses that are IPs (InternalIP, ExternalIP) */
	uint32_t n_addrs;
	const struct tg_prefix *pod_cidrs; /* spec.podCIDRs, else podCIDR */
	uint32_t n_pod_cidrs;
	struct tg_place place;
	uint16_t zone;
};

struct tg_service {
	uint32_t ns;
	uint32_t name;
	const struct tg_addr *addrs; /* clusterIPs, externalIPs, status.loadBalancer.ingress[].ip */
	uint32_t n_addrs;
	struct tg_place place;
	uint16_t zone;
};

/* networking.k8s.io/v1 NetworkPolicyPeer: either an ipBlock or selectors. */
struct tg_peer {
	bool is_block;
	bool has_ns_selector;  /* else: the policy's own namespace */
	bool has_pod_selector; /* else: every pod of the namespaces */
	struct tg_selector ns_selector;
	struct tg_selector pod_selector;
	struct tg_prefix block;
	const struct tg_prefix *except;
	uint32_t n_except;
};

/* networking.k8s.io/v1 NetworkPolicyPort. */
struct tg_policy_port {
	uint8_t protocol; /* IANA number; TCP when the object has none */
	bool named;	  /* name, else lo..hi inclusive */
	uint32_t name;
	uint16_t lo, hi; /* 1..65535; every port: 0..65535 */
};

struct tg_policy_rule {
	bool any_peer; /* from/to missing, null or empty: inside and outside */
	const struct tg_peer *peers;
	uint32_t n_peers;
	bool any_port; /* ports missing, null or empty: every protocol, ICMP included */
	const struct tg_policy_port *ports;
	uint32_t n_ports;
	uint32_t index; /* in spec.ingress or spec.egress, as written */
};

struct tg_policy_side {
	bool isolates;			    /* this direction is in (or implied by) policyTypes */
	const struct tg_policy_rule *rules; /* none when it does not isolate */
	uint32_t n_rules;
};

struct tg_policy {
	uint32_t ns;
	uint32_t name;
	uint32_t uid;	/* metadata.uid; 0 when the manifest has none */
	uint32_t owner; /* annotation tidegate.dev/owner */
	struct tg_selector pod_selector;
	struct tg_policy_side side[TG_DIRECTION_COUNT];
	struct tg_place place;
	uint16_t zone;
};

/*
 * One state of the cluster. Arrays are in no promised order; (kind, namespace, name) is unique.
 * hostNetwork and finished pods are listed too (explain names them); the compiler leaves them out.
 */
struct tg_cluster {
	struct tg_intern *strings;
	const struct tg_namespace *const *namespaces;
	size_t n_namespaces;
	const struct tg_pod *const *pods;
	size_t n_pods;
	const struct tg_node *const *nodes;
	size_t n_nodes;
	const struct tg_service *const *services;
	size_t n_services;
	const struct tg_policy *const *policies;
	size_t n_policies;
};

/* The value of label `key`, or UINT32_MAX when it is absent. */
uint32_t tg_labels_get(const struct tg_labels *labels, uint32_t key);
bool tg_selector_matches(const struct tg_selector *selector, const struct tg_labels *labels);
bool tg_selector_equal(const struct tg_selector *a, const struct tg_selector *b);
uint64_t tg_selector_hash(const struct tg_selector *selector);
/* "TCP" and the like for 6, 17, 132, 1, 58; else the number in `buf` (4 bytes). */
const char *tg_protocol_name(uint8_t protocol, char buf[4]);
/* The reverse, case-sensitive as the API, and decimal numbers; -EINVAL. */
int tg_protocol_parse(const char *text);

#endif

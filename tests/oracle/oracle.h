/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle: says what NetworkPolicy means for one tuple, as naively as possible: loops over
 * policies, rules, peers and ports for every question. No classes, no tables, no caching. What the
 * product decides must equal what the oracle says, down to the deciding rule.
 *
 * Reasons are texts, so that they compare and print easily:
 *   "policy NAMESPACE/NAME INDEX"        the first rule in canonical order that allows
 *   "implicit NAMESPACE: NAME, NAME..."  isolated by these, and no rule allows
 *   "baseline NAMESPACE"                 default-action deny or audit of a pod not isolated
 *   "infrastructure NAME"                a tuple of the configuration
 *   "builtin LABEL"                      a built-in rule (verdict.h)
 */
#ifndef TG_ORACLE_H
#define TG_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <tidegate/verdict.h>

#include "addr.h"

enum oracle_default { ORACLE_DENY, ORACLE_AUDIT, ORACLE_KUBERNETES };

/*
 * Where objects come from: a cluster of this name (NULL: manifests), in a zone. An object of a list
 * says which by its number in the member "scope"; those that do not are of number 0.
 */
struct oracle_scope {
	const char *cluster;
	uint16_t zone;
};

#define ORACLE_SCOPE "scope"

/* A prefix or an address as text. */
struct oracle_text {
	const char *text;
	uint16_t zone;
};

/* A configured tuple; texts as in the configuration. */
struct oracle_infrastructure {
	const char *name;
	uint16_t zone;
	const char *from, *to; /* prefix text; NULL: every node address */
	int protocol;
	int lo, hi;
};

struct oracle_options {
	enum oracle_default default_action[TG_DIRECTION_COUNT];
	bool transit_allow;
	bool implicit_namespaces; /* of manifests; an API server has the object, or no namespace */
	const struct oracle_scope *scopes; /* none: one of manifests, in zone 0 */
	size_t n_scopes;
	const struct oracle_text *pod_ranges;
	size_t n_pod_ranges;
	const struct oracle_text *node_addrs;
	size_t n_node_addrs;
	const struct oracle_infrastructure *infrastructure;
	size_t n_infrastructure;
};

struct oracle_tuple {
	struct tg_addr src, dst; /* different addresses of one family */
	int protocol;
	int dport; /* 0 for protocols without ports */
	uint16_t zone;
};

#define ORACLE_REASON_MAX 1024

struct oracle_side {
	enum tg_action action;
	char reason[ORACLE_REASON_MAX]; /* cut short when it does not fit */
};

struct oracle_answer {
	struct oracle_side side[TG_DIRECTION_COUNT];
	enum tg_action action; /* of both together */
};

struct oracle;

/* `list` (an array of objects) and `options` must outlive the oracle. NULL: they are not valid. */
struct oracle *oracle_create(const cJSON *list, const struct oracle_options *options);
void oracle_free(struct oracle *oracle);
void oracle_judge(const struct oracle *oracle, const struct oracle_tuple *tuple,
	struct oracle_answer *answer);

#endif

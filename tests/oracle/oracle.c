/* SPDX-License-Identifier: BSD-3-Clause */
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"

#define CALLED_MAX 128

struct oracle {
	struct tg_arena *arena;
	const struct oracle_options *options;
	const struct oracle_scope *scopes;
	size_t n_scopes;
	struct o_cluster cluster;
};

/* What an address is, and whose. */
struct party {
	enum tg_class_kind kind;
	uint16_t zone;
	struct tg_addr addr;
	const struct o_pod *pod;   /* kind POD */
	const struct o_node *node; /* kind NODE, when it is an address of one Node object */
	size_t n_nodes;		   /* that have it */
};

static bool in_prefix(const struct tg_prefix *prefix, const struct tg_addr *addr)
{
	if (prefix->addr.family != addr->family)
		return false;
	for (int bit = 0; bit < prefix->length; bit++)
		if (((prefix->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) >> (7 - bit % 8)) & 1)
			return false;
	return true;
}

static bool same_addr(const struct tg_addr *a, const struct tg_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool in_list(const struct tg_addr *list, size_t n, const struct tg_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (same_addr(&list[i], addr))
			return true;
	return false;
}

static uint16_t zone_of(const struct oracle *o, size_t scope)
{
	return o->scopes[scope].zone;
}

/* What a namespace is called outside of its cluster, where there are several. */
static const char *called(
	const struct oracle *o, size_t scope, const char *ns, char buf[CALLED_MAX])
{
	if (o->n_scopes == 1 || o->scopes[scope].cluster == NULL)
		return ns;
	snprintf(buf, CALLED_MAX, "%s/%s", o->scopes[scope].cluster, ns);
	return buf;
}

static const struct o_namespace *find_namespace(
	const struct oracle *o, size_t scope, const char *name)
{
	for (size_t i = 0; i < o->cluster.n_namespaces; i++)
		if (o->cluster.namespaces[i].scope == scope &&
			strcmp(o->cluster.namespaces[i].name, name) == 0)
			return &o->cluster.namespaces[i];
	return NULL;
}

/* > 0: `a` has the better claim to an address. Live beats terminating, then the newest. */
static int claim_order(const struct o_pod *a, const struct o_pod *b)
{
	if (a->terminating != b->terminating)
		return a->terminating ? -1 : 1;
	return strcmp(a->created, b->created);
}

/* The pod with the best claim; *tie when several are equally good. */
static const struct o_pod *find_pod(const struct oracle *o, const struct party *party, bool *tie)
{
	const struct o_pod *best = NULL;

	*tie = false;
	for (size_t i = 0; i < o->cluster.n_pods; i++) {
		const struct o_pod *pod = &o->cluster.pods[i];
		int order;

		if (zone_of(o, pod->scope) != party->zone || pod->host_network || pod->finished ||
			!in_list(pod->addrs, pod->n_addrs, &party->addr))
			continue;
		order = best == NULL ? 1 : claim_order(pod, best);
		if (order > 0)
			best = pod;
		*tie = order > 0 ? false : order == 0 ? true : *tie;
	}
	return best;
}

static bool find_node(const struct oracle *o, struct party *party)
{
	for (size_t i = 0; i < o->cluster.n_nodes; i++) {
		const struct o_node *node = &o->cluster.nodes[i];

		if (zone_of(o, node->scope) != party->zone ||
			!in_list(node->addrs, node->n_addrs, &party->addr))
			continue;
		/* One that two nodes have is no node's in particular. */
		if (party->n_nodes++ == 0)
			party->node = node;
		else
			party->node = NULL;
	}
	for (size_t i = 0; i < o->options->n_node_addrs; i++) {
		const struct oracle_text *configured = &o->options->node_addrs[i];
		struct tg_addr addr;

		if (configured->zone == party->zone && objects_addr(configured->text, &addr) == 0 &&
			same_addr(&addr, &party->addr))
			return true;
	}
	return party->n_nodes > 0;
}

static bool is_service(const struct oracle *o, const struct party *party)
{
	for (size_t i = 0; i < o->cluster.n_services; i++) {
		const struct o_service *service = &o->cluster.services[i];

		if (zone_of(o, service->scope) == party->zone &&
			in_list(service->addrs, service->n_addrs, &party->addr))
			return true;
	}
	return false;
}

static bool in_pod_range(const struct oracle *o, const struct party *party)
{
	struct tg_prefix range;

	for (size_t i = 0; i < o->options->n_pod_ranges; i++) {
		const struct oracle_text *configured = &o->options->pod_ranges[i];

		if (configured->zone == party->zone &&
			objects_prefix(configured->text, &range) == 0 &&
			in_prefix(&range, &party->addr))
			return true;
	}
	for (size_t i = 0; i < o->cluster.n_nodes; i++) {
		const struct o_node *node = &o->cluster.nodes[i];

		if (zone_of(o, node->scope) != party->zone)
			continue;
		for (size_t k = 0; k < node->n_cidrs; k++)
			if (in_prefix(&node->cidrs[k], &party->addr))
				return true;
	}
	return false;
}

/* A pod that several claim, or whose Namespace is not known, is no pod. */
static void identify_pod(const struct oracle *o, struct party *party, bool tie)
{
	if (tie)
		party->kind = TG_KIND_CONFLICT;
	else if (find_namespace(o, party->pod->scope, party->pod->ns) == NULL)
		party->kind = TG_KIND_UNKNOWN;
	else
		party->kind = TG_KIND_POD;
	if (party->kind != TG_KIND_POD)
		party->pod = NULL;
}

static struct party identify(const struct oracle *o, uint16_t zone, const struct tg_addr *addr)
{
	struct party party = {.kind = TG_KIND_WORLD, .zone = zone, .addr = *addr};
	bool tie;

	if (find_node(o, &party)) {
		party.kind = TG_KIND_NODE;
		return party;
	}
	party.pod = find_pod(o, &party, &tie);
	if (party.pod != NULL)
		identify_pod(o, &party, tie);
	else if (is_service(o, &party))
		party.kind = TG_KIND_SERVICE;
	else if (in_pod_range(o, &party))
		party.kind = TG_KIND_UNKNOWN;
	return party;
}

/* The value of a label, "" when it is null, NULL when there is none. */
static const char *label_value(const cJSON *labels, const char *key)
{
	const cJSON *label = cJSON_GetObjectItemCaseSensitive(labels, key);

	if (label == NULL)
		return NULL;
	return cJSON_IsString(label) ? label->valuestring : "";
}

static bool in_values(const cJSON *values, const char *value)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, values)
	{
		if (strcmp(item->valuestring, value) == 0)
			return true;
	}
	return false;
}

static bool expression_holds(const cJSON *expression, const char *value)
{
	const char *op = cJSON_GetObjectItemCaseSensitive(expression, "operator")->valuestring;
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(expression, "values");

	if (strcmp(op, "In") == 0)
		return value != NULL && in_values(values, value);
	if (strcmp(op, "NotIn") == 0)
		return value == NULL || !in_values(values, value);
	if (strcmp(op, "Exists") == 0)
		return value != NULL;
	return value == NULL;
}

/* What a namespace's labels say whatever its object says; NULL members: there is no such label. */
struct forced {
	const char *name;    /* kubernetes.io/metadata.name */
	bool confined;	     /* there are several clusters, so ... */
	const char *cluster; /* ... tidegate.dev/cluster */
};

/* `forced` NULL: labels as they are. */
static const char *value_of(const cJSON *labels, const struct forced *forced, const char *key)
{
	if (forced != NULL && strcmp(key, "kubernetes.io/metadata.name") == 0)
		return forced->name;
	if (forced != NULL && forced->confined && strcmp(key, "tidegate.dev/cluster") == 0)
		return forced->cluster;
	return label_value(labels, key);
}

static bool selects(const cJSON *selector, const cJSON *labels, const struct forced *forced)
{
	const cJSON *item, *want, *expressions;

	want = cJSON_GetObjectItemCaseSensitive(selector, "matchLabels");
	cJSON_ArrayForEach(item, want)
	{
		const char *value = value_of(labels, forced, item->string);

		if (value == NULL ||
			strcmp(value, cJSON_IsString(item) ? item->valuestring : "") != 0)
			return false;
	}
	expressions = cJSON_GetObjectItemCaseSensitive(selector, "matchExpressions");
	cJSON_ArrayForEach(item, expressions)
	{
		const char *key = cJSON_GetObjectItemCaseSensitive(item, "key")->valuestring;

		if (!expression_holds(item, value_of(labels, forced, key)))
			return false;
	}
	return true;
}

static bool peer_matches(const struct oracle *o, const struct o_policy *policy,
	const struct o_peer *peer, const struct party *other)
{
	const struct o_namespace *ns;
	struct forced forced = {.confined = o->n_scopes > 1};

	if (peer->is_block) {
		for (size_t i = 0; i < peer->n_except; i++)
			if (in_prefix(&peer->except[i], &other->addr))
				return false;
		return in_prefix(&peer->block, &other->addr);
	}
	/* Selectors select in their own cluster only. */
	if (other->pod == NULL || other->pod->scope != policy->scope)
		return false;
	ns = find_namespace(o, other->pod->scope, other->pod->ns);
	forced.name = ns->name;
	forced.cluster = o->scopes[ns->scope].cluster;
	if (peer->ns_selector == NULL && strcmp(policy->ns, other->pod->ns) != 0)
		return false;
	if (peer->ns_selector != NULL && !selects(peer->ns_selector, ns->labels, &forced))
		return false;
	return peer->pod_selector == NULL || selects(peer->pod_selector, other->pod->labels, NULL);
}

/* A named port means the numbers that the destination pod gives that name for that protocol. */
static bool port_matches(
	const struct o_port *port, const struct o_pod *dst, const struct oracle_tuple *t)
{
	if (port->protocol != t->protocol)
		return false;
	if (port->name == NULL)
		return port->lo <= t->dport && t->dport <= port->hi;
	for (size_t i = 0; dst != NULL && i < dst->n_ports; i++)
		if (strcmp(dst->ports[i].name, port->name) == 0 &&
			dst->ports[i].protocol == t->protocol && dst->ports[i].number == t->dport)
			return true;
	return false;
}

static bool rule_allows(const struct oracle *o, const struct o_policy *policy,
	const struct o_rule *rule, const struct party *other, const struct o_pod *dst,
	const struct oracle_tuple *t)
{
	bool peer = rule->any_peer, port = rule->any_port;

	for (size_t i = 0; i < rule->n_peers && !peer; i++)
		peer = peer_matches(o, policy, &rule->peers[i], other);
	for (size_t i = 0; i < rule->n_ports && !port; i++)
		port = port_matches(&rule->ports[i], dst, t);
	return peer && port;
}

static void __attribute__((format(printf, 3, 4)))
answer_with(struct oracle_side *side, enum tg_action action, const char *fmt, ...)
{
	va_list args;

	side->action = action;
	va_start(args, fmt);
	vsnprintf(side->reason, sizeof(side->reason), fmt, args);
	va_end(args);
}

static void answer_builtin(
	struct oracle_side *side, enum tg_action action, enum tg_builtin_rule rule)
{
	answer_with(side, action, "builtin %s", tg_builtin_label(rule));
}

static enum tg_action default_action(const struct oracle *o, enum tg_direction dir)
{
	switch (o->options->default_action[dir]) {
	case ORACLE_AUDIT:
		return TG_ACTION_AUDIT;
	case ORACLE_KUBERNETES:
		return TG_ACTION_ALLOW;
	default:
		return TG_ACTION_DENY;
	}
}

static bool isolates(const struct o_policy *policy, enum tg_direction dir, const struct o_pod *pod)
{
	return policy->isolates[dir] && policy->scope == pod->scope &&
	       strcmp(policy->ns, pod->ns) == 0 && selects(policy->pod_selector, pod->labels, NULL);
}

/* What the policies say about pod `self` towards `other`. */
static void judge_pod(const struct oracle *o, enum tg_direction dir, const struct party *self,
	const struct party *other, const struct oracle_tuple *t, struct oracle_side *side)
{
	const struct o_pod *dst = dir == TG_EGRESS ? other->pod : self->pod;
	char names[ORACLE_REASON_MAX] = "", buf[CALLED_MAX];
	const char *ns = called(o, self->pod->scope, self->pod->ns, buf);

	for (size_t i = 0; i < o->cluster.n_policies; i++) {
		const struct o_policy *policy = &o->cluster.policies[i];

		if (!isolates(policy, dir, self->pod))
			continue;
		for (size_t k = 0; k < policy->n_rules[dir]; k++)
			if (rule_allows(o, policy, &policy->rules[dir][k], other, dst, t)) {
				answer_with(side, TG_ACTION_ALLOW, "policy %s/%s %zu", ns,
					policy->name, k);
				return;
			}
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			*names != '\0' ? ", " : "", policy->name);
	}
	if (*names != '\0')
		answer_with(side, TG_ACTION_DENY, "implicit %s: %s", ns, names);
	else if (default_action(o, dir) == TG_ACTION_ALLOW)
		answer_builtin(side, TG_ACTION_ALLOW, TG_BUILTIN_DEFAULT_ALLOW);
	else
		answer_with(side, default_action(o, dir), "baseline %s", ns);
}

/* One side: what governs `self` in direction `dir`. */
static void judge_side(const struct oracle *o, enum tg_direction dir, const struct party *self,
	const struct party *other, const struct oracle_tuple *t, struct oracle_side *side)
{
	switch (self->kind) {
	case TG_KIND_POD:
		judge_pod(o, dir, self, other, t, side);
		return;
	case TG_KIND_UNKNOWN:
		answer_builtin(side, TG_ACTION_DENY, TG_BUILTIN_UNKNOWN_ENDPOINT);
		return;
	case TG_KIND_SERVICE:
		answer_builtin(side, TG_ACTION_DENY, TG_BUILTIN_SERVICE_ADDRESS);
		return;
	case TG_KIND_CONFLICT:
		answer_builtin(side, TG_ACTION_DENY, TG_BUILTIN_ADDRESS_CONFLICT);
		return;
	case TG_KIND_NODE:
		if (other->kind == TG_KIND_NODE || other->kind == TG_KIND_WORLD) {
			answer_builtin(side, default_action(o, dir), TG_BUILTIN_NODE_DEFAULT);
			return;
		}
		break;
	case TG_KIND_WORLD:
		if (other->kind == TG_KIND_WORLD) {
			answer_builtin(side,
				o->options->transit_allow ? TG_ACTION_ALLOW : TG_ACTION_DENY,
				TG_BUILTIN_TRANSIT);
			return;
		}
		break;
	default:
		break;
	}
	answer_builtin(side, TG_ACTION_ALLOW, TG_BUILTIN_NOT_SUBJECT);
}

/* Prefix text, or NULL for "every node". */
static bool infra_end_matches(const char *text, const struct party *party)
{
	struct tg_prefix prefix;

	if (text == NULL)
		return party->kind == TG_KIND_NODE;
	return objects_prefix(text, &prefix) == 0 && in_prefix(&prefix, &party->addr);
}

/* The first configured tuple that matches; only nodes and outside addresses are sources. */
static const struct oracle_infrastructure *find_infrastructure(const struct oracle *o,
	const struct party *src, const struct party *dst, const struct oracle_tuple *t)
{
	if (src->kind != TG_KIND_NODE && src->kind != TG_KIND_WORLD)
		return NULL;
	for (size_t i = 0; i < o->options->n_infrastructure; i++) {
		const struct oracle_infrastructure *infra = &o->options->infrastructure[i];

		if (infra->zone == t->zone && infra->protocol == t->protocol &&
			infra->lo <= t->dport && t->dport <= infra->hi &&
			infra_end_matches(infra->from, src) && infra_end_matches(infra->to, dst))
			return infra;
	}
	return NULL;
}

static bool own_node(const struct party *src, const struct party *dst)
{
	return src->node != NULL && dst->pod != NULL && src->node->scope == dst->pod->scope &&
	       strcmp(src->node->name, dst->pod->node) == 0;
}

static enum tg_action together(enum tg_action a, enum tg_action b)
{
	if (a == TG_ACTION_DENY || b == TG_ACTION_DENY)
		return TG_ACTION_DENY;
	return a == TG_ACTION_AUDIT || b == TG_ACTION_AUDIT ? TG_ACTION_AUDIT : TG_ACTION_ALLOW;
}

/* Does anybody speak of this zone? */
static bool is_zone(const struct oracle *o, uint16_t zone)
{
	const struct oracle_options *options = o->options;
	bool found = false;

	for (size_t i = 0; i < o->n_scopes; i++)
		found |= o->scopes[i].zone == zone;
	for (size_t i = 0; i < options->n_pod_ranges; i++)
		found |= options->pod_ranges[i].zone == zone;
	for (size_t i = 0; i < options->n_node_addrs; i++)
		found |= options->node_addrs[i].zone == zone;
	for (size_t i = 0; i < options->n_infrastructure; i++)
		found |= options->infrastructure[i].zone == zone;
	return found;
}

void oracle_judge(
	const struct oracle *oracle, const struct oracle_tuple *tuple, struct oracle_answer *answer)
{
	struct party src = identify(oracle, tuple->zone, &tuple->src);
	struct party dst = identify(oracle, tuple->zone, &tuple->dst);
	struct oracle_side *egress = &answer->side[TG_EGRESS];
	struct oracle_side *ingress = &answer->side[TG_INGRESS];
	const struct oracle_infrastructure *infra = find_infrastructure(oracle, &src, &dst, tuple);

	if (!is_zone(oracle, tuple->zone)) {
		answer_builtin(egress, TG_ACTION_DENY, TG_BUILTIN_FAIL_CLOSED);
		answer_builtin(ingress, TG_ACTION_DENY, TG_BUILTIN_FAIL_CLOSED);
	} else if (infra != NULL) {
		answer_with(egress, TG_ACTION_ALLOW, "infrastructure %s", infra->name);
		answer_with(ingress, TG_ACTION_ALLOW, "infrastructure %s", infra->name);
	} else {
		judge_side(oracle, TG_EGRESS, &src, &dst, tuple, egress);
		judge_side(oracle, TG_INGRESS, &dst, &src, tuple, ingress);
		if (ingress->action == TG_ACTION_DENY && own_node(&src, &dst))
			answer_builtin(ingress, TG_ACTION_ALLOW, TG_BUILTIN_OWN_NODE);
	}
	answer->action = together(egress->action, ingress->action);
}

struct oracle *oracle_create(const cJSON *list, const struct oracle_options *options)
{
	static const struct oracle_scope only = {0};
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	bool implicit;

	if (oracle == NULL)
		return NULL;
	oracle->options = options;
	oracle->scopes = options->n_scopes > 0 ? options->scopes : &only;
	oracle->n_scopes = options->n_scopes > 0 ? options->n_scopes : 1;
	oracle->arena = tg_arena_create(0);
	/* Manifests, if there are any, are number 0. */
	implicit = options->implicit_namespaces && oracle->scopes[0].cluster == NULL;
	if (oracle->arena == NULL ||
		objects_read(oracle->arena, list, implicit, &oracle->cluster) != 0) {
		oracle_free(oracle);
		errno = EINVAL;
		return NULL;
	}
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	if (oracle == NULL)
		return;
	tg_arena_free(oracle->arena);
	free(oracle);
}

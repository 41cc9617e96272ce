/* SPDX-License-Identifier: BSD-3-Clause */
#include "nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"

__attribute__((format(printf, 3, 4))) static void miss(
	struct tg_miss *out, const char *field, const char *fmt, ...)
{
	struct tg_miss_field *slot;
	va_list ap;

	if (out->n_failed++ >= TG_MISS_FIELDS)
		return;
	slot = &out->failed[out->n_failed - 1];
	slot->field = field;
	va_start(ap, fmt);
	vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
	va_end(ap);
}

/* "in (a, b)" and the like: what a requirement asks of its key. */
static void describe_requirement(
	const struct tg_intern *strings, const struct tg_requirement *req, char *buf, size_t size)
{
	const char *key = tg_intern_text(strings, req->key);
	size_t used;

	if (req->op == TG_OP_EXISTS || req->op == TG_OP_NOT_EXISTS) {
		snprintf(buf, size, "%s label %.100s", req->op == TG_OP_EXISTS ? "a" : "no", key);
		return;
	}
	if (req->op == TG_OP_IN && req->n_values == 1) {
		snprintf(buf, size, "%.100s=%.100s", key, tg_intern_text(strings, req->values[0]));
		return;
	}
	used = (size_t)snprintf(
		buf, size, "%.100s %s (", key, req->op == TG_OP_IN ? "in" : "not in");
	for (uint32_t i = 0; i < req->n_values && used + 70 < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%.63s", i > 0 ? ", " : "",
			tg_intern_text(strings, req->values[i]));
	snprintf(buf + used, size - used, ")");
}

/* Each requirement of a selector that the labels of `who` fail. */
static void miss_selector(struct tg_miss *out, const char *field, const struct tg_intern *strings,
	const struct tg_selector *selector, const struct tg_labels *labels, const char *who)
{
	char wanted[300], has[200];

	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_selector one = {.reqs = &selector->reqs[i], .n_reqs = 1};
		uint32_t value;

		if (tg_selector_matches(&one, labels))
			continue;
		describe_requirement(strings, &selector->reqs[i], wanted, sizeof(wanted));
		value = tg_labels_get(labels, selector->reqs[i].key);
		if (value == UINT32_MAX)
			snprintf(has, sizeof(has), "no such label");
		else
			snprintf(has, sizeof(has), "%.70s=%.70s",
				tg_intern_text(strings, selector->reqs[i].key),
				tg_intern_text(strings, value));
		miss(out, field, "the rule wants %s, %.120s has %s", wanted, who, has);
	}
}

static void miss_block(
	struct tg_miss *out, const struct tg_side_query *query, const struct tg_peer *peer)
{
	char block[TG_PREFIX_TEXT], except[TG_PREFIX_TEXT], addr[TG_ADDR_TEXT];

	tg_prefix_format(&peer->block, block);
	tg_addr_format(&query->peer_addr, addr);
	if (peer->block.addr.family != query->peer_addr.family) {
		miss(out, "ipBlock.cidr", "%s is no IPv%u block", block, query->peer_addr.family);
		return;
	}
	if (query->peer_unknown) {
		if (peer->block.length != 0 || peer->n_except != 0)
			miss(out, "ipBlock.cidr",
				"the pod has no address yet, so %s cannot be said to match", block);
		return;
	}
	if (!tg_prefix_contains(&peer->block, &query->peer_addr)) {
		miss(out, "ipBlock.cidr", "%s is not in %s", addr, block);
		return;
	}
	for (uint32_t i = 0; i < peer->n_except; i++)
		if (tg_prefix_contains(&peer->except[i], &query->peer_addr)) {
			tg_prefix_format(&peer->except[i], except);
			miss(out, "ipBlock.except", "%s is in %s, but also in except %s", addr,
				block, except);
			out->excepted = true;
			return;
		}
}

static void miss_namespace(struct tg_miss *out, const struct tg_roster *roster,
	const struct tg_side_query *query, const struct tg_policy *policy,
	const struct tg_peer *peer)
{
	const char *peer_ns = tg_intern_text(query->strings, query->peer->ns);
	const struct tg_namespace *ns;
	char who[80];

	if (!peer->has_ns_selector) {
		if (query->peer->ns != policy->ns)
			miss(out, "namespace",
				"a podSelector alone means namespace %s, the pod is in %s",
				tg_intern_text(query->strings, policy->ns), peer_ns);
		return;
	}
	ns = tg_roster_namespace(roster, query->peer->ns);
	if (ns == NULL) {
		miss(out, "namespaceSelector", "namespace %s is not known", peer_ns);
		return;
	}
	snprintf(who, sizeof(who), "namespace %.63s", peer_ns);
	miss_selector(
		out, "namespaceSelector", query->strings, &peer->ns_selector, &ns->labels, who);
}

static void miss_peer(struct tg_miss *out, const struct tg_roster *roster,
	const struct tg_side_query *query, const struct tg_policy *policy,
	const struct tg_peer *peer)
{
	char addr[TG_ADDR_TEXT];

	if (peer->is_block) {
		miss_block(out, query, peer);
		return;
	}
	if (query->peer == NULL) {
		miss(out, "podSelector", "selectors match pods, and %s is no pod's address",
			tg_addr_format(&query->peer_addr, addr));
		return;
	}
	miss_namespace(out, roster, query, policy, peer);
	if (peer->has_pod_selector)
		miss_selector(out, "podSelector", query->strings, &peer->pod_selector,
			&query->peer->labels, tg_intern_text(query->strings, query->peer->name));
}

/* The destination's number for a named port of this protocol; 0: it has none. */
static uint16_t number_of_name(const struct tg_side_query *query, uint32_t name, bool *matches)
{
	uint16_t number = 0;

	*matches = false;
	for (uint32_t i = 0; query->target != NULL && i < query->target->n_ports; i++) {
		const struct tg_named_port *port = &query->target->ports[i];

		if (port->name != name || port->protocol != query->protocol)
			continue;
		number = port->number;
		if (number == query->port) {
			*matches = true;
			return number;
		}
	}
	return number;
}

static void miss_named_port(struct tg_miss *out, const struct tg_side_query *query, uint32_t name)
{
	const char *text = tg_intern_text(query->strings, name);
	bool matches;
	uint16_t number = number_of_name(query, name, &matches);

	if (matches)
		return;
	if (query->target == NULL)
		miss(out, "port", "the named port %s means nothing for an address of no pod", text);
	else if (number == 0)
		miss(out, "port", "%s has no port named %s of this protocol",
			tg_intern_text(query->strings, query->target->name), text);
	else
		miss(out, "port", "the rule wants port %s, which is %u here, not %u", text, number,
			query->port);
}

static void miss_port(
	struct tg_miss *out, const struct tg_side_query *query, const struct tg_policy_port *port)
{
	char want[4], has[4];

	if (port->protocol != query->protocol)
		miss(out, "protocol", "the rule wants %s, not %s",
			tg_protocol_name(port->protocol, want),
			tg_protocol_name(query->protocol, has));
	if (!tg_protocol_has_ports(query->protocol))
		return;
	if (port->named)
		miss_named_port(out, query, port->name);
	else if (query->port >= port->lo && query->port <= port->hi)
		return;
	else if (port->lo == port->hi)
		miss(out, "port", "the rule wants port %u, not %u", port->lo, query->port);
	else
		miss(out, "port", "the rule wants ports %u-%u, not %u", port->lo, port->hi,
			query->port);
}

/*
 * The lesser of two. Of equal ones that with an except, which names the address on purpose, then
 * the earlier one.
 */
static void keep_best(struct tg_miss *best, const struct tg_miss *other, bool *have)
{
	if (!*have || other->n_failed < best->n_failed ||
		(other->n_failed == best->n_failed && other->excepted && !best->excepted))
		*best = *other;
	*have = true;
}

static void append(struct tg_miss *out, const struct tg_miss *more)
{
	out->excepted |= more->excepted;
	for (uint32_t i = 0; i < more->n_failed; i++) {
		if (out->n_failed < TG_MISS_FIELDS && i < TG_MISS_FIELDS)
			out->failed[out->n_failed] = more->failed[i];
		out->n_failed++;
	}
}

static void miss_rule(struct tg_miss *out, const struct tg_roster *roster,
	const struct tg_side_query *query, const struct tg_policy *policy,
	const struct tg_policy_rule *rule)
{
	struct tg_miss peers = {0}, ports = {0}, one;
	bool have = false;

	for (uint32_t i = 0; i < rule->n_peers && !rule->any_peer; i++) {
		one = (struct tg_miss){0};
		miss_peer(&one, roster, query, policy, &rule->peers[i]);
		keep_best(&peers, &one, &have);
	}
	have = false;
	for (uint32_t i = 0; i < rule->n_ports && !rule->any_port; i++) {
		one = (struct tg_miss){0};
		miss_port(&one, query, &rule->ports[i]);
		keep_best(&ports, &one, &have);
	}
	*out = (struct tg_miss){.policy = policy, .rule = rule->index};
	append(out, &peers);
	append(out, &ports);
}

bool tg_policy_isolates(
	const struct tg_policy *policy, const struct tg_pod *pod, enum tg_direction dir)
{
	return policy->ns == pod->ns && policy->side[dir].isolates &&
	       tg_selector_matches(&policy->pod_selector, &pod->labels);
}

bool tg_isolating_json(const struct tg_roster *roster, const struct tg_intern *strings,
	const struct tg_pod *pod, enum tg_direction dir, cJSON *side)
{
	size_t n;
	const struct tg_policy *const *policies = tg_roster_policies(roster, pod->ns, &n);
	char name[600];
	cJSON *list;

	if (cJSON_GetObjectItemCaseSensitive(side, "isolated_by") == NULL)
		return true;
	cJSON_DeleteItemFromObjectCaseSensitive(side, "isolated_by");
	list = cJSON_AddArrayToObject(side, "isolated_by");
	for (size_t i = 0; i < n && list != NULL; i++) {
		if (!tg_policy_isolates(policies[i], pod, dir))
			continue;
		snprintf(name, sizeof(name), "%s/%s", tg_intern_text(strings, policies[i]->ns),
			tg_intern_text(strings, policies[i]->name));
		if (!cJSON_AddItemToArray(list, cJSON_CreateString(name)))
			return false;
	}
	return list != NULL;
}

void tg_nearest_miss(
	const struct tg_roster *roster, const struct tg_side_query *query, struct tg_miss *out)
{
	size_t n;
	const struct tg_policy *const *policies =
		tg_roster_policies(roster, query->subject->ns, &n);
	bool have = false;

	*out = (struct tg_miss){0};
	for (size_t i = 0; i < n; i++) {
		const struct tg_policy_side *side = &policies[i]->side[query->direction];
		struct tg_miss one;

		if (!tg_policy_isolates(policies[i], query->subject, query->direction))
			continue;
		for (uint32_t r = 0; r < side->n_rules; r++) {
			miss_rule(&one, roster, query, policies[i], &side->rules[r]);
			keep_best(out, &one, &have);
		}
	}
}

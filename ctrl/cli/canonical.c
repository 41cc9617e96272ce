/* SPDX-License-Identifier: BSD-3-Clause */
#include "canonical.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[TG_OP_IN] = "In",
	[TG_OP_NOT_IN] = "NotIn",
	[TG_OP_EXISTS] = "Exists",
	[TG_OP_NOT_EXISTS] = "DoesNotExist",
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The order of array members: by their compact JSON text. */
struct keyed {
	char *key;
	cJSON *node;
};

static int compare_keyed(const void *a, const void *b)
{
	return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

static void put_back(cJSON *array, struct keyed *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && items[i].key != NULL && strcmp(items[i].key, items[i - 1].key) == 0)
			cJSON_Delete(items[i].node);
		else
			cJSON_AddItemToArray(array, items[i].node);
	}
	for (size_t i = 0; i < n; i++)
		cJSON_free(items[i].key);
}

/* Sorts an array of trees and drops duplicates. 0 or -ENOMEM (the array is then unsorted). */
static int sort_array(cJSON *array)
{
	size_t n = (size_t)cJSON_GetArraySize(array);
	struct keyed *items = calloc(n + 1, sizeof(*items));
	int rc = 0;

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		items[i].node = cJSON_DetachItemFromArray(array, 0);
		items[i].key = cJSON_PrintUnformatted(items[i].node);
		if (items[i].key == NULL)
			rc = -ENOMEM;
	}
	if (rc == 0)
		qsort(items, n, sizeof(*items), compare_keyed);
	put_back(array, items, rc == 0 ? n : 0);
	free(items);
	return rc;
}

static int add_texts(cJSON *object, const char *name, const struct tg_intern *strings,
	const uint32_t *ids, uint32_t n)
{
	const char **texts = calloc(n + 1, sizeof(*texts));
	cJSON *array = texts != NULL ? cJSON_AddArrayToObject(object, name) : NULL;
	int rc = array != NULL ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && rc == 0; i++)
		texts[i] = tg_intern_text(strings, ids[i]);
	if (rc == 0)
		qsort(texts, n, sizeof(*texts), compare_texts);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		cJSON *item = cJSON_CreateString(texts[i]);

		if (item == NULL || !cJSON_AddItemToArray(array, item))
			rc = -ENOMEM;
	}
	free(texts);
	return rc;
}

static int add_expression(
	cJSON *array, const struct tg_intern *strings, const struct tg_requirement *req)
{
	cJSON *item = cJSON_CreateObject();

	if (item == NULL || !cJSON_AddItemToArray(array, item))
		return -ENOMEM;
	if (cJSON_AddStringToObject(item, "key", tg_intern_text(strings, req->key)) == NULL ||
		cJSON_AddStringToObject(item, "operator", op_names[req->op]) == NULL)
		return -ENOMEM;
	if (req->op == TG_OP_EXISTS || req->op == TG_OP_NOT_EXISTS)
		return 0;
	return add_texts(item, "values", strings, req->values, req->n_values);
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* Sorts an object's members by name. */
static int sort_members(cJSON *object)
{
	size_t n = (size_t)cJSON_GetArraySize(object);
	cJSON **items = calloc(n + 1, sizeof(cJSON *));

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i] = cJSON_DetachItemViaPointer(object, object->child);
	qsort(items, n, sizeof(cJSON *), compare_labels);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(object, items[i]); /* keeps the member's name */
	free(items);
	return 0;
}

static bool is_single(const struct tg_requirement *req)
{
	return req->op == TG_OP_IN && req->n_values == 1;
}

/*
 * A matchLabels entry can say it: one value, and no other such requirement for the key (two would
 * contradict each other, and which of them became the label would be a matter of chance).
 */
static bool is_label(const struct tg_selector *selector, const struct tg_requirement *req)
{
	if (!is_single(req))
		return false;
	for (uint32_t i = 0; i < selector->n_reqs; i++)
		if (&selector->reqs[i] != req && selector->reqs[i].key == req->key &&
			is_single(&selector->reqs[i]))
			return false;
	return true;
}

static int add_label(
	cJSON *labels, const struct tg_intern *strings, const struct tg_requirement *req)
{
	return cJSON_AddStringToObject(labels, tg_intern_text(strings, req->key),
		       tg_intern_text(strings, req->values[0])) != NULL
		       ? 0
		       : -ENOMEM;
}

static int add_requirements(cJSON *labels, cJSON *expressions, const struct tg_intern *strings,
	const struct tg_selector *selector)
{
	int rc = 0;

	for (uint32_t i = 0; i < selector->n_reqs && rc == 0; i++) {
		const struct tg_requirement *req = &selector->reqs[i];

		rc = is_label(selector, req) ? add_label(labels, strings, req)
					     : add_expression(expressions, strings, req);
	}
	if (rc == 0)
		rc = sort_members(labels);
	return rc == 0 ? sort_array(expressions) : rc;
}

static void add_unless_empty(cJSON *object, const char *name, cJSON *member)
{
	if (member == NULL || member->child == NULL)
		cJSON_Delete(member);
	else
		cJSON_AddItemToObject(object, name, member);
}

static int add_selector(cJSON *object, const char *name, const struct tg_intern *strings,
	const struct tg_selector *selector)
{
	cJSON *tree = cJSON_AddObjectToObject(object, name);
	cJSON *labels = cJSON_CreateObject(), *expressions = cJSON_CreateArray();
	int rc = -ENOMEM;

	if (tree != NULL && labels != NULL && expressions != NULL)
		rc = add_requirements(labels, expressions, strings, selector);
	if (rc != 0) {
		cJSON_Delete(labels);
		cJSON_Delete(expressions);
		return rc;
	}
	add_unless_empty(tree, "matchExpressions", expressions);
	add_unless_empty(tree, "matchLabels", labels);
	return 0;
}

static int add_block(cJSON *object, const struct tg_peer *peer)
{
	cJSON *block = cJSON_AddObjectToObject(object, "ipBlock"), *except;
	char text[TG_PREFIX_TEXT];

	if (block == NULL || cJSON_AddStringToObject(
				     block, "cidr", tg_prefix_format(&peer->block, text)) == NULL)
		return -ENOMEM;
	if (peer->n_except == 0)
		return 0;
	except = cJSON_AddArrayToObject(block, "except");
	for (uint32_t i = 0; i < peer->n_except && except != NULL; i++)
		if (!cJSON_AddItemToArray(
			    except, cJSON_CreateString(tg_prefix_format(&peer->except[i], text))))
			return -ENOMEM;
	return except != NULL ? sort_array(except) : -ENOMEM;
}

static int fill_peer(cJSON *object, const struct tg_intern *strings, const struct tg_peer *peer)
{
	int rc = 0;

	if (peer->is_block)
		return add_block(object, peer);
	if (peer->has_ns_selector)
		rc = add_selector(object, "namespaceSelector", strings, &peer->ns_selector);
	/* Beside a namespaceSelector an empty podSelector says nothing. */
	if (rc == 0 && (!peer->has_ns_selector || peer->pod_selector.n_reqs != 0))
		rc = add_selector(object, "podSelector", strings, &peer->pod_selector);
	return rc;
}

static int fill_port(
	cJSON *object, const struct tg_intern *strings, const struct tg_policy_port *port)
{
	bool every = !port->named && port->lo == 0;
	char text[4];

	if (!port->named && !every && port->hi != port->lo &&
		cJSON_AddNumberToObject(object, "endPort", port->hi) == NULL)
		return -ENOMEM;
	if (port->named && cJSON_AddStringToObject(
				   object, "port", tg_intern_text(strings, port->name)) == NULL)
		return -ENOMEM;
	if (!port->named && !every && cJSON_AddNumberToObject(object, "port", port->lo) == NULL)
		return -ENOMEM;
	return cJSON_AddStringToObject(
		       object, "protocol", tg_protocol_name(port->protocol, text)) != NULL
		       ? 0
		       : -ENOMEM;
}

static cJSON *append_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	if (object != NULL && cJSON_AddItemToArray(array, object))
		return object;
	cJSON_Delete(object);
	return NULL;
}

static int add_peers(cJSON *rule_tree, const char *name, const struct tg_intern *strings,
	const struct tg_policy_rule *rule)
{
	cJSON *array = cJSON_AddArrayToObject(rule_tree, name);

	if (array == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		cJSON *object = append_object(array);

		if (object == NULL || fill_peer(object, strings, &rule->peers[i]) != 0)
			return -ENOMEM;
	}
	return sort_array(array);
}

static int add_ports(
	cJSON *rule_tree, const struct tg_intern *strings, const struct tg_policy_rule *rule)
{
	cJSON *array = cJSON_AddArrayToObject(rule_tree, "ports");

	if (array == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		cJSON *object = append_object(array);

		if (object == NULL || fill_port(object, strings, &rule->ports[i]) != 0)
			return -ENOMEM;
	}
	return sort_array(array);
}

static int add_rules(cJSON *spec, enum tg_direction dir, const struct tg_intern *strings,
	const struct tg_policy_side *side)
{
	cJSON *array = cJSON_AddArrayToObject(spec, tg_direction_label(dir));
	const char *peers = dir == TG_EGRESS ? "to" : "from";
	int rc = array != NULL ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < side->n_rules && rc == 0; i++) {
		const struct tg_policy_rule *rule = &side->rules[i];
		cJSON *tree = append_object(array);

		if (tree == NULL)
			return -ENOMEM;
		if (dir == TG_INGRESS && !rule->any_peer)
			rc = add_peers(tree, peers, strings, rule);
		if (rc == 0 && !rule->any_port)
			rc = add_ports(tree, strings, rule);
		if (rc == 0 && dir == TG_EGRESS && !rule->any_peer)
			rc = add_peers(tree, peers, strings, rule);
	}
	return rc;
}

static int add_types(cJSON *spec, const struct tg_policy *policy)
{
	cJSON *types = cJSON_AddArrayToObject(spec, "policyTypes");

	if (types == NULL)
		return -ENOMEM;
	if (policy->side[TG_EGRESS].isolates)
		cJSON_AddItemToArray(types, cJSON_CreateString("Egress"));
	if (policy->side[TG_INGRESS].isolates)
		cJSON_AddItemToArray(types, cJSON_CreateString("Ingress"));
	return 0;
}

static int fill_spec(cJSON *spec, const struct tg_intern *strings, const struct tg_policy *policy)
{
	int rc = 0;

	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT && rc == 0; dir++)
		if (policy->side[dir].isolates)
			rc = add_rules(spec, (enum tg_direction)dir, strings, &policy->side[dir]);
	if (rc == 0)
		rc = add_selector(spec, "podSelector", strings, &policy->pod_selector);
	return rc == 0 ? add_types(spec, policy) : rc;
}

static int fill_metadata(
	cJSON *metadata, const struct tg_intern *strings, const struct tg_policy *policy)
{
	cJSON *annotations;

	if (policy->owner != 0) {
		annotations = cJSON_AddObjectToObject(metadata, "annotations");
		if (annotations == NULL ||
			cJSON_AddStringToObject(annotations, "tidegate.dev/owner",
				tg_intern_text(strings, policy->owner)) == NULL)
			return -ENOMEM;
	}
	if (cJSON_AddStringToObject(metadata, "name", tg_intern_text(strings, policy->name)) ==
			NULL ||
		cJSON_AddStringToObject(
			metadata, "namespace", tg_intern_text(strings, policy->ns)) == NULL)
		return -ENOMEM;
	if (policy->uid != 0 && cJSON_AddStringToObject(metadata, "uid",
					tg_intern_text(strings, policy->uid)) == NULL)
		return -ENOMEM;
	return 0;
}

cJSON *tg_canonical_policy(const struct tg_intern *strings, const struct tg_policy *policy)
{
	cJSON *tree = cJSON_CreateObject(), *metadata, *spec;

	if (tree == NULL)
		return NULL;
	if (cJSON_AddStringToObject(tree, "apiVersion", "networking.k8s.io/v1") == NULL ||
		cJSON_AddStringToObject(tree, "kind", "NetworkPolicy") == NULL)
		goto no_memory;
	metadata = cJSON_AddObjectToObject(tree, "metadata");
	spec = cJSON_AddObjectToObject(tree, "spec");
	if (metadata == NULL || spec == NULL || fill_metadata(metadata, strings, policy) != 0 ||
		fill_spec(spec, strings, policy) != 0)
		goto no_memory;
	return tree;

no_memory:
	cJSON_Delete(tree);
	return NULL;
}

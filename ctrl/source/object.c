/* SPDX-License-Identifier: BSD-3-Clause */
#include "object.h"

#include <string.h>

const char *object_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[OBJECT_NAMESPACE] = "Namespace",
		[OBJECT_POD] = "Pod",
		[OBJECT_NODE] = "Node",
		[OBJECT_SERVICE] = "Service",
		[OBJECT_POLICY] = "NetworkPolicy",
	};

	return names[kind];
}

size_t object_count(const struct tg_decoded *d)
{
	return d->namespaces.n + d->pods.n + d->nodes.n + d->services.n + d->policies.n;
}

static struct object make(
	uint32_t kind, uint32_t ns, uint32_t name, const void *object, struct tg_place place)
{
	struct object o = {{kind, ns, name}, object, place};

	return o;
}

struct object object_at(const struct tg_decoded *d, size_t i)
{
	if (i < d->pods.n) {
		const struct tg_pod *o = d->pods.v[i];

		return make(OBJECT_POD, o->ns, o->name, o, o->place);
	}
	i -= d->pods.n;
	if (i < d->namespaces.n) {
		const struct tg_namespace *o = d->namespaces.v[i];

		return make(OBJECT_NAMESPACE, 0, o->name, o, o->place);
	}
	i -= d->namespaces.n;
	if (i < d->nodes.n) {
		const struct tg_node *o = d->nodes.v[i];

		return make(OBJECT_NODE, 0, o->name, o, o->place);
	}
	i -= d->nodes.n;
	if (i < d->services.n) {
		const struct tg_service *o = d->services.v[i];

		return make(OBJECT_SERVICE, o->ns, o->name, o, o->place);
	}
	const struct tg_policy *o = d->policies.v[i - d->services.n];

	return make(OBJECT_POLICY, o->ns, o->name, o, o->place);
}

struct tg_place object_place(uint32_t kind, const void *object)
{
	switch (kind) {
	case OBJECT_NAMESPACE:
		return ((const struct tg_namespace *)object)->place;
	case OBJECT_POD:
		return ((const struct tg_pod *)object)->place;
	case OBJECT_NODE:
		return ((const struct tg_node *)object)->place;
	case OBJECT_SERVICE:
		return ((const struct tg_service *)object)->place;
	default:
		return ((const struct tg_policy *)object)->place;
	}
}

static bool same_labels(const struct tg_labels *a, const struct tg_labels *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

static bool same_addrs(
	const struct tg_addr *a, uint32_t n, const struct tg_addr *b, uint32_t n_other)
{
	if (n != n_other)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (tg_addr_compare(&a[i], &b[i]) != 0)
			return false;
	return true;
}

static bool same_prefixes(
	const struct tg_prefix *a, uint32_t n, const struct tg_prefix *b, uint32_t n_other)
{
	if (n != n_other)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (tg_prefix_compare(&a[i], &b[i]) != 0)
			return false;
	return true;
}

static bool same_namespace(const struct tg_namespace *a, const struct tg_namespace *b)
{
	return a->implicit == b->implicit && a->max_connections == b->max_connections &&
	       same_labels(&a->labels, &b->labels);
}

static bool same_named_ports(const struct tg_pod *a, const struct tg_pod *b)
{
	if (a->n_ports != b->n_ports)
		return false;
	for (uint32_t i = 0; i < a->n_ports; i++) {
		const struct tg_named_port *p = &a->ports[i], *q = &b->ports[i];

		if (p->name != q->name || p->number != q->number || p->protocol != q->protocol)
			return false;
	}
	return true;
}

static bool same_pod(const struct tg_pod *a, const struct tg_pod *b)
{
	return a->zone == b->zone && a->uid == b->uid && a->node == b->node &&
	       a->host_network == b->host_network && a->finished == b->finished &&
	       a->terminating == b->terminating && a->created_at == b->created_at &&
	       same_labels(&a->labels, &b->labels) &&
	       same_addrs(a->addrs, a->n_addrs, b->addrs, b->n_addrs) && same_named_ports(a, b);
}

static bool same_node(const struct tg_node *a, const struct tg_node *b)
{
	return a->zone == b->zone && same_labels(&a->labels, &b->labels) &&
	       same_addrs(a->addrs, a->n_addrs, b->addrs, b->n_addrs) &&
	       same_prefixes(a->pod_cidrs, a->n_pod_cidrs, b->pod_cidrs, b->n_pod_cidrs);
}

static bool same_service(const struct tg_service *a, const struct tg_service *b)
{
	return a->zone == b->zone && same_addrs(a->addrs, a->n_addrs, b->addrs, b->n_addrs);
}

static bool same_peer(const struct tg_peer *a, const struct tg_peer *b)
{
	return a->is_block == b->is_block && a->has_ns_selector == b->has_ns_selector &&
	       a->has_pod_selector == b->has_pod_selector &&
	       tg_selector_equal(&a->ns_selector, &b->ns_selector) &&
	       tg_selector_equal(&a->pod_selector, &b->pod_selector) &&
	       tg_prefix_compare(&a->block, &b->block) == 0 &&
	       same_prefixes(a->except, a->n_except, b->except, b->n_except);
}

static bool same_policy_port(const struct tg_policy_port *a, const struct tg_policy_port *b)
{
	return a->protocol == b->protocol && a->named == b->named && a->name == b->name &&
	       a->lo == b->lo && a->hi == b->hi;
}

static bool same_rule(const struct tg_policy_rule *a, const struct tg_policy_rule *b)
{
	if (a->any_peer != b->any_peer || a->any_port != b->any_port || a->index != b->index ||
		a->n_peers != b->n_peers || a->n_ports != b->n_ports)
		return false;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (!same_peer(&a->peers[i], &b->peers[i]))
			return false;
	for (uint32_t i = 0; i < a->n_ports; i++)
		if (!same_policy_port(&a->ports[i], &b->ports[i]))
			return false;
	return true;
}

static bool same_side(const struct tg_policy_side *a, const struct tg_policy_side *b)
{
	if (a->isolates != b->isolates || a->n_rules != b->n_rules)
		return false;
	for (uint32_t i = 0; i < a->n_rules; i++)
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

static bool same_policy(const struct tg_policy *a, const struct tg_policy *b)
{
	if (a->zone != b->zone || a->uid != b->uid || a->owner != b->owner ||
		!tg_selector_equal(&a->pod_selector, &b->pod_selector))
		return false;
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++)
		if (!same_side(&a->side[i], &b->side[i]))
			return false;
	return true;
}

bool object_same(uint32_t kind, const void *a, const void *b)
{
	switch (kind) {
	case OBJECT_NAMESPACE:
		return same_namespace(a, b);
	case OBJECT_POD:
		return same_pod(a, b);
	case OBJECT_NODE:
		return same_node(a, b);
	case OBJECT_SERVICE:
		return same_service(a, b);
	case OBJECT_POLICY:
		return same_policy(a, b);
	}
	return false;
}

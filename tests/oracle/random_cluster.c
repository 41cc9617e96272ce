/* SPDX-License-Identifier: BSD-3-Clause */
#include "random_cluster.h"

#include <stdio.h>
#include <string.h>

#define METADATA_NAME "kubernetes.io/metadata.name"
#define CLUSTER_LABEL "tidegate.dev/cluster"
#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define PICK(rng, array) ((array)[tg_rng_below(rng, COUNT(array))])

static const char *const namespace_names[] = {"a", "b", "c", "default"};
static const char *const label_keys[] = {"app", "tier", "example.com/env"};
static const char *const label_values[] = {"x", "y", "z", ""};
static const char *const port_names[] = {"http", "dns", "m"};
static const char *const protocols[] = {"TCP", "TCP", "UDP", "SCTP"};
static const int port_numbers[] = {1, 53, 79, 80, 81, 443, 8080, 65534, 65535};
static const char *const timestamps[] = {
	"2024-03-01T10:00:00Z", "2024-03-01T10:00:01Z", "2023-12-31T23:59:59Z"};
static const char *const node_names[] = {"n0", "n1", "n2"};

static cJSON *object_of(const char *key, cJSON *value)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToObject(object, key, value);
	return object;
}

/* The three ways to have no list. */
static void add_no_list(cJSON *object, const char *key, struct tg_rng *rng)
{
	switch (tg_rng_below(rng, 3)) {
	case 0:
		cJSON_AddNullToObject(object, key);
		break;
	case 1:
		cJSON_AddArrayToObject(object, key);
		break;
	default:
		break;
	}
}

static cJSON *make_labels(struct tg_rng *rng)
{
	cJSON *labels = cJSON_CreateObject();

	for (uint32_t i = 0; i < COUNT(label_keys); i++) {
		if (tg_rng_percent(rng, 40))
			continue;
		if (tg_rng_percent(rng, 6))
			cJSON_AddNullToObject(labels, label_keys[i]);
		else
			cJSON_AddStringToObject(labels, label_keys[i], PICK(rng, label_values));
	}
	return labels;
}

static cJSON *make_object(const char *version, const char *kind, const char *ns, const char *name)
{
	cJSON *object = object_of("apiVersion", cJSON_CreateString(version));
	cJSON *metadata;

	cJSON_AddStringToObject(object, "kind", kind);
	metadata = cJSON_AddObjectToObject(object, "metadata");
	cJSON_AddStringToObject(metadata, "name", name);
	if (ns != NULL)
		cJSON_AddStringToObject(metadata, "namespace", ns);
	return object;
}

static cJSON *metadata_of(cJSON *object)
{
	return cJSON_GetObjectItemCaseSensitive(object, "metadata");
}

static cJSON *make_namespace(struct tg_rng *rng, const char *name)
{
	cJSON *object = make_object("v1", "Namespace", NULL, name);
	cJSON *labels = make_labels(rng);

	if (tg_rng_percent(rng, 25)) /* overridden whatever it says */
		cJSON_AddStringToObject(labels, METADATA_NAME, PICK(rng, namespace_names));
	if (tg_rng_percent(rng, 10)) /* the same where there are several clusters */
		cJSON_AddStringToObject(labels, CLUSTER_LABEL, PICK(rng, namespace_names));
	cJSON_AddItemToObject(metadata_of(object), "labels", labels);
	if (tg_rng_percent(rng, 10))
		cJSON_AddStringToObject(
			metadata_of(object), "deletionTimestamp", PICK(rng, timestamps));
	return object;
}

/* ---- addresses ---- */

static const char *format(char buf[64], const char *fmt, unsigned int a, unsigned int b)
{
	snprintf(buf, 64, fmt, a, b);
	return buf;
}

/* Pods are at 10.1.0-1.2-201 and fd00:1:0:0-1::2-c9; half of them so close that they collide. */
static const char *pod_addr(char buf[64], struct tg_rng *rng, bool v6)
{
	unsigned int net = tg_rng_below(rng, 2);
	unsigned int host = 2 + tg_rng_below(rng, tg_rng_percent(rng, 50) ? 12 : 200);

	return format(buf, v6 ? "fd00:1:0:%x::%x" : "10.1.%u.%u", net, host);
}

/* Addresses around which prefixes are drawn. */
static const char *any_addr(char buf[64], struct tg_rng *rng, bool v6)
{
	static const char *const v4s[] = {"0.0.0.0", "10.0.0.0", "10.1.0.0", "10.1.0.1",
		"10.96.0.5", "192.168.0.1", "8.8.8.8", "203.0.113.9", "255.255.255.255",
		"127.255.255.255", "128.0.0.0", "010.001.000.007"};
	static const char *const v6s[] = {"::", "fd00:1::", "fd00:1:0:1::", "fd00:2::1",
		"2001:db8::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:1::ff",
		"2001:db8:0:1::8"};

	if (tg_rng_percent(rng, 50))
		return pod_addr(buf, rng, v6);
	return v6 ? PICK(rng, v6s) : PICK(rng, v4s);
}

/* Host bits of the address stay set: to mask them is the reader's business. */
static cJSON *make_cidr(const char *addr, int length, bool mapped)
{
	char text[128];

	snprintf(text, sizeof(text), "%s%s/%d", mapped ? "::ffff:" : "", addr,
		mapped ? length + 96 : length);
	return cJSON_CreateString(text);
}

/* Octets with leading zeros have no IPv4-mapped spelling. */
static bool can_be_mapped(const char *addr)
{
	return addr[0] != '0' || addr[1] == '.';
}

/*
 * Excepted are longer prefixes of addresses inside the block: derived from the block's own address,
 * so that they are inside whatever its length, or of a pod when the block has everything.
 */
static void add_excepts(
	cJSON *block, struct tg_rng *rng, const char *addr, int length, bool v6, bool mapped)
{
	cJSON *list = cJSON_AddArrayToObject(block, "except");
	int most = v6 ? 128 : 32;
	uint32_t n = 1 + tg_rng_below(rng, 3);
	char buf[64];

	while (n-- > 0 && length < most) {
		const char *base = length == 0 ? any_addr(buf, rng, v6) : addr;
		int longer = length + 1 + (int)tg_rng_below(rng, (uint32_t)(most - length));
		bool map = can_be_mapped(base) && !v6 && (mapped || tg_rng_percent(rng, 10));

		if (mapped && !map)
			continue;
		cJSON_AddItemToArray(list, make_cidr(base, longer, map));
	}
}

static int random_length(struct tg_rng *rng, bool v6)
{
	static const int v4s[] = {0, 1, 8, 15, 16, 17, 23, 24, 25, 28, 30, 31, 32};
	static const int v6s[] = {0, 1, 7, 32, 48, 63, 64, 65, 96, 120, 124, 127, 128};

	if (tg_rng_percent(rng, 20))
		return (int)tg_rng_below(rng, v6 ? 129 : 33);
	return v6 ? PICK(rng, v6s) : PICK(rng, v4s);
}

static cJSON *make_block(struct tg_rng *rng)
{
	cJSON *block = cJSON_CreateObject();
	bool v6 = tg_rng_percent(rng, 30), mapped;
	int length = random_length(rng, v6);
	const char *addr;
	char buf[64];

	addr = any_addr(buf, rng, v6);
	mapped = !v6 && can_be_mapped(addr) && tg_rng_percent(rng, 10);
	cJSON_AddItemToObject(block, "cidr", make_cidr(addr, length, mapped));
	if (tg_rng_percent(rng, 45))
		add_excepts(block, rng, addr, length, v6, mapped);
	else
		add_no_list(block, "except", rng);
	return block;
}

/* ---- policies ---- */

static void add_match_labels(cJSON *selector, struct tg_rng *rng, const char *extra)
{
	cJSON *labels = cJSON_AddObjectToObject(selector, "matchLabels");
	uint32_t n = tg_rng_below(rng, 3);

	if (extra != NULL && tg_rng_percent(rng, 40))
		cJSON_AddStringToObject(labels, extra, PICK(rng, namespace_names));
	for (uint32_t i = 0; i < n; i++) {
		const char *key = label_keys[(i + n) % COUNT(label_keys)];

		if (tg_rng_percent(rng, 4))
			cJSON_AddNullToObject(labels, key);
		else
			cJSON_AddStringToObject(labels, key, PICK(rng, label_values));
	}
}

static cJSON *make_expression(struct tg_rng *rng, const char *extra)
{
	static const char *const ops[] = {"In", "NotIn", "Exists", "DoesNotExist"};
	bool name = extra != NULL && tg_rng_percent(rng, 30);
	uint32_t op = tg_rng_below(rng, 4), n = 1 + tg_rng_below(rng, 3);
	cJSON *expression, *values;

	expression = object_of("key", cJSON_CreateString(name ? extra : PICK(rng, label_keys)));
	cJSON_AddStringToObject(expression, "operator", ops[op]);
	if (op >= 2) {
		add_no_list(expression, "values", rng);
		return expression;
	}
	values = cJSON_AddArrayToObject(expression, "values");
	while (n-- > 0)
		cJSON_AddItemToArray(values, cJSON_CreateString(name ? PICK(rng, namespace_names)
								     : PICK(rng, label_values)));
	return expression;
}

/* `extra` is one more key that may be used, or NULL. */
static cJSON *make_selector(struct tg_rng *rng, const char *extra)
{
	cJSON *selector = cJSON_CreateObject(), *list;
	uint32_t n = 1 + tg_rng_below(rng, 2);

	if (tg_rng_percent(rng, 20))
		return selector;
	if (tg_rng_percent(rng, 60))
		add_match_labels(selector, rng, extra);
	else if (tg_rng_percent(rng, 10))
		cJSON_AddNullToObject(selector, "matchLabels");
	if (tg_rng_percent(rng, 50)) {
		add_no_list(selector, "matchExpressions", rng);
		return selector;
	}
	list = cJSON_AddArrayToObject(selector, "matchExpressions");
	while (n-- > 0)
		cJSON_AddItemToArray(list, make_expression(rng, extra));
	return selector;
}

static cJSON *make_peer(struct tg_rng *rng)
{
	const char *extra = tg_rng_percent(rng, 85) ? METADATA_NAME : CLUSTER_LABEL;
	uint32_t roll = tg_rng_below(rng, 100);
	cJSON *peer = cJSON_CreateObject();

	if (roll < 40) {
		cJSON_AddItemToObject(peer, "ipBlock", make_block(rng));
		return peer;
	}
	if (roll < 60 || roll >= 75)
		cJSON_AddItemToObject(peer, "podSelector", make_selector(rng, NULL));
	if (roll >= 60)
		cJSON_AddItemToObject(peer, "namespaceSelector", make_selector(rng, extra));
	return peer;
}

static cJSON *make_policy_port(struct tg_rng *rng)
{
	uint32_t roll = tg_rng_below(rng, 100);
	int number = PICK(rng, port_numbers), end;
	cJSON *port;

	if (roll < 4)
		return cJSON_CreateNull();
	port = cJSON_CreateObject();
	if (roll < 8)
		return port;
	if (tg_rng_percent(rng, 80))
		cJSON_AddStringToObject(port, "protocol", PICK(rng, protocols));
	if (roll < 20)
		return port;
	if (roll < 45) {
		cJSON_AddStringToObject(port, "port", PICK(rng, port_names));
		return port;
	}
	cJSON_AddNumberToObject(port, "port", number);
	if (roll >= 75) {
		end = number + (int)tg_rng_below(rng, tg_rng_percent(rng, 50) ? 4 : 70000);
		cJSON_AddNumberToObject(port, "endPort", end > 65535 ? 65535 : end);
	}
	return port;
}

static cJSON *make_rule(struct tg_rng *rng, const char *peers_key)
{
	cJSON *rule = cJSON_CreateObject(), *list;
	uint32_t n;

	if (tg_rng_percent(rng, 8))
		return rule;
	if (tg_rng_percent(rng, 15)) {
		add_no_list(rule, peers_key, rng);
	} else {
		list = cJSON_AddArrayToObject(rule, peers_key);
		for (n = 1 + tg_rng_below(rng, 3); n > 0; n--)
			cJSON_AddItemToArray(list, make_peer(rng));
	}
	if (tg_rng_percent(rng, 25)) {
		add_no_list(rule, "ports", rng);
	} else {
		list = cJSON_AddArrayToObject(rule, "ports");
		for (n = 1 + tg_rng_below(rng, 3); n > 0; n--)
			cJSON_AddItemToArray(list, make_policy_port(rng));
	}
	return rule;
}

static void add_rules(cJSON *spec, struct tg_rng *rng, const char *key, const char *peers_key)
{
	uint32_t n = 1 + tg_rng_below(rng, 3);
	cJSON *list;

	if (tg_rng_percent(rng, 30)) {
		add_no_list(spec, key, rng);
		return;
	}
	list = cJSON_AddArrayToObject(spec, key);
	while (n-- > 0)
		cJSON_AddItemToArray(list, make_rule(rng, peers_key));
}

static void add_policy_types(cJSON *spec, struct tg_rng *rng)
{
	static const char *const types[] = {"Ingress", "Egress"};
	uint32_t n = 1 + tg_rng_below(rng, 2);
	cJSON *list;

	if (tg_rng_percent(rng, 40)) {
		add_no_list(spec, "policyTypes", rng);
		return;
	}
	list = cJSON_AddArrayToObject(spec, "policyTypes");
	while (n-- > 0)
		cJSON_AddItemToArray(list, cJSON_CreateString(PICK(rng, types)));
}

/* Names are numbered downwards, so that the canonical order is not the written one. */
static cJSON *make_policy(struct tg_rng *rng, uint32_t nth)
{
	char name[64];
	cJSON *object = make_object("networking.k8s.io/v1", "NetworkPolicy",
		PICK(rng, namespace_names), format(name, "p%u", 99 - nth, 0));
	cJSON *spec = cJSON_AddObjectToObject(object, "spec");

	cJSON_AddItemToObject(spec, "podSelector", make_selector(rng, NULL));
	add_policy_types(spec, rng);
	add_rules(spec, rng, "ingress", "from");
	add_rules(spec, rng, "egress", "to");
	return object;
}

/* ---- pods, nodes, services ---- */

/* A name occurs once in a container, but may occur in several. */
static cJSON *make_container(struct tg_rng *rng, const char *name)
{
	cJSON *container = object_of("name", cJSON_CreateString(name)), *list, *port;

	if (tg_rng_percent(rng, 15)) {
		add_no_list(container, "ports", rng);
		return container;
	}
	list = cJSON_AddArrayToObject(container, "ports");
	for (uint32_t i = 0; i < COUNT(port_names); i++) {
		if (tg_rng_percent(rng, 45))
			continue;
		port = object_of("containerPort", cJSON_CreateNumber(PICK(rng, port_numbers)));
		if (tg_rng_percent(rng, 85))
			cJSON_AddStringToObject(port, "name", port_names[i]);
		if (tg_rng_percent(rng, 70))
			cJSON_AddStringToObject(port, "protocol", PICK(rng, protocols));
		cJSON_AddItemToArray(list, port);
	}
	return container;
}

static void add_containers(cJSON *spec, struct tg_rng *rng)
{
	cJSON *list = cJSON_AddArrayToObject(spec, "containers"), *init;

	cJSON_AddItemToArray(list, make_container(rng, "c0"));
	if (tg_rng_percent(rng, 40))
		cJSON_AddItemToArray(list, make_container(rng, "c1"));
	if (tg_rng_percent(rng, 70))
		return;
	list = cJSON_AddArrayToObject(spec, "initContainers");
	init = make_container(rng, "i0");
	if (tg_rng_percent(rng, 50))
		cJSON_AddStringToObject(init, "restartPolicy", "Always");
	cJSON_AddItemToArray(list, init);
}

static void add_pod_addrs(cJSON *status, struct tg_rng *rng)
{
	bool v6 = tg_rng_percent(rng, 25), dual = tg_rng_percent(rng, 30);
	char first[64], second[64];
	cJSON *list;

	pod_addr(first, rng, v6);
	if (tg_rng_percent(rng, 3)) /* an address that a node has as well */
		strcpy(first, v6 ? "fd00:1::1" : "10.1.0.1");
	if (!tg_rng_percent(rng, 10))
		cJSON_AddStringToObject(status, "podIP", first);
	if (!dual && tg_rng_percent(rng, 20)) {
		if (cJSON_GetObjectItemCaseSensitive(status, "podIP") != NULL)
			add_no_list(status, "podIPs", rng);
		return;
	}
	list = cJSON_AddArrayToObject(status, "podIPs");
	cJSON_AddItemToArray(list, object_of("ip", cJSON_CreateString(first)));
	if (dual)
		cJSON_AddItemToArray(
			list, object_of("ip", cJSON_CreateString(pod_addr(second, rng, !v6))));
}

static void add_pod_status(cJSON *pod, struct tg_rng *rng)
{
	static const char *const phases[] = {"Running", "Running", "Running", "Running", "Running",
		"Running", "Pending", "Unknown", "Succeeded", "Failed"};
	cJSON *status = cJSON_AddObjectToObject(pod, "status");

	cJSON_AddStringToObject(status, "phase", PICK(rng, phases));
	if (tg_rng_percent(rng, 96))
		add_pod_addrs(status, rng);
}

static cJSON *make_pod(struct tg_rng *rng, uint32_t nth)
{
	char name[64];
	cJSON *object = make_object(
		"v1", "Pod", PICK(rng, namespace_names), format(name, "pod-%u", nth, 0));
	cJSON *metadata = metadata_of(object), *spec = cJSON_AddObjectToObject(object, "spec");

	if (tg_rng_percent(rng, 92))
		cJSON_AddItemToObject(metadata, "labels", make_labels(rng));
	if (tg_rng_percent(rng, 85))
		cJSON_AddStringToObject(metadata, "creationTimestamp", PICK(rng, timestamps));
	if (tg_rng_percent(rng, 12))
		cJSON_AddStringToObject(metadata, "deletionTimestamp", PICK(rng, timestamps));
	if (tg_rng_percent(rng, 85))
		cJSON_AddStringToObject(spec, "nodeName", PICK(rng, node_names));
	if (tg_rng_percent(rng, 8))
		cJSON_AddTrueToObject(spec, "hostNetwork");
	add_containers(spec, rng);
	add_pod_status(object, rng);
	return object;
}

static void add_node_addr(cJSON *list, const char *type, const char *addr)
{
	cJSON *item = object_of("type", cJSON_CreateString(type));

	cJSON_AddStringToObject(item, "address", addr);
	cJSON_AddItemToArray(list, item);
}

/* Node n: 192.168.0.1+n, and for the first 10.1.0.1 inside a pod range; pods 10.1.n.0/25. */
static cJSON *make_node(struct tg_rng *rng, uint32_t nth)
{
	cJSON *object = make_object("v1", "Node", NULL, node_names[nth]);
	cJSON *spec = cJSON_AddObjectToObject(object, "spec"), *list;
	char buf[64];

	format(buf, "10.1.%u.0/%u", nth, tg_rng_percent(rng, 70) ? 25 : 29);
	if (tg_rng_percent(rng, 40))
		cJSON_AddStringToObject(spec, "podCIDR", buf);
	if (tg_rng_percent(rng, 50)) {
		list = cJSON_AddArrayToObject(spec, "podCIDRs");
		cJSON_AddItemToArray(list, cJSON_CreateString(buf));
		if (tg_rng_percent(rng, 50))
			cJSON_AddItemToArray(
				list, cJSON_CreateString(format(buf, "fd00:1:0:%x::/%u", nth, 64)));
	}
	list = cJSON_AddArrayToObject(cJSON_AddObjectToObject(object, "status"), "addresses");
	add_node_addr(list, "Hostname", node_names[nth]);
	add_node_addr(list, "InternalIP", format(buf, "192.168.0.%u", nth + 1, 0));
	if (nth == 0 && tg_rng_percent(rng, 50))
		add_node_addr(list, "InternalIP", "10.1.0.1");
	if (tg_rng_percent(rng, 50))
		add_node_addr(list, "InternalIP", format(buf, "fd00:2::%x", nth + 1, 0));
	if (tg_rng_percent(rng, 30))
		add_node_addr(list, "ExternalIP", format(buf, "203.0.113.%u", nth + 9, 0));
	return object;
}

static void add_balancer(cJSON *object, struct tg_rng *rng)
{
	cJSON *status = cJSON_AddObjectToObject(object, "status");
	cJSON *list =
		cJSON_AddArrayToObject(cJSON_AddObjectToObject(status, "loadBalancer"), "ingress");

	if (tg_rng_percent(rng, 80))
		cJSON_AddItemToArray(list, object_of("ip", cJSON_CreateString("203.0.113.200")));
	else
		cJSON_AddItemToArray(
			list, object_of("hostname", cJSON_CreateString("lb.example.com")));
}

static cJSON *make_service(struct tg_rng *rng, uint32_t nth)
{
	char buf[64];
	cJSON *object = make_object(
		"v1", "Service", PICK(rng, namespace_names), format(buf, "svc-%u", nth, 0));
	cJSON *spec = cJSON_AddObjectToObject(object, "spec"), *list;
	uint32_t roll = tg_rng_below(rng, 100);

	if (roll < 20) {
		cJSON_AddStringToObject(spec, "clusterIP", "None");
		list = cJSON_AddArrayToObject(spec, "clusterIPs");
		cJSON_AddItemToArray(list, cJSON_CreateString("None"));
	} else {
		format(buf, roll < 80 ? "10.96.0.%u" : "10.1.0.%u", 5 + nth, 0);
		cJSON_AddStringToObject(spec, "clusterIP", buf);
		list = cJSON_AddArrayToObject(spec, "clusterIPs");
		cJSON_AddItemToArray(list, cJSON_CreateString(buf));
		if (tg_rng_percent(rng, 30))
			cJSON_AddItemToArray(
				list, cJSON_CreateString(format(buf, "fd00:3::%x", 5 + nth, 0)));
	}
	if (tg_rng_percent(rng, 25)) {
		list = cJSON_AddArrayToObject(spec, "externalIPs");
		cJSON_AddItemToArray(list, cJSON_CreateString("198.51.100.7"));
	}
	if (tg_rng_percent(rng, 25))
		add_balancer(object, rng);
	return object;
}

/* ---- options ---- */

static uint16_t random_zone(const struct random_cluster *cluster, struct tg_rng *rng)
{
	return cluster->scopes[tg_rng_below(rng, (uint32_t)cluster->options.n_scopes)].zone;
}

static void make_infrastructure(struct random_cluster *cluster, struct tg_rng *rng)
{
	static const char *const names[RANDOM_INFRA_MAX] = {"etcd", "api", "probe"};
	static const char *const v4s[] = {NULL, "192.168.0.0/24", "0.0.0.0/0", "10.1.0.0/16",
		"10.1.0.0/28", "203.0.113.9/32"};
	static const char *const v6s[] = {NULL, "::/0", "fd00:1::/48", "fd00:2::1/128"};
	static const int numbers[] = {6, 6, 17, 1, 47};
	uint32_t n = tg_rng_percent(rng, 50) ? 0 : 1 + tg_rng_below(rng, RANDOM_INFRA_MAX);

	for (uint32_t i = 0; i < n; i++) {
		struct oracle_infrastructure *infra = &cluster->infrastructure[i];
		bool v6 = tg_rng_percent(rng, 20);
		int lo = PICK(rng, port_numbers), hi = lo + (int)tg_rng_below(rng, 3);

		*infra = (struct oracle_infrastructure){.name = names[i],
			.zone = random_zone(cluster, rng),
			.from = v6 ? PICK(rng, v6s) : PICK(rng, v4s),
			.to = v6 ? PICK(rng, v6s) : PICK(rng, v4s),
			.protocol = PICK(rng, numbers),
			.lo = lo,
			.hi = hi > 65535 ? 65535 : hi};
		if (infra->protocol != 6 && infra->protocol != 17) {
			infra->lo = 0;
			infra->hi = 65535;
		}
	}
	cluster->options.infrastructure = cluster->infrastructure;
	cluster->options.n_infrastructure = n;
}

static void make_options(struct random_cluster *cluster, struct tg_rng *rng)
{
	static const char *const ranges[] = {
		"10.1.0.0/16", "10.1.1.0/24", "fd00:1::/48", "10.1.0.0/28", "fd00:1:0:1::/64"};
	struct oracle_options *options = &cluster->options;

	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		options->default_action[dir] = (enum oracle_default)tg_rng_below(rng, 3);
	options->transit_allow = tg_rng_percent(rng, 40);
	options->implicit_namespaces = tg_rng_percent(rng, 50);
	options->n_pod_ranges = tg_rng_below(rng, RANDOM_RANGES_MAX + 1);
	for (size_t i = 0; i < options->n_pod_ranges; i++)
		cluster->pod_ranges[i] =
			(struct oracle_text){PICK(rng, ranges), random_zone(cluster, rng)};
	options->pod_ranges = cluster->pod_ranges;
	if (tg_rng_percent(rng, 30)) {
		cluster->node_addrs[0] =
			(struct oracle_text){"10.1.1.1", random_zone(cluster, rng)};
		cluster->node_addrs[1] =
			(struct oracle_text){"fd00:1::1", random_zone(cluster, rng)};
		options->n_node_addrs = 1 + tg_rng_below(rng, 2);
	}
	options->node_addrs = cluster->node_addrs;
	make_infrastructure(cluster, rng);
}

/*
 * Names of clusters are those of namespaces: what names one may be taken for what names the other.
 * Zones are so few that clusters share them.
 */
static void make_scopes(struct random_cluster *cluster, struct tg_rng *rng, bool several)
{
	uint16_t far = tg_rng_percent(rng, 50) ? 1 : (uint16_t)tg_rng_next(rng);
	size_t n = several && tg_rng_percent(rng, 40) ? 2 + tg_rng_below(rng, 2) : 1;

	if (n == 1)
		far = tg_rng_percent(rng, 70) ? 0 : far;
	for (size_t i = 0; i < n; i++)
		cluster->scopes[i] = (struct oracle_scope){
			n > 1 ? namespace_names[i] : NULL, tg_rng_percent(rng, 40) ? 0 : far};
	if (tg_rng_percent(rng, 50))
		cluster->scopes[0].cluster = NULL;
	cluster->options.scopes = cluster->scopes;
	cluster->options.n_scopes = n;
}

/* Adds the objects of one scope. */
static void make_objects(struct random_cluster *cluster, struct tg_rng *rng, size_t scope)
{
	/* now and then so many that it pays to treat broad selectors apart */
	bool big = tg_rng_percent(rng, 8);
	uint32_t n_pods = 3 + tg_rng_below(rng, big ? 80 : 10);
	uint32_t n_policies = tg_rng_below(rng, big ? 70 : 13);
	uint32_t n_nodes = tg_rng_below(rng, 4), n_services = tg_rng_below(rng, 3);
	cJSON *list = cJSON_CreateArray(), *object;

	for (uint32_t i = 0; i < COUNT(namespace_names); i++)
		if (tg_rng_percent(rng, 80))
			cJSON_AddItemToArray(list, make_namespace(rng, namespace_names[i]));
	for (uint32_t i = 0; i < n_pods; i++)
		cJSON_AddItemToArray(list, make_pod(rng, i));
	for (uint32_t i = 0; i < n_nodes; i++)
		cJSON_AddItemToArray(list, make_node(rng, i));
	for (uint32_t i = 0; i < n_services; i++)
		cJSON_AddItemToArray(list, make_service(rng, i));
	for (uint32_t i = 0; i < n_policies; i++)
		cJSON_AddItemToArray(list, make_policy(rng, i));
	while ((object = cJSON_DetachItemFromArray(list, 0)) != NULL) {
		if (scope != 0)
			cJSON_AddNumberToObject(object, ORACLE_SCOPE, (double)scope);
		cJSON_AddItemToArray(cluster->list, object);
	}
	cJSON_Delete(list);
}

void random_cluster_make(struct random_cluster *cluster, struct tg_rng *rng, bool several)
{
	memset(cluster, 0, sizeof(*cluster));
	cluster->list = cJSON_CreateArray();
	make_scopes(cluster, rng, several);
	for (size_t i = 0; i < cluster->options.n_scopes; i++)
		make_objects(cluster, rng, i);
	make_options(cluster, rng);
}

void random_cluster_clear(struct random_cluster *cluster)
{
	cJSON_Delete(cluster->list);
	cluster->list = NULL;
}

/* ---- churn ---- */

static bool is_pod(const cJSON *object)
{
	return strcmp(cJSON_GetObjectItemCaseSensitive(object, "kind")->valuestring, "Pod") == 0;
}

static cJSON *random_pod(const cJSON *list, struct tg_rng *rng)
{
	uint32_t n = (uint32_t)cJSON_GetArraySize(list), start;

	if (n == 0)
		return NULL;
	start = tg_rng_below(rng, n);
	for (uint32_t i = 0; i < n; i++) {
		cJSON *object = cJSON_GetArrayItem(list, (int)((start + i) % n));

		if (is_pod(object))
			return object;
	}
	return NULL;
}

static void new_status(cJSON *pod, struct tg_rng *rng)
{
	cJSON_DeleteItemFromObjectCaseSensitive(pod, "status");
	add_pod_status(pod, rng);
}

static void add_replica(struct random_cluster *cluster, const cJSON *pod, struct tg_rng *rng)
{
	cJSON *copy = cJSON_Duplicate(pod, true);
	char name[64];

	format(name, "new-%08x", (unsigned int)tg_rng_next(rng), 0);
	cJSON_ReplaceItemInObjectCaseSensitive(metadata_of(copy), "name", cJSON_CreateString(name));
	new_status(copy, rng);
	cJSON_AddItemToArray(cluster->list, copy);
}

static void churn_one(struct random_cluster *cluster, struct tg_rng *rng)
{
	cJSON *pod = random_pod(cluster->list, rng);

	if (pod == NULL)
		return;
	switch (tg_rng_below(rng, 5)) {
	case 0:
		cJSON_Delete(cJSON_DetachItemViaPointer(cluster->list, pod));
		break;
	case 1:
		new_status(pod, rng);
		break;
	case 2:
		cJSON_DeleteItemFromObjectCaseSensitive(metadata_of(pod), "labels");
		cJSON_AddItemToObject(metadata_of(pod), "labels", make_labels(rng));
		break;
	default:
		add_replica(cluster, pod, rng);
		break;
	}
}

void random_cluster_churn(struct random_cluster *cluster, struct tg_rng *rng)
{
	for (uint32_t n = 1 + tg_rng_below(rng, 3); n > 0; n--)
		churn_one(cluster, rng);
}

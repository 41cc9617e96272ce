/* SPDX-License-Identifier: BSD-3-Clause */
#include "objects.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

static const cJSON *get(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNull(item) ? NULL : item;
}

/* get(get(object, a), b) */
static const cJSON *get2(const cJSON *object, const char *a, const char *b)
{
	return get(get(object, a), b);
}

static const char *string_or(const cJSON *item, const char *otherwise)
{
	return cJSON_IsString(item) ? item->valuestring : otherwise;
}

/* Room for every element of `list` (at least one). */
#define ALLOC_FOR(arena, list, type) \
	((type *)tg_arena_calloc(arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(type)))

/* Dotted decimal; leading zeros do not make octal. */
static int parse_v4(const char *text, uint8_t out[4])
{
	unsigned int octet[4];
	int used = 0;

	if (sscanf(text, "%3u.%3u.%3u.%3u%n", &octet[0], &octet[1], &octet[2], &octet[3], &used) !=
			4 ||
		text[used] != '\0')
		return -EINVAL;
	for (int i = 0; i < 4; i++) {
		if (octet[i] > 255)
			return -EINVAL;
		out[i] = (uint8_t)octet[i];
	}
	return 0;
}

/* The address as written; `mapped` says that it is ::ffff:a.b.c.d. */
static int parse_any(const char *text, struct tg_addr *out, bool *mapped)
{
	static const uint8_t lead[12] = {[10] = 0xff, [11] = 0xff};

	memset(out, 0, sizeof(*out));
	*mapped = false;
	if (strchr(text, ':') == NULL) {
		out->family = 4;
		return parse_v4(text, out->bytes);
	}
	out->family = 6;
	if (inet_pton(AF_INET6, text, out->bytes) != 1)
		return -EINVAL;
	*mapped = memcmp(out->bytes, lead, sizeof(lead)) == 0;
	return 0;
}

static void unmap(struct tg_addr *addr)
{
	addr->family = 4;
	memmove(addr->bytes, addr->bytes + 12, 4);
	memset(addr->bytes + 4, 0, 12);
}

int objects_addr(const char *text, struct tg_addr *out)
{
	bool mapped;

	if (parse_any(text, out, &mapped) != 0)
		return -EINVAL;
	if (mapped)
		unmap(out);
	return 0;
}

int objects_prefix(const char *text, struct tg_prefix *out)
{
	char host[64];
	const char *slash = strchr(text, '/');
	bool mapped;
	int length;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	length = atoi(slash + 1);
	if (parse_any(host, &out->addr, &mapped) != 0)
		return -EINVAL;
	if (mapped && length >= 96) {
		unmap(&out->addr);
		length -= 96;
	}
	if (length < 0 || length > (out->addr.family == 4 ? 32 : 128))
		return -EINVAL;
	out->length = (uint8_t)length;
	for (int bit = length; bit < 128; bit++)
		out->addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return 0;
}

static int protocol_number(const char *name)
{
	if (strcmp(name, "TCP") == 0)
		return IPPROTO_TCP;
	if (strcmp(name, "UDP") == 0)
		return IPPROTO_UDP;
	return strcmp(name, "SCTP") == 0 ? IPPROTO_SCTP : -1;
}

/* Appends the address `item` holds, if it is one ("None" and host names are not). */
static void add_addr(struct tg_addr *addrs, size_t *n, const cJSON *item)
{
	if (cJSON_IsString(item) && objects_addr(item->valuestring, &addrs[*n]) == 0)
		++*n;
}

static void add_container_ports(struct o_pod *pod, const cJSON *container)
{
	const cJSON *port;

	cJSON_ArrayForEach(port, get(container, "ports"))
	{
		const char *name = string_or(get(port, "name"), "");

		if (*name == '\0')
			continue;
		pod->ports[pod->n_ports++] = (struct o_port_name){.name = name,
			.protocol = protocol_number(string_or(get(port, "protocol"), "TCP")),
			.number = get(port, "containerPort")->valueint};
	}
}

/* Regular containers, and init containers that stay (sidecars). */
static void read_pod_ports(struct tg_arena *arena, const cJSON *object, struct o_pod *pod)
{
	const cJSON *containers = get2(object, "spec", "containers");
	const cJSON *inits = get2(object, "spec", "initContainers");
	const cJSON *c;
	size_t most = 1;

	cJSON_ArrayForEach(c, containers) most += (size_t)cJSON_GetArraySize(get(c, "ports"));
	cJSON_ArrayForEach(c, inits) most += (size_t)cJSON_GetArraySize(get(c, "ports"));
	pod->ports = tg_arena_calloc(arena, most, sizeof(*pod->ports));
	cJSON_ArrayForEach(c, containers) add_container_ports(pod, c);
	cJSON_ArrayForEach(c, inits)
	{
		if (strcmp(string_or(get(c, "restartPolicy"), ""), "Always") == 0)
			add_container_ports(pod, c);
	}
}

static void read_pod(struct tg_arena *arena, const cJSON *object, struct o_pod *pod)
{
	const cJSON *status = get(object, "status"), *list = get(status, "podIPs"), *item;
	const char *phase = string_or(get(status, "phase"), "");

	pod->ns = string_or(get2(object, "metadata", "namespace"), "default");
	pod->name = string_or(get2(object, "metadata", "name"), "");
	pod->created = string_or(get2(object, "metadata", "creationTimestamp"), "");
	pod->terminating = get2(object, "metadata", "deletionTimestamp") != NULL;
	pod->labels = get2(object, "metadata", "labels");
	pod->node = string_or(get2(object, "spec", "nodeName"), "");
	pod->host_network = cJSON_IsTrue(get2(object, "spec", "hostNetwork"));
	pod->finished = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
	pod->addrs = ALLOC_FOR(arena, list, struct tg_addr);
	cJSON_ArrayForEach(item, list) add_addr(pod->addrs, &pod->n_addrs, get(item, "ip"));
	if (pod->n_addrs == 0)
		add_addr(pod->addrs, &pod->n_addrs, get(status, "podIP"));
	read_pod_ports(arena, object, pod);
}

static void read_node(struct tg_arena *arena, const cJSON *object, struct o_node *node)
{
	const cJSON *addrs = get2(object, "status", "addresses"), *item;
	const cJSON *cidrs = get2(object, "spec", "podCIDRs");

	node->name = string_or(get2(object, "metadata", "name"), "");
	node->addrs = ALLOC_FOR(arena, addrs, struct tg_addr);
	node->cidrs = ALLOC_FOR(arena, cidrs, struct tg_prefix);
	cJSON_ArrayForEach(item, addrs)
	{
		const char *type = string_or(get(item, "type"), "");

		if (strcmp(type, "InternalIP") == 0 || strcmp(type, "ExternalIP") == 0)
			add_addr(node->addrs, &node->n_addrs, get(item, "address"));
	}
	cJSON_ArrayForEach(item, cidrs)
	{
		if (objects_prefix(item->valuestring, &node->cidrs[node->n_cidrs]) == 0)
			node->n_cidrs++;
	}
	item = get2(object, "spec", "podCIDR");
	if (node->n_cidrs == 0 && item != NULL &&
		objects_prefix(item->valuestring, &node->cidrs[0]) == 0)
		node->n_cidrs = 1;
}

static void read_service(struct tg_arena *arena, const cJSON *object, struct o_service *service)
{
	const cJSON *spec = get(object, "spec"), *item;
	const cJSON *balancer = get2(get(object, "status"), "loadBalancer", "ingress");
	size_t most = 2;

	most += (size_t)cJSON_GetArraySize(get(spec, "clusterIPs"));
	most += (size_t)cJSON_GetArraySize(get(spec, "externalIPs"));
	most += (size_t)cJSON_GetArraySize(balancer);
	service->addrs = tg_arena_calloc(arena, most, sizeof(*service->addrs));
	add_addr(service->addrs, &service->n_addrs, get(spec, "clusterIP"));
	cJSON_ArrayForEach(item, get(spec, "clusterIPs"))
		add_addr(service->addrs, &service->n_addrs, item);
	cJSON_ArrayForEach(item, get(spec, "externalIPs"))
		add_addr(service->addrs, &service->n_addrs, item);
	cJSON_ArrayForEach(item, balancer)
		add_addr(service->addrs, &service->n_addrs, get(item, "ip"));
}

static int read_peer(struct tg_arena *arena, const cJSON *item, struct o_peer *peer)
{
	const cJSON *block = get(item, "ipBlock"), *except;

	peer->ns_selector = get(item, "namespaceSelector");
	peer->pod_selector = get(item, "podSelector");
	peer->is_block = block != NULL;
	if (block == NULL)
		return 0;
	peer->except = ALLOC_FOR(arena, get(block, "except"), struct tg_prefix);
	cJSON_ArrayForEach(except, get(block, "except"))
	{
		if (objects_prefix(except->valuestring, &peer->except[peer->n_except++]) != 0)
			return -EINVAL;
	}
	return objects_prefix(string_or(get(block, "cidr"), ""), &peer->block);
}

static void read_port(const cJSON *item, struct o_port *port)
{
	const cJSON *number = get(item, "port"), *end = get(item, "endPort");

	port->protocol = protocol_number(string_or(get(item, "protocol"), "TCP"));
	port->name = string_or(number, NULL);
	port->lo = 0;
	port->hi = 65535;
	if (cJSON_IsNumber(number)) {
		port->lo = number->valueint;
		port->hi = end != NULL ? end->valueint : number->valueint;
	}
}

static int read_rule(
	struct tg_arena *arena, const cJSON *item, const char *peers_key, struct o_rule *rule)
{
	const cJSON *peers = get(item, peers_key), *ports = get(item, "ports"), *sub;
	int rc = 0;

	rule->any_peer = cJSON_GetArraySize(peers) == 0;
	rule->any_port = cJSON_GetArraySize(ports) == 0;
	rule->peers = ALLOC_FOR(arena, peers, struct o_peer);
	rule->ports = ALLOC_FOR(arena, ports, struct o_port);
	cJSON_ArrayForEach(sub, peers) rc |= read_peer(arena, sub, &rule->peers[rule->n_peers++]);
	cJSON_ArrayForEach(sub, ports) read_port(sub, &rule->ports[rule->n_ports++]);
	return rc;
}

static int read_rules(
	struct tg_arena *arena, const cJSON *spec, enum tg_direction dir, struct o_policy *policy)
{
	const cJSON *rules = get(spec, dir == TG_EGRESS ? "egress" : "ingress"), *item;
	int rc = 0;

	policy->rules[dir] = ALLOC_FOR(arena, rules, struct o_rule);
	cJSON_ArrayForEach(item, rules) rc |= read_rule(arena, item,
		dir == TG_EGRESS ? "to" : "from", &policy->rules[dir][policy->n_rules[dir]++]);
	return rc;
}

static int read_policy(struct tg_arena *arena, const cJSON *object, struct o_policy *policy)
{
	const cJSON *spec = get(object, "spec"), *types = get(spec, "policyTypes"), *item;
	int rc;

	policy->ns = string_or(get2(object, "metadata", "namespace"), "default");
	policy->name = string_or(get2(object, "metadata", "name"), "");
	policy->pod_selector = get(spec, "podSelector");
	rc = read_rules(arena, spec, TG_INGRESS, policy);
	rc |= read_rules(arena, spec, TG_EGRESS, policy);
	cJSON_ArrayForEach(item, types)
	{
		if (strcmp(string_or(item, ""), "Ingress") == 0)
			policy->isolates[TG_INGRESS] = true;
		if (strcmp(string_or(item, ""), "Egress") == 0)
			policy->isolates[TG_EGRESS] = true;
	}
	if (cJSON_GetArraySize(types) == 0) {
		policy->isolates[TG_INGRESS] = true;
		policy->isolates[TG_EGRESS] = policy->n_rules[TG_EGRESS] > 0;
	}
	return rc;
}

static void add_namespace(struct o_cluster *out, const struct o_namespace *ns, bool real)
{
	for (size_t i = 0; i < out->n_namespaces; i++)
		if (out->namespaces[i].scope == ns->scope &&
			strcmp(out->namespaces[i].name, ns->name) == 0) {
			if (real)
				out->namespaces[i].labels = ns->labels;
			return;
		}
	out->namespaces[out->n_namespaces++] = *ns;
}

static size_t scope_of(const cJSON *object)
{
	const cJSON *scope = get(object, ORACLE_SCOPE);

	return cJSON_IsNumber(scope) ? (size_t)scope->valueint : 0;
}

static int read_namespaced(struct tg_arena *arena, const cJSON *object, struct o_cluster *out)
{
	const char *kind = string_or(get(object, "kind"), "");
	size_t scope = scope_of(object);

	if (strcmp(kind, "Pod") == 0) {
		out->pods[out->n_pods].scope = scope;
		read_pod(arena, object, &out->pods[out->n_pods++]);
	} else if (strcmp(kind, "Service") == 0) {
		out->services[out->n_services].scope = scope;
		read_service(arena, object, &out->services[out->n_services++]);
	} else if (strcmp(kind, "NetworkPolicy") == 0) {
		out->policies[out->n_policies].scope = scope;
		return read_policy(arena, object, &out->policies[out->n_policies++]);
	} else {
		return -EINVAL;
	}
	return 0;
}

static int read_object(
	struct tg_arena *arena, const cJSON *object, bool implicit, struct o_cluster *out)
{
	const char *kind = string_or(get(object, "kind"), "");
	struct o_namespace ns = {.scope = scope_of(object)};

	if (strcmp(kind, "Namespace") == 0) {
		ns.name = string_or(get2(object, "metadata", "name"), "");
		ns.labels = get2(object, "metadata", "labels");
		add_namespace(out, &ns, true);
		return 0;
	}
	if (strcmp(kind, "Node") == 0) {
		out->nodes[out->n_nodes].scope = ns.scope;
		read_node(arena, object, &out->nodes[out->n_nodes++]);
		return 0;
	}
	ns.name = string_or(get2(object, "metadata", "namespace"), "default");
	if (implicit && ns.scope == 0)
		add_namespace(out, &ns, false);
	return read_namespaced(arena, object, out);
}

/* Only those of one namespace are ever compared with each other. */
static int by_name(const void *a, const void *b)
{
	const struct o_policy *p = a, *q = b;

	return strcmp(p->name, q->name);
}

int objects_read(
	struct tg_arena *arena, const cJSON *list, bool implicit_namespaces, struct o_cluster *out)
{
	const cJSON *object;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->namespaces = tg_arena_calloc(
		arena, 2 * (size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->namespaces));
	out->pods = ALLOC_FOR(arena, list, struct o_pod);
	out->nodes = ALLOC_FOR(arena, list, struct o_node);
	out->services = ALLOC_FOR(arena, list, struct o_service);
	out->policies = ALLOC_FOR(arena, list, struct o_policy);
	cJSON_ArrayForEach(object, list) rc |= read_object(arena, object, implicit_namespaces, out);
	qsort(out->policies, out->n_policies, sizeof(*out->policies), by_name);
	return rc != 0 ? -EINVAL : 0;
}

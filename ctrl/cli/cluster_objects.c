/* SPDX-License-Identifier: BSD-3-Clause */
/* What a cluster's objects say: ranges, where servers and resolvers are, how packets travel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_gather.h"
#include "decode.h"
#include "tree.h"

#define PATH_TEXT 512
#define SCRATCH_OBJECTS 512 /* objects between two clean scratches */
#define DNS_PORT 53

/* Where objects are decoded; what is kept of them is copied. */
struct scratch {
	struct gather *g;
	const char *kind;
	struct tg_intern *strings;
	struct tg_arena *arena;
	size_t n;
	int (*take)(
		struct scratch *s, const struct tg_decoded *decoded, const char *text, size_t size);
};

static void scratch_clear(struct scratch *s)
{
	tg_intern_free(s->strings);
	tg_arena_free(s->arena);
	s->strings = NULL;
	s->arena = NULL;
	s->n = 0;
}

static int on_object(void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size)
{
	struct scratch *s = ctx;
	const struct tg_served served = {.file = "cluster",
		.api_version = "v1",
		.kind = s->kind,
		.ns = meta->ns,
		.name = meta->name};
	struct tg_decoded decoded;
	int err = -ENOMEM;

	if (s->n++ == SCRATCH_OBJECTS)
		scratch_clear(s);
	if (s->strings == NULL) {
		s->strings = tg_intern_create();
		s->arena = tg_arena_create(0);
	}
	if (s->strings == NULL || s->arena == NULL)
		return -ENOMEM;
	err = tg_decode_served(&served, text, size, s->strings, s->arena, &decoded);
	if (err == 0)
		err = s->take(s, &decoded, text, size);
	tg_decoded_free(&decoded);
	/* What cannot be read is not in force either (tidegate sources names it). */
	return err == -EINVAL ? 0 : err;
}

/* A kind of the core group, in all namespaces that are read. NULL, or why it was not all. */
static const char *list(struct gather *g, const char *resource, bool namespaced, struct scratch *s)
{
	const struct tg_config_cluster *config = g->facts->config;
	const size_t n = namespaced && config->n_namespaces > 0 ? config->n_namespaces : 1;
	const char *failure = NULL;
	char path[PATH_TEXT];

	s->g = g;
	for (size_t i = 0; i < n && failure == NULL; i++) {
		const bool scoped = namespaced && config->n_namespaces > 0;
		struct tg_kube_result result;

		snprintf(path, sizeof(path), "/api/v1%s%s/%s", scoped ? "/namespaces/" : "",
			scoped ? config->namespaces[i] : "", resource);
		tg_ask_list(g->ask, path, NULL, on_object, s, &result);
		failure = gather_failure(g, &result);
	}
	scratch_clear(s);
	return failure;
}

/* --- nodes --- */

/* Annotations by which network plugins say that pods' packets travel in tunnels. */
static const struct {
	const char *annotation, *value; /* NULL: any but none */
	const char *tunnel;
	bool is_address; /* the annotation has the node's end of it */
} annotations[] = {
	{"flannel.alpha.coreos.com/backend-type", "vxlan", "VXLAN (flannel)", false},
	{"flannel.alpha.coreos.com/backend-type", "ipip", "IP-in-IP (flannel)", false},
	{"flannel.alpha.coreos.com/backend-type", "wireguard", "WireGuard (flannel)", false},
	{"flannel.alpha.coreos.com/backend-type", "udp", "UDP (flannel)", false},
	{"projectcalico.org/IPv4VXLANTunnelAddr", NULL, "VXLAN (Calico)", true},
	{"projectcalico.org/IPv6VXLANTunnelAddr", NULL, "VXLAN (Calico)", true},
	{"projectcalico.org/IPv4IPIPTunnelAddr", NULL, "IP-in-IP (Calico)", true},
	{"projectcalico.org/IPv4WireguardInterfaceAddr", NULL, "WireGuard (Calico)", true},
	{"projectcalico.org/IPv6WireguardInterfaceAddr", NULL, "WireGuard (Calico)", true},
	{"k8s.ovn.org/node-chassis-id", NULL, "Geneve (OVN-Kubernetes)", false},
};

static void take_annotations(
	struct gather *g, const struct tg_value *all, struct tg_node_fact *node)
{
	struct tg_addr addr;

	for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++) {
		const struct tg_value *v = tg_value_get(all, annotations[i].annotation);

		if (v == NULL || v->type != TG_VALUE_STRING || v->text[0] == '\0' ||
			(annotations[i].value != NULL &&
				strcmp(v->text, annotations[i].value) != 0))
			continue;
		node->tunnel = annotations[i].tunnel;
		if (annotations[i].is_address && tg_addr_parse(v->text, &addr) == 0 &&
			tg_vec_push(&g->facts->tunnel_addrs, addr) != 0)
			g->no_memory = true;
	}
}

static int take_node(
	struct scratch *s, const struct tg_decoded *decoded, const char *text, size_t size)
{
	struct tg_cluster_facts *facts = s->g->facts;
	const struct tg_node *node = decoded->nodes.v[0];
	struct tg_node_fact fact = {
		.name = gather_text(s->g, tg_intern_text(s->strings, node->name)),
		.addrs = tg_arena_memdup(
			facts->arena, node->addrs, node->n_addrs * sizeof(*node->addrs)),
		.n_addrs = node->n_addrs,
		.pod_cidrs = tg_arena_memdup(facts->arena, node->pod_cidrs,
			node->n_pod_cidrs * sizeof(*node->pod_cidrs)),
		.n_pod_cidrs = node->n_pod_cidrs,
	};
	struct tg_tree_error error;
	struct tg_tree *tree;

	if (tg_tree_parse_json(text, size, &tree, &error) == 0) {
		const struct tg_value *meta = tg_value_get(tg_tree_document(tree, 0), "metadata");

		take_annotations(s->g, tg_value_get(meta, "annotations"), &fact);
		tg_tree_free(tree);
	}
	for (size_t i = 0; i < node->n_pod_cidrs; i++)
		if (tg_ranges_add(&facts->ranges, &node->pod_cidrs[i]) != 0 ||
			tg_ranges_add(&facts->node_ranges, &node->pod_cidrs[i]) != 0)
			return -ENOMEM;
	return tg_vec_push(&facts->nodes, fact);
}

static void gather_nodes(struct gather *g)
{
	struct tg_cluster_facts *facts = g->facts;
	struct scratch s = {.kind = "Node", .take = take_node};
	const struct tg_zone_options *zone;

	facts->no_nodes = list(g, "nodes", false, &s);
	for (size_t i = 0; (zone = tg_cluster_facts_zone(facts, i)) != NULL; i++)
		for (size_t k = 0; k < zone->n_pod_ranges; k++)
			if (tg_ranges_add(&facts->ranges, &zone->pod_ranges[k]) != 0)
				g->no_memory = true;
	tg_ranges_settle(&facts->ranges);
	tg_ranges_settle(&facts->node_ranges);
}

/* --- Services and pods --- */

static void stray(struct scratch *s, struct tg_stray *stray, uint32_t ns, uint32_t name,
	const struct tg_addr *addr)
{
	char text[TG_ADDR_TEXT];

	if (stray->n++ != 0)
		return;
	stray->example = tg_arena_printf(s->g->facts->arena, "%s/%s %s",
		tg_intern_text(s->strings, ns), tg_intern_text(s->strings, name),
		tg_addr_format(addr, text));
	s->g->no_memory |= stray->example == NULL;
}

static int take_service(
	struct scratch *s, const struct tg_decoded *decoded, const char *text, size_t size)
{
	struct tg_cluster_facts *facts = s->g->facts;
	const struct tg_service *service = decoded->services.v[0];

	facts->n_services++;
	for (uint32_t i = 0; i < service->n_addrs; i++)
		if (tg_ranges_contain(&facts->ranges, &service->addrs[i])) {
			stray(s, &facts->services_in_ranges, service->ns, service->name,
				&service->addrs[i]);
			break;
		}
	return 0;
}

static bool is_etcd(const struct scratch *s, const struct tg_pod *pod)
{
	const uint32_t value = tg_labels_get(&pod->labels, tg_intern_find(s->strings, "component"));

	return value != UINT32_MAX && strcmp(tg_intern_text(s->strings, value), "etcd") == 0;
}

static int take_pod(
	struct scratch *s, const struct tg_decoded *decoded, const char *text, size_t size)
{
	struct tg_cluster_facts *facts = s->g->facts;
	const struct tg_pod *pod = decoded->pods.v[0];

	if (pod->n_addrs == 0)
		return 0;
	if (pod->host_network)
		return is_etcd(s, pod) ? tg_vec_push(&facts->etcd, pod->addrs[0]) : 0;
	facts->n_pods++;
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		if (!tg_ranges_contain(&facts->ranges, &pod->addrs[i])) {
			stray(s, &facts->pods_outside, pod->ns, pod->name, &pod->addrs[i]);
			break;
		}
	return 0;
}

/* --- where the API servers are --- */

static int add_sockets(tg_socket_facts *out, const struct tg_value *addresses, uint16_t port)
{
	for (; addresses != NULL; addresses = addresses->next) {
		struct tg_socket_fact fact = {.port = port};

		if (addresses->type == TG_VALUE_STRING &&
			tg_addr_parse(addresses->text, &fact.addr) == 0 &&
			tg_vec_push(out, fact) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* discovery.k8s.io EndpointSlice: each address has each port. */
static int on_slice(void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size)
{
	struct gather *g = ctx;
	struct tg_tree_error error;
	const struct tg_value *root, *port, *endpoint;
	struct tg_tree *tree;
	int64_t number;
	int err = 0;

	if (tg_tree_parse_json(text, size, &tree, &error) != 0)
		return 0;
	root = tg_tree_document(tree, 0);
	for (port = tg_value_list(root, "ports"); port != NULL; port = port->next) {
		if (!tg_value_int(tg_value_get(port, "port"), &number) || number < 1 ||
			number > 65535)
			continue;
		endpoint = tg_value_list(root, "endpoints");
		for (; endpoint != NULL && err == 0; endpoint = endpoint->next)
			err = add_sockets(&g->facts->api_servers,
				tg_value_list(endpoint, "addresses"), (uint16_t)number);
	}
	tg_tree_free(tree);
	return err;
}

static void gather_api_servers(struct gather *g)
{
	static const char *const versions[] = {"v1", "v1beta1"};
	static const char query[] = "labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";
	struct tg_kube_result result = {0};
	char path[PATH_TEXT];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			"/apis/discovery.k8s.io/%s/namespaces/default/endpointslices", versions[i]);
		tg_ask_list(g->ask, path, query, on_slice, g, &result);
		if (result.error != 0 || result.status != 404)
			break;
	}
	g->facts->no_api_servers = gather_failure(g, &result);
	if (result.error == 0 && result.status == 403)
		g->facts->no_api_rule = "endpointslices";
	if (g->facts->no_api_servers == NULL && g->facts->api_servers.n == 0)
		g->facts->no_api_servers = "no EndpointSlice names them";
}

/* --- DNS --- */

static int take_dns(
	struct scratch *s, const struct tg_decoded *decoded, const char *text, size_t size)
{
	const struct tg_service *service = decoded->services.v[0];

	for (uint32_t i = 0; i < service->n_addrs; i++) {
		bool known = false;

		for (size_t k = 0; k < s->g->facts->dns_services.n; k++)
			known |= tg_addr_compare(
					 &s->g->facts->dns_services.v[k], &service->addrs[i]) == 0;
		if (!known && tg_vec_push(&s->g->facts->dns_services, service->addrs[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void gather_dns(struct gather *g)
{
	struct scratch s = {.kind = "Service", .take = take_dns, .g = g};
	struct tg_kube_result result;

	tg_ask_list(g->ask, "/api/v1/namespaces/kube-system/services",
		"labelSelector=k8s-app%3Dkube-dns", on_object, &s, &result);
	scratch_clear(&s);
	g->facts->no_dns = gather_failure(g, &result);
	if (g->facts->no_dns == NULL && g->facts->dns_services.n == 0)
		g->facts->no_dns = "no Service in kube-system has the label k8s-app=kube-dns";
}

/* "10.0.0.53", "10.0.0.53:5353", "[fd00::53]:53", "dns://...": an upstream of CoreDNS. */
static bool parse_upstream(char *word, struct tg_socket_fact *out)
{
	char *colon, *end = NULL;
	unsigned long port = DNS_PORT;

	if (strncmp(word, "dns://", 6) == 0)
		word += 6;
	out->port = DNS_PORT;
	if (tg_addr_parse(word, &out->addr) == 0)
		return true;
	colon = strrchr(word, ':');
	if (colon != NULL && colon[1] >= '0' && colon[1] <= '9') {
		port = strtoul(colon + 1, &end, 10);
		if (*end != '\0' || port < 1 || port > 65535)
			return false;
		*colon = '\0';
	}
	if (word[0] == '[' && word[strlen(word) - 1] == ']') {
		word[strlen(word) - 1] = '\0';
		word++;
	}
	out->port = (uint16_t)port;
	return tg_addr_parse(word, &out->addr) == 0;
}

static int read_forward(char *line, tg_socket_facts *out)
{
	struct tg_socket_fact fact;
	char *rest, *word = strtok_r(line, " \t\r{", &rest);

	if (word == NULL || strcmp(word, "forward") != 0)
		return 0;
	word = strtok_r(NULL, " \t\r{", &rest);
	if (word == NULL || strcmp(word, ".") != 0)
		return 0;
	while ((word = strtok_r(NULL, " \t\r{", &rest)) != NULL && word[0] != '#')
		if (parse_upstream(word, &fact) && tg_vec_push(out, fact) != 0)
			return -ENOMEM;
	return 0;
}

int tg_corefile_upstreams(const char *text, tg_socket_facts *out)
{
	char *copy = strdup(text), *rest = copy, *line;
	int err = copy != NULL ? 0 : -ENOMEM;

	while (err == 0 && (line = strsep(&rest, "\n")) != NULL)
		err = read_forward(line, out);
	free(copy);
	return err;
}

static void on_corefile(void *ctx, const struct tg_value *root)
{
	struct gather *g = ctx;
	const char *text = tg_value_text(tg_value_get(root, "data"), "Corefile");

	if (tg_corefile_upstreams(text, &g->facts->upstreams) != 0)
		g->no_memory = true;
}

static void gather_upstreams(struct gather *g)
{
	struct tg_kube_result result;

	tg_ask_get(g->ask, "/api/v1/namespaces/kube-system/configmaps/coredns", on_corefile, g,
		&result);
	g->facts->no_upstreams = gather_failure(g, &result);
	if (result.error == 0 && result.status == 404)
		g->facts->no_upstreams = "there is no ConfigMap coredns in kube-system";
	if (g->facts->no_upstreams == NULL && g->facts->upstreams.n == 0)
		g->facts->no_upstreams = "CoreDNS forwards to what its node's resolv.conf names";
}

/* --- the network plugin's own configuration --- */

static const char *setting(const struct tg_value *data, const char *key, const char *otherwise)
{
	const char *text = tg_value_text(data, key);

	return text[0] != '\0' ? text : otherwise;
}

/* `routing-mode` and `tunnel-protocol`, before Cilium 1.14 `tunnel`; it tunnels by default. */
const char *tg_cilium_tunnel(const struct tg_value *data)
{
	const char *mode = setting(data, "routing-mode", "tunnel");
	const char *protocol = setting(data, "tunnel", setting(data, "tunnel-protocol", "vxlan"));

	if (strcmp(mode, "native") == 0 || strcmp(protocol, "disabled") == 0)
		return NULL;
	return strcmp(protocol, "geneve") == 0 ? "Geneve (Cilium)" : "VXLAN (Cilium)";
}

static void on_cilium(void *ctx, const struct tg_value *root)
{
	struct gather *g = ctx;

	g->facts->tunnel = tg_cilium_tunnel(tg_value_get(root, "data"));
}

static void gather_plugin(struct gather *g)
{
	struct tg_kube_result result;

	tg_ask_get(g->ask, "/api/v1/namespaces/kube-system/configmaps/cilium-config", on_cilium, g,
		&result);
	if (result.error != 0 || result.status != 404)
		g->facts->no_plugin = gather_failure(g, &result);
}

void gather_objects(struct gather *g)
{
	struct scratch services = {.kind = "Service", .take = take_service};
	struct scratch pods = {.kind = "Pod", .take = take_pod};

	gather_nodes(g);
	g->facts->no_services = list(g, "services", true, &services);
	g->facts->no_pods = list(g, "pods", true, &pods);
	gather_api_servers(g);
	gather_dns(g);
	gather_upstreams(g);
	gather_plugin(g);
}

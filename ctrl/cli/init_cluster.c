/* SPDX-License-Identifier: BSD-3-Clause */
#include "init_cluster.h"

#include <errno.h>
#include <string.h>

#include "json_print.h"
#include "proposals.h"

#define RANGES_MAX 64 /* above that they are left to the Nodes, which count anyway */
#define A_LINE 4      /* entries of a list */

void tg_init_print_clusters(FILE *out, const struct tg_cluster_facts *facts)
{
	const struct tg_config_cluster *config = facts->config;

	fprintf(out,
		"# Clusters to read from. Their Pods, Namespaces, Nodes, Services and NetworkPolicies\n"
		"# count from here on, and nothing is enforced before all were read once. This one is\n"
		"# %s%s%s.\n"
		"clusters:\n"
		"- name: %s\n",
		facts->server, facts->version != NULL ? ", " : "",
		facts->version != NULL ? facts->version : "", config->name);
	if (config->kubeconfig == NULL)
		fputs("  # in-cluster: the process runs as a pod with a service account\n", out);
	else {
		fputs("  kubeconfig: ", out);
		tg_json_print_string(out, config->kubeconfig);
		fputc('\n', out);
	}
	if (config->context != NULL) {
		fputs("  context: ", out);
		tg_json_print_string(out, config->context);
		fputc('\n', out);
	}
}

/* --- addresses --- */

static void print_prefixes(FILE *out, const char *mark, const struct tg_ranges *ranges)
{
	char text[TG_PREFIX_TEXT];

	fprintf(out, "%spod-ranges: [", mark);
	for (size_t i = 0; i < ranges->n; i++) {
		if (i > 0)
			fputs(i % A_LINE == 0 ? ",\n  " : ", ", out);
		fprintf(out, "\"%s\"", tg_prefix_format(&ranges->v[i], text));
	}
	fputs("]\n", out);
}

static void print_pod_ranges(FILE *out, const struct tg_cluster_facts *facts)
{
	fputs("# Where pods get their addresses from. An address in there that belongs to no known\n"
	      "# pod is denied, so be exact. spec.podCIDRs of Node objects count anyway",
		out);
	if (facts->no_nodes != NULL)
		fprintf(out, ";\n# they could not be read: %s\n# pod-ranges: [10.244.0.0/16]\n",
			facts->no_nodes);
	else if (facts->node_ranges.n == 0)
		fputs(";\n# no Node has any. The network plugin's configuration knows the ranges:\n"
		      "# pod-ranges: [10.244.0.0/16]\n",
			out);
	else if (facts->node_ranges.n > RANGES_MAX)
		fprintf(out, ":\n# %zu ranges of %zu nodes.\n", facts->node_ranges.n,
			facts->nodes.n);
	else {
		fprintf(out, ":\n# these are all of them, of %zu nodes.\n", facts->nodes.n);
		print_prefixes(out, "", &facts->node_ranges);
	}
	if (facts->pods_outside.n > 0)
		fprintf(out, "# %zu of %zu pods have other addresses, as %s: add their ranges.\n",
			facts->pods_outside.n, facts->n_pods, facts->pods_outside.example);
}

static void print_node_addresses(FILE *out, const struct tg_cluster_facts *facts)
{
	char text[TG_ADDR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < facts->tunnel_addrs.n; i++) {
		if (!tg_ranges_contain(&facts->ranges, &facts->tunnel_addrs.v[i]))
			continue;
		if (n == 0)
			fputs("\n# Ends of nodes' tunnels that lie in the pod ranges, by the Nodes' "
			      "annotations. A\n# node that comes later needs its own here.\n"
			      "node-addresses: [",
				out);
		else
			fputs(n % A_LINE == 0 ? ",\n  " : ", ", out);
		fprintf(out, "\"%s\"", tg_addr_format(&facts->tunnel_addrs.v[i], text));
		n++;
	}
	if (n > 0)
		fputs("]\n", out);
}

void tg_init_print_ranges(FILE *out, const struct tg_cluster_facts *facts)
{
	print_pod_ranges(out, facts);
	print_node_addresses(out, facts);
}

/* --- infrastructure --- */

static void print_tunnel(FILE *out, const char *who, const char *name, const char *tunnel)
{
	fprintf(out,
		"#\n# %s%s says that pods' packets travel in a tunnel, %s.\n"
		"# A tuple for it would let them pass without any policy: the gateway sees nodes'\n"
		"# addresses only. Have them routed, or put the gateway where they are out of the\n"
		"# tunnel.\n",
		who, name, tunnel);
}

static void print_tunnels(FILE *out, const struct tg_cluster_facts *facts)
{
	if (facts->tunnel != NULL)
		print_tunnel(out, "ConfigMap kube-system/cilium-config", "", facts->tunnel);
	for (size_t i = 0; i < facts->nodes.n; i++)
		if (facts->nodes.v[i].tunnel != NULL) {
			print_tunnel(
				out, "Node ", facts->nodes.v[i].name, facts->nodes.v[i].tunnel);
			return;
		}
}

static void print_services(FILE *out, const struct tg_cluster_facts *facts)
{
	char text[TG_ADDR_TEXT];

	if (facts->no_services != NULL)
		fprintf(out, "\n# Services could not be read: %s\n", facts->no_services);
	else
		fprintf(out,
			"\n# Services: %zu. Their addresses come from the cluster and need no key "
			"here: nodes\n# translate them before packets get to the gateway, and one "
			"that was not is denied.\n",
			facts->n_services);
	for (size_t i = 0; i < facts->dns_services.n; i++)
		fprintf(out, "# DNS of the cluster: %s\n",
			tg_addr_format(&facts->dns_services.v[i], text));
	if (facts->dns_services.n > 0)
		fputs("# Nothing allows it implicitly: allow-dns.yaml proposes the policies.\n",
			out);
	if (facts->no_dns != NULL)
		fprintf(out, "# DNS of the cluster: not known: %s\n", facts->no_dns);
}

static void print_unknown(FILE *out, const struct tg_cluster_facts *facts)
{
	if (facts->no_api_servers != NULL)
		fprintf(out,
			"# Where the API servers are is not known: %s\n"
			"# - {name: kube-api, from: nodes, to: 192.0.2.10, ports: 6443}\n",
			facts->no_api_servers);
	if (facts->no_upstreams != NULL)
		fprintf(out,
			"# Nodes' DNS servers are not known: %s\n"
			"# - {name: dns, from: nodes, to: 192.0.2.53, protocol: UDP, ports: 53}\n",
			facts->no_upstreams);
	fputs("# The cluster does not know these:\n"
	      "# - {name: ntp, from: nodes, to: 192.0.2.123, protocol: UDP, ports: 123}\n"
	      "# - {name: registry, from: nodes, to: 192.0.2.80, ports: 443}\n",
		out);
}

int tg_init_print_infrastructure(FILE *out, const struct tg_cluster_facts *facts)
{
	tg_proposals proposals = {0};
	char text[TG_PROPOSAL_TEXT];

	if (tg_propose(facts, &proposals) != 0) {
		tg_vec_free(&proposals);
		return -ENOMEM;
	}
	fputs("\n# Traffic of nodes that must pass whatever the policies say, as far as its way leads\n"
	      "# through the gateway. Remove what does not.\n",
		out);
	fputs(proposals.n > 0 ? "infrastructure:\n" : "# infrastructure:\n", out);
	for (size_t i = 0; i < proposals.n; i++)
		fprintf(out, "- %s  # %s\n", tg_proposal_format(&proposals.v[i], text),
			proposals.v[i].why);
	print_unknown(out, facts);
	print_tunnels(out, facts);
	print_services(out, facts);
	tg_vec_free(&proposals);
	return 0;
}

/* --- DNS --- */

static void print_block(FILE *out, const struct tg_socket_fact *to)
{
	char text[TG_ADDR_TEXT];

	fprintf(out, "  - to: [{ipBlock: {cidr: \"%s/%u\"}}]\n", tg_addr_format(&to->addr, text),
		tg_family_bits(to->addr.family));
}

/* What resolvers themselves ask: the API server, and upstream servers. */
static void print_resolvers_egress(FILE *out, const struct tg_cluster_facts *facts)
{
	fputs("  egress:\n", out);
	for (size_t i = 0; i < facts->api_servers.n; i++) {
		print_block(out, &facts->api_servers.v[i]);
		fprintf(out, "    ports: [{protocol: TCP, port: %u}]\n",
			facts->api_servers.v[i].port);
	}
	for (size_t i = 0; i < facts->upstreams.n; i++) {
		print_block(out, &facts->upstreams.v[i]);
		fprintf(out, "    ports: [{protocol: UDP, port: %u}, {protocol: TCP, port: %u}]\n",
			facts->upstreams.v[i].port, facts->upstreams.v[i].port);
	}
}

void tg_init_print_dns(FILE *out, const struct tg_cluster_facts *facts)
{
	const bool exact = facts->api_servers.n > 0 && facts->upstreams.n > 0;
	char text[TG_ADDR_TEXT];

	fputs("# DNS, which nothing allows implicitly. Written by `tidegate init` for the resolvers of\n"
	      "# this cluster: Service kube-dns in kube-system,",
		out);
	for (size_t i = 0; i < facts->dns_services.n; i++)
		fprintf(out, " %s", tg_addr_format(&facts->dns_services.v[i], text));
	fputs(". Look at it, then\n"
	      "#   kubectl apply -f allow-dns.yaml\n"
	      "# These policies isolate the resolvers: nobody reaches them but for DNS and metrics",
		out);
	if (exact)
		fputs(",\n# and they reach nobody but the API servers and their upstream servers.\n",
			out);
	else
		fprintf(out,
			".\n# What they ask themselves is not known (%s), so their egress is left to\n"
			"# `default-action`: before that is `deny`, add policyTypes Egress with the API\n"
			"# servers and the upstream servers.\n",
			facts->no_upstreams != NULL ? facts->no_upstreams : facts->no_api_servers);
	fprintf(out,
		"apiVersion: networking.k8s.io/v1\n"
		"kind: NetworkPolicy\n"
		"metadata: {name: tidegate-dns, namespace: kube-system}\n"
		"spec:\n"
		"  podSelector: {matchLabels: {k8s-app: kube-dns}}\n"
		"  policyTypes: [Ingress%s]\n"
		"  ingress:\n"
		"  - ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]\n"
		"  - ports: [{protocol: TCP, port: 9153}] # CoreDNS's metrics\n",
		exact ? ", Egress" : "");
	if (exact)
		print_resolvers_egress(out, facts);
	fputs("# And one such in every namespace whose pods are isolated in egress, or are to be. It\n"
	      "# isolates: where no other policy does so yet, its pods reach nothing else any more.\n"
	      "# ---\n"
	      "# apiVersion: networking.k8s.io/v1\n"
	      "# kind: NetworkPolicy\n"
	      "# metadata: {name: allow-dns, namespace: NAMESPACE}\n"
	      "# spec:\n"
	      "#   podSelector: {}\n"
	      "#   policyTypes: [Egress]\n"
	      "#   egress:\n"
	      "#   - to:\n"
	      "#     - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}\n"
	      "#       podSelector: {matchLabels: {k8s-app: kube-dns}}\n"
	      "#     ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]\n",
		out);
}

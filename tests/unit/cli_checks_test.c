/* SPDX-License-Identifier: BSD-3-Clause */
/* What `doctor` makes of facts: each check finds what is wrong, and nothing where nothing is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checks.h"
#include "proposals.h"

#define NOW 1000000000
#define DAY 86400

/* A cluster without a fault, of two nodes, and a configuration that denies and has every tuple. */
struct world {
	struct tg_config_cluster config;
	struct tg_compile_options options;
	struct tg_cluster_facts facts;
	struct tg_node_fact nodes[2];
	struct tg_addr addrs[2];
	struct tg_prefix cidrs[2];
	struct tg_socket_fact servers[2];
	struct tg_infrastructure tuples[4];
	struct tg_kind_fact kinds[2];
	struct tg_addr etcd[2];
	struct tg_findings findings;
};

static struct tg_addr addr(const char *text)
{
	struct tg_addr out;

	assert_int_equal(tg_addr_parse(text, &out), 0);
	return out;
}

static struct tg_prefix prefix(const char *text)
{
	struct tg_prefix out;

	assert_int_equal(tg_prefix_parse(text, &out), 0);
	return out;
}

static void world_nodes(struct world *w)
{
	static const char *const names[] = {"n1", "n2"}, *const addrs[] = {
								 "192.0.2.1", "192.0.2.2"};
	static const char *const cidrs[] = {"10.244.0.0/24", "10.244.1.0/24"};

	for (int i = 0; i < 2; i++) {
		w->addrs[i] = addr(addrs[i]);
		w->cidrs[i] = prefix(cidrs[i]);
		w->nodes[i] = (struct tg_node_fact){.name = names[i],
			.addrs = &w->addrs[i],
			.n_addrs = 1,
			.pod_cidrs = &w->cidrs[i],
			.n_pod_cidrs = 1};
		assert_int_equal(tg_ranges_add(&w->facts.ranges, &w->cidrs[i]), 0);
	}
	tg_ranges_settle(&w->facts.ranges);
	w->facts.nodes.v = w->nodes;
	w->facts.nodes.n = 2;
}

static void world_kinds(struct world *w)
{
	w->kinds[0] = (struct tg_kind_fact){.resource = "pods",
		.api_version = "v1",
		.kind = "Pod",
		.enforced = true,
		.namespaced = true,
		.result = {.status = 200},
		.objects = 2};
	w->kinds[1] = (struct tg_kind_fact){.resource = "ciliumnetworkpolicies",
		.api_version = "cilium.io/v2",
		.kind = "CiliumNetworkPolicy",
		.namespaced = true,
		.result = {.status = 200}};
	w->facts.kinds.v = w->kinds;
	w->facts.kinds.n = 2;
}

static void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->config = (struct tg_config_cluster){.name = "prod", .kubeconfig = "kc.yaml"};
	w->facts.arena = tg_arena_create(0);
	w->findings.arena = tg_arena_create(0);
	assert_non_null(w->facts.arena);
	assert_non_null(w->findings.arena);
	w->facts.config = &w->config;
	w->facts.options = &w->options;
	w->facts.server = "https://192.0.2.9:6443";
	w->facts.now = NOW;
	w->facts.answer.status = 200;
	w->facts.version = "v1.30.0";
	w->facts.has_clock = true;
	w->facts.n_pods = 2;
	world_nodes(w);
	world_kinds(w);
	w->servers[0] = (struct tg_socket_fact){addr("192.0.2.9"), 6443};
	w->facts.api_servers.v = w->servers;
	w->facts.api_servers.n = 1;
	w->facts.no_upstreams = "the resolv.conf of nodes";
	w->tuples[0] = (struct tg_infrastructure){.name = "kube-api",
		.from_nodes = true,
		.to = prefix("192.0.2.9/32"),
		.protocol = 6,
		.lo = 6443,
		.hi = 6443};
	w->tuples[1] = (struct tg_infrastructure){.name = "kubelet",
		.from = prefix("192.0.2.0/24"),
		.to_nodes = true,
		.protocol = 6,
		.lo = 10250,
		.hi = 10250};
	w->options.infrastructure = w->tuples;
	w->options.n_infrastructure = 2;
}

static void world_close(struct world *w)
{
	tg_vec_free(&w->facts.ranges);
	tg_vec_free(&w->findings.list);
	tg_arena_free(w->findings.arena);
	tg_arena_free(w->facts.arena);
}

static size_t count(const struct tg_findings *f, enum tg_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < f->list.n; i++)
		n += f->list.v[i].level == level;
	return n;
}

static bool has(const char *text, const char *words)
{
	return words == NULL || (text != NULL && strstr(text, words) != NULL);
}

static void expect(const struct tg_findings *f, enum tg_level level, const char *check,
	const char *found, const char *todo)
{
	assert_false(f->no_memory);
	for (size_t i = 0; i < f->list.n; i++)
		if (f->list.v[i].level == level && strcmp(f->list.v[i].check, check) == 0 &&
			has(f->list.v[i].found, found) && has(f->list.v[i].todo, todo))
			return;
	for (size_t i = 0; i < f->list.n; i++)
		print_error("%s %s: %s -> %s\n", tg_level_label(f->list.v[i].level),
			f->list.v[i].check, f->list.v[i].found,
			f->list.v[i].todo != NULL ? f->list.v[i].todo : "-");
	fail_msg("no %s %s: %s -> %s\n", tg_level_label(level), check, found,
		todo != NULL ? todo : "-");
}

/* One finding that is not as in the faultless world. */
static void expect_only(struct world *w, enum tg_level level, const char *check, const char *found,
	const char *todo)
{
	tg_check_cluster(&w->facts, &w->findings);
	expect(&w->findings, level, check, found, todo);
	assert_int_equal(count(&w->findings, TG_LEVEL_WARN), level == TG_LEVEL_WARN);
	assert_int_equal(count(&w->findings, TG_LEVEL_FAIL), level == TG_LEVEL_FAIL);
	world_close(w);
}

static void nothing_is_wrong(void **state)
{
	struct world w;

	world_open(&w);
	tg_check_cluster(&w.facts, &w.findings);
	expect(&w.findings, TG_LEVEL_OK, "server", "answers, v1.30.0", NULL);
	expect(&w.findings, TG_LEVEL_OK, "clock", "no more than 5 s", NULL);
	expect(&w.findings, TG_LEVEL_OK, "rbac", "pods can be listed and watched: 2", NULL);
	expect(&w.findings, TG_LEVEL_OK, "policy-kinds", "no ciliumnetworkpolicies", NULL);
	expect(&w.findings, TG_LEVEL_OK, "pod-ranges", "all 2 pods", NULL);
	expect(&w.findings, TG_LEVEL_SKIP, "tunnels", "neither annotations", NULL);
	expect(&w.findings, TG_LEVEL_OK, "infrastructure", "to the API server: a tuple", NULL);
	expect(&w.findings, TG_LEVEL_OK, "infrastructure", "to kubelets: a tuple", NULL);
	assert_int_equal(count(&w.findings, TG_LEVEL_WARN) + count(&w.findings, TG_LEVEL_FAIL), 0);
	world_close(&w);
}

static void credentials(void **state)
{
	static const struct {
		int64_t certificate, token;
		enum tg_level level;
		const char *found;
	} cases[] = {
		{NOW, 0, TG_LEVEL_FAIL, "the client certificate expired 2001-09-09T01:46:40Z"},
		{NOW + DAY, 0, TG_LEVEL_WARN, "the client certificate expires"},
		{NOW + 8 * DAY, 0, TG_LEVEL_OK, "the client certificate is valid until"},
		{0, NOW - 1, TG_LEVEL_FAIL, "the token expired"},
		{0, NOW + 3600, TG_LEVEL_WARN, "the token expires"},
		{0, NOW + 8 * DAY, TG_LEVEL_OK, "the token is valid until"},
	};
	struct world w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_open(&w);
		w.facts.certificate_expires_at = cases[i].certificate;
		w.facts.token_expires_at = cases[i].token;
		expect_only(&w, cases[i].level, "credentials", cases[i].found, NULL);
	}
	/* A pod's own token lives for an hour, and is renewed. */
	world_open(&w);
	w.config.kubeconfig = NULL;
	w.facts.token_expires_at = NOW + 3600;
	expect_only(&w, TG_LEVEL_OK, "credentials", "the service account of this pod", NULL);
	world_open(&w);
	w.facts.anonymous = true;
	expect_only(&w, TG_LEVEL_WARN, "credentials", "anonymous", "token");
	world_open(&w);
	w.facts.insecure = true;
	expect_only(&w, TG_LEVEL_WARN, "credentials", "believed", "insecure-skip-tls-verify");
	world_open(&w);
	w.facts.access_error = "kc.yaml: no such file";
	tg_check_cluster(&w.facts, &w.findings);
	expect(&w.findings, TG_LEVEL_FAIL, "credentials", "no such file", "mend the file");
	expect(&w.findings, TG_LEVEL_SKIP, "server", "no credentials", NULL);
	assert_int_equal(count(&w.findings, TG_LEVEL_OK), 0);
	world_close(&w);
}

static void servers(void **state)
{
	static const struct {
		int error;
		unsigned int status;
		const char *todo;
	} cases[] = {
		{-ECONNREFUSED, 0, "is the server running"},
		{-EKEYREJECTED, 0, "certificate-authority-data"},
		{-EPROTO, 0, "https"},
		{-EHOSTUNREACH, 0, "routes"},
		{-EACCES, 0, "credentials"},
		{0, 401, "renew"},
	};
	struct world w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_open(&w);
		w.facts.answer.error = cases[i].error;
		w.facts.answer.status = cases[i].status;
		strcpy(w.facts.answer.why, "WHY");
		tg_check_cluster(&w.facts, &w.findings);
		expect(&w.findings, TG_LEVEL_FAIL, "server", "WHY", cases[i].todo);
		expect(&w.findings, TG_LEVEL_SKIP, "rbac", "does not answer us", NULL);
		assert_int_equal(count(&w.findings, TG_LEVEL_FAIL), 1);
		world_close(&w);
	}
	world_open(&w);
	w.facts.answer.status = 503;
	strcpy(w.facts.answer.why, "HTTP status 503");
	expect_only(&w, TG_LEVEL_FAIL, "server", "503", "readyz");
	world_open(&w);
	w.facts.answer.status = 403;
	expect_only(&w, TG_LEVEL_OK, "server", "answers (its version", NULL);
}

static void clocks(void **state)
{
	static const struct {
		int64_t skew;
		enum tg_level level;
		const char *found;
	} cases[] = {
		{5, TG_LEVEL_OK, "no more than 5 s"},
		{-5, TG_LEVEL_OK, "no more than 5 s"},
		{6, TG_LEVEL_WARN, "6 s ahead"},
		{-6, TG_LEVEL_WARN, "6 s behind"},
		{60, TG_LEVEL_WARN, "60 s ahead"},
		{61, TG_LEVEL_FAIL, "61 s ahead"},
		{-3600, TG_LEVEL_FAIL, "3600 s behind"},
	};
	struct world w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_open(&w);
		w.facts.skew_s = cases[i].skew;
		expect_only(&w, cases[i].level, "clock", cases[i].found,
			cases[i].level == TG_LEVEL_OK ? NULL : "NTP");
	}
	world_open(&w);
	w.facts.has_clock = false;
	expect_only(&w, TG_LEVEL_SKIP, "clock", "what time it is", NULL);
}

static void rbac(void **state)
{
	struct world w;

	world_open(&w);
	w.kinds[0].result.status = 403;
	expect_only(&w, TG_LEVEL_FAIL, "rbac", "pods",
		"ClusterRole that is bound to us:\n- {apiGroups: [\"\"], resources: [pods], verbs: "
		"[get, list, watch]}");
	world_open(&w);
	w.kinds[0].result.status = 403;
	w.kinds[0].ns = "shop";
	expect_only(&w, TG_LEVEL_FAIL, "rbac", "pods in shop",
		" Role that is bound to us in namespace shop:");
	world_open(&w);
	w.kinds[0].result.status = 403;
	w.kinds[0].optional = true;
	expect_only(&w, TG_LEVEL_WARN, "rbac", "pods", "resources: [pods]");
	world_open(&w);
	w.kinds[0].result.status = 404;
	expect_only(&w, TG_LEVEL_FAIL, "rbac", "no such kind (v1)", "optional: [pods]");
	world_open(&w);
	w.kinds[0].result.error = -ETIMEDOUT;
	expect_only(&w, TG_LEVEL_FAIL, "rbac", "pods: ", "try again");
}

static void policy_kinds(void **state)
{
	struct world w;

	world_open(&w);
	w.kinds[1].objects = 3;
	expect_only(&w, TG_LEVEL_WARN, "policy-kinds",
		"3 ciliumnetworkpolicies (cilium.io/v2): NOT ENFORCED", "NetworkPolicies");
	world_open(&w);
	w.kinds[1].result.status = 403;
	expect_only(&w, TG_LEVEL_WARN, "policy-kinds", "NOT ENFORCED, and cannot be counted",
		"{apiGroups: [cilium.io], resources: [ciliumnetworkpolicies], verbs");
	world_open(&w);
	w.facts.discovery_error = "metrics.k8s.io/v1: 503";
	expect_only(&w, TG_LEVEL_WARN, "policy-kinds", "not all kinds are known", "apiservices");
	world_open(&w);
	w.facts.kinds.n = 1;
	expect_only(&w, TG_LEVEL_OK, "policy-kinds", "has no policy kind", NULL);
}

static void pod_ranges(void **state)
{
	struct tg_addr end = addr("10.244.0.1");
	const struct tg_zone_options named = {.node_addrs = &end, .n_node_addrs = 1};
	struct world w;

	world_open(&w);
	w.facts.pods_outside = (struct tg_stray){1, "shop/web 10.9.0.3"};
	expect_only(&w, TG_LEVEL_WARN, "pod-ranges", "1 of 2 pods have addresses outside",
		"pod-ranges");
	world_open(&w);
	w.facts.services_in_ranges = (struct tg_stray){1, "shop/web 10.244.0.3"};
	expect_only(
		&w, TG_LEVEL_WARN, "pod-ranges", "1 Services, as shop/web 10.244.0.3", "narrower");
	world_open(&w);
	w.cidrs[1] = prefix("10.244.0.128/25");
	expect_only(&w, TG_LEVEL_FAIL, "pod-ranges",
		"nodes n1 (10.244.0.0/24) and n2 (10.244.0.128/25) overlap", "spec.podCIDRs");
	world_open(&w);
	w.addrs[1] = addr("10.244.0.9");
	expect_only(
		&w, TG_LEVEL_WARN, "pod-ranges", "addresses of nodes: n2 10.244.0.9", "narrower");
	world_open(&w);
	w.facts.tunnel_addrs.v = &end;
	w.facts.tunnel_addrs.n = 1;
	expect_only(
		&w, TG_LEVEL_WARN, "pod-ranges", "10.244.0.1", "node-addresses: [\"10.244.0.1\"]");
	world_open(&w);
	w.facts.tunnel_addrs.v = &end;
	w.facts.tunnel_addrs.n = 1;
	w.options.home = named;
	expect_only(&w, TG_LEVEL_OK, "pod-ranges", "all 2 pods", NULL);
	/* What is said of another zone is no help. */
	world_open(&w);
	w.facts.tunnel_addrs.v = &end;
	w.facts.tunnel_addrs.n = 1;
	w.options.home = named;
	w.options.home.zone = 7;
	expect_only(&w, TG_LEVEL_WARN, "pod-ranges", "10.244.0.1", "node-addresses");
	world_open(&w);
	tg_vec_free(&w.facts.ranges);
	w.nodes[0].n_pod_cidrs = w.nodes[1].n_pod_cidrs = 0;
	expect_only(&w, TG_LEVEL_FAIL, "pod-ranges", "no Node has spec.podCIDRs", "`pod-ranges`");
	world_open(&w);
	w.facts.no_pods = "forbidden";
	expect_only(&w, TG_LEVEL_SKIP, "pod-ranges", "pods are not known: forbidden", NULL);
	world_open(&w);
	w.facts.no_nodes = "forbidden";
	expect_only(&w, TG_LEVEL_SKIP, "pod-ranges", "nodes are not known: forbidden", NULL);
}

static void many_overlaps_are_counted(void **state)
{
	struct tg_prefix same[6];
	struct world w;

	world_open(&w);
	for (int i = 0; i < 6; i++)
		same[i] = w.cidrs[0];
	w.nodes[0].pod_cidrs = same;
	w.nodes[0].n_pod_cidrs = 6;
	tg_check_cluster(&w.facts, &w.findings);
	assert_int_equal(count(&w.findings, TG_LEVEL_FAIL), 4);
	expect(&w.findings, TG_LEVEL_FAIL, "pod-ranges", "and 2 more ranges", NULL);
	world_close(&w);
}

static void tunnels(void **state)
{
	struct world w;

	world_open(&w);
	w.nodes[1].tunnel = "VXLAN (flannel)";
	expect_only(&w, TG_LEVEL_WARN, "tunnels",
		"1 of 2 nodes have a tunnel, VXLAN (flannel), as n2", "host-gw");
}

static void tunnels_of_cilium(void **state)
{
	static const struct {
		const char *data, *tunnel;
	} cases[] = {
		{"{}", "VXLAN (Cilium)"},
		{"{\"routing-mode\": \"tunnel\", \"tunnel-protocol\": \"geneve\"}",
			"Geneve (Cilium)"},
		{"{\"routing-mode\": \"tunnel\", \"tunnel-protocol\": \"vxlan\"}",
			"VXLAN (Cilium)"},
		{"{\"routing-mode\": \"native\", \"tunnel-protocol\": \"vxlan\"}", NULL},
		{"{\"tunnel\": \"geneve\"}", "Geneve (Cilium)"},
		{"{\"tunnel\": \"disabled\"}", NULL},
	};
	struct world w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_tree_error error;
		struct tg_tree *tree;
		const char *tunnel;

		assert_int_equal(
			tg_tree_parse(cases[i].data, strlen(cases[i].data), &tree, &error), 0);
		tunnel = tg_cilium_tunnel(tg_tree_document(tree, 0));
		if (cases[i].tunnel == NULL)
			assert_null(tunnel);
		else
			assert_string_equal(tunnel, cases[i].tunnel);
		tg_tree_free(tree);
	}
	world_open(&w);
	w.facts.tunnel = "Geneve (Cilium)";
	expect_only(&w, TG_LEVEL_WARN, "tunnels", "cilium-config has a tunnel, Geneve", "native");
	world_open(&w);
	w.facts.no_plugin = "forbidden";
	expect_only(&w, TG_LEVEL_SKIP, "tunnels", "whether Cilium has tunnels is not known", NULL);
}

static void infrastructure(void **state)
{
	struct world w;

	world_open(&w);
	w.tuples[0].lo = 6444;
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "nodes to the API server: denied",
		"- {name: kube-api-2, from: nodes, to: 192.0.2.9, ports: 6443}");
	world_open(&w);
	w.tuples[1].from = prefix("192.0.2.0/29");
	w.tuples[1].name = "other";
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "the API server to kubelets",
		"- {name: kubelet, from: 192.0.2.9, to: nodes, ports: 10250}");
	world_open(&w);
	w.tuples[0].lo = 1;
	w.tuples[0].hi = 6442;
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "nodes to the API server: denied", NULL);
	/* Where no node is known a range is not known to have them all. */
	world_open(&w);
	w.facts.nodes.n = 0;
	w.tuples[1].to_nodes = false;
	w.tuples[1].to = prefix("192.0.2.0/24");
	expect_only(
		&w, TG_LEVEL_WARN, "infrastructure", "the API server to kubelets: denied", NULL);
	/* Of another zone it is no help. */
	world_open(&w);
	w.tuples[0].zone = 7;
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "nodes to the API server", "kube-api-2");
	/* What the default action lets pass is no fault, as long as it does. */
	world_open(&w);
	w.options.n_infrastructure = 0;
	w.options.default_action[TG_EGRESS] = w.options.default_action[TG_INGRESS] =
		TG_DEFAULT_AUDIT;
	expect_only(&w, TG_LEVEL_OK, "infrastructure", "the default action does not deny",
		"before `default-action: deny`");
	/* Nodes to the API server are denied by egress alone. */
	world_open(&w);
	w.options.n_infrastructure = 0;
	w.options.default_action[TG_INGRESS] = TG_DEFAULT_AUDIT;
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "nodes to the API server: denied", NULL);
	world_open(&w);
	w.facts.api_servers.n = 0;
	w.facts.no_api_servers = "forbidden";
	w.facts.no_api_rule = "endpointslices";
	expect_only(&w, TG_LEVEL_SKIP, "infrastructure", "API servers are is not known: forbidden",
		"bound to us in namespace default:\n- {apiGroups: [discovery.k8s.io], resources: "
		"[endpointslices]");
}

static void etcd_wants_a_tuple_where_it_is_apart(void **state)
{
	struct world w;

	world_open(&w);
	w.etcd[0] = addr("192.0.2.9");
	w.etcd[1] = addr("192.0.2.2");
	w.facts.etcd.v = w.etcd;
	w.facts.etcd.n = 1;
	expect_only(&w, TG_LEVEL_OK, "infrastructure", "to kubelets", NULL);
	world_open(&w);
	w.etcd[0] = addr("192.0.2.9");
	w.etcd[1] = addr("192.0.2.2");
	w.facts.etcd.v = w.etcd;
	w.facts.etcd.n = 2;
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "etcd on nodes",
		"- {name: etcd, from: nodes, to: nodes, ports: 2379-2380}");
	/* Beside the last API server, and not beside the first. */
	world_open(&w);
	w.etcd[0] = addr("192.0.2.8");
	w.facts.etcd.v = w.etcd;
	w.facts.etcd.n = 1;
	w.servers[1] = (struct tg_socket_fact){w.etcd[0], 6443};
	w.facts.api_servers.n = 2;
	w.tuples[0].to = prefix("192.0.2.8/31");
	expect_only(&w, TG_LEVEL_WARN, "infrastructure", "etcd on nodes", "name: etcd");
	/* One tuple for each port is as good as one for both. */
	world_open(&w);
	w.etcd[0] = addr("192.0.2.1");
	w.facts.etcd.v = w.etcd;
	w.facts.etcd.n = 1;
	for (int i = 2; i < 4; i++)
		w.tuples[i] = (struct tg_infrastructure){.name = "etcd:x",
			.from = prefix("192.0.2.0/24"),
			.to_nodes = true,
			.protocol = 6,
			.lo = (uint16_t)(2377 + i),
			.hi = (uint16_t)(2377 + i)};
	w.options.n_infrastructure = 4;
	expect_only(&w, TG_LEVEL_OK, "infrastructure", "etcd on nodes: a tuple", NULL);
}

static void proposals_are_configuration(void **state)
{
	static const struct tg_proposal six = {.tuple = {.name = "dns",
						       .from_nodes = true,
						       .zone = 4,
						       .protocol = 17,
						       .lo = 53,
						       .hi = 53}};
	struct tg_proposal proposal = six;
	char text[TG_PROPOSAL_TEXT];

	proposal.tuple.to = prefix("fd00::53/128");
	assert_string_equal(tg_proposal_format(&proposal, text),
		"{name: dns, zone: 4, from: nodes, to: \"fd00::53\", protocol: UDP, ports: 53}");
}

static void several_clusters_have_names_of_their_own(void **state)
{
	struct world w;

	world_open(&w);
	w.options.n_infrastructure = 0;
	w.options.n_zones = 2;
	w.options.zones = (const struct tg_zone_options[2]){0};
	tg_check_cluster(&w.facts, &w.findings);
	expect(&w.findings, TG_LEVEL_WARN, "infrastructure", NULL, "{name: prod-kube-api,");
	world_close(&w);
}

/* --- the gateway --- */

static const struct tg_gateway_facts well = {.ready = true,
	.connected = true,
	.synced = true,
	.pods = 2,
	.pods_sent = 1000,
	.pods_received = 1000,
	.connections = 500};

static void expect_gateway(const struct tg_gateway_facts *facts, enum tg_level level,
	const char *check, const char *found, const char *todo)
{
	struct tg_findings findings = {.arena = tg_arena_create(0)};

	assert_non_null(findings.arena);
	tg_check_gateway(facts, &findings);
	expect(&findings, level, check, found, todo);
	assert_int_equal(count(&findings, TG_LEVEL_WARN), level == TG_LEVEL_WARN);
	assert_int_equal(count(&findings, TG_LEVEL_FAIL), level == TG_LEVEL_FAIL);
	tg_vec_free(&findings.list);
	tg_arena_free(findings.arena);
}

static void a_gateway_that_is_well(void **state)
{
	expect_gateway(&well, TG_LEVEL_OK, "status", "enforced", NULL);
	expect_gateway(&well, TG_LEVEL_OK, "sources", "up to date", NULL);
	expect_gateway(&well, TG_LEVEL_OK, "pod-addresses", "own addresses: 1000", NULL);
	expect_gateway(&well, TG_LEVEL_OK, "paths", "handshake", NULL);
	expect_gateway(&well, TG_LEVEL_OK, "endpoints", "0 unknown endpoint, 0 spoofed", NULL);
	expect_gateway(&well, TG_LEVEL_SKIP, "tunnels", "not seen from here", NULL);
}

static void a_gateway_that_is_not_there(void **state)
{
	struct tg_gateway_facts facts = {.error = "connection refused"};

	expect_gateway(&facts, TG_LEVEL_SKIP, "status", "connection refused", "--url");
	facts = well;
	facts.connected = false;
	expect_gateway(&facts, TG_LEVEL_SKIP, "paths", "the dataplane is away", NULL);
	facts = well;
	facts.ready = false;
	strcpy(facts.not_ready, "sources not read");
	expect_gateway(&facts, TG_LEVEL_FAIL, "status", "not ready: sources not read", "status");
	facts = well;
	facts.synced = false;
	expect_gateway(&facts, TG_LEVEL_FAIL, "sources", "not everything was read", "sources");
	facts = well;
	facts.stale = true;
	expect_gateway(&facts, TG_LEVEL_FAIL, "sources", "out of touch", "sources");
}

static void the_pickup_window_hides_paths(void **state)
{
	struct tg_gateway_facts facts = well;

	facts.pickup = true;
	facts.drops[TG_DROP_TCP_NO_CONNECTION] = 500;
	expect_gateway(&facts, TG_LEVEL_SKIP, "paths", "pickup-window", NULL);
}

static void masquerading(void **state)
{
	struct tg_gateway_facts facts = well;

	facts.pods_sent = 0;
	expect_gateway(&facts, TG_LEVEL_FAIL, "pod-addresses", "1000 packets", "natOutgoing");
	facts.pods_received = 0;
	facts.drops[TG_DROP_NODE_TRAFFIC] = 60;
	facts.node_packets = 39;
	expect_gateway(&facts, TG_LEVEL_SKIP, "pod-addresses", "too little", NULL);
	facts.node_packets = 40;
	expect_gateway(&facts, TG_LEVEL_FAIL, "pod-addresses", "100 packets", NULL);
	facts.pods_either = 1;
	expect_gateway(&facts, TG_LEVEL_SKIP, "pod-addresses", "default-allow", NULL);
	facts.pods = 0;
	expect_gateway(&facts, TG_LEVEL_SKIP, "pod-addresses", "no pod is known", NULL);
}

static void what_is_dropped(void **state)
{
	static const struct {
		enum tg_drop_reason reason;
		const char *check, *found, *todo;
	} cases[] = {
		{TG_DROP_NODE_TRAFFIC, "tunnels", "100 packets between nodes", "8472"},
		{TG_DROP_TCP_INVALID, "paths", "100 TCP packets do not fit", "group"},
		{TG_DROP_TCP_NO_CONNECTION, "paths", "100 TCP packets in mid-stream", "group"},
		{TG_DROP_UNKNOWN_ENDPOINT, "endpoints", "100 packets of addresses",
			"node-addresses"},
		{TG_DROP_SPOOFED, "endpoints", "100 packets of pods", "side"},
		{TG_DROP_SERVICE_ADDRESS, "endpoints", "100 packets to Service", "kube-proxy"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_gateway_facts facts = well;

		facts.drops[cases[i].reason] = 100;
		expect_gateway(
			&facts, TG_LEVEL_WARN, cases[i].check, cases[i].found, cases[i].todo);
		facts.connections = 1010; /* no more than a tenth of them */
		expect_gateway(&facts, TG_LEVEL_OK, "status", "enforced", NULL);
		facts.connections = 0;
		facts.drops[cases[i].reason] = 99; /* too few to tell */
		expect_gateway(&facts, TG_LEVEL_OK, "status", "enforced", NULL);
	}
}

/* --- what the control process says --- */

static cJSON *json(const char *text)
{
	cJSON *tree = cJSON_Parse(text);

	assert_non_null(tree);
	return tree;
}

static void answers_are_read(void **state)
{
	const struct tg_infrastructure tuples[] = {
		{.name = "overlay", .protocol = 17, .lo = 8472, .hi = 8472},
		{.name = "ntp", .protocol = 17, .lo = 123, .hi = 123},
	};
	const struct tg_config config = {
		.compile = {.infrastructure = tuples, .n_infrastructure = 2}};
	struct tg_gateway_facts facts = {0};
	cJSON *status = json("{\"ready\":true,\"not_ready\":\"\",\"dataplane\":{\"connected\":true,"
			     "\"pickup\":true},\"sources\":{\"synced\":true,\"stale\":true},"
			     "\"objects\":{\"pods\":5,\"nodes\":3}}");
	cJSON *drops = json("{\"drops\":[{\"reason\":\"spoofed\",\"packets\":7},"
			    "{\"reason\":\"of another version\",\"packets\":9}]}");
	cJSON *rules = json(
		"{\"rules\":["
		"{\"kind\":\"policy\",\"policy\":\"a\",\"direction\":\"egress\",\"packets\":1,"
		"\"connections\":10},"
		"{\"kind\":\"baseline\",\"policy\":\"\",\"direction\":\"ingress\",\"packets\":2},"
		"{\"kind\":\"infrastructure\",\"policy\":\"overlay\",\"direction\":\"both\","
		"\"packets\":4,\"connections\":5},"
		"{\"kind\":\"infrastructure\",\"policy\":\"ntp\",\"direction\":\"both\","
		"\"packets\":8},"
		"{\"kind\":\"builtin\",\"policy\":\"node-default\",\"packets\":16},"
		"{\"kind\":\"builtin\",\"policy\":\"own-node\",\"packets\":32},"
		"{\"kind\":\"builtin\",\"policy\":\"default-allow\",\"packets\":64},"
		"{\"kind\":\"builtin\",\"policy\":\"arp\",\"packets\":128}]}");

	tg_gateway_facts_read(&facts, &config, status, drops, rules);
	assert_true(facts.ready && facts.connected && facts.synced && facts.stale && facts.pickup);
	assert_int_equal(facts.pods, 5);
	assert_int_equal(facts.drops[TG_DROP_SPOOFED], 7);
	assert_int_equal(facts.pods_sent, 1);
	assert_int_equal(facts.pods_received, 2 + 32);
	assert_int_equal(facts.pods_either, 64);
	assert_int_equal(facts.node_packets, 4 + 8 + 16);
	assert_int_equal(facts.tunnel_packets, 4);
	assert_string_equal(facts.tunnel, "VXLAN");
	assert_int_equal(facts.connections, 15);
	facts.stale = facts.pickup = false;
	expect_gateway(
		&facts, TG_LEVEL_FAIL, "tunnels", "VXLAN between nodes: 4 packets", "routed");
	cJSON_Delete(status);
	cJSON_Delete(drops);
	cJSON_Delete(rules);
}

static void tuples_of_tunnels(void **state)
{
	static const struct {
		struct tg_infrastructure tuple;
		const char *tunnel;
	} cases[] = {
		{{.protocol = 17, .lo = 4789, .hi = 4789}, "VXLAN"},
		{{.protocol = 17, .lo = 6000, .hi = 7000}, "Geneve"},
		{{.protocol = 17, .lo = 51820, .hi = 51820}, "WireGuard"},
		{{.protocol = 4, .hi = 65535}, "IP-in-IP"},
		{{.protocol = 47, .hi = 65535}, "GRE"},
		{{.protocol = 6, .lo = 4789, .hi = 4789}, NULL},
		{{.protocol = 17, .lo = 4790, .hi = 4790}, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *tunnel = tg_tuple_tunnel(&cases[i].tuple);

		if (cases[i].tunnel == NULL)
			assert_null(tunnel);
		else
			assert_string_equal(tunnel, cases[i].tunnel);
	}
}

/* --- what facts are made of --- */

static void ranges_are_the_fewest(void **state)
{
	static const struct {
		const char *in[6], *out[4];
	} cases[] = {
		{{"10.0.0.0/24", "10.0.1.0/24"}, {"10.0.0.0/23"}},
		{{"10.0.1.0/24", "10.0.2.0/24"}, {"10.0.1.0/24", "10.0.2.0/24"}},
		{{"10.0.3.0/24", "10.0.2.0/24", "10.0.0.0/24", "10.0.1.0/24"}, {"10.0.0.0/22"}},
		{{"10.0.0.0/16", "10.0.7.0/24", "10.0.0.0/16"}, {"10.0.0.0/16"}},
		{{"0.0.0.0/1", "128.0.0.0/1"}, {"0.0.0.0/0"}},
		{{"fd00::/65", "fd00:0:0:0:8000::/65", "10.0.0.0/8"}, {"10.0.0.0/8", "fd00::/64"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_ranges ranges = {0};
		char text[TG_PREFIX_TEXT];
		size_t n = 0;

		for (size_t k = 0; k < 6 && cases[i].in[k] != NULL; k++) {
			const struct tg_prefix p = prefix(cases[i].in[k]);

			assert_int_equal(tg_ranges_add(&ranges, &p), 0);
		}
		tg_ranges_settle(&ranges);
		for (; n < 4 && cases[i].out[n] != NULL; n++)
			assert_string_equal(tg_prefix_format(&ranges.v[n], text), cases[i].out[n]);
		assert_int_equal(ranges.n, n);
		tg_vec_free(&ranges);
	}
}

static void ranges_contain(void **state)
{
	static const char *const in[] = {"10.0.1.0/24", "10.0.4.0/22", "fd00::/64"};
	static const struct {
		const char *addr;
		bool contained;
	} cases[] = {{"10.0.0.255", false}, {"10.0.1.0", true}, {"10.0.1.255", true},
		{"10.0.2.0", false}, {"10.0.7.255", true}, {"10.0.8.0", false}, {"fd00::1", true},
		{"fd00:0:0:1::", false}, {"::", false}};
	struct tg_ranges ranges = {0};

	tg_ranges_settle(&ranges);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tg_addr a = addr(cases[i].addr);

		assert_false(tg_ranges_contain(&ranges, &a));
	}
	for (size_t i = 0; i < 3; i++) {
		const struct tg_prefix p = prefix(in[i]);

		assert_int_equal(tg_ranges_add(&ranges, &p), 0);
	}
	tg_ranges_settle(&ranges);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tg_addr a = addr(cases[i].addr);

		assert_int_equal(tg_ranges_contain(&ranges, &a), cases[i].contained);
	}
	tg_vec_free(&ranges);
}

static void ranges_overlap(void **state)
{
	static const struct {
		const char *a[3], *b[3], *first;
	} cases[] = {
		{{"10.0.0.0/24"}, {"10.0.1.0/24"}, NULL},
		{{"10.0.0.0/24", "10.0.4.0/24"}, {"10.0.0.0/16"}, "10.0.0.0/24"},
		{{"10.0.0.0/24", "10.0.4.0/23"}, {"10.0.5.0/24"}, "10.0.4.0/23"},
		{{"10.0.4.0/24"}, {"10.0.4.0/24", "fd00::/64"}, "10.0.4.0/24"},
		{{"fd00::/64"}, {"10.0.0.0/8", "fd00:0:0:1::/64"}, NULL},
		{{NULL}, {"10.0.0.0/8"}, NULL},
		{{"10.0.0.0/8"}, {NULL}, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_ranges a = {0}, b = {0};
		const struct tg_prefix *first;
		char text[TG_PREFIX_TEXT];

		for (size_t k = 0; cases[i].a[k] != NULL; k++) {
			const struct tg_prefix p = prefix(cases[i].a[k]);

			assert_int_equal(tg_ranges_add(&a, &p), 0);
		}
		for (size_t k = 0; cases[i].b[k] != NULL; k++) {
			const struct tg_prefix p = prefix(cases[i].b[k]);

			assert_int_equal(tg_ranges_add(&b, &p), 0);
		}
		tg_ranges_settle(&a);
		tg_ranges_settle(&b);
		first = tg_ranges_overlap(&a, &b);
		if (cases[i].first == NULL)
			assert_null(first);
		else
			assert_string_equal(tg_prefix_format(first, text), cases[i].first);
		tg_vec_free(&a);
		tg_vec_free(&b);
	}
}

static void corefiles(void **state)
{
	static const char text[] = ".:53 {\n"
				   "    errors\n"
				   "    # forward . 1.1.1.1\n"
				   "    forward corp.example 10.9.9.9\n"
				   "    forward . 9.9.9.9 [2620:fe::fe]:5353 10.0.0.1:70000 x {\n"
				   "      max_concurrent 1000\n"
				   "    }\n"
				   "}\n"
				   "b {\n\tforward\t.\tdns://10.0.0.53:54 # 10.0.0.2\n}";
	static const struct {
		const char *addr;
		uint16_t port;
	} expected[] = {{"9.9.9.9", 53}, {"2620:fe::fe", 5353}, {"10.0.0.53", 54}};
	tg_socket_facts got = {0};

	assert_int_equal(tg_corefile_upstreams(text, &got), 0);
	assert_int_equal(got.n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct tg_addr a = addr(expected[i].addr);

		assert_int_equal(tg_addr_compare(&got.v[i].addr, &a), 0);
		assert_int_equal(got.v[i].port, expected[i].port);
	}
	got.n = 0;
	assert_int_equal(
		tg_corefile_upstreams("forward . /etc/resolv.conf\nforward .\nforward", &got), 0);
	assert_int_equal(got.n, 0);
	tg_vec_free(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_wrong),
		cmocka_unit_test(credentials),
		cmocka_unit_test(servers),
		cmocka_unit_test(clocks),
		cmocka_unit_test(rbac),
		cmocka_unit_test(policy_kinds),
		cmocka_unit_test(pod_ranges),
		cmocka_unit_test(many_overlaps_are_counted),
		cmocka_unit_test(tunnels),
		cmocka_unit_test(tunnels_of_cilium),
		cmocka_unit_test(infrastructure),
		cmocka_unit_test(etcd_wants_a_tuple_where_it_is_apart),
		cmocka_unit_test(proposals_are_configuration),
		cmocka_unit_test(several_clusters_have_names_of_their_own),
		cmocka_unit_test(a_gateway_that_is_well),
		cmocka_unit_test(a_gateway_that_is_not_there),
		cmocka_unit_test(the_pickup_window_hides_paths),
		cmocka_unit_test(masquerading),
		cmocka_unit_test(what_is_dropped),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(tuples_of_tunnels),
		cmocka_unit_test(ranges_are_the_fewest),
		cmocka_unit_test(ranges_contain),
		cmocka_unit_test(ranges_overlap),
		cmocka_unit_test(corefiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

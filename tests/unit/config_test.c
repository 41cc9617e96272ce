/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define FILE_NAME "/etc/tidegate/ctrl.yaml"

static struct tg_config *parse(const char *text, char **error)
{
	struct tg_config *config = NULL;
	int err = tg_config_parse(FILE_NAME, text, strlen(text), &config, error);

	assert_true(err == 0 || err == -EINVAL);
	assert_true((err == 0) == (config != NULL));
	assert_true((err == 0) == (*error == NULL));
	return config;
}

static struct tg_config *good(const char *text)
{
	char *error;
	struct tg_config *config = parse(text, &error);

	if (config == NULL)
		fail_msg("%s", error);
	return config;
}

static void defaults(void **state)
{
	struct tg_config *c = good("manifests: policies\n");
	char text[TG_ADDR_TEXT];

	assert_int_equal(c->n_manifests, 1);
	assert_string_equal(c->manifests[0], "/etc/tidegate/policies");
	assert_string_equal(c->dataplane_socket, "/run/tidegate/dataplane.sock");
	assert_null(c->state_directory);
	assert_true(c->http.enabled);
	assert_string_equal(tg_addr_format(&c->http.addr, text), "127.0.0.1");
	assert_int_equal(c->http.port, 9469);
	assert_int_equal(c->debounce_ms, 10);
	assert_int_equal(c->rescan_s, 60);
	assert_int_equal(c->log_level, TG_LOG_INFO);
	assert_int_equal(c->compile.default_action[TG_INGRESS], TG_DEFAULT_DENY);
	assert_int_equal(c->compile.default_action[TG_EGRESS], TG_DEFAULT_DENY);
	assert_false(c->compile.transit_allow);
	assert_int_equal(c->compile.home.n_pod_ranges, 0);
	assert_int_equal(c->compile.n_infrastructure, 0);
	tg_config_free(c);
}

static void every_key(void **state)
{
	struct tg_config *c = good("manifests: [/a, b/c]\n"
				   "dataplane-socket: /tmp/dp.sock\n"
				   "state-directory: state\n"
				   "http: {listen: '[::1]:80'}\n"
				   "default-action: {ingress: audit, egress: kubernetes}\n"
				   "transit: allow\n"
				   "zone: 7\n"
				   "pod-ranges: [10.244.1.0/16, 'fd00::/64']\n"
				   "node-addresses: [10.244.0.1]\n"
				   "infrastructure:\n"
				   "- {name: api, from: nodes, to: 192.0.2.1, ports: 6443}\n"
				   "- name: etcd\n"
				   "  from: 192.0.2.0/24\n"
				   "  to: nodes\n"
				   "  ports: [2379-2380, '9979']\n"
				   "- {name: ping, from: nodes, to: nodes, protocol: ICMP}\n"
				   "- {name: vrrp, from: nodes, to: 224.0.0.18, protocol: 112}\n"
				   "cell-budget: 1000\n"
				   "connections-per-namespace: 50000\n"
				   "debounce: 50\n"
				   "rescan: 0\n"
				   "log-level: debug\n");
	const struct tg_infrastructure *t = c->compile.infrastructure;
	char text[TG_PREFIX_TEXT];

	assert_int_equal(c->n_manifests, 2);
	assert_string_equal(c->manifests[0], "/a");
	assert_string_equal(c->manifests[1], "/etc/tidegate/b/c");
	assert_string_equal(c->dataplane_socket, "/tmp/dp.sock");
	assert_string_equal(c->state_directory, "/etc/tidegate/state");
	assert_int_equal(c->http.addr.family, 6);
	assert_int_equal(c->http.port, 80);
	assert_int_equal(c->compile.default_action[TG_INGRESS], TG_DEFAULT_AUDIT);
	assert_int_equal(c->compile.default_action[TG_EGRESS], TG_DEFAULT_KUBERNETES);
	assert_true(c->compile.transit_allow);
	assert_int_equal(c->compile.home.zone, 7);
	assert_int_equal(c->compile.home.n_pod_ranges, 2);
	assert_string_equal(
		tg_prefix_format(&c->compile.home.pod_ranges[0], text), "10.244.0.0/16");
	assert_int_equal(c->compile.home.n_node_addrs, 1);
	assert_int_equal(c->compile.cell_budget, 1000);
	assert_int_equal(c->compile.max_connections, 50000);
	assert_int_equal(c->debounce_ms, 50);
	assert_int_equal(c->rescan_s, 0);
	assert_int_equal(c->log_level, TG_LOG_DEBUG);

	assert_int_equal(c->compile.n_infrastructure, 5);
	assert_string_equal(t[0].name, "api");
	assert_true(t[0].from_nodes && !t[0].to_nodes);
	assert_string_equal(tg_prefix_format(&t[0].to, text), "192.0.2.1/32");
	assert_true(t[0].protocol == 6 && t[0].lo == 6443 && t[0].hi == 6443);
	assert_string_equal(t[1].name, "etcd:2379-2380");
	assert_true(!t[1].from_nodes && t[1].to_nodes && t[1].lo == 2379 && t[1].hi == 2380);
	assert_string_equal(t[2].name, "etcd:9979");
	assert_true(t[3].protocol == 1 && t[3].lo == 0 && t[3].hi == 65535);
	assert_int_equal(t[4].protocol, 112);
	tg_config_free(c);
}

static void one_action_is_for_both_directions(void **state)
{
	struct tg_config *c = good("manifests: a\ndefault-action: audit\nhttp: off\n");

	assert_int_equal(c->compile.default_action[TG_INGRESS], TG_DEFAULT_AUDIT);
	assert_int_equal(c->compile.default_action[TG_EGRESS], TG_DEFAULT_AUDIT);
	assert_false(c->http.enabled);
	tg_config_free(c);
}

static void clusters_are_sources_like_folders(void **state)
{
	struct tg_config *c = good("clusters:\n"
				   "- name: prod\n"
				   "  kubeconfig: prod.kubeconfig\n"
				   "  context: reader\n"
				   "  insecure-skip-tls-verify: true\n"
				   "  namespaces: [a, b]\n"
				   "  selectors: {pods: app!=batch}\n"
				   "  optional: [nodes, services]\n"
				   "- name: here\n");
	const struct tg_config_cluster *prod = &c->clusters[0], *here = &c->clusters[1];

	assert_int_equal(c->n_manifests, 0);
	assert_int_equal(c->n_clusters, 2);
	assert_string_equal(prod->name, "prod");
	assert_string_equal(prod->kubeconfig, "/etc/tidegate/prod.kubeconfig");
	assert_string_equal(prod->context, "reader");
	assert_true(prod->insecure);
	assert_int_equal(prod->n_namespaces, 2);
	assert_string_equal(prod->namespaces[1], "b");
	assert_string_equal(prod->selector[TG_CLUSTER_PODS], "app!=batch");
	assert_null(prod->selector[TG_CLUSTER_NODES]);
	assert_int_equal(prod->optional, 1u << TG_CLUSTER_NODES | 1u << TG_CLUSTER_SERVICES);
	assert_string_equal(here->name, "here");
	assert_null(here->kubeconfig);
	assert_false(here->insecure);
	assert_int_equal(here->n_namespaces, 0);
	assert_int_equal(here->optional, 0);
	tg_config_free(c);
}

/* What is said of zones, of clusters and for them. */
static void clusters_have_zones(void **state)
{
	struct tg_config *c = good("manifests: a\n"
				   "infrastructure:\n"
				   "- {name: near, from: nodes, to: nodes}\n"
				   "- {name: far, from: nodes, to: nodes, zone: 40000}\n"
				   "clusters:\n"
				   "- {name: prod, zone: 40000, pod-ranges: [10.1.0.0/16],"
				   " node-addresses: [10.1.0.1, 10.1.0.2]}\n"
				   "- {name: dev}\n"
				   "zone: 7\n"
				   "pod-ranges: [10.2.0.0/16]\n");
	const struct tg_compile_options *o = &c->compile;
	char text[TG_PREFIX_TEXT];

	assert_int_equal(o->home.zone, 7);
	assert_int_equal(o->home.n_pod_ranges, 1);
	assert_int_equal(o->n_zones, 2);
	assert_int_equal(o->zones[0].zone, 40000);
	assert_int_equal(o->zones[0].n_pod_ranges, 1);
	assert_string_equal(tg_prefix_format(&o->zones[0].pod_ranges[0], text), "10.1.0.0/16");
	assert_int_equal(o->zones[0].n_node_addrs, 2);
	assert_int_equal(o->zones[1].zone, 7);
	assert_int_equal(o->zones[1].n_pod_ranges, 0);
	assert_int_equal(o->infrastructure[0].zone, 7);
	assert_int_equal(o->infrastructure[1].zone, 40000);
	assert_int_equal(c->clusters[0].scope.zone, 40000);
	assert_int_equal(c->clusters[1].scope.zone, 7);
	tg_config_free(c);
}

/* Names are confined to their cluster where there are several. */
static void several_clusters_are_confined(void **state)
{
	static const struct {
		const char *text;
		bool confined;
	} cases[] = {
		{"manifests: a\n", false},
		{"clusters:\n- {name: prod}\n", false},
		{"clusters:\n- {name: prod, zone: 3}\n", false},
		{"manifests: a\nclusters:\n- {name: prod}\n", false},
		{"manifests: a\nzone: 3\nclusters:\n- {name: prod, zone: 3}\n", false},
		{"manifests: a\nclusters:\n- {name: prod, zone: 3}\n", true},
		{"clusters:\n- {name: prod}\n- {name: dev}\n", true},
		{"manifests: a\nclusters:\n- {name: prod}\n- {name: dev, zone: 3}\n", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_config *c = good(cases[i].text);

		assert_int_equal(c->scope.confined, cases[i].confined);
		assert_null(c->scope.cluster);
		for (size_t k = 0; k < c->n_clusters; k++) {
			assert_int_equal(c->clusters[k].scope.confined, cases[i].confined);
			assert_ptr_equal(c->clusters[k].scope.cluster,
				cases[i].confined ? c->clusters[k].name : NULL);
		}
		tg_config_free(c);
	}
}

/* What is refused, the line that is named, and words that the message has. */
#define TIMES_10(s) s s s s s s s s s s
#define TIMES_2000(s) TIMES_10(TIMES_10(TIMES_10(s s)))

static const struct {
	const char *text;
	unsigned int line;
	const char *says;
} bad[] = {
	{"", 0, "expected one document"},
	{"manifests: a\n---\nmanifests: b\n", 0, "one document"},
	{"manifests: [a\n", 2, ""},
	{"- a\n", 1, "expected a map"},
	{"transit: deny\n", 1, "manifests: is required"},
	{"manifests: []\n", 1, "manifests: is required"},
	{"clusters: []\n", 1, "manifests: is required, or clusters"},
	{"clusters: {name: a}\n", 1, "clusters: a list is expected"},
	{"clusters: [null]\n", 1, "clusters[0]: expected a cluster"},
	{"clusters:\n- kubeconfig: a\n", 2, "clusters[0].name: is required"},
	{"clusters:\n- {name: A}\n", 2, "clusters[0].name: expected a name"},
	{"clusters:\n- {name: ''}\n", 2, "clusters[0].name: expected a name"},
	{"clusters:\n- {name: a}\n- {name: a}\n", 3,
		"clusters[1].name: is the name of another cluster already"},
	{"clusters:\n- {name: a, kubeconfig: ''}\n", 2, "clusters[0].kubeconfig: expected a path"},
	{"clusters:\n- {name: a, context: b}\n", 2, "clusters[0].context: needs a kubeconfig"},
	{"clusters:\n- {name: a, insecure-skip-tls-verify: maybe}\n", 2,
		"clusters[0].insecure-skip-tls-verify"},
	{"clusters:\n- {name: a, insecure: true}\n", 2, "clusters[0].insecure"},
	{"clusters:\n- {name: a, namespaces: []}\n", 2,
		"clusters[0].namespaces: expected a namespace"},
	{"clusters:\n- {name: a, namespaces: [b, b]}\n", 2,
		"clusters[0].namespaces[1]: is there already"},
	{"clusters:\n- {name: a, namespaces: [B]}\n", 2,
		"clusters[0].namespaces[0]: expected the name"},
	{"clusters:\n- {name: a, namespaces: [null]}\n", 2,
		"clusters[0].namespaces[0]: expected the name"},
	{"clusters:\n- {name: a, zone: 65536}\n", 2, "clusters[0].zone"},
	{"clusters:\n- {name: a, zone: -1}\n", 2, "clusters[0].zone"},
	{"clusters:\n- {name: a, pod-ranges: [10.0.0.0/8, x]}\n", 2,
		"clusters[0].pod-ranges[1]: expected a CIDR"},
	{"clusters:\n- {name: a, node-addresses: [10.0.0.0/8]}\n", 2,
		"clusters[0].node-addresses[0]: expected an address"},
	{"manifests: a\ninfrastructure:\n- {name: a, from: nodes, to: nodes, zone: x}\n", 3,
		"infrastructure[0].zone"},
	{"clusters:\n- {name: a, selectors: {pod: x}}\n", 2, "clusters[0].selectors.pod"},
	{"clusters:\n- {name: a, selectors: {pods: ''}}\n", 2,
		"clusters[0].selectors.pods: expected a label selector"},
	{"clusters:\n- {name: a, selectors: {networkpolicies: x}}\n", 2,
		"clusters[0].selectors.networkpolicies: policies are all read"},
	{"clusters:\n- {name: a, optional: [nodes, secrets]}\n", 2,
		"clusters[0].optional[1]: expected one of namespaces, nodes, services, "
		"networkpolicies, pods, not \"secrets\""},
	{"clusters:\n- {name: a, selectors: {pods: " TIMES_2000("a") "x}}\n", 2,
		"clusters[0].selectors.pods: expected a label selector of at most 2000 bytes"},
	{"clusters:\n- {name: a, optional: [null]}\n", 2,
		"clusters[0].optional[0]: expected one of"},
	{"manifests: ''\n", 1, "manifests: expected a path"},
	{"manifests: [a, null]\n", 1, "manifests[1]: expected a path"},
	{"manifests: 3\n", 1, "manifests"},
	{"manifests: a\nmanifest: b\n", 2, "manifest"},
	{"manifests: a\nmanifests: b\n", 2, "manifests"},
	{"manifests: a\nTransit: deny\n", 2, "Transit"},
	{"manifests: a\ntransit: maybe\n", 2, "transit: expected deny or allow, not \"maybe\""},
	{"manifests: a\ntransit: yes\n", 2, "transit"},
	{"manifests: a\ndefault-action: drop\n", 2,
		"default-action: expected deny, audit or kubernetes, not \"drop\""},
	{"manifests: a\ndefault-action:\n  ingress: deny\n  egres: deny\n", 4,
		"default-action.egres"},
	{"manifests: a\nhttp: {listen: localhost:1}\n", 2, "http.listen: expected an address"},
	{"manifests: a\nhttp: {listen: '127.0.0.1'}\n", 2, "http.listen"},
	{"manifests: a\nhttp: {listen: '::1:80'}\n", 2, "http.listen"},
	{"manifests: a\nhttp: {listen: '127.0.0.1:70000'}\n", 2, "http.listen"},
	{"manifests: a\nhttp: {listen: '127.0.0.1:80x'}\n", 2, "http.listen"},
	{"manifests: a\nhttp: {port: 1}\n", 2, "http.port"},
	{"manifests: a\nzone: 65536\n", 2, "zone"},
	{"manifests: a\nzone: -1\n", 2, "zone"},
	{"manifests: a\npod-ranges: 10.0.0.0/8\n", 2, "pod-ranges"},
	{"manifests: a\npod-ranges:\n- 10.0.0.0/8\n- 10.0.0.0/33\n", 4, "pod-ranges[1]"},
	{"manifests: a\npod-ranges: [null]\n", 2, "pod-ranges[0]"},
	{"manifests: a\nnode-addresses: [10.0.0.0/8]\n", 2, "node-addresses[0]"},
	{"manifests: a\ncell-budget: 0\n", 2, "cell-budget"},
	{"manifests: a\nconnections-per-namespace: 0\n", 2, "connections-per-namespace"},
	{"manifests: a\ndebounce: 1.5\n", 2, "debounce"},
	{"manifests: a\ndebounce: 0\n", 2, "debounce"},
	{"manifests: a\nrescan: soon\n", 2, "rescan"},
	{"manifests: a\nlog-level: verbose\n", 2, "log-level"},
	{"manifests: a\ninfrastructure: {name: x}\n", 2, "infrastructure"},
	{"manifests: a\ninfrastructure: [null]\n", 2, "infrastructure[0]: expected a map"},
	{"manifests: a\ninfrastructure:\n- {from: nodes, to: nodes}\n", 3,
		"infrastructure[0].name: is required"},
	{"manifests: a\ninfrastructure:\n- {name: x, to: nodes}\n", 3,
		"infrastructure[0].from: is required"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes}\n", 3, "infrastructure[0].to"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: pods, to: nodes}\n", 3,
		"expected nodes, a CIDR or an address, not \"pods\""},
	{"manifests: a\ninfrastructure:\n- {name: x, from: 10.0.0.1, to: 'fd00::1'}\n", 3,
		"different address families"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, protocol: tcp}\n", 3,
		"infrastructure[0].protocol"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, protocol: 0}\n", 3,
		"infrastructure[0].protocol"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, ports: 0}\n", 3,
		"infrastructure[0].ports"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, ports: []}\n", 3,
		"infrastructure[0].ports"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, ports: [5-4]}\n", 3,
		"infrastructure[0].ports[0]"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, ports: [1-2-3]}\n", 3,
		"infrastructure[0].ports[0]"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, ports: [1, 1-70000]}\n",
		3, "infrastructure[0].ports[1]"},
	{"manifests: a\ninfrastructure:\n"
	 "- {name: x, from: nodes, to: nodes, protocol: ICMP, ports: 1}\n",
		3, "the protocol has no ports"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes}\n"
	 "- {name: x, from: nodes, to: nodes}\n",
		4, "infrastructure[1].name: \"x\" is used twice"},
	{"manifests: a\ninfrastructure:\n- {name: x, from: nodes, to: nodes, port: 1}\n", 3,
		"infrastructure[0].port"},
};

static void mistakes_are_refused_with_their_place(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char place[64], *error;

		assert_null(parse(bad[i].text, &error));
		if (bad[i].line != 0)
			snprintf(place, sizeof(place), FILE_NAME ":%u: ", bad[i].line);
		else
			snprintf(place, sizeof(place), FILE_NAME);
		if (strncmp(error, place, strlen(place)) != 0 || strstr(error, bad[i].says) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\" and \"%s\"", i, error, place,
				bad[i].says);
		free(error);
	}
}

static void all_mistakes_are_listed(void **state)
{
	char *error;

	assert_null(parse("manifests: a\nzone: x\nfoo: 1\nrescan: -1\n", &error));
	assert_non_null(strstr(error, ":2: zone"));
	assert_non_null(strstr(error, ":3: foo"));
	assert_non_null(strstr(error, ":4: rescan"));
	free(error);
}

static void a_missing_file_is_named(void **state)
{
	struct tg_config *config;
	char *error;

	assert_int_equal(tg_config_load("/nonexistent/x.yaml", &config, &error), -ENOENT);
	assert_string_equal(error, "/nonexistent/x.yaml: No such file or directory");
	free(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_key),
		cmocka_unit_test(one_action_is_for_both_directions),
		cmocka_unit_test(clusters_are_sources_like_folders),
		cmocka_unit_test(clusters_have_zones),
		cmocka_unit_test(several_clusters_are_confined),
		cmocka_unit_test(mistakes_are_refused_with_their_place),
		cmocka_unit_test(all_mistakes_are_listed),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

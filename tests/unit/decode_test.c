/* SPDX-License-Identifier: BSD-3-Clause */
/* Pods, nodes, services and namespaces, lists of objects, and what becomes of other kinds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

#define ZONE 700
#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

struct fixture {
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_decoded out;
	int err;
};

static void decode_file(struct fixture *f, const char *file, const char *text)
{
	f->strings = tg_intern_create();
	f->arena = tg_arena_create(0);
	const struct tg_scope scope = {.zone = ZONE};

	f->err = tg_decode(file, text, strlen(text), &scope, f->strings, f->arena, &f->out);
}

static void decode(struct fixture *f, const char *text)
{
	decode_file(f, "objects.yaml", text);
}

static void teardown(struct fixture *f)
{
	tg_decoded_free(&f->out);
	tg_arena_free(f->arena);
	tg_intern_free(f->strings);
}

static void expect_problem(const char *text, const char *expected)
{
	struct fixture f;
	char first[1024] = "accepted";

	decode(&f, text);
	if (f.out.errors.n != 0)
		snprintf(first, sizeof(first), "%u: %s", f.out.errors.v[0].line,
			f.out.errors.v[0].text);
	if (strncmp(first, expected, strlen(expected)) != 0)
		fail_msg("%s, in:\n%s\nexpected: %s", first, text, expected);
	teardown(&f);
}

struct text {
	char buf[1024];
};

static void put(struct text *t, const char *fmt, ...)
{
	size_t used = strlen(t->buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->buf + used, sizeof(t->buf) - used, fmt, ap);
	va_end(ap);
}

static void put_addrs(struct text *t, const struct tg_addr *addrs, uint32_t n)
{
	char buf[TG_ADDR_TEXT];

	for (uint32_t i = 0; i < n; i++)
		put(t, " %s", tg_addr_format(&addrs[i], buf));
}

static void put_labels(struct text *t, const struct fixture *f, const struct tg_labels *labels)
{
	for (uint32_t i = 0; i < labels->n; i++) {
		put(t, " %s=%s", tg_intern_text(f->strings, labels->v[i].key),
			tg_intern_text(f->strings, labels->v[i].value));
		assert_true(i == 0 || labels->v[i - 1].key < labels->v[i].key);
	}
}

static void put_pod(struct text *t, const struct fixture *f, const struct tg_pod *pod)
{
	put(t, "%s/%s", tg_intern_text(f->strings, pod->ns), tg_intern_text(f->strings, pod->name));
	assert_int_equal(pod->zone, ZONE);
	put_addrs(t, pod->addrs, pod->n_addrs);
	put_labels(t, f, &pod->labels);
	for (uint32_t i = 0; i < pod->n_ports; i++)
		put(t, " %s:%u/%u", tg_intern_text(f->strings, pod->ports[i].name),
			pod->ports[i].number, pod->ports[i].protocol);
	if (pod->node != 0)
		put(t, " on %s", tg_intern_text(f->strings, pod->node));
	if (pod->uid != 0)
		put(t, " uid %s", tg_intern_text(f->strings, pod->uid));
	if (pod->created_at != INT64_MIN)
		put(t, " at %lld", (long long)pod->created_at);
	put(t, "%s%s%s", pod->host_network ? " host" : "", pod->finished ? " finished" : "",
		pod->terminating ? " terminating" : "");
}

static void pods_become_the_model(void **state)
{
	static const struct {
		const char *pod, *expected;
	} cases[] = {
		{"metadata: {name: p}", "default/p"},
		{"metadata: {name: p, namespace: shop, uid: u1, labels: {b: '1', a: null}}\n"
		 "anything: [1]\nspec: {nodeName: n1, whatever: {}}",
			"shop/p b=1 a= on n1 uid u1"},
		{"metadata: {name: p, creationTimestamp: '1970-01-01T00:01:00Z'}\n"
		 "status: {podIP: 10.0.0.1}",
			"default/p 10.0.0.1 at 60"},
		{"metadata: {name: p, creationTimestamp: '1970-01-01T01:00:00.5+01:00',\n"
		 "  deletionTimestamp: '2024-01-01T00:00:00Z'}",
			"default/p at 0 terminating"},
		{"metadata: {name: p, deletionTimestamp: null}", "default/p"},
		/* podIPs, else podIP */
		{"metadata: {name: p}\nstatus: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.2}, {ip: "
		 "'2001:DB8::1'}]}",
			"default/p 10.0.0.2 2001:db8::1"},
		{"metadata: {name: p}\nstatus: {podIP: 10.0.0.1, podIPs: []}",
			"default/p 10.0.0.1"},
		{"metadata: {name: p}\nstatus: {podIP: '', podIPs: [{}]}", "default/p"},
		{"metadata: {name: p}\nstatus: {podIP: '::ffff:10.0.0.1'}", "default/p 10.0.0.1"},
		/* finished pods have no address, hostNetwork pods are listed */
		{"metadata: {name: p}\nstatus: {phase: Succeeded, podIP: 10.0.0.1}",
			"default/p finished"},
		{"metadata: {name: p}\nstatus: {phase: Failed, podIPs: [{ip: 10.0.0.1}]}",
			"default/p finished"},
		{"metadata: {name: p}\nstatus: {phase: Pending, podIP: 10.0.0.1}",
			"default/p 10.0.0.1"},
		{"metadata: {name: p}\nspec: {hostNetwork: true}\nstatus: {podIP: 10.0.0.1}",
			"default/p 10.0.0.1 host"},
		/* ports of containers and sidecars, those with a name */
		{"metadata: {name: p}\nspec:\n  containers:\n"
		 "  - ports: [{name: http, containerPort: 80}, {containerPort: 81}]\n"
		 "  - ports: [{name: dns, containerPort: 53, protocol: UDP}, {name: dns,\n"
		 "      containerPort: 53, protocol: TCP}]\n"
		 "  initContainers:\n"
		 "  - ports: [{name: init, containerPort: 1}]\n"
		 "  - restartPolicy: Always\n    ports: [{name: side, containerPort: 2, "
		 "protocol: SCTP}]\n"
		 "  - restartPolicy: Never\n    ports: [{name: not, containerPort: 3}]\n"
		 "  ephemeralContainers:\n  - ports: [{name: e, containerPort: 4}]",
			"default/p http:80/6 dns:53/17 dns:53/6 side:2/132"},
		/* the last of two keys counts */
		{"metadata: {name: p, labels: {a: x, a: z}}", "default/p a=z"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		struct text out = {""};
		struct fixture f;

		snprintf(text, sizeof(text), "apiVersion: v1\nkind: Pod\n%s\n", cases[i].pod);
		decode(&f, text);
		if (f.err != 0)
			fail_msg("%s: %s", text, f.out.errors.v[0].text);
		assert_int_equal(f.out.pods.n, 1);
		put_pod(&out, &f, f.out.pods.v[0]);
		assert_string_equal(out.buf, cases[i].expected);
		assert_int_equal(f.out.pods.v[0]->place.line, 1);
		teardown(&f);
	}
}

static void wrong_types_and_values_are_problems(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"kind: Pod\nmetadata: {}", "3: metadata.name: a name is required"},
		{"kind: Pod", "1: metadata: metadata with a name is required"},
		{"kind: Pod\nmetadata: {name: 1}", "3: metadata.name: a string is expected"},
		{"kind: Pod\nmetadata: {name: p, labels: {a: 1}}",
			"3: metadata.labels.a: a string is expected, not a number (quotes"},
		{"kind: Pod\nmetadata: {name: p, labels: [a]}", "3: metadata.labels: a map"},
		{"kind: Pod\nmetadata: {name: p}\nspec: []", "4: spec: a map is expected"},
		{"kind: Pod\nmetadata: {name: p}\nstatus: {podIP: here}",
			"4: status.podIP: an IP address is expected, not \"here\""},
		{"kind: Pod\nmetadata: {name: p}\nstatus:\n  podIPs:\n  - ip: 10.0.0.1\n  - ip: "
		 "10.0.0\n",
			"7: status.podIPs[1].ip: an IP address"},
		{"kind: Pod\nmetadata: {name: p}\nstatus: {podIPs: {}}",
			"4: status.podIPs: a list"},
		{"kind: Pod\nmetadata: {name: p, creationTimestamp: x}",
			"3: metadata.creationTimestamp: an RFC 3339 time"},
		{"kind: Pod\nmetadata: {name: p, creationTimestamp: '2024-13-01T00:00:00Z'}",
			"3: metadata.creationTimestamp: an RFC 3339 time"},
		{"kind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: 1}",
			"4: spec.hostNetwork: true or false"},
		{"kind: Pod\nmetadata: {name: p}\nspec: {containers: [{ports: [{name: a, "
		 "containerPort: 0}]}]}",
			"4: spec.containers[0].ports[0].containerPort: an integer from 1"},
		{"kind: Pod\nmetadata: {name: p}\nspec: {containers: [{ports: [{name: a, "
		 "containerPort: 1, protocol: ICMP}]}]}",
			"4: spec.containers[0].ports[0].protocol: TCP, UDP or SCTP"},
		{"kind: Node\nmetadata: {name: p}\nspec: {podCIDRs: [10.0.0.0]}",
			"4: spec.podCIDRs[0]: an address range"},
		{"kind: Node\nmetadata: {name: p}\nstatus: {addresses: [{type: InternalIP, "
		 "address: x}]}",
			"4: status.addresses[0].address: an IP address"},
		{"kind: Service\nmetadata: {name: p}\nspec: {clusterIP: x}",
			"4: spec.clusterIP: an IP address"},
		{"kind: Namespace\nmetadata: {name: p, labels: {a: yes}}",
			"3: metadata.labels.a: a string is expected, not a boolean"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "apiVersion: v1\n%s\n", cases[i].text);
		expect_problem(text, cases[i].expected);
	}
}

static void nodes_become_the_model(void **state)
{
	struct text out = {""};
	struct fixture f;
	char buf[TG_PREFIX_TEXT];

	decode(&f,
		"apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {zone: a}}\n"
		"spec: {podCIDR: 10.1.0.0/24, podCIDRs: [10.1.0.0/24, 'fd00:1::/64']}\n"
		"status:\n  addresses:\n  - {type: Hostname, address: n1}\n"
		"  - {type: InternalIP, address: 192.168.0.1}\n"
		"  - {type: InternalDNS, address: n1.local}\n"
		"  - {type: ExternalIP, address: '2001:db8::1'}\n---\n"
		"apiVersion: v1\nkind: Node\nmetadata: {name: n2}\nspec: {podCIDR: 10.2.0.0/24}\n");
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.nodes.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct tg_node *node = f.out.nodes.v[i];

		put(&out, "%s", tg_intern_text(f.strings, node->name));
		put_labels(&out, &f, &node->labels);
		assert_int_equal(node->zone, ZONE);
		put_addrs(&out, node->addrs, node->n_addrs);
		for (uint32_t k = 0; k < node->n_pod_cidrs; k++)
			put(&out, " %s", tg_prefix_format(&node->pod_cidrs[k], buf));
		put(&out, "; ");
	}
	assert_string_equal(out.buf, "n1 zone=a 192.168.0.1 2001:db8::1 10.1.0.0/24 fd00:1::/64; "
				     "n2 10.2.0.0/24; ");
	teardown(&f);
}

static void services_become_the_model(void **state)
{
	static const struct {
		const char *rest, *expected;
	} cases[] = {
		{"", ""},
		{"spec: {clusterIP: 10.9.0.1, clusterIPs: [10.9.0.1, 'fd00::1']}",
			" 10.9.0.1 fd00::1"},
		{"spec: {clusterIP: None, clusterIPs: [None]}", ""},
		{"spec: {clusterIP: ''}", ""},
		{"spec: {externalIPs: [1.2.3.4]}\nstatus: {loadBalancer: {ingress: [{ip: 5.6.7.8}, "
		 "{hostname: x}]}}",
			" 1.2.3.4 5.6.7.8"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		struct text out = {""};
		struct fixture f;

		snprintf(text, sizeof(text),
			"apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\n%s\n",
			cases[i].rest);
		decode(&f, text);
		assert_int_equal(f.err, 0);
		put_addrs(&out, f.out.services.v[0]->addrs, f.out.services.v[0]->n_addrs);
		assert_string_equal(out.buf, cases[i].expected);
		assert_string_equal(tg_intern_text(f.strings, f.out.services.v[0]->ns), "shop");
		assert_int_equal(f.out.services.v[0]->zone, ZONE);
		teardown(&f);
	}
}

static void namespaces_have_their_name_as_a_label(void **state)
{
	static const struct {
		const char *labels, *expected;
	} cases[] = {
		{"null", " kubernetes.io/metadata.name=shop"},
		{"{kubernetes.io/metadata.name: other}", " kubernetes.io/metadata.name=shop"},
		{"{a: b}", " a=b kubernetes.io/metadata.name=shop"},
		{"{kubernetes.io/metadata.name: other, a: b}",
			" kubernetes.io/metadata.name=shop a=b"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		struct text out = {""};
		struct fixture f;

		snprintf(text, sizeof(text),
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: %s}\n",
			cases[i].labels);
		decode(&f, text);
		assert_int_equal(f.err, 0);
		assert_false(f.out.namespaces.v[0]->implicit);
		put_labels(&out, &f, &f.out.namespaces.v[0]->labels);
		assert_string_equal(out.buf, cases[i].expected);
		teardown(&f);
	}
}

#define LIMIT(value)                                                                \
	"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  annotations: " \
	"{tidegate.dev/max-connections: " value "}\n"

static void a_namespace_says_how_many_connections(void **state)
{
	static const struct {
		const char *text;
		uint32_t expected;
	} good[] = {
		{LIMIT("'1'"), 1},
		{LIMIT("'50000'"), 50000},
		{LIMIT("'4294967294'"), 4294967294},
		{LIMIT("unlimited"), TG_UNLIMITED},
		{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", 0},
	};
	static const char *const bad[] = {LIMIT("'0'"), LIMIT("''"), LIMIT("'-1'"), LIMIT("' 5'"),
		LIMIT("'5k'"), LIMIT("'4294967295'"), LIMIT("'99999999999999999999'"),
		LIMIT("none"), LIMIT("50000")};

	for (size_t i = 0; i < COUNT(good); i++) {
		struct fixture f;

		decode(&f, good[i].text);
		assert_int_equal(f.err, 0);
		assert_int_equal(f.out.warnings.n, 0);
		assert_int_equal(f.out.namespaces.v[0]->max_connections, good[i].expected);
		teardown(&f);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_problem(
			bad[i], "5: metadata.annotations[\"tidegate.dev/max-connections\"]: ");
}

static void kinds_are_told_apart(void **state)
{
	enum { ACCEPTED, NOT_ENFORCED, IGNORED, REFUSED };
	static const struct {
		const char *api_version, *kind;
		int expected;
	} cases[] = {
		{"networking.k8s.io/v1", "NetworkPolicy", ACCEPTED},
		{"networking.k8s.io/v1", "networkpolicy", REFUSED},
		{"networking.k8s.io/v1beta1", "NetworkPolicy", REFUSED},
		{"extensions/v1beta1", "NetworkPolicy", REFUSED},
		{"v1", "NetworkPolicy", REFUSED},
		{"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", NOT_ENFORCED},
		{"policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", NOT_ENFORCED},
		{"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", NOT_ENFORCED},
		{"policy.networking.k8s.io/v2", "SomethingNew", NOT_ENFORCED},
		{"projectcalico.org/v3", "NetworkPolicy", NOT_ENFORCED},
		{"projectcalico.org/v3", "GlobalNetworkPolicy", NOT_ENFORCED},
		{"crd.projectcalico.org/v1", "NetworkPolicy", NOT_ENFORCED},
		{"projectcalico.org/v3", "NetworkSet", IGNORED},
		{"cilium.io/v2", "CiliumNetworkPolicy", NOT_ENFORCED},
		{"cilium.io/v2", "CiliumClusterwideNetworkPolicy", NOT_ENFORCED},
		{"cilium.io/v2", "CiliumEgressGatewayPolicy", NOT_ENFORCED},
		{"crd.antrea.io/v1beta1", "ClusterNetworkPolicy", NOT_ENFORCED},
		{"crd.antrea.io/v1beta1", "NetworkPolicy", NOT_ENFORCED},
		{"k8s.ovn.org/v1", "EgressFirewall", NOT_ENFORCED},
		{"network.openshift.io/v1", "EgressNetworkPolicy", NOT_ENFORCED},
		{"k8s.cni.cncf.io/v1beta1", "MultiNetworkPolicy", NOT_ENFORCED},
		{"security.istio.io/v1", "AuthorizationPolicy", NOT_ENFORCED},
		{"tidegate.dev/v1alpha1", "Quarantine", NOT_ENFORCED},
		{"new.tidegate.dev/v1", "Anything", NOT_ENFORCED},
		{"faketidegate.dev/v1", "Anything", IGNORED},
		{"v1", "Pod", ACCEPTED},
		{"v1", "pod", REFUSED},
		{"v1", "ConfigMap", IGNORED},
		{"v2", "Pod", IGNORED},
		{"serving.knative.dev/v1", "Service", IGNORED},
		{"apps/v1", "Deployment", IGNORED},
		{"discovery.k8s.io/v1", "EndpointSlice", IGNORED},
		{"policy/v1", "PodDisruptionBudget", IGNORED},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512];
		struct fixture f;
		int got;

		snprintf(text, sizeof(text),
			"apiVersion: %s\nkind: %s\nmetadata: {name: o, namespace: shop}\n",
			cases[i].api_version, cases[i].kind);
		decode(&f, text);
		got = f.err != 0		  ? REFUSED
		      : f.out.not_enforced.n != 0 ? NOT_ENFORCED
		      : f.out.skipped.n != 0	  ? IGNORED
						  : ACCEPTED;
		if (got != cases[i].expected)
			fail_msg("%s %s: %d", cases[i].api_version, cases[i].kind, got);
		if (got == NOT_ENFORCED) {
			const struct tg_not_enforced *n = &f.out.not_enforced.v[0];

			assert_string_equal(tg_intern_text(f.strings, n->kind), cases[i].kind);
			assert_string_equal(tg_intern_text(f.strings, n->name), "o");
			assert_string_equal(tg_intern_text(f.strings, n->ns), "shop");
			assert_int_equal(n->place.line, 1);
		}
		teardown(&f);
	}
}

static void what_is_no_object_is_a_problem(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"kind: Pod\n", "1: apiVersion: a Kubernetes object with apiVersion"},
		{"apiVersion: v1\n", "1: kind: a Kubernetes object with kind"},
		{"a: b\n", "1: kind: a Kubernetes object with kind"},
		{"just text\n", "1: a Kubernetes object is expected, not a string"},
		{"- a\n", "1: a Kubernetes object is expected, not a list"},
		{"apiVersion: 1\nkind: Pod\n", "1: apiVersion: a string is expected"},
		{"apiVersion: v1\nkind: [Pod]\n", "2: kind: a string is expected"},
		{"apiVersion: v1\nkind: Pod\nkind: ConfigMap\n",
			"3: kind: this key is already set"},
		{"apiVersion: v1\nkind: List\nitems: [a]\n", "3: items[0]: a Kubernetes object"},
		{"apiVersion: v1\nkind: List\nitems: [null]\n", "3: items[0]: a Kubernetes object"},
		{"apiVersion: v1\nkind: List\nitems: {}\n", "3: items: a list is expected"},
		{"apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "3: items[0].apiVersion: a"},
		{"{{- if .Values.x }}\napiVersion: v1\n", "1: YAML"},
		{"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n", "4: YAML"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_problem(cases[i].text, cases[i].expected);
}

static void lists_are_opened(void **state)
{
	struct fixture f;

	decode(&f,
		"---\n---\n# nothing\n---\n"
		"apiVersion: v1\nkind: List\nitems:\n"
		"- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n"
		"- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Namespace, "
		"metadata: {name: b}}]\n"
		"- {apiVersion: v1, kind: Secret, metadata: {name: c}}\n---\n"
		"apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: d}}, {metadata: {name: "
		"e}}]\n---\n"
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems: [{metadata: "
		"{name: g}}]\n---\n"
		"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicyList\n"
		"items: [{metadata: {name: g}}, {metadata: {name: h}}]\n---\n"
		"apiVersion: v1\nkind: SecretList\nitems: [{metadata: {name: i}}]\n---\n"
		"apiVersion: v1\nkind: List\nitems: null\n");
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.pods.n, 3);
	assert_int_equal(f.out.namespaces.n, 1);
	assert_int_equal(f.out.policies.n, 1);
	assert_int_equal(f.out.not_enforced.n, 2);
	assert_int_equal(f.out.skipped.n, 1);
	assert_int_equal(f.out.skipped.v[0].count, 2);
	assert_int_equal(f.out.pods.v[0]->place.line, 8);
	teardown(&f);
	expect_problem("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\n"
		       "items:\n- metadata: {name: g}\n  spec: {x: 1}\n",
		"5: items[0].spec.x: unknown field");
}

static void nested_lists_end_somewhere(void **state)
{
	char text[4096] = "", item[64] = "";

	for (int i = 0; i < 6; i++) {
		snprintf(item, sizeof(item),
			"{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [");
		strcat(text, item);
	}
	for (int i = 0; i < 6; i++)
		strcat(text, "]}");
	expect_problem(text, "1: items[0].items[0].items[0].items[0]: lists are nested too deeply");
}

static void kustomizations_are_skipped(void **state)
{
	struct fixture f;

	decode_file(&f, "dir/kustomization.yaml", "resources: [a.yaml]\n");
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.skipped.n, 1);
	teardown(&f);
	decode_file(&f, "dir/values.yaml", "resources: [a.yaml]\n");
	assert_int_equal(f.err, -EINVAL);
	teardown(&f);
}

static void problems_are_bounded(void **state)
{
	static char text[40000];
	struct fixture f;

	strcpy(text, "apiVersion: v1\nkind: List\nitems:\n");
	for (int i = 0; i < 300; i++)
		strcat(text, "- {apiVersion: v1, kind: Pod, metadata: {}}\n");
	decode(&f, text);
	assert_int_equal(f.err, -EINVAL);
	assert_int_equal(f.out.errors.n, TG_PROBLEMS_MAX);
	assert_int_equal(f.out.errors_dropped, 300 - TG_PROBLEMS_MAX);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_become_the_model),
		cmocka_unit_test(wrong_types_and_values_are_problems),
		cmocka_unit_test(nodes_become_the_model),
		cmocka_unit_test(services_become_the_model),
		cmocka_unit_test(namespaces_have_their_name_as_a_label),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(what_is_no_object_is_a_problem),
		cmocka_unit_test(lists_are_opened),
		cmocka_unit_test(nested_lists_end_somewhere),
		cmocka_unit_test(kustomizations_are_skipped),
		cmocka_unit_test(problems_are_bounded),
		cmocka_unit_test(a_namespace_says_how_many_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

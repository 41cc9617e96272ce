/* SPDX-License-Identifier: BSD-3-Clause */
/* NetworkPolicies: what is refused and why, and what the accepted ones become. */
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

#define HEAD                                                      \
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" \
	"metadata: {name: p, namespace: shop}\n"
#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

struct fixture {
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_decoded out;
	int err;
};

static void decode(struct fixture *f, const char *text)
{
	const struct tg_scope scope = {.zone = 700};

	f->strings = tg_intern_create();
	f->arena = tg_arena_create(0);
	f->err = tg_decode("p.yaml", text, strlen(text), &scope, f->strings, f->arena, &f->out);
	for (size_t i = 0; i < f->out.policies.n; i++)
		assert_int_equal(f->out.policies.v[i]->zone, scope.zone);
}

static void teardown(struct fixture *f)
{
	tg_decoded_free(&f->out);
	tg_arena_free(f->arena);
	tg_intern_free(f->strings);
}

/* expected: NULL for accepted, else the beginning of the first problem, "line: path: text". */
static void expect(const char *text, const char *expected)
{
	struct fixture f;
	char first[1024] = "accepted";

	decode(&f, text);
	if (f.out.errors.n != 0)
		snprintf(first, sizeof(first), "%u: %s", f.out.errors.v[0].line,
			f.out.errors.v[0].text);
	if (strncmp(first, expected != NULL ? expected : "accepted",
		    strlen(expected != NULL ? expected : "accepted")) != 0)
		fail_msg("%s, in:\n%s\nexpected: %s", first, text, expected);
	assert_int_equal(f.err, expected != NULL ? -EINVAL : 0);
	assert_int_equal(f.out.policies.n >= 1, expected == NULL || f.out.policies.n >= 1);
	teardown(&f);
}

struct rule_case {
	const char *text, *expected;
};

static void expect_spec(const struct rule_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[4096];

		snprintf(text, sizeof(text), HEAD "spec: %s\n", cases[i].text);
		expect(text, cases[i].expected);
	}
}

/* The same inside spec.ingress[0].from[0] or the like. */
static void expect_in(const char *format, const struct rule_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[2048];
		struct rule_case one = {text, cases[i].expected};

		snprintf(text, sizeof(text), format, cases[i].text);
		expect_spec(&one, 1);
	}
}

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static void fields_are_known(void **state)
{
	static const struct rule_case cases[] = {
		{"{}", NULL},
		{"null", NULL},
		{"[]", "4: spec: a map is expected, not a list"},
		{"{foo: 1}", "4: spec.foo: unknown field"},
		{"{podselector: {}}",
			"4: spec.podselector: unknown field, \"podSelector\" is meant?"},
		{"{podSelector: {foo: 1}}", "4: spec.podSelector.foo: unknown field"},
		{"{ingress: [{to: []}]}", "4: spec.ingress[0].to: unknown field"},
		{"{egress: [{from: []}]}", "4: spec.egress[0].from: unknown field"},
		{"{ingress: [{from: [{podSelector: {}, x: 1}]}]}",
			"4: spec.ingress[0].from[0].x: unknown field"},
		{"{ingress: [{from: [{ipBlock: {cidr: '::/0', excepts: []}}]}]}",
			"4: spec.ingress[0].from[0].ipBlock.excepts: unknown field"},
		{"{ingress: [{ports: [{port: 1, x: 1}]}]}",
			"4: spec.ingress[0].ports[0].x: unknown field"},
		{"{ingress: a}", "4: spec.ingress: a list is expected, not a string"},
		{"{ingress: {}}", "4: spec.ingress: a list is expected, not a map"},
		{"{ingress: [a]}", "4: spec.ingress[0]: a map is expected, not a string"},
		{"{ingress: [{from: {}}]}",
			"4: spec.ingress[0].from: a list is expected, not a map"},
		{"{ingress: [{from: [1]}]}",
			"4: spec.ingress[0].from[0]: a map is expected, not a number"},
		{"{ingress: [{ports: {}}]}",
			"4: spec.ingress[0].ports: a list is expected, not a map"},
		{"{ingress: [{ports: [80]}]}",
			"4: spec.ingress[0].ports[0]: a map is expected, not a number"},
		{"{podSelector: {}, podSelector: {}}",
			"4: spec.podSelector: this key is already set"},
	};

	expect_spec(cases, COUNT(cases));
	expect(HEAD "Spec: {}\n", "4: Spec: unknown field");
	expect(HEAD "status: {anything: [1]}\n", NULL);
	expect(HEAD, NULL);
	/* A path leads to the line, however deep. */
	expect(HEAD
		"spec:\n  egress:\n  - to:\n    - podSelector: {}\n  - to:\n    - podSelector:\n"
		"        matchLabels:\n          a: b\n          c: [d]\n",
		"12: spec.egress[1].to[0].podSelector.matchLabels.c: a string is expected, not a list");
	expect(HEAD "spec:\n  podSelector:\n    matchLabels:\n      app.io/x: -\n"
		    "      app.io/x: a\n",
		"7: ");
}

static void policy_types_follow_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"{policyTypes: []}", NULL},
		{"{policyTypes: [Ingress, Egress]}", NULL},
		{"{policyTypes: [Ingress, Ingress]}", NULL},
		{"{policyTypes: [ingress]}",
			"4: spec.policyTypes[0]: Ingress or Egress is expected, not \"ingress\""},
		{"{policyTypes: [Egress, '']}", "4: spec.policyTypes[1]: Ingress or Egress"},
		{"{policyTypes: [null]}", "4: spec.policyTypes[0]: Ingress or Egress"},
		{"{policyTypes: [Ingress, Egress, Ingress]}", "4: spec.policyTypes: at most two"},
		{"{policyTypes: Ingress}", "4: spec.policyTypes: a list is expected"},
		{"{policyTypes: [1]}", "4: spec.policyTypes[0]: a string is expected"},
		/* rules that do nothing are validated all the same */
		{"{policyTypes: [Ingress], egress: [{ports: [{port: 0}]}]}",
			"4: spec.egress[0].ports[0].port: an integer from 1 to 65535"},
	};

	expect_spec(cases, COUNT(cases));
}

static void ports_follow_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"{}", NULL},
		{"null", NULL},
		{"{port: null, protocol: null, endPort: null}", NULL},
		{"{port: 1}", NULL},
		{"{port: 65535}", NULL},
		{"{port: 80.0}", NULL},
		{"{port: 0120}", NULL},
		{"{port: 0}", "4: spec.ingress[0].ports[0].port: an integer from 1 to 65535"},
		{"{port: -1}", "4: spec.ingress[0].ports[0].port: an integer from 1 to 65535"},
		{"{port: 65536}", "4: spec.ingress[0].ports[0].port: an integer"},
		{"{port: 99999999999}", "4: spec.ingress[0].ports[0].port: an integer"},
		{"{port: 1.5}", "4: spec.ingress[0].ports[0].port: an integer"},
		{"{port: yes}", "4: spec.ingress[0].ports[0].port: a number is expected"},
		{"{port: [80]}", "4: spec.ingress[0].ports[0].port: a number is expected"},
		{"{port: '80'}", "4: spec.ingress[0].ports[0].port: a port's name is expected"},
		{"{port: ''}", "4: spec.ingress[0].ports[0].port: a port's name is expected"},
		{"{port: http}", NULL},
		{"{port: 9p}", NULL},
		{"{port: fifteen-chars-x}", NULL},
		{"{port: sixteen-chars-xx}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{port: HTTP}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{port: -a}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{port: a-}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{port: a--b}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{port: a_b}", "4: spec.ingress[0].ports[0].port: a port's name"},
		{"{protocol: TCP}", NULL},
		{"{protocol: UDP}", NULL},
		{"{protocol: SCTP}", NULL},
		{"{protocol: tcp}", "4: spec.ingress[0].ports[0].protocol: TCP, UDP or SCTP"},
		{"{protocol: ICMP}", "4: spec.ingress[0].ports[0].protocol: TCP, UDP or SCTP"},
		{"{protocol: ''}", "4: spec.ingress[0].ports[0].protocol: TCP, UDP or SCTP"},
		{"{protocol: '6'}", "4: spec.ingress[0].ports[0].protocol: TCP, UDP or SCTP"},
		{"{protocol: 6}", "4: spec.ingress[0].ports[0].protocol: a string is expected"},
		{"{port: 80, endPort: 80}", NULL},
		{"{port: 1, endPort: 65535}", NULL},
		{"{port: 80, endPort: 79}",
			"4: spec.ingress[0].ports[0].endPort: must not be less than port, 80"},
		{"{port: 80, endPort: 65536}", "4: spec.ingress[0].ports[0].endPort: an integer"},
		{"{port: 80, endPort: 0}", "4: spec.ingress[0].ports[0].endPort: an integer"},
		{"{port: 80, endPort: '90'}", "4: spec.ingress[0].ports[0].endPort: a number"},
		{"{port: http, endPort: 90}",
			"4: spec.ingress[0].ports[0].endPort: needs a numeric port"},
		{"{endPort: 90}", "4: spec.ingress[0].ports[0].endPort: needs a port"},
	};

	expect_in("{ingress: [{ports: [%s]}]}", cases, COUNT(cases));
}

static void peers_follow_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"{podSelector: {}}", NULL},
		{"{namespaceSelector: {}}", NULL},
		{"{podSelector: {}, namespaceSelector: {}}", NULL},
		{"{podSelector: null, namespaceSelector: {}}", NULL},
		{"{}", "4: spec.egress[0].to[0]: a peer needs"},
		{"null", "4: spec.egress[0].to[0]: a peer needs"},
		{"{podSelector: null}", "4: spec.egress[0].to[0]: a peer needs"},
		{"{ipBlock: null}", "4: spec.egress[0].to[0]: a peer needs"},
		{"{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}",
			"4: spec.egress[0].to[0]: an ipBlock cannot stand beside"},
		{"{ipBlock: {cidr: 10.0.0.0/8}, namespaceSelector: {}}",
			"4: spec.egress[0].to[0]: an ipBlock cannot stand beside"},
		{"{ipBlock: {}}", "4: spec.egress[0].to[0].ipBlock.cidr: a cidr is required"},
		{"{ipBlock: {cidr: null}}", "4: spec.egress[0].to[0].ipBlock.cidr: a cidr is"},
		{"{ipBlock: {cidr: ''}}", "4: spec.egress[0].to[0].ipBlock.cidr: a cidr is"},
		{"{ipBlock: {cidr: 10}}", "4: spec.egress[0].to[0].ipBlock.cidr: a string"},
	};

	expect_in("{egress: [{to: [%s]}]}", cases, COUNT(cases));
}

static void blocks_follow_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"cidr: 10.0.0.0/8", NULL},
		{"cidr: 10.0.0.1/8", NULL},
		{"cidr: 10.0.0.0/08", NULL},
		{"cidr: 010.0.0.0/8", NULL},
		{"cidr: '0.0.0.0/0'", NULL},
		{"cidr: '::/0'", NULL},
		{"cidr: '::ffff:10.0.0.0/104'", NULL},
		{"cidr: '2001:DB8::1/64'", NULL},
		{"cidr: 10.0.0.0", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: 10.0.0.0/33", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: 10.0.0.0/-1", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: 10.0.0/8", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: '10.0.0.0/8 '", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: 300.0.0.0/8", "4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
		{"cidr: 10.0.0.0/255.0.0.0", "4: spec.egress[0].to[0].ipBlock.cidr: an address"},
		{"cidr: '2001:db8::/129'", "4: spec.egress[0].to[0].ipBlock.cidr: an address"},
		{"cidr: 'fe80::1%%eth0/64'", "4: spec.egress[0].to[0].ipBlock.cidr: an address"},
		{"cidr: 10.0.0.0/8, except: []", NULL},
		{"cidr: 10.0.0.0/8, except: null", NULL},
		{"cidr: 10.0.0.0/8, except: [10.1.2.3/32, 10.1.2.3/32]", NULL},
		{"cidr: 10.0.0.5/8, except: [10.0.0.7/16]", NULL},
		{"cidr: 0.0.0.0/0, except: [0.0.0.0/1, 128.0.0.0/1]", NULL},
		{"cidr: '2001:db8::/32', except: ['2001:db8::/33']", NULL},
		{"cidr: 10.0.0.0/8, except: ['::ffff:10.1.0.0/112']", NULL},
		{"cidr: 10.0.0.0/8, except: ['::ffff:10.0.0.0/104']", NULL},
		{"cidr: 0.0.0.0/8, except: ['::ffff:0.0.0.0/100']", NULL},
		{"cidr: 10.0.0.0/8, except: [10.0.0.0/8]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: must lie within"},
		{"cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.0.0.0/7]",
			"4: spec.egress[0].to[0].ipBlock.except[1]: must lie within"},
		{"cidr: 10.0.0.0/8, except: [11.0.0.0/16]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: must lie within"},
		{"cidr: 10.1.0.0/16, except: [10.1.0.9/16]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: must lie within"},
		{"cidr: '::/0', except: [10.0.0.0/8]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: must lie within"},
		{"cidr: 0.0.0.0/0, except: ['::/0']",
			"4: spec.egress[0].to[0].ipBlock.except[0]: must lie within"},
		{"cidr: 10.0.0.0/8, except: [bad]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: an address range"},
		{"cidr: 10.0.0.0/8, except: [null]",
			"4: spec.egress[0].to[0].ipBlock.except[0]: an address range"},
		{"cidr: 10.0.0.0/8, except: 10.1.0.0/16",
			"4: spec.egress[0].to[0].ipBlock.except: a list is expected"},
		{"cidr: bad, except: [10.1.0.0/16]",
			"4: spec.egress[0].to[0].ipBlock.cidr: an address range"},
	};

	expect_in("{egress: [{to: [{ipBlock: {%s}}]}]}", cases, COUNT(cases));
}

static void selectors_follow_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"{}", NULL},
		{"null", NULL},
		{"{matchLabels: null, matchExpressions: null}", NULL},
		{"[]", "4: spec.podSelector: a map is expected"},
		{"{matchLabels: []}", "4: spec.podSelector.matchLabels: a map is expected"},
		{"{matchExpressions: {}}", "4: spec.podSelector.matchExpressions: a list"},
		{"{matchLabels: {a: b, a/b: c, a.b/C_d.e: F, A: ''}}", NULL},
		{"{matchLabels: {a: null}}", NULL},
		{"{matchLabels: {a: 1}}", "4: spec.podSelector.matchLabels.a: a string"},
		{"{matchLabels: {a: yes}}", "4: spec.podSelector.matchLabels.a: a string"},
		{"{matchLabels: {" X63 ": " X63 "}}", NULL},
		{"{matchLabels: {" X63 "x: a}}",
			"4: spec.podSelector.matchLabels." X63 "x: a label key"},
		{"{matchLabels: {a: " X63 "x}}", "4: spec.podSelector.matchLabels.a: a label "
						 "value"},
		{"{matchLabels: {-a: b}}", "4: spec.podSelector.matchLabels.-a: a label key"},
		{"{matchLabels: {a-: b}}", "4: spec.podSelector.matchLabels.a-: a label key"},
		{"{matchLabels: {/a: b}}", "4: spec.podSelector.matchLabels[\"/a\"]: a label key"},
		{"{matchLabels: {a/: b}}", "4: spec.podSelector.matchLabels[\"a/\"]: a label key"},
		{"{matchLabels: {a/b/c: b}}", "4: spec.podSelector.matchLabels[\"a/b/c\"]: a"},
		{"{matchLabels: {'': b}}", "4: spec.podSelector.matchLabels[\"\"]: a label key"},
		{"{matchLabels: {A.b/c: d}}", "4: spec.podSelector.matchLabels[\"A.b/c\"]: a"},
		{"{matchLabels: {a..b/c: d}}", "4: spec.podSelector.matchLabels[\"a..b/c\"]: a"},
		{"{matchLabels: {a: -b}}", "4: spec.podSelector.matchLabels.a: a label value"},
		{"{matchLabels: {a: b c}}", "4: spec.podSelector.matchLabels.a: a label value"},
		{"{matchExpressions: [{key: a, operator: In, values: [b, b, '']}]}", NULL},
		{"{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", NULL},
		{"{matchExpressions: [{key: a, operator: Exists}]}", NULL},
		{"{matchExpressions: [{key: a, operator: DoesNotExist, values: []}]}", NULL},
		{"{matchExpressions: [{key: a, operator: In}]}",
			"4: spec.podSelector.matchExpressions[0].values: In and NotIn need"},
		{"{matchExpressions: [{key: a, operator: NotIn, values: []}]}",
			"4: spec.podSelector.matchExpressions[0].values: In and NotIn need"},
		{"{matchExpressions: [{key: a, operator: Exists, values: [b]}]}",
			"4: spec.podSelector.matchExpressions[0].values: Exists and"},
		{"{matchExpressions: [{key: a, operator: DoesNotExist, values: ['']}]}",
			"4: spec.podSelector.matchExpressions[0].values: Exists and"},
		{"{matchExpressions: [{key: a, operator: in, values: [b]}]}",
			"4: spec.podSelector.matchExpressions[0].operator: In, NotIn, Exists"},
		{"{matchExpressions: [{key: a, operator: Gt, values: ['1']}]}",
			"4: spec.podSelector.matchExpressions[0].operator: In, NotIn, Exists"},
		{"{matchExpressions: [{key: a}]}",
			"4: spec.podSelector.matchExpressions[0].operator: In, NotIn, Exists"},
		{"{matchExpressions: [{operator: Exists}]}",
			"4: spec.podSelector.matchExpressions[0].key: a label key"},
		{"{matchExpressions: [null]}",
			"4: spec.podSelector.matchExpressions[0].key: a label key"},
		{"{matchExpressions: [{key: a, operator: In, values: [b c]}]}",
			"4: spec.podSelector.matchExpressions[0].values[0]: a label value"},
		{"{matchExpressions: [{key: a, operator: In, values: [1]}]}",
			"4: spec.podSelector.matchExpressions[0].values[0]: a string"},
		{"{matchExpressions: [{key: a, operator: In, values: b}]}",
			"4: spec.podSelector.matchExpressions[0].values: a list"},
		{"{matchExpressions: [{key: a, operator: Exists, value: b}]}",
			"4: spec.podSelector.matchExpressions[0].value: unknown field"},
	};

	expect_in("{podSelector: %s}", cases, COUNT(cases));
}

static void metadata_follows_the_api(void **state)
{
	static const struct rule_case cases[] = {
		{"{name: a.b-c.1}", NULL},
		{"{name: '1'}", NULL},
		{"{name: p, namespace: null}", NULL},
		{"{name: p, labels: {a: b}, annotations: {a.B/c: 'any thing'}}", NULL},
		{"{name: p, creationTimestamp: null, uid: u, resourceVersion: '1', generation: 3}",
			NULL},
		{"{name: p, creationTimestamp: '2024-02-03T04:05:06Z', managedFields: [{manager: "
		 "m, fieldsV1: {'f:spec': {}}}]}",
			NULL},
		{"{name: p, ownerReferences: [{apiVersion: v1, kind: K, name: k, uid: u}]}", NULL},
		{"{}", "3: metadata.name: a name is required"},
		{"null", "1: metadata: metadata with a name is required"},
		{"[]", "3: metadata: a map is expected"},
		{"{name: ''}", "3: metadata.name: a name is required"},
		{"{name: 1}", "3: metadata.name: a string is expected"},
		{"{generateName: x-}", "3: metadata.generateName: a name is required"},
		{"{name: P}", "3: metadata.name: a name is expected"},
		{"{name: a_b}", "3: metadata.name: a name is expected"},
		{"{name: a..b}", "3: metadata.name: a name is expected"},
		{"{name: -a}", "3: metadata.name: a name is expected"},
		{"{name: a/b}", "3: metadata.name: a name is expected"},
		{"{name: p, namespace: a.b}", "3: metadata.namespace: a namespace's name"},
		{"{name: p, namespace: 1}", "3: metadata.namespace: a string is expected"},
		{"{name: p, labels: [a: b]}", "3: metadata.labels: a map is expected, not a list"},
		{"{name: p, labels: {a: 1}}", "3: metadata.labels.a: a string is expected"},
		{"{name: p, labels: {a b: c}}",
			"3: metadata.labels[\"a b\"]: not a valid label key"},
		{"{name: p, labels: {a: b c}}", "3: metadata.labels.a: \"b c\" is not a valid"},
		{"{name: p, annotations: {a: 1}}", "3: metadata.annotations.a: a string"},
		{"{name: p, annotations: {a b: c}}",
			"3: metadata.annotations[\"a b\"]: not a valid"},
		{"{name: p, foo: 1}", "3: metadata.foo: unknown field"},
		{"{name: p, Labels: {}}",
			"3: metadata.Labels: unknown field, \"labels\" is meant?"},
		{"{name: p, creationTimestamp: today}",
			"3: metadata.creationTimestamp: an RFC 3339"},
		{"{name: p, finalizers: [a b]}", "3: metadata.finalizers[0]: not a valid"},
		{"{name: p, ownerReferences: [{apiVersion: v1}]}",
			"3: metadata.ownerReferences[0].kind: must not be empty"},
		{"{name: p, name: p}", "3: metadata.name: this key is already set"},
		{"{name: p, annotations: {a: b, a: c}}", "3: metadata.annotations.a: this key"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[2048];

		snprintf(text, sizeof(text),
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: %s\n",
			cases[i].text);
		expect(text, cases[i].expected);
	}
}

static void every_problem_is_reported(void **state)
{
	struct fixture f;

	decode(&f, HEAD
		"spec:\n  ingress:\n  - ports:\n    - port: 0\n      protocol: x\n    - foo: 1\n"
		"---\n" HEAD "x: 1\n");
	assert_int_equal(f.out.errors.n, 4);
	assert_int_equal(f.out.errors.v[3].line, 14);
	teardown(&f);
}

/* A decoded policy in one line. */
struct text {
	char buf[2048];
};

static void put(struct text *t, const char *fmt, ...)
{
	size_t used = strlen(t->buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->buf + used, sizeof(t->buf) - used, fmt, ap);
	va_end(ap);
}

static void put_selector(struct text *t, const struct fixture *f, const struct tg_selector *s)
{
	static const char *const ops[] = {"in", "notin", "exists", "notexists"};

	put(t, "{");
	for (uint32_t i = 0; i < s->n_reqs; i++) {
		put(t, "%s%s %s", i != 0 ? "; " : "", tg_intern_text(f->strings, s->reqs[i].key),
			ops[s->reqs[i].op]);
		for (uint32_t k = 0; k < s->reqs[i].n_values; k++)
			put(t, " '%s'", tg_intern_text(f->strings, s->reqs[i].values[k]));
	}
	put(t, "}");
}

static void put_peer(struct text *t, const struct fixture *f, const struct tg_peer *peer)
{
	char buf[TG_PREFIX_TEXT];

	if (peer->is_block)
		put(t, " %s", tg_prefix_format(&peer->block, buf));
	for (uint32_t i = 0; i < peer->n_except; i++)
		put(t, "-%s", tg_prefix_format(&peer->except[i], buf));
	if (peer->has_ns_selector) {
		put(t, " ns");
		put_selector(t, f, &peer->ns_selector);
	}
	if (peer->has_pod_selector) {
		put(t, " pods");
		put_selector(t, f, &peer->pod_selector);
	}
}

static void put_rule(struct text *t, const struct fixture *f, const struct tg_policy_rule *rule)
{
	put(t, " [%u:", rule->index);
	if (rule->any_peer)
		put(t, " any");
	for (uint32_t i = 0; i < rule->n_peers; i++)
		put_peer(t, f, &rule->peers[i]);
	put(t, rule->any_port ? " all" : "");
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		const struct tg_policy_port *p = &rule->ports[i];

		if (p->named)
			put(t, " %u/%s", p->protocol, tg_intern_text(f->strings, p->name));
		else
			put(t, " %u/%u-%u", p->protocol, p->lo, p->hi);
	}
	put(t, "]");
}

static void put_policy(struct text *t, const struct fixture *f, const struct tg_policy *policy)
{
	put_selector(t, f, &policy->pod_selector);
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		const struct tg_policy_side *side = &policy->side[i];

		if (!side->isolates)
			assert_int_equal(side->n_rules, 0);
		else
			put(t, i == TG_INGRESS ? " ingress" : " egress");
		for (uint32_t k = 0; k < side->n_rules; k++)
			put_rule(t, f, &side->rules[k]);
	}
}

static void policies_become_the_model(void **state)
{
	static const struct {
		const char *spec, *expected;
	} cases[] = {
		/* isolation by direction */
		{"{}", "{} ingress"},
		{"null", "{} ingress"},
		{"{egress: []}", "{} ingress"},
		{"{egress: null}", "{} ingress"},
		{"{egress: [{}]}", "{} egress [0: any all] ingress"},
		{"{egress: [null]}", "{} egress [0: any all] ingress"},
		{"{policyTypes: [Egress]}", "{} egress"},
		{"{policyTypes: [Egress, Egress]}", "{} egress"},
		{"{policyTypes: [Egress], ingress: [{}]}", "{} egress"},
		{"{policyTypes: [Ingress], egress: [{}]}", "{} ingress"},
		{"{policyTypes: [], egress: [{}], ingress: [{}]}",
			"{} egress [0: any all] ingress [0: any all]"},
		/* empty and missing */
		{"{ingress: [{from: []}]}", "{} ingress [0: any all]"},
		{"{ingress: [{from: null, ports: null}]}", "{} ingress [0: any all]"},
		{"{ingress: [{ports: [{}]}]}", "{} ingress [0: any 6/0-65535]"},
		{"{ingress: [{ports: [null]}]}", "{} ingress [0: any 6/0-65535]"},
		{"{ingress: [{ports: [{protocol: UDP}]}]}", "{} ingress [0: any 17/0-65535]"},
		{"{ingress: [{from: [{podSelector: {}}]}]}", "{} ingress [0: pods{} all]"},
		{"{ingress: [{from: [{namespaceSelector: {}}]}]}", "{} ingress [0: ns{} all]"},
		{"{ingress: [{from: [{podSelector: {}, namespaceSelector: {}}]}]}",
			"{} ingress [0: ns{} pods{} all]"},
		{"{ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]}",
			"{} ingress [0: pods{} ns{} all]"},
		/* ports */
		{"{ingress: [{ports: [{port: 80}, {port: 90, endPort: 99, protocol: SCTP}]}]}",
			"{} ingress [0: any 6/80-80 132/90-99]"},
		{"{ingress: [{ports: [{port: dns, protocol: UDP}]}]}",
			"{} ingress [0: any 17/dns]"},
		{"{ingress: [{ports: [{port: 0120}]}]}", "{} ingress [0: any 6/80-80]"},
		/* blocks */
		{"{ingress: [{from: [{ipBlock: {cidr: 010.1.2.3/8, except: [10.9.9.9/16]}}]}]}",
			"{} ingress [0: 10.0.0.0/8-10.9.0.0/16 all]"},
		{"{ingress: [{from: [{ipBlock: {cidr: '::ffff:10.1.0.0/104', except: "
		 "['::ffff:10.9.0.0/112']}}]}]}",
			"{} ingress [0: 10.0.0.0/8-10.9.0.0/16 all]"},
		{"{ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/8, except: ['::ffff:0.0.0.0/100']}}]}]}",
			"{} ingress [0: 0.0.0.0/8-0.0.0.0/8 all]"},
		{"{ingress: [{from: [{ipBlock: {cidr: '2001:DB8::1/32'}}]}]}",
			"{} ingress [0: 2001:db8::/32 all]"},
		/* selectors: canonical */
		{"{podSelector: {matchLabels: {a: b, c: null}}}", "{a in 'b'; c in ''} ingress"},
		{"{podSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, "
		 "values: [b, b]}]}}",
			"{a in 'b'} ingress"},
		{"{podSelector: {matchExpressions: [{key: a, operator: Exists}, {key: a, operator: "
		 "NotIn, values: [x, z, x]}, {key: a, operator: DoesNotExist}]}}",
			"{a notin 'x' 'z'; a exists; a notexists} ingress"},
		/* an index is that of the list as written */
		{"{ingress: [{ports: [{port: 1}]}, {ports: [{port: 2}]}]}",
			"{} ingress [0: any 6/1-1] [1: any 6/2-2]"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		struct text out = {""};
		struct fixture f;

		snprintf(text, sizeof(text), HEAD "spec: %s\n", cases[i].spec);
		decode(&f, text);
		if (f.err != 0)
			fail_msg("%s: %s", text, f.out.errors.v[0].text);
		assert_int_equal(f.out.policies.n, 1);
		put_policy(&out, &f, f.out.policies.v[0]);
		assert_string_equal(out.buf, cases[i].expected);
		teardown(&f);
	}
}

static void equal_selectors_compare_equal(void **state)
{
	struct fixture f;

	decode(&f, HEAD
		"spec: {podSelector: {matchLabels: {b: '1', a: '2'}}}\n---\n" HEAD
		"spec: {podSelector: {matchExpressions: [{key: a, operator: In, values: ['2', '2']}, "
		"{key: b, operator: In, values: ['1']}]}}\n---\n" HEAD
		"spec: {podSelector: {matchLabels: {b: '2', a: '1'}}}\n");
	assert_int_equal(f.err, 0);
	assert_true(tg_selector_equal(
		&f.out.policies.v[0]->pod_selector, &f.out.policies.v[1]->pod_selector));
	assert_int_equal(tg_selector_hash(&f.out.policies.v[0]->pod_selector),
		tg_selector_hash(&f.out.policies.v[1]->pod_selector));
	assert_false(tg_selector_equal(
		&f.out.policies.v[0]->pod_selector, &f.out.policies.v[2]->pod_selector));
	teardown(&f);
}

static void annotations_that_are_not_honoured_are_told(void **state)
{
	static const struct {
		const char *annotations;
		size_t warnings;
	} cases[] = {
		{"{}", 0},
		{"{tidegate.dev/owner: me, tidegate.dev/ticket: t, tidegate.dev/reason: r}", 0},
		{"{tidegate.dev/mode: audit}", 1},
		{"{tidegate.dev/expires-at: '2020-01-01T00:00:00Z'}", 1},
		{"{tidegate.dev/mode: audit, tidegate.dev/expires-at: never}", 2},
		{"{tidegate.dev/canary: '10'}", 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[1024];
		struct fixture f;

		snprintf(text, sizeof(text),
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
			"metadata:\n  name: p\n  uid: u1\n  annotations: %s\n",
			cases[i].annotations);
		decode(&f, text);
		assert_int_equal(f.err, 0);
		assert_int_equal(f.out.warnings.n, cases[i].warnings);
		if (cases[i].warnings != 0)
			assert_non_null(strstr(f.out.warnings.v[0].text,
				i == 3 ? "what the policy allows stays allowed"
				       : "the policy is enforced in full"));
		assert_string_equal(
			tg_intern_text(f.strings, f.out.policies.v[0]->owner), i == 1 ? "me" : "");
		assert_string_equal(tg_intern_text(f.strings, f.out.policies.v[0]->uid), "u1");
		assert_string_equal(tg_intern_text(f.strings, f.out.policies.v[0]->ns), "default");
		teardown(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_known),
		cmocka_unit_test(policy_types_follow_the_api),
		cmocka_unit_test(ports_follow_the_api),
		cmocka_unit_test(peers_follow_the_api),
		cmocka_unit_test(blocks_follow_the_api),
		cmocka_unit_test(selectors_follow_the_api),
		cmocka_unit_test(metadata_follows_the_api),
		cmocka_unit_test(every_problem_is_reported),
		cmocka_unit_test(policies_become_the_model),
		cmocka_unit_test(equal_selectors_compare_equal),
		cmocka_unit_test(annotations_that_are_not_honoured_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

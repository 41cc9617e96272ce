/* SPDX-License-Identifier: BSD-3-Clause */
/* What objects are called, and what their selectors mean, where there are several clusters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tg_scope alone = {.zone = 1};
static const struct tg_scope manifests = {.zone = 2, .confined = true};
static const struct tg_scope prod = {.zone = 3, .confined = true, .cluster = "prod"};

struct fixture {
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_decoded out;
	int err;
};

static void prepare(struct fixture *f)
{
	f->strings = tg_intern_create();
	f->arena = tg_arena_create(0);
	assert_non_null(f->strings);
	assert_non_null(f->arena);
}

static void decode(
	struct fixture *f, const struct tg_scope *scope, const char *file, const char *text)
{
	prepare(f);
	f->err = tg_decode(file, text, strlen(text), scope, f->strings, f->arena, &f->out);
	if (f->err != 0)
		fail_msg("%s: %s", text, f->out.errors.n != 0 ? f->out.errors.v[0].text : "?");
}

static void teardown(struct fixture *f)
{
	tg_decoded_free(&f->out);
	tg_arena_free(f->arena);
	tg_intern_free(f->strings);
}

static const char *text_of(const struct fixture *f, uint32_t string)
{
	return tg_intern_text(f->strings, string);
}

/* Labels are in the order of their numbers, which is chance. */
static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_sorted(FILE *out, char **parts, size_t n)
{
	qsort(parts, n, sizeof(*parts), by_text);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, " %s", parts[i]);
		free(parts[i]);
	}
}

static void put_labels(const struct fixture *f, FILE *out, const struct tg_labels *labels)
{
	char *parts[16];

	for (uint32_t i = 0; i < labels->n; i++) {
		if (i > 0)
			assert_true(labels->v[i - 1].key < labels->v[i].key);
		assert_true(asprintf(&parts[i], "%s=%s", text_of(f, labels->v[i].key),
				    text_of(f, labels->v[i].value)) > 0);
	}
	put_sorted(out, parts, labels->n);
}

static void put_selector(const struct fixture *f, FILE *out, const struct tg_selector *selector)
{
	static const char *const ops[] = {"=", "!=", "", "!"};
	char *parts[16];

	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *req = &selector->reqs[i];

		if (i > 0)
			assert_true(selector->reqs[i - 1].key <= req->key);
		assert_true(asprintf(&parts[i], "%s%s%s%s", req->op == TG_OP_NOT_EXISTS ? "!" : "",
				    text_of(f, req->key), req->n_values > 0 ? ops[req->op] : "",
				    req->n_values > 0 ? text_of(f, req->values[0]) : "") > 0);
	}
	put_sorted(out, parts, selector->n_reqs);
}

static void put_policy(const struct fixture *f, FILE *out, const struct tg_policy *policy)
{
	const struct tg_policy_side *side = &policy->side[TG_INGRESS];

	fprintf(out, "policy %s %s%s%s zone %u:", text_of(f, policy->ns), text_of(f, policy->name),
		policy->uid != 0 ? " uid " : "", text_of(f, policy->uid), policy->zone);
	put_selector(f, out, &policy->pod_selector);
	for (uint32_t i = 0; i < side->n_rules; i++)
		for (uint32_t k = 0; k < side->rules[i].n_peers; k++) {
			const struct tg_peer *peer = &side->rules[i].peers[k];

			fputs(peer->has_ns_selector ? " ns" : " own", out);
			put_selector(f, out, &peer->ns_selector);
			fputs(peer->has_pod_selector ? " pods" : "", out);
			put_selector(f, out, &peer->pod_selector);
			fputs(";", out);
		}
	fputs("\n", out);
}

/* Everything that was decoded, in words. The caller frees it. */
static char *describe(const struct fixture *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < f->out.namespaces.n; i++) {
		fprintf(out, "ns %s:", text_of(f, f->out.namespaces.v[i]->name));
		put_labels(f, out, &f->out.namespaces.v[i]->labels);
		fputs("\n", out);
	}
	for (size_t i = 0; i < f->out.pods.n; i++)
		fprintf(out, "pod %s %s on %s zone %u\n", text_of(f, f->out.pods.v[i]->ns),
			text_of(f, f->out.pods.v[i]->name), text_of(f, f->out.pods.v[i]->node),
			f->out.pods.v[i]->zone);
	for (size_t i = 0; i < f->out.nodes.n; i++)
		fprintf(out, "node %s zone %u\n", text_of(f, f->out.nodes.v[i]->name),
			f->out.nodes.v[i]->zone);
	for (size_t i = 0; i < f->out.services.n; i++)
		fprintf(out, "service %s %s zone %u\n", text_of(f, f->out.services.v[i]->ns),
			text_of(f, f->out.services.v[i]->name), f->out.services.v[i]->zone);
	for (size_t i = 0; i < f->out.policies.n; i++)
		put_policy(f, out, f->out.policies.v[i]);
	for (size_t i = 0; i < f->out.not_enforced.n; i++)
		fprintf(out, "not enforced %s %s\n", text_of(f, f->out.not_enforced.v[i].ns),
			text_of(f, f->out.not_enforced.v[i].name));
	fclose(out);
	return text;
}

static void check(const struct fixture *f, const char *expected)
{
	char *got = describe(f);

	if (strcmp(got, expected) != 0)
		fail_msg("%s\nexpected:\n%s", got, expected);
	free(got);
}

#define OBJECT(version, kind, meta, more) \
	"---\n{apiVersion: " version ", kind: " kind ", metadata: {" meta "}" more "}\n"
#define POLICY_PEERS(peers)                                                         \
	OBJECT("networking.k8s.io/v1", "NetworkPolicy", "namespace: shop, name: p", \
		", spec: {podSelector: {}, ingress: [{from: [" peers "]}]}")

static const char objects[] = OBJECT("v1", "Namespace",
	"name: shop, labels: {tidegate.dev/cluster: other, a: b}",
	"") OBJECT("v1", "Namespace", "name: plain", "") OBJECT("v1", "Pod",
	"namespace: shop, name: web", ", spec: {nodeName: n1}") OBJECT("v1", "Pod", "name: lone",
	"") OBJECT("v1", "Node", "name: n1", "") OBJECT("v1", "Service", "namespace: shop, name: s",
	"") POLICY_PEERS("{namespaceSelector: {}}, {podSelector: {}}, "
			 "{namespaceSelector: {matchLabels: {x: z}}, podSelector: {}}")
	OBJECT("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "name: anp", "")
		OBJECT("cilium.io/v2", "CiliumNetworkPolicy", "namespace: shop, name: cnp", "");

static void names_are_those_of_one_cluster(void **state)
{
	static const struct {
		const struct tg_scope *scope;
		const char *expected;
	} cases[] = {
		{&alone,
			"ns shop: a=b kubernetes.io/metadata.name=shop tidegate.dev/cluster=other\n"
			"ns plain: kubernetes.io/metadata.name=plain\n"
			"pod shop web on n1 zone 1\n"
			"pod default lone on  zone 1\n"
			"node n1 zone 1\n"
			"service shop s zone 1\n"
			"policy shop p zone 1: ns; own pods; ns x=z pods;\n"
			"not enforced  anp\n"
			"not enforced shop cnp\n"},
		{&manifests, "ns shop: a=b kubernetes.io/metadata.name=shop\n"
			     "ns plain: kubernetes.io/metadata.name=plain\n"
			     "pod shop web on n1 zone 2\n"
			     "pod default lone on  zone 2\n"
			     "node n1 zone 2\n"
			     "service shop s zone 2\n"
			     "policy shop p zone 2: ns !tidegate.dev/cluster; own pods; "
			     "ns !tidegate.dev/cluster x=z pods;\n"
			     "not enforced  anp\n"
			     "not enforced shop cnp\n"},
		{&prod, "ns prod/shop: a=b kubernetes.io/metadata.name=shop "
			"tidegate.dev/cluster=prod\n"
			"ns prod/plain: kubernetes.io/metadata.name=plain "
			"tidegate.dev/cluster=prod\n"
			"pod prod/shop web on prod/n1 zone 3\n"
			"pod prod/default lone on  zone 3\n"
			"node prod/n1 zone 3\n"
			"service prod/shop s zone 3\n"
			"policy prod/shop p zone 3: ns tidegate.dev/cluster=prod; own pods; "
			"ns tidegate.dev/cluster=prod x=z pods;\n"
			"not enforced  prod/anp\n"
			"not enforced prod/shop cnp\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f;

		decode(&f, cases[i].scope, "objects.yaml", objects);
		check(&f, cases[i].expected);
		teardown(&f);
	}
}

/* No selector gets out of its scope by naming the label. */
static void selectors_stay_in_their_cluster(void **state)
{
	static const struct {
		const char *peer, *expected;
	} cases[] = {
		{"{namespaceSelector: {matchLabels: {tidegate.dev/cluster: other}}}",
			"policy prod/shop p zone 3: ns tidegate.dev/cluster=other "
			"tidegate.dev/cluster=prod;\n"},
		{"{namespaceSelector: {matchLabels: {tidegate.dev/cluster: prod}}}",
			"policy prod/shop p zone 3: ns tidegate.dev/cluster=prod;\n"},
		{"{namespaceSelector: {matchExpressions: [{key: tidegate.dev/cluster, "
		 "operator: DoesNotExist}]}}",
			"policy prod/shop p zone 3: ns !tidegate.dev/cluster "
			"tidegate.dev/cluster=prod;\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512];
		struct fixture f;

		snprintf(text, sizeof(text), POLICY_PEERS("%s"), cases[i].peer);
		decode(&f, &prod, "policy.yaml", text);
		check(&f, cases[i].expected);
		teardown(&f);
	}
}

static void compact_endpoints_too(void **state)
{
	struct fixture f;

	decode(&f, &prod, "a.endpoints", "shop/web 10.0.0.1 app=web - node=n1\n");
	check(&f, "pod prod/shop web on prod/n1 zone 3\n");
	teardown(&f);
	decode(&f, &manifests, "a.endpoints", "shop/web 10.0.0.1 app=web - node=n1\n");
	check(&f, "pod shop web on n1 zone 2\n");
	teardown(&f);
}

/* What an API server serves is compared with what was asked for by the names of its cluster. */
static void what_is_served_is_of_a_cluster(void **state)
{
	static const char text[] =
		"{\"metadata\":{\"namespace\":\"shop\",\"name\":\"p\",\"uid\":\"u1\"},"
		"\"spec\":{\"podSelector\":{},"
		"\"ingress\":[{\"from\":[{\"namespaceSelector\":{}}]}]}}";
	const struct tg_served served = {
		.file = "f",
		.api_version = "networking.k8s.io/v1",
		.kind = "NetworkPolicy",
		.ns = "shop",
		.name = "p",
		.scope = prod,
	};
	struct fixture f;

	prepare(&f);
	assert_int_equal(
		tg_decode_served(&served, text, strlen(text), f.strings, f.arena, &f.out), 0);
	check(&f, "policy prod/shop p uid prod/u1 zone 3: ns tidegate.dev/cluster=prod;\n");
	teardown(&f);
	prepare(&f);
	assert_int_equal(tg_decode_unread(&served, "too large", f.strings, f.arena, &f.out), 0);
	check(&f, "policy prod/shop p zone 3:\n");
	teardown(&f);
}

/* Names may be of any length where objects are read tolerantly. */
static void long_names_are_not_cut(void **state)
{
	char text[2048], name[1001];
	struct fixture f;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), OBJECT("v1", "Node", "name: %s", ""), name);
	decode(&f, &prod, "node.yaml", text);
	assert_int_equal(f.out.nodes.n, 1);
	assert_int_equal(strlen(text_of(&f, f.out.nodes.v[0]->name)), 1005);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_one_cluster),
		cmocka_unit_test(selectors_stay_in_their_cluster),
		cmocka_unit_test(compact_endpoints_too),
		cmocka_unit_test(what_is_served_is_of_a_cluster),
		cmocka_unit_test(long_names_are_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

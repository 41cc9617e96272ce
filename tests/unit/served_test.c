/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects as an API server serves them: what is not understood allows less, and is reported. */
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

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static const struct tg_served network_policy = {
	.file = "lab networkpolicies shop/p",
	.api_version = "networking.k8s.io/v1",
	.kind = "NetworkPolicy",
	.ns = "shop",
	.name = "p",
	.scope = {.zone = 700},
};

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

static void decode(struct fixture *f, const struct tg_served *served, const char *text)
{
	prepare(f);
	f->err = tg_decode_served(served, text, strlen(text), f->strings, f->arena, &f->out);
	for (size_t i = 0; i < f->out.policies.n; i++)
		assert_int_equal(f->out.policies.v[i]->zone, served->scope.zone);
}

static void teardown(struct fixture *f)
{
	tg_decoded_free(&f->out);
	tg_arena_free(f->arena);
	tg_intern_free(f->strings);
}

static void describe_side(const struct tg_policy_side *side, FILE *f)
{
	fputs(side->isolates ? "[" : "-", f);
	for (uint32_t i = 0; i < side->n_rules; i++)
		fprintf(f, "%s%u", i != 0 ? " " : "", side->rules[i].index);
	fputs(side->isolates ? "]" : "", f);
}

/* "1 in [0 2] out -": requirements of the podSelector, rules by their index, - not isolated. */
static void describe(const struct tg_policy *policy, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");

	assert_non_null(f);
	fprintf(f, "%u in ", policy->pod_selector.n_reqs);
	describe_side(&policy->side[TG_INGRESS], f);
	fputs(" out ", f);
	describe_side(&policy->side[TG_EGRESS], f);
	fclose(f);
}

static bool is_reported(const struct tg_problems *problems, const char *text)
{
	for (size_t i = 0; i < problems->n; i++)
		if (strncmp(problems->v[i].text, text, strlen(text)) == 0)
			return true;
	return false;
}

/* A spec, what it becomes, and how one of the warnings begins; NULL: there is none. */
struct policy_case {
	const char *spec, *becomes, *warning;
};

static void expect_policy(const char *text, const struct policy_case *expected)
{
	struct fixture f;
	char got[128];

	decode(&f, &network_policy, text);
	if (f.err != 0 || f.out.policies.n != 1 || f.out.errors.n != 0)
		fail_msg("no policy of: %s", text);
	describe(f.out.policies.v[0], got, sizeof(got));
	if (strcmp(got, expected->becomes) != 0)
		fail_msg("%s, expected %s of: %s", got, expected->becomes, text);
	if (expected->warning == NULL && f.out.warnings.n != 0)
		fail_msg("%s, in: %s", f.out.warnings.v[0].text, text);
	if (expected->warning != NULL && !is_reported(&f.out.warnings, expected->warning))
		fail_msg("%s, expected: %s, in: %s",
			f.out.warnings.n != 0 ? f.out.warnings.v[0].text : "no warning",
			expected->warning, text);
	assert_string_equal(tg_intern_text(f.strings, f.out.policies.v[0]->ns), "shop");
	assert_string_equal(tg_intern_text(f.strings, f.out.policies.v[0]->name), "p");
	teardown(&f);
}

#define METADATA "\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\"}"

static void expect_specs(const struct policy_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[2048];

		snprintf(text, sizeof(text), "{" METADATA ",\"spec\":%s}", cases[i].spec);
		expect_policy(text, &cases[i]);
	}
}

static void understood_policies_are_what_they_say(void **state)
{
	static const struct policy_case cases[] = {
		{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"ingress\":[{},{\"from\":[{"
		 "\"podSelector\":{}}],\"ports\":[{\"port\":80}]}],\"policyTypes\":[\"Ingress\"]}",
			"1 in [0 1] out -", NULL},
		{"{\"podSelector\":{},\"egress\":[{}]}", "0 in [] out [0]", NULL},
		{"{\"podSelector\":{},\"egress\":[]}", "0 in [] out -", NULL},
		{"{\"podSelector\":{}}", "0 in [] out -", NULL},
		{"{\"podSelector\":{},\"ingress\":[{}],\"egress\":[{}],\"policyTypes\":["
		 "\"Egress\"]}",
			"0 in - out [0]", NULL},
		{"null", "0 in [] out -", NULL},
	};

	expect_specs(cases, COUNT(cases));
}

/* Rules 0 and 2 of three stay when 1 is damaged. */
#define BETWEEN(rule)                                                                    \
	"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"ingress\":[{}," rule ",{}]," \
	"\"policyTypes\":[\"Ingress\"]}"
#define LOST "1 in [0 2] out -"

static void a_rule_that_is_not_understood_allows_nothing(void **state)
{
	static const struct policy_case cases[] = {
		{BETWEEN("{\"since\":5}"), LOST, "spec.ingress[1].since: unknown field"},
		{BETWEEN("{\"since\":null}"), LOST, "spec.ingress[1].since: unknown field"},
		{BETWEEN("{\"From\":[]}"), LOST, "spec.ingress[1].From: unknown field"},
		{BETWEEN("{\"to\":[]}"), LOST, "spec.ingress[1].to: unknown field"},
		{BETWEEN("[]"), LOST, "spec.ingress[1]: a map is expected"},
		{BETWEEN("7"), LOST, "spec.ingress[1]: not understood: the rule allows nothing"},
		{BETWEEN("{\"from\":{}}"), LOST, "spec.ingress[1].from: a list is expected"},
		{BETWEEN("{\"from\":[null]}"), LOST, "spec.ingress[1].from[0]: a peer needs"},
		{BETWEEN("{\"from\":[{}]}"), LOST, "spec.ingress[1].from[0]: a peer needs"},
		{BETWEEN("{\"from\":[{\"podSelector\":{},\"nodeSelector\":{}}]}"), LOST,
			"spec.ingress[1].from[0].nodeSelector: unknown field"},
		{BETWEEN("{\"from\":[{\"fqdn\":\"x\"}]}"), LOST,
			"spec.ingress[1].from[0].fqdn: unknown field"},
		{BETWEEN("{\"from\":[{\"podSelector\":{}},{\"fqdn\":\"x\"}]}"), LOST,
			"spec.ingress[1].from[1].fqdn: unknown field"},
		{BETWEEN("{\"from\":[\"any\"]}"), LOST, "spec.ingress[1].from[0]: a map"},
		{BETWEEN("{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"zone\":\"z\"}}]}"),
			LOST, "spec.ingress[1].from[0].ipBlock.zone: unknown field"},
		{BETWEEN("{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/33\"}}]}"), LOST,
			"spec.ingress[1].from[0].ipBlock.cidr: an address range"},
		{BETWEEN("{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":["
			 "\"11.0.0.0/9\"]}}]}"),
			LOST, "spec.ingress[1].from[0].ipBlock.except[0]: must lie within"},
		{BETWEEN("{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"},"
			 "\"podSelector\":{}}]}"),
			LOST, "spec.ingress[1].from[0]: an ipBlock cannot stand"},
		{BETWEEN("{\"ports\":{}}"), LOST, "spec.ingress[1].ports: a list is expected"},
		{BETWEEN("{\"ports\":[{\"port\":80,\"name\":\"x\"}]}"), LOST,
			"spec.ingress[1].ports[0].name: unknown field"},
		{BETWEEN("{\"ports\":[{\"port\":80,\"protocol\":\"QUIC\"}]}"), LOST,
			"spec.ingress[1].ports[0].protocol: TCP, UDP or SCTP"},
		{BETWEEN("{\"ports\":[{\"port\":\"80\"}]}"), LOST,
			"spec.ingress[1].ports[0].port: a port's name"},
		{BETWEEN("{\"ports\":[{\"port\":0}]}"), LOST,
			"spec.ingress[1].ports[0].port: an integer from 1 to 65535"},
		{BETWEEN("{\"ports\":[{\"port\":80,\"endPort\":79}]}"), LOST,
			"spec.ingress[1].ports[0].endPort: must not be less"},
		{BETWEEN("{\"ports\":[{\"endPort\":79}]}"), LOST,
			"spec.ingress[1].ports[0].endPort: needs a port"},
		{BETWEEN("{\"ports\":[{\"port\":true}]}"), LOST,
			"spec.ingress[1].ports[0].port: a number is expected"},
		/* a direction stays isolated that has lost its rules, named or implied */
		{"{\"podSelector\":{},\"egress\":[{\"x\":1}]}", "0 in [] out []",
			"spec.egress[0].x: unknown field"},
		{"{\"podSelector\":{},\"egress\":[null,{\"x\":1}]}", "0 in [] out [0]",
			"spec.egress[1].x: unknown field"},
		{"{\"podSelector\":{},\"egress\":[{\"x\":1}],\"policyTypes\":[\"Ingress\"]}",
			"0 in [] out -", "spec.egress[0]: not understood: the rule allows nothing"},
	};

	expect_specs(cases, COUNT(cases));
}

/* Of policies that select few pods, allow much and leave a direction alone. */
#define ISOLATED "0 in [] out []"
#define SPEC(member)                                               \
	"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}," member \
	",\"ingress\":[{}],\"policyTypes\":[\"Ingress\"]}"
#define SELECTOR(selector)                                                 \
	"{\"podSelector\":" selector ",\"ingress\":[{}],\"policyTypes\":[" \
	"\"Ingress\"]}"
#define PEER(selectors)                                                                           \
	"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"ingress\":[{},{\"from\":[{" selectors \
	"}]}],\"policyTypes\":[\"Ingress\"]}"

static void what_is_beyond_a_rule_isolates_the_namespace(void **state)
{
	static const struct policy_case cases[] = {
		{SPEC("\"tier\":\"x\""), ISOLATED, "spec.tier: unknown field"},
		{SPEC("\"Egress\":[]"), ISOLATED, "spec.Egress: unknown field"},
		{SPEC("\"tier\":null"), ISOLATED,
			"spec: not understood: the policy isolates its whole namespace in both"},
		{SPEC("\"egress\":{}"), ISOLATED, "spec.egress: a list is expected"},
		{SPEC("\"egress\":[],\"egress\":[]"), ISOLATED,
			"spec.egress: this key is already set"},
		{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"policyTypes\":[\"Ingress\","
		 "\"Both\"]}",
			ISOLATED, "spec.policyTypes[1]: Ingress or Egress"},
		{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"policyTypes\":\"Ingress\"}",
			ISOLATED, "spec.policyTypes: a list is expected"},
		{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"policyTypes\":[null]}",
			ISOLATED, "spec.policyTypes[0]: Ingress or Egress"},
		{"[]", ISOLATED, "spec: a map is expected"},
		{"\"x\"", ISOLATED, "spec: a map is expected"},
		{SELECTOR("[]"), ISOLATED, "spec.podSelector: a map is expected"},
		{SELECTOR("{\"matchNames\":[]}"), ISOLATED,
			"spec.podSelector.matchNames: unknown field"},
		{SELECTOR("{\"matchLabels\":[]}"), ISOLATED, "spec.podSelector.matchLabels: a map"},
		{SELECTOR("{\"matchLabels\":{\"a\":7}}"), ISOLATED,
			"spec.podSelector.matchLabels.a: a string"},
		{SELECTOR("{\"matchLabels\":{\"a b\":\"\"}}"), ISOLATED,
			"spec.podSelector.matchLabels[\"a b\"]: a label key"},
		{SELECTOR("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Gt\"}]}"), ISOLATED,
			"spec.podSelector.matchExpressions[0].operator: In, NotIn"},
		{SELECTOR("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}"), ISOLATED,
			"spec.podSelector.matchExpressions[0].values: In and NotIn"},
		{SELECTOR("{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"x\":1}]"
			  "}"),
			ISOLATED, "spec.podSelector.matchExpressions[0].x: unknown field"},
		/* a selector of a peer is a selector */
		{PEER("\"podSelector\":{\"matchNames\":[]}"), ISOLATED,
			"spec.ingress[1].from[0].podSelector.matchNames: unknown field"},
		{PEER("\"namespaceSelector\":{\"matchLabels\":{},\"x\":1}"), ISOLATED,
			"spec.ingress[1].from[0].namespaceSelector.x: unknown field"},
		{PEER("\"podSelector\":\"all\""), ISOLATED,
			"spec.ingress[1].from[0].podSelector: a map is expected"},
		{PEER("\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"=\"}]}"),
			ISOLATED,
			"spec.ingress[1].from[0].podSelector.matchExpressions[0].operator"},
		/* even in rules of a direction that is left alone */
		{"{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"policyTypes\":[\"Ingress\"],"
		 "\"egress\":[{\"to\":[{\"podSelector\":{\"x\":1}}]}]}",
			ISOLATED, "spec.egress[0].to[0].podSelector.x: unknown field"},
	};

	expect_specs(cases, COUNT(cases));
}

#define GOOD "\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"ingress\":[{}]}"

static void texts_that_are_no_policy_isolate_the_namespace(void **state)
{
	static const struct policy_case cases[] = {
		{"", ISOLATED, "one object is expected, not 0"},
		{"{}", ISOLATED, "metadata.name: \"p\" is expected, not \"\""},
		{"[]", ISOLATED, "a map is expected, not a list"},
		{"{" METADATA "," GOOD "}{}", ISOLATED, "one object is expected, not 2"},
		{"{" METADATA "," GOOD, ISOLATED, "JSON: "},
		{"metadata: {name: p, namespace: shop}\nspec: {podSelector: {a: b}}\n", ISOLATED,
			"JSON: "},
		{"{" METADATA ",\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"\xff\"}}}}",
			ISOLATED, "JSON: a string is not UTF-8"},
		{"{\"kind\":\"NetworkPolicyList\",\"apiVersion\":\"networking.k8s.io/v1\"," METADATA
		 "," GOOD "}",
			ISOLATED, "networking.k8s.io/v1 NetworkPolicy is expected, not"},
		{"{\"kind\":\"NetworkPolicy\",\"apiVersion\":\"networking.k8s.io/v2\"," METADATA
		 "," GOOD "}",
			ISOLATED, "networking.k8s.io/v1 NetworkPolicy is expected, not"},
		{"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\"," METADATA
		 "}",
			ISOLATED, "networking.k8s.io/v1 NetworkPolicy is expected, not"},
		{"{\"kind\":7," METADATA "," GOOD "}", ISOLATED, "kind: a string is expected"},
		{"{" METADATA "," GOOD "," GOOD "}", ISOLATED, "spec: this key is already set"},
		{"{" METADATA "," GOOD ",\"extra\":{}}", ISOLATED, "extra: unknown field"},
		{"{\"metadata\":{\"name\":\"q\",\"namespace\":\"shop\"}," GOOD "}", ISOLATED,
			"metadata.name: \"p\" is expected, not \"q\""},
		{"{\"metadata\":{\"name\":\"p\",\"namespace\":\"lab\"}," GOOD "}", ISOLATED,
			"metadata.namespace: \"shop\" is expected, not \"lab\""},
		{"{\"metadata\":[]," GOOD "}", ISOLATED, "metadata.name: \"p\" is expected"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_policy(cases[i].spec, &cases[i]);
}

/* metadata is the server's affair. */
static void metadata_is_read_tolerantly(void **state)
{
	static const struct policy_case cases[] = {
		{"{\"kind\":\"NetworkPolicy\",\"apiVersion\":\"networking.k8s.io/v1\",\"metadata\":"
		 "{\"name\":\"p\",\"namespace\":\"shop\",\"uid\":\"u\",\"resourceVersion\":\"1\","
		 "\"generation\":1,\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"a"
		 "\":\"b\"},\"annotations\":{\"tidegate.dev/owner\":\"o\"},\"newField\":{\"x\":[]},"
		 "\"managedFields\":[{\"manager\":\"m\",\"newField\":1}]},"
		 "\"spec\":{\"podSelector\":{},\"ingress\":[{}]},\"status\":{\"conditions\":[]}}",
			"0 in [0] out -", NULL},
		{"{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\",\"uid\":7},\"spec\":{"
		 "\"podSelector\":{},\"ingress\":[{}]}}",
			"0 in [0] out -", "metadata.uid: a string is expected"},
		{"{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\",\"labels\":[],"
		 "\"annotations\":[]},\"spec\":{\"podSelector\":{},\"ingress\":[{}]}}",
			"0 in [0] out -", NULL},
		{"{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\",\"annotations\":{"
		 "\"tidegate.dev/mode\":\"audit\"}},\"spec\":{\"podSelector\":{},\"ingress\":[{}]}}",
			"0 in [0] out -",
			"metadata.annotations[\"tidegate.dev/mode\"]: this annotation is not"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_policy(cases[i].spec, &cases[i]);
}

/* More problems than are listed count all the same. */
static void a_flood_of_problems_hides_nothing(void **state)
{
	struct fixture f;
	char got[64], *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("{" METADATA ",\"spec\":{\"ingress\":[", out);
	for (unsigned int i = 0; i < 300; i++)
		fputs("{\"x\":1},", out);
	fputs("{}],\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"egress\":[{\"to\":[{"
	      "\"podSelector\":{\"x\":1}}]}]}}",
		out);
	fclose(out);
	decode(&f, &network_policy, text);
	assert_int_equal(f.err, 0);
	describe(f.out.policies.v[0], got, sizeof(got));
	assert_string_equal(got, ISOLATED);
	teardown(&f);
	free(text);
}

static void unread_objects_are_as_bad_as_can_be(void **state)
{
	struct tg_served other = {"f", "example.io/v1", "NetworkPolicy", "shop", "p"};
	struct tg_served pod = {"f", "v1", "Pod", "shop", "p"};
	struct fixture f;
	char got[64];

	prepare(&f);
	f.err = tg_decode_unread(
		&network_policy, "5000000 bytes are too many", f.strings, f.arena, &f.out);
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.policies.n, 1);
	describe(f.out.policies.v[0], got, sizeof(got));
	assert_string_equal(got, ISOLATED);
	assert_true(is_reported(&f.out.warnings, "5000000 bytes are too many"));
	assert_true(is_reported(&f.out.warnings, "not understood: the policy isolates its whole"));
	teardown(&f);

	prepare(&f);
	f.err = tg_decode_unread(&other, "too large", f.strings, f.arena, &f.out);
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.not_enforced.n, 1);
	assert_string_equal(tg_intern_text(f.strings, f.out.not_enforced.v[0].name), "p");
	assert_true(is_reported(&f.out.warnings, "too large"));
	teardown(&f);

	prepare(&f);
	f.err = tg_decode_unread(&pod, "too large", f.strings, f.arena, &f.out);
	assert_int_equal(f.err, -EINVAL);
	assert_int_equal(f.out.pods.n, 0);
	assert_true(is_reported(&f.out.errors, "too large"));
	teardown(&f);
}

/* One of another kind: how many objects and entries there are, and the first problem. */
struct other_case {
	const char *api_version, *kind, *ns, *text;
	size_t objects, not_enforced;
	const char *problem; /* NULL: none */
	int err;
};

static void policies_of_others_are_never_passed_over(void **state)
{
	static const struct other_case cases[] = {
		{"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "",
			"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"whatever\":[]}}", 0, 1, NULL,
			0},
		{"cilium.io/v2", "CiliumNetworkPolicy", "shop",
			"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\"," METADATA
			"}",
			0, 1, NULL, 0},
		{"cilium.io/v2", "CiliumNetworkPolicy", "shop",
			"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"example.io/v1\"," METADATA
			"}",
			0, 1, "cilium.io/v2 CiliumNetworkPolicy is expected", 0},
		{"cilium.io/v2", "CiliumNetworkPolicy", "shop", "{\"a\":\"\xff", 0, 1, "JSON: ", 0},
		/* not a version that is read */
		{"networking.k8s.io/v2", "NetworkPolicy", "shop", "{" METADATA "," GOOD "}", 0, 1,
			NULL, 0},
		{"extensions/v1beta1", "NetworkPolicy", "shop", "{" METADATA "," GOOD "}", 0, 1,
			NULL, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct other_case *c = &cases[i];
		struct tg_served served = {"f", c->api_version, c->kind, c->ns, "p"};
		struct fixture f;

		assert_true(tg_decode_is_unenforced(c->api_version, c->kind));
		decode(&f, &served, c->text);
		assert_int_equal(f.err, c->err);
		assert_int_equal(f.out.not_enforced.n, c->not_enforced);
		assert_int_equal(f.out.policies.n, 0);
		assert_int_equal(f.out.warnings.n != 0, c->problem != NULL);
		if (c->problem != NULL)
			assert_true(is_reported(&f.out.warnings, c->problem));
		assert_string_equal(
			tg_intern_text(f.strings, f.out.not_enforced.v[0].kind), c->kind);
		assert_string_equal(tg_intern_text(f.strings, f.out.not_enforced.v[0].name), "p");
		assert_string_equal(tg_intern_text(f.strings, f.out.not_enforced.v[0].ns), c->ns);
		teardown(&f);
	}
	assert_false(tg_decode_is_unenforced("networking.k8s.io/v1", "NetworkPolicy"));
	assert_false(tg_decode_is_unenforced("v1", "Pod"));
	assert_false(tg_decode_is_unenforced("apps/v1", "Deployment"));
}

static void other_kinds_are_read_tolerantly(void **state)
{
	static const struct other_case cases[] = {
		{"v1", "Pod", "shop",
			"{" METADATA
			",\"new\":1,\"spec\":{\"nodeName\":\"n\",\"new\":[]},\"status\":{"
			"\"podIPs\":[{\"ip\":\"10.0.0.1\",\"new\":1}]}}",
			1, 0, NULL, 0},
		{"v1", "Pod", "shop", "{" METADATA ",\"status\":{\"podIP\":\"10.0.0\"}}", 0, 0,
			"status.podIP: an IP address", -EINVAL},
		{"v1", "Pod", "shop", "{" METADATA ",\"status\":[]}", 0, 0, "status: a map",
			-EINVAL},
		{"v1", "Pod", "shop", "{\"metadata\":{\"name\":\"p\"}}", 0, 0,
			"metadata.namespace: \"shop\" is expected, not \"\"", -EINVAL},
		{"v1", "Pod", "shop", "{\"kind\":\"Node\",\"apiVersion\":\"v1\"," METADATA "}", 0,
			0, "v1 Pod is expected, not v1 Node", -EINVAL},
		{"v1", "Pod", "shop", "{", 0, 0, "JSON: ", -EINVAL},
		{"v1", "Namespace", "", "{\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":\"b\"}}}",
			1, 0, NULL, 0},
		{"v1", "Namespace", "", "{\"metadata\":{\"name\":\"p\",\"labels\":[\"a\"]}}", 0, 0,
			"metadata.labels: a map is expected", -EINVAL},
		{"v1", "Namespace", "",
			"{\"metadata\":{\"name\":\"p\",\"annotations\":{"
			"\"tidegate.dev/max-connections\":\"many\"}}}",
			1, 0, "metadata.annotations[\"tidegate.dev/max-connections\"]: expected",
			0},
		{"v1", "Node", "",
			"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"podCIDR\":\"10.1.0.0/24"
			"\"},\"status\":{\"addresses\":[]}}",
			1, 0, NULL, 0},
		{"v1", "Node", "", "{\"metadata\":{\"name\":\"q\"}}", 0, 0, "metadata.name: \"p\"",
			-EINVAL},
		{"v1", "Service", "shop",
			"{" METADATA
			",\"spec\":{\"clusterIP\":\"10.9.0.1\",\"externalIPs\":\"none\"}}",
			1, 0, "spec.externalIPs: a list is expected", 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct other_case *c = &cases[i];
		struct tg_served served = {"f", c->api_version, c->kind, c->ns, "p"};
		const struct tg_problems *problems;
		struct fixture f;

		decode(&f, &served, c->text);
		if (f.err != c->err)
			fail_msg("%d of: %s", f.err, c->text);
		if (f.err == 0)
			assert_int_equal(f.out.pods.n + f.out.namespaces.n + f.out.nodes.n +
						 f.out.services.n,
				c->objects);
		problems = f.err != 0 ? &f.out.errors : &f.out.warnings;
		if (c->problem == NULL ? problems->n != 0 : !is_reported(problems, c->problem))
			fail_msg("%s, expected %s of: %s",
				problems->n != 0 ? problems->v[0].text : "no problem", c->problem,
				c->text);
		teardown(&f);
	}
}

/* What can be read of a node counts: otherwise its pods' addresses would be anybody's. */
static void a_node_keeps_what_can_be_read(void **state)
{
	struct tg_served served = {"f", "v1", "Node", "", "p"};
	struct fixture f;

	decode(&f, &served,
		"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"podCIDRs\":[\"10.1.0.0/24\",\"x\","
		"\"2001:db8::/64\"]},\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":"
		"\"fe80::1%eth0\"},{\"type\":\"InternalIP\",\"address\":\"192.0.2.1\"}]}}");
	assert_int_equal(f.err, 0);
	assert_int_equal(f.out.nodes.v[0]->n_pod_cidrs, 2);
	assert_int_equal(f.out.nodes.v[0]->n_addrs, 1);
	assert_int_equal(f.out.warnings.n, 2);
	teardown(&f);
}

/* Whatever the server says. */
static void a_namespace_is_labelled_with_its_name(void **state)
{
	struct tg_served served = {"f", "v1", "Namespace", "", "p"};
	struct fixture f;

	decode(&f, &served,
		"{\"metadata\":{\"name\":\"p\",\"labels\":{\"kubernetes.io/metadata.name\":\"q\"}}}");
	assert_int_equal(f.err, 0);
	assert_string_equal(
		tg_intern_text(f.strings,
			tg_labels_get(&f.out.namespaces.v[0]->labels,
				tg_intern_find(f.strings, "kubernetes.io/metadata.name"))),
		"p");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood_policies_are_what_they_say),
		cmocka_unit_test(a_rule_that_is_not_understood_allows_nothing),
		cmocka_unit_test(what_is_beyond_a_rule_isolates_the_namespace),
		cmocka_unit_test(texts_that_are_no_policy_isolate_the_namespace),
		cmocka_unit_test(metadata_is_read_tolerantly),
		cmocka_unit_test(a_flood_of_problems_hides_nothing),
		cmocka_unit_test(unread_objects_are_as_bad_as_can_be),
		cmocka_unit_test(policies_of_others_are_never_passed_over),
		cmocka_unit_test(other_kinds_are_read_tolerantly),
		cmocka_unit_test(a_node_keeps_what_can_be_read),
		cmocka_unit_test(a_namespace_is_labelled_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

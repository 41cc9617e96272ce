/* SPDX-License-Identifier: BSD-3-Clause */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "intern.h"
#include "vec.h"

struct test_cluster {
	struct tg_arena *arena;
	struct tg_intern *strings;
	TG_VEC(const struct tg_namespace *) namespaces;
	TG_VEC(const struct tg_pod *) pods;
	TG_VEC(const struct tg_node *) nodes;
	TG_VEC(const struct tg_service *) services;
	TG_VEC(const struct tg_policy *) policies;
	struct tg_policy *policy; /* that rules are added to */
	struct tg_cluster view;
	uint32_t line;
	uint16_t zone;
};

/* Words of a line or parts of a word: v[0..n-1]. */
struct parts {
	char *v[64];
	size_t n;
};

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void refuse(const char *what, const char *text)
{
	fprintf(stderr, "test cluster: %s: %s\n", what, text);
	abort();
}

static struct parts split(struct test_cluster *c, const char *text, const char *by)
{
	struct parts parts = {0};
	char *copy = must(tg_arena_strdup(c->arena, text)), *save = NULL;

	for (char *p = strtok_r(copy, by, &save); p != NULL; p = strtok_r(NULL, by, &save)) {
		if (parts.n == sizeof(parts.v) / sizeof(parts.v[0]))
			refuse("too many parts", text);
		parts.v[parts.n++] = p;
	}
	return parts;
}

static uint32_t id(struct test_cluster *c, const char *text)
{
	return tg_intern_id(c->strings, text);
}

struct tg_addr test_addr(const char *text)
{
	struct tg_addr addr;

	if (tg_addr_parse(text, &addr) != 0)
		refuse("no address", text);
	return addr;
}

struct tg_prefix test_prefix(const char *text)
{
	struct tg_prefix prefix;

	if (tg_prefix_parse(text, &prefix) != 0)
		refuse("no prefix", text);
	return prefix;
}

static const struct tg_addr *addrs(struct test_cluster *c, const char *text, uint32_t *n)
{
	struct parts parts = split(c, text, ",");
	struct tg_addr *v = must(tg_arena_calloc(c->arena, parts.n + 1, sizeof(*v)));

	*n = strcmp(text, "-") == 0 ? 0 : (uint32_t)parts.n;
	for (uint32_t i = 0; i < *n; i++)
		v[i] = test_addr(parts.v[i]);
	return v;
}

static const struct tg_prefix *prefixes(struct test_cluster *c, char *const *texts, size_t n)
{
	struct tg_prefix *v = must(tg_arena_calloc(c->arena, n + 1, sizeof(*v)));

	for (size_t i = 0; i < n; i++)
		v[i] = test_prefix(texts[i]);
	return v;
}

static int compare_labels(const void *a, const void *b)
{
	const struct tg_label *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static struct tg_labels labels(struct test_cluster *c, const char *text, const char *self)
{
	struct parts parts = split(c, text, ",");
	struct tg_label *v = must(tg_arena_calloc(c->arena, parts.n + 1, sizeof(*v)));
	uint32_t n = 0;

	for (size_t i = 0; i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');

		if (eq == NULL)
			refuse("no label", parts.v[i]);
		*eq = '\0';
		v[n++] = (struct tg_label){id(c, parts.v[i]), id(c, eq + 1)};
	}
	if (self != NULL)
		v[n++] = (struct tg_label){id(c, "kubernetes.io/metadata.name"), id(c, self)};
	qsort(v, n, sizeof(*v), compare_labels);
	return (struct tg_labels){v, n};
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct tg_requirement requirement(struct test_cluster *c, char *text)
{
	struct tg_requirement req = {.op = TG_OP_EXISTS};
	char *eq = strchr(text, '=');
	struct parts values = {0};
	uint32_t *v;

	if (*text == '!') {
		req.op = TG_OP_NOT_EXISTS;
		text++;
	} else if (eq != NULL) {
		req.op = eq > text && eq[-1] == '!' ? TG_OP_NOT_IN : TG_OP_IN;
		*(req.op == TG_OP_NOT_IN ? eq - 1 : eq) = '\0';
		values = split(c, eq + 1, "|");
		if (values.n == 0) {
			values.n = 1;
			values.v[0] = (char *)"";
		}
	}
	req.key = id(c, text);
	v = must(tg_arena_calloc(c->arena, values.n + 1, sizeof(*v)));
	for (size_t i = 0; i < values.n; i++)
		v[i] = id(c, values.v[i]);
	qsort(v, values.n, sizeof(*v), compare_ids);
	req.values = v;
	req.n_values = (uint32_t)values.n;
	return req;
}

/* As the decoder orders them, so that equal selectors are equal. */
static int compare_reqs(const void *a, const void *b)
{
	const struct tg_requirement *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (int)x->op - (int)y->op;
}

static struct tg_selector selector(struct test_cluster *c, const char *text)
{
	struct parts parts = split(c, text, "&");
	struct tg_requirement *v = must(tg_arena_calloc(c->arena, parts.n + 1, sizeof(*v)));

	if (strcmp(text, "*") == 0)
		return (struct tg_selector){0};
	for (size_t i = 0; i < parts.n; i++)
		v[i] = requirement(c, parts.v[i]);
	qsort(v, parts.n, sizeof(*v), compare_reqs);
	return (struct tg_selector){v, (uint32_t)parts.n};
}

static uint8_t protocol(const char *text)
{
	int number = tg_protocol_parse(text);

	if (number < 0)
		refuse("no protocol", text);
	return (uint8_t)number;
}

static const struct tg_named_port *named_ports(
	struct test_cluster *c, const char *text, uint32_t *n)
{
	struct parts parts = split(c, text, ",");
	struct tg_named_port *v = must(tg_arena_calloc(c->arena, parts.n + 1, sizeof(*v)));

	for (size_t i = 0; i < parts.n; i++) {
		struct parts bits = split(c, parts.v[i], ":/");

		if (bits.n != 3)
			refuse("no named port", parts.v[i]);
		v[i] = (struct tg_named_port){
			id(c, bits.v[0]), (uint16_t)atoi(bits.v[1]), protocol(bits.v[2])};
	}
	*n = (uint32_t)parts.n;
	return v;
}

static struct tg_peer peer(struct test_cluster *c, const char *text)
{
	struct tg_peer out = {0};

	if (strncmp(text, "block:", 6) == 0) {
		struct parts parts = split(c, text + 6, "-");

		out.is_block = true;
		out.block = test_prefix(parts.v[0]);
		out.except = prefixes(c, parts.v + 1, parts.n - 1);
		out.n_except = (uint32_t)parts.n - 1;
	} else if (strncmp(text, "pods:", 5) == 0) {
		out.has_pod_selector = true;
		out.pod_selector = selector(c, text + 5);
	} else if (strncmp(text, "ns:", 3) == 0) {
		char *copy = must(tg_arena_strdup(c->arena, text + 3)), *plus = strchr(copy, '+');

		out.has_ns_selector = true;
		if (plus != NULL) {
			*plus = '\0';
			out.has_pod_selector = true;
			out.pod_selector = selector(c, plus + 1);
		}
		out.ns_selector = selector(c, copy);
	} else {
		refuse("no peer", text);
	}
	return out;
}

static struct tg_policy_port policy_port(struct test_cluster *c, const char *text)
{
	struct parts parts = split(c, text, "/");
	struct tg_policy_port out = {.hi = UINT16_MAX};
	char *dash;

	if (parts.n != 2)
		refuse("no port", text);
	out.protocol = protocol(parts.v[0]);
	if (strcmp(parts.v[1], "*") == 0)
		return out;
	if (*parts.v[1] < '0' || *parts.v[1] > '9') {
		out.named = true;
		out.name = id(c, parts.v[1]);
		return out;
	}
	dash = strchr(parts.v[1], '-');
	out.lo = (uint16_t)atoi(parts.v[1]);
	out.hi = dash != NULL ? (uint16_t)atoi(dash + 1) : out.lo;
	return out;
}

static struct tg_policy_rule rule(
	struct test_cluster *c, const char *peers, const char *ports, uint32_t index)
{
	struct parts who = split(c, peers, ";"), where = split(c, ports, ",");
	struct tg_peer *pv = must(tg_arena_calloc(c->arena, who.n + 1, sizeof(*pv)));
	struct tg_policy_port *tv = must(tg_arena_calloc(c->arena, where.n + 1, sizeof(*tv)));
	struct tg_policy_rule out = {.peers = pv, .ports = tv, .index = index};

	out.any_peer = strcmp(peers, "any") == 0;
	out.any_port = strcmp(ports, "any") == 0;
	if (!out.any_peer && strcmp(peers, "-") != 0)
		for (; out.n_peers < who.n; out.n_peers++)
			pv[out.n_peers] = peer(c, who.v[out.n_peers]);
	if (!out.any_port)
		for (; out.n_ports < where.n; out.n_ports++)
			tv[out.n_ports] = policy_port(c, where.v[out.n_ports]);
	return out;
}

static void add_side(struct test_cluster *c, enum tg_direction dir, const struct parts *words)
{
	struct tg_policy_side *side;
	struct tg_policy_rule *rules;

	if (c->policy == NULL)
		refuse("no policy above", words->v[0]);
	side = &c->policy->side[dir];
	side->isolates = true;
	if (words->n == 1)
		return;
	if (words->n != 5)
		refuse("no rule", words->v[0]);
	rules = must(tg_arena_calloc(c->arena, side->n_rules + 1, sizeof(*rules)));
	if (side->n_rules > 0)
		memcpy(rules, side->rules, side->n_rules * sizeof(*rules));
	rules[side->n_rules] = rule(c, words->v[2], words->v[4], side->n_rules);
	side->rules = rules;
	side->n_rules++;
}

static void add_pod(struct test_cluster *c, const struct parts *words)
{
	struct tg_pod *pod = must(tg_arena_calloc(c->arena, 1, sizeof(*pod)));
	struct parts name = split(c, words->v[1], "/");

	pod->zone = c->zone;
	pod->ns = id(c, name.v[0]);
	pod->name = id(c, name.v[1]);
	pod->addrs = addrs(c, words->v[2], &pod->n_addrs);
	pod->created_at = INT64_MIN;
	pod->place.line = c->line;
	for (size_t i = 3; i < words->n; i++) {
		const char *word = words->v[i], *value = i + 1 < words->n ? words->v[i + 1] : "";

		if (strcmp(word, "hostnet") == 0)
			pod->host_network = true;
		else if (strcmp(word, "finished") == 0)
			pod->finished = true;
		else if (strcmp(word, "terminating") == 0)
			pod->terminating = true;
		else if (strcmp(word, "labels") == 0)
			pod->labels = labels(c, value, NULL);
		else if (strcmp(word, "ports") == 0)
			pod->ports = named_ports(c, value, &pod->n_ports);
		else if (strcmp(word, "node") == 0)
			pod->node = id(c, value);
		else if (strcmp(word, "created") == 0)
			pod->created_at = atoll(value);
	}
	if (tg_vec_push(&c->pods, pod) != 0)
		abort();
}

static void add_node(struct test_cluster *c, const struct parts *words)
{
	struct tg_node *node = must(tg_arena_calloc(c->arena, 1, sizeof(*node)));

	node->zone = c->zone;
	node->name = id(c, words->v[1]);
	node->addrs = addrs(c, words->v[2], &node->n_addrs);
	if (words->n == 5) {
		struct parts cidrs = split(c, words->v[4], ",");

		node->pod_cidrs = prefixes(c, cidrs.v, cidrs.n);
		node->n_pod_cidrs = (uint32_t)cidrs.n;
	}
	if (tg_vec_push(&c->nodes, node) != 0)
		abort();
}

static void add_namespace(struct test_cluster *c, const struct parts *words)
{
	struct tg_namespace *ns = must(tg_arena_calloc(c->arena, 1, sizeof(*ns)));

	ns->name = id(c, words->v[1]);
	ns->labels = labels(c, words->n > 2 ? words->v[2] : "", words->v[1]);
	ns->max_connections = words->n > 3 ? (uint32_t)strtoul(words->v[3], NULL, 10) : 0;
	if (tg_vec_push(&c->namespaces, ns) != 0)
		abort();
}

static void add_service(struct test_cluster *c, const struct parts *words)
{
	struct tg_service *service = must(tg_arena_calloc(c->arena, 1, sizeof(*service)));
	struct parts name = split(c, words->v[1], "/");

	service->zone = c->zone;
	service->ns = id(c, name.v[0]);
	service->name = id(c, name.v[1]);
	service->addrs = addrs(c, words->v[2], &service->n_addrs);
	if (tg_vec_push(&c->services, service) != 0)
		abort();
}

static void add_policy(struct test_cluster *c, const struct parts *words)
{
	struct tg_policy *policy = must(tg_arena_calloc(c->arena, 1, sizeof(*policy)));
	struct parts name = split(c, words->v[1], "/");

	policy->zone = c->zone;
	policy->ns = id(c, name.v[0]);
	policy->name = id(c, name.v[1]);
	policy->pod_selector = selector(c, words->v[2]);
	policy->place.line = c->line;
	for (size_t i = 3; i + 1 < words->n; i += 2) {
		if (strcmp(words->v[i], "uid") == 0)
			policy->uid = id(c, words->v[i + 1]);
		else if (strcmp(words->v[i], "owner") == 0)
			policy->owner = id(c, words->v[i + 1]);
	}
	c->policy = policy;
	if (tg_vec_push(&c->policies, policy) != 0)
		abort();
}

static void add_line(struct test_cluster *c, const char *line)
{
	struct parts words = split(c, line, " \t");
	const char *kind = words.n > 0 ? words.v[0] : "";

	c->line++;
	if (words.n == 0)
		return;
	if (strcmp(kind, "zone") == 0 && words.n == 2)
		c->zone = (uint16_t)atoi(words.v[1]);
	else if (strcmp(kind, "ingress") == 0)
		add_side(c, TG_INGRESS, &words);
	else if (strcmp(kind, "egress") == 0)
		add_side(c, TG_EGRESS, &words);
	else if (strcmp(kind, "ns") == 0 && words.n >= 2)
		add_namespace(c, &words);
	else if (strcmp(kind, "node") == 0 && words.n >= 3)
		add_node(c, &words);
	else if (strcmp(kind, "pod") == 0 && words.n >= 3)
		add_pod(c, &words);
	else if (strcmp(kind, "service") == 0 && words.n >= 3)
		add_service(c, &words);
	else if (strcmp(kind, "policy") == 0 && words.n >= 3)
		add_policy(c, &words);
	else
		refuse("no object", line);
}

void test_cluster_add(struct test_cluster *c, const char *text)
{
	char *copy = must(tg_arena_strdup(c->arena, text)), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save))
		add_line(c, line);
}

struct test_cluster *test_cluster_create(const char *text)
{
	struct test_cluster *c = must(calloc(1, sizeof(*c)));

	c->arena = must(tg_arena_create(0));
	c->strings = must(tg_intern_create());
	test_cluster_add(c, text);
	return c;
}

void test_cluster_free(struct test_cluster *c)
{
	tg_vec_free(&c->namespaces);
	tg_vec_free(&c->pods);
	tg_vec_free(&c->nodes);
	tg_vec_free(&c->services);
	tg_vec_free(&c->policies);
	tg_intern_free(c->strings);
	tg_arena_free(c->arena);
	free(c);
}

const struct tg_cluster *test_cluster_view(struct test_cluster *c)
{
	c->view = (struct tg_cluster){
		.strings = c->strings,
		.namespaces = c->namespaces.v,
		.n_namespaces = c->namespaces.n,
		.pods = c->pods.v,
		.n_pods = c->pods.n,
		.nodes = c->nodes.v,
		.n_nodes = c->nodes.n,
		.services = c->services.v,
		.n_services = c->services.n,
		.policies = c->policies.v,
		.n_policies = c->policies.n,
	};
	return &c->view;
}

const struct tg_pod *test_cluster_extra_pod(struct test_cluster *c, const char *line)
{
	test_cluster_add(c, line);
	return c->pods.v[--c->pods.n];
}

struct test_ruleset test_compile(struct tg_compiler *compiler, struct test_cluster *c,
	const struct tg_compile_options *options)
{
	struct tg_image_error where;
	struct test_ruleset out;
	char error[256];
	const void *data;
	size_t size;

	if (tg_compile(compiler, test_cluster_view(c), options, &out.compiled, error,
		    sizeof(error)) != 0)
		refuse("does not compile", error);
	data = tg_compiled_image(out.compiled, &size);
	if (tg_image_check(data, size, &out.image, &where) != 0)
		refuse("the image is refused", where.text);
	return out;
}

void test_ruleset_free(struct test_ruleset *r)
{
	tg_compiled_free(r->compiled);
	r->compiled = NULL;
}

static void name_rule(
	const struct tg_image *image, const struct tg_image_rule *rule, char *buf, size_t size)
{
	const char *ns = image->strings + rule->ns, *policy = image->strings + rule->policy;

	switch (rule->kind) {
	case TG_RULE_POLICY:
		snprintf(buf, size, "%s/%s[%u]", ns, policy, rule->index);
		return;
	case TG_RULE_IMPLICIT:
		snprintf(buf, size, "implicit %s: %s", ns, policy);
		return;
	case TG_RULE_BASELINE:
		snprintf(buf, size, "baseline %s", ns);
		return;
	case TG_RULE_NAMESPACE:
		snprintf(buf, size, "namespace %s %u", ns, rule->index);
		return;
	default:
		snprintf(buf, size, "%s %s", tg_rule_kind_label(rule->kind), policy);
	}
}

const char *test_says(const struct tg_image *image, const struct test_tuple *tuple,
	enum tg_direction dir, char buf[TEST_SAYS])
{
	const struct tg_image_query query = {
		.src = test_addr(tuple->src),
		.dst = test_addr(tuple->dst),
		.zone = tuple->zone,
		.protocol = tuple->protocol,
		.dport = tuple->dport,
	};
	struct tg_image_answer answer;
	uint32_t verdict, slot;
	char rule[TEST_SAYS - 16];

	tg_image_judge(image, &query, &answer);
	verdict = answer.side[dir].verdict;
	slot = tg_verdict_slot(verdict);
	if (slot < TG_SLOT_FIRST)
		snprintf(rule, sizeof(rule), "%s", tg_builtin_label(slot));
	else
		name_rule(image, tg_image_rule_of(image, slot), rule, sizeof(rule));
	snprintf(buf, TEST_SAYS, "%s %s", tg_action_label(tg_verdict_action(verdict)), rule);
	return buf;
}

uint32_t test_slot_of(const struct tg_image *image, const char *rule)
{
	for (uint32_t i = 0; i < image->n_rules; i++) {
		char name[TEST_SAYS];

		name_rule(image, &image->rules[i], name, sizeof(name));
		if (strcmp(name, rule) == 0)
			return image->rules[i].slot;
	}
	return TG_NONE;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies as teams write them. A governed namespace begins with a default deny, DNS and
 * monitoring; the others are drawn from a table of templates by weight.
 */
#include <errno.h>
#include <netinet/in.h>

#include "internal.h"

#define NO_LABEL UINT32_MAX

/* One policy in the making; it has at most one rule. */
struct draft {
	struct tg_gen *gen;
	const struct gen_namespace *ns;
	struct tg_policy *policy;
	struct tg_policy_rule *rule;
	struct tg_peer *peers;
	struct tg_policy_port *ports;
};

/* Key = value pairs as a selector; a pair with key NO_LABEL is left out. */
static int make_selector(
	struct tg_gen *gen, struct tg_selector *out, const struct tg_label *pairs, uint32_t n_pairs)
{
	struct tg_requirement *reqs = tg_arena_calloc(gen->arena, n_pairs + 1, sizeof(*reqs));
	struct tg_label *sorted = tg_arena_calloc(gen->arena, n_pairs + 1, sizeof(*sorted));
	uint32_t n = 0;

	if (reqs == NULL || sorted == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_pairs; i++)
		if (pairs[i].key != NO_LABEL)
			sorted[n++] = pairs[i];
	gen_sort_labels(sorted, n);
	for (uint32_t i = 0; i < n; i++)
		reqs[i] = (struct tg_requirement){.key = sorted[i].key,
			.op = TG_OP_IN,
			.values = &sorted[i].value,
			.n_values = 1};
	*out = (struct tg_selector){reqs, n};
	return 0;
}

static int subject_app(struct draft *d, const struct gen_app *app)
{
	struct tg_label pair = {d->gen->keys.app, app->name};

	return make_selector(d->gen, &d->policy->pod_selector, &pair, 1);
}

static const struct gen_app *random_app(struct tg_gen *gen, const struct gen_namespace *ns)
{
	return &gen->apps[ns->first_app + tg_rng_below(&gen->rng, ns->n_apps)];
}

/* A side with one rule that has room for `peers` peers and `ports` ports, both at least 1. */
static int open_rule(struct draft *d, enum tg_direction dir, uint32_t peers, uint32_t ports)
{
	struct tg_arena *arena = d->gen->arena;
	struct tg_policy_side *side = &d->policy->side[dir];

	d->rule = tg_arena_alloc(arena, sizeof(*d->rule));
	d->peers = tg_arena_calloc(arena, peers, sizeof(*d->peers));
	d->ports = tg_arena_calloc(arena, ports, sizeof(*d->ports));
	if (d->rule == NULL || d->peers == NULL || d->ports == NULL)
		return -ENOMEM;
	d->rule->peers = d->peers;
	d->rule->ports = d->ports;
	side->isolates = true;
	side->rules = d->rule;
	side->n_rules = 1;
	return 0;
}

static struct tg_peer *next_peer(struct draft *d)
{
	return &d->peers[d->rule->n_peers++];
}

static void add_port(struct draft *d, uint8_t protocol, uint16_t lo, uint16_t hi)
{
	d->ports[d->rule->n_ports++] =
		(struct tg_policy_port){.protocol = protocol, .lo = lo, .hi = hi};
}

static void add_named_port(struct draft *d, uint32_t name)
{
	d->ports[d->rule->n_ports++] =
		(struct tg_policy_port){.protocol = IPPROTO_TCP, .named = true, .name = name};
}

static struct tg_peer *add_block(struct draft *d, struct tg_prefix block)
{
	struct tg_peer *peer = next_peer(d);

	peer->is_block = true;
	peer->block = block;
	return peer;
}

/* Pods of an app in the policy's own namespace. */
static int add_app_peer(struct draft *d, const struct gen_app *app)
{
	struct tg_peer *peer = next_peer(d);
	struct tg_label pair = {d->gen->keys.app, app->name};

	peer->has_pod_selector = true;
	return make_selector(d->gen, &peer->pod_selector, &pair, 1);
}

/* Pods with `pod` in namespaces with `ns`; a key of NO_LABEL selects all. */
static int add_ns_peer(struct draft *d, struct tg_label ns, struct tg_label pod)
{
	struct tg_peer *peer = next_peer(d);
	int rc;

	peer->has_ns_selector = true;
	peer->has_pod_selector = pod.key != NO_LABEL;
	rc = make_selector(d->gen, &peer->ns_selector, &ns, 1);
	return rc != 0 ? rc : make_selector(d->gen, &peer->pod_selector, &pod, 1);
}

static int default_deny(struct draft *d)
{
	d->policy->side[TG_INGRESS].isolates = true;
	d->policy->side[TG_EGRESS].isolates = true;
	return 0;
}

static int allow_dns(struct draft *d)
{
	const struct gen_namespace *dns = &d->gen->namespaces[0];
	int rc = open_rule(d, TG_EGRESS, 1, 2);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_UDP, PORT_DNS, PORT_DNS);
	add_port(d, IPPROTO_TCP, PORT_DNS, PORT_DNS);
	return add_ns_peer(d, (struct tg_label){d->gen->keys.metadata_name, dns->object->name},
		(struct tg_label){d->gen->keys.app, d->gen->apps[dns->first_app].name});
}

static int allow_monitoring(struct draft *d)
{
	const struct gen_namespace *mon = &d->gen->namespaces[1];
	int rc = open_rule(d, TG_INGRESS, 1, 1);

	if (rc != 0)
		return rc;
	add_named_port(d, d->gen->keys.metrics);
	return add_ns_peer(d, (struct tg_label){d->gen->keys.metadata_name, mon->object->name},
		(struct tg_label){d->gen->keys.app, d->gen->apps[mon->first_app].name});
}

static int app_ingress(struct draft *d)
{
	const struct gen_app *app = random_app(d->gen, d->ns);
	uint32_t callers = 1 + tg_rng_below(&d->gen->rng, 3);
	int rc = open_rule(d, TG_INGRESS, callers, 1);

	if (rc != 0)
		return rc;
	if (tg_rng_percent(&d->gen->rng, 40))
		add_named_port(d, app->stateful ? d->gen->keys.db : d->gen->keys.http);
	else
		add_port(d, IPPROTO_TCP, app->port, app->port);
	rc = subject_app(d, app);
	while (rc == 0 && callers-- > 0)
		rc = add_app_peer(d, random_app(d->gen, d->ns));
	return rc;
}

static int app_egress(struct draft *d)
{
	const struct gen_app *target = random_app(d->gen, d->ns);
	int rc = open_rule(d, TG_EGRESS, 1, 1);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, target->port, target->port);
	rc = subject_app(d, random_app(d->gen, d->ns));
	return rc != 0 ? rc : add_app_peer(d, target);
}

static int cross_namespace(struct draft *d, enum tg_direction dir)
{
	struct tg_gen *gen = d->gen;
	const struct gen_namespace *other =
		&gen->namespaces[tg_rng_below(&gen->rng, gen->shape.namespaces)];
	const struct gen_app *subject = random_app(gen, d->ns), *peer = random_app(gen, other);
	uint16_t port = dir == TG_INGRESS ? subject->port : peer->port;
	int rc = open_rule(d, dir, 1, 1);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, port, port);
	rc = subject_app(d, subject);
	if (rc != 0)
		return rc;
	return add_ns_peer(d, (struct tg_label){gen->keys.metadata_name, other->object->name},
		(struct tg_label){gen->keys.app, peer->name});
}

static int cross_ingress(struct draft *d)
{
	return cross_namespace(d, TG_INGRESS);
}

static int cross_egress(struct draft *d)
{
	return cross_namespace(d, TG_EGRESS);
}

/* Whatever runs in the same environment may call. */
static int env_wide(struct draft *d)
{
	const struct gen_app *app = random_app(d->gen, d->ns);
	int rc = open_rule(d, TG_INGRESS, 1, 1);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, app->port, app->port);
	rc = subject_app(d, app);
	if (rc != 0)
		return rc;
	return add_ns_peer(d, (struct tg_label){d->gen->keys.env, d->ns->env},
		(struct tg_label){tg_rng_percent(&d->gen->rng, 50) ? d->gen->keys.tier : NO_LABEL,
			gen_id(d->gen, "backend")});
}

static int cluster_wide(struct draft *d)
{
	const struct gen_app *app = random_app(d->gen, d->ns);
	int rc = open_rule(d, TG_INGRESS, 1, 1);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, app->port, app->port + 10);
	rc = subject_app(d, app);
	if (rc != 0)
		return rc;
	return add_ns_peer(d, (struct tg_label){NO_LABEL, 0}, (struct tg_label){NO_LABEL, 0});
}

/* "The internet, but none of our networks", for both families. */
static int internet_egress(struct draft *d)
{
	static const struct tg_prefix all_v4 = {.addr.family = 4}, all_v6 = {.addr.family = 6};
	static const struct tg_prefix private[] = {
		{.addr = {.bytes = {10}, .family = 4}, .length = 8},
		{.addr = {.bytes = {172, 16}, .family = 4}, .length = 12},
		{.addr = {.bytes = {192, 168}, .family = 4}, .length = 16},
	};
	static const struct tg_prefix private_v6 = {
		.addr = {.bytes = {0xfc}, .family = 6}, .length = 7};
	int rc = open_rule(d, TG_EGRESS, 2, 1);
	struct tg_peer *peer;

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, 443, 443);
	peer = add_block(d, all_v4);
	peer->except = private;
	peer->n_except = 3;
	peer = add_block(d, all_v6);
	peer->except = &private_v6;
	peer->n_except = 1;
	return subject_app(d, random_app(d->gen, d->ns));
}

/* Partners and data centres: some corporate prefixes. */
static int corporate_egress(struct draft *d)
{
	uint32_t n = 1 + tg_rng_below(&d->gen->rng, 6);
	int rc = open_rule(d, TG_EGRESS, n, 2);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, 443, 443);
	if (tg_rng_percent(&d->gen->rng, 30))
		add_port(d, IPPROTO_TCP, 5432, 5440);
	while (n-- > 0)
		add_block(d, gen_internal_prefix(d->gen, &d->gen->rng));
	return subject_app(d, random_app(d->gen, d->ns));
}

static int corporate_ingress(struct draft *d)
{
	const struct gen_app *app = random_app(d->gen, d->ns);
	int rc = open_rule(d, TG_INGRESS, 2, 1);

	if (rc != 0)
		return rc;
	add_port(d, IPPROTO_TCP, app->port, app->port);
	add_block(d, gen_internal_prefix(d->gen, &d->gen->rng));
	add_block(d, gen_internal_prefix(d->gen, &d->gen->rng));
	return subject_app(d, app);
}

static const struct template
{
	const char *stem;
	uint32_t weight; /* the first three are placed by hand */
	int (*fill)(struct draft * d);
}
templates[] = {
	{"default-deny", 0, default_deny},
	{"allow-dns", 0, allow_dns},
	{"allow-monitoring", 0, allow_monitoring},
	{"app-ingress", 36, app_ingress},
	{"app-egress", 16, app_egress},
	{"cross-ingress", 12, cross_ingress},
	{"cross-egress", 8, cross_egress},
	{"env-wide", 5, env_wide},
	{"cluster-wide", 2, cluster_wide},
	{"internet", 10, internet_egress},
	{"corporate-egress", 9, corporate_egress},
	{"corporate-ingress", 2, corporate_ingress},
};

static const struct template *pick_template(struct tg_gen *gen, uint32_t nth)
{
	int32_t roll = (int32_t)tg_rng_below(&gen->rng, 100);

	if (nth < 3)
		return &templates[nth];
	for (size_t i = 3; i < sizeof(templates) / sizeof(templates[0]); i++) {
		roll -= (int32_t)templates[i].weight;
		if (roll < 0)
			return &templates[i];
	}
	return &templates[3];
}

/* `nth` counts the policies of this namespace. */
static const struct tg_policy *make_policy(struct tg_gen *gen, uint32_t ns, uint32_t nth)
{
	const struct template *template = pick_template(gen, nth);
	struct tg_policy *policy = tg_arena_alloc(gen->arena, sizeof(*policy));
	struct draft d = {.gen = gen, .ns = &gen->namespaces[ns], .policy = policy};

	if (policy == NULL)
		return NULL;
	policy->ns = d.ns->object->name;
	policy->name = nth < 3 ? gen_id(gen, "%s", template->stem)
			       : gen_id(gen, "%s-%u", template->stem, nth);
	policy->place = gen_place(gen, nth + 1);
	return policy->name != UINT32_MAX && template->fill(&d) == 0 ? policy : NULL;
}

int gen_make_policies(struct tg_gen *gen)
{
	uint32_t n = gen->shape.policies, governed = gen->shape.governed;
	/* Team namespaces first: the system ones are governed only when all are. */
	uint32_t first = governed + SYSTEM_NAMESPACES <= gen->shape.namespaces
				 ? SYSTEM_NAMESPACES
				 : gen->shape.namespaces - governed;

	gen->policy_view = tg_arena_calloc(gen->arena, (size_t)n + 1, sizeof(*gen->policy_view));
	if (gen->policy_view == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		gen->policy_view[i] = make_policy(gen, first + i % governed, i / governed);
		if (gen->policy_view[i] == NULL)
			return -ENOMEM;
	}
	gen->cluster.n_policies = n;
	return 0;
}

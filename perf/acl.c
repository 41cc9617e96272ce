/* SPDX-License-Identifier: BSD-3-Clause */
#include "acl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "hash.h"
#include "vec.h"

/* The pods that a pair of selectors picks, found once. */
struct pick {
	uint64_t hash;
	uint32_t ns; /* UINT32_MAX: by the namespace selector */
	const struct tg_selector *ns_selector, *pod_selector;
	struct tg_vec_u32 pods;
};

struct expansion {
	const struct tg_cluster *cluster;
	struct tg_vec_u32 *by_ns; /* pods of each namespace (index), IPv4 and on the pod network */
	struct pick *picks;	  /* open addressing */
	size_t n_picks, mask;
	uint64_t stride, next; /* every stride-th rule is kept */
	uint64_t total;
	uint32_t limit;
	struct acl_rules *out;
};

static const struct tg_addr *v4_of(const struct tg_pod *pod)
{
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		if (pod->addrs[i].family == 4)
			return &pod->addrs[i];
	return NULL;
}

/* Lists the pods of each namespace; names are small numbers, so an array finds the namespace. */
static int sort_pods(struct expansion *e)
{
	const struct tg_cluster *c = e->cluster;
	const uint32_t n_names = tg_intern_count(c->strings);
	uint32_t *ns_of = calloc((size_t)n_names + 1, sizeof(*ns_of)); /* its place + 1 */
	int err = 0;

	if (ns_of == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_namespaces; i++)
		ns_of[c->namespaces[i]->name] = (uint32_t)i + 1;
	for (size_t i = 0; i < c->n_pods && err == 0; i++) {
		const struct tg_pod *pod = c->pods[i];

		if (ns_of[pod->ns] != 0 && !pod->host_network && !pod->finished &&
			v4_of(pod) != NULL)
			err = tg_vec_push(&e->by_ns[ns_of[pod->ns] - 1], (uint32_t)i);
	}
	free(ns_of);
	return err;
}

static int fill_pick(const struct expansion *e, struct pick *p)
{
	const struct tg_cluster *c = e->cluster;

	for (size_t n = 0; n < c->n_namespaces; n++) {
		if (p->ns_selector != NULL
				? !tg_selector_matches(p->ns_selector, &c->namespaces[n]->labels)
				: c->namespaces[n]->name != p->ns)
			continue;
		for (size_t i = 0; i < e->by_ns[n].n; i++) {
			const uint32_t pod = e->by_ns[n].v[i];

			if (p->pod_selector != NULL &&
				!tg_selector_matches(p->pod_selector, &c->pods[pod]->labels))
				continue;
			if (tg_vec_push(&p->pods, pod) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static bool same_selector(const struct tg_selector *a, const struct tg_selector *b)
{
	return a == b || (a != NULL && b != NULL && tg_selector_equal(a, b));
}

/* The table has room for every selector of the cluster. */
static struct pick *pick(struct expansion *e, uint32_t ns, const struct tg_selector *ns_selector,
	const struct tg_selector *pod_selector)
{
	uint64_t hash = tg_hash_mix(ns_selector != NULL ? tg_selector_hash(ns_selector) : ns,
		pod_selector != NULL ? tg_selector_hash(pod_selector) : 1);
	size_t at = hash & e->mask;

	hash |= 1;
	for (; e->picks[at].hash != 0; at = (at + 1) & e->mask) {
		struct pick *p = &e->picks[at];

		if (p->hash == hash && p->ns == (ns_selector != NULL ? UINT32_MAX : ns) &&
			same_selector(p->ns_selector, ns_selector) &&
			same_selector(p->pod_selector, pod_selector))
			return p;
	}
	e->picks[at] = (struct pick){.hash = hash,
		.ns = ns_selector != NULL ? UINT32_MAX : ns,
		.ns_selector = ns_selector,
		.pod_selector = pod_selector};
	return fill_pick(e, &e->picks[at]) == 0 ? &e->picks[at] : NULL;
}

/* The number behind a named port, 0 when the pod has none. */
static uint16_t named_port(const struct tg_pod *pod, const struct tg_policy_port *port)
{
	for (uint32_t i = 0; pod != NULL && i < pod->n_ports; i++)
		if (pod->ports[i].name == port->name && pod->ports[i].protocol == port->protocol)
			return pod->ports[i].number;
	return 0;
}

static void emit(struct expansion *e, enum tg_direction direction, const struct tg_pod *subject,
	const struct tg_pod *peer, const struct tg_prefix *block, const struct tg_policy_port *port)
{
	struct acl_rule rule = {.dst_length = 32, .src_length = 32, .hi = 65535};
	const struct tg_pod *server = direction == TG_INGRESS ? subject : peer;
	const uint32_t own = tg_addr_v4(v4_of(subject));
	const uint32_t other = peer != NULL    ? tg_addr_v4(v4_of(peer))
			       : block != NULL ? tg_addr_v4(&block->addr)
					       : 0;
	const uint8_t length = peer != NULL ? 32 : block != NULL ? block->length : 0;

	rule.src = direction == TG_INGRESS ? other : own;
	rule.dst = direction == TG_INGRESS ? own : other;
	*(direction == TG_INGRESS ? &rule.src_length : &rule.dst_length) = length;
	if (port != NULL) {
		rule.protocol = port->protocol;
		rule.lo = port->named ? named_port(server, port) : port->lo;
		rule.hi = port->named ? rule.lo : port->hi;
	}
	e->out->v[e->out->n++] = rule;
}

/* Counts subjects x peers x ports and keeps every stride-th of them. */
static void expand_peer(struct expansion *e, enum tg_direction direction,
	const struct tg_vec_u32 *subjects, const struct tg_vec_u32 *peers,
	const struct tg_prefix *block, const struct tg_policy_rule *rule)
{
	const struct tg_pod *const *pods = e->cluster->pods;
	const uint64_t n_peers = peers != NULL ? peers->n : 1;
	const uint64_t n_ports = rule->any_port ? 1 : rule->n_ports;
	const uint64_t n = subjects->n * n_peers * n_ports;

	for (; e->stride != 0 && e->next < e->total + n && e->out->n < e->limit;
		e->next += e->stride) {
		const uint64_t at = e->next - e->total;
		const uint64_t port = at % n_ports, peer = at / n_ports % n_peers;

		emit(e, direction, pods[subjects->v[at / n_ports / n_peers]],
			peers != NULL ? pods[peers->v[peer]] : NULL, block,
			rule->any_port ? NULL : &rule->ports[port]);
	}
	e->total += n;
}

static int expand_rule(struct expansion *e, enum tg_direction direction,
	const struct tg_policy *policy, const struct tg_vec_u32 *subjects,
	const struct tg_policy_rule *rule)
{
	if (rule->any_peer)
		expand_peer(e, direction, subjects, NULL, NULL, rule);
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		const struct tg_peer *peer = &rule->peers[i];
		const struct pick *picked;

		if (peer->is_block) {
			if (peer->block.addr.family == 4)
				expand_peer(e, direction, subjects, NULL, &peer->block, rule);
			continue;
		}
		picked = pick(e, policy->ns, peer->has_ns_selector ? &peer->ns_selector : NULL,
			peer->has_pod_selector ? &peer->pod_selector : NULL);
		if (picked == NULL)
			return -ENOMEM;
		expand_peer(e, direction, subjects, &picked->pods, NULL, rule);
	}
	return 0;
}

static int expand_all(struct expansion *e, enum tg_direction direction)
{
	for (size_t i = 0; i < e->cluster->n_policies; i++) {
		const struct tg_policy *policy = e->cluster->policies[i];
		const struct tg_policy_side *side = &policy->side[direction];
		const struct pick *subjects = pick(e, policy->ns, NULL, &policy->pod_selector);

		if (subjects == NULL)
			return -ENOMEM;
		for (uint32_t r = 0; r < side->n_rules; r++)
			if (expand_rule(e, direction, policy, &subjects->pods, &side->rules[r]) !=
				0)
				return -ENOMEM;
	}
	return 0;
}

static size_t count_selectors(const struct tg_cluster *cluster)
{
	size_t n = cluster->n_policies;

	for (size_t i = 0; i < cluster->n_policies; i++)
		for (int d = 0; d < TG_DIRECTION_COUNT; d++)
			for (uint32_t r = 0; r < cluster->policies[i]->side[d].n_rules; r++)
				n += cluster->policies[i]->side[d].rules[r].n_peers;
	return n;
}

/* Twice: to count, which says how far apart the rules that are kept are, and to keep them. */
static int expand(struct expansion *e, enum tg_direction direction)
{
	int err = sort_pods(e);

	if (err == 0)
		err = expand_all(e, direction);
	if (err != 0)
		return err;
	e->out->total = e->total;
	e->stride = e->total / e->limit + 1;
	e->total = 0;
	return expand_all(e, direction);
}

int acl_expand(const struct tg_cluster *cluster, enum tg_direction direction, uint32_t limit,
	struct acl_rules *out)
{
	struct expansion e = {.cluster = cluster, .limit = limit, .out = out};
	size_t slots = 64;
	int err = -ENOMEM;

	memset(out, 0, sizeof(*out));
	while (slots < 2 * count_selectors(cluster))
		slots *= 2;
	e.mask = slots - 1;
	e.by_ns = calloc(cluster->n_namespaces + 1, sizeof(*e.by_ns));
	e.picks = calloc(slots, sizeof(*e.picks));
	out->v = calloc(limit, sizeof(*out->v));
	if (e.by_ns != NULL && e.picks != NULL && out->v != NULL)
		err = expand(&e, direction);
	for (size_t i = 0; e.by_ns != NULL && i < cluster->n_namespaces; i++)
		tg_vec_free(&e.by_ns[i]);
	for (size_t i = 0; e.picks != NULL && i < slots; i++)
		tg_vec_free(&e.picks[i].pods);
	free(e.by_ns);
	free(e.picks);
	if (err != 0)
		acl_rules_free(out);
	return err;
}

void acl_rules_free(struct acl_rules *rules)
{
	free(rules->v);
	memset(rules, 0, sizeof(*rules));
}

enum { PROTOCOL, SRC, DST, SPORT, DPORT, FIELDS };
RTE_ACL_RULE_DEF(full_rule, FIELDS);

static const struct rte_acl_field_def fields[FIELDS] = {
	{RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTOCOL, 0, offsetof(struct acl_key, protocol)},
	{RTE_ACL_FIELD_TYPE_MASK, 4, SRC, 1, offsetof(struct acl_key, src)},
	{RTE_ACL_FIELD_TYPE_MASK, 4, DST, 2, offsetof(struct acl_key, dst)},
	{RTE_ACL_FIELD_TYPE_RANGE, 2, SPORT, 3, offsetof(struct acl_key, sport)},
	{RTE_ACL_FIELD_TYPE_RANGE, 2, DPORT, 3, offsetof(struct acl_key, dport)},
};

static int add_rule(struct rte_acl_ctx *ctx, const struct acl_rule *from, uint32_t number)
{
	struct full_rule rule = {
		.data = {.category_mask = 1,
			.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - number),
			.userdata = number + 1},
	};

	rule.field[PROTOCOL].value.u8 = from->protocol;
	rule.field[PROTOCOL].mask_range.u8 = from->protocol != 0 ? 0xff : 0;
	rule.field[SRC].value.u32 = from->src;
	rule.field[SRC].mask_range.u32 = from->src_length;
	rule.field[DST].value.u32 = from->dst;
	rule.field[DST].mask_range.u32 = from->dst_length;
	rule.field[SPORT].mask_range.u16 = 65535;
	rule.field[DPORT].value.u16 = from->lo;
	rule.field[DPORT].mask_range.u16 = from->hi;
	return rte_acl_add_rules(ctx, (const struct rte_acl_rule *)&rule, 1);
}

struct rte_acl_ctx *acl_build(const struct acl_rules *rules, const char *name, size_t max_size)
{
	struct rte_acl_param param = {.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = RTE_ACL_RULE_SZ(FIELDS),
		.max_rule_num = rules->n + 1};
	struct rte_acl_config config = {
		.num_categories = 1, .num_fields = FIELDS, .max_size = max_size};
	struct rte_acl_ctx *ctx = rte_acl_create(&param);

	if (ctx == NULL)
		return NULL;
	for (uint32_t i = 0; i < rules->n; i++) {
		if (add_rule(ctx, &rules->v[i], i) != 0)
			goto fail;
	}
	memcpy(config.defs, fields, sizeof(fields));
	if (rte_acl_build(ctx, &config) != 0)
		goto fail;
	/* The widest there is; where it is not allowed the default stays. */
	rte_acl_set_ctx_classify(ctx, RTE_ACL_CLASSIFY_AVX512X32);
	return ctx;
fail:
	rte_acl_free(ctx);
	return NULL;
}

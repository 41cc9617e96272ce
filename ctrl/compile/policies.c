/* SPDX-License-Identifier: BSD-3-Clause */
#include "policies.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

/* Scratch of loading one rule. */
struct loader {
	struct policies *p;
	const struct policy_sinks *sinks;
	const struct tg_cluster *cluster;
	struct tg_vec_u32 terms, uses, ranges;
};

int policies_init(struct policies *p)
{
	memset(p, 0, sizeof(*p));
	if (seqs_init(&p->port_sets) != 0 || seqs_init(&p->uses) != 0 ||
		seqs_init(&p->use_sets) != 0 ||
		seqs_add(&p->port_sets, (const uint32_t[]){0, KEY_MAX}, 2) != PORTS_ANY) {
		policies_free(p);
		return -ENOMEM;
	}
	return 0;
}

void policies_free(struct policies *p)
{
	tg_vec_free(&p->v);
	tg_vec_free(&p->rules);
	tg_vec_free(&p->entries);
	tg_vec_free(&p->named);
	seqs_free(&p->port_sets);
	seqs_free(&p->uses);
	seqs_free(&p->use_sets);
}

bool protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

uint32_t policies_range(struct policies *p, uint8_t protocol, uint16_t lo, uint16_t hi)
{
	uint32_t base = (uint32_t)protocol << 16;

	return seqs_add(&p->port_sets, (const uint32_t[]){base | lo, base | hi}, 2);
}

/* For indices of policies. */
static int compare_policies(const void *a, const void *b, void *arg)
{
	const struct tg_cluster *cluster = arg;
	const struct tg_policy *x = cluster->policies[*(const uint32_t *)a],
			       *y = cluster->policies[*(const uint32_t *)b];

	if (x->ns != y->ns)
		return strcmp(tg_intern_text(cluster->strings, x->ns),
			tg_intern_text(cluster->strings, y->ns));
	return strcmp(tg_intern_text(cluster->strings, x->name),
		tg_intern_text(cluster->strings, y->name));
}

static void loader_free(struct loader *l)
{
	tg_vec_free(&l->terms);
	tg_vec_free(&l->uses);
	tg_vec_free(&l->ranges);
}

static int compare_ranges(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

/* Sorts and merges the ranges in l->ranges; their port set. */
static uint32_t close_ranges(struct loader *l)
{
	uint32_t *v = l->ranges.v;
	size_t n = 0;

	if (l->ranges.n == 0)
		return PORTS_NONE;
	qsort(v, l->ranges.n / 2, 2 * sizeof(*v), compare_ranges);
	for (size_t i = 0; i < l->ranges.n; i += 2) {
		if (n > 0 && v[i] <= v[n - 1] + 1) {
			if (v[i + 1] > v[n - 1])
				v[n - 1] = v[i + 1];
			continue;
		}
		v[n] = v[i];
		v[n + 1] = v[i + 1];
		n += 2;
	}
	return seqs_add(&l->p->port_sets, v, (uint32_t)n);
}

/* Splits a rule's ports into one port set and the uses of named ones. */
static int load_ports(struct loader *l, const struct tg_policy_rule *rule, uint32_t *ports)
{
	l->uses.n = l->ranges.n = 0;
	*ports = PORTS_ANY;
	if (rule->any_port)
		return 0;
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		const struct tg_policy_port *port = &rule->ports[i];
		uint32_t base = (uint32_t)port->protocol << 16;
		uint32_t use;

		if (!protocol_has_ports(port->protocol) || (!port->named && port->lo > port->hi))
			continue;
		if (!port->named) {
			if (tg_vec_push(&l->ranges, base | port->lo) != 0 ||
				tg_vec_push(&l->ranges, base | port->hi) != 0)
				return -ENOMEM;
			continue;
		}
		use = seqs_add(&l->p->uses, (const uint32_t[]){port->name, port->protocol}, 2);
		if (use == TG_NONE || tg_vec_push(&l->uses, use) != 0)
			return -ENOMEM;
	}
	l->uses.n = sort_distinct_u32(l->uses.v, l->uses.n);
	*ports = close_ranges(l);
	return *ports == TG_NONE ? -ENOMEM : 0;
}

static uint32_t block_term(
	struct loader *l, const struct policy *policy, const struct tg_peer *peer)
{
	struct prefixes *prefixes = l->sinks->prefixes;
	uint32_t known = terms_count(l->sinks->terms), term;
	struct tg_vec_u32 words = {0};

	if (tg_vec_reserve(&words, peer->n_except + 2) != 0)
		return TG_NONE;
	words.v[0] = TERM_BLOCK;
	words.v[1] = prefixes_add(prefixes, policy->zone, &peer->block);
	words.n = 2;
	for (uint32_t i = 0; i < peer->n_except; i++)
		words.v[words.n++] = prefixes_add(prefixes, policy->zone, &peer->except[i]);
	words.n = 2 + sort_distinct_u32(words.v + 2, words.n - 2);
	/* TG_NONE sorts last, so one look finds a failure. */
	if (words.v[1] == TG_NONE || words.v[words.n - 1] == TG_NONE) {
		term = TG_NONE;
		goto out;
	}
	term = terms_put(l->sinks->terms, words.v, (uint32_t)words.n, true);
	if (term == TG_NONE || term < known)
		goto out;
	if (prefixes_attach(prefixes, words.v[1], term, false) != 0)
		term = TG_NONE;
	for (size_t i = 2; term != TG_NONE && i < words.n; i++)
		if (prefixes_attach(prefixes, words.v[i], term, true) != 0)
			term = TG_NONE;
out:
	tg_vec_free(&words);
	return term;
}

static uint32_t pods_term(struct loader *l, const struct policy *policy, const struct tg_peer *peer)
{
	static const struct tg_selector everything = {0};
	uint32_t words[4] = {[3] = policy->zone};

	words[2] = selectors_add(
		l->sinks->pods, peer->has_pod_selector ? &peer->pod_selector : &everything);
	if (peer->has_ns_selector) {
		words[0] = TERM_SELECTED;
		words[1] = selectors_add(l->sinks->namespaces, &peer->ns_selector);
		if (words[1] == TG_NONE)
			return TG_NONE;
	} else {
		words[0] = TERM_OWN;
		words[1] = policy->ns;
	}
	return words[2] == TG_NONE ? TG_NONE : terms_put(l->sinks->terms, words, 4, true);
}

static int load_peers(
	struct loader *l, const struct policy *policy, const struct tg_policy_rule *rule)
{
	l->terms.n = 0;
	if (rule->any_peer)
		return tg_vec_push(&l->terms, TERM_ANY);
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		const struct tg_peer *peer = &rule->peers[i];
		uint32_t term;

		/* A peer without any field is invalid; should one come, it matches nothing. */
		if (!peer->is_block && !peer->has_ns_selector && !peer->has_pod_selector)
			continue;
		term = peer->is_block ? block_term(l, policy, peer) : pods_term(l, policy, peer);
		if (term == TG_NONE || tg_vec_push(&l->terms, term) != 0)
			return -ENOMEM;
	}
	l->terms.n = sort_distinct_u32(l->terms.v, l->terms.n);
	return 0;
}

/*
 * A named port at egress is asked of the peer, so the term becomes "the peer, where its port of
 * that name is N"; without peers "any pod", since only pods have named ports. At ingress it is
 * asked of the subject, and the row depends on the subject's ports.
 */
static int load_named(struct loader *l, const struct policy *policy, enum tg_direction dir,
	uint32_t term, uint32_t use)
{
	struct rule_named named = {term, use};

	if (dir == TG_EGRESS) {
		named.term = term == TERM_ANY ? TERM_OF_KIND(TG_KIND_POD) : term;
		named.use = seqs_add(&l->sinks->terms->named,
			(const uint32_t[]){named.term, use, policy->zone}, 3);
		if (named.use == TG_NONE)
			return -ENOMEM;
	}
	return tg_vec_push(&l->p->named, named);
}

static int load_rule(struct loader *l, uint32_t policy_index, enum tg_direction dir,
	const struct tg_policy_rule *model)
{
	struct policies *p = l->p;
	struct rule rule = {
		.policy = policy_index,
		.direction = (uint8_t)dir,
		.model = model,
		.first_entry = (uint32_t)p->entries.n,
		.first_named = (uint32_t)p->named.n,
	};
	uint32_t ports, ns = p->v.v[policy_index].ns;
	int err;

	if (ns != TG_NONE && l->sinks->over[ns])
		return tg_vec_push(&p->rules, rule);
	err = load_ports(l, model, &ports);
	if (err == 0)
		err = load_peers(l, &p->v.v[policy_index], model);
	for (size_t i = 0; err == 0 && i < l->terms.n; i++) {
		struct rule_entry entry = {l->terms.v[i], ports};

		if (ports != PORTS_NONE)
			err = tg_vec_push(&p->entries, entry);
		for (size_t k = 0; err == 0 && k < l->uses.n; k++)
			err = load_named(
				l, &p->v.v[policy_index], dir, l->terms.v[i], l->uses.v[k]);
	}
	if (err != 0)
		return err;
	rule.n_entries = (uint32_t)p->entries.n - rule.first_entry;
	rule.n_named = (uint32_t)p->named.n - rule.first_named;
	return tg_vec_push(&p->rules, rule);
}

/* The port uses of the policy's ingress rules, which are resolved on its subjects. */
static int collect_uses(struct loader *l, struct policy *policy)
{
	const struct policy_side *side = &policy->side[TG_INGRESS];
	struct tg_vec_u32 *uses = &l->uses;

	uses->n = 0;
	for (uint32_t i = 0; i < side->n_rules; i++) {
		const struct rule *rule = &l->p->rules.v[side->first_rule + i];

		for (uint32_t k = 0; k < rule->n_named; k++)
			if (tg_vec_push(uses, l->p->named.v[rule->first_named + k].use) != 0)
				return -ENOMEM;
	}
	uses->n = sort_distinct_u32(uses->v, uses->n);
	policy->uses = seqs_add(&l->p->use_sets, uses->v, (uint32_t)uses->n);
	return policy->uses == TG_NONE ? -ENOMEM : 0;
}

static int load_policy(struct loader *l, uint32_t origin)
{
	struct policies *p = l->p;
	const struct tg_policy *model = l->cluster->policies[origin];
	uint32_t index = (uint32_t)p->v.n;
	struct policy *policy;
	struct policy fresh = {
		.model = model,
		.origin = origin,
		.ns = scopes_find(l->sinks->scopes, model->ns),
		.zone = zones_find(l->sinks->zones, model->zone),
		.pod_selector = selectors_add(l->sinks->pods, &model->pod_selector),
	};

	if (fresh.pod_selector == TG_NONE || tg_vec_push(&p->v, fresh) != 0)
		return -ENOMEM;
	policy = &p->v.v[index];
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		const struct tg_policy_side *side = &model->side[dir];
		uint32_t n = side->isolates ? side->n_rules : 0;

		policy->side[dir] = (struct policy_side){(uint32_t)p->rules.n, n, side->isolates};
		for (uint32_t i = 0; i < n; i++)
			if (load_rule(l, index, dir, &side->rules[i]) != 0)
				return -ENOMEM;
	}
	return collect_uses(l, policy);
}

int policies_load(struct policies *p, const struct tg_cluster *cluster,
	const struct policy_sinks *sinks, const struct tg_policy **which)
{
	struct loader l = {.p = p, .sinks = sinks, .cluster = cluster};
	uint32_t *sorted = malloc((cluster->n_policies + 1) * sizeof(*sorted));
	int err = sorted == NULL ? -ENOMEM : 0;

	if (err != 0)
		return err;
	for (uint32_t i = 0; i < cluster->n_policies; i++)
		sorted[i] = i;
	qsort_r(sorted, cluster->n_policies, sizeof(*sorted), compare_policies, (void *)cluster);
	for (size_t i = 0; i < cluster->n_policies && err == 0; i++) {
		const struct tg_policy *policy = cluster->policies[sorted[i]];

		if (i > 0 && cluster->policies[sorted[i - 1]]->ns == policy->ns &&
			cluster->policies[sorted[i - 1]]->name == policy->name) {
			*which = policy;
			err = -EEXIST;
			break;
		}
		err = load_policy(&l, sorted[i]);
	}
	free(sorted);
	loader_free(&l);
	return err;
}

static bool same_prefixes(const struct tg_prefix *a, const struct tg_prefix *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (tg_prefix_compare(&a[i], &b[i]) != 0)
			return false;
	return true;
}

static bool same_peer(const struct tg_peer *a, const struct tg_peer *b)
{
	if (a->is_block != b->is_block || a->has_ns_selector != b->has_ns_selector ||
		a->has_pod_selector != b->has_pod_selector)
		return false;
	if (a->is_block)
		return same_prefixes(&a->block, &b->block, 1) && a->n_except == b->n_except &&
		       same_prefixes(a->except, b->except, a->n_except);
	return (!a->has_ns_selector || tg_selector_equal(&a->ns_selector, &b->ns_selector)) &&
	       (!a->has_pod_selector || tg_selector_equal(&a->pod_selector, &b->pod_selector));
}

/* The next port from *at on that is a name; NULL: none. Says whether a number was passed. */
static const struct tg_policy_port *next_name(
	const struct tg_policy_rule *rule, uint32_t *at, bool *numbers)
{
	while (*at < rule->n_ports) {
		const struct tg_policy_port *port = &rule->ports[(*at)++];

		if (!protocol_has_ports(port->protocol))
			continue;
		if (port->named)
			return port;
		*numbers |= port->lo <= port->hi;
	}
	return NULL;
}

/* The same names in the same order, and numbers in both or in none. */
static bool same_ports(const struct tg_policy_rule *a, const struct tg_policy_rule *b)
{
	const struct tg_policy_port *x, *y;
	bool numbers_a = false, numbers_b = false;
	uint32_t at_a = 0, at_b = 0;

	if (a->any_port || b->any_port)
		return a->any_port == b->any_port;
	do {
		x = next_name(a, &at_a, &numbers_a);
		y = next_name(b, &at_b, &numbers_b);
		if (x != NULL && y != NULL && (x->name != y->name || x->protocol != y->protocol))
			return false;
	} while (x != NULL && y != NULL);
	return x == y && numbers_a == numbers_b;
}

static bool same_rule(const struct tg_policy_rule *a, const struct tg_policy_rule *b)
{
	if (a->any_peer != b->any_peer || a->n_peers != b->n_peers)
		return false;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (!same_peer(&a->peers[i], &b->peers[i]))
			return false;
	return same_ports(a, b);
}

bool policies_ask_same(const struct tg_policy *a, const struct tg_policy *b)
{
	if (a->ns != b->ns || a->name != b->name || a->zone != b->zone ||
		!tg_selector_equal(&a->pod_selector, &b->pod_selector))
		return false;
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		const struct tg_policy_side *x = &a->side[dir], *y = &b->side[dir];

		if (x->isolates != y->isolates || x->n_rules != y->n_rules)
			return false;
		for (uint32_t i = 0; i < x->n_rules; i++)
			if (!same_rule(&x->rules[i], &y->rules[i]))
				return false;
	}
	return true;
}

static int copy_seqs(struct seqs *to, const struct seqs *from)
{
	for (uint32_t i = (uint32_t)to->n; i < from->n; i++) {
		struct seq seq = seqs_get(from, i);

		if (seqs_add(to, seq.v, seq.n) != i)
			return -ENOMEM;
	}
	return 0;
}

#define COPY_VEC(to, from)                                                          \
	(tg_vec_reserve((to), (from)->n + 1) != 0                                   \
			? -ENOMEM                                                   \
			: ((from)->n != 0 ? (void)memcpy((to)->v, (from)->v,        \
						    (from)->n * sizeof(*(from)->v)) \
					  : (void)0,                                \
				  (to)->n = (from)->n, 0))

int policies_copy(struct policies *to, const struct policies *from)
{
	if (policies_init(to) != 0)
		return -ENOMEM;
	if (COPY_VEC(&to->v, &from->v) == 0 && COPY_VEC(&to->rules, &from->rules) == 0 &&
		COPY_VEC(&to->entries, &from->entries) == 0 &&
		COPY_VEC(&to->named, &from->named) == 0 &&
		copy_seqs(&to->port_sets, &from->port_sets) == 0 &&
		copy_seqs(&to->uses, &from->uses) == 0 &&
		copy_seqs(&to->use_sets, &from->use_sets) == 0)
		return 0;
	policies_free(to);
	memset(to, 0, sizeof(*to));
	return -ENOMEM;
}

static int update_rule(struct loader *l, struct rule *rule, const struct tg_policy_rule *model)
{
	uint32_t ports;

	rule->model = model;
	if (load_ports(l, model, &ports) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < rule->n_entries; i++)
		l->p->entries.v[rule->first_entry + i].ports = ports;
	return 0;
}

static int update_policy(struct loader *l, struct policy *policy, const struct tg_policy *model)
{
	int err = 0;

	policy->model = model;
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		for (uint32_t i = 0; i < policy->side[dir].n_rules && err == 0; i++)
			err = update_rule(l, &l->p->rules.v[policy->side[dir].first_rule + i],
				&model->side[dir].rules[i]);
	return err;
}

int policies_update(struct policies *p, const struct tg_cluster *cluster, bool *changed)
{
	struct loader l = {.p = p, .cluster = cluster};
	int err = 0;

	for (size_t i = 0; i < p->v.n && err == 0; i++) {
		struct policy *policy = &p->v.v[i];
		const struct tg_policy *model = cluster->policies[policy->origin];

		changed[i] = model != policy->model;
		if (changed[i])
			err = update_policy(&l, policy, model);
	}
	loader_free(&l);
	return err;
}

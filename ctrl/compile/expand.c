/* SPDX-License-Identifier: BSD-3-Clause */
#include "expand.h"

#include <stdlib.h>

#include <tidegate/ruleset.h>

#include "sort.h"

/* The port set of a named use's protocol at `number`. */
static uint32_t named_ports(const struct expander *e, uint32_t port_use, uint32_t number)
{
	uint32_t protocol = seqs_get(&e->policies->uses, port_use).v[1];

	return policies_range(e->policies, (uint8_t)protocol, (uint16_t)number, (uint16_t)number);
}

int expander_init(struct expander *e, const struct terms *terms)
{
	uint32_t n = terms_count(terms), n_named = (uint32_t)terms->named.n;

	e->first_named = calloc((size_t)n_named + 1, sizeof(*e->first_named));
	e->named_terms = malloc((n - terms->n_bases + 1) * sizeof(*e->named_terms));
	if (e->first_named == NULL || e->named_terms == NULL)
		return -ENOMEM;
	/* Every term after the freeze is a derived one. */
	for (uint32_t t = terms->n_bases; t < n; t++)
		e->first_named[seqs_get(&terms->keys, t).v[1]]++;
	csr_open(e->first_named, n_named);
	for (uint32_t t = terms->n_bases; t < n; t++) {
		const uint32_t *words = seqs_get(&terms->keys, t).v;
		uint32_t use = seqs_get(&terms->named, words[1]).v[1];
		struct rule_entry entry = {t, named_ports(e, use, words[2])};

		if (entry.ports == TG_NONE)
			return -ENOMEM;
		e->named_terms[e->first_named[words[1]]++] = entry;
	}
	csr_close(e->first_named, n_named);
	return 0;
}

void expander_free(struct expander *e)
{
	free(e->first_named);
	free(e->named_terms);
	e->first_named = NULL;
	e->named_terms = NULL;
}

static int push(struct row_entries *out, uint32_t term, uint32_t ports, uint32_t verdict)
{
	struct row_entry entry = {term, ports, verdict};

	return tg_vec_push(out, entry);
}

static int expand_tuples(const struct expander *e, const struct row *row, enum tg_direction dir,
	struct row_entries *out)
{
	int err = 0;

	for (uint32_t i = 0; i < row->infrastructure.n && err == 0; i++) {
		uint32_t at = row->infrastructure.v[i];

		err = push(out, dir == TG_EGRESS ? TERM_TO_OF(at) : TERM_FROM_OF(at),
			e->tuples[at].ports, e->tuples[at].verdict);
	}
	return err;
}

static int expand_egress_named(const struct expander *e, const struct rule *rule,
	const struct rule_named *named, struct row_entries *out)
{
	int err = 0;

	for (uint32_t i = e->first_named[named->use]; i < e->first_named[named->use + 1] && !err;
		i++)
		err = push(out, e->named_terms[i].term, e->named_terms[i].ports, rule->verdict);
	return err;
}

static int expand_ingress_named(const struct expander *e, const struct stance *stance,
	const struct rule *rule, const struct rule_named *named, struct row_entries *out)
{
	for (uint32_t i = 0; i < stance->resolved.n; i += 2) {
		uint32_t ports;

		if (stance->resolved.v[i] != named->use)
			continue;
		ports = named_ports(e, named->use, stance->resolved.v[i + 1]);
		if (ports == TG_NONE || push(out, named->term, ports, rule->verdict) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int expand_rule(const struct expander *e, const struct stance *stance,
	const struct rule *rule, struct row_entries *out)
{
	int err = 0;

	for (uint32_t i = 0; i < rule->n_entries && err == 0; i++) {
		const struct rule_entry *entry = &e->policies->entries.v[rule->first_entry + i];

		err = push(out, entry->term, entry->ports, rule->verdict);
	}
	for (uint32_t i = 0; i < rule->n_named && err == 0; i++) {
		const struct rule_named *named = &e->policies->named.v[rule->first_named + i];

		err = stance->direction == TG_EGRESS
			      ? expand_egress_named(e, rule, named, out)
			      : expand_ingress_named(e, stance, rule, named, out);
	}
	return err;
}

static int expand_policies(
	const struct expander *e, const struct stance *stance, struct row_entries *out)
{
	int err = 0;

	for (uint32_t i = 0; i < stance->policies.n; i++) {
		const struct policy *policy = &e->policies->v.v[stance->policies.v[i]];
		const struct policy_side *side = &policy->side[stance->direction];

		/* It isolates the pod, and is about addresses that the pod cannot meet. */
		if (policy->zone != stance->zone)
			continue;
		for (uint32_t k = 0; k < side->n_rules && err == 0; k++)
			err = expand_rule(
				e, stance, &e->policies->rules.v[side->first_rule + k], out);
	}
	return err;
}

static int expand_kind(
	const struct expander *e, const struct stance *stance, struct row_entries *out)
{
	uint32_t node = e->node_default[stance->direction];
	int err = 0;

	if (stance->kind == TG_KIND_WORLD)
		err = push(out, TERM_OF_KIND(TG_KIND_WORLD), PORTS_ANY, e->transit);
	if (stance->kind != TG_KIND_NODE)
		return err;
	err = push(out, TERM_OF_KIND(TG_KIND_WORLD), PORTS_ANY, node);
	return err == 0 ? push(out, TERM_OF_KIND(TG_KIND_NODE), PORTS_ANY, node) : err;
}

int expander_row(const struct expander *e, uint32_t row, struct row_entries *out)
{
	const struct row *r = &e->rows->v.v[row];
	const struct stance *stance = &e->rows->stances.v[r->stance];
	int err;

	out->n = 0;
	err = expand_tuples(e, r, stance->direction, out);
	if (err == 0)
		err = expand_policies(e, stance, out);
	if (err == 0)
		err = expand_kind(e, stance, out);
	return err;
}

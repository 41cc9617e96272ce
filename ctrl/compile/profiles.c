/* SPDX-License-Identifier: BSD-3-Clause */
#include "profiles.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

int profiles_init(struct profiles *p)
{
	memset(p, 0, sizeof(*p));
	if (seqs_init(&p->labels) == 0 && seqs_init(&p->ports) == 0 &&
		seqs_init(&p->matches) == 0 && seqs_init(&p->terms) == 0 &&
		seqs_init(&p->keys) == 0)
		return 0;
	profiles_free(p);
	return -ENOMEM;
}

void profiles_free(struct profiles *p)
{
	struct seqs *seqs[] = {&p->labels, &p->ports, &p->matches, &p->terms, &p->keys};
	struct tg_vec_u32 *vecs[] = {
		&p->match_of, &p->atoms, &p->numbers, &p->found, &p->policies, &p->peers};

	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
		seqs_free(seqs[i]);
	for (size_t i = 0; i < sizeof(vecs) / sizeof(vecs[0]); i++)
		tg_vec_free(vecs[i]);
	tg_vec_free(&p->v);
}

static int compare_pairs(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

/* Sorts pairs and drops those that are there twice. */
static void sort_pairs(struct tg_vec_u32 *pairs)
{
	size_t n = 0;

	if (pairs->n > 2)
		qsort(pairs->v, pairs->n / 2, 2 * sizeof(*pairs->v), compare_pairs);
	for (size_t i = 0; i < pairs->n; i += 2) {
		if (n > 0 && pairs->v[n - 2] == pairs->v[i] && pairs->v[n - 1] == pairs->v[i + 1])
			continue;
		pairs->v[n++] = pairs->v[i];
		pairs->v[n++] = pairs->v[i + 1];
	}
	pairs->n = n;
}

/* The pod's ports that some policy asks for by name and protocol, as sorted distinct pairs. */
static int project_ports(
	const struct policies *policies, const struct tg_pod *pod, struct tg_vec_u32 *out)
{
	out->n = 0;
	for (uint32_t i = 0; i < pod->n_ports; i++) {
		const struct tg_named_port *port = &pod->ports[i];
		uint32_t use = seqs_find(
			&policies->uses, (const uint32_t[]){port->name, port->protocol}, 2);

		if (use == TG_NONE)
			continue;
		if (tg_vec_push(out, use) != 0 || tg_vec_push(out, port->number) != 0)
			return -ENOMEM;
	}
	sort_pairs(out);
	return 0;
}

/* Atoms and ports of the pod, into the scratch. */
static int project(struct profiles *p, const struct profile_sources *from, const struct tg_pod *pod)
{
	int err;

	p->atoms.n = p->numbers.n = 0;
	err = atoms_project(&from->selectors->atoms, &pod->labels, &p->atoms);
	if (err == 0 && pod->n_ports > 0 && from->policies->uses.n > 1)
		err = project_ports(from->policies, pod, &p->numbers);
	return err;
}

static struct seq scratch_seq(const struct tg_vec_u32 *vec)
{
	return (struct seq){vec->v, (uint32_t)vec->n};
}

/* Policies and terms of a pod that matches `selectors`, into the scratch. */
static int find(struct profiles *p, const struct profile_sources *from, uint32_t zone, uint32_t ns,
	struct seq selectors)
{
	int err;

	p->policies.n = p->peers.n = 0;
	err = matcher_find(
		from->matcher, from->scopes, zone, ns, selectors, &p->policies, &p->peers);
	sort_u32(p->peers.v, p->peers.n);
	return err;
}

/* The selectors that a label set matches, evaluated when it is first seen. */
static int match(
	struct profiles *p, const struct selectors *selectors, uint32_t labels, struct seq *out)
{
	int err;

	while (p->match_of.n < p->labels.n)
		if (tg_vec_push(&p->match_of, TG_NONE) != 0)
			return -ENOMEM;
	if (p->match_of.v[labels] == TG_NONE) {
		err = selectors_match(selectors, seqs_get(&p->labels, labels), &p->found);
		if (err != 0)
			return err;
		p->match_of.v[labels] = seqs_add(&p->matches, p->found.v, (uint32_t)p->found.n);
		if (p->match_of.v[labels] == TG_NONE)
			return -ENOMEM;
	}
	*out = seqs_get(&p->matches, p->match_of.v[labels]);
	return 0;
}

static bool take_stances(
	struct profile *out, const struct profile_sources *from, struct seq policies, bool create)
{
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		out->stance[dir] = row_set_pod_stance(from->rows, from->policies, dir, out->zone,
			out->ns, policies, out->ports, create);
		if (out->stance[dir] == TG_NONE)
			return false;
	}
	return true;
}

static int make(struct profiles *p, const struct profile_sources *from, uint32_t zone, uint32_t ns,
	uint32_t labels, uint32_t ports)
{
	struct profile fresh = {.zone = zone, .ns = ns, .ports = seqs_get(&p->ports, ports)};
	struct seq selectors;
	uint32_t terms;

	if (match(p, from->selectors, labels, &selectors) != 0 ||
		find(p, from, zone, ns, selectors) != 0 ||
		!take_stances(&fresh, from, scratch_seq(&p->policies), true))
		return -ENOMEM;
	terms = seqs_add(&p->terms, p->peers.v, (uint32_t)p->peers.n);
	if (terms == TG_NONE)
		return -ENOMEM;
	fresh.terms = seqs_get(&p->terms, terms);
	return tg_vec_push(&p->v, fresh);
}

uint32_t profiles_add(struct profiles *p, const struct profile_sources *from, uint32_t zone,
	uint32_t ns, struct seq atoms, struct tg_vec_u32 *ports)
{
	uint32_t key[4] = {ns, [3] = zone}, id;

	sort_pairs(ports);
	key[1] = seqs_add(&p->labels, atoms.v, atoms.n);
	key[2] = seqs_add(&p->ports, ports->v, (uint32_t)ports->n);
	if (key[1] == TG_NONE || key[2] == TG_NONE)
		return TG_NONE;
	id = seqs_add(&p->keys, key, 4);
	if (id == TG_NONE)
		return TG_NONE;
	if (id > p->v.n && make(p, from, zone, ns, key[1], key[2]) != 0)
		return TG_NONE;
	return id - 1;
}

int profiles_look(struct profiles *p, const struct profile_sources *from, const struct tg_pod *pod,
	uint32_t zone, uint32_t ns, struct profile *out)
{
	int err = project(p, from, pod);

	if (err == 0)
		err = selectors_match(from->selectors, scratch_seq(&p->atoms), &p->found);
	if (err == 0)
		err = find(p, from, zone, ns, scratch_seq(&p->found));
	if (err != 0)
		return err;
	*out = (struct profile){.zone = zone,
		.ns = ns,
		.ports = scratch_seq(&p->numbers),
		.terms = scratch_seq(&p->peers)};
	return take_stances(out, from, scratch_seq(&p->policies), false) ? 0 : -ENOENT;
}

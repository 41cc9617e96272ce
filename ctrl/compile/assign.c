/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "job.h"

/* What the loops over addresses carry along. */
struct assigner {
	struct job *job;
	struct profile_sources profile_sources;
	struct class_sources class_sources;
	bool *ranges; /* by 2 * zone + (IPv6): pod ranges are known */
	struct trait_words words;
	uint32_t *of_trait;		/* its profile; TG_NONE: unknown namespace; UNSEEN */
	uint32_t n_traits;		/* seen */
	struct tg_vec_u32 atoms, ports; /* of one trait */
	struct last_class *last;	/* by profile and family */
};

#define UNSEEN (TG_NONE - 1)

/* Pods of one profile are mostly in the same prefixes: what was asked of classes_of last. */
struct last_class {
	uint32_t set;
	uint32_t class;
};

static int report_conflict(struct job *job, const struct endpoint_conflict *conflict)
{
	const struct endpoints *endpoints = job->out->endpoints;
	const struct endpoint *endpoint = &endpoints->v[conflict->endpoint];
	const uint32_t *pods = &endpoints->contenders.v[conflict->first];
	const struct tg_pod *a = job->cluster->pods[pods[0]];
	const struct tg_pod *b = conflict->n > 1 ? job->cluster->pods[pods[1]] : NULL;
	char addr[TG_ADDR_TEXT];

	tg_addr_format(&endpoint->addr, addr);
	if (endpoint->kind == TG_KIND_NODE)
		return warnings_add(&job->out->warnings, TG_WARN_ADDRESS_CONFLICT, a->place,
			"pod %s/%s claims %s, which is a node's; it counts as the node's",
			job_text(job, a->ns), job_text(job, a->name), addr);
	return warnings_add(&job->out->warnings, TG_WARN_ADDRESS_CONFLICT, a->place,
		"%u pods claim %s, among them %s/%s and %s/%s; %s", conflict->n, addr,
		job_text(job, a->ns), job_text(job, a->name), job_text(job, b->ns),
		job_text(job, b->name),
		endpoint->kind == TG_KIND_CONFLICT ? "they cannot be told apart, so it is denied"
						   : "the first named has it");
}

static int report_conflicts(struct job *job)
{
	const struct endpoints *endpoints = job->out->endpoints;
	int err = 0;

	for (size_t i = 0; i < endpoints->conflicts.n && err == 0; i++)
		err = report_conflict(job, &endpoints->conflicts.v[i]);
	return err;
}

static int learn_traits(struct assigner *a)
{
	struct job *job = a->job;
	const struct atoms *atoms = &job->out->frame->pod_selectors.atoms;
	const struct seqs *uses = &job->out->frame->policies.uses;
	struct traits *traits = &job->cache->traits;
	int err = traits_learn(traits, job->cluster, atoms, uses);

	if (err != 0) {
		tg_compile_cache_clear(job->cache);
		return err;
	}
	err = trait_words_init(&a->words, traits, atoms, uses);
	a->of_trait = malloc(traits->keys.n * sizeof(*a->of_trait));
	if (err != 0 || a->of_trait == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < traits->keys.n; i++)
		a->of_trait[i] = UNSEEN;
	a->of_trait[TRAIT_OF_NOBODY] = TG_NONE;
	return 0;
}

/* The profile of a trait that is seen for the first time. */
static int profile_trait(struct assigner *a, uint32_t trait)
{
	struct tg_compiled *out = a->job->out;
	const struct traits *traits = &a->job->cache->traits;
	uint32_t ns = scopes_find(&out->frame->scopes, traits_namespace(traits, trait));
	uint32_t zone = zones_find(&out->frame->zones, traits_zone(traits, trait));

	a->n_traits++;
	a->of_trait[trait] = TG_NONE;
	if (ns == TG_NONE)
		return 0;
	if (traits_translate(traits, &a->words, trait, &a->atoms, &a->ports) != 0)
		return -ENOMEM;
	a->of_trait[trait] = profiles_add(&out->frame->profiles, &a->profile_sources, zone, ns,
		(struct seq){a->atoms.v, (uint32_t)a->atoms.n}, &a->ports);
	if (a->of_trait[trait] == TG_NONE)
		return -ENOMEM;
	return job_is_too_large(out) ? -EOVERFLOW : 0;
}

static int remark_namespace(struct job *job, const struct tg_pod *pod)
{
	return warnings_add(&job->out->warnings, TG_WARN_NAMESPACE_UNKNOWN, pod->place,
		"pod %s/%s: its Namespace is not known, so it is an unknown endpoint",
		job_text(job, pod->ns), job_text(job, pod->name));
}

static int profile_pods(struct assigner *a)
{
	struct job *job = a->job;
	const uint32_t *trait_of = job->cache->traits.of;
	int err = 0;

	for (size_t i = 0; i < job->cluster->n_pods && err == 0; i++) {
		uint32_t trait = trait_of[i];

		if (a->of_trait[trait] == UNSEEN)
			err = profile_trait(a, trait);
		job->profile_of[i] = a->of_trait[trait];
		if (err == 0 && job->profile_of[i] == TG_NONE && trait != TRAIT_OF_NOBODY)
			err = tg_vec_push(&job->strays, (uint32_t)i);
	}
	return err;
}

static int remark_range(struct job *job, const struct endpoint *e)
{
	char addr[TG_ADDR_TEXT];

	return warnings_add(&job->out->warnings, TG_WARN_POD_OUTSIDE_RANGES,
		job->cluster->pods[e->index]->place, "pod %s/%s: %s is in no known pod range",
		job_text(job, e->ns), job_text(job, e->name), tg_addr_format(&e->addr, addr));
}

int job_remark_addresses(struct job *job)
{
	const struct endpoints *endpoints = job->out->endpoints;
	int err = report_conflicts(job);

	for (size_t i = 0; i < job->strays.n && err == 0; i++)
		err = remark_namespace(job, job->cluster->pods[job->strays.v[i]]);
	for (size_t i = 0; i < job->outside.n && err == 0; i++)
		err = remark_range(job, &endpoints->v[job->outside.v[i]]);
	return err;
}

/* classes_of, for a pod; most ask what the one before them asked. */
static uint32_t class_of_pod(struct assigner *a, uint32_t profile, struct class_address address)
{
	struct tg_compiled *out = a->job->out;
	struct last_class *last = &a->last[2 * (size_t)profile + (address.family == 6)];

	if (last->set != address.set) {
		last->class = classes_of(&out->frame->classes, &a->class_sources,
			&out->frame->profiles, profile, TG_KIND_POD, address);
		last->set = address.set;
	}
	return last->class;
}

static int assign_endpoint(
	struct assigner *a, size_t i, uint32_t zone, const struct prefix_node *node)
{
	struct tg_compiled *out = a->job->out;
	const struct endpoint *e = &out->endpoints->v[i];
	uint32_t profile = e->kind == TG_KIND_POD ? a->job->profile_of[e->index] : TG_NONE, class;
	const struct class_address address = {zone, node->set, e->addr.family};
	size_t known = out->frame->classes.v.n;

	/* A pod without a profile is of a namespace that the cluster lacks (semantics 4). */
	if (profile != TG_NONE)
		class = class_of_pod(a, profile, address);
	else
		class = classes_of(&out->frame->classes, &a->class_sources, &out->frame->profiles,
			TG_NONE, e->kind == TG_KIND_POD ? TG_KIND_UNKNOWN : e->kind, address);
	if (class == TG_NONE)
		return -ENOMEM;
	if (out->frame->classes.v.n > known && job_is_too_large(out))
		return -EOVERFLOW;
	a->job->class_of_endpoint[i] = class;
	if (e->kind == TG_KIND_POD && !node->pod_range &&
		a->ranges[2 * zone + (address.family == 6)])
		return tg_vec_push(&a->job->outside, (uint32_t)i);
	return 0;
}

static int assign_run(struct assigner *a, const struct endpoint_run *run)
{
	const struct tg_compiled *out = a->job->out;
	const struct prefixes *prefixes = &out->frame->prefixes;
	uint32_t zone = zones_find(&out->frame->zones, run->zone);
	struct prefix_walk walk = prefixes_walk_begin(prefixes, zone, run->family);
	int err = 0;

	for (size_t i = run->first; i < run->first + run->n && err == 0; i++) {
		uint32_t prefix = prefixes_walk(prefixes, &walk, &out->endpoints->v[i].addr);

		err = assign_endpoint(a, i, zone, &prefixes->nodes.v[prefix]);
	}
	return err;
}

static int assign_endpoints(struct assigner *a)
{
	const struct tg_compiled *out = a->job->out;
	int err = 0;

	a->last = malloc((2 * out->frame->profiles.v.n + 1) * sizeof(*a->last));
	if (a->last == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * out->frame->profiles.v.n; i++)
		a->last[i].set = TG_NONE;
	for (size_t i = 0; i < out->endpoints->runs.n && err == 0; i++)
		err = assign_run(a, &out->endpoints->runs.v[i]);
	return err;
}

static int assign_prefixes(struct assigner *a)
{
	struct job *job = a->job;
	struct prefixes *prefixes = &job->out->frame->prefixes;

	for (uint32_t i = 0; i < prefixes_count(prefixes); i++) {
		const struct prefix_node *node = &prefixes->nodes.v[i];
		enum tg_class_kind kind = node->pod_range ? TG_KIND_UNKNOWN : TG_KIND_WORLD;
		const struct class_address address = {prefixes_zone(prefixes, i), node->set,
			prefixes_get(prefixes, i).addr.family};

		job->class_of_prefix[i] = classes_of(&job->out->frame->classes, &a->class_sources,
			&job->out->frame->profiles, TG_NONE, kind, address);
		if (job->class_of_prefix[i] == TG_NONE)
			return -ENOMEM;
		if (job_is_too_large(job->out))
			return -EOVERFLOW;
	}
	return 0;
}

static int find_ranges(struct assigner *a)
{
	const struct prefixes *prefixes = &a->job->out->frame->prefixes;

	a->ranges = calloc(2 * (size_t)a->job->out->frame->zones.n, sizeof(*a->ranges));
	if (a->ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < prefixes_count(prefixes); i++)
		if (prefixes->nodes.v[i].pod_range)
			a->ranges[2 * prefixes_zone(prefixes, i) +
				  (prefixes_get(prefixes, i).addr.family == 6)] = true;
	return 0;
}

static int assign_all(struct assigner *a)
{
	struct job *job = a->job;
	int err = learn_traits(a);

	if (err == 0)
		err = profile_pods(a);
	if (err == 0)
		err = assign_endpoints(a);
	if (err != 0)
		return err;
	cache_judge_waste(job->cache, a->n_traits, &job->out->frame->pod_selectors.atoms);
	return assign_prefixes(a);
}

int job_assign(struct job *job)
{
	struct tg_compiled *out = job->out;
	struct assigner a = {
		.job = job,
		.profile_sources = profile_sources_of(out),
		.class_sources = class_sources_of(out),
	};
	int err = profiles_init(&out->frame->profiles);

	if (err == 0)
		err = classes_init(&out->frame->classes, job->options, &out->frame->zones);
	out->endpoints = endpoints_ref(job->cache->endpoints);
	job->profile_of = malloc((job->cluster->n_pods + 1) * sizeof(*job->profile_of));
	job->class_of_endpoint = malloc((out->endpoints->n + 1) * sizeof(*job->class_of_endpoint));
	job->class_of_prefix =
		malloc((prefixes_count(&out->frame->prefixes) + 1) * sizeof(*job->class_of_prefix));
	if (job->profile_of == NULL || job->class_of_endpoint == NULL ||
		job->class_of_prefix == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = find_ranges(&a);
	if (err == 0)
		err = assign_all(&a);
	trait_words_free(&a.words);
	free(a.of_trait);
	free(a.last);
	free(a.ranges);
	tg_vec_free(&a.atoms);
	tg_vec_free(&a.ports);
	return err;
}

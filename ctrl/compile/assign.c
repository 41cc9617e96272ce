/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "job.h"

/* What the loops over addresses carry along. */
struct assigner {
	struct job *job;
	struct profile_sources profile_sources;
	struct class_sources class_sources;
	struct row_maker maker;
	bool ranges[2]; /* pod ranges of IPv4, IPv6 are known */
};

static int report_conflict(
	void *arg, const struct endpoint *endpoint, const uint32_t *pods, size_t n)
{
	struct job *job = arg;
	const struct tg_pod *a = job->cluster->pods[pods[0]];
	const struct tg_pod *b = n > 1 ? job->cluster->pods[pods[1]] : NULL;
	char addr[TG_ADDR_TEXT];

	tg_addr_format(&endpoint->addr, addr);
	if (endpoint->kind == TG_KIND_NODE)
		return warnings_add(&job->out->warnings, TG_WARN_ADDRESS_CONFLICT, a->place,
			"pod %s/%s claims %s, which is a node's; it counts as the node's",
			job_text(job, a->ns), job_text(job, a->name), addr);
	return warnings_add(&job->out->warnings, TG_WARN_ADDRESS_CONFLICT, a->place,
		"%zu pods claim %s, among them %s/%s and %s/%s; %s", n, addr, job_text(job, a->ns),
		job_text(job, a->name), job_text(job, b->ns), job_text(job, b->name),
		endpoint->kind == TG_KIND_CONFLICT ? "they cannot be told apart, so it is denied"
						   : "the first named has it");
}

/* No slots left is the only failure that is not memory; the two are told apart here. */
static int explain_failure(struct job *job)
{
	if (slots_limit(job->slots) < job->slot_capacity)
		return -ENOMEM;
	return job_fail(job, -E2BIG, "more rules than the %u slots that can be counted",
		job->slot_capacity);
}

static int profile_pods(struct assigner *a)
{
	struct job *job = a->job;
	struct tg_compiled *out = job->out;

	for (size_t i = 0; i < job->cluster->n_pods; i++) {
		const struct tg_pod *pod = job->cluster->pods[i];
		uint32_t ns = scopes_find(&out->scopes, pod->ns);

		job->profile_of[i] = TG_NONE;
		if (i + 8 < job->cluster->n_pods)
			__builtin_prefetch(job->cluster->pods[i + 8]);
		if (i + 4 < job->cluster->n_pods)
			__builtin_prefetch(job->cluster->pods[i + 4]->labels.v);
		if (!endpoints_pod_counts(pod) || pod->n_addrs == 0)
			continue;
		if (ns == TG_NONE) {
			if (warnings_add(&out->warnings, TG_WARN_NAMESPACE_UNKNOWN, pod->place,
				    "pod %s/%s: its Namespace is not known, so it is an unknown "
				    "endpoint",
				    job_text(job, pod->ns), job_text(job, pod->name)) != 0)
				return -ENOMEM;
			continue;
		}
		job->profile_of[i] =
			profiles_add(&out->profiles, &a->profile_sources, pod, ns, &a->maker);
		if (job->profile_of[i] == TG_NONE)
			return explain_failure(job);
		if (job_is_too_large(out))
			return -EOVERFLOW;
	}
	return 0;
}

static int remark_range(struct assigner *a, const struct endpoint *e, bool in_range)
{
	struct job *job = a->job;
	char addr[TG_ADDR_TEXT];

	if (e->kind != TG_KIND_POD || in_range || !a->ranges[e->addr.family == 6])
		return 0;
	return warnings_add(&job->out->warnings, TG_WARN_POD_OUTSIDE_RANGES,
		job->cluster->pods[e->index]->place, "pod %s/%s: %s is in no known pod range",
		job_text(job, e->ns), job_text(job, e->name), tg_addr_format(&e->addr, addr));
}

static int assign_endpoint(struct assigner *a, struct endpoint *e)
{
	struct tg_compiled *out = a->job->out;
	const struct prefix_node *node =
		&out->prefixes.nodes.v[prefixes_lookup(&out->prefixes, &e->addr)];
	uint32_t profile = e->kind == TG_KIND_POD ? a->job->profile_of[e->index] : TG_NONE;
	enum tg_class_kind kind = e->kind;

	/* A pod of a namespace that the cluster does not have (semantics 4). */
	if (kind == TG_KIND_POD && profile == TG_NONE) {
		kind = TG_KIND_UNKNOWN;
		e->node = TG_NONE;
	}
	e->cls = classes_of(&out->classes, &a->class_sources, &out->profiles, profile, kind,
		node->set, e->addr.family, &a->maker);
	if (e->cls == TG_NONE)
		return explain_failure(a->job);
	if (job_is_too_large(out))
		return -EOVERFLOW;
	return remark_range(a, e, node->pod_range);
}

static int assign_prefixes(struct assigner *a)
{
	struct job *job = a->job;
	struct prefixes *prefixes = &job->out->prefixes;

	for (uint32_t i = 0; i < prefixes_count(prefixes); i++) {
		const struct prefix_node *node = &prefixes->nodes.v[i];
		enum tg_class_kind kind = node->pod_range ? TG_KIND_UNKNOWN : TG_KIND_WORLD;

		job->class_of_prefix[i] = classes_of(&job->out->classes, &a->class_sources,
			&job->out->profiles, TG_NONE, kind, node->set,
			prefixes_get(prefixes, i).addr.family, &a->maker);
		if (job->class_of_prefix[i] == TG_NONE)
			return explain_failure(job);
		if (job_is_too_large(job->out))
			return -EOVERFLOW;
	}
	return 0;
}

static void find_ranges(struct assigner *a)
{
	const struct prefixes *prefixes = &a->job->out->prefixes;

	for (uint32_t i = 0; i < prefixes_count(prefixes); i++)
		if (prefixes->nodes.v[i].pod_range)
			a->ranges[prefixes_get(prefixes, i).addr.family == 6] = true;
}

int job_assign(struct job *job)
{
	struct tg_compiled *out = job->out;
	struct assigner a = {
		.job = job,
		.profile_sources = profile_sources_of(out),
		.class_sources = class_sources_of(out),
		.maker = {job->slots, job->slot_capacity},
	};
	int err = profiles_init(&out->profiles);

	if (err == 0)
		err = classes_init(&out->classes, job->options);
	if (err == 0)
		err = endpoints_init(
			&out->endpoints, job->cluster, job->options, report_conflict, job);
	job->profile_of = malloc((job->cluster->n_pods + 1) * sizeof(*job->profile_of));
	job->class_of_prefix =
		malloc((prefixes_count(&out->prefixes) + 1) * sizeof(*job->class_of_prefix));
	if (job->profile_of == NULL || job->class_of_prefix == NULL)
		err = -ENOMEM;
	find_ranges(&a);
	if (err == 0)
		err = profile_pods(&a);
	for (size_t i = 0; i < out->endpoints.n && err == 0; i++)
		err = assign_endpoint(&a, &out->endpoints.v[i]);
	return err == 0 ? assign_prefixes(&a) : err;
}

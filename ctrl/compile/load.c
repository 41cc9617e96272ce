/* SPDX-License-Identifier: BSD-3-Clause */
#include <tidegate/ruleset.h>

#include "job.h"

/*
 * Terms of infrastructure tuples come first of all listed ones (classes.h counts on it); those that
 * mean nodes hold by the kind of an address and are attached to no prefix.
 */
static int attach(struct job *job, uint16_t zone, const struct tg_prefix *prefix, uint32_t term)
{
	struct frame *frame = job->out->frame;
	uint32_t at = prefixes_add(&frame->prefixes, zones_find(&frame->zones, zone), prefix);

	return at == TG_NONE ? -ENOMEM : prefixes_attach(&frame->prefixes, at, term, false);
}

static int load_infrastructure(struct job *job)
{
	struct terms *terms = &job->out->frame->terms;

	for (uint32_t i = 0; i < job->options->n_infrastructure; i++) {
		const struct tg_infrastructure *tuple = &job->options->infrastructure[i];
		uint32_t from = terms_put(terms, (const uint32_t[]){TERM_FROM, i}, 2, true);
		uint32_t to = terms_put(terms, (const uint32_t[]){TERM_TO, i}, 2, true);

		if (from != TERM_FROM_OF(i) || to != TERM_TO_OF(i) ||
			(!tuple->from_nodes && attach(job, tuple->zone, &tuple->from, from) != 0) ||
			(!tuple->to_nodes && attach(job, tuple->zone, &tuple->to, to) != 0))
			return -ENOMEM;
	}
	return 0;
}

static int add_pod_ranges(struct job *job, uint16_t zone, const struct tg_prefix *ranges, size_t n)
{
	uint32_t at = zones_find(&job->out->frame->zones, zone);

	for (size_t i = 0; i < n; i++) {
		uint32_t prefix = prefixes_add(&job->out->frame->prefixes, at, &ranges[i]);

		if (prefix == TG_NONE)
			return -ENOMEM;
		prefixes_set_pod_range(&job->out->frame->prefixes, prefix);
	}
	return 0;
}

static int load_pod_ranges(struct job *job)
{
	int err = 0;

	for (size_t i = 0; i < zone_options_count(job->options) && err == 0; i++) {
		const struct tg_zone_options *zone = zone_options_at(job->options, i);

		err = add_pod_ranges(job, zone->zone, zone->pod_ranges, zone->n_pod_ranges);
	}
	for (size_t i = 0; i < job->cluster->n_nodes && err == 0; i++) {
		const struct tg_node *node = job->cluster->nodes[i];

		err = add_pod_ranges(job, node->zone, node->pod_cidrs, node->n_pod_cidrs);
	}
	return err;
}

static int load_policies(struct job *job)
{
	struct tg_compiled *out = job->out;
	const struct policy_sinks sinks = {&out->frame->pod_selectors, &out->frame->ns_selectors,
		&out->frame->terms, &out->frame->prefixes, &out->frame->scopes, &out->frame->zones,
		job->over};
	const struct tg_policy *twice = NULL;
	int err = policies_load(&out->frame->policies, job->cluster, &sinks, &twice);

	if (err == -EEXIST)
		return job_fail(job, err, "NetworkPolicy %s/%s is in the cluster twice",
			job_text(job, twice->ns), job_text(job, twice->name));
	return err;
}

static int open_all(struct job *job)
{
	struct tg_compiled *out = job->out;
	uint32_t twice = 0;
	int err;

	out->frame = frame_create();
	if (out->frame == NULL)
		return -ENOMEM;
	job->policies = &out->frame->policies;
	err = zones_init(&out->frame->zones, job->cluster, job->options, job->cache->endpoints);
	if (err != 0)
		return err;
	err = scopes_init(&out->frame->scopes, job->cluster, &twice);
	if (err == -EEXIST)
		return job_fail(job, err, "Namespace %s is in the cluster twice",
			job_text(job, job->cluster->namespaces[twice]->name));
	if (err == 0)
		err = selectors_init(&out->frame->pod_selectors, job->cluster->strings);
	if (err == 0)
		err = selectors_init(&out->frame->ns_selectors, job->cluster->strings);
	if (err == 0)
		err = terms_init(&out->frame->terms);
	if (err == 0)
		err = prefixes_init(&out->frame->prefixes, out->frame->zones.n);
	if (err == 0)
		err = policies_init(&out->frame->policies);
	if (err == 0)
		err = row_set_init(&out->frame->rows);
	return err;
}

static int freeze_all(struct job *job)
{
	struct tg_compiled *out = job->out;
	const struct matcher_counts counts = {out->frame->zones.n, out->frame->scopes.n,
		(uint32_t)out->frame->pod_selectors.models.n};
	int err = selectors_freeze(&out->frame->pod_selectors);

	if (err == 0)
		err = selectors_freeze(&out->frame->ns_selectors);
	if (err == 0)
		err = scopes_match(&out->frame->scopes, job->cluster, &out->frame->ns_selectors);
	if (err == 0)
		err = terms_freeze(&out->frame->terms);
	if (err == 0)
		err = matcher_init(&out->frame->matcher, &out->frame->policies, &out->frame->terms,
			job->over, counts);
	if (err == 0)
		err = prefixes_build(
			&out->frame->prefixes, terms_count(&out->frame->terms), JOB_WORDS_MAX);
	return err;
}

int job_load(struct job *job)
{
	int err = open_all(job);

	if (err == 0)
		err = load_infrastructure(job);
	if (err == 0)
		err = load_pod_ranges(job);
	if (err == 0)
		err = load_policies(job);
	return err == 0 ? freeze_all(job) : err;
}

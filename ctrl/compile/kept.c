/* SPDX-License-Identifier: BSD-3-Clause */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

/* Lists of programs beyond what the cells have: those of rules that are gone. */
#define SPARE_LISTS 65536u

void tables_before_free(struct tables_before *before)
{
	cells_free(&before->cells);
	free(before->first);
	free(before->rest);
	free(before->tuples);
	memset(before, 0, sizeof(*before));
}

void kept_free(struct kept *kept)
{
	if (kept == NULL)
		return;
	frame_unref(kept->frame);
	free(kept->zones);
	free(kept->pod_ranges);
	free(kept->infrastructure);
	policies_free(&kept->policies);
	tg_vec_free(&kept->strays);
	tg_vec_free(&kept->outside);
	free(kept->profile_of);
	free(kept->class_of_endpoint);
	free(kept->class_of_prefix);
	tables_before_free(&kept->tables);
	reach_free(&kept->reach);
	groups_free(&kept->groups);
	port_programs_free(&kept->programs);
	free(kept);
}

static bool same_prefix(const struct tg_prefix *a, const struct tg_prefix *b)
{
	return tg_prefix_compare(a, b) == 0;
}

/* Names tell nothing but which rule it is. */
static bool same_tuple(const struct tg_infrastructure *a, const struct tg_infrastructure *b)
{
	return a->from_nodes == b->from_nodes && a->to_nodes == b->to_nodes && a->zone == b->zone &&
	       (a->from_nodes || same_prefix(&a->from, &b->from)) &&
	       (a->to_nodes || same_prefix(&a->to, &b->to)) && a->protocol == b->protocol &&
	       a->lo == b->lo && a->hi == b->hi;
}

static bool same_zones(const struct kept *kept, const struct tg_compile_options *now)
{
	if (kept->options.n_zones != now->n_zones)
		return false;
	for (size_t i = 0; i < zone_options_count(now); i++) {
		const struct tg_zone_options *a = &kept->zones[i], *b = zone_options_at(now, i);

		if (a->zone != b->zone || a->n_pod_ranges != b->n_pod_ranges)
			return false;
		for (size_t k = 0; k < a->n_pod_ranges; k++)
			if (!same_prefix(&a->pod_ranges[k], &b->pod_ranges[k]))
				return false;
	}
	return true;
}

static bool same_options(const struct kept *kept, const struct job *job)
{
	const struct tg_compile_options *a = &kept->options, *b = job->options;

	if (memcmp(a->default_action, b->default_action, sizeof(a->default_action)) != 0 ||
		a->transit_allow != b->transit_allow || !same_zones(kept, b) ||
		a->n_infrastructure != b->n_infrastructure || kept->budget != job->budget)
		return false;
	for (size_t i = 0; i < a->n_infrastructure; i++)
		if (!same_tuple(&kept->infrastructure[i], &b->infrastructure[i]))
			return false;
	return true;
}

bool kept_applies(const struct kept *kept, const struct job *job)
{
	const struct tg_cluster *cluster = job->cluster;

	if (kept == NULL || !job->cache->same_objects ||
		kept->policies.v.n != cluster->n_policies ||
		kept->programs.lists.n > 4 * kept->tables.cells.v.n + SPARE_LISTS ||
		!same_options(kept, job))
		return false;
	for (size_t i = 0; i < kept->policies.v.n; i++) {
		const struct policy *policy = &kept->policies.v.v[i];
		const struct tg_policy *now = cluster->policies[policy->origin];

		if (now != policy->model && !policies_ask_same(policy->model, now))
			return false;
	}
	return true;
}

static void *take(void *at)
{
	void **slot = at, *taken = *slot;

	*slot = NULL;
	return taken;
}

int kept_resume(struct kept *kept, struct job *job)
{
	job->out->frame = take(&kept->frame);
	job->out->endpoints = endpoints_ref(job->cache->endpoints);
	job->own = kept->policies;
	job->policies = &job->own;
	job->strays = kept->strays;
	job->outside = kept->outside;
	job->profile_of = kept->profile_of;
	job->class_of_endpoint = kept->class_of_endpoint;
	job->class_of_prefix = kept->class_of_prefix;
	job->before = kept->tables;
	job->reach = kept->reach;
	job->groups = kept->groups;
	job->programs = kept->programs;
	free(kept->zones);
	free(kept->pod_ranges);
	free(kept->infrastructure);
	free(kept);
	job->changed = calloc(job->own.v.n + 1, sizeof(*job->changed));
	return job->changed == NULL ? -ENOMEM
				    : policies_update(&job->own, job->cluster, job->changed);
}

static int keep_zones(struct kept *kept, const struct tg_compile_options *o)
{
	struct tg_prefix *to;
	size_t n = 0;

	for (size_t i = 0; i < zone_options_count(o); i++)
		n += zone_options_at(o, i)->n_pod_ranges;
	kept->zones = malloc(zone_options_count(o) * sizeof(*kept->zones));
	kept->pod_ranges = to = malloc((n + 1) * sizeof(*kept->pod_ranges));
	if (kept->zones == NULL || kept->pod_ranges == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < zone_options_count(o); i++) {
		const struct tg_zone_options *zone = zone_options_at(o, i);

		kept->zones[i] = *zone;
		kept->zones[i].pod_ranges = to;
		for (size_t k = 0; k < zone->n_pod_ranges; k++)
			*to++ = zone->pod_ranges[k];
	}
	return 0;
}

static int keep_options(struct kept *kept, const struct job *job)
{
	const struct tg_compile_options *o = job->options;

	kept->options = *o;
	kept->budget = job->budget;
	kept->infrastructure = malloc((o->n_infrastructure + 1) * sizeof(*kept->infrastructure));
	if (kept->infrastructure == NULL || keep_zones(kept, o) != 0)
		return -ENOMEM;
	if (o->n_infrastructure != 0)
		memcpy(kept->infrastructure, o->infrastructure,
			o->n_infrastructure * sizeof(*kept->infrastructure));
	return 0;
}

/* Where the cells of each row begin. */
static int index_cells(struct kept *kept, const struct job *job)
{
	const struct cells *cells = &kept->tables.cells;
	size_t n_rows = job->out->frame->rows.v.n, at = 0;

	kept->tables.first = malloc((n_rows + 1) * sizeof(*kept->tables.first));
	if (kept->tables.first == NULL)
		return -ENOMEM;
	for (size_t row = 0; row <= n_rows; row++) {
		while (at < cells->v.n && cells->v.v[at].row < row)
			at++;
		kept->tables.first[row] = (uint32_t)at;
	}
	return 0;
}

struct kept *kept_create(struct job *job)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (kept == NULL)
		return NULL;
	if (job->policies == &job->own)
		kept->policies = job->own;
	memset(&job->own, 0, sizeof(job->own));
	kept->tables.cells = job->cells;
	memset(&job->cells, 0, sizeof(job->cells));
	if ((job->changed == NULL &&
		    policies_copy(&kept->policies, &job->out->frame->policies) != 0) ||
		keep_options(kept, job) != 0 || index_cells(kept, job) != 0) {
		kept_free(kept);
		return NULL;
	}
	kept->frame = frame_ref(job->out->frame);
	kept->strays = job->strays;
	kept->outside = job->outside;
	kept->reach = job->reach;
	kept->groups = job->groups;
	kept->programs = job->programs;
	memset(&job->strays, 0, sizeof(job->strays));
	memset(&job->outside, 0, sizeof(job->outside));
	memset(&job->reach, 0, sizeof(job->reach));
	memset(&job->groups, 0, sizeof(job->groups));
	memset(&job->programs, 0, sizeof(job->programs));
	kept->profile_of = take(&job->profile_of);
	kept->class_of_endpoint = take(&job->class_of_endpoint);
	kept->class_of_prefix = take(&job->class_of_prefix);
	kept->tables.rest = take(&job->rest);
	kept->tables.tuples = take(&job->tuples);
	return kept;
}

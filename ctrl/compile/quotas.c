/* SPDX-License-Identifier: BSD-3-Clause */
#include "quotas.h"

#include <stdlib.h>

#include "job.h"

static uint32_t limit_of(const struct job *job, uint32_t ns)
{
	uint32_t own = job->cluster->namespaces[ns]->max_connections;

	if (own == TG_UNLIMITED)
		return 0;
	return own != 0 ? own : job->options->max_connections;
}

static int take(struct job *job, struct limit *limit)
{
	limit->slot = slots_take(job->slots, &limit->identity, job->slot_capacity);
	if (limit->slot == TG_NONE || limit->slot >= TG_NAMESPACE_SLOT_MAX)
		return job_fail(job, -E2BIG,
			"more rules and limits of namespaces than can be counted in %u slots",
			job->slot_capacity);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct limit *x = *(struct limit *const *)a, *y = *(struct limit *const *)b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* In the order of their slots, as the image has them. */
static int number(struct job *job, struct limits *limits)
{
	struct limit **order = malloc((limits->n + 1ull) * sizeof(struct limit *));
	uint32_t n = 0;

	if (order == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < limits->n; i++)
		if (limits->v[i].limit != 0)
			order[n++] = &limits->v[i];
	if (n > TG_NAMESPACES_MAX) {
		free(order);
		return job_fail(job, -E2BIG, "%u namespaces have limits, at most %u may", n,
			TG_NAMESPACES_MAX);
	}
	qsort(order, n, sizeof(struct limit *), compare);
	for (uint32_t i = 0; i < n; i++)
		order[i]->number = (uint16_t)(i + 1);
	free(order);
	return 0;
}

int limits_take(struct job *job)
{
	struct limits *limits = &job->out->limits;
	int err = 0;

	limits->n = job->out->frame->scopes.n;
	limits->v = calloc(limits->n + 1ull, sizeof(*limits->v));
	if (limits->v == NULL)
		return -ENOMEM;
	for (uint32_t ns = 0; ns < limits->n && err == 0; ns++) {
		struct limit *limit = &limits->v[ns];

		limit->limit = limit_of(job, ns);
		limit->identity =
			identity_namespace(&job->identity, job->out->frame->scopes.names[ns]);
		if (limit->limit != 0)
			err = take(job, limit);
	}
	return err == 0 ? number(job, limits) : err;
}

void limits_free(struct limits *limits)
{
	free(limits->v);
	*limits = (struct limits){0};
}

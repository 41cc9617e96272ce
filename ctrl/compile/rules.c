/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "job.h"

/* The verdict word of a rule that is `*identity`. */
static int take(struct job *job, uint64_t *identity, enum tg_action action, uint32_t *verdict)
{
	uint32_t slot = slots_take(job->slots, identity, job->slot_capacity);

	if (slot == TG_NONE)
		return job_fail(job, -E2BIG, "more rules than the %u slots that can be counted",
			job->slot_capacity);
	*verdict = tg_verdict_make(action, slot);
	return 0;
}

/* The policy is not the same object as in the compilation before. */
static bool is_new(const struct job *job, size_t policy)
{
	return job->changed == NULL || job->changed[policy];
}

static int take_rule(struct job *job, struct rule *rule)
{
	uint32_t before = rule->verdict;
	int err;

	if (is_new(job, rule->policy))
		rule->own_identity = identity_rule(&job->identity,
			job->policies->v.v[rule->policy].identity, rule->direction, rule->model);
	rule->identity = rule->own_identity;
	err = take(job, &rule->identity, TG_ACTION_ALLOW, &rule->verdict);
	if (job->changed != NULL && rule->verdict != before)
		job->changed[rule->policy] = true;
	return err;
}

static int take_policies(struct job *job)
{
	struct policies *p = job->policies;
	int err = 0;

	for (size_t i = 0; i < p->v.n; i++)
		if (is_new(job, i))
			p->v.v[i].identity = identity_policy(&job->identity, p->v.v[i].model);
	for (size_t i = 0; i < p->rules.n && err == 0; i++)
		err = take_rule(job, &p->rules.v[i]);
	return err;
}

static int take_baseline(struct job *job, enum tg_direction dir, uint32_t ns)
{
	enum tg_default_action mode = job->options->default_action[dir];
	enum tg_action action = mode == TG_DEFAULT_AUDIT ? TG_ACTION_AUDIT : TG_ACTION_DENY;
	uint32_t *verdict = &job->baseline[dir][ns];
	uint64_t *identity = &job->baseline_identity[dir][ns];

	if (mode == TG_DEFAULT_KUBERNETES) {
		*verdict = tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_DEFAULT_ALLOW);
		return 0;
	}
	*identity =
		identity_baseline(&job->identity, job->out->frame->scopes.names[ns], dir, action);
	return take(job, identity, action, verdict);
}

static int take_baselines(struct job *job)
{
	uint32_t n = job->out->frame->scopes.n;
	int err = 0;

	for (int dir = 0; dir < TG_DIRECTION_COUNT && err == 0; dir++) {
		job->baseline_identity[dir] =
			calloc((size_t)n + 1, sizeof(*job->baseline_identity[dir]));
		job->baseline[dir] = calloc((size_t)n + 1, sizeof(*job->baseline[dir]));
		if (job->baseline_identity[dir] == NULL || job->baseline[dir] == NULL)
			return -ENOMEM;
		for (uint32_t ns = 0; ns < n && err == 0; ns++)
			err = take_baseline(job, dir, ns);
	}
	return err;
}

static int take_tuples(struct job *job)
{
	size_t n = job->options->n_infrastructure;
	int err = 0;

	job->tuples = calloc(n + 1, sizeof(*job->tuples));
	job->tuple_identity = calloc(n + 1, sizeof(*job->tuple_identity));
	if (job->tuples == NULL || job->tuple_identity == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && err == 0; i++) {
		const struct tg_infrastructure *tuple = &job->options->infrastructure[i];

		job->tuples[i].ports =
			policies_range(job->policies, tuple->protocol, tuple->lo, tuple->hi);
		if (job->tuples[i].ports == TG_NONE)
			return -ENOMEM;
		job->tuple_identity[i] = identity_infrastructure(tuple);
		err = take(job, &job->tuple_identity[i], TG_ACTION_ALLOW, &job->tuples[i].verdict);
	}
	return err;
}

int job_take_slots(struct job *job)
{
	int err = take_tuples(job);

	if (err == 0)
		err = take_policies(job);
	if (err == 0)
		err = take_baselines(job);
	return err == 0 ? limits_take(job) : err;
}

static int take_implicit(struct job *job, size_t i)
{
	const struct implicit *implicit = &job->out->frame->rows.implicits.v[i];
	const struct policy *policies = job->policies->v.v;
	uint64_t sum = 0;

	for (uint32_t k = 0; k < implicit->policies.n; k++)
		sum += policies[implicit->policies.v[k]].identity;
	job->implicit_identity[i] = identity_implicit(sum, implicit->direction);
	return take(job, &job->implicit_identity[i], TG_ACTION_DENY, &job->implicit[i]);
}

static uint32_t rest_of(const struct job *job, const struct stance *stance)
{
	if (stance->implicit != TG_NONE)
		return job->implicit[stance->implicit];
	if (stance->ns != TG_NONE)
		return job->baseline[stance->direction][stance->ns];
	return row_set_kind_verdict(stance->kind);
}

int job_take_rests(struct job *job)
{
	const struct rows *rows = &job->out->frame->rows;
	int err = 0;

	job->implicit = malloc((rows->implicits.n + 1) * sizeof(*job->implicit));
	job->implicit_identity = malloc((rows->implicits.n + 1) * sizeof(*job->implicit_identity));
	job->rest = malloc((rows->stances.n + 1) * sizeof(*job->rest));
	if (job->implicit == NULL || job->implicit_identity == NULL || job->rest == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < rows->implicits.n && err == 0; i++)
		err = take_implicit(job, i);
	for (size_t i = 0; i < rows->stances.n && err == 0; i++)
		job->rest[i] = rest_of(job, &rows->stances.v[i]);
	return err;
}

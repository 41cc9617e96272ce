/* SPDX-License-Identifier: BSD-3-Clause */
#include "job.h"

/* default-action as it applies to node traffic that no tuple lists. */
static uint32_t node_default(enum tg_default_action mode)
{
	static const enum tg_action actions[] = {
		[TG_DEFAULT_DENY] = TG_ACTION_DENY,
		[TG_DEFAULT_AUDIT] = TG_ACTION_AUDIT,
		[TG_DEFAULT_KUBERNETES] = TG_ACTION_ALLOW,
	};

	return tg_verdict_make(actions[mode], TG_BUILTIN_NODE_DEFAULT);
}

int job_build_tables(struct job *job)
{
	struct tg_compiled *out = job->out;
	const struct cell_sources sources = {
		.expander = &job->expander,
		.classes = &out->classes,
		.reach = &job->reach,
		.programs = &job->programs,
		.rest = job->rest,
		.over = job->over,
		.n_namespaces = out->scopes.n,
		.budget = job->budget,
	};
	int err;

	job->expander = (struct expander){
		.rows = &out->rows,
		.policies = &out->policies,
		.tuples = job->tuples,
		.transit = tg_verdict_make(
			job->options->transit_allow ? TG_ACTION_ALLOW : TG_ACTION_DENY,
			TG_BUILTIN_TRANSIT),
	};
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		job->expander.node_default[dir] = node_default(job->options->default_action[dir]);
	err = expander_init(&job->expander, &out->terms);
	if (err == 0)
		err = reach_init(&job->reach, &out->classes, terms_count(&out->terms));
	if (err == 0)
		err = port_programs_init(&job->programs);
	if (err == 0)
		err = cells_survey(&job->cells, &sources);
	if (err == 0)
		err = groups_init(&job->groups, &out->classes, &job->reach, job->cells.rows_with);
	if (err == 0)
		err = cells_build(&job->cells, &sources, &job->groups);
	return err;
}

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

static struct cell_sources sources_of(struct job *job)
{
	return (struct cell_sources){
		.expander = &job->expander,
		.classes = &job->out->frame->classes,
		.reach = &job->reach,
		.programs = &job->programs,
		.rest = job->rest,
		.over = job->over,
		.n_namespaces = job->out->frame->scopes.n,
		.budget = job->budget,
	};
}

static int open_expander(struct job *job)
{
	job->expander = (struct expander){
		.rows = &job->out->frame->rows,
		.policies = job->policies,
		.tuples = job->tuples,
		.transit = tg_verdict_make(
			job->options->transit_allow ? TG_ACTION_ALLOW : TG_ACTION_DENY,
			TG_BUILTIN_TRANSIT),
	};
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		job->expander.node_default[dir] = node_default(job->options->default_action[dir]);
	return expander_init(&job->expander, &job->out->frame->terms);
}

int job_build_tables(struct job *job)
{
	const struct frame *frame = job->out->frame;
	const struct cell_sources sources = sources_of(job);
	int err = open_expander(job);

	if (err == 0)
		err = reach_init(
			&job->reach, &frame->classes, terms_count(&frame->terms), frame->zones.n);
	if (err == 0)
		err = port_programs_init(&job->programs);
	if (err == 0)
		err = cells_survey(&job->cells, &sources);
	if (err == 0)
		err = groups_init(&job->groups, &frame->classes, &job->reach, job->cells.rows_with);
	if (err == 0)
		err = cells_build(&job->cells, &sources, &job->groups);
	return err;
}

/* Do the row's entries, or what it says in the end, differ from before? */
static bool is_dirty(const struct job *job, const struct row *row)
{
	const struct stance *stance = &job->out->frame->rows.stances.v[row->stance];
	bool dirty = job->rest[row->stance] != job->before.rest[row->stance];

	for (uint32_t i = 0; i < row->infrastructure.n; i++) {
		const struct tuple_rule *now = &job->tuples[row->infrastructure.v[i]];
		const struct tuple_rule *was = &job->before.tuples[row->infrastructure.v[i]];

		dirty |= now->ports != was->ports || now->verdict != was->verdict;
	}
	for (uint32_t i = 0; i < stance->policies.n; i++)
		dirty |= job->changed[stance->policies.v[i]];
	return dirty;
}

int job_rebuild_tables(struct job *job)
{
	const struct cell_sources sources = sources_of(job);
	const struct rows *rows = &job->out->frame->rows;
	bool *dirty = malloc((rows->v.n + 1) * sizeof(*dirty));
	const struct cells_before before = {&job->before.cells, job->before.first, dirty};
	int err = dirty == NULL ? -ENOMEM : open_expander(job);

	for (size_t i = 0; i < rows->v.n && err == 0; i++)
		dirty[i] = is_dirty(job, &rows->v.v[i]);
	if (err == 0)
		err = cells_rebuild(&job->cells, &sources, &job->groups, &before);
	free(dirty);
	return err;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "job.h"
#include "text.h"

#define NAMES_MAX 4096u /* bytes of "a, b, ..." of an implicit deny's policies */

/* The sections being filled. */
struct emitter {
	struct job *job;
	TG_VEC(struct tg_image_addr4) addr4;
	TG_VEC(struct tg_image_addr6) addr6;
	TG_VEC(struct tg_image_prefix4) prefix4;
	TG_VEC(struct tg_image_prefix6) prefix6;
	TG_VEC(struct tg_image_class) classes;
	TG_VEC(struct tg_image_cell) cells;
	TG_VEC(struct tg_image_program) programs;
	TG_VEC(struct tg_image_step) steps;
	TG_VEC(struct tg_image_rule) rules;
	struct string_table strings;
	/* From the compiler's numbers to the image's, of those that a cell has; else TG_NONE. */
	uint32_t *row_number, *column_number, *program_number;
	uint32_t n_rows, n_columns;
};

/* Of an address whose pod is of an unknown namespace no node is known. */
static uint32_t node_of(const struct job *job, const struct endpoint *at)
{
	return at->kind == TG_KIND_POD && job->profile_of[at->index] == TG_NONE ? TG_NONE
										: at->node;
}

static void emit_run(struct emitter *e, const struct endpoint_run *run)
{
	const struct job *job = e->job;

	for (size_t i = run->first; i < run->first + run->n; i++) {
		const struct endpoint *at = &job->out->endpoints->v[i];
		uint32_t cls = job->class_of_endpoint[i], node = node_of(job, at);
		uint16_t ns = at->kind == TG_KIND_POD
				      ? limits_number(&job->out->limits,
						scopes_find(&job->out->frame->scopes, at->ns))
				      : 0;

		if (run->family == 4) {
			e->addr4.v[e->addr4.n++] = (struct tg_image_addr4){
				.addr = tg_addr_v4(&at->addr),
				.zone = run->zone,
				.ns = ns,
				.cls = cls,
				.node = node,
			};
			continue;
		}
		e->addr6.v[e->addr6.n] = (struct tg_image_addr6){
			.zone = run->zone, .ns = ns, .cls = cls, .node = node};
		memcpy(e->addr6.v[e->addr6.n++].addr, at->addr.bytes, 16);
	}
}

static int emit_addrs(struct emitter *e)
{
	const struct endpoints *endpoints = e->job->out->endpoints;

	if (tg_vec_reserve(&e->addr4, endpoints->n4 + 1) != 0 ||
		tg_vec_reserve(&e->addr6, endpoints->n - endpoints->n4 + 1) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < endpoints->runs.n; i++)
		emit_run(e, &endpoints->runs.v[i]);
	return 0;
}

static int emit_prefix(
	struct emitter *e, uint16_t zone, const struct tg_prefix *prefix, uint32_t cls)
{
	struct tg_image_prefix4 p4 = {.zone = zone, .length = prefix->length, .cls = cls};
	struct tg_image_prefix6 p6 = {.zone = zone, .length = prefix->length, .cls = cls};

	if (prefix->addr.family == 4) {
		p4.addr = tg_addr_v4(&prefix->addr);
		return tg_vec_push(&e->prefix4, p4);
	}
	memcpy(p6.addr, prefix->addr.bytes, sizeof(p6.addr));
	return tg_vec_push(&e->prefix6, p6);
}

static int compare_prefix4(const void *a, const void *b)
{
	const struct tg_image_prefix4 *x = a, *y = b;

	if (x->zone != y->zone)
		return x->zone < y->zone ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int compare_prefix6(const void *a, const void *b)
{
	const struct tg_image_prefix6 *x = a, *y = b;

	if (x->zone != y->zone)
		return x->zone < y->zone ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

/* A prefix that says no more than the one around it is left out. */
static int emit_prefixes(struct emitter *e)
{
	const struct prefixes *prefixes = &e->job->out->frame->prefixes;
	const struct zones *zones = &e->job->out->frame->zones;
	const uint32_t *cls = e->job->class_of_prefix;
	int err = 0;

	for (uint32_t i = 0; i < prefixes_count(prefixes) && err == 0; i++) {
		uint32_t parent = prefixes->nodes.v[i].parent;
		struct tg_prefix prefix = prefixes_get(prefixes, i);

		if (parent == TG_NONE || cls[i] != cls[parent])
			err = emit_prefix(e, zones->v[prefixes_zone(prefixes, i)], &prefix, cls[i]);
	}
	if (err != 0)
		return err;
	qsort(e->prefix4.v, e->prefix4.n, sizeof(*e->prefix4.v), compare_prefix4);
	qsort(e->prefix6.v, e->prefix6.n, sizeof(*e->prefix6.v), compare_prefix6);
	return 0;
}

/* Rows and columns without cells get no number; the others keep their order, so cells stay sorted.
 */
static int number_cells(struct emitter *e)
{
	const struct job *job = e->job;
	size_t n_rows = job->out->frame->rows.v.n;
	size_t n_columns =
		column_of_class(&job->reach, &job->groups, (uint32_t)job->out->frame->classes.v.n);

	if (tg_vec_reserve(&e->cells, job->cells.v.n + 1) != 0)
		return -ENOMEM;
	if (job->cells.v.n != 0)
		memcpy(e->cells.v, job->cells.v.v, job->cells.v.n * sizeof(*e->cells.v));
	e->cells.n = job->cells.v.n;
	e->row_number = malloc((n_rows + 1) * sizeof(*e->row_number));
	e->column_number = malloc((n_columns + 1) * sizeof(*e->column_number));
	if (e->row_number == NULL || e->column_number == NULL)
		return -ENOMEM;
	memset(e->row_number, 0xff, n_rows * sizeof(*e->row_number));
	memset(e->column_number, 0xff, n_columns * sizeof(*e->column_number));
	for (size_t i = 0; i < e->cells.n; i++) {
		e->row_number[e->cells.v[i].row] = 0;
		e->column_number[e->cells.v[i].column] = 0;
	}
	for (size_t i = 0; i < n_rows; i++)
		if (e->row_number[i] == 0)
			e->row_number[i] = e->n_rows++;
	for (size_t i = 0; i < n_columns; i++)
		if (e->column_number[i] == 0)
			e->column_number[i] = e->n_columns++;
	for (size_t i = 0; i < e->cells.n; i++) {
		struct tg_image_cell *cell = &e->cells.v[i];

		cell->row = e->row_number[cell->row];
		cell->column = e->column_number[cell->column];
	}
	return 0;
}

static uint32_t default_program(const struct emitter *e, uint32_t row)
{
	const struct rows *rows = &e->job->out->frame->rows;
	const struct stance *stance = &rows->stances.v[rows->v.v[row].stance];

	if (stance->ns != TG_NONE && e->job->over[stance->ns])
		return TG_PROGRAM_DIRECT | tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_CELL_BUDGET);
	return TG_PROGRAM_DIRECT | e->job->rest[rows->v.v[row].stance];
}

static struct tg_image_class image_class(const struct emitter *e, uint32_t number)
{
	const struct class *class = &e->job->out->frame->classes.v.v[number];
	uint32_t group = e->job->groups.of[number];
	const struct reach *reach = &e->job->reach;
	struct tg_image_class out = {
		.kind = class->kind,
		.family = class->family,
		.column =
			{
				e->column_number[column_of_class(reach, &e->job->groups, number)],
				group == TG_NONE ? TG_NONE
						 : e->column_number[column_of_group(reach, group)],
				e->column_number[sort_in_zone(class->zone, sort_of(class))],
			},
	};

	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		out.row[dir] = e->row_number[class->row[dir]];
		out.default_program[dir] = default_program(e, class->row[dir]);
	}
	return out;
}

static int emit_classes(struct emitter *e)
{
	size_t n = e->job->out->frame->classes.v.n;
	const struct tg_image_class fail_closed = {
		.row = {TG_NONE, TG_NONE},
		.column = {TG_NONE, TG_NONE, TG_NONE},
		.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
		.kind = TG_KIND_UNKNOWN,
	};

	if (tg_vec_reserve(&e->classes, n) != 0)
		return -ENOMEM;
	e->classes.v[0] = fail_closed;
	for (uint32_t i = 1; i < n; i++)
		e->classes.v[i] = image_class(e, i);
	e->classes.n = n;
	return 0;
}

static int emit_program(struct emitter *e, uint32_t program)
{
	struct seq steps = seqs_get(&e->job->programs.steps, program + 1);
	struct tg_image_program out = {(uint32_t)e->steps.n, steps.n / 2};

	e->program_number[program] = (uint32_t)e->programs.n;
	if (tg_vec_push(&e->programs, out) != 0)
		return -ENOMEM;
	for (uint32_t k = 0; k < steps.n; k += 2) {
		struct tg_image_step step = {steps.v[k], steps.v[k + 1]};

		if (tg_vec_push(&e->steps, step) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Programs that only dropped cells had are left out. Default programs are direct. */
static int emit_programs(struct emitter *e)
{
	size_t n = e->job->programs.steps.n;

	e->program_number = malloc((n + 1) * sizeof(*e->program_number));
	if (e->program_number == NULL)
		return -ENOMEM;
	memset(e->program_number, 0xff, n * sizeof(*e->program_number));
	for (size_t i = 0; i < e->cells.n; i++) {
		struct tg_image_cell *cell = &e->cells.v[i];

		if (cell->program & TG_PROGRAM_DIRECT)
			continue;
		if (e->program_number[cell->program] == TG_NONE &&
			emit_program(e, cell->program) != 0)
			return -ENOMEM;
		cell->program = e->program_number[cell->program];
	}
	return 0;
}

/* Adds a record whose strings are done; a string offset of TG_NONE means memory is out. */
static int push_rule(struct emitter *e, const struct tg_image_rule *rule)
{
	if (rule->ns == TG_NONE || rule->policy == TG_NONE || rule->text == TG_NONE ||
		rule->owner == TG_NONE)
		return -ENOMEM;
	return tg_vec_push(&e->rules, *rule);
}

static uint32_t intern_string(struct emitter *e, uint32_t string)
{
	return string_table_intern(&e->strings, e->job->cluster->strings, string);
}

static int emit_policy_rule(struct emitter *e, const struct rule *rule)
{
	const struct tg_policy *policy = e->job->policies->v.v[rule->policy].model;
	char buf[TEXT_MAX];
	struct text text = text_start(buf, sizeof(buf));
	struct tg_image_rule out = {
		.slot = tg_verdict_slot(rule->verdict),
		.kind = TG_RULE_POLICY,
		.direction = rule->direction,
		.action = TG_ACTION_ALLOW,
		.index = rule->model->index,
		.identity = rule->identity,
	};

	text_policy_rule(&text, e->job->cluster->strings, policy, rule->direction, rule->model);
	out.ns = intern_string(e, policy->ns);
	out.policy = intern_string(e, policy->name);
	out.owner = intern_string(e, policy->owner);
	out.text = string_table_add(&e->strings, text_end(&text));
	return push_rule(e, &out);
}

static int emit_implicit(struct emitter *e, size_t number)
{
	const struct implicit *implicit = &e->job->out->frame->rows.implicits.v[number];
	const struct policies *p = e->job->policies;
	const struct tg_policy *first = p->v.v[implicit->policies.v[0]].model;
	char names[NAMES_MAX], buf[TEXT_MAX];
	struct text list = text_start(names, sizeof(names)), text = text_start(buf, sizeof(buf));
	struct tg_image_rule out = {
		.slot = tg_verdict_slot(e->job->implicit[number]),
		.kind = TG_RULE_IMPLICIT,
		.direction = implicit->direction,
		.action = TG_ACTION_DENY,
		.index = TG_NONE,
		.identity = e->job->implicit_identity[number],
	};

	for (uint32_t i = 0; i < implicit->policies.n && !list.full; i++) {
		text_add(&list, i > 0 ? ", " : "");
		text_add(&list, job_text(e->job, p->v.v[implicit->policies.v[i]].model->name));
	}
	text_end(&list);
	text_add(&text, job_text(e->job, first->ns));
	text_printf(
		&text, " %s implicit deny: isolated by ", tg_direction_label(implicit->direction));
	text_add(&text, names);
	out.ns = intern_string(e, first->ns);
	out.policy = string_table_add(&e->strings, names);
	out.text = string_table_add(&e->strings, text_end(&text));
	return push_rule(e, &out);
}

static int emit_baseline(struct emitter *e, enum tg_direction dir, uint32_t ns)
{
	uint32_t verdict = e->job->baseline[dir][ns];
	uint32_t name = e->job->out->frame->scopes.names[ns];
	char buf[TEXT_MAX];
	struct text text = text_start(buf, sizeof(buf));
	struct tg_image_rule out = {
		.slot = tg_verdict_slot(verdict),
		.kind = TG_RULE_BASELINE,
		.direction = (uint8_t)dir,
		.action = (uint8_t)tg_verdict_action(verdict),
		.index = TG_NONE,
		.identity = e->job->baseline_identity[dir][ns],
	};

	if (out.slot < TG_SLOT_FIRST)
		return 0;
	text_add(&text, job_text(e->job, name));
	text_printf(&text, " %s baseline %s: no policy isolates the pod", tg_direction_label(dir),
		tg_action_label(out.action));
	out.ns = intern_string(e, name);
	out.text = string_table_add(&e->strings, text_end(&text));
	return push_rule(e, &out);
}

static int emit_tuple(struct emitter *e, size_t i)
{
	const struct tg_infrastructure *tuple = &e->job->options->infrastructure[i];
	char buf[TEXT_MAX];
	struct text text = text_start(buf, sizeof(buf));
	struct tg_image_rule out = {
		.slot = tg_verdict_slot(e->job->tuples[i].verdict),
		.kind = TG_RULE_INFRASTRUCTURE,
		.direction = TG_DIRECTION_COUNT,
		.action = TG_ACTION_ALLOW,
		.index = (uint32_t)i,
		.identity = e->job->tuple_identity[i],
	};

	text_infrastructure(&text, tuple, e->job->options->home.zone);
	out.policy = string_table_add(&e->strings, tuple->name != NULL ? tuple->name : "");
	out.text = string_table_add(&e->strings, text_end(&text));
	return push_rule(e, &out);
}

static int emit_limit(struct emitter *e, uint32_t ns)
{
	const struct limit *limit = &e->job->out->limits.v[ns];
	uint32_t name = e->job->out->frame->scopes.names[ns];
	char buf[TEXT_MAX];
	struct text text = text_start(buf, sizeof(buf));
	struct tg_image_rule out = {
		.slot = limit->slot,
		.kind = TG_RULE_NAMESPACE,
		.direction = TG_DIRECTION_COUNT,
		.action = TG_ACTION_DENY,
		.index = limit->limit,
		.identity = limit->identity,
	};

	if (limit->limit == 0)
		return 0;
	text_add(&text, job_text(e->job, name));
	text_printf(&text, " at most %u connections", limit->limit);
	out.ns = intern_string(e, name);
	out.text = string_table_add(&e->strings, text_end(&text));
	return push_rule(e, &out);
}

static int compare_rules(const void *a, const void *b)
{
	const struct tg_image_rule *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

static int emit_rules(struct emitter *e)
{
	struct tg_compiled *out = e->job->out;
	int err = string_table_init(&e->strings, e->job->cluster->strings);

	for (size_t i = 0; i < e->job->options->n_infrastructure && err == 0; i++)
		err = emit_tuple(e, i);
	for (size_t i = 0; i < e->job->policies->rules.n && err == 0; i++)
		err = emit_policy_rule(e, &e->job->policies->rules.v[i]);
	for (size_t i = 0; i < out->frame->rows.implicits.n && err == 0; i++)
		err = emit_implicit(e, i);
	for (int dir = 0; dir < TG_DIRECTION_COUNT && err == 0; dir++)
		for (uint32_t ns = 0; ns < out->frame->scopes.n && err == 0; ns++)
			err = emit_baseline(e, dir, ns);
	for (uint32_t ns = 0; ns < out->limits.n && err == 0; ns++)
		err = emit_limit(e, ns);
	if (err == 0 && e->rules.n > 0)
		qsort(e->rules.v, e->rules.n, sizeof(*e->rules.v), compare_rules);
	return err;
}

static int build(struct emitter *e)
{
	struct job *job = e->job;
	const struct tg_image_parts parts = {
		.addr4 = e->addr4.v,
		.n_addr4 = e->addr4.n,
		.addr6 = e->addr6.v,
		.n_addr6 = e->addr6.n,
		.prefix4 = e->prefix4.v,
		.n_prefix4 = e->prefix4.n,
		.prefix6 = e->prefix6.v,
		.n_prefix6 = e->prefix6.n,
		.classes = e->classes.v,
		.n_classes = e->classes.n,
		.cells = e->cells.v,
		.n_cells = e->cells.n,
		.programs = e->programs.v,
		.n_programs = e->programs.n,
		.steps = e->steps.v,
		.n_steps = e->steps.n,
		.rules = e->rules.v,
		.n_rules = e->rules.n,
		.strings = e->strings.v.v,
		.n_strings = e->strings.v.n,
		.generation = job->options->generation,
		.compiled_at = job->options->now_ms,
		.delta_sequence = job->options->delta_sequence,
		.n_rows = e->n_rows,
		.n_columns = e->n_columns,
		.slot_limit = slots_limit(job->slots),
	};
	int err = tg_image_build(&parts, &job->out->image, &job->out->image_size);

	return err == -E2BIG ? job_fail(job, err, "the image would be larger than %llu bytes",
				       (unsigned long long)TG_IMAGE_MAX_SIZE)
			     : err;
}

static void count(const struct emitter *e)
{
	const struct job *job = e->job;

	job->out->stats = (struct tg_compile_stats){
		.endpoints = job->out->endpoints->n,
		.classes = e->classes.n,
		.rows = e->n_rows,
		.groups = job->groups.n,
		.columns = e->n_columns,
		.cells = e->cells.n,
		.programs = e->programs.n,
		.steps = e->steps.n,
		.prefixes = e->prefix4.n + e->prefix6.n,
		.rules = e->rules.n,
		.image_size = job->out->image_size,
	};
}

static void emitter_free(struct emitter *e)
{
	tg_vec_free(&e->addr4);
	tg_vec_free(&e->addr6);
	tg_vec_free(&e->prefix4);
	tg_vec_free(&e->prefix6);
	tg_vec_free(&e->classes);
	tg_vec_free(&e->cells);
	tg_vec_free(&e->programs);
	tg_vec_free(&e->steps);
	tg_vec_free(&e->rules);
	string_table_free(&e->strings);
	free(e->row_number);
	free(e->column_number);
	free(e->program_number);
}

int job_emit(struct job *job)
{
	static int (*const stages[])(struct emitter *) = {emit_addrs, emit_prefixes, number_cells,
		emit_classes, emit_programs, emit_rules, build};
	struct emitter e = {.job = job};
	int err = 0;

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && err == 0; i++)
		err = stages[i](&e);
	if (err == 0)
		count(&e);
	emitter_free(&e);
	return err;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "image.h"
#include "kept.h"

#define DEFAULT_CELL_BUDGET 262144u
#define DEFAULT_SLOT_CAPACITY (1u << 20)

struct tg_compiler {
	struct slots slots;
};

struct tg_compiler *tg_compiler_create(void)
{
	struct tg_compiler *compiler = calloc(1, sizeof(*compiler));

	if (compiler != NULL && slots_init(&compiler->slots) != 0) {
		free(compiler);
		return NULL;
	}
	return compiler;
}

void tg_compiler_free(struct tg_compiler *compiler)
{
	if (compiler == NULL)
		return;
	slots_free(&compiler->slots);
	free(compiler);
}

static int adopt(struct slots *slots, const struct tg_image *image)
{
	uint64_t generation = image->header->generation;
	uint32_t limit = image->header->slot_limit;
	int err = 0;

	for (uint32_t i = 0; i < image->n_rules && err == 0; i++)
		if (image->rules[i].slot >= TG_SLOT_FIRST)
			err = slots_adopt(
				slots, image->rules[i].slot, image->rules[i].identity, generation);
	/* Slots that the image only reserves may be referred to by older connections. */
	if (err == 0 && limit > TG_SLOT_FIRST)
		err = slots_adopt(slots, limit - 1, 0, generation);
	return err;
}

int tg_compiler_adopt_slots(struct tg_compiler *compiler, const void *data, size_t size)
{
	struct tg_image image;
	struct tg_image_error error;
	struct slots copy;
	int err;

	if (tg_image_check(data, size, &image, &error) != 0)
		return -EINVAL;
	err = slots_copy(&copy, &compiler->slots);
	if (err != 0)
		return err;
	err = adopt(&copy, &image);
	if (err != 0) {
		slots_free(&copy);
		return err;
	}
	slots_free(&compiler->slots);
	compiler->slots = copy;
	return 0;
}

void tg_compiler_slots_swept(struct tg_compiler *compiler, uint64_t generation)
{
	if (generation > compiler->slots.swept)
		compiler->slots.swept = generation;
}

int job_fail(struct job *job, int err, const char *fmt, ...)
{
	va_list ap;

	if (job->error_size == 0 || job->error[0] != '\0')
		return err;
	va_start(ap, fmt);
	vsnprintf(job->error, job->error_size, fmt, ap);
	va_end(ap);
	return err;
}

static bool prefix_is_sane(const struct tg_prefix *prefix)
{
	return (prefix->addr.family == 4 || prefix->addr.family == 6) &&
	       prefix->length <= tg_family_bits(prefix->addr.family);
}

static int check_tuple(struct job *job, size_t i)
{
	const struct tg_infrastructure *tuple = &job->options->infrastructure[i];

	if (!tuple->from_nodes && !prefix_is_sane(&tuple->from))
		return job_fail(job, -EINVAL, "infrastructure[%zu].from is no prefix", i);
	if (!tuple->to_nodes && !prefix_is_sane(&tuple->to))
		return job_fail(job, -EINVAL, "infrastructure[%zu].to is no prefix", i);
	if (tuple->lo > tuple->hi)
		return job_fail(job, -EINVAL, "infrastructure[%zu]: ports %u-%u are reversed", i,
			tuple->lo, tuple->hi);
	return 0;
}

static int check_zone(struct job *job, size_t i)
{
	const struct tg_zone_options *zone = zone_options_at(job->options, i);

	for (size_t k = 0; k < zone->n_pod_ranges; k++)
		if (!prefix_is_sane(&zone->pod_ranges[k]))
			return job_fail(job, -EINVAL, "pod_ranges[%zu] of zone %u is no prefix", k,
				zone->zone);
	return 0;
}

static int check_options(struct job *job)
{
	const struct tg_compile_options *o = job->options;
	int err = 0;

	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		if ((unsigned int)o->default_action[dir] > TG_DEFAULT_KUBERNETES)
			return job_fail(job, -EINVAL, "default_action is none of the three");
	if (job->slot_capacity <= TG_SLOT_FIRST || job->slot_capacity > TG_VERDICT_SLOT_MASK + 1)
		return job_fail(job, -EINVAL, "slot_capacity %u is not within %u..%u",
			job->slot_capacity, TG_SLOT_FIRST + 1, TG_VERDICT_SLOT_MASK + 1);
	for (size_t i = 0; i < zone_options_count(o) && err == 0; i++)
		err = check_zone(job, i);
	for (size_t i = 0; i < o->n_infrastructure && err == 0; i++)
		err = check_tuple(job, i);
	return err;
}

typedef int (*stage)(struct job *job);

static int run_stages(struct job *job, const stage *stages)
{
	int err = 0;

	for (size_t i = 0; stages[i] != NULL && err == 0; i++)
		err = stages[i](job);
	return err;
}

static int run(struct job *job)
{
	static const stage all[] = {job_load, job_take_slots, job_assign, job_remark_addresses,
		job_take_rests, job_build_tables, job_remark, job_emit, NULL};
	static const stage again[] = {job_take_slots, job_remark_addresses, job_take_rests,
		job_rebuild_tables, job_remark, job_emit, NULL};
	struct kept *kept = job->kept;
	int err = check_options(job);

	if (err != 0 || !kept_applies(kept, job)) {
		kept_free(kept);
		return err == 0 ? run_stages(job, all) : err;
	}
	err = kept_resume(kept, job);
	return err == 0 ? run_stages(job, again) : err;
}

static void job_free(struct job *job)
{
	identity_free(&job->identity);
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		free(job->baseline[dir]);
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		free(job->baseline_identity[dir]);
	free(job->implicit);
	free(job->implicit_identity);
	free(job->rest);
	free(job->tuples);
	free(job->tuple_identity);
	free(job->profile_of);
	free(job->class_of_endpoint);
	free(job->class_of_prefix);
	expander_free(&job->expander);
	reach_free(&job->reach);
	groups_free(&job->groups);
	cells_free(&job->cells);
	port_programs_free(&job->programs);
	policies_free(&job->own);
	free(job->changed);
	tables_before_free(&job->before);
	tg_vec_free(&job->strays);
	tg_vec_free(&job->outside);
}

static bool any_over(const struct job *job)
{
	bool any = false;

	for (size_t i = 0; i < job->cluster->n_namespaces; i++)
		any |= job->over[i];
	return any;
}

/* The model may go after the compilation: nothing of it is kept. */
static void forget_model(struct policies *policies)
{
	for (size_t i = 0; i < policies->v.n; i++)
		policies->v.v[i].model = NULL;
	for (size_t i = 0; i < policies->rules.n; i++)
		policies->rules.v[i].model = NULL;
}

static struct tg_compiled *compiled_create(void)
{
	struct tg_compiled *compiled = calloc(1, sizeof(*compiled));

	if (compiled == NULL)
		return NULL;
	compiled->arena = tg_arena_create(0);
	compiled->warnings.arena = compiled->arena;
	if (compiled->arena == NULL) {
		free(compiled);
		return NULL;
	}
	return compiled;
}

/* One attempt, on a copy of the slots. On success job->out and *slots are the caller's. */
static int attempt(struct job *job, const struct slots *before, struct slots *slots)
{
	int err = slots_copy(slots, before);

	if (err != 0) {
		kept_free(job->kept);
		return err;
	}
	slots_begin(slots);
	job->slots = slots;
	job->out = compiled_create();
	err = job->out == NULL ? -ENOMEM : identity_init(&job->identity, job->cluster->strings);
	if (err == 0)
		err = run(job);
	else
		kept_free(job->kept);
	if (err == -EOVERFLOW && job_blame(job) == 0)
		err = -EAGAIN;
	if (err == -ESTALE) {
		memset(job->over, 0, job->cluster->n_namespaces * sizeof(*job->over));
		err = -EAGAIN;
	}
	if (err == 0 && job->options->cache != NULL && !any_over(job))
		job->cache->kept = kept_create(job);
	if (err == 0 && job->changed == NULL)
		forget_model(job->policies);
	job_free(job);
	if (err == 0)
		return 0;
	slots_free(slots);
	tg_compiled_free(job->out);
	job->out = NULL;
	return err;
}

/* Attempts until it is done; each failed for its size leaves out more namespaces, so it ends. */
static int attempt_all(struct job *start, const struct slots *before, struct slots *slots,
	struct tg_compiled **out)
{
	struct job job;
	int err;

	do {
		job = *start;
		start->kept = NULL;
		err = attempt(&job, before, slots);
	} while (err == -EAGAIN);
	*out = job.out;
	return err == -EOVERFLOW ? -E2BIG : err;
}

/* With the cache of the options, or with one for this time only. */
static int attempt_cached(
	struct job *job, const struct slots *before, struct slots *slots, struct tg_compiled **out)
{
	struct tg_compile_cache own = {0};
	int err;

	job->cache = job->options->cache != NULL ? job->options->cache : &own;
	err = cache_follow(job->cache, job->cluster, job->options);
	job->kept = job->cache->kept;
	job->cache->kept = NULL;
	job->over = calloc(job->cluster->n_namespaces + 1, sizeof(*job->over));
	if (job->over == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = attempt_all(job, before, slots, out);
	else
		kept_free(job->kept);
	free(job->over);
	tg_compile_cache_clear(&own);
	return err;
}

int tg_compile(struct tg_compiler *compiler, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, struct tg_compiled **out, char *error,
	size_t error_size)
{
	uint64_t started = tg_clock_us(CLOCK_MONOTONIC);
	struct tg_compiled *compiled = NULL;
	struct slots slots;
	struct job job = {
		.cluster = cluster,
		.options = options,
		.slot_capacity = options->slot_capacity != 0 ? options->slot_capacity
							     : DEFAULT_SLOT_CAPACITY,
		.budget = options->cell_budget != 0 ? options->cell_budget : DEFAULT_CELL_BUDGET,
		.error = error,
		.error_size = error_size,
	};
	int err;

	if (error_size > 0)
		error[0] = '\0';
	err = attempt_cached(&job, &compiler->slots, &slots, &compiled);
	if (err != 0)
		return job_fail(&job, err, "%s", strerror(-err));
	slots_finish(&slots, options->generation);
	slots_free(&compiler->slots);
	compiler->slots = slots;
	compiled->stats.duration_us = tg_clock_us(CLOCK_MONOTONIC) - started;
	*out = compiled;
	return 0;
}

void tg_compiled_free(struct tg_compiled *compiled)
{
	if (compiled == NULL)
		return;
	frame_unref(compiled->frame);
	limits_free(&compiled->limits);
	endpoints_unref(compiled->endpoints);
	warnings_free(&compiled->warnings);
	tg_arena_free(compiled->arena);
	free(compiled->image);
	free(compiled);
}

const void *tg_compiled_image(const struct tg_compiled *compiled, size_t *size)
{
	*size = compiled->image_size;
	return compiled->image;
}

const struct tg_compile_stats *tg_compiled_stats(const struct tg_compiled *compiled)
{
	return &compiled->stats;
}

const struct tg_warning *tg_compiled_warnings(const struct tg_compiled *compiled, size_t *n)
{
	*n = compiled->warnings.v.n;
	return compiled->warnings.v.v;
}

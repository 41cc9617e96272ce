/* SPDX-License-Identifier: BSD-3-Clause */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

/* The same decisions: everything but what tells one compilation from another. */
static bool same_content(const struct tg_target *previous, const void *image, size_t size)
{
	const struct tg_image_header *was = previous->image, *is = image;
	struct tg_image_header a, b;

	if (previous->size != size)
		return false;
	a = *was;
	b = *is;
	a.generation = b.generation = 0;
	a.compiled_at = b.compiled_at = 0;
	a.delta_sequence = b.delta_sequence = 0;
	a.checksum = b.checksum = 0;
	return memcmp(&a, &b, sizeof(a)) == 0 && memcmp(was + 1, is + 1, size - sizeof(a)) == 0;
}

static void note_result(struct tg_job *job, const struct tg_compiled *compiled)
{
	const struct tg_warning *warnings;
	size_t n;

	job->stats = *tg_compiled_stats(compiled);
	warnings = tg_compiled_warnings(compiled, &n);
	for (size_t i = 0; i < n; i++)
		job->warnings[warnings[i].kind]++;
}

static void free_deltas(void *deltas)
{
	tg_deltas_free(deltas);
}

/* What was compiled becomes a target, unless it decides as the previous one did. */
static int finish(struct tg_job *job)
{
	size_t size;
	const void *image = tg_compiled_image(tg_deltas_compiled(job->deltas), &size);
	int err;

	if (!job->force && job->previous != NULL && same_content(job->previous, image, size))
		return 0;
	err = tg_target_create(image, size, &job->target);
	if (err != 0)
		return err;
	job->target->owner = job->deltas;
	job->target->owner_free = free_deltas;
	return 0;
}

void tg_job_run(struct tg_job *job)
{
	uint64_t from = uv_hrtime();
	struct tg_compiled *compiled;

	tg_compiler_slots_swept(job->compiler, job->swept);
	job->err = tg_compile(job->compiler, &job->view->cluster, &job->options, &compiled,
		job->error, sizeof(job->error));
	job->us = (uv_hrtime() - from) / 1000;
	if (job->err != 0)
		return;
	note_result(job, compiled);
	job->err = tg_deltas_create(compiled, job->hold, &job->deltas);
	job->hold = NULL;
	if (job->err != 0)
		return;
	job->err = finish(job);
	if (job->err != 0) {
		snprintf(job->error, sizeof(job->error), "%s", strerror(-job->err));
		tg_deltas_free(job->deltas);
		job->deltas = NULL;
	}
}

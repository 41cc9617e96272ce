/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct program_line) == 64, "one cache line");

static uint32_t resolved(const struct tg_image *image, uint32_t word)
{
	return (word & TG_VERDICT_EXT) != 0 ? image->exts[tg_verdict_slot(word)].verdict : word;
}

static uint32_t lines_of(const struct tg_image_program *program)
{
	const uint32_t lines =
		program->count / PROGRAM_STEPS + (program->count % PROGRAM_STEPS != 0 ? 1 : 0);

	return lines == 1 ? 1 : lines + 1;
}

static void write_line(struct program_line *line, const struct tg_image *image,
	const struct tg_image_step *steps, uint32_t n)
{
	for (uint32_t i = 0; i < PROGRAM_STEPS; i++) {
		line->start[i] = i < n ? steps[i].start : PROGRAM_PAD;
		line->verdict[i] = i < n ? resolved(image, steps[i].verdict) : 0;
	}
}

/* Writes a program from line `at` on; its reference. */
static uint32_t write_program(struct programs *t, const struct tg_image *image,
	const struct tg_image_program *program, uint32_t at)
{
	const struct tg_image_step *steps = &image->steps[program->first];
	const uint32_t lines = lines_of(program);
	struct program_line *line = &t->lines[at];
	uint32_t done = 0;

	if (lines == 1) {
		write_line(line, image, steps, program->count);
		return at;
	}
	line->start[0] = lines - 1;
	for (uint32_t i = 1; i < lines; i++, done += PROGRAM_STEPS)
		write_line(line + i, image, steps + done,
			RTE_MIN(PROGRAM_STEPS, program->count - done));
	return at | PROGRAM_LONG;
}

int programs_build(struct programs *t, const struct tg_image *image, int socket)
{
	uint64_t n_lines = 1;
	uint32_t at = 1;

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < image->n_programs; i++)
		n_lines += lines_of(&image->programs[i]);
	if (n_lines >= PROGRAM_LONG)
		return -E2BIG;
	t->n_lines = (uint32_t)n_lines;
	t->lines = table_alloc(n_lines, sizeof(*t->lines), socket);
	t->references = malloc((size_t)(image->n_programs + 1) * sizeof(*t->references));
	if (t->lines == NULL || t->references == NULL) {
		programs_release(t);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < image->n_programs; i++) {
		t->references[i] = write_program(t, image, &image->programs[i], at);
		at += lines_of(&image->programs[i]);
	}
	return 0;
}

uint32_t programs_reference(
	const struct programs *t, const struct tg_image *image, uint32_t reference)
{
	if ((reference & TG_PROGRAM_DIRECT) == 0)
		return t->references[reference];
	return TG_PROGRAM_DIRECT | resolved(image, reference & ~TG_PROGRAM_DIRECT);
}

void programs_built(struct programs *t)
{
	free(t->references);
	t->references = NULL;
}

void programs_release(struct programs *t)
{
	programs_built(t);
	rte_free(t->lines);
	memset(t, 0, sizeof(*t));
}

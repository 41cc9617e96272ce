/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port programs as cache lines of 8 steps: key (protocol << 16 | port) to verdict word. Built
 * once, never edited.
 *
 * A program reference of the classifier is a verdict word with TG_PROGRAM_DIRECT, or the number of
 * a line; with PROGRAM_LONG the number of a line that says in start[0] how many lines follow it.
 * Line 0 is nobody's: readers that have a verdict word already may look there.
 */
#ifndef TG_CLASSIFY_PROGRAM_H
#define TG_CLASSIFY_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "memory.h"

#define PROGRAM_STEPS 8u
#define PROGRAM_LONG (1u << 30)
#define PROGRAM_NONE 0x7fffffffu /* no reference at all */
#define PROGRAM_PAD 0x7fffffffu	 /* the start of a step that is not there; above every key */

struct program_line {
	uint32_t start[PROGRAM_STEPS];
	uint32_t verdict[PROGRAM_STEPS]; /* verdict words, EXT resolved */
};

struct programs {
	struct program_line *lines;
	uint32_t n_lines;
	uint32_t *references; /* while building: by program of the image */
};

/* 0, -ENOMEM or -E2BIG; then the table is as programs_release leaves it. */
int programs_build(struct programs *t, const struct tg_image *image, int socket);
/* The image's program reference as one of ours; only until programs_built. */
uint32_t programs_reference(
	const struct programs *t, const struct tg_image *image, uint32_t reference);
/* Gives back what only building needs. */
void programs_built(struct programs *t);
void programs_release(struct programs *t);

/* The line of a long program that has the key's step; `head` is what its reference names. */
static inline const struct program_line *program_find_line(
	const struct program_line *head, uint32_t key)
{
	const struct program_line *base = head + 1;
	uint32_t n = head->start[0];

	while (n > 1) {
		const uint32_t half = n / 2;

		base = base[half].start[0] <= key ? base + half : base;
		n -= half;
	}
	return base;
}

#endif

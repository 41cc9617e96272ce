/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random ruleset images that the checker accepts: no cluster behind them, but every feature of the
 * format in all combinations. The same shape and seed give the same image.
 */
#ifndef TG_TEST_SYNTHETIC_H
#define TG_TEST_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "builder.h"
#include "image.h"

/* How many of each; addresses and prefixes are upper limits, since duplicates are dropped. */
struct synthetic_shape {
	uint32_t zones; /* numbered 0, 3, 6, ... */
	uint32_t addrs4, addrs6, prefixes4, prefixes6;
	uint32_t classes, rows, columns, cells;
	uint32_t programs, max_steps;
	uint32_t rules;	    /* 0: 1024 */
	uint32_t wide_rows; /* of the rows: those that get half of all cells */
	uint32_t narrow;    /* not 0: addresses are of a few /24 (/120), to collide with prefixes */
};

struct synthetic {
	uint64_t state; /* of the random numbers */
	struct tg_image_parts parts;
	void *data;
	size_t size;
	struct tg_image image;
};

/* Exits the test when memory is out or the checker refuses the image. */
void synthetic_make(struct synthetic *s, const struct synthetic_shape *shape, uint64_t seed);
/* Builds the image again after a change of the parts. */
void synthetic_rebuild(struct synthetic *s);
void synthetic_free(struct synthetic *s);

uint64_t synthetic_random(struct synthetic *s);
/* 0..n-1 */
uint32_t synthetic_below(struct synthetic *s, uint32_t n);
/* A query near where verdicts change: exact addresses, edges of prefixes and of steps. */
void synthetic_query(struct synthetic *s, struct tg_image_query *query);

#endif

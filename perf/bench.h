/* SPDX-License-Identifier: BSD-3-Clause */
/* What every benchmark needs: options, clocks, random numbers, medians, a file for its figures. */
#ifndef TG_PERF_BENCH_H
#define TG_PERF_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Says why, after the program's name, and ends it. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* One option; exactly one of the three places is set. A list of them ends with a NULL name. */
struct bench_option {
	const char *name; /* without the dashes */
	bool *flag;	  /* takes no value */
	const char **text;
	uint32_t *number;
	uint32_t least, most; /* of `number` */
};

/* Whatever is not one of these ends the program, with the names of those that there are. */
void bench_options(int argc, char **argv, const struct bench_option *options);

/* Nanoseconds; CLOCK_THREAD_CPUTIME_ID does not count what others do on a busy machine. */
static inline uint64_t bench_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* SplitMix64. */
static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

/* Any number below `n`. */
static inline uint32_t bench_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((bench_random(state) >> 32) * n >> 32);
}

/* Leaves `v` sorted, the smallest first. n > 0. */
double bench_median(double *v, size_t n);

/* The file that `--json` names. What fails ends the program. */
FILE *bench_figures_open(const char *path);
void bench_figures_close(FILE *to);

#endif

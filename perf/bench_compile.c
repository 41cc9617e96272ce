/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the compiler takes: generated clusters from 100 to 100,000 pods, compiled several times
 * by one compiler (the first time is the cold one), and pods placed in what was compiled. Medians,
 * spread, table sizes, peak memory.
 *
 *	bench_compile [--json PATH] [--rounds N] [--pods N --policies N]
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "compile.h"
#include "gen.h"
#include "image.h"

#define ROUNDS_MAX 100
#define PLACEMENTS 2000u

struct size {
	uint32_t pods, policies;
};

struct figures {
	struct size size;
	struct tg_compile_stats stats;
	double cold_ms, median_ms, best_ms, worst_ms, cpu_ms, place_us;
	size_t warnings;
	long peak_kib;
	uint32_t placed;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Of this process: what the machine's other work does not disturb much. */
static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median time of placing one replica; how many of PLACEMENTS needed no new class. */
static void bench_place(struct tg_gen *gen, const struct tg_compiled *compiled, struct figures *out)
{
	static double times[PLACEMENTS];
	size_t n_pods = tg_gen_cluster(gen)->n_pods, n = 0;

	for (size_t i = 0; i < PLACEMENTS; i++) {
		const struct tg_pod *pod = tg_gen_replica(gen, i * 7919 % n_pods);
		struct tg_placement places[8];
		double start;

		if (pod == NULL || pod->n_addrs > 8)
			continue;
		start = now_ms();
		if (tg_compiled_place_pod(compiled, pod, places) > 0)
			out->placed++;
		times[n++] = (now_ms() - start) * 1e3;
	}
	qsort(times, n, sizeof(times[0]), compare);
	out->place_us = n > 0 ? times[n / 2] : 0;
}

static int check(const struct tg_compiled *compiled)
{
	struct tg_image_error error;
	struct tg_image image;
	size_t size;
	const void *data = tg_compiled_image(compiled, &size);

	if (tg_image_check(data, size, &image, &error) == 0)
		return 0;
	fprintf(stderr, "bench_compile: the image is refused: %s\n", error.text);
	return -EINVAL;
}

static int bench_rounds(struct tg_gen *gen, int rounds, struct figures *out)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct tg_compile_options options = {0};
	struct tg_compiled *compiled = NULL;
	double times[ROUNDS_MAX], cpu[ROUNDS_MAX];
	char error[256];
	int err = 0;

	if (compiler == NULL)
		return -ENOMEM;
	options.pod_ranges = tg_gen_pod_ranges(gen, &options.n_pod_ranges);
	for (int i = 0; i < rounds && err == 0; i++) {
		double start, cpu_start;

		tg_compiled_free(compiled);
		compiled = NULL;
		start = now_ms();
		cpu_start = cpu_ms();
		options.generation = (uint64_t)i + 1;
		err = tg_compile(
			compiler, tg_gen_cluster(gen), &options, &compiled, error, sizeof(error));
		times[i] = now_ms() - start;
		cpu[i] = cpu_ms() - cpu_start;
	}
	if (err != 0) {
		fprintf(stderr, "bench_compile: %s\n", error);
		tg_compiler_free(compiler);
		return err;
	}
	out->cold_ms = times[0];
	qsort(times, (size_t)rounds, sizeof(times[0]), compare);
	qsort(cpu, (size_t)rounds, sizeof(cpu[0]), compare);
	out->cpu_ms = cpu[rounds / 2];
	out->median_ms = times[rounds / 2];
	out->best_ms = times[0];
	out->worst_ms = times[rounds - 1];
	out->stats = *tg_compiled_stats(compiled);
	tg_compiled_warnings(compiled, &out->warnings);
	err = check(compiled);
	bench_place(gen, compiled, out);
	tg_compiled_free(compiled);
	tg_compiler_free(compiler);
	return err;
}

static int bench_size(struct size size, int rounds, struct figures *out)
{
	struct tg_gen_shape shape;
	struct tg_gen *gen;
	struct rusage usage;
	int err;

	tg_gen_shape_of(&shape, size.pods, size.policies);
	gen = tg_gen_create(&shape);
	if (gen == NULL)
		return -errno;
	*out = (struct figures){.size = size};
	err = bench_rounds(gen, rounds, out);
	tg_gen_free(gen);
	getrusage(RUSAGE_SELF, &usage);
	out->peak_kib = usage.ru_maxrss;
	return err;
}

static void print_row(const struct figures *f)
{
	printf("%7u %8u | %8.1f %8.1f %8.1f %8.1f %8.1f | %7.1f | %7zu %6zu %6zu %8zu %8zu %9.1f %8.1f\n",
		f->size.pods, f->size.policies, f->cold_ms, f->median_ms, f->best_ms, f->worst_ms,
		f->cpu_ms, f->place_us, f->stats.classes, f->stats.rows, f->stats.groups,
		f->stats.cells, f->stats.programs, (double)f->stats.image_size / 1e6,
		(double)f->peak_kib / 1024);
}

static void print_json(FILE *to, const struct figures *f, bool last)
{
	fprintf(to,
		"  {\"pods\": %u, \"policies\": %u, \"cold_ms\": %.2f, \"median_ms\": %.2f, "
		"\"best_ms\": %.2f, \"worst_ms\": %.2f, \"cpu_ms\": %.2f, \"place_us\": %.2f, \"placed\": %u, "
		"\"place_tries\": %u, \"classes\": %zu, \"rows\": %zu, \"groups\": %zu, "
		"\"columns\": %zu, \"cells\": %zu, \"programs\": %zu, \"steps\": %zu, "
		"\"prefixes\": %zu, \"rules\": %zu, \"warnings\": %zu, \"image_bytes\": %zu, "
		"\"peak_kib\": %ld}%s\n",
		f->size.pods, f->size.policies, f->cold_ms, f->median_ms, f->best_ms, f->worst_ms,
		f->cpu_ms, f->place_us, f->placed, PLACEMENTS, f->stats.classes, f->stats.rows,
		f->stats.groups, f->stats.columns, f->stats.cells, f->stats.programs,
		f->stats.steps, f->stats.prefixes, f->stats.rules, f->warnings, f->stats.image_size,
		f->peak_kib, last ? "" : ",");
}

static int run(const struct size *sizes, size_t n, int rounds, const char *json)
{
	struct figures figures[8];
	FILE *to;

	printf("compile: %d rounds a size; ms; placement in us; image and peak memory in MB\n",
		rounds);
	printf("%7s %8s | %8s %8s %8s %8s %8s | %7s | %7s %6s %6s %8s %8s %9s %8s\n", "pods",
		"policies", "cold", "median", "best", "worst", "cpu", "place", "classes", "rows",
		"groups", "cells", "programs", "image", "peak");
	for (size_t i = 0; i < n; i++) {
		int err = bench_size(sizes[i], rounds, &figures[i]);

		if (err != 0) {
			fprintf(stderr, "bench_compile: %s\n", strerror(-err));
			return 1;
		}
		print_row(&figures[i]);
		fflush(stdout);
	}
	if (json == NULL)
		return 0;
	to = fopen(json, "w");
	if (to == NULL) {
		fprintf(stderr, "bench_compile: %s: %s\n", json, strerror(errno));
		return 1;
	}
	fprintf(to, "{\"benchmark\": \"compile\", \"rounds\": %d, \"sizes\": [\n", rounds);
	for (size_t i = 0; i < n; i++)
		print_json(to, &figures[i], i + 1 == n);
	fprintf(to, "]}\n");
	return fclose(to) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct size usual[] = {
		{100, 100}, {1000, 300}, {10000, 1000}, {100000, 10000}};
	static const struct option options[] = {
		{"json", required_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'},
		{"pods", required_argument, NULL, 'p'},
		{"policies", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	struct size one = {0};
	const char *json = NULL;
	int rounds = 9, c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'r')
			rounds = atoi(optarg);
		else if (c == 'p')
			one.pods = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'n')
			one.policies = (uint32_t)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "bench_compile: --rounds takes 1..%d\n", ROUNDS_MAX);
		return 2;
	}
	if (one.pods != 0)
		return run(&one, 1, rounds, json);
	return run(usual, sizeof(usual) / sizeof(usual[0]), rounds, json);
}

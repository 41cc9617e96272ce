/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the compiler takes: generated clusters from 100 to 100,000 pods, compiled several times
 * by one compiler (the first time is the cold one); the same with a cache, after a policy's port
 *was changed (edit), after a pod has got the labels of another (relabel) and after a pod has come
 *(add); pods placed in what was compiled. Medians, spread, table sizes, peak memory.
 *
 *	bench_compile [--json PATH] [--rounds N] [--pods N --policies N]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "compile.h"
#include "gen.h"
#include "image.h"
#include "vec.h"

#define ROUNDS_MAX 100
#define PLACEMENTS 2000u
#define SIZES_MAX 4

struct size {
	uint32_t pods, policies;
};

/* What changes between two compilations with a cache. */
enum change { CHANGE_EDIT, CHANGE_RELABEL, CHANGE_ADD, CHANGE_COUNT };

static const char *const change_names[] = {"edit", "relabel", "add"};

/* Of some rounds. */
struct timing {
	double median_ms, best_ms, worst_ms;
	double cpu_ms; /* of this process: what the machine's other work does not disturb much */
};

struct figures {
	struct size size;
	struct timing first, again[CHANGE_COUNT];
	struct tg_compile_stats stats;
	double cold_ms, place_us;
	size_t warnings;
	long peak_kib;
	uint32_t placed;
};

static double ms_of(clockid_t clock)
{
	return (double)bench_ns(clock) / 1e6;
}

static struct timing timing_of(double *ms, double *cpu_ms, uint32_t n)
{
	const double median = bench_median(ms, n);

	return (struct timing){median, ms[0], ms[n - 1], bench_median(cpu_ms, n)};
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
		start = ms_of(CLOCK_MONOTONIC);
		if (tg_compiled_place_pod(compiled, pod, NULL, places) > 0)
			out->placed++;
		times[n++] = (ms_of(CLOCK_MONOTONIC) - start) * 1e3;
	}
	out->place_us = n > 0 ? bench_median(times, n) : 0;
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

static int bench_rounds(struct tg_gen *gen, uint32_t rounds, struct figures *out)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct tg_compile_options options = {0};
	struct tg_compiled *compiled = NULL;
	double times[ROUNDS_MAX], cpu[ROUNDS_MAX];
	char error[256];
	int err = 0;

	if (compiler == NULL)
		return -ENOMEM;
	options.home.pod_ranges = tg_gen_pod_ranges(gen, &options.home.n_pod_ranges);
	for (uint32_t i = 0; i < rounds && err == 0; i++) {
		double start, cpu_start;

		tg_compiled_free(compiled);
		compiled = NULL;
		start = ms_of(CLOCK_MONOTONIC);
		cpu_start = ms_of(CLOCK_PROCESS_CPUTIME_ID);
		options.generation = i + 1;
		err = tg_compile(
			compiler, tg_gen_cluster(gen), &options, &compiled, error, sizeof(error));
		times[i] = ms_of(CLOCK_MONOTONIC) - start;
		cpu[i] = ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
	}
	if (err != 0) {
		fprintf(stderr, "bench_compile: %s\n", error);
		tg_compiler_free(compiler);
		return err;
	}
	out->cold_ms = times[0];
	out->first = timing_of(times, cpu, rounds);
	out->stats = *tg_compiled_stats(compiled);
	tg_compiled_warnings(compiled, &out->warnings);
	err = check(compiled);
	bench_place(gen, compiled, out);
	tg_compiled_free(compiled);
	tg_compiler_free(compiler);
	return err;
}

/* A cluster with pods and policies of its own instead of some of the generated ones. */
struct edited {
	struct tg_cluster cluster;
	const struct tg_pod **pods;
	const struct tg_policy **policies;
	TG_VEC(void *) owned; /* until the end: a cache may refer to them */
	uint32_t changes;
};

static int edited_open(struct edited *e, const struct tg_cluster *cluster, uint32_t rounds)
{
	size_t room = cluster->n_pods + CHANGE_COUNT * rounds;

	*e = (struct edited){.cluster = *cluster};
	e->pods = malloc(room * sizeof(*e->pods));
	e->policies = malloc((cluster->n_policies + 1) * sizeof(*e->policies));
	if (e->pods == NULL || e->policies == NULL)
		return -ENOMEM;
	memcpy(e->pods, cluster->pods, cluster->n_pods * sizeof(*e->pods));
	memcpy(e->policies, cluster->policies, cluster->n_policies * sizeof(*e->policies));
	e->cluster.pods = e->pods;
	e->cluster.policies = e->policies;
	return 0;
}

static void edited_close(struct edited *e)
{
	for (size_t i = 0; i < e->owned.n; i++)
		free(e->owned.v[i]);
	tg_vec_free(&e->owned);
	free(e->pods);
	free(e->policies);
}

static void *own(struct edited *e, const void *what, size_t size)
{
	void *copy = malloc(size);

	if (copy == NULL || tg_vec_push(&e->owned, copy) != 0)
		bench_die("out of memory");
	return memcpy(copy, what, size);
}

/* The first rule with a numbered port, of the policies from the nth on, gets another port. */
static void edit_policy(struct edited *e)
{
	static const enum tg_direction dirs[] = {TG_INGRESS, TG_EGRESS};

	for (size_t i = 0; i < e->cluster.n_policies; i++) {
		size_t at = (e->changes * 7919u + i) % e->cluster.n_policies;
		struct tg_policy *policy = own(e, e->policies[at], sizeof(*policy));

		for (int d = 0; d < 2; d++) {
			struct tg_policy_side *side = &policy->side[dirs[d]];
			struct tg_policy_rule *rule;
			struct tg_policy_port *port;

			if (side->n_rules == 0 || side->rules[0].n_ports == 0 ||
				side->rules[0].ports[0].named)
				continue;
			rule = own(e, side->rules, side->n_rules * sizeof(*rule));
			port = own(e, rule->ports, rule->n_ports * sizeof(*port));
			port->lo = port->hi = (uint16_t)(20000 + e->changes % 40000);
			rule->ports = port;
			side->rules = rule;
			e->policies[at] = policy;
			return;
		}
	}
}

/* A pod gets the labels of another one of its namespace. */
static void relabel_pod(struct edited *e)
{
	size_t at = e->changes * 7919u % e->cluster.n_pods, n = e->cluster.n_pods;
	struct tg_pod *pod = own(e, e->pods[at], sizeof(*pod));

	for (size_t i = 1; i < n; i++) {
		const struct tg_pod *other = e->pods[(at + i) % n];

		if (other->ns != pod->ns || other->labels.n == 0 ||
			memcmp(other->labels.v, pod->labels.v, sizeof(*pod->labels.v)) == 0)
			continue;
		pod->labels = other->labels;
		break;
	}
	e->pods[at] = pod;
}

static void add_pod(struct edited *e, struct tg_gen *gen)
{
	const struct tg_pod *pod = tg_gen_replica(gen, e->changes * 7919u % e->cluster.n_pods);

	if (pod != NULL)
		e->pods[e->cluster.n_pods++] = pod;
}

static void make_change(struct edited *e, struct tg_gen *gen, enum change change)
{
	e->changes++;
	if (change == CHANGE_EDIT)
		edit_policy(e);
	else if (change == CHANGE_RELABEL)
		relabel_pod(e);
	else
		add_pod(e, gen);
}

/* Compiles with a cache after each of `rounds` changes of one sort. */
static int bench_change(struct tg_gen *gen, struct edited *e, struct tg_compiler *compiler,
	struct tg_compile_options *options, enum change change, uint32_t rounds,
	struct figures *out)
{
	double times[ROUNDS_MAX], cpu[ROUNDS_MAX];
	char error[256] = "";
	int err = 0;

	for (uint32_t i = 0; i <= rounds && err == 0; i++) {
		struct tg_compiled *compiled = NULL;
		double start, cpu_start;

		make_change(e, gen, change);
		options->generation++;
		start = ms_of(CLOCK_MONOTONIC);
		cpu_start = ms_of(CLOCK_PROCESS_CPUTIME_ID);
		err = tg_compile(compiler, &e->cluster, options, &compiled, error, sizeof(error));
		if (i > 0) { /* the first one fills the cache */
			times[i - 1] = ms_of(CLOCK_MONOTONIC) - start;
			cpu[i - 1] = ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
		}
		tg_compiled_free(compiled);
	}
	if (err != 0) {
		fprintf(stderr, "bench_compile: %s\n", error);
		return err;
	}
	out->again[change] = timing_of(times, cpu, rounds);
	return 0;
}

static int bench_changes(struct tg_gen *gen, uint32_t rounds, struct figures *out)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct tg_compile_options options = {.cache = tg_compile_cache_create()};
	struct edited edited;
	int err = edited_open(&edited, tg_gen_cluster(gen), rounds + 1);

	if (compiler == NULL || options.cache == NULL)
		err = -ENOMEM;
	options.home.pod_ranges = tg_gen_pod_ranges(gen, &options.home.n_pod_ranges);
	for (enum change change = 0; change < CHANGE_COUNT && err == 0; change++)
		err = bench_change(gen, &edited, compiler, &options, change, rounds, out);
	tg_compile_cache_free(options.cache);
	tg_compiler_free(compiler);
	edited_close(&edited);
	return err;
}

static int bench_size(struct size size, uint32_t rounds, struct figures *out)
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
	if (err == 0)
		err = bench_changes(gen, rounds, out);
	tg_gen_free(gen);
	getrusage(RUSAGE_SELF, &usage);
	out->peak_kib = usage.ru_maxrss;
	return err;
}

static void print_row(const struct figures *f)
{
	printf("%7u %8u | %8.1f %8.1f %8.1f %8.1f %8.1f | %7.1f %7.1f %7.1f | %7.1f | %7zu %6zu "
	       "%6zu %8zu %8zu %9.1f %8.1f\n",
		f->size.pods, f->size.policies, f->cold_ms, f->first.median_ms, f->first.best_ms,
		f->first.worst_ms, f->first.cpu_ms, f->again[CHANGE_EDIT].median_ms,
		f->again[CHANGE_RELABEL].median_ms, f->again[CHANGE_ADD].median_ms, f->place_us,
		f->stats.classes, f->stats.rows, f->stats.groups, f->stats.cells, f->stats.programs,
		(double)f->stats.image_size / 1e6, (double)f->peak_kib / 1024);
}

static void print_json(FILE *to, const struct figures *f, bool last)
{
	fprintf(to, "  {\"again\": {");
	for (int i = 0; i < CHANGE_COUNT; i++)
		fprintf(to,
			"%s\"%s\": {\"median_ms\": %.2f, \"best_ms\": %.2f, \"worst_ms\": %.2f, "
			"\"cpu_ms\": %.2f}",
			i > 0 ? ", " : "", change_names[i], f->again[i].median_ms,
			f->again[i].best_ms, f->again[i].worst_ms, f->again[i].cpu_ms);
	fprintf(to,
		"}, \"pods\": %u, \"policies\": %u, \"cold_ms\": %.2f, \"median_ms\": %.2f, "
		"\"best_ms\": %.2f, \"worst_ms\": %.2f, \"cpu_ms\": %.2f, \"place_us\": %.2f, \"placed\": %u, "
		"\"place_tries\": %u, \"classes\": %zu, \"rows\": %zu, \"groups\": %zu, "
		"\"columns\": %zu, \"cells\": %zu, \"programs\": %zu, \"steps\": %zu, "
		"\"prefixes\": %zu, \"rules\": %zu, \"warnings\": %zu, \"image_bytes\": %zu, "
		"\"peak_kib\": %ld}%s\n",
		f->size.pods, f->size.policies, f->cold_ms, f->first.median_ms, f->first.best_ms,
		f->first.worst_ms, f->first.cpu_ms, f->place_us, f->placed, PLACEMENTS,
		f->stats.classes, f->stats.rows, f->stats.groups, f->stats.columns, f->stats.cells,
		f->stats.programs, f->stats.steps, f->stats.prefixes, f->stats.rules, f->warnings,
		f->stats.image_size, f->peak_kib, last ? "" : ",");
}

static void write_json(const char *path, const struct figures *f, size_t n, uint32_t rounds)
{
	FILE *to = bench_figures_open(path);

	fprintf(to, "{\"benchmark\": \"compile\", \"rounds\": %u, \"sizes\": [\n", rounds);
	for (size_t i = 0; i < n; i++)
		print_json(to, &f[i], i + 1 == n);
	fprintf(to, "]}\n");
	bench_figures_close(to);
}

static void run(const struct size *sizes, size_t n, uint32_t rounds, const char *json)
{
	struct figures figures[SIZES_MAX];

	printf("compile: %u rounds a size; ms; placement in us; image and peak memory in MB\n",
		rounds);
	printf("%7s %8s | %8s %8s %8s %8s %8s | %7s %7s %7s | %7s | %7s %6s %6s %8s %8s %9s %8s\n",
		"pods", "policies", "cold", "median", "best", "worst", "cpu", "edit", "relabel",
		"add", "place", "classes", "rows", "groups", "cells", "programs", "image", "peak");
	for (size_t i = 0; i < n; i++) {
		int err = bench_size(sizes[i], rounds, &figures[i]);

		if (err != 0)
			bench_die("%s", strerror(-err));
		print_row(&figures[i]);
		fflush(stdout);
	}
	if (json != NULL)
		write_json(json, figures, n, rounds);
}

int main(int argc, char **argv)
{
	static const struct size usual[SIZES_MAX] = {
		{100, 100}, {1000, 300}, {10000, 1000}, {100000, 10000}};
	struct size one = {0};
	const char *json = NULL;
	uint32_t rounds = 9;
	const struct bench_option options[] = {
		{.name = "json", .text = &json},
		{.name = "rounds", .number = &rounds, .least = 1, .most = ROUNDS_MAX},
		{.name = "pods", .number = &one.pods, .least = 1, .most = 1000000},
		{.name = "policies", .number = &one.policies, .least = 0, .most = 1000000},
		{0},
	};

	bench_options(argc, argv, options);
	if (one.pods != 0)
		run(&one, 1, rounds, json);
	else
		run(usual, SIZES_MAX, rounds, json);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging tuples that were never seen before: generated clusters of 100, 1,000 and 10,000 policies,
 * uniform random pod sources, half of the destinations pods, half outside, both sides judged, in
 * bursts of 64; beside it, in the same run, rte_acl with the same policies expanded to 5-tuple
 * rules as far as it can be built within bounds, one context a direction.
 *
 * Only the lookup is timed (TSC around each burst); the tuples of a burst are written just before,
 * as a parser would leave them. All tuples are judged several times over; figures are of slices of
 * 8,192 tuples: median, and the tenth and ninetieth of a hundred. A slice takes less than a
 * millisecond, so that most are spared by the scheduler.
 *
 * At the end the largest cluster, the smallest and rte_acl with 100,000 rules of one direction are
 * measured in turns, so that a busy machine is as busy for each of them: seven runs, of each of
 * which the medians and their ratios are taken.
 *
 *	bench_classify [--json PATH] [--rounds N] [--pods N --policies N] [--no-acl]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "acl.h"
#include "bench.h"
#include "classify.h"
#include "compile.h"
#include "gen.h"
#include "image.h"
#include "rig.h"

#define ROUNDS_MAX 99
#define TUPLES (1u << 18)
#define SLICE 8192u
#define SLICES_MAX (ROUNDS_MAX * (TUPLES / SLICE))
#define BUILDS 9
#define EDITS 100u
#define CHECKED 20000u /* tuples compared with the portable lookup */
#define SIZES_MAX 4
#define ACL_STEPS 4
#define ACL_MEMORY (768u << 20) /* bytes of both contexts */
#define ACL_SECONDS 6.0		/* no larger one is tried when a build took longer */
#define RUNS 7			/* of what is measured in turns */
#define TURNS 4			/* of a run */
#define ONE_WAY_RULES 100000u	/* of one direction */

struct size {
	uint32_t pods, policies;
};

/* Of the slices, in TSC cycles a tuple. */
struct timing {
	double median, low, high;
};

struct acl_figures {
	uint32_t rules; /* of both directions */
	double build_s;
	size_t bytes;
	struct timing cycles;
};

struct figures {
	struct size size;
	struct tg_compile_stats stats;
	size_t bytes; /* of the classifier */
	double check_ms;
	double build_ms;   /* from nothing */
	double rebuild_ms; /* from an older generation with the same addresses */
	double patch_ms;   /* from one with EDITS of them changed by deltas */
	struct timing v4, v6, scalar;
	bool has_v6;
	uint64_t acl_total;
	struct acl_figures acl[ACL_STEPS];
	unsigned int n_acl;
};

/* What is measured in turns. */
enum turn { TURN_LARGE, TURN_SMALL, TURN_ACL, TURN_COUNT };

struct turns {
	bool has_acl;
	struct acl_figures acl;	   /* of one direction */
	double cycles[TURN_COUNT]; /* medians of the runs' medians */
	double to_acl, to_small;   /* rte_acl's cycles and ours with few policies: medians of the
				      runs' ratios */
};

/* What one size is measured with. */
struct bench {
	struct tg_gen *gen;
	struct tg_compiler *compiler;
	struct tg_compiled *compiled;
	struct tg_image image;
	struct tg_classifier *classifier;
	struct tg_gen_tuple *v4, *v6;
	uint32_t n_v4, n_v6; /* multiples of a burst */
	uint32_t rounds;
};

static struct timing timing_of(double *slices, uint32_t n)
{
	const double median = bench_median(slices, n);

	return (struct timing){median, slices[n / 10], slices[n - 1 - n / 10]};
}

static double mega_of(double cycles)
{
	return (double)rte_get_tsc_hz() / cycles / 1e6;
}

static double mega(const struct timing *t)
{
	return mega_of(t->median);
}

static void to_tuple(const struct tg_gen_tuple *from, struct tg_tuple *to)
{
	memset(to, 0, sizeof(*to));
	memcpy(&to->src, from->src.bytes, 16);
	memcpy(&to->dst, from->dst.bytes, 16);
	to->family = from->src.family;
	to->protocol = from->protocol;
	to->dport = from->dport;
}

static uint64_t judge_slice(
	const struct tg_classifier *c, const struct tg_gen_tuple *tuples, uint32_t n)
{
	struct tg_tuple burst[TG_CLASSIFY_BURST];
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST];
	struct tg_judgement out[TG_CLASSIFY_BURST];
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++)
		pointers[i] = &burst[i];
	for (uint32_t at = 0; at < n; at += TG_CLASSIFY_BURST) {
		uint64_t start;

		for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++)
			to_tuple(&tuples[at + i], &burst[i]);
		start = rte_rdtsc_precise();
		tg_classify_burst(c, pointers, out, TG_CLASSIFY_BURST);
		cycles += rte_rdtsc_precise() - start;
	}
	return cycles;
}

static struct timing measure(const struct bench *b, const struct tg_gen_tuple *tuples, uint32_t n)
{
	static double slices[SLICES_MAX];
	uint32_t done = 0;

	for (uint32_t i = 0; i <= b->rounds; i++) { /* the first warms up */
		for (uint32_t at = 0; at < n; at += SLICE) {
			const uint32_t size = RTE_MIN(SLICE, n - at);
			const uint64_t cycles = judge_slice(b->classifier, tuples + at, size);

			if (i != 0)
				slices[done++] = (double)cycles / size;
		}
	}
	return timing_of(slices, done);
}

static void to_key(const struct tg_gen_tuple *from, struct acl_key *to)
{
	memset(to, 0, sizeof(*to));
	to->protocol = from->protocol;
	memcpy(&to->src, from->src.bytes, 4);
	memcpy(&to->dst, from->dst.bytes, 4);
	to->dport = rte_cpu_to_be_16(from->dport);
}

/* Through `ways` contexts one after the other. */
static uint64_t acl_slice(
	struct rte_acl_ctx *const ctx[], int ways, const struct tg_gen_tuple *tuples, uint32_t n)
{
	struct acl_key keys[TG_CLASSIFY_BURST];
	const uint8_t *pointers[TG_CLASSIFY_BURST];
	uint32_t out[TG_DIRECTION_COUNT][TG_CLASSIFY_BURST];
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++)
		pointers[i] = (const uint8_t *)&keys[i];
	for (uint32_t at = 0; at < n; at += TG_CLASSIFY_BURST) {
		uint64_t start;

		for (uint32_t i = 0; i < TG_CLASSIFY_BURST; i++)
			to_key(&tuples[at + i], &keys[i]);
		start = rte_rdtsc_precise();
		for (int d = 0; d < ways; d++)
			rte_acl_classify(ctx[d], pointers, out[d], TG_CLASSIFY_BURST, 1);
		cycles += rte_rdtsc_precise() - start;
	}
	return cycles;
}

static struct timing measure_acl(
	const struct bench *b, struct rte_acl_ctx *const ctx[TG_DIRECTION_COUNT])
{
	static double slices[SLICES_MAX];
	uint32_t done = 0;

	for (uint32_t i = 0; i <= b->rounds; i++) {
		for (uint32_t at = 0; at < b->n_v4; at += SLICE) {
			const uint32_t size = RTE_MIN(SLICE, b->n_v4 - at);
			const uint64_t cycles =
				acl_slice(ctx, TG_DIRECTION_COUNT, b->v4 + at, size);

			if (i != 0)
				slices[done++] = (double)cycles / size;
		}
	}
	return timing_of(slices, done);
}

/* `b`'s classifier, or rte_acl; a pass over all tuples before, since the others had the caches. */
static uint32_t measure_turn(
	const struct bench *b, struct rte_acl_ctx *acl, double *slices, uint32_t done)
{
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t at = 0; at + SLICE <= b->n_v4; at += SLICE) {
			const struct tg_gen_tuple *tuples = b->v4 + at;
			const uint64_t cycles = acl != NULL
							? acl_slice(&acl, 1, tuples, SLICE)
							: judge_slice(b->classifier, tuples, SLICE);

			if (pass != 0)
				slices[done++] = (double)cycles / SLICE;
		}
	}
	return done;
}

static void measure_run(const struct bench *const of[TURN_COUNT],
	struct rte_acl_ctx *const acl[TURN_COUNT], double median[TURN_COUNT])
{
	static double slices[TURN_COUNT][TURNS * (TUPLES / SLICE)];
	uint32_t done[TURN_COUNT] = {0};

	for (int turn = 0; turn < TURNS; turn++)
		for (int t = 0; t < TURN_COUNT; t++)
			if (of[t] != NULL)
				done[t] = measure_turn(of[t], acl[t], slices[t], done[t]);
	for (int t = 0; t < TURN_COUNT; t++)
		median[t] = done[t] != 0 ? timing_of(slices[t], done[t]).median : 0;
}

/* `ctx` may be NULL. */
static void measure_turns(const struct bench *large, const struct bench *small,
	struct rte_acl_ctx *ctx, struct turns *out)
{
	const struct bench *const of[TURN_COUNT] = {large, small, ctx != NULL ? large : NULL};
	struct rte_acl_ctx *const acl[TURN_COUNT] = {[TURN_ACL] = ctx};
	double runs[TURN_COUNT][RUNS], to_acl[RUNS], to_small[RUNS];

	for (int i = 0; i < RUNS; i++) {
		double median[TURN_COUNT];

		measure_run(of, acl, median);
		for (int t = 0; t < TURN_COUNT; t++)
			runs[t][i] = median[t];
		to_acl[i] = median[TURN_ACL] / median[TURN_LARGE];
		to_small[i] = median[TURN_LARGE] / median[TURN_SMALL];
	}
	for (int t = 0; t < TURN_COUNT; t++)
		out->cycles[t] = bench_median(runs[t], RUNS);
	out->to_acl = bench_median(to_acl, RUNS);
	out->to_small = bench_median(to_small, RUNS);
}

static size_t heap_used(void)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats(0, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
}

/* Both directions with `limit` rules in all; false when that cannot be built. */
static bool bench_acl_step(const struct bench *b, uint32_t limit, struct figures *f)
{
	struct rte_acl_ctx *ctx[TG_DIRECTION_COUNT] = {0};
	struct acl_figures *out = &f->acl[f->n_acl];
	const size_t before = heap_used();
	bool built = true;

	*out = (struct acl_figures){0};
	f->acl_total = 0;
	for (int d = 0; d < TG_DIRECTION_COUNT && built; d++) {
		struct acl_rules rules;
		uint64_t start;

		if (acl_expand(tg_gen_cluster(b->gen), (enum tg_direction)d, limit / 2, &rules) !=
			0)
			break;
		start = rte_rdtsc();
		ctx[d] = acl_build(&rules, d == TG_EGRESS ? "egress" : "ingress", ACL_MEMORY / 2);
		out->build_s += (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
		out->rules += rules.n;
		f->acl_total += rules.total;
		built = ctx[d] != NULL;
		acl_rules_free(&rules);
	}
	built = built && ctx[TG_INGRESS] != NULL;
	if (built) {
		out->bytes = heap_used() - before;
		out->cycles = measure_acl(b, ctx);
		f->n_acl++;
	}
	rte_acl_free(ctx[TG_EGRESS]);
	rte_acl_free(ctx[TG_INGRESS]);
	return built && out->build_s < ACL_SECONDS;
}

static void bench_acl(const struct bench *b, struct figures *f)
{
	static const uint32_t limits[ACL_STEPS] = {1000, 10000, 30000, 100000};

	for (int i = 0; i < ACL_STEPS; i++)
		if (!bench_acl_step(b, limits[i], f) || f->acl[f->n_acl - 1].rules < limits[i] / 2)
			break;
}

/* One direction alone; NULL when it cannot be built. */
static struct rte_acl_ctx *build_one_way(const struct bench *b, struct acl_figures *out)
{
	const size_t before = heap_used();
	struct rte_acl_ctx *ctx;
	struct acl_rules rules;
	uint64_t start;

	if (acl_expand(tg_gen_cluster(b->gen), TG_INGRESS, ONE_WAY_RULES, &rules) != 0)
		return NULL;
	start = rte_rdtsc();
	ctx = acl_build(&rules, "one way", ACL_MEMORY);
	*out = (struct acl_figures){
		.rules = rules.n,
		.build_s = (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz(),
		.bytes = heap_used() - before,
	};
	acl_rules_free(&rules);
	return ctx;
}

static void bench_turns(
	const struct bench *large, const struct bench *small, bool acl, struct turns *out)
{
	struct rte_acl_ctx *ctx = acl ? build_one_way(large, &out->acl) : NULL;

	out->has_acl = ctx != NULL;
	tg_classifier_use(large->classifier, TG_CLASSIFY_AUTO);
	tg_classifier_use(small->classifier, TG_CLASSIFY_AUTO);
	measure_turns(large, small, ctx, out);
	rte_acl_free(ctx);
}

/* Tuples of one family each, as many as make whole bursts. */
static int make_tuples(struct bench *b)
{
	struct tg_gen_tuple *all = calloc(TUPLES, sizeof(*all));

	b->v4 = calloc(TUPLES, sizeof(*b->v4));
	b->v6 = calloc(TUPLES, sizeof(*b->v6));
	if (all == NULL || b->v4 == NULL || b->v6 == NULL) {
		free(all);
		return -ENOMEM;
	}
	tg_gen_tuples(b->gen, 7, false, all, TUPLES);
	for (uint32_t i = 0; i < TUPLES; i++) {
		if (all[i].src.family == 4)
			b->v4[b->n_v4++] = all[i];
		else
			b->v6[b->n_v6++] = all[i];
	}
	b->n_v4 -= b->n_v4 % TG_CLASSIFY_BURST;
	b->n_v6 -= b->n_v6 % TG_CLASSIFY_BURST;
	free(all);
	return b->n_v4 != 0 ? 0 : -EINVAL;
}

/* A figure for wrong answers would be worth nothing. */
static int check_tuples(const struct bench *b, const struct tg_gen_tuple *tuples, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < CHECKED; i++) {
		const struct tg_image_query query = {.src = tuples[i].src,
			.dst = tuples[i].dst,
			.protocol = tuples[i].protocol,
			.dport = tuples[i].dport};
		struct tg_tuple tuple;
		const struct tg_tuple *pointer = &tuple;
		struct tg_image_answer want;
		struct tg_judgement have;

		to_tuple(&tuples[i], &tuple);
		tg_classify_burst(b->classifier, &pointer, &have, 1);
		tg_image_judge(&b->image, &query, &want);
		if (have.verdict[0] != want.side[0].verdict ||
			have.verdict[1] != want.side[1].verdict)
			return -EBADMSG;
	}
	return 0;
}

static void edit(struct tg_classifier *c, const struct tg_image *image)
{
	for (uint32_t i = 0; i < EDITS; i++) {
		const struct tg_image_addr4 *a = &image->addr4[i * (image->n_addr4 / EDITS)];
		const struct tg_addr addr = tg_addr_from_v4(a->addr);
		struct tg_classmap_entry e = {.family = 4, .zone = a->zone, .cls = TG_NONE};
		uint32_t index;

		memcpy(e.addr, addr.bytes, sizeof(e.addr));
		tg_classifier_apply(c, &e, 1, &index);
	}
}

enum start { FROM_NOTHING, FROM_SAME, FROM_EDITED };

/* The median of some builds; negative: one failed. */
static double time_builds(const struct tg_image *image, enum start from)
{
	const uint32_t headroom = image->n_addr4 / 4;
	double ms[BUILDS];

	for (int i = 0; i < BUILDS; i++) {
		struct tg_classifier *c = NULL;
		uint64_t start;

		if (from != FROM_NOTHING)
			c = tg_classifier_build(image, headroom, SOCKET_ID_ANY);
		if (from == FROM_EDITED && c != NULL)
			edit(c, image);
		start = rte_rdtsc();
		c = tg_classifier_rebuild(c, image, headroom, SOCKET_ID_ANY);
		ms[i] = (double)(rte_rdtsc() - start) * 1e3 / (double)rte_get_tsc_hz();
		if (c == NULL)
			return -1;
		tg_classifier_free(c);
	}
	return timing_of(ms, BUILDS).median;
}

static int prepare(struct bench *b, struct figures *f)
{
	struct tg_compile_options options = {.generation = 1};
	struct tg_image_error refused;
	char error[256];
	const void *data;
	uint64_t start;
	size_t size;
	int err;

	b->compiler = tg_compiler_create();
	if (b->compiler == NULL)
		return -ENOMEM;
	options.home.pod_ranges = tg_gen_pod_ranges(b->gen, &options.home.n_pod_ranges);
	err = tg_compile(
		b->compiler, tg_gen_cluster(b->gen), &options, &b->compiled, error, sizeof(error));
	if (err != 0)
		return err;
	data = tg_compiled_image(b->compiled, &size);
	start = rte_rdtsc();
	err = tg_image_check(data, size, &b->image, &refused);
	f->check_ms = (double)(rte_rdtsc() - start) * 1e3 / (double)rte_get_tsc_hz();
	if (err != 0)
		return err;
	b->classifier = tg_classifier_build(&b->image, b->image.n_addr4 / 4, SOCKET_ID_ANY);
	if (b->classifier == NULL)
		return -rte_errno;
	f->build_ms = time_builds(&b->image, FROM_NOTHING);
	f->rebuild_ms = time_builds(&b->image, FROM_SAME);
	f->patch_ms = time_builds(&b->image, FROM_EDITED);
	if (f->build_ms < 0 || f->rebuild_ms < 0 || f->patch_ms < 0)
		return -rte_errno;
	f->stats = *tg_compiled_stats(b->compiled);
	f->bytes = tg_classifier_size(b->classifier);
	return make_tuples(b);
}

static int bench_all(struct bench *b, struct figures *f, bool acl)
{
	int err = prepare(b, f);

	if (err == 0)
		err = check_tuples(b, b->v4, b->n_v4);
	if (err == 0)
		err = check_tuples(b, b->v6, b->n_v6);
	if (err != 0)
		return err;
	f->v4 = measure(b, b->v4, b->n_v4);
	f->has_v6 = b->n_v6 != 0;
	if (f->has_v6)
		f->v6 = measure(b, b->v6, b->n_v6);
	tg_classifier_use(b->classifier, TG_CLASSIFY_SCALAR);
	f->scalar = measure(b, b->v4, b->n_v4);
	if (acl)
		bench_acl(b, f);
	return 0;
}

static int bench_size(
	struct size size, uint32_t rounds, bool acl, struct figures *f, struct bench *b)
{
	struct tg_gen_shape shape;

	*b = (struct bench){.rounds = rounds};
	*f = (struct figures){.size = size};
	tg_gen_shape_of(&shape, size.pods, size.policies);
	b->gen = tg_gen_create(&shape);
	return b->gen == NULL ? -errno : bench_all(b, f, acl);
}

static void bench_free(struct bench *b)
{
	tg_classifier_free(b->classifier);
	tg_compiled_free(b->compiled);
	tg_compiler_free(b->compiler);
	tg_gen_free(b->gen);
	free(b->v4);
	free(b->v6);
}

static void print_figures(const struct figures *f)
{
	printf("%7u %8u | %7zu %6zu %7zu %8zu | %6.1f %8.1f %8.1f %8.1f %8.1f | %6.1f (%5.1f..%5.1f) %6.2f",
		f->size.pods, f->size.policies, f->stats.classes, f->stats.rows, f->stats.cells,
		f->stats.programs, (double)f->bytes / 1e6, f->check_ms, f->build_ms, f->rebuild_ms,
		f->patch_ms, f->v4.median, f->v4.low, f->v4.high, mega(&f->v4));
	if (f->has_v6)
		printf(" | %6.1f %6.2f", f->v6.median, mega(&f->v6));
	else
		printf(" | %6s %6s", "-", "-");
	printf(" | %6.1f %6.2f\n", f->scalar.median, mega(&f->scalar));
	for (unsigned int i = 0; i < f->n_acl; i++) {
		const struct acl_figures *a = &f->acl[i];

		printf("%16s | rte_acl with %u of %llu rules: %.1f MB, built in %.2f s | %6.1f "
		       "(%5.1f..%5.1f) %6.2f | %.2fx our cycles\n",
			"", a->rules, (unsigned long long)f->acl_total, (double)a->bytes / 1e6,
			a->build_s, a->cycles.median, a->cycles.low, a->cycles.high,
			mega(&a->cycles), a->cycles.median / f->v4.median);
	}
	fflush(stdout);
}

static void json_timing(FILE *to, const char *name, const struct timing *t)
{
	fprintf(to,
		"\"%s\": {\"cycles_median\": %.2f, \"cycles_p10\": %.2f, \"cycles_p90\": %.2f, "
		"\"mtuples_per_s\": %.3f}",
		name, t->median, t->low, t->high, mega(t));
}

static void json_figures(FILE *to, const struct figures *f, bool last)
{
	fprintf(to,
		"  {\"pods\": %u, \"policies\": %u, \"classes\": %zu, \"rows\": %zu, \"cells\": %zu, "
		"\"programs\": %zu, \"classifier_bytes\": %zu, \"check_ms\": %.2f, \"build_ms\": %.2f, "
		"\"rebuild_ms\": %.2f, \"patch_ms\": %.2f,\n   ",
		f->size.pods, f->size.policies, f->stats.classes, f->stats.rows, f->stats.cells,
		f->stats.programs, f->bytes, f->check_ms, f->build_ms, f->rebuild_ms, f->patch_ms);
	json_timing(to, "ipv4", &f->v4);
	fprintf(to, ",\n   ");
	if (f->has_v6) {
		json_timing(to, "ipv6", &f->v6);
		fprintf(to, ",\n   ");
	}
	json_timing(to, "ipv4_scalar", &f->scalar);
	fprintf(to, ",\n   \"rte_acl\": {\"rules_needed\": %llu, \"built\": [",
		(unsigned long long)f->acl_total);
	for (unsigned int i = 0; i < f->n_acl; i++) {
		fprintf(to, "%s\n    {\"rules\": %u, \"build_s\": %.3f, \"bytes\": %zu, ",
			i != 0 ? "," : "", f->acl[i].rules, f->acl[i].build_s, f->acl[i].bytes);
		json_timing(to, "ipv4", &f->acl[i].cycles);
		fprintf(to, "}");
	}
	fprintf(to, "]}}%s\n", last ? "" : ",");
}

static void print_turns(const struct turns *t, uint32_t many, uint32_t few)
{
	printf("in turns, medians of %d runs:\n", RUNS);
	printf("  %u policies, both directions: %.1f cycles, %.2f M/s\n", many,
		t->cycles[TURN_LARGE], mega_of(t->cycles[TURN_LARGE]));
	printf("  %u policies, both directions: %.1f cycles, %.2f M/s; %.2fx these with %u\n", few,
		t->cycles[TURN_SMALL], mega_of(t->cycles[TURN_SMALL]), t->to_small, many);
	if (t->has_acl)
		printf("  rte_acl, %u rules of one direction (%.1f MB, built in %.2f s): %.1f "
		       "cycles, %.2f M/s; %.2fx ours with %u\n",
			t->acl.rules, (double)t->acl.bytes / 1e6, t->acl.build_s,
			t->cycles[TURN_ACL], mega_of(t->cycles[TURN_ACL]), t->to_acl, many);
}

static void json_turn(FILE *to, const char *name, double cycles)
{
	fprintf(to, ", \"%s\": {\"cycles_median\": %.2f, \"mtuples_per_s\": %.3f}", name, cycles,
		mega_of(cycles));
}

static void json_turns(FILE *to, const struct turns *t)
{
	fprintf(to, ", \"in_turns\": {\"runs\": %d", RUNS);
	json_turn(to, "many_policies", t->cycles[TURN_LARGE]);
	json_turn(to, "few_policies", t->cycles[TURN_SMALL]);
	fprintf(to, ", \"cycles_many_to_few\": %.3f", t->to_small);
	if (t->has_acl) {
		json_turn(to, "rte_acl_one_direction", t->cycles[TURN_ACL]);
		fprintf(to,
			", \"rte_acl_rules\": %u, \"rte_acl_build_s\": %.3f, \"rte_acl_bytes\": %zu, "
			"\"cycles_rte_acl_to_ours\": %.3f",
			t->acl.rules, t->acl.build_s, t->acl.bytes, t->to_acl);
	}
	fprintf(to, "}");
}

static void write_json(const char *path, const struct figures *figures, size_t n, uint32_t rounds,
	const struct turns *turns)
{
	FILE *to = bench_figures_open(path);

	fprintf(to,
		"{\"benchmark\": \"classify\", \"rounds\": %u, \"tsc_hz\": %llu, \"sizes\": [\n",
		rounds, (unsigned long long)rte_get_tsc_hz());
	for (size_t i = 0; i < n; i++)
		json_figures(to, &figures[i], i + 1 == n);
	fprintf(to, "]");
	if (n > 1)
		json_turns(to, turns);
	fprintf(to, "}\n");
	bench_figures_close(to);
}

static int bench_sizes(const struct size *sizes, size_t n, uint32_t rounds, bool acl,
	struct figures *figures, struct bench *benches)
{
	for (size_t i = 0; i < n; i++) {
		int err = bench_size(sizes[i], rounds, acl, &figures[i], &benches[i]);

		if (err != 0)
			return err;
		print_figures(&figures[i]);
	}
	return 0;
}

static void run(const struct size *sizes, size_t n, uint32_t rounds, bool acl, const char *json)
{
	struct bench benches[SIZES_MAX] = {0};
	struct figures figures[SIZES_MAX];
	struct turns turns = {0};
	int err;

	printf("classify: %u times %u tuples; TSC cycles a tuple (10%%..90%%), millions a second, one "
	       "core\n",
		rounds, TUPLES);
	printf("%7s %8s | %7s %6s %7s %8s | %6s %8s %8s %8s %8s | %22s %6s | %6s %6s | %6s %6s\n",
		"pods", "policies", "classes", "rows", "cells", "programs", "MB", "check/ms",
		"build/ms", "again/ms", "patch/ms", "IPv4 cycles", "M/s", "IPv6", "M/s", "scalar",
		"M/s");
	err = bench_sizes(sizes, n, rounds, acl, figures, benches);
	if (err == 0 && n > 1) {
		bench_turns(&benches[n - 1], &benches[0], acl, &turns);
		print_turns(&turns, sizes[n - 1].policies, sizes[0].policies);
	}
	for (size_t i = 0; i < n; i++)
		bench_free(&benches[i]);
	if (err != 0)
		bench_die("%s", strerror(-err));
	if (json != NULL)
		write_json(json, figures, n, rounds, &turns);
}

int main(int argc, char **argv)
{
	static const struct size usual[] = {{1000, 100}, {10000, 1000}, {100000, 10000}};
	struct size one = {0};
	const char *json = NULL;
	bool no_acl = false;
	uint32_t rounds = 9;
	const struct bench_option options[] = {
		{.name = "json", .text = &json},
		{.name = "rounds", .number = &rounds, .least = 1, .most = ROUNDS_MAX},
		{.name = "pods", .number = &one.pods, .least = 1, .most = 1000000},
		{.name = "policies", .number = &one.policies, .least = 0, .most = 1000000},
		{.name = "no-acl", .flag = &no_acl},
		{0},
	};

	bench_options(argc, argv, options);
	rig_eal("0", 1536, false);
	if (one.pods != 0)
		run(&one, 1, rounds, !no_acl, json);
	else
		run(usual, RTE_DIM(usual), rounds, !no_acl, json);
	return 0;
}

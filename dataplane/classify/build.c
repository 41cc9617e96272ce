/* SPDX-License-Identifier: BSD-3-Clause */
#include "classifier.h"

#include <errno.h>
#include <string.h>

#include <rte_cpuflags.h>
#include <rte_errno.h>
#include <rte_random.h>

/* The zone of the spare that has this id, tables and all. */
static void take_zone(struct zone *to, struct tg_classifier *spare, uint16_t id)
{
	const struct zone *from = spare != NULL ? classifier_zone(spare, id) : NULL;

	if (from != NULL) {
		*to = *from;
		memset(&spare->zones[from - spare->zones], 0, sizeof(*from));
		spare->zones[from - spare->zones].id = id; /* they are searched by it */
	}
	to->id = id;
}

static int take_zones(struct tg_classifier *c, struct tg_classifier *spare,
	const struct tg_image *image, int socket)
{
	struct zone_parts parts = zone_parts_begin(image);
	const uint32_t n = zone_count(image);

	c->zones = table_alloc(n, sizeof(*c->zones), socket);
	if (c->zones == NULL)
		return -ENOMEM;
	while (zone_parts_next(&parts, image))
		take_zone(&c->zones[c->n_zones++], spare, zone_parts_id(&parts));
	return 0;
}

static int build_zones(
	struct tg_classifier *c, const struct tg_image *image, uint32_t headroom, int socket)
{
	const struct zone_config config = {
		.headroom = headroom, .n_classes = image->n_classes, .socket = socket};
	struct zone_parts parts = zone_parts_begin(image);
	int err = 0;

	for (uint32_t i = 0; err == 0 && zone_parts_next(&parts, image); i++)
		err = zone_build(&c->zones[i], &parts, &config);
	return err;
}

/* From the record, which is complete but for filters. */
static void summarize(
	struct class_summary *to, const struct class_record *record, enum tg_class_kind kind)
{
	static const unsigned int more[TG_DIRECTION_COUNT] = {
		[TG_EGRESS] = SUMMARY_MORE_SRC, [TG_INGRESS] = SUMMARY_MORE_DST};
	unsigned int traits = kind == TG_KIND_NODE ? SUMMARY_MORE_SRC : 0; /* the own node's? */

	for (int d = 0; d < TG_DIRECTION_COUNT; d++) {
		const uint32_t program = record->program[d];

		to->verdict[d] = program & ~TG_PROGRAM_DIRECT;
		traits |= (program & TG_PROGRAM_DIRECT) == 0 ? more[d] : 0;
		traits |= (unsigned int)tg_verdict_action(program) << (d == TG_EGRESS ? 2 : 0);
	}
	for (int k = 0; k < TG_COLUMNS; k++)
		to->mark[k] = (uint16_t)row_mark(record->column[k]);
	to->kind = (uint8_t)kind;
	to->traits = (uint8_t)traits;
}

static void make_record(struct tg_classifier *c, const struct tg_image *image, uint32_t i)
{
	const struct tg_image_class *from = &image->classes[i];
	struct class_record *to = &c->classes[i];

	for (int d = 0; d < TG_DIRECTION_COUNT; d++) {
		const struct row_place place = rows_find(&c->rows, from->row[d]);

		c->summaries[i].filter[d] = place.filter;

		to->row[d] = place.line;
		to->row_log[d] = place.log;
		to->row_shift |= (uint8_t)(place.shift << 4 * d);
		to->program[d] = programs_reference(&c->programs, image, from->default_program[d]);
	}
	for (int k = 0; k < TG_COLUMNS; k++)
		to->column[k] = rows_scramble(
			&c->rows, from->column[k] == TG_NONE ? ROW_NOWHERE : from->column[k]);
	summarize(&c->summaries[i], to, (enum tg_class_kind)from->kind);
	c->families[i] = from->family;
}

static int build_classes(
	struct tg_classifier *c, const struct tg_image *image, uint32_t salt, int socket)
{
	int err = programs_build(&c->programs, image, socket);

	if (err == 0)
		err = rows_build(&c->rows, image, &c->programs, salt, socket);
	if (err != 0)
		return err;
	c->n_classes = image->n_classes;
	c->summaries = table_alloc(image->n_classes, sizeof(*c->summaries), socket);
	c->classes = table_alloc(image->n_classes, sizeof(*c->classes), socket);
	c->families = table_alloc(image->n_classes, sizeof(*c->families), socket);
	if (c->summaries == NULL || c->classes == NULL || c->families == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->n_classes; i++)
		make_record(c, image, i);
	rows_built(&c->rows);
	programs_built(&c->programs);
	return 0;
}

struct tg_classifier *classifier_build(struct tg_classifier *spare, const struct tg_image *image,
	uint32_t headroom, uint32_t salt, int socket)
{
	struct tg_classifier *c = table_alloc(1, sizeof(*c), socket);
	int err = -ENOMEM;

	if (c != NULL) {
		tg_classifier_use(c, TG_CLASSIFY_AUTO);
		err = take_zones(c, spare, image, socket);
	}
	/* What was not taken goes first: there need never be room for three. */
	tg_classifier_free(spare);
	if (err == 0)
		err = limits_build(c, image, socket);
	if (err == 0)
		err = build_zones(c, image, headroom, socket);
	if (err == 0)
		err = build_classes(c, image, salt, socket);
	if (err == 0)
		err = classifier_verify(c, image);
	if (err == 0)
		return c;
	tg_classifier_free(c);
	rte_errno = -err;
	return NULL;
}

struct tg_classifier *tg_classifier_rebuild(
	struct tg_classifier *spare, const struct tg_image *image, uint32_t headroom, int socket)
{
	return classifier_build(spare, image, headroom, (uint32_t)rte_rand(), socket);
}

struct tg_classifier *tg_classifier_build(
	const struct tg_image *image, uint32_t headroom, int socket)
{
	return tg_classifier_rebuild(NULL, image, headroom, socket);
}

void tg_classifier_free(struct tg_classifier *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->n_zones; i++)
		zone_free(&c->zones[i]);
	rte_free(c->zones);
	rte_free(c->summaries);
	rte_free(c->classes);
	rte_free(c->families);
	rte_free(c->limits);
	rows_release(&c->rows);
	programs_release(&c->programs);
	rte_free(c);
}

struct tg_endpoint_usage tg_classifier_endpoints(const struct tg_classifier *c)
{
	struct tg_endpoint_usage usage = {0};

	for (uint32_t i = 0; i < c->n_zones; i++) {
		const struct zone *zone = &c->zones[i];

		usage.used += zone->exact4.used + zone->exact6.used;
		usage.capacity += zone->exact4.capacity + zone->exact6.capacity;
		usage.bytes += exact_size(&zone->exact4) + exact_size(&zone->exact6) +
			       blocks_size(&zone->lpm4.blocks) + dense6_size(&zone->dense6);
	}
	return usage;
}

size_t tg_classifier_size(const struct tg_classifier *c)
{
	size_t size = sizeof(*c) + c->n_zones * sizeof(*c->zones) +
		      (c->n_limits + 1ull) * sizeof(*c->limits) +
		      (size_t)c->n_classes *
			      (sizeof(*c->summaries) + sizeof(*c->classes) + sizeof(*c->families)) +
		      (size_t)c->rows.n_lines * sizeof(*c->rows.lines) +
		      (size_t)c->programs.n_lines * sizeof(*c->programs.lines);

	for (uint32_t i = 0; i < c->n_zones; i++)
		size += zone_size(&c->zones[i]);
	return size;
}

#ifdef RTE_ARCH_X86_64
static int has_avx2(void)
{
	return rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0;
}

static int has_avx512(void)
{
	return has_avx2() && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512DQ) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0;
}
#endif

int tg_classifier_use(struct tg_classifier *c, enum tg_classify_simd simd)
{
	switch (simd) {
	case TG_CLASSIFY_AUTO:
		if (tg_classifier_use(c, TG_CLASSIFY_AVX512) != 0 &&
			tg_classifier_use(c, TG_CLASSIFY_AVX2) != 0)
			c->burst = burst_scalar;
		return 0;
	case TG_CLASSIFY_SCALAR:
		c->burst = burst_scalar;
		return 0;
#ifdef RTE_ARCH_X86_64
	case TG_CLASSIFY_AVX2:
		if (!has_avx2())
			return -ENOTSUP;
		c->burst = burst_avx2;
		return 0;
	case TG_CLASSIFY_AVX512:
		if (!has_avx512())
			return -ENOTSUP;
		c->burst = burst_avx512;
		return 0;
#endif
	default:
		return -ENOTSUP;
	}
}

void tg_classify_burst(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n)
{
	c->burst(c, tuples, out, n);
}

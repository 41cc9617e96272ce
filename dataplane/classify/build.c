/* SPDX-License-Identifier: BSD-3-Clause */
#include "classifier.h"

#include <errno.h>
#include <string.h>

#include <rte_cpuflags.h>
#include <rte_errno.h>
#include <rte_random.h>

/* Exact tables are filled again with another seed when some bucket's neighbourhood is full. */
#define SEEDS 8

/* One zone's part of the image's sections. */
struct zone_parts {
	const struct tg_image_addr4 *addr4;
	const struct tg_image_addr6 *addr6;
	const struct tg_image_prefix4 *prefix4;
	const struct tg_image_prefix6 *prefix6;
	uint32_t n_addr4, n_addr6, n_prefix4, n_prefix6;
};

static uint32_t count_zones(const struct tg_image *image)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image->n_prefix4; i++)
		n += image->prefix4[i].length == 0;
	return n;
}

/* Moves each part on to the entries of `zone`; the sections are sorted by zone. */
#define NEXT_PART(parts, image, section, zone)                                 \
	do {                                                                   \
		(parts)->section += (parts)->n_##section;                      \
		(parts)->n_##section = 0;                                      \
		while ((parts)->section + (parts)->n_##section <               \
				(image)->section + (image)->n_##section &&     \
			(parts)->section[(parts)->n_##section].zone == (zone)) \
			(parts)->n_##section++;                                \
	} while (0)

static void next_parts(struct zone_parts *parts, const struct tg_image *image, uint16_t zone)
{
	NEXT_PART(parts, image, addr4, zone);
	NEXT_PART(parts, image, addr6, zone);
	NEXT_PART(parts, image, prefix4, zone);
	NEXT_PART(parts, image, prefix6, zone);
}

static int fill_exact4(struct exact *t, const struct zone_parts *parts)
{
	for (uint32_t i = 0; i < parts->n_addr4; i++) {
		const struct tg_image_addr4 *a = &parts->addr4[i];
		const union exact_key key = {.v4 = a->addr};
		int err = exact_put(t, &key, a->cls, a->node);

		if (err != 0)
			return err;
	}
	return 0;
}

static int fill_exact6(struct exact *t, const struct zone_parts *parts)
{
	for (uint32_t i = 0; i < parts->n_addr6; i++) {
		const struct tg_image_addr6 *a = &parts->addr6[i];
		union exact_key key;
		int err;

		memcpy(key.v6, a->addr, sizeof(key.v6));
		err = exact_put(t, &key, a->cls, a->node);
		if (err != 0)
			return err;
	}
	return 0;
}

static int build_exact(struct exact *t, unsigned int family, const struct zone_parts *parts,
	uint32_t headroom, int socket)
{
	const uint32_t n = family == 4 ? parts->n_addr4 : parts->n_addr6;
	const uint32_t capacity = n > UINT32_MAX - headroom ? UINT32_MAX : n + headroom;
	int err = 0;

	for (int i = 0; i < SEEDS; i++) {
		err = exact_init(t, family, capacity, rte_rand(), socket);
		if (err != 0)
			return err;
		err = family == 4 ? fill_exact4(t, parts) : fill_exact6(t, parts);
		if (err == 0)
			return 0;
		exact_free(t);
	}
	return err;
}

static int build_zone(
	struct zone *zone, const struct zone_parts *parts, uint32_t headroom, int socket)
{
	int err = build_exact(&zone->exact4, 4, parts, headroom, socket);

	if (err == 0)
		err = build_exact(&zone->exact6, 6, parts, headroom, socket);
	if (err == 0)
		err = lpm4_build(&zone->lpm4, parts->prefix4, parts->n_prefix4, socket);
	if (err == 0)
		err = lpm6_build(&zone->lpm6, parts->prefix6, parts->n_prefix6, socket);
	return err;
}

static int build_zones(
	struct tg_classifier *c, const struct tg_image *image, uint32_t headroom, int socket)
{
	struct zone_parts parts = {
		.addr4 = image->addr4,
		.addr6 = image->addr6,
		.prefix4 = image->prefix4,
		.prefix6 = image->prefix6,
	};

	c->n_zones = count_zones(image);
	c->zones = table_alloc(c->n_zones, sizeof(*c->zones), socket);
	if (c->zones == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->n_zones; i++) {
		int err;

		c->zones[i].id = (parts.prefix4 + parts.n_prefix4)->zone;
		next_parts(&parts, image, c->zones[i].id);
		err = build_zone(&c->zones[i], &parts, headroom, socket);
		if (err != 0)
			return err;
	}
	return 0;
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

struct tg_classifier *classifier_build(
	const struct tg_image *image, uint32_t headroom, uint32_t salt, int socket)
{
	struct tg_classifier *c = table_alloc(1, sizeof(*c), socket);
	int err = -ENOMEM;

	if (c == NULL)
		goto fail;
	tg_classifier_use(c, TG_CLASSIFY_AUTO);
	err = build_zones(c, image, headroom, socket);
	if (err == 0)
		err = build_classes(c, image, salt, socket);
	if (err == 0)
		err = classifier_verify(c, image);
	if (err == 0)
		return c;
fail:
	tg_classifier_free(c);
	rte_errno = -err;
	return NULL;
}

struct tg_classifier *tg_classifier_build(
	const struct tg_image *image, uint32_t headroom, int socket)
{
	return classifier_build(image, headroom, (uint32_t)rte_rand(), socket);
}

void tg_classifier_free(struct tg_classifier *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; c->zones != NULL && i < c->n_zones; i++) {
		exact_free(&c->zones[i].exact4);
		exact_free(&c->zones[i].exact6);
		lpm4_free(&c->zones[i].lpm4);
		lpm6_free(&c->zones[i].lpm6);
	}
	rte_free(c->zones);
	rte_free(c->summaries);
	rte_free(c->classes);
	rte_free(c->families);
	rows_release(&c->rows);
	programs_release(&c->programs);
	rte_free(c);
}

size_t tg_classifier_size(const struct tg_classifier *c)
{
	size_t size = sizeof(*c) + c->n_zones * sizeof(*c->zones) +
		      (size_t)c->n_classes *
			      (sizeof(*c->summaries) + sizeof(*c->classes) + sizeof(*c->families)) +
		      (size_t)c->rows.n_lines * sizeof(*c->rows.lines) +
		      (size_t)c->programs.n_lines * sizeof(*c->programs.lines);

	for (uint32_t i = 0; i < c->n_zones; i++)
		size += exact_size(&c->zones[i].exact4) + exact_size(&c->zones[i].exact6) +
			lpm4_size(&c->zones[i].lpm4) + lpm6_size(&c->zones[i].lpm6);
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

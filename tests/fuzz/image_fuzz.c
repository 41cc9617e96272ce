/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ruleset images from nowhere. Whatever the checker accepts can be looked up in, and the
 * accelerated lookup says what the portable one says.
 *
 * The checksum would stop every mutation but one in 2^32; so the mutator of this file knows the
 * format: it changes a field of an entry, or bytes anywhere, and sums up again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include "classify.h"
#include "../eal.h"
#include "image.h"
#include "synthetic.h"

#define ZONES_MAX 3u /* each takes half a megabyte of a classifier */
#define BURSTS 4u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	test_eal_start("128");
	return 0;
}

static void die(const char *why)
{
	fprintf(stderr, "image_fuzz: %s\n", why);
	abort();
}

static void look_at_rule(const struct tg_image *image, uint32_t verdict)
{
	const struct tg_image_rule *rule = tg_image_rule_of(image, tg_verdict_slot(verdict));

	if (rule == NULL && tg_verdict_slot(verdict) >= TG_BUILTIN_COUNT)
		die("a verdict of no rule");
	if (rule != NULL && strlen(image->strings + rule->ns) +
					    strlen(image->strings + rule->policy) +
					    strlen(image->strings + rule->text) +
					    strlen(image->strings + rule->owner) >
				    4 * (size_t)image->n_strings)
		die("a string that does not end");
}

static void judge_some(
	struct synthetic *s, const struct tg_classifier *c, struct tg_image_answer *answers)
{
	struct tg_image_query query;
	struct tg_tuple tuples[TG_CLASSIFY_BURST] = {0};
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST];
	struct tg_judgement out[TG_CLASSIFY_BURST];

	for (unsigned int i = 0; i < TG_CLASSIFY_BURST; i++) {
		synthetic_query(s, &query);
		tg_image_judge(&s->image, &query, &answers[i]);
		look_at_rule(&s->image, answers[i].side[TG_EGRESS].verdict);
		look_at_rule(&s->image, answers[i].side[TG_INGRESS].verdict);
		memcpy(&tuples[i].src, query.src.bytes, 16);
		memcpy(&tuples[i].dst, query.dst.bytes, 16);
		tuples[i].family = query.src.family;
		tuples[i].zone = query.zone;
		tuples[i].protocol = query.protocol;
		tuples[i].dport = query.dport;
		pointers[i] = &tuples[i];
	}
	if (c == NULL)
		return;
	tg_classify_burst(c, pointers, out, TG_CLASSIFY_BURST);
	for (unsigned int i = 0; i < TG_CLASSIFY_BURST; i++)
		if (out[i].verdict[0] != answers[i].side[0].verdict ||
			out[i].verdict[1] != answers[i].side[1].verdict ||
			out[i].action != answers[i].action)
			die("the lookups disagree");
}

static uint32_t count_zones(const struct tg_image *image)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image->n_prefix4; i++)
		n += image->prefix4[i].length == 0;
	return n;
}

static void use_image(const struct tg_image *image)
{
	struct synthetic s = {.state = image->header->checksum, .image = *image};
	struct tg_image_answer answers[TG_CLASSIFY_BURST];
	struct tg_classifier *c = NULL;

	if (image->n_prefix4 == 0)
		return;
	if (count_zones(image) <= ZONES_MAX) {
		c = tg_classifier_build(image, 16, SOCKET_ID_ANY);
		if (c == NULL && rte_errno != ENOMEM && rte_errno != E2BIG)
			die("an accepted image cannot be built");
	}
	for (unsigned int b = 0; b < BURSTS; b++) {
		if (c != NULL)
			tg_classifier_use(c, (enum tg_classify_simd)b);
		judge_some(&s, c, answers);
	}
	tg_classifier_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_image image;
	struct tg_image_error error;
	void *copy;

	/* Of exactly this size, so that every look beyond it is seen. */
	if (posix_memalign(&copy, TG_IMAGE_ALIGN, size + (size == 0)) != 0)
		return 0;
	memcpy(copy, data, size);
	if (tg_image_check(copy, size, &image, &error) == 0)
		use_image(&image);
	free(copy);
	return 0;
}

/* A small valid image to go on from; 0 when it does not fit. */
static size_t start_over(uint8_t *data, size_t max_size, struct synthetic *random)
{
	const struct synthetic_shape shape = {
		.zones = synthetic_below(random, ZONES_MAX),
		.addrs4 = synthetic_below(random, 12),
		.addrs6 = synthetic_below(random, 12),
		.prefixes4 = synthetic_below(random, 12),
		.prefixes6 = synthetic_below(random, 12),
		.classes = 3 + 2 * synthetic_below(random, 8),
		.rows = 1 + synthetic_below(random, 4),
		.columns = 1 + synthetic_below(random, 12),
		.cells = synthetic_below(random, 40),
		.programs = synthetic_below(random, 5),
		.max_steps = 1 + synthetic_below(random, 20),
		.rules = 1 + synthetic_below(random, 8),
		.narrow = 1,
	};
	struct synthetic s;
	size_t size = 0;

	if (shape.zones != 0) {
		synthetic_make(&s, &shape, synthetic_random(random));
	} else {
		const struct synthetic_shape none = {
			.classes = 3, .rows = 1, .columns = 1, .rules = 1};

		synthetic_make(&s, &none, 1);
	}
	if (s.size <= max_size) {
		memcpy(data, s.data, s.size);
		size = s.size;
	}
	synthetic_free(&s);
	return size;
}

/* A value that is likely to be at some edge. */
static uint64_t edge(struct synthetic *random, uint64_t old)
{
	switch (synthetic_below(random, 7)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return 0;
	case 3:
		return UINT64_MAX;
	case 4:
		return synthetic_below(random, 16);
	case 5:
		return old ^ 1ull << synthetic_below(random, 64);
	default:
		return synthetic_random(random);
	}
}

static void change_number(uint8_t *at, unsigned int width, struct synthetic *random)
{
	uint64_t value = 0;

	memcpy(&value, at, width);
	value = edge(random, value);
	memcpy(at, &value, width);
}

/* One field of the header, of the section table or of an entry of a section. */
static void change_field(uint8_t *data, size_t size, struct synthetic *random)
{
	static const uint8_t widths[] = {1, 2, 4, 4, 4, 8};
	const struct tg_image_header *header = (const struct tg_image_header *)data;
	const unsigned int width = widths[synthetic_below(random, sizeof(widths))];
	const uint32_t section = synthetic_below(random, TG_SECTION_KNOWN + 1);
	uint64_t begin = 0, length = header->header_size;
	struct tg_image_section s;
	uint64_t at;

	if (section < TG_SECTION_KNOWN && synthetic_below(random, 8) != 0) {
		memcpy(&s, data + sizeof(*header) + section * sizeof(s), sizeof(s));
		begin = s.offset;
		length = s.count * s.entry_size;
	}
	if (begin > size || length > size - begin || length < width)
		return;
	at = begin + synthetic_below(random, (uint32_t)(length / width)) * width;
	if (synthetic_below(random, 4) == 0) /* what another entry has there */
		memcpy(data + at,
			data + begin + synthetic_below(random, (uint32_t)(length / width)) * width,
			width);
	else
		change_number(data + at, width, random);
}

static void sum_up(uint8_t *data, size_t size)
{
	struct tg_image_header header;

	memcpy(&header, data, sizeof(header));
	header.checksum = tg_image_checksum(data, size);
	memcpy(data, &header, sizeof(header));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	const size_t least =
		sizeof(struct tg_image_header) + TG_SECTION_KNOWN * sizeof(struct tg_image_section);
	struct synthetic random = {.state = seed};
	uint64_t magic = 0;

	if (size >= least)
		memcpy(&magic, data, sizeof(magic));
	if (magic != TG_IMAGE_MAGIC || synthetic_below(&random, 50) == 0)
		return start_over(data, max_size, &random);
	if (synthetic_below(&random, 8) == 0) {
		size = LLVMFuzzerMutate(data, size, max_size);
		if (size < least)
			return size;
		if (synthetic_below(&random, 2) == 0)
			memcpy(data + offsetof(struct tg_image_header, size), &(uint64_t){size}, 8);
	} else {
		for (uint32_t i = synthetic_below(&random, 4); i < 4; i++)
			change_field(data, size, &random);
	}
	sum_up(data, size);
	return size;
}

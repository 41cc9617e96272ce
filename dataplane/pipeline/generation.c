/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

#include <stdlib.h>

struct tg_generation *tg_generation_create(
	const struct tg_classifier *classifier, uint64_t generation, uint32_t epoch)
{
	struct tg_generation *gen = calloc(1, sizeof(*gen));

	if (gen == NULL)
		return NULL;
	gen->classifier = classifier;
	gen->limits = classifier != NULL && tg_classifier_limits(classifier) != 0;
	gen->number = generation;
	gen->base = epoch;
	atomic_init(&gen->epoch, epoch);
	return gen;
}

void tg_generation_free(struct tg_generation *gen)
{
	free(gen);
}

void tg_generation_remap(
	struct tg_generation *gen, const struct tg_classmap_entry *entries, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = filter_hash(entries[i].addr, entries[i].family == 4 ? 4 : 16);
		_Atomic uint64_t *word = &gen->filter[hash % FILTER_WORDS];
		uint64_t old = atomic_load_explicit(word, memory_order_relaxed);

		gen->bits += (uint32_t)__builtin_popcountll(filter_bits(hash) & ~old);
		atomic_store_explicit(word, old | filter_bits(hash), memory_order_relaxed);
	}
}

uint32_t tg_generation_advance(struct tg_generation *gen)
{
	uint32_t epoch = atomic_load_explicit(&gen->epoch, memory_order_relaxed) + 1;

	atomic_store_explicit(&gen->epoch, epoch, memory_order_release);
	return epoch;
}

uint32_t tg_generation_epoch(const struct tg_generation *gen)
{
	return atomic_load_explicit(&gen->epoch, memory_order_relaxed);
}

uint64_t tg_generation_number(const struct tg_generation *gen)
{
	return gen->number;
}

bool tg_generation_crowded(const struct tg_generation *gen)
{
	return gen->bits > FILTER_WORDS * 64 / 4;
}

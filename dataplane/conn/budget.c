/* SPDX-License-Identifier: BSD-3-Clause */
#include "budget.h"

#include <errno.h>
#include <stdlib.h>

#define LINE_COUNTS (64 / sizeof(uint32_t))
#define CHUNK 64u /* the most that is drawn at a time; twice as many may be kept */

static uint32_t load(const _Atomic uint32_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static bool exchange(_Atomic uint32_t *count, uint32_t *from, uint32_t to)
{
	return atomic_compare_exchange_weak_explicit(
		count, from, to, memory_order_relaxed, memory_order_relaxed);
}

int tg_budget_init(struct tg_budget *b, uint32_t slots, uint32_t workers)
{
	/* No line has counts of two workers, wherever it begins. */
	*b = (struct tg_budget){.stride = slots + LINE_COUNTS, .workers = workers};
	b->granted = calloc(slots, sizeof(*b->granted));
	b->spare = calloc((size_t)b->stride * workers, sizeof(*b->spare));
	if (b->granted != NULL && b->spare != NULL)
		return 0;
	tg_budget_fini(b);
	return -ENOMEM;
}

void tg_budget_fini(struct tg_budget *b)
{
	free((void *)b->granted);
	free((void *)b->spare);
}

static _Atomic uint32_t *spare_of(const struct tg_budget *b, uint32_t worker, uint32_t slot)
{
	return &b->spare[(size_t)worker * b->stride + slot];
}

static bool spend(_Atomic uint32_t *spare)
{
	uint32_t n = load(spare);

	while (n != 0)
		if (exchange(spare, &n, n - 1))
			return true;
	return false;
}

/* The fewer there are left, the fewer at a time. */
static bool draw(struct tg_budget *b, uint32_t worker, uint32_t slot, uint32_t limit)
{
	uint32_t granted = load(&b->granted[slot]), n;

	do {
		if (granted >= limit)
			return false;
		n = (limit - granted) / (2 * b->workers);
		n = n > CHUNK ? CHUNK : n != 0 ? n : 1;
	} while (!exchange(&b->granted[slot], &granted, granted + n));
	if (n > 1)
		atomic_fetch_add_explicit(spare_of(b, worker, slot), n - 1, memory_order_relaxed);
	return true;
}

/* What workers keep is nobody's again. */
static void recall(struct tg_budget *b, uint32_t slot)
{
	for (uint32_t i = 0; i < b->workers; i++) {
		_Atomic uint32_t *spare = spare_of(b, i, slot);

		if (load(spare) == 0)
			continue;
		atomic_fetch_sub_explicit(&b->granted[slot],
			atomic_exchange_explicit(spare, 0, memory_order_relaxed),
			memory_order_relaxed);
	}
}

bool tg_budget_take(struct tg_budget *b, uint32_t worker, uint32_t slot, uint32_t limit)
{
	/* Above a limit that was lowered, or that rules have passed, what is kept is too much. */
	if (load(&b->granted[slot]) <= limit && spend(spare_of(b, worker, slot)))
		return true;
	if (draw(b, worker, slot, limit))
		return true;
	recall(b, slot);
	return draw(b, worker, slot, limit);
}

void tg_budget_charge(struct tg_budget *b, uint32_t worker, uint32_t slot)
{
	if (!spend(spare_of(b, worker, slot)))
		atomic_fetch_add_explicit(&b->granted[slot], 1, memory_order_relaxed);
}

void tg_budget_return(struct tg_budget *b, uint32_t worker, uint32_t slot)
{
	_Atomic uint32_t *spare = spare_of(b, worker, slot);
	uint32_t n = atomic_fetch_add_explicit(spare, 1, memory_order_relaxed) + 1;

	while (n > 2 * CHUNK) {
		if (exchange(spare, &n, CHUNK)) {
			atomic_fetch_sub_explicit(
				&b->granted[slot], n - CHUNK, memory_order_relaxed);
			return;
		}
	}
}

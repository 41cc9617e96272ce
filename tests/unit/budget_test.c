/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits that workers share: never passed, and none refused while there is a place. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "budget.h"

#define SLOTS 40
#define SLOT 33
#define WORKERS 4

static unsigned int take_all(
	struct tg_budget *b, uint32_t worker, uint32_t slot, uint32_t limit, unsigned int tries)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < tries; i++)
		taken += tg_budget_take(b, worker, slot, limit);
	return taken;
}

static void return_all(struct tg_budget *b, uint32_t worker, uint32_t slot, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		tg_budget_return(b, worker, slot);
}

/* Whichever workers ask, and however unevenly. */
static void all_places_are_given(void **state)
{
	static const uint32_t limits[] = {1, 2, 3, 5, 63, 64, 65, 1000, 100000};
	struct tg_budget b;

	assert_int_equal(tg_budget_init(&b, SLOTS, WORKERS), 0);
	for (unsigned int i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const uint32_t limit = limits[i], part = limit / 3;

		for (unsigned int round = 0; round < 2; round++) {
			assert_int_equal(take_all(&b, 1, SLOT, limit, part), part);
			assert_int_equal(take_all(&b, 3, SLOT, limit, part), part);
			assert_int_equal(take_all(&b, 0, SLOT, limit, limit + 9), limit - 2 * part);
			assert_false(tg_budget_take(&b, 1, SLOT, limit));
			/* what one gives back is there for another */
			tg_budget_return(&b, 3, SLOT);
			assert_true(tg_budget_take(&b, 2, SLOT, limit));
			assert_false(tg_budget_take(&b, 3, SLOT, limit));
			return_all(&b, 2, SLOT, limit);
		}
	}
	tg_budget_fini(&b);
}

static void a_limit_may_change(void **state)
{
	struct tg_budget b;

	assert_int_equal(tg_budget_init(&b, SLOTS, WORKERS), 0);
	assert_int_equal(take_all(&b, 0, SLOT, 500, 100), 100);
	assert_int_equal(take_all(&b, 1, SLOT, 500, 100), 100);
	/* lowered: what workers have kept is not for use */
	assert_false(tg_budget_take(&b, 0, SLOT, 150));
	assert_false(tg_budget_take(&b, 1, SLOT, 200));
	assert_int_equal(take_all(&b, 2, SLOT, 203, 9), 3);
	assert_int_equal(take_all(&b, 0, SLOT, 210, 99), 7);
	return_all(&b, 3, SLOT, 60);
	assert_false(tg_budget_take(&b, 3, SLOT, 150));
	assert_int_equal(take_all(&b, 3, SLOT, UINT32_MAX, 1000), 1000);
	tg_budget_fini(&b);
}

/* What is charged counts, and no limit stops it. */
static void a_charge_counts(void **state)
{
	struct tg_budget b;

	assert_int_equal(tg_budget_init(&b, SLOTS, WORKERS), 0);
	for (unsigned int i = 0; i < 10; i++)
		tg_budget_charge(&b, i % WORKERS, SLOT);
	assert_false(tg_budget_take(&b, 0, SLOT, 10));
	assert_int_equal(take_all(&b, 0, SLOT, 12, 9), 2);
	tg_budget_charge(&b, 0, SLOT);
	return_all(&b, 1, SLOT, 2);
	assert_int_equal(take_all(&b, 0, SLOT, 12, 9), 1);
	tg_budget_fini(&b);
}

static void slots_are_apart(void **state)
{
	struct tg_budget b;

	assert_int_equal(tg_budget_init(&b, SLOTS, WORKERS), 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		for (uint32_t worker = 0; worker < WORKERS; worker++)
			assert_int_equal(
				take_all(&b, worker, slot, 4 * (slot + 1), slot + 1), slot + 1);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		assert_false(tg_budget_take(&b, slot % WORKERS, slot, 4 * (slot + 1)));
	tg_budget_fini(&b);
}

struct race {
	struct tg_budget budget;
	_Atomic uint32_t taken;
	_Atomic bool passed;
	pthread_barrier_t start;
};

struct racer {
	struct race *race;
	uint32_t worker;
	unsigned int taken;
	unsigned int refused;
};

#define RACE_LIMIT 300
#define RACE_ROUNDS 300000

/* A worker that opens and closes at random, and wants more than its part. */
static void *run(void *arg)
{
	struct racer *r = arg;
	struct race *race = r->race;
	uint64_t random = r->worker + 1;

	pthread_barrier_wait(&race->start);
	for (unsigned int i = 0; i < RACE_ROUNDS; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		if (random >> 63 && r->taken != 0) {
			/* no longer counted before it is given back, counted after it is taken */
			atomic_fetch_sub(&race->taken, 1);
			tg_budget_return(&race->budget, r->worker, SLOT);
			r->taken--;
		} else if (r->taken < RACE_LIMIT / 2 &&
			   tg_budget_take(&race->budget, r->worker, SLOT, RACE_LIMIT)) {
			if (atomic_fetch_add(&race->taken, 1) >= RACE_LIMIT)
				race->passed = true;
			r->taken++;
		} else {
			r->refused++;
		}
	}
	return NULL;
}

static void workers_never_pass_it_together(void **state)
{
	struct racer racer[WORKERS];
	struct race race = {.taken = 0};
	pthread_t thread[WORKERS];
	unsigned int taken = 0;

	assert_int_equal(tg_budget_init(&race.budget, SLOTS, WORKERS), 0);
	assert_int_equal(pthread_barrier_init(&race.start, NULL, WORKERS), 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		racer[i] = (struct racer){.race = &race, .worker = i};
		assert_int_equal(pthread_create(&thread[i], NULL, run, &racer[i]), 0);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		taken += racer[i].taken;
	}
	assert_false(race.passed);
	assert_int_equal(taken, race.taken);
	assert_int_equal(
		take_all(&race.budget, 0, SLOT, RACE_LIMIT, RACE_LIMIT), RACE_LIMIT - taken);
	pthread_barrier_destroy(&race.start);
	tg_budget_fini(&race.budget);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_places_are_given),
		cmocka_unit_test(a_limit_may_change),
		cmocka_unit_test(a_charge_counts),
		cmocka_unit_test(slots_are_apart),
		cmocka_unit_test(workers_never_pass_it_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "exact.h"

#include <errno.h>
#include <stdbool.h>

static_assert(sizeof(struct exact_line4) == 64, "one cache line");
static_assert(sizeof(struct exact_line6) == 64, "one cache line");

#define NO_LANE UINT32_MAX
#define SPARE_SHARE 8u	/* of the capacity */
#define RUN_STEPS 8192u /* multiples of a seed that are looked at */
#define RUN_DENSITY 16u /* q steps may come back to a 16th of the distance of q even ones */

/* A table at its capacity has every other lane in use; IPv6's short buckets two of five. */
static uint64_t lines_for(uint32_t lanes, uint64_t capacity)
{
	return lanes == EXACT_LANES4 ? capacity / 4 + 1 : capacity * 5 / 6 + 1;
}

static uint32_t lane_state(const struct exact *t, uint32_t lane)
{
	if (t->lanes == EXACT_LANES4)
		return (uint32_t)(t->lines4[lane / EXACT_LANES4].lane[lane % EXACT_LANES4] >> 32);
	return t->lines6[lane / EXACT_LANES6].cls[lane % EXACT_LANES6];
}

static bool lane_has(const struct exact *t, uint32_t lane, const union exact_key *key)
{
	if (t->lanes == EXACT_LANES4)
		return (uint32_t)t->lines4[lane / EXACT_LANES4].lane[lane % EXACT_LANES4] ==
		       key->v4;
	return memcmp(t->lines6[lane / EXACT_LANES6].addr[lane % EXACT_LANES6], key->v6, 16) == 0;
}

static void lane_key(const struct exact *t, uint32_t lane, union exact_key *key)
{
	if (t->lanes == EXACT_LANES4)
		key->v4 = (uint32_t)t->lines4[lane / EXACT_LANES4].lane[lane % EXACT_LANES4];
	else
		memcpy(key->v6, t->lines6[lane / EXACT_LANES6].addr[lane % EXACT_LANES6], 16);
}

/* The class or state of a lane that keeps its address. */
static void lane_put_state(struct exact *t, uint32_t lane, uint32_t state)
{
	if (t->lanes == EXACT_LANES4) {
		uint64_t *word = &t->lines4[lane / EXACT_LANES4].lane[lane % EXACT_LANES4];

		__atomic_store_n(word, (uint64_t)state << 32 | (uint32_t)*word, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&t->lines6[lane / EXACT_LANES6].cls[lane % EXACT_LANES6], state,
			__ATOMIC_RELEASE);
	}
}

/* A free lane gets an address, which stays out of readers' sight. */
static void lane_put_key(struct exact *t, uint32_t lane, const union exact_key *key)
{
	if (t->lanes == EXACT_LANES4) {
		__atomic_store_n(&t->lines4[lane / EXACT_LANES4].lane[lane % EXACT_LANES4],
			(uint64_t)LANE_PENDING << 32 | key->v4, __ATOMIC_RELEASE);
		return;
	}
	memcpy(t->lines6[lane / EXACT_LANES6].addr[lane % EXACT_LANES6], key->v6, 16);
	lane_put_state(t, lane, LANE_PENDING);
}

static bool lane_removed(const struct exact *t, uint32_t lane)
{
	return (t->removed[lane / 64] >> lane % 64 & 1) != 0;
}

static uint32_t home_of(const struct exact *t, const union exact_key *key)
{
	return t->lanes == EXACT_LANES4 ? exact_home4(t, key->v4) : exact_home6(t, key->v6);
}

static uint32_t bucket_after(const struct exact *t, uint32_t bucket)
{
	return bucket + 1 == t->n_lines ? 0 : bucket + 1;
}

static uint32_t n_probes(const struct exact *t)
{
	return RTE_MIN(t->n_lines, EXACT_PROBES);
}

/*
 * IPv4 addresses are hashed by a multiplication, so those of a run, one after the other, lie at the
 * multiples of the seed. They lie evenly unless some small multiple comes back too near to where it
 * began (three-distance theorem): then a run fills a few buckets, and has no room in a table that
 * has some. About one seed in three does not come back to within 2^32 / (16 q) after q steps.
 */
static bool spreads_runs(uint32_t seed)
{
	for (uint32_t q = 1; q <= RUN_STEPS; q++) {
		const uint32_t at = q * seed, back = RTE_MIN(at, -at);

		if ((uint64_t)back * q * RUN_DENSITY <= UINT32_MAX)
			return false;
	}
	return true;
}

/* A seed that does it for addresses in turn and for the same one in each /24: pods of nodes. */
static uint64_t seed_of4(uint64_t from)
{
	uint64_t seed = from | 1;

	for (uint64_t i = 1; !spreads_runs((uint32_t)seed) || !spreads_runs((uint32_t)seed << 8);
		i++)
		seed = tg_hash_mix(from + i, i) | 1;
	return seed;
}

int exact_init(struct exact *t, unsigned int family, uint32_t capacity, uint64_t seed, int socket)
{
	const uint32_t lanes = family == 4 ? EXACT_LANES4 : EXACT_LANES6;
	/* With some to spare, so that it does for a later generation with more addresses. */
	const uint64_t n_lines = lines_for(lanes, (uint64_t)capacity + capacity / SPARE_SHARE);
	const uint64_t n_lanes = n_lines * lanes;

	memset(t, 0, sizeof(*t));
	if (n_lanes >= LANE_PENDING)
		return -ENOMEM;
	t->lanes = lanes;
	t->n_lines = (uint32_t)n_lines;
	t->capacity = capacity;
	t->seed = family == 4 ? seed_of4(seed) : seed | 1;
	t->lines4 = table_alloc(n_lines, sizeof(*t->lines4), socket);
	t->places = table_alloc(n_lanes, sizeof(*t->places), socket);
	t->passed = table_alloc(n_lines, sizeof(*t->passed), socket);
	t->removed = table_alloc(n_lanes / 64 + 1, sizeof(*t->removed), socket);
	if (t->lines4 == NULL || t->places == NULL || t->passed == NULL || t->removed == NULL) {
		exact_free(t);
		return -ENOMEM;
	}
	for (uint32_t lane = 0; lane < n_lanes; lane++)
		lane_put_state(t, lane, LANE_EMPTY);
	return 0;
}

void exact_free(struct exact *t)
{
	rte_free(t->lines4);
	rte_free(t->places);
	rte_free(t->passed);
	rte_free(t->removed);
	tg_vec_free(&t->edits);
	memset(t, 0, sizeof(*t));
}

size_t exact_size(const struct exact *t)
{
	const size_t lanes = (size_t)t->n_lines * t->lanes;

	return (size_t)t->n_lines * (sizeof(*t->lines4) + sizeof(*t->passed)) +
	       lanes * sizeof(*t->places) + (lanes / 64 + 1) * sizeof(*t->removed);
}

/* The lane that has the address, in use or pending; else NO_LANE. */
static uint32_t locate(const struct exact *t, const union exact_key *key)
{
	uint32_t bucket = home_of(t, key);

	for (uint32_t i = 0; i < n_probes(t); i++, bucket = bucket_after(t, bucket)) {
		bool ends = false;

		for (uint32_t k = 0; k < t->lanes; k++) {
			uint32_t lane = bucket * t->lanes + k, state = lane_state(t, lane);

			if (state <= LANE_PENDING && lane_has(t, lane, key))
				return lane;
			ends |= state == LANE_EMPTY;
		}
		if (ends)
			break;
	}
	return NO_LANE;
}

static uint32_t free_lane_in(const struct exact *t, uint32_t bucket)
{
	for (uint32_t k = 0; k < t->lanes; k++)
		if (lane_state(t, bucket * t->lanes + k) > LANE_PENDING)
			return bucket * t->lanes + k;
	return NO_LANE;
}

/* The lane that has the address, or one that is made its own out of the readers' sight. */
static int reserve_lane(struct exact *t, const union exact_key *key, uint32_t *lane)
{
	const uint32_t home = home_of(t, key);
	uint32_t bucket = home, i;

	*lane = locate(t, key);
	if (*lane != NO_LANE)
		return 0;
	if (t->used == t->capacity)
		return -ENOSPC;
	for (i = 0; i < n_probes(t); i++, bucket = bucket_after(t, bucket)) {
		*lane = free_lane_in(t, bucket);
		if (*lane != NO_LANE)
			break;
	}
	if (*lane == NO_LANE)
		return -ENOSPC;
	for (bucket = home; i > 0; i--, bucket = bucket_after(t, bucket))
		t->passed[bucket]++;
	lane_put_key(t, *lane, key);
	t->used++;
	return 0;
}

int exact_reserve(struct exact *t, const union exact_key *key)
{
	uint32_t lane;

	return reserve_lane(t, key, &lane);
}

static void set_lane(struct exact *t, uint32_t lane, uint32_t cls, uint64_t place)
{
	__atomic_store_n(&t->places[lane], place, __ATOMIC_RELAXED);
	lane_put_state(t, lane, cls);
}

int exact_put(struct exact *t, const union exact_key *key, uint32_t cls, uint64_t place)
{
	uint32_t lane;
	int err = reserve_lane(t, key, &lane);

	if (err == 0)
		set_lane(t, lane, cls, place);
	return err;
}

/* No search has to go past the bucket any more: its free lanes may end one. */
static void end_searches(struct exact *t, uint32_t bucket)
{
	for (uint32_t k = 0; k < t->lanes; k++)
		if (lane_state(t, bucket * t->lanes + k) == LANE_FREE)
			lane_put_state(t, bucket * t->lanes + k, LANE_EMPTY);
}

/* Gives a pending lane back. */
static void release(struct exact *t, uint32_t lane)
{
	const uint32_t own = lane / t->lanes;
	union exact_key key;

	lane_key(t, lane, &key);
	for (uint32_t b = home_of(t, &key); b != own; b = bucket_after(t, b))
		if (--t->passed[b] == 0)
			end_searches(t, b);
	lane_put_state(t, lane, t->passed[own] == 0 ? LANE_EMPTY : LANE_FREE);
	t->used--;
}

void exact_cancel(struct exact *t, const union exact_key *key)
{
	uint32_t lane = locate(t, key);

	/* A lane that was in use before is pending as well, but readers may still look at it. */
	if (lane != NO_LANE && lane_state(t, lane) == LANE_PENDING && !lane_removed(t, lane))
		release(t, lane);
}

void exact_set(struct exact *t, const union exact_key *key, uint32_t cls, uint64_t place)
{
	set_lane(t, locate(t, key), cls, place);
}

void exact_remove(struct exact *t, const union exact_key *key)
{
	uint32_t lane = locate(t, key);

	if (lane == NO_LANE || lane_state(t, lane) == LANE_PENDING)
		return;
	lane_put_state(t, lane, LANE_PENDING);
	t->removed[lane / 64] |= 1ull << lane % 64;
}

void exact_reclaim(struct exact *t)
{
	const uint32_t n_words = t->n_lines * t->lanes / 64 + 1;

	for (uint32_t w = 0; w < n_words; w++) {
		uint64_t bits = t->removed[w];

		t->removed[w] = 0;
		for (; bits != 0; bits &= bits - 1) {
			uint32_t lane = w * 64 + (uint32_t)__builtin_ctzll(bits);

			/* The address may be back in its lane by now. */
			if (lane_state(t, lane) == LANE_PENDING)
				release(t, lane);
		}
	}
}

int exact_resize(struct exact *t, uint32_t capacity)
{
	const uint64_t n_lines = t->lines4 != NULL ? lines_for(t->lanes, capacity) : 0;

	if (n_lines > t->n_lines || n_lines <= t->n_lines / 2)
		return -ENOSPC;
	t->capacity = capacity;
	return 0;
}

void exact_note_edit(struct exact *t, const union exact_key *key)
{
	if (t->edits.n == EXACT_EDITS_MAX || tg_vec_push(&t->edits, *key) != 0)
		t->edits_lost = true;
}

uint32_t exact_count(const struct exact *t)
{
	const uint32_t n_lanes = t->n_lines * t->lanes;
	uint32_t n = 0;

	for (uint32_t lane = 0; lane < n_lanes; lane++)
		n += lane_state(t, lane) < LANE_PENDING;
	return n;
}

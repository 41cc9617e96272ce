/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exact addresses of one zone and family: an open table of one-line buckets, edited by one writer
 * while workers read.
 *
 * A bucket of an IPv4 table has 8 lanes, each one 64-bit word of address (low half) and class
 * (high half): a lane changes by one store, so a reader sees the old pair or the new one. A bucket
 * of an IPv6 table has 3 lanes, each an address and a class: the address is written while the
 * class says that the lane is out of use, the class follows with release; readers look at the
 * class first, with acquire.
 *
 * Lanes are never moved, so a reader cannot miss an address that nobody edits. A lane whose
 * address was removed (LANE_PENDING) takes another address only after exact_reclaim: until then a
 * reader may be about to read the place that goes with the old one. An address is in the first
 * buckets from its home onwards that had room, at most EXACT_PROBES of them; a search stops at a
 * bucket with an LANE_EMPTY lane, which is a bucket that no address ever passed by.
 */
#ifndef TG_CLASSIFY_EXACT_H
#define TG_CLASSIFY_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include "hash.h"
#include "memory.h"
#include "vec.h"

#define EXACT_PROBES 16u
#define EXACT_LANES4 8u
#define EXACT_LANES6 3u
#define EXACT_EDITS_MAX 4096u

/* States of a lane, in the place of its class; every class is below LANE_PENDING. */
#define LANE_PENDING 0xfffffffdu /* reserved, or removed and perhaps still being read */
#define LANE_FREE 0xfffffffeu	 /* free; the search goes on behind the bucket */
#define LANE_EMPTY 0xffffffffu	 /* free; the search ends with the bucket */

/* The address: IPv4 in host order. */
union exact_key {
	uint32_t v4;
	uint8_t v6[16];
};

struct exact_line4 {
	uint64_t lane[EXACT_LANES4]; /* class << 32 | address */
};

struct exact_line6 {
	uint8_t addr[EXACT_LANES6][16];
	uint32_t cls[EXACT_LANES6];
	uint32_t unused;
};

struct exact {
	union {
		struct exact_line4 *lines4; /* writer: edits; workers: read */
		struct exact_line6 *lines6;
	};
	uint64_t *places; /* by lane: exact_place; writer: edits; workers: read */
	uint32_t n_lines;
	uint64_t seed; /* odd */
	/* The writer's alone. */
	uint32_t *passed;  /* by bucket: lanes in use that passed it by */
	uint64_t *removed; /* bit by lane: has been removed since the last reclaim */
	uint32_t capacity; /* lanes that may be in use */
	uint32_t used;
	uint32_t lanes; /* of a bucket */
	/* Which addresses class-map deltas have changed since the table was built. */
	TG_VEC(union exact_key) edits;
	bool edits_lost; /* there were more, or no memory to remember them */
};

/* What goes with an address besides its class: its node and the number of its namespace. */
static inline uint64_t exact_place(uint32_t node, uint32_t ns)
{
	return (uint64_t)ns << 32 | node;
}

/* Room for `capacity` addresses. 0 or -ENOMEM; then the table is as exact_free leaves it. */
int exact_init(struct exact *t, unsigned int family, uint32_t capacity, uint64_t seed, int socket);
void exact_free(struct exact *t);
size_t exact_size(const struct exact *t);

/*
 * Editing, in two steps so that a transaction can be refused whole. exact_reserve finds or takes a
 * lane for an address, which readers do not see yet: 0, or -ENOSPC. exact_cancel undoes it when
 * the lane is not in use, else does nothing. exact_set cannot fail after exact_reserve.
 */
int exact_reserve(struct exact *t, const union exact_key *key);
void exact_cancel(struct exact *t, const union exact_key *key);
void exact_set(struct exact *t, const union exact_key *key, uint32_t cls, uint64_t place);
/* Both steps at once. */
int exact_put(struct exact *t, const union exact_key *key, uint32_t cls, uint64_t place);
/* Removing an address that is not there is no error. */
void exact_remove(struct exact *t, const union exact_key *key);
/* Every worker has passed a quiescent state since the last removal. */
void exact_reclaim(struct exact *t);

/*
 * Another capacity for a table that no worker reads. -ENOSPC when it has too few lines for it or
 * far too many, or none.
 */
int exact_resize(struct exact *t, uint32_t capacity);
/* Remembers that an address of a table in use has been changed. */
void exact_note_edit(struct exact *t, const union exact_key *key);
static inline bool exact_edited(const struct exact *t)
{
	return t->edits.n != 0 || t->edits_lost;
}
/* How many lanes readers may find an address in. */
uint32_t exact_count(const struct exact *t);

/* An IPv6 address as two words of memory: in registers, wherever it comes from. */
struct exact_words6 {
	uint64_t word[2];
};

static inline struct exact_words6 exact_words6(const uint8_t addr[16])
{
	struct exact_words6 words;

	memcpy(words.word, addr, sizeof(words.word));
	return words;
}

/* Multiplying by a random odd number is universal; exact_init takes one that spreads runs. */
static inline uint32_t exact_home4(const struct exact *t, uint32_t addr)
{
	return spread(addr * (uint32_t)t->seed, t->n_lines);
}

static inline uint32_t exact_home_of6(const struct exact *t, struct exact_words6 addr)
{
	return spread(
		(uint32_t)(tg_hash_mix(addr.word[0] ^ t->seed, addr.word[1]) >> 32), t->n_lines);
}

static inline uint32_t exact_home6(const struct exact *t, const uint8_t addr[16])
{
	return exact_home_of6(t, exact_words6(addr));
}

/* How many addresses ahead of its turn a bucket is asked for. */
#define EXACT_AHEAD 16u

/* Asks for the home bucket of an address and its places. */
static inline void exact_fetch4(const struct exact *t, uint32_t addr)
{
	const uint32_t home = exact_home4(t, addr);

	rte_prefetch0(&t->lines4[home]);
	rte_prefetch0(&t->places[home * EXACT_LANES4]);
}

static inline void exact_fetch6(const struct exact *t, const uint8_t addr[16])
{
	const uint32_t home = exact_home6(t, addr);

	rte_prefetch0(&t->lines6[home]);
	rte_prefetch0(&t->places[home * EXACT_LANES6]);
}

/*
 * The class at lane *lane (0..n_lines * lanes - 1) for an address, or a value of LANE_PENDING or
 * above when the table does not have it. Any thread. The first bucket is `home`.
 */
static inline uint32_t exact_find4(
	const struct exact *t, uint32_t home, uint32_t addr, uint32_t *lane)
{
	const uint32_t probes = RTE_MIN(t->n_lines, EXACT_PROBES);

	for (uint32_t i = 0; i < probes; i++) {
		const struct exact_line4 *line = &t->lines4[home];
		unsigned int ends = 0;

		for (uint32_t k = 0; k < EXACT_LANES4; k++) {
			uint64_t word = __atomic_load_n(&line->lane[k], __ATOMIC_ACQUIRE);

			if ((uint32_t)word == addr && word >> 32 < LANE_PENDING) {
				*lane = home * EXACT_LANES4 + k;
				return (uint32_t)(word >> 32);
			}
			ends |= word >> 32 == LANE_EMPTY;
		}
		if (ends != 0)
			break;
		home = home + 1 == t->n_lines ? 0 : home + 1;
	}
	return LANE_EMPTY;
}

static inline uint32_t exact_find6(
	const struct exact *t, uint32_t home, const uint8_t addr[16], uint32_t *lane)
{
	const uint32_t probes = RTE_MIN(t->n_lines, EXACT_PROBES);

	for (uint32_t i = 0; i < probes; i++) {
		const struct exact_line6 *line = &t->lines6[home];
		unsigned int ends = 0;

		for (uint32_t k = 0; k < EXACT_LANES6; k++) {
			uint32_t cls = __atomic_load_n(&line->cls[k], __ATOMIC_ACQUIRE);

			if (cls < LANE_PENDING && memcmp(line->addr[k], addr, 16) == 0) {
				*lane = home * EXACT_LANES6 + k;
				return cls;
			}
			ends |= cls == LANE_EMPTY;
		}
		if (ends != 0)
			break;
		home = home + 1 == t->n_lines ? 0 : home + 1;
	}
	return LANE_EMPTY;
}

#endif

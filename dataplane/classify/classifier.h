/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a classifier: zones of address tables, class records, rows, programs. Everything
 * but the exact addresses is read-only once built.
 */
#ifndef TG_CLASSIFY_CLASSIFIER_H
#define TG_CLASSIFY_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "classify.h"
#include "exact.h"
#include "lpm.h"
#include "program.h"
#include "row.h"
#include "zone.h"

/*
 * What most tuples need of a class: whether its rows can have a cell for a peer at all, and what
 * is to be said when they have none.
 */
struct class_summary {
	uint64_t filter[TG_DIRECTION_COUNT];  /* of the rows */
	uint32_t verdict[TG_DIRECTION_COUNT]; /* default; any when its program has to be run */
	uint16_t mark[TG_COLUMNS];	      /* of the columns */
	uint8_t kind;			      /* enum tg_class_kind */
	uint8_t traits;			      /* SUMMARY_* */
};

/* The default egress verdict's action in bits 2-3, that of ingress in bits 0-1. */
#define SUMMARY_ACTION_SRC 0x0cu
#define SUMMARY_ACTION_DST 0x03u
/* As source or destination the summary is not enough whatever the peer is. */
#define SUMMARY_MORE_SRC 0x10u
#define SUMMARY_MORE_DST 0x20u

/* The image's class with its rows and columns turned into places. */
struct class_record {
	uint32_t row[TG_DIRECTION_COUNT];     /* first line */
	uint32_t column[TG_COLUMNS];	      /* scrambled */
	uint32_t program[TG_DIRECTION_COUNT]; /* default program: reference of the classifier */
	uint8_t row_log[TG_DIRECTION_COUNT];  /* with ROW_SPILLS */
	uint8_t row_shift;		      /* egress | ingress << 4 */
	uint8_t unused;
};

static inline unsigned int record_shift(
	const struct class_record *record, enum tg_direction direction)
{
	return direction == TG_EGRESS ? record->row_shift & 15 : record->row_shift >> 4;
}

static_assert(sizeof(struct class_summary) == 32, "two of them to a cache line");
static_assert(sizeof(struct class_record) == 32, "two of them to a cache line");

typedef void (*burst_fn)(const struct tg_classifier *classifier,
	const struct tg_tuple *const tuples[], struct tg_judgement *out, unsigned int n);

struct tg_classifier {
	burst_fn burst;
	struct zone *zones; /* sorted by id */
	uint32_t n_zones;
	uint32_t n_classes;
	struct class_summary *summaries;   /* by class */
	struct class_record *classes;	   /* the same */
	uint8_t *families;		   /* by class; the writer's */
	struct tg_namespace_limit *limits; /* by number, from 1 */
	uint32_t n_limits;
	struct rows rows;
	struct programs programs;
};

/* The limits of the image's namespaces. 0 or -ENOMEM. */
int limits_build(struct tg_classifier *c, const struct tg_image *image, int socket);

/* The same function for each kind of processor, from burst.h. */
void burst_scalar(const struct tg_classifier *classifier, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n);
void burst_avx2(const struct tg_classifier *classifier, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n);
void burst_avx512(const struct tg_classifier *classifier, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n);

/* tg_classifier_rebuild with a salt of the rows that is not random, for tests. */
struct tg_classifier *classifier_build(struct tg_classifier *spare, const struct tg_image *image,
	uint32_t headroom, uint32_t salt, int socket);

/*
 * Compares every prefix's edges with the portable lookup and the exact addresses with the image, of
 * each zone that was not kept as it was. 0, or -EBADMSG when they disagree.
 */
int classifier_verify(const struct tg_classifier *classifier, const struct tg_image *image);

static inline const struct zone *classifier_zone(const struct tg_classifier *c, uint16_t id)
{
	uint32_t lo = 0, hi = c->n_zones;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->zones[mid].id == id)
			return &c->zones[mid];
		if (c->zones[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* One address at a time: its class as bursts find it. */
static inline uint32_t zone_class4(const struct zone *zone, uint32_t addr)
{
	uint32_t lane, cls = LANE_EMPTY;

	if (!lpm4_whole(&zone->lpm4))
		cls = exact_find4(&zone->exact4, exact_home4(&zone->exact4, addr), addr, &lane);
	return cls < LANE_PENDING ? cls : lpm4_find(&zone->lpm4, addr);
}

static inline uint32_t zone_class6(const struct zone *zone, const uint8_t addr[16])
{
	uint32_t lane, cls;

	if (dense6_whole(&zone->dense6))
		cls = dense6_find(&zone->dense6, addr);
	else
		cls = exact_find6(&zone->exact6, exact_home6(&zone->exact6, addr), addr, &lane);
	return cls < LANE_PENDING ? cls : lpm6_find(&zone->lpm6, addr);
}

/* What goes with an address, for verifying, and for what the rare tuple needs besides classes. */
static inline uint64_t zone_place4(const struct zone *zone, uint32_t addr)
{
	const struct exact *t = &zone->exact4;
	uint32_t lane;

	if (exact_find4(t, exact_home4(t, addr), addr, &lane) >= LANE_PENDING)
		return TG_NONE;
	return __atomic_load_n(&t->places[lane], __ATOMIC_RELAXED);
}

static inline uint64_t zone_place6(const struct zone *zone, const uint8_t addr[16])
{
	const struct exact *t = &zone->exact6;
	uint32_t lane;

	if (exact_find6(t, exact_home6(t, addr), addr, &lane) >= LANE_PENDING)
		return TG_NONE;
	return __atomic_load_n(&t->places[lane], __ATOMIC_RELAXED);
}

static inline uint32_t place_node(uint64_t place)
{
	return (uint32_t)place;
}

static inline uint32_t place_namespace(uint64_t place)
{
	return (uint32_t)(place >> 32);
}

#endif

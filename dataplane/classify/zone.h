/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address tables of one zone. The exact tables have all single addresses, with what goes with
 * each; their classes are also in blocks (block.h), which is where bursts look while there is room
 * for all. The tables are built from the zone's part of the image, or taken over
 * from a generation that nobody reads any more: a table whose part has the same bytes stays as it
 * is, an exact table whose part has changed is changed as well, everything else is built anew.
 *
 * Of a zone in use one writer edits single addresses, see classify.h.
 */
#ifndef TG_CLASSIFY_ZONE_H
#define TG_CLASSIFY_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dense6.h"
#include "exact.h"
#include "image.h"
#include "lpm.h"

/* A copy of the part of an image that a table was built from. */
struct source {
	void *bytes;
	size_t size;
};

struct zone {
	struct exact exact4;
	struct lpm4 lpm4;
	struct exact exact6;
	struct lpm6 lpm6;
	struct dense6 dense6;
	uint16_t id;
	bool kept; /* all five are as they were when they were compared with these very bytes */
	struct source addr4, addr6, prefix4, prefix6;
};

/* One zone's part of the image's sections. */
struct zone_parts {
	const struct tg_image_addr4 *addr4;
	const struct tg_image_addr6 *addr6;
	const struct tg_image_prefix4 *prefix4;
	const struct tg_image_prefix6 *prefix6;
	uint32_t n_addr4, n_addr6, n_prefix4, n_prefix6;
};

struct zone_config {
	uint32_t headroom;  /* single addresses of each family that deltas may add */
	uint32_t n_classes; /* of the image */
	int socket;
};

/* How many zones an image has: each has one /0. */
uint32_t zone_count(const struct tg_image *image);
/* Before the first zone. */
struct zone_parts zone_parts_begin(const struct tg_image *image);
/* The next zone's part; false: that was the last. */
bool zone_parts_next(struct zone_parts *parts, const struct tg_image *image);
static inline uint16_t zone_parts_id(const struct zone_parts *parts)
{
	return parts->prefix4->zone;
}

/*
 * `zone` has an id, and no tables or those of an older image. 0, -ENOMEM, -E2BIG or -ENOSPC; in
 * any case to be freed with zone_free.
 */
int zone_build(struct zone *zone, const struct zone_parts *parts, const struct zone_config *config);
void zone_free(struct zone *zone);
size_t zone_size(const struct zone *zone);

/* Editing, as exact_reserve and its like do; the family is 4 or 6. */
int zone_reserve(struct zone *zone, uint8_t family, const union exact_key *key);
void zone_cancel(struct zone *zone, uint8_t family, const union exact_key *key);
void zone_set(struct zone *zone, uint8_t family, const union exact_key *key, uint32_t cls,
	uint64_t place);
void zone_remove(struct zone *zone, uint8_t family, const union exact_key *key);

#endif

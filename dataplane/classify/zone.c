/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "addresses.h"

/* Exact tables are filled again with another seed when some bucket's neighbourhood is full. */
#define SEEDS 8

uint32_t zone_count(const struct tg_image *image)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image->n_prefix4; i++)
		n += image->prefix4[i].length == 0;
	return n;
}

struct zone_parts zone_parts_begin(const struct tg_image *image)
{
	return (struct zone_parts){
		.addr4 = image->addr4,
		.addr6 = image->addr6,
		.prefix4 = image->prefix4,
		.prefix6 = image->prefix6,
	};
}

/* Moves each part on to the entries of `zone`; the sections are sorted by zone. */
#define NEXT_PART(parts, image, section, id)                                 \
	do {                                                                 \
		(parts)->section += (parts)->n_##section;                    \
		(parts)->n_##section = 0;                                    \
		while ((parts)->section + (parts)->n_##section <             \
				(image)->section + (image)->n_##section &&   \
			(parts)->section[(parts)->n_##section].zone == (id)) \
			(parts)->n_##section++;                              \
	} while (0)

bool zone_parts_next(struct zone_parts *parts, const struct tg_image *image)
{
	const struct tg_image_prefix4 *next = parts->prefix4 + parts->n_prefix4;
	uint16_t id;

	if (next == image->prefix4 + image->n_prefix4)
		return false;
	id = next->zone;
	NEXT_PART(parts, image, addr4, id);
	NEXT_PART(parts, image, addr6, id);
	NEXT_PART(parts, image, prefix4, id);
	NEXT_PART(parts, image, prefix6, id);
	return true;
}

/* --- what a table was built from --- */

static bool source_is(const struct source *s, const void *bytes, size_t size)
{
	return s->size == size && (size == 0 || memcmp(s->bytes, bytes, size) == 0);
}

static int source_set(struct source *s, const void *bytes, size_t size)
{
	void *copy = realloc(s->bytes, size + 1);

	if (copy == NULL)
		return -ENOMEM;
	s->bytes = copy;
	s->size = size;
	if (size != 0)
		memcpy(copy, bytes, size);
	return 0;
}

static void source_free(struct source *s)
{
	free(s->bytes);
	*s = (struct source){0};
}

/* --- tables --- */

static int fill_exact(struct exact *t, const struct addresses *a, uint32_t capacity, int socket)
{
	int err = 0;

	for (int i = 0; i < SEEDS; i++) {
		exact_free(t);
		err = exact_init(t, a->family, capacity, rte_rand(), socket);
		if (err != 0)
			return err;
		err = addresses_fill(t, a);
		if (err == 0)
			return 0;
	}
	return err;
}

/* From what the table was built from. -ENOSPC: build it anew. */
static int patch_exact(struct exact *t, const struct source *source, const struct addresses *a)
{
	struct addresses was = {.v = source->bytes, .family = a->family};

	if (t->edits_lost)
		return -ENOSPC;
	was.n = (uint32_t)(source->size / (a->family == 4 ? sizeof(*a->v4) : sizeof(*a->v6)));
	return addresses_patch(t, &was, a);
}

static int build_exact(struct exact *t, struct source *source, const struct addresses *a,
	uint32_t headroom, int socket, bool *kept)
{
	const uint32_t capacity = a->n > UINT32_MAX - headroom ? UINT32_MAX : a->n + headroom;
	const size_t size = addresses_size(a);
	int err = -ENOSPC;

	if (exact_resize(t, capacity) == 0) {
		if (!exact_edited(t) && source_is(source, a->v, size))
			return 0;
		err = patch_exact(t, source, a);
	}
	*kept = false;
	if (err != 0)
		err = fill_exact(t, a, capacity, socket);
	return err == 0 ? source_set(source, a->v, size) : err;
}

static int build_lpm4(struct zone *zone, const struct tg_image_prefix4 *v, uint32_t n, int socket)
{
	int err;

	if (zone->lpm4.root != NULL && source_is(&zone->prefix4, v, n * sizeof(*v)))
		return 0;
	zone->kept = false;
	lpm4_free(&zone->lpm4);
	err = lpm4_build(&zone->lpm4, v, n, socket);
	return err == 0 ? source_set(&zone->prefix4, v, n * sizeof(*v)) : err;
}

static int build_lpm6(struct zone *zone, const struct tg_image_prefix6 *v, uint32_t n, int socket)
{
	int err;

	if (zone->lpm6.root != NULL && source_is(&zone->prefix6, v, n * sizeof(*v)))
		return 0;
	zone->kept = false;
	lpm6_free(&zone->lpm6);
	err = lpm6_build(&zone->lpm6, v, n, socket);
	return err == 0 ? source_set(&zone->prefix6, v, n * sizeof(*v)) : err;
}

int zone_build(struct zone *zone, const struct zone_parts *parts, uint32_t headroom, int socket)
{
	const struct addresses addr4 = {.v4 = parts->addr4, .n = parts->n_addr4, .family = 4};
	const struct addresses addr6 = {.v6 = parts->addr6, .n = parts->n_addr6, .family = 6};
	int err;

	zone->kept = true;
	err = build_exact(&zone->exact4, &zone->addr4, &addr4, headroom, socket, &zone->kept);
	if (err == 0)
		err = build_exact(
			&zone->exact6, &zone->addr6, &addr6, headroom, socket, &zone->kept);
	if (err == 0)
		err = build_lpm4(zone, parts->prefix4, parts->n_prefix4, socket);
	if (err == 0)
		err = build_lpm6(zone, parts->prefix6, parts->n_prefix6, socket);
	return err;
}

void zone_free(struct zone *zone)
{
	exact_free(&zone->exact4);
	exact_free(&zone->exact6);
	lpm4_free(&zone->lpm4);
	lpm6_free(&zone->lpm6);
	source_free(&zone->addr4);
	source_free(&zone->addr6);
	source_free(&zone->prefix4);
	source_free(&zone->prefix6);
}

size_t zone_size(const struct zone *zone)
{
	return exact_size(&zone->exact4) + exact_size(&zone->exact6) + lpm4_size(&zone->lpm4) +
	       lpm6_size(&zone->lpm6) + zone->addr4.size + zone->addr6.size + zone->prefix4.size +
	       zone->prefix6.size;
}

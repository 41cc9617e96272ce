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

/* *kept: it is as it was. */
static int build_exact(struct exact *t, struct source *source, const struct addresses *a,
	const struct zone_config *config, bool *kept)
{
	const uint32_t room = config->headroom;
	const uint32_t capacity = a->n > UINT32_MAX - room ? UINT32_MAX : a->n + room;
	const size_t size = addresses_size(a);
	int err = -ENOSPC;

	*kept = false;
	if (exact_resize(t, capacity) == 0) {
		*kept = !exact_edited(t) && source_is(source, a->v, size);
		err = *kept ? 0 : patch_exact(t, source, a);
	}
	if (err != 0)
		err = fill_exact(t, a, capacity, config->socket);
	return err == 0 && !*kept ? source_set(source, a->v, size) : err;
}

/* --- prefixes, and the blocks of single addresses --- */

/* `kept`: so was the exact table. */
static int build_lpm4(struct zone *zone, const struct lpm4_parts *parts, bool kept, int socket)
{
	const size_t size = parts->n_prefixes * sizeof(*parts->prefixes);
	int err;

	if (kept && zone->lpm4.blocks.log == blocks_log(parts->n_classes) &&
		source_is(&zone->prefix4, parts->prefixes, size))
		return 0;
	zone->kept = false;
	lpm4_free(&zone->lpm4);
	err = lpm4_build(&zone->lpm4, parts, socket);
	return err == 0 ? source_set(&zone->prefix4, parts->prefixes, size) : err;
}

static int build_lpm6(
	struct zone *zone, const struct tg_image_prefix6 *v, uint32_t n, int socket, bool *kept)
{
	int err;

	*kept = zone->lpm6.root != NULL && source_is(&zone->prefix6, v, n * sizeof(*v));
	if (*kept)
		return 0;
	lpm6_free(&zone->lpm6);
	err = lpm6_build(&zone->lpm6, v, n, socket);
	return err == 0 ? source_set(&zone->prefix6, v, n * sizeof(*v)) : err;
}

/* `kept`: so were the tables that blocks repeat. */
static int build_dense6(struct zone *zone, const struct dense6_parts *parts, bool kept, int socket)
{
	if (kept && zone->dense6.blocks.log == blocks_log(parts->n_classes))
		return 0;
	zone->kept = false;
	dense6_free(&zone->dense6);
	return dense6_build(&zone->dense6, parts, socket);
}

static int build4(struct zone *zone, const struct zone_parts *p, const struct zone_config *config)
{
	const struct addresses addrs = {.v4 = p->addr4, .n = p->n_addr4, .family = 4};
	const struct lpm4_parts parts = {.prefixes = p->prefix4,
		.n_prefixes = p->n_prefix4,
		.addrs = p->addr4,
		.n_addrs = p->n_addr4,
		.room = config->headroom,
		.n_classes = config->n_classes};
	bool kept;
	int err = build_exact(&zone->exact4, &zone->addr4, &addrs, config, &kept);

	return err == 0 ? build_lpm4(zone, &parts, kept, config->socket) : err;
}

static int build6(struct zone *zone, const struct zone_parts *p, const struct zone_config *config)
{
	const struct addresses addrs = {.v6 = p->addr6, .n = p->n_addr6, .family = 6};
	const struct dense6_parts parts = {.addrs = p->addr6,
		.n_addrs = p->n_addr6,
		.prefixes = &zone->lpm6,
		.room = config->headroom,
		.n_classes = config->n_classes};
	bool exact, prefixes = false;
	int err = build_exact(&zone->exact6, &zone->addr6, &addrs, config, &exact);

	if (err == 0)
		err = build_lpm6(zone, p->prefix6, p->n_prefix6, config->socket, &prefixes);
	return err == 0 ? build_dense6(zone, &parts, exact && prefixes, config->socket) : err;
}

int zone_build(struct zone *zone, const struct zone_parts *parts, const struct zone_config *config)
{
	int err;

	zone->kept = true;
	err = build4(zone, parts, config);
	return err == 0 ? build6(zone, parts, config) : err;
}

/* --- editing --- */

/* What prefixes say of an address of which the blocks do not say anything else any more. */
static uint32_t prefix_class4(const struct zone *zone, uint32_t addr)
{
	const struct tg_addr key = tg_addr_from_v4(addr);
	const struct tg_image prefixes = {.prefix4 = zone->prefix4.bytes,
		.n_prefix4 = (uint32_t)(zone->prefix4.size / sizeof(*prefixes.prefix4))};

	return tg_image_class_of(&prefixes, zone->id, &key, NULL);
}

static struct exact *exact_of(struct zone *zone, uint8_t family)
{
	return family == 4 ? &zone->exact4 : &zone->exact6;
}

int zone_reserve(struct zone *zone, uint8_t family, const union exact_key *key)
{
	int err = exact_reserve(exact_of(zone, family), key);

	exact_note_edit(exact_of(zone, family), key);
	if (err == 0 && family == 4)
		lpm4_reserve(&zone->lpm4, key->v4);
	else if (err == 0)
		dense6_reserve(&zone->dense6, &zone->lpm6, key->v6);
	return err;
}

void zone_cancel(struct zone *zone, uint8_t family, const union exact_key *key)
{
	exact_cancel(exact_of(zone, family), key);
}

void zone_set(
	struct zone *zone, uint8_t family, const union exact_key *key, uint32_t cls, uint64_t place)
{
	exact_set(exact_of(zone, family), key, cls, place);
	if (family == 4)
		lpm4_set(&zone->lpm4, key->v4, cls);
	else
		dense6_set(&zone->dense6, key->v6, cls);
}

void zone_remove(struct zone *zone, uint8_t family, const union exact_key *key)
{
	exact_note_edit(exact_of(zone, family), key);
	exact_remove(exact_of(zone, family), key);
	if (family == 4)
		lpm4_set(&zone->lpm4, key->v4, prefix_class4(zone, key->v4));
	else
		dense6_set(&zone->dense6, key->v6, lpm6_find(&zone->lpm6, key->v6));
}

/* --- all of it --- */

void zone_free(struct zone *zone)
{
	exact_free(&zone->exact4);
	exact_free(&zone->exact6);
	lpm4_free(&zone->lpm4);
	lpm6_free(&zone->lpm6);
	dense6_free(&zone->dense6);
	source_free(&zone->addr4);
	source_free(&zone->addr6);
	source_free(&zone->prefix4);
	source_free(&zone->prefix6);
}

size_t zone_size(const struct zone *zone)
{
	return exact_size(&zone->exact4) + exact_size(&zone->exact6) + lpm4_size(&zone->lpm4) +
	       lpm6_size(&zone->lpm6) + dense6_size(&zone->dense6) + zone->addr4.size +
	       zone->addr6.size + zone->prefix4.size + zone->prefix6.size;
}

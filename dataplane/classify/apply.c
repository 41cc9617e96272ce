/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Class-map deltas. A transaction is checked first, then room is made for all of it out of the
 * readers' sight, and only then, when nothing can fail any more, does it take effect.
 */
#include "classifier.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool all_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool entry_ok(const struct tg_classifier *c, const struct tg_classmap_entry *e)
{
	if (e->family != 4 && e->family != 6)
		return false;
	if (e->reserved != 0 || e->ns > c->n_limits ||
		(e->family == 4 && !all_zero(e->addr + 4, 12)))
		return false;
	if (classifier_zone(c, e->zone) == NULL)
		return false;
	if (e->cls == TG_NONE || e->cls == TG_CLASS_FAIL_CLOSED)
		return true;
	return e->cls < c->n_classes && c->families[e->cls] == e->family;
}

/* The zone that an entry is for, and its key there. */
static struct zone *zone_of(
	struct tg_classifier *c, const struct tg_classmap_entry *e, union exact_key *key)
{
	if (e->family == 6) {
		memcpy(key->v6, e->addr, sizeof(key->v6));
	} else {
		memcpy(&key->v4, e->addr, sizeof(key->v4));
		key->v4 = rte_be_to_cpu_32(key->v4);
	}
	return &c->zones[classifier_zone(c, e->zone) - c->zones];
}

static int reserve_all(struct tg_classifier *c, const struct tg_classmap_entry *entries, uint32_t n,
	uint32_t *index)
{
	union exact_key key;
	struct zone *zone;
	int err = 0;

	for (*index = 0; *index < n; (*index)++) {
		if (entries[*index].cls == TG_NONE)
			continue;
		zone = zone_of(c, &entries[*index], &key);
		err = zone_reserve(zone, entries[*index].family, &key);
		if (err != 0)
			break;
	}
	for (uint32_t i = 0; err != 0 && i < *index; i++) {
		zone = zone_of(c, &entries[i], &key);
		zone_cancel(zone, entries[i].family, &key);
	}
	return err;
}

int tg_classifier_apply(struct tg_classifier *c, const struct tg_classmap_entry *entries,
	uint32_t n, uint32_t *index)
{
	int err;

	for (*index = 0; *index < n; (*index)++)
		if (!entry_ok(c, &entries[*index]))
			return -EINVAL;
	err = reserve_all(c, entries, n, index);
	if (err != 0)
		return err;
	for (uint32_t i = 0; i < n; i++) {
		const struct tg_classmap_entry *e = &entries[i];
		union exact_key key;
		struct zone *zone = zone_of(c, e, &key);

		if (e->cls == TG_NONE)
			zone_remove(zone, e->family, &key);
		else
			zone_set(zone, e->family, &key, e->cls, exact_place(e->node, e->ns));
	}
	return 0;
}

void tg_classifier_reclaim(struct tg_classifier *c)
{
	for (uint32_t i = 0; i < c->n_zones; i++) {
		exact_reclaim(&c->zones[i].exact4);
		exact_reclaim(&c->zones[i].exact6);
	}
}

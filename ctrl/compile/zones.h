/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address zones of one compilation, by index: ascending, as the image has them. Whatever the
 * compiler keeps apart by zone it keeps apart by this index.
 */
#ifndef TG_COMPILE_ZONES_H
#define TG_COMPILE_ZONES_H

#include "endpoints.h"

struct zones {
	uint16_t *v;
	uint32_t n; /* at least one */
};

/* Every zone that the options, a policy, a node or an address is in. 0 or -ENOMEM. */
int zones_init(struct zones *z, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, const struct endpoints *endpoints);
void zones_free(struct zones *z);
/* The index of a zone; TG_NONE. */
uint32_t zones_find(const struct zones *z, uint16_t zone);

/* What the options say of zones, one by one: the home zone is number 0. */
static inline size_t zone_options_count(const struct tg_compile_options *options)
{
	return 1 + options->n_zones;
}

static inline const struct tg_zone_options *zone_options_at(
	const struct tg_compile_options *options, size_t i)
{
	return i == 0 ? &options->home : &options->zones[i - 1];
}

#endif

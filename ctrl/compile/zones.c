/* SPDX-License-Identifier: BSD-3-Clause */
#include "zones.h"

#include <stdlib.h>

#include <tidegate/ruleset.h>

#define ZONES_MAX 65536u

static void note(uint64_t *set, uint16_t zone)
{
	set[zone / 64] |= 1ull << zone % 64;
}

static void note_all(uint64_t *set, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, const struct endpoints *endpoints)
{
	for (size_t i = 0; i < zone_options_count(options); i++)
		note(set, zone_options_at(options, i)->zone);
	for (size_t i = 0; i < options->n_infrastructure; i++)
		note(set, options->infrastructure[i].zone);
	for (size_t i = 0; i < cluster->n_policies; i++)
		note(set, cluster->policies[i]->zone);
	for (size_t i = 0; i < cluster->n_nodes; i++)
		note(set, cluster->nodes[i]->zone);
	for (size_t i = 0; i < endpoints->runs.n; i++)
		note(set, endpoints->runs.v[i].zone);
}

int zones_init(struct zones *z, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, const struct endpoints *endpoints)
{
	uint64_t *set = calloc(ZONES_MAX / 64, sizeof(*set));
	uint32_t n = 0;

	*z = (struct zones){0};
	if (set == NULL)
		return -ENOMEM;
	note_all(set, cluster, options, endpoints);
	for (uint32_t i = 0; i < ZONES_MAX / 64; i++)
		n += (uint32_t)__builtin_popcountll(set[i]);
	z->v = malloc(n * sizeof(*z->v));
	for (uint32_t i = 0; z->v != NULL && i < ZONES_MAX / 64; i++)
		for (uint64_t left = set[i]; left != 0; left &= left - 1)
			z->v[z->n++] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(left));
	free(set);
	return z->v != NULL ? 0 : -ENOMEM;
}

void zones_free(struct zones *z)
{
	free(z->v);
	*z = (struct zones){0};
}

uint32_t zones_find(const struct zones *z, uint16_t zone)
{
	uint32_t lo = 0, hi = z->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (z->v[mid] < zone)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < z->n && z->v[lo] == zone ? lo : TG_NONE;
}

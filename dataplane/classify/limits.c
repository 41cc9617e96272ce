/* SPDX-License-Identifier: BSD-3-Clause */
/* Namespaces that may have a limited number of connections. */
#include "classifier.h"

#include <errno.h>

int limits_build(struct tg_classifier *c, const struct tg_image *image, int socket)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image->n_rules; i++)
		n += image->rules[i].kind == TG_RULE_NAMESPACE;
	c->limits = table_alloc(n + 1ull, sizeof(*c->limits), socket);
	if (c->limits == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->n_rules; i++) {
		const struct tg_image_rule *rule = &image->rules[i];

		if (rule->kind == TG_RULE_NAMESPACE)
			c->limits[++c->n_limits] =
				(struct tg_namespace_limit){rule->slot, rule->index};
	}
	return 0;
}

uint32_t tg_classifier_limits(const struct tg_classifier *c)
{
	return c->n_limits;
}

const struct tg_namespace_limit *tg_classify_namespace(
	const struct tg_classifier *c, const struct tg_tuple *t, const struct tg_judgement *j)
{
	const struct zone *zone = c->n_limits != 0 ? classifier_zone(c, t->zone) : NULL;
	bool reversed = j->src_kind != TG_KIND_POD;
	uint64_t place;

	if (zone == NULL || (reversed && j->dst_kind != TG_KIND_POD))
		return NULL;
	if (t->family == 4)
		place = zone_place4(zone, rte_be_to_cpu_32(reversed ? t->dst.v4 : t->src.v4));
	else
		place = zone_place6(zone, reversed ? t->dst.v6 : t->src.v6);
	return place_namespace(place) != 0 ? &c->limits[place_namespace(place)] : NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_internal.h"
#include "hash.h"

int tg_flow_shapes_alloc(struct tg_flow_shapes *shapes, uint32_t max)
{
	uint32_t places = 2;

	while (places < 2 * max)
		places *= 2;
	shapes->v = calloc(places, sizeof(*shapes->v));
	if (shapes->v == NULL)
		return -ENOMEM;
	shapes->mask = places - 1;
	shapes->max = max;
	return 0;
}

static void key_of(
	struct tg_flow_key *key, const struct tg_nic_rule *rule, const struct tg_nic_engine *engine)
{
	memset(key, 0, sizeof(*key));
	key->engine = engine;
	key->mask = rule->match.mask;
	key->fields = rule->match.fields;
	key->actions = rule->actions;
	key->group = rule->group;
	key->priority = rule->priority;
	key->family = rule->match.family;
	key->protocol = rule->match.protocol;
	key->untagged = rule->match.untagged;
	key->tagged = rule->match.tagged;
	key->domain = rule->domain;
	if (rule->domain == TG_NIC_TRANSFER)
		key->port = rule->port;
	if (rule->actions & 1u << TG_NIC_FORWARD)
		key->to = rule->to;
	if (rule->actions & 1u << TG_NIC_JUMP)
		key->jump = rule->jump;
}

struct tg_flow_shape *tg_flow_shape_find(struct tg_flow_shapes *shapes,
	const struct tg_nic_rule *rule, const struct tg_nic_engine *engine, bool add)
{
	struct tg_flow_shape *shape;
	struct tg_flow_key key;
	uint64_t hash;

	key_of(&key, rule, engine);
	hash = tg_hash_bytes(&key, sizeof(key), 0) | 1;
	for (uint32_t i = (uint32_t)(hash >> 32);; i++) {
		shape = &shapes->v[i & shapes->mask];
		if (shape->hash == 0)
			break;
		if (shape->hash == hash && memcmp(&shape->key, &key, sizeof(key)) == 0)
			return shape;
	}
	if (!add || shapes->n == shapes->max)
		return NULL;
	shapes->n++;
	memcpy(&shape->key, &key, sizeof(key)); /* with its padding */
	shape->hash = hash;
	return shape;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules, found by packets: tuple space search. A group keeps a hash table for each mask that its
 * rules have; a packet is looked up in each, from the one that can hold the highest priority on.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define BUCKETS_MIN 8

static uint32_t tuple_hash(const struct nm_tuple *tuple, const struct nm_key *key, uint64_t *words)
{
	uint64_t h = 0;

	for (unsigned int i = 0; i < tuple->n_words; i++) {
		words[i] = key->w[tuple->word[i]] & tuple->mask.w[tuple->word[i]];
		h = tg_hash_mix(h, words[i]);
	}
	return (uint32_t)h;
}

/* --- groups ------------------------------------------------------------------------------ */

struct nm_group *nm_group_find(const struct nm_nic *nic, uint8_t domain, uint16_t port, uint32_t id)
{
	for (uint32_t i = 0; i < nic->n_groups; i++) {
		struct nm_group *g = nic->groups[i];

		if (g->id == id && g->domain == domain &&
			(domain == TG_NIC_TRANSFER || g->port == port))
			return g;
	}
	return NULL;
}

static void note_root(struct nm_nic *nic, const struct nm_rule *rule, struct nm_group *group)
{
	if (group->id != 0)
		return;
	if (group->domain == TG_NIC_TRANSFER)
		nic->transfer = group;
	else if (group->domain == TG_NIC_INGRESS)
		rule->port->ingress = group;
	else
		rule->port->egress = group;
}

static struct nm_group *group_make(struct nm_nic *nic, const struct nm_rule *rule)
{
	struct nm_group *group = nm_group_find(nic, rule->domain, rule->port->id, rule->group);
	struct nm_group **groups;

	if (group != NULL) {
		note_root(nic, rule, group);
		return group;
	}
	if (nic->n_groups == nic->cap_groups) {
		groups = realloc(nic->groups, (nic->cap_groups * 2 + 8) * sizeof(*groups));
		if (groups == NULL)
			return NULL;
		nic->groups = groups;
		nic->cap_groups = nic->cap_groups * 2 + 8;
	}
	group = calloc(1, sizeof(*group));
	if (group == NULL)
		return NULL;
	group->domain = rule->domain;
	group->port = rule->port->id;
	group->id = rule->group;
	nic->groups[nic->n_groups++] = group;
	note_root(nic, rule, group);
	return group;
}

/* --- tuples ------------------------------------------------------------------------------ */

static struct nm_tuple *tuple_find(const struct nm_group *group, const struct nm_key *mask)
{
	for (uint32_t i = 0; i < group->n_tuples; i++)
		if (memcmp(&group->tuples[i]->mask, mask, sizeof(*mask)) == 0)
			return group->tuples[i];
	return NULL;
}

/* Keeps the group's tuples in the order of `best` after that of one went down. */
static void tuple_rise(struct nm_group *group, struct nm_tuple *tuple)
{
	uint32_t i = 0;

	while (group->tuples[i] != tuple)
		i++;
	for (; i > 0 && group->tuples[i - 1]->best > tuple->best; i--)
		group->tuples[i] = group->tuples[i - 1];
	group->tuples[i] = tuple;
}

static struct nm_tuple *tuple_make(
	struct nm_nic *nic, struct nm_group *group, const struct nm_key *mask)
{
	struct nm_tuple *tuple = tuple_find(group, mask), **tuples;

	if (tuple != NULL)
		return tuple;
	if (group->n_tuples == group->cap) {
		tuples = realloc(group->tuples, (group->cap * 2 + 8) * sizeof(struct nm_tuple *));
		if (tuples == NULL)
			return NULL;
		group->tuples = tuples;
		group->cap = group->cap * 2 + 8;
	}
	tuple = calloc(1, sizeof(*tuple));
	if (tuple == NULL)
		return NULL;
	tuple->buckets = calloc(BUCKETS_MIN, sizeof(struct nm_rule *));
	if (tuple->buckets == NULL) {
		free(tuple);
		return NULL;
	}
	tuple->n_buckets = BUCKETS_MIN;
	tuple->group = group;
	tuple->mask = *mask;
	tuple->best = UINT32_MAX;
	for (uint8_t i = 0; i < NM_WORDS; i++)
		if (mask->w[i] != 0)
			tuple->word[tuple->n_words++] = i;
	group->tuples[group->n_tuples++] = tuple;
	nic->stats.tuples++;
	return tuple;
}

static void tuple_free(struct nm_nic *nic, struct nm_tuple *tuple)
{
	struct nm_group *group = tuple->group;
	uint32_t i = 0;

	while (group->tuples[i] != tuple)
		i++;
	memmove(group->tuples + i, group->tuples + i + 1,
		(--group->n_tuples - i) * sizeof(struct nm_tuple *));
	nic->stats.tuples--;
	free(tuple->buckets);
	free(tuple);
}

static void tuple_grow(struct nm_tuple *tuple)
{
	uint32_t n = tuple->n_buckets * 2;
	struct nm_rule **buckets = calloc(n, sizeof(struct nm_rule *)), *rule;

	if (buckets == NULL)
		return; /* longer chains, then */
	for (uint32_t i = 0; i < tuple->n_buckets; i++)
		while ((rule = tuple->buckets[i]) != NULL) {
			tuple->buckets[i] = rule->next;
			rule->next = buckets[rule->hash & (n - 1)];
			buckets[rule->hash & (n - 1)] = rule;
		}
	free(tuple->buckets);
	tuple->buckets = buckets;
	tuple->n_buckets = n;
}

/* --- rules ------------------------------------------------------------------------------- */

static bool same_match(const struct nm_rule *a, const struct nm_rule *b, unsigned int n_words)
{
	return a->hash == b->hash && memcmp(a->spec, b->spec, n_words * sizeof(uint64_t)) == 0 &&
	       a->n_ranges == b->n_ranges &&
	       (a->n_ranges == 0 ||
		       memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(a->ranges[0])) == 0);
}

static bool is_there(const struct nm_tuple *tuple, const struct nm_rule *rule)
{
	const struct nm_rule *r = tuple->buckets[rule->hash & (tuple->n_buckets - 1)];

	for (; r != NULL; r = r->next)
		if (r->priority == rule->priority && same_match(r, rule, tuple->n_words))
			return true;
	return false;
}

int nm_table_insert(struct nm_nic *nic, struct nm_rule *rule, const struct nm_key *mask,
	const struct nm_key *spec, bool refuse_equal)
{
	struct nm_group *group = group_make(nic, rule);
	struct nm_tuple *tuple = group != NULL ? tuple_make(nic, group, mask) : NULL;
	struct nm_rule **bucket;

	if (tuple == NULL)
		return -ENOMEM;
	rule->hash = tuple_hash(tuple, spec, rule->spec);
	if (refuse_equal && is_there(tuple, rule))
		return -EEXIST; /* so the tuple was not empty, and none was made */
	if (tuple->count >= tuple->n_buckets)
		tuple_grow(tuple);
	bucket = &tuple->buckets[rule->hash & (tuple->n_buckets - 1)];
	rule->next = *bucket;
	*bucket = rule;
	rule->tuple = tuple;
	rule->order = nic->quirks.younger_first ? UINT64_MAX - nic->order++ : nic->order++;
	tuple->count++;
	if (rule->priority < tuple->best) {
		tuple->best = rule->priority;
		tuple_rise(group, tuple);
	}
	return 0;
}

void nm_table_remove(struct nm_nic *nic, struct nm_rule *rule)
{
	struct nm_tuple *tuple = rule->tuple;
	struct nm_rule **at = &tuple->buckets[rule->hash & (tuple->n_buckets - 1)];

	while (*at != rule)
		at = &(*at)->next;
	*at = rule->next;
	rule->tuple = NULL;
	if (--tuple->count == 0)
		tuple_free(nic, tuple);
}

static bool in_range(const struct nm_range *range, const struct nm_key *key)
{
	uint8_t value[16];

	for (unsigned int i = 0; i < range->size; i++)
		value[i] = key->b[range->at + i] & range->mask[i];
	return memcmp(value, range->low, range->size) >= 0 &&
	       memcmp(value, range->high, range->size) <= 0;
}

static bool in_ranges(const struct nm_rule *rule, const struct nm_key *key)
{
	for (unsigned int i = 0; i < rule->n_ranges; i++)
		if (!in_range(&rule->ranges[i], key))
			return false;
	return true;
}

/* a acts rather than b. */
static bool before(const struct nm_rule *a, const struct nm_rule *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->order < b->order;
}

static struct nm_rule *tuple_lookup(const struct nm_tuple *tuple, const struct nm_key *key,
	const struct nm_rule *after, struct nm_rule *best, uint64_t now, uint64_t packet)
{
	uint64_t words[NM_WORDS];
	uint32_t hash = tuple_hash(tuple, key, words);
	struct nm_rule *r = tuple->buckets[hash & (tuple->n_buckets - 1)];

	for (; r != NULL; r = r->next) {
		if (r->hash != hash || memcmp(r->spec, words, tuple->n_words * 8u) != 0)
			continue;
		if (!r->port->started || r->from_ms > now || r->from_packet > packet)
			continue;
		if ((after != NULL && !before(after, r)) || !in_ranges(r, key))
			continue;
		if (best == NULL || before(r, best))
			best = r;
	}
	return best;
}

struct nm_rule *nm_table_lookup(const struct nm_group *group, const struct nm_key *key,
	const struct nm_rule *after, uint64_t now, uint64_t packet)
{
	struct nm_rule *best = NULL;

	for (uint32_t i = 0; i < group->n_tuples; i++) {
		if (best != NULL && group->tuples[i]->best > best->priority)
			break;
		best = tuple_lookup(group->tuples[i], key, after, best, now, packet);
	}
	return best;
}

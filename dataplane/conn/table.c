/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <errno.h>
#include <string.h>

#define TABLE_LOAD 4 /* lines for each connection */
#define FAR 1u	     /* of struct tg_conn.displaced */
#define FAR_MAX 127u /* of struct tg_conn.far */

static size_t hot_size(const struct tg_table *table)
{
	return tg_table_size(table) << table->shift;
}

static size_t cold_size(const struct tg_table *table)
{
	return tg_table_size(table) * sizeof(*table->cold);
}

static size_t span_size(const struct tg_table *table)
{
	return tg_table_spans(table) * sizeof(*table->span);
}

static uint64_t lines_for(uint32_t max)
{
	uint64_t lines = TG_TABLE_PROBE;

	while (lines < (uint64_t)max * TABLE_LOAD)
		lines *= 2;
	return lines;
}

uint64_t tg_table_size_for(uint32_t max)
{
	return lines_for(max) + TG_TABLE_PROBE;
}

int tg_table_init(
	struct tg_table *table, uint8_t family, uint32_t max, const struct tg_secret *secret)
{
	const uint64_t lines = lines_for(max);
	enum tg_pages other_pages; /* of no account: seldom touched, or small */

	if (max == 0 || max > (1u << 28))
		return -EINVAL;
	*table = (struct tg_table){
		.mask = lines - 1,
		.shift = family == 4 ? 6 : 7,
		.family = family,
		.max = (uint32_t)(lines / TABLE_LOAD),
		.secret = *secret,
	};
	table->hot = tg_pages_map(hot_size(table), &table->pages);
	table->cold = tg_pages_map(cold_size(table), &other_pages);
	table->span = tg_pages_map(span_size(table), &other_pages);
	if (table->hot != NULL && table->cold != NULL && table->span != NULL)
		return 0;
	tg_table_fini(table);
	return -ENOMEM;
}

void tg_table_fini(struct tg_table *table)
{
	tg_pages_unmap(table->hot, hot_size(table));
	tg_pages_unmap(table->cold, cold_size(table));
	tg_pages_unmap(table->span, span_size(table));
	table->hot = NULL;
	table->cold = NULL;
	table->span = NULL;
}

uint64_t tg_table_bytes(const struct tg_table *table)
{
	return hot_size(table) + cold_size(table) + span_size(table);
}

static bool match(const struct tg_table *table, uint64_t index, const struct tg_key *key)
{
	const struct tg_conn *c = tg_table_at(table, index);

	return table->family == 4 ? tg_table_is4(c, key) : tg_table_is6(c, key);
}

/* Bits of the hash that the first home has not used. */
static uint64_t second_home(const struct tg_table *table, uint64_t hash)
{
	return (hash >> 32) & table->mask;
}

struct tg_conn *tg_table_find_far(
	const struct tg_table *table, const struct tg_key *key, uint64_t hash)
{
	uint64_t home = hash & table->mask, second = second_home(table, hash);
	unsigned int displaced = tg_table_at(table, home)->displaced;

	for (unsigned int near = displaced & ~FAR; near != 0; near &= near - 1) {
		uint64_t i = home + (unsigned int)__builtin_ctz(near);

		if (match(table, i, key))
			return tg_table_at(table, i);
	}
	if (likely(!(displaced & FAR)))
		return NULL;
	for (uint64_t i = second; i < second + TG_TABLE_PROBE; i++) {
		if (match(table, i, key))
			return tg_table_at(table, i);
	}
	return NULL;
}

void tg_table_crowd(const struct tg_table *table, uint64_t hash, struct tg_conn **crowd)
{
	uint64_t home = hash & table->mask, second = second_home(table, hash);

	for (unsigned int i = 0; i < TG_TABLE_PROBE; i++) {
		crowd[i] = tg_table_at(table, home + i);
		crowd[TG_TABLE_PROBE + i] = tg_table_at(table, second + i);
	}
}

static uint64_t home_of(const struct tg_table *table, const struct tg_conn *c)
{
	struct tg_key key;

	tg_table_key(table, c, &key);
	return tg_table_hash(table, &key) & table->mask;
}

/* Everything but what belongs to the line and not to the entry in it. */
static void clear(const struct tg_table *table, struct tg_conn *c)
{
	const uint8_t displaced = c->displaced, far = c->far;
	struct tg_conn4 *line = (struct tg_conn4 *)(void *)((uint8_t *)(c + 1) - sizeof(*line));

	if (table->family == 6)
		line[-1] = (struct tg_conn4){0};
	line[0] = (struct tg_conn4){0};
	c->displaced = displaced;
	c->far = far & FAR_MAX;
}

/* The first free place of a key, its home being taken. */
static struct tg_conn *place_away(
	const struct tg_table *table, uint64_t hash, struct tg_conn **crowd)
{
	tg_table_crowd(table, hash, crowd);
	for (unsigned int i = 1; i < TG_TABLE_PROBE; i++) {
		if (crowd[i]->used)
			continue;
		crowd[0]->displaced |= (uint8_t)(1u << i);
		return crowd[i];
	}
	for (unsigned int i = TG_TABLE_PROBE; i < TG_TABLE_CROWD && crowd[0]->far < FAR_MAX; i++) {
		if (crowd[i]->used)
			continue;
		crowd[0]->displaced |= FAR;
		crowd[0]->far++;
		return crowd[i];
	}
	return NULL;
}

/* The entry at `index`, away from its home, is about to go. */
static void leave_place(const struct tg_table *table, uint64_t home, uint64_t index)
{
	struct tg_conn *c = tg_table_at(table, home);

	if (index - home < TG_TABLE_PROBE) {
		c->displaced &= (uint8_t) ~(1u << (index - home));
		return;
	}
	c->far--;
	if (c->far == 0)
		c->displaced &= (uint8_t)~FAR;
}

static void mark_free(struct tg_table *table, const struct tg_conn *c)
{
	uint64_t index = tg_table_index(table, c), bit = 1ull << index % TG_TABLE_SPAN;

	table->span[index / TG_TABLE_SPAN].used &= ~bit;
	table->span[index / TG_TABLE_SPAN].watched &= ~bit;
}

struct tg_conn *tg_table_insert(
	struct tg_table *table, const struct tg_key *key, uint64_t hash, struct tg_conn **crowd)
{
	struct tg_conn *c = tg_table_home(table, hash);

	if (unlikely(table->used >= table->max)) {
		tg_table_crowd(table, hash, crowd);
		return NULL;
	}
	if (c->used)
		c = place_away(table, hash, crowd);
	if (c != NULL)
		tg_table_occupy(table, c, key);
	return c;
}

void tg_table_remove(struct tg_table *table, struct tg_conn *c)
{
	uint64_t home = home_of(table, c), index = tg_table_index(table, c);

	if (home != index)
		leave_place(table, home, index);
	if (c->flags & TG_CONN_BURIED)
		table->buried--;
	else
		table->used--;
	mark_free(table, c);
	clear(table, c);
}

bool tg_table_bury(struct tg_table *table, struct tg_conn *c, uint8_t state, uint32_t limit)
{
	if (table->buried >= limit || table->buried >= table->max)
		return false;
	c->flags = (uint8_t)((c->flags & (TG_CONN_INITIATOR | TG_CONN_END)) | TG_CONN_BURIED);
	c->state = state;
	table->buried++;
	table->used--;
	return true;
}

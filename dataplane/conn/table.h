/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection table of one family and one worker: open addressing over the hot entries, at most
 * a quarter full. A key lies in one of TG_TABLE_PROBE entries from its home, or, when these are
 * taken (once in some ten thousand keys), in one of as many from a second home. A home says where
 * the entries are that could be in it and are not, so that a look-up touches it and these only. The
 * neighbours of a full neighbourhood that are half-open or expired are the caller's to evict.
 *
 * Entries do not move while they live. One worker owns a table: no synchronisation.
 */
#ifndef TG_CONN_TABLE_H
#define TG_CONN_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "conn.h"
#include "pages.h"
#include "secret.h"

#define TG_TABLE_PROBE 8
#define TG_TABLE_CROWD (2 * TG_TABLE_PROBE) /* all places of a key */

#define TG_TABLE_SPAN 64

/* TG_TABLE_SPAN entries in a row, a bit each: who looks for some of them touches no others. */
struct tg_span {
	uint64_t used;
	uint64_t watched; /* of these: they end or may end soon, see pipeline/sweep.c */
};

struct tg_table {
	uint8_t *hot;		   /* mask + TG_TABLE_PROBE entries of 1 << shift bytes */
	struct tg_conn_cold *cold; /* the same number */
	struct tg_span *span;	   /* tg_table_spans */
	uint64_t mask;
	uint32_t shift;	 /* 6 or 7 */
	uint8_t family;	 /* 4 or 6 */
	uint32_t used;	 /* live connections */
	uint32_t buried; /* TG_CONN_BURIED entries, not among them */
	uint32_t max;
	enum tg_pages pages; /* that `hot` lies in */
	struct tg_secret secret;
};

/* Room for `max` connections, rounded up to a power of two. 0, -EINVAL or -ENOMEM. */
int tg_table_init(
	struct tg_table *table, uint8_t family, uint32_t max, const struct tg_secret *secret);
void tg_table_fini(struct tg_table *table);
/* tg_table_size of a table that has room for `max`. */
uint64_t tg_table_size_for(uint32_t max);
/* Bytes of memory held. */
uint64_t tg_table_bytes(const struct tg_table *table);
/* Number of entries, free ones included. */
static inline uint64_t tg_table_size(const struct tg_table *table)
{
	return table->mask + TG_TABLE_PROBE;
}

static inline uint64_t tg_table_spans(const struct tg_table *table)
{
	return (tg_table_size(table) + TG_TABLE_SPAN - 1) / TG_TABLE_SPAN;
}

static inline uint64_t tg_key_hash4(const struct tg_secret *secret, const struct tg_key *key)
{
	return tg_secret_hash2(secret, key->addr.v4, key->tail);
}

static inline uint64_t tg_key_hash6(const struct tg_secret *secret, const struct tg_key *key)
{
	const uint64_t v[5] = {
		key->addr.v6[0], key->addr.v6[1], key->addr.v6[2], key->addr.v6[3], key->tail};

	return tg_secret_hash5(secret, v);
}

static inline uint64_t tg_table_hash(const struct tg_table *table, const struct tg_key *key)
{
	return table->family == 4 ? tg_key_hash4(&table->secret, key)
				  : tg_key_hash6(&table->secret, key);
}

/* The entry that a key is in, if it could choose. */
static inline struct tg_conn *tg_table_home4(const struct tg_table *table, uint64_t hash)
{
	return &((struct tg_conn4 *)(void *)table->hot)[hash & table->mask].c;
}

static inline struct tg_conn *tg_table_home6(const struct tg_table *table, uint64_t hash)
{
	return &((struct tg_conn6 *)(void *)table->hot)[hash & table->mask].c;
}

static inline struct tg_conn *tg_table_home(const struct tg_table *table, uint64_t hash)
{
	return table->family == 4 ? tg_table_home4(table, hash) : tg_table_home6(table, hash);
}

/* The entry is not in its home, and may be where that says. */
struct tg_conn *tg_table_find_far(
	const struct tg_table *table, const struct tg_key *key, uint64_t hash);

/* Asks for the first entry that has its home here and lies near. */
static inline void tg_table_fetch_displaced(
	const struct tg_table *table, const struct tg_conn *home)
{
	const unsigned int away = (unsigned int)__builtin_ctz((home->displaced | 0x100u) & ~1u);
	const uint8_t *end = (const uint8_t *)(home + 1) + ((size_t)away << table->shift);

	rte_prefetch0(end - 1);
	if (table->family == 6)
		rte_prefetch0(end - 128);
}

/* Is it the connection of a key? */
static inline bool tg_table_is4(const struct tg_conn *c, const struct tg_key *key)
{
	const uint64_t *tail = (const uint64_t *)(const void *)c;

	return ((tail[-1] ^ key->addr.v4) | ((tail[0] ^ key->tail) & TG_KEY_TAIL_MASK)) == 0;
}

static inline bool tg_table_is6(const struct tg_conn *c, const struct tg_key *key)
{
	const uint64_t *tail = (const uint64_t *)(const void *)c;

#ifdef __AVX2__
	const __m256i have = _mm256_loadu_si256((const __m256i *)(const void *)(tail - 9));
	const __m256i want = _mm256_loadu_si256((const __m256i *)(const void *)key->addr.v6);
	const __m256i differ = _mm256_xor_si256(have, want);

	return _mm256_testz_si256(differ, differ) &
	       (((tail[0] ^ key->tail) & TG_KEY_TAIL_MASK) == 0);
#else
	return ((tail[-9] ^ key->addr.v6[0]) | (tail[-8] ^ key->addr.v6[1]) |
		       (tail[-7] ^ key->addr.v6[2]) | (tail[-6] ^ key->addr.v6[3]) |
		       ((tail[0] ^ key->tail) & TG_KEY_TAIL_MASK)) == 0;
#endif
}

static inline struct tg_conn *tg_table_find(
	const struct tg_table *table, const struct tg_key *key, uint64_t hash)
{
	struct tg_conn *home = tg_table_home(table, hash);

	if (likely(table->family == 4 ? tg_table_is4(home, key) : tg_table_is6(home, key)))
		return home;
	return home->displaced == 0 ? NULL : tg_table_find_far(table, key, hash);
}

/* An entry by its number; free when its `used` is 0. */
static inline struct tg_conn *tg_table_at(const struct tg_table *table, uint64_t index)
{
	return (struct tg_conn *)(void *)(table->hot + ((index + 1) << table->shift) -
					  sizeof(struct tg_conn));
}

static inline uint64_t tg_table_index(const struct tg_table *table, const struct tg_conn *c)
{
	return (uint64_t)((const uint8_t *)c - table->hot) >> table->shift;
}

static inline struct tg_conn_cold *tg_table_cold(
	const struct tg_table *table, const struct tg_conn *c)
{
	return &table->cold[tg_table_index(table, c)];
}

/*
 * A key's entry is about to be made: asks for what that touches beside the home, but for the cold
 * part, which it returns. Where the home is taken the next entry is free, three times out of four.
 */
static inline const struct tg_conn_cold *tg_table_expect(
	const struct tg_table *table, uint64_t hash)
{
	const uint64_t home = hash & table->mask;
	const uint64_t index = home + tg_table_at(table, home)->used;

	rte_prefetch0(tg_table_at(table, index));
	if (table->family == 6)
		rte_prefetch0(table->hot + (index << table->shift));
	rte_prefetch0(&table->span[index / TG_TABLE_SPAN]);
	return &table->cold[index];
}

/* From now on an entry is watched, or no more. */
static inline void tg_table_watch(struct tg_table *table, const struct tg_conn *c, bool watched)
{
	uint64_t index = tg_table_index(table, c);
	uint64_t *word = &table->span[index / TG_TABLE_SPAN].watched;
	unsigned int bit = index % TG_TABLE_SPAN;

	*word = (*word & ~(1ull << bit)) | (uint64_t)watched << bit;
}

/* All places that a key may have. */
void tg_table_crowd(const struct tg_table *table, uint64_t hash, struct tg_conn **crowd);
/* The key of a live entry. */
static inline void tg_table_key(
	const struct tg_table *table, const struct tg_conn *c, struct tg_key *key)
{
	const uint64_t *tail = (const uint64_t *)(const void *)c;

	if (table->family == 4)
		key->addr = (union tg_key_addr){.v4 = tail[-1]};
	else
		memcpy(key->addr.v6, tail - 9, sizeof(key->addr.v6));
	key->tail = tail[0] & TG_KEY_TAIL_MASK;
}

/* Where an entry begins: with its addresses. */
static inline uint8_t *tg_table_entry(const struct tg_table *table, const struct tg_conn *c)
{
	return table->hot + (tg_table_index(table, c) << table->shift);
}

/* A free entry becomes that of a key, and is watched. */
static inline void tg_table_occupy(
	struct tg_table *table, struct tg_conn *c, const struct tg_key *key)
{
	const uint64_t index = tg_table_index(table, c), bit = 1ull << index % TG_TABLE_SPAN;
	struct tg_span *span = &table->span[index / TG_TABLE_SPAN];
	uint64_t tail;

	span->used |= bit;
	span->watched |= bit;

	/* what is free is zero, but for what belongs to the line */
	memcpy(&tail, c, sizeof(tail));
	tail |= key->tail;
	memcpy(c, &tail, sizeof(tail));
	if (likely(table->family == 4))
		memcpy(tg_table_entry(table, c), &key->addr.v4, sizeof(key->addr.v4));
	else
		memcpy(tg_table_entry(table, c), key->addr.v6, sizeof(key->addr.v6));
	table->used++;
}

/*
 * A new entry for a key that is not in the table: key set, all else zero, watched; its cold part is
 * the caller's to write. NULL when its places or the table are full; then *crowd (TG_TABLE_CROWD
 * pointers) has its places.
 */
struct tg_conn *tg_table_insert(
	struct tg_table *table, const struct tg_key *key, uint64_t hash, struct tg_conn **crowd);
void tg_table_remove(struct tg_table *table, struct tg_conn *c);
/*
 * Makes a live entry a TG_CONN_BURIED one in `state`, which takes no connection's place in `max`.
 * False: there are as many as `limit` already, or as connections may be.
 */
bool tg_table_bury(struct tg_table *table, struct tg_conn *c, uint8_t state, uint32_t limit);

#endif

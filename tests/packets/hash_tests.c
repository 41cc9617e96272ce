/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hash floods: an attacker who knows the code, but not the secret, chooses what the tables are
 * filled with. Everything is deterministic: secrets come from a fixed sequence.
 */
#include "tests.h"
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS (1u << 18)
#define BINS 4096u

struct kind {
	const char *name;
	void (*make)(struct tg_key *key, uint32_t i);
};

static uint64_t mixed(uint64_t i)
{
	uint64_t x = i * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static struct tg_secret secret_of(uint64_t n)
{
	struct tg_secret secret;

	for (unsigned int i = 0; i < 4; i++)
		secret.word[i] = mixed(n * 4 + i);
	return secret;
}

/* ---- tuples as an attacker would choose them ---- */

#define WEB(sport) tg_key_tail((uint16_t)(sport), 80, 6, 0)

/* What all others are compared with. */
static void any(struct tg_key *key, uint32_t i)
{
	key->addr.v4 = mixed(i);
	key->tail = tg_key_tail((uint16_t)mixed(i + (1ull << 40)), (uint16_t)(i >> 7), 6, 0);
}

/* One address after the other has a connection from each port. */
static void ports_in_turn(struct tg_key *key, uint32_t i)
{
	key->addr.v4 = 0x0200010a0100000aull + (uint64_t)(i >> 16) * 0x01000000;
	key->tail = WEB(i);
}

/* Addresses in turn, as a sweep over a network has them (their bytes are in network order). */
static void addresses_in_turn(struct tg_key *key, uint32_t i)
{
	key->addr.v4 = 0x0200010a00000000ull | rte_cpu_to_be_32(0x0a000000 + i);
	key->tail = WEB(5000);
}

/* Every fifth bit counts: the words of the key differ in as little as they can. */
static void few_bits(struct tg_key *key, uint32_t i)
{
	uint32_t ports = 80u << 16 | 5000;

	key->addr.v4 = 0x0200010a0100000aull;
	for (unsigned int bit = 0; bit < 18; bit++, i >>= 1) {
		if (bit * 5 < 64)
			key->addr.v4 ^= (uint64_t)(i & 1) << (bit * 5);
		else
			ports ^= (i & 1) << (bit * 5 - 64);
	}
	key->tail = tg_key_tail((uint16_t)ports, (uint16_t)(ports >> 16), 6, 0);
}

/* The same numbers at the other end: sums and exclusive ors of the words do not change. */
static void swapped(struct tg_key *key, uint32_t i)
{
	uint32_t a = 0x0a000000 + (i >> 1), b = 0x0b000000 + (i >> 1);
	uint16_t p = (uint16_t)(1024 + i % 509), q = 80;
	bool back = i & 1;

	key->addr.v4 = (uint64_t)(back ? b : a) << 32 | (back ? a : b);
	key->tail = tg_key_tail(back ? q : p, back ? p : q, 6, 0);
}

/* CRC-32 (IEEE 802.3) of address words and ports. */
static uint32_t crc32_of(const uint64_t word[2])
{
	uint32_t crc = ~0u;

	for (unsigned int bit = 0; bit < 96; bit++) {
		uint32_t in = (uint32_t)(word[bit / 64] >> (bit % 64)) & 1;

		crc = ((crc ^ in) & 1) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	}
	return ~crc;
}

static struct {
	uint64_t word[96][2];
	unsigned int n;
} kernel; /* differences that CRC-32 does not see */

/* Gauss: what a linear function of 96 bits makes of each bit, and what cancels out. */
static void find_kernel(void)
{
	const uint64_t zero[2] = {0, 0};
	uint64_t from[96][2];
	uint32_t to[96];
	unsigned int rank = 0;

	for (unsigned int i = 0; i < 96; i++) {
		from[i][0] = i < 64 ? 1ull << i : 0;
		from[i][1] = i < 64 ? 0 : 1ull << (i - 64);
		to[i] = crc32_of(from[i]) ^ crc32_of(zero);
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		unsigned int pivot = rank;

		while (pivot < 96 && (to[pivot] >> bit & 1) == 0)
			pivot++;
		if (pivot == 96)
			continue;
		for (unsigned int w = 0; w < 2; w++) {
			uint64_t word = from[pivot][w];

			from[pivot][w] = from[rank][w];
			from[rank][w] = word;
		}
		RTE_SWAP(to[pivot], to[rank]);
		for (unsigned int i = rank + 1; i < 96; i++) {
			if ((to[i] >> bit & 1) == 0)
				continue;
			to[i] ^= to[rank];
			from[i][0] ^= from[rank][0];
			from[i][1] ^= from[rank][1];
		}
		rank++;
	}
	kernel.n = 96 - rank;
	for (unsigned int i = 0; i < kernel.n; i++)
		memcpy(kernel.word[i], from[rank + i], sizeof(from[0]));
}

static void crc32_collisions(struct tg_key *key, uint32_t i)
{
	uint64_t word[2] = {0x0200010a0100000aull, 80u << 16 | 5000};

	for (unsigned int bit = 0; bit < 18; bit++) {
		if ((i >> bit & 1) == 0)
			continue;
		word[0] ^= kernel.word[bit][0];
		word[1] ^= kernel.word[bit][1];
	}
	key->addr.v4 = word[0];
	key->tail = tg_key_tail((uint16_t)word[1], (uint16_t)(word[1] >> 16), 6, 0);
}

/* Toeplitz with the key that makes it symmetric sees the exclusive or of 16-bit words only. */
static void toeplitz_collisions(struct tg_key *key, uint32_t i)
{
	uint32_t a = 0x0a000000 + i;
	uint16_t sport = (uint16_t)(a ^ a >> 16);

	key->addr.v4 = 0x0200010a00000000ull | rte_cpu_to_be_32(a);
	key->tail = WEB(sport);
}

static const struct kind kinds[] = {
	{"random", any},
	{"ports in turn", ports_in_turn},
	{"addresses in turn", addresses_in_turn},
	{"few bits", few_bits},
	{"swapped ends", swapped},
	{"CRC-32 collisions", crc32_collisions},
	{"Toeplitz collisions", toeplitz_collisions},
};

/* The same 96 bits spread over an IPv6 key: the interface identifiers of two networks. */
static void key6_of(struct tg_key *key, const struct kind *kind, uint32_t i)
{
	struct tg_key narrow = {0};

	kind->make(&narrow, i);
	*key = (struct tg_key){
		.addr.v6 = {0x00000000b80d0120ull, narrow.addr.v4 << 32, 0x00000100000000fdull,
			narrow.addr.v4 >> 32 << 32},
		.tail = narrow.tail,
	};
}

static uint64_t hash_of(
	const struct tg_secret *secret, const struct kind *kind, uint32_t i, bool v6)
{
	struct tg_key key = {0};

	if (v6) {
		key6_of(&key, kind, i);
		return tg_key_hash6(secret, &key);
	}
	kind->make(&key, i);
	return tg_key_hash4(secret, &key);
}

/* ---- how they spread ---- */

/*
 * How far what lies in the bins is from even, in standard deviations of what chance does: the
 * chi-square statistic of n bins has n - 1 on average and deviates by sqrt(2 (n - 1)).
 */
static double unevenness(const uint32_t bins[], uint32_t n, uint32_t total)
{
	double expected = (double)total / n, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (bins[i] - expected) * (bins[i] - expected) / expected;
	return (sum - (n - 1)) / sqrt(2.0 * (n - 1));
}

/* Bits of the hash that something is chosen by. */
static const struct {
	const char *what;
	unsigned int shift;
} parts[] = {{"home", 0}, {"higher bits of a home", 12}, {"second home", 32}, {"worker", 52}};

static void assert_even(const char *name, const char *what, bool v6, const uint32_t bins[])
{
	double far = unevenness(bins, BINS, KEYS);

	if (fabs(far) < 6)
		return;
	fprintf(stderr, "%s, %s, IPv%d: %.1f deviations from even\n", name, what, v6 ? 6 : 4, far);
	fail();
}

static void structured_tuples_spread_as_random_ones_do(void **state)
{
	for (uint64_t round = 0; round < 4; round++) {
		const struct tg_secret secret = secret_of(round);

		for (size_t k = 0; k < RTE_DIM(kinds) * 2; k++) {
			static uint32_t bins[RTE_DIM(parts)][BINS];
			bool v6 = k & 1;

			memset(bins, 0, sizeof(bins));
			for (uint32_t i = 0; i < KEYS; i++) {
				uint64_t hash = hash_of(&secret, &kinds[k / 2], i, v6);

				for (size_t p = 0; p < RTE_DIM(parts); p++)
					bins[p][hash >> parts[p].shift & (BINS - 1)]++;
			}
			for (size_t p = 0; p < RTE_DIM(parts); p++)
				assert_even(kinds[k / 2].name, parts[p].what, v6, bins[p]);
		}
	}
}

/* The measure does notice: these collide under another hash, and sums are no better. */
static void weaker_hashes_do_not_spread_them(void **state)
{
	static uint32_t crc[BINS], sum[BINS];
	struct tg_key key = {0};

	memset(crc, 0, sizeof(crc));
	memset(sum, 0, sizeof(sum));
	for (uint32_t i = 0; i < KEYS; i++) {
		uint64_t word[2];

		crc32_collisions(&key, i);
		word[0] = key.addr.v4;
		word[1] = key.tail & 0xffffffff;
		crc[crc32_of(word) % BINS]++;
		ports_in_turn(&key, i);
		sum[(key.addr.v4 + (key.addr.v4 >> 32) + key.tail) % BINS]++;
	}
	assert_true(unevenness(crc, BINS, KEYS) > 1000);
	assert_true(fabs(unevenness(sum, BINS, KEYS)) > 6);
}

/* ---- what tables make of them ---- */

struct placed {
	uint32_t away;	 /* not in their home */
	uint32_t second; /* not near it either */
	uint32_t none;
};

static struct placed fill_table(struct tg_table *table, const struct kind *kind)
{
	struct placed placed = {0};
	struct tg_conn *crowd[TG_TABLE_CROWD], *c;
	struct tg_key key = {0};

	for (uint32_t i = 0; i < KEYS; i++) {
		uint64_t hash, home, at;

		kind->make(&key, i);
		hash = tg_key_hash4(&table->secret, &key);
		assert_null(tg_table_find(table, &key, hash));
		c = tg_table_insert(table, &key, hash, crowd);
		if (c == NULL) {
			placed.none++;
			continue;
		}
		home = hash & table->mask;
		at = tg_table_index(table, c);
		placed.away += at != home;
		placed.second += at < home || at >= home + TG_TABLE_PROBE;
	}
	for (uint64_t i = 0; i < tg_table_size(table); i++) {
		if (tg_table_at(table, i)->used)
			tg_table_remove(table, tg_table_at(table, i));
	}
	assert_int_equal(table->used, 0);
	return placed;
}

/*
 * A table filled to its limit, a quarter of its entries: an eighth of the keys find their home
 * taken, none finds no place (16 places of load 1/4 at most: one in 10^9), whatever they are.
 */
static void a_flood_of_structured_tuples_finds_its_places(void **state)
{
	const struct tg_secret secret = secret_of(99);
	struct tg_table table;

	assert_int_equal(tg_table_init(&table, 4, KEYS, &secret), 0);
	for (size_t k = 0; k < RTE_DIM(kinds); k++) {
		struct placed placed = fill_table(&table, &kinds[k]);

		assert_int_equal(placed.none, 0);
		assert_in_range(placed.second, 0, 40);
		assert_in_range(placed.away, KEYS / 8 - KEYS / 64, KEYS / 8 + KEYS / 64);
	}
	tg_table_fini(&table);
}

/* Sources in turn, or differing in few bits: nobody's counters are hit more than others'. */
static void structured_sources_spread_over_the_counters(void **state)
{
	const struct tg_secret secret = secret_of(7);

	for (size_t k = 0; k < RTE_DIM(kinds); k++) {
		struct tg_halfopen h;
		uint32_t most = 0;

		if (kinds[k].make == ports_in_turn || kinds[k].make == swapped ||
			kinds[k].make == few_bits)
			continue; /* few sources */
		assert_int_equal(tg_halfopen_init(&h, KEYS, 64, &secret), 0);
		for (uint32_t i = 0; i < KEYS / 2; i++) {
			struct tg_key key = {0};

			kinds[k].make(&key, i);
			tg_halfopen_add(&h, key.addr.v4);
		}
		for (size_t i = 0; i < TG_HALFOPEN_LINE * (h.mask + 1ull); i++)
			most = RTE_MAX(most, h.count[i]);
		/* 8 of these on average, of 16 sources that are counted twice in a line */
		assert_in_range(most, 8, 48);
		tg_halfopen_fini(&h);
	}
}

/* Datagrams with identifications in turn fill a fragment table as evenly as any. */
static void structured_datagrams_spread_over_the_fragment_table(void **state)
{
	enum { MAX = 1 << 14 };
	const struct tg_fragments_limits limits = {.datagrams = MAX, .timeout = 1000};
	uint32_t refused[2];

	for (unsigned int structured = 0; structured < 2; structured++) {
		const struct tg_secret secret = secret_of(structured + 20);
		struct tg_fragments table;

		assert_int_equal(tg_fragments_init(&table, &limits, &secret), 0);
		refused[structured] = 0;
		for (uint32_t i = 0; i < MAX / 2; i++) {
			struct tg_fragment f = {
				.src = {0x0100000a},
				.dst = {0x0200000a},
				.id = structured ? i : (uint32_t)mixed(i),
				.protocol = 17,
				.family = 4,
				.first = true,
				.more = true,
				.end = 1480,
				.l4_protocol = 17,
			};

			refused[structured] += tg_fragments_track(&table, &f, 0) != TG_FRAGMENT_OK;
		}
		tg_fragments_fini(&table);
	}
	/* half full: a bucket of 8 has 4 on average and more than 8 of Poisson's in 2 % */
	assert_in_range(refused[0], 1, MAX / 2 / 20);
	assert_in_range(refused[1], 1, MAX / 2 / 20);
}

/*
 * Where NICs place packets, the owner is a Toeplitz hash by a key that everybody knows: all of a
 * flood can be sent to one worker. That is all: in this worker's tables they spread as ever.
 */
static void a_flood_aimed_at_one_worker_still_spreads_in_its_table(void **state)
{
	static uint32_t bins[BINS];
	const struct tg_secret secret = secret_of(5);
	struct tg_datapath *dp = calloc(1, sizeof(*dp));
	struct tg_rss_config *rss = &dp->config.rss;
	uint32_t owners[4] = {0};

	rss->key_length = 40;
	rss->reta_size = 128;
	for (unsigned int i = 0; i < sizeof(rss->key); i++)
		rss->key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	for (unsigned int i = 0; i < 128; i++)
		rss->reta[i] = i % 4;
	memset(bins, 0, sizeof(bins));
	for (uint32_t i = 0; i < KEYS; i++) {
		struct tg_packet p = {.family = 4};

		toeplitz_collisions(&p.key, i);
		p.hash = tg_key_hash4(&secret, &p.key);
		bins[p.hash % BINS]++;
		owners[owner_of(dp, &p)]++;
	}
	assert_int_equal(owners[0] + owners[1] + owners[2] + owners[3], KEYS);
	assert_true(
		owners[0] == KEYS || owners[1] == KEYS || owners[2] == KEYS || owners[3] == KEYS);
	assert_even("Toeplitz collisions", "home", false, bins);
	free(dp);
}

static int prepare(void **state)
{
	find_kernel();
	return kernel.n >= 18 ? 0 : -1;
}

int run_hash_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(structured_tuples_spread_as_random_ones_do),
		cmocka_unit_test(weaker_hashes_do_not_spread_them),
		cmocka_unit_test(a_flood_of_structured_tuples_finds_its_places),
		cmocka_unit_test(structured_sources_spread_over_the_counters),
		cmocka_unit_test(structured_datagrams_spread_over_the_fragment_table),
		cmocka_unit_test(a_flood_aimed_at_one_worker_still_spreads_in_its_table),
	};

	return cmocka_run_group_tests_name("hashes", tests, prepare, NULL);
}

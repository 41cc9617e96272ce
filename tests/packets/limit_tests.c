/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounded tables under floods: what is refused, what is evicted, what must survive. */
#include "tests.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The handshake of a connection of the client's; false when it did not come about. */
static bool establish(struct world *w, unsigned int host, unsigned int port)
{
	char text[128];

	snprintf(text, sizeof(text), "10.1.0.4 > 8.8.0.%u tcp %u>443 S seq=1000", host, port);
	if (world_send(w, INSIDE, text) != PASSED)
		return false;
	snprintf(text, sizeof(text), "8.8.0.%u > 10.1.0.4 tcp 443>%u SA seq=5000 ack=1001", host,
		port);
	if (world_send(w, OUTSIDE, text) != PASSED)
		return false;
	snprintf(text, sizeof(text), "10.1.0.4 > 8.8.0.%u tcp %u>443 A seq=1001 ack=5001", host,
		port);
	return world_send(w, INSIDE, text) == PASSED;
}

static bool alive(struct world *w, unsigned int host, unsigned int port)
{
	char text[128];

	snprintf(text, sizeof(text), "8.8.0.%u > 10.1.0.4 tcp 443>%u A seq=5001 ack=1001", host,
		port);
	return world_send(w, OUTSIDE, text) == PASSED;
}

static unsigned int syn(struct world *w, unsigned int source, unsigned int port)
{
	char text[128];

	snprintf(text, sizeof(text), "9.%u.%u.%u > 10.1.0.4 tcp %u>443 S", source >> 16 & 0xff,
		source >> 8 & 0xff, source & 0xff, port);
	return world_send(w, OUTSIDE, text);
}

static void a_source_has_its_share_of_half_open_ones(void **state)
{
	struct world w;
	unsigned int passed = 0;

	world_ready(&w);
	for (unsigned int port = 1; port <= 100; port++)
		passed += syn(&w, 1, port) == PASSED;
	assert_int_equal(passed, w.config.half_open_per_source);
	assert_int_equal(syn(&w, 1, 101), D(HALF_OPEN_LIMIT));
	assert_int_equal(syn(&w, 2, 101), PASSED);
	/* they time out, and the share is there again */
	w.now += w.config.timeouts.ms[TG_CONN_SYN_SENT];
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	assert_int_equal(syn(&w, 1, 101), PASSED);
	world_stop(&w);
}

static void answered_connections_are_not_half_open(void **state)
{
	struct world w;

	world_ready(&w);
	for (unsigned int port = 1; port <= 100; port++)
		assert_true(establish(&w, 1, port));
	world_sweep(&w);
	assert_int_equal(world_stats(&w).half_open, 0);
	assert_int_equal(world_stats(&w).conn4_used, 100);
	world_stop(&w);
}

static void a_flood_leaves_established_ones_intact(void **state)
{
	struct world w;
	unsigned int passed = 0;

	world_ready(&w);
	for (unsigned int port = 1; port <= 60; port++)
		assert_true(establish(&w, 1, port));
	for (unsigned int i = 0; i < 5000; i++) {
		passed += syn(&w, i, 1000) == PASSED;
		w.now++;
	}
	world_sweep(&w);
	assert_true(world_stats(&w).half_open <= world_stats(&w).half_open_capacity);
	assert_true(world_stats(&w).conn4_used <= world_stats(&w).conn4_capacity);
	/* the flood competes with itself: entries were evicted, some SYNs refused */
	assert_true(passed > 256);
	assert_true(world_stats(&w).conn_evicted > 0);
	for (unsigned int port = 1; port <= 60; port++)
		assert_true(alive(&w, 1, port));
	/* and a newcomer gets in: others' half-open entries make room, if not at the first SYN */
	passed = 0;
	w.now += 1000;
	for (unsigned int port = 100; port < 164; port++)
		passed += establish(&w, 2, port);
	assert_true(passed > 0);
	world_stop(&w);
}

static void a_table_full_of_live_ones_takes_no_more(void **state)
{
	unsigned int made = 0, refused = 0;
	struct world w;
	char text[128];

	world_ready(&w);
	for (unsigned int i = 0; i < 400; i++) {
		if (establish(&w, 1 + i / 200, 1 + i))
			made++;
	}
	assert_int_equal(made, world_stats(&w).conn4_capacity);
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "10.1.0.4 > 8.9.0.1 tcp %u>443 S", i + 1);
		refused += world_send(&w, INSIDE, text) == D(CONN_TABLE_FULL);
	}
	assert_int_equal(refused, 10);
	for (unsigned int i = 0; i < made; i++)
		assert_true(alive(&w, 1 + i / 200, 1 + i));
	world_stop(&w);
}

static uint64_t hash_of(const struct tg_table *table, uint32_t n, struct tg_key *key)
{
	*key = (struct tg_key){
		.addr.v4 = 0x0101a8c0 + (uint64_t)n * 0x100000001ull,
		.tail = tg_key_tail((uint16_t)n, 80, 6, 0),
	};
	return tg_key_hash4(&table->secret, key);
}

/* An attacker who knew the key could fill one neighbourhood: it stays bounded. */
static void collisions_are_bounded_and_undone(void **state)
{
	const struct tg_secret secret = {{1, 0x9e3779b97f4a7c15ull, 3, 0xd1b54a32d192ed03ull}};
	struct tg_conn *crowd[TG_TABLE_CROWD], *placed[TG_TABLE_CROWD], *c;
	struct tg_key keys[TG_TABLE_CROWD], key;
	struct tg_table table;
	unsigned int n = 0;
	uint32_t i;

	assert_int_equal(tg_table_init(&table, 4, 32, &secret), 0);
	for (i = 0; n < TG_TABLE_CROWD; i++) {
		uint64_t hash = hash_of(&table, i, &key);

		if ((hash & table.mask) != 5 || (hash >> 32 & table.mask) != 15)
			continue;
		keys[n] = key;
		placed[n] = tg_table_insert(&table, &key, hash, crowd);
		assert_non_null(placed[n++]);
	}
	for (;; i++) {
		uint64_t hash = hash_of(&table, i, &key);

		if ((hash & table.mask) != 5 || (hash >> 32 & table.mask) != 15)
			continue;
		assert_null(tg_table_find(&table, &key, hash));
		assert_null(tg_table_insert(&table, &key, hash, crowd));
		break;
	}
	for (n = 0; n < TG_TABLE_CROWD; n++)
		assert_ptr_equal(tg_table_find(&table, &keys[n], tg_key_hash4(&secret, &keys[n])),
			placed[n]);
	/* the home's owner goes: the displaced are still found, and its line is used again */
	tg_table_remove(&table, placed[0]);
	for (n = 1; n < TG_TABLE_CROWD; n++)
		assert_ptr_equal(tg_table_find(&table, &keys[n], tg_key_hash4(&secret, &keys[n])),
			placed[n]);
	c = tg_table_insert(&table, &key, tg_key_hash4(&secret, &key), crowd);
	assert_ptr_equal(c, placed[0]);
	tg_table_remove(&table, c);
	/* in any order: what is left is found, what has gone is not */
	for (n = 0; n < TG_TABLE_CROWD; n++) {
		for (i = 1; i < TG_TABLE_CROWD; i++) {
			c = tg_table_find(&table, &keys[i], tg_key_hash4(&secret, &keys[i]));
			assert_ptr_equal(c, placed[i]);
		}
		i = n * 7 % TG_TABLE_CROWD;
		if (i == 0)
			continue;
		tg_table_remove(&table, placed[i]);
		placed[i] = NULL;
	}
	assert_int_equal(table.used, 0);
	assert_int_equal(crowd[0]->displaced, 0);
	assert_int_equal(crowd[0]->far, 0);
	tg_table_fini(&table);
}

#define FLOOD 2000u
#define FLOOD_MASK 1023u

static unsigned int line_of(const struct tg_secret *secret, const struct tg_key *key, bool v6)
{
	uint64_t hash = v6 ? tg_key_hash6(secret, key) : tg_key_hash4(secret, key);

	return hash & FLOOD_MASK;
}

/* How many of the keys the fullest line gets. */
static unsigned int fullest(
	const struct tg_secret *secret, const struct tg_key keys[FLOOD], bool v6)
{
	unsigned int lines[FLOOD_MASK + 1] = {0}, most = 0;

	for (unsigned int i = 0; i < FLOOD; i++) {
		unsigned int n = ++lines[line_of(secret, &keys[i], v6)];

		most = RTE_MAX(most, n);
	}
	return most;
}

/* FLOOD keys of one line of the table under `secret`, differing in ports and one address. */
static void find_flood(const struct tg_secret *secret, bool v6, struct tg_key keys[FLOOD])
{
	unsigned int n = 0;

	for (uint64_t i = 0; n < FLOOD; i++) {
		struct tg_key key = {.tail = tg_key_tail((uint16_t)(i % 64512), 80, 6, 0)};

		/* twice what it takes on average */
		assert_true(i < 2ull * FLOOD * (FLOOD_MASK + 1));
		if (v6)
			key.addr.v6[3] = i / 64512 << 40 | 0x0200;
		else
			key.addr.v4 = (i / 64512) << 32 | 0x0101a8c0;
		if (line_of(secret, &key, v6) == 5)
			keys[n++] = key;
	}
}

/*
 * Tuples found to collide in one gateway are no flood for another: under each other secret they
 * spread like any. A linear hash (CRC32, whatever its seed) would keep them together.
 */
static void a_collision_flood_fits_one_secret_only(void **state)
{
	static struct tg_key keys[FLOOD];

	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t x = 0x2545f4914f6cdd1dull;
		struct tg_secret secret;

		for (unsigned int round = 0; round < 9; round++) {
			for (unsigned int i = 0; i < 4; i++)
				secret.word[i] = x =
					x * 6364136223846793005ull + 1442695040888963407ull;
			if (round == 0) {
				find_flood(&secret, v6, keys);
				continue;
			}
			/* two of them a line on average */
			assert_true(fullest(&secret, keys, v6) < 40);
		}
	}
}

/* Random inserts, look-ups and removals against a plain list. */
static void the_table_agrees_with_a_list(void **state)
{
	enum { KEYS = 400, ROUNDS = 40000 };
	const struct tg_secret secret = {{11, 0x9e3779b97f4a7c15ull, 33, 0xd1b54a32d192ed03ull}};

	for (uint8_t family = 4; family <= 6; family += 2) {
		struct tg_conn *model[KEYS] = {0}, *crowd[TG_TABLE_CROWD];
		struct tg_table table;
		uint64_t seed = 42;
		uint32_t used = 0;

		assert_int_equal(tg_table_init(&table, family, 64, &secret), 0);
		for (unsigned int round = 0; round < ROUNDS; round++) {
			unsigned int n;
			struct tg_key key = {0};
			uint64_t hash;

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			n = (unsigned int)(seed >> 33) % KEYS;
			key.addr.v6[family == 4 ? 0 : n % 4] = n + 1;
			key.tail = tg_key_tail((uint16_t)n, 80, 6, 0);
			hash = family == 4 ? tg_key_hash4(&secret, &key)
					   : tg_key_hash6(&secret, &key);
			assert_ptr_equal(tg_table_find(&table, &key, hash), model[n]);
			if (model[n] != NULL) {
				struct tg_key stored;

				tg_table_key(&table, model[n], &stored);
				assert_memory_equal(&stored, &key, sizeof(key));
				tg_table_remove(&table, model[n]);
				model[n] = NULL;
				used--;
			} else {
				model[n] = tg_table_insert(&table, &key, hash, crowd);
				used += model[n] != NULL;
			}
			assert_int_equal(table.used, used);
		}
		tg_table_fini(&table);
	}
}

/* Whatever is folded when, and whoever was evicted: no packet is lost or counted twice. */
static void counters_add_up_to_what_was_sent(void **state)
{
	uint64_t seed = 7, passed = 0, counted = 0;
	struct world w;
	char text[128];

	world_ready(&w);
	for (unsigned int i = 0; i < 4000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 udp %u>53",
			(unsigned int)(seed >> 40) % 300);
		passed += world_send(&w, INSIDE, text) == PASSED;
		if (seed >> 60 == 0)
			world_sweep(&w);
		if (seed >> 55 == 0) {
			counted = world_slot(&w, SLOT_OUT_DNS).packets;
			assert_int_equal(counted, passed);
		}
		if (i == 2000)
			world_rules(&w, RULES_NEW_WEB);
		w.now += seed >> 58;
	}
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, passed);
	assert_int_equal(world_stats(&w).tx_packets, passed);
	world_stop(&w);
}

static void what_the_transmit_queue_does_not_take_is_counted(void **state)
{
	struct rte_mbuf *m[TG_BURST];
	struct packet packet;
	struct world w;

	world_ready(&w);
	packet_make(&packet, "10.1.0.1 > 8.8.8.8 udp 4000>53");
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < TG_BURST; i++)
			m[i] = packet_mbuf(w.pool, &packet);
		tg_worker_burst(w.worker[0], INSIDE, m, TG_BURST, w.now);
	}
	assert_int_equal(world_burst(&w, INSIDE, m, 0), 256);
	assert_int_equal(world_drops(&w, TG_DROP_TX_FULL), 5 * TG_BURST - 256);
	assert_int_equal(world_stats(&w).tx_packets, 256);
	assert_int_equal(world_stats(&w).tx_bytes, 256 * packet.size);
	world_stop(&w);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
	struct tg_datapath *dp;
	struct world w;

	world_defaults(&w);
#define REFUSED(change)                                                      \
	do {                                                                 \
		struct tg_datapath_config config = w.config;                 \
		change;                                                      \
		assert_int_equal(tg_datapath_create(&config, &dp), -EINVAL); \
	} while (0)
	REFUSED(config.n_workers = 0);
	REFUSED(config.n_workers = TG_WORKERS_MAX + 1);
	REFUSED(config.n_ports = TG_PORTS_MAX + 1);
	REFUSED(config.ports[0].peer = 0);
	REFUSED(config.ports[0].peer = 2);
	REFUSED(config.ports[0].peer = 99);
	REFUSED(config.ports[0].end = 1);
	REFUSED(config.ports[1].group = 9);
	REFUSED(config.ports[1].zone = 3);
	REFUSED(config.ports[1].side = 7);
	REFUSED(config.handoff_depth = 63);
	REFUSED(config.sweep_ms = 0);
	REFUSED(config.fragments_max = 0);
	REFUSED(config.slot_capacity = 1);
	REFUSED(config.timeouts.ms[TG_CONN_ESTABLISHED] = 0);
	REFUSED(config.timeouts.ms[TG_CONN_ESTABLISHED] = UINT32_MAX);
	REFUSED(config.rss.reta_size = 3);
	REFUSED(config.rss.reta_size = 128);
#undef REFUSED
}

int run_limit_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_its_share_of_half_open_ones),
		cmocka_unit_test(answered_connections_are_not_half_open),
		cmocka_unit_test(a_flood_leaves_established_ones_intact),
		cmocka_unit_test(a_table_full_of_live_ones_takes_no_more),
		cmocka_unit_test(collisions_are_bounded_and_undone),
		cmocka_unit_test(a_collision_flood_fits_one_secret_only),
		cmocka_unit_test(the_table_agrees_with_a_list),
		cmocka_unit_test(counters_add_up_to_what_was_sent),
		cmocka_unit_test(what_the_transmit_queue_does_not_take_is_counted),
		cmocka_unit_test(settings_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}

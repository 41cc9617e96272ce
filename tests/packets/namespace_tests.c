/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits on the connections of a namespace: who pays, and that the counts are exact. */
#include "tests.h"
#include "internal.h"

#include <stdio.h>

static unsigned int say(
	struct world *w, unsigned int port, const char *format, unsigned int a, unsigned int b)
{
	char text[128];

	snprintf(text, sizeof(text), format, a, b);
	return world_send(w, port, text);
}

static void start_with(struct world *w, uint32_t rules)
{
	world_defaults(w);
	world_start(w);
	world_rules(w, rules);
}

static uint64_t open_of(struct world *w, uint32_t slot)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->config.n_workers; i++)
		n += w->slots[i][slot].open;
	return n;
}

/* Places of the limit that are taken, as workers know it together. */
static uint64_t taken_of(const struct world *w, uint32_t slot)
{
	const struct tg_budget *b = &w->dp->budget;
	uint64_t n = b->granted[slot];

	for (uint32_t i = 0; i < b->workers; i++)
		n -= b->spare[(size_t)i * b->stride + slot];
	return n;
}

/* Live connections that carry the slot, counted one by one. */
static uint64_t recount(const struct world *w, uint32_t slot)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		for (unsigned int t = 0; t < 2; t++) {
			const struct tg_table *table = &w->worker[i]->table[t];

			for (uint64_t k = 0; k < tg_table_size(table); k++) {
				const struct tg_conn *c = tg_table_at(table, k);

				if (!c->used || table->cold[k].ns != slot)
					continue;
				assert_false(c->flags & TG_CONN_BURIED);
				n++;
			}
		}
	}
	return n;
}

static void a_namespace_has_so_many_connections(void **state)
{
	struct tg_stats_slot apps;
	struct world w;

	start_with(&w, RULES_LIMITS);
	for (unsigned int i = 1; i <= LIMIT_APPS; i++)
		assert_int_equal(say(&w, INSIDE,
					 i % 2 ? "10.1.0.1 > 8.8.8.%u udp %u>53"
					       : "fd00:1::4 > 2001:db8::%u tcp %u>443 S",
					 i, i),
			PASSED);
	assert_int_equal(
		say(&w, INSIDE, "10.1.0.4 > 8.8.8.%u udp %u>53 len=58", 1, 99), D(NAMESPACE_LIMIT));
	assert_int_equal(
		say(&w, INSIDE, "10.1.0.1 > 10.1.0.%u udp %u>53", 2, 99), D(NAMESPACE_LIMIT));
	/* what is open goes on */
	assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", 1, 1), PASSED);
	assert_int_equal(say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.1 udp 53>%u", 1, 1), PASSED);
	/* and others are not concerned */
	assert_int_equal(say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.2 udp %u>53", 1, 99), PASSED);
	apps = world_slot(&w, SLOT_NS_APPS);
	assert_int_equal(apps.open, LIMIT_APPS);
	assert_int_equal(apps.connections, LIMIT_APPS);
	assert_int_equal(apps.packets, 2);
	assert_int_equal(apps.bytes, world_stats(&w).drops[D(NAMESPACE_LIMIT)].bytes);
	/* a place that becomes free is there for another */
	w.now += w.config.timeouts.ms[TG_CONN_UDP_NEW];
	assert_true(world_slot(&w, SLOT_NS_APPS).open < LIMIT_APPS);
	assert_int_equal(say(&w, INSIDE, "10.1.0.4 > 8.8.8.%u udp %u>53", 1, 99), PASSED);
	world_stop(&w);
}

/* The initiator's when it is a pod, else that of the pod it turns to; never both. */
static void who_begins_pays(void **state)
{
	struct world w;

	start_with(&w, RULES_LIMITS);
	assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 10.1.0.%u udp %u>53", 2, 1), PASSED);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 1);
	assert_int_equal(open_of(&w, SLOT_NS_DATA), 0);
	for (unsigned int i = 1; i <= LIMIT_DATA; i++)
		assert_int_equal(say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.2 udp %u>53", i, i), PASSED);
	assert_int_equal(
		say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.2 udp %u>53", 9, 9), D(NAMESPACE_LIMIT));
	assert_int_equal(open_of(&w, SLOT_NS_DATA), LIMIT_DATA);
	/* the full one may still be turned to at another's expense */
	assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 10.1.0.%u udp %u>53", 2, 2), PASSED);
	/* of the closed pod's namespace nobody has asked for a limit */
	assert_int_equal(world_slot(&w, SLOT_NS_APPS).open, 2);
	world_stop(&w);
}

/* However connections are spread, none is refused before there are as many as there may be. */
static void workers_share_a_limit(void **state)
{
	struct world w;

	world_defaults(&w);
	w.config.n_workers = WORLD_WORKERS;
	world_start(&w);
	world_rules(&w, RULES_LIMITS);
	for (unsigned int i = 1; i <= 200; i++)
		assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", i, i),
			i <= LIMIT_APPS ? PASSED : D(NAMESPACE_LIMIT));
	assert_int_equal(open_of(&w, SLOT_NS_APPS), LIMIT_APPS);
	for (unsigned int i = 1; i <= 200; i++)
		assert_int_equal(say(&w, OUTSIDE, "8.8.8.%u > 10.1.0.2 udp %u>53", i, i),
			i <= LIMIT_DATA ? PASSED : D(NAMESPACE_LIMIT));
	assert_int_equal(open_of(&w, SLOT_NS_DATA), LIMIT_DATA);
	world_stop(&w);
}

/* A change moves what is open to where it then belongs, and cuts nothing for a limit's sake. */
static void counts_follow_the_rules(void **state)
{
	struct world w;

	start_with(&w, 0);
	for (unsigned int i = 1; i <= 7; i++)
		assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", i, i), PASSED);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 0);
	world_rules(&w, RULES_LIMITS);
	assert_int_equal(world_slot(&w, SLOT_NS_APPS).open, 7);
	world_rules(&w, RULES_LIMITS | RULES_MOVED);
	assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", 1, 1), PASSED);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 6);
	assert_int_equal(open_of(&w, SLOT_NS_DATA), 1);
	assert_int_equal(world_slot(&w, SLOT_NS_DATA).open, 7);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 0);
	assert_int_equal(
		say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", 9, 9), D(NAMESPACE_LIMIT));
	world_rules(&w, RULES_LIMITS | RULES_NO_DNS);
	assert_int_equal(world_slot(&w, SLOT_NS_DATA).open, 0);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 0);
	world_rules(&w, 0);
	assert_int_equal(say(&w, INSIDE, "10.1.0.1 > 8.8.8.%u udp %u>53", 1, 1), PASSED);
	assert_int_equal(open_of(&w, SLOT_NS_APPS), 0);
	world_stop(&w);
}

/* One thing that may happen to a world. */
static void happen(struct world *w, uint64_t r)
{
	static const uint32_t rules[] = {0, RULES_LIMITS, RULES_LIMITS | RULES_MOVED,
		RULES_LIMITS | RULES_NO_WEB, RULES_LIMITS | RULES_NO_DNS | RULES_MOVED};
	static const char *const words[] = {"10.1.0.1 > 8.8.8.%u tcp %u>80 S seq=100",
		"8.8.8.%u > 10.1.0.1 tcp 80>%u SA seq=500 ack=101",
		"10.1.0.1 > 8.8.8.%u tcp %u>80 A seq=101 ack=501",
		"8.8.8.%u > 10.1.0.1 tcp 80>%u FA seq=501 ack=101",
		"10.1.0.1 > 8.8.8.%u tcp %u>80 R seq=101",
		"10.1.0.1 > 8.8.8.%u tcp %u>80 S seq=90000", "10.1.0.1 > 8.8.8.%u udp %u>53",
		"8.8.8.%u > 10.1.0.1 udp 53>%u", "8.8.8.%u > 10.1.0.2 tcp %u>80 S",
		"10.1.0.1 > 10.1.0.2 udp %u>53", "fd00:1::4 > 2001:db8::%u udp %u>9"};
	unsigned int say_what = r % 11, a = (r >> 8) % 3 + 1, b = (r >> 16) % 5 + 1;

	switch (r >> 56) {
	case 0:
		world_rules(w, rules[(r >> 24) % RTE_DIM(rules)]);
		break;
	case 1:
		world_remap(w, "10.1.0.1", (r >> 24) & 1 ? CLASS_CLIENT : CLASS_FREE);
		break;
	case 2:
	case 3:
		world_sweep(w);
		break;
	case 4:
		w->now += (r >> 24) % 40000;
		break;
	default:
		say(w, words[say_what][0] == '8' ? OUTSIDE : INSIDE, words[say_what], a, b);
		break;
	}
}

static void counts_are_exact_whatever_happens(void **state)
{
	uint64_t random = 5;
	unsigned int seen = 0;
	struct world w;

	for (unsigned int round = 0; round < 8; round++) {
		world_defaults(&w);
		w.config.n_workers = 1 + round % 2;
		w.config.conn4_max = round < 4 ? 8 : 64; /* evicted as well */
		w.config.pickup_ms = round % 4 == 3 ? 1u << 30 : 0;
		world_start(&w);
		world_rules(&w, RULES_LIMITS);
		for (unsigned int i = 0; i < 5000; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			happen(&w, random ^ random >> 29);
			for (uint32_t slot = SLOT_NS_APPS; slot <= SLOT_NS_DATA; slot++) {
				assert_int_equal(open_of(&w, slot), recount(&w, slot));
				assert_int_equal(open_of(&w, slot), taken_of(&w, slot));
				seen |= (open_of(&w, slot) != 0) << (slot - SLOT_NS_APPS);
			}
		}
		world_rules(&w, 0);
		world_sweep(&w);
		assert_int_equal(open_of(&w, SLOT_NS_APPS) + open_of(&w, SLOT_NS_DATA), 0);
		world_stop(&w);
	}
	assert_int_equal(seen, 3);
}

int run_namespace_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_namespace_has_so_many_connections),
		cmocka_unit_test(who_begins_pays),
		cmocka_unit_test(workers_share_a_limit),
		cmocka_unit_test(counts_follow_the_rules),
		cmocka_unit_test(counts_are_exact_whatever_happens),
	};

	return cmocka_run_group_tests_name("namespaces", tests, NULL, NULL);
}

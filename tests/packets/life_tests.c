/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole lives of many TCP connections at a time, from SYN to the end of TIME_WAIT, and again on the
 * same ports: nothing is lost, nothing stays, and every count comes out even.
 */
#include "internal.h"
#include "tests.h"

#include <stdio.h>

#define CLIENTS 600
#define PACKETS 9 /* of a life */

/* With the client's port. */
static const struct {
	unsigned int port;
	const char *text;
} life[PACKETS] = {
	{INSIDE, "S seq=%u000"},
	{OUTSIDE, "SA seq=5000 ack=%u001"},
	{INSIDE, "A seq=%u001 ack=5001"},
	{INSIDE, "PA seq=%u001 ack=5001 len=100"},
	{OUTSIDE, "A seq=5001 ack=%u101 len=1000"},
	{INSIDE, "FA seq=%u101 ack=6001"},
	{OUTSIDE, "A seq=6001 ack=%u102"},
	{OUTSIDE, "FA seq=6001 ack=%u102"},
	{INSIDE, "A seq=%u102 ack=6002"},
};

struct family {
	const char *client, *server;
};

static const struct family families[2] = {{"10.1.0.1", "8.8.8.8"}, {"fd00:1::1", "2001:db8::8"}};

static struct rte_mbuf *make(struct world *w, const struct family *family, unsigned int step,
	unsigned int client, unsigned int incarnation)
{
	const bool back = life[step].port == OUTSIDE;
	const unsigned int port = 10000 + client;
	char rest[80], text[200];
	struct packet packet;

	snprintf(rest, sizeof(rest), life[step].text, 10 + incarnation);
	snprintf(text, sizeof(text), "%s > %s tcp %u>%u %s", back ? family->server : family->client,
		back ? family->client : family->server, back ? 80 : port, back ? port : 80, rest);
	packet_make(&packet, text);
	return packet_mbuf(w->pool, &packet);
}

/* A packet of each client, in bursts to one worker after another. How many came out. */
static unsigned int step_all(struct world *w, unsigned int step, unsigned int incarnation)
{
	struct rte_mbuf *m[TG_BURST];
	unsigned int n = 0, passed = 0;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		m[n++] = make(w, &families[i % 2], step, i, incarnation);
		if (n < TG_BURST && i + 1 < CLIENTS)
			continue;
		w->receiver = (w->receiver + 1) % w->config.n_workers;
		passed += world_burst(w, life[step].port, m, n);
		n = 0;
	}
	return passed;
}

static uint64_t half_open(const struct world *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->config.n_workers; i++)
		n += w->worker[i]->halfopen[0].total + w->worker[i]->halfopen[1].total;
	return n;
}

static uint64_t used(const struct world *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->config.n_workers; i++)
		n += w->worker[i]->table[0].used + w->worker[i]->table[1].used;
	return n;
}

static void live_once(struct world *w, unsigned int incarnation)
{
	for (unsigned int step = 0; step < PACKETS; step++) {
		assert_int_equal(step_all(w, step, incarnation), CLIENTS);
		assert_int_equal(half_open(w), step < 2 ? CLIENTS : 0);
		assert_int_equal(used(w), CLIENTS);
		w->now += 5;
		if (step % 3 == 2)
			world_sweep(w);
	}
}

static void lives(uint32_t n_workers)
{
	enum { INCARNATIONS = 3 };
	struct tg_stats_worker stats;
	struct tg_stats_slot web;
	struct world w;

	world_defaults(&w);
	w.config.n_workers = n_workers;
	w.config.conn4_max = w.config.conn6_max = 4096;
	w.config.half_open_max = 4 * CLIENTS;
	w.config.half_open_per_source = 4 * CLIENTS;
	world_start(&w);
	world_rules(&w, 0);
	/* twice in TIME_WAIT, then after it */
	for (unsigned int incarnation = 0; incarnation < INCARNATIONS; incarnation++) {
		if (incarnation == 2) {
			w.now += w.config.timeouts.ms[TG_CONN_TIME_WAIT];
			world_sweep(&w);
			assert_int_equal(used(&w), 0);
		}
		live_once(&w, incarnation);
	}
	w.now += w.config.timeouts.ms[TG_CONN_TIME_WAIT];
	world_sweep(&w);
	stats = world_stats(&w);
	assert_int_equal(stats.conn_created, INCARNATIONS * CLIENTS);
	assert_int_equal(stats.conn_closed, INCARNATIONS * CLIENTS);
	assert_int_equal(stats.conn_expired, 2 * CLIENTS);
	assert_int_equal(stats.conn_evicted, 0);
	assert_int_equal(used(&w), 0);
	assert_int_equal(half_open(&w), 0);
	web = world_slot(&w, SLOT_OUT_WEB);
	assert_int_equal(web.connections, INCARNATIONS * CLIENTS);
	assert_int_equal(web.packets, INCARNATIONS * CLIENTS * PACKETS);
	assert_int_equal(stats.rx_packets, stats.tx_packets);
	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		assert_int_equal(stats.drops[r].packets, 0);
	world_stop(&w);
}

static void lives_at_one_worker(void **state)
{
	lives(1);
}

static void lives_at_all_workers(void **state)
{
	lives(WORLD_WORKERS);
}

int run_life_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_at_one_worker),
		cmocka_unit_test(lives_at_all_workers),
	};

	return cmocka_run_group_tests_name("lives", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"
#include "../eal.h"
#include "internal.h"
#include "marks.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "ruleset.h"

#define TX_RING 256
#define POOL 4096

static struct {
	struct rte_mempool *pool;
	uint16_t ethdev[WORLD_PORTS];
	struct rte_ring *tx[WORLD_PORTS][WORLD_WORKERS];
	bool reached[TG_DROP_COUNT];
} lab; /* what EAL allows once a process */

static void die(const char *why)
{
	fprintf(stderr, "world: %s\n", why);
	abort();
}

static void make_port(unsigned int i)
{
	struct rte_ring *rx[WORLD_WORKERS];
	struct rte_eth_conf conf = {0};
	char name[32];
	int port;

	for (unsigned int k = 0; k < WORLD_WORKERS; k++) {
		snprintf(name, sizeof(name), "rx%u_%u", i, k);
		rx[k] = rte_ring_create(name, TX_RING, 0, 0);
		snprintf(name, sizeof(name), "tx%u_%u", i, k);
		lab.tx[i][k] = rte_ring_create(name, TX_RING, 0, RING_F_EXACT_SZ);
		if (rx[k] == NULL || lab.tx[i][k] == NULL)
			die("no ring");
	}
	snprintf(name, sizeof(name), "lab%u", i);
	port = rte_eth_from_rings(name, rx, WORLD_WORKERS, lab.tx[i], WORLD_WORKERS, 0);
	if (port < 0)
		die("no ring port");
	lab.ethdev[i] = (uint16_t)port;
	if (rte_eth_dev_configure(lab.ethdev[i], WORLD_WORKERS, WORLD_WORKERS, &conf) != 0)
		die("port cannot be configured");
	for (uint16_t k = 0; k < WORLD_WORKERS; k++) {
		if (rte_eth_rx_queue_setup(lab.ethdev[i], k, 0, 0, NULL, lab.pool) != 0 ||
			rte_eth_tx_queue_setup(lab.ethdev[i], k, 0, 0, NULL) != 0)
			die("port has no queues");
	}
	if (rte_eth_dev_start(lab.ethdev[i]) != 0)
		die("port does not start");
}

void world_eal(void)
{
	test_eal_start("256");
	lab.pool = rte_pktmbuf_pool_create("lab", POOL, 0, 0, 2048 + 128, 0);
	if (lab.pool == NULL)
		die("no pool");
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		make_port(i);
}

void world_defaults(struct world *w)
{
	struct tg_datapath_config *config = &w->config;

	*w = (struct world){.pool = lab.pool, .number = 0};
	w->idle_mbufs = rte_mempool_avail_count(lab.pool);
	tg_datapath_config_default(config);
	config->n_ports = WORLD_PORTS;
	config->slot_capacity = WORLD_SLOTS;
	config->conn4_max = 256;
	config->conn6_max = 256;
	config->half_open_per_source = 64;
	config->fragments_max = 16;
	config->fragments_held = 0;
	config->handoff_depth = 64;
	config->sweep_ms = 1;
	config->pickup_ms = 0;
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		config->ports[i] = (struct tg_port_config){
			.ethdev = lab.ethdev[i],
			.peer = (uint16_t)(i ^ 1),
			.group = (uint8_t)(i / 2),
			.end = i & 1,
			.side = i & 1 ? TG_SIDE_OUTSIDE : TG_SIDE_INSIDE,
			.mtu = 1500,
			.link_pass = TG_LINK_DEFAULT,
		};
}

/* Each world has another, and every run the same: what lies where is not left to chance. */
static struct tg_secret next_secret(void)
{
	static uint64_t state;
	struct tg_secret secret;

	for (size_t i = 0; i < RTE_DIM(secret.word); i++) {
		state += 0x9e3779b97f4a7c15ull;
		secret.word[i] = tg_secret_fold(state, 0xd1b54a32d192ed03ull);
	}
	return secret;
}

void world_start(struct world *w)
{
	if (tg_datapath_create(&w->config, &w->dp) != 0)
		die("no datapath");
	w->dp->secret = next_secret();
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		w->stats[i] = calloc(1, sizeof(*w->stats[i]));
		w->slots[i] = calloc(WORLD_SLOTS, sizeof(*w->slots[i]));
		if (tg_worker_create(
			    w->dp, i, SOCKET_ID_ANY, w->stats[i], w->slots[i], &w->worker[i]) != 0)
			die("no worker");
	}
	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		tg_datapath_set_link(w->dp, i, true);
	marks_attach(w);
}

static void replace(
	struct world *w, struct tg_generation *generation, struct tg_classifier *classifier)
{
	struct tg_generation *old = tg_datapath_publish(w->dp, generation);

	tg_generation_free(old);
	tg_classifier_free(w->classifier);
	w->classifier = classifier;
	w->generation = generation;
}

/* Takes over what the image lies in. */
static void enforce(struct world *w, const struct tg_image *image, void *data)
{
	static uint32_t epoch = 0xfffffff0u; /* it wraps on the way */
	struct tg_generation *generation;
	struct tg_classifier *classifier;

	classifier = tg_classifier_build(image, 64, SOCKET_ID_ANY);
	free(data);
	if (classifier == NULL)
		die("no classifier");
	epoch = w->generation != NULL ? tg_generation_epoch(w->generation) + 1 : epoch + 1;
	generation = tg_generation_create(classifier, w->number, epoch);
	if (generation == NULL)
		die("no generation");
	replace(w, generation, classifier);
}

void world_rules(struct world *w, uint32_t rules)
{
	void *data;
	struct tg_image image = ruleset_make(rules, ++w->number, &data);

	enforce(w, &image, data);
}

void world_allow(struct world *w, const struct ruleset_allow *allow, unsigned int n)
{
	void *data;
	struct tg_image image = ruleset_allow(allow, n, ++w->number, &data);

	enforce(w, &image, data);
}

void world_no_rules(struct world *w)
{
	replace(w, NULL, NULL);
}

void world_remap(struct world *w, const char *address, uint32_t cls)
{
	world_remap_in(w, 0, address, cls);
}

void world_remap_in(struct world *w, uint16_t zone, const char *address, uint32_t cls)
{
	struct tg_classmap_entry entry = {.zone = zone, .cls = cls, .node = TG_NONE};
	uint32_t index;

	entry.family = strchr(address, ':') != NULL ? 6 : 4;
	if (inet_pton(entry.family == 6 ? AF_INET6 : AF_INET, address, entry.addr) != 1)
		die(address);
	tg_generation_remap(w->generation, &entry, 1);
	if (tg_classifier_apply(w->classifier, &entry, 1, &index) != 0)
		die("delta refused");
	tg_generation_advance(w->generation);
	tg_classifier_reclaim(w->classifier);
}

/* Every entry is where the sweep finds it, and is watched if it may go at any time. */
static void check_spans(const struct tg_table *table)
{
	uint64_t used = 0;

	for (uint64_t i = 0; i < tg_table_spans(table) * TG_TABLE_SPAN; i++) {
		const struct tg_span *span = &table->span[i / TG_TABLE_SPAN];
		bool here = span->used >> i % TG_TABLE_SPAN & 1;
		bool watched = span->watched >> i % TG_TABLE_SPAN & 1;
		const struct tg_conn *c = tg_table_at(table, i);

		if (i >= tg_table_size(table)
				? here || watched
				: here != c->used || (watched && !here) ||
					  (here && !watched && tg_conn_evictable(c->state)))
			die("a span is wrong of its entries");
		used += here;
	}
	if (used != (uint64_t)table->used + table->buried)
		die("the table has lost count");
}

void world_stop(struct world *w)
{
	marks_count(w);
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		check_spans(&w->worker[i]->table[0]);
		check_spans(&w->worker[i]->table[1]);
		tg_worker_free(w->worker[i]);
		free(w->stats[i]);
		free(w->slots[i]);
	}
	world_no_rules(w);
	tg_datapath_free(w->dp);
	if (rte_mempool_avail_count(w->pool) != w->idle_mbufs)
		die("mbufs were lost");
}

void world_settle(struct world *w)
{
	bool busy;

	do {
		busy = false;
		for (uint32_t i = 0; i < w->config.n_workers; i++) {
			busy |= tg_worker_handoff(w->worker[i], w->now) != 0;
			tg_worker_flush(w->worker[i]);
		}
	} while (busy);
}

struct rte_mbuf *world_take_of(unsigned int port, uint32_t worker)
{
	void *m;

	return rte_ring_dequeue(lab.tx[port][worker], &m) == 0 ? m : NULL;
}

struct rte_mbuf *world_take(unsigned int *port)
{
	struct rte_mbuf *m = NULL;

	for (*port = 0; *port < WORLD_PORTS; ++*port) {
		for (uint32_t k = 0; k < WORLD_WORKERS && m == NULL; k++)
			m = world_take_of(*port, k);
		if (m != NULL)
			return m;
	}
	return NULL;
}

void world_feed(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n)
{
	marks_put(w, port, m, n);
	tg_worker_burst(w->worker[w->receiver], (uint16_t)port, m, (uint16_t)n, w->now);
	tg_worker_flush(w->worker[w->receiver]);
	world_settle(w);
}

unsigned int world_held(const struct world *w)
{
	return w->idle_mbufs - rte_mempool_avail_count(w->pool);
}

bool world_same_bytes(struct rte_mbuf *m, const struct packet *sent)
{
	uint8_t copy[PACKET_MAX];
	const void *bytes;

	if (rte_pktmbuf_pkt_len(m) != sent->size)
		return false;
	bytes = rte_pktmbuf_read(m, 0, (uint32_t)sent->size, copy);
	return bytes != NULL && memcmp(bytes, sent->bytes, sent->size) == 0;
}

unsigned int world_send(struct world *w, unsigned int port, const char *text)
{
	struct tg_stats_worker before = world_stats(w);
	struct rte_mbuf *m, *out;
	struct packet packet;
	unsigned int out_port;

	packet_make(&packet, text);
	m = packet_mbuf(w->pool, &packet);
	world_feed(w, port, &m, 1);
	out = world_take(&out_port);
	if (out != NULL) {
		bool unchanged = world_same_bytes(out, &packet);

		rte_pktmbuf_free(out);
		if (!unchanged || out_port != (port ^ 1))
			die("a packet came out changed or by the wrong port");
		return PASSED;
	}
	for (unsigned int r = 0; r < TG_DROP_COUNT; r++) {
		if (world_drops(w, (enum tg_drop_reason)r) == before.drops[r].packets)
			continue;
		lab.reached[r] = true;
		return r;
	}
	return HELD;
}

unsigned int world_burst(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n)
{
	struct rte_mbuf *out;
	unsigned int out_port, passed = 0;

	world_feed(w, port, m, n);
	while ((out = world_take(&out_port)) != NULL) {
		passed += out_port == (port ^ 1);
		rte_pktmbuf_free(out);
	}
	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		lab.reached[r] |= world_drops(w, (enum tg_drop_reason)r) != 0;
	return passed;
}

void world_run(struct world *w, uint64_t ms)
{
	while (ms-- != 0)
		world_sweep(w);
}

void world_sweep(struct world *w)
{
	w->now++;
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		while (tg_worker_sweep(w->worker[i], w->now) == 0)
			;
	}
}

struct tg_stats_slot world_slot(struct world *w, uint32_t slot)
{
	struct tg_stats_slot sum = {0};

	world_sweep(w);
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		sum.packets += w->slots[i][slot].packets;
		sum.bytes += w->slots[i][slot].bytes;
		sum.connections += w->slots[i][slot].connections;
		sum.would_deny += w->slots[i][slot].would_deny;
	}
	return sum;
}

uint64_t world_drops(const struct world *w, enum tg_drop_reason reason)
{
	return world_stats(w).drops[reason].packets;
}

struct tg_stats_worker world_stats(const struct world *w)
{
	struct tg_stats_worker sum = {0};
	uint64_t *to = (uint64_t *)&sum;

	/* All fields are 64-bit words, gauges included. */
	for (uint32_t i = 0; i < w->config.n_workers; i++) {
		const uint64_t *from = (const uint64_t *)w->stats[i];

		for (size_t k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += from[k];
	}
	return sum;
}

bool world_reached(enum tg_drop_reason reason)
{
	return lab.reached[reason];
}

static const char *name_of(unsigned int outcome)
{
	return outcome == PASSED ? "passed" : outcome == HELD ? "held" : tg_drop_label(outcome);
}

void world_play(struct world *w, const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int outcome = world_send(w, lines[i].port, lines[i].packet);

		if (outcome == lines[i].expect)
			continue;
		fprintf(stderr, "line %zu: \"%s\" by port %u: %s, expected %s\n", i + 1,
			lines[i].packet, lines[i].port, name_of(outcome), name_of(lines[i].expect));
		abort();
	}
}

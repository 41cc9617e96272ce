/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker: made, fed, freed. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#define PREFETCH_MBUF 8 /* mbufs fetched ahead */

/* A family's share of the limit, so that a flood of one does not shut out the other. */
static int halfopen_init(struct tg_worker *w, unsigned int family, uint32_t conn_max)
{
	const struct tg_datapath_config *config = &w->dp->config;
	uint64_t all = (uint64_t)config->conn4_max + config->conn6_max;
	uint64_t share = (uint64_t)config->half_open_max * conn_max / all;

	return tg_halfopen_init(&w->halfopen[family], share != 0 ? (uint32_t)share : 1,
		config->half_open_per_source, &w->dp->secret);
}

static int tables_init(struct tg_worker *w)
{
	const struct tg_datapath_config *config = &w->dp->config;
	const struct tg_secret *secret = &w->dp->secret;
	const struct tg_fragments_limits fragments = {
		.datagrams = config->fragments_max,
		.timeout = config->fragment_timeout_ms,
		.held = config->fragments_held,
		.hold = config->fragment_hold_ms,
	};
	int rc;

	rc = tg_table_init(&w->table[0], 4, config->conn4_max, secret);
	if (rc != 0)
		return rc;
	rc = tg_table_init(&w->table[1], 6, config->conn6_max, secret);
	if (rc != 0)
		goto fini_4;
	rc = halfopen_init(w, 0, config->conn4_max);
	if (rc != 0)
		goto fini_6;
	rc = halfopen_init(w, 1, config->conn6_max);
	if (rc != 0)
		goto fini_halfopen_4;
	rc = tg_fragments_init(&w->fragments, &fragments, secret);
	if (rc != 0)
		goto fini_halfopen_6;
	conn_adapt_timeouts(w, &w->table[0]);
	conn_adapt_timeouts(w, &w->table[1]);
	return 0;

fini_halfopen_6:
	tg_halfopen_fini(&w->halfopen[1]);
fini_halfopen_4:
	tg_halfopen_fini(&w->halfopen[0]);
fini_6:
	tg_table_fini(&w->table[1]);
fini_4:
	tg_table_fini(&w->table[0]);
	return rc;
}

static void tables_fini(struct tg_worker *w)
{
	tg_fragments_fini(&w->fragments);
	tg_halfopen_fini(&w->halfopen[1]);
	tg_halfopen_fini(&w->halfopen[0]);
	tg_table_fini(&w->table[1]);
	tg_table_fini(&w->table[0]);
}

static void publish_capacities(struct tg_worker *w)
{
	w->stats->conn4_capacity = w->table[0].max;
	w->stats->conn6_capacity = w->table[1].max;
	w->stats->conn4_bytes = tg_table_bytes(&w->table[0]);
	w->stats->conn6_bytes = tg_table_bytes(&w->table[1]);
	w->stats->half_open_capacity = (uint64_t)w->halfopen[0].max + w->halfopen[1].max;
	w->stats->fragments_capacity = tg_fragments_capacity(&w->fragments);
}

int tg_worker_create(struct tg_datapath *dp, uint32_t index, int socket,
	struct tg_stats_worker *stats, struct tg_stats_slot *slots, struct tg_worker **out)
{
	struct tg_worker *w;
	int rc = -ENOMEM;

	if (index >= dp->config.n_workers || stats == NULL || slots == NULL)
		return -EINVAL;
	w = rte_zmalloc_socket("tg_worker", sizeof(*w), RTE_CACHE_LINE_SIZE, socket);
	if (w == NULL)
		return -ENOMEM;
	w->dp = dp;
	w->index = index;
	w->slot_capacity = dp->config.slot_capacity;
	w->stats = stats;
	w->slots = slots;
	w->express = express_for_processor();
	for (unsigned int i = 0; i < TG_BURST; i++)
		w->tuples[i] = &w->tuple[i];
	w->tx = calloc(TG_PORTS_MAX, sizeof(*w->tx));
	w->out = calloc(dp->config.n_workers, sizeof(*w->out));
	if (w->tx == NULL || w->out == NULL)
		goto free_worker;
	for (uint32_t i = 0; i < dp->config.n_ports; i++)
		w->tx[i].ethdev = dp->config.ports[i].ethdev;
	rc = tables_init(w);
	if (rc != 0)
		goto free_worker;
	sweep_init(w);
	publish_capacities(w);
	*out = w;
	return 0;

free_worker:
	free(w->out);
	free(w->tx);
	rte_free(w);
	return rc;
}

int tg_worker_attach(struct tg_worker *w, struct tg_hardware_channel *channel)
{
	for (unsigned int i = 0; i < 2; i++) {
		w->lease[i] = calloc(tg_table_size(&w->table[i]), sizeof(*w->lease[i]));
		if (w->lease[i] == NULL)
			return -ENOMEM;
	}
	w->denial = calloc(DENIALS, sizeof(*w->denial));
	if (w->denial == NULL)
		return -ENOMEM;
	w->mark_mask = channel->places != 0 ? channel->places - 1 : 0;
	w->hardware = channel;
	return 0;
}

static void free_buffered(struct tg_worker *w)
{
	for (uint32_t i = 0; i < w->dp->config.n_ports; i++)
		rte_pktmbuf_free_bulk(w->tx[i].m, w->tx[i].n);
}

void tg_worker_free(struct tg_worker *w)
{
	if (w == NULL)
		return;
	free_buffered(w);
	tg_fragments_lose(&w->fragments);
	drop_held(w);
	tables_fini(w);
	free(w->denial);
	free(w->lease[1]);
	free(w->lease[0]);
	free(w->out);
	free(w->tx);
	rte_free(w);
}

const char *tg_worker_pages(const struct tg_worker *w, uint8_t family)
{
	return tg_pages_text(w->table[family == 6].pages);
}

uint64_t tg_worker_halfopen_bytes(const struct tg_worker *w)
{
	return tg_halfopen_bytes(&w->halfopen[0]) + tg_halfopen_bytes(&w->halfopen[1]);
}

uint64_t tg_worker_fragment_bytes(const struct tg_worker *w)
{
	return tg_fragments_bytes(&w->fragments);
}

void tg_worker_time(struct tg_worker *w, struct tg_stages *stages)
{
	w->stages = stages;
}

void begin_round(struct tg_worker *w, uint64_t now)
{
	w->gen = atomic_load_explicit(&w->dp->generation, memory_order_acquire);
	if (w->gen != NULL) {
		w->epoch = atomic_load_explicit(&w->gen->epoch, memory_order_acquire);
		w->stats->seen_epoch = w->epoch;
	}
	w->now = (uint32_t)now;
	w->pickup = now < w->dp->config.pickup_ms && !w->pickup_over;
}

/* Its first bytes will be looked at soon. */
static inline void fetch_frame(const struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, void *));
}

/* The live packets of a burst, and all others being gone, to their ends. */
static void process(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port)
{
	stage_ends(w, TG_STAGE_RECEIVE);
	w->express->track(w, mbufs, port);
	stage_ends(w, TG_STAGE_TRACK);
	judge_all(w, mbufs, port);
	stage_ends(w, TG_STAGE_JUDGE);
	free_dropped(w);
	flush_handoff(w);
	stage_ends(w, TG_STAGE_RELEASE);
}

/* Fragments that have waited, each with a note. */
static void process_held(struct tg_worker *w, struct rte_mbuf *const m[], unsigned int n)
{
	w->live = 0;
	for (unsigned int i = 0; i < n; i++)
		w->live |= (uint64_t)receive_one(w, i, m[i], note_of(m[i])->port, true) << i;
	process(w, m, 0);
}

static unsigned int take_ready(struct tg_worker *w, struct rte_mbuf *m[TG_BURST])
{
	struct tg_held held;
	unsigned int n = 0;

	while (n < TG_BURST && tg_fragments_take(&w->fragments, &w->fragments.ready, &held)) {
		struct note *note = note_of(held.packet);

		note->sport = held.sport;
		note->dport = held.dport;
		note->protocol = held.l4_protocol;
		note->annotated = true;
		m[n++] = held.packet;
	}
	return n;
}

/* Fragments follow their first one, which has been dealt with. */
static void follow_firsts(struct tg_worker *w)
{
	struct rte_mbuf *m[TG_BURST];
	unsigned int n;

	while ((n = take_ready(w, m)) != 0)
		process_held(w, m, n);
}

/* What is left to do after the packets of a burst. */
static inline void end_round(struct tg_worker *w)
{
	if (unlikely(w->fragments.ready.head != TG_HELD_END))
		follow_firsts(w);
	if (unlikely((w->fragments.lost.head & w->fragments.spoilt.head) != TG_HELD_END))
		drop_held(w);
}

void tg_worker_burst(
	struct tg_worker *w, uint16_t port, struct rte_mbuf *mbufs[], uint16_t n, uint64_t now)
{
	uint64_t bytes = 0;

	stage_begins(w);
	begin_round(w, now);
	for (unsigned int i = 0; i < n && i < PREFETCH_MBUF; i++)
		rte_prefetch0(mbufs[i]);
	for (unsigned int i = 0; i < n; i++) {
		if (i + PREFETCH_MBUF < n)
			rte_prefetch0(mbufs[i + PREFETCH_MBUF]);
		bytes += rte_pktmbuf_pkt_len(mbufs[i]);
		fetch_frame(mbufs[i]);
	}
	w->stats->rx_packets += n;
	w->stats->rx_bytes += bytes;
	w->trusted = placement_look(w, port);
	stage_ends(w, TG_STAGE_FETCH);
	w->express->receive(w, mbufs, n, (uint8_t)port, false);
	process(w, mbufs, (uint8_t)port);
	end_round(w);
}

uint64_t tg_worker_handed(struct tg_worker *w)
{
	uint64_t handed = w->handed;

	w->handed = 0;
	return handed;
}

/* The first of these that came by one port, one after the other; how many. */
static unsigned int process_handed(struct tg_worker *w, struct rte_mbuf *const m[], unsigned int n)
{
	const uint8_t port = note_of(m[0])->port;
	unsigned int same = 1;

	while (same < n && note_of(m[same])->port == port)
		same++;
	w->express->receive(w, m, same, port, true);
	process(w, m, port);
	return same;
}

uint16_t tg_worker_handoff(struct tg_worker *w, uint64_t now)
{
	uint32_t workers = w->dp->config.n_workers;
	struct rte_mbuf *m[TG_BURST];
	unsigned int n = 0;

	for (uint32_t from = 0; from < workers && n < TG_BURST; from++) {
		struct rte_ring *ring = w->dp->ring[from * workers + w->index];

		if (ring != NULL)
			n += rte_ring_sc_dequeue_burst(ring, (void **)(m + n), TG_BURST - n, NULL);
	}
	if (n == 0)
		return 0;
	stage_begins(w);
	begin_round(w, now);
	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0(m[i]);
	for (unsigned int i = 0; i < n; i++)
		fetch_frame(m[i]);
	w->stats->handoff_received += n;
	stage_ends(w, TG_STAGE_FETCH);
	for (unsigned int done = 0; done < n;)
		done += process_handed(w, m + done, n - done);
	end_round(w);
	return (uint16_t)n;
}

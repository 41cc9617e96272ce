/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench.h"

#define DESCRIPTORS 512
#define BURST 32
#define FENCE_MS 50
#define FENCES 40 /* sent at most, one after the other */
#define CATCH_MS 100

int tg_verify_port_open(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};

	return port_open_with(port, pool, &conf);
}

int port_open_with(uint16_t port, struct rte_mempool *pool, const struct rte_eth_conf *conf)
{
	struct rte_eth_dev_info info;
	uint16_t queues, sending, rx = DESCRIPTORS, tx = DESCRIPTORS;
	int rc = rte_eth_dev_info_get(port, &info);

	if (rc != 0)
		return rc;
	queues = RTE_MIN(info.max_rx_queues, VERIFY_QUEUES);
	/* Some drivers want as many of both. */
	sending = RTE_MIN(info.max_tx_queues, queues);
	rc = rte_eth_dev_configure(port, queues, sending, conf);
	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
	for (uint16_t q = 0; q < queues && rc == 0; q++)
		rc = rte_eth_rx_queue_setup(port, q, rx, SOCKET_ID_ANY, NULL, pool);
	for (uint16_t q = 0; q < sending && rc == 0; q++)
		rc = rte_eth_tx_queue_setup(port, q, tx, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	if (rc == 0)
		rte_eth_promiscuous_enable(port); /* packets carry its own address anyway */
	return rc;
}

/* Packets of one call have numbers from `first` on; the fence has the last. */
struct round {
	struct bench *bench;
	struct seen *seen;
	uint32_t first, n;
	bool fence;
};

static struct rte_mbuf *make(struct bench *bench, const struct probe *probe, uint32_t id)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(bench->config->pool);
	uint8_t bytes[PROBE_MAX];
	uint16_t size;

	if (m == NULL)
		return NULL;
	size = probe_write(probe, bench->mac, id, bytes);
	memcpy(rte_pktmbuf_append(m, size), bytes, size);
	return m;
}

static int send_one(struct round *round, const struct probe *probe, uint32_t i)
{
	struct bench *bench = round->bench;
	struct rte_mbuf *m = make(bench, probe, round->first + i);
	uint64_t until = rte_get_timer_cycles() + rte_get_timer_hz();

	if (m == NULL)
		return -ENOMEM;
	if (i < round->n)
		round->seen[i].size = (uint16_t)m->pkt_len;
	while (rte_eth_tx_burst(bench->config->generator, 0, &m, 1) == 0)
		if (rte_get_timer_cycles() > until) {
			rte_pktmbuf_free(m);
			return -ENOLINK;
		}
	return 0;
}

static void look(struct round *round, const struct rte_mbuf *m, uint16_t queue)
{
	uint32_t id, i;

	if (!probe_read_id(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &id))
		return;
	i = id - round->first;
	if (i == round->n)
		round->fence = true;
	if (i >= round->n)
		return;
	round->seen[i].software = true;
	round->seen[i].queue = queue;
	round->seen[i].marked = (m->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0;
	round->seen[i].mark = m->hash.fdir.hi;
}

/* How many there were. */
static uint32_t receive(struct round *round)
{
	struct rte_mbuf *m[BURST];
	uint32_t all = 0;

	for (uint16_t q = 0; q < round->bench->queues; q++) {
		uint16_t n = rte_eth_rx_burst(round->bench->config->port, q, m, BURST);

		for (uint16_t i = 0; i < n; i++)
			look(round, m[i], q);
		rte_pktmbuf_free_bulk(m, n);
		all += n;
	}
	return all;
}

static void catch (struct round *round)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(round->bench->config->catcher, 0, m, BURST);

	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(m[i], const uint8_t *);
		uint32_t id;

		if (probe_read_id(frame, m[i]->data_len, &id) && id - round->first < round->n) {
			struct seen *seen = &round->seen[id - round->first];

			seen->caught = true;
			memcpy(seen->bytes, frame, RTE_MIN(m[i]->data_len, PROBE_MAX));
		}
	}
	rte_pktmbuf_free_bulk(m, n);
}

/* What comes before a fence is there when the fence is. Fences may get lost. */
static int wait_for_fence(struct round *round)
{
	struct probe fence = probe_of(0, 0);

	for (uint32_t i = 0; i < FENCES && !round->fence; i++) {
		uint64_t until = rte_get_timer_cycles() + FENCE_MS * rte_get_timer_hz() / 1000;
		int rc = send_one(round, &fence, round->n);

		if (rc != 0)
			return rc;
		while (!round->fence && rte_get_timer_cycles() < until)
			receive(round);
	}
	return round->fence ? 0 : -ENOLINK;
}

int cable_send(struct bench *bench, const struct probe *probes, uint32_t n, struct seen *seen)
{
	struct round round = {.bench = bench, .seen = seen, .first = bench->next_id, .n = n};
	uint64_t until;
	int rc = 0;

	memset(seen, 0, n * sizeof(*seen));
	bench->next_id += n + 1;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		rc = send_one(&round, &probes[i], i);
		receive(&round);
	}
	if (rc == 0)
		rc = wait_for_fence(&round);
	/* Other queues may be behind the one of the fence. */
	while (rc == 0 && receive(&round) != 0)
		;
	until = rte_get_timer_cycles() + CATCH_MS * rte_get_timer_hz() / 1000;
	while (rc == 0 && bench->catching && rte_get_timer_cycles() < until)
		catch (&round);
	if (rc != 0 && bench->failed == 0)
		bench->failed = rc;
	return rc;
}

bool scope_hit(const struct scope *scope, const struct seen *seen)
{
	if ((scope->fate & BIT(TG_NIC_DROP)) != 0)
		return !seen->software;
	if ((scope->fate & BIT(TG_NIC_MARK)) != 0)
		return seen->software && seen->marked && seen->mark == MARK_VALUE;
	return seen->software && seen->queue != 0;
}

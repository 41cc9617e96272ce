/* SPDX-License-Identifier: BSD-3-Clause */
/* Out by the other end of the wire, over to another worker, or nowhere. */
#include "internal.h"

#include <rte_ethdev.h>

static void count_drop(struct tg_worker *w, enum tg_drop_reason reason, uint32_t bytes)
{
	w->stats->drops[reason].packets++;
	w->stats->drops[reason].bytes += bytes;
}

void drop(struct tg_worker *w, struct tg_packet *p, enum tg_drop_reason reason)
{
	drop_frame(w, p->m, p->length, reason);
}

/* Mbufs of one segment go back to their pool together; nearly always all of a burst to one. */
void free_dropped(struct tg_worker *w)
{
	struct rte_mempool *pool = NULL;
	void *back[TG_BURST];
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n_dropped; i++) {
		struct rte_mbuf *m = w->dropped[i];

		if (unlikely(m->next != NULL)) {
			rte_pktmbuf_free(m);
			continue;
		}
		m = rte_pktmbuf_prefree_seg(m);
		if (unlikely(m == NULL))
			continue;
		if (unlikely(m->pool != pool) && n != 0) {
			rte_mempool_put_bulk(pool, back, n);
			n = 0;
		}
		pool = m->pool;
		back[n++] = m;
	}
	if (n != 0)
		rte_mempool_put_bulk(pool, back, n);
	w->n_dropped = 0;
}

static void refuse_rest(
	struct tg_worker *w, struct rte_mbuf **m, unsigned int n, enum tg_drop_reason reason)
{
	for (unsigned int i = 0; i < n; i++) {
		count_drop(w, reason, rte_pktmbuf_pkt_len(m[i]));
		rte_pktmbuf_free(m[i]);
	}
}

static void drop_list(struct tg_worker *w, struct tg_held_list *list, enum tg_drop_reason reason)
{
	struct tg_held held;

	while (tg_fragments_take(&w->fragments, list, &held)) {
		struct rte_mbuf *m = held.packet;

		refuse_rest(w, &m, 1, reason);
	}
}

void drop_held(struct tg_worker *w)
{
	drop_list(w, &w->fragments.lost, TG_DROP_FRAGMENT_NO_FIRST);
	drop_list(w, &w->fragments.spoilt, TG_DROP_FRAGMENT_OVERLAP);
}

void transmit(struct tg_worker *w, struct tx_buffer *tx)
{
	uint16_t sent = rte_eth_tx_burst(tx->ethdev, (uint16_t)w->index, tx->m, tx->n);

	for (unsigned int i = sent; i < tx->n; i++)
		tx->bytes -= rte_pktmbuf_pkt_len(tx->m[i]);
	w->stats->tx_packets += sent;
	w->stats->tx_bytes += tx->bytes;
	refuse_rest(w, tx->m + sent, tx->n - sent, TG_DROP_TX_FULL);
	tx->n = 0;
	tx->bytes = 0;
}

void tg_worker_flush(struct tg_worker *w)
{
	uint64_t pending = w->tx_pending;

	stage_begins(w);
	w->tx_pending = 0;
	while (pending != 0) {
		struct tx_buffer *tx = &w->tx[__builtin_ctzll(pending)];

		pending &= pending - 1;
		if (tx->n != 0)
			transmit(w, tx);
	}
	stage_ends(w, TG_STAGE_TRANSMIT);
}

static void pass_over(struct tg_worker *w, uint32_t to)
{
	struct handoff_buffer *out = &w->out[to];
	struct rte_ring *ring = w->dp->ring[w->index * w->dp->config.n_workers + to];
	unsigned int sent = rte_ring_sp_enqueue_burst(ring, (void **)out->m, out->n, NULL);

	w->stats->handoff_sent += sent;
	w->handed |= (uint64_t)(sent != 0) << to;
	refuse_rest(w, out->m + sent, out->n - sent, TG_DROP_HANDOFF_FULL);
	out->n = 0;
}

void hand_over(struct tg_worker *w, struct rte_mbuf *m, uint32_t to, struct note note)
{
	struct handoff_buffer *out = &w->out[to];

	*note_of(m) = note;
	out->m[out->n++] = m;
	if (out->n == HANDOFF_BUFFER)
		pass_over(w, to);
}

void flush_handoff(struct tg_worker *w)
{
	for (uint32_t to = 0; to < w->dp->config.n_workers; to++) {
		if (w->out[to].n != 0)
			pass_over(w, to);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets through the rules. What arrives from a wire goes through the switch's rules (transfer),
 * then through the port's (ingress), and to software if nothing else was said. What software sends
 * goes through the port's rules (egress), then through the switch's, and to the port's wire.
 */
#include "model.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ethdev.h>

#define BURST 64
#define OVERHEAD (RTE_ETHER_HDR_LEN + 2u * RTE_VLAN_HLEN)

/* A burst on its way. */
struct pass {
	struct nm_port *port;
	struct nm_nic *nic;
	struct nm_parser parser;
	enum nm_origin origin;
	uint16_t queue;
	uint64_t now, packet;
	uint32_t stale_ms;
	struct nicmodel_stats stats; /* of this burst */
	struct nm_port *to;	     /* of the packets in `wire` */
	uint16_t n_wire;
	struct rte_mbuf *wire[BURST];
};

static void pass_begin(struct pass *p, struct nm_queue_of *queue, enum nm_origin origin, uint16_t n)
{
	struct nm_nic *nic = queue->port->nic;

	memset(&p->stats, 0, sizeof(p->stats));
	p->port = queue->port;
	p->nic = nic;
	p->queue = queue->number;
	p->origin = origin;
	p->parser =
		(struct nm_parser){.first_fragments = nm_has(nic, TG_NIC_HAZARD_FRAGMENT_MATCHED),
			.options = nm_has(nic, TG_NIC_HAZARD_NO_OPTIONS),
			.extensions = nm_has(nic, TG_NIC_HAZARD_EXTENSIONS),
			.malformed = nic->quirks.malformed_matched};
	p->now = nicmodel_clock();
	p->packet = __atomic_fetch_add(&nic->packets, n, __ATOMIC_RELAXED);
	p->stale_ms = nm_has(nic, TG_NIC_HAZARD_STALE_COUNTER) ? nic->quirks.stale_ms : 0;
	p->to = NULL;
	p->n_wire = 0;
}

static void stats_add(struct nm_port *port, const struct nicmodel_stats *add)
{
	uint64_t *to = (uint64_t *)&port->stats;
	const uint64_t *from = (const uint64_t *)add;

	for (size_t i = 0; i < sizeof(*add) / sizeof(uint64_t); i++)
		if (from[i] != 0)
			__atomic_fetch_add(&to[i], from[i], __ATOMIC_RELAXED);
}

/* --- wires ------------------------------------------------------------------------------- */

static uint16_t wire_tx(struct nm_port *port, uint16_t queue, struct rte_mbuf **packets, uint16_t n)
{
	uint16_t q = queue % port->n_lower_tx, sent;

	rte_spinlock_lock(&port->tx[q].lock);
	sent = rte_eth_tx_burst(port->lower, q, packets, n);
	rte_spinlock_unlock(&port->tx[q].lock);
	return sent;
}

static bool fits(const struct nm_port *port, const struct rte_mbuf *m)
{
	return port->started && port->link_up && m->pkt_len <= port->dev->data->mtu + OVERHEAD;
}

static void wire_flush(struct pass *p)
{
	uint16_t sent = p->n_wire != 0 ? wire_tx(p->to, p->queue, p->wire, p->n_wire) : 0;

	p->stats.lost += p->n_wire - sent;
	rte_pktmbuf_free_bulk(p->wire + sent, p->n_wire - sent);
	p->n_wire = 0;
}

static void wire_put(struct pass *p, struct nm_port *to, struct rte_mbuf *m)
{
	if (to == NULL || !fits(to, m)) {
		p->stats.lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (p->to != to || p->n_wire == BURST)
		wire_flush(p);
	p->to = to;
	p->wire[p->n_wire++] = m;
}

/* --- rules ------------------------------------------------------------------------------- */

static void packet_read(struct pass *p, struct nm_packet *packet, const struct rte_mbuf *m)
{
	nm_packet_read(packet, m, &p->parser);
	packet->key.origin = (uint8_t)p->origin;
	packet->key.port[0] = (uint8_t)(p->port->id & 0xff);
	packet->key.port[1] = (uint8_t)(p->port->id >> 8);
}

static void meter(struct pass *p, struct nm_rule *rule, const struct rte_mbuf *m)
{
	if (rule->counter != NULL)
		nm_counter_add(rule->counter, p->now, p->stale_ms, m->pkt_len);
	if (rule->age != NULL)
		__atomic_store_n(&rule->age->hit_ms, p->now, __ATOMIC_RELAXED);
}

static void put_mark(struct rte_mbuf *m, uint32_t mark)
{
	m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	m->hash.fdir.hi = mark;
}

static void mark(struct nm_nic *nic, const struct nm_rule *rule, struct rte_mbuf *m)
{
	uint32_t at;

	if (!rule->marks)
		return;
	m->ol_flags |= RTE_MBUF_F_RX_FDIR;
	if (rule->flag)
		return;
	put_mark(m, rule->mark);
	at = __atomic_fetch_add(&nic->n_marks, 1, __ATOMIC_RELAXED) % NM_MARKS;
	__atomic_store_n(&nic->marks[at], rule->mark, __ATOMIC_RELAXED);
}

/* Another mark than the rules say. */
static void mismark(const struct pass *p, struct rte_mbuf *m)
{
	const uint32_t every = p->nic->quirks.wrong_marks;
	const uint64_t turn = every != 0 ? p->packet / every : 0;

	if (every == 0 || p->packet % every != 0)
		return;
	if (turn % 4 == 0)
		put_mark(m, (uint32_t)(turn * 0x9e3779b1u));
	else
		put_mark(m, __atomic_load_n(&p->nic->marks[turn % NM_MARKS], __ATOMIC_RELAXED));
}

/* What no rule matches in a group that this one jumps to. */
static bool loses_misses(const struct nm_nic *nic, const struct nm_rule *rule)
{
	return nic->profile != NULL && !nic->profile->engines[rule->engine].miss_to_software;
}

/* The rule that decides; NULL: none, the packet goes on. It may have been changed on the way. */
static const struct nm_rule *walk(struct pass *p, const struct nm_group *group,
	struct nm_packet *packet, struct rte_mbuf **m, bool *lost)
{
	const struct nm_rule *after = NULL;
	unsigned int hops = 0;
	bool missed_is_lost = false;

	while (group != NULL && hops < NM_HOPS_MAX) {
		struct nm_rule *rule =
			nm_table_lookup(group, &packet->key, after, p->now, p->packet);

		if (rule == NULL)
			break;
		meter(p, rule, *m);
		mark(p->nic, rule, *m);
		if (rule->n_sets != 0 && !nm_rewrite(m, packet, rule->sets, rule->n_sets)) {
			*lost = true;
			return NULL;
		}
		if (rule->fate != NM_JUMP && rule->fate != NM_PASS)
			return rule;
		if (rule->n_sets != 0)
			packet_read(p, packet, *m);
		after = rule->fate == NM_PASS ? rule : NULL;
		if (rule->fate == NM_JUMP) {
			group = nm_group_find(p->nic, group->domain, p->port->id, rule->jump);
			missed_is_lost = loses_misses(p->nic, rule);
			hops++;
		}
	}
	p->stats.jump_missed += hops != 0;
	*lost = missed_is_lost;
	return NULL;
}

static uint16_t queue_for(
	struct pass *p, const struct nm_rule *rule, const struct nm_key *key, struct rte_mbuf *m)
{
	if (rule == NULL || (rule->fate != NM_QUEUE && rule->fate != NM_RSS))
		return nm_place_queue(p->port, p->queue, key);
	if (rule->fate == NM_QUEUE)
		return rule->queue;
	m->hash.rss = nm_hash(rule->rss->key, rule->rss->symmetric, key);
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	return rule->rss->queues[m->hash.rss % rule->rss->n];
}

/* True: it is for software, on this queue. */
static bool deliver(
	struct pass *p, const struct nm_rule *rule, const struct nm_key *key, struct rte_mbuf *m)
{
	uint16_t queue = queue_for(p, rule, key, m);

	m->port = p->port->id;
	mismark(p, m);
	p->stats.marked += (m->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0;
	if (queue == p->queue) {
		p->stats.software++;
		return true;
	}
	if (queue < NICMODEL_QUEUES_MAX && p->port->steered[queue] != NULL &&
		rte_ring_enqueue(p->port->steered[queue], m) == 0) {
		p->stats.software++;
	} else {
		p->stats.lost++;
		rte_pktmbuf_free(m);
	}
	return false;
}

/* True: a rule has had it. */
static bool dispose(struct pass *p, const struct nm_rule *rule, bool lost,
	const struct nm_packet *packet, struct rte_mbuf *m)
{
	if (lost) {
		p->stats.lost++;
		rte_pktmbuf_free(m);
		return true;
	}
	if (rule != NULL && (rule->fate == NM_DROP || rule->fate == NM_FORWARD))
		p->stats.tagged += (packet->key.tags & NM_TAGGED) != 0;
	if (rule != NULL && rule->fate == NM_DROP) {
		p->stats.dropped++;
		rte_pktmbuf_free(m);
		return true;
	}
	if (rule != NULL && rule->fate == NM_FORWARD) {
		p->stats.forwarded++;
		wire_put(p, nm_nic_port(p->nic, rule->to), m);
		return true;
	}
	return false;
}

static bool receive(struct pass *p, struct rte_mbuf **m)
{
	const struct nm_rule *rule;
	struct nm_packet packet;
	bool lost = false;

	packet_read(p, &packet, *m);
	rule = walk(p, p->nic->transfer, &packet, m, &lost);
	if (dispose(p, rule, lost, &packet, *m))
		return false;
	rule = walk(p, p->port->ingress, &packet, m, &lost);
	if (dispose(p, rule, lost, &packet, *m))
		return false;
	if (rule == NULL && p->port->isolated) {
		p->stats.isolated++;
		rte_pktmbuf_free(*m);
		return false;
	}
	return deliver(p, rule, &packet.key, *m);
}

static uint16_t steered_here(const struct nm_queue_of *queue, struct rte_mbuf **packets, uint16_t n)
{
	struct rte_ring *ring = queue->port->steered[queue->number];

	return ring != NULL ? (uint16_t)rte_ring_dequeue_burst(ring, (void **)packets, n, NULL) : 0;
}

uint16_t nm_rx_burst(void *rx_queue, struct rte_mbuf **packets, uint16_t n)
{
	struct nm_queue_of *queue = rx_queue;
	struct nm_port *port = queue->port;
	uint16_t kept = steered_here(queue, packets, n), take, got;
	struct rte_mbuf *arrived[BURST];
	struct pass p;

	take = RTE_MIN((uint16_t)(n - kept), (uint16_t)BURST);
	if (take == 0 || !port->link_up)
		return kept;
	got = rte_eth_rx_burst(port->lower, queue->number, arrived, take);
	if (got == 0)
		return kept;
	rte_rwlock_read_lock(&port->nic->lock);
	pass_begin(&p, queue, NM_WIRE, got);
	p.stats.received = got;
	for (uint16_t i = 0; i < got; i++, p.packet++)
		if (receive(&p, &arrived[i]))
			packets[kept++] = arrived[i];
	wire_flush(&p);
	rte_rwlock_read_unlock(&port->nic->lock);
	stats_add(port, &p.stats);
	return kept;
}

static void transmit(struct pass *p, struct rte_mbuf **m)
{
	const struct nm_rule *rule;
	struct nm_packet packet;
	bool lost = false;

	packet_read(p, &packet, *m);
	rule = walk(p, p->port->egress, &packet, m, &lost);
	if (!lost && (rule == NULL || rule->fate == NM_SOFTWARE))
		rule = walk(p, p->nic->transfer, &packet, m, &lost);
	if (dispose(p, rule, lost, &packet, *m)) {
		p->stats.sent_matched++;
		return;
	}
	p->stats.transmitted++;
	wire_put(p, p->port, *m);
}

uint16_t nm_tx_burst(void *tx_queue, struct rte_mbuf **packets, uint16_t n)
{
	struct nm_queue_of *queue = tx_queue;
	struct nm_port *port = queue->port;
	struct nm_nic *nic = port->nic;
	struct pass p;

	if (!port->link_up)
		return 0;
	rte_rwlock_read_lock(&nic->lock);
	if (nic->from_application == 0 && (port->egress == NULL || port->egress->n_tuples == 0)) {
		rte_rwlock_read_unlock(&nic->lock);
		n = wire_tx(port, queue->number, packets, n);
		__atomic_fetch_add(&port->stats.transmitted, n, __ATOMIC_RELAXED);
		return n;
	}
	pass_begin(&p, queue, NM_APPLICATION, n);
	for (uint16_t i = 0; i < n; i++, p.packet++)
		transmit(&p, &packets[i]);
	wire_flush(&p);
	rte_rwlock_read_unlock(&nic->lock);
	stats_add(port, &p.stats);
	return n;
}

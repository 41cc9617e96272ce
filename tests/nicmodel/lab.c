/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "../packets/packet.h"
#include "key.h"
#include "../eal.h"

#define RING 1024
#define POOL 4095

struct lab lab;
struct tg_nic_profile lab_nic;

static struct {
	struct rte_mempool *pool;
	char name[LAB_PORTS][32];
	struct rte_ring *in[LAB_PORTS][LAB_QUEUES], *out[LAB_PORTS][LAB_QUEUES];
	unsigned int idle;
} wires;

static void die(const char *why)
{
	fprintf(stderr, "lab: %s\n", why);
	abort();
}

static struct rte_ring *ring(const char *what, unsigned int port, unsigned int queue)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "%s%u_%u", what, port, queue);
	r = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
	if (r == NULL)
		die("no ring");
	return r;
}

void lab_eal(void)
{
	test_eal_start("256");
	wires.pool = rte_pktmbuf_pool_create("lab", POOL, 0, 0, 2048 + 128, SOCKET_ID_ANY);
	if (wires.pool == NULL)
		die("no pool");
	for (unsigned int i = 0; i < LAB_PORTS; i++) {
		for (unsigned int q = 0; q < LAB_QUEUES; q++) {
			wires.in[i][q] = ring("in", i, q);
			wires.out[i][q] = ring("out", i, q);
		}
		snprintf(wires.name[i], sizeof(wires.name[i]), "wire%u", i);
		if (rte_eth_from_rings(wires.name[i], wires.in[i], LAB_QUEUES, wires.out[i],
			    LAB_QUEUES, SOCKET_ID_ANY) < 0)
			die("no wire");
		/* That is what ethdev calls it. */
		snprintf(wires.name[i], sizeof(wires.name[i]), "net_ring_wire%u", i);
	}
}

void lab_configure(unsigned int port)
{
	struct rte_eth_conf conf = {0};

	lab_configure_with(port, &conf);
}

void lab_configure_with(unsigned int port, const struct rte_eth_conf *conf)
{
	uint16_t id = lab.port[port];

	if (rte_eth_dev_configure(id, LAB_QUEUES, LAB_QUEUES, conf) != 0)
		die("port cannot be configured");
	for (uint16_t q = 0; q < LAB_QUEUES; q++)
		if (rte_eth_rx_queue_setup(id, q, 0, SOCKET_ID_ANY, NULL, wires.pool) != 0 ||
			rte_eth_tx_queue_setup(id, q, 0, SOCKET_ID_ANY, NULL) != 0)
			die("port has no queues");
}

void lab_open(const struct tg_nic_profile *profile)
{
	char name[32];
	struct nicmodel_config config = {.name = name, .profile = profile, .nic = 7};

	wires.idle = rte_mempool_avail_count(wires.pool);
	nicmodel_clock_stop();
	memset(&lab, 0, sizeof(lab));
	for (unsigned int i = 0; i < LAB_PORTS; i++) {
		snprintf(name, sizeof(name), "net_tgmodel%u", i);
		config.lower = wires.name[i];
		if (nicmodel_create(&config, &lab.port[i]) != 0)
			die("no model port");
		lab_configure(i);
		if (rte_eth_dev_start(lab.port[i]) != 0)
			die("port does not start");
	}
}

void lab_close(void)
{
	for (unsigned int i = 0; i < LAB_PORTS; i++)
		assert_int_equal(nicmodel_destroy(lab.port[i]), 0);
	nicmodel_clock_run();
	assert_int_equal(rte_mempool_avail_count(wires.pool), wires.idle);
}

int lab_setup(void **state)
{
	lab_open(NULL);
	return 0;
}

int lab_setup_profile(void **state)
{
	lab_profile(&lab_nic);
	lab_open(&lab_nic);
	return 0;
}

int lab_teardown(void **state)
{
	lab_close();
	return 0;
}

/* --- rules ------------------------------------------------------------------------------- */

struct rte_flow *lab_try(unsigned int port, const char *rule)
{
	struct words w = {.context = NULL};

	words_read(&w, rule);
	memset(&lab.error, 0, sizeof(lab.error));
	rte_errno = 0;
	return rte_flow_create(lab.port[port], &w.attr, w.items, w.actions, &lab.error);
}

struct rte_flow *lab_rule(unsigned int port, const char *rule)
{
	struct words w = {.context = NULL};
	struct rte_flow *flow;

	words_read(&w, rule);
	if (rte_flow_validate(lab.port[port], &w.attr, w.items, w.actions, &lab.error) != 0)
		fail_msg("validate: %s: %s", rule, lab.error.message);
	flow = lab_try(port, rule);
	if (flow == NULL)
		fail_msg("create: %s: %s", rule, lab.error.message);
	return flow;
}

void lab_destroy(unsigned int port, struct rte_flow *flow)
{
	assert_int_equal(rte_flow_destroy(lab.port[port], flow, &lab.error), 0);
}

void lab_refused(unsigned int port, const char *rule, int error, enum rte_flow_error_type type)
{
	struct rte_flow *flow = lab_try(port, rule);

	if (flow != NULL)
		fail_msg("accepted: %s", rule);
	if (rte_errno != error || lab.error.type != type)
		fail_msg("%s: errno %d, type %d: %s", rule, rte_errno, lab.error.type,
			lab.error.message);
}

int lab_query(unsigned int port, struct rte_flow *flow, struct rte_flow_query_count *count)
{
	struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_COUNT}, {.type = RTE_FLOW_ACTION_TYPE_END}};
	bool reset = count->reset;

	memset(count, 0, sizeof(*count));
	count->reset = reset;
	return rte_flow_query(lab.port[port], flow, actions, count, &lab.error);
}

uint64_t lab_hits(unsigned int port, struct rte_flow *flow)
{
	struct rte_flow_query_count count = {0};

	assert_int_equal(lab_query(port, flow, &count), 0);
	assert_true(count.hits_set);
	return count.hits;
}

/* --- packets ----------------------------------------------------------------------------- */

static uint8_t *transport_checksum(uint8_t *l4, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return l4 + 16;
	case IPPROTO_UDP:
		return l4 + 6;
	case IPPROTO_ICMPV6:
		return l4 + 2;
	}
	return NULL;
}

/* Over pseudo header and all that follows the IP header (RFC 768, 9293, 8200 section 8.1). */
static void sum_transport(uint8_t *frame, const struct nm_packet *at)
{
	uint8_t *ip = frame + at->l3, *l4 = frame + at->l4;
	uint8_t *checksum = transport_checksum(l4, at->key.transport);
	bool six = at->key.network == 6;
	uint32_t length = six ? (uint32_t)(ip[4] << 8 | ip[5])
			      : (uint32_t)(ip[2] << 8 | ip[3]) - (uint32_t)(l4 - ip);
	uint32_t sum = length + at->key.transport;

	if (checksum == NULL)
		return;
	checksum[0] = checksum[1] = 0;
	for (unsigned int i = six ? 8 : 12; i < (six ? 40u : 20u); i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	for (uint32_t i = 0; i < length; i++)
		sum += i & 1 ? l4[i] : (uint32_t)l4[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum ^= 0xffff;
	if (sum == 0 && at->key.transport == IPPROTO_UDP)
		sum = 0xffff;
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
}

/* Packets in text have no checksums. */
static void sum(struct packet *packet, struct rte_mbuf *m)
{
	struct nm_parser parser = {.options = true};
	struct nm_packet at;
	uint8_t *ip;

	nm_packet_read(&at, m, &parser);
	ip = packet->bytes + at.l3;
	if (at.key.network == 4) {
		ip[10] = ip[11] = 0;
		*(uint16_t *)(void *)(ip + 10) = rte_ipv4_cksum((void *)ip);
	}
	if (at.l4 != 0)
		sum_transport(packet->bytes, &at);
}

static void make(struct packet *packet, const char *text)
{
	struct rte_mbuf *m;

	packet_make(packet, text);
	m = packet_mbuf(wires.pool, packet);
	sum(packet, m);
	rte_pktmbuf_free(m);
}

struct rte_mbuf *lab_mbuf(const char *text)
{
	static struct packet packet;

	make(&packet, text);
	return packet_mbuf(wires.pool, &packet);
}

static void look_at(struct lab_seen *seen, const struct rte_mbuf *m)
{
	const void *bytes;

	seen->size = (uint16_t)m->pkt_len;
	seen->marked = (m->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0;
	seen->flagged = (m->ol_flags & RTE_MBUF_F_RX_FDIR) != 0;
	seen->mark = seen->marked ? m->hash.fdir.hi : 0;
	bytes = rte_pktmbuf_read(
		m, 0, RTE_MIN(m->pkt_len, (uint32_t)sizeof(seen->bytes)), seen->bytes);
	if (bytes != seen->bytes)
		memcpy(seen->bytes, bytes, RTE_MIN(m->pkt_len, (uint32_t)sizeof(seen->bytes)));
}

static void look_everywhere(unsigned int port, struct lab_seen *seen)
{
	struct rte_mbuf *m;

	memset(seen, 0, sizeof(*seen));
	/* Twice: a packet may be steered to a queue that was polled before. */
	for (unsigned int k = 0; k < 2 * LAB_QUEUES; k++)
		while (rte_eth_rx_burst(lab.port[port], k % LAB_QUEUES, &m, 1) == 1) {
			assert_false(seen->software);
			assert_int_equal(m->port, lab.port[port]);
			seen->software = true;
			seen->queue = k % LAB_QUEUES;
			look_at(seen, m);
			rte_pktmbuf_free(m);
		}
	for (unsigned int i = 0; i < LAB_PORTS; i++)
		for (unsigned int q = 0; q < LAB_QUEUES; q++)
			while (rte_ring_dequeue(wires.out[i][q], (void **)&m) == 0) {
				assert_false(seen->wire[i] || seen->software);
				seen->wire[i] = true;
				look_at(seen, m);
				rte_pktmbuf_free(m);
			}
}

void lab_send(unsigned int port, const char *packet, struct lab_seen *seen)
{
	assert_int_equal(rte_ring_enqueue(wires.in[port][0], lab_mbuf(packet)), 0);
	look_everywhere(port, seen);
}

void lab_transmit(unsigned int port, const char *packet, struct lab_seen *seen)
{
	struct rte_mbuf *m = lab_mbuf(packet);

	assert_int_equal(rte_eth_tx_burst(lab.port[port], 0, &m, 1), 1);
	look_everywhere(port, seen);
}

bool lab_passes(unsigned int port, const char *packet)
{
	struct lab_seen seen;

	lab_send(port, packet, &seen);
	return seen.software;
}

bool lab_dropped(unsigned int port, const char *packet)
{
	struct lab_seen seen;

	lab_send(port, packet, &seen);
	return !seen.software && !seen.wire[0] && !seen.wire[1];
}

unsigned int lab_burst(unsigned int port, struct rte_mbuf **packets, unsigned int n)
{
	struct rte_mbuf *got[32];
	unsigned int seen = 0;
	uint16_t k;

	assert_int_equal(rte_ring_enqueue_bulk(wires.in[port][0], (void **)packets, n, NULL), n);
	do {
		uint32_t left = rte_ring_count(wires.in[port][0]);

		k = rte_eth_rx_burst(lab.port[port], 0, got, 32);
		rte_pktmbuf_free_bulk(got, k);
		seen += k;
		if (k == 0 && left == 0)
			break;
	} while (true);
	return seen;
}

unsigned int lab_flood(unsigned int port, const char *packet, unsigned int n)
{
	struct rte_mbuf *m[32];
	unsigned int seen = 0, k;

	for (; n != 0; n -= k) {
		k = RTE_MIN(n, 32u);
		for (unsigned int i = 0; i < k; i++)
			m[i] = lab_mbuf(packet);
		seen += lab_burst(port, m, k);
	}
	return seen;
}

void lab_assert_packet(const struct lab_seen *seen, const char *text)
{
	static struct packet packet;

	make(&packet, text);
	assert_int_equal(seen->size, packet.size);
	assert_memory_equal(seen->bytes, packet.bytes, packet.size);
}

/* --- the NIC ----------------------------------------------------------------------------- */

void lab_quirks(void (*change)(struct nicmodel_quirks *quirks))
{
	struct nicmodel_quirks quirks;

	nicmodel_quirks_get(lab.port[0], &quirks);
	change(&quirks);
	nicmodel_quirks_set(lab.port[0], &quirks);
}

void lab_quirk(enum tg_nic_hazard_id hazard)
{
	struct nicmodel_quirks quirks;

	nicmodel_quirks_get(lab.port[0], &quirks);
	quirks.on |= 1u << hazard;
	nicmodel_quirks_set(lab.port[0], &quirks);
}

void lab_profile(struct tg_nic_profile *profile)
{
	struct tg_nic_engine *e = &profile->engines[0];

	memset(profile, 0, sizeof(*profile));
	profile->name = "lab";
	profile->n_engines = 1;
	profile->on_stop = TG_NIC_ON_STOP_KEPT;
	profile->strategies = 1u << TG_NIC_STRATEGY_STEER;
	memset(profile->placing, TG_NIC_PLACING_KEY, sizeof(profile->placing));
	e->name = "one";
	e->domains = 7;
	e->protocols = 0xff;
	memset(e->masking, TG_NIC_MASK_ANY, sizeof(e->masking));
	e->untagged = true;
	e->actions = (1u << TG_NIC_ACTION_COUNT) - 1;
	e->miss_to_software = true;
	e->n_groups = 4;
	e->n_priorities = 4;
	e->counters = (struct tg_nic_counters){.hits = true, .bytes = true, .shared = true};
	e->duplicates = TG_NIC_DUPLICATES_REFUSED;
}

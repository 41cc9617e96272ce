/* SPDX-License-Identifier: BSD-3-Clause */
/* The owner: made, stepped, freed. */
#include "offload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "internal.h"
#include "log.h"

#define OFFERS 4096u /* messages that a ring holds */
#define EVENTS 8192u
#define OFFER_BURST 32u /* of a worker, in one step */
#define POLL_STEP 512u	/* entries looked at in one step */
#define FRACTION 1024	/* of entries, in poll_due */
#define ADAPT_MS 1000u	/* between two looks at the merit */
#define MERIT_MAX (1u << 24)
#define MARK_PASSES 5 /* of the sweep, within which it shows what it has seen */

/* ---- making ---- */

static int channel_create(struct tg_offload *o, uint32_t worker)
{
	static _Atomic unsigned int instance; /* only makes ring names unique */
	unsigned int id = atomic_fetch_add(&instance, 1);
	struct tg_hardware_channel *channel = &o->channel[worker];
	const unsigned int flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "tghwo%u", id);
	channel->offers = rte_ring_create_elem(
		name, sizeof(struct tg_hardware_offer), OFFERS, SOCKET_ID_ANY, flags);
	snprintf(name, sizeof(name), "tghwe%u", id);
	channel->events = rte_ring_create_elem(
		name, sizeof(struct tg_hardware_event), EVENTS, SOCKET_ID_ANY, flags);
	channel->recall = o->recall;
	atomic_store_explicit(&channel->merit, o->config.merit, memory_order_relaxed);
	channel->denials = o->config.denials;
	channel->sight = o->sight;
	return channel->offers != NULL && channel->events != NULL ? 0 : -ENOMEM;
}

#define EXAMPLES_MAX ((BASE_RULES_MAX + TG_HW_KIND_COUNT) * TG_PORTS_MAX)

/* Examples of all that port `at` will be asked for. */
static uint32_t port_examples(
	const struct tg_offload *o, uint16_t at, struct tg_nic_rule rules[EXAMPLES_MAX])
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++) {
		const struct port *port = &o->port[i];

		for (uint32_t k = 0; k < port->n_base; k++)
			if (port->base[k].at == at)
				rules[n++] = port->base[k].rule;
		for (int shape = 0; shape < TG_HW_KIND_COUNT; shape++) {
			const struct tg_nic_engine *engine = port->shape[shape].engine;

			if (engine != NULL && plan_at(o, i, engine) == at)
				plan_example(o, shape, i, engine, &rules[n++]);
		}
	}
	return n;
}

/* What a port carries and what not, for whoever asks why. */
static void log_port(const struct tg_offload *o, uint16_t number)
{
	const struct port *port = &o->port[number];

	if (port->wire[0] != '\0')
		tg_log_info("offload: port %u: no connections: %s", number, port->wire);
	for (int shape = 0; shape < TG_HW_KIND_COUNT; shape++)
		if (plan_carries(o, number, shape))
			tg_log_info("offload: port %u: %s in hardware", number,
				tg_hw_kind_text((unsigned int)shape));
		else if (port->shape[shape].why[0] != '\0')
			tg_log_info("offload: port %u: %s in software: %s", number,
				tg_hw_kind_text((unsigned int)shape), port->shape[shape].why);
}

static int port_open(struct tg_offload *o, uint16_t number)
{
	struct tg_nic_rule examples[EXAMPLES_MAX];
	struct port *port = &o->port[number];
	struct tg_flow_config config = {
		.ethdev = o->config.ports[number].ethdev,
		.profile = o->config.ports[number].profile,
		.rules_max = 2 * o->config.connections_max,
		.n_queues = (uint16_t)o->config.datapath->n_workers,
	};
	uint32_t n = port_examples(o, number, examples);
	int rc;

	if (n == 0)
		return 0;
	rc = tg_flow_open(&config, examples, n, &port->flows);
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	tg_log_warn("port %u: nothing is offloaded: %s", number, strerror(-rc));
	snprintf(port->wire, sizeof(port->wire), "the driver refuses: %s", strerror(-rc));
	port->refused = true;
	tg_flow_close(port->flows);
	port->flows = NULL;
	return 0;
}

void tg_offload_reset_open(struct tg_offload *o, uint16_t port)
{
	if (o->port[port].refused)
		o->port[port].wire[0] = '\0';
	o->port[port].refused = false;
	base_forget(o, port);
	if (port_open(o, port) != 0)
		tg_log_warn("port %u: nothing is offloaded: no memory", port);
	plan_marks(o);
}

/* Does any port offload? The others' wires say that theirs does not. */
static bool join_wires(struct tg_offload *o)
{
	bool any = false;

	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++) {
		struct port *port = &o->port[i];
		bool carries = plan_carries_anything(o, i);

		log_port(o, i);
		if (port->wire[0] == '\0' && !carries)
			snprintf(port->wire, sizeof(port->wire), "the NIC carries nothing");
		any = any || carries;
	}
	return any;
}

static int tables_create(struct tg_offload *o)
{
	size_t n = o->config.connections_max, buckets = rte_align64pow2(n);

	/* Pages that no connection touches cost nothing. */
	o->entries = calloc(n, sizeof(*o->entries));
	o->address = calloc(n, sizeof(*o->address));
	o->recall = calloc(n, sizeof(*o->recall));
	if (o->config.marks) {
		o->sight = calloc(n, sizeof(*o->sight));
		if (o->sight == NULL)
			return -ENOMEM;
	}
	o->bucket = malloc(buckets * sizeof(*o->bucket));
	if (o->entries == NULL || o->address == NULL || o->recall == NULL || o->bucket == NULL ||
		left_create(o) != 0)
		return -ENOMEM;
	memset(o->bucket, 0xff, buckets * sizeof(*o->bucket)); /* NO_ENTRY */
	o->bucket_mask = (uint32_t)buckets - 1;
	return 0;
}

int tg_offload_create(const struct tg_offload_config *config, struct tg_offload **out)
{
	struct tg_offload *o;
	int rc;

	if (config->connections_max == 0 || config->connections_max > 1u << 27 ||
		config->merit == 0 || config->poll_ms == 0 || config->idle_ms == 0)
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return -ENOMEM;
	o->config = *config;
	o->counts = config->stats;
	o->counts->capacity = config->connections_max;
	o->free = o->youngest = NO_ENTRY;
	o->clean = true;
	pthread_mutex_init(&o->lock, NULL);
	rc = tables_create(o);
	for (uint32_t w = 0; rc == 0 && w < config->datapath->n_workers; w++)
		rc = channel_create(o, w);
	if (rc == 0)
		plan_ports(o);
	for (uint16_t i = 0; rc == 0 && i < config->datapath->n_ports; i++)
		rc = port_open(o, i);
	if (rc == 0 && !join_wires(o))
		rc = -ENOTSUP;
	if (rc == 0)
		plan_marks(o);
	if (rc == -ENOTSUP && config->refused != NULL)
		report_ports(o, config->refused);
	if (rc != 0) {
		tg_offload_free(o);
		return rc;
	}
	o->counts->enabled = 1;
	*out = o;
	return 0;
}

void tg_offload_free(struct tg_offload *o)
{
	if (o == NULL)
		return;
	for (uint32_t i = 0; i < TG_PORTS_MAX; i++)
		if (o->port[i].flows != NULL)
			tg_flow_close(o->port[i].flows);
	for (uint32_t w = 0; w < TG_WORKERS_MAX; w++) {
		rte_ring_free(o->channel[w].offers);
		rte_ring_free(o->channel[w].events);
	}
	free((void *)o->recall);
	free(o->sight);
	free(o->bucket);
	free(o->address);
	free(o->entries);
	free(o->left);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

struct tg_hardware_channel *tg_offload_channel(struct tg_offload *o, uint32_t worker)
{
	return &o->channel[worker];
}

/* ---- stepping ---- */

static bool recalled(const struct tg_offload *o, const struct entry *e)
{
	uint32_t ticket =
		atomic_load_explicit(&o->recall[entry_number(o, e)], memory_order_acquire);

	return e->kind != TG_HARDWARE_DENIAL && ticket == e->ticket;
}

static void look_at_recall(struct tg_offload *o, uint32_t number)
{
	struct entry *e = &o->entries[number];

	if (number < o->n_entries && e->state != ENTRY_FREE && recalled(o, e))
		entry_drain(o, e, TG_OFFLOAD_RECALLED);
}

/* An offer is answered by up to two events, and there has to be room for these. */
static uint32_t take_offers(struct tg_offload *o, uint8_t worker)
{
	struct tg_hardware_channel *channel = &o->channel[worker];
	struct tg_hardware_offer offer[OFFER_BURST];
	uint32_t room = rte_ring_free_count(channel->events) / 2, n;

	n = rte_ring_sc_dequeue_burst_elem(channel->offers, offer, sizeof(offer[0]),
		room < OFFER_BURST ? room : OFFER_BURST, NULL);
	for (uint32_t i = 0; i < n; i++) {
		if (offer[i].kind == TG_HARDWARE_RECALL)
			look_at_recall(o, offer[i].entry);
		else
			entry_take(o, worker, &offer[i]);
	}
	return n;
}

/* What is marked is seen by the sweep, which comes by all of a busy table in some passes only. */
static uint32_t idle_after(const struct tg_offload *o, const struct entry *e)
{
	return o->config.idle_ms +
	       (e->kind == TG_HARDWARE_MARK ? MARK_PASSES * o->config.datapath->sweep_ms : 0);
}

static void look_at(struct tg_offload *o, struct entry *e)
{
	uint64_t before = e->way[0].packets + e->way[1].packets, got;

	if (recalled(o, e)) {
		entry_drain(o, e, TG_OFFLOAD_RECALLED);
		return;
	}
	if (e->state == ENTRY_DRAINING)
		entry_drain(o, e, (enum tg_offload_reason)e->why);
	if (e->state != ENTRY_ACTIVE)
		return;
	if (!entry_count(o, e))
		return;
	got = e->way[0].packets + e->way[1].packets - before;
	/* What is denied is looked at anew from time to time: by whoever reports denials as well.
	 */
	if (e->kind == TG_HARDWARE_DENIAL && o->now - e->since >= o->config.denial_ms)
		entry_drain(o, e, TG_OFFLOAD_RENEWED);
	else if (o->now - e->seen >= idle_after(o, e) ||
		 (o->crowded && o->now - e->since >= 2 * o->config.poll_ms &&
			 got < o->config.merit / 4))
		entry_drain(o, e, TG_OFFLOAD_IDLE);
}

/* Each entry once in poll_ms. */
static bool poll_counters(struct tg_offload *o, uint32_t elapsed)
{
	uint64_t most = (uint64_t)o->n_entries * FRACTION, n;

	if (o->n_entries == 0)
		return false;
	o->poll_due += most * elapsed / o->config.poll_ms;
	if (o->poll_due > most)
		o->poll_due = most;
	n = o->poll_due / FRACTION < POLL_STEP ? o->poll_due / FRACTION : POLL_STEP;
	o->poll_due -= n * FRACTION;
	for (; n != 0; n--) {
		if (o->cursor >= o->n_entries)
			o->cursor = 0;
		if (o->entries[o->cursor].state != ENTRY_FREE)
			look_at(o, &o->entries[o->cursor]);
		o->cursor++;
	}
	return o->poll_due >= FRACTION;
}

/* What is scarce costs more: the price falls again when there is room. */
static void adapt_merit(struct tg_offload *o)
{
	uint32_t merit = atomic_load_explicit(&o->channel[0].merit, memory_order_relaxed);

	if (o->now - o->adapted_at < ADAPT_MS)
		return;
	o->adapted_at = o->now;
	o->crowded = o->short_of_room;
	o->short_of_room = false;
	if (o->crowded && merit < MERIT_MAX)
		merit *= 2;
	else if (!o->crowded && merit > o->config.merit)
		merit = merit * 3 / 4 > o->config.merit ? merit * 3 / 4 : o->config.merit;
	for (uint32_t w = 0; w < o->config.datapath->n_workers; w++)
		atomic_store_explicit(&o->channel[w].merit, merit, memory_order_relaxed);
}

static void publish(struct tg_offload *o)
{
	const size_t each = sizeof(*o->entries) + sizeof(*o->address) + sizeof(*o->recall) +
			    (o->sight != NULL ? sizeof(*o->sight) : 0);

	o->counts->memory = o->n_entries * each + (o->bucket_mask + 1ull) * sizeof(*o->bucket);
	o->counts->merit = atomic_load_explicit(&o->channel[0].merit, memory_order_relaxed);
}

bool tg_offload_step(struct tg_offload *o, uint64_t now)
{
	uint32_t elapsed, n = 0;
	bool more;

	pthread_mutex_lock(&o->lock);
	elapsed = (uint32_t)now - o->now;
	o->now = (uint32_t)now;
	for (uint32_t w = 0; w < o->config.datapath->n_workers; w++)
		n += take_offers(o, (uint8_t)w);
	for (uint32_t i = 0; i < o->config.datapath->n_ports; i++)
		if (o->port[i].flows != NULL)
			tg_flow_clock(o->port[i].flows, o->now);
	n += entries_poll(o);
	more = poll_counters(o, elapsed);
	ports_flush_unsure(o);
	base_step(o);
	adapt_merit(o);
	publish(o);
	pthread_mutex_unlock(&o->lock);
	return more || n != 0;
}

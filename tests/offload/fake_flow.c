/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#define DONE_MAX (2 * FAKE_RULES)

struct tg_flow_port {
	struct fake_nic *nic;
	struct tg_flow_done done[DONE_MAX];
	uint32_t n_done, n_ready;
};

struct tg_flow {
	struct fake_rule rule;
};

struct fake_nic fake_nics[FAKE_PORTS];
bool fake_switch;
static struct tg_flow_port *ports[FAKE_PORTS];

void fake_reset(void)
{
	memset(fake_nics, 0, sizeof(fake_nics));
}

void fake_end(uint16_t ethdev)
{
	ports[ethdev]->n_ready = ports[ethdev]->n_done;
}

uint32_t fake_rules(uint16_t ethdev)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FAKE_RULES; i++)
		n += fake_nics[ethdev].rules[i].there;
	return n;
}

struct fake_rule *fake_find(uint16_t ethdev, uint16_t sport, uint16_t dport)
{
	for (uint32_t i = 0; i < FAKE_RULES; i++) {
		struct fake_rule *r = &fake_nics[ethdev].rules[i];
		const struct tg_nic_header *h = &r->rule.match.spec;

		if (r->there && (h->sport[0] << 8 | h->sport[1]) == sport &&
			(h->dport[0] << 8 | h->dport[1]) == dport)
			return r;
	}
	return NULL;
}

uint16_t tg_flow_manager(uint16_t ethdev)
{
	return fake_switch ? 0 : ethdev;
}

int tg_flow_open(const struct tg_flow_config *config, const struct tg_nic_rule *shapes, uint32_t n,
	struct tg_flow_port **out)
{
	struct tg_flow_port *port = calloc(1, sizeof(*port));

	port->nic = &fake_nics[config->ethdev];
	ports[config->ethdev] = port;
	*out = port;
	return port->nic->open_error;
}

void tg_flow_close(struct tg_flow_port *port)
{
	if (port == NULL)
		return;
	memset(port->nic->rules, 0, sizeof(port->nic->rules));
	free(port);
}

static void finish(struct tg_flow_port *port, const struct tg_flow_done *done)
{
	port->done[port->n_done++] = *done;
	if (!port->nic->late)
		port->n_ready = port->n_done;
}

static struct fake_rule *place(struct fake_nic *nic)
{
	uint32_t room = nic->room != 0 ? nic->room : FAKE_RULES;

	for (uint32_t i = 0; i < room; i++)
		if (!nic->rules[i].there)
			return &nic->rules[i];
	return NULL;
}

int tg_flow_insert(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, void *user)
{
	struct fake_rule *r = place(port->nic);
	struct tg_flow_done done = {.user = user, .error = port->nic->insert_error};

	if (port->n_done == DONE_MAX)
		return -EAGAIN;
	if (r == NULL)
		done.error = -ENOSPC;
	if (done.error == 0) {
		*r = (struct fake_rule){.there = true, .rule = *rule};
		done.flow = (struct tg_flow *)r;
	}
	finish(port, &done);
	return 0;
}

int tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user)
{
	struct tg_flow_done done = {
		.user = user, .error = port->nic->remove_error, .removal = true};

	if (port->n_done == DONE_MAX)
		return -EAGAIN;
	if (done.error == 0)
		flow->rule.there = false;
	finish(port, &done);
	return 0;
}

bool tg_flow_full(const struct tg_flow_port *port)
{
	return false;
}

uint32_t tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n)
{
	if (n > port->n_ready)
		n = port->n_ready;
	memcpy(done, port->done, n * sizeof(done[0]));
	memmove(port->done, port->done + n, (port->n_done - n) * sizeof(done[0]));
	port->n_done -= n;
	port->n_ready -= n;
	return n;
}

int tg_flow_query(struct tg_flow_port *port, struct tg_flow *flow, struct tg_flow_count *out)
{
	if (port->nic->query_fails)
		return -EAGAIN;
	*out = flow->rule.count;
	return 0;
}

/* What was begun ends, and nothing is there. */
static void forget(struct tg_flow_port *port)
{
	for (uint32_t i = 0; i < port->n_done; i++) {
		port->done[i].error = -ENODEV;
		port->done[i].flow = NULL;
	}
	port->n_ready = port->n_done;
	memset(port->nic->rules, 0, sizeof(port->nic->rules));
}

int tg_flow_flush(struct tg_flow_port *port)
{
	port->nic->flushes++;
	if (port->nic->flush_error != 0)
		return port->nic->flush_error;
	forget(port);
	return 0;
}

void tg_flow_lost(struct tg_flow_port *port)
{
	port->nic->lost++;
	forget(port);
}

void tg_flow_clock(struct tg_flow_port *port, uint32_t now)
{
}

const char *tg_flow_message(const struct tg_flow_port *port)
{
	return "fake";
}

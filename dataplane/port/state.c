/* SPDX-License-Identifier: BSD-3-Clause */
/* Links and counters of running ports. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <rte_ethdev.h>

#include "log.h"
#include "netdev.h"
#include "ports.h"

/*
 * The kernel's end of a TAP may have been moved into another network namespace, where its driver
 * looks in vain: nothing is known of its link then, and the port works.
 */
static bool out_of_sight(const struct tg_port *port)
{
	struct rte_eth_dev_info info;
	char name[IF_NAMESIZE];

	if (rte_eth_dev_info_get(port->ethdev, &info) != 0)
		return false;
	return port->tap && info.if_index != 0 && if_indextoname(info.if_index, name) == NULL;
}

static bool shows_link(const struct tg_port *port)
{
	struct rte_eth_link link = {0};

	if (port->away)
		return false;
	if (port->netdev != 0)
		return tg_netdev_running(port->netdev);
	if (out_of_sight(port))
		return true;
	return rte_eth_link_get_nowait(port->ethdev, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}

static int set_link(const struct tg_port *port, bool up)
{
	if (port->netdev != 0)
		return tg_netdev_set_up(port->netdev, up);
	return up ? rte_eth_dev_set_link_up(port->ethdev) : rte_eth_dev_set_link_down(port->ethdev);
}

/* Takes a port down because its peer is, or lets it up. */
static void hold(struct tg_port *port, bool down)
{
	int rc;

	if (port->held == down || port->away)
		return;
	port->held = down;
	if (port->cannot_hold)
		return;
	rc = set_link(port, !down);
	if (rc == 0)
		return;
	port->cannot_hold = true;
	tg_log_warn("port %s: the driver cannot take the link down with its peer's: %s",
		port->spec.name, strerror(-rc));
}

static void note_link(struct tg_ports *ports, uint32_t i, bool up)
{
	struct tg_port *port = &ports->v[i];
	struct tg_stats_port *to = &ports->stats->ports[i];

	port->up = up;
	to->link_up = up;
	__atomic_store_n(&to->link_changes, to->link_changes + 1, __ATOMIC_RELAXED);
	tg_log_info("port %s: link %s%s", port->spec.name, up ? "up" : "down",
		port->held ? " (its peer's is)" : "");
}

/* One wire: what its ends show, and what that means for them. */
static bool step_wire(struct tg_ports *ports, uint32_t a, uint64_t now_ms)
{
	uint32_t ends[2] = {a, ports->v[a].spec.peer};
	bool up[2], changed = false;
	unsigned int held = 0;

	for (unsigned int e = 0; e < 2; e++) {
		up[e] = shows_link(&ports->v[ends[e]]);
		if (up[e] != ports->v[ends[e]].up) {
			note_link(ports, ends[e], up[e]);
			changed = true;
		}
	}
	if (ports->v[a].spec.propagate_link)
		held = tg_link_step(&ports->links[a], up, now_ms);
	for (unsigned int e = 0; e < 2; e++) {
		/* Told before: what is sent to a port that is down waits there until it is up. */
		if (ports->datapath != NULL)
			tg_datapath_set_link(
				ports->datapath, (uint16_t)ends[e], up[e] && !(held & (1u << e)));
		hold(&ports->v[ends[e]], held & (1u << e));
	}
	return changed;
}

static void store(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* A driver that was reset may begin at 0 again; what is told never falls. */
static void copy_counters(const struct tg_ports *ports, struct tg_port_counts *counts, uint32_t i)
{
	struct tg_stats_port *to = &ports->stats->ports[i];
	struct rte_eth_stats from;

	if (ports->v[i].away || rte_eth_stats_get(ports->v[i].ethdev, &from) != 0)
		return;

	const struct {
		uint64_t *to, value;
	} values[TG_PORT_COUNTS] = {
		{&to->rx_packets, from.ipackets},
		{&to->rx_bytes, from.ibytes},
		{&to->tx_packets, from.opackets},
		{&to->tx_bytes, from.obytes},
		{&to->rx_missed, from.imissed + from.rx_nombuf},
		{&to->rx_errors, from.ierrors},
		{&to->tx_errors, from.oerrors},
	};

	for (unsigned int c = 0; c < TG_PORT_COUNTS; c++) {
		if (values[c].value < counts->read[c])
			counts->before[c] += counts->read[c];
		counts->read[c] = values[c].value;
		store(values[c].to, counts->before[c] + values[c].value);
	}
}

void tg_ports_attach(struct tg_ports *ports, struct tg_datapath *datapath)
{
	ports->datapath = datapath;
	for (uint32_t i = 0; i < ports->n; i++)
		tg_datapath_set_link(datapath, (uint16_t)i, ports->v[i].up && !ports->v[i].held);
}

bool tg_ports_tick(struct tg_ports *ports, uint64_t now_ms)
{
	bool changed = false;

	for (uint32_t i = 0; i < ports->n; i++) {
		if (i < ports->v[i].spec.peer)
			changed |= step_wire(ports, i, now_ms);
		copy_counters(ports, &ports->counts[i], i);
	}
	return changed;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One port's rules, in rte_flow's words. Nothing else in the project calls rte_flow.
 *
 * Two back-ends behind one interface: the synchronous calls that every driver has, and templates
 * with queues where the profile says so. An operation is begun, and its end is taken by
 * tg_flow_poll, also where the driver was done at once; `user` says whose it was.
 *
 * Not thread-safe: one thread owns a port's rules. Calls into a driver may block for milliseconds.
 */
#ifndef TG_OFFLOAD_FLOW_H
#define TG_OFFLOAD_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

struct tg_flow_port;

/* A rule in the NIC; the port's. */
struct tg_flow;

struct tg_flow_config {
	uint16_t ethdev;
	const struct tg_nic_profile *profile; /* outlives the port */
	uint32_t rules_max; /* of all shapes together; any of them may be of one shape */
	/* SOFTWARE: of one queue that one, of more by the port's own RSS over them. */
	uint16_t queue;
	uint16_t n_queues;
};

struct tg_flow_count {
	uint64_t packets, bytes; /* since the insertion; bytes with the Ethernet header, no CRC */
};

/* How an operation ended. */
struct tg_flow_done {
	void *user;
	struct tg_flow *flow; /* of an insertion that succeeded */
	/*
	 * 0, or for the caller to act on: -ENOSPC the table is full, -EEXIST such a rule is there,
	 * -EAGAIN or -EBUSY not now, -ENOTSUP not this rule, -EIO or -ENODEV the port is gone,
	 * or was flushed without success. A removal fails with -EIO, which leaves the rule in an
	 * unknown state (tg_flow_flush), or with -ENODEV, when the rule went with all others.
	 */
	int error;
	bool removal;
	bool last_follows; /* of a removal: `last` comes later, by itself, when the NIC has it */
	bool counted;	   /* of a removal: `last` is set */
	struct tg_flow_count last;
};

/* The port that manages the switch that `ethdev` is of; itself, if there is none. */
uint16_t tg_flow_manager(uint16_t ethdev);

/*
 * Before the port is started where the back-end reserves (templates), else any time; asks the
 * driver whether it takes each of the `n` shapes that will be asked for, which can only refuse
 * more than the profile does: rules of a refused shape end with -ENOTSUP. A shape is a rule
 * without its values: with templates only rules of these shapes are taken, with the same masks,
 * actions, domain, group, priority, ports and jump. 0, -ENOTSUP no rte_flow, -EINVAL, which
 * templates on a port that is started are as well, -ENOMEM.
 *
 * Rules of domain TRANSFER are the switch's, not the port's: they may be of any arrival port. The
 * driver is asked through the port that manages the switch; with templates that has to be
 * `ethdev` itself.
 */
int tg_flow_open(const struct tg_flow_config *config, const struct tg_nic_rule *shapes, uint32_t n,
	struct tg_flow_port **out);
/* Rules that are left are destroyed, unless the driver has done so (tg_flow_lost). NULL: nothing.
 */
void tg_flow_close(struct tg_flow_port *port);

/*
 * Begins an insertion. The profile has admitted the rule, in `engine`. 0: its end will be polled;
 * else as struct tg_flow_done, and nothing was begun: -EAGAIN the queue is full.
 */
int tg_flow_insert(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, void *user);
/*
 * Begins a removal. 0: its end will be polled, the flow is not to be used again. -EAGAIN: the queue
 * is full, nothing was begun.
 */
int tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user);
/* Nothing can be begun before a poll has taken what has ended: the queue is full. */
bool tg_flow_full(const struct tg_flow_port *port);
/*
 * The time, ms, from any beginning. Where counters are read late and can outlive their rules (an
 * indirect action: the profile's `shared`), the last count of a rule follows its removal when it
 * is not late any more by this clock.
 */
void tg_flow_clock(struct tg_flow_port *port, uint32_t now);
/* Hands what was begun to the NIC and takes what has ended, in any order. How many. */
uint32_t tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n);

/*
 * What a rule with COUNT has counted. Staleness: the profile's. Bytes only where the profile says
 * so. 0; any error says nothing.
 */
int tg_flow_query(struct tg_flow_port *port, struct tg_flow *flow, struct tg_flow_count *out);
/* The `user` of rules with AGE that have been idle, once each. How many, -errno. */
int tg_flow_aged(struct tg_flow_port *port, void *users[], uint32_t n);

/*
 * Takes every rule out of the NIC, also those whose removal failed; those that match tagged
 * packets, which guard others, after these. Every handle is void, what was
 * begun ends with -ENODEV. 0; -errno: rules may still be there, to be tried again.
 */
int tg_flow_flush(struct tg_flow_port *port);
/*
 * The port is about to be stopped, was reset or is gone. LOST, KEPT: as tg_flow_flush, as far as
 * the port is still there; FLUSHED: the driver does it. Every handle is void, what was begun ends
 * with -ENODEV.
 */
void tg_flow_lost(struct tg_flow_port *port);

/* What the driver said last when it refused, for the log. */
const char *tg_flow_message(const struct tg_flow_port *port);

#endif

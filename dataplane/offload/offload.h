/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The owner of all rules in NICs. Software decides, hardware remembers: what is here is a cache of
 * decisions that the workers have made, and whatever a NIC refuses is done in software with the
 * same verdict. A rule is asked for only where the NIC's profile says that it will be done exactly.
 *
 * Connections. A worker offers one that has many packets; it gets two rules, one for each
 * direction, which forward what is ordinary: untagged, unfragmented, without IPv4 options, TCP
 * without SYN, FIN and RST. The match excludes the rest itself, so no two rules overlap and no
 * priority is relied upon. Counts go to the worker that owns the connection, the last ones when the
 * rules are gone.
 *
 *	offered -> installing -> active -> draining -> gone
 *	                 \-> refused (why)      \-> stuck: its port is flushed
 *
 * Marks. A connection that a NIC cannot forward is recognised by one that marks packets: a rule for
 * each direction, where the port can, puts the worker's mark (hardware.h) on what has the 5-tuple
 * and leaves it to software, by the queue that it comes by anyhow. Such a rule has no counter: the
 * worker sees all packets, and shows how many (struct tg_hardware_sight), by which idle ones are
 * found. As a mark decides nothing, a change of rules neither judges marks nor waits for them.
 *
 * Denials. What a worker denies again and again gets a rule that drops it, for a while (plan.c says
 * why that is safe). Its packets are counted by the same rule and reason.
 *
 * Synchronisation. One thread at a time is in here, by a lock: the owner's, which steps, or the
 * control thread, which changes what is in force. Workers only see the rings and words of
 * hardware.h. A change of rules holds the lock from before it is published until what it denies
 * has left the NICs, so no offer that was judged before is taken after.
 */
#ifndef TG_OFFLOAD_H
#define TG_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <tidegate/control.h>
#include <tidegate/offload_report.h>
#include <tidegate/stats.h>

#include "hardware.h"
#include "profile.h"
#include "worker.h"

struct tg_offload_port {
	const char *name; /* as configured, for reports; NULL: none. Outlives the owner */
	const struct tg_nic_profile *profile; /* NULL: nothing is offloaded here */
	uint16_t ethdev;
	uint32_t switch_domain; /* UINT32_MAX: none, it forwards to no other port */
};

struct tg_offload_config {
	const struct tg_datapath_config *datapath; /* ports, workers; outlives the owner */
	struct tg_offload_port ports[TG_PORTS_MAX];
	uint32_t connections_max; /* offloaded at a time, 1..2^27 */
	uint32_t merit;		  /* packets in a pass of the sweep, the least */
	uint32_t idle_ms;	  /* without a packet: back to software */
	uint32_t denials;	  /* packets a second that make a denial worth it; 0: none is */
	uint32_t denial_ms;	  /* so long a denial is left to hardware */
	uint32_t poll_ms;	  /* between two queries of a rule's counter */
	bool marks;		  /* what is not forwarded is marked, where the NIC can */
	struct tg_stats_offload *stats; /* where counters go */
	/* Where -ENOTSUP says what each port lacks: as many as there are ports; may be NULL. */
	struct tg_hw_port *refused;
};

struct tg_offload;

/* 0, -EINVAL, -ENOMEM, -ENOTSUP: no port can offload anything. */
int tg_offload_create(const struct tg_offload_config *config, struct tg_offload **out);
void tg_offload_free(struct tg_offload *o);
struct tg_hardware_channel *tg_offload_channel(struct tg_offload *o, uint32_t worker);

/*
 * One bounded step: takes offers and recalls, begins and ends insertions, polls counters. `now` is
 * the workers' clock, ms. True: there is more to do at once.
 */
bool tg_offload_step(struct tg_offload *o, uint64_t now);

/*
 * A change of rules, in this order, by the control thread:
 *
 *	tg_offload_hold(o, ms)        nothing is installed from now on; -ETIMEDOUT: a driver hangs
 *	publish, grace period
 *	tg_offload_judge(o, ...)      what is not as it was leaves the NICs
 *	tg_offload_release(o)
 *
 * judge: with the classifier in force and its epoch; `entries` of a delta, or NULL to judge all.
 * 0: all that has to leave has left. -EIO: a driver failed, and its port was flushed; -ETIMEDOUT:
 * rules may still be there after `ms`, nothing is taken until a later call ends well.
 */
int tg_offload_hold(struct tg_offload *o, uint32_t ms);
int tg_offload_judge(struct tg_offload *o, const struct tg_classifier *classifier, uint32_t epoch,
	const struct tg_classmap_entry *entries, uint32_t n, uint32_t ms);
void tg_offload_release(struct tg_offload *o);
/* Between hold and release, instead of judge: the change was refused, all is as it was. */
void tg_offload_resume(struct tg_offload *o);

/* The link of a port has changed; of a port that is down nothing is offloaded. Locks. */
void tg_offload_link(struct tg_offload *o, uint16_t port, bool up);
/*
 * A port is reset, by one thread from begin to end, which holds the owner: no driver is asked for
 * anything meanwhile.
 *
 *	tg_offload_reset_begin(o, port, ms)   its rules and all that stands on them are gone
 *	reset, configure
 *	tg_offload_reset_open(o, port)        what its rules need is made anew
 *	start
 *	tg_offload_reset_end(o)
 *
 * Afterwards the port counts as down (tg_offload_link). begin: 0, -ETIMEDOUT: the owner is in a
 * driver that hangs, and nothing was begun. open may be left out: then nothing is offloaded there.
 */
int tg_offload_reset_begin(struct tg_offload *o, uint16_t port, uint32_t ms);
void tg_offload_reset_open(struct tg_offload *o, uint16_t port);
void tg_offload_reset_end(struct tg_offload *o);

/*
 * The file of an OFFLOAD_REPORT that answers `get`: what NICs have, and what they do not have and
 * why. Locks for one part of the tables after the other, and waits `ms` for the lock at most; looks
 * at every connection until it has as many as were asked for. `placements`: of each port, or NULL
 * when nothing is said of that. By the control thread. 0 and *fd, a
 * descriptor for the caller to close; -ETIMEDOUT: a driver hangs; -errno.
 */
int tg_offload_report(struct tg_offload *o, const struct tg_msg_offload_get *get,
	const struct tg_hw_placement placements[], uint32_t ms, int *fd);
/* The same where there is no owner: `n` ports that can do nothing; `state` is TG_HW_OFF or NOTHING.
 */
int tg_offload_report_without(uint32_t state, const struct tg_hw_port *ports, uint32_t n, int *fd);

#endif

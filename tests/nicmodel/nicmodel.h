/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model of a NIC that rte_flow rules can be put into: a DPDK port `net_tgmodel*` that wraps
 * another port. What arrives at the wrapped port goes through the rules before software sees it.
 * The model reads rte_flow by its documentation, knows of a profile what is taken and does wrong
 * what the profile's hazards say. It knows nothing of how Tidegate makes rules.
 *
 * A model is not silicon: docs/nic-model.md says what it shows and what it cannot.
 *
 * As a device:
 * net_tgmodel0,lower=PORT[,profile=FILE.yaml][,switch=N][,on=QUIRK]...[,off=QUIRK]...[,reset=FILE]
 * Ports with the same `switch` are one NIC: they share its rules' room and forward to each other.
 * QUIRK is a hazard's id, or `all`. When FILE comes into being it is removed and the device is
 * reset (nicmodel_reset); if it says `fail` the device does not start again.
 *
 * The functions below are for tests in the same process. They may be called from any thread, those
 * that say so excepted.
 */
#ifndef TG_NICMODEL_H
#define TG_NICMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

/* Ports of one switch; queues of a port. */
#define NICMODEL_PORTS_MAX 16
#define NICMODEL_QUEUES_MAX 16
/* Rules of one NIC, whatever the profile says. */
#define NICMODEL_RULES_MAX (8u << 20)

struct nicmodel_config {
	const char *name;  /* "net_tgmodel0" */
	const char *lower; /* name of the port that it wraps; nobody else may use it */
	/* NULL: takes all that the model can do, exactly. It has to outlive the port. */
	const struct tg_nic_profile *profile;
	int nic; /* switch number; -1: a NIC of its own */
};

/* Makes a port; it is configured and started like any other. 0 or -errno. */
int nicmodel_create(const struct nicmodel_config *config, uint16_t *port);
/* Stops, closes and removes it. The wrapped port is stopped and everybody's again. */
int nicmodel_destroy(uint16_t port);

/*
 * What the NIC does wrong. Defaults: the profile's hazards. They hold for all ports of the NIC, and
 * for rules that are made from then on, except for those that are about counters and stops.
 */
struct nicmodel_quirks {
	uint32_t on;	     /* 1 << enum tg_nic_hazard_id */
	uint32_t widened;    /* MASK_WIDENED: 1 << enum tg_nic_field */
	uint32_t stale_ms;   /* STALE_COUNTER: a query gives what was counted before the last
			      * multiple of this time */
	uint32_t fail_every; /* COUNTER_FAILS: every so many queries of a counter, EAGAIN and ENOENT
			      * in turn */
	uint32_t late_ms;    /* LATE_INSERT: a rule acts this much later */
	uint32_t late_packets; /* and so many packets of the NIC later */
	bool younger_first; /* PRIORITY_IGNORED: of two rules the later one acts; else the older */
	bool flushed_on_stop; /* LOST_ON_STOP: the handles are gone as well as the rules */
	uint32_t capacity;    /* rules of each engine, instead of the profile's; 0: the profile's */
	/* Every so many packets for software have another mark than rules say: one of another
	 * packet, of a rule that may be gone, of none. 0: none have. */
	uint32_t wrong_marks;
	bool malformed_matched; /* headers with false lengths are matched like others */
};

void nicmodel_quirks_get(uint16_t port, struct nicmodel_quirks *quirks);
void nicmodel_quirks_set(uint16_t port, const struct nicmodel_quirks *quirks);

enum nicmodel_op {
	NICMODEL_CREATE,
	NICMODEL_DESTROY,
	NICMODEL_QUERY,
	NICMODEL_FLUSH,
	NICMODEL_ASYNC_CREATE, /* fails when it is carried out: its result says so */
	NICMODEL_ASYNC_DESTROY,
	NICMODEL_OP_COUNT
};

/*
 * Of the operations of this kind on this port, the first `after` succeed, and the next `times` fail
 * with `error` (EIO, EAGAIN, ENOSPC, ...). An operation that fails has done nothing.
 */
void nicmodel_fail(uint16_t port, enum nicmodel_op op, int error, uint32_t after, uint32_t times);

/* Link down and up again, with RTE_ETH_EVENT_INTR_LSC when it changes. While it is down no packet
 * comes or goes. */
void nicmodel_link(uint16_t port, bool up);
/*
 * The device was reset: rules of this port are gone as after a stop that flushes, every flow
 * operation fails with EIO until it is started anew, RTE_ETH_EVENT_INTR_RESET is raised.
 */
void nicmodel_reset(uint16_t port);

/*
 * The model's time, in milliseconds, for all NICs of the process: real time, until a test takes it
 * over. Advancing it lets rules age, with RTE_ETH_EVENT_FLOW_AGED.
 */
void nicmodel_clock_stop(void);
void nicmodel_clock_advance(uint32_t ms);
void nicmodel_clock_run(void);
uint64_t nicmodel_clock(void);

/* Since the port was created. */
struct nicmodel_stats {
	uint64_t received;  /* from the wire */
	uint64_t software;  /* of these, given to software */
	uint64_t dropped;   /* by a rule */
	uint64_t tagged;    /* of those that a rule dropped or forwarded */
	uint64_t forwarded; /* to another port's wire, or this one's */
	uint64_t isolated;  /* matched no rule of an isolated port */
	uint64_t lost;	    /* the wire to forward to was down, full, or its MTU too small */
	uint64_t marked;    /* of those given to software */
	/* No rule in the group jumped to: to software; lost, too, unless the profile says so. */
	uint64_t jump_missed;
	uint64_t transmitted;  /* by software, onto the wire */
	uint64_t sent_matched; /* by software, and then dropped or forwarded by a rule */
};

void nicmodel_stats(uint16_t port, struct nicmodel_stats *stats);

/* Of the NIC of a port. */
struct nicmodel_rules {
	uint32_t rules;	  /* that act, or will */
	uint32_t handles; /* that were given out and not given back */
	uint32_t gone;	  /* handles of rules that a stop took away */
	uint32_t tuples;  /* mask sets in use, over all groups */
	uint64_t created, destroyed, refused, aged;
	/* A handle was used that is not, or no longer, one: always the user's fault. */
	uint64_t stale_handles;
	/* An asynchronous rule was destroyed before the result of its creation was pulled. */
	uint64_t early_destroys;
	/* Handles that were never given back when their port was stopped and the NIC forgot them.
	 */
	uint64_t leaked;
	uint64_t query_failures; /* that COUNTER_FAILS caused */
};

void nicmodel_rules(uint16_t port, struct nicmodel_rules *rules);

#endif

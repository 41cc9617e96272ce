/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to the owner of rules. */
#ifndef TG_OFFLOAD_INTERNAL_H
#define TG_OFFLOAD_INTERNAL_H

#include <pthread.h>

#include "flow.h"
#include "offload.h"

#define WAYS 2 /* of a connection: the initiator's packets, the replies; a denial has the first */
#define NO_ENTRY UINT32_MAX

enum entry_state {
	ENTRY_FREE,
	ENTRY_INSTALLING,
	ENTRY_ACTIVE,
	ENTRY_DRAINING, /* its rules are being removed, or its last counts wait for room */
};

struct way {
	struct tg_flow *flow;	 /* NULL: not installed */
	uint64_t packets, bytes; /* of its counter, as read last */
	uint16_t at;		 /* port that has or would have the rule */
	bool busy;		 /* something was begun that has not ended */
	bool settling;		 /* the rule has left, its last count has not come */
};

struct entry {
	struct tg_tuple tuple; /* the initiator first */
	uint32_t verdict[TG_DIRECTION_COUNT];
	uint32_t ticket;
	uint32_t index;
	uint32_t next;		 /* in the free list, or of the same bucket */
	uint32_t older, younger; /* in the list of those that leave */
	uint16_t port;		 /* that the initiator's packets come by */
	uint8_t kind;		 /* enum tg_hardware_offer_kind: CONNECTION, DENIAL or MARK */
	uint8_t ways;		 /* 1 << way: those that have a rule */
	uint8_t reason;		 /* DENIAL: enum tg_drop_reason */
	uint8_t worker;
	uint8_t initiator; /* direction of its packets */
	uint8_t state;	   /* enum entry_state */
	uint8_t why;	   /* DRAINING: enum tg_offload_reason */
	uint8_t tries;	   /* to read its last counts */
	bool leaving;	   /* DRAINING, and a rule of it is or may be in a NIC */
	uint32_t since;	   /* ms, in this state */
	uint32_t seen;	   /* ms, when it last had packets */
	uint32_t mark;	   /* MARK */
	struct way way[WAYS];
	uint64_t packets[2], bytes[2]; /* by direction; not told to the worker yet */
};

#define BASE_RULES_MAX (4 * TG_HW_KIND_COUNT) /* a guard and a jump, for each family */

#define LEFT_MAX 8192u /* connections and denials of which it is known why they left */

struct left; /* report.c */

/* What is asked for, by enum tg_hw_kind_number; later ones fit in with earlier ones. */
struct shape {
	const struct tg_nic_engine *engine; /* NULL: not on this NIC */
	char why[TG_NIC_WHY];
};

struct base_rule {
	struct tg_nic_rule rule;
	const struct tg_nic_engine *engine;
	struct tg_flow *flow; /* NULL: not installed */
	uint16_t at;	      /* port that has or would have the rule */
	bool busy;	      /* its insertion was begun and has not ended */
};

struct port {
	struct tg_flow_port *flows; /* NULL: it has no rules: none are, or others have them */
	uint16_t manager;	    /* number of the port that has its rules in the switch */
	struct shape shape[TG_HW_KIND_COUNT];
	char wire[TG_NIC_WHY]; /* why its wire cannot be; empty: it can */
	bool up;
	bool refused; /* `wire` says that the driver did not open it */
	bool unsure;  /* a removal failed: a rule may be there that nobody knows of */
	struct base_rule base[BASE_RULES_MAX];
	uint32_t n_base;
	uint32_t based_at;   /* ms, when the last of these was installed */
	bool based;	     /* all of these act */
	uint32_t retry_at;   /* ms: nothing is inserted before */
	uint32_t backoff_ms; /* 0: the last insertion went well */
};

struct tg_offload {
	struct tg_offload_config config;
	pthread_mutex_t lock;
	struct port port[TG_PORTS_MAX];
	struct tg_hardware_channel channel[TG_WORKERS_MAX];
	_Atomic uint32_t *recall;
	struct tg_hardware_sight *sight; /* by entry; NULL where there are no marks */
	struct entry *entries;
	uint32_t *bucket; /* first entry of each, by hash of the tuple */
	uint32_t bucket_mask;
	uint32_t (*address)[2]; /* by entry: numbers of both addresses, for deltas */
	uint32_t n_entries;	/* used at any time: entries behind are untouched */
	uint32_t free;		/* first of the free list */
	uint32_t youngest;	/* of those that leave */
	uint32_t epoch;		/* in force; offers of another are refused */
	bool open;		/* offers are taken */
	bool clean;		/* the last change has left nothing that it denies */
	uint32_t now;		/* ms */
	uint32_t cursor;	/* of the poll */
	uint64_t poll_due;	/* entries, 1/1024 */
	uint32_t adapted_at;	/* ms, when the merit was looked at */
	bool short_of_room;	/* since then */
	bool crowded;		/* in the time before that */
	struct tg_stats_offload *counts;
	struct left *left; /* LEFT_MAX, by hash of the tuple */
};

/* ---- plan.c: rules of a connection ---- */

/* enum tg_hw_kind_number; -1: none. */
int shape_of(const struct tg_tuple *tuple, enum tg_hardware_offer_kind kind);
/* A rule of a shape, to ask with. */
void plan_example(const struct tg_offload *o, int shape, uint16_t port,
	const struct tg_nic_engine *engine, struct tg_nic_rule *rule);
/* The rule that drops what is denied. */
void plan_denial(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, struct tg_nic_rule *rule);
/* The rule for one way of a connection, as the engine can say it. */
void plan_way(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, bool reply, struct tg_nic_rule *rule);
/* The rule that marks one way of a connection. */
void plan_mark(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, bool reply, uint32_t mark,
	struct tg_nic_rule *rule);
/* Tells the workers what they may offer to be marked. */
void plan_marks(struct tg_offload *o);
/* What each port can carry; fills shapes and reasons. */
void plan_ports(struct tg_offload *o);
/* The number of the port that has `port`'s rules in this engine. */
uint16_t plan_at(const struct tg_offload *o, uint16_t port, const struct tg_nic_engine *engine);
/* Is there who has them? Not while that one is reset. */
bool plan_carries(const struct tg_offload *o, uint16_t port, int shape);
bool plan_carries_anything(const struct tg_offload *o, uint16_t port);

/* ---- base.c: what rules stand on ---- */

/* Begins and awaits what is missing of it; a port where all of it acts is `based`. */
void base_step(struct tg_offload *o);
bool base_owns(const struct tg_offload *o, const void *user);
void base_ended(struct tg_offload *o, const struct tg_flow_done *done);
/* The rules that port `at` had are gone. */
void base_forget(struct tg_offload *o, uint16_t at);

/* ---- find.c: connections by tuple ---- */

/*
 * The connection of a tuple, whoever began it, or its denial; `port`: by which the tuple's source
 * comes.
 */
struct entry *entry_find(const struct tg_offload *o, const struct tg_tuple *tuple, uint16_t port,
	enum tg_hardware_offer_kind kind);
/* The same addresses and ports; of one family. */
bool tuple_same_ends(const struct tg_tuple *a, const struct tg_tuple *b);
/* A hash; the same of a tuple and its reverse. */
uint32_t tuple_number(const struct tg_tuple *tuple);
void entry_link(struct tg_offload *o, struct entry *e);
void entry_unlink(struct tg_offload *o, struct entry *e);

/* ---- entry.c: the rules of a connection or denial come and go ---- */

/* A refused offer's answer goes at once: there is room, or the offer would not have been taken. */
void entry_take(struct tg_offload *o, uint8_t worker, const struct tg_hardware_offer *offer);
/* Its rules leave; software has it again when they have. */
void entry_drain(struct tg_offload *o, struct entry *e, enum tg_offload_reason why);
/* Has every connection that is to leave left the NICs? Begins again what could not be begun. */
bool entries_left(struct tg_offload *o);
/* Reads its counters and tells the worker. False: one could not be read. */
bool entry_count(struct tg_offload *o, struct entry *e);
/* Nothing is inserted for a while, longer each time. */
void port_hold_off(struct tg_offload *o, struct port *port);
/* Takes what has ended at all ports; how much. */
uint32_t entries_poll(struct tg_offload *o);
/* Takes all rules out of the ports of which it is not known what they have. 0, -EIO. */
int ports_flush_unsure(struct tg_offload *o);
/* All with a rule at the port leave. */
void port_drain(struct tg_offload *o, uint16_t number, enum tg_offload_reason why);
/* The NIC has forgotten a port's rules, or is about to, and all that the driver made for them. */
void port_shut(struct tg_offload *o, uint16_t port);

/* ---- report.c: what is told ---- */

int left_create(struct tg_offload *o);
/* Counts and remembers why it is in software: `given` back, or refused. */
void left_for(struct tg_offload *o, const struct entry *e, enum tg_offload_reason why, bool given);
void report_ports(const struct tg_offload *o, struct tg_hw_port *ports);

/* ---- judge.c ---- */

/* The lock, if it is to be had within `ms`: 0, -ETIMEDOUT. */
int lock_within(struct tg_offload *o, uint32_t ms);

static inline uint16_t way_port(const struct tg_offload *o, const struct entry *e, unsigned int way)
{
	return way == 0 ? e->port : o->config.datapath->ports[e->port].peer;
}

static inline uint32_t entry_number(const struct tg_offload *o, const struct entry *e)
{
	return (uint32_t)(e - o->entries);
}

static inline uint32_t address_number(const void *address, uint8_t family)
{
	uint32_t word[4] = {0}, number = 0;

	__builtin_memcpy(word, address, family == 4 ? 4 : 16);
	for (unsigned int i = 0; i < 4; i++) {
		number = (number ^ word[i]) * 0x9e3779b1u + family;
		number ^= number >> 15;
	}
	return number;
}

#endif

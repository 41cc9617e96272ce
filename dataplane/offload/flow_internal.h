/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flow.c shares with the two back-ends.
 *
 * A record stands for a rule from its insertion until its removal has been polled. Drivers are
 * given its tag, not its address, so what they say of a rule that is long gone is recognised.
 */
#ifndef TG_OFFLOAD_FLOW_INTERNAL_H
#define TG_OFFLOAD_FLOW_INTERNAL_H

#include "encode.h"
#include "flow.h"

#define TG_FLOW_QUEUES_MAX 1024 /* of a port's RSS */
#define TG_FLOW_MESSAGE 160
#define TG_FLOW_RULES_MAX (1u << 27)

enum tg_flow_state {
	TG_FLOW_FREE,
	TG_FLOW_INSERTING, /* with the driver */
	TG_FLOW_INSERTED,  /* the caller does not know yet */
	TG_FLOW_LIVE,
	TG_FLOW_REMOVING, /* with the driver */
	TG_FLOW_UNDOING,  /* its creation failed, its handle is being destroyed */
	TG_FLOW_SETTLING, /* gone, but for its counter, which is late */
	TG_FLOW_ENDED,	  /* the caller does not know yet; if it has a handle, it is stuck */
	TG_FLOW_STUCK,	  /* in an unknown state, and not the caller's any more */
};

#define TG_FLOW_NONE UINT32_MAX

struct tg_flow {
	struct rte_flow *handle;		/* NULL: nothing of it is in the NIC */
	struct rte_flow_action_handle *counter; /* of its own, that outlives it; NULL: none */
	struct tg_flow_count last;		/* ENDED, when `counted` */
	void *user;	     /* of the operation that is under way, else of the insertion */
	uint32_t generation; /* how often the record was reused */
	uint32_t next;	     /* index, in the list that it is in */
	uint32_t settles;    /* SETTLING: when, ms; else how long that takes */
	int16_t error;
	uint8_t state; /* enum tg_flow_state */
	bool removal;  /* the operation that is under way */
	bool counted;  /* `last` is set */
	bool transfer; /* the switch's: asked for through struct tg_flow_port.proxy */
	bool guard;    /* others count on it: it goes last */
};

struct tg_flow_list {
	uint32_t head, tail;
};

/* A rule without its values; padding is zero. */
struct tg_flow_key {
	const struct tg_nic_engine *engine;
	struct tg_nic_header mask;
	uint32_t fields, actions, group, priority, jump;
	uint16_t port, to;
	uint8_t family, protocol, untagged, tagged, domain;
};

enum tg_flow_verdict { TG_FLOW_UNKNOWN, TG_FLOW_TAKEN, TG_FLOW_REFUSED };

struct tg_flow_shape {
	struct tg_flow_key key;
	uint64_t hash;	  /* 0: none is here */
	uint8_t verdict;  /* enum tg_flow_verdict */
	bool crowded;	  /* REFUSED while there were rules, which may be why */
	uint8_t software; /* TAKEN: enum tg_encode_software */
	/* Templates. */
	struct rte_flow_pattern_template *pattern;
	struct rte_flow_actions_template *actions;
	struct rte_flow_template_table *table;
};

/* Open addressing, half of the places stay empty. */
struct tg_flow_shapes {
	struct tg_flow_shape *v;
	uint32_t mask, n, max;
};

struct tg_flow_ops {
	/* Does the driver take rules like this one? 0 or as struct tg_flow_done. */
	int (*offer)(struct tg_flow_port *port, struct tg_flow_shape *shape,
		const struct tg_encoded *rule);
	int (*insert)(struct tg_flow_port *port, const struct tg_flow_shape *shape,
		struct tg_flow *flow, const struct tg_encoded *rule);
	int (*remove)(struct tg_flow_port *port, struct tg_flow *flow);
	/* Ends as many operations as have ended, up to `n`. NULL: they end at once. */
	void (*poll)(struct tg_flow_port *port, uint32_t n);
	/* Of all rules, and voids their records; what is not destroyed is STUCK, or `dirty` set. */
	int (*flush)(struct tg_flow_port *port);
	/* NULL: nothing was reserved. */
	void (*close)(struct tg_flow_port *port);
};

struct tg_flow_port {
	struct tg_flow_config config;
	const struct tg_flow_ops *ops;
	uint16_t proxy;			  /* ethdev that manages the switch */
	bool shared;			  /* rules of domain TRANSFER have been asked for */
	bool guarded;			  /* there are or were guards */
	bool dirty;			  /* there may be rules without records */
	bool absent;			  /* the driver has no rte_flow */
	struct tg_encode_context context; /* what is the same for all rules */
	uint16_t queues[TG_FLOW_QUEUES_MAX];
	uint8_t key[UINT8_MAX];

	struct tg_flow *flows;	/* config.rules_max + slack */
	uint32_t n_flows, used; /* of these, the first `used` have been in use */
	uint32_t held;		/* records with a handle */
	struct tg_flow_list free, ended;
	struct tg_flow_list leaving;  /* SETTLING, since the clock was read last */
	struct tg_flow_list settling; /* since before that */
	uint32_t now;		      /* ms */
	struct tg_flow_shapes shapes;

	/* Templates. */
	struct tg_flow_list undo;	/* creations that failed, until the queue has room */
	uint32_t queue_size, in_flight; /* queue_size 0: there is no queue */
	bool unpushed;

	struct rte_flow_error error;
	char message[TG_FLOW_MESSAGE];
};

extern const struct tg_flow_ops tg_flow_sync;
extern const struct tg_flow_ops tg_flow_template;

/* Reserves queue and counters, before any shape is offered. 0, -ENOTSUP, -EINVAL. */
int tg_flow_template_configure(
	struct tg_flow_port *port, const struct tg_nic_rule *shapes, uint32_t n);

static inline uint16_t tg_flow_ethdev(const struct tg_flow_port *port, bool transfer)
{
	return transfer ? port->proxy : port->config.ethdev;
}

/* Records. */
int tg_flow_records_alloc(struct tg_flow_port *port);
struct tg_flow *tg_flow_record_take(struct tg_flow_port *port);
void tg_flow_record_free(struct tg_flow_port *port, struct tg_flow *flow);
void *tg_flow_tag(const struct tg_flow_port *port, const struct tg_flow *flow);
/* NULL: the record is somebody else's by now. */
struct tg_flow *tg_flow_of_tag(const struct tg_flow_port *port, const void *tag);
void tg_flow_list_add(struct tg_flow_port *port, struct tg_flow_list *list, struct tg_flow *flow);
/* NULL: it is empty. */
struct tg_flow *tg_flow_list_take(struct tg_flow_port *port, struct tg_flow_list *list);
/* The handle is void. */
void tg_flow_gone(struct tg_flow_port *port, struct tg_flow *flow);
/* What was begun has ended, to be polled. */
void tg_flow_end(struct tg_flow_port *port, struct tg_flow *flow, int error);
/* Voids every record; those that still have a handle are STUCK when `keep`, else gone. */
void tg_flow_forget(struct tg_flow_port *port, bool keep);

/* Counters. */
/* So many there may be at a time: also of rules that are gone and were not counted to the end. */
uint32_t tg_flow_counters_max(const struct tg_flow_port *port);
/* In a template: a counter of each rule's own in place of COUNT, if the engine's are late. */
void tg_flow_counter_stand_in(const struct tg_nic_engine *engine, struct tg_encoded *encoded);
/* Gives a rule a counter of its own, if its engine's counters are late. 0 or as struct
 * tg_flow_done. */
int tg_flow_counter_make(struct tg_flow_port *port, struct tg_flow *flow,
	const struct tg_nic_rule *rule, const struct tg_nic_engine *engine,
	struct tg_encoded *encoded);
int tg_flow_counter_query(
	struct tg_flow_port *port, const struct tg_flow *flow, struct rte_flow_query_count *count);
/* False: the driver has counted no packets. */
bool tg_flow_counter_read(const struct rte_flow_query_count *count, struct tg_flow_count *out);
void tg_flow_counter_drop(struct tg_flow_port *port, struct tg_flow *flow);
/* Ends those whose counters are not late any more. */
void tg_flow_counters_settle(struct tg_flow_port *port);

/* Shapes. */
int tg_flow_shapes_alloc(struct tg_flow_shapes *shapes, uint32_t max);
/* NULL: it is not there, or cannot be added. */
struct tg_flow_shape *tg_flow_shape_find(struct tg_flow_shapes *shapes,
	const struct tg_nic_rule *rule, const struct tg_nic_engine *engine, bool add);

/* port->error zeroed, to be handed to a driver. */
struct rte_flow_error *tg_flow_error(struct tg_flow_port *port);
/* What a driver was asked about when it failed. */
enum tg_flow_subject { TG_FLOW_SHAPE, TG_FLOW_RULE, TG_FLOW_HANDLE };

/* What a driver's error, positive, means to the caller; keeps what it said. */
int tg_flow_failed(struct tg_flow_port *port, int error, enum tg_flow_subject subject);
/* Keeps a message; `error`. */
int tg_flow_say(struct tg_flow_port *port, int error, const char *message);

#endif

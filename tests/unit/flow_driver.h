/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver behind rte_flow, for tests: link with -Wl,--wrap of its functions (flow_driver_wrap in
 * meson.build). It keeps rules without looking at them, fails when it is told to, and notices
 * handles that are used when they should not be.
 */
#ifndef TG_TEST_FLOW_DRIVER_H
#define TG_TEST_FLOW_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_flow.h>

#define FLOW_DRIVER_RULES 200000
#define FLOW_DRIVER_QUEUE 32

enum flow_driver_op {
	FLOW_DRIVER_VALIDATE,
	FLOW_DRIVER_CREATE,
	FLOW_DRIVER_DESTROY,
	FLOW_DRIVER_FLUSH,
	FLOW_DRIVER_QUERY,
	FLOW_DRIVER_CONFIGURE,
	FLOW_DRIVER_TEMPLATE, /* of patterns */
	FLOW_DRIVER_TABLE,
	FLOW_DRIVER_ENQUEUE_CREATE,
	FLOW_DRIVER_ENQUEUE_DESTROY,
	FLOW_DRIVER_CREATED,   /* the result of a creation */
	FLOW_DRIVER_DESTROYED, /* of a destruction */
	FLOW_DRIVER_OP_COUNT
};

struct flow_driver {
	/* Of each operation: how often it was asked for; the next `times` fail so. */
	struct {
		uint64_t calls;
		uint32_t times;
		int error; /* errno */
		enum rte_flow_error_type type;
	} op[FLOW_DRIVER_OP_COUNT];
	uint32_t capacity; /* rules */
	uint16_t proxy;	   /* ethdev that manages the switch; UINT16_MAX: the port itself */
	uint64_t words;	   /* 1 << action type: refused when validated or made a template */
	uint32_t hits;	   /* what a query says */
	bool hits_set, bytes_set;
	bool stuck; /* results do not come */
	/* What was asked for last. */
	uint16_t port;
	struct rte_flow_attr attr;
	enum rte_flow_action_type last_action; /* before END */
	uint32_t counter;
	struct rte_flow_port_attr configured;
	uint32_t table_rules;
	bool masks_fit; /* of all actions templates */
	/* What is there. */
	uint32_t rules, handles, tables, templates;
	uint32_t in_queue;
	/* What must not be. */
	uint64_t stale, early;
};

extern struct flow_driver flow_driver;

/* Nothing is there, everything succeeds. */
void flow_driver_reset(void);
void flow_driver_fail(
	enum flow_driver_op op, uint32_t times, int error, enum rte_flow_error_type type);
/* What the driver forgets when its port is stopped: handles are void. */
void flow_driver_stop(void);
/* Rule `index` of those there were is idle. */
void flow_driver_age(uint32_t index);
/* Something that no one can know. */
void flow_driver_age_stranger(void);

#endif

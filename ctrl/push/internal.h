/* SPDX-License-Identifier: BSD-3-Clause */
/* What push.c (connection and messages) and resync.c (what is in force) share. */
#ifndef TG_PUSH_INTERNAL_H
#define TG_PUSH_INTERNAL_H

#include "push.h"
#include "wire.h"

enum phase { PHASE_DOWN, PHASE_HELLO, PHASE_UP };

/* A message that waits for its reply. */
struct request {
	bool active;
	uint32_t txn;
	struct tg_target *target; /* a reference; NULL when there is none */
	size_t end;	   /* entries of its log that are in force once this is acknowledged */
	uint64_t sequence; /* the dataplane's delta_sequence then */
	uint64_t sent_at;  /* uv_hrtime */
	uint64_t deadline; /* uv_now */
};

struct tg_push {
	uv_loop_t *loop;
	struct tg_push_options options;
	struct tg_push_handler handler;
	uv_timer_t retry_timer, reply_timer;
	unsigned int handles; /* of the two timers, until they are closed */

	enum phase phase;
	int sock;
	uv_poll_t *poll;
	bool told_down;
	unsigned int connect_delay;
	uint32_t txn;
	uint64_t hello_deadline;
	struct tg_mapping *mapping;

	struct tg_target *live;	  /* in force as far as is known; while down: before that */
	struct tg_target *wanted; /* desired */
	bool renewing;		  /* asked for another one to desire */
	bool stopped; /* deltas of `live` are refused until something else is in force */
	struct request ruleset, delta;
	struct request lost_ruleset, lost_delta; /* in flight when the connection broke */
	uint64_t ruleset_retry_at, delta_retry_at;
	unsigned int ruleset_delay, delta_delay;
	unsigned int overtaken; /* times in a row that deltas were faster than the ruleset */

	uint64_t server_generation; /* in force, whoever's it is */
	uint64_t server_sequence;
	struct tg_push_status status;
	struct tg_wire_message *message;
	union {
		struct tg_msg_ruleset ruleset;
		struct tg_msg_classmap classmap;
		uint8_t bytes[TG_MSG_MAX];
	} * out;
};

void tg_request_drop(struct request *request);

/* `state` says what is in force: finds out which target that is, if any, and tells the handler. */
void tg_push_resync(struct tg_push *p, const struct tg_msg_state *state);
/* Something new is desired: it may be in force already, or be too old to be pushed. */
void tg_push_settle(struct tg_push *p);
void tg_push_set_live(struct tg_push *p, struct tg_target *target);
/* Asks for a generation above `generation`, once. */
void tg_push_renew(struct tg_push *p, uint64_t generation);

#endif

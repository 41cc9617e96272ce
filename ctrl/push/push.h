/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client of the control socket (<tidegate/control.h>): brings the desired target into force in
 * the dataplane and keeps it there.
 *
 *	push = tg_push_create(loop, options, handler)   connects now, and again whenever it is down
 *	tg_push_desire(push, target)                    the newest one wins; takes a reference
 *	tg_target_append(target, entries); tg_push_kick deltas of any target that is held
 *
 * One RULESET and one CLASSMAP are in flight at most. While a RULESET is being built the deltas of
 * the target in force go on; those of the target on its way travel with it, or follow once it is
 * acknowledged. After a reconnect the dataplane's generation, checksum and sequence decide whether
 * the target in force is still there (nothing is sent again), was lost (it is pushed again) or is
 * not ours (`renew` asks for a new generation). Refusals are retried with a growing delay.
 *
 * Everything runs in the loop's thread; handlers are called from it and may call these functions,
 * except tg_push_free.
 */
#ifndef TG_PUSH_H
#define TG_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <tidegate/control.h>

#include "mapping.h"
#include "target.h"

struct tg_push;

struct tg_push_options {
	const char *path;			 /* of the socket; not copied */
	const char *name;			 /* for the server's log; not copied */
	unsigned int retry_min_ms, retry_max_ms; /* between attempts to connect, or to push */
	unsigned int reply_ms, ruleset_reply_ms; /* a server that says nothing is left */
};

#define TG_PUSH_RETRY_MIN_MS 20
#define TG_PUSH_RETRY_MAX_MS 5000
#define TG_PUSH_REPLY_MS 5000
#define TG_PUSH_RULESET_REPLY_MS 60000

struct tg_push_handler {
	void *ctx;
	/* The connection is up, or the dataplane's state changed by itself. */
	void (*state)(void *ctx, const struct tg_msg_state *state);
	/* The connection is down; said once however often connecting fails. */
	void (*down)(void *ctx, const char *why);
	/* `target` is in force: acknowledged after `us`, or found to be there (us = 0). */
	void (*applied)(
		void *ctx, struct tg_target *target, const struct tg_msg_ack *ack, uint64_t us);
	/* `n` entries of the target in force are applied. */
	void (*delta)(void *ctx, size_t n, uint64_t us);
	/* The dataplane refused a message; `what` is "ruleset" or "delta". */
	void (*refused)(void *ctx, const char *what, const struct tg_msg_nak *nak);
	/*
	 * What is desired cannot be brought into force as it is, because the dataplane is at
	 * `generation` already or lost count of the deltas: a target with a higher generation is
	 * needed. Not said again before one is desired.
	 */
	void (*renew)(void *ctx, uint64_t generation);
};

/* Plain values, for status and metrics. Counters since the start. */
struct tg_push_status {
	bool connected;
	struct tg_msg_state state;   /* the last one; all zero before the first */
	uint64_t desired_generation; /* 0: none */
	uint64_t applied_generation; /* in force, whoever pushed it; 0: none or unknown */
	bool ours;		     /* and it is a target of this process */
	bool ruleset_sent;	     /* and not answered yet */
	uint64_t delta_sequence;     /* in force */
	uint32_t epoch;
	size_t pending_deltas; /* entries of the target in force that are not applied yet */
	uint64_t connects;
	uint64_t rulesets_applied, rulesets_refused;
	uint64_t deltas_applied, deltas_refused, delta_entries;
	char error[TG_REASON_MAX + 64]; /* why it is down or the last push failed; empty: fine */
};

/* 0, -ENOMEM. A server that is not there is no error. */
int tg_push_create(uv_loop_t *loop, const struct tg_push_options *options,
	const struct tg_push_handler *handler, struct tg_push **out);
/* Disconnects and gives up all handles; the memory goes when the loop has closed them. */
void tg_push_free(struct tg_push *push);

void tg_push_desire(struct tg_push *push, struct tg_target *target);
/* There may be something to send: a log has grown. */
void tg_push_kick(struct tg_push *push);
/*
 * The targets that deltas have to be made for, each once: in force, on its way, desired. Borrowed.
 */
#define TG_PUSH_TARGETS 3
size_t tg_push_targets(const struct tg_push *push, struct tg_target *out[TG_PUSH_TARGETS]);
/* The one in force, or NULL. Borrowed. */
struct tg_target *tg_push_in_force(const struct tg_push *push);
/* The segment of the dataplane that is connected, or NULL. Borrowed. */
struct tg_mapping *tg_push_mapping(const struct tg_push *push);
void tg_push_status(const struct tg_push *push, struct tg_push_status *out);

#endif

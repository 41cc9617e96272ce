/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The push client and a server of the test's own, both in one loop: whatever is expected is waited
 * for as an event, and a test in which it never comes is stopped by a watchdog.
 */
#ifndef TG_TEST_PUSH_SERVER_H
#define TG_TEST_PUSH_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "push.h"
#include "wire.h"

#define WATCHDOG_MS 20000

struct fixture {
	uv_loop_t loop;
	uv_timer_t watchdog;
	char folder[64], path[96];
	struct tg_push *push;

	int listener, client;
	uv_poll_t accept_poll, client_poll;
	struct tg_wire_message *got; /* what the server has received last */
	bool has_got, gone;
	uint32_t last_txn;
	struct tg_stats_segment segment;

	/* what the handler was told */
	unsigned int states, downs, applied, deltas, refusals, renews;
	uint64_t applied_generation, renew_above;
	size_t delta_entries;
	char why[256];
};

#define WAIT(f, condition)                               \
	do {                                             \
		while (!(condition))                     \
			uv_run(&(f)->loop, UV_RUN_ONCE); \
	} while (0)

/* cmocka's; *state is a struct fixture. */
int setup(void **state);
/* The answer to a ruleset is overdue as soon as the loop runs. */
int setup_hasty(void **state);
int teardown(void **state);

/* The server. */
void listen_start(struct fixture *f);
void listen_stop(struct fixture *f);
void hang_up(struct fixture *f);
/* Waits for a message of `type`, which is then in f->got. */
void expect(struct fixture *f, enum tg_msg_type type);
void reply(struct fixture *f, void *message, int fd);
void send_state(struct fixture *f, enum tg_msg_type type, uint64_t generation, uint64_t sequence,
	uint32_t checksum);
/* A client connects and learns that (generation, sequence, checksum) is in force. */
void greet(struct fixture *f, uint64_t generation, uint64_t sequence, uint32_t checksum);
void ack(struct fixture *f, uint32_t txn, uint64_t generation, uint64_t sequence);
void nak(struct fixture *f, uint32_t txn, uint32_t error, uint64_t generation, uint64_t sequence);

/* The client. */
struct tg_target *target(uint64_t generation);
void log_one(struct tg_target *t, uint8_t last, uint32_t cls);
/* Brings `t` into force by the usual way. */
void bring(struct fixture *f, struct tg_target *t);
/* Everything that is in the loop now has been handled, and nothing was sent. */
void expect_quiet(struct fixture *f);

#endif

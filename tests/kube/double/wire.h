/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop with a double in it, and connections to that which are bytes and not our client. */
#ifndef TG_KUBE_DOUBLE_WIRE_H
#define TG_KUBE_DOUBLE_WIRE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "buf.h"
#include "double.h"

struct lab {
	uv_loop_t loop;
	struct kube_double *d;
	uv_timer_t patience;
	bool late;
};

/* One connection: what was said on it so far. */
struct wire {
	uv_tcp_t tcp;
	uv_connect_t connecting;
	struct lab *lab;
	const char *ask;
	struct buf got;
	bool ended; /* by the other end */
	int error;  /* how */
};

struct lab *lab_open(const struct double_options *options);
/* Fails when anything of the double is left. */
void lab_close(struct lab *lab);
/* Runs the loop so often that whatever was going to come has come: nothing is sent later than that.
 */
void settle(struct lab *lab);

/* GET, with whatever headers a decent client has. */
struct wire *wire_ask(struct lab *lab, const char *target);
void wire_say(struct wire *wire, const char *text);
void wire_close(struct wire *wire);
/* How often `text` was read. */
size_t times(const struct wire *wire, const char *text);
/* Until it was; false: the connection ended first, or nothing came for too long. */
bool wait_for(struct wire *wire, const char *text);
bool wait_times(struct wire *wire, const char *text, size_t n);
bool wait_end(struct wire *wire);
/* What comes after the headers, chunked as it may be. */
const char *body_of(const struct wire *wire);
/* The whole of a short answer, which has that status. */
struct wire *fetch(struct lab *lab, const char *target, int status);
/* The same; that text is in it. */
void expect(struct lab *lab, const char *target, int status, const char *text);
/* The continue token in an answer, to be freed. */
char *token_of(const struct wire *wire);

#endif

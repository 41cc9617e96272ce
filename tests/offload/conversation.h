/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random traffic that makes sense: hosts that open, use and close TCP connections and exchange
 * datagrams, and others that try what is denied; now and then as fragments, with IPv4 options,
 * tagged, at their last hop, again, or after the end.
 */
#ifndef TG_TEST_CONVERSATION_H
#define TG_TEST_CONVERSATION_H

#include "../packets/packet.h"

struct conversations;

struct conversations *conversations_create(uint32_t seed);
void conversations_free(struct conversations *talk);

/* The next packets, up to `max`, that arrive at one port. How many. */
unsigned int conversations_next(
	struct conversations *talk, struct packet *packets, unsigned int max, unsigned int *port);
/* Whether all of them got through: the hosts believe it, and go on. */
void conversations_heard(struct conversations *talk, bool all);
/* So much time passes that nobody remembers anything. */
void conversations_forget(struct conversations *talk);
/* The text of the last packet. */
const char *conversations_last(const struct conversations *talk);

#endif

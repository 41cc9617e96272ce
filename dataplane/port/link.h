/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link state of a wire: when one end loses its link the other end's is taken down, so that what is
 * connected there looks for another way; when it comes back the other end is let up again.
 * A pure state machine: no port is touched here.
 *
 * An end that is held down shows no link, which must not be taken for a loss: only the end that was
 * lost is looked at until it is back, and then the other one gets TG_LINK_SETTLE_MS to come up.
 */
#ifndef TG_PORT_LINK_H
#define TG_PORT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define TG_LINK_HOLD_MS 200    /* a link must stay up so long to count as back */
#define TG_LINK_SETTLE_MS 5000 /* a port takes this long to negotiate */

enum tg_link_phase { TG_LINK_NORMAL, TG_LINK_LOST, TG_LINK_SETTLING };

/* Zero-initialised is the start: nothing held. */
struct tg_link {
	uint8_t phase;	   /* enum tg_link_phase */
	uint8_t lost;	   /* LOST, SETTLING: the end that was lost, 0 or 1 */
	bool back;	   /* LOST: that end is up again */
	uint64_t since_ms; /* back: since when; SETTLING: since when */
};

/*
 * `up` is what the ports show now. Returns whether an end has to be held down from now on, by bit
 * (1 << end): at most one of them. `now_ms` is monotonic.
 */
unsigned int tg_link_step(struct tg_link *link, const bool up[2], uint64_t now_ms);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hold: a set of strings that stay what they are, whatever the store sweeps, because somebody
 * goes on comparing their numbers after the objects have gone. A compiled ruleset needs one of the
 * state that it was compiled from.
 *
 * Synchronisation: made, added to and swept around in the store's thread; released by any thread,
 * before or after the store is freed.
 */
#ifndef TG_SOURCE_HOLD_H
#define TG_SOURCE_HOLD_H

#include <stdint.h>

struct tg_hold;

/* The string, which is there now, is held as well. 0 or -ENOMEM. */
int tg_hold_add(struct tg_hold *hold, uint32_t string);
void tg_hold_release(struct tg_hold *hold); /* NULL is fine */

#endif

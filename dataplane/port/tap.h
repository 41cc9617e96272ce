/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the TAP driver needs besides what every driver needs.
 *
 * Signals. It has the kernel send a real-time signal for every packet and looks at a queue only
 * when its handler has run: whichever thread takes the signal pays for each packet; a worker that
 * was woken by its queue finds nothing there until that thread gets a processor; and when the
 * process's signal queue is full (it was stopped, or starved) the kernel sends SIGIO instead, which
 * ends the process. While no signal has ever been handled the driver just reads. So none is: all
 * threads block real-time signals from the process's start on (tg_tap_block), and ports that are
 * started ask for none any more.
 *
 * Descriptors. It offers the kernel as many buffers for a packet as the queue has descriptors, and
 * the kernel looks at all of them each time it is asked for a packet. A handful holds the longest.
 */
#ifndef TG_PORT_TAP_H
#define TG_PORT_TAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct tg_port;

/* Adds the driver's signals to a set that the process blocks before it makes threads and ports. */
void tg_tap_block(sigset_t *set);
bool tg_tap_driver(const char *name);
/* Receive descriptors for packets of up to `mtu` bytes. */
uint16_t tg_tap_descriptors(uint16_t mtu);
/* For a started port. Where the signals are not blocked it stays as it is. */
void tg_tap_no_signals(const struct tg_port *port);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <string.h>

#include <rte_ethdev.h>

#include "buffers.h"
#include "ports.h"
#include "tap.h"

void tg_tap_block(sigset_t *set)
{
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		sigaddset(set, number);
}

bool tg_tap_driver(const char *name)
{
	return strcmp(name, "net_tap") == 0;
}

uint16_t tg_tap_descriptors(uint16_t mtu)
{
	return (uint16_t)((mtu + TG_FRAME_EXTRA) / TG_BUFFER_ROOM + 1);
}

static bool is_blocked(int number)
{
	sigset_t set;

	return sigprocmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, number) == 1;
}

static void detach(int fd)
{
	int number = fcntl(fd, F_GETSIG), flags = fcntl(fd, F_GETFL);

	if (number < SIGRTMIN || flags < 0 || !is_blocked(number))
		return;
	/* Ignoring it throws away those that are pending. */
	if (fcntl(fd, F_SETFL, flags & ~O_ASYNC) == 0)
		signal(number, SIG_IGN);
}

void tg_tap_no_signals(const struct tg_port *port)
{
	for (uint16_t q = 0; port->interrupts && q < port->n_rx_queues; q++)
		detach(rte_eth_dev_rx_intr_ctl_q_get_fd(port->ethdev, q));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces that a gateway port is made of (AF_PACKET, AF_XDP). The kernel leaves checksums
 * unfinished and merges packets between its own interfaces: what a gateway would pass on by another
 * port is garbage then. So these offloads are switched off, on the interface and on the other end
 * of a veth, wherever that is. Their drivers know nothing of links either: that is here too. Not
 * for the polling threads.
 */
#ifndef TG_PORT_NETDEV_H
#define TG_PORT_NETDEV_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Switches transmit checksum, segmentation and receive merging offloads of `ifname` off and makes
 * sure that they are. 0 or -errno; `why` (of `size` bytes) then says what to do.
 */
int tg_netdev_quiet(const char *ifname, char *why, size_t size);

/* Whether interface `ifindex` is up and has a link; false too when there is no such interface. */
bool tg_netdev_running(unsigned int ifindex);
/* What `ip link set DEVICE up` and `down` do. 0 or -errno. */
int tg_netdev_set_up(unsigned int ifindex, bool up);

#endif

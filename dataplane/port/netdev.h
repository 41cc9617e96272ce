/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces that a gateway port is made of (AF_PACKET, AF_XDP). The kernel leaves checksums
 * unfinished and merges packets between its own interfaces: what a gateway would pass on by another
 * port is garbage then. So these offloads are switched off, on the interface and on the other end
 * of a veth, wherever that is. Not for the polling threads.
 */
#ifndef TG_PORT_NETDEV_H
#define TG_PORT_NETDEV_H

#include <stddef.h>

/*
 * Switches transmit checksum, segmentation and receive merging offloads of `ifname` off and makes
 * sure that they are. 0 or -errno; `why` (of `size` bytes) then says what to do.
 */
int tg_netdev_quiet(const char *ifname, char *why, size_t size);

#endif

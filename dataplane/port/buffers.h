/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet buffers: one pool for all ports of a NUMA node, in struct tg_ports. Control thread.
 */
#ifndef TG_PORT_BUFFERS_H
#define TG_PORT_BUFFERS_H

#include <stdint.h>

#include <rte_ether.h>

#include "ports.h"

/* What a frame is longer than the IP packet in it. */
#define TG_FRAME_EXTRA ((uint32_t)(RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN))
/* One buffer holds this much; longer packets are chains, where the driver makes chains. */
#define TG_BUFFER_ROOM 2048u

/*
 * For ports that are found but not configured, with `extra` buffers besides those in queues. 0 or
 * -errno, logged; what was made stays in `ports` for tg_buffers_free.
 */
int tg_buffers_create(struct tg_ports *ports, uint32_t extra);
void tg_buffers_free(struct tg_ports *ports);

#endif

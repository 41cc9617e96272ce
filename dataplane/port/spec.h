/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration says about ports and the wires between them. Plain values.
 */
#ifndef TG_PORT_SPEC_H
#define TG_PORT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <tidegate/stats.h>

#define TG_DEVICE_TEXT 192 /* bytes of a device string, NUL included */
#define TG_PROFILE_TEXT 64

struct tg_port_spec {
	char name[TG_STATS_PORT_NAME];
	/* A PCI address ("0000:03:00.0[,devargs]") or a vdev ("net_tap0,iface=in0"). */
	char device[TG_DEVICE_TEXT];
	char nic_profile[TG_PROFILE_TEXT]; /* that is to be used for it; empty: the device's */
	uint8_t side;			   /* enum tg_side */
	uint16_t mtu;			   /* longest IP datagram, bytes */
	uint16_t peer;			   /* index of the other end of the wire */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	bool interrupts;	    /* workers that wait want to be woken by packets */
	bool propagate_link;	    /* the peer's link goes down with this one's */
	bool trust_kernel_offloads; /* somebody else has switched them off */
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be found out about a machine from /sys and /proc, for `tidegate init`. Read-only. */
#ifndef TG_CLI_MACHINE_H
#define TG_CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#define TG_MACHINE_PORTS 32
#define TG_MACHINE_RANGES 16

/* A network port that the gateway might use. */
struct tg_machine_port {
	char pci[16];	    /* "0000:03:00.0"; empty: not on a PCI bus */
	char interface[32]; /* the kernel's name; empty: no kernel driver has it */
	char driver[32];    /* of the PCI device; empty: none */
	unsigned int mtu;
	bool default_route; /* the machine itself is reached through it */
};

struct tg_machine {
	struct tg_machine_port ports[TG_MACHINE_PORTS]; /* by PCI address */
	size_t n_ports;
	char ranges[TG_MACHINE_RANGES][24]; /* private networks routed to virtual interfaces */
	size_t n_ranges;
	unsigned long huge_mib; /* reserved huge pages */
	unsigned int cpus;
};

/* `root` precedes /sys and /proc ("" for this machine). Missing files are machines without. */
void tg_machine_inspect(const char *root, struct tg_machine *out);

#endif

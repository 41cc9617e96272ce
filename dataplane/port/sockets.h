/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets that drivers of kernel interfaces have opened and keep to themselves: a worker that waits
 * for packets wants to know them. They are this process's descriptors, so the kernel is asked.
 */
#ifndef TG_PORT_SOCKETS_H
#define TG_PORT_SOCKETS_H

#include <stddef.h>

#define TG_SOCKETS_MAX 4096

/* A set of descriptors, ascending. */
struct tg_sockets {
	size_t n;
	int v[TG_SOCKETS_MAX];
};

/* The process's sockets of an address family (AF_PACKET, AF_XDP). Nothing there: none. */
void tg_sockets_find(int family, struct tg_sockets *found);
/* The first of `now` that is not in `before`, or -1. */
int tg_sockets_new(const struct tg_sockets *before, const struct tg_sockets *now);
/* The n-th packet socket bound to an interface, or -1; drivers open them queue by queue. */
int tg_sockets_packet(unsigned int ifindex, unsigned int n);

#endif

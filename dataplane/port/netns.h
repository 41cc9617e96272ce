/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Other network namespaces: finding the other end of a veth and doing something there.
 */
#ifndef TG_PORT_NETNS_H
#define TG_PORT_NETNS_H

#include <stdbool.h>

/* Where the other end of a veth is. */
struct tg_netns_peer {
	unsigned int ifindex; /* in its own namespace */
	bool elsewhere;	      /* in another namespace than ours */
	int nsid;	      /* our number for that namespace */
};

/* -ENODEV: `ifindex` has no other end, or none that can be seen; or what netlink says. */
int tg_netns_peer(unsigned int ifindex, struct tg_netns_peer *out);
/*
 * A descriptor of the namespace that has the number `nsid` here, found among the named ones (ip
 * netns) and those of processes. -ENOENT: not found; -EACCES and the like.
 */
int tg_netns_open(int nsid);
/* Calls `run(arg)` in a thread of that namespace and returns what it returns; or -errno. */
int tg_netns_call(int netns, int (*run)(void *arg), void *arg);

#endif

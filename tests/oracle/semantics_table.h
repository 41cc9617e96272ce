/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbered lines of docs/policy-semantics.md as examples: a cluster, a tuple, and what decides
 * on each side. Objects are JSON with ' for ". Every example has the common cluster besides:
 *
 *	namespaces  a (team=x), b (team=y)
 *	pods        a/web 10.1.0.2 app=web          a/db 10.1.0.3 app=db tier=data, ports http
 *80/TCP b/web 10.1.1.2 app=web          and dns 53/UDP; all on node n0 node        n0 192.168.0.1,
 *pod CIDR 10.1.0.0/24; node n1 192.168.0.2 service     b/svc 10.96.0.5
 */
#ifndef TG_SEMANTICS_TABLE_H
#define TG_SEMANTICS_TABLE_H

#include <stddef.h>

/* Which options an example is compiled with; the default action is the same in both directions. */
enum semantics_mode {
	MODE_DENY,
	MODE_AUDIT,
	MODE_KUBERNETES,
	MODE_TRANSIT, /* deny, but transit: allow */
	MODE_SEEN,    /* deny; namespaces only exist when there is an object */
	MODE_INFRA, /* deny; tuples api: nodes -> any IPv4 TCP 6443; any: any IPv4 -> nodes TCP 2379
		     */
	MODE_NODES, /* deny; pod range 10.1.0.0/16 and node address 10.1.0.1 are configured */
};

struct semantics_row {
	int line; /* of docs/policy-semantics.md */
	const char *title;
	enum semantics_mode mode;
	const char *objects;
	const char *src, *dst;
	int protocol, port;
	const char *egress, *ingress; /* reason; NULL: no matter */
};

extern const char *const semantics_common;
extern const struct semantics_row semantics_rows[];
extern const size_t semantics_n_rows;

#endif

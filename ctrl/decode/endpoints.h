/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compact endpoints format, for people who have no pod manifests: one line an endpoint, columns
 * separated by spaces or tabs. A line that is empty or begins with "#" says nothing, and so does
 * what follows a " #" behind an endpoint.
 *
 *	# namespace/name  addresses              labels           ports            more
 *	shop/web-1        10.0.0.1,2001:db8::1   app=web,tier=fe  http=8080/TCP    node=n1
 *	shop/db-0         10.0.0.2               app=db           -
 *	shop/job-7        -                      app=job          -                finished
 *
 *	1 namespace/name   both required, unique
 *	2 addresses        one or more, separated by commas; "-" for none
 *	3 labels           key=value, separated by commas; "-" for none. A value may be empty.
 *	4 ports            name=number/protocol (TCP, UDP or SCTP), separated by commas; "-" for
 *none. May be left out, also when a word of column 5 follows 5 more             any of node=NAME
 *the node that the pod runs on created=TIME   RFC 3339; decides between two pods that claim an
 *address host-network   the pod has its node's address finished       phase Succeeded or Failed:
 *the addresses do not count terminating    the pod is being deleted
 *
 * Anything else is an error that names the line and the column. A line becomes the same struct
 * tg_pod that the Pod manifest would.
 */
#ifndef TG_DECODE_ENDPOINTS_H
#define TG_DECODE_ENDPOINTS_H

#define TG_ENDPOINTS_SUFFIX ".endpoints"
#define TG_ENDPOINTS_SIZE_MAX (256u << 20) /* bytes of one file */

#endif

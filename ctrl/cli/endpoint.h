/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two ends of a question: "namespace/pod" or an address, as people and scripts write them, and
 * what it comes to: a pod, a node (hostNetwork pods are the node), or just an address.
 */
#ifndef TG_CLI_ENDPOINT_H
#define TG_CLI_ENDPOINT_H

#include "offline.h"

#define TG_ENDPOINT_TEXT 600

/* Not to be copied: addrs may point to own. */
struct tg_endpoint {
	const struct tg_pod *pod;   /* whose policies count; NULL: the address is no pod's */
	const struct tg_pod *named; /* what the question named, a hostNetwork pod included */
	const struct tg_addr *addrs;
	uint32_t n_addrs;
	struct tg_addr own;	     /* when an address was given */
	bool standin;		     /* its addresses are made up */
	bool conflict;		     /* several pods claim its address, and none of them wins */
	char text[TG_ENDPOINT_TEXT]; /* as given */
	char note[TG_ENDPOINT_TEXT]; /* what people should know about it; empty: nothing */
};

/*
 * 0; -EINVAL for text that is neither; -ENOENT for a name that no pod has; -EADDRNOTAVAIL for a
 * finished pod, or a hostNetwork pod of an unknown node, which have no address. `error` says it in
 * words.
 */
int tg_endpoint_find(const struct tg_offline *offline, const char *text, struct tg_endpoint *out,
	char *error, size_t error_size);
/* The same for a pod that is already known. */
int tg_endpoint_of_pod(const struct tg_offline *offline, const struct tg_pod *pod,
	struct tg_endpoint *out, char *error, size_t error_size);
/*
 * The addresses that a packet from one to the other could have: one pair for each family that both
 * have, in the order of the source's addresses (the first is what a client prefers). Returns their
 * number, 0..2.
 */
struct tg_addr_pair {
	struct tg_addr src, dst;
};

unsigned int tg_endpoint_pairs(
	const struct tg_endpoint *src, const struct tg_endpoint *dst, struct tg_addr_pair out[2]);
/* Both are the same pod or address: never judged. */
bool tg_endpoint_same(const struct tg_endpoint *a, const struct tg_endpoint *b);

/* "TCP", "udp", "47": the protocol's number or -EINVAL. */
int tg_protocol_of_text(const char *text);
/* The protocol has ports in Tidegate's sense: TCP, UDP, SCTP. */
bool tg_protocol_has_ports(uint8_t protocol);
/*
 * PROTO [PORT], `n` words of a question; PORT may be missing where the protocol has none. An exit
 * code; what is wrong has been said.
 */
int tg_service_parse(struct tg_cli *cli, const char *command, char **argv, int n, uint8_t *protocol,
	uint16_t *port);

#endif

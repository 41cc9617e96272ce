/* SPDX-License-Identifier: BSD-3-Clause */
/* The ruleset that world.h describes, changed as RULES_* bits say. */
#ifndef TG_TEST_RULESET_H
#define TG_TEST_RULESET_H

#include "world.h"

/* A view of an image whose memory is in *data, to be freed. */
struct tg_image ruleset_make(uint32_t rules, uint64_t generation, void **data);

/* What the client may send, or receive from whoever wants to. */
struct ruleset_allow {
	bool to_client;
	uint8_t protocol;
	uint16_t port; /* of the destination; 0: the whole protocol */
};

/* The client's rules are exactly these; the server's ones allow nothing. */
struct tg_image ruleset_allow(
	const struct ruleset_allow *allow, unsigned int n, uint64_t generation, void **data);

#endif

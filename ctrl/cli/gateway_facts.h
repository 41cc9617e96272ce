/* SPDX-License-Identifier: BSD-3-Clause */
/* What the running gateway has seen, as the control process tells it (docs/http-json.md). */
#ifndef TG_CLI_GATEWAY_FACTS_H
#define TG_CLI_GATEWAY_FACTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include <tidegate/verdict.h>

#include "config.h"

struct tg_gateway_facts {
	char error[512];     /* why it does not answer; "": it does */
	bool ready;	     /* what is wanted is enforced */
	char not_ready[256]; /* what is missing for that */
	bool connected;	     /* to the dataplane: what follows is known */
	bool synced, stale;  /* sources */
	bool pickup;	     /* connections of before the start are taken up */
	uint64_t pods;	     /* in force */
	uint64_t drops[TG_DROP_COUNT];
	uint64_t pods_sent;	 /* packets that rules for what leaves pods judged */
	uint64_t pods_received;	 /* and for what reaches them */
	uint64_t pods_either;	 /* by a rule that does not say which */
	uint64_t node_packets;	 /* by infrastructure tuples and the rule for nodes */
	uint64_t connections;	 /* that began, for each rule that judged one */
	uint64_t tunnel_packets; /* by infrastructure tuples that are tunnels' */
	char tunnel[64];	 /* the name of one of these; "": none */
};

/* `status`, `drops` and `rules` are the answers of /v1/...; NULL: there was none. */
void tg_gateway_facts_read(struct tg_gateway_facts *facts, const struct tg_config *config,
	const cJSON *status, const cJSON *drops, const cJSON *rules);
/* Asks the control process at `url` (NULL: the default). */
void tg_gateway_facts_gather(
	struct tg_gateway_facts *facts, const struct tg_config *config, const char *url);

/* "VXLAN" and the like when the tuple lets a tunnel pass that hides addresses; NULL. */
const char *tg_tuple_tunnel(const struct tg_infrastructure *tuple);

#endif

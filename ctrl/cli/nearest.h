/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a side was not allowed: a plain walk over the policies that isolate a pod, for explanations
 * only (verdicts come from the image). For each rule it counts the fields that fail, the best peer
 * and the best port of the rule taken together; the rule that fails on the fewest is the nearest
 * miss.
 */
#ifndef TG_CLI_NEAREST_H
#define TG_CLI_NEAREST_H

#include <cjson/cJSON.h>

#include "model.h"
#include "roster.h"

#define TG_MISS_FIELDS 8
#define TG_MISS_TEXT 640

/* The question from the side of one pod. */
struct tg_side_query {
	const struct tg_intern *strings;
	enum tg_direction direction;
	const struct tg_pod *subject;
	const struct tg_pod *peer; /* NULL: the peer is an address of no pod */
	struct tg_addr peer_addr;
	bool peer_unknown;	     /* a stand-in: its address is not known */
	const struct tg_pod *target; /* the destination, for named ports; NULL: no pod */
	uint8_t protocol;
	uint16_t port;
};

struct tg_miss_field {
	const char *field; /* "namespace", "podSelector", "ipBlock.cidr", "port", ... */
	char text[TG_MISS_TEXT];
};

struct tg_miss {
	const struct tg_policy *policy; /* NULL: there is no rule to miss */
	uint32_t rule;			/* its index in the policy */
	bool excepted;	   /* an ipBlock matched, and an except of it took the address out */
	uint32_t n_failed; /* fields; the first TG_MISS_FIELDS are in failed */
	struct tg_miss_field failed[TG_MISS_FIELDS];
};

/* The policy isolates the pod in this direction. */
bool tg_policy_isolates(
	const struct tg_policy *policy, const struct tg_pod *pod, enum tg_direction dir);
/*
 * The policies that isolate a pod into the "isolated_by" of an answer's side (see judge.h): all of
 * them, where the image's text is cut when there are many. False: out of memory.
 */
bool tg_isolating_json(const struct tg_roster *roster, const struct tg_intern *strings,
	const struct tg_pod *pod, enum tg_direction dir, cJSON *side);
/* Fills `out` with the nearest miss; with n_failed 0 the rule allows it after all. */
void tg_nearest_miss(
	const struct tg_roster *roster, const struct tg_side_query *query, struct tg_miss *out);

#endif

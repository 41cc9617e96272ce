/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What makes a rule itself, as 64 bits that are the same in every process and after every restart:
 * its counters follow it. Made from texts, never from intern numbers or positions, so that
 * reordering rules or reading files in another order changes nothing.
 */
#ifndef TG_COMPILE_IDENTITY_H
#define TG_COMPILE_IDENTITY_H

#include "compile.h"
#include "model.h"

struct identity {
	const struct tg_intern *strings;
	uint64_t *hashes; /* by intern number; 0: not made yet */
};

int identity_init(struct identity *id, const struct tg_intern *strings);
void identity_free(struct identity *id);

/* By UID, else by namespace and name. */
uint64_t identity_policy(struct identity *id, const struct tg_policy *policy);
/* By the policy's identity, direction and what the rule says; not by its index. */
uint64_t identity_rule(struct identity *id, uint64_t policy, enum tg_direction dir,
	const struct tg_policy_rule *rule);
/* The implicit deny of a set of policies; `sum` adds up their identities. */
uint64_t identity_implicit(uint64_t sum, enum tg_direction dir);
uint64_t identity_baseline(
	struct identity *id, uint32_t ns, enum tg_direction dir, enum tg_action action);
uint64_t identity_namespace(struct identity *id, uint32_t ns);
uint64_t identity_infrastructure(const struct tg_infrastructure *tuple);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies in the compiler's words: rules as lists of (peer term, port set), in canonical order
 * (namespace, policy name, direction, rule index).
 *
 * A port set is a sorted list of disjoint inclusive ranges of keys (protocol << 16 | port), as
 * pairs of numbers. A port use is a (name, protocol) that some rule asks for.
 */
#ifndef TG_COMPILE_POLICIES_H
#define TG_COMPILE_POLICIES_H

#include "model.h"
#include "prefixes.h"
#include "scopes.h"
#include "selectors.h"
#include "terms.h"
#include "zones.h"

#define PORTS_NONE 0u /* matches no key */
#define PORTS_ANY 1u  /* every key */
#define KEY_MAX 0xffffffu

struct rule_entry {
	uint32_t term;
	uint32_t ports;
};

/* Egress: `use` is a named use of terms.h (`term` its base); ingress: a port use. */
struct rule_named {
	uint32_t term;
	uint32_t use;
};

struct rule {
	uint32_t policy;       /* index */
	uint32_t verdict;      /* filled by the caller, with the slot */
	uint64_t identity;     /* the same */
	uint64_t own_identity; /* what it was before it was told from equal rules */
	uint32_t first_entry, n_entries;
	uint32_t first_named, n_named;
	uint8_t direction;
	const struct tg_policy_rule *model; /* while compiling only */
};

struct policy_side {
	uint32_t first_rule, n_rules;
	bool isolates;
};

struct policy {
	const struct tg_policy *model; /* while compiling only */
	uint32_t origin;	       /* in the cluster */
	uint32_t ns;		       /* index; TG_NONE */
	uint32_t zone;		       /* index */
	uint32_t pod_selector;
	uint32_t uses; /* in use_sets: port uses of its ingress rules */
	uint64_t identity;
	struct policy_side side[TG_DIRECTION_COUNT];
};

struct policies {
	TG_VEC(struct policy) v;
	TG_VEC(struct rule) rules;
	TG_VEC(struct rule_entry) entries;
	TG_VEC(struct rule_named) named;
	struct seqs port_sets;
	struct seqs uses;     /* {name, protocol}; id = port use */
	struct seqs use_sets; /* sorted port uses */
};

/* What policies_load fills besides. */
struct policy_sinks {
	struct selectors *pods, *namespaces;
	struct terms *terms;
	struct prefixes *prefixes;
	const struct scopes *scopes;
	const struct zones *zones;
	const bool
		*over; /* by namespace: its rules are loaded without peers, and so match nothing */
};

int policies_init(struct policies *p);
void policies_free(struct policies *p);
/* -ENOMEM; -EEXIST with the second of two equally named policies in *which. */
int policies_load(struct policies *p, const struct tg_cluster *cluster,
	const struct policy_sinks *sinks, const struct tg_policy **which);
/*
 * Do the policies select the same pods, isolate the same and ask for the same peers and port names,
 * rule by rule? Then they differ at most in numbers of ports and in what is only told about them.
 */
bool policies_ask_same(const struct tg_policy *a, const struct tg_policy *b);
/* A copy that does not depend on the other. 0 or -ENOMEM. */
int policies_copy(struct policies *to, const struct policies *from);
/*
 * Brings policies up to a cluster whose policies ask the same, in the same places: `changed`, by
 * policy, tells which are other objects. 0 or -ENOMEM.
 */
int policies_update(struct policies *p, const struct tg_cluster *cluster, bool *changed);
/* The port set of one range of ports; TG_NONE when memory is out. */
uint32_t policies_range(struct policies *p, uint8_t protocol, uint16_t lo, uint16_t hi);
/* Does the protocol have ports that rules with `ports` can name? (semantics: TCP, UDP, SCTP) */
bool protocol_has_ports(uint8_t protocol);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the checks share: a port with a cable, rules to put in, and the lines that come of it. */
#ifndef TG_VERIFY_BENCH_H
#define TG_VERIFY_BENCH_H

#include <rte_ethdev.h>

#include "flow.h"
#include "probe.h"
#include "verify.h"

#define BIT(n) (1u << (n))
#define VERIFY_QUEUES 2
#define PROBES_MAX 160 /* of one trial */
#define RATE_RULES 64
#define MARK_VALUE 0x5a

struct bench {
	const struct tg_verify_config *config;
	/* The profile without its hazards: what is listed is asked, also where the planner would
	 * not. */
	struct tg_nic_profile listed;
	struct tg_flow_port *flow;
	struct tg_verify_report *report;
	TG_VEC(struct tg_nic_rule) shapes;
	/* Checks are run once for the rules that they are going to ask for: templates want to know
	 * them while the port is stopped. */
	bool collecting;
	int failed; /* -errno: nothing that is found from now on says anything */
	uint32_t next_id;
	uint8_t mac[6]; /* of the port */
	uint16_t queues;
	bool catching;
};

/* One engine in one domain. */
struct scope {
	struct bench *bench;
	const struct tg_nic_engine *engine; /* of `listed` */
	uint8_t domain;
	uint32_t fate; /* actions by which a match is seen */
	char name[64];
};

/* --- lines: NULL for a scope is the device; collecting, nothing is written --- */

void line_add(struct bench *bench, const struct scope *scope, enum tg_verify_verdict verdict,
	const char *line, const char *why, ...) __attribute__((format(printf, 5, 6)));

/* --- what the profile says --- */

bool scope_does(const struct scope *scope, enum tg_nic_action action);
bool scope_hazard(const struct scope *scope, enum tg_nic_hazard_id hazard);
bool scope_has_family(const struct scope *scope, uint8_t family);
/* The IP protocol for a match that is about something else: 0, or one that has to be named. */
uint8_t scope_protocol(const struct scope *scope);
/* A field of ports, and the protocol that it is of: the first that can be matched exactly. False:
 * none. */
bool scope_port_field(const struct scope *scope, enum tg_nic_field *field, uint8_t *protocol);

/* --- rules --- */

/* Where rules of the scope go, with its fate. */
struct tg_nic_rule rule_of(const struct scope *scope, uint8_t family, uint8_t protocol);
/* The value that probe_of has. */
void rule_field(struct tg_nic_rule *rule, enum tg_nic_field field, const uint8_t mask[16]);
void rule_field_exact(struct tg_nic_rule *rule, enum tg_nic_field field);
/* A rule of one exact address, in a way that the engine takes. */
bool rule_addressed(const struct scope *scope, struct tg_nic_rule *rule);

enum installed { INSTALLED, NOT_ASKED, REFUSED };

/* A rule and what leads packets to it. */
struct rule_set {
	struct tg_flow *flows[4];
	uint32_t n;
	int error; /* of the one that was refused */
	char why[TG_NIC_WHY];
};

/* Adds to the set; begin with an empty one. What failed is not in it. */
enum installed rules_add(
	const struct scope *scope, struct rule_set *set, const struct tg_nic_rule *rule, bool led);
/* 0 or -errno. */
int rules_remove(const struct scope *scope, struct rule_set *set);

/* --- packets --- */

struct seen {
	bool software, marked, caught; /* the catcher saw it */
	uint16_t queue;
	uint32_t mark;
	uint16_t size;		  /* of what was sent */
	uint8_t bytes[PROBE_MAX]; /* of what the catcher saw */
};

/* tg_verify_port_open, configured so. */
int port_open_with(uint16_t port, struct rte_mempool *pool, const struct rte_eth_conf *conf);
/* Sends them, and then one that no rule matches: when that is there, so are the others. */
int cable_send(struct bench *bench, const struct probe *probes, uint32_t n, struct seen *seen);
bool scope_hit(const struct scope *scope, const struct seen *seen);

/* One packet, and whether a rule has to match it. */
struct expected {
	struct probe probe;
	bool hit;
	bool either; /* a hazard says that it may be otherwise */
	char what[64];
};

/*
 * Without the rule all packets arrive; with it, hits and no others are hit; when it has been
 * removed they arrive again. Writes the line.
 */
void trial(const struct scope *scope, const char *line, const struct tg_nic_rule *rule,
	const struct expected *expected, uint32_t n);
/* A packet that the next one differs from. */
struct expected *expect(struct expected list[], uint32_t *n, const struct probe *probe, bool hit,
	const char *what, ...) __attribute__((format(printf, 5, 6)));

/* --- the checks --- */

void check_device(struct bench *bench);
void check_placement(struct bench *bench);
void check_fields(const struct scope *scope);
void check_protocols(const struct scope *scope);
void check_kinds(const struct scope *scope);
void check_priorities(const struct scope *scope);
void check_groups(const struct scope *scope);
void check_duplicates(const struct scope *scope);
void check_counters(const struct scope *scope);
void check_age(const struct scope *scope);
void check_marks(const struct scope *scope);
void check_forward(const struct scope *scope);
void check_stop(const struct scope *scope);
void check_room(const struct scope *scope);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface of flow.h without a NIC: a list of rules, and faults on demand. */
#ifndef TG_TEST_FAKE_FLOW_H
#define TG_TEST_FAKE_FLOW_H

#include "flow.h"

#define FAKE_PORTS 4
#define FAKE_RULES 512

struct fake_rule {
	bool there;
	struct tg_nic_rule rule;
	struct tg_flow_count count;
};

/* By ethdev. */
struct fake_nic {
	struct fake_rule rules[FAKE_RULES];
	uint32_t room; /* rules it takes; 0: FAKE_RULES */
	bool late;     /* ends are kept back until fake_end */
	int open_error;
	int insert_error; /* of insertions, at their end */
	int remove_error; /* of removals, at their end */
	int flush_error;
	bool query_fails;
	uint32_t flushes, lost;
};

extern struct fake_nic fake_nics[FAKE_PORTS];
extern bool fake_switch; /* ethdev 0 manages the switch of all */

void fake_reset(void);
/* Lets what was begun end. */
void fake_end(uint16_t ethdev);
uint32_t fake_rules(uint16_t ethdev);
/* The rule that matches TCP or UDP of these ports; NULL. */
struct fake_rule *fake_find(uint16_t ethdev, uint16_t sport, uint16_t dport);

#endif

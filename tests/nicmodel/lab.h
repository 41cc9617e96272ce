/* SPDX-License-Identifier: BSD-3-Clause */
/* Model ports between rings: a test puts packets on a wire and sees where they come out. */
#ifndef TG_NICMODEL_LAB_H
#define TG_NICMODEL_LAB_H

#include <stdbool.h>
#include <stdint.h>

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>

#include "nicmodel.h"
#include "words.h"

#define LAB_PORTS 2
#define LAB_QUEUES 2

struct lab {
	uint16_t port[LAB_PORTS];
	struct rte_flow_error error; /* of the last refusal */
};

extern struct lab lab;
extern struct tg_nic_profile lab_nic; /* of lab_setup_profile; may be changed between rules */

void lab_eal(void);
/* Two ports of one NIC, started; NULL: a NIC that takes everything. */
void lab_open(const struct tg_nic_profile *profile);
/* Everything is gone afterwards, and no mbuf is missing. */
void lab_close(void);
/* For cmocka: a NIC that takes everything, with its clock stopped. */
int lab_setup(void **state);
int lab_teardown(void **state);
/* The same with a profile that lists everything. */
int lab_setup_profile(void **state);
void lab_configure(unsigned int port);
void lab_configure_with(unsigned int port, const struct rte_eth_conf *conf);

/* NULL: refused, with rte_errno and lab.error. */
struct rte_flow *lab_try(unsigned int port, const char *rule);
struct rte_flow *lab_rule(unsigned int port, const char *rule);
void lab_destroy(unsigned int port, struct rte_flow *flow);
/* Asserts that it is refused so. */
void lab_refused(unsigned int port, const char *rule, int error, enum rte_flow_error_type type);
/* The count of a rule; -errno in *rc when there is none. */
uint64_t lab_hits(unsigned int port, struct rte_flow *flow);
int lab_query(unsigned int port, struct rte_flow *flow, struct rte_flow_query_count *count);

struct lab_seen {
	bool software;	      /* port that it arrived at, any queue */
	bool wire[LAB_PORTS]; /* came out of this port */
	bool marked, flagged;
	uint16_t queue;
	uint32_t mark;
	uint16_t size;
	uint8_t bytes[2048]; /* of what came out, wherever */
};

/* Puts a packet on a port's wire and says what becomes of it. */
void lab_send(unsigned int port, const char *packet, struct lab_seen *seen);
/* The same from software, through the port. */
void lab_transmit(unsigned int port, const char *packet, struct lab_seen *seen);
bool lab_passes(unsigned int port, const char *packet);	 /* to software */
bool lab_dropped(unsigned int port, const char *packet); /* seen nowhere */
/* Many at a time, of what reads `packet`, with no look at what they become: how many software saw.
 */
unsigned int lab_flood(unsigned int port, const char *packet, unsigned int n);
struct rte_mbuf *lab_mbuf(const char *packet);
/* One burst from the port's wire; how many software saw. They are freed. */
unsigned int lab_burst(unsigned int port, struct rte_mbuf **packets, unsigned int n);
/* Whether the packet is, byte by byte, as this text says. */
void lab_assert_packet(const struct lab_seen *seen, const char *packet);

void lab_quirks(void (*change)(struct nicmodel_quirks *quirks));
/* Switches one on. */
void lab_quirk(enum tg_nic_hazard_id hazard);

/* A profile of one engine that takes everything that profiles can speak of. */
void lab_profile(struct tg_nic_profile *profile);

int run_match_tests(void);
int run_action_tests(void);
int run_profile_tests(void);
int run_quirk_tests(void);
int run_life_tests(void);
int run_async_tests(void);
int run_scale_tests(void);

#endif

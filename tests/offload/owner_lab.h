/* SPDX-License-Identifier: BSD-3-Clause */
/* The owner of rules between real workers and a list of rules that plays the NICs. */
#ifndef TG_TEST_OWNER_LAB_H
#define TG_TEST_OWNER_LAB_H

#include "fake_flow.h"
#include "offload.h"
#include "tcp_lines.h"
#include "wire.h"

#define BIT(n) (1u << (n))
#define ALL(n) (BIT(n) - 1)
#define MERIT 4
#define POLL_MS 100
#define IDLE_MS 2000
#define WAIT_MS 20
#define DENIALS 3
#define DENIAL_MS 5000

struct lab {
	struct world w;
	struct tg_nic_profile nic;
	struct tg_stats_offload stats;
	struct tg_offload *offload;
	struct tg_hw_port *refused; /* where it is said what ports lack; NULL: nowhere */
};

/* A NIC that forwards, and does all of it right. */
struct tg_nic_profile forwarder(void);
int lab_open(struct lab *l, uint32_t room);
void step(struct lab *l);
/* Time passes for all: counters are polled, the workers hear of it. */
void pass(struct lab *l, uint64_t ms);
void hold(struct lab *l);
int judge(struct lab *l, const struct tg_classmap_entry *entries, uint32_t n);
/* The end of a change that began with hold. */
void judged(struct lab *l, int expected);
void rules(struct lab *l, uint32_t bits);
void lab_start_with(struct lab *l, const struct tg_nic_profile *nic, uint32_t room);
void lab_start(struct lab *l);
void lab_stop(struct lab *l);
/* A connection with enough data to be offered; the owner steps. */
void converse(struct lab *l);
/* The same one, some packets later. */
void go_on(struct lab *l);
/* `bytes` are `n` of a number in network order. */
void assert_bytes(const uint8_t *bytes, uint64_t value, unsigned int n);
uint64_t left(const struct lab *l, enum tg_offload_reason why);

struct tg_wire_report report(struct lab *l, const struct tg_msg_offload_get *get);

int run_denial_tests(void);
int run_mark_tests(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The groups of tests of the packets program, one a file. */
#ifndef TG_TEST_PACKETS_H
#define TG_TEST_PACKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#define D(reason) TG_DROP_##reason

int run_flow_tests(void);
int run_sctp_tests(void);
int run_state_tests(void);
int run_sweep_tests(void);
int run_tcp_tests(void);
int run_tcp_rule_tests(void);
int run_header_tests(void);
int run_fragment_tests(void);
int run_link_tests(void);
int run_icmp_tests(void);
int run_epoch_tests(void);
int run_life_tests(void);
int run_limit_tests(void);
int run_flood_tests(void);
int run_hash_tests(void);
int run_namespace_tests(void);
int run_worker_tests(void);
int run_order_tests(void);
int run_owner_tests(void);
int run_express_tests(void);
int run_hardware_tests(void);
int run_zone_tests(void);

/* A world with the plain rules in force. */
static inline void world_ready(struct world *w)
{
	world_defaults(w);
	world_start(w);
	world_rules(w, 0);
}

/* Plays lines in a fresh world. */
#define PLAY_FRESH(lines)             \
	do {                          \
		struct world world_;  \
		world_ready(&world_); \
		PLAY(&world_, lines); \
		world_stop(&world_);  \
	} while (0)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tries on a live port what its profile says: a rule, packets that have to match it and packets
 * that must not, one line of the profile after the other. What the profile does not list is not
 * asked. A hazard that is listed may show or not; one that is not listed must not.
 *
 * Packets come from a generator at the other end of the port's cable, where nothing else sends. The
 * port is stopped and started; nobody else may have rules in it.
 */
#ifndef TG_VERIFY_H
#define TG_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "profile.h"
#include "vec.h"

#define TG_VERIFY_NONE UINT16_MAX

/* X(SYMBOL, "what people read") */
#define TG_VERIFY_VERDICTS(X) \
	X(OK, "ok")           \
	X(WRONG, "WRONG")     \
	X(UNTESTED, "not testable here")

enum tg_verify_verdict {
#define X(sym, text) TG_VERIFY_##sym,
	TG_VERIFY_VERDICTS(X)
#undef X
		TG_VERIFY_VERDICT_COUNT
};

const char *tg_verify_verdict_name(enum tg_verify_verdict verdict);

struct tg_verify_line {
	char engine[64]; /* "fdb transfer"; empty: of the whole device */
	char line[96];	 /* "ipv4.src mask prefix" */
	enum tg_verify_verdict verdict;
	char why[TG_NIC_WHY]; /* empty: nothing to add */
};

struct tg_verify_report {
	TG_VEC(struct tg_verify_line) lines;
};

struct tg_verify_config {
	const struct tg_nic_profile *profile;
	uint16_t port, generator; /* ethdevs, of tg_verify_port_open */
	/* A second port of the NIC, to forward to, and the port that it is cabled to, or NONE. */
	uint16_t other, catcher;
	struct rte_mempool *pool;
	uint32_t capacity; /* rules that are put in at most to find out how many fit; 0: do not */
	void (*wait)(uint32_t ms);
};

/* Configures and starts a port for it. 0 or -errno. */
int tg_verify_port_open(uint16_t port, struct rte_mempool *pool);
/*
 * One line for each statement, in `report`, to be freed also after an error. 0; -errno: what the
 * report says is not all: no memory, the port does not start, -ENOLINK nothing comes through the
 * cable.
 */
int tg_verify_run(const struct tg_verify_config *config, struct tg_verify_report *report);
void tg_verify_report_free(struct tg_verify_report *report);
uint32_t tg_verify_count(const struct tg_verify_report *report, enum tg_verify_verdict verdict);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parser hands to the runner. */
#ifndef TG_TEST_TRACE_INTERNAL_H
#define TG_TEST_TRACE_INTERNAL_H

#include "ruleset.h"
#include "trace.h"
#include "world.h"

#define TRACE_ALLOWS 16
#define TRACE_TEXT 1024 /* a packet's words, translated */

/* Verdicts beside PASSED and the drop reasons: HELD is `hold`. */
#define TRACE_NONE (HELD + 1)

enum trace_what {
	TRACE_PACKET,
	TRACE_CONNECTIONS,
	TRACE_HALF_OPEN,
	TRACE_FRAGMENTS,
	TRACE_CREATED,
	TRACE_EVICTED,
	TRACE_HELD,
	TRACE_DROPS,
};

struct trace_line {
	unsigned int number; /* in the file */
	enum trace_what what;
	uint64_t at; /* ms since the start */
	/* a packet */
	char *words; /* not translated */
	unsigned int port;
	unsigned int verdict;	   /* PASSED, HELD or a drop reason */
	unsigned int held;	   /* packets held before that it decides about */
	unsigned int held_verdict; /* PASSED or a drop reason */
	/* a check */
	unsigned int reason;
	uint64_t value;
};

struct trace_scenario {
	unsigned int number;
	char *name;
	int family;			  /* 0: both */
	bool several_workers;		  /* it may be run with them */
	struct tg_datapath_config config; /* with the settings */
	struct ruleset_allow allow[TRACE_ALLOWS];
	unsigned int n_allows;
	struct trace_line *lines;
	unsigned int n_lines;
};

struct trace {
	char *name;
	struct trace_scenario *scenarios;
	unsigned int n_scenarios;
};

/* Words as packet.h wants them, with addresses of the family. The first word that means nothing, or
 * NULL. */
const char *trace_translate(const char *words, int family, char out[TRACE_TEXT]);
/* Which of FROM>TO is meant, and the port (INSIDE, OUTSIDE) that FROM is behind; false: neither. */
bool trace_direction(const char *word, unsigned int *port);
/* Applies a setting; false: no such key or value. */
bool trace_set(struct trace_scenario *scenario, const char *key, const char *value);
/* Seconds with up to three decimals. */
bool trace_ms(const char *text, uint64_t *ms);

#endif

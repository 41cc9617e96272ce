/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits on the connections of namespaces: which have one, the slots that count them, and the
 * numbers that exact addresses name them by (ruleset.h).
 */
#ifndef TG_COMPILE_QUOTAS_H
#define TG_COMPILE_QUOTAS_H

#include <stdint.h>

struct limit {
	uint64_t identity;
	uint32_t limit; /* connections; 0: none */
	uint32_t slot;
	uint16_t number; /* from 1; 0: no limit */
};

struct limits {
	struct limit *v; /* by index of the namespace in struct scopes */
	uint32_t n;
};

struct job;

/* Takes their slots. */
int limits_take(struct job *job);
void limits_free(struct limits *limits);

/* The number of the namespace of this index (TG_NONE: unknown). */
static inline uint16_t limits_number(const struct limits *limits, uint32_t ns)
{
	return ns < limits->n ? limits->v[ns].number : 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What burst.h asks of its includer, where vectors do not pay or there are none. */
#ifndef TG_CLASSIFY_BURST_PORTABLE_H
#define TG_CLASSIFY_BURST_PORTABLE_H

#include "classifier.h"

#define VECTOR 1u

static inline void homes4(const struct exact *t, uint32_t *addr, uint32_t *home, unsigned int n)
{
	for (unsigned int a = 0; a < n; a++) {
		addr[a] = rte_be_to_cpu_32(addr[a]);
		home[a] = exact_home4(t, addr[a]);
	}
}

static inline unsigned int list_missed(const uint32_t *cls, unsigned int n, uint32_t *missed)
{
	unsigned int count = 0;

	for (unsigned int a = 0; a < n; a++) {
		missed[count] = a;
		count += cls[a] >= LANE_PENDING;
	}
	return count;
}

#endif

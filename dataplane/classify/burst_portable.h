/* SPDX-License-Identifier: BSD-3-Clause */
/* What burst.h asks of its includer, where vectors do not pay or there are none. */
#ifndef TG_CLASSIFY_BURST_PORTABLE_H
#define TG_CLASSIFY_BURST_PORTABLE_H

#include "classifier.h"

#define VECTOR 1u

static inline void homes4(
	const struct exact *t, const uint32_t *addr, uint32_t *home, unsigned int n)
{
	for (unsigned int a = 0; a < n; a++)
		home[a] = exact_home4(t, addr[a]);
}

static inline unsigned int list_missed(const uint32_t *cls, unsigned int n, uint32_t *missed)
{
	unsigned int count = 0;

	for (unsigned int a = 0; a < n; a++) {
		missed[count] = a;
		count += cls[a] >> 31;
	}
	return count;
}

static_assert(LPM_DEEPER == 1u << 31 && LANE_PENDING >> 31 == 1, "list_missed looks at top bits");

static inline void walk4(
	const struct lpm4 *t, uint32_t *addr, uint32_t *found, unsigned int n, uint32_t *list)
{
	unsigned int deeper = 0, blocks = 0;

	for (unsigned int a = 0; a < n; a++) {
		addr[a] = rte_be_to_cpu_32(addr[a]);
		found[a] = lpm4_root_entry(t, addr[a]);
		list[deeper] = a;
		deeper += found[a] / LPM_DEEPER;
	}
	for (unsigned int j = 0; j < deeper; j++) {
		const uint32_t a = list[j];

		found[a] = lpm4_node_entry(t, found[a], addr[a]);
		list[blocks] = a;
		blocks += found[a] / LPM_DEEPER;
	}
	for (unsigned int j = 0; j < blocks; j++)
		rte_prefetch0(
			block_address(&t->blocks, lpm4_block_at(found[list[j]], addr[list[j]])));
	for (unsigned int j = 0; j < blocks; j++) {
		const uint32_t a = list[j];

		found[a] = block_class(&t->blocks, lpm4_block_at(found[a], addr[a]));
	}
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC that marks the packets of connections, and the owner of its rules, as far as a worker sees
 * them: every connection that the worker offers is taken, and has a mark from then on. Every
 * failure ends the program.
 */
#ifndef TG_PERF_MARKS_H
#define TG_PERF_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "hardware.h"

struct marks;

/* For a worker that has no packets yet; room for `flows` connections. */
struct marks *marks_attach(struct tg_worker *worker, uint32_t flows);
/* After the worker is freed. */
void marks_free(struct marks *marks);
/* Takes what is offered; how many. */
uint32_t marks_take(struct marks *marks);
/* Has the worker heard of all that was taken? */
bool marks_told(const struct marks *marks);
/* The mark of a frame's connection. */
uint32_t marks_of(const struct marks *marks, const struct rte_mbuf *m);

static inline void marks_stamp(struct rte_mbuf *m, uint32_t mark)
{
	m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	m->hash.fdir.hi = mark;
}

#endif

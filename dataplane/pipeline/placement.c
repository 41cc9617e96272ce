/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

static void forget(struct tg_worker *w, uint16_t port)
{
	w->placement[port].seen = 0;
	w->placement[port].trusted = false;
	atomic_fetch_and_explicit(
		&w->dp->trusting[port], ~(1ull << w->index), memory_order_relaxed);
}

uint8_t placement_look(struct tg_worker *w, uint16_t port)
{
	struct placement *placement = &w->placement[port];
	const uint8_t placed = w->dp->config.ports[port].placed;
	uint32_t placing;

	if (placed == 0)
		return 0;
	placing = atomic_load_explicit(&w->dp->placing[port], memory_order_relaxed);
	if (unlikely(placement->placing != placing)) {
		placement->placing = placing;
		forget(w, port);
	}
	if (!placement->trusted)
		return 0;
	if (--placement->due != 0)
		return placed;
	placement->due = PLACEMENT_LOOK;
	return 0;
}

/*
 * What no worker has believed yet may be of before the port was told how to place; who believes
 * already learns anew then. Who believed it himself has seen it turn wrong.
 */
static void misplaced(struct tg_worker *w, uint16_t port)
{
	struct placement *placement = &w->placement[port];
	uint32_t placing = placement->placing;
	bool believed = atomic_load_explicit(&w->dp->trusting[port], memory_order_relaxed) != 0;

	w->stats->misplaced++;
	if (believed && atomic_compare_exchange_strong_explicit(&w->dp->placing[port], &placing,
				placement->trusted ? PLACING_WRONG : placing + 1,
				memory_order_relaxed, memory_order_relaxed))
		atomic_store_explicit(&w->dp->trusting[port], 0, memory_order_relaxed);
	forget(w, port);
}

void placement_note(struct tg_worker *w, const struct tg_packet *p, bool home)
{
	struct placement *placement = &w->placement[p->port];

	if (placement->placing == PLACING_WRONG)
		return;
	if (!home) {
		misplaced(w, p->port);
		return;
	}
	placement->seen |= 1ull << (p->hash % 64);
	if (placement->trusted || __builtin_popcountll(placement->seen) < PLACEMENT_SHOWN)
		return;
	placement->trusted = true;
	placement->due = PLACEMENT_LOOK;
	atomic_fetch_or_explicit(&w->dp->trusting[p->port], 1ull << w->index, memory_order_relaxed);
}

enum tg_port_placement tg_datapath_placement(const struct tg_datapath *dp, uint16_t port)
{
	if (dp->config.ports[port].placed == 0 || dp->config.rss.reta_size == 0 ||
		dp->config.n_workers == 1)
		return TG_PORT_PLACEMENT_SOFTWARE;
	if (atomic_load_explicit(&dp->placing[port], memory_order_relaxed) == PLACING_WRONG)
		return TG_PORT_PLACEMENT_WRONG;
	return atomic_load_explicit(&dp->trusting[port], memory_order_relaxed) != 0
		       ? TG_PORT_PLACEMENT_TRUSTED
		       : TG_PORT_PLACEMENT_LEARNING;
}

void tg_datapath_placed_anew(struct tg_datapath *dp, uint16_t port, bool placed)
{
	uint32_t placing = atomic_load_explicit(&dp->placing[port], memory_order_relaxed);

	/* Workers forget when packets come; until then nobody believes it either. */
	atomic_store_explicit(&dp->trusting[port], 0, memory_order_relaxed);
	atomic_store_explicit(
		&dp->placing[port], placed ? placing + 1 : PLACING_WRONG, memory_order_relaxed);
}

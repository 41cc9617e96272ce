/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

static inline void add(struct tg_worker *w, uint32_t slot, uint64_t packets, uint64_t bytes)
{
	/* Rulesets with larger slots are refused before they come into force. */
	if (unlikely(slot >= w->slot_capacity))
		return;
	w->slots[slot].packets += packets;
	w->slots[slot].bytes += bytes;
}

void charge_slot(
	struct tg_worker *w, uint32_t slot, uint64_t packets, uint64_t bytes, uint64_t connections)
{
	add(w, slot, packets, bytes);
	if (likely(slot < w->slot_capacity))
		w->slots[slot].connections += connections;
}

static void charge_audit(struct tg_worker *w, const uint32_t verdict[2], uint64_t packets)
{
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		uint32_t slot = tg_verdict_slot(verdict[i]);

		if (tg_verdict_action(verdict[i]) != TG_ACTION_AUDIT || slot >= w->slot_capacity)
			continue;
		if (i == TG_INGRESS && slot == tg_verdict_slot(verdict[TG_EGRESS]) &&
			tg_verdict_action(verdict[TG_EGRESS]) == TG_ACTION_AUDIT)
			continue;
		w->slots[slot].would_deny += packets;
	}
}

void charge(struct tg_worker *w, const uint32_t verdict[2], uint64_t packets, uint64_t bytes)
{
	uint32_t egress = tg_verdict_slot(verdict[TG_EGRESS]);
	uint32_t ingress = tg_verdict_slot(verdict[TG_INGRESS]);

	add(w, egress, packets, bytes);
	if (ingress != egress)
		add(w, ingress, packets, bytes);
	if (unlikely(tg_verdict_action(verdict[TG_EGRESS]) == TG_ACTION_AUDIT ||
		     tg_verdict_action(verdict[TG_INGRESS]) == TG_ACTION_AUDIT))
		charge_audit(w, verdict, packets);
}

void fold(struct tg_worker *w, struct tg_table *table, struct tg_conn *c)
{
	const uint64_t byte_mask = TG_CONN_COUNT_PACKET - 1;
	const uint64_t one = c->count[0], other = c->count[1];
	uint64_t packets = (one >> TG_CONN_COUNT_SHIFT) + (other >> TG_CONN_COUNT_SHIFT);
	uint64_t bytes = (one & byte_mask) + (other & byte_mask);

	if (packets == 0)
		return;
	c->count[0] = c->count[1] = 0;
	charge(w, tg_table_cold(table, c)->verdict, packets, bytes);
}

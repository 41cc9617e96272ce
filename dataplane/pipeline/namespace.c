/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections count for a namespace that has a limit from when they begin until they end, in the
 * slot of its record. The limit is for all workers together (budget.h). When a connection is judged
 * again it moves to where it then belongs; what is open already is never cut by a limit.
 */
#include "internal.h"

const struct tg_namespace_limit *namespace_of(const struct tg_worker *w, const struct tg_key *key,
	uint8_t family, unsigned int initiator, unsigned int port, const struct tg_judgement *j)
{
	const struct tg_namespace_limit *limit;
	struct tg_tuple tuple;

	tuple_make(&tuple, key, family, initiator, w->dp->config.ports[port].zone);
	limit = tg_classify_namespace(w->gen->classifier, &tuple, j);
	/* Rulesets with larger slots are refused before they come into force. */
	return limit != NULL && limit->slot < w->slot_capacity ? limit : NULL;
}

bool namespace_admit(struct tg_worker *w, const struct tg_namespace_limit *limit)
{
	return limit == NULL || tg_budget_take(&w->dp->budget, w->index, limit->slot, limit->limit);
}

void namespace_waive(struct tg_worker *w, const struct tg_namespace_limit *limit)
{
	if (limit != NULL)
		tg_budget_return(&w->dp->budget, w->index, limit->slot);
}

void namespace_join(
	struct tg_worker *w, struct tg_conn_cold *cold, const struct tg_namespace_limit *limit)
{
	if (limit == NULL)
		return;
	cold->ns = limit->slot & (TG_NAMESPACE_SLOT_MAX - 1);
	w->slots[cold->ns].open++;
}

void namespace_leave(struct tg_worker *w, struct tg_conn_cold *cold)
{
	if (cold->ns == 0)
		return;
	w->slots[cold->ns].open--;
	tg_budget_return(&w->dp->budget, w->index, cold->ns);
	cold->ns = 0;
}

void namespace_move(
	struct tg_worker *w, struct tg_conn_cold *cold, const struct tg_namespace_limit *limit)
{
	if (limit != NULL && limit->slot == cold->ns)
		return;
	namespace_leave(w, cold);
	if (limit != NULL)
		tg_budget_charge(&w->dp->budget, w->index, limit->slot);
	namespace_join(w, cold, limit);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What depends on the other rules that are installed. */
#include "admit.h"

bool tg_nic_rules_meet(const struct tg_nic_rule *a, const struct tg_nic_rule *b)
{
	return a->domain == b->domain && a->port == b->port && a->group == b->group &&
	       tg_nic_match_overlap(&a->match, &b->match);
}

/* Which of two rules of one priority acts is not defined; of equal ones the profile says it. */
static bool overlaps(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	bool equal = tg_nic_match_equal(&ask->rule->match, &installed->match);

	if (!tg_nic_rules_meet(ask->rule, installed) || ask->rule->priority != installed->priority)
		return false;
	if (equal && ask->engine->duplicates == TG_NIC_DUPLICATES_FIRST_WINS)
		return false; /* a hazard */
	tg_nic_refuse(ask, "%s with that priority is installed",
		equal ? "such a match" : "a match that overlaps it");
	return true;
}

static bool shape_differs(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	const struct tg_nic_match *a = &ask->rule->match, *b = &installed->match;
	bool one_type = a->family == b->family && a->protocol == b->protocol;

	if (tg_nic_match_same_shape(a, b))
		return false;
	if (ask->engine->shapes == TG_NIC_SHAPES_GLOBAL)
		return !tg_nic_refuse(ask, "all rules match the same fields by the same masks");
	if (ask->engine->shapes == TG_NIC_SHAPES_PER_TYPE && one_type)
		return !tg_nic_refuse(
			ask, "all rules of a protocol match the same fields by the same masks");
	return false;
}

bool tg_nic_conflicts(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine,
	const struct tg_nic_rule *rule, const struct tg_nic_rule *installed, char why[TG_NIC_WHY])
{
	const struct tg_nic_ask ask = {profile, engine, rule, why};

	return overlaps(&ask, installed) || shape_differs(&ask, installed) ||
	       !tg_nic_hazards_spare_both(&ask, installed);
}

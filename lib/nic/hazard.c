/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is refused because a driver would do otherwise than asked, without saying so. One function a
 * hazard; none where the hazard is not a matter of what is asked but of how its owner behaves.
 */
#include <string.h>

#include "admit.h"

/* Fields of the transport header, or what stands for ports. */
#define PORT_FIELDS                                                                          \
	(1u << TG_NIC_TCP_SPORT | 1u << TG_NIC_TCP_DPORT | 1u << TG_NIC_TCP_FLAGS |          \
		1u << TG_NIC_UDP_SPORT | 1u << TG_NIC_UDP_DPORT | 1u << TG_NIC_SCTP_SPORT |  \
		1u << TG_NIC_SCTP_DPORT | 1u << TG_NIC_ICMP_TYPE | 1u << TG_NIC_ICMP_IDENT | \
		1u << TG_NIC_ICMPV6_TYPE)

static bool engine_has(
	const struct tg_nic_profile *profile, size_t engine, enum tg_nic_hazard_id hazard)
{
	const struct tg_nic_hazard *h = &profile->hazards[hazard];

	return h->present && (h->engines >> engine & 1) != 0;
}

static size_t index_of(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine)
{
	return (size_t)(engine - profile->engines);
}

bool tg_nic_hazard_in(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine,
	enum tg_nic_hazard_id hazard)
{
	size_t index = index_of(profile, engine);

	if (engine_has(profile, index, hazard))
		return true;
	return engine_has(profile, index, TG_NIC_HAZARD_ENGINE_FALLBACK) &&
	       profile->hazards[hazard].present;
}

/* --- of one rule --- */

static bool mask_widened(const struct tg_nic_ask *ask)
{
	const struct tg_nic_match *match = &ask->rule->match;
	uint32_t fields = ask->profile->hazards[TG_NIC_HAZARD_MASK_WIDENED].fields & match->fields;

	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if ((fields >> f & 1) != 0 &&
			tg_nic_match_masking(match, (enum tg_nic_field)f) != TG_NIC_MASK_EXACT)
			return tg_nic_refuse(ask, "a partial mask on %s is left out of the match",
				tg_nic_field_place((enum tg_nic_field)f)->key);
	return true;
}

static bool group_ignored(const struct tg_nic_ask *ask)
{
	if (ask->rule->group == 0 && !tg_nic_does(ask->rule, TG_NIC_JUMP))
		return true;
	return tg_nic_refuse(ask, "groups are ignored");
}

static bool vlan_blind(const struct tg_nic_ask *ask)
{
	if (tg_nic_keeps_out(ask->rule, TG_NIC_GUARD_TAGS) ||
		(!tg_nic_does(ask->rule, TG_NIC_DROP) && !tg_nic_does(ask->rule, TG_NIC_FORWARD)))
		return true;
	return tg_nic_refuse(ask, "tagged packets would match as well");
}

static bool fragment_matched(const struct tg_nic_ask *ask)
{
	const struct tg_nic_rule *rule = ask->rule;

	if ((rule->match.fields & PORT_FIELDS) == 0 || tg_nic_does(rule, TG_NIC_SOFTWARE) ||
		tg_nic_keeps_out(rule, TG_NIC_GUARD_FRAGMENTS))
		return true;
	return tg_nic_refuse(ask, "first fragments would match, others not");
}

static bool options_matched(const struct tg_nic_ask *ask)
{
	if (!tg_nic_does(ask->rule, TG_NIC_FORWARD) ||
		tg_nic_keeps_out(ask->rule, TG_NIC_GUARD_OPTIONS))
		return true;
	return tg_nic_refuse(ask, "packets with IPv4 options would be forwarded as well");
}

static bool extensions_matched(const struct tg_nic_ask *ask)
{
	if (!tg_nic_does(ask->rule, TG_NIC_FORWARD) || ask->rule->match.family == 4)
		return true;
	return tg_nic_refuse(ask, "packets with extension headers would be forwarded as well");
}

static bool stale_counter(const struct tg_nic_ask *ask)
{
	uint32_t stale = ask->engine->counters.stale_ms;

	if (ask->rule->age_s == 0 || (uint64_t)ask->rule->age_s * 1000 > stale)
		return true;
	return tg_nic_refuse(ask, "idle for %u s cannot be told from counters that are %u ms late",
		ask->rule->age_s, stale);
}

/* --- of two rules --- */

static bool priority_ignored(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	if (!tg_nic_rules_meet(ask->rule, installed))
		return true;
	return tg_nic_refuse(ask, "priorities are ignored, and it overlaps another rule");
}

static bool one_mask(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	if (tg_nic_match_same_shape(&ask->rule->match, &installed->match))
		return true;
	return tg_nic_refuse(ask, "the masks of the rules that are installed would be used for it");
}

static bool first_wins(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	if (!tg_nic_rules_meet(ask->rule, installed) ||
		ask->rule->priority != installed->priority ||
		!tg_nic_match_equal(&ask->rule->match, &installed->match))
		return true;
	return tg_nic_refuse(ask, "of equal matches only the first acts, and one is installed");
}

/* --- all of them --- */

static bool next_engine(const struct tg_nic_ask *ask);
static bool next_engine_both(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed);

static const struct check {
	bool (*spares)(const struct tg_nic_ask *ask);
	bool (*spares_both)(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed);
} checks[TG_NIC_HAZARD_COUNT] = {
	[TG_NIC_HAZARD_MASK_WIDENED] = {.spares = mask_widened},
	[TG_NIC_HAZARD_ENGINE_FALLBACK] = {next_engine, next_engine_both},
	[TG_NIC_HAZARD_PRIORITY_IGNORED] = {.spares_both = priority_ignored},
	[TG_NIC_HAZARD_GROUP_IGNORED] = {.spares = group_ignored},
	[TG_NIC_HAZARD_ONE_MASK] = {.spares_both = one_mask},
	[TG_NIC_HAZARD_FIRST_WINS] = {.spares_both = first_wins},
	[TG_NIC_HAZARD_VLAN_BLIND] = {.spares = vlan_blind},
	[TG_NIC_HAZARD_FRAGMENT_MATCHED] = {.spares = fragment_matched},
	[TG_NIC_HAZARD_STALE_COUNTER] = {.spares = stale_counter},
	[TG_NIC_HAZARD_NO_OPTIONS] = {.spares = options_matched},
	[TG_NIC_HAZARD_EXTENSIONS] = {.spares = extensions_matched},
};

/* Engine number `engine` alone, without what it falls back to. */
static bool spared(const struct tg_nic_ask *ask, size_t engine, enum tg_nic_hazard_id hazard,
	const struct tg_nic_rule *installed)
{
	const struct check *check = &checks[hazard];

	if (!engine_has(ask->profile, engine, hazard))
		return true;
	if (installed != NULL)
		return check->spares_both == NULL || check->spares_both(ask, installed);
	return check->spares == NULL || check->spares(ask);
}

static bool all_spared(const struct tg_nic_ask *ask, size_t engine, bool alone,
	const struct tg_nic_rule *installed)
{
	for (int h = 0; h < TG_NIC_HAZARD_COUNT; h++)
		if (!(alone && h == TG_NIC_HAZARD_ENGINE_FALLBACK) &&
			!spared(ask, engine, (enum tg_nic_hazard_id)h, installed))
			return false;
	return true;
}

static bool next_engine_both(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	struct tg_nic_ask next = *ask;

	for (size_t e = 0; e < ask->profile->n_engines; e++) {
		next.engine = &ask->profile->engines[e];
		if (next.engine != ask->engine && !all_spared(&next, e, true, installed))
			return false;
	}
	return true;
}

static bool next_engine(const struct tg_nic_ask *ask)
{
	return next_engine_both(ask, NULL);
}

bool tg_nic_hazards_spare_both(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed)
{
	return all_spared(ask, index_of(ask->profile, ask->engine), false, installed);
}

bool tg_nic_hazards_spare(const struct tg_nic_ask *ask)
{
	return tg_nic_hazards_spare_both(ask, NULL);
}

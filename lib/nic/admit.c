/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether an engine does what a rule says. Refused is whatever is not listed: first what is no
 * rule at all, then what the driver is not known to take, then what it would do otherwise than
 * asked (hazard.c).
 */
#include "admit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT(n) (1u << (n))
#define REWRITES (BIT(TG_NIC_SET_IPV4) | BIT(TG_NIC_SET_IPV6) | BIT(TG_NIC_SET_PORTS))
#define ON_THE_WAY_OUT (REWRITES | BIT(TG_NIC_DEC_TTL) | BIT(TG_NIC_SET_MAC))

#define FLAGS_KEPT 0x07 /* FIN, SYN, RST; RFC 9293 section 3.1 */
#define NO_OPTIONS_IHL 5

bool tg_nic_refuse(const struct tg_nic_ask *ask, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(ask->why, TG_NIC_WHY, fmt, args);
	va_end(args);
	return false;
}

bool tg_nic_does(const struct tg_nic_rule *rule, enum tg_nic_action action)
{
	return (rule->actions & BIT(action)) != 0;
}

/* --- what is a rule at all --- */

static bool field_belongs(const struct tg_nic_match *match, int field)
{
	const struct tg_nic_field_kind *kind = tg_nic_field_kind((enum tg_nic_field)field);

	return (kind->family == 0 || kind->family == match->family) &&
	       (kind->protocol == 0 || kind->protocol == match->protocol);
}

/* Bits of the header that `field` can have. */
static void add_field_bits(struct tg_nic_header *bits, int field)
{
	const struct tg_nic_field_place *place = tg_nic_field_place((enum tg_nic_field)field);

	tg_nic_field_full((enum tg_nic_field)field, (uint8_t *)bits + place->offset);
}

static bool match_sound(const struct tg_nic_match *match)
{
	struct tg_nic_header bits = {0};
	const uint8_t *mask = (const uint8_t *)&match->mask, *spec = (const uint8_t *)&match->spec;

	if ((match->family != 4 && match->family != 6) || (match->untagged && match->tagged) ||
		match->fields >> TG_NIC_FIELD_COUNT != 0)
		return false;
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		if ((match->fields & BIT(f)) == 0)
			continue;
		if (!field_belongs(match, f) ||
			tg_nic_match_masking(match, (enum tg_nic_field)f) == TG_NIC_MASK_NEVER)
			return false;
		add_field_bits(&bits, f);
	}
	for (size_t i = 0; i < sizeof(bits); i++)
		if ((mask[i] & ~((const uint8_t *)&bits)[i]) != 0 || (spec[i] & ~mask[i]) != 0)
			return false;
	return true;
}

static bool one_fate(const struct tg_nic_rule *rule)
{
	return __builtin_popcount(rule->actions & TG_NIC_FATES) == 1 &&
	       rule->actions >> TG_NIC_ACTION_COUNT == 0;
}

/* Nothing is done to a packet that does not leave, none of another family or without ports. */
static bool actions_sound(const struct tg_nic_rule *rule)
{
	uint8_t protocol = rule->match.protocol;

	if (!tg_nic_does(rule, TG_NIC_FORWARD) && (rule->actions & ON_THE_WAY_OUT) != 0)
		return false;
	if (tg_nic_does(rule, TG_NIC_JUMP) && (rule->actions & ~BIT(TG_NIC_JUMP)) != 0)
		return false;
	if (tg_nic_does(rule, TG_NIC_MARK) && !tg_nic_does(rule, TG_NIC_SOFTWARE))
		return false;
	if (tg_nic_does(rule, TG_NIC_AGE) && rule->age_s == 0)
		return false;
	if (tg_nic_does(rule, TG_NIC_SET_IPV4) && rule->match.family != 4)
		return false;
	if (tg_nic_does(rule, TG_NIC_SET_IPV6) && rule->match.family != 6)
		return false;
	return !tg_nic_does(rule, TG_NIC_SET_PORTS) || protocol == 6 || protocol == 17 ||
	       protocol == 132;
}

bool tg_nic_rule_sound(const struct tg_nic_rule *rule)
{
	return match_sound(&rule->match) && one_fate(rule) && actions_sound(rule) &&
	       rule->domain < TG_NIC_DOMAIN_COUNT;
}

/* --- what the driver is known to take --- */

static bool takes_domain(const struct tg_nic_ask *ask)
{
	if ((ask->engine->domains & BIT(ask->rule->domain)) != 0)
		return true;
	return tg_nic_refuse(ask, "no %s rules", tg_nic_domain_name(ask->rule->domain));
}

static bool takes_protocol(const struct tg_nic_ask *ask)
{
	enum tg_nic_protocol protocol = tg_nic_protocol_of(ask->rule->match.protocol);

	if ((ask->engine->protocols & BIT(protocol)) != 0)
		return true;
	if (protocol == TG_NIC_PROTOCOL_OTHER)
		return tg_nic_refuse(ask, "protocol %u is not listed", ask->rule->match.protocol);
	return tg_nic_refuse(ask, "protocol %s is not listed", tg_nic_protocol_name(protocol));
}

/* A family is known when any of its own header's fields is. */
static bool takes_family(const struct tg_nic_ask *ask)
{
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if (tg_nic_field_kind((enum tg_nic_field)f)->protocol == 0 &&
			tg_nic_field_kind((enum tg_nic_field)f)->family ==
				ask->rule->match.family &&
			ask->engine->masking[f] != TG_NIC_MASK_NEVER)
			return true;
	return tg_nic_refuse(ask, "IPv%u is not listed", ask->rule->match.family);
}

/* What a match asks of a field. */
static enum tg_nic_masking asked(const struct tg_nic_match *match, enum tg_nic_field field)
{
	const struct tg_nic_field_place *place = tg_nic_field_place(field);
	const uint8_t *spec = (const uint8_t *)&match->spec + place->offset;
	enum tg_nic_masking masking = tg_nic_match_masking(match, field);

	for (unsigned int i = 0; i < place->size; i++)
		if (spec[i] != 0)
			return masking;
	return masking == TG_NIC_MASK_EXACT ? TG_NIC_MASK_ZERO : masking;
}

static bool takes_fields(const struct tg_nic_ask *ask)
{
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		enum tg_nic_masking wanted = asked(&ask->rule->match, (enum tg_nic_field)f);
		const char *key = tg_nic_field_place((enum tg_nic_field)f)->key;

		if (wanted <= ask->engine->masking[f])
			continue;
		if (ask->engine->masking[f] == TG_NIC_MASK_NEVER)
			return tg_nic_refuse(ask, "%s is not matched", key);
		return tg_nic_refuse(ask, "%s is matched by masks of kind %s only", key,
			tg_nic_masking_name(ask->engine->masking[f]));
	}
	if (ask->engine->needs_field && ask->rule->match.fields == 0)
		return tg_nic_refuse(ask, "a match needs a field");
	return true;
}

static bool takes_tags(const struct tg_nic_ask *ask)
{
	if (ask->rule->match.untagged && !ask->engine->untagged)
		return tg_nic_refuse(ask, "that packets are untagged cannot be stated");
	if (ask->rule->match.tagged && !ask->engine->tagged)
		return tg_nic_refuse(ask, "tagged packets cannot be asked for");
	return true;
}

/* Group 0 only jumps where rules belong to later groups. */
static bool takes_group(const struct tg_nic_ask *ask)
{
	const struct tg_nic_engine *engine = ask->engine;
	const struct tg_nic_rule *rule = ask->rule;
	bool jump = tg_nic_does(rule, TG_NIC_JUMP);

	if (rule->group >= engine->n_groups || (jump && rule->jump >= engine->n_groups))
		return tg_nic_refuse(ask, "no group above %u", engine->n_groups - 1);
	if (jump && (rule->jump <= rule->group || rule->jump < engine->first_group))
		return tg_nic_refuse(ask, "no jump from group %u to %u", rule->group, rule->jump);
	if (jump && !engine->miss_to_software && !tg_nic_keeps_out(rule, TG_NIC_GUARD_MISSED))
		return tg_nic_refuse(
			ask, "what no rule of group %u matches would be lost", rule->jump);
	if (!jump && rule->group < engine->first_group)
		return tg_nic_refuse(
			ask, "rules belong to group %u and above", engine->first_group);
	return true;
}

static bool takes_priority(const struct tg_nic_ask *ask)
{
	if (ask->rule->priority < ask->engine->n_priorities)
		return true;
	return tg_nic_refuse(ask, "no priority above %u", ask->engine->n_priorities - 1);
}

static bool takes_actions(const struct tg_nic_ask *ask)
{
	uint32_t missing = ask->rule->actions & ~ask->engine->actions;

	if (missing == 0)
		return true;
	return tg_nic_refuse(ask, "%s is not among its actions",
		tg_nic_action_name((enum tg_nic_action)__builtin_ctz(missing)));
}

static bool takes_mark(const struct tg_nic_ask *ask)
{
	if (!tg_nic_does(ask->rule, TG_NIC_MARK) || ask->rule->mark <= ask->engine->marks.max)
		return true;
	return tg_nic_refuse(ask, "no mark above %u", ask->engine->marks.max);
}

/* What software must see for itself whatever the NIC. */
static bool guarded(const struct tg_nic_ask *ask)
{
	if (!tg_nic_does(ask->rule, TG_NIC_FORWARD))
		return true;
	if (!tg_nic_keeps_out(ask->rule, TG_NIC_GUARD_FLAGS))
		return tg_nic_refuse(ask, "SYN, FIN and RST would be forwarded");
	if (tg_nic_does(ask->rule, TG_NIC_DEC_TTL) &&
		!tg_nic_keeps_out(ask->rule, TG_NIC_GUARD_LAST_HOP))
		return tg_nic_refuse(ask, "packets with a TTL of 1 would be forwarded");
	return true;
}

static bool (*const checks[])(const struct tg_nic_ask *ask) = {
	takes_domain,
	takes_family,
	takes_protocol,
	takes_fields,
	takes_tags,
	takes_group,
	takes_priority,
	takes_actions,
	takes_mark,
	guarded,
};

static bool taken(const struct tg_nic_ask *ask)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i](ask))
			return false;
	return true;
}

/* Adds what one engine says to what is said to the caller. */
static void add_why(char why[TG_NIC_WHY], const struct tg_nic_ask *ask)
{
	size_t used = strlen(why);

	if (ask->profile->n_engines > 1)
		snprintf(why + used, TG_NIC_WHY - used, "%s%s: %s", used != 0 ? "; " : "",
			ask->engine->name, ask->why);
	else
		snprintf(why, TG_NIC_WHY, "%s", ask->why);
}

const struct tg_nic_engine *tg_nic_admits(
	const struct tg_nic_profile *profile, const struct tg_nic_rule *rule, char why[TG_NIC_WHY])
{
	char reason[TG_NIC_WHY];
	struct tg_nic_ask ask = {profile, NULL, rule, reason};

	snprintf(why, TG_NIC_WHY, "nothing is offloaded to this NIC");
	if (profile->n_engines == 0)
		return NULL;
	snprintf(why, TG_NIC_WHY, "the rule contradicts itself");
	if (!tg_nic_rule_sound(rule))
		return NULL;
	why[0] = '\0';
	for (size_t i = 0; i < profile->n_engines; i++) {
		bool takes;

		ask.engine = &profile->engines[i];
		takes = taken(&ask);
		if (takes && tg_nic_hazards_spare(&ask))
			return ask.engine;
		add_why(why, &ask);
		if (takes)
			return NULL; /* the driver would not try the next */
	}
	return NULL;
}

/* --- what software must see --- */

static bool flags_kept_out(const struct tg_nic_match *match)
{
	if (match->protocol != 0 && match->protocol != 6)
		return true;
	return (match->mask.tcp_flags & FLAGS_KEPT) == FLAGS_KEPT &&
	       (match->spec.tcp_flags & FLAGS_KEPT) == 0;
}

/* Behind an IPv6 fragment header no other protocol is directly behind the IP header. */
static bool fragments_kept_out(const struct tg_nic_match *match)
{
	if (match->family == 6)
		return match->protocol != 0;
	return match->mask.fragment[0] == 0x3f && match->mask.fragment[1] == 0xff &&
	       match->spec.fragment[0] == 0 && match->spec.fragment[1] == 0;
}

static bool options_kept_out(const struct tg_nic_match *match)
{
	return match->family == 6 || (match->mask.ihl == 0xf && match->spec.ihl == NO_OPTIONS_IHL);
}

static bool last_hop_kept_out(const struct tg_nic_match *match)
{
	return (match->spec.ttl & 0xfe) != 0;
}

static bool tags_kept_out(const struct tg_nic_match *match)
{
	return match->untagged;
}

static bool nothing_missed(const struct tg_nic_match *match)
{
	return false;
}

bool tg_nic_keeps_out(const struct tg_nic_rule *rule, enum tg_nic_guard guard)
{
	static bool (*const by_match[])(const struct tg_nic_match *match) = {
		[TG_NIC_GUARD_FLAGS] = flags_kept_out,
		[TG_NIC_GUARD_FRAGMENTS] = fragments_kept_out,
		[TG_NIC_GUARD_OPTIONS] = options_kept_out,
		[TG_NIC_GUARD_LAST_HOP] = last_hop_kept_out,
		[TG_NIC_GUARD_TAGS] = tags_kept_out,
		[TG_NIC_GUARD_MISSED] = nothing_missed,
	};

	return (rule->guarded & BIT(guard)) != 0 || by_match[guard](&rule->match);
}

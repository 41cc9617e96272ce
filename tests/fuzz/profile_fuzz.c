/* SPDX-License-Identifier: BSD-3-Clause */
/* Arbitrary bytes as the profile of a NIC, and rules held against what is accepted. */
#include <stdlib.h>
#include <string.h>

#include "profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t address[16] = {10, 1, 2, 3}, prefix[16] = {255, 128}, zero[16];

/* A rule of one field, dropped or forwarded. */
static struct tg_nic_rule rule_of(enum tg_nic_field field, const void *spec, const void *mask)
{
	struct tg_nic_rule rule = {.match = {.family = 4, .protocol = 6}};

	if (field >= TG_NIC_IPV6_SRC && field <= TG_NIC_IPV6_HOP_LIMIT)
		rule.match.family = 6;
	if (field >= TG_NIC_UDP_SPORT)
		rule.match.protocol = field < TG_NIC_SCTP_SPORT ? 17 : 132;
	rule.actions = 1u << TG_NIC_DROP;
	tg_nic_match_set(&rule.match, field, spec, mask);
	return rule;
}

/* What is admitted is listed, whatever the profile says. */
static void check_admitted(const struct tg_nic_profile *profile, const struct tg_nic_rule *rule,
	enum tg_nic_field field)
{
	char why[TG_NIC_WHY], text[TG_NIC_MATCH_TEXT];
	const struct tg_nic_engine *engine = tg_nic_admits(profile, rule, why);
	enum tg_nic_masking masking = tg_nic_match_masking(&rule->match, field);

	tg_nic_match_text(&rule->match, text);
	if (engine == NULL) {
		if (why[0] == '\0')
			abort();
		return;
	}
	if ((engine->actions & 1u << TG_NIC_DROP) == 0 || engine->masking[field] == 0)
		abort();
	if (masking > engine->masking[field] && engine->masking[field] != TG_NIC_MASK_ZERO)
		abort();
	tg_nic_conflicts(profile, engine, rule, rule, why);
}

static void check_profile(const struct tg_nic_profile *profile)
{
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		enum tg_nic_field field = (enum tg_nic_field)f;
		struct tg_nic_rule rule = rule_of(field, address, prefix);
		uint8_t full[16];

		check_admitted(profile, &rule, field);
		tg_nic_field_full(field, full);
		rule = rule_of(field, zero, full);
		check_admitted(profile, &rule, field);
	}
	/* Nothing is used that lacks its reason, and nothing is left out without one. */
	for (int s = 0; s < TG_NIC_STRATEGY_COUNT; s++)
		if (((profile->strategies >> s & 1) != 0) != (profile->why_not[s] == NULL))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_nic_profiles *profiles = NULL;
	char *errors = NULL;

	if (tg_nic_profiles_parse("x.yaml", data, size, &profiles, &errors) == 0) {
		if (errors != NULL || tg_nic_profiles_count(profiles) != 1)
			abort();
		check_profile(tg_nic_profiles_at(profiles, 0));
	} else if (errors == NULL || errors[0] == '\0') {
		abort();
	}
	free(errors);
	tg_nic_profiles_free(profiles);
	return 0;
}

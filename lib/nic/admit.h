/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that judge rules share. */
#ifndef TG_NIC_ADMIT_H
#define TG_NIC_ADMIT_H

#include "profile.h"

/* One rule, judged for one engine. */
struct tg_nic_ask {
	const struct tg_nic_profile *profile;
	const struct tg_nic_engine *engine;
	const struct tg_nic_rule *rule;
	char *why; /* TG_NIC_WHY bytes */
};

/* Says why not. Always false. */
bool tg_nic_refuse(const struct tg_nic_ask *ask, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool tg_nic_does(const struct tg_nic_rule *rule, enum tg_nic_action action);

/* Whether the hazards to be reckoned with leave the rule alone, taken alone. */
bool tg_nic_hazards_spare(const struct tg_nic_ask *ask);
/* The same next to an installed rule. */
bool tg_nic_hazards_spare_both(const struct tg_nic_ask *ask, const struct tg_nic_rule *installed);

/* In one group of one port: can one packet match both? */
bool tg_nic_rules_meet(const struct tg_nic_rule *a, const struct tg_nic_rule *b);

#endif

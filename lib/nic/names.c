/* SPDX-License-Identifier: BSD-3-Clause */
/* What profiles call things, from the lists in the headers. */
#include <string.h>

#include "read.h"

static int find(const struct tg_nic_words *words, const char *key)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->v[i], key) == 0)
			return (int)i;
	return -1;
}

#define KEY(sym, key, ...) key,
#define HAPPENS(sym, key, happens, refused) happens,
#define REFUSED(sym, key, happens, refused) refused,

#define NAMES(noun, ...)                                                       \
	static const char *const noun##_names[] = {__VA_ARGS__};               \
	const struct tg_nic_words tg_nic_##noun##_words = {                    \
		noun##_names, sizeof(noun##_names) / sizeof(noun##_names[0])}; \
	const char *tg_nic_##noun##_name(enum tg_nic_##noun value)             \
	{                                                                      \
		return noun##_names[value];                                    \
	}                                                                      \
	int tg_nic_##noun##_find(const char *key)                              \
	{                                                                      \
		return find(&tg_nic_##noun##_words, key);                      \
	}

NAMES(field, TG_NIC_FIELDS(KEY))
NAMES(action, TG_NIC_ACTIONS(KEY))
NAMES(domain, "ingress", "egress", "transfer")
NAMES(protocol, TG_NIC_PROTOCOLS(KEY))
NAMES(guard, TG_NIC_GUARDS(KEY))
NAMES(masking, TG_NIC_MASKINGS(KEY))
NAMES(shapes, TG_NIC_SHAPES(KEY))
NAMES(duplicates, TG_NIC_DUPLICATES(KEY))
NAMES(on_stop, TG_NIC_ON_STOP(KEY))
NAMES(placed, TG_NIC_PLACED(KEY))
NAMES(placing, TG_NIC_PLACINGS(KEY))
NAMES(strategy, TG_NIC_STRATEGIES(KEY))
NAMES(hazard_id, TG_NIC_HAZARDS(KEY))
NAMES(engine_fact, TG_NIC_ENGINE_FACTS(KEY))
NAMES(fact, TG_NIC_FACTS(KEY))

const char *tg_nic_hazard_happens(enum tg_nic_hazard_id hazard)
{
	static const char *const texts[] = {TG_NIC_HAZARDS(HAPPENS)};

	return texts[hazard];
}

const char *tg_nic_hazard_refused(enum tg_nic_hazard_id hazard)
{
	static const char *const texts[] = {TG_NIC_HAZARDS(REFUSED)};

	return texts[hazard];
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a NIC places packets, as far as software can know it. */
#include <stdio.h>
#include <string.h>

#include "profile.h"

#define ALL ((1u << TG_NIC_PLACED_COUNT) - 1)

/* Those that are placed otherwise: "tcp6, udp6 by addresses". */
static void say_others(const struct tg_nic_profile *profile, uint32_t others, char why[TG_NIC_WHY])
{
	size_t used = 0;

	why[0] = '\0';
	for (int p = 0; p < TG_NIC_PLACED_COUNT; p++)
		if ((others >> p & 1) != 0 && used < TG_NIC_WHY)
			used += (size_t)snprintf(why + used, TG_NIC_WHY - used,
				"%s%s is placed by %s", used != 0 ? ", " : "",
				tg_nic_placed_name((enum tg_nic_placed)p),
				tg_nic_placing_name((enum tg_nic_placing)profile->placing[p]));
}

uint8_t tg_nic_places(const struct tg_nic_profile *profile, char why[TG_NIC_WHY])
{
	uint32_t placed = 0;

	if ((profile->strategies & 1u << TG_NIC_STRATEGY_STEER) == 0) {
		snprintf(why, TG_NIC_WHY, "%s", profile->why_not[TG_NIC_STRATEGY_STEER]);
		return 0;
	}
	for (int p = 0; p < TG_NIC_PLACED_COUNT; p++)
		if (profile->placing[p] == TG_NIC_PLACING_KEY)
			placed |= 1u << p;
	say_others(profile, ALL & ~placed, why);
	return (uint8_t)placed;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "load.h"

static bool lists(const char *const *texts, const char *text)
{
	for (; *texts != NULL; texts++)
		if (strcmp(*texts, text) == 0)
			return true;
	return false;
}

size_t tg_nic_profiles_count(const struct tg_nic_profiles *profiles)
{
	return profiles->list.n;
}

const struct tg_nic_profile *tg_nic_profiles_at(
	const struct tg_nic_profiles *profiles, size_t index)
{
	return profiles->list.v[index];
}

const struct tg_nic_profile *tg_nic_profiles_find(
	const struct tg_nic_profiles *profiles, const char *name)
{
	for (size_t i = 0; i < profiles->list.n; i++)
		if (strcmp(profiles->list.v[i]->name, name) == 0)
			return profiles->list.v[i];
	return NULL;
}

const struct tg_nic_profile *tg_nic_profiles_select(
	const struct tg_nic_profiles *profiles, const char *driver, const char *device)
{
	const struct tg_nic_profile *by_driver = NULL;

	for (size_t i = 0; i < profiles->list.n; i++) {
		const struct tg_nic_profile *p = profiles->list.v[i];

		if (!lists(p->drivers, driver) || p->devargs[0] != NULL)
			continue;
		if (p->devices[0] == NULL)
			by_driver = p;
		else if (device != NULL && lists(p->devices, device))
			return p;
	}
	return by_driver != NULL ? by_driver : tg_nic_profiles_find(profiles, TG_NIC_GENERIC);
}

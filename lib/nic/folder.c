/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "profile.h"

/* Whether this program lies where it was built. */
static bool is_built(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	size_t root = strlen(TG_NIC_BUILD);

	return n > (ssize_t)root && memcmp(path, TG_NIC_BUILD, root) == 0 && path[root] == '/';
}

const char *tg_nic_profiles_folder(void)
{
	return is_built() ? TG_NIC_SOURCE : TG_NIC_INSTALLED;
}

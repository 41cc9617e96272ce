/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles that devices name, each loaded once and kept: the ports of one NIC have to share it. */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
	struct loaded *next;
	struct tg_nic_profiles *profiles;
	char path[];
};

static struct loaded *all;

static const struct tg_nic_profile *find(const char *path)
{
	for (const struct loaded *l = all; l != NULL; l = l->next)
		if (strcmp(l->path, path) == 0)
			return tg_nic_profiles_at(l->profiles, 0);
	return NULL;
}

int nm_profile_load(const char *path, const struct tg_nic_profile **profile)
{
	struct loaded *l;
	char *errors = NULL;
	int rc;

	*profile = find(path);
	if (*profile != NULL)
		return 0;
	l = malloc(sizeof(*l) + strlen(path) + 1);
	if (l == NULL)
		return -ENOMEM;
	strcpy(l->path, path);
	rc = tg_nic_profiles_load_file(path, &l->profiles, &errors);
	if (rc != 0) {
		fprintf(stderr, "%s: %s\n", path, errors != NULL ? errors : strerror(-rc));
		free(errors);
		free(l);
		return rc;
	}
	l->next = all;
	all = l;
	*profile = tg_nic_profiles_at(l->profiles, 0);
	return 0;
}

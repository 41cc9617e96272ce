/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "nic_verify.h"

#define PROGRAM "tidegate-nic-verify"

/* Beside this program; where they were built, seen from it; where it is installed. */
static const char *const places[] = {"%s/" PROGRAM, "%s/../../dataplane/verify/" PROGRAM,
	"%.0s" TG_NIC_VERIFY_FOLDER "/" PROGRAM};

/* The folder of this program. */
static bool own_folder(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *end;

	if (n <= 0)
		return false;
	path[n] = '\0';
	end = strrchr(path, '/');
	if (end != NULL)
		*end = '\0';
	return end != NULL;
}

int tg_nic_verify(struct tg_cli *cli, char **argv)
{
	char own[PATH_MAX], path[PATH_MAX + 64];

	if (!own_folder(own))
		return tg_cli_fail(cli, "nic", "where is this program? %s", strerror(errno));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), places[i], own);
		fflush(cli->out);
		execv(path, argv);
		if (errno != ENOENT)
			return tg_cli_fail(cli, "nic", "%s: %s", path, strerror(errno));
	}
	return tg_cli_fail(cli, "nic", "%s is not installed: neither beside this program nor in %s",
		PROGRAM, TG_NIC_VERIFY_FOLDER);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

int eal_start(const char *name)
{
	char words[][40] = {"test", "--no-huge", "--no-shconf", "--no-pci", "-m", "256", "-l", "0",
		"--no-telemetry", "--log-level", "error", "--file-prefix", ""};
	char *args[sizeof(words) / sizeof(words[0])];
	int n = (int)(sizeof(words) / sizeof(words[0]));

	for (int i = 0; i < n; i++)
		args[i] = words[i];
	snprintf(words[n - 1], sizeof(words[0]), "tg-%s-%d", name, (int)getpid());
	return rte_eal_init(n, args) < 0 ? -rte_errno : 0;
}

/* DPDK leaves the folder of its runtime files behind, empty. */
void eal_stop(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(path);
}

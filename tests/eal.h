/* SPDX-License-Identifier: BSD-3-Clause */
/* The EAL for tests: no huge pages, no devices, no files left behind. */
#ifndef TG_TEST_EAL_H
#define TG_TEST_EAL_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_random.h>

static inline void test_eal_start(const char *mib)
{
	char *argv[] = {(char *)"test", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"--no-telemetry", (char *)"--log-level=error",
		(char *)"-l", (char *)"0", (char *)"-m", (char *)mib, NULL};

	cpu_set_t cpus;

	/* The EAL ties the thread to one processor; tests run beside each other. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
		rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0 ||
		sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
		fprintf(stderr, "no EAL\n");
		exit(1);
	}
	rte_srand(1); /* the seeds of hashes: the same in every run */
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static bool parse(struct replay *replay, const char *unit, int argc, char **argv)
{
	const struct option longs[] = {
		{"seed", required_argument, NULL, 's'},
		{unit, required_argument, NULL, 'w'},
		{"only", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		char *end;
		uint64_t value;

		if (c == '?')
			return false;
		value = strtoull(optarg, &end, 10);
		if (*end != '\0')
			return false;
		if (c == 's')
			replay->seed = value;
		else if (c == 'w')
			replay->want = value;
		else
			replay->only = (int64_t)value;
	}
	return optind == argc;
}

bool replay_read(
	struct replay *replay, const char *program, const char *unit, int argc, char **argv)
{
	replay->only = -1;
	if (getrandom(&replay->seed, sizeof(replay->seed), 0) != (ssize_t)sizeof(replay->seed))
		replay->seed = (uint64_t)getpid();
	replay->seed >>= 20; /* short enough to retype */
	if (!parse(replay, unit, argc, argv)) {
		fprintf(stderr, "usage: %s [--seed N] [--%s N] [--only CLUSTER]\n", program, unit);
		return false;
	}
	printf("seed %llu\n", (unsigned long long)replay->seed);
	fflush(stdout);
	return true;
}

int replay_covered(bool met)
{
	if (met)
		return 0;
	printf("FAILED: the run did not meet everything that it should\n");
	return -ENODATA;
}

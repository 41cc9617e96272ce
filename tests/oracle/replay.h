/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the command line of a random test may say, and how such a run can be had again:
 *
 *	PROGRAM [--seed N] [--UNIT N] [--only CLUSTER]
 */
#ifndef TG_TEST_REPLAY_H
#define TG_TEST_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct replay {
	uint64_t seed; /* of now, unless given */
	uint64_t want; /* units; as set before, unless given */
	int64_t only;  /* number of the only cluster, or -1 */
};

/* Reads the words and prints the seed. False, after a line about usage: they are wrong. */
bool replay_read(
	struct replay *replay, const char *program, const char *unit, int argc, char **argv);
/* 0, or -ENODATA, after saying so, when the run did not `meet` all that it has to. */
int replay_covered(bool met);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of tidegate-nic-verify. */
#ifndef TG_VERIFY_OPTIONS_H
#define TG_VERIFY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_EAL_MAX 16

enum role { ROLE_PORT, ROLE_GENERATOR, ROLE_OTHER, ROLE_CATCHER, ROLE_COUNT };

struct options {
	const char *devices[ROLE_COUNT]; /* PCI addresses or vdevs; NULL: not given */
	const char *folder, *profile;	 /* of the profiles; its name, NULL: by the device */
	const char *nic;		 /* what to call it in `verified` */
	const char *eal[OPTIONS_EAL_MAX];
	uint32_t n_eal;
	uint32_t capacity;
	bool no_huge, json;
};

/* -1: go on; else the exit code: what was asked for, or what is wrong, has been said. */
int options_read(struct options *options, int argc, char **argv);

#endif

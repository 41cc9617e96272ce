/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TG_FUZZ_REQUIRE_H
#define TG_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What does not hold is a finding. */
static inline void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

#endif

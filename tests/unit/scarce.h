/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that runs out where a test wants it: malloc, calloc, realloc, aligned_alloc and strdup of
 * whatever is linked statically (the linker wraps them).
 */
#ifndef TG_TESTS_SCARCE_H
#define TG_TESTS_SCARCE_H

#include <stdbool.h>
#include <stdint.h>

/* From now on the n-th allocation fails, and no other. */
void scarce_begin(uint64_t n);
/* None does any more. Whether it has come to that. */
bool scarce_end(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An arena: memory that is given back all at once. Not thread-safe. Allocation failure returns
 * NULL; callers of the control process treat it as fatal for the operation at hand.
 */
#ifndef TG_BASE_ARENA_H
#define TG_BASE_ARENA_H

#include <stddef.h>

struct tg_arena;

/* `chunk` is the size in bytes of the pieces asked of malloc; 0 for a default. */
struct tg_arena *tg_arena_create(size_t chunk);
void tg_arena_free(struct tg_arena *arena);
/* Overwrites what was allocated, secrets, with zeros that the compiler may not leave out. */
void tg_arena_wipe(struct tg_arena *arena);
/* Zeroed, aligned to 16 bytes. */
void *tg_arena_alloc(struct tg_arena *arena, size_t size);
void *tg_arena_calloc(struct tg_arena *arena, size_t n, size_t size);
void *tg_arena_memdup(struct tg_arena *arena, const void *data, size_t size);
char *tg_arena_strdup(struct tg_arena *arena, const char *text);
char *tg_arena_printf(struct tg_arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

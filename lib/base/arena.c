/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16u
#define DEFAULT_CHUNK (64u * 1024u)

struct chunk {
	struct chunk *next;
	size_t size; /* of data */
	_Alignas(ALIGN) unsigned char data[];
};

struct tg_arena {
	struct chunk *head; /* the one being filled */
	size_t used;	    /* in head */
	size_t chunk_size;
};

struct tg_arena *tg_arena_create(size_t chunk)
{
	struct tg_arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->chunk_size = chunk != 0 ? chunk : DEFAULT_CHUNK;
	return arena;
}

void tg_arena_free(struct tg_arena *arena)
{
	struct chunk *next;

	if (arena == NULL)
		return;
	for (struct chunk *c = arena->head; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

void tg_arena_wipe(struct tg_arena *arena)
{
	for (struct chunk *c = arena->head; c != NULL; c = c->next)
		explicit_bzero(c->data, c->size);
}

static struct chunk *grow(struct tg_arena *arena, size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (c == NULL)
		return NULL;
	c->size = size;
	return c;
}

void *tg_arena_alloc(struct tg_arena *arena, size_t size)
{
	struct chunk *c;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (arena->head != NULL && arena->head->size - arena->used >= size) {
		p = arena->head->data + arena->used;
		arena->used += size;
		return p;
	}
	if (size > arena->chunk_size / 4 && arena->head != NULL) {
		/* A large piece gets a chunk of its own behind the one being filled. */
		c = grow(arena, size);
		if (c == NULL)
			return NULL;
		c->next = arena->head->next;
		arena->head->next = c;
		return c->data;
	}
	c = grow(arena, size > arena->chunk_size ? size : arena->chunk_size);
	if (c == NULL)
		return NULL;
	c->next = arena->head;
	arena->head = c;
	arena->used = size;
	return c->data;
}

void *tg_arena_calloc(struct tg_arena *arena, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return tg_arena_alloc(arena, n * size);
}

void *tg_arena_memdup(struct tg_arena *arena, const void *data, size_t size)
{
	void *p = tg_arena_alloc(arena, size);

	if (p != NULL && size != 0)
		memcpy(p, data, size);
	return p;
}

char *tg_arena_strdup(struct tg_arena *arena, const char *text)
{
	return tg_arena_memdup(arena, text, strlen(text) + 1);
}

char *tg_arena_printf(struct tg_arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = tg_arena_alloc(arena, (size_t)n + 1);
	if (p != NULL)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

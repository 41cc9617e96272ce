/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dense blocks: the classes of 256 addresses in a row each, the last byte of the address choosing
 * among them. Where pods sit close together, as in the ranges of nodes, an address costs two bytes
 * instead of its share of a hash table, and no comparison. Classes take four bytes when there are
 * more than 65,536 of them.
 *
 * One writer; any number of workers read. A class changes by one store. A block is filled before
 * anything leads to it, and never given back.
 */
#ifndef TG_CLASSIFY_BLOCK_H
#define TG_CLASSIFY_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

#define BLOCK_SIZE 256u
#define BLOCKS_MAX (1u << 22) /* so that 31 bits number the 32-bit words of all */

struct blocks {
	void *classes;	   /* of 1 << log bytes each; writer: edits; workers: read */
	uint32_t n, limit; /* blocks in use and at most; the writer's */
	uint32_t log;
};

/* 0, -ENOMEM or -E2BIG; then there are none. */
int blocks_init(struct blocks *b, uint64_t limit, uint32_t n_classes, int socket);
void blocks_free(struct blocks *b);
size_t blocks_size(const struct blocks *b);
/* Bytes of a class, as a power of two. */
static inline uint32_t blocks_log(uint32_t n_classes)
{
	return n_classes > 65536 ? 2 : 1;
}

/*
 * Whether blocks may take the place of a hash table that has `bytes` for each of n addresses: when
 * they are no larger than that, or do not matter.
 */
bool blocks_pay(uint64_t n_blocks, uint64_t n, uint32_t bytes, uint32_t n_classes);
/* How many blocks are kept for `room` addresses that may come. */
uint32_t blocks_spare(uint32_t room);

/* `at` is a block's number times BLOCK_SIZE and the last byte of an address. */
void block_fill(struct blocks *b, uint32_t at, uint32_t count, uint32_t cls);
static inline void block_set(struct blocks *b, uint32_t at, uint32_t cls)
{
	if (b->log == 1)
		__atomic_store_n((uint16_t *)b->classes + at, (uint16_t)cls, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint32_t *)b->classes + at, cls, __ATOMIC_RELAXED);
}

static inline uint32_t block_class(const struct blocks *b, uint32_t at)
{
	if (b->log == 1)
		return __atomic_load_n((const uint16_t *)b->classes + at, __ATOMIC_RELAXED);
	return __atomic_load_n((const uint32_t *)b->classes + at, __ATOMIC_RELAXED);
}

static inline const void *block_address(const struct blocks *b, uint32_t at)
{
	return (const char *)b->classes + ((size_t)at << b->log);
}

#endif

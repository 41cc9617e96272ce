/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the lookup tables: 64-byte aligned and zeroed, from huge pages of a NUMA node when
 * the EAL has any. A table keeps its size beside the pointer, for tg_classifier_size.
 */
#ifndef TG_CLASSIFY_MEMORY_H
#define TG_CLASSIFY_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <rte_malloc.h>

#define TABLE_ALIGN 64

/* NULL when there is no room, or when n * size overflows; free with rte_free. */
static inline void *table_alloc(size_t n, size_t size, int socket)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	return rte_zmalloc_socket(
		"tg_classify", bytes == 0 ? TABLE_ALIGN : bytes, TABLE_ALIGN, socket);
}

/* A 32-bit hash to 0..n-1 without a division. */
static inline uint32_t spread(uint32_t hash, uint32_t n)
{
	return (uint32_t)((uint64_t)hash * n >> 32);
}

#endif

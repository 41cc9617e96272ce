/* SPDX-License-Identifier: BSD-3-Clause */
#include "block.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <rte_common.h>

#define SMALL 262144u	    /* bytes of blocks that are had without asking */
#define SPARE_LEAST 16u	    /* blocks */
#define SPARE_ADDRESSES 64u /* of which one block is kept */
#define SPARE_MOST 65536u   /* blocks */

int blocks_init(struct blocks *b, uint64_t limit, uint32_t n_classes, int socket)
{
	memset(b, 0, sizeof(*b));
	if (limit > BLOCKS_MAX)
		return -E2BIG;
	b->log = blocks_log(n_classes);
	b->classes = table_alloc(limit, (size_t)BLOCK_SIZE << b->log, socket);
	if (b->classes == NULL)
		return -ENOMEM;
	b->limit = (uint32_t)limit;
	return 0;
}

void blocks_free(struct blocks *b)
{
	rte_free(b->classes);
	memset(b, 0, sizeof(*b));
}

size_t blocks_size(const struct blocks *b)
{
	return ((size_t)b->limit * BLOCK_SIZE) << b->log;
}

bool blocks_pay(uint64_t n_blocks, uint64_t n, uint32_t bytes, uint32_t n_classes)
{
	const uint64_t size = (n_blocks * BLOCK_SIZE) << blocks_log(n_classes);

	return size <= RTE_MAX(n * bytes, (uint64_t)SMALL);
}

uint32_t blocks_spare(uint32_t room)
{
	return RTE_MIN(RTE_MIN(room, SPARE_LEAST + room / SPARE_ADDRESSES), SPARE_MOST);
}

void block_fill(struct blocks *b, uint32_t at, uint32_t count, uint32_t cls)
{
	for (uint32_t i = at; i < at + count; i++)
		block_set(b, i, cls);
}

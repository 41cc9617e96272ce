/* SPDX-License-Identifier: BSD-3-Clause */
#include "mapping.h"

#include <errno.h>
#include <stdlib.h>

int tg_mapping_create(int fd, struct tg_mapping **out)
{
	struct tg_mapping *m = calloc(1, sizeof(*m));
	int err;

	if (m == NULL)
		return -ENOMEM;
	err = tg_stats_map(&m->reader, fd);
	if (err != 0) {
		free(m);
		return err;
	}
	m->refs = 1;
	*out = m;
	return 0;
}

struct tg_mapping *tg_mapping_ref(struct tg_mapping *mapping)
{
	__atomic_fetch_add(&mapping->refs, 1, __ATOMIC_RELAXED);
	return mapping;
}

void tg_mapping_unref(struct tg_mapping *mapping)
{
	if (mapping == NULL || __atomic_sub_fetch(&mapping->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	tg_stats_unmap(&mapping->reader);
	free(mapping);
}

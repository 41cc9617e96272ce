/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/source: a hash table from (kind, namespace, name) to two pointers. */
#ifndef TG_SOURCE_INDEX_H
#define TG_SOURCE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_key {
	uint32_t kind; /* not 0 */
	uint32_t ns;
	uint32_t name;
};

struct index_entry {
	struct index_key key; /* kind 0: free */
	const void *object;
	void *owner;
};

/* Zero-initialised is empty. */
struct index {
	struct index_entry *v;
	size_t n, size; /* size is 0 or a power of two, more than n */
};

void index_free(struct index *index);
void index_clear(struct index *index);
/* Room for `more` further keys: until then index_put() cannot fail. 0 or -ENOMEM. */
int index_reserve(struct index *index, size_t more);
/* NULL when the key is absent. Entries move when keys are put or removed. */
struct index_entry *index_find(const struct index *index, struct index_key key);
/* The entry of the key, new (both pointers NULL) if need be; NULL when memory is out. */
struct index_entry *index_put(struct index *index, struct index_key key);
void index_remove(struct index *index, struct index_key key);

#endif

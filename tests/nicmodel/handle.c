/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A handle is a number and how often that number was given out. It looks like a pointer to who
 * gets it, and means nothing to whoever uses it after its object has gone.
 */
#include "model.h"

#include <stdlib.h>

#define NONE UINT32_MAX

static bool grow(struct nm_handles *handles)
{
	uint32_t cap = handles->cap * 2 + 64;
	struct nm_handle *v = realloc(handles->v, cap * sizeof(*v));

	if (v == NULL)
		return false;
	handles->v = v;
	handles->cap = cap;
	return true;
}

void *nm_handle_of(const struct nm_handles *handles, uint32_t index)
{
	return (void *)(uintptr_t)((uint64_t)handles->v[index].generation << 32 | (index + 1));
}

void *nm_handle_take(struct nm_handles *handles, void *object, uint32_t *index)
{
	uint32_t i;

	if (handles->n == 0)
		handles->free = NONE;
	if (handles->used >= NICMODEL_RULES_MAX)
		return NULL;
	if (handles->free != NONE) {
		i = handles->free;
		handles->free = handles->v[i].next;
	} else {
		if (handles->n == handles->cap && !grow(handles))
			return NULL;
		i = handles->n++;
		handles->v[i].generation = 0;
	}
	handles->v[i].object = object;
	handles->v[i].generation++;
	handles->used++;
	*index = i;
	return nm_handle_of(handles, i);
}

void *nm_handle_find(const struct nm_handles *handles, const void *handle)
{
	uint32_t index = (uint32_t)(uintptr_t)handle - 1;
	uint32_t generation = (uint32_t)((uintptr_t)handle >> 32);

	if (index >= handles->n || handles->v[index].generation != generation)
		return NULL;
	return handles->v[index].object;
}

void nm_handle_free(struct nm_handles *handles, uint32_t index)
{
	handles->v[index].object = NULL;
	handles->v[index].next = handles->free;
	handles->free = index;
	handles->used--;
}

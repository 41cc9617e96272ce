/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts of files into the decoder and the store. An input is a sequence of steps, separated by the
 * byte 0x1e; a step's first byte chooses the file ('0'.. '3'), the rest is its new text (nothing:
 * the file is removed). After each step what the store says must add up.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "store.h"
#include "walk.h"

#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_files(const struct tg_store *store)
{
	for (size_t i = 0; i < tg_store_file_count(store); i++) {
		struct tg_file_status status;

		tg_store_file(store, i, &status);
		require(status.refused == (status.n_errors != 0), "a refused file says why");
		require(status.refused || status.in_force, "a file is in force or refused");
		for (size_t k = 0; k < status.n_errors; k++)
			require(strlen(status.errors[k].text) != 0, "an error has a text");
	}
}

struct watch {
	struct tg_store *store;
	struct tg_view *old; /* of the step before, still held */
	uint64_t old_sum;
	size_t pods; /* as the changes say */
};

static void follow_changes(struct watch *w)
{
	struct tg_changes *changes = tg_store_take_changes(w->store);
	struct tg_view *view = tg_store_view(w->store);

	if (changes == NULL || view == NULL)
		abort();
	for (size_t i = 0; i < changes->n_pods; i++) {
		const struct tg_pod_change *c = &changes->pods[i];

		require(c->before != c->after, "a change changes something");
		if (c->before != NULL) {
			walk_pod(&view->cluster, c->before);
			w->pods--;
		}
		if (c->after != NULL) {
			walk_pod(&view->cluster, c->after);
			w->pods++;
		}
	}
	if (changes->other)
		w->pods = view->cluster.n_pods;
	require(w->pods == view->cluster.n_pods, "the changes lead to the view");
	tg_changes_release(w->store, changes);
	if (w->old != NULL)
		require(walk_cluster(&w->old->cluster) == w->old_sum, "a view stays as it was");
	tg_view_release(w->store, w->old);
	w->old = view;
	w->old_sum = walk_cluster(&view->cluster);
}

static void take_step(struct watch *w, const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a.yaml", "b.json", "c.endpoints", "d.yaml"};
	const char *name = size != 0 ? names[data[0] % 4] : NULL;

	if (size > 1)
		tg_store_load(w->store, name, data + 1, size - 1);
	else if (size == 1)
		tg_store_remove(w->store, name);
	check_files(w->store);
	follow_changes(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch w = {.store = tg_store_create()};
	const uint8_t *end;

	if (w.store == NULL)
		return 0;
	for (; size != 0; size -= (size_t)(end - data), data = end) {
		if (*data == SEPARATOR) {
			end = data + 1;
			continue;
		}
		end = memchr(data, SEPARATOR, size);
		if (end == NULL)
			end = data + size;
		take_step(&w, data, (size_t)(end - data));
	}
	tg_view_release(w.store, w.old);
	tg_store_free(w.store);
	return 0;
}

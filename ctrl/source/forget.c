/* SPDX-License-Identifier: BSD-3-Clause */
/* The watcher's paths: which are needed, and giving up the others. */
#include <string.h>

#include "watch_private.h"

static void keep_all(struct tg_bits *keep, const struct tg_vec_u32 *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		tg_bits_set(keep, paths->v[i]);
}

static void keep_needed(struct tg_bits *keep, const struct tg_watch *w)
{
	keep_all(keep, &w->roots);
	keep_all(keep, &w->dirty);
	keep_all(keep, &w->dirty_folders);
	keep_all(keep, &w->missing);
	for (size_t i = 0; i < w->folders.n; i++)
		tg_bits_set(keep, w->folders.v[i].path);
	for (size_t i = 0; i < w->problems.n; i++)
		tg_bits_set(keep, tg_intern_find(w->paths, w->problems.v[i].path));
	for (uint32_t i = 0; i < w->entries.n; i++)
		if (w->entries.v[i].known)
			tg_bits_set(keep, i);
}

/* The entry of a path that is forgotten starts afresh with the next path of its number. */
static void entries_forget(struct tg_watch *w, const struct tg_bits *keep)
{
	size_t count = tg_intern_count(w->paths);

	for (size_t i = 0; i < w->entries.n; i++)
		if (!tg_bits_has(keep, i))
			memset(&w->entries.v[i], 0, sizeof(w->entries.v[i]));
	if (w->entries.n > count)
		w->entries.n = count;
	tg_vec_trim(&w->entries);
}

/* Files with names of their own that come and go leave paths behind: those are given up. */
void watch_forget(struct tg_watch *w)
{
	size_t n = tg_watch_paths(w);
	struct tg_bits keep = {0};

	if (n < w->paths_base * 2 || n < w->paths_base + w->options.paths_more)
		return;
	if (tg_bits_reserve(&keep, tg_intern_count(w->paths)) != 0)
		return; /* the next collect tries again */
	keep_needed(&keep, w);
	if (tg_intern_sweep(w->paths, &keep) == 0) {
		entries_forget(w, &keep);
		w->paths_base = tg_watch_paths(w);
	}
	tg_bits_free(&keep);
}

size_t tg_watch_paths(const struct tg_watch *w)
{
	return tg_intern_used(w->paths);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the clusters stand that objects are read from. Made by the loop's thread, read by the HTTP
 * thread: immutable once it is published, shared by reference. Texts are copied into it.
 */
#ifndef TG_EXPORT_SOURCES_H
#define TG_EXPORT_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buffer.h"
#include "vec.h"

/* What is counted of a kind: field and member of JSON, tidegate_cluster_..._total, help. */
#define TG_SOURCE_COUNTERS(X)                                                                  \
	X(lists, "lists", "Lists that were complete.")                                         \
	X(watches, "watches", "Watches that were begun.")                                      \
	X(events, "events", "Events taken from watches.")                                      \
	X(bookmarks, "bookmarks", "Bookmarks taken from watches: nothing else has happened.")  \
	X(expired, "expired", "Times that the server had forgotten where we were (410 Gone).") \
	X(repeated, "events_repeated", "Events passed over: seen before.")                     \
	X(disordered, "events_disordered",                                                     \
		"Events older than one before, after which the kind was listed anew.")         \
	X(oversized, "objects_oversized", "Objects too large to be read.")                     \
	X(failures, "failures", "Requests that failed.")

/* One kind of one cluster, in all namespaces or in one. Times are Unix ms; 0: never. */
struct tg_source_kind {
	const char *resource, *api_version, *kind;
	const char *ns;	   /* "": all */
	const char *state; /* "watching", ... */
	bool enforced;	   /* else a policy kind that is only reported */
	bool optional, synced, stale;
	uint64_t objects, refused;
	const char *resource_version;
	uint64_t heard_at;   /* when it was last known to be as the server has it */
	uint64_t next_at;    /* waiting until; 0: it is not */
	const char *problem; /* in words that say what to do; "" none */
#define X(field, metric, help) uint64_t field;
	TG_SOURCE_COUNTERS(X)
#undef X
};

struct tg_source_cluster {
	const char *name, *server;
	uint16_t zone;
	bool synced, stale;
	uint64_t requests, bytes;	/* counters */
	int64_t certificate_expires_at; /* Unix seconds, of ours; 0: none */
	const char *discovery_problem;	/* "" none */
	TG_VEC(struct tg_source_kind) kinds;
};

struct tg_sources {
	struct tg_arena *arena;
	TG_VEC(struct tg_source_cluster) clusters;
	unsigned int refs; /* atomic */
};

/* NULL: out of memory. */
struct tg_sources *tg_sources_create(void);
struct tg_sources *tg_sources_ref(struct tg_sources *sources);
void tg_sources_unref(struct tg_sources *sources); /* NULL is fine */

/* Both are NULL for nothing to say. */
void tg_sources_write_metrics(
	struct tg_buffer *b, const struct tg_sources *sources, uint64_t now_ms);
/* ,"clusters":[...] */
void tg_sources_write_json(struct tg_buffer *b, const struct tg_sources *sources, uint64_t now_ms);
/* Why not everything was read yet: the first reason; "" when there is none to be seen. */
void tg_sources_why_not(const struct tg_sources *sources, char *why, size_t size);

#endif

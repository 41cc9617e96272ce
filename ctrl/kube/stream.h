/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Splits what an API server sends into objects while it comes in, so that a list of 100,000 pods
 * takes the memory of one. Knows the syntax of JSON (RFC 8259), the shape of a list
 * (metav1.ListMeta, `items`) and of watch events (metav1.WatchEvent: objects one after the other,
 * `type` and `object` in any order); objects themselves are handed on as text. What is handed on is
 * one map in correct JSON, but for what the decoder sees to: whether its strings are UTF-8.
 *
 * An object of more than `object_max` bytes is not kept. It is read to its end all the same, so
 * that it can be named.
 *
 * Fails closed: what an API server does not send ends the stream with -EPROTO. That is bad syntax
 * and wrong types; `kind`, `metadata`, `items`, `type`, `object` or any member of `metadata` that
 * is looked at here set twice in one map, since what another reader takes for the name would be a
 * guess; an item, or an object that was added, modified or deleted, without a metadata.name; a
 * name that is none (empty, too long, no printable ASCII); a list without `items` (null: none),
 * `kind` or `apiVersion`; a Status in place of a list; an unknown type of event. Other members are
 * skipped, wherever they stand. A caller has to take the objects of a list for provisional until
 * tg_kube_stream_end() has said that it was complete.
 */
#ifndef TG_KUBE_STREAM_H
#define TG_KUBE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_KUBE_OBJECT_MAX (4u << 20) /* bytes; etcd takes 1.5 MiB by default */
#define TG_KUBE_DEPTH_MAX 10048u      /* maps and lists in each other; the server takes 10,000 */

enum tg_kube_stream_kind { TG_KUBE_LIST, TG_KUBE_WATCH };

/* metav1.WatchEvent.type; an item of a list is ADDED. X(SYMBOL, "text") */
#define TG_KUBE_EVENTS(X)       \
	X(ADDED, "ADDED")       \
	X(MODIFIED, "MODIFIED") \
	X(DELETED, "DELETED")   \
	X(BOOKMARK, "BOOKMARK") \
	X(ERROR, "ERROR")

enum tg_kube_event {
#define X(sym, text) TG_KUBE_##sym,
	TG_KUBE_EVENTS(X)
#undef X
		TG_KUBE_EVENT_COUNT
};

/* metadata of an object, escapes undone: printable ASCII. Empty: it has none. */
struct tg_kube_meta {
	char name[254], ns[64], uid[64], resource_version[32];
	bool initial_events_end; /* annotation k8s.io/initial-events-end: "true" (bookmarks) */
};

/* A handler must not feed or free the stream. */
struct tg_kube_stream_handler {
	/*
	 * An object: of a list when its own end has come, of a watch with that of its event.
	 * `text` is not terminated and valid during the call. meta->name is empty in bookmarks and
	 * errors only. Nonzero stops: feed returns it.
	 */
	int (*object)(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
		const char *text, size_t size);
	/* One that is too large; `size` in bytes. */
	int (*oversized)(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
		uint64_t size);
};

/* Of a list, when it has ended. */
struct tg_kube_list_meta {
	char kind[64], api_version[128]; /* "PodList", "v1" */
	char resource_version[32];
	char *next; /* metadata.continue, percent-encoded for a query; NULL: this was the last page
		     */
	int64_t remaining; /* metadata.remainingItemCount; -1: not said */
};

struct tg_kube_stream;

/* NULL: out of memory. `object_max` 0: TG_KUBE_OBJECT_MAX. */
struct tg_kube_stream *tg_kube_stream_create(enum tg_kube_stream_kind kind, size_t object_max,
	const struct tg_kube_stream_handler *handler, void *ctx);
void tg_kube_stream_free(struct tg_kube_stream *stream);

/*
 * The next bytes. 0; -EPROTO: they are not what an API server sends; -ENOMEM; or what a handler
 * said. After any but 0 the stream is of no use any more, and says the same again.
 */
int tg_kube_stream_feed(struct tg_kube_stream *stream, const void *data, size_t size);
/*
 * There is no more: 0 when that is where it may end (a list is complete; a watch is between two
 * events), else -EPROTO, or what feed said.
 */
int tg_kube_stream_end(struct tg_kube_stream *stream);
/* After -EPROTO: "byte 1234: metadata.name: a string is expected"; else "". */
const char *tg_kube_stream_why(const struct tg_kube_stream *stream);
/* Of a TG_KUBE_LIST, after tg_kube_stream_end() said 0; owned by the stream. */
const struct tg_kube_list_meta *tg_kube_stream_list(const struct tg_kube_stream *stream);
/* Bytes of memory that the stream has: a constant, and what is kept of the object coming in. */
size_t tg_kube_stream_held(const struct tg_kube_stream *stream);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps somebody's picture of one resource as an API server has it: a list in pages, then a watch
 * from where the list ended, for ever. (Kubernetes API concepts: "Efficient detection of changes",
 * "Retrieving large results sets in chunks", "Streaming lists".)
 *
 *	list --complete--> watch --ended--> watch again from the last resourceVersion
 *	  ^                  |-- 410 Gone, events out of order --> list
 *	  '--- wait <--------'-- anything else that goes wrong: longer each time, with jitter
 *
 * What was known stays known while the server cannot be reached: nothing is taken back but by an
 * event, or by a list that is complete and does not have it.
 *
 * A list asks for what is most recent (no resourceVersion), so it never goes back in time. Where
 * the server streams lists (sendInitialEvents) that is tried first; one that refuses it is asked
 * for pages. A watch that is silent for longer than bookmarks are apart is given up for half open.
 * Three of them in a row are followed by a list: a server whose etcd was restored is silent, too.
 *
 * Lists that do not help for long come as slowly as other tries.
 *
 * A list that is of something else, or says no resourceVersion, is none, and so is an event
 * without: a proxy that answers for another server must not empty the picture.
 *
 * resourceVersions are compared where both are decimal numbers, as those of etcd are (and of every
 * server, by KEP-5504): an event that is not newer than the one before is a repetition, which is
 * passed over, or out of order, which means that the picture may be wrong: it is listed anew.
 *
 * One thread, that of the client's loop.
 */
#ifndef TG_KUBE_REFLECTOR_H
#define TG_KUBE_REFLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "stream.h"

/* X(SYMBOL, "name") */
#define TG_REFLECTOR_STATES(X)                                                 \
	X(NEW, "new")		  /* nothing was asked yet */                  \
	X(LISTING, "listing")	  /* the first time, or anew */                \
	X(WATCHING, "watching")	  /* it is told of every change */             \
	X(WAITING, "waiting")	  /* something went wrong; see `error` */      \
	X(FORBIDDEN, "forbidden") /* waiting: 403, we may not list or watch */ \
	X(ABSENT, "absent")	  /* waiting: 404, the server has no such resource */

enum tg_reflector_state {
#define X(sym, name) TG_REFLECTOR_##sym,
	TG_REFLECTOR_STATES(X)
#undef X
};

const char *tg_reflector_state_name(enum tg_reflector_state state);

/* `meta` and texts are valid during the call. */
struct tg_reflector_handler {
	/* A list begins; what was known before stays so for now. */
	void (*begin)(void *ctx);
	/* Added or changed; of a list, perhaps neither. -ENOMEM: it is tried again, from a list. */
	int (*put)(void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size);
	/* The same, but too large to be read. */
	int (*oversized)(void *ctx, const struct tg_kube_meta *meta, uint64_t size);
	void (*removed)(void *ctx, const struct tg_kube_meta *meta);
	/* The list is complete: what was not put since begin() is not there any more. */
	void (*end)(void *ctx);
	/* The state or the error is another one. May not free the reflector. */
	void (*changed)(void *ctx);
};

/* Milliseconds; what is 0 is as said. */
struct tg_reflector_times {
	uint32_t wait_min, wait_max; /* between tries: 800, 30,000 */
	uint32_t silence;	     /* of a watch: 150,000; bookmarks come once a minute */
	uint32_t list_silence;	     /* of a list: 60,000 */
	uint32_t watch;		     /* timeoutSeconds asked for, up to twice of it: 300,000 */
};

struct tg_reflector_options {
	const char *path;      /* "/api/v1/pods" */
	const char *query;     /* more to ask, "labelSelector=a%3Db"; NULL: nothing */
	const char *accept;    /* NULL: JSON of whole objects */
	const char *list_kind; /* what a list has to say that it is, "PodList"; NULL: anything */
	uint32_t page;	       /* objects; 0: 500 */
	size_t object_max;     /* bytes; 0: TG_KUBE_OBJECT_MAX */
	bool no_stream;	       /* never ask for a streamed list */
	struct tg_reflector_times times;
};

struct tg_reflector;

/* Strings of `options` are copied. 0 or -ENOMEM; the first request goes out from the loop. */
int tg_reflector_create(uv_loop_t *loop, struct tg_kube_client *client,
	const struct tg_reflector_options *options, const struct tg_reflector_handler *handler,
	void *ctx, struct tg_reflector **out);
/* The loop has to run until its timer is closed; the handler is not called any more. */
void tg_reflector_free(struct tg_reflector *r);
/* Lists anew, at once: the picture may be wrong for a reason of the caller's. Not by a handler. */
void tg_reflector_relist(struct tg_reflector *r);

struct tg_reflector_status {
	enum tg_reflector_state state;
	bool synced;	   /* a list was complete, once */
	uint64_t since;	   /* of the state; uv_now */
	uint64_t heard_at; /* when it last was, or became, up to date; 0: never */
	uint64_t lost_at;  /* synced, and out of touch since; 0: in touch */
	uint64_t next_at;  /* waiting until */
	char resource_version[32];
	char error[TG_KUBE_WHY];   /* the last one that has not been overcome; "" none */
	unsigned int error_status; /* HTTP, of it */
	uint64_t lists, watches, events, bookmarks, expired, repeated, disordered, oversized,
		failures;
};

void tg_reflector_status(const struct tg_reflector *r, struct tg_reflector_status *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An API server, asked by a program that has nothing else to do: every call returns when it is
 * answered, or when its time is over; then every later one is over at once, since a server that is
 * silent once would be asked a dozen times. Results are those of ctrl/kube/client.h.
 */
#ifndef TG_CLI_ASK_H
#define TG_CLI_ASK_H

#include "client.h"
#include "discovery.h"
#include "stream.h"
#include "tree.h"

#define TG_ASK_MS 20000u /* for one answer, where nothing else is said */
#define TG_ASK_PAGE 500	 /* objects */

struct tg_ask;

/* 0 or -errno; nothing is sent yet. The access outlives it. `ms` for an answer, or a page of a
 * list. */
int tg_ask_open(const struct tg_kube_access *access, uint32_t ms, struct tg_ask **out);
void tg_ask_close(struct tg_ask *ask); /* NULL is fine */

/* `root` is the answer's one value, valid during the call. Not called without one. */
typedef void tg_ask_seen(void *ctx, const struct tg_value *root);
void tg_ask_get(struct tg_ask *ask, const char *path, tg_ask_seen *seen, void *ctx,
	struct tg_kube_result *result);

/* An object of a list, of which no more than one is held. Nonzero ends the list (-ECANCELED). */
typedef int tg_ask_object(
	void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size);
/*
 * All pages of a list; `query` is appended to that of the pages, NULL: none. Objects that are too
 * large are passed over. A result without error and with a status of 2xx: the list was complete.
 */
void tg_ask_list(struct tg_ask *ask, const char *path, const char *query, tg_ask_object *object,
	void *ctx, struct tg_kube_result *result);

/* Whether a watch begins, which is all: `path` with the query of one. Status 2xx: it did. */
void tg_ask_watch(struct tg_ask *ask, const char *path, struct tg_kube_result *result);

/* Which resources there are: `handler` as of discovery.h. False: the groups could not be had. */
bool tg_ask_resources(struct tg_ask *ask, const struct tg_kube_discovery_handler *handler,
	void *ctx, char why[TG_KUBE_WHY]);

/* Unix seconds, of our client certificate; 0: none. After an answer. */
int64_t tg_ask_certificate_expires_at(const struct tg_ask *ask);

#endif

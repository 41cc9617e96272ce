/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole small answer of an API server, as a tree. */
#ifndef TG_KUBE_FETCH_H
#define TG_KUBE_FETCH_H

#include "client.h"
#include "tree.h"

#define TG_KUBE_FETCH_MAX (16u << 20) /* bytes of an answer */

struct tg_kube_fetch;

/*
 * `root` is the answer's one value, valid during the call; NULL when there is none, and then
 * result->why says why: also that what came is no JSON, or too much of it (error -EPROTO, -E2BIG).
 */
typedef void tg_kube_fetched(
	void *ctx, const struct tg_kube_result *result, const struct tg_value *root);

/* NULL: out of memory. `path` as of struct tg_kube_request; `ms` for the whole answer. */
struct tg_kube_fetch *tg_kube_fetch(struct tg_kube_client *client, const char *path, uint32_t ms,
	tg_kube_fetched *fetched, void *ctx);
/* `fetched` is not called any more. Not after it was. */
void tg_kube_fetch_cancel(struct tg_kube_fetch *fetch);

#endif

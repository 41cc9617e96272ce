/* SPDX-License-Identifier: BSD-3-Clause */
#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

struct tg_kube_fetch {
	struct tg_kube_call *call;
	tg_kube_fetched *fetched;
	void *ctx;
	TG_VEC(char) body;
	bool too_large;
};

static int on_data(void *ctx, const void *data, size_t size)
{
	struct tg_kube_fetch *f = ctx;

	f->too_large = size > TG_KUBE_FETCH_MAX - f->body.n;
	if (f->too_large)
		return -E2BIG;
	if (tg_vec_reserve(&f->body, f->body.n + size) != 0)
		return -ENOMEM;
	memcpy(f->body.v + f->body.n, data, size);
	f->body.n += size;
	return 0;
}

static void fetch_free(struct tg_kube_fetch *f)
{
	tg_vec_free(&f->body);
	free(f);
}

/* The answer is here: what it says, or why it says nothing. */
static void hand_on(struct tg_kube_fetch *f, struct tg_kube_result *result)
{
	struct tg_tree_error error = {0};
	struct tg_tree *tree = NULL;
	int err = tg_tree_parse(f->body.v != NULL ? f->body.v : "", f->body.n, &tree, &error);

	if (err == 0 && tg_tree_count(tree) != 1) {
		snprintf(error.text, sizeof(error.text), "expected one object");
		err = -EINVAL;
	}
	if (err != 0) {
		result->error = err == -ENOMEM ? err : -EPROTO;
		snprintf(result->why, sizeof(result->why), "the answer is not understood: %s",
			err == -ENOMEM ? "out of memory" : error.text);
	}
	f->fetched(f->ctx, result, err == 0 ? tg_tree_document(tree, 0) : NULL);
	tg_tree_free(tree);
}

static void on_done(void *ctx, const struct tg_kube_result *result)
{
	struct tg_kube_fetch *f = ctx;
	struct tg_kube_result own = *result;

	if (f->too_large) {
		own.error = -E2BIG;
		snprintf(own.why, sizeof(own.why), "the answer has more than %u bytes",
			TG_KUBE_FETCH_MAX);
	}
	if (own.error == 0 && own.status < 300)
		hand_on(f, &own);
	else
		f->fetched(f->ctx, &own, NULL);
	fetch_free(f);
}

struct tg_kube_fetch *tg_kube_fetch(struct tg_kube_client *client, const char *path, uint32_t ms,
	tg_kube_fetched *fetched, void *ctx)
{
	static const struct tg_kube_handler handler = {.data = on_data, .done = on_done};
	const struct tg_kube_request request = {.path = path, .total_ms = ms};
	struct tg_kube_fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->fetched = fetched;
	f->ctx = ctx;
	f->call = tg_kube_client_get(client, &request, &handler, f);
	if (f->call == NULL) {
		fetch_free(f);
		return NULL;
	}
	return f;
}

void tg_kube_fetch_cancel(struct tg_kube_fetch *f)
{
	if (f == NULL)
		return;
	tg_kube_call_cancel(f->call);
	fetch_free(f);
}

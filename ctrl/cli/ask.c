/* SPDX-License-Identifier: BSD-3-Clause */
#include "ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"

#define AGENT "tidegate/" TG_VERSION
#define PATH_TEXT 2048

struct tg_ask {
	uv_loop_t loop;
	uv_timer_t timer;
	struct tg_kube_client *client;
	uint32_t ms;
	bool silent; /* it did not answer in time */
};

int tg_ask_open(const struct tg_kube_access *access, uint32_t ms, struct tg_ask **out)
{
	const struct tg_kube_client_options options = {
		.access = access, .agent = AGENT, .connect_ms = ms};
	struct tg_ask *ask = calloc(1, sizeof(*ask));
	int err;

	if (ask == NULL)
		return -ENOMEM;
	ask->ms = ms;
	signal(SIGPIPE, SIG_IGN); /* as the client wants it */
	err = uv_loop_init(&ask->loop);
	if (err != 0) {
		free(ask);
		return err;
	}
	uv_timer_init(&ask->loop, &ask->timer);
	err = tg_kube_client_create(&ask->loop, &options, &ask->client);
	if (err != 0) {
		tg_ask_close(ask);
		return err;
	}
	*out = ask;
	return 0;
}

void tg_ask_close(struct tg_ask *ask)
{
	if (ask == NULL)
		return;
	tg_kube_client_free(ask->client);
	uv_close((uv_handle_t *)&ask->timer, NULL);
	uv_run(&ask->loop, UV_RUN_DEFAULT);
	uv_loop_close(&ask->loop);
	free(ask);
}

static void run_until(struct tg_ask *ask, const bool *done)
{
	while (!*done && uv_run(&ask->loop, UV_RUN_ONCE) != 0)
		;
}

static void no_memory(struct tg_kube_result *result)
{
	*result = (struct tg_kube_result){.error = -ENOMEM};
	snprintf(result->why, sizeof(result->why), "out of memory");
}

/* There is no use in asking: false, and what there is instead of an answer. */
static bool may_answer(const struct tg_ask *ask, struct tg_kube_result *result)
{
	if (!ask->silent)
		return true;
	*result = (struct tg_kube_result){.error = -ETIMEDOUT};
	snprintf(result->why, sizeof(result->why), "not asked: the server was silent before");
	return false;
}

/* --- one answer --- */

struct one {
	tg_ask_seen *seen;
	void *ctx;
	struct tg_kube_result *result;
	bool done;
};

static void on_fetched(void *ctx, const struct tg_kube_result *result, const struct tg_value *root)
{
	struct one *one = ctx;

	*one->result = *result;
	one->done = true;
	if (root != NULL && one->seen != NULL)
		one->seen(one->ctx, root);
}

void tg_ask_get(struct tg_ask *ask, const char *path, tg_ask_seen *seen, void *ctx,
	struct tg_kube_result *result)
{
	struct one one = {.seen = seen, .ctx = ctx, .result = result};

	if (!may_answer(ask, result))
		return;
	if (tg_kube_fetch(ask->client, path, ask->ms, on_fetched, &one) == NULL)
		no_memory(result);
	else
		run_until(ask, &one.done);
	ask->silent = result->error == -ETIMEDOUT;
}

/* --- a list --- */

struct page {
	tg_ask_object *object;
	void *ctx;
	struct tg_kube_stream *stream;
	struct tg_kube_result *result;
	bool done;
};

static int on_object(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
	const char *text, size_t size)
{
	struct page *page = ctx;

	return page->object(page->ctx, meta, text, size);
}

static int on_oversized(
	void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta, uint64_t size)
{
	return 0;
}

static int on_data(void *ctx, const void *data, size_t size)
{
	struct page *page = ctx;

	return tg_kube_stream_feed(page->stream, data, size);
}

static void on_done(void *ctx, const struct tg_kube_result *result)
{
	struct page *page = ctx;
	int err;

	*page->result = *result;
	page->done = true;
	if (result->status > 299 || (result->error != 0 && result->error != -ECANCELED))
		return;
	err = tg_kube_stream_end(page->stream);
	if (err == -ENOMEM)
		no_memory(page->result);
	else if (err == -EPROTO)
		snprintf(page->result->why, sizeof(page->result->why),
			"the answer is not understood: %s", tg_kube_stream_why(page->stream));
	if (err != 0)
		page->result->error = err;
}

/* One page; *next is where the next one is, to be freed, or NULL. */
static void ask_page(struct tg_ask *ask, const char *path, struct page *page, char **next)
{
	static const struct tg_kube_handler handler = {.data = on_data, .done = on_done};
	static const struct tg_kube_stream_handler objects = {
		.object = on_object, .oversized = on_oversized};
	const struct tg_kube_request request = {.path = path, .total_ms = ask->ms};

	*next = NULL;
	page->done = false;
	page->stream = tg_kube_stream_create(TG_KUBE_LIST, 0, &objects, page);
	if (page->stream == NULL ||
		tg_kube_client_get(ask->client, &request, &handler, page) == NULL) {
		no_memory(page->result);
		tg_kube_stream_free(page->stream);
		return;
	}
	run_until(ask, &page->done);
	if (page->result->error == 0 && page->result->status < 300) {
		const char *token = tg_kube_stream_list(page->stream)->next;

		*next = token != NULL ? strdup(token) : NULL;
		if (token != NULL && *next == NULL)
			no_memory(page->result);
	}
	tg_kube_stream_free(page->stream);
	ask->silent = page->result->error == -ETIMEDOUT;
}

void tg_ask_list(struct tg_ask *ask, const char *path, const char *query, tg_ask_object *object,
	void *ctx, struct tg_kube_result *result)
{
	struct page page = {.object = object, .ctx = ctx, .result = result};
	char *next = NULL, *token, *full;

	if (!may_answer(ask, result))
		return;
	do {
		token = next;
		next = NULL;
		if (asprintf(&full, "%s?limit=%d%s%s%s%s", path, TG_ASK_PAGE,
			    query != NULL ? "&" : "", query != NULL ? query : "",
			    token != NULL ? "&continue=" : "", token != NULL ? token : "") < 0) {
			no_memory(result);
			free(token);
			return;
		}
		free(token);
		ask_page(ask, full, &page, &next);
		free(full);
	} while (next != NULL);
}

/* --- a watch --- */

struct watch {
	struct tg_kube_call *call; /* NULL: it has ended */
	struct tg_kube_result *result;
	bool begun, over;
};

static void on_watch_begin(void *ctx)
{
	struct watch *watch = ctx;

	watch->begun = watch->over = true;
}

static int on_watch_data(void *ctx, const void *data, size_t size)
{
	return 0;
}

static void on_watch_done(void *ctx, const struct tg_kube_result *result)
{
	struct watch *watch = ctx;

	*watch->result = *result;
	watch->call = NULL;
	watch->over = true;
}

void tg_ask_watch(struct tg_ask *ask, const char *path, struct tg_kube_result *result)
{
	static const struct tg_kube_handler handler = {
		.begin = on_watch_begin, .data = on_watch_data, .done = on_watch_done};
	const struct tg_kube_request request = {.path = path, .total_ms = ask->ms};
	struct watch watch = {.result = result};

	if (!may_answer(ask, result))
		return;
	watch.call = tg_kube_client_get(ask->client, &request, &handler, &watch);
	if (watch.call == NULL) {
		no_memory(result);
		return;
	}
	run_until(ask, &watch.over);
	if (watch.call != NULL)
		tg_kube_call_cancel(watch.call);
	if (watch.begun)
		*result = (struct tg_kube_result){.status = 200};
	ask->silent = result->error == -ETIMEDOUT;
}

/* --- which resources there are --- */

struct round {
	const struct tg_kube_discovery_handler *handler;
	void *ctx;
	bool found, over;
};

static bool on_wanted(void *ctx, const char *api_version, const char *kind)
{
	struct round *round = ctx;

	return round->handler->wanted(round->ctx, api_version, kind);
}

static void on_found(void *ctx, const struct tg_kube_resource *resources, size_t n)
{
	struct round *round = ctx;

	if (round->over)
		return;
	round->found = round->over = true;
	round->handler->found(round->ctx, resources, n);
}

static void on_timeout(uv_timer_t *timer)
{
	struct round *round = timer->data;

	round->over = true;
}

bool tg_ask_resources(struct tg_ask *ask, const struct tg_kube_discovery_handler *handler,
	void *ctx, char why[TG_KUBE_WHY])
{
	static const struct tg_kube_discovery_handler own = {
		.wanted = on_wanted, .found = on_found};
	struct round round = {.handler = handler, .ctx = ctx};
	struct tg_kube_discovery_status status = {0};
	struct tg_kube_discovery *discovery;

	if (ask->silent) {
		snprintf(why, TG_KUBE_WHY, "not asked: the server was silent before");
		return false;
	}
	discovery = tg_kube_discovery_create(&ask->loop, ask->client, 0, &own, &round);
	if (discovery == NULL) {
		snprintf(why, TG_KUBE_WHY, "out of memory");
		return false;
	}
	ask->timer.data = &round;
	uv_timer_start(&ask->timer, on_timeout, ask->ms, 0);
	run_until(ask, &round.over);
	uv_timer_stop(&ask->timer);
	tg_kube_discovery_status(discovery, &status);
	snprintf(why, TG_KUBE_WHY, "%.*s", TG_KUBE_WHY - 1, status.error);
	tg_kube_discovery_free(discovery);
	return round.found;
}

int64_t tg_ask_certificate_expires_at(const struct tg_ask *ask)
{
	struct tg_kube_client_stats stats;

	tg_kube_client_stats(ask->client, &stats);
	return stats.certificate_expires_at;
}

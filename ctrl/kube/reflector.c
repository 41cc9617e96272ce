/* SPDX-License-Identifier: BSD-3-Clause */
#include "reflector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

#define PAGE 500u
#define WAIT_MIN_MS 800u
#define WAIT_MAX_MS 30000u
#define SILENCE_MS 150000u
#define LIST_SILENCE_MS 60000u
#define WATCH_MS 300000u
#define RETRY_AFTER_MAX_MS 120000u /* what a server may ask us to wait */
#define PAGES_MAX 20000u	   /* of a list that goes on for ever */
#define SHORT_WATCH_MS 1000u	   /* one that ended sooner did not work */
#define UNREADABLE_MAX 3u	   /* watches from one place that told nothing, or no sense */
#define NO_VERSION "the list does not say its metadata.resourceVersion"
#define RESOURCE_VERSION_MAX sizeof(((struct tg_kube_meta *)0)->resource_version)

struct tg_reflector {
	uv_timer_t timer;
	struct tg_kube_client *client;
	char *path, *query, *accept, *list_kind;
	uint32_t page;
	size_t object_max;
	struct tg_reflector_times times;
	const struct tg_reflector_handler *handler;
	void *ctx;

	struct tg_kube_call *call; /* NULL: waiting */
	struct tg_kube_stream *stream;
	bool paging;	    /* `call` is a page of a list; else a watch */
	bool initial;	    /* `call` is a watch that first tells what there is */
	bool no_stream;	    /* the server does not stream lists */
	bool whole;	    /* the next list is not in pages: one in pages has expired */
	bool must_list;	    /* before there can be a watch */
	bool progressed;    /* `call`, a watch, has brought an event, or a whole list */
	unsigned int pages; /* of this list so far */
	char *next;	    /* of the page before; NULL: the first page */
	char first_version[RESOURCE_VERSION_MAX]; /* of the first page: where the watch begins */
	int stopped;				  /* why `call` was stopped by us; 0: it was not */
	uint32_t told_to_wait;			  /* by the event that ended it, ms */
	uint64_t called_at;			  /* uv_now, when its answer began */
	bool begun;				  /* it has */
	uint64_t listed_at;			  /* uv_now, when the last list was complete */
	uint64_t lost_before; /* lost_at before this watch, which has told nothing so far */
	unsigned int tries, unreadable; /* in a row */
	struct tg_reflector_status status;
};

const char *tg_reflector_state_name(enum tg_reflector_state state)
{
	static const char *const names[] = {
#define X(sym, name) [TG_REFLECTOR_##sym] = name,
		TG_REFLECTOR_STATES(X)
#undef X
	};

	return names[state];
}

static uint64_t now_ms(const struct tg_reflector *r)
{
	return uv_now(r->timer.loop);
}

static bool set_state(struct tg_reflector *r, enum tg_reflector_state state)
{
	if (r->status.state == state)
		return false;
	r->status.state = state;
	r->status.since = now_ms(r);
	return true;
}

static void enter(struct tg_reflector *r, enum tg_reflector_state state)
{
	if (set_state(r, state))
		r->handler->changed(r->ctx);
}

static void clear_error(struct tg_reflector *r)
{
	bool had = r->status.error[0] != '\0';

	r->status.error[0] = '\0';
	r->status.error_status = 0;
	if (had)
		r->handler->changed(r->ctx);
}

/* --- requests --- */

static void request_next(struct tg_reflector *r);

static void on_timer(uv_timer_t *timer)
{
	request_next(timer->data);
}

/* Longer each time, and not at the same time as everybody else. */
static uint32_t wait_time(struct tg_reflector *r, uint32_t retry_after)
{
	uint64_t wait = (uint64_t)r->times.wait_min << (r->tries < 16 ? r->tries : 16);

	if (wait > r->times.wait_max)
		wait = r->times.wait_max;
	wait = wait / 2 + arc4random_uniform((uint32_t)wait + 1);
	if (retry_after > RETRY_AFTER_MAX_MS)
		retry_after = RETRY_AFTER_MAX_MS;
	return wait > retry_after ? (uint32_t)wait : retry_after;
}

static void wait_for(struct tg_reflector *r, uint32_t ms)
{
	r->tries++;
	uv_update_time(r->timer.loop); /* from now, not from when this turn of the loop began */
	r->status.next_at = now_ms(r) + ms;
	uv_timer_start(&r->timer, on_timer, ms, 0);
}

static void lose_touch(struct tg_reflector *r)
{
	if (r->status.synced && r->status.lost_at == 0)
		r->status.lost_at = r->lost_before != 0 ? r->lost_before : now_ms(r);
}

/* It is told of every change again. */
static void in_touch(struct tg_reflector *r)
{
	r->status.heard_at = now_ms(r);
	r->status.lost_at = r->lost_before = 0;
	clear_error(r);
	enter(r, TG_REFLECTOR_WATCHING);
}

static void fail(struct tg_reflector *r, const struct tg_kube_result *result)
{
	r->status.failures++;
	snprintf(r->status.error, sizeof(r->status.error), "%s", result->why);
	r->status.error_status = result->status >= 400 ? result->status : 0;
	lose_touch(r);
	wait_for(r, wait_time(r, result->retry_after_ms));
	set_state(r, result->status == 403   ? TG_REFLECTOR_FORBIDDEN
		     : result->status == 404 ? TG_REFLECTOR_ABSENT
					     : TG_REFLECTOR_WAITING);
	r->handler->changed(r->ctx);
}

static void fail_here(struct tg_reflector *r, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fail_here(struct tg_reflector *r, int error, const char *fmt, ...)
{
	struct tg_kube_result result = {.error = error};
	va_list args;

	va_start(args, fmt);
	vsnprintf(result.why, sizeof(result.why), fmt, args);
	va_end(args);
	fail(r, &result);
}

static void drop_call(struct tg_reflector *r)
{
	r->call = NULL;
	tg_kube_stream_free(r->stream);
	r->stream = NULL;
}

/* --- what comes in --- */

static bool version_number(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* One that a watch can begin at. */
static bool is_version(const char *text)
{
	return text[0] != '\0' && strcmp(text, "0") != 0;
}

/* < 0: `version` is before what we have; 0: it is that; > 0: newer, or nobody can tell. */
static int compare_version(const struct tg_reflector *r, const char *version)
{
	uint64_t theirs, ours;

	if (!version_number(version, &theirs) || !version_number(r->status.resource_version, &ours))
		return 1;
	return theirs < ours ? -1 : theirs > ours;
}

static void set_version(struct tg_reflector *r, const char *version)
{
	if (version[0] != '\0')
		snprintf(r->status.resource_version, sizeof(r->status.resource_version), "%s",
			version);
}

static void list_ended(struct tg_reflector *r, const char *version)
{
	set_version(r, version);
	r->initial = r->must_list = r->whole = false;
	r->status.synced = true;
	r->status.lists++;
	/* The last trouble is over, unless lists come one after the other. */
	if (now_ms(r) - r->listed_at >= r->times.wait_max)
		r->tries = 0;
	r->status.heard_at = r->listed_at = now_ms(r);
	r->unreadable = 0;
	r->progressed = true;
	r->handler->end(r->ctx);
}

/* The server ends the watch itself and says why. */
static int on_error_event(struct tg_reflector *r, const char *text, size_t size)
{
	struct tg_kube_result result = {0};

	tg_kube_status_read(text, size, &result);
	snprintf(r->status.error, sizeof(r->status.error), "%s", result.why);
	if (result.status == 410) {
		r->status.expired++;
		r->must_list = true;
		return -ESTALE;
	}
	r->status.error_status = result.status;
	r->told_to_wait = result.retry_after_ms;
	return -EREMOTEIO;
}

/* What the server tells does not follow what it told before. */
static int disordered(struct tg_reflector *r, const struct tg_kube_meta *meta)
{
	r->status.disordered++;
	r->must_list = true;
	snprintf(r->status.error, sizeof(r->status.error),
		"events are out of order: resourceVersion %s after %s", meta->resource_version,
		r->status.resource_version);
	return -ESTALE;
}

/* A list that cannot be watched from is none, as it is with pages. */
static int end_streamed(struct tg_reflector *r, const struct tg_kube_meta *meta)
{
	if (!meta->initial_events_end)
		return 0;
	if (!is_version(meta->resource_version)) {
		r->no_stream = true;
		snprintf(r->status.error, sizeof(r->status.error), NO_VERSION);
		return -ESTALE;
	}
	list_ended(r, meta->resource_version);
	in_touch(r);
	return 0;
}

static int on_bookmark(struct tg_reflector *r, const struct tg_kube_meta *meta)
{
	r->status.bookmarks++;
	if (r->initial)
		return end_streamed(r, meta);
	/* An etcd that was restored is behind: what happens there would be passed over. */
	if (compare_version(r, meta->resource_version) < 0)
		return disordered(r, meta);
	set_version(r, meta->resource_version);
	r->unreadable = 0;
	in_touch(r);
	return 0;
}

/* Whether an event is one to act upon: 0; 1: it was seen before; -ESTALE: events are missing. */
static int check_order(struct tg_reflector *r, const struct tg_kube_meta *meta)
{
	int order = 1;

	if (meta->resource_version[0] == '\0')
		order = -1;
	else if (!r->initial)
		order = compare_version(r, meta->resource_version);

	if (order > 0)
		return 0;
	if (order == 0) {
		r->status.repeated++;
		return 1;
	}
	return disordered(r, meta);
}

static void event_done(struct tg_reflector *r, const struct tg_kube_meta *meta)
{
	r->status.events++;
	if (r->initial)
		return;
	r->progressed = true;
	r->unreadable = 0;
	set_version(r, meta->resource_version);
	in_touch(r);
}

static int on_object(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
	const char *text, size_t size)
{
	struct tg_reflector *r = ctx;
	int err;

	if (event == TG_KUBE_ERROR)
		return on_error_event(r, text, size);
	if (event == TG_KUBE_BOOKMARK)
		return on_bookmark(r, meta);
	if (r->paging)
		return r->handler->put(r->ctx, meta, text, size);
	err = check_order(r, meta);
	if (err != 0)
		return err < 0 ? err : 0;
	if (event == TG_KUBE_DELETED)
		r->handler->removed(r->ctx, meta);
	else
		err = r->handler->put(r->ctx, meta, text, size);
	if (err == 0)
		event_done(r, meta);
	return err;
}

static int on_oversized(
	void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta, uint64_t size)
{
	struct tg_reflector *r = ctx;
	int err = r->paging ? 0 : check_order(r, meta);

	if (err != 0)
		return err < 0 ? err : 0;
	r->status.oversized++;
	if (event == TG_KUBE_DELETED)
		r->handler->removed(r->ctx, meta);
	else
		err = r->handler->oversized(r->ctx, meta, size);
	if (err == 0 && !r->paging)
		event_done(r, meta);
	return err;
}

static const struct tg_kube_stream_handler stream_handler = {
	.object = on_object,
	.oversized = on_oversized,
};

static void on_begin(void *ctx)
{
	struct tg_reflector *r = ctx;
	uint64_t lost_at = r->status.lost_at;

	r->called_at = now_ms(r);
	r->begun = true;
	if (r->paging || r->initial)
		return;
	r->status.watches++;
	in_touch(r);
	r->lost_before = lost_at;
}

static int on_data(void *ctx, const void *data, size_t size)
{
	struct tg_reflector *r = ctx;

	r->stopped = tg_kube_stream_feed(r->stream, data, size);
	return r->stopped;
}

/* --- how a call ends --- */

/* Why we stopped it ourselves, for people. */
static void explain_stop(const struct tg_reflector *r, struct tg_kube_result *result)
{
	const char *what = r->stopped == -EPROTO	? tg_kube_stream_why(r->stream)
			   : r->stopped == -ENOMEM	? "out of memory"
			   : r->status.error[0] != '\0' ? r->status.error
							: strerror(-r->stopped);
	char text[TG_KUBE_WHY];

	snprintf(text, sizeof(text), "%s", what);
	result->error = r->stopped;
	result->status = r->stopped == -EREMOTEIO ? r->status.error_status : 0;
	result->retry_after_ms = r->stopped == -EREMOTEIO ? r->told_to_wait : 0;
	snprintf(result->why, sizeof(result->why), "%s", text);
}

/* A page is complete; 0, or -errno with the reason in `result`. */
static int take_page(struct tg_reflector *r, struct tg_kube_result *result)
{
	const struct tg_kube_list_meta *list = tg_kube_stream_list(r->stream);
	bool first = r->next == NULL;

	if (first)
		snprintf(r->first_version, sizeof(r->first_version), "%s", list->resource_version);
	free(r->next);
	r->next = NULL;
	if (r->list_kind != NULL && strcmp(list->kind, r->list_kind) != 0) {
		snprintf(result->why, sizeof(result->why), "the list is a %s, not a %s", list->kind,
			r->list_kind);
		return -EPROTO;
	}
	if (!is_version(r->first_version)) {
		snprintf(result->why, sizeof(result->why), NO_VERSION);
		return -EPROTO;
	}
	if (list->next == NULL)
		return 0;
	if (++r->pages == PAGES_MAX) {
		snprintf(result->why, sizeof(result->why), "the list does not end");
		return -E2BIG;
	}
	r->next = strdup(list->next);
	if (r->next == NULL)
		snprintf(result->why, sizeof(result->why), "out of memory");
	return r->next != NULL ? 0 : -ENOMEM;
}

static void page_failed(struct tg_reflector *r, const struct tg_kube_result *result)
{
	/* A page that comes too late: what there is has to be asked for in one go. */
	if (result->status == 410 && r->next != NULL) {
		r->status.expired++;
		r->whole = true;
	}
	free(r->next);
	r->next = NULL;
	fail(r, result);
}

/* What the call came to: the client's result, unless it ended for a reason of ours. */
static struct tg_kube_result result_of(struct tg_reflector *r, const struct tg_kube_result *result)
{
	struct tg_kube_result own = *result;

	if (r->stopped == 0 && own.error == 0 && own.status < 300)
		r->stopped = tg_kube_stream_end(r->stream);
	if (r->stopped != 0)
		explain_stop(r, &own);
	return own;
}

static void page_done(void *ctx, const struct tg_kube_result *result)
{
	struct tg_reflector *r = ctx;
	struct tg_kube_result own = result_of(r, result);

	if (own.error == 0 && own.status < 300)
		own.error = take_page(r, &own);
	drop_call(r);
	if (own.error != 0 || own.status >= 300) {
		page_failed(r, &own);
		return;
	}
	if (r->next == NULL)
		list_ended(r, r->first_version);
	request_next(r);
}

/* A streamed list that the server does not do; it may also be one that never ends. */
static bool refuses_stream(const struct tg_reflector *r, const struct tg_kube_result *result)
{
	return r->initial &&
	       (result->status == 400 || result->status == 422 ||
		       (result->error == 0 && result->status < 300) || result->error == -ETIMEDOUT);
}

/* It has begun, and brought nothing. */
static bool is_silent(const struct tg_reflector *r, const struct tg_kube_result *result)
{
	return r->begun && !r->progressed && result->error == -ETIMEDOUT;
}

static void watch_failed(struct tg_reflector *r, const struct tg_kube_result *result)
{
	if (result->status == 410) {
		r->status.expired++;
		r->must_list = true;
	}
	/* Perhaps a list can be read, or is of a server that has gone back in time. */
	if ((r->stopped == -EPROTO || is_silent(r, result)) && ++r->unreadable >= UNREADABLE_MAX)
		r->must_list = true;
	if (r->stopped == -ENOMEM)
		r->must_list = true;
	r->initial = false;
	fail(r, result);
}

static void watch_done(void *ctx, const struct tg_kube_result *result)
{
	struct tg_reflector *r = ctx;
	struct tg_kube_result own = result_of(r, result);
	uint64_t lasted = now_ms(r) - r->called_at;
	/* Lists that are of no use for long are not asked for again at once. */
	bool fresh = now_ms(r) - r->listed_at < r->times.wait_max;

	drop_call(r);
	if ((r->progressed && r->stopped != -ESTALE) || lasted >= r->times.wait_max)
		r->tries = 0;
	if (refuses_stream(r, &own)) {
		r->no_stream = true;
		r->initial = false;
		request_next(r);
	} else if (r->stopped == -ESTALE && r->progressed && !fresh) {
		lose_touch(r);
		request_next(r);
	} else if (own.error != 0 || own.status >= 300) {
		watch_failed(r, &own);
	} else if (lasted < SHORT_WATCH_MS && !r->progressed) {
		fail_here(r, -EPROTO, "the server ended the watch at once");
	} else {
		r->tries = 0;
		request_next(r);
	}
}

static const struct tg_kube_handler page_handler = {
	.begin = on_begin,
	.data = on_data,
	.done = page_done,
};

static const struct tg_kube_handler watch_handler = {
	.begin = on_begin,
	.data = on_data,
	.done = watch_done,
};

/* --- asking --- */

static void ask(
	struct tg_reflector *r, enum tg_kube_stream_kind kind, char *path, uint32_t silence_ms)
{
	const struct tg_kube_request request = {
		.path = path,
		.accept = r->accept,
		.silence_ms = silence_ms,
	};

	r->stopped = 0;
	r->progressed = r->begun = false;
	r->paging = kind == TG_KUBE_LIST;
	r->called_at = now_ms(r);
	r->stream = path != NULL ? tg_kube_stream_create(kind, r->object_max, &stream_handler, r)
				 : NULL;
	if (r->stream != NULL)
		r->call = tg_kube_client_get(
			r->client, &request, r->paging ? &page_handler : &watch_handler, r);
	free(path);
	if (r->call != NULL)
		return;
	drop_call(r);
	fail_here(r, -ENOMEM, "out of memory");
}

/* path?query with what printf makes of the rest; NULL: out of memory. */
static char *make_path(const struct tg_reflector *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static char *make_path(const struct tg_reflector *r, const char *fmt, ...)
{
	char *rest, *path;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&rest, fmt, args);
	va_end(args);
	if (n < 0)
		return NULL;
	n = asprintf(&path, "%s?%s%s%s", r->path, r->query != NULL ? r->query : "",
		r->query != NULL ? "&" : "", rest);
	free(rest);
	return n < 0 ? NULL : path;
}

/* Watches end at different times, so that not all of them are begun again at once. */
static unsigned int watch_seconds(const struct tg_reflector *r)
{
	uint32_t seconds = r->times.watch / 1000;

	return seconds + 1 + arc4random_uniform(seconds + 1);
}

static void ask_page(struct tg_reflector *r)
{
	char *path;

	if (r->next == NULL) {
		r->first_version[0] = '\0';
		r->pages = 0;
		r->handler->begin(r->ctx);
	}
	if (r->whole)
		path = make_path(r, "resourceVersion=");
	else if (r->next == NULL)
		path = make_path(r, "limit=%u", r->page);
	else
		path = make_path(r, "limit=%u&continue=%s", r->page, r->next);
	ask(r, TG_KUBE_LIST, path, r->times.list_silence);
}

static void ask_streamed(struct tg_reflector *r)
{
	r->initial = true;
	r->handler->begin(r->ctx);
	ask(r, TG_KUBE_WATCH,
		make_path(r,
			"watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
			"&allowWatchBookmarks=true&timeoutSeconds=%u",
			watch_seconds(r)),
		r->times.silence);
}

static void ask_watch(struct tg_reflector *r)
{
	ask(r, TG_KUBE_WATCH,
		make_path(r,
			"watch=true&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u",
			r->status.resource_version, watch_seconds(r)),
		r->times.silence);
}

static void request_next(struct tg_reflector *r)
{
	r->status.next_at = 0;
	if (!r->must_list) {
		ask_watch(r);
		return;
	}
	enter(r, TG_REFLECTOR_LISTING);
	if (r->no_stream)
		ask_page(r);
	else
		ask_streamed(r);
}

/* --- life --- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

static int copy_text(char **out, const char *text)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text != NULL && *out == NULL ? -ENOMEM : 0;
}

static void reflector_release(struct tg_reflector *r)
{
	free(r->path);
	free(r->query);
	free(r->accept);
	free(r->list_kind);
	free(r->next);
	free(r);
}

int tg_reflector_create(uv_loop_t *loop, struct tg_kube_client *client,
	const struct tg_reflector_options *options, const struct tg_reflector_handler *handler,
	void *ctx, struct tg_reflector **out)
{
	struct tg_reflector *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	if (copy_text(&r->path, options->path) != 0 || copy_text(&r->query, options->query) != 0 ||
		copy_text(&r->accept, options->accept) != 0 ||
		copy_text(&r->list_kind, options->list_kind) != 0) {
		reflector_release(r);
		return -ENOMEM;
	}
	r->client = client;
	r->handler = handler;
	r->ctx = ctx;
	r->page = or_default(options->page, PAGE);
	r->object_max = options->object_max;
	r->no_stream = options->no_stream;
	r->times = (struct tg_reflector_times){
		.wait_min = or_default(options->times.wait_min, WAIT_MIN_MS),
		.wait_max = or_default(options->times.wait_max, WAIT_MAX_MS),
		.silence = or_default(options->times.silence, SILENCE_MS),
		.list_silence = or_default(options->times.list_silence, LIST_SILENCE_MS),
		.watch = or_default(options->times.watch, WATCH_MS),
	};
	r->must_list = true;
	uv_timer_init(loop, &r->timer);
	r->timer.data = r;
	r->status.since = now_ms(r);
	uv_timer_start(&r->timer, on_timer, 0, 0);
	*out = r;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	reflector_release(handle->data);
}

void tg_reflector_free(struct tg_reflector *r)
{
	if (r == NULL)
		return;
	if (r->call != NULL)
		tg_kube_call_cancel(r->call);
	drop_call(r);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

void tg_reflector_relist(struct tg_reflector *r)
{
	if (r->call != NULL)
		tg_kube_call_cancel(r->call);
	drop_call(r);
	free(r->next);
	r->next = NULL;
	r->initial = false;
	r->must_list = true;
	uv_timer_start(&r->timer, on_timer, 0, 0);
}

void tg_reflector_status(const struct tg_reflector *r, struct tg_reflector_status *out)
{
	*out = r->status;
}

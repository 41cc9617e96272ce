/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches. A watch remembers up to which revision it has seen its kind's log; it is sent more when
 * what it was sent before has been taken, so a slow client costs no memory.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_TIMEOUT 1800u /* seconds: --min-request-timeout */
#define BOOKMARK_EARLY 2000u  /* ms before the end, as the watch cache does it */

void watch_free(struct watching *watch)
{
	free(watch->ns);
	free(watch->initial.v);
	selector_free(watch->selector);
	*watch = (struct watching){0};
}

static bool done(const struct conn *conn, enum double_fault_kind kind)
{
	return conn->faulty && conn->fault.kind == kind;
}

static void put_error(const char *status, struct buf *out)
{
	buf_printf(out, "{\"type\":\"ERROR\",\"object\":%s}\n", status);
}

static void send_error(struct conn *conn, int code, const char *message)
{
	struct buf status = {0}, out = {0};

	status_text(&status, code, status_reason(code), message, NULL, NULL);
	put_error(status.v, &out);
	answer_body(conn, out.v, out.n);
	answer_end(conn);
	buf_free(&status);
	buf_free(&out);
}

/* What a fault has to say at this place in the stream; true: nothing follows. */
static bool fault_here(struct conn *conn)
{
	struct watching *watch = &conn->watch;
	const struct double_fault *fault = &conn->fault;

	if (!conn->faulty || watch->fault_done || watch->sent != fault->after)
		return false;
	if (fault->kind == DOUBLE_ERROR_EVENT) {
		watch->fault_done = true;
		if (fault->body != NULL) {
			struct buf out = {0};

			put_error(fault->body, &out);
			answer_body(conn, out.v, out.n);
			answer_end(conn);
			buf_free(&out);
		} else {
			send_error(conn, fault->status,
				fault->status == 410 ? "too old resource version: 1 (2)"
						     : "on command");
		}
		return true;
	}
	if (fault->kind == DOUBLE_GARBAGE) {
		watch->fault_done = true;
		answer_body(conn, fault->body, fault->body_size);
	}
	return false;
}

static void put_event(
	struct conn *conn, const char *type, const struct revision *object, uint64_t rv)
{
	struct watching *watch = &conn->watch;
	struct buf out = {0};

	if (fault_here(conn))
		return;
	buf_printf(&out, "{\"type\":\"%s\",\"object\":", type);
	object_render(watch->kind, object, rv, false, watch->metadata_only, &out);
	buf_text(&out, "}\n");
	if (!send_oversized(conn, watch->sent, &out, 0)) {
		answer_body(conn, out.v, out.n);
		if (done(conn, DOUBLE_DUPLICATE))
			answer_body(conn, out.v, out.n);
	}
	watch->sent++;
	buf_free(&out);
}

/* A custom kind's keys are sorted; a built-in one's has what its type cannot leave out. */
static void put_bookmark(struct conn *conn, bool initial_end)
{
	static const char end[] = "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}";
	struct watching *watch = &conn->watch;
	const bool custom = watch->kind->custom, old = conn->d->options.version == DOUBLE_1_20;
	struct buf out = {0};

	if (done(conn, DOUBLE_NO_BOOKMARKS) || fault_here(conn))
		return;
	handed_out(watch->kind, watch->rv);
	buf_text(&out, "{\"type\":\"BOOKMARK\",\"object\":");
	kind_head(watch->kind, "", &out);
	buf_printf(&out, ",\"metadata\":{%s%s\"resourceVersion\":\"%llu\"",
		custom && initial_end ? end : "", custom && initial_end ? "," : "",
		(unsigned long long)watch->rv);
	buf_printf(&out, "%s%s%s}", old && !custom ? ",\"creationTimestamp\":null" : "",
		!custom && initial_end ? "," : "", !custom && initial_end ? end : "");
	if (strcmp(watch->kind->type.resource, "pods") == 0)
		buf_text(&out, ",\"spec\":{\"containers\":null},\"status\":{}");
	buf_text(&out, "}}\n");
	answer_body(conn, out.v, out.n);
	buf_free(&out);
}

/* What a change is to this watch: a type of event and the object to send, or NULL. */
static const char *event_of(
	const struct watching *watch, const struct revision *change, const struct revision **object)
{
	const struct revision *before = revision_before(change);
	bool is = !change->deleted && selector_matches(watch->selector, change);
	bool was = before != NULL && selector_matches(watch->selector, before);

	*object = change;
	if (watch->ns != NULL && strcmp(change->entry->bucket->ns, watch->ns) != 0)
		return NULL;
	if (is)
		return was ? "MODIFIED" : "ADDED";
	if (was && !change->deleted)
		*object = before;
	return was ? "DELETED" : NULL;
}

static void put_change(struct conn *conn, const struct revision *change)
{
	const struct revision *object;
	const char *type = event_of(&conn->watch, change, &object);

	handed_out(conn->watch.kind, change->rv);
	if (type != NULL)
		put_event(conn, type, object, change->rv);
}

static bool full(const struct conn *conn)
{
	return conn->out.n >= PIECE || conn->finished || conn->filler > 0 ||
	       conn->after_filler.n > 0;
}

/* The next change that is one to this watch. */
static const struct revision *next_change(struct watching *watch, size_t *at)
{
	const struct revision *object;

	while (*at < watch->kind->log.n) {
		const struct revision *change = watch->kind->log.v[(*at)++];

		watch->rv = change->rv;
		if (event_of(watch, change, &object) != NULL)
			return change;
	}
	return NULL;
}

static void produce_changes(struct conn *conn)
{
	struct watching *watch = &conn->watch;
	size_t at = store_log_after(watch->kind, watch->rv);
	const struct revision *change, *second;

	while (!full(conn) && (change = next_change(watch, &at)) != NULL) {
		second = done(conn, DOUBLE_REORDER) ? next_change(watch, &at) : NULL;
		if (second != NULL)
			put_change(conn, second);
		put_change(conn, change);
	}
	if (!full(conn) && watch->rv < conn->d->store.revision)
		watch->rv = conn->d->store.revision;
}

static void produce_initial(struct conn *conn)
{
	struct watching *watch = &conn->watch;

	while (!full(conn) && watch->initial_sent < watch->initial.n) {
		const struct revision *object = watch->initial.v[watch->initial_sent++];

		put_event(conn, "ADDED", object, object->rv);
	}
	if (full(conn) || watch->initial_sent < watch->initial.n)
		return;
	if (watch->end_bookmark)
		put_bookmark(conn, true);
	handed_out(watch->kind, watch->rv);
	watch->end_bookmark = false;
	watch->initial_sent = SIZE_MAX;
}

static void expire(struct conn *conn)
{
	char *message = xprintf("too old resource version: %llu (%llu)",
		(unsigned long long)conn->watch.rv, (unsigned long long)conn->d->store.compacted);

	send_error(conn, 410, message);
	free(message);
}

void watch_produce(struct conn *conn)
{
	struct watching *watch = &conn->watch;

	if (watch->expired) {
		expire(conn);
		return;
	}
	if (watch->initial_sent != SIZE_MAX)
		produce_initial(conn);
	if (watch->initial_sent == SIZE_MAX && !full(conn))
		produce_changes(conn);
	if (!full(conn) && watch->bookmark_due) {
		watch->bookmark_due = false;
		put_bookmark(conn, false);
	}
	if (!conn->finished)
		fault_here(conn);
}

static void tick(uv_timer_t *timer)
{
	watch_tick(timer->data);
}

/* Bookmarks come each minute and shortly before the end. */
static void schedule(struct conn *conn)
{
	struct watching *watch = &conn->watch;
	uint64_t now = uv_now(conn->d->loop), every = conn->d->options.bookmark_ms, next;

	next = now + (every != 0 ? every : 60000);
	if (watch->deadline > BOOKMARK_EARLY && watch->deadline - BOOKMARK_EARLY < next)
		next = watch->deadline - BOOKMARK_EARLY;
	watch->next_bookmark = watch->bookmarks && next > now ? next : UINT64_MAX;
	next = watch->next_bookmark < watch->deadline ? watch->next_bookmark : watch->deadline;
	uv_timer_start(&conn->tick, tick, next > now ? next - now : 0, 0);
}

void watch_tick(struct conn *conn)
{
	struct watching *watch = &conn->watch;
	uint64_t now = uv_now(conn->d->loop);

	if (now >= watch->deadline) {
		answer_end(conn);
	} else {
		watch->bookmark_due = now >= watch->next_bookmark;
		schedule(conn);
	}
	conn_pump(conn);
}

/* Where the stream begins; false: answered. */
static bool begin_at(struct conn *conn, uint64_t rv)
{
	struct kube_double *d = conn->d;
	struct watching *watch = &conn->watch;
	bool streams = d->options.version == DOUBLE_1_34;
	const char *asked = streams ? request_param(&conn->request, "sendInitialEvents") : NULL;
	bool initial = asked != NULL ? request_flag(&conn->request, "sendInitialEvents") : rv == 0;
	struct place place = {0};
	const struct revision *object;

	if (asked != NULL && initial && rv > d->store.revision) {
		status_too_large(conn, rv);
		return false;
	}
	watch->end_bookmark = asked != NULL && initial && watch->bookmarks;
	watch->initial_sent = initial ? 0 : SIZE_MAX;
	watch->rv = initial || rv == 0 ? d->store.revision : rv;
	watch->expired = !initial && watch->rv < d->store.compacted;
	while (initial && (object = store_next(watch->kind, watch->ns, watch->rv, &place)) != NULL)
		if (selector_matches(watch->selector, object))
			vec_push(&watch->initial, object);
	place_free(&place);
	return true;
}

static bool selected(struct conn *conn)
{
	char *error;

	if (selector_parse(request_param(&conn->request, "labelSelector"),
		    request_param(&conn->request, "fieldSelector"), &conn->watch.selector,
		    &error) == 0)
		return true;
	status_send(conn, 400, "BadRequest", error, NULL);
	free(error);
	return false;
}

void watch_start(struct conn *conn, const struct target *target)
{
	struct watching *watch = &conn->watch;
	uint64_t seconds, rv;

	if (!options_valid(conn) || !param_number(conn, "resourceVersion", &rv) ||
		!param_number(conn, "timeoutSeconds", &seconds) || !selected(conn))
		return;
	watch->kind = target->kind;
	watch->ns = target->ns != NULL ? xstrdup(target->ns) : NULL;
	watch->bookmarks = request_flag(&conn->request, "allowWatchBookmarks");
	watch->metadata_only = api_metadata_only(&conn->request);
	if (!begin_at(conn, rv)) {
		watch->kind = NULL;
		return;
	}
	strict_answered(conn, 200, 0);
	watch->deadline = uv_now(conn->d->loop) + (seconds != 0 ? seconds : DEFAULT_TIMEOUT) * 1000;
	answer_begin(conn, 200, "Content-Type: application/json\r\n", -1);
	schedule(conn);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists. A page is the state at one revision: which objects are on it is settled when it is asked
 * for; their JSON is made while it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct asked {
	uint64_t limit, rv;
	const char *rv_text, *match, *token;
	const struct target *target;
	struct selector *selector;
	struct place from;
	unsigned int page;
	size_t total; /* objects from here on, when that is known; SIZE_MAX */
};

void list_free(struct listing *list)
{
	free(list->items.v);
	free(list->token);
	*list = (struct listing){0};
}

static const char *param_or(const struct conn *conn, const char *name)
{
	const char *value = request_param(&conn->request, name);

	return value != NULL ? value : "";
}

/* At the revision of the token; false: answered. */
static bool at_token(struct conn *conn, struct asked *asked)
{
	const struct token *token = token_find(conn->d, asked->token);
	int64_t rv;

	if (!token_read(asked->token, &rv, &asked->from)) {
		status_send(conn, 400, "BadRequest",
			"invalid continue token: continue key is not valid: illegal base64 data or "
			"JSON",
			NULL);
		return false;
	}
	if (*asked->rv_text != '\0' && strcmp(asked->rv_text, "0") != 0) {
		status_send(conn, 400, "BadRequest",
			"specifying resource version is not allowed when using continue", NULL);
		return false;
	}
	asked->rv = rv < 0 ? conn->d->store.revision : (uint64_t)rv;
	asked->page = token != NULL ? token->page : 2;
	if (token != NULL && token->remaining > 0)
		asked->total = token->remaining;
	if (asked->rv >= conn->d->store.compacted)
		return true;
	status_expired(conn, true);
	return false;
}

static bool exact(const struct asked *asked)
{
	return strcmp(asked->match, "Exact") == 0 ||
	       (*asked->match == '\0' && asked->limit > 0 && asked->rv != 0);
}

/* At the revision that resourceVersion asks for; false: answered. */
static bool at_version(struct conn *conn, struct asked *asked)
{
	const struct store *store = &conn->d->store;

	if (!param_number(conn, "resourceVersion", &asked->rv))
		return false;
	if (asked->rv == 0 && *asked->rv_text != '\0')
		asked->limit = 0; /* the watch cache has no pages */
	if (asked->rv > store->revision) {
		if (exact(asked) && conn->d->options.version == DOUBLE_1_20)
			status_send(conn, 500, "",
				"etcdserver: mvcc: required revision is a future revision", NULL);
		else
			status_too_large(conn, asked->rv);
		return false;
	}
	if (!exact(asked)) {
		asked->rv = store->revision;
	} else if (asked->rv < store->compacted) {
		status_expired(conn, false);
		return false;
	}
	if (asked->target->ns == NULL && asked->rv == store->revision)
		asked->total = asked->target->kind->live;
	return true;
}

static bool selected(struct conn *conn, struct selector **out)
{
	char *error;

	if (selector_parse(request_param(&conn->request, "labelSelector"),
		    request_param(&conn->request, "fieldSelector"), out, &error) == 0)
		return true;
	status_send(conn, 400, "BadRequest", error, NULL);
	free(error);
	return false;
}

/* The page's objects; true: there are more behind them. `end`: the last key. */
static bool collect(const struct asked *asked, revisions *items, struct place *end)
{
	const struct revision *revision;

	while ((revision = store_next(asked->target->kind, asked->target->ns, asked->rv, end)) !=
		NULL) {
		if (!selector_matches(asked->selector, revision))
			continue;
		if (asked->limit > 0 && items->n == asked->limit)
			return true;
		vec_push(items, revision);
	}
	return false;
}

/* The state `after` revisions ago, as a server says that lags behind. */
static void make_stale(struct conn *conn, struct asked *asked)
{
	const uint64_t ago = conn->fault.after, compacted = conn->d->store.compacted;

	asked->rv = asked->rv > ago + compacted ? asked->rv - ago : compacted;
	asked->total = SIZE_MAX;
}

/* How many objects come after this page, of which `end` is the first. */
static size_t remaining(const struct conn *conn, const struct asked *asked, const struct place *end)
{
	const struct listing *list = &conn->list;

	if (asked->total != SIZE_MAX)
		return asked->total - list->items.n;
	return store_remaining(list->kind, asked->target->ns, asked->rv, end) + 1;
}

/* A token for what comes after this page; `end` is the first object there. */
static void promise_next(struct conn *conn, const struct asked *asked, struct place *end)
{
	struct listing *list = &conn->list;
	const struct entry *last = list->items.v[list->items.n - 1]->entry;
	size_t left = asked->selector == NULL ? remaining(conn, asked, end) : 0;

	place_set(end, last->bucket->ns, last->name);
	list->token = token_make(conn, end, (int64_t)asked->rv, asked->page + 1, left);
	list->remaining = asked->selector == NULL ? (int64_t)left : -1;
}

/* A token for this page. */
static void promise_same(struct conn *conn, const struct asked *asked)
{
	struct place from = {0};

	place_set(&from, asked->from.ns != NULL ? asked->from.ns : "",
		asked->from.name != NULL ? asked->from.name : "");
	conn->list.token = token_make(conn, &from, (int64_t)asked->rv, asked->page + 1, 0);
	conn->list.remaining = (int64_t)conn->list.items.n;
	place_free(&from);
}

static void start(struct conn *conn, struct asked *asked)
{
	struct listing *list = &conn->list;
	struct place end = {0};
	bool more;

	if (asked->from.ns != NULL)
		place_set(&end, asked->from.ns, asked->from.name);
	if (conn->faulty && conn->fault.kind == DOUBLE_STALE)
		make_stale(conn, asked);
	more = collect(asked, &list->items, &end);
	list->kind = asked->target->kind;
	list->rv = asked->rv;
	list->metadata_only = api_metadata_only(&conn->request);
	if (conn->faulty && conn->fault.kind == DOUBLE_NEVER_ENDS)
		promise_same(conn, asked);
	else if (more)
		promise_next(conn, asked, &end);
	if (list->metadata_only && conn->d->options.version == DOUBLE_1_20)
		list->remaining = -1; /* it leaves that out */
	place_free(&end);
}

void list_start(struct conn *conn, const struct target *target)
{
	struct asked asked = {.target = target,
		.rv_text = param_or(conn, "resourceVersion"),
		.match = param_or(conn, "resourceVersionMatch"),
		.token = param_or(conn, "continue"),
		.page = 1,
		.total = SIZE_MAX};

	if (options_valid(conn) && param_number(conn, "limit", &asked.limit) &&
		selected(conn, &asked.selector) &&
		(*asked.token != '\0' ? at_token(conn, &asked) : at_version(conn, &asked))) {
		strict_answered(conn, 200, 0);
		start(conn, &asked);
		handed_out(conn->list.kind, conn->list.rv);
	}
	selector_free(asked.selector);
	place_free(&asked.from);
}

static void put_remaining(const struct listing *list, struct buf *out)
{
	if (list->token != NULL && list->remaining >= 0)
		buf_printf(out, ",\"remainingItemCount\":%lld", (long long)list->remaining);
}

/* Of custom kinds the keys are sorted, and `continue` is always there. */
static void put_metadata(const struct listing *list, struct buf *out)
{
	if (list->kind->custom && !list->metadata_only) {
		buf_printf(out, "\"metadata\":{\"continue\":\"%s\"",
			list->token != NULL ? list->token : "");
		put_remaining(list, out);
		buf_printf(out, ",\"resourceVersion\":\"%llu\"}", (unsigned long long)list->rv);
		return;
	}
	buf_printf(out, "\"metadata\":{\"resourceVersion\":\"%llu\"", (unsigned long long)list->rv);
	if (list->token != NULL)
		buf_printf(out, ",\"continue\":\"%s\"", list->token);
	put_remaining(list, out);
	buf_text(out, "}");
}

static void put_head(const struct listing *list, struct buf *out)
{
	struct buf version = {0};

	if (list->metadata_only) {
		buf_text(out, "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
			      "\"meta.k8s.io/v1\",");
		put_metadata(list, out);
		buf_text(out, ",\"items\":[");
	} else if (list->kind->custom) {
		kind_version(list->kind, &version);
		buf_printf(out, "{\"apiVersion\":\"%s\",\"items\":[", version.v);
	} else {
		kind_head(list->kind, "List", out);
		buf_text(out, ",");
		put_metadata(list, out);
		buf_text(out, ",\"items\":[");
	}
	buf_free(&version);
}

static void put_tail(const struct listing *list, struct buf *out)
{
	buf_text(out, "]");
	if (list->kind->custom && !list->metadata_only) {
		buf_printf(out, ",\"kind\":\"%sList\",", list->kind->type.kind);
		put_metadata(list, out);
	}
	buf_text(out, "}\n");
}

static void begin(struct conn *conn, const struct buf *out, bool whole)
{
	bool with_length = whole &&
			   (out->n < SHORT_BODY || (conn->faulty && conn->fault.with_length));

	conn->list.begun = true;
	answer_begin(conn, 200, "Content-Type: application/json\r\n",
		with_length ? (int64_t)out->n : -1);
}

bool send_oversized(struct conn *conn, size_t sent, struct buf *out, size_t from)
{
	static const char open[] = ",\"annotations\":{\"padding\":\"",
			  after[] = "\"creationTimestamp\":\"";
	char *at, *rest;

	if (!conn->faulty || conn->fault.kind != DOUBLE_OVERSIZED || sent != conn->fault.after)
		return false;
	at = strstr(out->v + from, after);
	if (at == NULL)
		return false;
	at = strchr(at + sizeof(after) - 1, '"') + 1;
	rest = xprintf("\"}%s", at);
	out->n = (size_t)(at - out->v);
	buf_text(out, open);
	answer_body(conn, out->v, out->n);
	answer_filler(conn, conn->fault.size, rest);
	free(rest);
	out->n = 0;
	return true;
}

/* Appends objects until there is a piece; false: an oversized one went out meanwhile. */
static bool put_items(struct conn *conn, struct buf *out, size_t piece)
{
	struct listing *list = &conn->list;
	const bool large = conn->faulty && conn->fault.kind == DOUBLE_OVERSIZED;

	while (list->sent < list->items.n && out->n < piece) {
		const struct revision *revision = list->items.v[list->sent];
		size_t from;

		if (list->sent++ > 0)
			buf_text(out, ",");
		from = out->n;
		object_render(list->kind, revision, revision->rv, true, list->metadata_only, out);
		if (!large || list->sent - 1 != conn->fault.after)
			continue;
		if (!list->begun)
			begin(conn, out, false);
		if (send_oversized(conn, list->sent - 1, out, from))
			return false;
	}
	return true;
}

void list_produce(struct conn *conn)
{
	struct listing *list = &conn->list;
	struct buf out = {0};
	bool whole;

	if (!list->begun)
		put_head(list, &out);
	if (put_items(conn, &out, conn->faulty && conn->fault.with_length ? SIZE_MAX : PIECE)) {
		whole = list->sent == list->items.n;
		if (whole)
			put_tail(list, &out);
		if (!list->begun)
			begin(conn, &out, whole);
		answer_body(conn, out.v, out.n);
		if (whole)
			answer_end(conn);
	}
	buf_free(&out);
}

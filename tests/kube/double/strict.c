/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client does wrong, although a real server might let it pass. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

#define SECOND 1000000000ull
#define EARLY 50000000ull /* a retry may be so much before Retry-After: clocks tick */

void wrong(struct kube_double *d, const struct conn *conn, const char *fmt, ...)
{
	char *what, *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		abort();
	va_end(args);
	if (conn != NULL && conn->request.method != NULL)
		text = xprintf("%s: %s %s", what, conn->request.method, conn->request.target);
	else
		text = xstrdup(what);
	free(what);
	vec_push(&d->wrongs, text);
}

size_t double_wrongs(const struct kube_double *d)
{
	return d->wrongs.n;
}

const char *double_wrong(const struct kube_double *d, size_t i)
{
	return d->wrongs.v[i];
}

void double_clear_wrongs(struct kube_double *d)
{
	for (size_t i = 0; i < d->wrongs.n; i++)
		free(d->wrongs.v[i]);
	d->wrongs.n = 0;
}

static void check_params(struct conn *conn)
{
	static const char *const known[] = {"allowWatchBookmarks", "continue", "fieldSelector",
		"labelSelector", "limit", "resourceVersion", "resourceVersionMatch",
		"sendInitialEvents", "timeoutSeconds", "watch", "fieldManager",
		"gracePeriodSeconds"};
	const struct request *request = &conn->request;

	for (size_t i = 0; i < request->params.n; i++) {
		const char *name = request->params.v[i].name;
		bool found = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found |= strcmp(known[k], name) == 0;
		if (!found)
			wrong(conn->d, conn, "unknown parameter %s", name);
		if (request_param(request, name) != request->params.v[i].value)
			wrong(conn->d, conn, "parameter %s twice", name);
	}
}

static bool is_boolean(const struct request *request, const char *name)
{
	const char *value = request_param(request, name);

	return value == NULL || strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
	       strcmp(value, "1") == 0 || strcmp(value, "0") == 0;
}

static struct rate *rate_of(struct kube_double *d, const struct request *request)
{
	struct rate rate = {0};

	for (size_t i = 0; i < d->rates.n; i++)
		if (d->rates.v[i].verb == request->verb &&
			strcmp(d->rates.v[i].path, request->path) == 0)
			return &d->rates.v[i];
	rate.verb = request->verb;
	rate.path = xstrdup(request->path);
	vec_push(&d->rates, rate);
	return &d->rates.v[d->rates.n - 1];
}

/* True when this is one more than `most` within a second; once a second. */
static bool too_many(struct rate *rate, uint64_t now, unsigned int most)
{
	if (now - rate->second >= SECOND) {
		rate->second = now;
		rate->n = 0;
	}
	return ++rate->n == most + 1;
}

static void check_rate(struct conn *conn)
{
	struct kube_double *d = conn->d;
	struct rate *rate = rate_of(d, &conn->request);
	unsigned int burst = d->options.burst != 0 ? d->options.burst : 50;
	unsigned int retries = d->options.retries != 0 ? d->options.retries : 10;
	uint64_t now = uv_hrtime();

	if (request_param(&conn->request, "continue") == NULL && too_many(&d->all, now, burst))
		wrong(d, conn, "more than %u requests within a second", burst);
	if (rate->failed && too_many(rate, now, retries))
		wrong(d, conn, "no back-off: more than %u requests within a second that failed",
			retries);
	if (now + EARLY < rate->not_before)
		wrong(d, conn, "%u ms before Retry-After says",
			(unsigned int)((rate->not_before - now) / 1000000));
}

void strict_request(struct conn *conn)
{
	struct kube_double *d = conn->d;
	const struct request *request = &conn->request;

	if (*request->agent == '\0')
		wrong(d, conn, "no User-Agent");
	if (*request->host == '\0')
		wrong(d, conn, "no Host");
	if (*request->accept == '\0' || strcmp(request->accept, "*/*") == 0)
		wrong(d, conn, "no Accept header that says what is understood");
	if (d->token != NULL && strncmp(request->authorization, "Bearer ", 7) != 0)
		wrong(d, conn, "no bearer token");
	if (d->token == NULL && *request->authorization != '\0')
		wrong(d, conn, "a token for a server that asked for none");
	if (request->verb == DOUBLE_WRITE && !d->options.allow_writes)
		wrong(d, conn, "a client that only reads writes");
	if (strcmp(request->method, "GET") == 0 && request->body_size > 0)
		wrong(d, conn, "a body");
	if (!is_boolean(request, "watch") || !is_boolean(request, "allowWatchBookmarks") ||
		!is_boolean(request, "sendInitialEvents"))
		wrong(d, conn, "a parameter that is neither true nor false");
	check_params(conn);
	check_rate(conn);
}

static char *selectors_of(const struct request *request)
{
	const char *labels = request_param(request, "labelSelector");
	const char *fields = request_param(request, "fieldSelector");

	return xprintf("%s|%s", labels != NULL ? labels : "", fields != NULL ? fields : "");
}

static void check_page(struct conn *conn, const char *text)
{
	const struct token *token = token_find(conn->d, text);
	char *selectors = selectors_of(&conn->request);

	if (request_param(&conn->request, "resourceVersion") != NULL)
		wrong(conn->d, conn, "resourceVersion together with continue");
	if (request_param(&conn->request, "resourceVersionMatch") != NULL)
		wrong(conn->d, conn, "resourceVersionMatch together with continue");
	if (token == NULL)
		wrong(conn->d, conn, "a continue token that was never given out");
	else if (strcmp(token->path, conn->request.path) != 0)
		wrong(conn->d, conn, "a continue token of %s", token->path);
	else if (strcmp(token->selectors, selectors) != 0)
		wrong(conn->d, conn, "other selectors than on the page before");
	free(selectors);
}

static void check_version(struct conn *conn, const struct target *target)
{
	const char *text = request_param(&conn->request, "resourceVersion");

	if (text == NULL || *text == '\0' || strcmp(text, "0") == 0)
		return;
	if (!was_handed_out(target->kind, strtoull(text, NULL, 10)))
		wrong(conn->d, conn, "a resourceVersion that was never handed out for %s",
			target->kind->type.resource);
}

void strict_list(struct conn *conn, const struct target *target)
{
	const struct request *request = &conn->request;
	const char *limit = request_param(request, "limit"),
		   *page = request_param(request, "continue");

	if ((limit == NULL || strtoull(limit, NULL, 10) == 0) && !conn->d->options.allow_unpaged)
		wrong(conn->d, conn, "a list without limit");
	if (page != NULL && *page != '\0')
		check_page(conn, page);
	else
		check_version(conn, target);
	if (request_param(request, "allowWatchBookmarks") != NULL)
		wrong(conn->d, conn, "allowWatchBookmarks on a list");
}

/* The client's end of this connection is closed, although its FIN or RST was not read yet. */
static bool left(const struct conn *conn)
{
	char byte;
	uv_os_fd_t fd;
	ssize_t n;

	if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0)
		return true;
	n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void check_only_watch(struct conn *conn)
{
	char *selectors = selectors_of(&conn->request);

	for (const struct conn *other = conn->d->conns; other != NULL; other = other->next) {
		char *others;

		if (other == conn || !other->busy || other->request.verb != DOUBLE_WATCH ||
			strcmp(other->request.path, conn->request.path) != 0 || left(other))
			continue;
		others = selectors_of(&other->request);
		if (strcmp(others, selectors) == 0)
			wrong(conn->d, conn, "a second watch of the same");
		free(others);
	}
	free(selectors);
}

void strict_watch(struct conn *conn, const struct target *target)
{
	const struct request *request = &conn->request;
	const char *rv = request_param(request, "resourceVersion");
	const char *seconds = request_param(request, "timeoutSeconds");
	bool initial = request_flag(request, "sendInitialEvents");

	if (!initial && (rv == NULL || *rv == '\0' || strcmp(rv, "0") == 0))
		wrong(conn->d, conn, "a watch without resourceVersion");
	check_version(conn, target);
	if (!request_flag(request, "allowWatchBookmarks"))
		wrong(conn->d, conn, "a watch without allowWatchBookmarks");
	if (seconds == NULL || strtoull(seconds, NULL, 10) == 0)
		wrong(conn->d, conn, "a watch without timeoutSeconds");
	if (request_param(request, "limit") != NULL || request_param(request, "continue") != NULL)
		wrong(conn->d, conn, "a watch with limit or continue");
	check_only_watch(conn);
}

void strict_answered(struct conn *conn, int status, unsigned int retry_after)
{
	struct rate *rate = rate_of(conn->d, &conn->request);

	rate->failed = status == 0 || status >= 400 || conn->faulty;
	rate->not_before = retry_after != 0 ? uv_hrtime() + retry_after * SECOND : 0;
}

/* NULL when it was no request to the API. */
static struct rate *rate_of_answer(struct conn *conn)
{
	return conn->busy && !conn->control && conn->request.path != NULL
		       ? rate_of(conn->d, &conn->request)
		       : NULL;
}

void strict_done(struct conn *conn)
{
	struct rate *rate = rate_of_answer(conn);

	if (rate != NULL && !rate->failed)
		rate->n = 0;
}

void strict_cut(struct conn *conn)
{
	struct rate *rate = rate_of_answer(conn);

	if (rate != NULL)
		rate->failed = true;
}

void handed_out(struct kind *kind, uint64_t rv)
{
	size_t word = rv / 64, had = kind->handed.n;

	if (word >= had) {
		vec_room(&kind->handed, word + 1);
		memset(kind->handed.v + had, 0, (word + 1 - had) * sizeof(*kind->handed.v));
		kind->handed.n = word + 1;
	}
	kind->handed.v[word] |= 1ull << rv % 64;
}

bool was_handed_out(const struct kind *kind, uint64_t rv)
{
	return rv / 64 < kind->handed.n && (kind->handed.v[rv / 64] >> rv % 64 & 1) != 0;
}

/* base64url without padding, as continue tokens are. */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(const char *text)
{
	size_t n = strlen(text), out = 0;
	char *result = xzalloc(n / 3 * 4 + 5);

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)text[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)(unsigned char)text[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)text[i + 2];
		for (size_t k = 0; k < 4 && k <= n - i; k++)
			result[out++] = digits[v >> (18 - 6 * k) & 63];
	}
	return result;
}

static char *decode(const char *text)
{
	size_t n = strlen(text), out = 0;
	char *result = xzalloc(n + 1);
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digit = strchr(digits, text[i]);

		if (digit == NULL) {
			free(result);
			return NULL;
		}
		v = v << 6 | (uint32_t)(digit - digits);
		if (i % 4 != 0)
			result[out++] = (char)(v >> (6 - i % 4 * 2));
	}
	return result;
}

const struct token *token_find(const struct kube_double *d, const char *text)
{
	for (size_t i = d->tokens.n; i-- > 0;)
		if (strcmp(d->tokens.v[i].text, text) == 0)
			return &d->tokens.v[i];
	return NULL;
}

char *token_make(struct conn *conn, const struct place *place, int64_t rv, unsigned int page,
	size_t remaining)
{
	char *plain = xprintf("{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":\"%s%s%s\\u0000\"}",
		(long long)rv, place->ns, *place->ns != '\0' ? "/" : "", place->name);
	struct token token = {.text = encode(plain),
		.path = xstrdup(conn->request.path),
		.selectors = selectors_of(&conn->request),
		.page = page,
		.remaining = remaining};

	vec_push(&conn->d->tokens, token);
	free(plain);
	return xstrdup(token.text);
}

bool token_read(const char *text, int64_t *rv, struct place *place)
{
	static const char version[] = "{\"v\":\"meta.k8s.io/v1\",\"rv\":", key[] = ",\"start\":\"";
	char *plain = decode(text), *at, *end, *slash;
	bool good = false;

	if (plain == NULL || strncmp(plain, version, sizeof(version) - 1) != 0)
		goto out;
	*rv = strtoll(plain + sizeof(version) - 1, &at, 10);
	if (*rv == 0 || strncmp(at, key, sizeof(key) - 1) != 0)
		goto out;
	at += sizeof(key) - 1;
	end = strstr(at, "\\u0000\"}");
	if (end == NULL)
		goto out;
	*end = '\0';
	slash = strchr(at, '/');
	if (slash != NULL)
		*slash++ = '\0';
	place_set(place, slash != NULL ? at : "", slash != NULL ? slash : at);
	good = true;
out:
	free(plain);
	return good;
}

void strict_free(struct kube_double *d)
{
	double_clear_wrongs(d);
	free(d->wrongs.v);
	for (size_t i = 0; i < d->rates.n; i++)
		free(d->rates.v[i].path);
	free(d->rates.v);
	for (size_t i = 0; i < d->tokens.n; i++) {
		free(d->tokens.v[i].text);
		free(d->tokens.v[i].path);
		free(d->tokens.v[i].selectors);
	}
	free(d->tokens.v);
}

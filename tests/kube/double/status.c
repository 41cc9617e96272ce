/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors, as a real server words them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

const char *status_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {{400, "BadRequest"}, {401, "Unauthorized"}, {403, "Forbidden"},
		{404, "NotFound"}, {405, "MethodNotAllowed"}, {406, "NotAcceptable"},
		{409, "AlreadyExists"}, {410, "Expired"}, {422, "Invalid"},
		{429, "TooManyRequests"}, {500, "InternalError"}, {503, "ServiceUnavailable"},
		{504, "Timeout"}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "";
}

void status_text(struct buf *out, int code, const char *reason, const char *message,
	const char *details, const char *token)
{
	buf_text(out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{");
	if (token != NULL)
		buf_printf(out, "\"continue\":\"%s\"", token);
	buf_text(out, "},\"status\":\"Failure\",\"message\":");
	buf_json(out, message);
	if (*reason != '\0')
		buf_printf(out, ",\"reason\":\"%s\"", reason);
	if (details != NULL)
		buf_printf(out, ",\"details\":%s", details);
	buf_printf(out, ",\"code\":%d}", code);
}

void status_send(
	struct conn *conn, int code, const char *reason, const char *message, const char *details)
{
	struct buf out = {0};

	status_text(&out, code, reason, message, details, NULL);
	buf_text(&out, "\n");
	strict_answered(conn, code, 0);
	answer(conn, code, NULL, "application/json", out.v, out.n);
	buf_free(&out);
}

void status_object(struct conn *conn, const struct kind *kind, const char *name, bool exists)
{
	const struct double_kind *type = &kind->type;
	const char *dot = type->group[0] != '\0' ? "." : "";
	char *message = xprintf("%s%s%s \"%s\" %s", type->resource, dot, type->group, name,
		exists ? "already exists" : "not found");
	struct buf details = {0};

	buf_printf(&details, "{\"name\":\"%s\",", name);
	if (type->group[0] != '\0')
		buf_printf(&details, "\"group\":\"%s\",", type->group);
	buf_printf(&details, "\"kind\":\"%s\"}", type->resource);
	status_send(conn, exists ? 409 : 404, exists ? "AlreadyExists" : "NotFound", message,
		details.v);
	free(message);
	buf_free(&details);
}

/* Whether a path is below a group and version that the server itself has. */
static bool below_builtin(const struct kube_double *d, const char *path)
{
	bool found = false;

	for (size_t i = 0; i < d->store.kinds.n && !found; i++) {
		const struct kind *kind = d->store.kinds.v[i];
		struct buf prefix = {0};

		buf_text(&prefix, kind->type.group[0] != '\0' ? "/apis/" : "/api/");
		kind_version(kind, &prefix);
		buf_text(&prefix, "/");
		found = !kind->custom && strncmp(path, prefix.v, prefix.n) == 0;
		buf_free(&prefix);
	}
	return found;
}

void status_not_found(struct conn *conn)
{
	static const char text[] = "404 page not found\n";

	if (below_builtin(conn->d, conn->request.path)) {
		status_send(conn, 404, "NotFound",
			"the server could not find the requested resource", "{}");
		return;
	}
	strict_answered(conn, 404, 0);
	answer(conn, 404, "X-Content-Type-Options: nosniff\r\n", "text/plain; charset=utf-8", text,
		sizeof(text) - 1);
}

/* The token with which a client that does not mind an inconsistent list may go on. */
static char *inconsistent_token(struct conn *conn)
{
	const char *asked = request_param(&conn->request, "continue");
	struct place place = {0};
	char *token = NULL;
	int64_t rv;

	if (asked != NULL && token_read(asked, &rv, &place))
		token = token_make(conn, &place, -1, 1, 0);
	place_free(&place);
	return token;
}

static const char expired[] = "The resourceVersion for the provided list is too old.";
static const char expired_token[] =
	"The provided continue parameter is too old to display a consistent list result. You can "
	"start a new list without the continue parameter, or use the continue token in this "
	"response to retrieve the remainder of the results. Continuing with the provided token "
	"results in an inconsistent list - objects that were created, modified, or deleted between "
	"the time the first chunk was returned and now may show up in the list.";

void status_expired(struct conn *conn, bool with_token)
{
	char *token = with_token ? inconsistent_token(conn) : NULL;
	struct buf out = {0};

	status_text(&out, 410, "Expired", token != NULL ? expired_token : expired, NULL, token);
	buf_text(&out, "\n");
	strict_answered(conn, 410, 0);
	answer(conn, 410, NULL, "application/json", out.v, out.n);
	buf_free(&out);
	free(token);
}

void status_too_large(struct conn *conn, uint64_t asked)
{
	unsigned long long current = conn->d->store.revision;
	struct buf out = {0};
	char *message = xprintf("Timeout: Too large resource version: %llu, current: %llu",
		(unsigned long long)asked, current);

	status_text(&out, 504, "Timeout", message,
		"{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"Too large "
		"resource version\"}],\"retryAfterSeconds\":1}",
		NULL);
	buf_text(&out, "\n");
	strict_answered(conn, 504, 1);
	answer(conn, 504, "Retry-After: 1\r\n", "application/json", out.v, out.n);
	buf_free(&out);
	free(message);
}

static void default_text(const struct double_fault *fault, struct buf *out, const char **type)
{
	*type = "application/json";
	switch (fault->status) {
	case 401:
		status_text(out, 401, "Unauthorized", "Unauthorized", NULL, NULL);
		break;
	case 404:
		*type = "text/plain; charset=utf-8";
		buf_text(out, "404 page not found\n");
		break;
	case 429:
		*type = "text/plain; charset=utf-8";
		buf_text(out, "Too many requests, please try again later.\n");
		break;
	case 500:
		status_text(out, 500, "InternalError",
			"Internal error occurred: etcdserver: leader changed",
			"{\"causes\":[{\"message\":\"etcdserver: leader changed\"}]}", NULL);
		break;
	case 503:
		status_text(out, 503, "ServiceUnavailable",
			"the server is currently unable to handle the request", NULL, NULL);
		break;
	case 504:
		status_text(out, 504, "Timeout",
			"Timeout: request did not complete within the allotted timeout", "{}",
			NULL);
		break;
	default:
		status_text(
			out, fault->status, status_reason(fault->status), "on command", NULL, NULL);
	}
}

void status_default(struct conn *conn, const struct double_fault *fault)
{
	struct buf out = {0};
	const char *type = fault->content_type;
	char after[64] = "";

	if (fault->status == 410 && fault->body == NULL) {
		status_expired(conn, fault->token);
		return;
	}
	if (fault->body != NULL)
		buf_add(&out, fault->body, fault->body_size);
	else
		default_text(fault, &out, &type);
	if (fault->retry_after > 0)
		snprintf(after, sizeof(after), "Retry-After: %u\r\n", fault->retry_after);
	strict_answered(conn, fault->status, fault->retry_after);
	answer(conn, fault->status, after, type != NULL ? type : "application/json",
		out.v != NULL ? out.v : "", out.n);
	buf_free(&out);
}

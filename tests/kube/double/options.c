/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of a list's and a watch's options a server refuses, by version (ValidateListOptions). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct refusals {
	struct buf message, causes;
	unsigned int n;
};

static void refuse(struct refusals *r, const char *field, const char *reason, const char *text)
{
	buf_printf(&r->message, "%s%s: %s", r->n > 0 ? ", " : "", field, text);
	buf_printf(&r->causes, "%s{\"reason\":\"%s\",\"message\":", r->n > 0 ? "," : "", reason);
	buf_json(&r->causes, text);
	buf_printf(&r->causes, ",\"field\":\"%s\"}", field);
	r->n++;
}

static void forbid(struct refusals *r, const char *field, const char *text)
{
	char *message = xprintf("Forbidden: %s", text);

	refuse(r, field, "FieldValueForbidden", message);
	free(message);
}

static void unsupported(struct refusals *r, const char *match, const char *values)
{
	char *message = xprintf("Unsupported value: \"%s\": supported values: %s", match, values);

	refuse(r, "resourceVersionMatch", "FieldValueNotSupported", message);
	free(message);
}

static const char *text_of(const struct conn *conn, const char *name)
{
	const char *value = request_param(&conn->request, name);

	return value != NULL ? value : "";
}

static const char match_name[] = "resourceVersionMatch";

static void check_match(const struct conn *conn, const char *match, struct refusals *r)
{
	const char *rv = text_of(conn, "resourceVersion");

	if (*rv == '\0')
		forbid(r, match_name,
			"resourceVersionMatch is forbidden unless resourceVersion is provided");
	if (*text_of(conn, "continue") != '\0')
		forbid(r, match_name,
			"resourceVersionMatch is forbidden when continue is provided");
	if (strcmp(match, "Exact") != 0 && strcmp(match, "NotOlderThan") != 0)
		unsupported(r, match, "\"Exact\", \"NotOlderThan\", \"\"");
	if (strcmp(match, "Exact") == 0 && strcmp(rv, "0") == 0)
		forbid(r, match_name,
			"resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
}

static void check_old_watch(const struct conn *conn, const char *match, struct refusals *r)
{
	if (*match == '\0')
		return;
	forbid(r, match_name, "resourceVersionMatch is forbidden for watch");
	check_match(conn, match, r);
}

static void check_new_watch(const struct conn *conn, const char *match, struct refusals *r)
{
	bool initial = request_param(&conn->request, "sendInitialEvents") != NULL;
	bool not_older = strcmp(match, "NotOlderThan") == 0;

	if (initial && !not_older)
		forbid(r, match_name,
			"sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
	if (initial && conn->d->options.version == DOUBLE_1_34_NO_STREAM)
		forbid(r, "sendInitialEvents",
			"sendInitialEvents is forbidden for watch unless the WatchList feature gate is "
			"enabled");
	if (*match == '\0')
		return;
	if (!initial)
		forbid(r, match_name,
			"resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
			"provided");
	if (!not_older)
		unsupported(r, match, "\"NotOlderThan\"");
	if (*text_of(conn, "continue") != '\0')
		forbid(r, match_name,
			"resourceVersionMatch is forbidden when continue is provided");
}

static void check_list(const struct conn *conn, const char *match, struct refusals *r)
{
	if (*match != '\0')
		check_match(conn, match, r);
	if (conn->d->options.version != DOUBLE_1_20 &&
		request_param(&conn->request, "sendInitialEvents") != NULL)
		forbid(r, "sendInitialEvents", "sendInitialEvents is forbidden for list");
}

bool options_valid(struct conn *conn)
{
	const char *match = text_of(conn, match_name);
	struct refusals r = {0};
	char *message, *details;

	if (conn->request.verb == DOUBLE_LIST)
		check_list(conn, match, &r);
	else if (conn->d->options.version == DOUBLE_1_20)
		check_old_watch(conn, match, &r);
	else
		check_new_watch(conn, match, &r);
	if (r.n > 0) {
		message = xprintf("ListOptions.meta.k8s.io \"\" is invalid: %s%s%s",
			r.n > 1 ? "[" : "", r.message.v, r.n > 1 ? "]" : "");
		details = xprintf(
			"{\"group\":\"meta.k8s.io\",\"kind\":\"ListOptions\",\"causes\":[%s]}",
			r.causes.v);
		status_send(conn, 422, "Invalid", message, details);
		free(message);
		free(details);
	}
	buf_free(&r.message);
	buf_free(&r.causes);
	return r.n == 0;
}

bool param_number(struct conn *conn, const char *name, uint64_t *out)
{
	const char *text = text_of(conn, name);
	char *end, *message;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*end == '\0' && *text != '-' && *text != '+' && errno == 0)
		return true;
	message = xprintf("strconv.ParseUint: parsing \"%s\": invalid syntax", text);
	wrong(conn->d, conn, "%s is no number", name);
	status_send(conn, 400, "BadRequest", message, NULL);
	free(message);
	return false;
}

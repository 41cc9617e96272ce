/* SPDX-License-Identifier: BSD-3-Clause */
/* What a request asks for, and whether it may. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void kind_version(const struct kind *kind, struct buf *out)
{
	if (kind->type.group[0] != '\0')
		buf_printf(out, "%s/", kind->type.group);
	buf_text(out, kind->type.version);
}

void kind_head(const struct kind *kind, const char *suffix, struct buf *out)
{
	struct buf version = {0};

	kind_version(kind, &version);
	buf_printf(out,
		kind->custom ? "{\"apiVersion\":\"%2$s\",\"kind\":\"%1$s%3$s\""
			     : "{\"kind\":\"%1$s%3$s\",\"apiVersion\":\"%2$s\"",
		kind->type.kind, version.v, suffix);
	buf_free(&version);
}

static void render_metadata(const char *json, struct buf *out)
{
	cJSON *object = cJSON_Parse(json);
	char *metadata = cJSON_PrintUnformatted(cJSON_GetObjectItem(object, "metadata"));

	buf_printf(out,
		"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":%s}",
		metadata);
	cJSON_free(metadata);
	cJSON_Delete(object);
}

void object_render(const struct kind *kind, const struct revision *revision, uint64_t rv, bool item,
	bool metadata_only, struct buf *out)
{
	size_t at;

	if (metadata_only) {
		struct buf json = {0};

		revision_render(revision, rv, &json);
		render_metadata(json.v, out);
		buf_free(&json);
		return;
	}
	if (item && !kind->custom) {
		revision_render(revision, rv, out);
		return;
	}
	kind_head(kind, "", out);
	buf_text(out, ",");
	at = out->n;
	revision_render(revision, rv, out);
	memmove(out->v + at, out->v + at + 1, out->n - at);
	out->n--;
}

bool api_metadata_only(const struct request *request)
{
	return strncmp(request->accept, "application/json;as=PartialObjectMetadata", 41) == 0;
}

/* A part of the path; NULL when there is none. */
static char *part(char **rest)
{
	char *text = *rest != NULL ? strsep(rest, "/") : NULL;

	return text != NULL && *text != '\0' ? text : NULL;
}

static struct kind *kind_of(
	const struct store *store, const char *group, const char *version, const char *resource)
{
	for (size_t i = 0; i < store->kinds.n; i++) {
		const struct double_kind *type = &store->kinds.v[i]->type;

		if (strcmp(type->group, group) == 0 && strcmp(type->version, version) == 0 &&
			strcmp(type->resource, resource) == 0)
			return store->kinds.v[i];
	}
	return NULL;
}

/* Cuts the path up, in place. */
struct target api_target(struct kube_double *d, char *path)
{
	const char *group = "", *version, *resource;
	char *rest = path + 1, *root = part(&rest);
	struct target target = {0};

	if (root != NULL && strcmp(root, "apis") == 0)
		group = part(&rest);
	else if (root == NULL || strcmp(root, "api") != 0)
		return target;
	version = part(&rest);
	resource = part(&rest);
	/* /namespaces/NS/pods, but /namespaces/NAME is an object */
	if (resource != NULL && strcmp(resource, "namespaces") == 0 && rest != NULL) {
		char *ns = part(&rest), *below = part(&rest);

		target.ns = below != NULL ? ns : NULL;
		target.name = below != NULL ? NULL : ns;
		resource = below != NULL ? below : resource;
	}
	if (group == NULL || version == NULL || resource == NULL)
		return (struct target){0};
	if (target.name == NULL)
		target.name = part(&rest);
	target.sub = part(&rest);
	target.kind = kind_of(&d->store, group, version, resource);
	if (target.kind != NULL && !target.kind->type.namespaced && target.ns != NULL)
		target.kind = NULL;
	return target;
}

static bool authorized(struct conn *conn)
{
	const char *given = conn->request.authorization;

	if (conn->d->token == NULL)
		return true;
	return strncmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, conn->d->token) == 0;
}

static const char *verb_name(const struct conn *conn, const struct target *target)
{
	const char *method = conn->request.method;

	if (conn->request.verb == DOUBLE_LIST)
		return "list";
	if (conn->request.verb == DOUBLE_WATCH)
		return "watch";
	if (strcmp(method, "POST") == 0)
		return "create";
	if (strcmp(method, "PUT") == 0)
		return "update";
	if (strcmp(method, "PATCH") == 0)
		return "patch";
	return strcmp(method, "DELETE") == 0 ? "delete" : "get";
}

/* RBAC's words: a client names the missing permission from them. */
static bool forbidden(struct conn *conn, const struct target *target)
{
	const struct double_kind *type = &target->kind->type;
	const char *verb = verb_name(conn, target), *dot = type->group[0] != '\0' ? "." : "";
	struct buf where = {0}, details = {0};
	char *message;
	bool found = false;

	for (size_t i = 0; i < conn->d->forbidden.n; i++)
		found |= strcmp(conn->d->forbidden.v[i].verb, verb) == 0 &&
			 store_kind(&conn->d->store, conn->d->forbidden.v[i].resource) ==
				 target->kind;
	if (!found)
		return false;
	if (target->ns != NULL)
		buf_printf(&where, "in the namespace \"%s\"", target->ns);
	else
		buf_text(&where, "at the cluster scope");
	message = xprintf("%s%s%s%s%s%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API "
			  "group \"%s\" %s",
		type->resource, dot, type->group, target->name != NULL ? " \"" : "",
		target->name != NULL ? target->name : "", target->name != NULL ? "\"" : "",
		conn->d->user, verb, type->resource, type->group, where.v);
	buf_text(&details, "{");
	if (target->name != NULL)
		buf_printf(&details, "\"name\":\"%s\",", target->name);
	if (type->group[0] != '\0')
		buf_printf(&details, "\"group\":\"%s\",", type->group);
	buf_printf(&details, "\"kind\":\"%s\"}", type->resource);
	status_send(conn, 403, "Forbidden", message, details.v);
	free(message);
	buf_free(&where);
	buf_free(&details);
	return true;
}

static void get_object(struct conn *conn, const struct target *target)
{
	struct entry *entry = store_find(target->kind, target->ns, target->name);
	struct buf out = {0};

	if (entry == NULL || entry->newest->deleted) {
		status_object(conn, target->kind, target->name, false);
		return;
	}
	object_render(target->kind, entry->newest, entry->newest->rv, false,
		api_metadata_only(&conn->request), &out);
	buf_text(&out, "\n");
	strict_answered(conn, 200, 0);
	answer(conn, 200, NULL, "application/json", out.v, out.n);
	buf_free(&out);
}

static enum double_verb verb_of(const struct request *request, const struct target *target)
{
	if (strcmp(request->method, "GET") != 0)
		return DOUBLE_WRITE;
	if (target->kind == NULL)
		return DOUBLE_OTHER;
	if (request_flag(request, "watch"))
		return DOUBLE_WATCH;
	return target->name != NULL ? DOUBLE_GET : DOUBLE_LIST;
}

static bool acceptable(const struct request *request)
{
	const char *accept = request->accept;

	return *accept == '\0' || strstr(accept, "*/*") != NULL ||
	       strstr(accept, "application/json") != NULL ||
	       strstr(accept, "application/*") != NULL;
}

static void serve(struct conn *conn, const struct target *target)
{
	if (!authorized(conn))
		status_send(conn, 401, "Unauthorized", "Unauthorized", NULL);
	else if (!acceptable(&conn->request))
		status_send(conn, 406, "NotAcceptable",
			"only the following media types are accepted: application/json", NULL);
	else if (target->kind != NULL && forbidden(conn, target))
		;
	else if (conn->request.verb == DOUBLE_LIST)
		list_start(conn, target);
	else if (conn->request.verb == DOUBLE_WATCH)
		watch_start(conn, target);
	else if (conn->request.verb == DOUBLE_GET)
		get_object(conn, target);
	else if (conn->request.verb == DOUBLE_WRITE && target->kind != NULL)
		write_serve(conn, target);
	else if (conn->request.verb != DOUBLE_OTHER || !discovery_serve(conn))
		status_not_found(conn);
}

static unsigned int page_of(const struct conn *conn)
{
	const char *text = request_param(&conn->request, "continue");
	const struct token *token = text != NULL ? token_find(conn->d, text) : NULL;

	return token != NULL ? token->page : 1;
}

static void record(struct conn *conn)
{
	struct kube_double *d = conn->d;
	const struct request *request = &conn->request;
	struct double_request entry = {.method = xstrdup(request->method),
		.target = xstrdup(request->target),
		.agent = xstrdup(request->agent),
		.accept = xstrdup(request->accept),
		.authorization = xstrdup(request->authorization),
		.verb = request->verb,
		.at = uv_hrtime()};

	conn->request.number = d->requests.n;
	vec_push(&d->requests, entry);
}

/* True: the fault has answered (or will not ever). */
static bool faulted(struct conn *conn)
{
	const struct double_fault *fault = &conn->fault;

	if (!conn->faulty)
		return false;
	switch (fault->kind) {
	case DOUBLE_STATUS:
		status_default(conn, fault);
		return true;
	case DOUBLE_RAW:
		strict_answered(conn, 0, 0);
		buf_add(&conn->out, fault->body, fault->body_size);
		conn->finished = true;
		conn->keep = false;
		return true;
	case DOUBLE_HANG:
		return true;
	default:
		return false;
	}
}

void api_serve(struct conn *conn)
{
	char *path = xstrdup(conn->request.path);
	struct target target = api_target(conn->d, path);

	conn->request.verb = verb_of(&conn->request, &target);
	record(conn);
	strict_request(conn);
	if (conn->request.verb == DOUBLE_LIST)
		strict_list(conn, &target);
	else if (conn->request.verb == DOUBLE_WATCH)
		strict_watch(conn, &target);
	fault_choose(conn, page_of(conn));
	if (!faulted(conn))
		serve(conn, &target);
	free(path);
}

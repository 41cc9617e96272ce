/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects that are written: by the test, or as a client does it (POST, PUT, merge patch, DELETE).
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

static const char *text_in(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void now_text(char out[24])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void copy_item(cJSON *to, const cJSON *from, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);

	if (item != NULL)
		cJSON_AddItemToObject(to, name, cJSON_Duplicate(item, true));
}

/* What identifies an object and stays the same over its life. */
static void add_identity(cJSON *metadata, const cJSON *given, const cJSON *last, uint64_t rv)
{
	const char *uid = text_in(given, "uid"), *created = text_in(given, "creationTimestamp");
	char made[40], when[24];

	if (uid == NULL)
		uid = text_in(last, "uid");
	if (created == NULL)
		created = text_in(last, "creationTimestamp");
	snprintf(made, sizeof(made), "d0b1e000-0000-4000-8000-%012llx", (unsigned long long)rv);
	now_text(when);
	cJSON_AddStringToObject(metadata, "uid", uid != NULL ? uid : made);
	cJSON_AddStringToObject(metadata, "resourceVersion", "");
	cJSON_AddStringToObject(metadata, "creationTimestamp", created != NULL ? created : when);
	copy_item(metadata, given, "deletionTimestamp");
	copy_item(metadata, given, "deletionGracePeriodSeconds");
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* As Go writes a map. */
static void sort_members(cJSON *object, bool deep)
{
	VEC(cJSON *) items = {0};
	cJSON *item;

	while (cJSON_IsObject(object) && (item = object->child) != NULL)
		vec_push(&items, cJSON_DetachItemViaPointer(object, item));
	if (items.n > 0)
		qsort(items.v, items.n, sizeof(items.v[0]), by_name);
	for (size_t i = 0; i < items.n; i++) {
		if (deep)
			sort_members(items.v[i], true);
		cJSON_AddItemToObject(object, items.v[i]->string, items.v[i]);
	}
	free(items.v);
}

/* Moves the members of `from` that `to` has not, but for what a server alone says. */
static void move_rest(cJSON *to, cJSON *from)
{
	cJSON *item;

	while (from != NULL && (item = from->child) != NULL) {
		cJSON_DetachItemViaPointer(from, item);
		if (cJSON_GetObjectItemCaseSensitive(to, item->string) != NULL ||
			strcmp(item->string, "apiVersion") == 0 ||
			strcmp(item->string, "kind") == 0)
			cJSON_Delete(item);
		else
			cJSON_AddItemToObject(to, item->string, item);
	}
}

static cJSON *parse_revision(const struct revision *revision)
{
	struct buf json = {0};
	cJSON *object;

	if (revision == NULL || revision->deleted)
		return NULL;
	revision_render(revision, revision->rv, &json);
	object = cJSON_Parse(json.v);
	buf_free(&json);
	return object;
}

/* Takes `given`. */
static struct revision *write_object(
	struct kube_double *d, struct kind *kind, const char *ns, const char *name, cJSON *given)
{
	struct entry *entry = store_find(kind, ns, name);
	cJSON *last = parse_revision(entry != NULL ? entry->newest : NULL);
	cJSON *object = cJSON_CreateObject(),
	      *metadata = cJSON_AddObjectToObject(object, "metadata");
	cJSON *had = cJSON_GetObjectItemCaseSensitive(given, "metadata");
	static const char marker[] = "\"resourceVersion\":\"\"";
	char *text;
	size_t at;
	struct revision *revision;

	cJSON_AddStringToObject(metadata, "name", name);
	if (kind->type.namespaced)
		cJSON_AddStringToObject(metadata, "namespace", ns);
	add_identity(metadata, had, cJSON_GetObjectItemCaseSensitive(last, "metadata"),
		d->store.revision + 1);
	move_rest(metadata, had);
	move_rest(object, given);
	sort_members(cJSON_GetObjectItemCaseSensitive(metadata, "labels"), false);
	sort_members(cJSON_GetObjectItemCaseSensitive(metadata, "annotations"), false);
	if (kind->custom)
		sort_members(object, true);
	text = cJSON_PrintUnformatted(object);
	at = (size_t)(strstr(text, marker) - text) + sizeof(marker) - 2;
	revision = store_write(&d->store, kind, ns, name, text, at, NULL);
	cJSON_Delete(object);
	cJSON_Delete(given);
	cJSON_Delete(last);
	double_kick(d);
	return revision;
}

uint64_t double_put(struct kube_double *d, const char *resource, const char *ns, const char *name,
	const char *json)
{
	struct kind *kind = store_kind(&d->store, resource);
	cJSON *given = cJSON_Parse(json != NULL ? json : "{}");

	if (kind == NULL || !cJSON_IsObject(given) || (ns != NULL) != kind->type.namespaced) {
		cJSON_Delete(given);
		return 0;
	}
	return write_object(d, kind, ns, name, given)->rv;
}

uint64_t double_delete(
	struct kube_double *d, const char *resource, const char *ns, const char *name)
{
	struct kind *kind = store_kind(&d->store, resource);
	struct entry *entry = kind != NULL ? store_find(kind, ns, name) : NULL;

	if (entry == NULL || entry->newest->deleted)
		return 0;
	double_kick(d);
	return store_erase(&d->store, kind, entry)->rv;
}

static void send_object(
	struct conn *conn, const struct target *target, int status, const struct revision *revision)
{
	struct buf out = {0};

	object_render(target->kind, revision, revision->rv, false, false, &out);
	buf_text(&out, "\n");
	answer(conn, status, NULL, "application/json", out.v, out.n);
	buf_free(&out);
}

static void refuse(struct conn *conn, int code, const char *reason, const char *what)
{
	status_send(conn, code, reason, what, NULL);
}

/* A new pod waits for a scheduler; a NetworkPolicy and a namespace are as they were given. */
static void add_defaults(const struct kind *kind, cJSON *given)
{
	if (strcmp(kind->type.resource, "pods") == 0 &&
		cJSON_GetObjectItemCaseSensitive(given, "status") == NULL)
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(given, "status"), "phase", "Pending");
}

static void create(struct conn *conn, const struct target *target, cJSON *given)
{
	const struct double_kind *type = &target->kind->type;
	const char *name = text_in(cJSON_GetObjectItemCaseSensitive(given, "metadata"), "name");
	struct entry *entry;
	char *copy;

	if (name == NULL || (target->ns != NULL) != type->namespaced) {
		cJSON_Delete(given);
		refuse(conn, 422, "Invalid",
			"metadata.name: Required value: name or generateName is required");
		return;
	}
	entry = store_find(target->kind, target->ns, name);
	if (entry != NULL && !entry->newest->deleted) {
		status_object(conn, target->kind, name, true);
		cJSON_Delete(given);
		return;
	}
	add_defaults(target->kind, given);
	copy = xstrdup(name);
	send_object(
		conn, target, 201, write_object(conn->d, target->kind, target->ns, copy, given));
	free(copy);
}

/* RFC 7396. */
static void merge(cJSON *into, const cJSON *patch)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, patch)
	{
		cJSON *had = cJSON_GetObjectItemCaseSensitive(into, item->string);

		if (cJSON_IsObject(item) && cJSON_IsObject(had)) {
			merge(had, item);
			continue;
		}
		cJSON_DeleteItemFromObjectCaseSensitive(into, item->string);
		if (!cJSON_IsNull(item))
			cJSON_AddItemToObject(into, item->string, cJSON_Duplicate(item, true));
	}
}

static void change(struct conn *conn, const struct target *target, cJSON *given, bool patch)
{
	struct entry *entry = store_find(target->kind, target->ns, target->name);
	cJSON *object;

	if (entry == NULL || entry->newest->deleted) {
		cJSON_Delete(given);
		status_object(conn, target->kind, target->name, false);
		return;
	}
	object = given;
	if (patch) {
		object = parse_revision(entry->newest);
		merge(object, given);
		cJSON_Delete(given);
	}
	send_object(conn, target, 200,
		write_object(conn->d, target->kind, target->ns, target->name, object));
}

/*
 * A pod first has a deletionTimestamp. One that runs on a node and is not to go at once stays like
 * that for a kubelet to end.
 */
static bool terminate(struct conn *conn, const struct target *target, struct entry *entry)
{
	const char *grace = request_param(&conn->request, "gracePeriodSeconds");
	cJSON *object = parse_revision(entry->newest), *metadata;
	bool at_once = (grace != NULL && strcmp(grace, "0") == 0) ||
		       text_in(cJSON_GetObjectItemCaseSensitive(object, "spec"), "nodeName") ==
			       NULL;
	char when[24];

	now_text(when);
	metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(metadata, "deletionTimestamp");
	cJSON_DeleteItemFromObjectCaseSensitive(metadata, "deletionGracePeriodSeconds");
	cJSON_AddStringToObject(metadata, "deletionTimestamp", when);
	cJSON_AddNumberToObject(metadata, "deletionGracePeriodSeconds", at_once ? 0 : 30);
	write_object(conn->d, target->kind, target->ns, target->name, object);
	return at_once;
}

static void erase(struct conn *conn, const struct target *target)
{
	struct entry *entry = store_find(target->kind, target->ns, target->name);

	if (entry == NULL || entry->newest->deleted) {
		status_object(conn, target->kind, target->name, false);
		return;
	}
	if (strcmp(target->kind->type.resource, "pods") != 0 || terminate(conn, target, entry))
		store_erase(&conn->d->store, target->kind, entry);
	double_kick(conn->d);
	send_object(conn, target, 200, entry->newest);
}

void write_serve(struct conn *conn, const struct target *target)
{
	const struct request *request = &conn->request;
	const char *method = request->method;
	cJSON *given;

	if (strcmp(method, "DELETE") == 0 && target->name != NULL) {
		erase(conn, target);
		return;
	}
	given = cJSON_Parse(request->body);
	if (!cJSON_IsObject(given)) {
		cJSON_Delete(given);
		refuse(conn, 400, "BadRequest", "the object provided is unrecognized");
	} else if (strcmp(method, "POST") == 0 && target->name == NULL) {
		create(conn, target, given);
	} else if (strcmp(method, "PUT") == 0 && target->name != NULL) {
		change(conn, target, given, false);
	} else if (strcmp(method, "PATCH") == 0 && target->name != NULL &&
		   strcmp(request->content_type, "application/merge-patch+json") == 0) {
		change(conn, target, given, true);
	} else {
		cJSON_Delete(given);
		refuse(conn, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
	}
}

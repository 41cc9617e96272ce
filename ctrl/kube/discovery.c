/* SPDX-License-Identifier: BSD-3-Clause */
#include "discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "place.h"
#include "vec.h"

#define ANSWER_MS 30000u
#define FAILED_MS 5000u /* the list of groups was not to be had: sooner than the next round */

typedef TG_VEC(struct tg_kube_resource) resources;

struct version {
	char text[128]; /* "policy.networking.k8s.io/v1alpha2" */
};

struct tg_kube_discovery {
	uv_timer_t timer;
	struct tg_kube_client *client;
	const struct tg_kube_discovery_handler *handler;
	void *ctx;
	uint32_t interval_ms;
	struct tg_kube_fetch *fetch;	 /* NULL: between rounds */
	TG_VEC(struct version) versions; /* of this round, a group's preferred one first */
	size_t at;
	resources known; /* of the last round */
	resources fresh; /* of this one */
	bool failed;
	struct tg_kube_discovery_status status;
};

static void ask_next(struct tg_kube_discovery *d);
static void on_timer(uv_timer_t *timer);

static void note_error(struct tg_kube_discovery *d, const char *what, const char *why)
{
	d->status.failures++;
	d->failed = true;
	snprintf(d->status.error, sizeof(d->status.error), "%s: %s", what, why);
}

/* Built-in groups without anything that decides over traffic: they need not be asked about. */
static bool is_dull(const char *group)
{
	static const char *const dull[] = {"admissionregistration.k8s.io", "apiextensions.k8s.io",
		"apiregistration.k8s.io", "apps", "authentication.k8s.io", "authorization.k8s.io",
		"autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io",
		"discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
		"internal.apiserver.k8s.io", "metrics.k8s.io", "node.k8s.io",
		"rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io",
		"storage.k8s.io", "storagemigration.k8s.io"};

	for (size_t i = 0; i < sizeof(dull) / sizeof(dull[0]); i++)
		if (strcmp(dull[i], group) == 0)
			return true;
	return false;
}

/* --- a group's resources --- */

static bool has_verb(const struct tg_value *resource, const char *verb)
{
	for (const struct tg_value *v = tg_value_list(resource, "verbs"); v != NULL; v = v->next)
		if (v->type == TG_VALUE_STRING && strcmp(v->text, verb) == 0)
			return true;
	return false;
}

static bool same_resource(
	const struct tg_kube_resource *a, const char *api_version, const char *resource)
{
	size_t n = tg_kube_group(api_version);

	return tg_kube_group(a->api_version) == n && strncmp(a->api_version, api_version, n) == 0 &&
	       strcmp(a->resource, resource) == 0;
}

static bool is_there(const resources *list, const char *api_version, const char *resource)
{
	for (size_t i = 0; i < list->n; i++)
		if (same_resource(&list->v[i], api_version, resource))
			return true;
	return false;
}

static void take_resource(
	struct tg_kube_discovery *d, const char *api_version, const struct tg_value *v)
{
	struct tg_kube_resource r = {0};
	const struct tg_value *namespaced = tg_value_get(v, "namespaced");
	const char *name = tg_value_text(v, "name"), *kind = tg_value_text(v, "kind");

	if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= sizeof(r.resource) ||
		strlen(kind) >= sizeof(r.kind) || !has_verb(v, "list") || !has_verb(v, "watch"))
		return;
	if (!d->handler->wanted(d->ctx, api_version, kind) ||
		is_there(&d->fresh, api_version, name))
		return;
	snprintf(r.api_version, sizeof(r.api_version), "%s", api_version);
	snprintf(r.resource, sizeof(r.resource), "%s", name);
	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	r.namespaced = namespaced != NULL && namespaced->type == TG_VALUE_BOOL &&
		       namespaced->boolean;
	if (tg_vec_push(&d->fresh, r) != 0)
		note_error(d, api_version, "out of memory");
}

/* Nothing was heard of this version: it has what it had. */
static void keep_resources(struct tg_kube_discovery *d, const char *api_version, const char *why)
{
	note_error(d, api_version, why);
	for (size_t i = 0; i < d->known.n; i++) {
		const struct tg_kube_resource *r = &d->known.v[i];

		if (strcmp(r->api_version, api_version) == 0 &&
			!is_there(&d->fresh, api_version, r->resource) &&
			tg_vec_push(&d->fresh, *r) != 0)
			note_error(d, api_version, "out of memory");
	}
}

static void end_round(struct tg_kube_discovery *d)
{
	resources old = d->known;

	d->known = d->fresh;
	d->fresh = (resources){0};
	tg_vec_free(&old);
	d->status.rounds++;
	if (!d->failed)
		d->status.error[0] = '\0';
	uv_timer_start(&d->timer, on_timer, d->interval_ms, 0);
	d->handler->found(d->ctx, d->known.v, d->known.n);
}

static void on_resources(
	void *ctx, const struct tg_kube_result *result, const struct tg_value *root)
{
	struct tg_kube_discovery *d = ctx;
	const char *api_version = d->versions.v[d->at].text;

	d->fetch = NULL;
	if (root == NULL && result->status != 404)
		keep_resources(d, api_version, result->why);
	else if (root != NULL && strcmp(tg_value_text(root, "kind"), "APIResourceList") != 0)
		keep_resources(d, api_version, "the answer is no APIResourceList");
	else
		for (const struct tg_value *v = tg_value_list(root, "resources"); v != NULL;
			v = v->next)
			take_resource(d, api_version, v);
	d->at++;
	ask_next(d);
}

/* --- the groups --- */

static void take_version(
	struct tg_kube_discovery *d, const struct tg_value *version, const char *but)
{
	const char *text = tg_value_text(version, "groupVersion");
	struct version entry;

	if (text[0] == '\0' || strlen(text) >= sizeof(entry.text) || strcmp(text, but) == 0)
		return;
	snprintf(entry.text, sizeof(entry.text), "%s", text);
	if (tg_vec_push(&d->versions, entry) != 0)
		note_error(d, text, "out of memory");
}

static void on_groups(void *ctx, const struct tg_kube_result *result, const struct tg_value *root)
{
	struct tg_kube_discovery *d = ctx;

	d->fetch = NULL;
	/* Somebody who answers for the server must not make it have nothing. */
	if (root == NULL || strcmp(tg_value_text(root, "kind"), "APIGroupList") != 0) {
		note_error(
			d, "/apis", root == NULL ? result->why : "the answer is no APIGroupList");
		uv_timer_start(&d->timer, on_timer,
			d->interval_ms < FAILED_MS ? d->interval_ms : FAILED_MS, 0);
		return;
	}
	for (const struct tg_value *g = tg_value_list(root, "groups"); g != NULL; g = g->next) {
		const struct tg_value *preferred = tg_value_get(g, "preferredVersion");

		if (is_dull(tg_value_text(g, "name")))
			continue;
		take_version(d, preferred, "");
		for (const struct tg_value *v = tg_value_list(g, "versions"); v != NULL;
			v = v->next)
			take_version(d, v, tg_value_text(preferred, "groupVersion"));
	}
	ask_next(d);
}

/* --- rounds --- */

static void ask(struct tg_kube_discovery *d, const char *path, tg_kube_fetched *answered)
{
	d->fetch = tg_kube_fetch(d->client, path, ANSWER_MS, answered, d);
	if (d->fetch != NULL)
		return;
	note_error(d, path, "out of memory");
	uv_timer_start(&d->timer, on_timer, d->interval_ms, 0);
}

static void ask_next(struct tg_kube_discovery *d)
{
	char path[sizeof("/apis/") + sizeof(struct version)];

	if (d->at == d->versions.n) {
		end_round(d);
		return;
	}
	snprintf(path, sizeof(path), "/apis/%s", d->versions.v[d->at].text);
	ask(d, path, on_resources);
}

static void on_timer(uv_timer_t *timer)
{
	struct tg_kube_discovery *d = timer->data;

	d->versions.n = d->fresh.n = d->at = 0;
	d->failed = false;
	ask(d, "/apis", on_groups);
}

struct tg_kube_discovery *tg_kube_discovery_create(uv_loop_t *loop, struct tg_kube_client *client,
	uint32_t interval_ms, const struct tg_kube_discovery_handler *handler, void *ctx)
{
	struct tg_kube_discovery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->client = client;
	d->handler = handler;
	d->ctx = ctx;
	d->interval_ms = interval_ms != 0 ? interval_ms : TG_KUBE_DISCOVERY_MS;
	uv_timer_init(loop, &d->timer);
	d->timer.data = d;
	uv_timer_start(&d->timer, on_timer, 0, 0);
	return d;
}

static void on_closed(uv_handle_t *handle)
{
	struct tg_kube_discovery *d = handle->data;

	tg_vec_free(&d->versions);
	tg_vec_free(&d->known);
	tg_vec_free(&d->fresh);
	free(d);
}

void tg_kube_discovery_free(struct tg_kube_discovery *d)
{
	if (d == NULL)
		return;
	tg_kube_fetch_cancel(d->fetch);
	d->fetch = NULL;
	uv_close((uv_handle_t *)&d->timer, on_closed);
}

void tg_kube_discovery_status(
	const struct tg_kube_discovery *d, struct tg_kube_discovery_status *out)
{
	*out = d->status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The server: its life, its kinds, and what is done to all of its connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "scale.h"

#define FIRST_REVISION 95u /* so that 99 and 100 are soon seen: they are numbers, not texts */

static void add_builtins(struct kube_double *d)
{
	const char *slices = d->options.version == DOUBLE_1_20 ? "v1beta1" : "v1";
	const struct double_kind kinds[] = {
		{"", "v1", "namespaces", "Namespace", false},
		{"", "v1", "nodes", "Node", false},
		{"", "v1", "pods", "Pod", true},
		{"", "v1", "services", "Service", true},
		{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true},
		{"discovery.k8s.io", slices, "endpointslices", "EndpointSlice", true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		store_add_kind(&d->store, &kinds[i], false);
}

static void double_free(struct kube_double *d)
{
	for (size_t i = 0; i < d->requests.n; i++) {
		const struct double_request *request = &d->requests.v[i];

		free((char *)request->method);
		free((char *)request->target);
		free((char *)request->agent);
		free((char *)request->accept);
		free((char *)request->authorization);
	}
	free(d->requests.v);
	for (size_t i = 0; i < d->forbidden.n; i++) {
		free(d->forbidden.v[i].verb);
		free(d->forbidden.v[i].resource);
	}
	free(d->forbidden.v);
	faults_free(d);
	strict_free(d);
	store_free(&d->store);
	free(d->token);
	free(d->user);
	free(d->url);
	free(d);
}

static void timer_closed(uv_handle_t *handle)
{
	struct kube_double *d = handle->data;

	if (--d->handles == 0)
		double_free(d);
}

static void listener_closed(uv_handle_t *handle)
{
	struct kube_double *d = handle->data;

	free(handle);
	if (--d->handles == 0)
		double_free(d);
}

static void close_listener(uv_tcp_t **listener)
{
	if (*listener != NULL)
		uv_close((uv_handle_t *)*listener, listener_closed);
	*listener = NULL;
}

static void kicked(uv_timer_t *timer)
{
	struct kube_double *d = timer->data;
	struct conn *next;

	for (struct conn *conn = d->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->watch.kind != NULL)
			conn_pump(conn);
	}
}

void double_kick(struct kube_double *d)
{
	if (!d->closing && !uv_is_active((uv_handle_t *)&d->kick))
		uv_timer_start(&d->kick, kicked, 0, 0);
}

/* The port, or -errno. */
static int listen_at(
	struct kube_double *d, uv_tcp_t **listener, uint16_t port, uv_connection_cb accepted)
{
	int rc;

	*listener = xzalloc(sizeof(**listener));
	rc = http_listen(d, *listener, port, accepted);
	d->handles++;
	if (rc < 0)
		close_listener(listener);
	return rc;
}

int double_create(uv_loop_t *loop, const struct double_options *options, struct kube_double **out)
{
	struct kube_double *d = xzalloc(sizeof(*d));
	int rc;

	d->loop = loop;
	if (options != NULL)
		d->options = *options;
	double_set_token(d, d->options.token);
	d->user = xstrdup(d->options.user != NULL ? d->options.user
						  : "system:serviceaccount:tidegate:tidegate");
	d->store.revision = FIRST_REVISION;
	add_builtins(d);
	uv_timer_init(loop, &d->kick);
	d->kick.data = d;
	d->handles = 1;
	rc = listen_at(d, &d->listener, d->options.port, http_accepted);
	if (rc < 0) {
		double_close(d);
		return rc;
	}
	d->port = (uint16_t)rc;
	d->url = xprintf("http://127.0.0.1:%u", d->port);
	*out = d;
	return 0;
}

void double_close(struct kube_double *d)
{
	d->closing = true;
	double_down(d, false);
	close_listener(&d->control);
	scale_free(d->scale);
	uv_close((uv_handle_t *)&d->kick, timer_closed);
}

const char *double_url(const struct kube_double *d)
{
	return d->url;
}

uint16_t double_port(const struct kube_double *d)
{
	return d->port;
}

int double_control(struct kube_double *d, uint16_t port)
{
	return listen_at(d, &d->control, port, http_control_accepted);
}

static bool cut_by(const struct conn *conn, const struct kind *kind)
{
	return kind == NULL ? !conn->control || conn->d->closing
			    : conn->watch.kind == kind || conn->list.kind == kind;
}

static void cut(struct kube_double *d, const struct kind *kind, bool reset)
{
	struct conn *next;

	for (struct conn *conn = d->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (!cut_by(conn, kind))
			continue;
		strict_cut(conn);
		conn_close(conn, reset);
	}
}

void double_cut_all(struct kube_double *d, bool reset)
{
	cut(d, NULL, reset);
}

void double_down(struct kube_double *d, bool reset)
{
	cut(d, NULL, reset);
	close_listener(&d->listener);
}

int double_up(struct kube_double *d)
{
	int rc = d->listener == NULL ? listen_at(d, &d->listener, d->port, http_accepted) : 0;

	return rc < 0 ? rc : 0;
}

void double_add_kind(struct kube_double *d, const struct double_kind *kind)
{
	store_add_kind(&d->store, kind, true);
}

void double_remove_kind(struct kube_double *d, const char *resource)
{
	struct kind *kind = store_kind(&d->store, resource);

	if (kind == NULL)
		return;
	cut(d, kind, false);
	store_remove_kind(&d->store, kind);
}

uint64_t double_revision(const struct kube_double *d)
{
	return d->store.revision;
}

uint64_t double_skip_revisions(struct kube_double *d, unsigned int n)
{
	return d->store.revision += n;
}

size_t double_count(const struct kube_double *d, const char *resource)
{
	const struct kind *kind = store_kind(&d->store, resource);

	return kind != NULL ? kind->live : 0;
}

void double_prune(struct kube_double *d)
{
	uint64_t floor = d->store.compacted;

	for (const struct conn *conn = d->conns; conn != NULL; conn = conn->next) {
		if (conn->list.kind != NULL && conn->list.rv < floor)
			floor = conn->list.rv;
		if (conn->watch.kind != NULL && !conn->watch.expired && conn->watch.rv < floor)
			floor = conn->watch.rv;
	}
	store_prune(&d->store, floor);
}

void double_compact(struct kube_double *d, uint64_t revision)
{
	d->store.compacted = revision != 0 ? revision : d->store.revision;
	double_prune(d);
}

void double_bookmark(struct kube_double *d, const char *resource)
{
	const struct kind *kind = resource != NULL ? store_kind(&d->store, resource) : NULL;

	for (struct conn *conn = d->conns; conn != NULL; conn = conn->next)
		if (conn->watch.kind != NULL && conn->watch.bookmarks &&
			(resource == NULL || conn->watch.kind == kind))
			conn->watch.bookmark_due = true;
	double_kick(d);
}

void double_end_watches(struct kube_double *d, const char *resource)
{
	const struct kind *kind = resource != NULL ? store_kind(&d->store, resource) : NULL;
	struct conn *next;

	for (struct conn *conn = d->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->watch.kind == NULL || (resource != NULL && conn->watch.kind != kind))
			continue;
		answer_end(conn);
		conn_pump(conn);
	}
}

size_t double_watches(const struct kube_double *d, const char *resource)
{
	const struct kind *kind = resource != NULL ? store_kind(&d->store, resource) : NULL;
	size_t n = 0;

	for (const struct conn *conn = d->conns; conn != NULL; conn = conn->next)
		n += conn->watch.kind != NULL && (resource == NULL || conn->watch.kind == kind);
	return n;
}

void double_set_token(struct kube_double *d, const char *token)
{
	free(d->token);
	d->token = token != NULL ? xstrdup(token) : NULL;
}

void double_forbid(struct kube_double *d, const char *verb, const char *resource, bool forbidden)
{
	struct forbidden rule = {xstrdup(verb), xstrdup(resource)};

	for (size_t i = d->forbidden.n; i-- > 0;)
		if (strcmp(d->forbidden.v[i].verb, verb) == 0 &&
			strcmp(d->forbidden.v[i].resource, resource) == 0) {
			free(d->forbidden.v[i].verb);
			free(d->forbidden.v[i].resource);
			vec_remove(&d->forbidden, i);
		}
	if (forbidden) {
		vec_push(&d->forbidden, rule);
	} else {
		free(rule.verb);
		free(rule.resource);
	}
}

size_t double_requests(const struct kube_double *d)
{
	return d->requests.n;
}

const struct double_request *double_request(const struct kube_double *d, size_t i)
{
	return &d->requests.v[i];
}

size_t double_count_requests(const struct kube_double *d, enum double_verb verb, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < d->requests.n; i++) {
		const struct double_request *request = &d->requests.v[i];
		size_t length = strcspn(request->target, "?");

		n += (verb == DOUBLE_ANY || request->verb == verb) &&
		     (path == NULL || (strlen(path) == length &&
					      strncmp(request->target, path, length) == 0));
	}
	return n;
}

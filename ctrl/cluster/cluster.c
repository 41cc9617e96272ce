/* SPDX-License-Identifier: BSD-3-Clause */
#include "cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "log.h"
#include "place.h"
#include "vec.h"

#define AGENT "tidegate-ctrl/" TG_VERSION
/* Of policies that are only reported the names will do (API concepts, "Metadata-only fetches"). */
#define ACCEPT_NAMES                                                        \
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," \
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
/* Of a kind that may be missing: a server that has just started refuses what it has. */
#define REFUSALS 3u

struct feed {
	struct tg_cluster_source *source;
	char *resource, *api_version, *kind, *ns; /* ns NULL: all */
	bool enforced, optional;
	bool wanted;		       /* of a kind that was discovered: the last round found it */
	bool told;		       /* that it is forbidden or absent */
	enum tg_reflector_state state; /* the last that was told */
	struct tg_store_set *set;
	struct tg_reflector *reflector;
};

struct tg_cluster_source {
	uv_loop_t *loop;
	struct tg_store *store;
	struct tg_cluster_options options;
	const struct tg_cluster_handler *handler;
	void *ctx;
	struct tg_kube_access *own_access; /* NULL: the caller's */
	const struct tg_kube_access *access;
	struct tg_kube_client *client;
	struct tg_kube_discovery *discovery;
	TG_VEC(struct feed *) feeds;
	bool synced;
};

/* --- what comes of a kind --- */

static bool feed_settled(const struct feed *f, const struct tg_reflector_status *status)
{
	if (!f->enforced || status->synced)
		return true;
	return f->optional && status->failures >= REFUSALS &&
	       (status->state == TG_REFLECTOR_FORBIDDEN || status->state == TG_REFLECTOR_ABSENT);
}

static bool all_settled(const struct tg_cluster_source *s)
{
	struct tg_reflector_status status;

	for (size_t i = 0; i < s->feeds.n; i++) {
		tg_reflector_status(s->feeds.v[i]->reflector, &status);
		if (!feed_settled(s->feeds.v[i], &status))
			return false;
	}
	return true;
}

static void check_synced(struct tg_cluster_source *s)
{
	if (s->synced || !all_settled(s))
		return;
	s->synced = true;
	tg_log_info("cluster %s: everything was read", s->options.config->name);
	s->handler->objects(s->ctx);
	s->handler->status(s->ctx);
}

static void on_begin(void *ctx)
{
	struct feed *f = ctx;

	tg_store_set_begin(f->set);
}

/* What cannot be read is reported by the store; the others are to be enforced all the same. */
static int stored(struct feed *f, const struct tg_kube_meta *meta, int err)
{
	const char *slash = meta->ns[0] != '\0' ? "/" : "";

	if (err == -EINVAL || err == -EEXIST)
		tg_log_warn("cluster %s: %s %s%s%s %s", f->source->options.config->name, f->kind,
			meta->ns, slash, meta->name,
			err == -EINVAL ? "cannot be read"
				       : "is in another source as well: that one counts");
	f->source->handler->objects(f->source->ctx);
	return err == -ENOMEM ? err : 0;
}

static int on_put(void *ctx, const struct tg_kube_meta *meta, const char *text, size_t size)
{
	struct feed *f = ctx;

	return stored(f, meta, tg_store_set_put(f->set, meta->ns, meta->name, text, size));
}

static int on_oversized(void *ctx, const struct tg_kube_meta *meta, uint64_t size)
{
	struct feed *f = ctx;
	char why[128];

	snprintf(why, sizeof(why), "is too large to be read: %llu bytes", (unsigned long long)size);
	return stored(f, meta, tg_store_set_fail(f->set, meta->ns, meta->name, why));
}

static void on_removed(void *ctx, const struct tg_kube_meta *meta)
{
	struct feed *f = ctx;

	tg_store_set_remove(f->set, meta->ns, meta->name);
	f->source->handler->objects(f->source->ctx);
}

static void on_end(void *ctx)
{
	struct feed *f = ctx;

	tg_store_set_end(f->set);
	f->source->handler->objects(f->source->ctx);
	check_synced(f->source);
}

static void describe(const struct feed *f, struct tg_feed_status *out)
{
	*out = (struct tg_feed_status){
		.resource = f->resource,
		.api_version = f->api_version,
		.kind = f->kind,
		.ns = f->ns,
		.enforced = f->enforced,
		.optional = f->optional,
	};
	tg_store_set_stats(f->set, &out->objects);
	tg_reflector_status(f->reflector, &out->reflector);
	out->stale = out->reflector.lost_at != 0 &&
		     uv_now(f->source->loop) - out->reflector.lost_at >=
			     f->source->options.stale_ms;
}

static void tell(struct feed *f)
{
	struct tg_feed_status status;
	char text[TG_KUBE_WHY + 256];

	describe(f, &status);
	if (status.reflector.state == f->state)
		return;
	f->state = status.reflector.state;
	if (f->state == TG_REFLECTOR_WATCHING && f->told)
		tg_log_info(
			"cluster %s: %s: watching", f->source->options.config->name, f->resource);
	f->told = f->told && f->state != TG_REFLECTOR_WATCHING;
	tg_feed_problem(&status, text, sizeof(text));
	if (text[0] == '\0' || f->told)
		return;
	f->told = true;
	tg_log_warn("cluster %s: %s", f->source->options.config->name, text);
}

static void on_changed(void *ctx)
{
	struct feed *f = ctx;
	struct tg_reflector_status status;

	tg_reflector_status(f->reflector, &status);
	/*
	 * The server knows no such kind (any more): there can be no objects of it. What is enforced
	 * stays, since a proxy in front of a server that is gone says the same.
	 */
	if (status.state == TG_REFLECTOR_ABSENT && !f->enforced) {
		tg_store_set_begin(f->set);
		tg_store_set_end(f->set);
		f->source->handler->objects(f->source->ctx);
	}
	tell(f);
	check_synced(f->source);
	f->source->handler->status(f->source->ctx);
}

static const struct tg_reflector_handler feed_handler = {
	.begin = on_begin,
	.put = on_put,
	.oversized = on_oversized,
	.removed = on_removed,
	.end = on_end,
	.changed = on_changed,
};

/* --- kinds --- */

static void feed_free(struct feed *f)
{
	tg_reflector_free(f->reflector);
	tg_store_set_free(f->set);
	free(f->resource);
	free(f->api_version);
	free(f->kind);
	free(f->ns);
	free(f);
}

struct feed_options {
	struct tg_kube_place place;
	const char *kind;
	bool enforced, optional, keeps;
};

/* "prod:pods", "prod:ciliumnetworkpolicies.cilium.io" */
static void make_name(const struct feed *f, char name[TG_KUBE_PATH])
{
	snprintf(name, TG_KUBE_PATH, "%s:%s%s%.*s", f->source->options.config->name, f->resource,
		f->enforced ? "" : ".", f->enforced ? 0 : (int)tg_kube_group(f->api_version),
		f->api_version);
}

static int feed_start(struct feed *f, const struct feed_options *o)
{
	struct tg_cluster_source *s = f->source;
	char path[TG_KUBE_PATH], name[TG_KUBE_PATH], list_kind[TG_KUBE_PATH];
	char *query = tg_kube_place_query(&o->place);
	const struct tg_store_set_options set = {
		.name = name,
		.api_version = o->place.api_version,
		.kind = o->kind,
		.keeps_unreadable = o->keeps,
		.scope = s->options.config->scope,
	};
	const struct tg_reflector_options reflector = {
		.path = path,
		.query = query != NULL && query[0] != '\0' ? query : NULL,
		.accept = o->enforced ? NULL : ACCEPT_NAMES,
		.list_kind = o->enforced ? list_kind : NULL,
		.page = s->options.page,
		.times = s->options.times,
	};
	int err = -ENOMEM;

	tg_kube_place_path(&o->place, path);
	make_name(f, name);
	snprintf(list_kind, sizeof(list_kind), "%sList", o->kind);
	f->set = query != NULL ? tg_store_set_create(s->store, &set) : NULL;
	if (f->set != NULL)
		err = tg_reflector_create(
			s->loop, s->client, &reflector, &feed_handler, f, &f->reflector);
	free(query);
	return err;
}

static int feed_add(struct tg_cluster_source *s, const struct feed_options *o)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->source = s;
	f->enforced = o->enforced;
	f->optional = o->optional;
	f->wanted = true;
	f->resource = strdup(o->place.resource);
	f->api_version = strdup(o->place.api_version);
	f->kind = strdup(o->kind);
	f->ns = o->place.ns != NULL ? strdup(o->place.ns) : NULL;
	if (f->resource == NULL || f->api_version == NULL || f->kind == NULL ||
		(o->place.ns != NULL && f->ns == NULL) || feed_start(f, o) != 0 ||
		tg_vec_push(&s->feeds, f) != 0) {
		feed_free(f);
		return -ENOMEM;
	}
	return 0;
}

static const struct {
	const char *resource, *api_version, *kind;
	bool namespaced, keeps;
} kinds[] = {
#define X(sym, resource, api_version, kind, namespaced, keeps) \
	[TG_CLUSTER_##sym] = {resource, api_version, kind, namespaced, keeps},
	TG_CLUSTER_KINDS(X)
#undef X
};

static int add_kind(struct tg_cluster_source *s, enum tg_cluster_kind kind)
{
	const struct tg_config_cluster *config = s->options.config;
	struct feed_options o = {
		.place =
			{
				.api_version = kinds[kind].api_version,
				.resource = kinds[kind].resource,
				.namespaced = kinds[kind].namespaced,
				.selector = config->selector[kind],
			},
		.kind = kinds[kind].kind,
		.enforced = true,
		.optional = config->optional & 1u << kind,
		.keeps = kinds[kind].keeps,
	};
	int err = 0;

	if (config->n_namespaces == 0 || (!kinds[kind].namespaced && kind != TG_CLUSTER_NAMESPACES))
		return feed_add(s, &o);
	for (size_t i = 0; i < config->n_namespaces && err == 0; i++) {
		o.place.ns = config->namespaces[i];
		err = feed_add(s, &o);
	}
	return err;
}

/* --- policy kinds that are only reported --- */

static bool is_reported(void *ctx, const char *api_version, const char *kind)
{
	return tg_decode_is_unenforced(api_version, kind);
}

static struct feed *find_reported(
	const struct tg_cluster_source *s, const struct tg_kube_resource *resource)
{
	for (size_t i = 0; i < s->feeds.n; i++) {
		struct feed *f = s->feeds.v[i];

		if (!f->enforced && strcmp(f->api_version, resource->api_version) == 0 &&
			strcmp(f->resource, resource->resource) == 0)
			return f;
	}
	return NULL;
}

static void add_reported(struct tg_cluster_source *s, const struct tg_kube_resource *resource)
{
	const struct feed_options o = {
		.place =
			{
				.api_version = resource->api_version,
				.resource = resource->resource,
				.namespaced = resource->namespaced,
			},
		.kind = resource->kind,
	};

	tg_log_info("cluster %s: has %s (%s), which nothing here enforces", s->options.config->name,
		resource->kind, resource->api_version);
	if (feed_add(s, &o) != 0)
		tg_log_err("cluster %s: out of memory: %s are not reported",
			s->options.config->name, resource->resource);
}

static void drop_unwanted(struct tg_cluster_source *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->feeds.n; i++) {
		struct feed *f = s->feeds.v[i];

		if (f->wanted || f->enforced) {
			s->feeds.v[kept++] = f;
			continue;
		}
		tg_log_info("cluster %s: has no %s (%s) any more", s->options.config->name, f->kind,
			f->api_version);
		feed_free(f);
	}
	if (kept != s->feeds.n)
		s->handler->objects(s->ctx);
	s->feeds.n = kept;
}

static void on_found(void *ctx, const struct tg_kube_resource *resources, size_t n)
{
	struct tg_cluster_source *s = ctx;

	for (size_t i = 0; i < s->feeds.n; i++)
		s->feeds.v[i]->wanted = s->feeds.v[i]->enforced;
	for (size_t i = 0; i < n; i++) {
		struct feed *f = find_reported(s, &resources[i]);

		if (f != NULL)
			f->wanted = true;
		else
			add_reported(s, &resources[i]);
	}
	drop_unwanted(s);
	s->handler->status(s->ctx);
}

static const struct tg_kube_discovery_handler discovery_handler = {
	.wanted = is_reported,
	.found = on_found,
};

/* --- life --- */

static int load_access(struct tg_cluster_source *s, char **error)
{
	const struct tg_config_cluster *config = s->options.config;
	const struct tg_kube_access_options options = {
		.kubeconfig = config->kubeconfig,
		.context = config->context,
		.allow_insecure = config->insecure,
	};
	int err;

	s->access = s->options.access;
	if (s->access != NULL)
		return 0;
	err = tg_kube_access_load(&options, &s->own_access, error);
	s->access = s->own_access;
	return err;
}

static int start(struct tg_cluster_source *s, char **error)
{
	struct tg_kube_client_options options = {.agent = AGENT};
	int err = load_access(s, error);

	if (err != 0)
		return err;
	options.access = s->access;
	err = tg_kube_client_create(s->loop, &options, &s->client);
	for (int kind = 0; kind < TG_CLUSTER_KIND_COUNT && err == 0; kind++)
		err = add_kind(s, (enum tg_cluster_kind)kind);
	if (err != 0)
		return err;
	s->discovery = tg_kube_discovery_create(
		s->loop, s->client, s->options.discovery_ms, &discovery_handler, s);
	return s->discovery != NULL ? 0 : -ENOMEM;
}

int tg_cluster_source_create(uv_loop_t *loop, struct tg_store *store,
	const struct tg_cluster_options *options, const struct tg_cluster_handler *handler,
	void *ctx, struct tg_cluster_source **out, char **error)
{
	struct tg_cluster_source *s = calloc(1, sizeof(*s));
	int err;

	*error = NULL;
	if (s == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->store = store;
	s->options = *options;
	if (s->options.stale_ms == 0)
		s->options.stale_ms = TG_CLUSTER_STALE_MS;
	s->handler = handler;
	s->ctx = ctx;
	err = start(s, error);
	if (err != 0) {
		tg_cluster_source_free(s);
		return err;
	}
	*out = s;
	return 0;
}

void tg_cluster_source_free(struct tg_cluster_source *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->feeds.n; i++)
		feed_free(s->feeds.v[i]);
	tg_vec_free(&s->feeds);
	tg_kube_discovery_free(s->discovery);
	if (s->client != NULL)
		tg_kube_client_free(s->client);
	tg_kube_access_free(s->own_access);
	free(s);
}

void tg_cluster_source_relist(struct tg_cluster_source *s)
{
	for (size_t i = 0; i < s->feeds.n; i++)
		tg_reflector_relist(s->feeds.v[i]->reflector);
}

bool tg_cluster_source_synced(const struct tg_cluster_source *s)
{
	return s->synced;
}

/* --- what there is to know --- */

void tg_cluster_source_status(const struct tg_cluster_source *s, struct tg_cluster_status *out)
{
	struct tg_feed_status feed;

	*out = (struct tg_cluster_status){
		.name = s->options.config->name,
		.server = s->access->server,
		.zone = s->options.config->scope.zone,
		.synced = s->synced,
		.n_feeds = s->feeds.n,
	};
	for (size_t i = 0; i < s->feeds.n; i++) {
		describe(s->feeds.v[i], &feed);
		out->stale = out->stale || (feed.stale && feed.enforced);
	}
	tg_kube_client_stats(s->client, &out->client);
	tg_kube_discovery_status(s->discovery, &out->discovery);
}

void tg_cluster_source_feed(
	const struct tg_cluster_source *s, size_t index, struct tg_feed_status *out)
{
	describe(s->feeds.v[index], out);
}

void tg_feed_problem(const struct tg_feed_status *feed, char *text, size_t size)
{
	const int group = (int)tg_kube_group(feed->api_version);

	text[0] = '\0';
	if (feed->reflector.state == TG_REFLECTOR_FORBIDDEN)
		snprintf(text, size,
			"missing RBAC: verbs get, list, watch on resource %s in API group \"%.*s\"%s%s"
			" (%s)",
			feed->resource, group, feed->api_version,
			feed->ns != NULL ? " in namespace " : "", feed->ns != NULL ? feed->ns : "",
			feed->reflector.error);
	else if (feed->reflector.state == TG_REFLECTOR_ABSENT)
		snprintf(text, size, "the server has no %s (%s): %s", feed->resource,
			feed->api_version, feed->reflector.error);
	else if (feed->reflector.error[0] != '\0')
		snprintf(text, size, "%s: %s", feed->resource, feed->reflector.error);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The controller's clusters: their life, and what is known of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "controller_private.h"
#include "log.h"

#define PROBLEM_TEXT 512

bool clusters_synced(const struct tg_controller *c)
{
	for (size_t i = 0; i < c->n_clusters; i++)
		if (!tg_cluster_source_synced(c->clusters[i]))
			return false;
	return c->n_clusters == c->config->n_clusters;
}

static void on_objects(void *ctx)
{
	controller_gather(ctx);
}

static void on_status(void *ctx)
{
	notes_sources(ctx);
}

static int start_one(struct tg_controller *c, const struct tg_config_cluster *config)
{
	static const struct tg_cluster_handler handler = {
		.objects = on_objects,
		.status = on_status,
	};
	const struct tg_cluster_options options = {.config = config};
	char *error;
	int err = tg_cluster_source_create(
		c->loop, c->store, &options, &handler, c, &c->clusters[c->n_clusters], &error);

	if (err == 0)
		c->n_clusters++;
	else
		tg_log_err("cluster %s: %s", config->name, error != NULL ? error : strerror(-err));
	free(error);
	return err;
}

int clusters_start(struct tg_controller *c)
{
	int err = 0;

	c->clusters = calloc(c->config->n_clusters + 1, sizeof(*c->clusters));
	if (c->clusters == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->config->n_clusters && err == 0; i++)
		err = start_one(c, &c->config->clusters[i]);
	return err;
}

void clusters_stop(struct tg_controller *c)
{
	while (c->n_clusters > 0)
		tg_cluster_source_free(c->clusters[--c->n_clusters]);
}

void clusters_relist(struct tg_controller *c)
{
	for (size_t i = 0; i < c->n_clusters; i++)
		tg_cluster_source_relist(c->clusters[i]);
}

/* --- what is known of them --- */

static const char *copy(struct tg_sources *s, const char *text)
{
	const char *copied = tg_arena_strdup(s->arena, text != NULL ? text : "");

	return copied != NULL ? copied : "";
}

/* The loop's time as Unix ms; 0 stays 0. */
static uint64_t unix_time(const struct tg_controller *c, uint64_t loop_ms)
{
	return loop_ms != 0 ? tg_clock_ms(CLOCK_REALTIME) - uv_now(c->loop) + loop_ms : 0;
}

static int add_kind(const struct tg_controller *c, struct tg_sources *s,
	struct tg_source_cluster *cluster, const struct tg_feed_status *feed)
{
	const struct tg_reflector_status *r = &feed->reflector;
	struct tg_source_kind kind = {
		.resource = copy(s, feed->resource),
		.api_version = copy(s, feed->api_version),
		.kind = copy(s, feed->kind),
		.ns = copy(s, feed->ns),
		.state = tg_reflector_state_name(r->state),
		.enforced = feed->enforced,
		.optional = feed->optional,
		.synced = r->synced,
		.stale = feed->stale,
		.objects = feed->objects.objects,
		.refused = feed->objects.refused,
		.resource_version = copy(s, r->resource_version),
		.heard_at = unix_time(c, r->heard_at),
		.next_at = unix_time(c, r->next_at),
	};
	char problem[PROBLEM_TEXT];

#define X(field, metric, help) kind.field = r->field;
	TG_SOURCE_COUNTERS(X)
#undef X
	tg_feed_problem(feed, problem, sizeof(problem));
	kind.problem = copy(s, problem);
	return tg_vec_push(&cluster->kinds, kind);
}

static int add_cluster(
	const struct tg_controller *c, struct tg_sources *s, const struct tg_cluster_source *source)
{
	struct tg_source_cluster *cluster;
	struct tg_cluster_status status;
	struct tg_feed_status feed;
	int err = tg_vec_push(&s->clusters, (struct tg_source_cluster){0});

	if (err != 0)
		return err;
	cluster = &s->clusters.v[s->clusters.n - 1];
	tg_cluster_source_status(source, &status);
	cluster->name = copy(s, status.name);
	cluster->server = copy(s, status.server);
	cluster->zone = status.zone;
	cluster->synced = status.synced;
	cluster->stale = status.stale;
	cluster->requests = status.client.requests;
	cluster->bytes = status.client.bytes;
	cluster->certificate_expires_at = status.client.certificate_expires_at;
	cluster->discovery_problem = copy(s, status.discovery.error);
	for (size_t i = 0; i < status.n_feeds && err == 0; i++) {
		tg_cluster_source_feed(source, i, &feed);
		err = add_kind(c, s, cluster, &feed);
	}
	return err;
}

void clusters_note(struct tg_controller *c)
{
	struct tg_sources *s = c->n_clusters > 0 ? tg_sources_create() : NULL;
	int err = 0;

	if (s == NULL)
		return;
	c->notice.source.stale = false;
	for (size_t i = 0; i < c->n_clusters && err == 0; i++) {
		err = add_cluster(c, s, c->clusters[i]);
		if (err == 0)
			c->notice.source.stale |= s->clusters.v[i].stale;
	}
	if (err != 0) {
		tg_sources_unref(s);
		return;
	}
	tg_sources_unref(c->notice.clusters);
	c->notice.clusters = s;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A Kubernetes cluster as a source: the objects of each kind of config/kinds.h that its API server
 * has are kept in the store, and of policy kinds that nothing here enforces it is known that they
 * are there (ctrl/kube discovers them, the store reports them).
 *
 * Synced is when every kind has been listed once; one that is forbidden or absent keeps it from
 * that unless the configuration says that it is optional. Afterwards whatever cannot be heard of
 * stays as it was, with its age: nothing is ever taken out of force because a server is gone.
 *
 * One thread, that of the loop.
 */
#ifndef TG_CLUSTER_SOURCE_H
#define TG_CLUSTER_SOURCE_H

#include <uv.h>

#include "config.h"
#include "discovery.h"
#include "kubeconfig.h"
#include "reflector.h"
#include "set.h"

/* Out of touch for so long: stale. */
#define TG_CLUSTER_STALE_MS 30000u

struct tg_cluster_source;

struct tg_cluster_handler {
	/* Objects in the store are others, or the source is synced. Take what there is, soon. */
	void (*objects)(void *ctx);
	/* Something that a status shows is another. */
	void (*status)(void *ctx);
};

struct tg_cluster_options {
	const struct tg_config_cluster *config;
	struct tg_reflector_times times;
	uint32_t page;	       /* objects of a list at a time; 0: as reflector.h says */
	uint32_t stale_ms;     /* out of touch for so long; 0: TG_CLUSTER_STALE_MS */
	uint32_t discovery_ms; /* between looks at what kinds there are; 0: as discovery.h says */
	/* For tests, in place of the kubeconfig; outlives the source. */
	const struct tg_kube_access *access;
};

/*
 * Starts reading; `options->config` and the store outlive it. 0; -EINVAL and others of
 * tg_kube_access_load, with its *error.
 */
int tg_cluster_source_create(uv_loop_t *loop, struct tg_store *store,
	const struct tg_cluster_options *options, const struct tg_cluster_handler *handler,
	void *ctx, struct tg_cluster_source **out, char **error);
/* Its objects leave the store. The loop has to run until its handles are closed. */
void tg_cluster_source_free(struct tg_cluster_source *source);
/* Lists everything anew. */
void tg_cluster_source_relist(struct tg_cluster_source *source);

bool tg_cluster_source_synced(const struct tg_cluster_source *source);

/* One kind, in all namespaces or one of several. */
struct tg_feed_status {
	const char *resource;	 /* "pods" */
	const char *api_version; /* "v1" */
	const char *kind;	 /* "Pod" */
	const char *ns;		 /* NULL: all */
	bool enforced;		 /* else a policy kind that is only reported */
	bool optional;
	bool stale;
	struct tg_store_set_stats objects;
	struct tg_reflector_status reflector;
};

struct tg_cluster_status {
	const char *name;
	const char *server; /* URL */
	uint16_t zone;
	bool synced;
	bool stale; /* one of its kinds is */
	size_t n_feeds;
	struct tg_kube_client_stats client;
	struct tg_kube_discovery_status discovery;
};

/* Texts are valid until the loop runs again. */
void tg_cluster_source_status(
	const struct tg_cluster_source *source, struct tg_cluster_status *out);
/* `index` < n_feeds. */
void tg_cluster_source_feed(
	const struct tg_cluster_source *source, size_t index, struct tg_feed_status *out);

/* Why a feed is not as it should be, in words that say what to do; empty: it is as it should be. */
void tg_feed_problem(const struct tg_feed_status *feed, char *text, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which resources of interest an API server has, besides those that are known beforehand: kinds
 * come and go with their CustomResourceDefinitions and aggregated servers. Asks for the list of
 * groups now and then (GET /apis, meta.k8s.io/v1 APIGroupList), then for each group's resources
 * (APIResourceList), one after the other.
 *
 * A group whose resources cannot be had at the moment has those that it had before.
 */
#ifndef TG_KUBE_DISCOVERY_H
#define TG_KUBE_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

#define TG_KUBE_DISCOVERY_MS 30000u /* between two rounds */

struct tg_kube_resource {
	char api_version[128]; /* "cilium.io/v2" */
	char resource[128];    /* "ciliumnetworkpolicies" */
	char kind[128];
	bool namespaced;
};

struct tg_kube_discovery_handler {
	/* Whether a kind is of interest. */
	bool (*wanted)(void *ctx, const char *api_version, const char *kind);
	/* A round has ended: all that are wanted and can be listed, each once. */
	void (*found)(void *ctx, const struct tg_kube_resource *resources, size_t n);
};

struct tg_kube_discovery_status {
	uint64_t rounds;	       /* that ended well */
	uint64_t failures;	       /* requests without an answer */
	char error[TG_KUBE_WHY + 160]; /* of the last round; "" none */
};

struct tg_kube_discovery;

/* `interval_ms` 0: TG_KUBE_DISCOVERY_MS; the first round begins from the loop. NULL: no memory. */
struct tg_kube_discovery *tg_kube_discovery_create(uv_loop_t *loop, struct tg_kube_client *client,
	uint32_t interval_ms, const struct tg_kube_discovery_handler *handler, void *ctx);
/* The loop has to run until its timer is closed; the handler is not called any more. */
void tg_kube_discovery_free(struct tg_kube_discovery *discovery);
void tg_kube_discovery_status(
	const struct tg_kube_discovery *discovery, struct tg_kube_discovery_status *out);

#endif

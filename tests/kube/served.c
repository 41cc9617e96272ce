/* SPDX-License-Identifier: BSD-3-Clause */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void served_put_pod(struct kube_double *server, const char *ns, const char *name, const char *ip)
{
	char json[256];

	snprintf(json, sizeof(json),
		"{\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{\"nodeName\":\"n1\"},"
		"\"status\":{\"podIP\":\"%s\",\"podIPs\":[{\"ip\":\"%s\"}]}}",
		name, ip, ip);
	assert_int_not_equal(double_put(server, "pods", ns, name, json), 0);
}

struct tg_feed_status served_feed(const struct tg_cluster_source *source, const char *resource)
{
	struct tg_cluster_status status;
	struct tg_feed_status feed;

	tg_cluster_source_status(source, &status);
	for (size_t i = 0; i < status.n_feeds; i++) {
		tg_cluster_source_feed(source, i, &feed);
		if (strcmp(feed.resource, resource) == 0)
			return feed;
	}
	return (struct tg_feed_status){.resource = NULL};
}

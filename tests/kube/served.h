/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of clusters put into a server, and see of how it is read. */
#ifndef TG_TESTS_KUBE_SERVED_H
#define TG_TESTS_KUBE_SERVED_H

#include "cluster.h"
#include "double.h"

/* On node n1, with the label app: `name`. */
void served_put_pod(struct kube_double *server, const char *ns, const char *name, const char *ip);
/* The first of this resource; its resource is NULL when there is none. */
struct tg_feed_status served_feed(const struct tg_cluster_source *source, const char *resource);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What `init` writes of a cluster that it has asked: parts of the configuration, and a proposal. */
#ifndef TG_CLI_INIT_CLUSTER_H
#define TG_CLI_INIT_CLUSTER_H

#include <stdio.h>

#include "cluster_facts.h"

/* `clusters:`; the kubeconfig's path as it is in the facts' configuration. */
void tg_init_print_clusters(FILE *out, const struct tg_cluster_facts *facts);
/* `pod-ranges:` and `node-addresses:`. */
void tg_init_print_ranges(FILE *out, const struct tg_cluster_facts *facts);
/* `infrastructure:`, and what is to be known of Services. 0 or -ENOMEM. */
int tg_init_print_infrastructure(FILE *out, const struct tg_cluster_facts *facts);
/* NetworkPolicies that let pods ask the cluster's DNS. */
void tg_init_print_dns(FILE *out, const struct tg_cluster_facts *facts);

#endif

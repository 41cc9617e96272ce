/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small random clusters that are full of traps: names, labels, ports and addresses come from pools
 * so small that everything overlaps with everything. Objects are valid as the API has it.
 */
#ifndef TG_RANDOM_CLUSTER_H
#define TG_RANDOM_CLUSTER_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "oracle.h"
#include "rng.h"

#define RANDOM_RANGES_MAX 3
#define RANDOM_INFRA_MAX 3
#define RANDOM_SCOPES_MAX 3

struct random_cluster {
	cJSON *list; /* array of API objects */
	struct oracle_options options;
	/* what options point to; all texts are constants */
	struct oracle_scope scopes[RANDOM_SCOPES_MAX];
	struct oracle_text pod_ranges[RANDOM_RANGES_MAX];
	struct oracle_text node_addrs[2];
	struct oracle_infrastructure infrastructure[RANDOM_INFRA_MAX];
};

/* Of one scope, or (`several`) now and then of more: clusters whose names and addresses overlap. */
void random_cluster_make(struct random_cluster *cluster, struct tg_rng *rng, bool several);
void random_cluster_clear(struct random_cluster *cluster);
/*
 * Lets some pods come, go and change (replicas of others, other addresses, relabelled, finished),
 * and nothing else.
 */
void random_cluster_churn(struct random_cluster *cluster, struct tg_rng *rng);

#endif

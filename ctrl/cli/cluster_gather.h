/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to cluster_facts.c and cluster_objects.c: facts in the making. */
#ifndef TG_CLI_CLUSTER_GATHER_H
#define TG_CLI_CLUSTER_GATHER_H

#include "ask.h"
#include "cluster_facts.h"

struct gather {
	struct tg_cluster_facts *facts;
	struct tg_ask *ask;
	uint32_t ms; /* for an answer */
	bool no_memory;
};

/* Nodes first, since pods and Services are held against their ranges. */
void gather_objects(struct gather *g);

/* The result, when it is no (complete) success, as a text of the facts; else NULL. */
const char *gather_failure(struct gather *g, const struct tg_kube_result *result);
/* A copy on one line: it may end up in a comment of a configuration, or on a terminal. */
char *gather_text(struct gather *g, const char *text);

#endif

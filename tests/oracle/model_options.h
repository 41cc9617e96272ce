/* SPDX-License-Identifier: BSD-3-Clause */
/* A random cluster's options as the compiler takes them. */
#ifndef TG_MODEL_OPTIONS_H
#define TG_MODEL_OPTIONS_H

#include "compile.h"
#include "random_cluster.h"

struct model_options {
	struct tg_compile_options options; /* points into the rest */
	struct tg_prefix ranges[RANDOM_RANGES_MAX];
	struct tg_addr node_addrs[2];
	struct tg_infrastructure infrastructure[RANDOM_INFRA_MAX];
};

void model_options_make(
	const struct random_cluster *cluster, uint64_t generation, struct model_options *out);
/*
 * As an API server would have it: the namespaces that are not only mentioned, into out[], which has
 * room for all; returns how many.
 */
size_t model_options_namespaces(const struct tg_cluster *cluster, const struct tg_namespace **out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A random cluster's options as the compiler takes them. */
#ifndef TG_MODEL_OPTIONS_H
#define TG_MODEL_OPTIONS_H

#include "compile.h"
#include "decode.h"
#include "random_cluster.h"

#define MODEL_ZONES_MAX (RANDOM_SCOPES_MAX + RANDOM_RANGES_MAX + 2)

struct model_options {
	struct tg_compile_options options; /* points into the rest */
	struct tg_prefix ranges[RANDOM_RANGES_MAX];
	struct tg_addr node_addrs[2];
	struct tg_zone_options zones[MODEL_ZONES_MAX];
	struct tg_infrastructure infrastructure[RANDOM_INFRA_MAX];
};

void model_options_make(
	const struct random_cluster *cluster, uint64_t generation, struct model_options *out);
/*
 * As API servers would have it: the namespaces that are not only mentioned, into out[], which has
 * room for all; returns how many. Those of manifests are only dropped when `all` are to be.
 */
size_t model_options_namespaces(
	const struct tg_cluster *cluster, bool all, const struct tg_namespace **out);
/* What the decoder is told of a scope. */
struct tg_scope model_options_scope(const struct random_cluster *cluster, size_t scope);
/* Which one an object says. */
size_t model_options_scope_of(const cJSON *object);
/* The objects of one scope as an array, as they were without it. */
cJSON *model_options_objects(const struct random_cluster *cluster, size_t scope);

#endif

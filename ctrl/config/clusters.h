/* SPDX-License-Identifier: BSD-3-Clause */
/* The key `clusters:` of the configuration. */
#ifndef TG_CONFIG_CLUSTERS_H
#define TG_CONFIG_CLUSTERS_H

#include "config.h"
#include "reader.h"

/*
 * The list at `at`, after the zone that clusters are in when they do not say it; arrays and texts
 * are in the reader's arena. `file` is what relative paths are relative to. Mistakes are problems
 * of the reader. 0 or -ENOMEM.
 */
int tg_config_read_clusters(
	struct tg_reader *reader, const struct tg_at *at, const char *file, struct tg_config *out);

/*
 * After everything is read: what is confined to itself (decode.h). One cluster and any manifests
 * are one, as long as they are in one zone; several clusters are as many.
 */
void tg_config_set_scopes(struct tg_config *config);

/*
 * The path at `at`, made relative to the folder of `file`. NULL when absent or wrong, or *err is
 * -ENOMEM.
 */
const char *tg_config_read_path(
	struct tg_reader *reader, const struct tg_at *at, const char *file, int *err);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration says of address zones: the same keys at the top level and of a cluster. */
#ifndef TG_CONFIG_ZONES_H
#define TG_CONFIG_ZONES_H

#include "compile.h"
#include "reader.h"

/*
 * Each reads its field of a map into *out; arrays are in the reader's arena. Mistakes are problems
 * of the reader, a field that is absent leaves *out. 0 or -ENOMEM.
 */
void tg_config_read_zone(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out);
int tg_config_read_pod_ranges(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out);
int tg_config_read_node_addresses(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The key `infrastructure:` of the configuration. */
#ifndef TG_CONFIG_INFRASTRUCTURE_H
#define TG_CONFIG_INFRASTRUCTURE_H

#include "compile.h"
#include "reader.h"

/*
 * The list at `at` as tuples, one for each range of ports; arrays and names are in the reader's
 * arena. Mistakes are problems of the reader. 0 or -ENOMEM.
 */
int tg_config_read_infrastructure(
	struct tg_reader *reader, const struct tg_at *at, struct tg_compile_options *options);

#endif

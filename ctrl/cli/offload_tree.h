/* SPDX-License-Identifier: BSD-3-Clause */
/* What a dataplane says of what NICs have, as a tree. */
#ifndef TG_CLI_OFFLOAD_TREE_H
#define TG_CLI_OFFLOAD_TREE_H

#include <cjson/cJSON.h>
#include <tidegate/control.h>

#include "cli.h"

/*
 * Asks the dataplane that listens at `socket`, as a READER. `get`: what for; its header is filled
 * here. An exit code; what went wrong is said on cli->err.
 */
int tg_offload_ask(
	struct tg_cli *cli, const char *socket, struct tg_msg_offload_get *get, cJSON **out);

#endif

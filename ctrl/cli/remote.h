/* SPDX-License-Identifier: BSD-3-Clause */
/* The control process's HTTP interface, as the live commands ask it. */
#ifndef TG_CLI_REMOTE_H
#define TG_CLI_REMOTE_H

#include <cjson/cJSON.h>

#include "cli.h"
#include "image.h"

#define TG_REMOTE_URL "http://127.0.0.1:9469"
#define TG_REMOTE_JSON_MAX (256u << 20) /* bytes of an answer */

/*
 * GET url + path as JSON into *out (the caller deletes it). `url` NULL: TG_REMOTE_URL. Returns an
 * exit code; what went wrong is said on cli->err.
 */
int tg_remote_json(
	struct tg_cli *cli, const char *command, const char *url, const char *path, cJSON **out);

/* The ruleset in force, checked. Zero-initialise; free whatever happened. */
struct tg_remote_image {
	void *data;
	struct tg_image image;
};

int tg_remote_ruleset(
	struct tg_cli *cli, const char *command, const char *url, struct tg_remote_image *out);
void tg_remote_image_free(struct tg_remote_image *image);

#endif

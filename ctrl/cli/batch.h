/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many questions at once: JSON lines in, JSON lines out, one answer for each line, in order and
 * flushed, so that a program can ask one by one through a pipe.
 */
#ifndef TG_CLI_BATCH_H
#define TG_CLI_BATCH_H

#include "offline.h"

#define TG_BATCH_LINE_MAX 65536 /* bytes of one question */

/* Answers all of cli->in. An exit code: negative findings are answers, not failures. */
int tg_batch(const struct tg_offline *offline, struct tg_cli *cli);

#endif

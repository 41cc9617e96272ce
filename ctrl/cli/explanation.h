/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection explained: the verdict of both sides, the rules that decided, and for an implicit
 * deny who isolates the pod and which rule failed by the least.
 */
#ifndef TG_CLI_EXPLANATION_H
#define TG_CLI_EXPLANATION_H

#include "endpoint.h"
#include "judge.h"

struct tg_explain_query {
	const char *src_text, *dst_text;
	uint8_t protocol;
	uint16_t port; /* 0 for protocols without ports */
};

/*
 * Prints it to cli->out. Needs offline->image; without a roster (a live image and no manifests)
 * only addresses can be asked for, and policies have no file and line. Returns TG_EXIT_OK when the
 * connection is allowed, TG_EXIT_NEGATIVE when it is denied (in any family that both ends have),
 * TG_EXIT_USAGE when it cannot be judged.
 */
int tg_explain(const struct tg_offline *offline, struct tg_cli *cli,
	const struct tg_explain_query *query, bool json);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HTTP server: a thread of its own that reads the board and the statistics segment, so that no
 * scrape ever waits for, or holds up, a change of the rules. GET and HEAD only:
 *
 *	/metrics      Prometheus text
 *	/healthz      200: the process runs
 *	/readyz       200: everything that is wanted is enforced; 503 says what is missing
 *	/v1/status /v1/rules /v1/drops    JSON, see docs/http-json.md
 *	/v1/ruleset   the image in force, binary; 404: none
 */
#ifndef TG_EXPORT_HTTP_H
#define TG_EXPORT_HTTP_H

#include <stdint.h>

#include "addr.h"
#include "board.h"

struct tg_http;

/* The board is the caller's and outlives the server. 0, -EADDRINUSE and the like, -ENOMEM. */
int tg_http_start(
	const struct tg_addr *addr, uint16_t port, struct tg_board *board, struct tg_http **out);
void tg_http_stop(struct tg_http *http); /* NULL is fine */
/* The port that is listened on, for those who asked for 0. */
uint16_t tg_http_port(const struct tg_http *http);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The running gateway: everything between a configuration and the control loop, put together and
 * taken apart in order.
 */
#ifndef TG_DATAPLANE_GATEWAY_H
#define TG_DATAPLANE_GATEWAY_H

#include "config.h"

struct tg_gateway;

/*
 * Starts ports, workers and the control socket; EAL runs already. What was checkpointed is in force
 * before the first packet is received. `stop_fd` ends tg_gateway_run when it is readable. The
 * configuration outlives the gateway. 0 or -errno, logged.
 */
int tg_gateway_start(
	const struct tg_dataplane_config *config, int stop_fd, struct tg_gateway **out);
/* Serves the control socket. 0 when told to stop. */
int tg_gateway_run(struct tg_gateway *gateway);
/* Stops workers, then ports; frees everything; removes the socket. */
void tg_gateway_stop(struct tg_gateway *gateway);

#endif

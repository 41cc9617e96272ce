/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting DPDK's environment as the configuration has it. */
#ifndef TG_DATAPLANE_EAL_H
#define TG_DATAPLANE_EAL_H

#include "config.h"

/*
 * Calls rte_eal_init with a control core and a core for each worker, and a device for each port.
 * The calling thread becomes the main lcore. 0 or -errno, logged. Once a process.
 */
int tg_eal_start(const struct tg_dataplane_config *config);
/* The lcore that runs worker `index`. */
unsigned int tg_eal_lcore(uint32_t index);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment for a test: no huge pages, no devices, nothing shared with other processes. */
#ifndef TG_TEST_EAL_H
#define TG_TEST_EAL_H

/* `name` tells the tests of one machine apart. 0 or -errno. */
int eal_start(const char *name);
void eal_stop(void);

#endif

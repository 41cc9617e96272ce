/* SPDX-License-Identifier: BSD-3-Clause */
/* `tidegate nic verify`: another program, as that needs DPDK and this one does not. */
#ifndef TG_NIC_VERIFY_H
#define TG_NIC_VERIFY_H

#include "cli.h"

/*
 * Becomes tidegate-nic-verify, which is beside this program, or where it was installed or built;
 * argv[0] is "verify". Returns only when it is not there: the exit code.
 */
int tg_nic_verify(struct tg_cli *cli, char **argv);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A NIC's profile as a tree of the form of its file, with what is implied spelled out. */
#ifndef TG_CLI_NIC_TREE_H
#define TG_CLI_NIC_TREE_H

#include <cjson/cJSON.h>

#include "profile.h"

/* The caller's; NULL: out of memory. */
cJSON *tg_nic_tree(const struct tg_nic_profile *profile);
/* What `nic list` says of a profile. The same. */
cJSON *tg_nic_tree_summary(const struct tg_nic_profile *profile);

#endif

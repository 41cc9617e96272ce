/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stand-in addresses: offline commands judge pods that have no address yet (pending, or a manifest
 * without status) by their policies like any other pod, although the dataplane cannot know them.
 * A stand-in gives each of them an address of every family that the cluster's pods use (IPv4 when
 * none has an address), in a copy of the cluster that is handed to the same compiler.
 *
 * Which ipBlocks such a pod is in cannot be known, except for a block that is every address
 * (0.0.0.0/0 or ::/0 without except). So only these match: the addresses come from a range that
 * nothing in the cluster touches (a /8 of 240.0.0.0/4; a /64 of 100::/60), and any other block
 * that covers the range gets it as one more except in the copy. That fails closed: an unknown
 * address is allowed nothing that its real address might not be allowed.
 *
 * A hostNetwork pod without address whose node has none either makes the node get a stand-in.
 */
#ifndef TG_CLI_STANDIN_H
#define TG_CLI_STANDIN_H

#include "compile.h"
#include "model.h"

struct tg_standin;

/*
 * `cluster` must outlive the result. -ENOMEM; -ENOSPC when no range is free or the pods do not fit.
 */
int tg_standin_create(const struct tg_cluster *cluster, struct tg_standin **out);
void tg_standin_free(struct tg_standin *standin);
/* The copy; the cluster itself when no pod needed an address. */
const struct tg_cluster *tg_standin_cluster(const struct tg_standin *standin);
/* The address was made up here. */
bool tg_standin_is(const struct tg_standin *standin, const struct tg_addr *addr);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The generated cluster's objects as JSON, without apiVersion and kind. */
#ifndef TG_KUBE_DOUBLE_RENDER_H
#define TG_KUBE_DOUBLE_RENDER_H

#include "model.h"
#include "store.h"

/*
 * For `made`: object is a struct tg_pod (its namespace, app and ports) or one of the other kinds,
 * look one whose labels a pod has, cluster where it is from, address a pod's, serial its version
 * label (0: that of look).
 */
void render_pod(const struct made *made, const char *name, uint64_t rv, struct buf *out);
void render_namespace(const struct made *made, const char *name, uint64_t rv, struct buf *out);
void render_node(const struct made *made, const char *name, uint64_t rv, struct buf *out);
void render_service(const struct made *made, const char *name, uint64_t rv, struct buf *out);
void render_policy(const struct made *made, const char *name, uint64_t rv, struct buf *out);

/* The node that has the address in its pod CIDR. */
const struct tg_node *render_node_of(const struct tg_cluster *cluster, uint32_t address);
/* A pod's addresses in its order, 1 or 2. */
uint32_t render_addresses(const struct made *made, struct tg_addr out[2]);
/* The value of a pod's label, which `version` may be in another's place of; `buf` has 16 bytes. */
const char *render_label(const struct made *made, uint32_t i, char *buf);

#endif

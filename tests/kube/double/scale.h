/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A large cluster in a double: namespaces, nodes, Services, pods and policies from perf/gen, the
 * same for the same numbers. Objects are some 4 to 5 KB of JSON a pod (managedFields, containers,
 * probes, conditions), made anew whenever one is sent: 100,000 pods are some 50 MB here.
 */
#ifndef TG_KUBE_DOUBLE_SCALE_H
#define TG_KUBE_DOUBLE_SCALE_H

#include "buf.h"
#include "double.h"

struct scale;

/* NULL with errno as tg_gen_create. The double has no other objects of these kinds. */
struct scale *scale_create(struct kube_double *d, uint32_t pods, uint32_t policies);
/* After double_close: what the double serves until then refers to this. */
void scale_free(struct scale *scale);

/*
 * `n` changes of pods, in turn:
 *   - a pod is replaced by one of the same app with a new name and another address;
 *   - a pod is deleted, and its address given to a new pod in another namespace at once;
 *   - a pod gets a new version label, or every fourth time the labels of another pod in its
 * namespace. The first two are two revisions each. Deterministic.
 */
void scale_churn(struct scale *scale, uint32_t n);
/* The same in the loop, `per_second` for so long. A second call replaces the first. */
void scale_churn_start(struct scale *scale, uint32_t per_second, uint32_t seconds);
void scale_churn_stop(struct scale *scale);
/* Whether it still goes on, and how many changes it made in all. */
bool scale_churning(const struct scale *scale, uint64_t *changes);

/*
 * What is so now, a line a pod in the order of a list:
 * "namespace/name address[,address] key=value,... node", labels sorted by key.
 */
void scale_state(const struct scale *scale, struct buf *out);
/*
 * What changed after that revision, a line each: "revision nanoseconds ADDED|MODIFIED|DELETED
 * namespace/name address"; nanoseconds of CLOCK_MONOTONIC at which it was written.
 */
void scale_changes(const struct scale *scale, uint64_t since, struct buf *out);

#endif

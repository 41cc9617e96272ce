/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is who in a cluster: pods by name and by address, nodes, namespaces
 * and policies by name. Refers to
 * the cluster, which must outlive it. Linear to build, logarithmic to ask.
 */
#ifndef TG_CLI_ROSTER_H
#define TG_CLI_ROSTER_H

#include "model.h"

struct tg_roster;

/* NULL: out of memory. */
struct tg_roster *tg_roster_create(const struct tg_cluster *cluster);
void tg_roster_free(struct tg_roster *roster);

/* NULL when there is none; also for names that the cluster never mentions. */
const struct tg_pod *tg_roster_pod(
	const struct tg_roster *roster, const char *ns, const char *name);
const struct tg_node *tg_roster_node(const struct tg_roster *roster, uint32_t name);
const struct tg_namespace *tg_roster_namespace(const struct tg_roster *roster, uint32_t name);
const struct tg_policy *tg_roster_policy(
	const struct tg_roster *roster, const char *ns, const char *name);

/*
 * The pod that an address belongs to; hostNetwork and finished pods own none,
 * nor does anybody a node's. When several claim
 * it: live before terminating, then the newest; a tie belongs to nobody, and *conflict is set.
 */
const struct tg_pod *tg_roster_owner(
	const struct tg_roster *roster, const struct tg_addr *addr, bool *conflict);
/* The policies of a namespace, sorted by name: pointers first[0..n-1]. */
const struct tg_policy *const *tg_roster_policies(
	const struct tg_roster *roster, uint32_t ns, size_t *n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The infrastructure tuples that a cluster needs, by what is known of it. Pure. */
#ifndef TG_CLI_PROPOSALS_H
#define TG_CLI_PROPOSALS_H

#include "cluster_facts.h"

struct tg_proposal {
	struct tg_infrastructure tuple; /* its name is as long-lived as the facts */
	const char *why;
};

typedef TG_VEC(struct tg_proposal) tg_proposals;

/* 0 or -ENOMEM; tg_vec_free() whatever happened. */
int tg_propose(const struct tg_cluster_facts *facts, tg_proposals *out);
/* The configuration has tuples that allow all of it. */
bool tg_proposal_is_there(const struct tg_cluster_facts *facts, const struct tg_proposal *proposal);
/* The default action lets it pass without a tuple. */
bool tg_proposal_passes(const struct tg_cluster_facts *facts, const struct tg_proposal *proposal);

#define TG_PROPOSAL_TEXT 256
/* As the configuration has it: "{name: kube-api, from: nodes, to: 192.0.2.10, ports: 6443}". */
const char *tg_proposal_format(const struct tg_proposal *proposal, char text[TG_PROPOSAL_TEXT]);

#endif

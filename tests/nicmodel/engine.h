/* SPDX-License-Identifier: BSD-3-Clause */
/* Engines of a NIC: what they take, and what they make of it. Under the NIC's lock. */
#ifndef TG_NICMODEL_ENGINE_H
#define TG_NICMODEL_ENGINE_H

#include "model.h"

/* The masks that a rule gets there. */
void nm_engine_masks(const struct nm_draft *draft, unsigned int engine, struct nm_key *mask);
/* Counts the rule's mask among those of its engine; 0 or -errno. */
int nm_shape_take(struct nm_rule *rule, const struct nm_draft *draft, const struct nm_key *mask,
	struct rte_flow_error *error);
void nm_shape_give(struct nm_rule *rule);

#endif

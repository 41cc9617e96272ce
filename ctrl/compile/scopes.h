/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cluster's namespaces, by index, and which namespace selectors match each. A namespace that
 * the cluster does not have has the index TG_NONE and matches nothing.
 */
#ifndef TG_COMPILE_SCOPES_H
#define TG_COMPILE_SCOPES_H

#include "model.h"
#include "selectors.h"

struct scopes {
	uint32_t *names; /* intern numbers, by index */
	uint32_t n;
	uint32_t *index; /* intern number -> index + 1 */
	uint32_t n_strings;
	struct seqs matches; /* sets of namespace selectors */
	uint32_t *match;     /* by index: in `matches` */
};

/* -ENOMEM; -EEXIST with the index of the second one in *which. */
int scopes_init(struct scopes *s, const struct tg_cluster *cluster, uint32_t *which);
void scopes_free(struct scopes *s);
/* Fills `match`; `selectors` is frozen. */
int scopes_match(
	struct scopes *s, const struct tg_cluster *cluster, const struct selectors *selectors);

static inline uint32_t scopes_find(const struct scopes *s, uint32_t name)
{
	return name < s->n_strings && s->index[name] != 0 ? s->index[name] - 1 : UINT32_MAX;
}

static inline struct seq scopes_selectors(const struct scopes *s, uint32_t ns)
{
	return seqs_get(&s->matches, s->match[ns]);
}

#endif

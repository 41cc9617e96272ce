/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of distinct label selectors with an index, and the projection of labels to what these
 * selectors can tell apart. One instance for pods, one for namespaces.
 *
 *	selectors_add ... selectors_freeze; then atoms_project and match
 *
 * Labels of keys that no selector uses vanish (atoms.h), so pod-template-hash and the like cost
 * nothing; atoms are all that matching looks at. After selectors_freeze nothing of the model is
 * referred to any more.
 */
#ifndef TG_COMPILE_SELECTORS_H
#define TG_COMPILE_SELECTORS_H

#include "atoms.h"

struct selectors {
	TG_VEC(const struct tg_selector *) models; /* by id, until frozen */
	uint32_t *table;			   /* of ids + 1, by hash of the model */
	size_t mask;

	struct atoms atoms;
	TG_VEC(struct selector) compact; /* by id */
	TG_VEC(struct selector_req) reqs;
	struct tg_vec_u32 values; /* atoms of the requirements */
	/* Where a selector is looked for: under an atom, a key, or always. Lists by first[]. */
	uint32_t *by_atom, *by_key;
	struct tg_vec_u32 under_atom, under_key, always;
	uint32_t *value_of; /* scratch of match: key number -> atom or TG_NONE */
};

struct selector {
	uint32_t first_req, n_reqs;
};

struct selector_req {
	uint32_t key; /* key number */
	uint32_t first_value, n_values;
	uint8_t op; /* enum tg_selector_op */
};

int selectors_init(struct selectors *s, const struct tg_intern *strings);
void selectors_free(struct selectors *s);
/* The id of a selector, adding it; TG_NONE when memory is out. The model must stay until frozen. */
uint32_t selectors_add(struct selectors *s, const struct tg_selector *selector);
int selectors_freeze(struct selectors *s);

/* Replaces *out by the ids that match, ascending. */
int selectors_match(const struct selectors *s, struct seq atoms, struct tg_vec_u32 *out);

#endif

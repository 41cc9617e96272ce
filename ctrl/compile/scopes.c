/* SPDX-License-Identifier: BSD-3-Clause */
#include "scopes.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

int scopes_init(struct scopes *s, const struct tg_cluster *cluster, uint32_t *which)
{
	memset(s, 0, sizeof(*s));
	s->n = (uint32_t)cluster->n_namespaces;
	s->n_strings = tg_intern_count(cluster->strings);
	s->names = calloc(s->n + 1, sizeof(*s->names));
	s->match = calloc(s->n + 1, sizeof(*s->match));
	s->index = calloc(s->n_strings, sizeof(*s->index));
	if (s->names == NULL || s->match == NULL || s->index == NULL ||
		seqs_init(&s->matches) != 0) {
		scopes_free(s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t name = cluster->namespaces[i]->name;

		if (s->index[name] != 0) {
			*which = i;
			scopes_free(s);
			return -EEXIST;
		}
		s->names[i] = name;
		s->index[name] = i + 1;
	}
	return 0;
}

void scopes_free(struct scopes *s)
{
	free(s->names);
	free(s->match);
	free(s->index);
	seqs_free(&s->matches);
	memset(s, 0, sizeof(*s));
}

int scopes_match(
	struct scopes *s, const struct tg_cluster *cluster, const struct selectors *selectors)
{
	struct tg_vec_u32 atoms = {0}, ids = {0};
	int err = 0;

	for (uint32_t i = 0; i < s->n && err == 0; i++) {
		atoms.n = 0;
		err = atoms_project(&selectors->atoms, &cluster->namespaces[i]->labels, &atoms);
		if (err == 0)
			err = selectors_match(
				selectors, (struct seq){atoms.v, (uint32_t)atoms.n}, &ids);
		if (err != 0)
			break;
		s->match[i] = seqs_add(&s->matches, ids.v, (uint32_t)ids.n);
		if (s->match[i] == TG_NONE)
			err = -ENOMEM;
	}
	tg_vec_free(&atoms);
	tg_vec_free(&ids);
	return err;
}

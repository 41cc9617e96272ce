/* SPDX-License-Identifier: BSD-3-Clause */
#include "terms.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

int terms_init(struct terms *t)
{
	memset(t, 0, sizeof(*t));
	if (seqs_init(&t->keys) != 0 || seqs_init(&t->named) != 0)
		goto fail;
	for (uint32_t kind = 0; kind < TG_KIND_COUNT; kind++)
		if (seqs_add(&t->keys, (const uint32_t[]){TERM_KIND, kind}, 2) !=
			TERM_OF_KIND(kind))
			goto fail;
	return 0;
fail:
	terms_free(t);
	return -ENOMEM;
}

void terms_free(struct terms *t)
{
	seqs_free(&t->keys);
	seqs_free(&t->named);
	free(t->first_named);
	free(t->by_base);
	memset(t, 0, sizeof(*t));
}

uint32_t terms_put(struct terms *t, const uint32_t *words, uint32_t n, bool create)
{
	return seqs_put(&t->keys, words, n, create);
}

int terms_freeze(struct terms *t)
{
	t->n_bases = terms_count(t);
	t->first_named = calloc(t->n_bases + 1, sizeof(*t->first_named));
	t->by_base = malloc((t->named.n + 1) * sizeof(*t->by_base));
	if (t->first_named == NULL || t->by_base == NULL)
		return -ENOMEM;
	for (uint32_t i = 1; i < t->named.n; i++)
		t->first_named[seqs_get(&t->named, i).v[0]]++;
	csr_open(t->first_named, t->n_bases);
	for (uint32_t i = 1; i < t->named.n; i++)
		t->by_base[t->first_named[seqs_get(&t->named, i).v[0]]++] = i;
	csr_close(t->first_named, t->n_bases);
	return 0;
}

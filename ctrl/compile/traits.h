/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traits: what is left of a pod when everything that no policy has asked for is forgotten: its zone
 * and namespace, the atoms of its labels, its named ports. They are kept from compilation to
 * compilation, pod by pod, so that a compilation looks at few traits and not at many pods.
 *
 *	traits_follow(t, pods now)           at once: no other pods are referred to from then on
 *	traits_learn(t, pods, what is asked) afterwards every pod's trait is known
 *
 * What was asked once stays distinguished, so traits may tell more pods apart than the policies of
 * today can; traits_translate says it in their words. Everything in a trait is a number of the pod,
 * so it stays right for as long as the pod is the same object.
 */
#ifndef TG_COMPILE_TRAITS_H
#define TG_COMPILE_TRAITS_H

#include "atoms.h"

#define TRAIT_OF_NOBODY 0u /* of a pod that gives no addresses */

struct traits {
	uint32_t *of; /* by pod: its trait, or PENDING */
	size_t n;
	size_t n_pending;
	struct atoms atoms;
	struct seqs uses; /* {port name, protocol}; id = use */
	/* {namespace, zone, number of atoms, atoms, (use, number)...}; id = trait */
	struct seqs keys;
	struct tg_vec_u32 scratch;
};

/* The numbers of another dictionary for those of the traits; TG_NONE: it does not ask for it. */
struct trait_words {
	uint32_t *atoms;
	uint32_t *uses;
};

int traits_init(struct traits *t);
void traits_free(struct traits *t);

/* Which pods are the same objects: the first `head` and the last `tail` of both lists. */
struct pod_match {
	size_t head, tail;
};

/*
 * The cluster's pods are now `pods`; `before`, t->n pods, are those of the last time, of which
 * `match` is still there. 0, or -ENOMEM and nothing has changed.
 */
int traits_follow(struct traits *t, const struct tg_pod *const *before,
	const struct tg_pod *const *pods, size_t n, struct pod_match match);
/*
 * Distinguishes what `atoms` and `uses` ask for as well, and fills in what is missing. -ENOMEM: the
 * traits have to be initialised anew.
 */
int traits_learn(struct traits *t, const struct tg_cluster *cluster, const struct atoms *atoms,
	const struct seqs *uses);
/* After traits_learn(t, atoms, uses). 0 or -ENOMEM. */
int trait_words_init(struct trait_words *w, const struct traits *t, const struct atoms *atoms,
	const struct seqs *uses);
void trait_words_free(struct trait_words *w);
/* Replaces *atoms and *ports ((use, number) pairs, unsorted); returns 0 or -ENOMEM. */
int traits_translate(const struct traits *t, const struct trait_words *w, uint32_t trait,
	struct tg_vec_u32 *atoms, struct tg_vec_u32 *ports);

/* The intern number of the namespace. */
static inline uint32_t traits_namespace(const struct traits *t, uint32_t trait)
{
	return seqs_get(&t->keys, trait).v[0];
}

static inline uint16_t traits_zone(const struct traits *t, uint32_t trait)
{
	return (uint16_t)seqs_get(&t->keys, trait).v[1];
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "traits.h"

#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "endpoints.h"

#define PENDING TG_NONE
#define KEY_HEAD 3u

/* What was asked for the first time: atoms and uses from these numbers on. */
struct news {
	uint32_t first_atom, first_use;
	bool *keys; /* by key number: it has new atoms */
};

int traits_init(struct traits *t)
{
	memset(t, 0, sizeof(*t));
	if (atoms_init(&t->atoms) == 0 && seqs_init(&t->uses) == 0 && seqs_init(&t->keys) == 0)
		return 0;
	traits_free(t);
	return -ENOMEM;
}

void traits_free(struct traits *t)
{
	free(t->of);
	atoms_free(&t->atoms);
	seqs_free(&t->uses);
	seqs_free(&t->keys);
	tg_vec_free(&t->scratch);
	memset(t, 0, sizeof(*t));
}

int traits_follow(struct traits *t, const struct tg_pod *const *before,
	const struct tg_pod *const *pods, size_t n, struct pod_match match)
{
	uint32_t *of = malloc((n + 1) * sizeof(*of));
	bool in_place = n == t->n;

	if (of == NULL)
		return -ENOMEM;
	if (match.head > 0)
		memcpy(of, t->of, match.head * sizeof(*of));
	if (match.tail > 0)
		memcpy(of + n - match.tail, t->of + t->n - match.tail, match.tail * sizeof(*of));
	t->n_pending = 0;
	for (size_t i = match.head; i < n - match.tail; i++)
		of[i] = in_place && before[i] == pods[i] ? t->of[i] : PENDING;
	for (size_t i = 0; i < n; i++)
		t->n_pending += of[i] == PENDING;
	free(t->of);
	t->of = of;
	t->n = n;
	return 0;
}

static int learn_atoms(struct traits *t, const struct atoms *atoms, struct news *news)
{
	uint32_t n = atoms_count(atoms);

	for (size_t i = 0; i < atoms->keys.n; i++)
		if (atoms_add_key(&t->atoms, atoms->keys.v[i]) == TG_NONE)
			return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *pair = atoms_pair(atoms, i);
		uint32_t key = atoms_key(&t->atoms, atoms->keys.v[pair[0]]);

		if (pair[1] != TG_NONE && atoms_add(&t->atoms, key, pair[1]) == TG_NONE)
			return -ENOMEM;
	}
	news->keys = calloc(t->atoms.keys.n + 1, sizeof(*news->keys));
	if (news->keys == NULL)
		return -ENOMEM;
	for (uint32_t i = news->first_atom; i < atoms_count(&t->atoms); i++)
		news->keys[atoms_pair(&t->atoms, i)[0]] = true;
	return 0;
}

static int learn_uses(struct traits *t, const struct seqs *uses)
{
	for (uint32_t i = 1; i < uses->n; i++) {
		struct seq use = seqs_get(uses, i);

		if (seqs_add(&t->uses, use.v, use.n) == TG_NONE)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t find_use(const struct traits *t, const struct tg_named_port *port)
{
	return seqs_find(&t->uses, (const uint32_t[]){port->name, port->protocol}, 2);
}

/* Does the pod have anything that was asked for the first time? */
static bool is_news(const struct traits *t, const struct news *news, const struct tg_pod *pod)
{
	for (uint32_t i = 0; i < pod->labels.n; i++) {
		const struct tg_label *label = &pod->labels.v[i];
		uint32_t key = atoms_key(&t->atoms, label->key);

		if (key != TG_NONE && news->keys[key] &&
			atoms_of(&t->atoms, key, label->value) >= news->first_atom)
			return true;
	}
	for (uint32_t i = 0; news->first_use < t->uses.n && i < pod->n_ports; i++) {
		uint32_t use = find_use(t, &pod->ports[i]);

		if (use != TG_NONE && use >= news->first_use)
			return true;
	}
	return false;
}

/* TG_NONE: out of memory. */
static uint32_t make(struct traits *t, const struct tg_pod *pod)
{
	struct tg_vec_u32 *key = &t->scratch;

	if (!endpoints_pod_counts(pod) || pod->n_addrs == 0)
		return TRAIT_OF_NOBODY;
	if (tg_vec_reserve(key, KEY_HEAD + 2 * (size_t)pod->n_ports) != 0)
		return TG_NONE;
	key->v[0] = pod->ns;
	key->v[1] = pod->zone;
	key->n = KEY_HEAD;
	if (atoms_project(&t->atoms, &pod->labels, key) != 0)
		return TG_NONE;
	key->v[2] = (uint32_t)key->n - KEY_HEAD;
	for (uint32_t i = 0; i < pod->n_ports; i++) {
		uint32_t use = find_use(t, &pod->ports[i]);

		if (use != TG_NONE &&
			(tg_vec_push(key, use) != 0 || tg_vec_push(key, pod->ports[i].number) != 0))
			return TG_NONE;
	}
	return seqs_add(&t->keys, key->v, (uint32_t)key->n);
}

/* Pods lie anywhere in memory: fetch what comes soon, in two steps. */
static void look_ahead(const struct tg_cluster *cluster, size_t i)
{
	if (i + 8 < cluster->n_pods)
		__builtin_prefetch(cluster->pods[i + 8]);
	if (i + 4 < cluster->n_pods)
		__builtin_prefetch(cluster->pods[i + 4]->labels.v);
}

static int fill_in(struct traits *t, const struct tg_cluster *cluster, const struct news *news)
{
	bool any_news = news->first_atom < atoms_count(&t->atoms) || news->first_use < t->uses.n;

	if (!any_news && t->n_pending == 0)
		return 0;
	for (size_t i = 0; i < t->n; i++) {
		if (any_news)
			look_ahead(cluster, i);
		if (t->of[i] != PENDING && (!any_news || t->of[i] == TRAIT_OF_NOBODY ||
						   !is_news(t, news, cluster->pods[i])))
			continue;
		t->of[i] = make(t, cluster->pods[i]);
		if (t->of[i] == TG_NONE)
			return -ENOMEM;
	}
	t->n_pending = 0;
	return 0;
}

int traits_learn(struct traits *t, const struct tg_cluster *cluster, const struct atoms *atoms,
	const struct seqs *uses)
{
	struct news news = {atoms_count(&t->atoms), (uint32_t)t->uses.n, NULL};
	int err = atoms_reserve(&t->atoms, tg_intern_count(cluster->strings));

	if (err == 0)
		err = learn_atoms(t, atoms, &news);
	if (err == 0)
		err = learn_uses(t, uses);
	if (err == 0)
		err = fill_in(t, cluster, &news);
	free(news.keys);
	return err;
}

/* What the other dictionary makes of an atom. */
static uint32_t translate_atom(const struct traits *t, const struct atoms *to, uint32_t atom)
{
	const uint32_t *pair = atoms_pair(&t->atoms, atom);
	uint32_t key = atoms_key(to, t->atoms.keys.v[pair[0]]);

	return key != TG_NONE ? atoms_of(to, key, pair[1]) : TG_NONE;
}

int trait_words_init(struct trait_words *w, const struct traits *t, const struct atoms *atoms,
	const struct seqs *uses)
{
	uint32_t n_atoms = atoms_count(&t->atoms), n_uses = (uint32_t)t->uses.n;

	w->atoms = malloc(((size_t)n_atoms + 1) * sizeof(*w->atoms));
	w->uses = malloc(((size_t)n_uses + 1) * sizeof(*w->uses));
	if (w->atoms == NULL || w->uses == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_atoms; i++)
		w->atoms[i] = translate_atom(t, atoms, i);
	for (uint32_t i = 0; i < n_uses; i++) {
		struct seq use = seqs_get(&t->uses, i);

		w->uses[i] = seqs_find(uses, use.v, use.n);
	}
	return 0;
}

void trait_words_free(struct trait_words *w)
{
	free(w->atoms);
	free(w->uses);
	w->atoms = w->uses = NULL;
}

int traits_translate(const struct traits *t, const struct trait_words *w, uint32_t trait,
	struct tg_vec_u32 *atoms, struct tg_vec_u32 *ports)
{
	struct seq key = seqs_get(&t->keys, trait);
	uint32_t ports_at = KEY_HEAD + key.v[2];

	atoms->n = ports->n = 0;
	if (tg_vec_reserve(atoms, key.n) != 0 || tg_vec_reserve(ports, key.n) != 0)
		return -ENOMEM;
	for (uint32_t i = KEY_HEAD; i < ports_at; i++)
		if (w->atoms[key.v[i]] != TG_NONE)
			atoms->v[atoms->n++] = w->atoms[key.v[i]];
	for (uint32_t i = ports_at; i < key.n; i += 2) {
		if (w->uses[key.v[i]] == TG_NONE)
			continue;
		ports->v[ports->n++] = w->uses[key.v[i]];
		ports->v[ports->n++] = key.v[i + 1];
	}
	return 0;
}

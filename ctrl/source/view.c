/* SPDX-License-Identifier: BSD-3-Clause */
/* What the store hands out: views of the whole cluster and sets of changes. */
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

struct view {
	struct tg_view view; /* first: what is handed out is this one */
	struct pin pin;
	const void *objects[]; /* the arrays of the cluster, one after the other */
};

struct changes {
	struct tg_changes changes; /* first */
	struct pin pin;
	struct tg_pod_change pods[];
};

static void store_pin(struct tg_store *store, struct pin *pin, uint64_t from)
{
	pin->from = from;
	pin->to = store->clock++;
	pin->next = store->pins;
	store->pins = pin;
}

static void store_unpin(struct tg_store *store, struct pin *pin)
{
	struct pin **at = &store->pins;

	while (*at != pin)
		at = &(*at)->next;
	*at = pin->next;
	store_judge_again(store);
	store_collect(store);
}

static bool is_implicit(const struct ns_state *ns)
{
	return !ns->defined && ns->mentions != 0;
}

static size_t count_implicit(const struct tg_store *store)
{
	size_t n = 0;

	for (size_t i = 0; i < store->namespaces.n; i++)
		n += is_implicit(store->namespaces.v[i]);
	return n;
}

/* Appends the objects of one kind of every file, for the cluster's array of that kind. */
#define GATHER(store, cluster, kind, at)                                                     \
	do {                                                                                 \
		const void **first = (at);                                                   \
                                                                                             \
		(cluster)->kind = (void *)first;                                             \
		for (size_t f = 0; f < (store)->files.n; f++) {                              \
			const struct content *c = (store)->files.v[f]->current;              \
                                                                                             \
			if (c == NULL || c->decoded.kind.n == 0)                             \
				continue;                                                    \
			memcpy((at), c->decoded.kind.v, c->decoded.kind.n * sizeof(void *)); \
			(at) += c->decoded.kind.n;                                           \
		}                                                                            \
		(cluster)->n_##kind = (size_t)((at)-first);                                  \
	} while (0)

/* In the order of files and what is in each. */
static const void **gather_files(
	const struct tg_store *store, struct tg_cluster *cluster, const void **at)
{
	GATHER(store, cluster, pods, at);
	GATHER(store, cluster, nodes, at);
	GATHER(store, cluster, services, at);
	GATHER(store, cluster, policies, at);
	GATHER(store, cluster, namespaces, at);
	return at;
}

/* In no order: a hundred thousand objects of clusters lie anywhere, and the index in one place. */
static const void **gather_index(
	const struct tg_store *store, struct tg_cluster *cluster, const void **at)
{
	const struct {
		uint32_t kind;
		void *array;
		size_t *n;
	} kinds[] = {
		{OBJECT_POD, &cluster->pods, &cluster->n_pods},
		{OBJECT_NODE, &cluster->nodes, &cluster->n_nodes},
		{OBJECT_SERVICE, &cluster->services, &cluster->n_services},
		{OBJECT_POLICY, &cluster->policies, &cluster->n_policies},
		{OBJECT_NAMESPACE, &cluster->namespaces, &cluster->n_namespaces},
	};
	const struct index *index = &store->objects;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const void **first = at;

		memcpy(kinds[k].array, &first, sizeof(first));
		for (size_t i = 0; i < index->size; i++)
			if (index->v[i].key.kind == kinds[k].kind)
				*at++ = index->v[i].object;
		*kinds[k].n = (size_t)(at - first);
	}
	return at;
}

static void gather(struct tg_store *store, struct tg_cluster *cluster, const void **at)
{
	cluster->strings = store->strings;
	at = store->served.n != 0 ? gather_index(store, cluster, at)
				  : gather_files(store, cluster, at);
	for (size_t i = 0; i < store->namespaces.n; i++) {
		const struct tg_namespace *implicit = &store->namespaces.v[i]->implicit;

		if (!is_implicit(store->namespaces.v[i]))
			continue;
		memcpy(at++, &implicit, sizeof(implicit));
		cluster->n_namespaces++;
	}
}

struct tg_view *tg_store_view(struct tg_store *store)
{
	size_t n = store->objects.n + count_implicit(store);
	struct view *v = malloc(sizeof(*v) + n * sizeof(v->objects[0]));

	if (v == NULL)
		return NULL;
	memset(v, 0, sizeof(*v));
	gather(store, &v->view.cluster, v->objects);
	v->view.sequence = store->sequence;
	store_pin(store, &v->pin, store->clock);
	return &v->view;
}

void tg_view_release(struct tg_store *store, struct tg_view *view)
{
	struct view *v = (struct view *)view;

	if (v == NULL)
		return;
	store_unpin(store, &v->pin);
	free(v);
}

void changes_note_other(struct tg_store *store)
{
	store->other = true;
	store->sequence++;
}

/* There are too many pods, or no memory for one more: none is listed. */
static void note_many(struct tg_store *store)
{
	store->many = true;
	changes_note_other(store);
	index_clear(&store->pods);
	store_judge_again(store);
}

void changes_note(
	struct tg_store *store, struct index_key key, const void *before, const void *after)
{
	struct index_entry *e;

	if (before != NULL && after != NULL && object_same(key.kind, before, after))
		return;
	if (key.kind != OBJECT_POD) {
		changes_note_other(store);
		return;
	}
	store->sequence++;
	if (store->many || index_find(&store->pods, key) != NULL)
		return;
	e = store->pods.n < POD_CHANGES_MAX ? index_put(&store->pods, key) : NULL;
	if (e == NULL)
		note_many(store);
	else
		e->object = before;
}

bool tg_store_changed(const struct tg_store *store)
{
	return store->other || store->pods.n != 0;
}

/* What a noted pod became; false when it is the same again. */
static bool settle(
	const struct tg_store *store, const struct index_entry *noted, struct tg_pod_change *out)
{
	const struct index_entry *now = index_find(&store->objects, noted->key);

	out->before = noted->object;
	out->after = now != NULL ? now->object : NULL;
	if (out->before == NULL || out->after == NULL)
		return out->before != out->after;
	return !object_same(OBJECT_POD, out->before, out->after);
}

struct tg_changes *tg_store_take_changes(struct tg_store *store)
{
	struct changes *c = malloc(sizeof(*c) + store->pods.n * sizeof(c->pods[0]));

	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->changes.other = store->other;
	c->changes.pods = c->pods;
	c->changes.sequence = store->sequence;
	for (size_t i = 0; i < store->pods.size; i++)
		if (store->pods.v[i].key.kind != 0 &&
			settle(store, &store->pods.v[i], &c->pods[c->changes.n_pods]))
			c->changes.n_pods++;
	store_pin(store, &c->pin, store->taken_at);
	store->taken_at = store->clock;
	store->other = store->many = false;
	index_clear(&store->pods);
	store_judge_again(store);
	return &c->changes;
}

void tg_changes_release(struct tg_store *store, struct tg_changes *changes)
{
	struct changes *c = (struct changes *)changes;

	if (c == NULL)
		return;
	store_unpin(store, &c->pin);
	free(c);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoints.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Who claims an address; in this order they own it. */
enum claim_kind { CLAIM_NODE, CLAIM_GATEWAY, CLAIM_POD, CLAIM_SERVICE };

struct claims {
	struct addr_item *v;
	size_t n, cap;
};

struct resolver {
	struct endpoints *e;
	const struct tg_cluster *cluster;
	struct tg_vec_u32 pods; /* that claim the address at hand */
};

bool endpoints_pod_counts(const struct tg_pod *pod)
{
	return !pod->host_network && !pod->finished;
}

bool endpoints_pod_same(const struct tg_pod *a, const struct tg_pod *b)
{
	return a->ns == b->ns && a->name == b->name && a->node == b->node &&
	       a->terminating == b->terminating && a->created_at == b->created_at &&
	       endpoints_pod_counts(a) == endpoints_pod_counts(b) && a->n_addrs == b->n_addrs &&
	       (a->n_addrs == 0 || memcmp(a->addrs, b->addrs, a->n_addrs * sizeof(*a->addrs)) == 0);
}

static int claim(struct claims claims[2], const struct tg_addr *addrs, size_t n,
	enum claim_kind kind, uint32_t index)
{
	for (size_t i = 0; i < n; i++) {
		struct addr_item item = {.kind = kind, .index = index};

		memcpy(item.bytes, addrs[i].bytes, sizeof(item.bytes));
		if (tg_vec_push(&claims[addrs[i].family == 6], item) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* In the order of the kinds: the sort is stable, so equal addresses stay in it. */
static int collect(struct claims claims[2], const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	int err = 0;

	for (size_t i = 0; i < cluster->n_nodes && err == 0; i++)
		err = claim(claims, cluster->nodes[i]->addrs, cluster->nodes[i]->n_addrs,
			CLAIM_NODE, (uint32_t)i);
	if (err == 0)
		err = claim(claims, options->node_addrs, options->n_node_addrs, CLAIM_GATEWAY, 0);
	for (size_t i = 0; i < cluster->n_pods && err == 0; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		if (endpoints_pod_counts(pod))
			err = claim(claims, pod->addrs, pod->n_addrs, CLAIM_POD, (uint32_t)i);
	}
	for (size_t i = 0; i < cluster->n_services && err == 0; i++)
		err = claim(claims, cluster->services[i]->addrs, cluster->services[i]->n_addrs,
			CLAIM_SERVICE, (uint32_t)i);
	return err;
}

static int index_nodes(struct endpoints *e, const struct tg_cluster *cluster)
{
	e->n_strings = tg_intern_count(cluster->strings);
	e->node_index = calloc(e->n_strings, sizeof(*e->node_index));
	if (e->node_index == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cluster->n_nodes; i++)
		e->node_index[cluster->nodes[i]->name] = (uint32_t)i + 1;
	return 0;
}

uint32_t endpoints_node(const struct endpoints *e, uint32_t name)
{
	return name != 0 && name < e->n_strings && e->node_index[name] != 0
		       ? e->node_index[name] - 1
		       : TG_NONE;
}

/* semantics 14: > 0 when `a` owns before `b`; 0: a tie. */
static int precedence(const struct tg_pod *a, const struct tg_pod *b)
{
	if (a->terminating != b->terminating)
		return a->terminating ? -1 : 1;
	return (a->created_at > b->created_at) - (a->created_at < b->created_at);
}

/* Brings the owner to the front of r->pods; false when there is none because of a tie. */
static bool choose_pod(struct resolver *r)
{
	bool tie = false;

	for (size_t i = 1; i < r->pods.n; i++) {
		const struct tg_pod *best = r->cluster->pods[r->pods.v[0]],
				    *pod = r->cluster->pods[r->pods.v[i]];
		int order = precedence(pod, best);

		if (order > 0) {
			uint32_t swap = r->pods.v[0];

			r->pods.v[0] = r->pods.v[i];
			r->pods.v[i] = swap;
			tie = false;
		} else if (order == 0) {
			tie = true;
		}
	}
	return !tie;
}

static void own_pod(struct resolver *r, struct endpoint *out)
{
	const struct tg_pod *pod;

	out->contested = r->pods.n > 1;
	if (!choose_pod(r)) {
		out->kind = TG_KIND_CONFLICT;
		return;
	}
	pod = r->cluster->pods[r->pods.v[0]];
	out->kind = TG_KIND_POD;
	out->index = r->pods.v[0];
	out->ns = pod->ns;
	out->name = pod->name;
	out->node = endpoints_node(r->e, pod->node);
}

/* Node addresses of two Node objects belong to a node, but to no node in particular. */
static void own_node(const struct addr_item *v, size_t n, struct endpoint *out)
{
	out->kind = TG_KIND_NODE;
	if (v[0].kind == CLAIM_NODE)
		out->node = v[0].index;
	for (size_t i = 1; i < n && v[i].kind == CLAIM_NODE; i++)
		if (v[i].index != out->node)
			out->node = TG_NONE;
}

static int note_conflict(struct resolver *r)
{
	struct endpoint_conflict conflict = {
		(uint32_t)r->e->n - 1, (uint32_t)r->e->contenders.n, (uint32_t)r->pods.n};

	for (size_t i = 0; i < r->pods.n; i++)
		if (tg_vec_push(&r->e->contenders, r->pods.v[i]) != 0)
			return -ENOMEM;
	return tg_vec_push(&r->e->conflicts, conflict);
}

/* One address with its claims v[0..n-1]. */
static int resolve(struct resolver *r, uint8_t family, const struct addr_item *v, size_t n)
{
	struct endpoint out = {.addr.family = family, .node = TG_NONE, .index = TG_NONE};

	memcpy(out.addr.bytes, v[0].bytes, sizeof(out.addr.bytes));
	r->pods.n = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == CLAIM_POD &&
			(r->pods.n == 0 || r->pods.v[r->pods.n - 1] != v[i].index) &&
			tg_vec_push(&r->pods, v[i].index) != 0)
			return -ENOMEM;
	if (v[0].kind == CLAIM_NODE || v[0].kind == CLAIM_GATEWAY) {
		own_node(v, n, &out);
		out.contested = r->pods.n > 0;
	} else if (r->pods.n > 0) {
		own_pod(r, &out);
		out.over_service = v[n - 1].kind == CLAIM_SERVICE;
	} else {
		out.kind = TG_KIND_SERVICE;
		out.index = v[0].index;
	}
	r->e->v[r->e->n++] = out;
	return out.contested ? note_conflict(r) : 0;
}

/* Claims are in the order of addresses, pods are not: fetch what comes soon, in two steps. */
static void look_ahead(const struct tg_cluster *cluster, const struct claims *claims, size_t i)
{
	if (i + 16 < claims->n && claims->v[i + 16].kind == CLAIM_POD)
		__builtin_prefetch(&cluster->pods[claims->v[i + 16].index]);
	if (i + 8 < claims->n && claims->v[i + 8].kind == CLAIM_POD)
		__builtin_prefetch(cluster->pods[claims->v[i + 8].index]);
}

static int resolve_family(struct resolver *r, uint8_t family, const struct claims *claims)
{
	size_t i = 0, k;
	int err = 0;

	for (; i < claims->n && err == 0; i = k) {
		look_ahead(r->cluster, claims, i);
		for (k = i + 1;
			k < claims->n && memcmp(claims->v[i].bytes, claims->v[k].bytes, 16) == 0;)
			k++;
		err = resolve(r, family, claims->v + i, k - i);
	}
	return err;
}

static int fill(struct endpoints *e, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	struct claims claims[2] = {0};
	struct resolver r = {.e = e, .cluster = cluster};
	int err = index_nodes(e, cluster);

	if (err == 0)
		err = collect(claims, cluster, options);
	for (int f = 0; f < 2 && err == 0; f++)
		err = sort_addrs(claims[f].v, claims[f].n);
	if (err == 0) {
		e->v = malloc((claims[0].n + claims[1].n + 1) * sizeof(*e->v));
		err = e->v == NULL ? -ENOMEM : 0;
	}
	if (err == 0)
		err = resolve_family(&r, 4, &claims[0]);
	e->n4 = e->n;
	if (err == 0)
		err = resolve_family(&r, 6, &claims[1]);
	tg_vec_free(&claims[0]);
	tg_vec_free(&claims[1]);
	tg_vec_free(&r.pods);
	return err;
}

struct endpoints *endpoints_create(
	const struct tg_cluster *cluster, const struct tg_compile_options *options)
{
	struct endpoints *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	atomic_init(&e->refs, 1);
	if (fill(e, cluster, options) == 0)
		return e;
	endpoints_unref(e);
	return NULL;
}

struct endpoints *endpoints_ref(struct endpoints *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void endpoints_unref(struct endpoints *e)
{
	if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(e->v);
	free(e->node_index);
	tg_vec_free(&e->conflicts);
	tg_vec_free(&e->contenders);
	free(e);
}

const struct endpoint *endpoints_find(const struct endpoints *e, const struct tg_addr *addr)
{
	size_t lo = addr->family == 6 ? e->n4 : 0, end = addr->family == 6 ? e->n : e->n4, hi = end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(e->v[mid].addr.bytes, addr->bytes, sizeof(addr->bytes)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < end && memcmp(e->v[lo].addr.bytes, addr->bytes, sizeof(addr->bytes)) == 0
		       ? &e->v[lo]
		       : NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoints.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "zones.h"

/* Who claims an address; in this order they own it. */
enum claim_kind { CLAIM_NODE, CLAIM_GATEWAY, CLAIM_POD, CLAIM_SERVICE };

struct claims {
	struct addr_item *v;
	size_t n, cap;
};

/* The claims on addresses of one zone, by family. */
struct zone_claims {
	uint16_t zone;
	struct claims family[2];
};

struct collector {
	TG_VEC(struct zone_claims) zones;
	size_t last; /* zone asked for */
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
	return a->ns == b->ns && a->name == b->name && a->node == b->node && a->zone == b->zone &&
	       a->terminating == b->terminating && a->created_at == b->created_at &&
	       endpoints_pod_counts(a) == endpoints_pod_counts(b) && a->n_addrs == b->n_addrs &&
	       (a->n_addrs == 0 || memcmp(a->addrs, b->addrs, a->n_addrs * sizeof(*a->addrs)) == 0);
}

/* By family, made when there are none; NULL: out of memory. Objects of a zone mostly come in rows.
 */
static struct claims *claims_of(struct collector *c, uint16_t zone)
{
	struct zone_claims fresh = {.zone = zone};

	if (c->last < c->zones.n && c->zones.v[c->last].zone == zone)
		return c->zones.v[c->last].family;
	for (c->last = 0; c->last < c->zones.n; c->last++)
		if (c->zones.v[c->last].zone == zone)
			return c->zones.v[c->last].family;
	return tg_vec_push(&c->zones, fresh) == 0 ? c->zones.v[c->last].family : NULL;
}

static int claim(struct collector *c, uint16_t zone, const struct tg_addr *addrs, size_t n,
	enum claim_kind kind, uint32_t index)
{
	struct claims *claims = claims_of(c, zone);

	if (claims == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct addr_item item = {.kind = kind, .index = index};

		memcpy(item.bytes, addrs[i].bytes, sizeof(item.bytes));
		if (tg_vec_push(&claims[addrs[i].family == 6], item) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* In the order of the kinds: the sort is stable, so equal addresses stay in it. */
static int collect(struct collector *c, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	int err = 0;

	for (size_t i = 0; i < cluster->n_nodes && err == 0; i++) {
		const struct tg_node *node = cluster->nodes[i];

		err = claim(c, node->zone, node->addrs, node->n_addrs, CLAIM_NODE, (uint32_t)i);
	}
	for (size_t i = 0; i < zone_options_count(options) && err == 0; i++) {
		const struct tg_zone_options *zone = zone_options_at(options, i);

		err = claim(c, zone->zone, zone->node_addrs, zone->n_node_addrs, CLAIM_GATEWAY, 0);
	}
	for (size_t i = 0; i < cluster->n_pods && err == 0; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		if (endpoints_pod_counts(pod))
			err = claim(c, pod->zone, pod->addrs, pod->n_addrs, CLAIM_POD, (uint32_t)i);
	}
	for (size_t i = 0; i < cluster->n_services && err == 0; i++) {
		const struct tg_service *service = cluster->services[i];

		err = claim(c, service->zone, service->addrs, service->n_addrs, CLAIM_SERVICE,
			(uint32_t)i);
	}
	return err;
}

static int compare_zones(const void *a, const void *b)
{
	const struct zone_claims *x = a, *y = b;

	return (int)x->zone - (int)y->zone;
}

static void collector_free(struct collector *c)
{
	for (size_t i = 0; i < c->zones.n; i++)
		for (int f = 0; f < 2; f++)
			tg_vec_free(&c->zones.v[i].family[f]);
	tg_vec_free(&c->zones);
}

/* Room for an endpoint of each claim. */
static int make_room(struct endpoints *e, const struct collector *c)
{
	size_t n = 1;

	for (size_t i = 0; i < c->zones.n; i++)
		n += c->zones.v[i].family[0].n + c->zones.v[i].family[1].n;
	e->v = malloc(n * sizeof(*e->v));
	return e->v == NULL ? -ENOMEM : 0;
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

static int resolve_run(
	struct resolver *r, uint16_t zone, uint8_t family, const struct claims *claims)
{
	struct endpoint_run run = {.zone = zone, .family = family, .first = r->e->n};
	size_t i = 0, k;
	int err = sort_addrs(claims->v, claims->n);

	for (; i < claims->n && err == 0; i = k) {
		look_ahead(r->cluster, claims, i);
		for (k = i + 1;
			k < claims->n && memcmp(claims->v[i].bytes, claims->v[k].bytes, 16) == 0;)
			k++;
		err = resolve(r, family, claims->v + i, k - i);
	}
	run.n = r->e->n - run.first;
	return err == 0 && run.n > 0 ? tg_vec_push(&r->e->runs, run) : err;
}

static int resolve_all(struct resolver *r, const struct collector *c)
{
	int err = 0;

	for (int f = 0; f < 2 && err == 0; f++) {
		for (size_t i = 0; i < c->zones.n && err == 0; i++)
			err = resolve_run(
				r, c->zones.v[i].zone, f == 0 ? 4 : 6, &c->zones.v[i].family[f]);
		if (f == 0)
			r->e->n4 = r->e->n;
	}
	return err;
}

static int fill(struct endpoints *e, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	struct collector collector = {0};
	struct resolver r = {.e = e, .cluster = cluster};
	int err = index_nodes(e, cluster);

	if (err == 0)
		err = collect(&collector, cluster, options);
	if (collector.zones.n > 1)
		qsort(collector.zones.v, collector.zones.n, sizeof(*collector.zones.v),
			compare_zones);
	if (err == 0)
		err = make_room(e, &collector);
	if (err == 0)
		err = resolve_all(&r, &collector);
	collector_free(&collector);
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
	tg_vec_free(&e->runs);
	tg_vec_free(&e->conflicts);
	tg_vec_free(&e->contenders);
	free(e);
}

static const struct endpoint_run *find_run(const struct endpoints *e, uint16_t zone, uint8_t family)
{
	size_t lo = 0, hi = e->runs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct endpoint_run *run = &e->runs.v[mid];

		if (run->family != family ? run->family < family : run->zone < zone)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < e->runs.n && e->runs.v[lo].family == family && e->runs.v[lo].zone == zone
		       ? &e->runs.v[lo]
		       : NULL;
}

const struct endpoint *endpoints_find(
	const struct endpoints *e, uint16_t zone, const struct tg_addr *addr)
{
	const struct endpoint_run *run = find_run(e, zone, addr->family);
	size_t lo, hi, end;

	if (run == NULL)
		return NULL;
	lo = run->first;
	hi = end = run->first + run->n;
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

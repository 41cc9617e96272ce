/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

#include "kept.h"
#include "zones.h"

/* Traits that nobody has any more, and atoms that nobody asks for, may be as many as those in use,
 * and so many more.
 */
#define SPARE 4096u

struct tg_compile_cache *tg_compile_cache_create(void)
{
	return calloc(1, sizeof(struct tg_compile_cache));
}

void tg_compile_cache_clear(struct tg_compile_cache *cache)
{
	free(cache->pods.v);
	free(cache->nodes.v);
	free(cache->services.v);
	free(cache->namespaces.v);
	kept_free(cache->kept);
	free(cache->node_addrs);
	endpoints_unref(cache->endpoints);
	traits_free(&cache->traits);
	memset(cache, 0, sizeof(*cache));
}

void tg_compile_cache_free(struct tg_compile_cache *cache)
{
	if (cache == NULL)
		return;
	tg_compile_cache_clear(cache);
	free(cache);
}

static bool list_is(const struct object_list *list, const void *v, size_t n)
{
	return list->n == n && (n == 0 || memcmp(list->v, v, n * sizeof(*list->v)) == 0);
}

static int list_keep(struct object_list *list, const void *v, size_t n)
{
	const void **copy = malloc((n + 1) * sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(copy, v, n * sizeof(*copy));
	free(list->v);
	list->v = copy;
	list->n = n;
	return 0;
}

static bool node_addrs_are(
	const struct tg_compile_cache *cache, const struct tg_compile_options *options)
{
	const struct zone_addr *at = cache->node_addrs;
	size_t left = cache->n_node_addrs;

	for (size_t i = 0; i < zone_options_count(options); i++) {
		const struct tg_zone_options *zone = zone_options_at(options, i);

		if (zone->n_node_addrs > left)
			return false;
		for (size_t k = 0; k < zone->n_node_addrs; k++, at++, left--)
			if (at->zone != zone->zone ||
				tg_addr_compare(&at->addr, &zone->node_addrs[k]) != 0)
				return false;
	}
	return left == 0;
}

static int keep_node_addrs(struct tg_compile_cache *cache, const struct tg_compile_options *options)
{
	struct zone_addr *copy;
	size_t n = 0;

	for (size_t i = 0; i < zone_options_count(options); i++)
		n += zone_options_at(options, i)->n_node_addrs;
	copy = malloc((n + 1) * sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	free(cache->node_addrs);
	cache->node_addrs = copy;
	cache->n_node_addrs = n;
	for (size_t i = 0; i < zone_options_count(options); i++) {
		const struct tg_zone_options *zone = zone_options_at(options, i);

		for (size_t k = 0; k < zone->n_node_addrs; k++)
			*copy++ = (struct zone_addr){zone->node_addrs[k], zone->zone};
	}
	return 0;
}

static struct pod_match match_pods(const struct object_list *before, const struct tg_cluster *now)
{
	size_t n = before->n < now->n_pods ? before->n : now->n_pods;
	struct pod_match match = {0, 0};

	while (match.head < n && before->v[match.head] == now->pods[match.head])
		match.head++;
	while (match.tail < n - match.head &&
		before->v[before->n - 1 - match.tail] == now->pods[now->n_pods - 1 - match.tail])
		match.tail++;
	return match;
}

/* Pods take the place of others that claim the same addresses in the same way. */
static bool same_claims(
	const struct object_list *before, const struct tg_cluster *now, struct pod_match match)
{
	if (before->n != now->n_pods)
		return false;
	for (size_t i = match.head; i < now->n_pods - match.tail; i++)
		if (before->v[i] != now->pods[i] && !endpoints_pod_same(before->v[i], now->pods[i]))
			return false;
	return true;
}

/* Drops the endpoints when they are of other addresses. */
static void judge_endpoints(struct tg_compile_cache *cache, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, struct pod_match match)
{
	if (list_is(&cache->nodes, cluster->nodes, cluster->n_nodes) &&
		list_is(&cache->services, cluster->services, cluster->n_services) &&
		node_addrs_are(cache, options) && same_claims(&cache->pods, cluster, match))
		return;
	endpoints_unref(cache->endpoints);
	cache->endpoints = NULL;
}

static int open(struct tg_compile_cache *cache, const struct tg_cluster *cluster)
{
	if (cache->used && (cache->wasteful || cache->strings != cluster->strings))
		tg_compile_cache_clear(cache);
	if (cache->used)
		return 0;
	if (traits_init(&cache->traits) != 0)
		return -ENOMEM;
	cache->used = true;
	cache->strings = cluster->strings;
	return 0;
}

static int follow_pods(struct tg_compile_cache *cache, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	struct pod_match match = match_pods(&cache->pods, cluster);
	int err;

	judge_endpoints(cache, cluster, options, match);
	cache->same_objects = list_is(&cache->pods, cluster->pods, cluster->n_pods);
	if (cache->same_objects)
		return 0;
	err = traits_follow(&cache->traits, (const struct tg_pod *const *)cache->pods.v,
		cluster->pods, cluster->n_pods, match);
	return err == 0 ? list_keep(&cache->pods, cluster->pods, cluster->n_pods) : err;
}

static int follow_namespaces(struct tg_compile_cache *cache, const struct tg_cluster *cluster)
{
	if (list_is(&cache->namespaces, cluster->namespaces, cluster->n_namespaces))
		return 0;
	cache->same_objects = false;
	return list_keep(&cache->namespaces, cluster->namespaces, cluster->n_namespaces);
}

static int follow(struct tg_compile_cache *cache, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	int err = open(cache, cluster);

	if (err == 0)
		err = follow_pods(cache, cluster, options);
	if (err == 0)
		err = follow_namespaces(cache, cluster);
	if (err != 0 || cache->endpoints != NULL)
		return err;
	cache->same_objects = false;
	err = list_keep(&cache->nodes, cluster->nodes, cluster->n_nodes);
	if (err == 0)
		err = list_keep(&cache->services, cluster->services, cluster->n_services);
	if (err == 0)
		err = keep_node_addrs(cache, options);
	if (err == 0)
		cache->endpoints = endpoints_create(cluster, options);
	return err == 0 && cache->endpoints == NULL ? -ENOMEM : err;
}

int cache_follow(struct tg_compile_cache *cache, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	int err = follow(cache, cluster, options);

	if (err != 0)
		tg_compile_cache_clear(cache);
	return err;
}

void cache_judge_waste(struct tg_compile_cache *cache, size_t n_traits, const struct atoms *atoms)
{
	const struct traits *t = &cache->traits;

	cache->wasteful = t->keys.n > 2 * n_traits + SPARE ||
			  atoms_count(&t->atoms) > 2 * atoms_count(atoms) + SPARE;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct claim {
	struct tg_addr addr;
	const struct tg_pod *pod;
};

struct tg_roster {
	const struct tg_cluster *cluster;
	const struct tg_pod **pods;		/* by (namespace, name) number */
	const struct tg_node **nodes;		/* by name number */
	const struct tg_namespace **namespaces; /* by name number */
	const struct tg_policy **policies;	/* by namespace number, then name as text */
	struct tg_addr *node_addrs;		/* sorted */
	size_t n_node_addrs;
	struct claim *claims; /* by address, the better claim first */
	size_t n_claims;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static uint64_t pod_key(const struct tg_pod *pod)
{
	return ((uint64_t)pod->ns << 32) | pod->name;
}

static int compare_pods(const void *a, const void *b)
{
	return compare_numbers(pod_key(*(const struct tg_pod *const *)a),
		pod_key(*(const struct tg_pod *const *)b));
}

static int compare_nodes(const void *a, const void *b)
{
	return compare_numbers((*(const struct tg_node *const *)a)->name,
		(*(const struct tg_node *const *)b)->name);
}

static int compare_namespaces(const void *a, const void *b)
{
	return compare_numbers((*(const struct tg_namespace *const *)a)->name,
		(*(const struct tg_namespace *const *)b)->name);
}

static int compare_policies(const void *a, const void *b, void *strings)
{
	const struct tg_policy *x = *(const struct tg_policy *const *)a;
	const struct tg_policy *y = *(const struct tg_policy *const *)b;

	if (x->ns != y->ns)
		return compare_numbers(x->ns, y->ns);
	return strcmp(tg_intern_text(strings, x->name), tg_intern_text(strings, y->name));
}

/* semantics: live beats terminating, then the newest creationTimestamp */
static int compare_claims(const struct tg_pod *x, const struct tg_pod *y)
{
	if (x->terminating != y->terminating)
		return x->terminating ? 1 : -1;
	if (x->created_at != y->created_at)
		return x->created_at > y->created_at ? -1 : 1;
	return 0;
}

static int compare_by_address(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int rc = tg_addr_compare(&x->addr, &y->addr);

	return rc != 0 ? rc : compare_claims(x->pod, y->pod);
}

static int compare_addresses(const void *a, const void *b)
{
	return tg_addr_compare(a, b);
}

static int gather_node_addresses(struct tg_roster *roster)
{
	const struct tg_cluster *cluster = roster->cluster;
	size_t n = 0;

	for (size_t i = 0; i < cluster->n_nodes; i++)
		n += cluster->nodes[i]->n_addrs;
	roster->node_addrs = calloc(n + 1, sizeof(*roster->node_addrs));
	if (roster->node_addrs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cluster->n_nodes; i++)
		for (uint32_t k = 0; k < cluster->nodes[i]->n_addrs; k++)
			roster->node_addrs[roster->n_node_addrs++] = cluster->nodes[i]->addrs[k];
	qsort(roster->node_addrs, n, sizeof(*roster->node_addrs), compare_addresses);
	return 0;
}

static bool owns_addresses(const struct tg_pod *pod)
{
	return !pod->host_network && !pod->finished;
}

static size_t gather_claims(const struct tg_cluster *cluster, struct claim *out)
{
	size_t n = 0;

	for (size_t i = 0; i < cluster->n_pods; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		for (uint32_t k = 0; owns_addresses(pod) && k < pod->n_addrs; k++, n++)
			if (out != NULL)
				out[n] = (struct claim){pod->addrs[k], pod};
	}
	return n;
}

/* A copy of an array of pointers that can be sorted; never NULL for an empty one. */
static void *copy_pointers(const void *from, size_t n)
{
	void *copy = calloc(n + 1, sizeof(void *));

	if (copy != NULL && n != 0)
		memcpy(copy, from, n * sizeof(void *));
	return copy;
}

struct tg_roster *tg_roster_create(const struct tg_cluster *cluster)
{
	struct tg_roster *roster = calloc(1, sizeof(*roster));

	if (roster == NULL)
		return NULL;
	roster->cluster = cluster;
	roster->pods = copy_pointers(cluster->pods, cluster->n_pods);
	roster->nodes = copy_pointers(cluster->nodes, cluster->n_nodes);
	roster->namespaces = copy_pointers(cluster->namespaces, cluster->n_namespaces);
	roster->policies = copy_pointers(cluster->policies, cluster->n_policies);
	roster->n_claims = gather_claims(cluster, NULL);
	roster->claims = calloc(roster->n_claims + 1, sizeof(*roster->claims));
	if (roster->pods == NULL || roster->nodes == NULL || roster->namespaces == NULL ||
		roster->policies == NULL || roster->claims == NULL ||
		gather_node_addresses(roster) != 0) {
		tg_roster_free(roster);
		return NULL;
	}
	gather_claims(cluster, roster->claims);
	qsort(roster->pods, cluster->n_pods, sizeof(*roster->pods), compare_pods);
	qsort(roster->nodes, cluster->n_nodes, sizeof(*roster->nodes), compare_nodes);
	qsort(roster->namespaces, cluster->n_namespaces, sizeof(*roster->namespaces),
		compare_namespaces);
	qsort_r(roster->policies, cluster->n_policies, sizeof(*roster->policies), compare_policies,
		cluster->strings);
	qsort(roster->claims, roster->n_claims, sizeof(*roster->claims), compare_by_address);
	return roster;
}

void tg_roster_free(struct tg_roster *roster)
{
	if (roster == NULL)
		return;
	free(roster->pods);
	free(roster->nodes);
	free(roster->namespaces);
	free(roster->policies);
	free(roster->node_addrs);
	free(roster->claims);
	free(roster);
}

/* Both names as numbers; false when the cluster never mentions one of them. */
static bool find_names(const struct tg_roster *roster, const char *ns, const char *name,
	uint32_t *ns_id, uint32_t *name_id)
{
	*ns_id = tg_intern_find(roster->cluster->strings, ns);
	*name_id = tg_intern_find(roster->cluster->strings, name);
	return *ns_id != UINT32_MAX && *name_id != UINT32_MAX;
}

const struct tg_pod *tg_roster_pod(const struct tg_roster *roster, const char *ns, const char *name)
{
	struct tg_pod key = {0};
	const struct tg_pod *wanted = &key, **found;

	if (!find_names(roster, ns, name, &key.ns, &key.name))
		return NULL;
	found = bsearch(&wanted, roster->pods, roster->cluster->n_pods, sizeof(*roster->pods),
		compare_pods);
	return found != NULL ? *found : NULL;
}

const struct tg_node *tg_roster_node(const struct tg_roster *roster, uint32_t name)
{
	struct tg_node key = {.name = name};
	const struct tg_node *wanted = &key, **found;

	found = bsearch(&wanted, roster->nodes, roster->cluster->n_nodes, sizeof(*roster->nodes),
		compare_nodes);
	return found != NULL ? *found : NULL;
}

const struct tg_namespace *tg_roster_namespace(const struct tg_roster *roster, uint32_t name)
{
	struct tg_namespace key = {.name = name};
	const struct tg_namespace *wanted = &key, **found;

	found = bsearch(&wanted, roster->namespaces, roster->cluster->n_namespaces,
		sizeof(*roster->namespaces), compare_namespaces);
	return found != NULL ? *found : NULL;
}

const struct tg_policy *const *tg_roster_policies(
	const struct tg_roster *roster, uint32_t ns, size_t *n)
{
	size_t lo = 0, hi = roster->cluster->n_policies, end;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (roster->policies[mid]->ns < ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < roster->cluster->n_policies && roster->policies[end]->ns == ns;)
		end++;
	*n = end - lo;
	return roster->policies + lo;
}

const struct tg_policy *tg_roster_policy(
	const struct tg_roster *roster, const char *ns, const char *name)
{
	uint32_t ns_id, name_id;
	const struct tg_policy *const *all;
	size_t n;

	if (!find_names(roster, ns, name, &ns_id, &name_id))
		return NULL;
	all = tg_roster_policies(roster, ns_id, &n);
	for (size_t i = 0; i < n; i++)
		if (all[i]->name == name_id)
			return all[i];
	return NULL;
}

static bool same_address(const struct tg_roster *roster, size_t i, const struct tg_addr *addr)
{
	return i < roster->n_claims && tg_addr_compare(&roster->claims[i].addr, addr) == 0;
}

const struct tg_pod *tg_roster_owner(
	const struct tg_roster *roster, const struct tg_addr *addr, bool *conflict)
{
	size_t lo = 0, hi = roster->n_claims;
	const struct tg_pod *first;

	*conflict = false;
	if (bsearch(addr, roster->node_addrs, roster->n_node_addrs, sizeof(*addr),
		    compare_addresses) != NULL)
		return NULL;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (tg_addr_compare(&roster->claims[mid].addr, addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!same_address(roster, lo, addr))
		return NULL;
	first = roster->claims[lo].pod;
	/* The same pod may list an address twice. */
	while (same_address(roster, lo + 1, addr) && roster->claims[lo + 1].pod == first)
		lo++;
	if (same_address(roster, lo + 1, addr) &&
		compare_claims(first, roster->claims[lo + 1].pod) == 0) {
		*conflict = true;
		return NULL;
	}
	return first;
}

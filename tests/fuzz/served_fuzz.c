/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts as an API server's objects. The first byte chooses what was asked for and of which scope it
 * is, the rest is the text. A policy is never lost, whatever the text; one that a file may hold is
 * read alike; and what is confined to a cluster is called and selects as it should.
 */
#include <errno.h>
#include <string.h>

#include "decode.h"
#include "require.h"
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tg_served asked[] = {
	{"f", "networking.k8s.io/v1", "NetworkPolicy", "shop", "p"},
	{"f", "v1", "Pod", "shop", "p"},
	{"f", "v1", "Namespace", "", "p"},
	{"f", "v1", "Node", "", "p"},
	{"f", "v1", "Service", "shop", "p"},
	{"f", "cilium.io/v2", "CiliumNetworkPolicy", "shop", "p"},
	{"f", "policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "", "p"},
	{"f", "apps/v1", "Deployment", "shop", "p"},
};

#define CLUSTER "prod"

static const struct tg_scope scopes[] = {
	{0},
	{.confined = true},
	{.confined = true, .cluster = CLUSTER},
};

#define N_SCOPES (sizeof(scopes) / sizeof(scopes[0]))
#define N_ASKED (sizeof(asked) / sizeof(asked[0]))
#define POLICY 0u

/* The text as a file: the one policy that it holds, or NULL. */
static const struct tg_policy *file_policy(
	const struct tg_decoded *file, int rc, const void *text, size_t size)
{
	struct tg_tree_error error;
	const struct tg_value *root;
	struct tg_tree *tree;
	bool alone;

	if (rc != 0 || file->policies.n != 1 || tg_tree_parse_json(text, size, &tree, &error) != 0)
		return NULL;
	root = tg_tree_count(tree) == 1 ? tg_tree_document(tree, 0) : NULL;
	alone = root != NULL && tg_value_get(root, "spec") != NULL &&
		tg_value_get(tg_value_get(root, "metadata"), "namespace") != NULL;
	tg_tree_free(tree);
	return alone ? file->policies.v[0] : NULL;
}

static void require_same(const struct tg_policy *a, const struct tg_policy *b)
{
	require(tg_selector_equal(&a->pod_selector, &b->pod_selector), "the same pods");
	require(walk_policy(a) == walk_policy(b), "the same rules");
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		require(a->side[i].isolates == b->side[i].isolates, "the same directions");
		require(a->side[i].n_rules == b->side[i].n_rules, "as many rules");
	}
}

/* A name as it is called in its own cluster. */
static const char *plain(const struct tg_scope *scope, const char *name)
{
	if (scope->cluster == NULL)
		return name;
	require(strncmp(name, CLUSTER "/", strlen(CLUSTER "/")) == 0, "names are of the cluster");
	return name + strlen(CLUSTER "/");
}

static void check_selector(
	const struct tg_scope *scope, const struct tg_intern *strings, const struct tg_peer *peer)
{
	const uint32_t label = tg_intern_find(strings, TG_LABEL_CLUSTER);
	bool confined = false;

	for (uint32_t i = 0; i < peer->ns_selector.n_reqs; i++) {
		const struct tg_requirement *req = &peer->ns_selector.reqs[i];

		if (req->key != label)
			continue;
		confined |= scope->cluster == NULL
				    ? req->op == TG_OP_NOT_EXISTS
				    : req->op == TG_OP_IN && req->n_values == 1 &&
					      strcmp(tg_intern_text(strings, req->values[0]),
						      CLUSTER) == 0;
	}
	require(confined, "a namespaceSelector stays in its cluster");
}

static void check_side(const struct tg_scope *scope, const struct tg_intern *strings,
	const struct tg_policy_side *side)
{
	for (uint32_t i = 0; i < side->n_rules; i++)
		for (uint32_t k = 0; k < side->rules[i].n_peers; k++)
			if (side->rules[i].peers[k].has_ns_selector)
				check_selector(scope, strings, &side->rules[i].peers[k]);
}

static void check_scope(
	const struct tg_scope *scope, const struct tg_intern *strings, const struct tg_decoded *out)
{
	for (size_t i = 0; i < out->policies.n; i++) {
		plain(scope, tg_intern_text(strings, out->policies.v[i]->ns));
		for (unsigned int d = 0; scope->confined && d < TG_DIRECTION_COUNT; d++)
			check_side(scope, strings, &out->policies.v[i]->side[d]);
	}
	for (size_t i = 0; i < out->pods.n; i++)
		plain(scope, tg_intern_text(strings, out->pods.v[i]->ns));
	for (size_t i = 0; i < out->namespaces.n; i++) {
		const struct tg_namespace *ns = out->namespaces.v[i];
		uint32_t label = tg_intern_find(strings, TG_LABEL_CLUSTER), value;

		plain(scope, tg_intern_text(strings, ns->name));
		value = label != UINT32_MAX ? tg_labels_get(&ns->labels, label) : UINT32_MAX;
		if (scope->cluster != NULL)
			require(value != UINT32_MAX &&
					strcmp(tg_intern_text(strings, value), CLUSTER) == 0,
				"a Namespace says its cluster");
		else if (scope->confined)
			require(value == UINT32_MAX, "a Namespace of none says none");
	}
}

static void check(const struct tg_served *served, const struct tg_decoded *out, int rc,
	struct tg_intern *strings)
{
	struct tg_cluster cluster = {
		.strings = strings,
		.namespaces = out->namespaces.v,
		.n_namespaces = out->namespaces.n,
		.pods = out->pods.v,
		.n_pods = out->pods.n,
		.nodes = out->nodes.v,
		.n_nodes = out->nodes.n,
		.services = out->services.v,
		.n_services = out->services.n,
		.policies = out->policies.v,
		.n_policies = out->policies.n,
	};

	require((rc == -EINVAL) == (out->errors.n != 0), "what is refused has a reason");
	walk_cluster(&cluster);
	require(out->policies.n == (served->kind == asked[POLICY].kind), "policies are kept");
	require(out->not_enforced.n == tg_decode_is_unenforced(served->api_version, served->kind),
		"others are reported");
	if (rc == -EINVAL)
		return;
	require(out->namespaces.n + out->pods.n + out->nodes.n + out->services.n + out->policies.n +
				out->not_enforced.n + out->skipped.n ==
			1,
		"one object");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_intern *strings = tg_intern_create();
	struct tg_arena *arena = tg_arena_create(0);
	struct tg_decoded file, out;
	const struct tg_policy *policy;
	struct tg_served served;
	int rc;

	if (size == 0 || strings == NULL || arena == NULL)
		goto free_all;
	served = asked[data[0] % N_ASKED];
	served.scope = scopes[data[0] / N_ASKED % N_SCOPES];
	data++;
	size--;
	rc = tg_decode("f", data, size, &served.scope, strings, arena, &file);
	policy = file_policy(&file, rc, data, size);
	if (policy != NULL && data[-1] % N_ASKED == POLICY) {
		served.ns = plain(&served.scope, tg_intern_text(strings, policy->ns));
		served.name = tg_intern_text(strings, policy->name);
	}
	rc = tg_decode_served(&served, data, size, strings, arena, &out);
	check(&served, &out, rc, strings);
	if (rc == 0)
		check_scope(&served.scope, strings, &out);
	if (policy != NULL && data[-1] % N_ASKED == POLICY)
		require_same(policy, out.policies.v[0]);
	tg_decoded_free(&out);
	tg_decoded_free(&file);
free_all:
	tg_arena_free(arena);
	tg_intern_free(strings);
	return 0;
}

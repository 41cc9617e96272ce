/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts as an API server's objects. The first byte chooses what was asked for, the rest is the
 * text. A policy is never lost, whatever the text; and one that a file may hold is read alike.
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
	const struct tg_scope scope = {0};
	struct tg_intern *strings = tg_intern_create();
	struct tg_arena *arena = tg_arena_create(0);
	struct tg_decoded file, out;
	const struct tg_policy *policy;
	struct tg_served served;
	int rc;

	if (size == 0 || strings == NULL || arena == NULL)
		goto free_all;
	served = asked[data[0] % N_ASKED];
	data++;
	size--;
	rc = tg_decode("f", data, size, &scope, strings, arena, &file);
	policy = file_policy(&file, rc, data, size);
	if (policy != NULL && data[-1] % N_ASKED == POLICY) {
		served.ns = tg_intern_text(strings, policy->ns);
		served.name = tg_intern_text(strings, policy->name);
	}
	rc = tg_decode_served(&served, data, size, strings, arena, &out);
	check(&served, &out, rc, strings);
	if (policy != NULL && data[-1] % N_ASKED == POLICY)
		require_same(policy, out.policies.v[0]);
	tg_decoded_free(&out);
	tg_decoded_free(&file);
free_all:
	tg_arena_free(arena);
	tg_intern_free(strings);
	return 0;
}

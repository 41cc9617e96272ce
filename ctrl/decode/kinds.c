/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which kinds are read, which are policies that nothing here enforces, which are neither. A kind
 * that looks like a network policy is never passed over, whatever its group: it may hold denies.
 */
#include <string.h>
#include <strings.h>

#include "decoder.h"

/* Kinds that decide over network traffic, beside all whose name contains "NetworkPolicy". */
static const struct {
	const char *group; /* this one or one that ends in "." and this */
	const char *kind;  /* NULL: every kind of the group */
} policy_kinds[] = {
	{"policy.networking.k8s.io", NULL},
	{"tidegate.dev", NULL},
	{"cilium.io", "CiliumEgressGatewayPolicy"},
	{"cilium.io", "CiliumLocalRedirectPolicy"},
	{"k8s.ovn.org", "EgressFirewall"},
	{"kubeovn.io", "SecurityGroup"},
	{"security.istio.io", "AuthorizationPolicy"},
	{"policy.linkerd.io", "AuthorizationPolicy"},
	{"policy.linkerd.io", "ServerAuthorization"},
	{"kuma.io", "MeshTrafficPermission"},
	{"kuma.io", "TrafficPermission"},
	{"consul.hashicorp.com", "ServiceIntentions"},
	{"security.kubearmor.com", NULL},
};

static bool group_is(const char *group, size_t n, const char *wanted)
{
	size_t m = strlen(wanted);

	if (n < m || strncasecmp(group + n - m, wanted, m) != 0)
		return false;
	return n == m || group[n - m - 1] == '.';
}

static bool is_policy_kind(const char *group, size_t n, const char *kind)
{
	if (strcasestr(kind, "NetworkPolicy") != NULL)
		return true;
	for (size_t i = 0; i < sizeof(policy_kinds) / sizeof(policy_kinds[0]); i++)
		if (group_is(group, n, policy_kinds[i].group) &&
			(policy_kinds[i].kind == NULL || strcmp(policy_kinds[i].kind, kind) == 0))
			return true;
	return false;
}

static enum kind_treatment core_treatment(const char *kind, const char **why)
{
	static const struct {
		const char *kind;
		enum kind_treatment treatment;
	} core[] = {
		{"Namespace", KIND_NAMESPACE},
		{"Pod", KIND_POD},
		{"Node", KIND_NODE},
		{"Service", KIND_SERVICE},
	};

	for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
		if (strcmp(core[i].kind, kind) == 0)
			return core[i].treatment;
		if (strcasecmp(core[i].kind, kind) == 0) {
			*why = "unknown kind: upper and lower case matter";
			return KIND_REFUSED;
		}
	}
	return KIND_SKIPPED;
}

/* The group of networking.k8s.io/v1 and the groups where people look for it. */
static bool is_upstream_group(const char *group, size_t n)
{
	static const char *const groups[] = {
		"", "networking.k8s.io", "extensions", "apps", "policy"};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (n == strlen(groups[i]) && strncmp(group, groups[i], n) == 0)
			return true;
	return false;
}

enum kind_treatment kind_treatment(const char *api_version, const char *kind, const char **why)
{
	const char *slash = strchr(api_version, '/');
	size_t n = slash != NULL ? (size_t)(slash - api_version) : 0;

	*why = NULL;
	if (strcmp(api_version, "networking.k8s.io/v1") == 0 && strcmp(kind, "NetworkPolicy") == 0)
		return KIND_NETWORK_POLICY;
	if (strcasecmp(kind, "NetworkPolicy") == 0 && is_upstream_group(api_version, n)) {
		*why = "a NetworkPolicy has apiVersion networking.k8s.io/v1 and kind NetworkPolicy";
		return KIND_REFUSED;
	}
	if (strcmp(api_version, "v1") == 0)
		return core_treatment(kind, why);
	return is_policy_kind(api_version, n, kind) ? KIND_NOT_ENFORCED : KIND_SKIPPED;
}

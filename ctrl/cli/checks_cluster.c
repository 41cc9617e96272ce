/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checks.h"
#include "place.h"
#include "proposals.h"

#define SKEW_WARN_S 5
#define SKEW_FAIL_S 60
#define EXPIRY_WARN_S (7 * 86400)
#define NAMED_MAX 3 /* examples in one finding */

/* --- who we are --- */

static const char *date_text(struct tg_findings *f, int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[32] = "";

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return tg_find_text(f, "%s", text);
}

static void check_expiry(
	struct tg_findings *f, const char *what, int64_t at, int64_t now, const char *todo)
{
	if (at == 0)
		return;
	if (at <= now)
		tg_find(f, TG_LEVEL_FAIL, todo, "the %s expired %s", what, date_text(f, at));
	else if (at - now < EXPIRY_WARN_S)
		tg_find(f, TG_LEVEL_WARN, todo, "the %s expires %s", what, date_text(f, at));
	else
		tg_find(f, TG_LEVEL_OK, NULL, "the %s is valid until %s", what, date_text(f, at));
}

static void check_credentials(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const char *source = facts->config->kubeconfig != NULL ? facts->config->kubeconfig
							       : "the service account of this pod";

	if (facts->access_error != NULL) {
		tg_find(f, TG_LEVEL_FAIL,
			facts->config->kubeconfig != NULL
				? "mend the file, or `kubeconfig` and `context` of the cluster"
				: "run as a pod with a service account, or give the cluster a "
				  "`kubeconfig`",
			"%s", facts->access_error);
		return;
	}
	if (facts->anonymous)
		tg_find(f, TG_LEVEL_WARN, "put a token or a client certificate into the kubeconfig",
			"%s has no credentials: requests are anonymous", source);
	else
		tg_find(f, TG_LEVEL_OK, NULL, "%s can be used", source);
	if (facts->insecure)
		tg_find(f, TG_LEVEL_WARN,
			"remove insecure-skip-tls-verify and give the CA "
			"(certificate-authority-data)",
			"any certificate of the server is believed");
	check_expiry(f, "client certificate", facts->certificate_expires_at, facts->now,
		"renew the client certificate of the kubeconfig");
	/* kubelet renews a pod's own when a fifth of its life is left. */
	if (facts->config->kubeconfig != NULL || facts->token_expires_at <= facts->now)
		check_expiry(f, "token", facts->token_expires_at, facts->now,
			"give the kubeconfig a tokenFile that is rotated, or a new token");
}

/* --- is it there --- */

static const char *connection_todo(int error)
{
	switch (error) {
	case -EKEYREJECTED:
		return "compare certificate-authority-data and tls-server-name of the kubeconfig "
		       "with the server's certificate";
	case -EPROTO:
		return "look at the URL: https, and the port of the API server (6443)?";
	case -EACCES:
		return "look at what the credentials are read from";
	case -EHOSTUNREACH:
		return "look at the server's name, routes and proxy-url of the kubeconfig";
	default:
		return "is the server running, and is its port open from this machine?";
	}
}

static void check_server(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const struct tg_kube_result *answer = &facts->answer;

	if (answer->error != 0)
		tg_find(f, TG_LEVEL_FAIL, connection_todo(answer->error), "%s: %s", facts->server,
			answer->why);
	else if (answer->status == 401)
		tg_find(f, TG_LEVEL_FAIL, "renew the token or the client certificate",
			"%s does not accept the credentials: %s", facts->server, answer->why);
	else if (answer->status == 403)
		tg_find(f, TG_LEVEL_OK, NULL, "%s answers (its version is not for us to know)",
			facts->server);
	else if (answer->status >= 300)
		tg_find(f, TG_LEVEL_FAIL, "look at the server's log and /readyz", "%s: %s",
			facts->server, answer->why);
	else
		tg_find(f, TG_LEVEL_OK, NULL, "%s answers, %s", facts->server,
			facts->version != NULL ? facts->version : "no version");
}

static void check_clock(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const long long skew = facts->skew_s;
	const enum tg_level level = llabs(skew) > SKEW_FAIL_S	? TG_LEVEL_FAIL
				    : llabs(skew) > SKEW_WARN_S ? TG_LEVEL_WARN
								: TG_LEVEL_OK;

	if (!facts->has_clock)
		tg_find(f, TG_LEVEL_SKIP, NULL, "the server does not say what time it is");
	else if (level == TG_LEVEL_OK)
		tg_find(f, level, NULL, "no more than %d s between here and the server",
			SKEW_WARN_S);
	else
		tg_find(f, level, "set both by NTP: tokens and certificates expire by the clock",
			"the server's clock is %lld s %s", llabs(skew),
			skew > 0 ? "ahead" : "behind");
}

/* --- what we may --- */

static const char *rbac_rule(
	struct tg_findings *f, const char *api_version, const char *resource, const char *ns)
{
	const int n = (int)tg_kube_group(api_version);

	return tg_find_text(f,
		"add to the rules of a %s that is bound to us%s%s:\n"
		"- {apiGroups: [%s%.*s%s], resources: [%s], verbs: [get, list, watch]}",
		ns != NULL ? "Role" : "ClusterRole", ns != NULL ? " in namespace " : "",
		ns != NULL ? ns : "", n == 0 ? "\"" : "", n, api_version, n == 0 ? "\"" : "",
		resource);
}

static const char *kind_name(struct tg_findings *f, const struct tg_kind_fact *kind)
{
	return kind->ns != NULL ? tg_find_text(f, "%s in %s", kind->resource, kind->ns)
				: kind->resource;
}

static void check_kind(struct tg_findings *f, const struct tg_kind_fact *kind)
{
	const struct tg_kube_result *result = &kind->result;
	const enum tg_level bad = kind->optional ? TG_LEVEL_WARN : TG_LEVEL_FAIL;
	const char *name = kind_name(f, kind);

	if (result->error == 0 && result->status == 403)
		tg_find(f, bad, rbac_rule(f, kind->api_version, kind->resource, kind->ns), "%s: %s",
			name, result->why);
	else if (result->error == 0 && result->status == 404)
		tg_find(f, bad,
			kind->optional
				? NULL
				: tg_find_text(f, "if that is so: optional: [%s]", kind->resource),
			"%s: the server has no such kind (%s)", name, kind->api_version);
	else if (result->error != 0 || result->status >= 300)
		tg_find(f, bad, "try again; then look at the server's log", "%s: %s", name,
			result->why);
	else if (kind->objects >= 0)
		tg_find(f, TG_LEVEL_OK, NULL, "%s can be listed and watched: %" PRId64, name,
			kind->objects);
	else
		tg_find(f, TG_LEVEL_OK, NULL, "%s can be listed and watched", name);
}

static void check_rbac(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	for (size_t i = 0; i < facts->kinds.n; i++)
		if (facts->kinds.v[i].enforced)
			check_kind(f, &facts->kinds.v[i]);
}

static void check_policy_kind(struct tg_findings *f, const struct tg_kind_fact *kind)
{
	const struct tg_kube_result *result = &kind->result;

	if (result->error == 0 && result->status == 403)
		tg_find(f, TG_LEVEL_WARN, rbac_rule(f, kind->api_version, kind->resource, kind->ns),
			"%s (%s) are NOT ENFORCED, and cannot be counted: %s", kind->resource,
			kind->api_version, result->why);
	else if (result->error != 0 || result->status >= 300)
		tg_find(f, TG_LEVEL_WARN, "try again",
			"%s (%s) are NOT ENFORCED, and cannot be counted: %s", kind->resource,
			kind->api_version, result->why);
	else if (kind->objects != 0)
		tg_find(f, TG_LEVEL_WARN,
			"say it with NetworkPolicies, or know that only what else enforces them does",
			"%" PRId64 " %s (%s): NOT ENFORCED", kind->objects, kind->resource,
			kind->api_version);
	else
		tg_find(f, TG_LEVEL_OK, NULL, "no %s (%s), which would not be enforced",
			kind->resource, kind->api_version);
}

static void check_policy_kinds(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	size_t n = 0;

	if (facts->discovery_error != NULL)
		tg_find(f, TG_LEVEL_WARN, "look at aggregated servers: kubectl get apiservices",
			"not all kinds are known: %s", facts->discovery_error);
	for (size_t i = 0; i < facts->kinds.n; i++)
		if (!facts->kinds.v[i].enforced) {
			check_policy_kind(f, &facts->kinds.v[i]);
			n++;
		}
	if (n == 0 && facts->discovery_error == NULL)
		tg_find(f, TG_LEVEL_OK, NULL,
			"the server has no policy kind that would not be enforced");
}

/* --- where pods are --- */

struct owned {
	struct tg_prefix prefix;
	const char *node;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *left = a, *right = b;

	return tg_prefix_compare(&left->prefix, &right->prefix);
}

/* In order, whatever overlaps a range stands behind it. */
static void find_overlaps(struct tg_findings *f, struct owned *v, size_t n)
{
	char a[TG_PREFIX_TEXT], b[TG_PREFIX_TEXT];
	size_t outer = 0, found = 0;

	qsort(v, n, sizeof(*v), compare_owned);
	for (size_t i = 1; i < n; i++) {
		if (!tg_prefix_covers(&v[outer].prefix, &v[i].prefix)) {
			outer = i;
			continue;
		}
		if (found++ >= NAMED_MAX)
			continue;
		tg_find(f, TG_LEVEL_FAIL,
			"the cluster gives pods of both the same addresses: mend spec.podCIDRs",
			"the ranges of nodes %s (%s) and %s (%s) overlap", v[outer].node,
			tg_prefix_format(&v[outer].prefix, a), v[i].node,
			tg_prefix_format(&v[i].prefix, b));
	}
	if (found > NAMED_MAX)
		tg_find(f, TG_LEVEL_FAIL, NULL, "and %zu more ranges of nodes overlap",
			found - NAMED_MAX);
}

static void check_overlaps(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	TG_VEC(struct owned) all = {0};

	for (size_t i = 0; i < facts->nodes.n; i++)
		for (size_t k = 0; k < facts->nodes.v[i].n_pod_cidrs; k++) {
			const struct owned one = {
				facts->nodes.v[i].pod_cidrs[k], facts->nodes.v[i].name};

			f->no_memory |= tg_vec_push(&all, one) != 0;
		}
	if (all.n > 0)
		find_overlaps(f, all.v, all.n);
	tg_vec_free(&all);
}

static void check_nodes_in_ranges(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	char text[TG_ADDR_TEXT];

	for (size_t i = 0; i < facts->nodes.n; i++)
		for (size_t k = 0; k < facts->nodes.v[i].n_addrs; k++) {
			const struct tg_addr *addr = &facts->nodes.v[i].addrs[k];

			if (!tg_ranges_contain(&facts->ranges, addr))
				continue;
			tg_find(f, TG_LEVEL_WARN,
				"give narrower `pod-ranges`: what a range covers is denied when "
				"nobody is known to have it",
				"the pod ranges cover addresses of nodes: %s %s",
				facts->nodes.v[i].name, tg_addr_format(addr, text));
			return;
		}
}

static void check_pods_outside(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const struct tg_stray *outside = &facts->pods_outside;

	if (facts->no_pods != NULL)
		tg_find(f, TG_LEVEL_SKIP, NULL, "pods are not known: %s", facts->no_pods);
	else if (outside->n > 0)
		tg_find(f, TG_LEVEL_WARN,
			"add the ranges that pods have their addresses from to `pod-ranges`: an "
			"address outside of them that no known pod has counts as the world's, not "
			"as an unknown endpoint",
			"%zu of %zu pods have addresses outside of the pod ranges, as %s",
			outside->n, facts->n_pods, outside->example);
	else if (facts->n_pods > 0)
		tg_find(f, TG_LEVEL_OK, NULL, "all %zu pods have addresses of the pod ranges",
			facts->n_pods);
}

static void check_tunnel_addrs(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	char text[TG_ADDR_TEXT];

	for (size_t i = 0; i < facts->tunnel_addrs.n; i++) {
		const struct tg_addr *addr = &facts->tunnel_addrs.v[i];

		if (!tg_ranges_contain(&facts->ranges, addr) ||
			tg_cluster_facts_is_node(facts, addr))
			continue;
		tg_addr_format(addr, text);
		tg_find(f, TG_LEVEL_WARN, tg_find_text(f, "node-addresses: [\"%s\"]", text),
			"a node's end of a tunnel is in a pod range: %s would be an unknown "
			"endpoint",
			text);
		return;
	}
}

static void check_pod_ranges(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	if (facts->no_nodes != NULL) {
		tg_find(f, TG_LEVEL_SKIP, NULL, "nodes are not known: %s", facts->no_nodes);
		return;
	}
	if (facts->ranges.n == 0)
		tg_find(f, TG_LEVEL_FAIL,
			"give `pod-ranges`: the network plugin's configuration has them",
			"no Node has spec.podCIDRs, and the configuration has no `pod-ranges`: "
			"addresses of no known pod count as the world's");
	else
		tg_find(f, TG_LEVEL_OK, NULL, "%zu nodes and the configuration have %zu range%s",
			facts->nodes.n, facts->ranges.n, facts->ranges.n == 1 ? "" : "s");
	check_overlaps(f, facts);
	check_nodes_in_ranges(f, facts);
	check_tunnel_addrs(f, facts);
	if (facts->services_in_ranges.n > 0)
		tg_find(f, TG_LEVEL_WARN,
			"give narrower `pod-ranges`, or another range for Services",
			"the pod ranges cover addresses of %zu Services, as %s",
			facts->services_in_ranges.n, facts->services_in_ranges.example);
	if (facts->ranges.n > 0)
		check_pods_outside(f, facts);
}

/* --- how pods' packets travel --- */

#define TUNNEL_TODO                                                                         \
	"have the network plugin route pods' addresses (flannel host-gw, Calico without "   \
	"encapsulation, Cilium routing-mode native), or put the gateway where packets are " \
	"out of the tunnel"

static bool check_node_tunnels(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const struct tg_node_fact *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < facts->nodes.n; i++)
		if (facts->nodes.v[i].tunnel != NULL) {
			first = first == NULL ? &facts->nodes.v[i] : first;
			n++;
		}
	if (first != NULL)
		tg_find(f, TG_LEVEL_WARN, TUNNEL_TODO,
			"%zu of %zu nodes have a tunnel, %s, as %s: what is inside of it shows no "
			"pod's address, and no policy is enforced on it",
			n, facts->nodes.n, first->tunnel, first->name);
	return first != NULL;
}

static void check_tunnels(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	const bool seen = check_node_tunnels(f, facts);

	if (facts->tunnel != NULL)
		tg_find(f, TG_LEVEL_WARN, TUNNEL_TODO,
			"ConfigMap kube-system/cilium-config has a tunnel, %s: what is inside of it "
			"shows no pod's address, and no policy is enforced on it",
			facts->tunnel);
	if (facts->no_nodes != NULL)
		tg_find(f, TG_LEVEL_SKIP, NULL, "nodes are not known: %s", facts->no_nodes);
	else if (facts->no_plugin != NULL)
		tg_find(f, TG_LEVEL_SKIP, NULL, "whether Cilium has tunnels is not known: %s",
			facts->no_plugin);
	else if (!seen && facts->tunnel == NULL)
		tg_find(f, TG_LEVEL_SKIP, NULL,
			"neither annotations of nodes nor Cilium's configuration name a tunnel; "
			"other plugins' are not seen from here");
}

/* --- what nodes need --- */

static void check_proposal(struct tg_findings *f, const struct tg_cluster_facts *facts,
	const struct tg_proposal *proposal)
{
	char text[TG_PROPOSAL_TEXT];

	tg_proposal_format(proposal, text);
	if (tg_proposal_is_there(facts, proposal))
		tg_find(f, TG_LEVEL_OK, NULL, "%s: a tuple allows it", proposal->why);
	else if (tg_proposal_passes(facts, proposal))
		tg_find(f, TG_LEVEL_OK,
			tg_find_text(f,
				"before `default-action: deny`, add to infrastructure:\n- %s",
				text),
			"%s: passes, since the default action does not deny", proposal->why);
	else
		tg_find(f, TG_LEVEL_WARN, tg_find_text(f, "add to infrastructure:\n- %s", text),
			"%s: denied if the way there is through the gateway", proposal->why);
}

static void check_infrastructure(struct tg_findings *f, const struct tg_cluster_facts *facts)
{
	tg_proposals proposals = {0};

	f->no_memory |= tg_propose(facts, &proposals) != 0;
	for (size_t i = 0; i < proposals.n; i++)
		check_proposal(f, facts, &proposals.v[i]);
	tg_vec_free(&proposals);
	if (facts->no_api_servers != NULL)
		tg_find(f, TG_LEVEL_SKIP,
			facts->no_api_rule != NULL
				? rbac_rule(f, "discovery.k8s.io/v1", facts->no_api_rule, "default")
				: NULL,
			"where the API servers are is not known: %s", facts->no_api_servers);
	if (facts->no_upstreams != NULL)
		tg_find(f, TG_LEVEL_SKIP, NULL, "nodes' DNS servers are not known: %s",
			facts->no_upstreams);
	tg_find(f, TG_LEVEL_SKIP, NULL,
		"NTP, registries and storage of nodes: the cluster does not know them");
}

static const struct {
	const char *name;
	bool needs_answer; /* of the server */
	void (*run)(struct tg_findings *f, const struct tg_cluster_facts *facts);
} checks[] = {
	{"credentials", false, check_credentials},
	{"server", false, check_server},
	{"clock", true, check_clock},
	{"rbac", true, check_rbac},
	{"policy-kinds", true, check_policy_kinds},
	{"pod-ranges", true, check_pod_ranges},
	{"tunnels", true, check_tunnels},
	{"infrastructure", true, check_infrastructure},
};

void tg_check_cluster(const struct tg_cluster_facts *facts, struct tg_findings *f)
{
	const bool answered = facts->access_error == NULL && facts->answer.error == 0 &&
			      facts->answer.status != 401;

	f->cluster = facts->config->name;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		f->check = checks[i].name;
		if (facts->access_error != NULL && checks[i].run != check_credentials)
			tg_find(f, TG_LEVEL_SKIP, NULL, "there are no credentials to ask with");
		else if (checks[i].needs_answer && !answered)
			tg_find(f, TG_LEVEL_SKIP, NULL, "the server does not answer us");
		else
			checks[i].run(f, facts);
	}
}

/* Pods of two clusters would have the same addresses, as far as the gateway can see. */
static void check_pair(struct tg_findings *f, const struct tg_cluster_facts *first,
	const struct tg_cluster_facts *second)
{
	const uint16_t zone = first->config->scope.zone;
	const struct tg_prefix *range;
	char text[TG_PREFIX_TEXT];

	if (zone != second->config->scope.zone)
		return;
	range = tg_ranges_overlap(&second->node_ranges, &first->node_ranges);
	if (range == NULL)
		return;
	f->cluster = second->config->name;
	f->check = "pod-ranges";
	tg_find(f, TG_LEVEL_FAIL,
		"give one of the clusters another `zone`, and the ports in front of it the same",
		"%s overlaps with pod ranges of cluster %s, in the same zone %u",
		tg_prefix_format(range, text), first->config->name, zone);
}

void tg_check_clusters(struct tg_cluster_facts *const *facts, size_t n, struct tg_findings *f)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			check_pair(f, facts[i], facts[k]);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "proposals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TCP 6
#define UDP 17
#define KUBELET_PORT 10250
#define ETCD_CLIENTS 2379
#define ETCD_PEERS 2380
#define CLUSTER_PART 40 /* bytes of a cluster's name in a tuple's */

/* --- what there is to propose --- */

static bool is_used(const struct tg_cluster_facts *facts, const tg_proposals *out, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->v[i].tuple.name, name) == 0)
			return true;
	/* Tuples with several ranges have these behind a colon. */
	for (size_t i = 0; i < facts->options->n_infrastructure; i++) {
		const char *other = facts->options->infrastructure[i].name;

		if (strncmp(other, name, n) == 0 && (other[n] == '\0' || other[n] == ':'))
			return true;
	}
	return false;
}

/* "kube-api", or "kube-api-2" when there is one; with the cluster's name where there are several.
 */
static const char *free_name(
	const struct tg_cluster_facts *facts, const tg_proposals *out, const char *name)
{
	const bool several = facts->options->n_zones > 1;
	const char *base = several ? tg_arena_printf(facts->arena, "%.*s-%s", CLUSTER_PART,
					     facts->config->name, name)
				   : name;
	const char *text = base;

	for (unsigned int i = 2; text != NULL && is_used(facts, out, text); i++)
		text = tg_arena_printf(facts->arena, "%s-%u", base, i);
	return text;
}

static int add(const struct tg_cluster_facts *facts, tg_proposals *out, const char *name,
	const char *why, const struct tg_infrastructure *tuple)
{
	struct tg_proposal proposal = {.tuple = *tuple, .why = why};

	proposal.tuple.zone = facts->config->scope.zone;
	proposal.tuple.name = free_name(facts, out, name);
	return proposal.tuple.name != NULL ? tg_vec_push(out, proposal) : -ENOMEM;
}

static int propose_api_servers(const struct tg_cluster_facts *facts, tg_proposals *out)
{
	for (size_t i = 0; i < facts->api_servers.n; i++) {
		const struct tg_socket_fact *server = &facts->api_servers.v[i];
		const struct tg_infrastructure tuple = {
			.from_nodes = true,
			.to = tg_prefix_host(&server->addr),
			.protocol = TCP,
			.lo = server->port,
			.hi = server->port,
		};

		if (add(facts, out, "kube-api", "nodes to the API server", &tuple) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The API server asks kubelets for logs, exec and port-forward. */
static int propose_kubelets(const struct tg_cluster_facts *facts, tg_proposals *out)
{
	for (size_t i = 0; i < facts->api_servers.n; i++) {
		const struct tg_infrastructure tuple = {
			.from = tg_prefix_host(&facts->api_servers.v[i].addr),
			.to_nodes = true,
			.protocol = TCP,
			.lo = KUBELET_PORT,
			.hi = KUBELET_PORT,
		};
		bool known = false;

		for (size_t k = 0; k < i; k++)
			known |= tg_addr_compare(&facts->api_servers.v[k].addr,
					 &facts->api_servers.v[i].addr) == 0;
		if (!known && add(facts, out, "kubelet", "the API server to kubelets", &tuple) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Members speak to each other, and the API server to them unless it is beside the only one. */
static int propose_etcd(const struct tg_cluster_facts *facts, tg_proposals *out)
{
	const struct tg_infrastructure tuple = {
		.from_nodes = true,
		.to_nodes = true,
		.protocol = TCP,
		.lo = ETCD_CLIENTS,
		.hi = ETCD_PEERS,
	};
	bool apart = facts->etcd.n > 1;

	for (size_t i = 0; i < facts->api_servers.n && facts->etcd.n == 1; i++)
		apart |= tg_addr_compare(&facts->api_servers.v[i].addr, &facts->etcd.v[0]) != 0;
	return apart ? add(facts, out, "etcd", "etcd on nodes", &tuple) : 0;
}

static int propose_upstreams(const struct tg_cluster_facts *facts, tg_proposals *out)
{
	for (size_t i = 0; i < facts->upstreams.n; i++) {
		const struct tg_socket_fact *server = &facts->upstreams.v[i];
		struct tg_infrastructure tuple = {
			.from_nodes = true,
			.to = tg_prefix_host(&server->addr),
			.protocol = UDP,
			.lo = server->port,
			.hi = server->port,
		};

		if (add(facts, out, "dns", "nodes to DNS", &tuple) != 0)
			return -ENOMEM;
		tuple.protocol = TCP;
		if (add(facts, out, "dns-tcp", "nodes to DNS by TCP", &tuple) != 0)
			return -ENOMEM;
	}
	return 0;
}

int tg_propose(const struct tg_cluster_facts *facts, tg_proposals *out)
{
	if (propose_api_servers(facts, out) != 0 || propose_kubelets(facts, out) != 0 ||
		propose_etcd(facts, out) != 0)
		return -ENOMEM;
	return propose_upstreams(facts, out);
}

/* --- what there is already --- */

static bool holds_nodes(const struct tg_cluster_facts *facts, const struct tg_prefix *prefix)
{
	for (size_t i = 0; i < facts->nodes.n; i++)
		for (size_t k = 0; k < facts->nodes.v[i].n_addrs; k++)
			if (!tg_prefix_contains(prefix, &facts->nodes.v[i].addrs[k]))
				return false;
	return facts->nodes.n > 0;
}

/* One side of a tuple of the configuration has all of a side of a proposal. */
static bool side_covers(const struct tg_cluster_facts *facts, bool nodes,
	const struct tg_prefix *prefix, bool wanted_nodes, const struct tg_prefix *wanted)
{
	if (wanted_nodes)
		return nodes || holds_nodes(facts, prefix);
	return nodes ? tg_cluster_facts_is_node(facts, &wanted->addr)
		     : tg_prefix_covers(prefix, wanted);
}

static bool tuple_covers(const struct tg_cluster_facts *facts,
	const struct tg_infrastructure *tuple, const struct tg_infrastructure *wanted,
	uint32_t port)
{
	return tuple->zone == wanted->zone && tuple->protocol == wanted->protocol &&
	       tuple->lo <= port && port <= tuple->hi &&
	       side_covers(
		       facts, tuple->from_nodes, &tuple->from, wanted->from_nodes, &wanted->from) &&
	       side_covers(facts, tuple->to_nodes, &tuple->to, wanted->to_nodes, &wanted->to);
}

static bool port_is_there(
	const struct tg_cluster_facts *facts, const struct tg_infrastructure *wanted, uint32_t port)
{
	for (size_t i = 0; i < facts->options->n_infrastructure; i++)
		if (tuple_covers(facts, &facts->options->infrastructure[i], wanted, port))
			return true;
	return false;
}

bool tg_proposal_is_there(const struct tg_cluster_facts *facts, const struct tg_proposal *proposal)
{
	for (uint32_t port = proposal->tuple.lo; port <= proposal->tuple.hi; port++)
		if (!port_is_there(facts, &proposal->tuple, port))
			return false;
	return true;
}

static bool is_nodes(const struct tg_cluster_facts *facts, bool nodes, const struct tg_prefix *side)
{
	return nodes || tg_cluster_facts_is_node(facts, &side->addr);
}

/* As compile.h has it: node traffic meets the default action on each side that is a node's. */
bool tg_proposal_passes(const struct tg_cluster_facts *facts, const struct tg_proposal *proposal)
{
	const struct tg_infrastructure *tuple = &proposal->tuple;
	const enum tg_default_action *action = facts->options->default_action;

	return (!is_nodes(facts, tuple->from_nodes, &tuple->from) ||
		       action[TG_EGRESS] != TG_DEFAULT_DENY) &&
	       (!is_nodes(facts, tuple->to_nodes, &tuple->to) ||
		       action[TG_INGRESS] != TG_DEFAULT_DENY);
}

/* --- as text --- */

static const char *side_text(bool nodes, const struct tg_prefix *side, char text[TG_PREFIX_TEXT])
{
	if (nodes)
		return "nodes";
	return side->length == tg_family_bits(side->addr.family) ? tg_addr_format(&side->addr, text)
								 : tg_prefix_format(side, text);
}

/* In flow style the colons of IPv6 want quotes. */
static const char *quote(const char *text)
{
	return strchr(text, ':') != NULL ? "\"" : "";
}

const char *tg_proposal_format(const struct tg_proposal *proposal, char text[TG_PROPOSAL_TEXT])
{
	const struct tg_infrastructure *t = &proposal->tuple;
	char from_text[TG_PREFIX_TEXT], to_text[TG_PREFIX_TEXT], zone[32] = "", range[16] = "";
	const char *from = side_text(t->from_nodes, &t->from, from_text);
	const char *to = side_text(t->to_nodes, &t->to, to_text);

	if (t->zone != 0)
		snprintf(zone, sizeof(zone), "zone: %u, ", t->zone);
	if (t->hi != t->lo)
		snprintf(range, sizeof(range), "-%u", t->hi);
	snprintf(text, TG_PROPOSAL_TEXT, "{name: %s, %sfrom: %s%s%s, to: %s%s%s%s, ports: %u%s}",
		t->name, zone, quote(from), from, quote(from), quote(to), to, quote(to),
		t->protocol == UDP ? ", protocol: UDP" : "", t->lo, range);
	return text;
}

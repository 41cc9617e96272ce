/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>

#include "checks.h"

#define SEEN_MIN 100 /* packets or connections, below which nothing follows from numbers */
#define SHARE 10     /* one in so many is much */
#define PATHS_TODO                                                                             \
	"one direction passes beside the gateway: route both through it, and give wires that " \
	"share their load one `group`"

/* `part` of `whole` is much, and enough to tell. */
static bool is_much(uint64_t part, uint64_t whole)
{
	return part >= SEEN_MIN && part >= whole / SHARE;
}

static void check_enforced(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	if (facts->ready)
		tg_find(f, TG_LEVEL_OK, NULL, "what is wanted is enforced");
	else
		tg_find(f, TG_LEVEL_FAIL, "tidegate status", "not ready: %s", facts->not_ready);
}

static void check_sources(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	if (!facts->synced)
		tg_find(f, TG_LEVEL_FAIL, "tidegate sources says what is missing",
			"not everything was read yet: nothing new is enforced");
	else if (facts->stale)
		tg_find(f, TG_LEVEL_FAIL, "tidegate sources says which and why",
			"a cluster is out of touch: new pods are unknown endpoints");
	else
		tg_find(f, TG_LEVEL_OK, NULL, "all were read and are up to date");
}

/*
 * What pods send is judged by rules for what leaves them, unless somebody on the way has put
 * another source address in.
 */
static void check_masquerade(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	const uint64_t seen =
		facts->pods_received + facts->node_packets + facts->drops[TG_DROP_NODE_TRAFFIC];

	if (facts->pods_sent > 0)
		tg_find(f, TG_LEVEL_OK, NULL, "packets come from pods' own addresses: %" PRIu64,
			facts->pods_sent);
	else if (facts->pods == 0)
		tg_find(f, TG_LEVEL_SKIP, NULL, "no pod is known");
	else if (facts->pods_either > 0)
		tg_find(f, TG_LEVEL_SKIP, NULL,
			"pods' packets are judged by default-allow only, which does not say who "
			"sent them");
	else if (seen < SEEN_MIN)
		tg_find(f, TG_LEVEL_SKIP, NULL,
			"too little traffic was seen to tell: %" PRIu64 " packets", seen);
	else
		tg_find(f, TG_LEVEL_FAIL,
			"switch masquerading off for what passes the gateway (Calico natOutgoing, "
			"Cilium enable-ipv4-masquerade, flannel --ip-masq, ip-masq-agent): what has "
			"a node's address is judged as the node, not as the pod",
			"%" PRIu64
			" packets of nodes or to pods, and none from a pod's own address: "
			"pods are masqueraded",
			seen);
}

static void check_tunnels(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	if (facts->tunnel_packets > 0)
		tg_find(f, TG_LEVEL_FAIL,
			"have pods' addresses routed, or put the gateway where packets are out of "
			"the tunnel",
			"%s between nodes: %" PRIu64 " packets that show no pod's address, so no "
			"policy is enforced on what is inside",
			facts->tunnel, facts->tunnel_packets);
	else if (is_much(facts->drops[TG_DROP_NODE_TRAFFIC], facts->connections))
		tg_find(f, TG_LEVEL_WARN,
			"look what it is (tcpdump on a node: VXLAN is UDP 4789 or 8472, Geneve UDP "
			"6081, WireGuard UDP 51820, IP-in-IP protocol 4): a tunnel hides pods' "
			"addresses, the rest wants infrastructure tuples",
			"%" PRIu64 " packets between nodes or of nodes were dropped (node_traffic)",
			facts->drops[TG_DROP_NODE_TRAFFIC]);
	else
		tg_find(f, TG_LEVEL_SKIP, NULL,
			"no tuple of a tunnel counts; tunnels by other tuples or beside the gateway "
			"are not seen from here");
}

/*
 * Of a connection of which only one direction comes by, what follows the client's SYN does not fit,
 * since nobody has answered it; what the server sends has no connection at all.
 */
static void check_paths(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	const uint64_t homeless = facts->drops[TG_DROP_TCP_NO_CONNECTION];
	const uint64_t invalid = facts->drops[TG_DROP_TCP_INVALID];
	const bool much = is_much(homeless, facts->connections) ||
			  is_much(invalid, facts->connections);

	if (facts->connections == 0 && homeless == 0 && invalid == 0)
		tg_find(f, TG_LEVEL_SKIP, NULL, "no connection was seen yet");
	if (is_much(invalid, facts->connections))
		tg_find(f, TG_LEVEL_WARN, PATHS_TODO,
			"%" PRIu64 " TCP packets do not fit their connection, of %" PRIu64
			" connections: answers may pass beside the gateway",
			invalid, facts->connections);
	if (is_much(homeless, facts->connections) && !facts->pickup)
		tg_find(f, TG_LEVEL_WARN,
			"if the dataplane has started lately, that is what was established before "
			"(pickup-window). Else " PATHS_TODO,
			"%" PRIu64 " TCP packets in mid-stream without connection, of %" PRIu64
			" connections",
			homeless, facts->connections);
	else if (facts->pickup)
		tg_find(f, TG_LEVEL_SKIP, NULL,
			"the dataplane still takes up connections in mid-stream (pickup-window)");
	else if (!much && facts->connections + homeless + invalid > 0)
		tg_find(f, TG_LEVEL_OK, NULL,
			"TCP comes with its handshake: %" PRIu64 " packets without, %" PRIu64
			" connections",
			homeless + invalid, facts->connections);
}

static void check_endpoints(struct tg_findings *f, const struct tg_gateway_facts *facts)
{
	const uint64_t unknown = facts->drops[TG_DROP_UNKNOWN_ENDPOINT];
	const uint64_t spoofed = facts->drops[TG_DROP_SPOOFED];
	const uint64_t service = facts->drops[TG_DROP_SERVICE_ADDRESS];

	if (is_much(unknown, facts->connections))
		tg_find(f, TG_LEVEL_WARN,
			"bridges and tunnel ends of nodes belong into `node-addresses`; `pod-ranges` "
			"may be too wide; or pods are not known yet: tidegate sources",
			"%" PRIu64 " packets of addresses in pod ranges that no pod has", unknown);
	if (is_much(spoofed, facts->connections))
		tg_find(f, TG_LEVEL_WARN,
			"`side` of the ports may be the wrong way round, or pods are behind both: "
			"side: any",
			"%" PRIu64 " packets of pods' addresses on a port where none are", spoofed);
	if (is_much(service, facts->connections))
		tg_find(f, TG_LEVEL_WARN,
			"have Service addresses translated on the nodes (kube-proxy, Cilium) before "
			"packets get here",
			"%" PRIu64 " packets to Service addresses", service);
	if (!is_much(unknown, facts->connections) && !is_much(spoofed, facts->connections) &&
		!is_much(service, facts->connections))
		tg_find(f, TG_LEVEL_OK, NULL,
			"dropped: %" PRIu64 " unknown endpoint, %" PRIu64 " spoofed, %" PRIu64
			" Service address",
			unknown, spoofed, service);
}

static const struct {
	const char *name;
	bool needs_dataplane;
	void (*run)(struct tg_findings *f, const struct tg_gateway_facts *facts);
} checks[] = {
	{"status", false, check_enforced},
	{"sources", false, check_sources},
	{"pod-addresses", true, check_masquerade},
	{"tunnels", true, check_tunnels},
	{"paths", true, check_paths},
	{"endpoints", true, check_endpoints},
};

void tg_check_gateway(const struct tg_gateway_facts *facts, struct tg_findings *f)
{
	f->cluster = "";
	if (facts->error[0] != '\0') {
		f->check = "status";
		tg_find(f, TG_LEVEL_SKIP, "start tidegate-ctrl, or say where it answers: --url",
			"what it has seen is not known: %s", facts->error);
		return;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		f->check = checks[i].name;
		if (checks[i].needs_dataplane && !facts->connected)
			tg_find(f, TG_LEVEL_SKIP, NULL, "the dataplane is away");
		else
			checks[i].run(f, facts);
	}
}

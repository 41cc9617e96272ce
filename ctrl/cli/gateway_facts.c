/* SPDX-License-Identifier: BSD-3-Clause */
#include "gateway_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "remote.h"

/* What carries the packets of pods inside of packets of nodes. Port 0: it has none. */
static const struct {
	uint8_t protocol;
	uint16_t port;
	const char *name;
} tunnels[] = {
	{4, 0, "IP-in-IP"}, {41, 0, "IPv6-in-IP"}, {47, 0, "GRE"}, {50, 0, "IPsec"},
	{17, 4789, "VXLAN"},
	{17, 8472, "VXLAN"}, /* Linux's old port, flannel's and Cilium's default */
	{17, 6081, "Geneve"}, {17, 51820, "WireGuard"}, {17, 51871, "WireGuard"}, /* Cilium's */
};

const char *tg_tuple_tunnel(const struct tg_infrastructure *tuple)
{
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++)
		if (tuple->protocol == tunnels[i].protocol && tuple->lo <= tunnels[i].port &&
			tunnels[i].port <= tuple->hi)
			return tunnels[i].name;
	return NULL;
}

static const cJSON *member(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(tree, key);
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static void read_status(struct tg_gateway_facts *facts, const cJSON *status)
{
	const cJSON *dataplane = member(status, "dataplane"), *sources = member(status, "sources");
	const cJSON *objects = member(status, "objects");

	facts->ready = cJSON_IsTrue(member(status, "ready"));
	copy(facts->not_ready, sizeof(facts->not_ready), tg_json_text(status, "not_ready"));
	facts->connected = cJSON_IsTrue(member(dataplane, "connected"));
	facts->pickup = cJSON_IsTrue(member(dataplane, "pickup"));
	facts->synced = cJSON_IsTrue(member(sources, "synced"));
	facts->stale = cJSON_IsTrue(member(sources, "stale"));
	facts->pods = (uint64_t)tg_json_number(objects, "pods");
}

static void read_drops(struct tg_gateway_facts *facts, const cJSON *drops)
{
	const cJSON *drop;

	cJSON_ArrayForEach(drop, member(drops, "drops"))
	{
		const char *reason = tg_json_text(drop, "reason");

		for (unsigned int i = 0; i < TG_DROP_COUNT; i++)
			if (strcmp(tg_drop_label(i), reason) == 0)
				facts->drops[i] = (uint64_t)tg_json_number(drop, "packets");
	}
}

/* By the tuple's name, which is the policy's in rules. */
static const char *tunnel_of(const struct tg_config *config, const char *name)
{
	for (size_t i = 0; i < config->compile.n_infrastructure; i++)
		if (strcmp(config->compile.infrastructure[i].name, name) == 0)
			return tg_tuple_tunnel(&config->compile.infrastructure[i]);
	return NULL;
}

static void read_infrastructure(
	struct tg_gateway_facts *facts, const struct tg_config *config, const cJSON *rule)
{
	const char *name = tg_json_text(rule, "policy"), *tunnel = tunnel_of(config, name);
	const uint64_t packets = (uint64_t)tg_json_number(rule, "packets");

	facts->node_packets += packets;
	if (tunnel == NULL || packets == 0)
		return;
	facts->tunnel_packets += packets;
	snprintf(facts->tunnel, sizeof(facts->tunnel), "%s", tunnel);
}

static void read_builtin(struct tg_gateway_facts *facts, const char *name, uint64_t packets)
{
	if (strcmp(name, tg_builtin_label(TG_BUILTIN_NODE_DEFAULT)) == 0)
		facts->node_packets += packets;
	else if (strcmp(name, tg_builtin_label(TG_BUILTIN_OWN_NODE)) == 0)
		facts->pods_received += packets;
	else if (strcmp(name, tg_builtin_label(TG_BUILTIN_DEFAULT_ALLOW)) == 0)
		facts->pods_either += packets;
}

static void read_rule(
	struct tg_gateway_facts *facts, const struct tg_config *config, const cJSON *rule)
{
	const char *kind = tg_json_text(rule, "kind");
	const uint64_t packets = (uint64_t)tg_json_number(rule, "packets");

	facts->connections += (uint64_t)tg_json_number(rule, "connections");
	if (strcmp(kind, "infrastructure") == 0)
		read_infrastructure(facts, config, rule);
	else if (strcmp(kind, "builtin") == 0)
		read_builtin(facts, tg_json_text(rule, "policy"), packets);
	else if (strcmp(tg_json_text(rule, "direction"), "egress") == 0)
		facts->pods_sent += packets;
	else if (strcmp(tg_json_text(rule, "direction"), "ingress") == 0)
		facts->pods_received += packets;
}

void tg_gateway_facts_read(struct tg_gateway_facts *facts, const struct tg_config *config,
	const cJSON *status, const cJSON *drops, const cJSON *rules)
{
	const cJSON *rule;

	read_status(facts, status);
	read_drops(facts, drops);
	cJSON_ArrayForEach(rule, member(rules, "rules")) read_rule(facts, config, rule);
}

/* What cannot be had is said in facts->error, the first time. */
static cJSON *ask(struct tg_gateway_facts *facts, const char *url, const char *path)
{
	struct tg_cli quiet = {0};
	cJSON *tree = NULL;
	char *text = NULL;
	size_t size;

	quiet.err = open_memstream(&text, &size);
	if (quiet.err == NULL) {
		copy(facts->error, sizeof(facts->error), "out of memory");
		return NULL;
	}
	tg_remote_json(&quiet, NULL, url, path, &tree);
	fclose(quiet.err);
	if (tree == NULL && facts->error[0] == '\0')
		copy(facts->error, sizeof(facts->error),
			strncmp(text, "tidegate: ", 10) == 0 ? text + 10 : text);
	free(text);
	return tree;
}

void tg_gateway_facts_gather(
	struct tg_gateway_facts *facts, const struct tg_config *config, const char *url)
{
	cJSON *status = ask(facts, url, "/v1/status"), *drops = NULL, *rules = NULL;

	if (status != NULL) {
		drops = ask(facts, url, "/v1/drops");
		rules = ask(facts, url, "/v1/rules");
	}
	tg_gateway_facts_read(facts, config, status, drops, rules);
	cJSON_Delete(status);
	cJSON_Delete(drops);
	cJSON_Delete(rules);
}

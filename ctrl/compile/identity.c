/* SPDX-License-Identifier: BSD-3-Clause */
#include "identity.h"

#include <errno.h>
#include <stdlib.h>

#include "hash.h"

/* What is hashed, so that no two sorts of things can be taken for each other. */
enum {
	SEED_STRING = 11,
	SEED_UID,
	SEED_NAME,
	SEED_RULE,
	SEED_PEER,
	SEED_BLOCK,
	SEED_IMPLICIT,
	SEED_BASELINE,
	SEED_INFRASTRUCTURE,
	SEED_NAMESPACE
};

int identity_init(struct identity *id, const struct tg_intern *strings)
{
	id->strings = strings;
	id->hashes = calloc(tg_intern_count(strings), sizeof(*id->hashes));
	return id->hashes != NULL ? 0 : -ENOMEM;
}

void identity_free(struct identity *id)
{
	free(id->hashes);
	id->hashes = NULL;
}

static uint64_t text_hash(struct identity *id, uint32_t string)
{
	if (id->hashes[string] == 0)
		id->hashes[string] =
			tg_hash_string(tg_intern_text(id->strings, string), SEED_STRING) | 1;
	return id->hashes[string];
}

uint64_t identity_policy(struct identity *id, const struct tg_policy *policy)
{
	if (policy->uid != 0)
		return tg_hash_mix(text_hash(id, policy->uid), SEED_UID);
	return tg_hash_mix(
		tg_hash_mix(text_hash(id, policy->ns), SEED_NAME), text_hash(id, policy->name));
}

/* Requirements and values are in the order of intern numbers, which is chance: they are summed. */
static uint64_t selector_hash(struct identity *id, const struct tg_selector *selector)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *req = &selector->reqs[i];
		uint64_t values = 0;

		for (uint32_t k = 0; k < req->n_values; k++)
			values += tg_hash_mix(text_hash(id, req->values[k]), req->op);
		sum += tg_hash_mix(tg_hash_mix(text_hash(id, req->key), req->op), values);
	}
	return tg_hash_mix(sum, selector->n_reqs);
}

static uint64_t prefix_hash(const struct tg_prefix *prefix)
{
	return tg_hash_bytes(prefix->addr.bytes, sizeof(prefix->addr.bytes),
		(uint64_t)prefix->addr.family << 8 | prefix->length);
}

static uint64_t peer_hash(struct identity *id, const struct tg_peer *peer)
{
	uint64_t h;

	if (peer->is_block) {
		h = tg_hash_mix(prefix_hash(&peer->block), SEED_BLOCK);
		for (uint32_t i = 0; i < peer->n_except; i++)
			h = tg_hash_mix(h, prefix_hash(&peer->except[i]));
		return h;
	}
	h = tg_hash_mix(SEED_PEER, (uint64_t)peer->has_ns_selector << 1 | peer->has_pod_selector);
	if (peer->has_ns_selector)
		h = tg_hash_mix(h, selector_hash(id, &peer->ns_selector));
	if (peer->has_pod_selector)
		h = tg_hash_mix(h, selector_hash(id, &peer->pod_selector));
	return h;
}

static uint64_t port_hash(struct identity *id, const struct tg_policy_port *port)
{
	uint64_t h = tg_hash_mix(port->protocol, port->named);

	if (port->named)
		return tg_hash_mix(h, text_hash(id, port->name));
	return tg_hash_mix(h, (uint64_t)port->lo << 16 | port->hi);
}

uint64_t identity_rule(struct identity *id, uint64_t policy, enum tg_direction dir,
	const struct tg_policy_rule *rule)
{
	uint64_t h = tg_hash_mix(tg_hash_mix(policy, SEED_RULE), dir);

	h = tg_hash_mix(h, (uint64_t)rule->any_peer << 1 | rule->any_port);
	for (uint32_t i = 0; i < rule->n_peers; i++)
		h = tg_hash_mix(h, peer_hash(id, &rule->peers[i]));
	for (uint32_t i = 0; i < rule->n_ports; i++)
		h = tg_hash_mix(h, port_hash(id, &rule->ports[i]));
	return h;
}

uint64_t identity_implicit(uint64_t sum, enum tg_direction dir)
{
	return tg_hash_mix(tg_hash_mix(sum, SEED_IMPLICIT), dir);
}

uint64_t identity_baseline(
	struct identity *id, uint32_t ns, enum tg_direction dir, enum tg_action action)
{
	return tg_hash_mix(
		tg_hash_mix(text_hash(id, ns), SEED_BASELINE), (uint64_t)dir << 8 | action);
}

uint64_t identity_namespace(struct identity *id, uint32_t ns)
{
	return tg_hash_mix(text_hash(id, ns), SEED_NAMESPACE);
}

uint64_t identity_infrastructure(const struct tg_infrastructure *tuple)
{
	uint64_t h = tg_hash_string(tuple->name != NULL ? tuple->name : "", SEED_INFRASTRUCTURE);

	h = tg_hash_mix(h, (uint64_t)tuple->from_nodes << 1 | tuple->to_nodes);
	if (!tuple->from_nodes)
		h = tg_hash_mix(h, prefix_hash(&tuple->from));
	if (!tuple->to_nodes)
		h = tg_hash_mix(h, prefix_hash(&tuple->to));
	return tg_hash_mix(
		h, (uint64_t)tuple->protocol << 32 | (uint64_t)tuple->lo << 16 | tuple->hi);
}

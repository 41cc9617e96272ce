/* SPDX-License-Identifier: BSD-3-Clause */
#include "edges.h"

#include <string.h>

#include "objects.h"

static int add_addr(struct edges *edges, const struct tg_addr *addr)
{
	return addr->family == 4 ? tg_vec_push(&edges->addrs[0], *addr)
				 : tg_vec_push(&edges->addrs[1], *addr);
}

/* addr + delta, wrapping round. */
static struct tg_addr beside(const struct tg_addr *addr, int delta)
{
	struct tg_addr out = *addr;
	int carry = delta;

	for (int i = addr->family == 4 ? 3 : 15; i >= 0 && carry != 0; i--) {
		int value = out.bytes[i] + carry;

		carry = value < 0 ? -1 : value > 255 ? 1 : 0;
		out.bytes[i] = (uint8_t)value;
	}
	return out;
}

static struct tg_addr last_of(const struct tg_prefix *prefix)
{
	struct tg_addr out = prefix->addr;

	for (int bit = prefix->length; bit < (out.family == 4 ? 32 : 128); bit++)
		out.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return out;
}

static int add_prefix(struct edges *edges, const struct tg_prefix *prefix)
{
	struct tg_addr last = last_of(prefix), addr;
	int rc = 0;

	rc |= add_addr(edges, &prefix->addr);
	addr = beside(&prefix->addr, -1);
	rc |= add_addr(edges, &addr);
	rc |= add_addr(edges, &last);
	addr = beside(&last, 1);
	rc |= add_addr(edges, &addr);
	return rc;
}

/* A text that is no address or prefix gives nothing. */
static int add_text(struct edges *edges, const char *text)
{
	struct tg_prefix prefix;
	struct tg_addr addr;

	if (strchr(text, '/') != NULL)
		return objects_prefix(text, &prefix) == 0 ? add_prefix(edges, &prefix) : 0;
	if (objects_addr(text, &addr) != 0)
		return 0;
	return addr.family == 4 ? tg_vec_push(&edges->hosts[0], addr)
				: tg_vec_push(&edges->hosts[1], addr);
}

static int add_number(struct edges *edges, int number)
{
	int rc = 0;

	for (int port = number - 1; port <= number + 1; port++)
		if (port >= 0 && port <= 65535)
			rc |= tg_vec_push(&edges->ports, port);
	return rc;
}

static int walk(struct edges *edges, const cJSON *item)
{
	const cJSON *child;
	int rc = 0;

	if (cJSON_IsString(item))
		return add_text(edges, item->valuestring);
	if (cJSON_IsNumber(item))
		return add_number(edges, item->valueint);
	cJSON_ArrayForEach(child, item) rc |= walk(edges, child);
	return rc;
}

static int add_options(struct edges *edges, const struct oracle_options *options)
{
	int rc = options->n_scopes == 0 ? tg_vec_push(&edges->zones, 0) : 0;

	for (size_t i = 0; i < options->n_scopes; i++)
		rc |= tg_vec_push(&edges->zones, options->scopes[i].zone);
	for (size_t i = 0; i < options->n_pod_ranges; i++)
		rc |= add_text(edges, options->pod_ranges[i].text);
	for (size_t i = 0; i < options->n_node_addrs; i++)
		rc |= add_text(edges, options->node_addrs[i].text);
	for (size_t i = 0; i < options->n_infrastructure; i++) {
		const struct oracle_infrastructure *infra = &options->infrastructure[i];

		rc |= infra->from != NULL ? add_text(edges, infra->from) : 0;
		rc |= infra->to != NULL ? add_text(edges, infra->to) : 0;
		rc |= add_number(edges, infra->lo);
		rc |= add_number(edges, infra->hi);
	}
	return rc;
}

int edges_collect(const struct random_cluster *cluster, struct edges *edges)
{
	static const char *const always[] = {
		"8.8.8.8", "9.9.9.9", "10.1.0.77", "2001:db8::1", "fd00:1::77"};
	int rc;

	memset(edges, 0, sizeof(*edges));
	rc = walk(edges, cluster->list) | add_options(edges, &cluster->options);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		rc |= add_text(edges, always[i]);
	rc |= add_number(edges, 0);
	rc |= add_number(edges, 65535);
	if (rc != 0)
		edges_free(edges);
	return rc;
}

void edges_free(struct edges *edges)
{
	for (int i = 0; i < 2; i++) {
		tg_vec_free(&edges->hosts[i]);
		tg_vec_free(&edges->addrs[i]);
	}
	tg_vec_free(&edges->ports);
	tg_vec_free(&edges->zones);
}

static struct tg_addr random_addr(struct tg_rng *rng, int v6)
{
	struct tg_addr addr;
	uint64_t bits[2] = {tg_rng_next(rng), tg_rng_next(rng)};

	memset(&addr, 0, sizeof(addr));
	addr.family = v6 ? 6 : 4;
	memcpy(addr.bytes, bits, v6 ? 16 : 4);
	return addr;
}

static struct tg_addr pick_addr(const struct edges *edges, struct tg_rng *rng, int v6)
{
	uint32_t roll = tg_rng_below(rng, 100);

	if (roll < 3 || (roll < 35 && edges->addrs[v6].n == 0))
		return random_addr(rng, v6);
	if (roll < 35)
		return edges->addrs[v6].v[tg_rng_below(rng, (uint32_t)edges->addrs[v6].n)];
	return edges->hosts[v6].v[tg_rng_below(rng, (uint32_t)edges->hosts[v6].n)];
}

void edges_tuple(const struct edges *edges, struct tg_rng *rng, struct oracle_tuple *tuple)
{
	static const uint8_t protocols[] = {6, 6, 6, 17, 17, 132, 1, 58, 47, 0, 255};
	int v6 = tg_rng_percent(rng, 25);

	do {
		tuple->src = pick_addr(edges, rng, v6);
		tuple->dst = pick_addr(edges, rng, v6);
	} while (memcmp(tuple->src.bytes, tuple->dst.bytes, sizeof(tuple->src.bytes)) == 0);
	tuple->protocol = protocols[tg_rng_below(rng, sizeof(protocols))];
	tuple->zone = edges->zones.v[tg_rng_below(rng, (uint32_t)edges->zones.n)];
	if (tg_rng_percent(rng, 1)) /* perhaps one that nobody speaks of */
		tuple->zone ^= 1;
	tuple->dport = 0;
	if (tuple->protocol == 6 || tuple->protocol == 17 || tuple->protocol == 132)
		tuple->dport = edges->ports.v[tg_rng_below(rng, (uint32_t)edges->ports.n)];
}

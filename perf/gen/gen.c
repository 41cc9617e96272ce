/* SPDX-License-Identifier: BSD-3-Clause */
#include "gen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

static uint32_t clamp(uint32_t value, uint32_t lo, uint32_t hi)
{
	return value < lo ? lo : value > hi ? hi : value;
}

void tg_gen_shape_of(struct tg_gen_shape *shape, uint32_t pods, uint32_t policies)
{
	uint32_t namespaces = clamp(pods / 200, 8, TG_GEN_MAX_NAMESPACES);

	*shape = (struct tg_gen_shape){
		.seed = 1,
		.pods = pods,
		.policies = policies,
		.namespaces = namespaces,
		.governed = clamp(policies / 4, 1, namespaces),
		.nodes = clamp(pods / 100, 2, TG_GEN_MAX_NODES),
		.apps = clamp(pods / namespaces / 11, 2, 64),
		.internal_prefixes = clamp(policies / 5, 20, TG_GEN_MAX_PREFIXES),
		.dual_stack_percent = 20,
		.services_percent = 60,
	};
}

static bool shape_valid(const struct tg_gen_shape *s)
{
	return s->pods > 0 && s->pods <= TG_GEN_MAX_PODS && s->policies <= TG_GEN_MAX_POLICIES &&
	       s->namespaces > SYSTEM_NAMESPACES && s->namespaces <= TG_GEN_MAX_NAMESPACES &&
	       s->governed >= 1 && s->governed <= s->namespaces && s->nodes >= 1 &&
	       s->nodes <= TG_GEN_MAX_NODES && s->pods <= (uint64_t)s->nodes * MAX_NODE_PODS &&
	       s->apps >= 2 && s->apps <= 1000 && s->internal_prefixes >= 1 &&
	       s->internal_prefixes <= TG_GEN_MAX_PREFIXES && s->dual_stack_percent <= 100 &&
	       s->services_percent <= 100;
}

uint32_t gen_id(struct tg_gen *gen, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return tg_intern_id(gen->strings, text);
}

struct tg_place gen_place(struct tg_gen *gen, uint32_t line)
{
	return (struct tg_place){.file = gen_id(gen, "generated"), .line = line};
}

void gen_sort_labels(struct tg_label *labels, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = i; k > 0 && labels[k - 1].key > labels[k].key; k--) {
			struct tg_label swap = labels[k];

			labels[k] = labels[k - 1];
			labels[k - 1] = swap;
		}
}

static int make_keys(struct tg_gen *gen)
{
	struct gen_keys *keys = &gen->keys;

	keys->metadata_name = gen_id(gen, "kubernetes.io/metadata.name");
	keys->team = gen_id(gen, "team");
	keys->env = gen_id(gen, "env");
	keys->app = gen_id(gen, "app.kubernetes.io/name");
	keys->component = gen_id(gen, "app.kubernetes.io/component");
	keys->tier = gen_id(gen, "tier");
	keys->version = gen_id(gen, "version");
	keys->hash = gen_id(gen, "pod-template-hash");
	keys->revision = gen_id(gen, "controller-revision-hash");
	keys->ordinal = gen_id(gen, "statefulset.kubernetes.io/pod-name");
	keys->http = gen_id(gen, "http");
	keys->grpc = gen_id(gen, "grpc");
	keys->metrics = gen_id(gen, "metrics");
	keys->db = gen_id(gen, "db");
	return keys->db == UINT32_MAX ? -ENOMEM : 0;
}

/* Corporate networks: /14 to /29 out of 10.0.0.0/10, 172.16.0.0/14 and 192.168.0.0/16. */
static struct tg_prefix random_internal(struct tg_rng *rng)
{
	static const struct {
		uint32_t base;
		uint8_t length;
	} pools[] = {{0x0a000000, 10}, {0x0a000000, 10}, {0xac100000, 14}, {0xc0a80000, 16}};
	uint32_t p = tg_rng_below(rng, 4);
	uint8_t length = 16 + tg_rng_below(rng, 14);
	uint32_t addr = pools[p].base | ((uint32_t)tg_rng_next(rng) >> pools[p].length);

	if (length < pools[p].length + 2)
		length = pools[p].length + 2;
	addr &= UINT32_MAX << (32 - length);
	return (struct tg_prefix){.addr = tg_addr_from_v4(addr), .length = length};
}

static int make_internal(struct tg_gen *gen)
{
	uint32_t n = gen->shape.internal_prefixes;

	gen->internal = tg_arena_calloc(gen->arena, n, sizeof(*gen->internal));
	if (gen->internal == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		gen->internal[i] = random_internal(&gen->rng);
	return 0;
}

struct tg_prefix gen_internal_prefix(const struct tg_gen *gen, struct tg_rng *rng)
{
	return gen->internal[tg_rng_below(rng, gen->shape.internal_prefixes)];
}

static int make_all(struct tg_gen *gen)
{
	static int (*const steps[])(struct tg_gen *) = {make_keys, make_internal,
		gen_make_namespaces, gen_make_nodes, gen_make_apps, gen_make_pods,
		gen_make_services, gen_make_policies};

	gen->strings = tg_intern_create();
	gen->arena = tg_arena_create(1u << 20);
	if (gen->strings == NULL || gen->arena == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = steps[i](gen);

		if (rc != 0)
			return rc;
	}
	return 0;
}

struct tg_gen *tg_gen_create(const struct tg_gen_shape *shape)
{
	struct tg_gen *gen;
	int rc;

	if (!shape_valid(shape)) {
		errno = EINVAL;
		return NULL;
	}
	gen = calloc(1, sizeof(*gen));
	if (gen == NULL)
		return NULL;
	gen->shape = *shape;
	gen->rng.state = shape->seed;
	rc = make_all(gen);
	if (rc != 0) {
		tg_gen_free(gen);
		errno = -rc;
		return NULL;
	}
	gen->cluster.strings = gen->strings;
	gen->cluster.namespaces = gen->namespace_view;
	gen->cluster.nodes = gen->node_view;
	gen->cluster.pods = gen->pod_view;
	gen->cluster.services = gen->service_view;
	gen->cluster.policies = gen->policy_view;
	return gen;
}

void tg_gen_free(struct tg_gen *gen)
{
	if (gen == NULL)
		return;
	tg_arena_free(gen->arena);
	tg_intern_free(gen->strings);
	free(gen);
}

const struct tg_cluster *tg_gen_cluster(const struct tg_gen *gen)
{
	return &gen->cluster;
}

const struct tg_prefix *tg_gen_pod_ranges(const struct tg_gen *gen, size_t *n)
{
	*n = 2;
	return gen->pod_ranges;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Apps, their pods and their Services. */
#include <errno.h>
#include <netinet/in.h>

#include "internal.h"

#define SERVICE_RANGE_V4 0x0a600000u /* 10.96.0.0/12 */
#define POD_LABELS 8u

/* A pod and all that hangs off it, in one allocation. */
struct pod_block {
	struct tg_pod pod;
	struct tg_label labels[POD_LABELS];
	struct tg_addr addrs[2];
};

struct app_kind {
	const char *stem, *component, *tier;
	uint16_t port;
	bool stateful, grpc;
	uint8_t weight;
};

static const struct app_kind kinds[] = {
	{"web", "frontend", "frontend", 8080, false, false, 4},
	{"api", "api", "backend", 8080, false, true, 6},
	{"worker", "worker", "backend", 8081, false, false, 8},
	{"postgres", "database", "data", 5432, true, false, 1},
	{"cache", "cache", "data", 6379, true, false, 2},
	{"queue", "broker", "data", 5672, true, false, 1},
	{"auth", "api", "backend", 8443, false, true, 2},
	{"batch", "job", "batch", 8000, false, false, 3},
};
static const struct app_kind system_kinds[SYSTEM_NAMESPACES] = {
	{"coredns", "dns", "system", PORT_DNS, false, false, 1},
	{"prometheus", "monitoring", "system", PORT_METRICS, true, false, 1},
	{"ingress-nginx", "ingress", "edge", 8443, false, false, 2},
};

static void add_port(struct gen_app *app, uint32_t name, uint16_t number, uint8_t protocol)
{
	app->ports[app->n_ports++] =
		(struct tg_named_port){.name = name, .number = number, .protocol = protocol};
}

static void add_ports(struct tg_gen *gen, struct gen_app *app, const struct app_kind *kind)
{
	bool dns = kind->port == PORT_DNS;

	if (dns)
		add_port(app, gen_id(gen, "dns"), PORT_DNS, IPPROTO_UDP);
	add_port(app,
		dns		 ? gen_id(gen, "dns-tcp")
		: kind->stateful ? gen->keys.db
				 : gen->keys.http,
		kind->port, IPPROTO_TCP);
	if (kind->grpc)
		add_port(app, gen->keys.grpc, 9000, IPPROTO_TCP);
	if (kind->port != PORT_METRICS)
		add_port(app, gen->keys.metrics, tg_rng_percent(&gen->rng, 80) ? 9090 : 9102,
			IPPROTO_TCP);
}

static int make_app(struct tg_gen *gen, struct gen_app *app, uint32_t ns, uint32_t nth)
{
	bool is_system = ns < SYSTEM_NAMESPACES;
	const size_t n_kinds = sizeof(kinds) / sizeof(kinds[0]);
	const struct app_kind *kind = is_system ? &system_kinds[ns] : &kinds[nth % n_kinds];

	app->ports = tg_arena_calloc(gen->arena, 4, sizeof(*app->ports));
	if (app->ports == NULL)
		return -ENOMEM;
	app->ns = ns;
	if (is_system || nth < n_kinds)
		app->name = gen_id(gen, "%s", kind->stem);
	else
		app->name = gen_id(gen, "%s-%zu", kind->stem, nth / n_kinds + 1);
	app->component = gen_id(gen, "%s", kind->component);
	app->tier = gen_id(gen, "%s", kind->tier);
	app->port = kind->port;
	app->stateful = kind->stateful;
	app->weight = kind->weight + tg_rng_below(&gen->rng, 3);
	add_ports(gen, app, kind);
	return app->tier == UINT32_MAX ? -ENOMEM : 0;
}

/* One replica each as far as the pods go, the rest by weight. */
static int share_out_pods(struct tg_gen *gen)
{
	uint64_t total = 0, rest = 0;
	uint32_t given = 0;

	for (uint32_t i = 0; i < gen->n_apps; i++)
		total += gen->apps[i].weight;
	for (uint32_t i = 0; i < gen->n_apps && given < gen->shape.pods; i++, given++)
		gen->apps[i].replicas = 1;
	rest = gen->shape.pods - given;
	for (uint32_t i = 0; i < gen->n_apps; i++) {
		uint32_t more = (uint32_t)(rest * gen->apps[i].weight / total);

		gen->apps[i].replicas += more;
		given += more;
	}
	while (given < gen->shape.pods) {
		gen->apps[tg_rng_below(&gen->rng, gen->n_apps)].replicas++;
		given++;
	}
	return 0;
}

int gen_make_apps(struct tg_gen *gen)
{
	uint32_t team = gen->shape.namespaces - SYSTEM_NAMESPACES;
	int rc = 0;

	gen->apps = tg_arena_calloc(
		gen->arena, SYSTEM_NAMESPACES + (size_t)team * gen->shape.apps, sizeof(*gen->apps));
	if (gen->apps == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < gen->shape.namespaces && rc == 0; i++) {
		struct gen_namespace *ns = &gen->namespaces[i];

		ns->first_app = gen->n_apps;
		ns->n_apps = i < SYSTEM_NAMESPACES ? 1 : gen->shape.apps;
		for (uint32_t k = 0; k < ns->n_apps && rc == 0; k++)
			rc = make_app(gen, &gen->apps[gen->n_apps++], i, k);
	}
	return rc != 0 ? rc : share_out_pods(gen);
}

/* A node with room, near a random one; NULL when all are full. */
static struct gen_node *pick_node(struct tg_gen *gen)
{
	uint32_t n = gen->shape.nodes, start = tg_rng_below(&gen->rng, n);

	for (uint32_t i = 0; i < n; i++) {
		struct gen_node *node = &gen->nodes[(start + i) % n];

		if (node->used <= MAX_NODE_PODS)
			return node;
	}
	return NULL;
}

static void place_pod(struct pod_block *block, struct gen_node *node)
{
	uint32_t host = ++node->used;
	const struct tg_node *object = node->object;

	block->addrs[0] = tg_addr_from_v4(tg_addr_v4(&object->pod_cidrs[0].addr) + host);
	block->pod.n_addrs = 1;
	if (node->dual) {
		block->addrs[1] = object->pod_cidrs[1].addr;
		block->addrs[1].bytes[15] = (uint8_t)host;
		block->pod.n_addrs = 2;
	}
	block->pod.addrs = block->addrs;
	block->pod.node = object->name;
}

/* The labels of a replica: the app's, and those that tell replicas and roll-outs apart. */
static void label_pod(struct tg_gen *gen, struct pod_block *block, const struct gen_app *app)
{
	const struct gen_keys *keys = &gen->keys;
	const struct gen_namespace *ns = &gen->namespaces[app->ns];
	uint32_t rollout = tg_rng_below(&gen->rng, 4);
	struct tg_label *labels = block->labels;
	uint32_t n = 0;

	labels[n++] = (struct tg_label){keys->app, app->name};
	labels[n++] = (struct tg_label){keys->component, app->component};
	labels[n++] = (struct tg_label){keys->tier, app->tier};
	labels[n++] = (struct tg_label){keys->team, ns->team};
	labels[n++] = (struct tg_label){keys->version, gen_id(gen, "v1.%u", rollout)};
	if (app->stateful) {
		labels[n++] = (struct tg_label){keys->ordinal, block->pod.name};
		labels[n++] = (struct tg_label){keys->revision,
			gen_id(gen, "%s-%08x", tg_intern_text(gen->strings, app->name),
				(app->name + rollout) * 2654435761u)};
	} else {
		labels[n++] = (struct tg_label){keys->hash,
			gen_id(gen, "%08x",
				(app->ns * 64 + app->name * 4 + rollout) * 2654435761u)};
	}
	gen_sort_labels(labels, n);
	block->pod.labels = (struct tg_labels){labels, n};
}

static const struct tg_pod *make_pod(
	struct tg_gen *gen, const struct gen_app *app, uint32_t name, uint32_t line)
{
	struct gen_node *node = pick_node(gen);
	struct pod_block *block;

	if (node == NULL) {
		errno = ENOSPC;
		return NULL;
	}
	block = tg_arena_alloc(gen->arena, sizeof(*block));
	if (block == NULL || name == UINT32_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	block->pod.ns = gen->namespaces[app->ns].object->name;
	block->pod.name = name;
	block->pod.ports = app->ports;
	block->pod.n_ports = app->n_ports;
	block->pod.created_at = 1700000000 + line;
	block->pod.place = gen_place(gen, line);
	place_pod(block, node);
	label_pod(gen, block, app);
	return &block->pod;
}

static uint32_t pod_name(struct tg_gen *gen, const struct gen_app *app, uint32_t replica)
{
	const char *name = tg_intern_text(gen->strings, app->name);

	if (app->stateful)
		return gen_id(gen, "%s-%u", name, replica);
	return gen_id(gen, "%s-%08x-%05x", name, app->name * 2654435761u,
		(replica * 40503u + app->ns) & 0xfffff);
}

int gen_make_pods(struct tg_gen *gen)
{
	uint32_t n = 0;

	gen->pod_view = tg_arena_calloc(gen->arena, gen->shape.pods, sizeof(*gen->pod_view));
	gen->app_of_pod = tg_arena_calloc(gen->arena, gen->shape.pods, sizeof(*gen->app_of_pod));
	if (gen->pod_view == NULL || gen->app_of_pod == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < gen->n_apps; i++)
		for (uint32_t k = 0; k < gen->apps[i].replicas; k++) {
			uint32_t name = pod_name(gen, &gen->apps[i], k);

			gen->app_of_pod[n] = i;
			gen->pod_view[n] = make_pod(gen, &gen->apps[i], name, n + 1);
			if (gen->pod_view[n++] == NULL)
				return -errno;
		}
	gen->cluster.n_pods = n;
	return 0;
}

const struct tg_pod *tg_gen_replica(struct tg_gen *gen, size_t index)
{
	const struct gen_app *app = &gen->apps[gen->app_of_pod[index % gen->shape.pods]];
	uint32_t nth = gen->n_replicas++;
	uint32_t name = gen_id(gen, "%s-new-%u", tg_intern_text(gen->strings, app->name), nth);

	return make_pod(gen, app, name, gen->shape.pods + nth + 1);
}

static int make_service(struct tg_gen *gen, const struct gen_app *app, uint32_t nth)
{
	struct tg_service *service = tg_arena_alloc(gen->arena, sizeof(*service));
	struct tg_addr *addr = tg_arena_alloc(gen->arena, sizeof(*addr));

	if (service == NULL || addr == NULL)
		return -ENOMEM;
	*addr = tg_addr_from_v4(SERVICE_RANGE_V4 + 10 + nth);
	service->ns = gen->namespaces[app->ns].object->name;
	service->name = app->name;
	service->addrs = addr;
	service->n_addrs = 1;
	service->place = gen_place(gen, nth + 1);
	gen->service_view[nth] = service;
	return 0;
}

int gen_make_services(struct tg_gen *gen)
{
	uint32_t n = 0;
	int rc = 0;

	gen->service_view = tg_arena_calloc(gen->arena, gen->n_apps, sizeof(*gen->service_view));
	if (gen->service_view == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < gen->n_apps && rc == 0; i++)
		if (tg_rng_percent(&gen->rng, gen->shape.services_percent))
			rc = make_service(gen, &gen->apps[i], n++);
	gen->cluster.n_services = n;
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster's server: who we are to it, what it answers, which kinds it lets us list. */
#include "cluster_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cluster_gather.h"
#include "decode.h"
#include "place.h"
#include "token.h"

static const struct {
	const char *resource, *api_version, *kind;
	bool namespaced;
} kinds[] = {
#define X(sym, resource, api_version, kind, namespaced, keeps) \
	[TG_CLUSTER_##sym] = {resource, api_version, kind, namespaced},
	TG_CLUSTER_KINDS(X)
#undef X
};

char *gather_text(struct gather *g, const char *text)
{
	char *copy = tg_arena_strdup(g->facts->arena, text);

	g->no_memory |= copy == NULL;
	for (char *p = copy; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return copy;
}

const char *gather_failure(struct gather *g, const struct tg_kube_result *result)
{
	if (result->error == 0 && result->status < 300)
		return NULL;
	return gather_text(g, result->why);
}

/* --- the server --- */

static void on_version(void *ctx, const struct tg_value *root)
{
	struct gather *g = ctx;
	const struct tg_value *version = tg_value_get(root, "gitVersion");

	if (version != NULL && version->type == TG_VALUE_STRING)
		g->facts->version = gather_text(g, version->text);
}

/*
 * The header has whole seconds, and is of some time between the question and the answer: only what
 * cannot be explained by that is skew.
 */
static void take_clock(struct tg_cluster_facts *facts, int64_t asked, int64_t answered)
{
	const int64_t date = facts->answer.date;

	facts->has_clock = date != 0;
	if (!facts->has_clock || (date + 1 >= asked && date <= answered))
		return;
	facts->skew_s = date > answered ? date - answered : date + 1 - asked;
}

static void ask_server(struct gather *g)
{
	struct tg_cluster_facts *facts = g->facts;
	const int64_t asked = time(NULL);

	tg_ask_get(g->ask, "/version", on_version, g, &facts->answer);
	facts->now = time(NULL);
	take_clock(facts, asked, facts->now);
	facts->certificate_expires_at = tg_ask_certificate_expires_at(g->ask);
}

/* --- kinds --- */

struct one {
	struct tg_kind_fact *kind;
	char version[128]; /* that a watch can begin at */
};

static void on_one(void *ctx, const struct tg_value *root)
{
	struct one *one = ctx;
	const struct tg_value *items = tg_value_get(root, "items");
	const struct tg_value *meta = tg_value_get(root, "metadata");
	const struct tg_value *rest = tg_value_get(meta, "remainingItemCount");
	int64_t more = 0;

	snprintf(one->version, sizeof(one->version), "%s", tg_value_text(meta, "resourceVersion"));
	if (rest != NULL && !tg_value_int(rest, &more))
		return;
	one->kind->objects = more + (items != NULL && items->type == TG_VALUE_LIST ? items->n : 0);
}

/* `what`: the query of a request, before that of the place. */
static char *make_target(struct gather *g, const struct tg_kube_place *place, const char *what)
{
	char path[TG_KUBE_PATH], *query = tg_kube_place_query(place), *target = NULL;

	tg_kube_place_path(place, path);
	if (query == NULL ||
		asprintf(&target, "%s?%s%s%s", path, what, query[0] != '\0' ? "&" : "", query) < 0)
		target = NULL;
	g->no_memory |= target == NULL;
	free(query);
	return target;
}

/* What was listed is watched from there, which takes another verb. */
static void try_watch(struct gather *g, const struct tg_kube_place *place, const char *version,
	struct tg_kube_result *result)
{
	char what[256], *target;

	if (version[0] == '\0') {
		*result = (struct tg_kube_result){.error = -EPROTO};
		snprintf(result->why, sizeof(result->why),
			"the list does not say its metadata.resourceVersion");
		return;
	}
	snprintf(what, sizeof(what),
		"watch=1&allowWatchBookmarks=true&timeoutSeconds=10&resourceVersion=%s", version);
	target = make_target(g, place, what);
	if (target != NULL)
		tg_ask_watch(g->ask, target, result);
	free(target);
}

static void ask_kind(struct gather *g, const struct tg_kind_fact *kind)
{
	const struct tg_kube_place place = {
		.api_version = kind->api_version,
		.resource = kind->resource,
		.namespaced = kind->namespaced,
		.ns = kind->ns,
	};
	struct tg_kind_fact fact = *kind;
	struct one one = {.kind = &fact};
	char *target = make_target(g, &place, "limit=1");

	fact.objects = -1;
	if (target != NULL)
		tg_ask_get(g->ask, target, on_one, &one, &fact.result);
	if (fact.enforced && fact.result.error == 0 && fact.result.status < 300)
		try_watch(g, &place, one.version, &fact.result);
	if (tg_vec_push(&g->facts->kinds, fact) != 0)
		g->no_memory = true;
	free(target);
}

static void ask_enforced(struct gather *g)
{
	const struct tg_config_cluster *config = g->facts->config;

	for (int i = 0; i < TG_CLUSTER_KIND_COUNT; i++) {
		struct tg_kind_fact kind = {
			.resource = kinds[i].resource,
			.api_version = kinds[i].api_version,
			.kind = kinds[i].kind,
			.enforced = true,
			.namespaced = kinds[i].namespaced,
			.optional = (config->optional & 1u << i) != 0,
		};

		if (config->n_namespaces == 0 || (!kind.namespaced && i != TG_CLUSTER_NAMESPACES)) {
			ask_kind(g, &kind);
			continue;
		}
		for (size_t k = 0; k < config->n_namespaces; k++) {
			kind.ns = config->namespaces[k];
			ask_kind(g, &kind);
		}
	}
}

struct found {
	struct gather *g;
	TG_VEC(struct tg_kube_resource) v;
};

static bool is_reported(void *ctx, const char *api_version, const char *kind)
{
	return tg_decode_is_unenforced(api_version, kind);
}

static void on_found(void *ctx, const struct tg_kube_resource *resources, size_t n)
{
	struct found *found = ctx;

	for (size_t i = 0; i < n; i++)
		if (tg_vec_push(&found->v, resources[i]) != 0)
			found->g->no_memory = true;
}

/* Policy kinds that nothing enforces: how many objects there are, if we may know. */
static void ask_reported(struct gather *g)
{
	static const struct tg_kube_discovery_handler handler = {
		.wanted = is_reported, .found = on_found};
	struct found found = {.g = g};
	char why[TG_KUBE_WHY];

	if (!tg_ask_resources(g->ask, &handler, &found, why) || why[0] != '\0')
		g->facts->discovery_error = gather_text(g, why[0] != '\0' ? why : "no answer");
	for (size_t i = 0; i < found.v.n; i++) {
		const struct tg_kind_fact kind = {
			.resource = gather_text(g, found.v.v[i].resource),
			.api_version = gather_text(g, found.v.v[i].api_version),
			.kind = gather_text(g, found.v.v[i].kind),
			.namespaced = found.v.v[i].namespaced,
		};

		if (!g->no_memory)
			ask_kind(g, &kind);
	}
	tg_vec_free(&found.v);
}

/* --- all of it --- */

static bool is_answered(const struct tg_cluster_facts *facts)
{
	return facts->answer.error == 0 && facts->answer.status != 401;
}

static void ask_all(struct gather *g, const struct tg_kube_access *access)
{
	if (tg_ask_open(access, g->ms, &g->ask) != 0) {
		g->no_memory = true;
		return;
	}
	ask_server(g);
	if (is_answered(g->facts)) {
		ask_enforced(g);
		ask_reported(g);
		gather_objects(g);
	}
	tg_ask_close(g->ask);
}

static void take_access(struct gather *g, const struct tg_kube_access *access)
{
	struct tg_cluster_facts *facts = g->facts;

	facts->server = gather_text(g, access->server);
	facts->insecure = access->insecure;
	facts->anonymous = access->token == NULL && access->token_file == NULL &&
			   access->exec == NULL && access->username == NULL &&
			   access->certificate.text == NULL && access->certificate.file == NULL;
	facts->token_expires_at = tg_kube_token_expires_at(access);
}

static void gather(struct gather *g)
{
	const struct tg_config_cluster *config = g->facts->config;
	const struct tg_kube_access_options options = {
		.kubeconfig = config->kubeconfig,
		.context = config->context,
		.allow_insecure = config->insecure,
	};
	struct tg_kube_access *access = NULL;
	char *error = NULL;
	int err = tg_kube_access_load(&options, &access, &error);

	g->facts->now = time(NULL);
	if (err != 0) {
		if (error != NULL)
			error[strcspn(error, "\n")] = '\0';
		g->facts->access_error = gather_text(g, error != NULL ? error : strerror(-err));
	} else {
		take_access(g, access);
		ask_all(g, access);
	}
	free(error);
	tg_kube_access_free(access);
}

struct tg_cluster_facts *tg_cluster_facts_gather(const struct tg_config_cluster *config,
	const struct tg_compile_options *options, uint32_t ms)
{
	struct tg_cluster_facts *facts = calloc(1, sizeof(*facts));
	struct gather g = {.facts = facts, .ms = ms != 0 ? ms : TG_ASK_MS};

	if (facts == NULL)
		return NULL;
	facts->config = config;
	facts->options = options;
	facts->arena = tg_arena_create(0);
	if (facts->arena != NULL)
		gather(&g);
	if (facts->arena == NULL || g.no_memory) {
		tg_cluster_facts_free(facts);
		return NULL;
	}
	return facts;
}

void tg_cluster_facts_free(struct tg_cluster_facts *facts)
{
	if (facts == NULL)
		return;
	tg_vec_free(&facts->kinds);
	tg_vec_free(&facts->nodes);
	tg_vec_free(&facts->ranges);
	tg_vec_free(&facts->node_ranges);
	tg_vec_free(&facts->tunnel_addrs);
	tg_vec_free(&facts->etcd);
	tg_vec_free(&facts->api_servers);
	tg_vec_free(&facts->dns_services);
	tg_vec_free(&facts->upstreams);
	tg_arena_free(facts->arena);
	free(facts);
}

const struct tg_zone_options *tg_cluster_facts_zone(
	const struct tg_cluster_facts *facts, size_t index)
{
	const struct tg_compile_options *options = facts->options;

	for (size_t i = 0; i < options->n_zones + 1; i++) {
		const struct tg_zone_options *zone = i == 0 ? &options->home
							    : &options->zones[i - 1];

		if (zone->zone == facts->config->scope.zone && index-- == 0)
			return zone;
	}
	return NULL;
}

static bool is_configured(const struct tg_cluster_facts *facts, const struct tg_addr *addr)
{
	const struct tg_zone_options *zone;

	for (size_t i = 0; (zone = tg_cluster_facts_zone(facts, i)) != NULL; i++)
		for (size_t k = 0; k < zone->n_node_addrs; k++)
			if (tg_addr_compare(&zone->node_addrs[k], addr) == 0)
				return true;
	return false;
}

bool tg_cluster_facts_is_node(const struct tg_cluster_facts *facts, const struct tg_addr *addr)
{
	for (size_t i = 0; i < facts->nodes.n; i++)
		for (size_t k = 0; k < facts->nodes.v[i].n_addrs; k++)
			if (tg_addr_compare(&facts->nodes.v[i].addrs[k], addr) == 0)
				return true;
	return is_configured(facts, addr);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "clusters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "syntax.h"
#include "zones.h"

#define RESOURCES_TEXT 128

static const char *const resources[TG_CLUSTER_KIND_COUNT + 1] = {
#define X(sym, resource, api_version, kind, namespaced, keeps) [TG_CLUSTER_##sym] = resource,
	TG_CLUSTER_KINDS(X)
#undef X
};

struct parse {
	struct tg_reader *reader;
	const char *file;
	int err; /* -ENOMEM */
};

const char *tg_config_read_path(
	struct tg_reader *reader, const struct tg_at *at, const char *file, int *err)
{
	const char *text = NULL, *slash = strrchr(file, '/');

	if (!tg_read_string(reader, at, &text))
		return NULL;
	if (text[0] == '\0') {
		tg_reader_problem(reader, at, "expected a path");
		return NULL;
	}
	if (text[0] == '/' || slash == NULL)
		text = tg_arena_strdup(reader->arena, text);
	else
		text = tg_arena_printf(reader->arena, "%.*s/%s", (int)(slash - file), file, text);
	if (text == NULL)
		*err = -ENOMEM;
	return text;
}

/* A text that is not empty; NULL when absent or wrong. */
static const char *read_text(struct parse *p, const struct tg_at *at, const char *expected)
{
	const char *text = NULL;

	if (!tg_read_string(p->reader, at, &text))
		return NULL;
	if (text[0] == '\0') {
		tg_reader_problem(p->reader, at, "expected %s", expected);
		return NULL;
	}
	text = tg_arena_strdup(p->reader->arena, text);
	if (text == NULL)
		p->err = -ENOMEM;
	return text;
}

static const char *read_label(struct parse *p, const struct tg_at *at, const char *expected)
{
	const char *text = read_text(p, at, expected);

	if (text == NULL || tg_is_dns_label(text))
		return text;
	tg_reader_problem(
		p->reader, at, "expected %s: at most 63 of a-z 0-9 -, not \"%s\"", expected, text);
	return NULL;
}

static int resource_find(struct parse *p, const struct tg_at *at, const char *text)
{
	char known[RESOURCES_TEXT] = "";

	for (int i = 0; i < TG_CLUSTER_KIND_COUNT; i++) {
		size_t used = strlen(known);

		if (strcmp(resources[i], text) == 0)
			return i;
		snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ",
			resources[i]);
	}
	tg_reader_problem(p->reader, at, "expected one of %s, not \"%s\"", known, text);
	return -1;
}

static void read_namespaces(struct parse *p, const struct tg_at *at, struct tg_config_cluster *out)
{
	const struct tg_value *v;
	const char **names;
	size_t i = 0;

	if (!tg_read_list(p->reader, at))
		return;
	if (at->value->n == 0)
		tg_reader_problem(p->reader, at, "expected a namespace; all of them: leave it out");
	names = tg_arena_calloc(p->reader->arena, at->value->n + 1, sizeof(*names));
	if (names == NULL) {
		p->err = -ENOMEM;
		return;
	}
	for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		names[i] = read_label(p, &item, "the name of a namespace");
		if (item.value == NULL)
			tg_reader_problem(p->reader, &item, "expected the name of a namespace");
		for (size_t k = 0; k < i && names[i] != NULL; k++)
			if (names[k] != NULL && strcmp(names[k], names[i]) == 0)
				tg_reader_problem(p->reader, &item, "is there already");
	}
	out->namespaces = names;
	out->n_namespaces = i;
}

static void read_selectors(struct parse *p, const struct tg_at *at, struct tg_config_cluster *out)
{
	if (!tg_read_map(p->reader, at))
		return;
	tg_read_known(p->reader, at, resources);
	for (int i = 0; i < TG_CLUSTER_KIND_COUNT; i++) {
		struct tg_at selector = tg_at_field(at, resources[i]);

		out->selector[i] = read_text(p, &selector, "a label selector such as app!=batch");
		if (out->selector[i] != NULL && strlen(out->selector[i]) > TG_SELECTOR_MAX)
			tg_reader_problem(p->reader, &selector,
				"expected a label selector of at most %u bytes", TG_SELECTOR_MAX);
	}
	/* A policy that is not read may be one that denies. */
	if (out->selector[TG_CLUSTER_NETWORK_POLICIES] != NULL) {
		struct tg_at policies = tg_at_field(at, resources[TG_CLUSTER_NETWORK_POLICIES]);

		tg_reader_problem(p->reader, &policies,
			"policies are all read: one that is left out may be one that denies");
	}
}

static void read_optional(struct parse *p, const struct tg_at *at, struct tg_config_cluster *out)
{
	const struct tg_value *v;
	size_t i = 0;

	if (!tg_read_list(p->reader, at))
		return;
	for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		const char *text = "";
		int kind;

		if (item.value != NULL && !tg_read_string(p->reader, &item, &text))
			continue;
		kind = resource_find(p, &item, text);
		if (kind >= 0)
			out->optional |= 1u << kind;
	}
}

/* Where its addresses are, and whose they are. */
static void read_zone(struct parse *p, const struct tg_at *at, struct tg_zone_options *out)
{
	struct tg_at zone = tg_at_field(at, "zone"), ranges = tg_at_field(at, "pod-ranges");
	struct tg_at nodes = tg_at_field(at, "node-addresses");

	tg_config_read_zone(p->reader, &zone, out);
	if (tg_config_read_pod_ranges(p->reader, &ranges, out) != 0 ||
		tg_config_read_node_addresses(p->reader, &nodes, out) != 0)
		p->err = -ENOMEM;
}

static void read_cluster(struct parse *p, const struct tg_at *at, struct tg_config_cluster *out,
	struct tg_zone_options *zone)
{
	static const char *const known[] = {"name", "kubeconfig", "context",
		"insecure-skip-tls-verify", "zone", "pod-ranges", "node-addresses", "namespaces",
		"selectors", "optional", NULL};
	struct tg_at name = tg_at_field(at, "name"), file = tg_at_field(at, "kubeconfig");
	struct tg_at context = tg_at_field(at, "context");
	struct tg_at insecure = tg_at_field(at, "insecure-skip-tls-verify");
	struct tg_at namespaces = tg_at_field(at, "namespaces");
	struct tg_at selectors = tg_at_field(at, "selectors");
	struct tg_at optional = tg_at_field(at, "optional");

	if (!tg_read_map(p->reader, at)) {
		if (at->value == NULL)
			tg_reader_problem(p->reader, at, "expected a cluster");
		return;
	}
	tg_read_known(p->reader, at, known);
	if (name.value == NULL)
		tg_reader_problem(p->reader, &name, "is required: what to call this cluster");
	out->name = read_label(p, &name, "a name");
	out->kubeconfig = tg_config_read_path(p->reader, &file, p->file, &p->err);
	out->context = read_text(p, &context, "the name of a context");
	if (context.value != NULL && file.value == NULL)
		tg_reader_problem(p->reader, &context, "needs a kubeconfig");
	tg_read_bool(p->reader, &insecure, &out->insecure);
	read_zone(p, at, zone);
	out->scope.zone = zone->zone;
	read_namespaces(p, &namespaces, out);
	read_selectors(p, &selectors, out);
	read_optional(p, &optional, out);
}

static void check_names(
	struct parse *p, const struct tg_at *at, const struct tg_config_cluster *clusters)
{
	const struct tg_value *v = tg_at_first(at);

	for (size_t i = 0; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i), name = tg_at_field(&item, "name");

		for (size_t k = 0; k < i && clusters[i].name != NULL; k++)
			if (clusters[k].name != NULL &&
				strcmp(clusters[k].name, clusters[i].name) == 0)
				tg_reader_problem(
					p->reader, &name, "is the name of another cluster already");
	}
}

int tg_config_read_clusters(
	struct tg_reader *reader, const struct tg_at *at, const char *file, struct tg_config *out)
{
	struct parse p = {.reader = reader, .file = file};
	struct tg_config_cluster *clusters;
	struct tg_zone_options *zones;
	const struct tg_value *v;
	size_t i = 0;

	if (!tg_read_list(reader, at))
		return 0;
	clusters = tg_arena_calloc(reader->arena, at->value->n + 1, sizeof(*clusters));
	zones = tg_arena_calloc(reader->arena, at->value->n + 1, sizeof(*zones));
	if (clusters == NULL || zones == NULL)
		return -ENOMEM;
	for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		zones[i].zone = out->compile.home.zone;
		read_cluster(&p, &item, &clusters[i], &zones[i]);
	}
	check_names(&p, at, clusters);
	out->clusters = clusters;
	out->n_clusters = i;
	out->compile.zones = zones;
	out->compile.n_zones = i;
	return p.err;
}

void tg_config_set_scopes(struct tg_config *config)
{
	bool confined = config->n_clusters > 1;

	config->scope.zone = config->compile.home.zone;
	if (config->n_clusters == 1 && config->n_manifests > 0)
		confined = config->clusters[0].scope.zone != config->scope.zone;
	config->scope.confined = confined;
	for (size_t i = 0; i < config->n_clusters; i++) {
		struct tg_config_cluster *cluster = &config->clusters[i];

		cluster->scope.confined = confined;
		cluster->scope.cluster = confined ? cluster->name : NULL;
	}
}

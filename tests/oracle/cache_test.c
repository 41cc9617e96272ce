/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random clusters that change step by step, compiled twice at each step: with a cache that has seen
 * all steps before, and without. Images must be equal byte by byte, and so must errors, warnings,
 * figures and where pods are placed.
 *
 *   cache_test [--seed N] [--steps N] [--only CLUSTER]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "compile.h"
#include "image.h"
#include "kept.h"
#include "model_options.h"
#include "random_cluster.h"
#include "replay.h"
#include "store.h"

#define STEPS_DEFAULT 6000u
#define STEPS_FULL 5000u /* from here on a run must have seen everything */
#define STEPS_A_CLUSTER 40u
#define FILES_A_SCOPE 24u /* that objects are spread over: those of a file are read together */
#define FILES (RANDOM_SCOPES_MAX * FILES_A_SCOPE)
#define POD_ADDRS_MAX 8

/* One compiler and what it made last. */
struct side {
	struct tg_compiler *compiler;
	struct tg_compiled *compiled; /* NULL: it failed */
	int err;
	char error[256];
};

struct world {
	struct tg_rng rng;
	struct random_cluster cluster;
	struct tg_store *store;
	char *texts[FILES];
	struct tg_compile_cache *cache;
	struct tg_view *cached; /* what the cache refers to */
	struct side plain, kept;
	uint64_t generation;
	uint32_t max_connections; /* as the configuration has it */
};

struct run {
	struct replay replay; /* of steps */
	uint64_t steps;
	/* seen */
	uint64_t failed, warned, over, same_endpoints, same_traits, same_questions, swept;
	uint64_t limited, other_limits;
};

/* ---- objects and files ---- */

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return item != NULL && cJSON_IsString(item) ? item->valuestring : "";
}

static const cJSON *metadata(const cJSON *object)
{
	return cJSON_GetObjectItemCaseSensitive(object, "metadata");
}

static bool same_key(const cJSON *a, const cJSON *b)
{
	return model_options_scope_of(a) == model_options_scope_of(b) &&
	       strcmp(text_of(a, "kind"), text_of(b, "kind")) == 0 &&
	       strcmp(text_of(metadata(a), "namespace"), text_of(metadata(b), "namespace")) == 0 &&
	       strcmp(text_of(metadata(a), "name"), text_of(metadata(b), "name")) == 0;
}

/* An object stays in its file, whatever becomes of it. */
static uint32_t file_of(const cJSON *object)
{
	const char *words[] = {text_of(object, "kind"), text_of(metadata(object), "namespace"),
		text_of(metadata(object), "name")};
	uint32_t h = 1;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (const char *p = words[i]; *p != '\0'; p++)
			h = h * 31 + (unsigned char)*p;
	return (uint32_t)model_options_scope_of(object) * FILES_A_SCOPE + h % FILES_A_SCOPE;
}

static char *file_text(const struct random_cluster *cluster, uint32_t file)
{
	cJSON *wrap = cJSON_CreateObject(), *items, *object, *copy;
	char *text = NULL;

	cJSON_AddStringToObject(wrap, "apiVersion", "v1");
	cJSON_AddStringToObject(wrap, "kind", "List");
	items = cJSON_AddArrayToObject(wrap, "items");
	cJSON_ArrayForEach(object, cluster->list)
	{
		if (file_of(object) != file)
			continue;
		copy = cJSON_Duplicate(object, true);
		cJSON_DeleteItemFromObjectCaseSensitive(copy, ORACLE_SCOPE);
		cJSON_AddItemToArray(items, copy);
	}
	if (cJSON_GetArraySize(items) > 0)
		text = cJSON_PrintUnformatted(wrap);
	cJSON_Delete(wrap);
	return text;
}

/* Reads again the files whose text is another one. */
static int load_file(struct world *w, uint32_t file)
{
	const struct tg_scope scope = model_options_scope(&w->cluster, file / FILES_A_SCOPE);
	char *text = file_text(&w->cluster, file), *before = w->texts[file], name[32];
	int err = 0;

	tg_store_set_scope(w->store, &scope);

	snprintf(name, sizeof(name), "f%u.json", file);
	if (text == NULL && before != NULL)
		err = tg_store_remove(w->store, name);
	else if (text != NULL && (before == NULL || strcmp(text, before) != 0))
		err = tg_store_load(w->store, name, text, strlen(text));
	free(before);
	w->texts[file] = text;
	if (err != 0)
		printf("%s is refused: %s\n%s\n", name, strerror(-err), text != NULL ? text : "");
	return err;
}

static int load_all(struct world *w)
{
	int err = 0;

	for (uint32_t file = 0; file < FILES_A_SCOPE * w->cluster.options.n_scopes && err == 0;
		file++)
		err = load_file(w, file);
	return err;
}

/* ---- changes ---- */

static cJSON *random_object(struct world *w, const cJSON *list)
{
	int n = cJSON_GetArraySize(list);

	return n > 0 ? cJSON_GetArrayItem(list, (int)tg_rng_below(&w->rng, (uint32_t)n)) : NULL;
}

/* An object of another cluster comes, or takes the place of ours of the same name. */
static void take_object(struct world *w, const struct random_cluster *donor)
{
	const cJSON *theirs = random_object(w, donor->list);
	cJSON *list = w->cluster.list, *ours, *object;
	uint32_t scope = tg_rng_below(&w->rng, (uint32_t)w->cluster.options.n_scopes);

	if (theirs == NULL)
		return;
	object = cJSON_Duplicate(theirs, true);
	cJSON_DeleteItemFromObjectCaseSensitive(object, ORACLE_SCOPE);
	if (scope != 0)
		cJSON_AddNumberToObject(object, ORACLE_SCOPE, scope);
	cJSON_ArrayForEach(ours, list)
	{
		if (same_key(ours, object))
			break;
	}
	if (ours != NULL)
		cJSON_ReplaceItemViaPointer(list, ours, object);
	else
		cJSON_AddItemToArray(list, object);
}

static cJSON *random_rules(struct world *w, cJSON *policy)
{
	static const char *const keys[] = {"ingress", "egress"};

	return cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(policy, "spec"), keys[tg_rng_below(&w->rng, 2)]);
}

/* The ports of a random rule of a random policy are others, or another rule's. */
static void edit_ports(struct world *w, const struct random_cluster *donor)
{
	cJSON *rule = random_object(w, random_rules(w, random_object(w, w->cluster.list)));
	cJSON *other = random_object(w, random_rules(w, random_object(w, donor->list)));
	cJSON *port = random_object(w, cJSON_GetObjectItemCaseSensitive(rule, "ports"));
	cJSON *number = cJSON_GetObjectItemCaseSensitive(port, "port");
	cJSON *ports = cJSON_GetObjectItemCaseSensitive(other, "ports");

	if (number != NULL && cJSON_IsNumber(number) && tg_rng_percent(&w->rng, 60)) {
		bool range = cJSON_GetObjectItemCaseSensitive(port, "endPort") != NULL;

		cJSON_SetNumberValue(number, 1 + (range ? 0 : tg_rng_below(&w->rng, 3)));
		return;
	}
	if (rule == NULL || other == NULL)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(rule, "ports");
	if (ports != NULL)
		cJSON_AddItemToObject(rule, "ports", cJSON_Duplicate(ports, true));
}

/* The peers of a random rule of a random policy; NULL when there are none to be found soon. */
static cJSON *random_peers(struct world *w)
{
	for (uint32_t tries = 0; tries < 100; tries++) {
		cJSON *rule = random_object(w, random_rules(w, random_object(w, w->cluster.list)));
		cJSON *from = cJSON_GetObjectItemCaseSensitive(rule, "from");
		cJSON *peers = from != NULL ? from : cJSON_GetObjectItemCaseSensitive(rule, "to");

		if (cJSON_GetArraySize(peers) != 0)
			return peers;
	}
	return NULL;
}

/* One peer of a rule is another rule's, and nothing else changes. */
static void edit_peer(struct world *w)
{
	cJSON *peers = random_peers(w), *others = random_peers(w);

	if (peers != NULL && others != NULL)
		cJSON_ReplaceItemViaPointer(peers, random_object(w, peers),
			cJSON_Duplicate(random_object(w, others), true));
}

/* A rule comes, goes or changes places with the next. */
static void edit_rules(struct world *w, const struct random_cluster *donor)
{
	cJSON *rules = random_rules(w, random_object(w, w->cluster.list));
	cJSON *other = random_object(w, random_rules(w, random_object(w, donor->list)));
	cJSON *rule = random_object(w, rules);

	if (rules == NULL || !cJSON_IsArray(rules))
		return;
	switch (tg_rng_below(&w->rng, 3)) {
	case 0:
		if (rule != NULL)
			cJSON_Delete(cJSON_DetachItemViaPointer(rules, rule));
		break;
	case 1:
		if (rule != NULL)
			cJSON_AddItemToArray(rules, cJSON_DetachItemViaPointer(rules, rule));
		break;
	default:
		/* A policy takes over peers of the other direction only by their other name. */
		if (other != NULL && cJSON_GetObjectItemCaseSensitive(other, "from") == NULL &&
			cJSON_GetObjectItemCaseSensitive(other, "to") == NULL)
			cJSON_AddItemToArray(rules, cJSON_Duplicate(other, true));
		else if (rule != NULL)
			cJSON_AddItemToArray(rules, cJSON_Duplicate(rule, true));
		break;
	}
}

/* A random port of a random policy that is a name; NULL when there is none to be found soon. */
static cJSON *random_named_port(struct world *w)
{
	for (uint32_t tries = 0; tries < 100; tries++) {
		cJSON *rule = random_object(w, random_rules(w, random_object(w, w->cluster.list)));
		cJSON *port = random_object(w, cJSON_GetObjectItemCaseSensitive(rule, "ports"));
		const cJSON *name = cJSON_GetObjectItemCaseSensitive(port, "port");

		if (name != NULL && cJSON_IsString(name))
			return port;
	}
	return NULL;
}

/* A port gets another name, and nothing else changes. */
static void rename_port(struct world *w)
{
	static const char *const names[] = {"http", "dns", "m"};
	cJSON *port = random_named_port(w);

	if (port != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(
			port, "port", cJSON_CreateString(names[tg_rng_below(&w->rng, 3)]));
}

/* What a random policy specifies; NULL when there is none to be found soon. */
static cJSON *random_spec(struct world *w, const cJSON *list)
{
	for (uint32_t tries = 0; tries < 20; tries++) {
		cJSON *spec = cJSON_GetObjectItemCaseSensitive(random_object(w, list), "spec");

		if (cJSON_GetObjectItemCaseSensitive(spec, "podSelector") != NULL)
			return spec;
	}
	return NULL;
}

/* A policy selects other pods, and nothing else changes. */
static void edit_selector(struct world *w, const struct random_cluster *donor)
{
	cJSON *spec = random_spec(w, w->cluster.list), *other = random_spec(w, donor->list);

	if (spec != NULL && other != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(spec, "podSelector",
			cJSON_Duplicate(
				cJSON_GetObjectItemCaseSensitive(other, "podSelector"), true));
}

/* One option alone. */
static void change_option(struct world *w)
{
	static const uint32_t limits[] = {0, 1, 1000, TG_UNLIMITED - 1};
	struct oracle_options *options = &w->cluster.options;

	if (tg_rng_percent(&w->rng, 40))
		w->max_connections = limits[tg_rng_below(&w->rng, 4)];
	else if (tg_rng_percent(&w->rng, 70))
		options->default_action[tg_rng_below(&w->rng, 2)] =
			(enum oracle_default)tg_rng_below(&w->rng, 3);
	else
		options->transit_allow = !options->transit_allow;
}

/* A pod is created at another time, is being deleted, or is not; a field at a time. */
static void edit_pod(struct world *w)
{
	static const char *const keys[] = {"creationTimestamp", "deletionTimestamp"};
	static const char *const times[] = {"2024-03-01T10:00:00Z", "2023-12-31T23:59:59Z"};
	cJSON *pod = random_object(w, w->cluster.list);
	cJSON *data = cJSON_GetObjectItemCaseSensitive(pod, "metadata");
	const char *key = keys[tg_rng_below(&w->rng, 2)];

	if (strcmp(text_of(pod, "kind"), "Pod") != 0)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(data, key);
	if (tg_rng_percent(&w->rng, 60))
		cJSON_AddStringToObject(data, key, times[tg_rng_below(&w->rng, 2)]);
}

/* A namespace gets another limit, or none of its own. */
static void edit_limit(struct world *w)
{
	static const char *const limits[] = {"1", "1000", "unlimited", NULL};
	const char *limit = limits[tg_rng_below(&w->rng, 4)];
	cJSON *object = NULL, *data, *annotations;

	for (uint32_t tries = 0; tries < 100; tries++) {
		object = random_object(w, w->cluster.list);
		if (strcmp(text_of(object, "kind"), "Namespace") == 0)
			break;
		object = NULL;
	}
	if (object == NULL)
		return;
	data = cJSON_GetObjectItemCaseSensitive(object, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(data, "annotations");
	if (limit == NULL)
		return;
	annotations = cJSON_AddObjectToObject(data, "annotations");
	cJSON_AddStringToObject(annotations, "tidegate.dev/max-connections", limit);
}

static void change_options(struct world *w, const struct random_cluster *donor)
{
	struct random_cluster before = w->cluster;

	w->cluster = *donor;
	w->cluster.list = before.list;
	/* Clusters and their zones are those that files were read with. */
	memcpy(w->cluster.scopes, before.scopes, sizeof(before.scopes));
	w->cluster.options.scopes = w->cluster.scopes;
	w->cluster.options.n_scopes = before.options.n_scopes;
	w->cluster.options.pod_ranges = w->cluster.pod_ranges;
	w->cluster.options.node_addrs = w->cluster.node_addrs;
	w->cluster.options.infrastructure = w->cluster.infrastructure;
}

static void change_one(struct world *w, const struct random_cluster *donor)
{
	uint32_t roll = tg_rng_below(&w->rng, 100);
	cJSON *object = random_object(w, w->cluster.list);

	if (roll < 20)
		edit_ports(w, donor);
	else if (roll < 27)
		edit_peer(w);
	else if (roll < 40)
		edit_rules(w, donor);
	else if (roll < 65)
		take_object(w, donor);
	else if (roll < 72 && object != NULL)
		cJSON_Delete(cJSON_DetachItemViaPointer(w->cluster.list, object));
	else if (roll < 77)
		change_options(w, donor);
	else if (roll < 81)
		edit_limit(w);
	else if (roll < 84)
		edit_pod(w);
	else if (roll < 87)
		change_option(w);
	else if (roll < 91)
		rename_port(w);
	else if (roll < 94)
		edit_selector(w, donor);
	else
		random_cluster_churn(&w->cluster, &w->rng);
}

static int change(struct world *w)
{
	struct random_cluster donor;

	random_cluster_make(&donor, &w->rng, true);
	for (uint32_t n = tg_rng_below(&w->rng, 4); n > 0; n--)
		change_one(w, &donor);
	random_cluster_clear(&donor);
	return load_all(w);
}

/* ---- compiling ---- */

static void compile_side(struct side *side, const struct tg_cluster *cluster,
	const struct tg_compile_options *options)
{
	tg_compiled_free(side->compiled);
	side->compiled = NULL;
	side->err = tg_compile(side->compiler, cluster, options, &side->compiled, side->error,
		sizeof(side->error));
}

static const char *compare_images(const struct tg_compiled *a, const struct tg_compiled *b)
{
	struct tg_image_error error;
	struct tg_image image;
	size_t n, m;
	const void *x = tg_compiled_image(a, &n), *y = tg_compiled_image(b, &m);

	if (tg_image_check(y, m, &image, &error) != 0)
		return "the image is refused";
	return n == m && memcmp(x, y, n) == 0 ? NULL : "the images differ";
}

static const char *compare_warnings(const struct tg_compiled *a, const struct tg_compiled *b)
{
	size_t n, m;
	const struct tg_warning *x = tg_compiled_warnings(a, &n), *y = tg_compiled_warnings(b, &m);

	if (n != m)
		return "there are more or fewer warnings";
	for (size_t i = 0; i < n; i++)
		if (x[i].kind != y[i].kind || x[i].place.file != y[i].place.file ||
			x[i].place.line != y[i].place.line || strcmp(x[i].text, y[i].text) != 0)
			return "the warnings differ";
	return NULL;
}

static const char *compare_figures(const struct tg_compiled *a, const struct tg_compiled *b)
{
	struct tg_compile_stats x = *tg_compiled_stats(a), y = *tg_compiled_stats(b);

	x.duration_us = y.duration_us = 0;
	return memcmp(&x, &y, sizeof(x)) == 0 ? NULL : "the figures differ";
}

static bool same_places(const struct tg_placement *a, const struct tg_placement *b, int n)
{
	for (int i = 0; i < n; i++)
		if (tg_addr_compare(&a[i].addr, &b[i].addr) != 0 || a[i].cls != b[i].cls ||
			a[i].node != b[i].node || a[i].zone != b[i].zone)
			return false;
	return true;
}

/* Every pod, as it is and with the labels and ports of another one. */
static const char *compare_places(struct world *w, const struct tg_cluster *cluster)
{
	struct tg_placement a[POD_ADDRS_MAX], b[POD_ADDRS_MAX];

	for (size_t i = 0; i < 2 * cluster->n_pods; i++) {
		struct tg_pod pod = *cluster->pods[i / 2];
		const struct tg_pod *other =
			cluster->pods[tg_rng_below(&w->rng, (uint32_t)cluster->n_pods)];
		int n, m;

		if (i % 2 == 1) {
			pod.labels = other->labels;
			pod.ports = other->ports;
			pod.n_ports = other->n_ports;
		}
		n = tg_compiled_place_pod(w->plain.compiled, &pod, NULL, a);
		m = tg_compiled_place_pod(w->kept.compiled, &pod, NULL, b);
		if (n != m || !same_places(a, b, n))
			return "a pod is placed elsewhere";
		n = tg_compiled_vacate_pod(w->plain.compiled, &pod, NULL, a);
		m = tg_compiled_vacate_pod(w->kept.compiled, &pod, NULL, b);
		if (n != m || !same_places(a, b, n))
			return "a pod leaves something else behind";
	}
	return NULL;
}

static const char *compare(struct world *w, const struct tg_cluster *cluster)
{
	const char *difference;

	if (w->plain.err != w->kept.err || strcmp(w->plain.error, w->kept.error) != 0)
		return "one fails, or otherwise";
	if (w->plain.err != 0)
		return NULL;
	difference = compare_images(w->plain.compiled, w->kept.compiled);
	if (difference == NULL)
		difference = compare_warnings(w->plain.compiled, w->kept.compiled);
	if (difference == NULL)
		difference = compare_figures(w->plain.compiled, w->kept.compiled);
	return difference != NULL ? difference : compare_places(w, cluster);
}

/* Now and then what makes compilations fail, or leaves namespaces out. */
static void limit(struct world *w, struct tg_compile_options *options)
{
	if (tg_rng_percent(&w->rng, 8))
		options->slot_capacity = TG_SLOT_FIRST + 1 + tg_rng_below(&w->rng, 40);
	if (tg_rng_percent(&w->rng, 3))
		options->default_action[0] = (enum tg_default_action)7;
	if (tg_rng_percent(&w->rng, 12))
		options->cell_budget = 1 + tg_rng_below(&w->rng, 60);
}

static void note(struct run *run, const struct world *w)
{
	const struct tg_warning *warnings;
	size_t n;

	run->failed += w->kept.err != 0;
	if (w->kept.err != 0)
		return;
	warnings = tg_compiled_warnings(w->kept.compiled, &n);
	run->warned += n > 0;
	for (size_t i = 0; i < n; i++)
		run->over += warnings[i].kind == TG_WARN_CELL_BUDGET;
}

/* Which limits there are; 0: none. */
static uint64_t limits_sum(const struct tg_compiled *compiled)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; compiled != NULL && i < compiled->limits.n; i++)
		sum = sum * 31 + compiled->limits.v[i].limit;
	return sum;
}

static const char *compile_both(struct run *run, struct world *w, const struct tg_cluster *cluster)
{
	struct endpoints *endpoints =
		w->cache->endpoints != NULL ? endpoints_ref(w->cache->endpoints) : NULL;
	struct frame *frame = w->cache->kept != NULL ? frame_ref(w->cache->kept->frame) : NULL;
	size_t traits = w->cache->traits.keys.n;
	uint64_t limits = limits_sum(w->kept.compiled), now;
	struct model_options options;
	const char *difference;

	model_options_make(&w->cluster, ++w->generation, &options);
	options.options.max_connections = w->max_connections;
	limit(w, &options.options);
	compile_side(&w->plain, cluster, &options.options);
	options.options.cache = w->cache;
	compile_side(&w->kept, cluster, &options.options);
	run->same_endpoints += endpoints != NULL && endpoints == w->cache->endpoints;
	endpoints_unref(endpoints);
	now = limits_sum(w->kept.compiled);
	run->limited += now != 0;
	if (w->kept.err == 0 && frame == w->kept.compiled->frame) {
		run->same_questions++;
		run->other_limits += limits != now;
	}
	frame_unref(frame);
	run->same_traits += traits > 1 && traits == w->cache->traits.keys.n;
	difference = compare(w, cluster);
	if (difference == NULL)
		note(run, w);
	return difference;
}

static const char *compile_view(struct run *run, struct world *w)
{
	struct tg_view *view = tg_store_view(w->store);
	const struct tg_namespace **namespaces;
	struct tg_cluster cluster;
	const char *difference;

	if (view == NULL)
		return "out of memory";
	cluster = view->cluster;
	namespaces = calloc(cluster.n_namespaces + 1, sizeof(*namespaces));
	if (namespaces == NULL)
		return "out of memory";
	cluster.n_namespaces = model_options_namespaces(
		&cluster, !w->cluster.options.implicit_namespaces, namespaces);
	cluster.namespaces = namespaces;
	difference = compile_both(run, w, &cluster);
	free(namespaces);
	tg_view_release(w->store, w->cached);
	w->cached = view;
	return difference;
}

/* What a long life brings: slots that are free again, strings that are swept. */
static int grow_older(struct run *run, struct world *w)
{
	struct tg_changes *changes = tg_store_take_changes(w->store);

	if (changes == NULL)
		return -ENOMEM;
	tg_changes_release(w->store, changes);
	if (tg_rng_percent(&w->rng, 30)) {
		tg_compiler_slots_swept(w->plain.compiler, w->generation);
		tg_compiler_slots_swept(w->kept.compiler, w->generation);
	}
	if (!tg_rng_percent(&w->rng, 10))
		return 0;
	/* Placements compare numbers of strings, so what was compiled goes as well. */
	for (int i = 0; i < 2; i++) {
		struct side *side = i == 0 ? &w->plain : &w->kept;

		tg_compiled_free(side->compiled);
		side->compiled = NULL;
	}
	tg_compile_cache_clear(w->cache);
	tg_view_release(w->store, w->cached);
	w->cached = NULL;
	run->swept++;
	return tg_store_sweep(w->store);
}

/* ---- a run ---- */

static void world_close(struct world *w)
{
	struct side *sides[] = {&w->plain, &w->kept};

	tg_compile_cache_free(w->cache);
	if (w->store != NULL)
		tg_view_release(w->store, w->cached);
	for (size_t i = 0; i < 2; i++) {
		tg_compiled_free(sides[i]->compiled);
		tg_compiler_free(sides[i]->compiler);
	}
	tg_store_free(w->store);
	random_cluster_clear(&w->cluster);
	for (size_t i = 0; i < FILES; i++)
		free(w->texts[i]);
}

static int world_open(struct world *w, uint64_t seed)
{
	*w = (struct world){.rng.state = seed * 0x2545f4914f6cdd1dull};
	random_cluster_make(&w->cluster, &w->rng, true);
	w->store = tg_store_create();
	w->cache = tg_compile_cache_create();
	w->plain.compiler = tg_compiler_create();
	w->kept.compiler = tg_compiler_create();
	return w->store != NULL && w->cache != NULL && w->plain.compiler != NULL &&
			       w->kept.compiler != NULL
		       ? load_all(w)
		       : -ENOMEM;
}

static const char *one_step(struct run *run, struct world *w, uint32_t step)
{
	int err = step > 0 ? change(w) : 0;

	if (err == 0)
		err = grow_older(run, w);
	return err != 0 ? "the store does not take it" : compile_view(run, w);
}

static int run_cluster(struct run *run, uint64_t number)
{
	struct world w;
	const char *difference = world_open(&w, run->replay.seed + number) != 0 ? "no world" : NULL;

	for (uint32_t step = 0; step < STEPS_A_CLUSTER && difference == NULL; step++) {
		difference = one_step(run, &w, step);
		run->steps++;
		if (difference != NULL)
			printf("FAILED: step %u: %s (%d %s, %d %s); replay with --seed %llu --only "
			       "%llu\n",
				step, difference, w.plain.err, w.plain.error, w.kept.err,
				w.kept.error, (unsigned long long)run->replay.seed,
				(unsigned long long)number);
	}
	world_close(&w);
	return difference == NULL ? 0 : -EBADMSG;
}

/* A run in which nothing is kept, nothing fails or nothing is warned of proves little. */
static int check_coverage(const struct run *run)
{
	const struct {
		const char *what;
		uint64_t n;
	} seen[] = {
		{"failed", run->failed},
		{"with warnings", run->warned},
		{"with a namespace over its budget", run->over},
		{"with the endpoints of before", run->same_endpoints},
		{"with the traits of before", run->same_traits},
		{"that ask the same as before", run->same_questions},
		{"with limits of namespaces", run->limited},
		{"that ask the same, with other limits", run->other_limits},
		{"after a sweep of strings", run->swept},
	};
	bool met = true;

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		printf("  %-36s %llu\n", seen[i].what, (unsigned long long)seen[i].n);
		met &= seen[i].n != 0;
	}
	return replay_covered(met);
}

int main(int argc, char **argv)
{
	struct run run = {.replay.want = STEPS_DEFAULT};
	int rc = 0;

	if (!replay_read(&run.replay, "cache_test", "steps", argc, argv))
		return 2;
	if (run.replay.only >= 0)
		return run_cluster(&run, (uint64_t)run.replay.only) != 0;
	for (uint64_t number = 0; rc == 0 && run.steps < run.replay.want; number++)
		rc = run_cluster(&run, number);
	printf("%llu steps\n", (unsigned long long)run.steps);
	if (rc == 0 && run.steps >= STEPS_FULL)
		rc = check_coverage(&run);
	return rc != 0;
}

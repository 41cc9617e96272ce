/* SPDX-License-Identifier: BSD-3-Clause */
#include "decode.h"

#include <errno.h>
#include <string.h>

#include "decoder.h"
#include "endpoints.h"

#define LIST_DEPTH_MAX 4       /* lists in lists */
#define SKIPPED_KINDS_MAX 256u /* counted apart; more go to the last one */

void decode_not_enforced(struct decoder *d, const struct tg_not_enforced *policy)
{
	struct tg_not_enforced scoped = *policy;

	if (policy->ns != 0)
		scoped.ns = decoder_scoped(d, policy->ns);
	else
		scoped.name = decoder_scoped(d, policy->name);
	if (tg_vec_push(&d->out->not_enforced, scoped) != 0)
		d->no_memory = true;
}

static void add_not_enforced(
	struct decoder *d, const struct tg_at *object, const char *api_version, const char *kind)
{
	struct tg_at metadata = tg_at_field(object, "metadata");
	struct tg_at name = tg_at_field(&metadata, "name");
	struct tg_at ns = tg_at_field(&metadata, "namespace");
	struct tg_not_enforced entry = {
		.api_version = decoder_string(d, api_version),
		.kind = decoder_string(d, kind),
		.place = decoder_place(d, object),
	};

	if (name.value != NULL && name.value->type == TG_VALUE_STRING)
		entry.name = decoder_string(d, name.value->text);
	if (ns.value != NULL && ns.value->type == TG_VALUE_STRING)
		entry.ns = decoder_string(d, ns.value->text);
	decode_not_enforced(d, &entry);
}

static void count_skipped(struct decoder *d, const char *api_version, const char *kind)
{
	struct tg_skipped entry = {
		.api_version = decoder_string(d, api_version),
		.kind = decoder_string(d, kind),
		.count = 1,
	};

	for (size_t i = 0; i < d->out->skipped.n; i++) {
		struct tg_skipped *s = &d->out->skipped.v[i];

		if ((s->kind == entry.kind && s->api_version == entry.api_version) ||
			i + 1 == SKIPPED_KINDS_MAX) {
			s->count++;
			return;
		}
	}
	if (tg_vec_push(&d->out->skipped, entry) != 0)
		d->no_memory = true;
}

void decode_as(
	struct decoder *d, const struct tg_at *object, const char *api_version, const char *kind)
{
	struct tg_at kind_at = tg_at_field(object, "kind");
	const char *why;

	switch (kind_treatment(api_version, kind, &why)) {
	case KIND_NAMESPACE:
		decode_namespace(d, object);
		break;
	case KIND_POD:
		decode_pod(d, object);
		break;
	case KIND_NODE:
		decode_node(d, object);
		break;
	case KIND_SERVICE:
		decode_service(d, object);
		break;
	case KIND_NETWORK_POLICY:
		decode_network_policy(d, object);
		break;
	case KIND_NOT_ENFORCED:
		add_not_enforced(d, object, api_version, kind);
		break;
	case KIND_SKIPPED:
		count_skipped(d, api_version, kind);
		break;
	case KIND_REFUSED:
		tg_reader_problem(&d->reader, &kind_at, "%s/%s: %s", api_version, kind, why);
		break;
	}
}

/* What an object without a kind is taken for: the items of a typed list leave theirs out. */
struct defaults {
	const char *api_version;
	const char *kind;
	unsigned int depth;
};

static void decode_object(
	struct decoder *d, const struct tg_at *object, const struct defaults *defaults);

static bool is_list_kind(const char *kind)
{
	size_t n = strlen(kind);

	return n >= 4 && strcmp(kind + n - 4, "List") == 0;
}

static void decode_list(struct decoder *d, const struct tg_at *object, const char *api_version,
	const char *kind, unsigned int depth)
{
	struct tg_at items = tg_at_field(object, "items");
	struct defaults defaults = {.depth = depth + 1};
	size_t n = strlen(kind) - strlen("List"), i = 0;

	if (depth >= LIST_DEPTH_MAX) {
		tg_reader_problem(&d->reader, object, "lists are nested too deeply");
		return;
	}
	if (n != 0) {
		char *item_kind = tg_arena_strdup(d->arena, kind);

		if (item_kind == NULL) {
			d->no_memory = true;
			return;
		}
		item_kind[n] = '\0';
		defaults.api_version = api_version;
		defaults.kind = item_kind;
	}
	if (!tg_read_list(&d->reader, &items))
		return;
	for (const struct tg_value *v = items.value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&items, v, i);

		decode_object(d, &item, &defaults);
	}
}

/* A kustomization may leave out what makes it an object; it is none of the cluster's. */
static bool is_kustomization(const struct decoder *d)
{
	const char *file = tg_intern_text(d->strings, d->file), *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;

	return strcmp(name, "kustomization.yaml") == 0 || strcmp(name, "kustomization.yml") == 0;
}

/* Whether `field` is set once at most: which of two kinds counts must never be a guess. */
static bool is_unambiguous(struct decoder *d, const struct tg_at *object, const char *field)
{
	struct tg_at at = tg_at_field(object, field);
	size_t n = 0;

	for (const struct tg_value *v = tg_at_first(object); v != NULL; v = v->next)
		n += strcmp(v->key, field) == 0;
	if (n > 1)
		tg_reader_problem(&d->reader, &at, "this key is already set in the same map");
	return n <= 1;
}

bool decode_type_field(
	struct decoder *d, const struct tg_at *object, const char *field, const char **out)
{
	struct tg_at at = tg_at_field(object, field);

	if (!is_unambiguous(d, object, field))
		return false;
	if (tg_read_string(&d->reader, &at, out))
		return true;
	if (at.value == NULL && *out == NULL)
		tg_reader_problem(
			&d->reader, &at, "a Kubernetes object with %s is expected", field);
	return at.value == NULL && *out != NULL;
}

static void decode_object(
	struct decoder *d, const struct tg_at *object, const struct defaults *defaults)
{
	const char *api_version = defaults->api_version, *kind = defaults->kind;

	if (object->value == NULL && defaults->depth == 0)
		return; /* an empty document */
	if (object->value == NULL || object->value->type != TG_VALUE_MAP) {
		tg_reader_problem(&d->reader, object, "a Kubernetes object is expected, not %s",
			tg_value_type_name(object->value));
		return;
	}
	if (is_kustomization(d) && tg_value_get(object->value, "kind") == NULL) {
		count_skipped(d, "kustomize.config.k8s.io/v1beta1", "Kustomization");
		return;
	}
	if (!decode_type_field(d, object, "kind", &kind) ||
		!decode_type_field(d, object, "apiVersion", &api_version))
		return;
	if (is_list_kind(kind) && tg_value_get(object->value, "items") != NULL)
		decode_list(d, object, api_version, kind, defaults->depth);
	else
		decode_as(d, object, api_version, kind);
}

static void decode_documents(struct decoder *d, const void *text, size_t size)
{
	const struct defaults none = {0};
	struct tg_tree_error error;
	struct tg_tree *tree;
	int err = tg_tree_parse(text, size, &tree, &error);

	if (err == -EINVAL) {
		tg_reader_problem_line(&d->reader, error.line, "%s", error.text);
	} else if (err != 0) {
		d->no_memory = true;
		return;
	}
	for (size_t i = 0; err == 0 && i < tg_tree_count(tree); i++) {
		const struct tg_value *root = tg_tree_document(tree, i);
		struct tg_at at = tg_at_root(root->type != TG_VALUE_NULL ? root : NULL);

		decode_object(d, &at, &none);
	}
	tg_tree_free(tree);
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && strcmp(text + n - m, suffix) == 0;
}

int tg_decode(const char *file, const void *text, size_t size, const struct tg_scope *scope,
	struct tg_intern *strings, struct tg_arena *arena, struct tg_decoded *out)
{
	struct decoder d = {.scope = *scope, .strings = strings, .arena = arena, .out = out};

	memset(out, 0, sizeof(*out));
	tg_reader_init(&d.reader, arena);
	tg_reader_init(&d.warnings, arena);
	d.file = decoder_string(&d, file);
	if (has_suffix(file, TG_ENDPOINTS_SUFFIX))
		decode_endpoints(&d, text, size);
	else
		decode_documents(&d, text, size);
	out->errors = d.reader.problems;
	out->errors_dropped = d.reader.dropped;
	out->warnings = d.warnings.problems;
	if (d.no_memory)
		return -ENOMEM;
	return out->errors.n + out->errors_dropped != 0 ? -EINVAL : 0;
}

void tg_decoded_free(struct tg_decoded *decoded)
{
	tg_vec_free(&decoded->namespaces);
	tg_vec_free(&decoded->pods);
	tg_vec_free(&decoded->nodes);
	tg_vec_free(&decoded->services);
	tg_vec_free(&decoded->policies);
	tg_vec_free(&decoded->not_enforced);
	tg_vec_free(&decoded->skipped);
	tg_vec_free(&decoded->errors);
	tg_vec_free(&decoded->warnings);
}

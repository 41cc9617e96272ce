/* SPDX-License-Identifier: BSD-3-Clause */
/* One object from an API server: decode.h says what becomes of what is not understood. */
#include <errno.h>
#include <string.h>

#include "decoder.h"

#define PARTIAL "PartialObjectMetadata" /* metav1, in any version of the group meta.k8s.io */
#define PARTIAL_GROUP "meta.k8s.io/"

static enum kind_treatment treatment_of(const char *api_version, const char *kind)
{
	const char *why;
	enum kind_treatment treatment = kind_treatment(api_version, kind, &why);

	/* A NetworkPolicy of another group or version. */
	return treatment == KIND_REFUSED ? KIND_NOT_ENFORCED : treatment;
}

bool tg_decode_is_unenforced(const char *api_version, const char *kind)
{
	return treatment_of(api_version, kind) == KIND_NOT_ENFORCED;
}

static void begin(struct decoder *d, const struct tg_served *served)
{
	memset(d->out, 0, sizeof(*d->out));
	tg_reader_init(&d->reader, d->arena);
	tg_reader_init(&d->warnings, d->arena);
	d->served = served;
	d->scope = served->scope;
	d->file = decoder_string(d, served->file);
}

/* Problems that do no harm to what is decided are warnings, behind those that say what was. */
static void tolerate(struct decoder *d)
{
	for (size_t i = 0; i < d->reader.problems.n; i++)
		if (tg_vec_push(&d->warnings.problems, d->reader.problems.v[i]) != 0)
			d->no_memory = true;
	tg_reader_free(&d->reader);
	d->reader.dropped = 0;
}

static int end(struct decoder *d)
{
	d->out->errors = d->reader.problems;
	d->out->errors_dropped = d->reader.dropped;
	d->out->warnings = d->warnings.problems;
	if (d->no_memory)
		return -ENOMEM;
	return decoder_problems(d) != 0 ? -EINVAL : 0;
}

static void add_not_enforced(struct decoder *d)
{
	struct tg_not_enforced entry = {
		.api_version = decoder_string(d, d->served->api_version),
		.kind = decoder_string(d, d->served->kind),
		.ns = decoder_string(d, d->served->ns),
		.name = decoder_string(d, d->served->name),
		.place = {.file = d->file},
	};

	decode_not_enforced(d, &entry);
}

/* Why is among the problems. */
static void decode_unread(struct decoder *d)
{
	switch (treatment_of(d->served->api_version, d->served->kind)) {
	case KIND_NETWORK_POLICY:
		decode_network_policy_unread(d, d->served);
		tolerate(d);
		break;
	case KIND_NOT_ENFORCED:
		add_not_enforced(d);
		tolerate(d);
		break;
	default:
		break;
	}
}

static void decode_object(struct decoder *d, const struct tg_at *object)
{
	switch (treatment_of(d->served->api_version, d->served->kind)) {
	case KIND_NOT_ENFORCED:
		add_not_enforced(d);
		break;
	case KIND_POD:
	case KIND_NAMESPACE:
		decode_as(d, object, d->served->api_version, d->served->kind);
		return;
	default:
		decode_as(d, object, d->served->api_version, d->served->kind);
		break;
	}
	tolerate(d);
}

static void check_text(
	struct decoder *d, const struct tg_at *up, const char *key, const char *expected)
{
	struct tg_at at = tg_at_field(up, key);
	const char *text = "";

	if (at.value != NULL && !tg_read_string(&d->reader, &at, &text))
		return;
	if (strcmp(text, expected) != 0)
		tg_reader_problem(
			&d->reader, &at, "\"%s\" is expected, not \"%s\"", expected, text);
}

static bool is_partial(const char *api_version, const char *kind)
{
	return strcmp(kind, PARTIAL) == 0 &&
	       strncmp(api_version, PARTIAL_GROUP, strlen(PARTIAL_GROUP)) == 0;
}

static void check_type(struct decoder *d, const struct tg_at *object)
{
	const char *api_version = d->served->api_version, *kind = d->served->kind;

	if (!decode_type_field(d, object, "kind", &kind) ||
		!decode_type_field(d, object, "apiVersion", &api_version))
		return;
	if (tg_decode_is_unenforced(d->served->api_version, d->served->kind) &&
		is_partial(api_version, kind))
		return;
	if (strcmp(api_version, d->served->api_version) != 0 || strcmp(kind, d->served->kind) != 0)
		tg_reader_problem(&d->reader, object, "%s %s is expected, not %s %s",
			d->served->api_version, d->served->kind, api_version, kind);
}

/* It is what it was said to be. */
static bool is_as_said(struct decoder *d, const struct tg_at *object)
{
	struct tg_at metadata = tg_at_field(object, "metadata");

	if (!tg_read_map(&d->reader, object))
		return false;
	check_type(d, object);
	check_text(d, &metadata, "name", d->served->name);
	check_text(d, &metadata, "namespace", d->served->ns);
	return decoder_problems(d) == 0;
}

static void decode_tree(struct decoder *d, const struct tg_tree *tree)
{
	struct tg_at object;

	if (tg_tree_count(tree) != 1) {
		tg_reader_problem_line(
			&d->reader, 0, "one object is expected, not %zu", tg_tree_count(tree));
		decode_unread(d);
		return;
	}
	object = tg_at_root(tg_tree_document(tree, 0));
	if (is_as_said(d, &object))
		decode_object(d, &object);
	else
		decode_unread(d);
}

int tg_decode_served(const struct tg_served *served, const void *text, size_t size,
	struct tg_intern *strings, struct tg_arena *arena, struct tg_decoded *out)
{
	struct decoder d = {.strings = strings, .arena = arena, .out = out};
	struct tg_tree_error error;
	struct tg_tree *tree;
	int err;

	begin(&d, served);
	err = tg_tree_parse_json(text, size, &tree, &error);
	if (err == -EINVAL) {
		tg_reader_problem_line(&d.reader, error.line, "%s", error.text);
		decode_unread(&d);
	} else if (err != 0) {
		d.no_memory = true;
	} else {
		decode_tree(&d, tree);
		tg_tree_free(tree);
	}
	return end(&d);
}

int tg_decode_unread(const struct tg_served *served, const char *why, struct tg_intern *strings,
	struct tg_arena *arena, struct tg_decoded *out)
{
	struct decoder d = {.strings = strings, .arena = arena, .out = out};

	begin(&d, served);
	tg_reader_problem_line(&d.reader, 0, "%s", why);
	decode_unread(&d);
	return end(&d);
}

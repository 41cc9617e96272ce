/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metav1.ObjectMeta. What the server itself fills in (uid, managedFields, ...) is checked for its
 * type only: manifests that were exported from a cluster carry it.
 */
#include <ctype.h>
#include <string.h>

#include "decoder.h"
#include "syntax.h"

#define ANNOTATIONS_MAX (256u << 10) /* bytes of all keys and values, as the API server has it */
#define OWN_PREFIX "tidegate.dev/"
#define SUBDOMAIN_AND_NAME (253 + 1 + 63 + 1)

void decode_identity(
	struct decoder *d, const struct tg_at *object, bool namespaced, struct metadata *out)
{
	memset(out, 0, sizeof(*out));
	out->at = tg_at_field(object, "metadata");
	if (out->at.value == NULL)
		tg_reader_problem(&d->reader, &out->at, "metadata with a name is required");
	if (!tg_read_map(&d->reader, &out->at))
		return;
	out->name = decode_string_field(d, &out->at, "name");
	if (namespaced)
		out->ns = decode_string_field(d, &out->at, "namespace");
	if (namespaced && out->ns == 0)
		out->ns = decoder_string(d, "default");
	out->uid = decode_string_field(d, &out->at, "uid");
}

static void require_name(struct decoder *d, const struct metadata *meta)
{
	struct tg_at name = tg_at_field(&meta->at, "name");
	struct tg_at generated = tg_at_field(&meta->at, "generateName");

	if (meta->at.value == NULL || meta->name != 0)
		return;
	if (generated.value != NULL)
		tg_reader_problem(&d->reader, &generated,
			"a name is required: a generated one is not known before the object is created");
	else if (name.value == NULL || name.value->type == TG_VALUE_STRING)
		tg_reader_problem(&d->reader, &name, "a name is required");
}

void decode_metadata(
	struct decoder *d, const struct tg_at *object, bool namespaced, struct metadata *out)
{
	struct tg_at labels;

	decode_identity(d, object, namespaced, out);
	require_name(d, out);
	labels = tg_at_field(&out->at, "labels");
	out->labels = decode_labels(d, &labels);
}

static void check_names(struct decoder *d, const struct metadata *meta)
{
	struct tg_at name = tg_at_field(&meta->at, "name");
	struct tg_at ns = tg_at_field(&meta->at, "namespace");

	if (meta->name != 0 && !tg_is_dns_subdomain(tg_intern_text(d->strings, meta->name)))
		tg_reader_problem(&d->reader, &name,
			"a name is expected: at most 253 of a-z 0-9 - and dots between "
			"alphanumeric characters");
	if (meta->ns != 0 && !tg_is_dns_label(tg_intern_text(d->strings, meta->ns)))
		tg_reader_problem(&d->reader, &ns,
			"a namespace's name is expected: at most 63 of a-z 0-9 -, beginning and "
			"ending alphanumeric");
}

static void check_labels(struct decoder *d, const struct tg_at *labels)
{
	/* Items of a sequence have no keys; that it is no map has been said. */
	if (labels->value == NULL || labels->value->type != TG_VALUE_MAP)
		return;
	for (const struct tg_value *m = tg_at_first(labels); m != NULL; m = m->next) {
		struct tg_at member = tg_at_member(labels, m);

		if (!tg_is_qualified_name(m->key))
			tg_reader_problem(&d->reader, &member, "not a valid label key");
		if (m->type == TG_VALUE_STRING && !tg_is_label_value(m->text))
			tg_reader_problem(
				&d->reader, &member, "\"%s\" is not a valid label value", m->text);
	}
}

/* Annotation keys are checked without regard to case. */
static bool is_annotation_key(const char *key)
{
	char lower[SUBDOMAIN_AND_NAME];
	size_t n = strlen(key);

	if (n >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)tolower((unsigned char)key[i]);
	return tg_is_qualified_name(lower);
}

static void check_annotations(struct decoder *d, const struct tg_at *annotations)
{
	size_t total = 0;

	if (!tg_read_map(&d->reader, annotations))
		return;
	for (const struct tg_value *m = annotations->value->first; m != NULL; m = m->next) {
		struct tg_at member = tg_at_member(annotations, m);
		const char *text = "";

		tg_read_string(&d->reader, &member, &text);
		if (!is_annotation_key(m->key))
			tg_reader_problem(&d->reader, &member, "not a valid annotation key");
		total += strlen(m->key) + strlen(text);
	}
	if (total > ANNOTATIONS_MAX)
		tg_reader_problem(&d->reader, annotations, "more than %u KiB of annotations",
			ANNOTATIONS_MAX >> 10);
}

static void check_time(struct decoder *d, const struct tg_at *meta, const char *key)
{
	struct tg_at at = tg_at_field(meta, key);
	const char *text;
	int64_t seconds;

	if (tg_read_string(&d->reader, &at, &text) && !tg_time_parse(text, &seconds))
		tg_reader_problem(&d->reader, &at, "an RFC 3339 time is expected");
}

static void check_finalizers(struct decoder *d, const struct tg_at *meta)
{
	struct tg_at at = tg_at_field(meta, "finalizers");
	size_t i = 0;

	if (!tg_read_list(&d->reader, &at))
		return;
	for (const struct tg_value *v = at.value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);
		const char *text = "";

		if (item.value != NULL && !tg_read_string(&d->reader, &item, &text))
			continue;
		if (!tg_is_qualified_name(text))
			tg_reader_problem(&d->reader, &item, "not a valid finalizer name");
	}
}

static void check_owner(struct decoder *d, const struct tg_at *owner)
{
	static const char *const fields[] = {
		"apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion", NULL};
	bool ignored;

	tg_read_map(&d->reader, owner);
	tg_read_known(&d->reader, owner, fields);
	for (size_t i = 0; i < 4; i++) {
		struct tg_at at = tg_at_field(owner, fields[i]);
		const char *text = "";

		if (at.value != NULL && !tg_read_string(&d->reader, &at, &text))
			continue;
		if (text[0] == '\0')
			tg_reader_problem(&d->reader, &at, "must not be empty");
	}
	for (size_t i = 4; i < 6; i++) {
		struct tg_at at = tg_at_field(owner, fields[i]);

		tg_read_bool(&d->reader, &at, &ignored);
	}
}

static void check_managed_fields(struct decoder *d, const struct tg_at *entry)
{
	static const char *const fields[] = {"manager", "operation", "apiVersion", "time",
		"fieldsType", "fieldsV1", "subresource", NULL};

	tg_read_map(&d->reader, entry);
	tg_read_known(&d->reader, entry, fields);
}

static void check_each(struct decoder *d, const struct tg_at *meta, const char *key,
	void (*check)(struct decoder *d, const struct tg_at *item))
{
	struct tg_at list = tg_at_field(meta, key);
	size_t i = 0;

	if (!tg_read_list(&d->reader, &list))
		return;
	for (const struct tg_value *v = list.value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&list, v, i);

		check(d, &item);
	}
}

void decode_metadata_strict(struct decoder *d, const struct tg_at *object, struct metadata *out)
{
	static const char *const fields[] = {"name", "generateName", "namespace", "selfLink", "uid",
		"resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
		"deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences",
		"finalizers", "managedFields", NULL};
	static const char *const texts[] = {"generateName", "selfLink", "resourceVersion"};
	static const char *const numbers[] = {"generation", "deletionGracePeriodSeconds"};
	struct tg_at labels, annotations;
	int64_t number;

	decode_metadata(d, object, true, out);
	tg_read_known(&d->reader, &out->at, fields);
	check_names(d, out);
	labels = tg_at_field(&out->at, "labels");
	check_labels(d, &labels);
	annotations = tg_at_field(&out->at, "annotations");
	check_annotations(d, &annotations);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		decode_string_field(d, &out->at, texts[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct tg_at at = tg_at_field(&out->at, numbers[i]);

		tg_read_int(&d->reader, &at, 0, INT64_MAX, &number);
	}
	check_time(d, &out->at, "creationTimestamp");
	check_time(d, &out->at, "deletionTimestamp");
	check_finalizers(d, &out->at);
	check_each(d, &out->at, "ownerReferences", check_owner);
	check_each(d, &out->at, "managedFields", check_managed_fields);
}

void warn_annotations(struct decoder *d, const struct tg_at *metadata, const char *honoured,
	const char *consequence)
{
	static const char *const inert[] = {"owner", "ticket", "review-by", "reason"};
	struct tg_at annotations = tg_at_field(metadata, "annotations");
	size_t prefix = strlen(OWN_PREFIX), i;

	for (const struct tg_value *m = tg_at_first(&annotations); m != NULL; m = m->next) {
		struct tg_at member = tg_at_member(&annotations, m);

		if (m->key == NULL || strncmp(m->key, OWN_PREFIX, prefix) != 0)
			continue;
		for (i = 0; i < sizeof(inert) / sizeof(inert[0]); i++)
			if (strcmp(m->key + prefix, inert[i]) == 0)
				break;
		if (i < sizeof(inert) / sizeof(inert[0]) ||
			(honoured != NULL && strcmp(m->key + prefix, honoured) == 0))
			continue;
		if (strcmp(m->key + prefix, "expires-at") == 0)
			tg_reader_problem(&d->warnings, &member,
				"this annotation is not honoured: nothing expires, what the policy "
				"allows stays allowed");
		else
			tg_reader_problem(&d->warnings, &member,
				"this annotation is not honoured: %s", consequence);
	}
}

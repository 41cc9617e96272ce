/* SPDX-License-Identifier: BSD-3-Clause */
/* v1 Namespace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

#define MAX_CONNECTIONS "tidegate.dev/max-connections"

/* The labels with those that are ours or the API's to set as they have to be, whatever it says. */
static struct tg_labels with_reserved(
	struct decoder *d, const struct tg_labels *labels, uint32_t name)
{
	uint32_t key = decoder_string(d, "kubernetes.io/metadata.name"), n = 0;
	uint32_t cluster = d->scope.confined ? decoder_string(d, TG_LABEL_CLUSTER) : 0;
	struct tg_label *v = decoder_alloc(d, (size_t)labels->n + 2, sizeof(*v));

	if (v == NULL)
		return (struct tg_labels){0};
	for (uint32_t i = 0; i < labels->n; i++)
		if (cluster == 0 || labels->v[i].key != cluster)
			v[n++] = labels->v[i];
	n = put_label(v, n, (struct tg_label){key, name});
	if (d->scope.cluster != NULL)
		n = put_label(
			v, n, (struct tg_label){cluster, decoder_string(d, d->scope.cluster)});
	return (struct tg_labels){v, n};
}

/* How many connections its pods may have at a time: a number, or "unlimited". */
static uint32_t max_connections(struct decoder *d, const struct tg_at *metadata)
{
	struct tg_at annotations = tg_at_field(metadata, "annotations");
	struct tg_at at = tg_at_field(&annotations, MAX_CONNECTIONS);
	const char *text;
	char *end;
	unsigned long long n;

	if (at.value == NULL)
		return 0;
	text = at.value->type == TG_VALUE_STRING ? at.value->text : "";
	if (strcmp(text, "unlimited") == 0)
		return TG_UNLIMITED;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || *end != '\0' || errno != 0 || n >= TG_UNLIMITED) {
		/* Served, there is no older text to keep; the namespace is not lost for it. */
		tg_reader_problem(d->served != NULL ? &d->warnings : &d->reader, &at,
			"expected a string: a number from 1 to 4294967294, or unlimited");
		return 0;
	}
	return (uint32_t)n;
}

void decode_namespace(struct decoder *d, const struct tg_at *object)
{
	struct tg_namespace *ns = decoder_alloc(d, 1, sizeof(*ns));
	struct metadata meta;

	if (ns == NULL)
		return;
	decode_metadata(d, object, false, &meta);
	warn_annotations(d, &meta.at, "max-connections",
		"the policies of the namespace are enforced in full");
	ns->name = decoder_scoped(d, meta.name);
	ns->labels = with_reserved(d, &meta.labels, meta.name);
	ns->max_connections = max_connections(d, &meta.at);
	ns->place = decoder_place(d, object);
	if (tg_vec_push(&d->out->namespaces, ns) != 0)
		d->no_memory = true;
}

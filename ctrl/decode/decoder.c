/* SPDX-License-Identifier: BSD-3-Clause */
#include "decoder.h"

#include <netinet/in.h>
#include <string.h>

#define LABELS_MAX 4096	   /* of one object */
#define NAME_MAX_BYTES 512 /* a cluster's name and another one, as long as names may be */

void *decoder_alloc(struct decoder *d, size_t n, size_t size)
{
	void *p = tg_arena_calloc(d->arena, n, size);

	if (p == NULL)
		d->no_memory = true;
	return p;
}

uint32_t decoder_string(struct decoder *d, const char *text)
{
	uint32_t id = tg_intern_id(d->strings, text);

	if (id != UINT32_MAX)
		return id;
	d->no_memory = true;
	return 0;
}

size_t decoder_problems(const struct decoder *d)
{
	return tg_reader_count(&d->reader);
}

uint32_t decoder_scoped(struct decoder *d, uint32_t name)
{
	const char *cluster = d->scope.cluster, *plain;
	char buf[NAME_MAX_BYTES], *text = buf;
	size_t before, n;

	if (cluster == NULL || name == 0)
		return name;
	plain = tg_intern_text(d->strings, name);
	before = strlen(cluster) + 1;
	n = strlen(plain) + 1;
	if (before + n > sizeof(buf))
		text = decoder_alloc(d, before + n, 1);
	if (text == NULL)
		return 0;
	memcpy(text, cluster, before - 1);
	text[before - 1] = '/';
	memcpy(text + before, plain, n);
	return decoder_string(d, text);
}

struct tg_place decoder_place(const struct decoder *d, const struct tg_at *at)
{
	/* What is served comes in one line. */
	struct tg_place place = {.file = d->file, .line = d->served == NULL ? tg_at_line(at) : 0};

	return place;
}

uint32_t decode_string_field(struct decoder *d, const struct tg_at *up, const char *key)
{
	struct tg_at at = tg_at_field(up, key);
	const char *text;

	return tg_read_string(&d->reader, &at, &text) ? decoder_string(d, text) : 0;
}

uint32_t put_label(struct tg_label *labels, uint32_t n, struct tg_label label)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (labels[mid].key < label.key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < n && labels[lo].key == label.key) {
		labels[lo].value = label.value;
		return n;
	}
	memmove(&labels[lo + 1], &labels[lo], (n - lo) * sizeof(*labels));
	labels[lo] = label;
	return n + 1;
}

struct tg_labels decode_labels(struct decoder *d, const struct tg_at *at)
{
	struct tg_labels labels = {0};
	struct tg_label *v;

	if (!tg_read_map(&d->reader, at) || at->value->n == 0)
		return labels;
	if (at->value->n > LABELS_MAX) {
		tg_reader_problem(&d->reader, at, "more than %u labels", LABELS_MAX);
		return labels;
	}
	v = decoder_alloc(d, at->value->n, sizeof(*v));
	if (v == NULL)
		return labels;
	for (const struct tg_value *m = at->value->first; m != NULL; m = m->next) {
		struct tg_at member = tg_at_member(at, m);
		struct tg_label label = {.key = decoder_string(d, m->key)};
		const char *text;

		if (tg_read_string(&d->reader, &member, &text))
			label.value = decoder_string(d, text);
		labels.n = put_label(v, labels.n, label);
	}
	labels.v = v;
	return labels;
}

uint8_t decode_protocol(struct decoder *d, const struct tg_at *at)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = {{"TCP", IPPROTO_TCP}, {"UDP", IPPROTO_UDP}, {"SCTP", IPPROTO_SCTP}};
	const char *text;

	if (!tg_read_string(&d->reader, at, &text))
		return IPPROTO_TCP;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, text) == 0)
			return protocols[i].number;
	tg_reader_problem(&d->reader, at, "TCP, UDP or SCTP is expected, not \"%s\"", text);
	return IPPROTO_TCP;
}

struct addr_list decoder_addr_list(struct decoder *d, uint32_t cap)
{
	struct addr_list list = {.cap = cap};

	if (cap != 0)
		list.v = decoder_alloc(d, cap, sizeof(*list.v));
	if (list.v == NULL)
		list.cap = 0;
	return list;
}

/* Looks at the first few only: objects repeat an address in another field, if at all. */
static bool has_addr(const struct addr_list *list, const struct tg_addr *addr)
{
	for (uint32_t i = 0; i < list->n && i < 16; i++)
		if (tg_addr_compare(&list->v[i], addr) == 0)
			return true;
	return false;
}

void decode_addr(struct decoder *d, const struct tg_at *at, struct addr_list *list)
{
	const char *text;
	struct tg_addr addr;

	if (!tg_read_string(&d->reader, at, &text) || text[0] == '\0')
		return;
	if (tg_addr_parse(text, &addr) != 0)
		tg_reader_problem(&d->reader, at, "an IP address is expected, not \"%s\"", text);
	else if (list->n < list->cap && !has_addr(list, &addr))
		list->v[list->n++] = addr;
}

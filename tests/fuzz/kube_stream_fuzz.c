/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes as a list ('l' in front) or a watch stream. What comes of them must not depend on how they
 * are cut: at once, byte by byte, or in pieces whose sizes are those of the text's own bytes. A
 * list that is complete has as many objects as the parser finds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "stream.h"
#include "tree.h"

#define OBJECT_MAX 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a stream has said. */
struct said {
	FILE *f;
	size_t objects;
};

static void note(struct said *said, enum tg_kube_event event, const struct tg_kube_meta *meta)
{
	require(event >= TG_KUBE_BOOKMARK || meta->name[0] != '\0', "an object has a name");
	said->objects++;
	fprintf(said->f, "%d %s/%s %s %s %d ", event, meta->ns, meta->name, meta->uid,
		meta->resource_version, meta->initial_events_end);
}

static int on_object(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
	const char *text, size_t size)
{
	struct said *said = ctx;

	note(said, event, meta);
	require(size >= 2 && size <= OBJECT_MAX, "an object is a map, and not too large");
	require(text[0] == '{' && text[size - 1] == '}', "an object is a map");
	require(memchr(text, '\0', size) == NULL, "no NUL in an object");
	fwrite(text, 1, size, said->f);
	return 0;
}

static int on_oversized(
	void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta, uint64_t size)
{
	struct said *said = ctx;

	note(said, event, meta);
	require(size > OBJECT_MAX, "too large is what is");
	fprintf(said->f, "%llu", (unsigned long long)size);
	return 0;
}

enum way { AT_ONCE, BYTE_BY_BYTE, IN_PIECES };

static size_t next_piece(enum way way, uint8_t byte, size_t left)
{
	size_t n = way == AT_ONCE ? left : way == BYTE_BY_BYTE ? 1 : byte % 61 + 1;

	return n < left ? n : left;
}

static void check_count(const uint8_t *data, size_t size, size_t objects)
{
	struct tg_tree_error error;
	const struct tg_value *items;
	struct tg_tree *tree;

	/* It checks more: UTF-8, the size of numbers, the depth. */
	if (tg_tree_parse_json(data, size, &tree, &error) != 0)
		return;
	require(tg_tree_count(tree) == 1, "one list");
	items = tg_value_get(tg_tree_document(tree, 0), "items");
	require(items != NULL && objects == items->n, "as many objects as items");
	tg_tree_free(tree);
}

/* All that a stream says; to be freed. */
static char *outcome(enum tg_kube_stream_kind kind, const uint8_t *data, size_t size, enum way way)
{
	static const struct tg_kube_stream_handler handler = {on_object, on_oversized};
	struct tg_kube_stream *s;
	int err = 0, ended;
	size_t text_size;
	char *text;
	struct said said = {.f = open_memstream(&text, &text_size)};

	s = tg_kube_stream_create(kind, OBJECT_MAX, &handler, &said);
	if (s == NULL || said.f == NULL)
		abort();
	for (size_t at = 0, n; err == 0 && at < size; at += n) {
		n = next_piece(way, data[at], size - at);
		err = tg_kube_stream_feed(s, data + at, n);
	}
	ended = tg_kube_stream_end(s);
	require(err == 0 || ended == err, "an error stays");
	require(ended == 0 || ended == -EPROTO, "no other error");
	require((ended == 0) == (tg_kube_stream_why(s)[0] == '\0'), "an error says why");
	fprintf(said.f, "%d %s", ended, tg_kube_stream_why(s));
	if (ended == 0 && kind == TG_KUBE_LIST) {
		const struct tg_kube_list_meta *list = tg_kube_stream_list(s);

		check_count(data, size, said.objects);
		fprintf(said.f, "%s %s %s %lld %s", list->kind, list->api_version,
			list->resource_version, (long long)list->remaining,
			list->next != NULL ? list->next : "");
	}
	tg_kube_stream_free(s);
	fclose(said.f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tg_kube_stream_kind kind = size != 0 && data[0] == 'l' ? TG_KUBE_LIST : TG_KUBE_WATCH;
	char *whole, *cut;

	if (size == 0)
		return 0;
	data += kind == TG_KUBE_LIST;
	size -= kind == TG_KUBE_LIST;
	whole = outcome(kind, data, size, AT_ONCE);
	for (enum way way = BYTE_BY_BYTE; way <= IN_PIECES; way++) {
		cut = outcome(kind, data, size, way);
		require(strcmp(whole, cut) == 0, "the same however it is cut");
		free(cut);
	}
	free(whole);
	return 0;
}

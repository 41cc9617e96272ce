/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "scanner.h"

#define KEEP_MIN (64u << 10) /* bytes; a buffer of this size stays for the next object */
#define LIST "a list"
#define EVENT "an event"

static_assert(SCANNER_DEPTH_MAX == TG_KUBE_DEPTH_MAX, "as the header says");

/* The maps and lists whose members are looked at; each has one above it. */
enum place {
	AT_TOP,
	AT_LIST,
	AT_LIST_META,
	AT_ITEMS,
	AT_EVENT,
	AT_OBJECT,
	AT_META,
	AT_ANNOTATIONS,
};

#define BIT(n) (1u << (n))
#define TEXT (BIT(JSON_STRING) | BIT(JSON_NULL))
#define MAP (BIT(JSON_MAP) | BIT(JSON_NULL))

enum field {
	LIST_KIND,
	LIST_API_VERSION,
	LIST_META,
	LIST_ITEMS,
	LIST_VERSION,
	LIST_CONTINUE,
	LIST_REMAINING,
	EVENT_TYPE,
	EVENT_OBJECT,
	OBJECT_META,
	META_NAME,
	META_NAMESPACE,
	META_UID,
	META_VERSION,
	META_ANNOTATIONS,
	INITIAL_EVENTS_END,
	FIELD_COUNT,
	NO_FIELD = FIELD_COUNT,
};

struct tg_kube_stream {
	enum tg_kube_stream_kind kind;
	size_t object_max;
	struct tg_kube_stream_handler handler;
	void *ctx;

	struct scanner scanner;
	enum place place;
	enum field field; /* whose value comes next */
	uint32_t seen;	  /* a bit for each field that the maps around have had */
	bool ended;	  /* the list has */
	int error;
	uint64_t offset; /* of the data that is fed */
	char what[160];	 /* has gone wrong */
	char why[192];	 /* the same with its place */

	struct tg_kube_list_meta list;

	/* the object that is coming in, or waits for the end of its event */
	struct tg_kube_meta meta;
	enum tg_kube_event event;
	char *text; /* NULL when `size` is more than object_max */
	size_t cap;
	uint64_t size;
	const char *from; /* not yet kept from here on; NULL: not inside of an object */
};

/* Where a string goes is an offset into the stream. */
#define INTO(member)                                   \
	.to = offsetof(struct tg_kube_stream, member), \
	.room = sizeof(((struct tg_kube_stream *)0)->member)

static const struct {
	enum place place;
	const char *key;
	const char *path; /* for messages */
	unsigned int types;
	const char *expected;
	enum place opens;
	size_t to, room;
} fields[FIELD_COUNT] = {
	[LIST_KIND] = {AT_LIST, "kind", "kind", TEXT, "a string", INTO(list.kind)},
	[LIST_API_VERSION] = {AT_LIST, "apiVersion", "apiVersion", TEXT, "a string",
		INTO(list.api_version)},
	[LIST_META] = {AT_LIST, "metadata", "metadata", MAP, "a map", AT_LIST_META},
	[LIST_ITEMS] = {AT_LIST, "items", "items", BIT(JSON_LIST) | BIT(JSON_NULL), "a list",
		AT_ITEMS},
	[LIST_VERSION] = {AT_LIST_META, "resourceVersion", "metadata.resourceVersion", TEXT,
		"a string", INTO(list.resource_version)},
	[LIST_CONTINUE] = {AT_LIST_META, "continue", "metadata.continue", TEXT, "a string"},
	[LIST_REMAINING] = {AT_LIST_META, "remainingItemCount", "metadata.remainingItemCount",
		BIT(JSON_NUMBER) | BIT(JSON_NULL), "a number"},
	[EVENT_TYPE] = {AT_EVENT, "type", "type", BIT(JSON_STRING), "a string"},
	[EVENT_OBJECT] = {AT_EVENT, "object", "object", BIT(JSON_MAP), "a map", AT_OBJECT},
	[OBJECT_META] = {AT_OBJECT, "metadata", "metadata", MAP, "a map", AT_META},
	[META_NAME] = {AT_META, "name", "metadata.name", TEXT, "a string", INTO(meta.name)},
	[META_NAMESPACE] = {AT_META, "namespace", "metadata.namespace", TEXT, "a string",
		INTO(meta.ns)},
	[META_UID] = {AT_META, "uid", "metadata.uid", TEXT, "a string", INTO(meta.uid)},
	[META_VERSION] = {AT_META, "resourceVersion", "metadata.resourceVersion", TEXT, "a string",
		INTO(meta.resource_version)},
	[META_ANNOTATIONS] = {AT_META, "annotations", "metadata.annotations", MAP, "a map",
		AT_ANNOTATIONS},
	[INITIAL_EVENTS_END] = {AT_ANNOTATIONS, "k8s.io/initial-events-end",
		"metadata.annotations[\"k8s.io/initial-events-end\"]", TEXT, "a string"},
};

static_assert(FIELD_COUNT <= 32, "a bit for each in `seen`");

struct tg_kube_stream *tg_kube_stream_create(enum tg_kube_stream_kind kind, size_t object_max,
	const struct tg_kube_stream_handler *handler, void *ctx)
{
	struct tg_kube_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->kind = kind;
	s->object_max = object_max != 0 ? object_max : TG_KUBE_OBJECT_MAX;
	s->handler = *handler;
	s->ctx = ctx;
	s->field = NO_FIELD;
	s->list.remaining = -1;
	return s;
}

void tg_kube_stream_free(struct tg_kube_stream *s)
{
	if (s == NULL)
		return;
	free(s->text);
	free(s->list.next);
	free(s);
}

/* `path` may be NULL. */
static int refuse(struct tg_kube_stream *s, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct tg_kube_stream *s, const char *path, const char *fmt, ...)
{
	int n = path != NULL ? snprintf(s->what, sizeof(s->what), "%s: ", path) : 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->what + n, sizeof(s->what) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

static void drop_text(struct tg_kube_stream *s)
{
	free(s->text);
	s->text = NULL;
	s->cap = 0;
}

/* Room for `want` bytes, which is object_max at most. */
static int reserve(struct tg_kube_stream *s, size_t want)
{
	size_t cap = s->cap != 0 ? s->cap : KEEP_MIN;
	char *text;

	if (want <= s->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	if (cap > s->object_max)
		cap = s->object_max;
	text = realloc(s->text, cap);
	if (text == NULL)
		return -ENOMEM;
	s->text = text;
	s->cap = cap;
	return 0;
}

/* The object goes up to `to`, as far as is known. */
static int keep(struct tg_kube_stream *s, const char *to)
{
	size_t n = (size_t)(to - s->from);
	uint64_t before = s->size;

	s->size += n;
	if (s->size > s->object_max) {
		drop_text(s);
		return 0;
	}
	if (reserve(s, s->size) != 0)
		return -ENOMEM;
	memcpy(s->text + before, s->from, n);
	return 0;
}

static int deliver(struct tg_kube_stream *s)
{
	int err;

	if (s->event < TG_KUBE_BOOKMARK && s->meta.name[0] == '\0')
		return refuse(s, "metadata.name", "a name is expected");
	if (s->size > s->object_max)
		err = s->handler.oversized(s->ctx, s->event, &s->meta, s->size);
	else
		err = s->handler.object(s->ctx, s->event, &s->meta, s->text, s->size);
	if (s->cap > KEEP_MIN)
		drop_text(s);
	return err;
}

/* The fields of the maps from `place` on inwards have not been seen. */
static void forget(struct tg_kube_stream *s, enum place place)
{
	for (unsigned int i = 0; i < FIELD_COUNT; i++)
		if (fields[i].place >= place)
			s->seen &= ~BIT(i);
}

static void begin_object(struct tg_kube_stream *s, const char *bracket)
{
	forget(s, AT_OBJECT);
	memset(&s->meta, 0, sizeof(s->meta));
	s->from = bracket;
	s->size = 0;
}

static int end_object(struct tg_kube_stream *s, const char *end)
{
	int err = keep(s, end);

	s->from = NULL;
	s->place = s->kind == TG_KUBE_LIST ? AT_ITEMS : AT_EVENT;
	return err == 0 && s->kind == TG_KUBE_LIST ? deliver(s) : err;
}

static int end_event(struct tg_kube_stream *s)
{
	s->place = AT_TOP;
	for (unsigned int i = EVENT_TYPE; i <= EVENT_OBJECT; i++)
		if ((s->seen & BIT(i)) == 0)
			return refuse(s, fields[i].path, "is missing in " EVENT);
	return deliver(s);
}

static int end_list(struct tg_kube_stream *s)
{
	s->place = AT_TOP;
	s->ended = true;
	if (strcmp(s->list.kind, "Status") == 0)
		return refuse(s, "kind", "a list is expected, not a Status");
	if (s->list.kind[0] == '\0' || s->list.api_version[0] == '\0')
		return refuse(s, NULL, "kind and apiVersion are expected in " LIST);
	if ((s->seen & BIT(LIST_ITEMS)) == 0)
		return refuse(s, "items", "is missing in " LIST);
	return 0;
}

static int check_type(struct tg_kube_stream *s, enum field field)
{
	if ((fields[field].types >> s->scanner.type & 1) != 0)
		return 0;
	return refuse(s, s->place == AT_ITEMS ? "items[]" : fields[field].path, "%s is expected",
		fields[field].expected);
}

static int take_open(struct tg_kube_stream *s, const char *bracket)
{
	enum field field = s->place == AT_ITEMS ? EVENT_OBJECT : s->field;
	int err = 0;

	s->field = NO_FIELD;
	if (s->place == AT_TOP) {
		if (s->ended)
			return refuse(s, NULL, "nothing is expected after " LIST);
		s->place = s->kind == TG_KUBE_LIST ? AT_LIST : AT_EVENT;
		forget(s, s->place);
		return 0;
	}
	if (field == NO_FIELD) {
		scanner_skip(&s->scanner);
		return 0;
	}
	err = check_type(s, field);
	if (err != 0)
		return err;
	s->place = fields[field].opens;
	if (s->place == AT_OBJECT)
		begin_object(s, bracket);
	return 0;
}

/* `end` is behind the closing bracket. What was skipped has closed inside of the same place. */
static int take_close(struct tg_kube_stream *s, bool skipped, const char *end)
{
	if (skipped)
		return 0;
	switch (s->place) {
	case AT_LIST:
		return end_list(s);
	case AT_LIST_META:
	case AT_ITEMS:
		s->place = AT_LIST;
		return 0;
	case AT_EVENT:
		return end_event(s);
	case AT_OBJECT:
		return end_object(s, end);
	case AT_META:
		s->place = AT_OBJECT;
		return 0;
	default:
		s->place = AT_META;
		return 0;
	}
}

static int take_key(struct tg_kube_stream *s)
{
	s->field = NO_FIELD;
	if (s->scanner.partial)
		return 0;
	for (unsigned int i = 0; i < FIELD_COUNT; i++) {
		if (fields[i].place != s->place || strcmp(fields[i].key, s->scanner.text) != 0)
			continue;
		if ((s->seen & BIT(i)) != 0)
			return refuse(s, fields[i].path, "is set twice");
		s->seen |= BIT(i);
		s->field = (enum field)i;
		return 0;
	}
	return 0;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int take_text(struct tg_kube_stream *s, enum field field)
{
	const struct scanner *scanner = &s->scanner;

	if (scanner->partial || scanner->n >= fields[field].room || !is_printable(scanner->text))
		return refuse(s, fields[field].path, "at most %zu characters of ASCII are expected",
			fields[field].room - 1);
	memcpy((char *)s + fields[field].to, scanner->text, scanner->n + 1);
	return 0;
}

static int take_continue(struct tg_kube_stream *s)
{
	if (s->scanner.partial)
		return refuse(s, fields[LIST_CONTINUE].path,
			"at most %u characters of ASCII are expected", SCANNER_TEXT_MAX);
	if (s->scanner.n == 0)
		return 0;
	s->list.next = tg_kube_escape(s->scanner.text);
	return s->list.next != NULL ? 0 : -ENOMEM;
}

static int take_remaining(struct tg_kube_stream *s)
{
	char *end;

	errno = 0;
	s->list.remaining = strtoll(s->scanner.text, &end, 10);
	if (s->scanner.partial || *end != '\0' || errno != 0 || s->list.remaining < 0)
		return refuse(s, fields[LIST_REMAINING].path, "a count is expected");
	return 0;
}

static int take_type(struct tg_kube_stream *s)
{
	static const char *const names[] = {
#define X(sym, text) [TG_KUBE_##sym] = text,
		TG_KUBE_EVENTS(X)
#undef X
	};

	for (unsigned int i = 0; i < TG_KUBE_EVENT_COUNT; i++) {
		if (!s->scanner.partial && strcmp(names[i], s->scanner.text) == 0) {
			s->event = (enum tg_kube_event)i;
			return 0;
		}
	}
	return refuse(s, fields[EVENT_TYPE].path, "not a type of " EVENT);
}

static int take_value(struct tg_kube_stream *s)
{
	enum field field = s->place == AT_ITEMS ? EVENT_OBJECT : s->field;
	int err;

	s->field = NO_FIELD;
	if (field == NO_FIELD)
		return 0;
	err = check_type(s, field);
	if (err != 0 || s->scanner.type == JSON_NULL)
		return err;
	switch (field) {
	case LIST_CONTINUE:
		return take_continue(s);
	case LIST_REMAINING:
		return take_remaining(s);
	case EVENT_TYPE:
		return take_type(s);
	case INITIAL_EVENTS_END:
		s->meta.initial_events_end = !s->scanner.partial &&
					     strcmp(s->scanner.text, "true") == 0;
		return 0;
	default:
		return take_text(s, field);
	}
}

static int take(struct tg_kube_stream *s, enum token token, bool skipped, const char *end)
{
	switch (token) {
	case TOKEN_OPEN:
		return take_open(s, end - 1);
	case TOKEN_CLOSE:
		return take_close(s, skipped, end);
	case TOKEN_KEY:
		return take_key(s);
	case TOKEN_VALUE:
		return take_value(s);
	case TOKEN_BAD:
		return refuse(s, NULL, "%s is expected", s->scanner.expected);
	default:
		return 0;
	}
}

static int fail(struct tg_kube_stream *s, int err, uint64_t offset)
{
	s->error = err;
	drop_text(s);
	if (err == -EPROTO)
		snprintf(s->why, sizeof(s->why), "byte %llu: %s", (unsigned long long)offset,
			s->what);
	return err;
}

int tg_kube_stream_feed(struct tg_kube_stream *s, const void *data, size_t size)
{
	const char *p = data, *end = p + size;
	enum token token = TOKEN_OPEN;
	int err = s->error;

	if (err != 0)
		return err;
	if (s->from != NULL)
		s->from = p;
	while (err == 0 && token != TOKEN_MORE) {
		bool skips = s->scanner.skip != 0;

		token = scanner_next(&s->scanner, &p, end);
		err = take(s, token, skips, p);
	}
	if (err == 0 && s->from != NULL)
		err = keep(s, end);
	if (err != 0)
		return fail(s, err, s->offset + (uint64_t)(p - (const char *)data));
	s->offset += size;
	return 0;
}

int tg_kube_stream_end(struct tg_kube_stream *s)
{
	if (s->error != 0)
		return s->error;
	if (s->place == AT_TOP && (s->kind == TG_KUBE_WATCH || s->ended))
		return 0;
	refuse(s, NULL, "more is expected: %s does not end",
		s->kind == TG_KUBE_LIST ? LIST : EVENT);
	return fail(s, -EPROTO, s->offset);
}

const char *tg_kube_stream_why(const struct tg_kube_stream *s)
{
	return s->why;
}

const struct tg_kube_list_meta *tg_kube_stream_list(const struct tg_kube_stream *s)
{
	return &s->list;
}

size_t tg_kube_stream_held(const struct tg_kube_stream *s)
{
	return sizeof(*s) + s->cap + (s->list.next != NULL ? strlen(s->list.next) + 1 : 0);
}

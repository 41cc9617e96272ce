/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream.h"
#include "tree.h"

#define SMALL_MAX 4096u /* object_max of most tests */

/* What a stream has said, a line for each object. */
struct record {
	FILE *f;
	char *text;
	size_t size;
	size_t objects, oversized;
	int stop_with; /* what the handler answers */
};

static void note(struct record *r, enum tg_kube_event event, const struct tg_kube_meta *meta)
{
	static const char *const names[] = {
#define X(sym, text) [TG_KUBE_##sym] = text,
		TG_KUBE_EVENTS(X)
#undef X
	};

	fprintf(r->f, "%s %s/%s %s @%s%s", names[event], meta->ns, meta->name, meta->uid,
		meta->resource_version, meta->initial_events_end ? " end" : "");
}

static int on_object(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
	const char *text, size_t size)
{
	struct record *r = ctx;

	assert_non_null(text);
	note(r, event, meta);
	fprintf(r->f, " %.*s\n", (int)size, text);
	r->objects++;
	return r->stop_with;
}

static int on_oversized(
	void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta, uint64_t size)
{
	struct record *r = ctx;

	note(r, event, meta);
	fprintf(r->f, " (%llu)\n", (unsigned long long)size);
	r->oversized++;
	return r->stop_with;
}

static const struct tg_kube_stream_handler handler = {on_object, on_oversized};

static void record_begin(struct record *r)
{
	memset(r, 0, sizeof(*r));
	r->f = open_memstream(&r->text, &r->size);
	assert_non_null(r->f);
}

static void record_end(struct record *r)
{
	fclose(r->f);
}

/* Feeds in pieces: the first of `cut` bytes (0: none such), the others of `piece`. */
struct feeding {
	size_t cut, piece;
};

static int feed(struct tg_kube_stream *s, const char *text, size_t size, struct feeding how)
{
	size_t n = how.cut != 0 ? how.cut : how.piece;
	int err = 0;

	for (size_t at = 0; err == 0 && at < size; at += n, n = how.piece) {
		/* A copy of its own, so that reading beyond it is noticed. */
		size_t some = size - at < n ? size - at : n;
		char *copy = malloc(some);

		assert_non_null(copy);
		memcpy(copy, text + at, some);
		err = tg_kube_stream_feed(s, copy, some);
		free(copy);
		assert_true(tg_kube_stream_held(s) <= SMALL_MAX + (32u << 10));
		n = some;
	}
	return err;
}

/* All that is said about a text; to be freed. */
static char *outcome(
	enum tg_kube_stream_kind kind, const char *text, size_t size, struct feeding how)
{
	struct tg_kube_stream *s;
	struct record r;
	int err, ended;

	record_begin(&r);
	s = tg_kube_stream_create(kind, SMALL_MAX, &handler, &r);
	assert_non_null(s);
	err = feed(s, text, size, how);
	ended = tg_kube_stream_end(s);
	if (err != 0)
		assert_int_equal(ended, err);
	fprintf(r.f, "%s\n", ended == 0 ? "complete" : tg_kube_stream_why(s));
	if (ended == 0 && kind == TG_KUBE_LIST) {
		const struct tg_kube_list_meta *list = tg_kube_stream_list(s);

		fprintf(r.f, "%s %s @%s next %s remaining %lld\n", list->api_version, list->kind,
			list->resource_version, list->next != NULL ? list->next : "-",
			(long long)list->remaining);
	}
	tg_kube_stream_free(s);
	record_end(&r);
	return r.text;
}

static const struct feeding at_once = {0, SIZE_MAX};

static void expect(enum tg_kube_stream_kind kind, const char *text, const char *expected)
{
	size_t size = strlen(text);
	char *whole = outcome(kind, text, size, at_once);

	assert_string_equal(whole, expected);
	for (size_t cut = 1; cut <= size; cut++) {
		struct feeding ways[] = {{cut, SIZE_MAX}, {0, cut}};

		for (size_t i = 0; i < 2; i++) {
			char *cut_up = outcome(kind, text, size, ways[i]);

			assert_string_equal(cut_up, whole);
			free(cut_up);
		}
	}
	free(whole);
}

#define POD(name) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\"}}"

static void lists_are_split(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":"
		 "\"77\",\"continue\":\"a+b/c=\\u0026\\n\",\"remainingItemCount\":12},\"items\":[" POD(
			 "a") ",\n {\"spec\":{\"items\":[{\"metadata\":{\"name\":\"x\"}}]},"
			      "\"metadata\":{\"uid\":\"u-1\",\"resourceVersion\":\"9\","
			      "\"ownerReferences\":[{\"name\":\"o\",\"uid\":\"no\"}],"
			      "\"managedFields\":[{\"f:metadata\":{\"f:name\":{}}}],"
			      "\"name\":\"b\"}} ]}\n",
			"ADDED shop/a  @ " POD(
				"a") "\nADDED /b u-1 @9 {\"spec\":{\"items\":[{\"metadata\":{"
				     "\"name\":\"x\"}}]},\"metadata\":{\"uid\":\"u-1\","
				     "\"resourceVersion\":\"9\",\"ownerReferences\":[{\"name\":"
				     "\"o\",\"uid\":\"no\"}],\"managedFields\":[{\"f:metadata\":{"
				     "\"f:name\":{}}}],\"name\":\"b\"}}\ncomplete\n"
				     "v1 PodList @77 next a%2Bb%2Fc%3D%26%0A remaining 12\n"},
		/* metadata after the items, members nobody knows, escapes in keys and values */
		{" {\"new\":{\"items\":[1,{}],\"kind\":[]},\"items\":[{\"m\\u0065tadata\":{"
		 "\"\\u006eame\":\"\\u0061\\u002d\\/b\"}}],\"\\u006bind\":\"XList\","
		 "\"apiVersion\":\"e.io\\/v1\",\"metadata\":{}}",
			"ADDED /a-/b  @ {\"m\\u0065tadata\":{\"\\u006eame\":\"\\u0061\\u002d\\/"
			"b\"}}\ncomplete\ne.io/v1 XList @ next - remaining -1\n"},
		{"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":null,\"items\":null}",
			"complete\nv1 PodList @ next - remaining -1\n"},
		{"{\"items\":[],\"kind\":\"L\",\"apiVersion\":\"v1\",\"metadata\":{\"continue\":"
		 "\"\",\"remainingItemCount\":null,\"selfLink\":\"\"}}",
			"complete\nv1 L @ next - remaining -1\n"},
		/* the metadata that counts is the object's own */
		{"{\"kind\":\"L\",\"apiVersion\":\"v1\",\"items\":[{\"spec\":{\"template\":{"
		 "\"metadata\":{\"name\":\"t\"}}},\"metadata\":{\"labels\":{\"name\":\"l\","
		 "\"uid\":\"l\"},\"name\":\"a\",\"annotations\":{\"name\":\"n\","
		 "\"metadata\":\"m\"}},\"name\":\"z\"}]}",
			"ADDED /a  @ {\"spec\":{\"template\":{\"metadata\":{\"name\":\"t\"}}},"
			"\"metadata\":{\"labels\":{\"name\":\"l\",\"uid\":\"l\"},\"name\":\"a\","
			"\"annotations\":{\"name\":\"n\",\"metadata\":\"m\"}},\"name\":\"z\"}\n"
			"complete\nv1 L @ next - remaining -1\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(TG_KUBE_LIST, cases[i].text, cases[i].expected);
}

static void watches_are_split(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", "complete\n"},
		{" \n", "complete\n"},
		{"{\"type\":\"ADDED\",\"object\":" POD("a") "}\n{\"object\":" POD(
			 "a") ",\"type\":\"MODIFIED\"}{\"type\":\"DELETED\",\"more\":[{}],"
			      "\"object\":" POD("a") "}\r\n\t ",
			"ADDED shop/a  @ " POD("a") "\nMODIFIED shop/a  @ " POD(
				"a") "\nDELETED shop/a  @ " POD("a") "\ncomplete\n"},
		/* what one event said is forgotten in the next */
		{"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{"
		 "\"resourceVersion\":\"5\",\"annotations\":{"
		 "\"k8s.io/initial-events-end\":\"true\"}}}}"
		 "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"6\","
		 "\"annotations\":{\"k8s.io/initial-events-end\":\"false\",\"a\":\"true\"}}}}"
		 "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"annotations\":null}}}",
			"BOOKMARK /  @5 end {\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":"
			"\"5\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}\n"
			"BOOKMARK /  @6 {\"metadata\":{\"resourceVersion\":\"6\",\"annotations\":{"
			"\"k8s.io/initial-events-end\":\"false\",\"a\":\"true\"}}}\n"
			"BOOKMARK /  @ {\"metadata\":{\"annotations\":null}}\ncomplete\n"},
		{"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"metadata\":{},\"code\":"
		 "410,\"reason\":\"Expired\"}}",
			"ERROR /  @ {\"kind\":\"Status\",\"metadata\":{},\"code\":410,"
			"\"reason\":\"Expired\"}\ncomplete\n"},
		/* all the grammar inside of an object */
		{"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"},\"x\":[0,-0,1.5e+3,"
		 "10E-2,true,false,null,\"\\\"\\\\\\b\\f\\n\\r\\t\\ud83d\\ude00\",[],{},"
		 "[[{\"}\":\"]\"}]]]}}",
			"ADDED /a  @ {\"metadata\":{\"name\":\"a\"},\"x\":[0,-0,1.5e+3,10E-2,true,"
			"false,null,\"\\\"\\\\\\b\\f\\n\\r\\t\\ud83d\\ude00\",[],{},[[{\"}\":\"]\"}"
			"]]]}\ncomplete\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(TG_KUBE_WATCH, cases[i].text, cases[i].expected);
}

/* A text with one part of it repeated. */
static char *repeated(const char *before, const char *part, size_t n, const char *after)
{
	size_t a = strlen(before), b = strlen(part), c = strlen(after);
	char *text = malloc(a + b * n + c + 1);

	assert_non_null(text);
	memcpy(text, before, a);
	for (size_t i = 0; i < n; i++)
		memcpy(text + a + i * b, part, b);
	memcpy(text + a + b * n, after, c + 1);
	return text;
}

static void too_large_ones_are_named_and_skipped(void **state)
{
	char *large = repeated("{\"type\":\"MODIFIED\",\"object\":{\"spec\":\"", "x", SMALL_MAX,
		     "\",\"metadata\":{\"name\":\"late\",\"namespace\":\"ns\",\"uid\":\"u\"}}}"
		     "{\"type\":\"ADDED\",\"object\":" POD("after") "}"),
	     *whole = outcome(TG_KUBE_WATCH, large, strlen(large), at_once);
	char expected[256];

	snprintf(expected, sizeof(expected),
		"MODIFIED ns/late u @ (%zu)\nADDED shop/after  @ %s\ncomplete\n",
		SMALL_MAX + strlen("{\"spec\":\"\",\"metadata\":{\"name\":\"late\",\"namespace\":"
				   "\"ns\",\"uid\":\"u\"}}"),
		POD("after"));
	assert_string_equal(whole, expected);
	for (size_t piece = 1; piece < 5000; piece += 7) {
		struct feeding how = {0, piece};
		char *cut_up = outcome(TG_KUBE_WATCH, large, strlen(large), how);

		assert_string_equal(cut_up, whole);
		free(cut_up);
	}
	free(whole);
	free(large);
}

/* An object of exactly object_max bytes is kept, one of a byte more is not. */
static void the_bound_is_exact(void **state)
{
	const char *before =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"},\"x\":\"";
	size_t around = strlen("{\"metadata\":{\"name\":\"a\"},\"x\":\"\"}");

	for (size_t more = 0; more < 2; more++) {
		char *text = repeated(before, "x", SMALL_MAX - around + more, "\"}}");
		struct tg_kube_stream *s;
		struct record r;

		record_begin(&r);
		s = tg_kube_stream_create(TG_KUBE_WATCH, SMALL_MAX, &handler, &r);
		assert_non_null(s);
		assert_int_equal(feed(s, text, strlen(text), at_once), 0);
		assert_int_equal(tg_kube_stream_end(s), 0);
		assert_int_equal(r.objects, 1 - more);
		assert_int_equal(r.oversized, more);
		tg_kube_stream_free(s);
		record_end(&r);
		free(r.text);
		free(text);
	}
}

/* A list is complete at its last bracket, and only there; a watch between its events. */
static void an_end_too_early_is_noticed(void **state)
{
	static const char list[] =
		"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
		"\"resourceVersion\":\"77\"},\"items\":[" POD("a") "," POD("b") "]}";
	static const char watch[] = "{\"type\":\"ADDED\",\"object\":" POD("a") "}";

	for (size_t n = 0; n <= sizeof(list) - 1; n++) {
		char *got = outcome(TG_KUBE_LIST, list, n, at_once);

		assert_int_equal(strstr(got, "complete") != NULL, n == sizeof(list) - 1);
		free(got);
	}
	for (size_t n = 0; n <= sizeof(watch) - 1; n++) {
		char *got = outcome(TG_KUBE_WATCH, watch, n, at_once);

		assert_int_equal(strstr(got, "complete") != NULL, n == 0 || n == sizeof(watch) - 1);
		/* An object counts when its event is complete. */
		assert_int_equal(strstr(got, "shop/a") != NULL, n == sizeof(watch) - 1);
		free(got);
	}
}

static void a_handler_stops_the_stream(void **state)
{
	static const char watch[] = "{\"type\":\"ADDED\",\"object\":" POD(
		"a") "}{\"type\":\"ADDED\",\"object\":" POD("b") "}";
	struct tg_kube_stream *s;
	struct record r;

	record_begin(&r);
	r.stop_with = -ECANCELED;
	s = tg_kube_stream_create(TG_KUBE_WATCH, 0, &handler, &r);
	assert_non_null(s);
	assert_int_equal(tg_kube_stream_feed(s, watch, strlen(watch)), -ECANCELED);
	assert_int_equal(tg_kube_stream_feed(s, watch, strlen(watch)), -ECANCELED);
	assert_int_equal(tg_kube_stream_end(s), -ECANCELED);
	assert_string_equal(tg_kube_stream_why(s), "");
	assert_int_equal(r.objects, 1);
	tg_kube_stream_free(s);
	record_end(&r);
	free(r.text);
}

#define IN_LIST(items) "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":" items "}"
#define ADDED(object) "{\"type\":\"ADDED\",\"object\":" object "}"

/* A text whose refusal is expected, for this reason; `good` objects come before. */
struct hostile {
	enum tg_kube_stream_kind kind;
	const char *text, *why;
	size_t good;
};

static const struct hostile hostile_texts[] = {
	{TG_KUBE_LIST, "", "byte 0: more is expected: a list does not end"},
	{TG_KUBE_LIST, "\xef\xbb\xbf{}", "byte 0: '{' is expected"},
	{TG_KUBE_LIST, "[]", "byte 0: '{' is expected"},
	{TG_KUBE_LIST, "null", "byte 0: '{' is expected"},
	{TG_KUBE_LIST, "<html>", "byte 0: '{' is expected"},
	{TG_KUBE_LIST, "{}", "byte 2: kind and apiVersion are expected in a list"},
	{TG_KUBE_LIST, IN_LIST("[]") "{", "byte 48: nothing is expected after a list"},
	{TG_KUBE_LIST, IN_LIST("[]") IN_LIST("[]"), "byte 48: nothing is expected after a list"},
	{TG_KUBE_LIST, IN_LIST("[]") "]", "byte 47: '{' is expected"},
	{TG_KUBE_LIST, IN_LIST("[" POD("a") "],\"items\":[]"), "items: is set twice", 1},
	{TG_KUBE_LIST, IN_LIST("[" POD("a") "],\"i\\u0074ems\":null"), "items: is set twice", 1},
	{TG_KUBE_LIST, IN_LIST("{}"), "items: a list is expected"},
	{TG_KUBE_LIST, IN_LIST("\"[" POD("") "]\""), "items: a list is expected"},
	{TG_KUBE_LIST, IN_LIST("[null]"), "items[]: a map is expected"},
	{TG_KUBE_LIST, IN_LIST("[[" POD("a") "]]"), "items[]: a map is expected"},
	{TG_KUBE_LIST, IN_LIST("[" POD("a") " " POD("b") "]"), "',' or ']' is expected", 1},
	{TG_KUBE_LIST, IN_LIST("[" POD("a") ",]"), "a value is expected", 1},
	{TG_KUBE_LIST, IN_LIST("[" POD("a") "],"), "a key in quotes is expected", 1},
	{TG_KUBE_LIST, IN_LIST("[{}]"), "metadata.name: a name is expected"},
	{TG_KUBE_LIST, IN_LIST("[{\"metadata\":null}]"), "metadata.name: a name is expected"},
	{TG_KUBE_LIST, IN_LIST("[" POD("") "]"), "metadata.name: a name is expected"},
	{TG_KUBE_LIST, IN_LIST("[" POD("a\\u0000b") "]"), "metadata.name: at most 253"},
	{TG_KUBE_LIST, IN_LIST("[" POD("a b") "]"), "metadata.name: at most 253"},
	{TG_KUBE_LIST, IN_LIST("[" POD("\xc3\xa4") "]"), "metadata.name: at most 253"},
	{TG_KUBE_LIST, IN_LIST("[{\"metadata\":{\"name\":7}}]"), "metadata.name: a string is"},
	{TG_KUBE_LIST, IN_LIST("[{\"metadata\":[]}]"), "metadata: a map is expected"},
	{TG_KUBE_LIST, IN_LIST("[{\"metadata\":{\"name\":\"a\"},\"metadata\":{\"name\":\"b\"}}]"),
		"metadata: is set twice"},
	{TG_KUBE_LIST, IN_LIST("[{\"metadata\":{\"name\":\"a\",\"n\\u0061me\":\"b\"}}]"),
		"metadata.name: is set twice"},
	{TG_KUBE_LIST, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"items\":[]}",
		"kind: a list is expected, not a Status"},
	{TG_KUBE_LIST, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\"}",
		"items: is missing in a list"},
	{TG_KUBE_LIST, "{\"metadata\":{\"remainingItemCount\":-1}", "remainingItemCount: a count"},
	{TG_KUBE_LIST, "{\"metadata\":{\"remainingItemCount\":1.5}", "remainingItemCount: a count"},
	{TG_KUBE_LIST, "{\"metadata\":{\"remainingItemCount\":99999999999999999999}",
		"remainingItemCount: a count"},
	{TG_KUBE_LIST, "{\"metadata\":{\"continue\":\"\\u00e4\"", "metadata.continue: at most"},
	{TG_KUBE_WATCH, ADDED(POD("a")) "garbage" ADDED(POD("b")), "byte 70: '{' is expected", 1},
	{TG_KUBE_WATCH, ADDED(POD("a")) ",", "byte 70: '{' is expected", 1},
	{TG_KUBE_WATCH, ADDED(POD("a")) "\x1e", "byte 70: '{' is expected", 1},
	{TG_KUBE_WATCH, "{\"type\":\"ADDED\"}", "object: is missing in an event"},
	{TG_KUBE_WATCH, "{\"object\":" POD("a") "}", "type: is missing in an event"},
	{TG_KUBE_WATCH, "{\"type\":\"added\",\"object\":" POD("a") "}", "type: not a type"},
	{TG_KUBE_WATCH, "{\"type\":null,\"object\":" POD("a") "}", "type: a string is expected"},
	{TG_KUBE_WATCH, ADDED("[]"), "object: a map is expected"},
	{TG_KUBE_WATCH, ADDED("null"), "object: a map is expected"},
	{TG_KUBE_WATCH,
		ADDED("\""
		      "x"
		      "\""),
		"object: a map is expected"},
	{TG_KUBE_WATCH, "{\"type\":\"ADDED\",\"type\":\"DELETED\"", "type: is set twice"},
	{TG_KUBE_WATCH, "{\"object\":" POD("a") ",\"object\":" POD("b"), "object: is set twice"},
	{TG_KUBE_WATCH,
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"annotations\":{"
		"\"k8s.io/initial-events-end\":\"true\",\"k8s.io/initial-events-end\":",
		"is set twice"},
	{TG_KUBE_WATCH, ADDED("{\"a\":1,}"), "a key in quotes is expected"},
	{TG_KUBE_WATCH, ADDED("{,}"), "a key in quotes or '}' is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\"}"), "':' is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":[}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":[1}"), "',' or ']' is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":{\"b\":1]"), "',' or '}' is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":01}"), "',' or '}' is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":-}"), "a digit is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":1.}"), "a digit is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":1e+}"), "a digit is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":+1}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":.5}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":NaN}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":nul}"), "true, false or null is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":truth}"), "true, false or null is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":'b'}"), "a value is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":\"\n\"}"), "no control character in a string is expected"},
	{TG_KUBE_WATCH, ADDED("{\"\t\":1}"), "no control character in a string is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":\"\\x\"}"), "a known escape in a string is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":\"\\u12g4\"}"), "four hex digits after \\u is expected"},
	{TG_KUBE_WATCH, ADDED("{\"a\":\"\\\"}}"), "more is expected: an event does not end"},
	{TG_KUBE_WATCH, ADDED("{\"a\":1/*b*/}"), "',' or '}' is expected"},
};

static size_t count(const char *text, char c)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == c;
	return n;
}

static void check_hostile(const struct hostile *h, const char *text, size_t size)
{
	static const struct feeding ways[] = {{0, SIZE_MAX}, {0, 1}, {0, 3}, {0, 1021}};
	char *first = NULL;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char *got = outcome(h->kind, text, size, ways[i]);

		if (strstr(got, h->why) == NULL || count(got, '\n') != h->good + 1)
			fail_msg("%.80s: expected %s after %zu objects, got %s", text, h->why,
				h->good, got);
		if (first == NULL)
			first = got;
		else
			assert_string_equal(got, first);
		if (first != got)
			free(got);
	}
	free(first);
}

static void hostile_streams_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(hostile_texts) / sizeof(hostile_texts[0]); i++)
		check_hostile(
			&hostile_texts[i], hostile_texts[i].text, strlen(hostile_texts[i].text));
}

static void hostile_bulk_is_refused(void **state)
{
	static const struct {
		struct hostile h;
		const char *part;
		size_t n;
		const char *after;
	} cases[] = {
		{{TG_KUBE_WATCH, "{\"type\":\"ADDED\",\"object\":{\"a\":", "less nesting"}, "[",
			20000, ""},
		{{TG_KUBE_WATCH, "", "less nesting"}, "{\"object\":", 20000, ""},
		{{TG_KUBE_LIST, "", "items[]: a map is expected"}, "{\"items\":[[", 20000, ""},
		{{TG_KUBE_LIST, "{\"items\":[{\"metadata\":{\"name\":\"",
			 "metadata.name: at most 253 characters"},
			"x", 200000, "\"}}]}"},
		{{TG_KUBE_LIST, "{\"kind\":\"", "kind: at most 63 characters"}, "x", 64, "\"}"},
		{{TG_KUBE_LIST, "{\"metadata\":{\"continue\":\"", "continue: at most 4096"}, "x",
			4097, "\"}}"},
		{{TG_KUBE_WATCH, "{\"type\":\"", "more is expected"}, "x", 200000, ""},
		{{TG_KUBE_WATCH, "{\"", "more is expected"}, "kind", 200000, ""},
		{{TG_KUBE_WATCH, "{\"a\":", "more is expected"}, "9", 200000, ""},
		{{TG_KUBE_WATCH,
			 "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"},"
			 "\"a\":[0",
			 "more is expected"},
			",0", 200000, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = repeated(cases[i].h.text, cases[i].part, cases[i].n, cases[i].after);

		check_hostile(&cases[i].h, text, strlen(text));
		free(text);
	}
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
	static const char watch[] = "{\"type\":\"ADDED\",\"object\":" POD("a") "}\n";

	for (size_t i = 0; i < sizeof(watch) - 1; i++) {
		char text[sizeof(watch)];
		char *got;

		memcpy(text, watch, sizeof(watch));
		text[i] = '\0';
		got = outcome(TG_KUBE_WATCH, text, sizeof(watch) - 1, at_once);
		assert_non_null(strstr(got, "is expected"));
		free(got);
	}
}

/* Levels of what a server sends are all taken. */
static void as_deep_as_the_server_takes_it(void **state)
{
	char *front = repeated(
		     "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"},\"x\":", "[",
		     9999, ""),
	     *text = repeated(front, "]", 9999, "}}"),
	     *got = outcome(TG_KUBE_WATCH, text, strlen(text), at_once);

	assert_non_null(strstr(got, "ADDED /a  @ (20"));
	assert_non_null(strstr(got, "complete"));
	free(got);
	free(text);
	free(front);
}

/* A gigabyte of what says nothing takes no memory, between events and inside of an object. */
static void floods_take_no_memory(void **state)
{
	static const char *const begins[] = {
		"", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"},\"x\":"};
	static const char *const ends[] = {"", "1}}"};
	const size_t piece = 1u << 20;
	char *spaces = repeated("", " ", piece, "");

	for (size_t i = 0; i < 2; i++) {
		struct tg_kube_stream *s;
		struct record r;

		record_begin(&r);
		s = tg_kube_stream_create(TG_KUBE_WATCH, SMALL_MAX, &handler, &r);
		assert_non_null(s);
		assert_int_equal(feed(s, begins[i], strlen(begins[i]), at_once), 0);
		for (size_t k = 0; k < 512; k++) {
			assert_int_equal(tg_kube_stream_feed(s, spaces, piece), 0);
			assert_true(tg_kube_stream_held(s) <= SMALL_MAX + (16u << 10));
		}
		assert_int_equal(feed(s, ends[i], strlen(ends[i]), at_once), 0);
		assert_int_equal(tg_kube_stream_end(s), 0);
		assert_int_equal(r.objects, 0);
		assert_int_equal(r.oversized, i);
		tg_kube_stream_free(s);
		record_end(&r);
		free(r.text);
	}
	free(spaces);
}

/* Random values, written with all the freedom that JSON leaves. */
static uint64_t seed;

static uint32_t roll(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static void write_space(FILE *f)
{
	while (roll(6) == 0)
		fputc(" \n\t\r"[roll(4)], f);
}

static void write_string(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text != '\0'; text++) {
		if (roll(8) == 0)
			fprintf(f, roll(2) == 0 ? "\\u%04x" : "\\u%04X", (unsigned char)*text);
		else
			fputc(*text, f);
	}
	fputc('"', f);
}

static void write_scalar(FILE *f)
{
	static const char *const texts[] = {"null", "true", "false", "0", "-12", "1.5e3", "\"\"",
		"\"}]\"", "\"\\\\\\\"\"", "\"name\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa4\""};

	fputs(texts[roll(sizeof(texts) / sizeof(texts[0]))], f);
}

static void write_value(FILE *f, unsigned int depth);

static void write_key(FILE *f, const char *key)
{
	write_space(f);
	write_string(f, key);
	write_space(f);
	fputc(':', f);
	write_space(f);
}

/* Keys are distinct, and often ones that mean something at another place. */
static void write_members(FILE *f, unsigned int n, unsigned int depth, bool more)
{
	static const char *const keys[] = {
		"items", "type", "object", "kind", "spec", "status", "labels", "ownerReferences"};
	uint32_t first = roll(8);

	for (unsigned int i = 0; i < n; i++) {
		fputs(i != 0 || more ? "," : "", f);
		write_key(f, keys[(first + i) % 8]);
		write_value(f, depth);
		write_space(f);
	}
}

static void write_value(FILE *f, unsigned int depth)
{
	uint32_t kind = depth != 0 ? roll(4) : 3, n = roll(4);

	if (kind >= 2) {
		write_scalar(f);
		return;
	}
	fputc(kind == 0 ? '[' : '{', f);
	write_space(f);
	for (uint32_t i = 0; kind == 0 && i < n; i++) {
		fputs(i != 0 ? "," : "", f);
		write_space(f);
		write_value(f, depth - 1);
		write_space(f);
	}
	if (kind == 1)
		write_members(f, n, depth - 1, false);
	fputc(kind == 0 ? ']' : '}', f);
}

static void write_object(FILE *f)
{
	static const char *const keys[] = {"namespace", "uid", "resourceVersion"};
	unsigned int before = roll(3), k = roll(3), n = roll(4);
	char name[16];

	fputc('{', f);
	write_members(f, before, 3, false);
	fputs(before != 0 ? "," : "", f);
	write_key(f, "metadata");
	fputc('{', f);
	for (unsigned int i = 0; i < n; i++, k++) {
		write_key(f, keys[k % 3]);
		snprintf(name, sizeof(name), "%c%u", "nur"[k % 3], roll(1000));
		write_string(f, name);
		fputc(',', f);
		if (i == 2)
			break;
	}
	write_key(f, "name");
	snprintf(name, sizeof(name), "a%u.b", roll(100000));
	write_string(f, name);
	write_members(f, roll(3), 3, true);
	fputs("}", f);
	fputs("}", f);
}

static char *random_list(void)
{
	unsigned int n = roll(5), before = roll(2);
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(before != 0 ? "{\"other\":" : "{", f);
	if (before != 0) {
		write_value(f, 3);
		fputc(',', f);
	}
	fputs("\"kind\":\"XList\",\"apiVersion\":\"v1\",", f);
	write_key(f, "items");
	fputc('[', f);
	for (unsigned int i = 0; i < n; i++) {
		fputs(i != 0 ? "," : "", f);
		write_space(f);
		write_object(f);
	}
	fputs("]}", f);
	fclose(f);
	return text;
}

static bool same(const struct tg_value *a, const struct tg_value *b)
{
	if (a->type != b->type || a->n != b->n || (a->key == NULL) != (b->key == NULL) ||
		(a->key != NULL && strcmp(a->key, b->key) != 0))
		return false;
	switch (a->type) {
	case TG_VALUE_BOOL:
		return a->boolean == b->boolean;
	case TG_VALUE_NUMBER:
		return a->number == b->number;
	case TG_VALUE_STRING:
		return strcmp(a->text, b->text) == 0;
	case TG_VALUE_LIST:
	case TG_VALUE_MAP:
		for (a = a->first, b = b->first; a != NULL; a = a->next, b = b->next)
			if (!same(a, b))
				return false;
		return true;
	default:
		return true;
	}
}

/* The item of the whole text's tree that has to come next. */
static int compare_item(void *ctx, enum tg_kube_event event, const struct tg_kube_meta *meta,
	const char *text, size_t size)
{
	const struct tg_value **next = ctx, *item = *next, *of;
	struct tg_tree_error error;
	struct tg_tree *tree;

	assert_non_null(item);
	assert_int_equal(event, TG_KUBE_ADDED);
	of = tg_value_get(item, "metadata");
	assert_string_equal(meta->name, tg_value_text(of, "name"));
	assert_string_equal(meta->ns, tg_value_text(of, "namespace"));
	assert_string_equal(meta->uid, tg_value_text(of, "uid"));
	assert_string_equal(meta->resource_version, tg_value_text(of, "resourceVersion"));
	assert_int_equal(tg_tree_parse(text, size, &tree, &error), 0);
	assert_int_equal(tg_tree_count(tree), 1);
	assert_true(same(tg_tree_document(tree, 0), item));
	tg_tree_free(tree);
	*next = item->next;
	return 0;
}

static void random_lists_are_split_as_the_parser_reads_them(void **state)
{
	static const struct tg_kube_stream_handler comparer = {compare_item, NULL};

	for (seed = 1; seed < 3000; seed++) {
		uint64_t kept = seed;
		char *text = random_list();
		const struct tg_value *next;
		struct tg_tree_error error;
		struct tg_kube_stream *s;
		struct tg_tree *tree;
		int err = 0;

		if (tg_tree_parse(text, strlen(text), &tree, &error) != 0)
			fail_msg("%s: %s", error.text, text);
		next = tg_value_get(tg_tree_document(tree, 0), "items")->first;
		s = tg_kube_stream_create(TG_KUBE_LIST, 0, &comparer, &next);
		assert_non_null(s);
		for (size_t at = 0, n; err == 0 && text[at] != '\0'; at += n) {
			n = 1 + roll(40);
			n = n < strlen(text + at) ? n : strlen(text + at);
			err = tg_kube_stream_feed(s, text + at, n);
		}
		if (err != 0 || tg_kube_stream_end(s) != 0)
			fail_msg("seed %llu: %s: %s", (unsigned long long)kept,
				tg_kube_stream_why(s), text);
		assert_null(next);
		tg_kube_stream_free(s);
		tg_tree_free(tree);
		free(text);
		seed = kept;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_split),
		cmocka_unit_test(watches_are_split),
		cmocka_unit_test(too_large_ones_are_named_and_skipped),
		cmocka_unit_test(the_bound_is_exact),
		cmocka_unit_test(an_end_too_early_is_noticed),
		cmocka_unit_test(a_handler_stops_the_stream),
		cmocka_unit_test(hostile_streams_are_refused),
		cmocka_unit_test(hostile_bulk_is_refused),
		cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
		cmocka_unit_test(as_deep_as_the_server_takes_it),
		cmocka_unit_test(floods_take_no_memory),
		cmocka_unit_test(random_lists_are_split_as_the_parser_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

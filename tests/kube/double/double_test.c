/* SPDX-License-Identifier: BSD-3-Clause */
/* Each thing that the double does, as it is on the wire. The client here is bytes, not ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static void expect_wrong(struct lab *lab, const char *text)
{
	bool found = false;

	for (size_t i = 0; i < double_wrongs(lab->d); i++)
		found |= strstr(double_wrong(lab->d, i), text) != NULL;
	if (!found)
		fail_msg("nothing was wrong with \"%s\"", text);
	double_clear_wrongs(lab->d);
}

static void expect_no_wrong(struct lab *lab)
{
	if (double_wrongs(lab->d) > 0)
		fail_msg("%s", double_wrong(lab->d, 0));
}

static void put_pods(struct lab *lab, unsigned int n)
{
	char name[16];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "web-%u", i);
		assert_true(double_put(lab->d, "pods", "shop", name,
				    "{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"status\":{"
				    "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"}}") > 0);
	}
}

#define PODS "/api/v1/pods"
#define LIST PODS "?limit=10"

/* A watch from here on, as a client opens it after a list. */
static struct wire *watch(struct lab *lab, const char *more)
{
	struct wire *list = fetch(lab, LIST, 200), *wire;
	char *target = xprintf(PODS "?watch=true&resourceVersion=%llu&allowWatchBookmarks=true"
				    "&timeoutSeconds=300%s",
		(unsigned long long)double_revision(lab->d), more);

	wire_close(list);
	wire = wire_ask(lab, target);
	free(target);
	return wire;
}

static void test_discovery(void **state)
{
	struct lab *lab = lab_open(NULL);
	const struct double_kind guard = {"tidegate.dev", "v1", "guards", "Guard", true};

	expect(lab, "/version", 200, "\"minor\": \"20\"");
	expect(lab, "/readyz", 200, "\r\n\r\nok");
	expect(lab, "/api", 200, "\"versions\":[\"v1\"]");
	expect(lab, "/api/v1", 200, "{\"name\":\"pods\"");
	expect(lab, "/apis", 200, "networking.k8s.io/v1");
	expect(lab, "/apis/networking.k8s.io/v1", 200, "\"networkpolicies\"");
	expect(lab, "/apis/discovery.k8s.io", 200, "v1beta1");
	expect(lab, "/apis/tidegate.dev/v1", 404, "404 page not found");
	expect(lab, "/apis/tidegate.dev/v1/guards?limit=1", 404, "404 page not found");
	double_add_kind(lab->d, &guard);
	assert_true(double_put(lab->d, "guards", "shop", "a", "{\"spec\":{}}") > 0);
	expect(lab, "/apis/tidegate.dev/v1", 200, "\"guards\"");
	expect(lab, "/apis", 200, "tidegate.dev/v1");
	/* Sorted keys, and every item says what it is. */
	expect(lab, "/apis/tidegate.dev/v1/guards?limit=1", 200,
		"{\"apiVersion\":\"tidegate.dev/v1\",\"items\":[{\"apiVersion\":\"tidegate.dev/v1\","
		"\"kind\":\"Guard\",");
	expect(lab, "/apis/tidegate.dev/v1/guards?limit=1", 200,
		"],\"kind\":\"GuardList\",\"metadata\":{");
	double_remove_kind(lab->d, "guards");
	expect(lab, "/apis/tidegate.dev/v1", 404, "404 page not found");
	expect_no_wrong(lab);
	lab_close(lab);
}

static void test_pages_show_one_state(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *page;
	char *token, *target;

	put_pods(lab, 5);
	page = fetch(lab, PODS "?limit=2", 200);
	assert_non_null(strstr(page->got.v, "\"remainingItemCount\":3"));
	token = token_of(page);
	wire_close(page);
	double_delete(lab->d, "pods", "shop", "web-3");
	double_put(lab->d, "pods", "shop", "web-2a", NULL);
	target = xprintf(PODS "?limit=3&continue=%s", token);
	page = fetch(lab, target, 200);
	assert_int_equal(times(page, "\"namespace\":\"shop\""), 3);
	assert_int_equal(times(page, "\"web-3\""), 1);
	assert_int_equal(times(page, "\"web-2a\""), 0);
	assert_int_equal(times(page, "\"continue\""), 0);
	wire_close(page);
	expect_no_wrong(lab);
	double_compact(lab->d, 0);
	expect(lab, target, 410, "\"reason\":\"Expired\"");
	page = fetch(lab, target, 410);
	free(token);
	token = token_of(page);
	wire_close(page);
	free(target);
	target = xprintf(PODS "?limit=3&continue=%s", token);
	page = fetch(lab, target, 200);
	assert_int_equal(times(page, "\"web-2a\""), 1); /* the rest of another state */
	wire_close(page);
	free(target);
	free(token);
	expect(lab, PODS "?limit=1&continue=abc", 400, "invalid continue token");
	lab_close(lab);
}

static void test_versions_of_lists(void **state)
{
	struct lab *lab = lab_open(NULL);
	char *target;

	put_pods(lab, 2);
	expect(lab, LIST, 200, "\"resourceVersion\":\"97\"");
	double_delete(lab->d, "pods", "shop", "web-0");
	expect(lab, LIST "&resourceVersion=97&resourceVersionMatch=Exact", 200, "\"web-0\"");
	expect(lab, LIST "&resourceVersion=97&resourceVersionMatch=NotOlderThan", 200,
		"{\"resourceVersion\":\"98\"");
	expect(lab, LIST "&resourceVersion=999&resourceVersionMatch=NotOlderThan", 504,
		"\"reason\":\"ResourceVersionTooLarge\"");
	expect_wrong(lab, "never handed out");
	expect(lab, LIST "&resourceVersionMatch=Exact", 422,
		"resourceVersionMatch is forbidden unless resourceVersion is provided");
	double_compact(lab->d, 0);
	expect(lab, LIST "&resourceVersion=97&resourceVersionMatch=Exact", 410,
		"The resourceVersion for the provided list is too old.");
	target = xprintf(LIST "&labelSelector=%s", "app%20in%20(api,web),!gone");
	expect(lab, target, 200, "\"web-1\"");
	free(target);
	expect(lab, LIST "&labelSelector=app%3Dapi", 200, "\"items\":[]");
	expect(lab, LIST "&fieldSelector=status.phase!%3DRunning", 200, "\"items\":[]");
	expect(lab, "/api/v1/namespaces/shop/pods?limit=1", 200, "\"web-1\"");
	expect(lab, "/api/v1/namespaces/other/pods?limit=1", 200, "\"items\":[]");
	expect(lab, "/api/v1/namespaces/shop/pods/web-1", 200, "{\"kind\":\"Pod\",");
	expect(lab, "/api/v1/namespaces/shop/pods/web-0", 404, "pods \\\"web-0\\\" not found");
	lab_close(lab);
}

static void test_watch(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	put_pods(lab, 1);
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	double_put(lab->d, "pods", "shop", "web-1", NULL);
	double_put(lab->d, "pods", "shop", "web-0", "{\"metadata\":{\"labels\":{}}}");
	double_delete(lab->d, "pods", "shop", "web-0");
	assert_true(wait_for(wire, "\"DELETED\""));
	assert_true(strstr(wire->got.v, "\"ADDED\"") < strstr(wire->got.v, "\"MODIFIED\""));
	assert_true(strstr(wire->got.v, "\"MODIFIED\"") < strstr(wire->got.v, "\"DELETED\""));
	assert_non_null(strstr(strstr(wire->got.v, "DELETED"), "\"resourceVersion\":\"99\""));
	double_skip_revisions(lab->d, 100);
	double_bookmark(lab->d, "pods");
	assert_true(
		wait_for(wire, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":"
			       "\"v1\",\"metadata\":{\"resourceVersion\":\"199\""));
	double_end_watches(lab->d, NULL);
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	assert_false(wire->ended);
	expect_no_wrong(lab);
	wire_close(wire);
	lab_close(lab);
}

static void test_watch_with_selector(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	put_pods(lab, 1);
	wire = watch(lab, "&labelSelector=app%3Dweb");
	assert_true(wait_for(wire, "chunked"));
	double_put(
		lab->d, "pods", "shop", "api-1", "{\"metadata\":{\"labels\":{\"app\":\"api\"}}}");
	double_put(
		lab->d, "pods", "shop", "web-0", "{\"metadata\":{\"labels\":{\"app\":\"api\"}}}");
	assert_true(wait_for(wire, "\"DELETED\""));
	/* As it was when it was last selected, with the revision at which it left. */
	assert_non_null(strstr(wire->got.v, "\"app\":\"web\""));
	assert_non_null(strstr(wire->got.v, "\"resourceVersion\":\"98\""));
	double_put(
		lab->d, "pods", "shop", "web-0", "{\"metadata\":{\"labels\":{\"app\":\"web\"}}}");
	assert_true(wait_for(wire, "\"ADDED\""));
	assert_int_equal(times(wire, "api-1"), 0);
	wire_close(wire);
	lab_close(lab);
}

static void test_watch_begins(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;
	const char *old = PODS "?watch=true&resourceVersion=95&allowWatchBookmarks=true"
			       "&timeoutSeconds=300";

	put_pods(lab, 2);
	wire = wire_ask(lab, PODS "?watch=true&allowWatchBookmarks=true&timeoutSeconds=300");
	assert_true(wait_times(wire, "\"ADDED\"", 2));
	wire_close(wire);
	expect_wrong(lab, "a watch without resourceVersion");
	wire = wire_ask(lab, old);
	assert_true(wait_times(wire, "\"ADDED\"", 2));
	wire_close(wire);
	expect_wrong(lab, "never handed out");
	double_compact(lab->d, 0);
	wire = wire_ask(lab, old);
	assert_true(wait_for(wire,
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":"
		"\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old "
		"resource version: 95 (97)\",\"reason\":\"Expired\",\"code\":410}}"));
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	wire_close(wire);
	lab_close(lab);
}

#define STREAM                                                                                 \
	PODS "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatch" \
	     "Bookmarks=true&timeoutSeconds=300"

static void test_watch_list(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.version = DOUBLE_1_34});
	struct wire *wire;

	put_pods(lab, 2);
	wire = wire_ask(lab, STREAM);
	assert_true(wait_for(wire, "\"k8s.io/initial-events-end\":\"true\""));
	assert_int_equal(times(wire, "\"ADDED\""), 2);
	put_pods(lab, 1);
	assert_true(wait_for(wire, "\"MODIFIED\""));
	wire_close(wire);
	expect_no_wrong(lab);
	lab_close(lab);
	lab = lab_open(&(struct double_options){.version = DOUBLE_1_34_NO_STREAM});
	expect(lab, STREAM, 422, "unless the WatchList feature gate is enabled");
	lab_close(lab);
	lab = lab_open(NULL);
	expect(lab, STREAM, 422, "resourceVersionMatch is forbidden for watch");
	lab_close(lab);
}

static void test_periodic_bookmarks_and_timeout(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.bookmark_ms = 1});
	struct wire *wire;

	wire = watch(lab, "");
	assert_true(wait_times(wire, "BOOKMARK", 3));
	wire_close(wire);
	wire = wire_ask(lab,
		PODS "?watch=true&resourceVersion=95&allowWatchBookmarks=true&timeoutSeconds=1");
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	wire_close(wire);
	expect_no_wrong(lab);
	lab_close(lab);
}

static void test_status_faults(void **state)
{
	struct lab *lab = lab_open(NULL);
	size_t fault;

	fault = double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_STATUS,
					     .verb = DOUBLE_LIST,
					     .path = PODS,
					     .skip = 1,
					     .count = 2,
					     .status = 429,
					     .retry_after = 7});
	expect(lab, "/api/v1/nodes?limit=1", 200, "NodeList");
	expect(lab, LIST, 200, "PodList");
	expect(lab, LIST, 429, "Retry-After: 7\r\n");
	expect_no_wrong(lab);
	expect(lab, LIST, 429, "Too many requests, please try again later.");
	expect_wrong(lab, "before Retry-After");
	expect(lab, LIST, 200, "PodList");
	assert_int_equal(double_fault_hits(lab->d, fault), 2);
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_STATUS,
				     .status = 503,
				     .body = "<html>",
				     .content_type = "text/html"});
	expect(lab, LIST, 503, "<html>");
	double_fault(lab->d,
		&(struct double_fault){.kind = DOUBLE_STATUS, .status = 500, .forever = true});
	for (int i = 0; i < 3; i++)
		expect(lab, LIST, 500, "\"reason\":\"InternalError\"");
	double_clear_faults(lab->d);
	expect(lab, LIST, 200, "PodList");
	lab_close(lab);
}

static void test_expired_page(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *page;
	char *token, *target;

	put_pods(lab, 3);
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_STATUS,
				     .status = 410,
				     .verb = DOUBLE_LIST,
				     .page = 2,
				     .token = true});
	page = fetch(lab, PODS "?limit=1", 200);
	token = token_of(page);
	target = xprintf(PODS "?limit=1&continue=%s", token);
	wire_close(page);
	expect(lab, target, 410, "\"metadata\":{\"continue\":\"");
	expect(lab, target, 200, "web-1");
	free(token);
	free(target);
	lab_close(lab);
}

static void test_cuts(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.chunk = 100});
	struct wire *wire;

	put_pods(lab, 20);
	double_fault(lab->d,
		&(struct double_fault){.kind = DOUBLE_CUT, .verb = DOUBLE_LIST, .after = 150});
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_CUT,
				     .verb = DOUBLE_LIST,
				     .after = 150,
				     .with_length = true});
	double_fault(lab->d,
		&(struct double_fault){
			.kind = DOUBLE_CUT, .verb = DOUBLE_LIST, .after = 0, .reset = true});
	wire = wire_ask(lab, PODS "?limit=20");
	assert_true(wait_end(wire)); /* in the middle of the second chunk */
	assert_int_equal(wire->error, UV_EOF);
	assert_memory_equal(body_of(wire), "64\r\n", 4);
	assert_int_equal(strlen(body_of(wire)), 4 + 100 + 2 + 4 + 50);
	wire_close(wire);
	wire = wire_ask(lab, PODS "?limit=20");
	assert_true(wait_end(wire));
	assert_non_null(strstr(wire->got.v, "Content-Length: "));
	assert_int_equal(strlen(body_of(wire)), 150);
	wire_close(wire);
	wire = wire_ask(lab, PODS "?limit=20");
	assert_true(wait_end(wire));
	assert_string_equal(body_of(wire), "");
	assert_true(wire->got.n > 0); /* so whether it sees the RST is up to its kernel */
	wire_close(wire);
	lab_close(lab);
}

static void test_cut_watch(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	double_fault(lab->d,
		&(struct double_fault){.kind = DOUBLE_CUT, .verb = DOUBLE_WATCH, .after = 50});
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	put_pods(lab, 1);
	assert_true(wait_end(wire));
	assert_int_equal(strlen(strstr(body_of(wire), "{")), 50);
	wire_close(wire);
	lab_close(lab);
}

static void test_drip(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;
	size_t pieces = 0, before = 0;

	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_DRIP, .size = 7, .ms = 1});
	wire = wire_ask(lab, LIST);
	while (!wire->ended && times(wire, "}\n") == 0) {
		uv_run(&lab->loop, UV_RUN_ONCE);
		pieces += wire->got.n > before;
		before = wire->got.n;
	}
	assert_true(pieces > wire->got.n / 7 / 4); /* some may arrive together */
	wire_close(wire);
	lab_close(lab);
}

static void test_garbage(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	put_pods(lab, 1);
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_GARBAGE,
				     .verb = DOUBLE_LIST,
				     .skip = 1,
				     .after = 10,
				     .body = "}}]{\"\\"});
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_GARBAGE,
				     .verb = DOUBLE_WATCH,
				     .after = 1,
				     .body = "{\"type\":nonsense\n"});
	double_fault(lab->d,
		&(struct double_fault){
			.kind = DOUBLE_RAW, .verb = DOUBLE_GET, .body = "SSH-2.0-OpenSSH\r\n"});
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	put_pods(lab, 2);
	assert_true(wait_times(wire, "\"ADDED\"", 1));
	assert_true(strstr(wire->got.v, "\"MODIFIED\"") < strstr(wire->got.v, "nonsense"));
	assert_true(strstr(wire->got.v, "nonsense") < strstr(wire->got.v, "\"ADDED\""));
	wire_close(wire);
	wire = wire_ask(lab, LIST);
	assert_true(wait_for(wire, "{\"kind\":\"P}}]{\"\\"));
	wire_close(wire);
	wire = wire_ask(lab, "/api/v1/namespaces/shop/pods/web-0");
	assert_true(wait_end(wire));
	assert_string_equal(wire->got.v, "SSH-2.0-OpenSSH\r\n");
	wire_close(wire);
	lab_close(lab);
}

static void test_odd_events(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	double_fault(
		lab->d, &(struct double_fault){.kind = DOUBLE_DUPLICATE, .verb = DOUBLE_WATCH});
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_REORDER, .verb = DOUBLE_WATCH});
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_ERROR_EVENT,
				     .verb = DOUBLE_WATCH,
				     .after = 1,
				     .status = 410});
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	put_pods(lab, 1);
	assert_true(wait_times(wire, "\"ADDED\"", 2));
	wire_close(wire);
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	double_put(lab->d, "pods", "shop", "first", NULL);
	double_put(lab->d, "pods", "shop", "second", NULL);
	assert_true(wait_times(wire, "\"ADDED\"", 2));
	assert_true(strstr(wire->got.v, "\"second\"") < strstr(wire->got.v, "\"first\""));
	wire_close(wire);
	wire = watch(lab, "");
	put_pods(lab, 1);
	assert_true(wait_for(wire, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\""));
	assert_int_equal(times(wire, "\"MODIFIED\""), 1);
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	wire_close(wire);
	lab_close(lab);
}

static void test_oversized(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	put_pods(lab, 3);
	double_fault(lab->d,
		&(struct double_fault){
			.kind = DOUBLE_OVERSIZED, .size = 300000, .after = 1, .verb = DOUBLE_LIST});
	wire = wire_ask(lab, LIST);
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	assert_true(wire->got.n > 300000);
	assert_true(strstr(wire->got.v, "\"web-1\"") < strstr(wire->got.v, "\"padding\":\""));
	assert_true(strstr(wire->got.v, "\r\n\"}") < strstr(wire->got.v, "\"web-2\""));
	wire_close(wire);
	lab_close(lab);
}

static void test_silence(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.bookmark_ms = 1});
	struct wire *wire;

	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_SILENT, .verb = DOUBLE_WATCH});
	double_fault(
		lab->d, &(struct double_fault){.kind = DOUBLE_NO_BOOKMARKS, .verb = DOUBLE_WATCH});
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_HANG, .verb = DOUBLE_GET});
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	put_pods(lab, 1);
	double_bookmark(lab->d, NULL);
	settle(lab);
	assert_string_equal(body_of(wire), "");
	assert_false(wire->ended);
	wire_close(wire);
	wire = watch(lab, "");
	assert_true(wait_for(wire, "chunked"));
	double_bookmark(lab->d, NULL);
	settle(lab);
	put_pods(lab, 1);
	assert_true(wait_for(wire, "\"MODIFIED\""));
	assert_int_equal(times(wire, "BOOKMARK"), 0);
	wire_close(wire);
	wire = wire_ask(lab, "/api/v1/namespaces/shop/pods/web-0");
	settle(lab);
	assert_int_equal(wire->got.n, 0);
	assert_false(wire->ended);
	wire_close(wire);
	double_fault(lab->d,
		&(struct double_fault){.kind = DOUBLE_SILENT, .verb = DOUBLE_LIST, .after = 5});
	wire = wire_ask(lab, LIST);
	assert_true(wait_for(wire, "{\"kin"));
	settle(lab);
	assert_int_equal(strlen(body_of(wire)), 5);
	assert_false(wire->ended);
	wire_close(wire);
	lab_close(lab);
}

static void test_odd_lists(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *first, *second;
	char *token, *target;

	put_pods(lab, 3);
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_STALE, .after = 1});
	expect(lab, LIST, 200, "{\"resourceVersion\":\"97\"}");
	double_fault(lab->d, &(struct double_fault){.kind = DOUBLE_NEVER_ENDS, .count = 2});
	first = fetch(lab, PODS "?limit=3", 200);
	token = token_of(first);
	target = xprintf(PODS "?limit=3&continue=%s", token);
	second = fetch(lab, target, 200);
	assert_string_equal(body_of(first), body_of(second));
	wire_close(first);
	wire_close(second);
	free(token);
	free(target);
	lab_close(lab);
}

static void test_permissions(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.token = "secret", .user = "x"});
	struct wire *wire;

	wire = fetch(lab, LIST, 401);
	assert_non_null(strstr(wire->got.v, "\"message\":\"Unauthorized\""));
	expect_wrong(lab, "no bearer token");
	wire->got.n = 0;
	wire_say(wire,
		"GET " LIST " HTTP/1.1\r\nHost: d\r\nUser-Agent: t\r\nAccept: application/json\r\n"
		"Authorization: Bearer old\r\n\r\n");
	assert_true(wait_for(wire, "401 Unauthorized"));
	settle(lab);
	expect_no_wrong(lab);
	double_set_token(lab->d, "old");
	wire->got.n = 0;
	wire_say(wire,
		"GET " LIST " HTTP/1.1\r\nHost: d\r\nUser-Agent: t\r\nAccept: application/json\r\n"
		"Authorization: Bearer old\r\n\r\n");
	assert_true(wait_for(wire, "200 OK"));
	wire_close(wire);
	double_set_token(lab->d, NULL);
	double_forbid(lab->d, "list", "pods", true);
	expect(lab, LIST, 403,
		"pods is forbidden: User \\\"x\\\" cannot list resource \\\"pods\\\" in API group "
		"\\\"\\\" at the cluster scope");
	expect(lab, "/api/v1/namespaces/shop/pods?limit=1", 403, "in the namespace \\\"shop\\\"");
	double_forbid(lab->d, "list", "pods", false);
	expect(lab, LIST, 200, "PodList");
	lab_close(lab);
}

static void test_restart(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.retries = 2});
	struct wire *wire = watch(lab, "");

	assert_true(wait_for(wire, "chunked"));
	double_down(lab->d, true);
	assert_true(wait_end(wire));
	assert_int_equal(wire->error, UV_ECONNRESET);
	wire_close(wire);
	wire = wire_ask(lab, LIST);
	assert_true(wait_end(wire));
	assert_int_equal(wire->error, UV_ECONNREFUSED);
	wire_close(wire);
	assert_int_equal(double_up(lab->d), 0);
	expect(lab, LIST, 200, "PodList");
	expect_no_wrong(lab);
	for (int i = 0; i < 8; i++) {
		wire = watch(lab, "");
		assert_true(wait_for(wire, "chunked"));
		double_cut_all(lab->d, false);
		assert_true(wait_end(wire));
		wire_close(wire);
	}
	expect_wrong(lab, "no back-off"); /* also when it is a watch that ends again and again */
	lab_close(lab);
}

static void test_wrong_requests(void **state)
{
	static const struct {
		const char *target, *wrong;
	} cases[] = {
		{PODS, "a list without limit"},
		{LIST "&pretty=true", "unknown parameter pretty"},
		{LIST "&limit=10", "parameter limit twice"},
		{LIST "&resourceVersion=94", "never handed out"},
		{LIST "&continue=zzz", "a continue token that was never given out"},
		{PODS "?watch=true&resourceVersion=95&timeoutSeconds=9",
			"without allowWatchBookmarks"},
		{PODS "?watch=true&resourceVersion=95&allowWatchBookmarks=true",
			"without timeoutSeconds"},
		{PODS "?watch=true&resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=9",
			"a watch without resourceVersion"},
		{PODS "?watch=true&resourceVersion=93&allowWatchBookmarks=true&timeoutSeconds=9",
			"never handed out"},
		{PODS "?watch=true&resourceVersion=95&allowWatchBookmarks=true&timeoutSeconds=9&limit=3",
			"a watch with limit"},
		{PODS "?watch=yes&limit=1", "neither true nor false"},
	};
	struct lab *lab = lab_open(NULL);

	expect(lab, LIST, 200, "PodList");
	expect_no_wrong(lab);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire *wire = wire_ask(lab, cases[i].target);

		assert_true(wait_for(wire, "\r\n\r\n"));
		wire_close(wire);
		settle(lab);
		expect_wrong(lab, cases[i].wrong);
	}
	lab_close(lab);
}

static void test_wrong_page(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *page;
	char *token, *target;

	put_pods(lab, 3);
	page = fetch(lab, PODS "?limit=1", 200);
	token = token_of(page);
	wire_close(page);
	target = xprintf(PODS "?limit=1&continue=%s&resourceVersion=98", token);
	expect(lab, target, 400, "specifying resource version is not allowed when using continue");
	expect_wrong(lab, "resourceVersion together with continue");
	free(target);
	target = xprintf("/api/v1/nodes?limit=1&continue=%s", token);
	expect(lab, target, 200, "NodeList");
	expect_wrong(lab, "a continue token of /api/v1/pods");
	free(target);
	target = xprintf(PODS "?limit=1&continue=%s&labelSelector=app", token);
	expect(lab, target, 200, "PodList");
	expect_wrong(lab, "other selectors");
	free(target);
	free(token);
	lab_close(lab);
}

static void test_wrong_manners(void **state)
{
	struct lab *lab = lab_open(&(struct double_options){.burst = 12, .retries = 3});
	struct wire *first, *second;

	first = watch(lab, "");
	assert_true(wait_for(first, "chunked"));
	expect_no_wrong(lab);
	second = watch(lab, "");
	assert_true(wait_for(second, "chunked"));
	expect_wrong(lab, "a second watch of the same");
	wire_close(second);
	wire_close(first);
	/* Closed before the next one begins: that is no second one. */
	first = watch(lab, "");
	expect_no_wrong(lab);
	wire_close(first);
	double_fault(lab->d,
		&(struct double_fault){.kind = DOUBLE_STATUS, .status = 500, .forever = true});
	for (int i = 0; i < 5; i++)
		expect(lab, LIST, 500, "InternalError");
	expect_wrong(lab, "no back-off");
	double_clear_faults(lab->d);
	for (int i = 0; i < 20; i++)
		expect(lab, LIST, 200, "PodList");
	expect_wrong(lab, "more than 12 requests");
	first = wire_ask(lab, LIST);
	assert_true(wait_for(first, "\r\n\r\n"));
	settle(lab);
	double_clear_wrongs(lab->d);
	wire_say(first, "GET " LIST " HTTP/1.1\r\n\r\n");
	settle(lab);
	expect_wrong(lab, "no User-Agent");
	wire_say(first, "DELETE /api/v1/namespaces/shop/pods/a HTTP/1.1\r\n\r\n");
	settle(lab);
	expect_wrong(lab, "a client that only reads writes");
	wire_say(first, "nonsense\r\n\r\n");
	assert_true(wait_end(first));
	expect_wrong(lab, "not an HTTP/1.1 request");
	wire_close(first);
	lab_close(lab);
}

static void test_metadata_only(void **state)
{
	struct lab *lab = lab_open(NULL);
	struct wire *wire;

	put_pods(lab, 1);
	wire = fetch(lab, LIST, 200);
	wire->got.n = 0;
	wire_say(wire, "GET " LIST " HTTP/1.1\r\nHost: d\r\nUser-Agent: t\r\nAccept: "
		       "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n\r\n");
	assert_true(wait_for(wire, "{\"kind\":\"PartialObjectMetadataList\""));
	settle(lab);
	assert_int_equal(times(wire, "10.0.0.1"), 0);
	assert_int_equal(times(wire, "\"web-0\""), 1);
	expect_no_wrong(lab);
	wire_close(wire);
	lab_close(lab);
}

static void command(struct lab *lab, const char *text, int rc, const char *answer)
{
	char *line = xstrdup(text), *out;

	assert_int_equal(double_command(lab->d, line, &out), rc);
	assert_non_null(out);
	if (strstr(out, answer) == NULL)
		fail_msg("%s: %s", text, out);
	free(line);
	free(out);
}

static void test_commands(void **state)
{
	struct lab *lab = lab_open(NULL);

	command(lab, "put pods shop a {\"spec\":{}}", 0, "96\n");
	command(lab, "put pods - a", -EINVAL, "usage: put");
	command(lab, "count pods", 0, "1\n");
	command(lab, "fault status verb=list status=429 retry-after=3 count=2", 0, "0\n");
	expect(lab, LIST, 429, "Retry-After: 3");
	command(lab, "hits 0", 0, "1\n");
	command(lab, "fault garbage", -EINVAL, "needs a body");
	command(lab, "fault cut aftr=3", -EINVAL, "not understood: aftr");
	command(lab, "fault sleep", -EINVAL, "no such fault: sleep");
	command(lab, "clear-faults", 0, "");
	expect(lab, LIST, 200, "PodList");
	command(lab, "wrongs", 0, "before Retry-After");
	command(lab, "clear-wrongs", 0, "");
	command(lab, "requests", 0, " 200 GET " LIST);
	command(lab, "delete pods shop a", 0, "97\n");
	command(lab, "sing", -EINVAL, "no such command: sing");
	command(lab, "", 0, "");
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_pages_show_one_state),
		cmocka_unit_test(test_versions_of_lists),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_with_selector),
		cmocka_unit_test(test_watch_begins),
		cmocka_unit_test(test_watch_list),
		cmocka_unit_test(test_periodic_bookmarks_and_timeout),
		cmocka_unit_test(test_status_faults),
		cmocka_unit_test(test_expired_page),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_cut_watch),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_odd_events),
		cmocka_unit_test(test_oversized),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_odd_lists),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_wrong_page),
		cmocka_unit_test(test_wrong_manners),
		cmocka_unit_test(test_metadata_only),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests_name("kube_double", tests, NULL, NULL);
}

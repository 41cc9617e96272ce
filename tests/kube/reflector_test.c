/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reflector against the double of an API server. Whatever happens, in the end its picture is
 * what the server has, and the server has seen no request that is against the protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "double.h"
#include "patience.h"
#include "picture.h"

#define PODS "/api/v1/pods"

struct fixture {
	struct patience patience;
	struct kube_double *server;
	struct tg_kube_access access;
	struct tg_kube_client *client;
	struct tg_reflector *reflector;
	struct tg_reflector_options options;
	struct picture picture;	 /* what the reflector says */
	struct picture expected; /* what was put into the server */
};

/* --- running --- */

typedef bool condition(struct fixture *f);

static void run_until(struct fixture *f, condition *done, const char *what)
{
	struct tg_reflector_status status;

	if (patience_until(&f->patience, done(f)))
		return;
	tg_reflector_status(f->reflector, &status);
	for (size_t i = 0; i < double_requests(f->server); i++)
		print_message("%s %s: %d\n", double_request(f->server, i)->method,
			double_request(f->server, i)->target, double_request(f->server, i)->status);
	fail_msg("it did not happen: %s; the reflector is %s: %s", what,
		tg_reflector_state_name(status.state), status.error);
}

#define UNTIL(f, condition) run_until(f, condition, #condition)

static struct tg_reflector_status status_of(struct fixture *f)
{
	struct tg_reflector_status status;

	tg_reflector_status(f->reflector, &status);
	return status;
}

static bool is_watching(struct fixture *f)
{
	return status_of(f).state == TG_REFLECTOR_WATCHING &&
	       double_watches(f->server, "pods") == 1;
}

static bool is_equal(struct fixture *f)
{
	return picture_equal(&f->picture, &f->expected);
}

static bool is_settled(struct fixture *f)
{
	return is_watching(f) && is_equal(f);
}

static bool has_failed(struct fixture *f)
{
	return status_of(f).failures > 0;
}

static bool is_forbidden(struct fixture *f)
{
	return status_of(f).state == TG_REFLECTOR_FORBIDDEN;
}

static bool is_absent(struct fixture *f)
{
	return status_of(f).state == TG_REFLECTOR_ABSENT;
}

static bool is_waiting(struct fixture *f)
{
	return status_of(f).state == TG_REFLECTOR_WAITING;
}

static void start_server(struct fixture *f, enum double_version version)
{
	/* Waits are short here, so more tries a second are no wrong. */
	const struct double_options options = {
		.version = version, .bookmark_ms = 50, .burst = 500, .retries = 200};

	assert_int_equal(double_create(&f->patience.loop, &options, &f->server), 0);
}

static void start(struct fixture *f)
{
	const struct tg_kube_client_options options = {.access = &f->access, .agent = "test"};

	f->access.server = double_url(f->server);
	assert_int_equal(tg_kube_client_create(&f->patience.loop, &options, &f->client), 0);
	assert_int_equal(tg_reflector_create(&f->patience.loop, f->client, &f->options,
				 &picture_handler, &f->picture, &f->reflector),
		0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	patience_begin(&f->patience);
	f->options = (struct tg_reflector_options){
		.path = PODS,
		.page = 100,
		.object_max = 64 << 10,
		.times = {.wait_min = 20, .wait_max = 100, .silence = 1000, .list_silence = 1000},
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t wrongs = f->server != NULL ? double_wrongs(f->server) : 0;

	for (size_t i = 0; i < wrongs; i++)
		print_error("against the protocol: %s\n", double_wrong(f->server, i));
	tg_reflector_free(f->reflector);
	tg_kube_client_free(f->client);
	if (f->server != NULL)
		double_close(f->server);
	patience_end(&f->patience);
	picture_clear(&f->picture);
	picture_clear(&f->expected);
	free(f);
	return wrongs != 0 ? -1 : 0;
}

/* --- what is done to the server --- */

static void put_pod(struct fixture *f, const char *name)
{
	picture_put(&f->expected, "shop", name,
		double_put(
			f->server, "pods", "shop", name, "{\"status\":{\"podIP\":\"10.0.0.1\"}}"));
}

static void delete_pod(struct fixture *f, const char *name)
{
	picture_remove(&f->expected, "shop", name);
	assert_int_not_equal(double_delete(f->server, "pods", "shop", name), 0);
}

static void put_pods(struct fixture *f, int from, int to)
{
	char name[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "pod-%d", i);
		put_pod(f, name);
	}
}

static size_t count_lists(struct fixture *f)
{
	return double_count_requests(f->server, DOUBLE_LIST, PODS);
}

/* A server of 1.20 with some pods, and the reflector in touch with it. */
static void begin(struct fixture *f, int pods)
{
	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, pods);
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(f->picture.ends, 1);
}

static void change_a_little(struct fixture *f)
{
	put_pod(f, "pod-1");
	delete_pod(f, "pod-2");
	put_pod(f, "fresh");
}

/* --- when all is well --- */

static void it_lists_in_pages_and_watches(void **state)
{
	struct fixture *f = *state;

	begin(f, 250);
	assert_int_equal(count_lists(f), 3);
	change_a_little(f);
	UNTIL(f, is_settled);
	delete_pod(f, "fresh");
	put_pod(f, "fresh");
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 3);
	assert_int_equal(status_of(f).events, 5);
	assert_true(status_of(f).synced);
	assert_int_equal(status_of(f).lost_at, 0);
}

static void an_empty_list_is_complete(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	put_pod(f, "first");
	UNTIL(f, is_settled);
}

static void lists_are_streamed_where_the_server_does(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_34);
	put_pods(f, 0, 250);
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 0);
	assert_int_equal(f->picture.ends, 1);
	change_a_little(f);
	UNTIL(f, is_settled);
	double_compact(f->server, 0);
	double_end_watches(f->server, NULL);
	double_compact(f->server, 0);
	put_pod(f, "more");
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 0);
}

static void pages_serve_where_streams_are_refused(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_34_NO_STREAM);
	put_pods(f, 0, 150);
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 2);
	assert_int_equal(status_of(f).failures, 0);
}

static void pages_serve_on_an_old_server(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	put_pods(f, 0, 150);
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 2);
	change_a_little(f);
	UNTIL(f, is_settled);
}

static bool has_two_watches(struct fixture *f)
{
	return status_of(f).watches >= 2 && is_settled(f);
}

static void a_watch_that_ends_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	change_a_little(f);
	UNTIL(f, is_settled);
	double_end_watches(f->server, NULL);
	put_pod(f, "later");
	UNTIL(f, has_two_watches);
	assert_int_equal(count_lists(f), 1);
	assert_int_equal(status_of(f).failures, 0);
}

static bool has_bookmark(struct fixture *f)
{
	uint64_t version = strtoull(status_of(f).resource_version, NULL, 10);

	return version == double_revision(f->server);
}

/* What others did to the store must not make us list again. */
static void bookmarks_keep_the_place(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_skip_revisions(f->server, 1000);
	double_bookmark(f->server, NULL);
	UNTIL(f, has_bookmark);
	double_compact(f->server, 0);
	double_end_watches(f->server, NULL);
	put_pod(f, "later");
	UNTIL(f, has_two_watches);
	assert_int_equal(count_lists(f), 1);
}

/* --- when the place is lost --- */

static bool has_listed_twice(struct fixture *f)
{
	return f->picture.ends >= 2 && is_settled(f);
}

static void what_changed_unseen_is_listed(void **state)
{
	struct fixture *f = *state;

	begin(f, 250);
	double_down(f->server, true);
	UNTIL(f, has_failed);
	change_a_little(f);
	double_compact(f->server, 0);
	assert_int_equal(f->picture.entries.n, 250); /* nothing is taken back meanwhile */
	assert_int_equal(double_up(f->server), 0);
	UNTIL(f, has_listed_twice);
	assert_true(status_of(f).expired >= 1);
	assert_int_equal(f->picture.drops, 1);
	assert_string_equal(status_of(f).error, "");
}

static void a_restarted_server_costs_no_list(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_down(f->server, false);
	UNTIL(f, has_failed);
	assert_int_not_equal(status_of(f).lost_at, 0);
	put_pod(f, "while-it-was-away");
	assert_int_equal(double_up(f->server), 0);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 1);
	assert_int_equal(status_of(f).lost_at, 0);
}

static void an_error_event_of_410_lists(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_ERROR_EVENT,
					.verb = DOUBLE_WATCH,
					.status = 410,
					.after = 1});
	double_end_watches(f->server, NULL);
	change_a_little(f);
	UNTIL(f, has_listed_twice);
}

static void another_error_event_does_not(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_fault(f->server,
		&(struct double_fault){
			.kind = DOUBLE_ERROR_EVENT, .verb = DOUBLE_WATCH, .status = 500});
	double_end_watches(f->server, NULL);
	change_a_little(f);
	UNTIL(f, has_failed);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 1);
}

static void a_page_that_comes_too_late(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, 250);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.verb = DOUBLE_LIST,
					.page = 2,
					.status = 410,
					.count = 1,
					.token = true});
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(f->picture.ends, 1);
	assert_int_equal(status_of(f).expired, 1);
	double_clear_wrongs(f->server); /* a list in one piece is what it takes */
}

static void events_out_of_order_are_listed_anew(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_fault(f->server,
		&(struct double_fault){.kind = DOUBLE_REORDER, .verb = DOUBLE_WATCH, .count = 1});
	double_end_watches(f->server, NULL);
	delete_pod(f, "pod-3");
	put_pod(f, "pod-4");
	delete_pod(f, "pod-4");
	UNTIL(f, has_listed_twice);
	assert_int_equal(status_of(f).disordered, 1);
}

static void events_that_come_twice_count_once(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	double_fault(f->server,
		&(struct double_fault){.kind = DOUBLE_DUPLICATE, .verb = DOUBLE_WATCH, .count = 1});
	double_end_watches(f->server, NULL);
	change_a_little(f);
	UNTIL(f, is_settled);
	assert_int_equal(f->picture.ends, 1);
	assert_true(status_of(f).repeated >= 2);
	assert_int_equal(status_of(f).events, 3);
}

static void memory_that_ran_out_is_listed_anew(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	f->picture.no_memory = true;
	change_a_little(f);
	UNTIL(f, has_listed_twice);
}

/* The whole answer to a watch, an event a line. */
#define ANSWER(events) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" events
#define EVENT(type, metadata) \
	"{\"type\":\"" type   \
	"\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{" metadata "}}}\n"

static void answer_watches(struct fixture *f, const char *body, bool forever)
{
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_RAW,
					.verb = DOUBLE_WATCH,
					.forever = forever,
					.body = body});
}

/* Somebody who answers for the server must not make it have nothing. */
static void a_streamed_list_without_a_version_is_none(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_34);
	put_pods(f, 0, 10);
	answer_watches(f,
		ANSWER(EVENT(
			"BOOKMARK", "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}")),
		false);
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(f->picture.ends, 1);
	assert_int_equal(count_lists(f), 1); /* it came in pages */
}

/* An etcd that was restored is behind: what happens there has a version that was before. */
static void a_bookmark_of_the_past_is_listed(void **state)
{
	struct fixture *f = *state;

	begin(f, 10);
	answer_watches(f, ANSWER(EVENT("BOOKMARK", "\"resourceVersion\":\"1\"")), false);
	double_end_watches(f->server, NULL);
	UNTIL(f, has_listed_twice);
	assert_int_equal(status_of(f).disordered, 1);
}

static bool has_listed_six_times(struct fixture *f)
{
	return status_of(f).lists >= 6;
}

/* Lists are dear: one that does not help for long is not asked for again at once. */
static void lists_that_do_not_help_come_more_slowly(void **state)
{
	struct fixture *f = *state;
	uint64_t first, last;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	f->options.times.wait_max = 100000;
	put_pods(f, 0, 3);
	answer_watches(f,
		ANSWER(EVENT("DELETED",
			"\"name\":\"pod-1\",\"resourceVersion\":\"999999\"") "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n"),
		true);
	start(f);
	UNTIL(f, has_listed_six_times);
	first = double_request(f->server, 0)->at;
	last = double_request(f->server, double_requests(f->server) - 1)->at;
	/* Half of 20, 40, 80, 160 and 320 ms at least. */
	assert_true(last - first >= 310000000);
}

/* --- when the server is in trouble --- */

static void it_waits_as_long_as_it_is_told(void **state)
{
	struct fixture *f = *state;
	const struct double_request *first, *second;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, 3);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.verb = DOUBLE_LIST,
					.status = 429,
					.retry_after = 1});
	start(f);
	UNTIL(f, is_settled);
	first = double_request(f->server, 0);
	second = double_request(f->server, 1);
	assert_int_equal(first->status, 429);
	assert_true(second->at - first->at >= 990000000);
}

static void an_error_event_says_how_long_to_wait(void **state)
{
	struct fixture *f = *state;
	const struct double_request *first, *second;
	size_t n;

	begin(f, 10);
	double_fault(f->server,
		&(struct double_fault){.kind = DOUBLE_ERROR_EVENT,
			.verb = DOUBLE_WATCH,
			.body = "{\"kind\":\"Status\",\"code\":429,\"reason\":\"TooManyRequests\","
				"\"details\":{\"retryAfterSeconds\":1}}"});
	double_end_watches(f->server, NULL);
	UNTIL(f, has_failed);
	UNTIL(f, is_settled);
	n = double_requests(f->server);
	first = double_request(f->server, n - 2);
	second = double_request(f->server, n - 1);
	assert_true(second->at - first->at >= 990000000);
	assert_int_equal(count_lists(f), 1);
}

static bool has_failed_often(struct fixture *f)
{
	return status_of(f).failures == 7;
}

/* Half of what the wait has grown to is the least there is with jitter; loops count whole ms. */
static void it_waits_longer_each_time(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	f->options.times.wait_max = 100000;
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.verb = DOUBLE_LIST,
					.status = 500,
					.forever = true});
	start(f);
	UNTIL(f, has_failed_often);
	for (size_t i = 0; i < 6; i++) {
		uint64_t waited =
			double_request(f->server, i + 1)->at - double_request(f->server, i)->at;

		assert_true(waited >= ((20u << i) / 2 - 1) * 1000000ull);
	}
}

static void a_refusal_is_named(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, 3);
	double_forbid(f->server, "list", "pods", true);
	start(f);
	UNTIL(f, is_forbidden);
	assert_non_null(strstr(status_of(f).error, "cannot list resource \"pods\""));
	assert_int_equal(status_of(f).error_status, 403);
	assert_false(status_of(f).synced);
	double_forbid(f->server, "list", "pods", false);
	UNTIL(f, is_settled);
	assert_string_equal(status_of(f).error, "");
	double_forbid(f->server, "watch", "pods", true);
	double_end_watches(f->server, NULL);
	UNTIL(f, is_forbidden);
	assert_int_equal(f->picture.entries.n, 3);
	change_a_little(f);
	double_forbid(f->server, "watch", "pods", false);
	UNTIL(f, is_settled);
}

static void a_kind_may_come_later(void **state)
{
	static const struct double_kind kind = {"example.com", "v1", "widgets", "Widget", true};
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.path = "/apis/example.com/v1/widgets";
	start(f);
	UNTIL(f, is_absent);
	double_add_kind(f->server, &kind);
	picture_put(&f->expected, "shop", "w",
		double_put(f->server, "widgets", "shop", "w", "{\"spec\":{}}"));
	run_until(f, is_equal, "the widget");
	double_remove_kind(f->server, "widgets");
	UNTIL(f, is_absent);
	assert_int_equal(f->picture.entries.n, 1); /* what becomes of it is the caller's to say */
}

/* Each of these, in a list and in a watch, costs a try and nothing else. */
static const struct {
	const char *name;
	struct double_fault fault;
} troubles[] = {
	{"500", {.kind = DOUBLE_STATUS, .status = 500}},
	{"503 without a Status", {.kind = DOUBLE_STATUS, .status = 503, .body = "no"}},
	{"200 with nothing", {.kind = DOUBLE_STATUS, .status = 200, .body = ""}},
	{"200 with another kind",
		{.kind = DOUBLE_STATUS, .status = 200, .body = "{\"kind\":\"Status\"}"}},
	{"cut at once", {.kind = DOUBLE_CUT}},
	{"cut in the middle", {.kind = DOUBLE_CUT, .after = 700}},
	{"reset in the middle", {.kind = DOUBLE_CUT, .after = 700, .reset = true}},
	{"short of its length", {.kind = DOUBLE_CUT, .after = 700, .with_length = true}},
	{"garbage", {.kind = DOUBLE_GARBAGE, .body = "\x01{]"}},
	{"garbage later", {.kind = DOUBLE_GARBAGE, .after = 1, .body = "}}}}"}},
	{"no HTTP", {.kind = DOUBLE_RAW, .body = "SSH-2.0-OpenSSH_9.2\r\n"}},
	{"no headers", {.kind = DOUBLE_HANG}},
	{"nothing after headers", {.kind = DOUBLE_SILENT}},
};

static void trouble_costs_a_try(struct fixture *f, enum double_verb verb, size_t i)
{
	struct double_fault fault = troubles[i].fault;
	size_t number;

	fault.verb = verb;
	fault.path = PODS;
	number = double_fault(f->server, &fault);
	if (verb == DOUBLE_LIST) {
		double_compact(f->server, 0);
		put_pod(f, "before");
		double_compact(f->server, 0);
	}
	double_cut_all(f->server, false);
	put_pod(f, "pod-1");
	put_pod(f, "pod-2");
	run_until(f, is_settled, troubles[i].name);
	(void)number;
}

static void trouble_in_a_watch(void **state)
{
	struct fixture *f = *state;

	begin(f, 20);
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		uint64_t failures = status_of(f).failures;
		size_t number = double_requests(f->server);

		trouble_costs_a_try(f, DOUBLE_WATCH, i);
		if (status_of(f).failures == failures)
			fail_msg("%s: not noticed (%zu requests)", troubles[i].name,
				double_requests(f->server) - number);
		double_clear_faults(f->server);
	}
}

static void trouble_in_a_list(void **state)
{
	struct fixture *f = *state;

	begin(f, 150);
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		size_t number;
		struct double_fault fault = troubles[i].fault;

		fault.verb = DOUBLE_LIST;
		fault.path = PODS;
		number = double_fault(f->server, &fault);
		put_pod(f, "pod-1");
		tg_reflector_relist(f->reflector);
		put_pod(f, "pod-2");
		f->picture.ends = 1;
		run_until(f, has_listed_twice, troubles[i].name);
		if (double_fault_hits(f->server, number) == 0)
			fail_msg("%s: did not happen", troubles[i].name);
		assert_string_equal(status_of(f).error, "");
		double_clear_faults(f->server);
	}
}

static void a_slow_server_is_no_silent_one(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	f->options.times.list_silence = 200;
	put_pods(f, 0, 20);
	double_fault(f->server,
		&(struct double_fault){
			.kind = DOUBLE_DRIP, .verb = DOUBLE_LIST, .size = 200, .ms = 10});
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(status_of(f).failures, 0);
}

static void a_half_open_watch_is_noticed(void **state)
{
	struct fixture *f = *state;

	begin(f, 3);
	double_fault(
		f->server, &(struct double_fault){.kind = DOUBLE_SILENT, .verb = DOUBLE_WATCH});
	double_end_watches(f->server, NULL);
	put_pod(f, "unseen");
	UNTIL(f, has_failed);
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 1);
}

/* A server that went back in time says nothing until it has caught up. */
static void silence_again_and_again_is_listed(void **state)
{
	struct fixture *f = *state;

	f->options.times.silence = 100;
	begin(f, 3);
	double_fault(f->server,
		&(struct double_fault){.kind = DOUBLE_SILENT, .verb = DOUBLE_WATCH, .count = 3});
	double_end_watches(f->server, NULL);
	UNTIL(f, has_listed_twice);
	assert_int_equal(count_lists(f), 2);
}

static void a_large_object_is_named_and_the_others_are_read(void **state)
{
	struct fixture *f = *state;
	unsigned int oversized = 0;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, 30);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_OVERSIZED,
					.verb = DOUBLE_LIST,
					.after = 7,
					.size = 64 << 20});
	start(f);
	UNTIL(f, is_settled);
	for (size_t i = 0; i < f->picture.entries.n; i++)
		oversized += f->picture.entries.v[i].oversized;
	assert_int_equal(oversized, 1);
	assert_int_equal(status_of(f).oversized, 1);
}

static void a_stale_list_is_caught_up_with(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	put_pods(f, 0, 20);
	double_fault(f->server,
		&(struct double_fault){.kind = DOUBLE_STALE, .verb = DOUBLE_LIST, .after = 15});
	start(f);
	UNTIL(f, is_settled);
	assert_int_equal(f->picture.entries.n, 20);
}

static void a_list_without_an_end_is_given_up(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	f->options.page = 1;
	put_pods(f, 0, 3);
	double_fault(f->server,
		&(struct double_fault){
			.kind = DOUBLE_NEVER_ENDS, .verb = DOUBLE_LIST, .forever = true});
	start(f);
	UNTIL(f, is_waiting);
	assert_false(status_of(f).synced);
	double_clear_faults(f->server);
	UNTIL(f, is_settled);
	double_clear_wrongs(f->server);
}

static void events_without_bookmarks(void **state)
{
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	f->options.no_stream = true;
	double_fault(f->server,
		&(struct double_fault){
			.kind = DOUBLE_NO_BOOKMARKS, .verb = DOUBLE_WATCH, .forever = true});
	put_pods(f, 0, 5);
	start(f);
	UNTIL(f, is_settled);
	change_a_little(f);
	UNTIL(f, is_settled);
	UNTIL(f, has_failed); /* silence is given up */
	UNTIL(f, is_settled);
	assert_int_equal(count_lists(f), 1);
}

static void it_can_be_freed_in_any_state(void **state)
{
	static condition *const states[] = {is_watching, has_failed, is_forbidden};
	struct fixture *f = *state;

	start_server(f, DOUBLE_1_20);
	put_pods(f, 0, 120);
	f->options.no_stream = true;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		double_forbid(f->server, "list", "pods", states[i] == is_forbidden);
		if (states[i] == has_failed)
			double_fault(f->server,
				&(struct double_fault){
					.kind = DOUBLE_STATUS, .verb = DOUBLE_LIST, .status = 500});
		start(f);
		run_until(f, states[i], "its state");
		tg_reflector_free(f->reflector);
		tg_kube_client_free(f->client);
	}
	double_forbid(f->server, "list", "pods", false);
	start(f); /* and before it has begun */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_lists_in_pages_and_watches),
		TEST(an_empty_list_is_complete),
		TEST(lists_are_streamed_where_the_server_does),
		TEST(pages_serve_where_streams_are_refused),
		TEST(pages_serve_on_an_old_server),
		TEST(a_watch_that_ends_goes_on_where_it_was),
		TEST(bookmarks_keep_the_place),
		TEST(what_changed_unseen_is_listed),
		TEST(a_restarted_server_costs_no_list),
		TEST(an_error_event_of_410_lists),
		TEST(another_error_event_does_not),
		TEST(a_page_that_comes_too_late),
		TEST(events_out_of_order_are_listed_anew),
		TEST(a_streamed_list_without_a_version_is_none),
		TEST(a_bookmark_of_the_past_is_listed),
		TEST(lists_that_do_not_help_come_more_slowly),
		TEST(silence_again_and_again_is_listed),
		TEST(events_that_come_twice_count_once),
		TEST(memory_that_ran_out_is_listed_anew),
		TEST(it_waits_as_long_as_it_is_told),
		TEST(an_error_event_says_how_long_to_wait),
		TEST(it_waits_longer_each_time),
		TEST(a_refusal_is_named),
		TEST(a_kind_may_come_later),
		TEST(trouble_in_a_watch),
		TEST(trouble_in_a_list),
		TEST(a_slow_server_is_no_silent_one),
		TEST(a_half_open_watch_is_noticed),
		TEST(a_large_object_is_named_and_the_others_are_read),
		TEST(a_stale_list_is_caught_up_with),
		TEST(a_list_without_an_end_is_given_up),
		TEST(events_without_bookmarks),
		TEST(it_can_be_freed_in_any_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to servers that are right, and wrong in every way there is. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include <cmocka.h>

#include "api_server.h"

static const struct tg_kube_access plain;

static void expect(const struct heard *heard, int error, unsigned int status, const char *why)
{
	if (heard->result.error != error || heard->result.status != status ||
		strstr(heard->result.why, why) == NULL)
		fail_msg("%d, status %u: %s\n", heard->result.error, heard->result.status,
			heard->result.why);
	assert_int_equal(heard->result.why[0] == '\0', error == 0 && status / 100 == 2);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

/* --- answers --- */

static void an_answer(void **state)
{
	const struct heard *heard = call_once(&plain, "/hello");

	expect(heard, 0, 200, "");
	assert_string_equal(heard->body, "{\"hello\": \"world\"}");
	assert_int_equal(heard->begun, 1);
	assert_string_equal(heard->result.reason, "");
	assert_int_equal(heard->result.retry_after_ms, 0);
}

static void what_is_sent(void **state)
{
	struct tg_kube_access access = {.token = "TOKEN"};
	const struct tg_kube_request request = {.path = "/echo?a=%2F..&b", .accept = "x/y"};
	struct heard heard = {.call = NULL};
	char host[64];
	struct caller caller;

	expect(call_once(&access, "/echo"), 0, 200, "");
	caller_open(&caller, &access);
	caller_get(&caller, &heard, &request);
	caller_wait(&caller, &heard);
	caller_close(&caller);
	snprintf(host, sizeof(host), "\r\nHost: localhost:%u\r\n", api_server_port("server"));
	assert_int_equal(strncmp(heard.body, "GET /echo?a=%2F..&b HTTP/1.1\r\n", 30), 0);
	assert_non_null(strstr(heard.body, host));
	assert_non_null(strstr(heard.body, "\r\nAccept: x/y\r\n"));
	assert_non_null(strstr(heard.body, "\r\nAccept-Encoding: gzip\r\n"));
	assert_non_null(strstr(heard.body, "\r\nUser-Agent: tidegate-test\r\n"));
	assert_non_null(strstr(heard.body, "\r\nAuthorization: Bearer TOKEN\r\n"));
	assert_int_equal(count(heard.body, "\r\n"), 7);
}

static void a_path_before_the_path(void **state)
{
	char url[128];
	struct tg_kube_access access = {.server = url};

	snprintf(url, sizeof(url), "%s/k8s/clusters/c", api_server_url("server"));
	expect(call_once(&access, "/x/../y"), 0, 404, "404 page not found");
	assert_non_null(strstr(api_server_read("requests"), "\n/k8s/clusters/c/x/../y\n"));
}

static void statuses(void **state)
{
	static const struct {
		const char *path, *why, *reason;
		unsigned int status;
	} cases[] = {
		{"/forbidden",
			"HTTP status 403 Forbidden: pods is forbidden: User \"x\" cannot list",
			"Forbidden", 403},
		{"/expired", "HTTP status 410 Expired: too old resource version", "Expired", 410},
		{"/not-found", "HTTP status 404: 404 page not found", "", 404},
		{"/html", "HTTP status 502", "", 502},
		{"/redirect", "HTTP status 302: redirects are not followed", "", 302},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct heard *heard = call_once(&plain, cases[i].path);

		expect(heard, 0, cases[i].status, "");
		assert_string_equal(heard->result.why, cases[i].why);
		assert_string_equal(heard->result.reason, cases[i].reason);
		assert_int_equal(heard->begun, 0);
		assert_int_equal(heard->size, 0);
	}
}

static void redirects_are_not_followed(void **state)
{
	struct tg_kube_access access = {.token = "TOKEN"};
	size_t before = count(api_server_read("requests"), "/hello\n");

	expect(call_once(&access, "/redirect"), 0, 302, "redirect");
	assert_int_equal(count(api_server_read("requests"), "/hello\n"), before);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	const struct heard *heard = call_once(&plain, "/long-message");
	size_t n = strlen(heard->result.why);

	expect(heard, 0, 500, "HTTP status 500 InternalError: \xc3\xbc");
	assert_true(n >= TG_KUBE_WHY - 3 && n < TG_KUBE_WHY);
	assert_int_equal((unsigned char)heard->result.why[n - 1], 0xbc);
}

static void a_huge_error_ends(void **state)
{
	expect(call_once(&plain, "/huge-error"), 0, 500, "HTTP status 500: xxxx");
}

static void informational_and_empty_answers(void **state)
{
	const struct heard *heard = call_once(&plain, "/continued");

	expect(heard, 0, 200, "");
	assert_int_equal(heard->begun, 1);
	heard = call_once(&plain, "/empty");
	expect(heard, 0, 204, "");
	assert_int_equal(heard->begun, 1);
	assert_int_equal(heard->size, 0);
}

/* The example of RFC 9110 section 5.6.7. */
static void dates(void **state)
{
	assert_int_equal(call_once(&plain, "/dated")->result.date, 784111777);
	assert_int_equal(call_once(&plain, "/badly-dated")->result.date, 0);
	assert_int_equal(call_once(&plain, "/hello")->result.date, 0);
	assert_int_equal(call_once(&plain, "/no-answer")->result.date, 0);
}

static void retry_after(void **state)
{
	const struct heard *heard = call_once(&plain, "/retry-seconds");

	expect(heard, 0, 429, "HTTP status 429 TooManyRequests: slow down");
	assert_int_equal(heard->result.retry_after_ms, 7000);
	heard = call_once(&plain, "/retry-date");
	expect(heard, 0, 429, "HTTP status 429");
	assert_in_range(heard->result.retry_after_ms, 1000, 31000);
	heard = call_once(&plain, "/retry-past");
	expect(heard, 0, 503, "HTTP status 503");
	assert_int_equal(heard->result.retry_after_ms, 0);
	heard = call_once(&plain, "/retry-status");
	expect(heard, 0, 429, "slow down");
	assert_int_equal(heard->result.retry_after_ms, 3000);
}

static void compression(void **state)
{
	struct tg_kube_access access = {.uncompressed = true};
	const struct heard *heard = call_once(&plain, "/gzip");

	expect(heard, 0, 200, "");
	assert_int_equal(heard->size, 50000);
	assert_int_equal(strncmp(heard->body, "plainplain", 10), 0);
	heard = call_once(&access, "/gzip");
	expect(heard, 0, 200, "");
	assert_int_equal(heard->size, 50000);
	heard = call_once(&access, "/echo");
	assert_null(strstr(heard->body, "Accept-Encoding"));
	expect(call_once(&plain, "/bad-gzip"), -EPROTO, 200, "");
}

static void a_large_body(void **state)
{
	const struct heard *heard = call_once(&plain, "/big");

	expect(heard, 0, 200, "");
	assert_int_equal(heard->size, 1 << 20);
	for (size_t i = 0; i < sizeof(heard->body) - 1; i++)
		assert_int_equal((unsigned char)heard->body[i], i / 4096);
}

/* --- no answers --- */

static void cut_answers(void **state)
{
	static const struct {
		const char *path;
		int error;
		unsigned int status;
	} cases[] = {
		{"/cut-length", -ECONNRESET, 200},
		{"/cut-chunked", -ECONNRESET, 200},
		{"/cut-head", -ECONNRESET, 200},
		{"/no-answer", -ECONNRESET, 0},
		{"/garbage", -EPROTO, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct heard *heard = call_once(&plain, cases[i].path);

		if (heard->result.error != cases[i].error ||
			heard->result.status != cases[i].status)
			fail_msg("%s: %d, status %u: %s", cases[i].path, heard->result.error,
				heard->result.status, heard->result.why);
		assert_true(heard->result.why[0] != '\0');
	}
}

static void servers_that_are_none(void **state)
{
	static const struct {
		const char *server;
		int error;
	} cases[] = {
		{"refused", -ECONNREFUSED},
		{"reset", -ECONNRESET},
		{"talker", -EPROTO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_kube_access access = {.server = api_server_url(cases[i].server)};

		expect(call_once(&access, "/hello"), cases[i].error, 0, "");
	}
}

static void names_that_are_none(void **state)
{
	struct tg_kube_access access = {.server = "https://no.such.host.invalid:6443"};

	expect(call_once(&access, "/hello"), -EHOSTUNREACH, 0, "no.such.host.invalid");
}

/* --- TLS --- */

static void who_the_server_is(void **state)
{
	const struct {
		const char *server, *ca, *name;
		int error;
		const char *why;
	} cases[] = {
		{"server", "ca.crt", NULL, 0, ""},
		{"server", "server.crt", NULL, 0, ""}, /* pinned, as in Go */
		{"server", "other-ca.crt", NULL, -EKEYREJECTED, "certificate"},
		{"server", "ca.crt", "kube.example", -EKEYREJECTED, "kube.example"},
		{"named", "ca.crt", NULL, -EKEYREJECTED, "localhost"},
		{"named", "ca.crt", "kube.example", 0, ""},
		{"named", "ca.crt", "192.0.2.1", 0, ""},
		{"named", "ca.crt", "192.0.2.2", -EKEYREJECTED, "192.0.2.2"},
		{"named", "other-ca.crt", "kube.example", -EKEYREJECTED, "certificate"},
		{"expired", "ca.crt", NULL, -EKEYREJECTED, "expired"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_kube_access access = {.server = api_server_url(cases[i].server),
			.ca.file = api_server_path(cases[i].ca),
			.server_name = cases[i].name};

		expect(call_once(&access, "/hello"), cases[i].error, cases[i].error == 0 ? 200 : 0,
			cases[i].why);
	}
}

/* Before anything is said that is not for others. */
static void nothing_is_sent_to_a_stranger(void **state)
{
	struct tg_kube_access access = {
		.ca.file = api_server_path("other-ca.crt"), .token = "TOKEN"};
	size_t before = count(api_server_read("requests"), "\n");

	expect(call_once(&access, "/hello"), -EKEYREJECTED, 0, "certificate");
	assert_int_equal(count(api_server_read("requests"), "\n"), before);
}

static void insecure_is_insecure(void **state)
{
	struct tg_kube_access access = {.server = api_server_url("expired"), .insecure = true};

	expect(call_once(&access, "/hello"), 0, 200, "");
}

static void the_real_host_is_in_the_header(void **state)
{
	struct tg_kube_access access = {
		.server = api_server_url("named"), .server_name = "kube.example"};
	char host[64];
	const struct heard *heard = call_once(&access, "/echo");

	snprintf(host, sizeof(host), "\r\nHost: localhost:%u\r\n", api_server_port("named"));
	assert_non_null(strstr(heard->body, host));
	assert_null(strstr(heard->body, "kube.example"));
}

static void plain_http(void **state)
{
	char url[64];
	struct tg_kube_access access = {.server = url};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", api_server_port("plain"));
	expect(call_once(&access, "/hello"), 0, 200, "");
}

/* --- proxies --- */

/* The name is known to the proxy only, and the proxy sees nothing but where to. */
static void proxies(void **state)
{
	static const char *const kinds[][3] = {{"proxy", "http", "CONNECT api.invalid:"},
		{"socks", "socks5", "SOCKS api.invalid "}};

	for (size_t i = 0; i < 2; i++) {
		char proxy[128], server[64];
		struct tg_kube_access access = {.server = server,
			.proxy = proxy,
			.server_name = "localhost",
			.token = "TOKEN"};
		const struct heard *heard;

		snprintf(server, sizeof(server), "https://api.invalid:%u",
			api_server_port("server"));
		snprintf(proxy, sizeof(proxy), "%s://user:PASSWORD@localhost:%u", kinds[i][1],
			api_server_port(kinds[i][0]));
		heard = call_once(&access, "/echo");
		expect(heard, 0, 200, "");
		assert_non_null(strstr(heard->body, "Bearer TOKEN"));
		assert_null(strstr(heard->body, "Proxy-Authorization"));
		assert_non_null(strstr(api_server_read("proxied"), kinds[i][2]));
	}
	assert_non_null(strstr(api_server_read("proxied"), "Proxy-Authorization: Basic "));
	assert_null(strstr(api_server_read("proxied"), "TOKEN"));
}

static void proxies_that_do_not_let_us(void **state)
{
	char proxy[64];
	struct tg_kube_access access = {.proxy = proxy};

	snprintf(proxy, sizeof(proxy), "http://u:PASSWORD@localhost:%u",
		api_server_port("closed-proxy"));
	expect(call_once(&access, "/hello"), -EHOSTUNREACH, 0, "407");
	snprintf(
		proxy, sizeof(proxy), "http://u:PASSWORD@localhost:%u", api_server_port("refused"));
	expect(call_once(&access, "/hello"), -ECONNREFUSED, 0, "");
	strcpy(proxy, "http://u:PASSWORD@proxy.invalid");
	expect(call_once(&access, "/hello"), -EHOSTUNREACH, 0, "proxy.invalid");
	assert_null(strstr(call_once(&access, "/hello")->result.why, "PASSWORD"));
}

static void the_environment_does_not_decide(void **state)
{
	static const char *const names[] = {
		"https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"};
	char refused[64], proxy[64], server[64];
	struct tg_kube_access proxied = {
		.server = server, .proxy = proxy, .server_name = "localhost"};

	snprintf(refused, sizeof(refused), "http://localhost:%u", api_server_port("refused"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setenv(names[i], refused, 1);
	expect(call_once(&plain, "/hello"), 0, 200, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	setenv("no_proxy", "*", 1);
	snprintf(server, sizeof(server), "https://api.invalid:%u", api_server_port("server"));
	snprintf(proxy, sizeof(proxy), "http://localhost:%u", api_server_port("proxy"));
	expect(call_once(&proxied, "/hello"), 0, 200, "");
	unsetenv("no_proxy");
}

/* --- time --- */

static void run_limited(struct heard *heard, const struct tg_kube_access *access,
	const struct tg_kube_request *request)
{
	struct caller caller;

	caller_open(&caller, access);
	caller_get(&caller, heard, request);
	caller_wait(&caller, heard);
	caller_close(&caller);
}

static void silence(void **state)
{
	static const char *const paths[] = {"/mute", "/watch"};

	for (size_t i = 0; i < 2; i++) {
		struct heard heard = {.call = NULL};
		const struct tg_kube_request request = {.path = paths[i], .silence_ms = 700};

		run_limited(&heard, &plain, &request);
		expect(&heard, -ETIMEDOUT, i == 0 ? 0 : 200, "nothing was heard for 700 ms");
		assert_string_equal(heard.body, i == 0 ? "" : "event");
	}
}

static void the_whole_answer_has_its_time(void **state)
{
	struct heard heard = {.call = NULL};
	/* A drop every 10 ms is no silence. */
	const struct tg_kube_request request = {
		.path = "/drip", .silence_ms = 20000, .total_ms = 700};

	run_limited(&heard, &plain, &request);
	expect(&heard, -ETIMEDOUT, 200, "there was no complete answer within 700 ms");
	assert_true(heard.size > 0);
}

/* What came while the loop was busy was not silence. */
static void a_busy_loop_is_not_silence(void **state)
{
	struct heard heard = {.call = NULL};
	const struct tg_kube_request request = {.path = "/drip", .silence_ms = 1000};
	struct caller caller;

	caller_open(&caller, &plain);
	caller_get(&caller, &heard, &request);
	while (heard.begun == 0)
		uv_run(&caller.loop, UV_RUN_ONCE);
	for (int i = 0; i < 2; i++) {
		size_t before = heard.size;
		struct timespec busy = {.tv_sec = 1, .tv_nsec = 100000000};

		nanosleep(&busy, NULL);
		while (heard.done == 0 && heard.size == before)
			uv_run(&caller.loop, UV_RUN_ONCE);
	}
	if (heard.done != 0)
		fail_msg("%s", heard.result.why);
	caller_close(&caller);
}

static void connecting_has_its_time(void **state)
{
	struct tg_kube_access access = {.server = api_server_url("silent")};
	const struct tg_kube_request request = {.path = "/hello"};
	struct heard heard = {.call = NULL};
	struct caller caller;

	caller_open(&caller, &access);
	tg_kube_client_free(caller.client);
	caller.options.connect_ms = 200;
	assert_int_equal(tg_kube_client_create(&caller.loop, &caller.options, &caller.client), 0);
	caller_get(&caller, &heard, &request);
	caller_wait(&caller, &heard);
	caller_close(&caller);
	expect(&heard, -ETIMEDOUT, 0, "");
}

/* --- stopping --- */

static int stop(struct heard *heard)
{
	return 1;
}

static void a_handler_stops_its_call(void **state)
{
	struct heard heard = {.on_data = stop};
	const struct tg_kube_request request = {.path = "/drip"};

	run_limited(&heard, &plain, &request);
	expect(&heard, -ECANCELED, 200, "stopped");
	assert_string_equal(heard.body, "drop");
}

static void cancel(struct heard *heard)
{
	tg_kube_call_cancel(heard->call);
	heard->call = NULL;
}

static int cancel_on_data(struct heard *heard)
{
	cancel(heard);
	return 0;
}

static void free_client(struct heard *heard)
{
	tg_kube_client_free(heard->caller->client);
	heard->caller->client = NULL;
}

static int free_client_on_data(struct heard *heard)
{
	free_client(heard);
	return 0;
}

/* Another call that goes on, and one that is cancelled before it has begun. */
static struct heard others[2];

static void get_another(struct heard *heard, struct heard *other)
{
	static struct heard never;
	const struct tg_kube_request request = {.path = "/hello"};

	caller_get(heard->caller, &never, &request);
	tg_kube_call_cancel(never.call);
	memset(other, 0, sizeof(*other));
	caller_get(heard->caller, other, &request);
	assert_int_equal(never.done, 0);
}

static void get_first(struct heard *heard)
{
	get_another(heard, &others[0]);
}

static void get_second(struct heard *heard)
{
	get_another(heard, &others[1]);
}

/* The loop is run until `marker`, another call, is done: time enough for what should not come. */
static void run_marker(struct caller *caller)
{
	const struct tg_kube_request request = {.path = "/hello"};
	struct heard marker = {.call = NULL};

	caller_get(caller, &marker, &request);
	caller_wait(caller, &marker);
	expect(&marker, 0, 200, "");
}

static void cancelled_in_its_handler(void **state)
{
	static const struct {
		void (*on_begin)(struct heard *heard);
		int (*on_data)(struct heard *heard);
	} cases[] = {{cancel, NULL}, {NULL, cancel_on_data}};

	for (size_t i = 0; i < 2; i++) {
		struct heard heard = {.on_begin = cases[i].on_begin, .on_data = cases[i].on_data};
		const struct tg_kube_request request = {.path = "/drip"};
		struct caller caller;

		caller_open(&caller, &plain);
		caller_get(&caller, &heard, &request);
		while (heard.call != NULL)
			uv_run(&caller.loop, UV_RUN_ONCE);
		run_marker(&caller);
		assert_int_equal(heard.begun, 1);
		assert_int_equal(heard.done, 0);
		assert_int_equal(heard.size, i == 0 ? 0 : 4);
		caller_close(&caller);
	}
}

static void cancelled_from_outside(void **state)
{
	static const char *const paths[] = {"/hello", "/watch", "/mute"};

	for (size_t i = 0; i < 3; i++) {
		struct heard heard = {.call = NULL};
		const struct tg_kube_request request = {.path = paths[i]};
		struct caller caller;

		caller_open(&caller, &plain);
		caller_get(&caller, &heard, &request);
		while (i == 1 && heard.size == 0)
			uv_run(&caller.loop, UV_RUN_ONCE);
		tg_kube_call_cancel(heard.call);
		run_marker(&caller);
		assert_int_equal(heard.done, 0);
		caller_close(&caller);
	}
	assert_non_null(strstr(api_server_read("requests"), "hung up /watch\n"));
}

static void the_client_is_freed_in_each_handler(void **state)
{
	static const struct {
		void (*on_begin)(struct heard *heard);
		int (*on_data)(struct heard *heard);
		void (*on_done)(struct heard *heard);
	} cases[] = {{free_client, NULL, NULL}, {NULL, free_client_on_data, NULL},
		{NULL, NULL, free_client}};

	for (size_t i = 0; i < 3; i++) {
		struct heard heard = {.on_begin = cases[i].on_begin,
				     .on_data = cases[i].on_data,
				     .on_done = cases[i].on_done},
			     other = {.call = NULL};
		const struct tg_kube_request request = {.path = "/hello"}, watch = {"/watch"};
		struct caller caller;

		caller_open(&caller, &plain);
		caller_get(&caller, &other, &watch);
		caller_get(&caller, &heard, &request);
		uv_run(&caller.loop, UV_RUN_DEFAULT);
		assert_null(caller.client);
		assert_int_equal(heard.done, i == 2);
		assert_int_equal(other.done, 0);
		caller_close(&caller);
	}
}

static void calls_are_made_in_handlers(void **state)
{
	struct heard heard = {.on_begin = get_first, .on_done = get_second};
	const struct tg_kube_request request = {.path = "/hello"};
	struct caller caller;

	caller_open(&caller, &plain);
	caller_get(&caller, &heard, &request);
	caller_wait(&caller, &heard);
	expect(&heard, 0, 200, "");
	for (size_t i = 0; i < 2; i++) {
		caller_wait(&caller, &others[i]);
		expect(&others[i], 0, 200, "");
	}
	caller_close(&caller);
}

static void the_client_is_freed_at_any_time(void **state)
{
	for (int n = 0; n < 12; n++) {
		struct heard heard[3] = {{.call = NULL}};
		const struct tg_kube_request requests[3] = {{"/hello"}, {"/watch"}, {"/big"}};
		struct caller caller;

		caller_open(&caller, &plain);
		for (int i = 0; i < 3; i++)
			caller_get(&caller, &heard[i], &requests[i]);
		for (int i = 0; i < n; i++)
			uv_run(&caller.loop, UV_RUN_NOWAIT);
		caller_close(&caller);
		assert_int_equal(heard[1].done, 0);
	}
}

/* --- many --- */

#define MANY 100

static void many_at_a_time(void **state)
{
	static struct heard heard[MANY];
	const struct tg_kube_request request = {.path = "/hello"}, watch = {.path = "/watch"};
	struct tg_kube_client_stats stats;
	struct caller caller;

	memset(heard, 0, sizeof(heard));
	caller_open(&caller, &plain);
	for (size_t i = 0; i < MANY; i++)
		caller_get(&caller, &heard[i], i % 2 == 0 ? &request : &watch);
	for (size_t i = 0; i < MANY; i++)
		while (i % 2 == 0 ? heard[i].done == 0 : heard[i].size == 0)
			uv_run(&caller.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < MANY; i += 2)
		expect(&heard[i], 0, 200, "");
	tg_kube_client_stats(caller.client, &stats);
	assert_int_equal(stats.requests, MANY);
	assert_int_equal(stats.connections, MANY);
	assert_int_equal(stats.bytes, MANY / 2 * (18 + 5));
	/* What is done leaves its connection to who comes next. */
	run_marker(&caller);
	tg_kube_client_stats(caller.client, &stats);
	assert_int_equal(stats.connections, MANY);
	assert_int_equal(stats.tls_failures, 0);
	caller_close(&caller);
}

static void failures_are_counted(void **state)
{
	struct tg_kube_access access = {.ca.file = api_server_path("other-ca.crt")};
	struct heard heard = {.call = NULL};
	const struct tg_kube_request request = {.path = "/hello"};
	struct tg_kube_client_stats stats;
	struct caller caller;

	caller_open(&caller, &access);
	caller_get(&caller, &heard, &request);
	caller_wait(&caller, &heard);
	tg_kube_client_stats(caller.client, &stats);
	assert_int_equal(stats.tls_failures, 1);
	assert_int_equal(stats.requests, 1);
	caller_close(&caller);
}

/*
 * What the system trusts counts where there is no CA, and does not besides one. The last test, as
 * it puts something in the place of /etc/ssl/certs for itself.
 */
static void what_the_system_trusts(void **state)
{
	struct tg_kube_access access = {.ca.file = ""};
	const char *roots = api_server_path("roots");

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount(roots, "/etc/ssl/certs", NULL, MS_BIND, NULL) != 0)
		skip();
	expect(call_once(&access, "/hello"), 0, 200, "");
	access.ca.file = api_server_path("other-ca.crt");
	expect(call_once(&access, "/hello"), -EKEYREJECTED, 0, "certificate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer),
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(a_path_before_the_path),
		cmocka_unit_test(statuses),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(a_huge_error_ends),
		cmocka_unit_test(informational_and_empty_answers),
		cmocka_unit_test(dates),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(compression),
		cmocka_unit_test(a_large_body),
		cmocka_unit_test(cut_answers),
		cmocka_unit_test(servers_that_are_none),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(who_the_server_is),
		cmocka_unit_test(nothing_is_sent_to_a_stranger),
		cmocka_unit_test(insecure_is_insecure),
		cmocka_unit_test(the_real_host_is_in_the_header),
		cmocka_unit_test(plain_http),
		cmocka_unit_test(proxies),
		cmocka_unit_test(proxies_that_do_not_let_us),
		cmocka_unit_test(the_environment_does_not_decide),
		cmocka_unit_test(silence),
		cmocka_unit_test(the_whole_answer_has_its_time),
		cmocka_unit_test(a_busy_loop_is_not_silence),
		cmocka_unit_test(connecting_has_its_time),
		cmocka_unit_test(a_handler_stops_its_call),
		cmocka_unit_test(cancelled_in_its_handler),
		cmocka_unit_test(cancelled_from_outside),
		cmocka_unit_test(the_client_is_freed_in_each_handler),
		cmocka_unit_test(calls_are_made_in_handlers),
		cmocka_unit_test(the_client_is_freed_at_any_time),
		cmocka_unit_test(many_at_a_time),
		cmocka_unit_test(failures_are_counted),
		cmocka_unit_test(what_the_system_trusts),
	};

	return cmocka_run_group_tests(tests, api_server_start, api_server_stop);
}

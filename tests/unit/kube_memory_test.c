/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory runs out at each of the client's own allocations in turn: it says so, every call ends, and
 * nothing is left behind (the sanitized build looks). The linker wraps the allocators.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_server.h"
#include "scarce.h"

#define CONFIG(name)                                                                     \
	"current-context: c\n"                                                           \
	"contexts: [{name: c, context: {cluster: a, user: u}}]\n"                        \
	"clusters: [{name: a, cluster: {server: 'https://h', proxy-url: 'http://p',\n"   \
	"  tls-server-name: " name ", certificate-authority: ca.crt, extensions:\n"      \
	"  [{name: client.authentication.k8s.io/exec, extension: {a: [1]}}]}}]\n"        \
	"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1,\n" \
	"  command: ./c, args: [a, b], env: [{name: A, value: b}],\n"                    \
	"  interactiveMode: Never, installHint: x}}}]\n"

/* A file that is refused is not accepted for want of memory. */
static void a_kubeconfig(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = {{CONFIG("kube"), 0}, {CONFIG("a/b"), -EINVAL}, {CONFIG("7"), -EINVAL}};
	static const struct tg_kube_access_options options;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool failed = true;

		for (uint64_t n = 1; failed; n++) {
			struct tg_kube_access *access = NULL;
			char *error;
			int err;

			scarce_begin(n);
			err = tg_kube_access_parse(&options, "/x/y", cases[i].text,
				strlen(cases[i].text), &access, &error);
			failed = scarce_end();
			if (err != cases[i].expected)
				assert_true(failed && err == -ENOMEM);
			assert_int_equal(err == 0, access != NULL);
			assert_int_equal(err == -EINVAL, error != NULL);
			free(error);
			tg_kube_access_free(access);
		}
	}
}

/* Where memory was short the call says so, or what libcurl made of it; the next call is fine. */
static void check_call(
	struct caller *caller, const char *path, unsigned int status, uint64_t n, bool *failed)
{
	const struct tg_kube_request request = {.path = path, .accept = "a/b"};
	struct heard heard = {.call = NULL}, next = {.call = NULL};
	bool made;

	scarce_begin(n);
	made = caller_try(caller, &heard, &request);
	if (made)
		caller_wait(caller, &heard);
	*failed = scarce_end();
	if (made && heard.result.error == 0)
		assert_int_equal(heard.result.status, status);
	else
		assert_true(*failed);
	caller_get(caller, &next, &request);
	caller_wait(caller, &next);
	assert_int_equal(next.result.error, 0);
	assert_int_equal(next.result.status, status);
}

static void calls(void **state)
{
	static const struct {
		const char *path;
		unsigned int status;
	} cases[] = {{"/hello", 200}, {"/auth", 401}};
	struct tg_kube_access access = {
		.token_file = api_server_path("token"), .server_name = "localhost"};

	api_server_write("token", "SECRET");
	api_server_write("accepted", "nobody");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool failed = true;

		for (uint64_t n = 1; failed; n++) {
			struct caller caller;

			caller_open(&caller, &access);
			check_call(&caller, cases[i].path, cases[i].status, n, &failed);
			caller_close(&caller);
		}
	}
}

static void a_client(void **state)
{
	const struct tg_kube_access access = {.server = "https://h"};
	const struct tg_kube_client_options options = {.access = &access, .agent = "x"};
	bool failed = true;

	for (uint64_t n = 1; failed; n++) {
		struct tg_kube_client *client = NULL;
		uv_loop_t loop;
		int err;

		uv_loop_init(&loop);
		scarce_begin(n);
		err = tg_kube_client_create(&loop, &options, &client);
		failed = scarce_end();
		assert_int_equal(err, failed ? -ENOMEM : 0);
		tg_kube_client_free(client);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kubeconfig),
		cmocka_unit_test(a_client),
		cmocka_unit_test(calls),
	};

	return cmocka_run_group_tests(tests, api_server_start, api_server_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens, passwords, certificates and exec plugins: what a server gets of them, and when. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_server.h"
#include "token.h"
#include "exec.h"

#define V1 "client.authentication.k8s.io/v1"

static const struct tg_kube_request auth = {.path = "/auth"};

static void expect(const struct heard *heard, int error, unsigned int status, const char *why)
{
	if (heard->result.error != error || heard->result.status != status ||
		strstr(heard->result.why, why) == NULL)
		fail_msg("%d, status %u: %s\n", heard->result.error, heard->result.status,
			heard->result.why);
	assert_null(strstr(heard->result.why, "SECRET"));
	assert_null(strstr(heard->result.reason, "SECRET"));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static size_t requests(void)
{
	return count(api_server_read("requests"), "\n");
}

/* A call on a client that there is: how it went. */
static const struct heard *call(struct caller *caller, const struct tg_kube_request *request)
{
	static struct heard heard;

	memset(&heard, 0, sizeof(heard));
	caller_get(caller, &heard, request);
	caller_wait(caller, &heard);
	return &heard;
}

static struct tg_kube_client_stats stats_of(const struct caller *caller)
{
	struct tg_kube_client_stats stats;

	tg_kube_client_stats(caller->client, &stats);
	return stats;
}

/* --- tokens and passwords --- */

static void a_password(void **state)
{
	struct tg_kube_access access = {.username = "Aladdin", .password = "open sesame"};

	api_server_write("accepted", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	expect(call_once(&access, "/auth"), 0, 200, "");
}

/* What cannot become other credentials is not tried twice. */
static void a_token_that_is_not_accepted(void **state)
{
	struct tg_kube_access access = {.token = "SECRET"};
	size_t before = requests();
	const struct heard *heard;

	api_server_write("accepted", "Bearer OTHER");
	heard = call_once(&access, "/auth");
	expect(heard, 0, 401, "HTTP status 401 Unauthorized: Unauthorized");
	assert_string_equal(heard->result.reason, "Unauthorized");
	assert_int_equal(heard->begun, 0);
	assert_int_equal(requests(), before + 1);
	access = (struct tg_kube_access){.token_file = api_server_path("token")};
	api_server_write("token", "SECRET\n");
	expect(call_once(&access, "/auth"), 0, 401, "Unauthorized");
	assert_int_equal(requests(), before + 2);
}

static void a_token_rotates_between_calls(void **state)
{
	struct tg_kube_access access = {.token_file = api_server_path("token")};
	struct caller caller;
	size_t before = requests();

	api_server_write("token", " SECRET-1\n");
	api_server_write("accepted", "Bearer SECRET-1");
	caller_open(&caller, &access);
	expect(call(&caller, &auth), 0, 200, "");
	expect(call(&caller, &auth), 0, 200, "");
	assert_int_equal(stats_of(&caller).credentials_read, 2); /* ca.crt and it */
	api_server_write("token", "SECRET-2");
	api_server_write("accepted", "Bearer SECRET-2");
	expect(call(&caller, &auth), 0, 200, "");
	assert_int_equal(stats_of(&caller).credentials_read, 3);
	assert_int_equal(requests(), before + 3);
	caller_close(&caller);
}

static void a_token_rotates_during_a_call(void **state)
{
	struct tg_kube_access access = {.token_file = api_server_path("token")};
	size_t before = requests();
	const struct heard *heard;

	api_server_write("token", "SECRET-1");
	api_server_write("next", "SECRET-2");
	api_server_write("accepted", "Bearer SECRET-2");
	heard = call_once(&access, "/rotate");
	expect(heard, 0, 200, "");
	assert_string_equal(heard->body, "welcome");
	assert_int_equal(requests(), before + 2);
	/* Once only. */
	api_server_write("next", "SECRET-3");
	api_server_write("accepted", "Bearer SECRET-4");
	expect(call_once(&access, "/rotate"), 0, 401, "Unauthorized");
	assert_int_equal(requests(), before + 4);
}

static void a_token_file_that_is_not_there(void **state)
{
	struct tg_kube_access access = {.token_file = api_server_path("nothing")};
	size_t before = requests();
	struct caller caller;

	api_server_write("accepted", "Bearer SECRET");
	caller_open(&caller, &access);
	expect(call(&caller, &auth), -EACCES, 0, "/nothing: No such file or directory");
	assert_int_equal(requests(), before);
	api_server_write("nothing", "SECRET SECRET");
	expect(call(&caller, &auth), -EACCES, 0, "/nothing: expected a token");
	api_server_write("nothing", "SECRET");
	expect(call(&caller, &auth), 0, 200, "");
	/* What it had lasts. */
	unlink(api_server_path("nothing"));
	expect(call(&caller, &auth), 0, 200, "");
	caller_close(&caller);
	access.token = "SECRET";
	expect(call_once(&access, "/auth"), 0, 200, "");
}

/* RFC 7519 section 3.1 has the first one; the second needs the URL-safe alphabet. */
static void tokens_that_say_when_they_expire(void **state)
{
	static const struct {
		const char *token;
		int64_t expires_at;
	} cases[] = {
		{"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz"
		 "ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP",
			1300819380},
		{"e30.eyJleHAiOjIwMDAwMDAwMDAsImEiOiLfv9-_77-_In0.x", 2000000000},
		{"e30.e30.x", 0},
		{"e30.bm8ganNvbg.x", 0},
		{"e30.*.x", 0},
		{"e30.e30", 0},
		{"SECRET", 0},
	};
	struct tg_kube_access access = {.token_file = api_server_path("dated-token")};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tg_kube_access direct = {.token = cases[i].token};

		assert_int_equal(tg_kube_token_expires_at(&direct), cases[i].expires_at);
	}
	/* The file counts, as long as it can be read. */
	access.token = cases[1].token;
	assert_int_equal(tg_kube_token_expires_at(&access), cases[1].expires_at);
	api_server_write("dated-token", cases[0].token);
	assert_int_equal(tg_kube_token_expires_at(&access), cases[0].expires_at);
	assert_int_equal(tg_kube_token_expires_at(&(struct tg_kube_access){0}), 0);
}

static void a_server_that_repeats_what_it_was_told(void **state)
{
	struct tg_kube_access access = {.token = "SECRET"};

	expect(call_once(&access, "/leak"), 0, 400,
		"HTTP status 400 BadRequest: (what it says has our credentials in it)");
	access = (struct tg_kube_access){.username = "u", .password = "SECRET"};
	expect(call_once(&access, "/leak"), 0, 400, "(what it says has our credentials in it)");
}

/* --- certificates --- */

static void our_certificate(void **state)
{
	const struct {
		const char *certificate, *key;
		int error;
	} cases[] = {
		{"client.crt", "client.key", 0},
		{NULL, NULL, -EKEYREJECTED},
		{"stranger.crt", "stranger.key", -EKEYREJECTED},
		{"client.crt", "server.key", -EKEYREJECTED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_kube_access access = {.server = api_server_url("mutual")};

		if (cases[i].certificate != NULL) {
			access.certificate.file = api_server_path(cases[i].certificate);
			access.key.file = api_server_path(cases[i].key);
		}
		expect(call_once(&access, "/hello"), cases[i].error, cases[i].error == 0 ? 200 : 0,
			"");
	}
}

static void our_certificate_as_text(void **state)
{
	char *certificate = strdup(api_server_read("client.crt"));
	char *key = strdup(api_server_read("client.key")), *ca = strdup(api_server_read("ca.crt"));
	struct tg_kube_access access = {.server = api_server_url("mutual"),
		.certificate.text = certificate,
		.key.text = key,
		.ca.text = ca};
	struct caller caller;
	time_t now = time(NULL);

	caller_open(&caller, &access);
	assert_int_equal(stats_of(&caller).certificate_expires_at, 0);
	expect(call(&caller, &(struct tg_kube_request){"/hello"}), 0, 200, "");
	assert_in_range(
		stats_of(&caller).certificate_expires_at, now + 29 * 86400, now + 30 * 86400);
	assert_int_equal(stats_of(&caller).credentials_read, 0);
	caller_close(&caller);
	free(certificate);
	free(key);
	free(ca);
}

/* A connection of the old certificate is not used any more: the server knows us by it. */
static void our_certificate_rotates(void **state)
{
	struct tg_kube_access access = {.server = api_server_url("mutual"),
		.certificate.file = api_server_path("own.crt"),
		.key.file = api_server_path("own.key")};
	const struct tg_kube_request hello = {"/hello"};
	struct caller caller;

	api_server_write("own.crt", api_server_read("client.crt"));
	api_server_write("own.key", api_server_read("client.key"));
	caller_open(&caller, &access);
	expect(call(&caller, &hello), 0, 200, "");
	expect(call(&caller, &hello), 0, 200, "");
	assert_int_equal(stats_of(&caller).connections, 1);
	api_server_write("own.crt", api_server_read("server.crt"));
	api_server_write("own.key", api_server_read("server.key"));
	expect(call(&caller, &hello), 0, 200, "");
	assert_int_equal(stats_of(&caller).connections, 2);
	api_server_write("own.crt", api_server_read("stranger.crt"));
	api_server_write("own.key", api_server_read("stranger.key"));
	expect(call(&caller, &hello), -EKEYREJECTED, 0, "alert");
	/* An encrypted key is refused, not asked about. */
	api_server_write("own.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
	caller_close(&caller);
	expect(call_once(&access, "/hello"), -EACCES, 0, "without a passphrase");
}

/* --- exec plugins --- */

#define STATUS(fields) \
	"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{" fields "}}"

/* A script that prints the certificate and key named $who. */
#define PRINT_PAIR                                                                       \
	"json() { awk '{printf \"%s\\\\n\", $0}' $1; }\n"                                \
	"printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{'\n" \
	"printf '\"clientCertificateData\":\"%s\",' \"$(json $who.crt)\"\n"              \
	"printf '\"clientKeyData\":\"%s\"}}' \"$(json $who.key)\"\n"

static const char *const no_env[] = {NULL};

/* A script of the folder, which notes each run. */
struct plugin {
	char path[128];
	const char *argv[4];
	struct tg_kube_exec exec;
};

static void plugin_write(struct plugin *plugin, const char *script)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho run >>runs\n%s\n",
		script);
	api_server_write("plugin", text);
	memset(plugin, 0, sizeof(*plugin));
	strcpy(plugin->path, api_server_path("plugin"));
	assert_int_equal(chmod(plugin->path, 0755), 0);
	unlink(api_server_path("runs"));
	plugin->argv[0] = plugin->path;
	plugin->exec =
		(struct tg_kube_exec){.api_version = V1, .argv = plugin->argv, .env = no_env};
}

static size_t runs(void)
{
	return count(api_server_read("runs"), "run\n");
}

static void a_plugin_gives_a_token(void **state)
{
	struct plugin plugin;
	struct tg_kube_access access = {.exec = &plugin.exec};
	struct heard heard[3] = {{.call = NULL}};
	struct caller caller;

	plugin_write(&plugin, "echo '" STATUS("\"token\":\"SECRET\"") "'");
	api_server_write("accepted", "Bearer SECRET");
	caller_open(&caller, &access);
	/* One run for all who wait, and for who comes later. */
	for (size_t i = 0; i < 3; i++)
		caller_get(&caller, &heard[i], &auth);
	for (size_t i = 0; i < 3; i++) {
		caller_wait(&caller, &heard[i]);
		expect(&heard[i], 0, 200, "");
	}
	expect(call(&caller, &auth), 0, 200, "");
	assert_int_equal(runs(), 1);
	assert_int_equal(stats_of(&caller).exec_runs, 1);
	caller_close(&caller);
}

static void what_a_plugin_is_told(void **state)
{
	static const char *const env[] = {"TG_TEST=plugin's", "TG_NEW=new", NULL};
	struct plugin plugin;
	struct tg_kube_access access = {.server_name = "localhost", .exec = &plugin.exec};
	char expected[256];
	const char *info;

	plugin_write(&plugin,
		"printf '%s\\n' \"$TG_TEST\" \"$TG_NEW\" \"$TG_OURS\" \"$1\" \"$2\" >told\n"
		"printf %s \"$KUBERNETES_EXEC_INFO\" >info\n"
		"cat >stdin\n"
		"echo '" STATUS("\"token\":\"SECRET\"") "'");
	plugin.argv[1] = "a b";
	plugin.argv[2] = "";
	plugin.exec.env = env;
	setenv("TG_TEST", "ours", 1);
	setenv("TG_OURS", "ours", 1);
	api_server_write("accepted", "Bearer SECRET");
	expect(call_once(&access, "/auth"), 0, 200, "");
	assert_string_equal(api_server_read("told"), "plugin's\nnew\nours\na b\n\n");
	assert_string_equal(api_server_read("stdin"), "");
	assert_string_equal(api_server_read("info"),
		"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		"\",\"spec\":{\"interactive\":false}}");

	plugin.exec.provide_cluster_info = true;
	plugin.exec.cluster_config = "{\"audience\":1}";
	expect(call_once(&access, "/auth"), 0, 200, "");
	info = api_server_read("info");
	snprintf(expected, sizeof(expected),
		"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		"\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"%s\","
		"\"tls-server-name\":\"localhost\",\"certificate-authority-data\":\"LS0tLS1CRUdJTiB",
		api_server_url("server"));
	assert_int_equal(strncmp(info, expected, strlen(expected)), 0);
	assert_non_null(strstr(info, "\",\"config\":{\"audience\":1}}}}"));
	unsetenv("TG_TEST");
	unsetenv("TG_OURS");
}

/* It gets no connection of ours. */
static void what_a_plugin_inherits(void **state)
{
	struct plugin plugin;
	struct tg_kube_access access = {.exec = &plugin.exec};
	const struct tg_kube_request watch = {"/watch"};
	struct heard heard = {.call = NULL};
	struct caller caller;

	plugin_write(&plugin, "ls -l /proc/$$/fd >fds\n"
			      "for i in $(sed -n 's/.*socket:.\\([0-9]*\\).*/\\1/p' fds); do\n"
			      "grep \" $i \" /proc/net/tcp >>inherited\ndone\n"
			      "echo '" STATUS("\"token\":\"OLD\"") "'");
	api_server_write("accepted", "Bearer SECRET");
	caller_open(&caller, &access);
	caller_get(&caller, &heard, &watch);
	while (heard.size == 0)
		uv_run(&caller.loop, UV_RUN_ONCE);
	expect(call(&caller, &auth), 0, 401, "Unauthorized");
	assert_int_equal(runs(), 2);
	assert_int_equal(count(api_server_read("fds"), " -> socket:") > 0, 1); /* its output */
	assert_string_equal(api_server_read("inherited"), "");
	caller_close(&caller);
}

static void a_plugin_gives_a_certificate(void **state)
{
	struct plugin plugin;
	struct tg_kube_access access = {.server = api_server_url("mutual"), .exec = &plugin.exec};

	plugin_write(&plugin, "who=client\n" PRINT_PAIR);
	expect(call_once(&access, "/hello"), 0, 200, "");
}

/* Rejected by TLS or HTTP, it is run once more, and what it gives then counts. */
static void a_plugin_is_asked_again(void **state)
{
	struct plugin plugin;
	struct tg_kube_access access = {.exec = &plugin.exec};
	size_t before = requests();

	plugin_write(&plugin, "n=$(wc -l <runs)\necho '" STATUS("\"token\":\"SECRET-'$n'\"") "'");
	api_server_write("accepted", "Bearer SECRET-2");
	expect(call_once(&access, "/auth"), 0, 200, "");
	assert_int_equal(runs(), 2);
	api_server_write("accepted", "Bearer never");
	expect(call_once(&access, "/auth"), 0, 401, "Unauthorized");
	assert_int_equal(runs(), 4);
	assert_int_equal(requests(), before + 4);

	access.server = api_server_url("mutual");
	plugin_write(&plugin,
		"if [ $(wc -l <runs) = 1 ]; then who=stranger; else who=client; fi\n" PRINT_PAIR);
	expect(call_once(&access, "/hello"), 0, 200, "");
	assert_int_equal(runs(), 2);
}

static void what_a_plugin_gave_expires(void **state)
{
	struct plugin plugin;
	struct tg_kube_access access = {.exec = &plugin.exec};
	struct caller caller;

	plugin_write(&plugin,
		"at=$(date -u -d '4 seconds' +%Y-%m-%dT%H:%M:%SZ)\n"
		"echo '" STATUS("\"token\":\"SECRET\",\"expirationTimestamp\":\"'$at'\"") "'");
	api_server_write("accepted", "Bearer SECRET");
	caller_open(&caller, &access);
	expect(call(&caller, &auth), 0, 200, "");
	while (runs() < 2)
		expect(call(&caller, &auth), 0, 200, "");
	assert_int_equal(stats_of(&caller).exec_runs, 2);
	caller_close(&caller);
}

static void plugins_that_fail(void **state)
{
	static const struct {
		const char *script, *why;
	} cases[] = {
		{"echo SECRET; exit 3", " exited with 3"},
		{"kill -9 $$", " was ended by signal 9"},
		{"", " printed something else than an ExecCredential"},
		{"echo SECRET", " printed something else than an ExecCredential"},
		{"echo '{\"token\": *SECRET}'", " printed something else than an ExecCredential"},
		{"yes SECRET", " printed too much"},
		{"echo '" STATUS("\"token\":\"SECRET\",\"expirationTimestamp\":"
				 "\"2020-01-01T00:00:00Z\"") "'",
			" gave credentials that have expired"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plugin plugin;
		struct tg_kube_access access = {.exec = &plugin.exec};
		size_t before = requests();
		char expected[256];

		plugin_write(&plugin, cases[i].script);
		snprintf(expected, sizeof(expected), "exec plugin %s%s", plugin.path, cases[i].why);
		expect(call_once(&access, "/auth"), -EACCES, 0, expected);
		assert_int_equal(runs(), 1);
		assert_int_equal(requests(), before);
	}
}

static void a_plugin_that_is_not_there(void **state)
{
	static const char *const argv[] = {"no-such-plugin", NULL};
	struct tg_kube_exec exec = {
		.api_version = V1, .argv = argv, .env = no_env, .install_hint = "get\nit"};
	struct tg_kube_access access = {.exec = &exec};

	expect(call_once(&access, "/auth"), -EACCES, 0,
		"exec plugin no-such-plugin cannot be run: no such file or directory: get it");
}

/* Gone, or gone but for who should collect it. */
static bool is_dead(const char *file)
{
	char path[64], text[512] = "";
	const char *after;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", atoi(api_server_read(file)));
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	after = strrchr(text, ')');
	return after == NULL || after[2] == 'Z' || after[2] == 'X';
}

/* Killed is not yet dead. */
static void wait_until_dead(const char *file)
{
	while (!is_dead(file))
		sched_yield();
}

static void open_hanging(struct caller *caller, struct plugin *plugin, uint32_t exec_ms)
{
	struct tg_kube_access access = {.exec = &plugin->exec};

	plugin_write(plugin, "echo $$ >pid\nsleep 1000 &\necho $! >child\nwait");
	unlink(api_server_path("child"));
	caller_open(caller, &access);
	tg_kube_client_free(caller->client);
	caller->options.exec_ms = exec_ms;
	assert_int_equal(
		tg_kube_client_create(&caller->loop, &caller->options, &caller->client), 0);
}

static void a_plugin_that_hangs(void **state)
{
	struct heard heard[2] = {{.call = NULL}};
	struct plugin plugin;
	struct caller caller;

	open_hanging(&caller, &plugin, 1000);
	for (size_t i = 0; i < 2; i++)
		caller_get(&caller, &heard[i], &auth);
	for (size_t i = 0; i < 2; i++) {
		caller_wait(&caller, &heard[i]);
		expect(&heard[i], -EACCES, 0, " was not done within 1000 ms");
	}
	assert_int_equal(runs(), 1);
	caller_close(&caller);
	wait_until_dead("pid");
	wait_until_dead("child");
}

static void nobody_waits_for_a_plugin_any_more(void **state)
{
	const struct tg_kube_request limited = {.path = "/auth", .total_ms = 100};
	struct heard heard[2] = {{.call = NULL}};
	struct plugin plugin;
	struct caller caller;

	open_hanging(&caller, &plugin, 0);
	caller_get(&caller, &heard[0], &auth);
	caller_get(&caller, &heard[1], &limited);
	caller_wait(&caller, &heard[1]);
	expect(&heard[1], -ETIMEDOUT, 0, "there was no complete answer within 100 ms");
	tg_kube_call_cancel(heard[0].call);
	while (api_server_read("child")[0] == '\0')
		uv_run(&caller.loop, UV_RUN_NOWAIT);
	caller_close(&caller);
	assert_int_equal(heard[0].done, 0);
	wait_until_dead("pid");
	wait_until_dead("child");
}

/* --- what plugins print --- */

static void good_credentials(void **state)
{
	static const struct {
		const char *fields, *token, *key;
		int64_t expires_at;
	} cases[] = {
		{"\"token\":\"t\"", "t", NULL, 0},
		{"\"token\":\"t\",\"expirationTimestamp\":null,\"more\":1", "t", NULL, 0},
		{"\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05Z\"", "t", NULL,
			1767323045},
		{"\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05.123456Z\"", "t",
			NULL, 1767323045},
		{"\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05+01:30\"", "t", NULL,
			1767323045 - 5400},
		{"\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05-01:00\"", "t", NULL,
			1767323045 + 3600},
		{"\"clientCertificateData\":\"-----BEGIN CERTIFICATE-----\",\"clientKeyData\":"
		 "\"-----BEGIN PRIVATE KEY-----\",\"token\":\"\"",
			NULL, "-----BEGIN PRIVATE KEY-----", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kube_exec_credential credential;
		const char *why;
		char text[512];

		snprintf(text, sizeof(text), STATUS("%s"), cases[i].fields);
		assert_int_equal(kube_exec_read(V1, text, strlen(text), &credential, &why), 0);
		assert_int_equal(credential.token != NULL, cases[i].token != NULL);
		assert_int_equal(credential.key != NULL, cases[i].key != NULL);
		assert_int_equal(credential.expires_at, cases[i].expires_at);
		kube_exec_credential_wipe(&credential);
	}
}

static void bad_credentials(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "something else"},
		{"[]", "something else"},
		{"{}", "something else"},
		{"{} {}", "something else"},
		{"{\"kind\":\"ExecCredential\"}", "another apiVersion"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\"}",
			"another apiVersion"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\"}", "without a status"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":[]}",
			"without a status"},
		{STATUS(""), "neither a token nor a certificate"},
		{STATUS("\"token\":7"), "neither a token nor a certificate"},
		{STATUS("\"token\":\"a\\r\\nX: b\""), "no header can carry"},
		{STATUS("\"token\":\"a b\""), "no header can carry"},
		{STATUS("\"clientKeyData\":\"k\""), "only one of"},
		{STATUS("\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\""),
			"certificate that is not PEM"},
		{STATUS("\"clientCertificateData\":\"-----BEGIN CERTIFICATE-----\","
			"\"clientKeyData\":\"k\""),
			"key that is not PEM"},
		{STATUS("\"token\":\"t\",\"expirationTimestamp\":\"soon\""), "is no time"},
		{STATUS("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05\""),
			"is no time"},
		{STATUS("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05Zx\""),
			"is no time"},
		{STATUS("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05+01:3\""),
			"is no time"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kube_exec_credential credential;
		const char *why = "";
		int err =
			kube_exec_read(V1, cases[i].text, strlen(cases[i].text), &credential, &why);

		if (err != -EINVAL || strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %d: %s", cases[i].text, err, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password),
		cmocka_unit_test(a_token_that_is_not_accepted),
		cmocka_unit_test(a_token_rotates_between_calls),
		cmocka_unit_test(a_token_rotates_during_a_call),
		cmocka_unit_test(a_token_file_that_is_not_there),
		cmocka_unit_test(tokens_that_say_when_they_expire),
		cmocka_unit_test(a_server_that_repeats_what_it_was_told),
		cmocka_unit_test(our_certificate),
		cmocka_unit_test(our_certificate_as_text),
		cmocka_unit_test(our_certificate_rotates),
		cmocka_unit_test(a_plugin_gives_a_token),
		cmocka_unit_test(what_a_plugin_is_told),
		cmocka_unit_test(what_a_plugin_inherits),
		cmocka_unit_test(a_plugin_gives_a_certificate),
		cmocka_unit_test(a_plugin_is_asked_again),
		cmocka_unit_test(what_a_plugin_gave_expires),
		cmocka_unit_test(plugins_that_fail),
		cmocka_unit_test(a_plugin_that_is_not_there),
		cmocka_unit_test(a_plugin_that_hangs),
		cmocka_unit_test(nobody_waits_for_a_plugin_any_more),
		cmocka_unit_test(good_credentials),
		cmocka_unit_test(bad_credentials),
	};

	return cmocka_run_group_tests(tests, api_server_start, api_server_stop);
}

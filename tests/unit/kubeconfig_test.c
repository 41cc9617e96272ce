/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of kubeconfigs and of a pod's service account; no error has a secret. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base64.h"
#include "kubeconfig.h"

#define FILE_NAME "/etc/tidegate/prod.kubeconfig"
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"
#define KEY_64 \
	"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tClNFQ1JFVAotLS0tLUVORCBQUklWQVRFIEtFWS0tLS0tCg=="
#define CERTIFICATE_64                                                             \
	"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUt" \
	"LS0tLQo="

/* A whole file around a cluster and a user, one per line from line 9. */
#define CONFIG(cluster, user)                         \
	"apiVersion: v1\n"                            \
	"kind: Config\n"                              \
	"current-context: here\n"                     \
	"contexts:\n"                                 \
	"- name: here\n"                              \
	"  context: {cluster: prod, user: gateway}\n" \
	"clusters:\n"                                 \
	"- name: prod\n"                              \
	"  cluster: " cluster "\n"                    \
	"users:\n"                                    \
	"- name: gateway\n"                           \
	"  user: " user "\n"

#define SERVER "server: 'https://api.example:6443'"
#define CLUSTER "{" SERVER "}"

static const struct tg_kube_access_options plain;

static struct tg_kube_access *parse(
	const struct tg_kube_access_options *options, const char *text, char **error)
{
	struct tg_kube_access *access = NULL;
	int err = tg_kube_access_parse(options, FILE_NAME, text, strlen(text), &access, error);

	assert_true(err == 0 || err == -EINVAL);
	assert_true((err == 0) == (access != NULL));
	assert_true((err == 0) == (*error == NULL));
	return access;
}

static struct tg_kube_access *good_with(
	const struct tg_kube_access_options *options, const char *text)
{
	char *error;
	struct tg_kube_access *access = parse(options, text, &error);

	if (access == NULL)
		fail_msg("%s\n%s", text, error);
	return access;
}

static struct tg_kube_access *good(const char *text)
{
	return good_with(&plain, text);
}

static void same(const char *got, const char *expected)
{
	if (expected == NULL)
		assert_null(got);
	else
		assert_string_equal(got, expected);
}

static void the_least(void **state)
{
	struct tg_kube_access *a = good(CONFIG(CLUSTER, "{}"));

	assert_string_equal(a->server, "https://api.example:6443");
	assert_null(a->server_name);
	assert_null(a->proxy);
	assert_null(a->ca.text);
	assert_null(a->ca.file);
	assert_false(a->insecure);
	assert_false(a->uncompressed);
	assert_null(a->certificate.text);
	assert_null(a->certificate.file);
	assert_null(a->key.text);
	assert_null(a->key.file);
	assert_null(a->token);
	assert_null(a->token_file);
	assert_null(a->username);
	assert_null(a->password);
	assert_null(a->exec);
	tg_kube_access_free(a);
}

static void files_are_beside_the_kubeconfig(void **state)
{
	struct tg_kube_access *a =
		good(CONFIG("{" SERVER ", certificate-authority: pki/ca.crt, tls-server-name: kube,"
			    " proxy-url: 'http://proxy:3128', disable-compression: true}",
			"{client-certificate: ../own.crt, client-key: /keys/own.key,"
			" tokenFile: token, token: SECRET}"));

	assert_string_equal(a->ca.file, "/etc/tidegate/pki/ca.crt");
	assert_null(a->ca.text);
	assert_string_equal(a->server_name, "kube");
	assert_string_equal(a->proxy, "http://proxy:3128");
	assert_true(a->uncompressed);
	assert_string_equal(a->certificate.file, "/etc/tidegate/../own.crt");
	assert_string_equal(a->key.file, "/keys/own.key");
	assert_string_equal(a->token_file, "/etc/tidegate/token");
	assert_string_equal(a->token, "SECRET");
	tg_kube_access_free(a);
}

static void data_is_decoded(void **state)
{
	struct tg_kube_access *a = good(CONFIG("{" SERVER
					       ", certificate-authority-data: " CERTIFICATE_64 "}",
		"{client-certificate-data: " CERTIFICATE_64 ", client-key-data: " KEY_64 "}"));

	assert_string_equal(a->ca.text, CERTIFICATE);
	assert_null(a->ca.file);
	assert_string_equal(a->certificate.text, CERTIFICATE);
	assert_string_equal(a->key.text, KEY);
	tg_kube_access_free(a);
}

/* A field that is empty is a field that is not there, as in Go. */
static void empty_is_absent(void **state)
{
	struct tg_kube_access *a =
		good(CONFIG("{" SERVER ", certificate-authority: '', proxy-url: '',"
			    " tls-server-name: '', certificate-authority-data: ''}",
			"{token: '', tokenFile: '', username: '', password: '',"
			" client-certificate: '', client-key-data: '', exec: null}"));

	assert_null(a->ca.file);
	assert_null(a->proxy);
	assert_null(a->server_name);
	assert_null(a->token);
	assert_null(a->token_file);
	assert_null(a->username);
	tg_kube_access_free(a);
}

static void servers(void **state)
{
	static const struct {
		const char *url, *expected;
	} cases[] = {
		{"https://h", "https://h"},
		{"https://h/", "https://h"},
		{"https://h:6443//", "https://h:6443"},
		{"https://h/k8s/clusters/c-1/", "https://h/k8s/clusters/c-1"},
		{"https://[fd00::1]:6443", "https://[fd00::1]:6443"},
		{"HTTPS://192.0.2.1", "https://192.0.2.1"},
		{"http://h:8080", "http://h:8080"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];
		struct tg_kube_access *a;

		snprintf(text, sizeof(text), CONFIG("{server: '%s'}", "{}"), cases[i].url);
		a = good(text);
		assert_string_equal(a->server, cases[i].expected);
		tg_kube_access_free(a);
	}
}

static void credentials_stay_on_this_machine_without_tls(void **state)
{
	static const struct {
		const char *cluster;
		bool refused;
	} cases[] = {
		{"{server: 'http://127.0.0.1:8001'}", false},
		{"{server: 'http://127.9.9.9:8001'}", false},
		{"{server: 'http://localhost:8001'}", false},
		{"{server: 'http://[::1]:8001'}", false},
		{"{server: 'http://127.0.0.1', proxy-url: 'http://127.0.0.1:1'}", true},
		{"{server: 'http://localhost.example'}", true},
		{"{server: 'http://127.0.0.1.example'}", true},
		{"{server: 'http://[::2]'}", true},
		{"{server: 'http://192.0.2.1'}", true},
		{"{server: 'HTTP://192.0.2.1'}", true},
	};
	static const char *const users[] = {"{token: SECRET}", "{tokenFile: t}",
		"{username: SECRET, password: SECRET}", "{password: SECRET}",
		("{exec: {apiVersion: client.authentication.k8s.io/v1, command: c,"
		 " interactiveMode: Never}}")};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t u = 0; u < sizeof(users) / sizeof(users[0]); u++) {
			char text[1024], *error;
			struct tg_kube_access *a;

			snprintf(
				text, sizeof(text), CONFIG("%s", "%s"), cases[i].cluster, users[u]);
			a = parse(&plain, text, &error);
			if ((a == NULL) != cases[i].refused)
				fail_msg("%s: %s", text, error);
			if (a == NULL)
				assert_string_equal(error,
					FILE_NAME ":9: clusters[0].cluster.server: the user's "
						  "credentials would be sent in the clear: "
						  "expected https");
			free(error);
			tg_kube_access_free(a);
		}
}

static void contexts_are_chosen(void **state)
{
	static const char text[] = "current-context: two\n"
				   "contexts:\n"
				   "- {name: one, context: {cluster: a, user: u}}\n"
				   "- {name: two, context: {cluster: b, user: v, namespace: x}}\n"
				   "- {name: broken, context: {cluster: nowhere}}\n"
				   "clusters:\n"
				   "- {name: a, cluster: {server: 'https://a'}}\n"
				   "- {name: b, cluster: {server: 'https://b'}}\n"
				   "- {name: bad, cluster: {server: 7}}\n"
				   "users:\n"
				   "- {name: u, user: {token: U}}\n"
				   "- {name: v, user: {username: V, password: W}}\n"
				   "- {name: old, user: {auth-provider: {name: gcp}}}\n"
				   "preferences: {colors: true}\n"
				   "extensions: []\n";
	const struct tg_kube_access_options one = {.context = "one"};
	struct tg_kube_access *a = good(text);

	assert_string_equal(a->server, "https://b");
	assert_string_equal(a->username, "V");
	assert_string_equal(a->password, "W");
	assert_null(a->token);
	tg_kube_access_free(a);
	a = good_with(&one, text);
	assert_string_equal(a->server, "https://a");
	assert_string_equal(a->token, "U");
	assert_null(a->username);
	tg_kube_access_free(a);
}

static void json_is_fine_too(void **state)
{
	struct tg_kube_access *a = good(
		"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":"
		"{\"cluster\":\"c\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"c\","
		"\"cluster\":{\"server\":\"https://h\"}}],\"users\":[{\"name\":\"u\","
		"\"user\":{\"token\":\"t\"}}]}");

	assert_string_equal(a->token, "t");
	tg_kube_access_free(a);
}

static void insecure_is_twice_said(void **state)
{
	static const char text[] = CONFIG("{" SERVER ", insecure-skip-tls-verify: true}", "{}");
	const struct tg_kube_access_options allowed = {.allow_insecure = true};
	struct tg_kube_access *a;
	char *error;

	assert_null(parse(&plain, text, &error));
	assert_string_equal(error,
		FILE_NAME ":9: clusters[0].cluster.insecure-skip-tls-verify: who the server is "
			  "would not be verified: has to be allowed explicitly");
	free(error);
	a = good_with(&allowed, text);
	assert_true(a->insecure);
	tg_kube_access_free(a);
	/* Allowed is not asked for. */
	a = good_with(&allowed, CONFIG(CLUSTER, "{}"));
	assert_false(a->insecure);
	tg_kube_access_free(a);
}

static void exec_plugins(void **state)
{
	struct tg_kube_access *a = good(CONFIG(
		"{" SERVER ", extensions: [{name: other, extension: 1},"
		" {name: client.authentication.k8s.io/exec, extension:"
		" {audience: \"x\\\"\\n\", k: [1, 2.5, true, null]}}]}",
		"{exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login,"
		" args: [get, '--cluster=prod', ''], env: [{name: A, value: b=c}, {name: E}],"
		" interactiveMode: IfAvailable, provideClusterInfo: true, installHint: read me}}"));
	const struct tg_kube_exec *exec = a->exec;

	assert_string_equal(exec->api_version, "client.authentication.k8s.io/v1");
	assert_string_equal(exec->argv[0], "/etc/tidegate/bin/login");
	assert_string_equal(exec->argv[1], "get");
	assert_string_equal(exec->argv[2], "--cluster=prod");
	assert_string_equal(exec->argv[3], "");
	assert_null(exec->argv[4]);
	assert_string_equal(exec->env[0], "A=b=c");
	assert_string_equal(exec->env[1], "E=");
	assert_null(exec->env[2]);
	assert_string_equal(exec->install_hint, "read me");
	assert_true(exec->provide_cluster_info);
	assert_string_equal(
		exec->cluster_config, "{\"audience\":\"x\\\"\\u000a\",\"k\":[1,2.5,true,null]}");
	tg_kube_access_free(a);
}

/* What needs no plugin runs none (client-go's exec.Authenticator.UpdateTransportConfig). */
static void exec_is_for_who_has_nothing_else(void **state)
{
	static const char *const others[] = {
		"token: t", "tokenFile: t", "username: u", "client-certificate: c, client-key: k"};
	static const struct {
		const char *command, *expected;
	} commands[] = {{"login", "login"}, {"/bin/login", "/bin/login"},
		{"./login", "/etc/tidegate/./login"}};
	char text[1024];
	struct tg_kube_access *a;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(
			text, sizeof(text), CONFIG(CLUSTER, "{%s, exec: {command: c}}"), others[i]);
		a = good(text);
		assert_null(a->exec);
		tg_kube_access_free(a);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(text, sizeof(text),
			CONFIG(CLUSTER, "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, "
					"command: '%s'}}"),
			commands[i].command);
		a = good(text);
		assert_string_equal(a->exec->argv[0], commands[i].expected);
		assert_false(a->exec->provide_cluster_info);
		tg_kube_access_free(a);
	}
}

#define EXEC_V1 "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"
#define CLUSTER_AT ":9: clusters[0].cluster"
#define USER_AT ":12: users[0].user"

static void bad_files_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *text, *expected; /* lines without the file's name */
	} cases[] = {
		{"", ": expected a kubeconfig"},
		{"[]", ":1: expected a kubeconfig"},
		{"--- {}\n--- {}\n", ": expected a kubeconfig"},
		{"{}", ":1: current-context: is not set, and no context is asked for"},
		{"kind: Pod\napiVersion: v2\ncurrent-context: [x]\n",
			":1: kind: expected Config\n:2: apiVersion: expected v1\n"
			":3: current-context: a string is expected, not a list"},
		{"current-context: x\ncontexts: {}\n",
			":2: contexts: a list is expected, not a map\n"
			":1: current-context: there is no context \"x\""},
		{"current-context: x\ncontexts: [1, {name: 2}, {name: z}]\n",
			":2: contexts[0]: a map is expected, not a number\n"
			":2: contexts[1].name: a string is expected, not a number (quotes make it "
			"one)\n"
			":1: current-context: there is no context \"x\""},
		{"current-context: x\ncontexts:\n- name: x\n- name: x\n",
			":4: contexts[1].name: is the name of an earlier one too\n"
			":3: contexts[0].context: is required"},
		{"current-context: x\ncontexts:\n- name: x\n  context: {}\n",
			":4: contexts[0].context.cluster: is required: the name of a cluster\n"
			":4: contexts[0].context.user: is required: the name of a user"},
		{"current-context: x\ncontexts:\n- name: x\n  context: {cluster: a, user: b, "
		 "Namespace: c}\n",
			":4: contexts[0].context.Namespace: unknown field, \"namespace\" is meant?\n"
			":4: contexts[0].context.cluster: there is no cluster \"a\"\n"
			":4: contexts[0].context.user: there is no user \"b\""},
		{"current-context: *SECRET\n", ":1: what is there cannot be read as YAML"},
		{"{\"token\": \"SECRET\", \"x\": }}", ":1: JSON: a value is expected"},

		{CONFIG("{}", "{}"),
			CLUSTER_AT ".server: is required: https://host:6443 or the like"},
		{CONFIG("x", "SECRET"), CLUSTER_AT ": a map is expected, not a string\n" USER_AT
						   ": a map is expected, not a string"},
		{CONFIG("{server: api.example}", "{}"),
			CLUSTER_AT ".server: expected a URL such as https://host:6443"},
		{CONFIG("{server: 'https://'}", "{}"),
			CLUSTER_AT ".server: expected a URL such as https://host:6443"},
		{CONFIG("{server: 'https://h:99999'}", "{}"),
			CLUSTER_AT ".server: expected a URL such as https://host:6443"},
		{CONFIG("{server: 'ftp://h'}", "{}"),
			CLUSTER_AT ".server: expected a URL such as https://host:6443"},
		{CONFIG("{server: 'file:///etc/passwd'}", "{}"),
			CLUSTER_AT ".server: expected a URL such as https://host:6443"},
		{CONFIG("{server: 'https://u:SECRET@h'}", "{}"), CLUSTER_AT
			".server: a URL with a user, a query or a fragment is of no use"},
		{CONFIG("{server: 'https://h/?SECRET'}", "{}"), CLUSTER_AT
			".server: a URL with a user, a query or a fragment is of no use"},
		{CONFIG("{" SERVER ", proxy-url: 'ftp://SECRET@p'}", "{}"),
			CLUSTER_AT ".proxy-url: expected an http, https or socks5 URL"},
		{CONFIG("{" SERVER ", proxy-url: 'SECRET'}", "{}"),
			CLUSTER_AT ".proxy-url: expected a URL such as http://host:3128"},
		{CONFIG("{" SERVER ", proxy-url: 'http://SECRET@p/x'}", "{}"),
			CLUSTER_AT ".proxy-url: expected a URL without path, query and fragment"},
		{CONFIG("{" SERVER ", tls-server-name: 'a/b'}", "{}"),
			CLUSTER_AT ".tls-server-name: expected a host's name or address"},
		{CONFIG("{" SERVER ", insecure-skip-tls-verify: maybe}", "{}"), CLUSTER_AT
			".insecure-skip-tls-verify: true or false is expected, not a string"},
		{CONFIG("{" SERVER ", insecure-skip-tls-verify: true, certificate-authority: x}",
			 "{}"),
			CLUSTER_AT
			".insecure-skip-tls-verify: is of no use besides a certificate-authority"},
		{CONFIG("{" SERVER ", certificate-authority: x, certificate-authority-data: eA==}",
			 "{}"),
			CLUSTER_AT ".certificate-authority: is set besides "
				   "certificate-authority-data: one of them has to go"},
		{CONFIG("{" SERVER ", certificate-authority-data: SECRET}", "{}"),
			CLUSTER_AT ".certificate-authority-data: expected base64 of a text"},
		{CONFIG("{" SERVER ", certificate-authority-data: AAAA}", "{}"),
			CLUSTER_AT ".certificate-authority-data: expected base64 of a text"},
		{CONFIG("{" SERVER ", certificate-authority-data: U0VDUkVU}", "{}"),
			CLUSTER_AT ".certificate-authority-data: expected certificates in PEM"},
		{CONFIG("{" SERVER ", certificateAuthority: x}", "{}"),
			CLUSTER_AT ".certificateAuthority: unknown field"},
		{CONFIG("{" SERVER ", " SERVER "}", "{}"),
			CLUSTER_AT ".server: this key is already set in the same map"},

		{CONFIG(CLUSTER, "{tokenfile: x}"),
			USER_AT ".tokenfile: unknown field, \"tokenFile\" is meant?"},
		{CONFIG(CLUSTER, "{token:SECRET}"),
			USER_AT ": has a field in line 12 that is not known"},
		{CONFIG(CLUSTER, "{SECRET.eyJhbGciOi: }"),
			USER_AT ": has a field in line 12 that is not known"},
		{CONFIG(CLUSTER, "{token: 12345}"),
			USER_AT ".token: a string is expected, not a number (quotes make it one)"},
		{CONFIG(CLUSTER, "{token: \"SECRET\\nX: y\"}"),
			USER_AT ".token: expected a token: printable ASCII without white space"},
		{CONFIG(CLUSTER, "{token: SECRET, username: SECRET}"),
			USER_AT ": has both a token and a username or password"},
		{CONFIG(CLUSTER, "{username: 'SEC:RET', password: SECRET}"),
			USER_AT ".username: expected a name without a colon"},
		{CONFIG(CLUSTER, "{client-certificate: x}"),
			USER_AT ": has a client-certificate, but no client-key"},
		{CONFIG(CLUSTER, "{client-key-data: " KEY_64 "}"),
			USER_AT ": has a client-key, but no client-certificate"},
		{CONFIG(CLUSTER, "{client-certificate: x, client-key-data: " CERTIFICATE_64 "}"),
			USER_AT ".client-key-data: expected a private key in PEM"},
		{CONFIG(CLUSTER, "{client-certificate: x, client-key-data: "
				 "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRVktLS0tLQo=}"),
			USER_AT ".client-key-data: expected a key without a passphrase: there is "
				"nobody to ask for it"},
		{CONFIG(CLUSTER, "{auth-provider: {name: gcp}}"), USER_AT
			".auth-provider: is not supported (an exec plugin takes its place)"},
		{CONFIG(CLUSTER, "{token: SECRET, as: admin, as-groups: [x]}"),
			USER_AT ".as: impersonation is not supported\n" USER_AT
				".as-groups: impersonation is not supported"},

		{CONFIG(CLUSTER, "{exec: {}}"),
			USER_AT ".exec.apiVersion: expected client.authentication.k8s.io/v1 or "
				"client.authentication.k8s.io/v1beta1\n" USER_AT
				".exec.interactiveMode: expected Never or IfAvailable\n" USER_AT
				".exec.command: is required: a program"},
		{CONFIG(CLUSTER, "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, "
				 "command: c, interactiveMode: Never}}"),
			USER_AT ".exec.apiVersion: expected client.authentication.k8s.io/v1 or "
				"client.authentication.k8s.io/v1beta1"},
		{CONFIG(CLUSTER, "{exec: {apiVersion: client.authentication.k8s.io/v1, command: c, "
				 "interactiveMode: Always}}"),
			USER_AT ".exec.interactiveMode: there is no terminal: expected Never or "
				"IfAvailable"},
		{CONFIG(CLUSTER, "{exec: {" EXEC_V1 ", command: c, args: SECRET}}"),
			USER_AT ".exec.args: a list is expected, not a string"},
		{CONFIG(CLUSTER, "{exec: {" EXEC_V1 ", command: c, args: [1]}}"),
			USER_AT ".exec.args[0]: a string is expected, not a number (quotes make it "
				"one)"},
		{CONFIG(CLUSTER, "{exec: {" EXEC_V1 ", command: c, env: [SECRET, null, {value: "
				 "SECRET}, {name: a=SECRET}]}}"),
			USER_AT ".exec.env[0]: a map is expected, not a string\n" USER_AT
				".exec.env[1]: a map is expected\n" USER_AT
				".exec.env[2].name: expected a variable's name\n" USER_AT
				".exec.env[3].name: expected a variable's name"},
		{CONFIG(CLUSTER, "{exec: {" EXEC_V1 ", command: c, Env: []}}"),
			USER_AT ".exec.Env: unknown field, \"env\" is meant?"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[2048] = FILE_NAME, *at = expected + strlen(expected), *error;

		for (const char *from = cases[i].expected; *from != '\0'; from++) {
			*at++ = *from;
			if (*from == '\n')
				at = stpcpy(at, FILE_NAME);
		}
		*at = '\0';
		if (parse(&plain, cases[i].text, &error) != NULL)
			fail_msg("accepted: %s", cases[i].text);
		if (strcmp(error, expected) != 0)
			fail_msg("%s\nis     %s\nshould %s", cases[i].text, error, expected);
		assert_null(strstr(error, "SECRET"));
		free(error);
	}
}

static void a_context_that_is_not_there(void **state)
{
	const struct tg_kube_access_options options = {.context = "else"};
	char *error;

	assert_null(parse(&options, CONFIG(CLUSTER, "{}"), &error));
	assert_string_equal(error, FILE_NAME ":4: contexts: there is no context \"else\"");
	free(error);
}

/* --- files --- */

struct folder {
	char path[64];
};

static void put(const struct folder *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void take(const struct folder *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	unlink(path);
}

static int setup(void **state)
{
	static struct folder folder;

	strcpy(folder.path, "/tmp/tidegate-kubeconfig-XXXXXX");
	*state = &folder;
	return mkdtemp(folder.path) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"config", "ca.crt", "own.crt", "own.key", "token"};
	struct folder *folder = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		take(folder, names[i]);
	return rmdir(folder->path);
}

static struct tg_kube_access *load(const struct folder *folder, int expected, const char *complaint)
{
	struct tg_kube_access_options options = {.kubeconfig = NULL};
	struct tg_kube_access *access = NULL;
	char path[128], *error, text[512];

	snprintf(path, sizeof(path), "%s/config", folder->path);
	options.kubeconfig = path;
	assert_int_equal(tg_kube_access_load(&options, &access, &error), expected);
	if (complaint != NULL) {
		snprintf(text, sizeof(text), complaint, folder->path, folder->path);
		assert_string_equal(error, text);
	} else {
		assert_null(error);
	}
	free(error);
	return access;
}

static void files_are_tried(void **state)
{
	struct folder *folder = *state;
	struct tg_kube_access *a;

	load(folder, -ENOENT, "%s/config: No such file or directory");
	put(folder, "config",
		CONFIG("{" SERVER ", certificate-authority: ca.crt}",
			"{client-certificate: own.crt, client-key: own.key, tokenFile: token}"));
	put(folder, "own.crt", CERTIFICATE);
	put(folder, "own.key", KEY);
	put(folder, "token", "\n SECRET \n");
	load(folder, -EINVAL,
		"%s/config:9: clusters[0].cluster.certificate-authority: %s/ca.crt: No such file "
		"or directory");
	put(folder, "ca.crt", KEY);
	load(folder, -EINVAL,
		"%s/config:9: clusters[0].cluster.certificate-authority: %s/ca.crt: expected "
		"certificates in PEM");
	put(folder, "ca.crt", CERTIFICATE);
	put(folder, "token", "SECRET SECRET");
	load(folder, -EINVAL,
		"%s/config:12: users[0].user.tokenFile: %s/token: expected a token: printable "
		"ASCII without white space");
	put(folder, "token", " \n");
	load(folder, -EINVAL,
		"%s/config:12: users[0].user.tokenFile: %s/token: expected a token, not an empty "
		"text");
	put(folder, "token", "\n SECRET \n");
	a = load(folder, 0, NULL);
	tg_kube_access_free(a);
}

static void a_pod_has_a_service_account(void **state)
{
	struct folder *folder = *state;
	struct tg_kube_access_options options = {
		.service_account = folder->path, .host = "fd00::1", .port = "443"};
	struct tg_kube_access *a = NULL;
	char *error, text[256];

	assert_int_equal(tg_kube_access_load(&options, &a, &error), -EINVAL);
	snprintf(text, sizeof(text), "%s/ca.crt: No such file or directory", folder->path);
	assert_string_equal(error, text);
	free(error);
	put(folder, "ca.crt", CERTIFICATE);
	assert_int_equal(tg_kube_access_load(&options, &a, &error), -EINVAL);
	snprintf(text, sizeof(text), "%s/token: No such file or directory", folder->path);
	assert_string_equal(error, text);
	free(error);
	put(folder, "token", "SECRET\n");
	assert_int_equal(tg_kube_access_load(&options, &a, &error), 0);
	assert_string_equal(a->server, "https://[fd00::1]:443");
	snprintf(text, sizeof(text), "%s/ca.crt", folder->path);
	same(a->ca.file, text);
	snprintf(text, sizeof(text), "%s/token", folder->path);
	same(a->token_file, text);
	same(a->token, NULL);
	assert_false(a->insecure);
	tg_kube_access_free(a);
}

static void elsewhere_there_is_none(void **state)
{
	struct folder *folder = *state;
	struct tg_kube_access_options options = {.service_account = folder->path};
	struct tg_kube_access *a = NULL;
	char *error;

	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(tg_kube_access_load(&options, &a, &error), -EINVAL);
	assert_string_equal(error,
		"service account: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, "
		"so this is no pod: expected a kubeconfig");
	free(error);
	options.host = "a/b";
	options.port = "443";
	assert_int_equal(tg_kube_access_load(&options, &a, &error), -EINVAL);
	assert_string_equal(error, "service account: expected a host and a port, not a/b:443");
	free(error);
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	options.host = options.port = NULL;
	put(folder, "ca.crt", CERTIFICATE);
	put(folder, "token", "SECRET\n");
	assert_int_equal(tg_kube_access_load(&options, &a, &error), 0);
	assert_string_equal(a->server, "https://10.96.0.1:443");
	tg_kube_access_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least),
		cmocka_unit_test(files_are_beside_the_kubeconfig),
		cmocka_unit_test(data_is_decoded),
		cmocka_unit_test(empty_is_absent),
		cmocka_unit_test(servers),
		cmocka_unit_test(credentials_stay_on_this_machine_without_tls),
		cmocka_unit_test(contexts_are_chosen),
		cmocka_unit_test(json_is_fine_too),
		cmocka_unit_test(insecure_is_twice_said),
		cmocka_unit_test(exec_plugins),
		cmocka_unit_test(exec_is_for_who_has_nothing_else),
		cmocka_unit_test(bad_files_are_refused_with_their_place),
		cmocka_unit_test(a_context_that_is_not_there),
		cmocka_unit_test_setup_teardown(files_are_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pod_has_a_service_account, setup, teardown),
		cmocka_unit_test_setup_teardown(elsewhere_there_is_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

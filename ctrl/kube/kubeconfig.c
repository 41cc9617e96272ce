/* SPDX-License-Identifier: BSD-3-Clause */
#include "kubeconfig.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "base64.h"
#include "json.h"
#include "reader.h"
#include "secret.h"
#include "url.h"

#define CLUSTER_EXTENSION "client.authentication.k8s.io/exec"
#define FIELD_NAME_MAX 40 /* a longer key is not taken for the name of a field */

/* One text while it is read. */
struct parse {
	struct tg_reader reader;
	const struct tg_kube_access_options *options;
	struct tg_kube_access *access;
	const char *file;
	bool look; /* at the files that it names */
	int err;   /* -ENOMEM */
};

static void *keep(struct parse *p, void *memory)
{
	if (memory == NULL)
		p->err = -ENOMEM;
	return memory;
}

/* --- values --- */

/* Empty is the same as absent, as in Go. NULL then; the text is the tree's. */
static const char *read_text(struct parse *p, const struct tg_at *up, const char *key)
{
	struct tg_at at = tg_at_field(up, key);
	const char *text = NULL;

	if (!tg_read_string(&p->reader, &at, &text) || text[0] == '\0')
		return NULL;
	return text;
}

static const char *read_kept(struct parse *p, const struct tg_at *up, const char *key)
{
	const char *text = read_text(p, up, key);

	return text != NULL ? keep(p, tg_arena_strdup(p->reader.arena, text)) : NULL;
}

static bool read_flag(struct parse *p, const struct tg_at *up, const char *key)
{
	struct tg_at at = tg_at_field(up, key);
	bool flag = false;

	tg_read_bool(&p->reader, &at, &flag);
	return flag;
}

/* A path relative to the folder of the kubeconfig. */
static const char *beside(struct parse *p, const char *path)
{
	const char *slash = strrchr(p->file, '/');

	if (path[0] == '/' || slash == NULL)
		return keep(p, tg_arena_strdup(p->reader.arena, path));
	return keep(p,
		tg_arena_printf(p->reader.arena, "%.*s/%s", (int)(slash - p->file), p->file, path));
}

static bool is_field_name(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

	return key[n] == '\0' && n <= FIELD_NAME_MAX;
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/*
 * Every field is known and set once. What a slip of the hand made a key ("token:abc" in braces)
 * may be a secret and is not repeated.
 */
static void check_fields(struct parse *p, const struct tg_at *at, const char *const *names)
{
	size_t had = p->reader.problems.n;

	for (const struct tg_value *v = tg_at_first(at); v != NULL; v = v->next) {
		if (v->key == NULL || is_field_name(v->key))
			continue;
		tg_reader_problem(
			&p->reader, at, "has a field in line %u that is not known", v->line);
		return;
	}
	tg_read_known(&p->reader, at, names);
	if (p->reader.problems.n == had && at->value != NULL)
		tg_read_no_duplicates(&p->reader, at);
}

/* The URL in `key`, or NULL with what is wrong said. To be freed by kube_url_free(). */
static const char *read_url(struct parse *p, const struct tg_at *up, const char *key,
	const char *example, struct kube_url *url)
{
	struct tg_at at = tg_at_field(up, key);
	const char *text = read_text(p, up, key);
	int err = text != NULL ? kube_url_parse(text, url) : 0;

	if (text == NULL)
		return NULL;
	if (err == -ENOMEM)
		p->err = err;
	else if (err != 0 || strstr(text, "://") == NULL)
		tg_reader_problem(&p->reader, &at, "expected a URL such as %s", example);
	else
		return text;
	if (err == 0)
		kube_url_free(url);
	return NULL;
}

/* --- certificates, keys, tokens --- */

/* A file that has to be there. */
static const char *read_file(
	struct parse *p, const struct tg_at *at, enum kube_secret_kind kind, const char *path)
{
	const char *kept = beside(p, path), *why;
	char *text;

	if (kept == NULL || !p->look)
		return kept;
	text = kube_secret_read(kind, kept, &why);
	if (text == NULL)
		tg_reader_problem(&p->reader, at, "%s: %s", kept, why);
	kube_secret_free(text);
	return kept;
}

static const char *read_data(
	struct parse *p, const struct tg_at *at, enum kube_secret_kind kind, const char *base64)
{
	char *text = keep(p, tg_arena_strdup(p->reader.arena, base64));
	const char *complaint;
	size_t size;

	if (text == NULL)
		return NULL;
	if (tg_base64_decode(text, &size) != 0 || strlen(text) != size)
		complaint = "expected base64 of a text";
	else
		complaint = kube_secret_complaint(kind, text);
	if (complaint == NULL)
		return text;
	tg_reader_problem(&p->reader, at, "%s", complaint);
	return NULL;
}

/* `key` names a file, "KEY-data" has the text. */
static void read_pem(struct parse *p, const struct tg_at *up, const char *key,
	enum kube_secret_kind kind, struct tg_kube_pem *out)
{
	char data_key[FIELD_NAME_MAX];
	struct tg_at at = tg_at_field(up, key), data_at;
	const char *path = read_text(p, up, key), *data;

	snprintf(data_key, sizeof(data_key), "%s-data", key);
	data_at = tg_at_field(up, data_key);
	data = read_text(p, up, data_key);
	if (path != NULL && data != NULL) {
		tg_reader_problem(
			&p->reader, &at, "is set besides %s: one of them has to go", data_key);
		return;
	}
	if (data != NULL)
		out->text = read_data(p, &data_at, kind, data);
	if (path != NULL)
		out->file = read_file(p, &at, kind, path);
}

static bool has_pem(const struct tg_at *up, const char *key)
{
	char data_key[FIELD_NAME_MAX];

	snprintf(data_key, sizeof(data_key), "%s-data", key);
	return tg_at_field(up, key).value != NULL || tg_at_field(up, data_key).value != NULL;
}

/* --- cluster --- */

static void read_server(struct parse *p, const struct tg_at *cluster, bool secrets)
{
	struct tg_at at = tg_at_field(cluster, "server");
	struct kube_url url;

	if (at.value == NULL) {
		tg_reader_problem(&p->reader, &at, "is required: https://host:6443 or the like");
		return;
	}
	if (read_url(p, cluster, "server", "https://host:6443", &url) == NULL)
		return;
	if (strcmp(url.scheme, "https") != 0 && strcmp(url.scheme, "http") != 0)
		tg_reader_problem(&p->reader, &at, "expected a URL such as https://host:6443");
	else if (url.has_user || url.has_query)
		tg_reader_problem(
			&p->reader, &at, "a URL with a user, a query or a fragment is of no use");
	else if (secrets && strcmp(url.scheme, "http") == 0 &&
		 (!kube_url_is_loopback(&url) || p->access->proxy != NULL))
		tg_reader_problem(&p->reader, &at,
			"the user's credentials would be sent in the clear: expected https");
	else
		p->access->server =
			keep(p, tg_arena_printf(p->reader.arena, "%s://%s%s%s%s", url.scheme,
					url.host, url.port != NULL ? ":" : "",
					url.port != NULL ? url.port : "", url.path));
	kube_url_free(&url);
}

static void read_proxy(struct parse *p, const struct tg_at *cluster)
{
	static const char *const schemes[] = {"http", "https", "socks5", NULL};
	struct tg_at at = tg_at_field(cluster, "proxy-url");
	struct kube_url url;
	const char *text = read_url(p, cluster, "proxy-url", "http://host:3128", &url);

	if (text == NULL)
		return;
	if (!is_listed(schemes, url.scheme))
		tg_reader_problem(&p->reader, &at, "expected an http, https or socks5 URL");
	else if (url.path[0] != '\0' || url.has_query)
		tg_reader_problem(
			&p->reader, &at, "expected a URL without path, query and fragment");
	else
		p->access->proxy = keep(p, tg_arena_strdup(p->reader.arena, text));
	kube_url_free(&url);
}

static void read_server_name(struct parse *p, const struct tg_at *cluster)
{
	struct tg_at at = tg_at_field(cluster, "tls-server-name");
	const char *name = read_kept(p, cluster, "tls-server-name");

	if (name == NULL)
		return;
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr(".-:_", *c) == NULL) {
			tg_reader_problem(&p->reader, &at, "expected a host's name or address");
			return;
		}
	p->access->server_name = name;
}

static void read_insecure(struct parse *p, const struct tg_at *cluster)
{
	struct tg_at at = tg_at_field(cluster, "insecure-skip-tls-verify");

	p->access->insecure = read_flag(p, cluster, "insecure-skip-tls-verify");
	if (!p->access->insecure)
		return;
	if (has_pem(cluster, "certificate-authority"))
		tg_reader_problem(&p->reader, &at, "is of no use besides a certificate-authority");
	else if (!p->options->allow_insecure)
		tg_reader_problem(&p->reader, &at,
			"who the server is would not be verified: has to be allowed explicitly");
}

static void read_cluster(struct parse *p, const struct tg_at *at, bool secrets)
{
	static const char *const known[] = {"server", "tls-server-name", "insecure-skip-tls-verify",
		"certificate-authority", "certificate-authority-data", "proxy-url",
		"disable-compression", "extensions", NULL};

	check_fields(p, at, known);
	read_proxy(p, at);
	read_server(p, at, secrets);
	read_server_name(p, at);
	read_pem(p, at, "certificate-authority", KUBE_CERTIFICATE, &p->access->ca);
	read_insecure(p, at);
	p->access->uncompressed = read_flag(p, at, "disable-compression");
}

/* --- user --- */

static void read_api_version(struct parse *p, const struct tg_at *exec, struct tg_kube_exec *out)
{
	static const char *const versions[] = {
		"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1", NULL};
	struct tg_at at = tg_at_field(exec, "apiVersion");

	out->api_version = read_kept(p, exec, "apiVersion");
	if (out->api_version == NULL || !is_listed(versions, out->api_version))
		tg_reader_problem(&p->reader, &at, "expected %s or %s", versions[0], versions[1]);
}

static void read_interactive_mode(
	struct parse *p, const struct tg_at *exec, const struct tg_kube_exec *out)
{
	static const char *const modes[] = {"Never", "IfAvailable", "Always", NULL};
	struct tg_at at = tg_at_field(exec, "interactiveMode");
	const char *mode = read_text(p, exec, "interactiveMode");
	bool optional = out->api_version != NULL && strstr(out->api_version, "/v1beta1") != NULL;

	if (mode == NULL ? !optional : !is_listed(modes, mode))
		tg_reader_problem(&p->reader, &at, "expected Never or IfAvailable");
	else if (mode != NULL && strcmp(mode, "Always") == 0)
		tg_reader_problem(
			&p->reader, &at, "there is no terminal: expected Never or IfAvailable");
}

static void read_argv(struct parse *p, const struct tg_at *exec, struct tg_kube_exec *out)
{
	struct tg_at at = tg_at_field(exec, "command"), args = tg_at_field(exec, "args");
	const char *command = read_text(p, exec, "command");
	const char **argv;
	size_t n = 1, i = 0;

	tg_read_list(&p->reader, &args);
	argv = keep(p, tg_arena_calloc(p->reader.arena,
			       2 + (args.value != NULL ? args.value->n : 0), sizeof(*argv)));
	if (command == NULL)
		tg_reader_problem(&p->reader, &at, "is required: a program");
	if (command == NULL || argv == NULL)
		return;
	/* A name without a slash is looked up in PATH. */
	argv[0] = strchr(command, '/') != NULL ? beside(p, command)
					       : keep(p, tg_arena_strdup(p->reader.arena, command));
	for (const struct tg_value *v = tg_at_first(&args); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&args, v, i);
		const char *text = "";

		tg_read_string(&p->reader, &item, &text);
		argv[n++] = keep(p, tg_arena_strdup(p->reader.arena, text));
	}
	out->argv = argv;
}

static const char *read_variable(struct parse *p, const struct tg_at *at)
{
	static const char *const known[] = {"name", "value", NULL};
	struct tg_at name_at = tg_at_field(at, "name");
	const char *name = read_text(p, at, "name"), *value = read_text(p, at, "value");

	if (at->value == NULL || !tg_read_map(&p->reader, at)) {
		if (at->value == NULL)
			tg_reader_problem(&p->reader, at, "a map is expected");
		return NULL;
	}
	check_fields(p, at, known);
	if (name == NULL || strchr(name, '=') != NULL) {
		tg_reader_problem(&p->reader, &name_at, "expected a variable's name");
		return NULL;
	}
	return keep(p, tg_arena_printf(p->reader.arena, "%s=%s", name, value != NULL ? value : ""));
}

static void read_env(struct parse *p, const struct tg_at *exec, struct tg_kube_exec *out)
{
	struct tg_at at = tg_at_field(exec, "env");
	const char **env;
	size_t i = 0;

	tg_read_list(&p->reader, &at);
	env = keep(p, tg_arena_calloc(p->reader.arena, 1 + (at.value != NULL ? at.value->n : 0),
			      sizeof(*env)));
	if (env == NULL)
		return;
	for (const struct tg_value *v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);

		env[i] = read_variable(p, &item);
	}
	out->env = env;
}

/* What the cluster tells exec plugins, as JSON. */
static const char *read_extension(struct parse *p, const struct tg_at *cluster)
{
	struct tg_at at = tg_at_field(cluster, "extensions");
	const char *kept = NULL;
	size_t size, i = 0;
	char *text = NULL;
	FILE *out;

	for (const struct tg_value *v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i), value = tg_at_field(&item, "extension");
		const char *name = read_text(p, &item, "name");

		if (name == NULL || strcmp(name, CLUSTER_EXTENSION) != 0 || value.value == NULL)
			continue;
		out = open_memstream(&text, &size);
		if (keep(p, out) == NULL)
			return NULL;
		kube_json_value(out, value.value);
		fclose(out);
		kept = keep(p, text != NULL ? tg_arena_strdup(p->reader.arena, text) : NULL);
		free(text);
		return kept;
	}
	return NULL;
}

static void read_exec(struct parse *p, const struct tg_at *at, const struct tg_at *cluster)
{
	static const char *const known[] = {"apiVersion", "command", "args", "env", "installHint",
		"provideClusterInfo", "interactiveMode", NULL};
	struct tg_kube_exec *exec = keep(p, tg_arena_calloc(p->reader.arena, 1, sizeof(*exec)));

	if (exec == NULL || !tg_read_map(&p->reader, at))
		return;
	check_fields(p, at, known);
	read_api_version(p, at, exec);
	read_interactive_mode(p, at, exec);
	read_argv(p, at, exec);
	read_env(p, at, exec);
	exec->install_hint = read_kept(p, at, "installHint");
	exec->provide_cluster_info = read_flag(p, at, "provideClusterInfo");
	exec->cluster_config = read_extension(p, cluster);
	p->access->exec = exec;
}

static void read_token(struct parse *p, const struct tg_at *user)
{
	struct tg_at at = tg_at_field(user, "token"), file_at = tg_at_field(user, "tokenFile");
	const char *file = read_text(p, user, "tokenFile"), *complaint;

	p->access->token = read_kept(p, user, "token");
	if (p->access->token != NULL) {
		complaint = kube_secret_complaint(KUBE_TOKEN, p->access->token);
		if (complaint != NULL)
			tg_reader_problem(&p->reader, &at, "%s", complaint);
	}
	if (file != NULL)
		p->access->token_file = read_file(p, &file_at, KUBE_TOKEN, file);
}

static void read_password(struct parse *p, const struct tg_at *user)
{
	struct tg_at at = tg_at_field(user, "username");

	p->access->username = read_kept(p, user, "username");
	p->access->password = read_kept(p, user, "password");
	if (p->access->username == NULL && p->access->password == NULL)
		return;
	if (p->access->token != NULL || p->access->token_file != NULL)
		tg_reader_problem(&p->reader, user, "has both a token and a username or password");
	/* RFC 7617 section 2 */
	if (p->access->username != NULL && strchr(p->access->username, ':') != NULL)
		tg_reader_problem(&p->reader, &at, "expected a name without a colon");
}

static void read_certificate(struct parse *p, const struct tg_at *user)
{
	bool certificate = has_pem(user, "client-certificate"), key = has_pem(user, "client-key");

	read_pem(p, user, "client-certificate", KUBE_CERTIFICATE, &p->access->certificate);
	read_pem(p, user, "client-key", KUBE_KEY, &p->access->key);
	if (certificate != key)
		tg_reader_problem(&p->reader, user, "has a client-%s, but no client-%s",
			certificate ? "certificate" : "key", certificate ? "key" : "certificate");
}

/* Acting with more rights than meant is worse than not at all. */
static void refuse_unsupported(struct parse *p, const struct tg_at *user)
{
	static const struct {
		const char *key, *why;
	} unsupported[] = {
		{"auth-provider", "is not supported (an exec plugin takes its place)"},
		{"as", "impersonation is not supported"},
		{"as-uid", "impersonation is not supported"},
		{"as-groups", "impersonation is not supported"},
		{"as-user-extra", "impersonation is not supported"},
	};

	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		struct tg_at at = tg_at_field(user, unsupported[i].key);

		if (at.value != NULL)
			tg_reader_problem(&p->reader, &at, "%s", unsupported[i].why);
	}
}

static void read_user(struct parse *p, const struct tg_at *at, const struct tg_at *cluster)
{
	static const char *const known[] = {"client-certificate", "client-certificate-data",
		"client-key", "client-key-data", "token", "tokenFile", "username", "password",
		"exec", "auth-provider", "as", "as-uid", "as-groups", "as-user-extra", "extensions",
		NULL};
	const struct tg_kube_access *a = p->access;
	struct tg_at exec = tg_at_field(at, "exec");

	check_fields(p, at, known);
	refuse_unsupported(p, at);
	read_certificate(p, at);
	read_token(p, at);
	read_password(p, at);
	/* With other credentials client-go does not run it. */
	if (exec.value != NULL && !has_pem(at, "client-certificate") && a->token == NULL &&
		a->token_file == NULL && a->username == NULL && a->password == NULL)
		read_exec(p, &exec, cluster);
}

/* --- the document --- */

/* One item "name: NAME, KEY: {...}" of a list of the document. */
struct named {
	struct tg_at list, item;
};

/* The item `name` of list->list into list->item; the last word on it is said here if there is none.
 */
static bool find_named(struct parse *p, struct named *named, const char *name)
{
	bool found = false;
	size_t i = 0;

	tg_read_list(&p->reader, &named->list);
	for (const struct tg_value *v = tg_at_first(&named->list); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&named->list, v, i);
		struct tg_at at = tg_at_field(&item, "name");
		const char *text = NULL;

		if (!tg_read_map(&p->reader, &item) || !tg_read_string(&p->reader, &at, &text) ||
			strcmp(text, name) != 0)
			continue;
		if (found)
			tg_reader_problem(&p->reader, &at, "is the name of an earlier one too");
		else
			named->item = item;
		found = true;
	}
	return found;
}

/* The map that the name in `from` stands for, or that is in `from` itself when `key` is NULL. */
static struct tg_at follow(struct parse *p, struct named *named, const struct tg_at *from,
	const char *name, const char *key)
{
	struct tg_at at = {.up = &named->item, .key = key};

	if (!find_named(p, named, name)) {
		tg_reader_problem(&p->reader, from, "there is no %s \"%.100s\"", key, name);
		return at;
	}
	at = tg_at_field(&named->item, key);
	if (at.value == NULL)
		tg_reader_problem(&p->reader, &at, "is required");
	else
		tg_read_map(&p->reader, &at);
	return at;
}

static bool is_map(const struct tg_at *at)
{
	return at->value != NULL && at->value->type == TG_VALUE_MAP;
}

/* The cluster or user that a context names. */
static struct tg_at follow_context(
	struct parse *p, struct named *named, const struct tg_at *context, const char *key)
{
	struct tg_at from = tg_at_field(context, key), none = {.value = NULL};
	const char *name = read_text(p, context, key);

	if (name == NULL) {
		if (from.value == NULL || from.value->type == TG_VALUE_STRING)
			tg_reader_problem(&p->reader, &from, "is required: the name of a %s", key);
		return none;
	}
	return follow(p, named, &from, name, key);
}

static bool has_secrets(const struct tg_kube_access *a)
{
	return a->token != NULL || a->token_file != NULL || a->username != NULL ||
	       a->password != NULL || a->exec != NULL;
}

static void read_context(struct parse *p, const struct tg_at *root, const struct tg_at *context)
{
	static const char *const known[] = {"cluster", "user", "namespace", "extensions", NULL};
	struct named clusters = {.list = tg_at_field(root, "clusters")};
	struct named users = {.list = tg_at_field(root, "users")};
	struct tg_at cluster, user;

	check_fields(p, context, known);
	cluster = follow_context(p, &clusters, context, "cluster");
	user = follow_context(p, &users, context, "user");
	if (is_map(&user))
		read_user(p, &user, &cluster);
	if (is_map(&cluster))
		read_cluster(p, &cluster, has_secrets(p->access));
}

/* A text that is something else altogether. */
static void check_type(struct parse *p, const struct tg_at *root)
{
	struct tg_at kind = tg_at_field(root, "kind"), version = tg_at_field(root, "apiVersion");
	const char *text = read_text(p, root, "kind");

	if (text != NULL && strcmp(text, "Config") != 0)
		tg_reader_problem(&p->reader, &kind, "expected Config");
	text = read_text(p, root, "apiVersion");
	if (text != NULL && strcmp(text, "v1") != 0)
		tg_reader_problem(&p->reader, &version, "expected v1");
}

static void read_document(struct parse *p, const struct tg_value *document)
{
	struct tg_at root = tg_at_root(document), from = tg_at_field(&root, "current-context");
	struct named contexts = {.list = tg_at_field(&root, "contexts")};
	const char *name = p->options->context;
	struct tg_at context;

	if (document == NULL || document->type != TG_VALUE_MAP) {
		tg_reader_problem(&p->reader, &root, "expected a kubeconfig");
		return;
	}
	check_type(p, &root);
	if (name == NULL)
		name = read_text(p, &root, "current-context");
	else
		from = contexts.list;
	if (name == NULL) {
		if (from.value == NULL || from.value->type == TG_VALUE_STRING)
			tg_reader_problem(
				&p->reader, &from, "is not set, and no context is asked for");
		return;
	}
	context = follow(p, &contexts, &from, name, "context");
	if (is_map(&context))
		read_context(p, &root, &context);
}

static int read_tree(struct parse *p, const struct tg_tree *tree, char **error)
{
	read_document(p, tg_tree_count(tree) == 1 ? tg_tree_document(tree, 0) : NULL);
	if (p->err != 0)
		return p->err;
	if (tg_reader_count(&p->reader) == 0)
		return 0;
	if (p->reader.problems.n == 0)
		return -ENOMEM;
	*error = tg_reader_text(&p->reader, p->file);
	return *error != NULL ? -EINVAL : -ENOMEM;
}

int kube_access_parse(const struct tg_kube_access_options *options, bool look, const char *file,
	const void *text, size_t size, struct tg_kube_access **out, char **error)
{
	struct parse p = {.options = options, .file = file, .look = look};
	struct kube_access *made;
	struct tg_tree_error bad;
	struct tg_tree *tree;
	int err;

	*error = NULL;
	err = tg_tree_parse_secret(text, size, &tree, &bad);
	if (err == -EINVAL && asprintf(error, "%s:%u: %s", file, bad.line, bad.text) < 0) {
		*error = NULL;
		err = -ENOMEM;
	}
	if (err != 0)
		return err;
	made = kube_access_create();
	if (made == NULL) {
		err = -ENOMEM;
		goto free_tree;
	}
	p.access = &made->access;
	tg_reader_init(&p.reader, made->arena);
	err = read_tree(&p, tree, error);
	tg_reader_free(&p.reader);
	if (err == 0)
		*out = &made->access;
	else
		tg_kube_access_free(&made->access);
free_tree:
	tg_tree_free(tree);
	return err;
}

int tg_kube_access_parse(const struct tg_kube_access_options *options, const char *file,
	const void *text, size_t size, struct tg_kube_access **out, char **error)
{
	return kube_access_parse(options, false, file, text, size, out, error);
}

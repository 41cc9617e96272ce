/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "clusters.h"
#include "file.h"
#include "infrastructure.h"
#include "reader.h"
#include "zones.h"

#define CONFIG_SIZE_MAX (4u << 20)
#define DEBOUNCE_MS 10
#define RESCAN_S 60

/* The public part and what it lives in. */
struct owned {
	struct tg_config config;
	struct tg_arena *arena;
};

/* One text of the file while it is read. */
struct parse {
	struct tg_reader reader;
	struct tg_config *config;
	const char *file;
	int err; /* -ENOMEM */
};

struct tg_config *tg_config_default(void)
{
	struct owned *o = calloc(1, sizeof(*o));
	struct tg_config *c;

	if (o == NULL)
		return NULL;
	o->arena = tg_arena_create(0);
	if (o->arena == NULL) {
		free(o);
		return NULL;
	}
	c = &o->config;
	c->dataplane_socket = TG_CONFIG_SOCKET;
	c->http.enabled = true;
	tg_addr_parse(TG_CONFIG_LISTEN, &c->http.addr);
	c->http.port = TG_CONFIG_PORT;
	c->debounce_ms = DEBOUNCE_MS;
	c->rescan_s = RESCAN_S;
	c->log_level = TG_LOG_INFO;
	return c;
}

void tg_config_free(struct tg_config *config)
{
	struct owned *o = (struct owned *)config;

	if (o == NULL)
		return;
	tg_arena_free(o->arena);
	free(o);
}

/* --- values --- */

static const char *read_path(struct parse *p, const struct tg_at *at)
{
	return tg_config_read_path(&p->reader, at, p->file, &p->err);
}

static void read_manifests(struct parse *p, const struct tg_at *at)
{
	size_t n = at->value != NULL && at->value->type == TG_VALUE_LIST ? at->value->n : 1, i = 0;
	const char **paths = tg_arena_calloc(p->reader.arena, n + 1, sizeof(*paths));
	const struct tg_value *v;

	p->config->manifests = paths;
	if (paths == NULL) {
		p->err = -ENOMEM;
		return;
	}
	if (at->value == NULL)
		return;
	if (at->value->type != TG_VALUE_LIST) {
		paths[p->config->n_manifests++] = read_path(p, at);
	} else {
		for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
			struct tg_at item = tg_at_item(at, v, i);

			if (item.value == NULL)
				tg_reader_problem(&p->reader, &item, "expected a path");
			paths[p->config->n_manifests++] = read_path(p, &item);
		}
	}
}

static void read_clusters(struct parse *p, const struct tg_at *at)
{
	if (tg_config_read_clusters(&p->reader, at, p->file, p->config) != 0)
		p->err = -ENOMEM;
}

static void read_socket(struct parse *p, const struct tg_at *at)
{
	const char *path = read_path(p, at);

	if (path == NULL)
		return;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		tg_reader_problem(&p->reader, at, "too long for the path of a unix socket");
	p->config->dataplane_socket = path;
}

static void read_state_directory(struct parse *p, const struct tg_at *at)
{
	p->config->state_directory = read_path(p, at);
}

/* "127.0.0.1:9469", "[::1]:9469" */
static bool listen_parse(const char *text, struct tg_addr *addr, uint16_t *port)
{
	char host[TG_ADDR_TEXT + 2], *from = host;
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	unsigned int number;
	int end = 0;

	if (colon == NULL || n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		from++;
	} else if (strchr(host, ':') != NULL) {
		return false;
	}
	if (sscanf(colon, ":%5u%n", &number, &end) != 1 || colon[end] != '\0' || number > 65535)
		return false;
	*port = (uint16_t)number;
	return tg_addr_parse(from, addr) == 0;
}

static void read_http(struct parse *p, const struct tg_at *at)
{
	static const char *const known[] = {"listen", NULL};
	struct tg_at where = tg_at_field(at, "listen");
	const char *text = NULL;
	bool on = true;

	if (at->value != NULL && at->value->type == TG_VALUE_BOOL) {
		tg_read_bool(&p->reader, at, &on);
		p->config->http.enabled = on;
		return;
	}
	if (!tg_read_map(&p->reader, at))
		return;
	tg_read_known(&p->reader, at, known);
	if (!tg_read_string(&p->reader, &where, &text))
		return;
	if (!listen_parse(text, &p->config->http.addr, &p->config->http.port))
		tg_reader_problem(&p->reader, &where,
			"expected an address and a port such as 127.0.0.1:9469, not \"%s\"", text);
}

/* The number of the word in `words` (ends with NULL); *out is left alone otherwise. */
static void read_word(
	struct parse *p, const struct tg_at *at, const char *const *words, unsigned int *out)
{
	char expected[128] = "";
	const char *text = NULL;

	if (!tg_read_string(&p->reader, at, &text))
		return;
	for (unsigned int i = 0; words[i] != NULL; i++) {
		size_t used = strlen(expected);

		if (strcmp(words[i], text) == 0) {
			*out = i;
			return;
		}
		snprintf(expected + used, sizeof(expected) - used, "%s%s",
			i == 0		       ? ""
			: words[i + 1] != NULL ? ", "
					       : " or ",
			words[i]);
	}
	tg_reader_problem(&p->reader, at, "expected %s, not \"%s\"", expected, text);
}

static void read_default_action(struct parse *p, const struct tg_at *at)
{
	static const char *const words[] = {"deny", "audit", "kubernetes", NULL};
	static const char *const known[] = {"ingress", "egress", NULL};
	unsigned int action[TG_DIRECTION_COUNT] = {TG_DEFAULT_DENY, TG_DEFAULT_DENY};

	if (at->value != NULL && at->value->type == TG_VALUE_MAP) {
		struct tg_at ingress = tg_at_field(at, "ingress");
		struct tg_at egress = tg_at_field(at, "egress");

		tg_read_known(&p->reader, at, known);
		read_word(p, &ingress, words, &action[TG_INGRESS]);
		read_word(p, &egress, words, &action[TG_EGRESS]);
	} else {
		read_word(p, at, words, &action[TG_INGRESS]);
		action[TG_EGRESS] = action[TG_INGRESS];
	}
	for (int d = 0; d < TG_DIRECTION_COUNT; d++)
		p->config->compile.default_action[d] = (enum tg_default_action)action[d];
}

static void read_transit(struct parse *p, const struct tg_at *at)
{
	static const char *const words[] = {"deny", "allow", NULL};
	unsigned int word = 0;

	read_word(p, at, words, &word);
	p->config->compile.transit_allow = word == 1;
}

static void read_zone(struct parse *p, const struct tg_at *at)
{
	tg_config_read_zone(&p->reader, at, &p->config->compile.home);
}

static void read_pod_ranges(struct parse *p, const struct tg_at *at)
{
	if (tg_config_read_pod_ranges(&p->reader, at, &p->config->compile.home) != 0)
		p->err = -ENOMEM;
}

static void read_node_addresses(struct parse *p, const struct tg_at *at)
{
	if (tg_config_read_node_addresses(&p->reader, at, &p->config->compile.home) != 0)
		p->err = -ENOMEM;
}

static void read_infrastructure(struct parse *p, const struct tg_at *at)
{
	if (tg_config_read_infrastructure(&p->reader, at, &p->config->compile) != 0)
		p->err = -ENOMEM;
}

static void read_cell_budget(struct parse *p, const struct tg_at *at)
{
	int64_t budget = 0;

	tg_read_int(&p->reader, at, 1, 1 << 26, &budget);
	p->config->compile.cell_budget = (uint32_t)budget;
}

static void read_max_connections(struct parse *p, const struct tg_at *at)
{
	int64_t limit = 0;

	tg_read_int(&p->reader, at, 1, (int64_t)TG_UNLIMITED - 1, &limit);
	p->config->compile.max_connections = (uint32_t)limit;
}

static void read_debounce(struct parse *p, const struct tg_at *at)
{
	int64_t ms = DEBOUNCE_MS;

	tg_read_int(&p->reader, at, 1, 10000, &ms);
	p->config->debounce_ms = (unsigned int)ms;
}

static void read_rescan(struct parse *p, const struct tg_at *at)
{
	int64_t s = RESCAN_S;

	tg_read_int(&p->reader, at, 0, 86400, &s);
	p->config->rescan_s = (unsigned int)s;
}

static void read_log_level(struct parse *p, const struct tg_at *at)
{
	static const char *const words[] = {"error", "warning", "info", "debug", NULL};
	unsigned int level = TG_LOG_INFO;

	read_word(p, at, words, &level);
	p->config->log_level = (enum tg_log_level)level;
}

/* --- the file --- */

static const struct {
	const char *key;
	void (*read)(struct parse *p, const struct tg_at *at);
} keys[] = {
	{"manifests", read_manifests},
	{"dataplane-socket", read_socket},
	{"state-directory", read_state_directory},
	{"http", read_http},
	{"default-action", read_default_action},
	{"transit", read_transit},
	{"zone", read_zone},
	{"clusters", read_clusters}, /* theirs is the same when they do not say it */
	{"pod-ranges", read_pod_ranges},
	{"node-addresses", read_node_addresses},
	{"infrastructure", read_infrastructure},
	{"cell-budget", read_cell_budget},
	{"connections-per-namespace", read_max_connections},
	{"debounce", read_debounce},
	{"rescan", read_rescan},
	{"log-level", read_log_level},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void read_document(struct parse *p, const struct tg_value *document)
{
	struct tg_at root = tg_at_root(document), at;
	const char *known[KEYS + 1] = {NULL};

	if (document == NULL || document->type != TG_VALUE_MAP) {
		tg_reader_problem(&p->reader, &root, "expected a map of settings");
		return;
	}
	for (size_t i = 0; i < KEYS; i++)
		known[i] = keys[i].key;
	tg_read_known(&p->reader, &root, known);
	tg_read_no_duplicates(&p->reader, &root);
	for (size_t i = 0; i < KEYS; i++) {
		at = tg_at_field(&root, keys[i].key);
		keys[i].read(p, &at);
	}
	tg_config_set_scopes(p->config);
	at = tg_at_field(&root, "manifests");
	if (p->config->n_manifests + p->config->n_clusters == 0)
		tg_reader_problem(&p->reader, &at,
			"is required, or clusters: a folder of manifests, or several");
}

static int read_tree(struct parse *p, const struct tg_tree *tree, char **error)
{
	if (tg_tree_count(tree) == 1) {
		read_document(p, tg_tree_document(tree, 0));
	} else {
		struct tg_at root = tg_at_root(NULL);

		tg_reader_problem(&p->reader, &root, "expected one document");
	}
	if (p->err != 0)
		return p->err;
	if (tg_reader_count(&p->reader) == 0)
		return 0;
	*error = tg_reader_text(&p->reader, p->file);
	return *error != NULL ? -EINVAL : -ENOMEM;
}

int tg_config_parse(
	const char *file, const void *text, size_t size, struct tg_config **out, char **error)
{
	struct parse p = {.file = file};
	struct tg_tree_error bad;
	struct tg_tree *tree;
	int err;

	*error = NULL;
	p.config = tg_config_default();
	if (p.config == NULL)
		return -ENOMEM;
	err = tg_tree_parse(text, size, &tree, &bad);
	if (err != 0) {
		if (err == -EINVAL && asprintf(error, "%s:%u: %s", file, bad.line, bad.text) < 0)
			*error = NULL;
		goto free_config;
	}
	tg_reader_init(&p.reader, ((struct owned *)p.config)->arena);
	err = read_tree(&p, tree, error);
	tg_reader_free(&p.reader);
	tg_tree_free(tree);
	if (err != 0)
		goto free_config;
	*out = p.config;
	return 0;

free_config:
	tg_config_free(p.config);
	return err;
}

int tg_config_load(const char *file, struct tg_config **out, char **error)
{
	size_t size = 0;
	char *text = NULL;
	int err = tg_read_file(file, CONFIG_SIZE_MAX, &text, &size);

	*error = NULL;
	if (err != 0) {
		if (asprintf(error, "%s: %s", file, strerror(-err)) < 0)
			*error = NULL;
		return err;
	}
	err = tg_config_parse(file, text, size, out, error);
	free(text);
	return err;
}

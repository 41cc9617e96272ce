/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams that no API server sends, in place of a watch and of a list, of each kind that decides:
 * whatever is made of them allows nothing that was not allowed before, and when the server is
 * itself again everything is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster.h"
#include "compile.h"
#include "double.h"
#include "image.h"
#include "log.h"
#include "patience.h"
#include "served.h"

#define PODS 4
#define PORTS 3
#define TCP 6

static const char *const addresses[PODS] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "203.0.113.9"};
static const uint16_t ports[PORTS] = {53, 80, 443};

/* What is allowed: one bit a source, destination and port. */
struct allowed {
	bool v[PODS][PODS][PORTS];
};

struct fixture {
	struct patience patience;
	struct kube_double *server;
	struct tg_kube_access access;
	struct tg_config_cluster config;
	struct tg_cluster_options options;
	struct tg_store *store;
	struct tg_compiler *compiler;
	struct tg_cluster_source *source;
	const char *resource, *path; /* whose stream it is */
	size_t fault;
	size_t asked; /* before the fault was met */
	uint64_t lists;
};

static void nothing(void *ctx)
{
}

static void run_until(
	struct fixture *f, bool (*done)(struct fixture *f), const char *what, const char *name)
{
	if (!patience_until(&f->patience, done(f)))
		fail_msg("%s of %s: it did not happen: %s", name, f->resource, what);
}

static bool is_synced(struct fixture *f)
{
	return tg_cluster_source_synced(f->source);
}

/* It was answered so, and then asked again: what it was told has been taken in. */
static bool was_seen(struct fixture *f)
{
	size_t asked = double_count_requests(f->server, DOUBLE_ANY, f->path);

	if (double_fault_hits(f->server, f->fault) == 0)
		f->asked = asked;
	return double_fault_hits(f->server, f->fault) != 0 && asked > f->asked + 1;
}

static bool is_itself(struct fixture *f)
{
	struct tg_reflector_status status = served_feed(f->source, f->resource).reflector;

	return status.state == TG_REFLECTOR_WATCHING && status.lists > f->lists &&
	       strtoull(status.resource_version, NULL, 10) == double_revision(f->server);
}

static void put(
	struct fixture *f, const char *resource, const char *ns, const char *name, const char *json)
{
	assert_int_not_equal(double_put(f->server, resource, ns, name, json), 0);
}

/* web may reach api on 80, and nobody anything else. */
static void fill(struct fixture *f)
{
	put(f, "namespaces", NULL, "shop", "{\"metadata\":{\"labels\":{\"team\":\"shop\"}}}");
	put(f, "nodes", NULL, "n1", "{\"spec\":{\"podCIDR\":\"10.0.0.0/24\"}}");
	served_put_pod(f->server, "shop", "web", addresses[0]);
	served_put_pod(f->server, "shop", "api", addresses[1]);
	served_put_pod(f->server, "shop", "db", addresses[2]);
	put(f, "networkpolicies", "shop", "deny",
		"{\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"]}}");
	put(f, "networkpolicies", "shop", "api",
		"{\"spec\":{\"podSelector\":{\"matchLabels\":{\"app\":\"api\"}},\"ingress\":[{"
		"\"from\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}}}],"
		"\"ports\":[{\"port\":80}]}]}}");
	put(f, "networkpolicies", "shop", "web",
		"{\"spec\":{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"policyTypes\":["
		"\"Egress\"],\"egress\":[{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":"
		"\"api\"}}}]}]}}");
}

static int setup(void **state)
{
	static const struct tg_cluster_handler handler = {nothing, nothing};
	const struct double_options server = {
		.version = DOUBLE_1_20, .bookmark_ms = 50, .burst = 10000, .retries = 10000};
	struct fixture *f = calloc(1, sizeof(*f));
	char *error;

	tg_log_init("test", TG_LOG_ERR);
	patience_begin(&f->patience);
	assert_int_equal(double_create(&f->patience.loop, &server, &f->server), 0);
	fill(f);
	f->config.name = "prod";
	f->access.server = double_url(f->server);
	f->options = (struct tg_cluster_options){
		.config = &f->config,
		.access = &f->access,
		.times = {.wait_min = 5, .wait_max = 20, .silence = 500, .list_silence = 500},
		.discovery_ms = 100000,
	};
	f->store = tg_store_create();
	f->compiler = tg_compiler_create();
	assert_int_equal(tg_cluster_source_create(&f->patience.loop, f->store, &f->options,
				 &handler, f, &f->source, &error),
		0);
	f->resource = "everything";
	run_until(f, is_synced, "the first lists", "setup");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tg_cluster_source_free(f->source);
	tg_store_free(f->store);
	tg_compiler_free(f->compiler);
	double_close(f->server);
	patience_end(&f->patience);
	free(f);
	return 0;
}

/* With the API's own default: what no policy isolates is open, so that a lost policy shows. */
static struct allowed judge(struct fixture *f)
{
	const struct tg_compile_options options = {
		.default_action = {TG_DEFAULT_KUBERNETES, TG_DEFAULT_KUBERNETES}, .generation = 1};
	struct tg_view *view = tg_store_view(f->store);
	struct allowed allowed = {0};
	struct tg_compiled *compiled;
	struct tg_image_error error;
	struct tg_image image;
	char why[256] = "";
	const void *data;
	size_t size;

	if (tg_compile(f->compiler, &view->cluster, &options, &compiled, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	tg_view_release(f->store, view);
	data = tg_compiled_image(compiled, &size);
	assert_int_equal(tg_image_check(data, size, &image, &error), 0);
	for (size_t s = 0; s < PODS; s++)
		for (size_t d = 0; d < PODS; d++)
			for (size_t p = 0; p < PORTS; p++) {
				struct tg_image_query query = {.protocol = TCP, .dport = ports[p]};
				struct tg_image_answer answer;

				tg_addr_parse(addresses[s], &query.src);
				tg_addr_parse(addresses[d], &query.dst);
				tg_image_judge(&image, &query, &answer);
				allowed.v[s][d][p] = s != d && answer.action != TG_ACTION_DENY;
			}
	tg_compiled_free(compiled);
	return allowed;
}

static void check_subset(
	const struct allowed *now, const struct allowed *before, const char *what, const char *name)
{
	for (size_t s = 0; s < PODS; s++)
		for (size_t d = 0; d < PODS; d++)
			for (size_t p = 0; p < PORTS; p++)
				if (now->v[s][d][p] && !before->v[s][d][p])
					fail_msg("%s of %s opens %s -> %s:%u", name, what,
						addresses[s], addresses[d], ports[p]);
}

#define OBJECT(name, rest)                \
	"{\"metadata\":{\"name\":\"" name \
	"\",\"namespace\":\"shop\",\"resourceVersion\":\"999999\"}" rest "}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define LIST(kind, meta, items)                                                                  \
	"{\"kind\":\"" kind "\",\"apiVersion\":\"v1\",\"metadata\":{" meta "},\"items\":[" items \
	"]}"
#define VERSION "\"resourceVersion\":\"999999\""

/* Each is answered in full, with status 200. */
static const struct {
	const char *name, *body;
} streams[] = {
	/* in place of a watch */
	{"a deletion that is cut",
		"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"deny\""},
	{"a deletion without its end", "{\"type\":\"DELETED\",\"object\":" OBJECT("deny", "")},
	{"a deletion without a version",
		EVENT("DELETED", "{\"metadata\":{\"name\":\"deny\",\"namespace\":\"shop\"}}")},
	{"a deletion of long ago",
		EVENT("DELETED",
			"{\"metadata\":{\"name\":\"deny\",\"namespace\":\"shop\",\"resourceVersion\":"
			"\"1\"}}")},
	{"an unknown type", EVENT("REMOVED", OBJECT("deny", ""))},
	{"a type in lower case", EVENT("deleted", OBJECT("deny", ""))},
	{"a type that is no text",
		"{\"type\":{\"a\":\"DELETED\"},\"object\":" OBJECT("deny", "") "}\n"},
	{"two types",
		"{\"type\":\"BOOKMARK\",\"type\":\"DELETED\",\"object\":" OBJECT("deny", "") "}\n"},
	{"two objects", "{\"type\":\"DELETED\",\"object\":" OBJECT("x", "") ",\"object\":" OBJECT(
				"deny", "") "}\n"},
	{"two names",
		EVENT("DELETED",
			"{\"metadata\":{\"name\":\"x\",\"name\":\"deny\",\"namespace\":\"shop\","
			"\"resourceVersion\":\"999999\"}}")},
	{"two metadata",
		EVENT("DELETED", "{\"metadata\":{\"name\":\"x\"},\"metadata\":{\"name\":\"deny\","
				 "\"namespace\":\"shop\",\"resourceVersion\":\"999999\"}}")},
	{"a name of somebody else",
		EVENT("DELETED",
			"{\"metadata\":{\"namespace\":\"shop\",\"resourceVersion\":\"999999\","
			"\"ownerReferences\":[{\"name\":\"deny\"}]}}")},
	{"an event in an event",
		EVENT("BOOKMARK",
			"{\"metadata\":{\"resourceVersion\":\"999999\"},\"items\":[" EVENT(
				"DELETED", OBJECT("deny", "")) "]}")},
	{"an event in a text",
		"{\"type\":\"BOOKMARK\",\"object\":\"{\\\"type\\\":\\\"DELETED\\\"}\"}\n"},
	{"a deletion after an error", EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500}")
					      EVENT("DELETED", OBJECT("deny", ""))},
	{"an error that deletes", EVENT("ERROR", OBJECT("deny", ""))},
	{"a stream of another kind", EVENT("ADDED", OBJECT("deny", ",\"kind\":\"ConfigMap\""))},
	{"a policy with a field of the future",
		EVENT("MODIFIED",
			OBJECT("deny", ",\"spec\":{\"podSelector\":{},\"allowEverything\":true,"
				       "\"ingress\":[{}]}"))},
	{"a policy with a key twice",
		EVENT("MODIFIED",
			OBJECT("deny",
				",\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],"
				"\"policyTypes\":[]}"))},
	{"a policy whose spec is a text", EVENT("MODIFIED", OBJECT("deny", ",\"spec\":\"{}\""))},
	{"binary", "\x01\x02\xff\xfe{\"type\":\"DELETED\"}"},
	{"brackets", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["},
	/* in place of a list */
	{"an empty map", "{}"},
	{"a list without a version", LIST("NetworkPolicyList", "", "")},
	{"a list of version 0", LIST("NetworkPolicyList", "\"resourceVersion\":\"0\"", "")},
	{"a list of another kind", LIST("ConfigMapList", VERSION, "")},
	{"a list without items", "{\"kind\":\"NetworkPolicyList\",\"metadata\":{" VERSION "}}"},
	{"items that are no list",
		"{\"kind\":\"NetworkPolicyList\",\"apiVersion\":\"v1\",\"metadata\":{" VERSION
		"},\"items\":{}}"},
	{"two items", "{\"kind\":\"NetworkPolicyList\",\"apiVersion\":\"v1\",\"metadata\":{" VERSION
		      "},\"items\":[],\"items\":[]}"},
	{"a list that is cut",
		"{\"kind\":\"NetworkPolicyList\",\"apiVersion\":\"v1\",\"metadata\":{" VERSION
		"},\"items\":["},
	{"a Status", "{\"kind\":\"Status\",\"status\":\"Success\",\"metadata\":{" VERSION "}}"},
	{"a page for people", "<html><body>Welcome to the proxy</body></html>"},
};

#define N_STREAMS (sizeof(streams) / sizeof(streams[0]))

/* Everything is as the server says, whatever was made of what came before. */
static void heal(struct fixture *f, const char *name)
{
	double_clear_faults(f->server);
	f->lists = served_feed(f->source, f->resource).reflector.lists;
	tg_cluster_source_relist(f->source);
	run_until(f, is_itself, "the server's own list", name);
}

static void hostile(
	struct fixture *f, const char *resource, const char *path, enum double_verb verb)
{
	const struct allowed before = judge(f);
	size_t open = 0;

	for (size_t s = 0; s < PODS * PODS * PORTS; s++)
		open += ((const bool *)before.v)[s];
	assert_int_not_equal(open, 0);
	f->resource = resource;
	f->path = path;
	for (size_t i = 0; i < N_STREAMS; i++) {
		const struct double_fault fault = {
			.kind = DOUBLE_STATUS,
			.verb = verb,
			.path = path,
			.status = 200,
			.body = streams[i].body,
		};
		struct allowed now;

		f->fault = double_fault(f->server, &fault);
		if (verb == DOUBLE_WATCH)
			double_end_watches(f->server, resource);
		else
			tg_cluster_source_relist(f->source);
		run_until(f, was_seen, "that it is seen", streams[i].name);
		now = judge(f);
		check_subset(&now, &before, resource, streams[i].name);
		heal(f, streams[i].name);
		now = judge(f);
		assert_memory_equal(&now, &before, sizeof(now));
	}
}

static void no_watch_opens_anything(void **state)
{
	hostile(*state, "networkpolicies", "/apis/networking.k8s.io/v1/networkpolicies",
		DOUBLE_WATCH);
	hostile(*state, "pods", "/api/v1/pods", DOUBLE_WATCH);
	hostile(*state, "namespaces", "/api/v1/namespaces", DOUBLE_WATCH);
}

static void no_list_opens_anything(void **state)
{
	hostile(*state, "networkpolicies", "/apis/networking.k8s.io/v1/networkpolicies",
		DOUBLE_LIST);
	hostile(*state, "pods", "/api/v1/pods", DOUBLE_LIST);
	hostile(*state, "namespaces", "/api/v1/namespaces", DOUBLE_LIST);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_watch_opens_anything),
		TEST(no_list_opens_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

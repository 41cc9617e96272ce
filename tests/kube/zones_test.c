/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two clusters whose names and addresses are the same, read from doubles of their API servers into
 * one ruleset: none can tell of the other, in zones of their own nor in one.
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

#define CLUSTERS 2
#define TCP 6

struct fixture {
	struct patience patience;
	struct tg_config *config;
	struct tg_store *store;
	struct tg_compiler *compiler;
	struct kube_double *server[CLUSTERS];
	struct tg_kube_access access[CLUSTERS];
	struct tg_cluster_options options[CLUSTERS];
	struct tg_cluster_source *source[CLUSTERS];
	size_t n_pods; /* that are waited for */
};

static void on_event(void *ctx)
{
}

static bool is_complete(const struct fixture *f)
{
	struct tg_store_stats stats;

	for (size_t i = 0; i < CLUSTERS; i++)
		if (!tg_cluster_source_synced(f->source[i]))
			return false;
	tg_store_stats(f->store, &stats);
	assert_int_equal(stats.files_refused, 0);
	return stats.pods == f->n_pods;
}

static void wait_for_pods(struct fixture *f, size_t n)
{
	f->n_pods = n;
	assert_true(patience_until(&f->patience, is_complete(f)));
}

static void start(struct fixture *f, size_t i)
{
	static const struct tg_cluster_handler handler = {on_event, on_event};
	char *error;

	f->access[i].server = double_url(f->server[i]);
	f->options[i] = (struct tg_cluster_options){
		.config = &f->config->clusters[i],
		.access = &f->access[i],
		.times = {.wait_min = 20, .wait_max = 100, .silence = 1000, .list_silence = 1000},
	};
	assert_int_equal(tg_cluster_source_create(&f->patience.loop, f->store, &f->options[i],
				 &handler, f, &f->source[i], &error),
		0);
}

/* With servers that are empty; `text` is the configuration. */
static struct fixture *open_clusters(const char *text)
{
	const struct double_options server = {.version = DOUBLE_1_34, .bookmark_ms = 50};
	struct fixture *f = calloc(1, sizeof(*f));
	char *error = NULL;

	assert_non_null(f);
	tg_log_init("test", TG_LOG_ERR);
	if (tg_config_parse("ctrl.yaml", text, strlen(text), &f->config, &error) != 0)
		fail_msg("%s", error);
	assert_int_equal(f->config->n_clusters, CLUSTERS);
	patience_begin(&f->patience);
	f->store = tg_store_create();
	f->compiler = tg_compiler_create();
	tg_store_set_scope(f->store, &f->config->scope);
	for (size_t i = 0; i < CLUSTERS; i++)
		assert_int_equal(double_create(&f->patience.loop, &server, &f->server[i]), 0);
	return f;
}

static void close_clusters(struct fixture *f)
{
	for (size_t i = 0; i < CLUSTERS; i++)
		tg_cluster_source_free(f->source[i]);
	tg_store_free(f->store);
	tg_compiler_free(f->compiler);
	for (size_t i = 0; i < CLUSTERS; i++) {
		assert_int_equal(double_wrongs(f->server[i]), 0);
		double_close(f->server[i]);
	}
	patience_end(&f->patience);
	tg_config_free(f->config);
	free(f);
}

/* A cluster with two pods, in 10.0.NET.0/24, and a policy for all of them. */
static void fill(struct kube_double *server, unsigned int net, const char *policy)
{
	char text[512];

	double_put(server, "namespaces", NULL, "shop",
		"{\"metadata\":{\"labels\":{\"team\":\"shop\"}}}");
	snprintf(text, sizeof(text),
		"{\"spec\":{\"podCIDR\":\"10.0.%u.0/24\"},\"status\":{\"addresses\":"
		"[{\"type\":\"InternalIP\",\"address\":\"192.0.2.%u\"}]}}",
		net, net + 1);
	double_put(server, "nodes", NULL, "n1", text);
	snprintf(text, sizeof(text), "10.0.%u.1", net);
	served_put_pod(server, "shop", "web", text);
	snprintf(text, sizeof(text), "10.0.%u.2", net);
	served_put_pod(server, "shop", "api", text);
	snprintf(text, sizeof(text),
		"{\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"]%s}}",
		policy);
	assert_int_not_equal(double_put(server, "networkpolicies", "shop", "p", text), 0);
}

#define TO_NAMESPACES(selector)                                                        \
	",\"ingress\":[{\"from\":[{\"namespaceSelector\":" selector "}]}],\"egress\":" \
	"[{\"to\":[{\"namespaceSelector\":" selector "}]}]"
#define TO_EVERYTHING ",\"ingress\":[{}],\"egress\":[{}]"

struct ruleset {
	struct tg_compiled *compiled;
	struct tg_image image;
};

static struct ruleset compile(struct fixture *f)
{
	struct tg_compile_options options = f->config->compile;
	struct tg_view *view = tg_store_view(f->store);
	struct tg_image_error error;
	struct ruleset out;
	char why[256] = "";
	const void *data;
	size_t size;

	assert_non_null(view);
	options.generation = 1;
	if (tg_compile(f->compiler, &view->cluster, &options, &out.compiled, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	tg_view_release(f->store, view);
	data = tg_compiled_image(out.compiled, &size);
	assert_int_equal(tg_image_check(data, size, &out.image, &error), 0);
	return out;
}

/* `says` is "ACTION NAMESPACE POLICY" of the rule on the ingress side, or "ACTION BUILTIN". */
static void expect(const struct ruleset *ruleset, uint16_t zone, const char *src, const char *dst,
	const char *says)
{
	struct tg_image_query query = {.zone = zone, .protocol = TCP, .dport = 80};
	const struct tg_image *image = &ruleset->image;
	const struct tg_image_rule *rule;
	struct tg_image_answer answer;
	uint32_t verdict, slot;
	char got[256];

	assert_int_equal(tg_addr_parse(src, &query.src), 0);
	assert_int_equal(tg_addr_parse(dst, &query.dst), 0);
	tg_image_judge(image, &query, &answer);
	verdict = answer.side[TG_INGRESS].verdict;
	slot = tg_verdict_slot(verdict);
	rule = slot >= TG_SLOT_FIRST ? tg_image_rule_of(image, slot) : NULL;
	if (rule != NULL)
		snprintf(got, sizeof(got), "%s %s %s", tg_action_label(tg_verdict_action(verdict)),
			image->strings + rule->ns, image->strings + rule->policy);
	else
		snprintf(got, sizeof(got), "%s %s", tg_action_label(tg_verdict_action(verdict)),
			tg_builtin_label(slot));
	if (strcmp(got, says) != 0)
		fail_msg("%s -> %s in zone %u: %s, not %s", src, dst, zone, got, says);
}

static void the_same_names_and_addresses_in_two_zones(void **state)
{
	struct fixture *f = open_clusters("manifests: m\n"
					  "clusters:\n"
					  "- {name: east, zone: 1}\n"
					  "- {name: west, zone: 40000}\n");
	static const char manifest[] = "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"
				       "\"NetworkPolicy\",\"metadata\":{\"namespace\":\"shop\","
				       "\"name\":\"p\"},\"spec\":{\"podSelector\":{}" TO_EVERYTHING
				       "}}";
	struct ruleset ruleset;

	fill(f->server[0], 0, TO_EVERYTHING);
	fill(f->server[1], 0, "");
	assert_int_equal(tg_store_load(f->store, "m/p.json", manifest, strlen(manifest)), 0);
	for (size_t i = 0; i < CLUSTERS; i++)
		start(f, i);
	wait_for_pods(f, 4);
	ruleset = compile(f);
	expect(&ruleset, 1, "10.0.0.2", "10.0.0.1", "allow east/shop p");
	expect(&ruleset, 40000, "10.0.0.2", "10.0.0.1", "deny west/shop p");
	expect(&ruleset, 40000, "203.0.113.9", "10.0.0.1", "deny west/shop p");
	expect(&ruleset, 0, "10.0.0.2", "10.0.0.1", "deny transit");
	expect(&ruleset, 2, "10.0.0.2", "10.0.0.1", "deny fail-closed");
	expect(&ruleset, 1, "192.0.2.1", "10.0.0.1", "allow east/shop p");
	expect(&ruleset, 40000, "192.0.2.1", "10.0.0.1", "allow own-node");
	tg_compiled_free(ruleset.compiled);
	close_clusters(f);
}

/* One is opened and closed while the other stays as it is; its pods come and go. */
static void one_changes_the_other_stays(void **state)
{
	struct fixture *f = open_clusters("clusters:\n"
					  "- {name: east}\n"
					  "- {name: west, zone: 7}\n");
	struct tg_placement place;
	struct tg_changes *changes;
	struct ruleset ruleset;

	fill(f->server[0], 0, TO_NAMESPACES("{}"));
	fill(f->server[1], 0, TO_NAMESPACES("{}"));
	for (size_t i = 0; i < CLUSTERS; i++)
		start(f, i);
	wait_for_pods(f, 4);
	tg_changes_release(f->store, tg_store_take_changes(f->store));
	ruleset = compile(f);
	expect(&ruleset, 0, "10.0.0.2", "10.0.0.1", "allow east/shop p");
	expect(&ruleset, 7, "10.0.0.2", "10.0.0.1", "allow west/shop p");
	/* The address of a pod of the east, which goes there, is still somebody's in the west. */
	double_delete(f->server[0], "pods", "shop", "web");
	wait_for_pods(f, 3);
	changes = tg_store_take_changes(f->store);
	assert_false(changes->other);
	assert_int_equal(changes->n_pods, 1);
	assert_int_equal(
		tg_compiled_vacate_pod(ruleset.compiled, changes->pods[0].before, NULL, &place), 1);
	assert_int_equal(place.zone, 0);
	tg_changes_release(f->store, changes);
	tg_compiled_free(ruleset.compiled);
	ruleset = compile(f);
	expect(&ruleset, 0, "10.0.0.2", "10.0.0.1", "deny unknown-endpoint");
	expect(&ruleset, 7, "10.0.0.2", "10.0.0.1", "allow west/shop p");
	tg_compiled_free(ruleset.compiled);
	close_clusters(f);
}

/* In one zone they meet as addresses: a selector does not reach the other, an ipBlock does. */
static void two_clusters_in_one_zone(void **state)
{
	struct fixture *f = open_clusters("clusters: [{name: east}, {name: west}]\n");
	struct ruleset ruleset;

	fill(f->server[0], 0, TO_NAMESPACES("{}"));
	fill(f->server[1], 1, TO_EVERYTHING);
	for (size_t i = 0; i < CLUSTERS; i++)
		start(f, i);
	wait_for_pods(f, 4);
	ruleset = compile(f);
	expect(&ruleset, 0, "10.0.0.2", "10.0.0.1", "allow east/shop p");
	expect(&ruleset, 0, "10.0.1.2", "10.0.0.1", "deny east/shop p");
	expect(&ruleset, 0, "10.0.0.2", "10.0.1.1", "allow west/shop p");
	tg_compiled_free(ruleset.compiled);
	close_clusters(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_names_and_addresses_in_two_zones),
		cmocka_unit_test(one_changes_the_other_stays),
		cmocka_unit_test(two_clusters_in_one_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
